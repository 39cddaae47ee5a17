//! How often EC2 is called to change something: no faster than it lets an ordinary account, and the
//! slower the more often it says that it was too fast.
//!
//! [`Limited`] stands in front of EC2 and is EC2 to everybody else. What is *not* here: repetitions
//! of a call that was refused (the SDK's, and those of whoever wants it done), and limits of calls
//! that only read.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws::ec2::{
    Filter, FleetOutput, FleetRequest, Image, ImageQuery, Instance, InstanceStatus, LaunchTemplate,
    PlacementGroup, PlacementGroupQuery, Reservation, ReservationQuery, RunCheck, SecurityGroup,
    SpotPrice, StatusFilter, StoredTemplate, Subnet, TemplateKey, TerminatedInstance, TypeOffering,
};
use aws::{Failure, Operation, Tags};
use catalog::ec2::Machine;
use model::Timestamp;
use runtime::Clock;
use runtime::limit::Limiter;

use crate::calls::Ec2;

/// Calls of one mutating operation that can be made at once.
///
/// Source: Amazon EC2 Developer Guide, "Request throttling for the Amazon EC2 API", table of
/// request token buckets: each operation has a bucket of its own in each account and region;
/// mutating ones hold 50 tokens and get 5 back each second.
pub const BURST: u32 = 50;
/// Calls of one mutating operation each second after that. Source: as [`BURST`].
pub const RATE: f64 = 5.0;
/// How long nothing is sent after EC2 has said for the first time that it was too fast. It doubles
/// each time after that, until a call goes through.
pub const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest such wait.
pub const LONGEST_WAIT: Duration = Duration::from_secs(32);

/// Operations that change something.
const MUTATING: [Operation; 6] = [
    Operation::CreateLaunchTemplate,
    Operation::DeleteLaunchTemplate,
    Operation::CreateFleet,
    Operation::RunInstances,
    Operation::TerminateInstances,
    Operation::CreateTags,
];

/// EC2 with limits in front.
pub struct Limited {
    ec2: Arc<dyn Ec2>,
    clock: Clock,
    gates: BTreeMap<Operation, Gate>,
}

/// What one operation has to pass.
struct Gate {
    limiter: Limiter,
    pause: Mutex<Pause>,
}

/// For how long nothing is sent.
#[derive(Clone, Copy, Default)]
struct Pause {
    until: Option<Timestamp>,
    wait: Duration,
}

impl Limited {
    /// In front of EC2, with the buckets that an account has unless it asks for more.
    pub fn new(ec2: Arc<dyn Ec2>, clock: Clock) -> Self {
        let gate = |operation| {
            let gate = Gate {
                limiter: Limiter::new(RATE, BURST),
                pause: Mutex::new(Pause::default()),
            };
            (operation, gate)
        };
        Self {
            ec2,
            clock,
            gates: MUTATING.into_iter().map(gate).collect(),
        }
    }

    /// Makes a call as soon as it may be made, and learns from what comes of it.
    async fn pass<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Some(gate) = self.gates.get(&operation) else {
            return call.await;
        };
        gate.limiter.acquire().await;
        // Others may have been refused while this one waited.
        while let Some(until) = gate.pause().until.filter(|until| *until > self.clock.now()) {
            self.clock.sleep_until(until).await;
        }
        let result = call.await;
        let is_throttled = result.as_ref().is_err_and(Failure::is_throttled);
        gate.learn(is_throttled, self.clock.now());
        result
    }
}

impl Gate {
    fn pause(&self) -> Pause {
        *self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls that were under way together and are all refused count once.
    fn learn(&self, is_throttled: bool, now: Timestamp) {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_throttled {
            *pause = Pause::default();
        } else if pause.until.is_none_or(|until| until <= now) {
            let wait = (pause.wait * 2).clamp(FIRST_WAIT, LONGEST_WAIT);
            *pause = Pause {
                until: Some(now + wait),
                wait,
            };
        }
    }
}

#[async_trait]
impl Ec2 for Limited {
    async fn check(&self) -> Result<(), Failure> {
        self.ec2.check().await
    }

    async fn instance_types(&self) -> Result<Vec<Machine>, Failure> {
        self.ec2.instance_types().await
    }

    async fn instance_type_offerings(&self) -> Result<Vec<TypeOffering>, Failure> {
        self.ec2.instance_type_offerings().await
    }

    async fn spot_prices(&self, start: Timestamp) -> Result<Vec<SpotPrice>, Failure> {
        self.ec2.spot_prices(start).await
    }

    async fn subnets(&self, filters: &[Filter]) -> Result<Vec<Subnet>, Failure> {
        self.ec2.subnets(filters).await
    }

    async fn security_groups(&self, filters: &[Filter]) -> Result<Vec<SecurityGroup>, Failure> {
        self.ec2.security_groups(filters).await
    }

    async fn images(&self, query: &ImageQuery) -> Result<Vec<Image>, Failure> {
        self.ec2.images(query).await
    }

    async fn reservations(&self, query: &ReservationQuery) -> Result<Vec<Reservation>, Failure> {
        self.ec2.reservations(query).await
    }

    async fn placement_groups(
        &self,
        query: &PlacementGroupQuery,
    ) -> Result<Vec<PlacementGroup>, Failure> {
        self.ec2.placement_groups(query).await
    }

    async fn launch_template(&self, name: &str) -> Result<Vec<StoredTemplate>, Failure> {
        self.ec2.launch_template(name).await
    }

    async fn launch_templates(&self, filters: &[Filter]) -> Result<Vec<StoredTemplate>, Failure> {
        self.ec2.launch_templates(filters).await
    }

    async fn create_launch_template(
        &self,
        template: &LaunchTemplate,
    ) -> Result<StoredTemplate, Failure> {
        let call = self.ec2.create_launch_template(template);
        self.pass(Operation::CreateLaunchTemplate, call).await
    }

    async fn delete_launch_template(&self, key: &TemplateKey) -> Result<(), Failure> {
        let call = self.ec2.delete_launch_template(key);
        self.pass(Operation::DeleteLaunchTemplate, call).await
    }

    async fn create_fleet(&self, request: &FleetRequest) -> Result<FleetOutput, Failure> {
        let call = self.ec2.create_fleet(request);
        self.pass(Operation::CreateFleet, call).await
    }

    async fn check_run(&self, check: &RunCheck) -> Result<(), Failure> {
        let call = self.ec2.check_run(check);
        self.pass(Operation::RunInstances, call).await
    }

    async fn instances_by_id(
        &self,
        ids: &[String],
        filters: &[Filter],
    ) -> Result<Vec<Instance>, Failure> {
        self.ec2.instances_by_id(ids, filters).await
    }

    async fn instances(&self, filters: &[Filter]) -> Result<Vec<Instance>, Failure> {
        self.ec2.instances(filters).await
    }

    async fn terminate(&self, ids: &[String]) -> Result<Vec<TerminatedInstance>, Failure> {
        let call = self.ec2.terminate(ids);
        self.pass(Operation::TerminateInstances, call).await
    }

    async fn tag(&self, resource: &str, tags: &Tags) -> Result<(), Failure> {
        let call = self.ec2.tag(resource, tags);
        self.pass(Operation::CreateTags, call).await
    }

    async fn instance_status(&self, filter: StatusFilter) -> Result<Vec<InstanceStatus>, Failure> {
        self.ec2.instance_status(filter).await
    }
}

#[cfg(test)]
mod tests;
