//! EKS, Systems Manager, the price list, queues and zonal shift.

use std::time::Duration;

use async_trait::async_trait;
use aws::{Failure, Operation};

use super::{Fake, Request};
use crate::calls::{Eks, EksCluster, Message, Pricing, Shift, Sqs, Ssm, ZonalShift};

/// For how long a message is not seen by others.
const VISIBILITY: Duration = Duration::from_secs(20);
/// For how long a receive waits.
const LONG_POLL: Duration = Duration::from_secs(20);
/// Between two looks of a receive that waits.
const LOOK: Duration = Duration::from_millis(100);
/// Most messages of one receive.
const MOST: usize = 10;

#[async_trait]
impl Eks for Fake {
    async fn cluster(&self, name: &str) -> Result<EksCluster, Failure> {
        let operation = Operation::DescribeCluster;
        let answer = self.call(operation, Request::Name(name.to_owned())).await?;
        let found = answer.state.clusters.get(name).cloned();
        let message = format!("No cluster found for name: {name}.");
        found.ok_or_else(|| Failure::new(operation, "ResourceNotFoundException", &message))
    }
}

#[async_trait]
impl Ssm for Fake {
    async fn parameter(&self, name: &str) -> Result<String, Failure> {
        let operation = Operation::GetParameter;
        let answer = self.call(operation, Request::Name(name.to_owned())).await?;
        let found = answer.state.parameters.get(name).cloned();
        found.ok_or_else(|| Failure::new(operation, "ParameterNotFound", name))
    }
}

#[async_trait]
impl Pricing for Fake {
    async fn products(&self, filters: &[(String, String)]) -> Result<Vec<String>, Failure> {
        let operation = Operation::GetProducts;
        let answer = self
            .call(operation, Request::Products(filters.to_vec()))
            .await?;
        if answer.state.products.is_empty() {
            let message = "no pricing data provided";
            return Err(Failure::new(operation, "InternalErrorException", message));
        }
        Ok(answer.state.products.clone())
    }
}

#[async_trait]
impl Sqs for Fake {
    async fn queue_url(&self, name: &str) -> Result<String, Failure> {
        let operation = Operation::GetQueueUrl;
        let answer = self.call(operation, Request::Name(name.to_owned())).await?;
        if answer.state.queues.contains_key(name) {
            return Ok(format!("https://sqs.test/123456789012/{name}"));
        }
        Err(no_queue(operation))
    }

    async fn receive(&self, url: &str) -> Result<Vec<Message>, Failure> {
        let operation = Operation::ReceiveMessage;
        let name = name_of(url);
        let until = self.clock.now() + LONG_POLL;
        drop(self.call(operation, Request::Name(name.to_owned())).await?);
        loop {
            let received = self.change(|state| {
                let now = self.clock.now();
                let back: Vec<String> = state
                    .in_flight
                    .iter()
                    .filter(|(_, (queue, _, seen))| queue == name && *seen <= now)
                    .map(|(receipt, _)| receipt.clone())
                    .collect();
                for receipt in back {
                    if let Some((queue, message, _)) = state.in_flight.remove(&receipt) {
                        state.queues.entry(queue).or_default().push_back(message);
                    }
                }
                let queue = state.queues.get_mut(name)?;
                let count = queue.len().min(MOST);
                let messages: Vec<Message> = queue.drain(..count).collect();
                for message in &messages {
                    let entry = (name.to_owned(), message.clone(), now + VISIBILITY);
                    state.in_flight.insert(message.receipt.clone(), entry);
                }
                Some(messages)
            });
            match received {
                None => return Err(no_queue(operation)),
                Some(messages) if !messages.is_empty() => return Ok(messages),
                Some(_) if self.clock.now() >= until => return Ok(Vec::new()),
                Some(_) => self.clock.sleep(LOOK).await,
            }
        }
    }

    async fn delete_message(&self, url: &str, receipt: &str) -> Result<(), Failure> {
        let request = Request::Names(name_of(url).to_owned(), receipt.to_owned());
        let mut answer = self.call(Operation::DeleteMessage, request).await?;
        answer.state.in_flight.remove(receipt);
        Ok(())
    }
}

fn name_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

fn no_queue(operation: Operation) -> Failure {
    let message = "The specified queue does not exist.";
    Failure::new(operation, "QueueDoesNotExist", message)
}

#[async_trait]
impl ZonalShift for Fake {
    async fn shifts(&self, arn: &str) -> Result<Vec<Shift>, Failure> {
        let operation = Operation::GetManagedResource;
        let answer = self.call(operation, Request::Name(arn.to_owned())).await?;
        let found = answer.state.shifts.get(arn).cloned();
        found.ok_or_else(|| Failure::new(operation, "ResourceNotFoundException", arn))
    }
}
