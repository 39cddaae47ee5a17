//! Queues.

use async_trait::async_trait;
use aws::Failure;
use aws_sdk_sqs::types::MessageSystemAttributeName;

use super::failure::OrFailure;
use super::values::text;
use crate::calls::{Message, Sqs};

/// Messages at a time: all that SQS gives.
const MESSAGES: i32 = 10;
/// How long SQS waits for a message, and for how long others don't see one that was received.
const SECONDS: i32 = 20;

/// Queues by the SDK.
pub(super) struct Client(aws_sdk_sqs::Client);

impl Client {
    pub(super) fn new(config: aws_sdk_sqs::Config) -> Self {
        Self(aws_sdk_sqs::Client::from_conf(config))
    }
}

#[async_trait]
impl Sqs for Client {
    async fn queue_url(&self, name: &str) -> Result<String, Failure> {
        let call = self.0.get_queue_url().queue_name(name);
        let output = call.send().await.or_failure()?;
        Ok(text(output.queue_url))
    }

    async fn receive(&self, url: &str) -> Result<Vec<Message>, Failure> {
        let call = self
            .0
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(MESSAGES)
            .wait_time_seconds(SECONDS)
            .visibility_timeout(SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_attribute_names("All");
        let output = call.send().await.or_failure()?;
        let messages = output.messages.into_iter().flatten();
        Ok(messages
            .map(|message| Message {
                id: text(message.message_id),
                receipt: text(message.receipt_handle),
                body: text(message.body),
            })
            .collect())
    }

    async fn delete_message(&self, url: &str, receipt: &str) -> Result<(), Failure> {
        let call = self.0.delete_message().queue_url(url);
        call.receipt_handle(receipt).send().await.or_failure()?;
        Ok(())
    }
}
