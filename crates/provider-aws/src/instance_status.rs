//! Instances that EC2 itself says are not well: every minute, whether there is an interruption
//! queue or not.
//!
//! What is *not* here: what counts as not well (`aws::status`), and what is done about it
//! ([`crate::interruption`]).

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws::Failure;
use aws::ec2::{InstanceStatus, StatusFilter};
use aws::status::{Category, Known, unhealthy};
use futures::StreamExt;
use futures::stream;
use runtime::metrics::names;
use runtime::{ApiError, Shutdown};

use crate::interruption::Interruptions;
use crate::world::World;

/// Name in metrics and logs.
const NAME: &str = "interruption.instancestatus";
/// How often is asked.
const INTERVAL: Duration = Duration::from_mins(1);
/// How often while it is not permitted.
const UNPERMITTED: Duration = Duration::from_mins(10);
/// Instances that are handled at a time.
const HANDLED: usize = 10;
/// What is asked for, in this order.
const FILTERS: [StatusFilter; 3] = [
    StatusFilter::InstanceImpaired,
    StatusFilter::SystemImpaired,
    StatusFilter::Event,
];

/// What is known from one look to the next.
#[derive(Default)]
struct Looks {
    known: Known,
    /// Whether it was said that the permission is missing.
    said: bool,
}

/// Why a look has failed.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Aws(#[from] Failure),
    #[error(transparent)]
    Kubernetes(#[from] ApiError),
}

/// Looks again and again until `shutdown`.
pub async fn run(world: &World, interruptions: &Interruptions, shutdown: &Shutdown) {
    let looks = Mutex::new(Looks::default());
    let pass = || look(world, interruptions, &looks);
    world.again(NAME, shutdown, pass).await;
}

async fn look(
    world: &World,
    interruptions: &Interruptions,
    looks: &Mutex<Looks>,
) -> Result<Duration, Error> {
    let answers = match ask(world).await {
        Err(failure) if failure.is_unauthorized() => {
            if !std::mem::replace(&mut lock(looks).said, true) {
                tracing::error!(
                    error = %failure,
                    "not permitted to see the status of instances: add \
                     ec2:DescribeInstanceStatus to the controller's policy"
                );
            }
            return Ok(UNPERMITTED);
        }
        other => other?,
    };
    lock(looks).said = false;
    let unhealthy = unhealthy(&answers, world.clock.now());
    let each = unhealthy.iter();
    let work: Vec<_> = each
        .map(|(id, wrong)| handle(interruptions, id, wrong))
        .collect();
    let handled = stream::iter(work).buffer_unordered(HANDLED);
    let handled: Vec<Handled> = handled.collect().await;
    let ours = handled.iter().filter(|handled| handled.is_ours);
    let now: BTreeSet<(String, Category)> = ours
        .flat_map(|handled| {
            let categories = unhealthy[&handled.instance].iter();
            categories.map(|category| (handled.instance.clone(), *category))
        })
        .collect();
    for (instance, category) in lock(looks).known.update(now) {
        let category = category.as_str();
        tracing::info!(instance, category, "an instance is not well");
        world
            .metrics
            .add(&names::INSTANCE_STATUS_UNHEALTHY, &[category], 1.0);
    }
    let failed = handled.into_iter().find_map(|handled| handled.error);
    failed.map_or(Ok(INTERVAL), |error| Err(error.into()))
}

async fn ask(world: &World) -> Result<Vec<InstanceStatus>, Failure> {
    let ec2 = &world.calls.ec2;
    let answers = futures::future::try_join_all(FILTERS.map(|filter| ec2.instance_status(filter)));
    Ok(answers.await?.into_iter().flatten().collect())
}

/// What came of an instance.
struct Handled {
    instance: String,
    /// Whether a claim is concerned.
    is_ours: bool,
    error: Option<ApiError>,
}

async fn handle(interruptions: &Interruptions, instance: &str, categories: &[Category]) -> Handled {
    let mut handled = Handled {
        instance: instance.to_owned(),
        is_ours: !interruptions.claims(instance).is_empty(),
        error: None,
    };
    for category in categories {
        if let Err(error) = interruptions.handle(category.kind(), instance).await {
            handled.error = Some(error);
        }
    }
    handled
}

fn lock(looks: &Mutex<Looks>) -> std::sync::MutexGuard<'_, Looks> {
    looks.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
