//! TerminateInstances for many at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aws::ec2::TerminatedInstance;
use aws::{Failure, Operation};
use futures::{FutureExt, StreamExt};
use runtime::Clock;
use runtime::metrics::Metrics;

use super::instances::ALONE;
use super::{Batcher, Window};
use crate::calls::Ec2;

/// For how long ids are gathered.
pub(super) const WINDOW: Window = Window {
    idle: Duration::from_millis(100),
    longest: Duration::from_secs(1),
    items: 500,
};

type Answer = Result<Vec<TerminatedInstance>, Failure>;

/// TerminateInstances, in batches. Cheap to clone.
#[derive(Clone)]
pub struct Terminations {
    batcher: Batcher<(), String, Answer>,
}

impl Terminations {
    /// In front of EC2.
    pub fn new(ec2: Arc<dyn Ec2>, clock: Clock, metrics: Metrics) -> Self {
        let execute = move |ids| execute(ec2.clone(), ids).boxed();
        let batcher = Batcher::new("terminate_instances", WINDOW, clock, metrics, execute);
        Self { batcher }
    }

    /// Ends the instance with this id.
    pub async fn terminate(&self, id: &str) -> Answer {
        let answer = self.batcher.call((), id.to_owned()).await;
        answer.unwrap_or_else(|| {
            let operation = Operation::TerminateInstances;
            Err(Failure::new(operation, "", "error making call"))
        })
    }
}

/// All together; then by itself each whose end has not begun: one bad id must not keep the others.
async fn execute(ec2: Arc<dyn Ec2>, ids: Vec<String>) -> Vec<Answer> {
    let distinct: BTreeSet<&String> = ids.iter().collect();
    let distinct: Vec<String> = distinct.into_iter().cloned().collect();
    let ended = match ec2.terminate(&distinct).await {
        Ok(ended) => ended,
        Err(failure) => {
            tracing::error!(%failure, "instances could not be ended together");
            Vec::new()
        }
    };
    let mut answers: BTreeMap<String, Answer> = BTreeMap::new();
    for instance in ended {
        if instance.state.is_ending() {
            answers.insert(instance.id.clone(), Ok(vec![instance]));
        }
    }
    let rest = distinct.into_iter().filter(|id| !answers.contains_key(id));
    let rest: Vec<String> = rest.collect();
    let ec2 = &ec2;
    let alone = futures::stream::iter(rest).map(|id| async move {
        let answer = ec2.terminate(std::slice::from_ref(&id));
        (id.clone(), answer.await)
    });
    let alone: Vec<(String, Answer)> = alone.buffered(ALONE).collect().await;
    answers.extend(alone);
    let of = |id: &String| answers.get(id).cloned().unwrap_or(Ok(Vec::new()));
    ids.iter().map(of).collect()
}
