//! A world for the tests of discovery: a pretended AWS and a class.

use std::collections::BTreeMap;
use std::sync::Mutex;

use aws::Operation;
use aws::ec2::Filter;
use model::Timestamp;

use super::parameters::Parameters;
use super::subnets::Listener;
use super::*;
use crate::fake::{Fake, Request};
use crate::version::{Source, Versions};

mod class;
mod images;
mod placement_groups;
mod reservations;
mod security_groups;
mod subnets;

const MINUTE: Duration = Duration::from_mins(1);

/// An account, what finds things in it, and a class that selects nothing yet.
struct World {
    fake: Fake,
    clock: Clock,
    versions: Versions,
    discovery: Discovery,
    class: Ec2NodeClass,
    /// Free addresses by subnet, as listeners are told.
    told: Arc<Mutex<Vec<(String, i64)>>>,
}

impl World {
    async fn new() -> Self {
        let clock = Clock::simulated(Timestamp::from_seconds(1_800_000_000));
        let fake = Fake::new(clock.clone());
        let calls = fake.calls();
        let versions = Versions::new(Source::Eks(calls.eks, "test-cluster".to_owned()));
        versions.update().await.expect("a version");
        let told: Arc<Mutex<Vec<(String, i64)>>> = Arc::default();
        let listener = told.clone();
        let listener: Listener = Box::new(move |found| {
            let free = found.iter().map(|one| (one.id.clone(), one.free_addresses));
            listener.lock().expect("no panic").extend(free);
        });
        let parameters = Parameters::new(calls.ssm, clock.clone());
        let (ec2, time) = (calls.ec2, clock.clone());
        let images = Images::new(ec2.clone(), parameters, versions.clone(), time, MINUTE);
        let cluster = aws::Cluster {
            name: "test-cluster".to_owned(),
            region: "us-west-2".to_owned(),
        };
        let discovery = Discovery {
            images: Arc::new(images),
            reservations: Arc::new(Reservations::new(ec2.clone(), clock.clone())),
            placement_groups: Arc::new(PlacementGroups::new(ec2.clone(), clock.clone())),
            subnets: Arc::new(Subnets::new(ec2.clone(), clock.clone(), MINUTE, listener)),
            security_groups: Arc::new(SecurityGroups::new(ec2, clock.clone())),
            profiles: Arc::new(Profiles::new(calls.iam, clock.clone(), cluster, 7)),
            reserved: Reserved::Used,
            default_profile: String::new(),
            clock: clock.clone(),
        };
        fake.forget_calls();
        let mut class = Ec2NodeClass::default();
        class.metadata.name = "default".to_owned();
        class.metadata.uid = "9a52".to_owned();
        class.metadata.generation = 1;
        Self {
            fake,
            clock,
            versions,
            discovery,
            class,
            told,
        }
    }

    /// The class is another one: what was found for it is not known.
    fn edit(&mut self, edit: impl FnOnce(&mut Ec2NodeClass)) {
        edit(&mut self.class);
        self.class.metadata.generation += 1;
    }

    async fn pass(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    /// Filters of each call of an operation, written as `name=value,value`.
    fn filters(&self, operation: Operation) -> Vec<Vec<String>> {
        let requests = self.fake.requests(operation).into_iter();
        let filters = requests.map(|request| match request {
            Request::Filters(filters) => filters,
            Request::Images(query) => query.filters,
            other => panic!("{other:?}"),
        });
        filters
            .map(|filters| filters.iter().map(text).collect())
            .collect()
    }
}

fn text(filter: &Filter) -> String {
    format!("{}={}", filter.name, filter.values.join(","))
}

fn tags(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    tags.iter().map(owned).collect()
}

/// The first call of an operation is throttled.
fn throttled(operation: Operation) -> Failure {
    Failure::new(operation, "RequestLimitExceeded", "slow down")
}
