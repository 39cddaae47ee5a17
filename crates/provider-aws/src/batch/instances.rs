//! DescribeInstances for many at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aws::ec2::{Filter, Instance};
use aws::{Failure, Operation};
use futures::{FutureExt, StreamExt};
use runtime::Clock;
use runtime::metrics::Metrics;

use super::{Batcher, Window};
use crate::calls::Ec2;

/// For how long ids are gathered.
pub(super) const WINDOW: Window = Window {
    idle: Duration::from_millis(100),
    longest: Duration::from_secs(1),
    items: 500,
};
/// How many instances are asked for by themselves at a time.
pub(super) const ALONE: usize = 10;

type Answer = Result<Vec<Instance>, Failure>;

/// DescribeInstances by id, in batches. Cheap to clone.
#[derive(Clone)]
pub struct Instances {
    batcher: Batcher<Vec<Filter>, (String, Vec<Filter>), Answer>,
}

impl Instances {
    /// In front of EC2.
    pub fn new(ec2: Arc<dyn Ec2>, clock: Clock, metrics: Metrics) -> Self {
        let execute = move |asked| execute(ec2.clone(), asked).boxed();
        let batcher = Batcher::new("describe_instances", WINDOW, clock, metrics, execute);
        Self { batcher }
    }

    /// The instance with this id, if it matches; none or an error if there is no such.
    pub async fn get(&self, id: &str, filters: &[Filter]) -> Answer {
        let key = filters.to_vec();
        let asked = (id.to_owned(), filters.to_vec());
        let answer = self.batcher.call(key, asked).await;
        answer.unwrap_or_else(|| {
            let operation = Operation::DescribeInstances;
            Err(Failure::new(operation, "", "error making call"))
        })
    }
}

/// All together; then by itself each that was not among the answers, whatever the reason.
async fn execute(ec2: Arc<dyn Ec2>, asked: Vec<(String, Vec<Filter>)>) -> Vec<Answer> {
    let Some((_, filters)) = asked.first() else {
        return Vec::new();
    };
    let ids: BTreeSet<&str> = asked.iter().map(|(id, _)| id.as_str()).collect();
    let all: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let found = ec2.instances_by_id(&all, filters).await.unwrap_or_default();
    let mut answers: BTreeMap<String, Answer> = BTreeMap::new();
    for instance in found {
        answers.insert(instance.id.clone(), Ok(vec![instance]));
    }
    let missing = all.into_iter().filter(|id| !answers.contains_key(id));
    let missing: Vec<String> = missing.collect();
    let ec2 = &ec2;
    let alone = futures::stream::iter(missing).map(|id| async move {
        let answer = ec2.instances_by_id(std::slice::from_ref(&id), filters);
        (id.clone(), answer.await)
    });
    let alone: Vec<(String, Answer)> = alone.buffered(ALONE).collect().await;
    answers.extend(alone);
    let of = |(id, _): &(String, Vec<Filter>)| answers.get(id).cloned().unwrap_or(Ok(Vec::new()));
    asked.iter().map(of).collect()
}
