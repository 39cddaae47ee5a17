//! Instance types: what EC2 offers, asked for at the start and every twelve hours, and the list of
//! each node class, kept as long as it is asked for.
//!
//! A list is asked for often, for each pool. As long as nothing has changed it is the same shared
//! one; otherwise only the types that changed are made anew. All that decides is compared, so
//! nothing has to become old before it is noticed.
//!
//! What is *not* here: what types are made of (`aws::types`), and finding the class of a pool.

mod loops;
mod metrics;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::{Ec2NodeClass, NodeClaim};
use aws::Failure;
use aws::ec2::{PlacementGroup, TypeOffering};
use aws::types::{
    ClassTypes, Discovered, Further, ListError, Market, Options, OverlayPrices, Region, Setup,
    compiled, kubelet_of,
};
use catalog::ec2::Machine;
use catalog::{InstanceType, Interner};
use model::Timestamp;
use model::k8s::Node;
use model::resources::MEMORY;
use runtime::metrics::names;
use runtime::{Clock, Metrics, Shutdown};

use crate::calls::{Calls, Ec2};
use crate::pricing::PricingProvider;
use crate::rounds::Rounds;
use crate::unavailable::UnavailableOfferings;

pub use loops::{follow_overlays, learn, show};
pub use metrics::{INTERVAL as METRICS_INTERVAL, show_offerings};

/// How often EC2 is asked what it offers.
pub const INTERVAL: Duration = Duration::from_hours(12);

/// For how long a list is kept that nobody asks for.
const UNUSED: Duration = Duration::from_mins(5);

/// What offerings depend on, beside what EC2 offers.
#[derive(Clone)]
pub struct Sources {
    /// Prices.
    pub pricing: Arc<PricingProvider>,
    /// What could not be had lately.
    pub unavailable: Arc<UnavailableOfferings>,
    /// How many instances are left in a reservation.
    pub available: Arc<dyn Fn(&str) -> u32 + Send + Sync>,
    /// Ids of the zones that are shifted away from now.
    pub shifted: Arc<dyn Fn() -> BTreeSet<String> + Send + Sync>,
    /// What changes offerings in ways of its own, in this order.
    pub further: Vec<Arc<dyn Further>>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let further = &self.further;
        f.debug_struct("Sources")
            .field("further", further)
            .finish_non_exhaustive()
    }
}

/// The instance types of this process.
pub struct InstanceTypes {
    region: String,
    options: Options,
    clock: Clock,
    metrics: Metrics,
    ec2: Arc<dyn Ec2>,
    sources: Sources,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    machines: Vec<Machine>,
    offerings: Vec<TypeOffering>,
    region: Arc<Region>,
    classes: Vec<Class>,
    interner: Interner,
    memory: Discovered,
    overlay_prices: OverlayPrices,
}

/// The list of classes that are set up alike.
struct Class {
    types: ClassTypes,
    asked: Timestamp,
}

impl InstanceTypes {
    /// Nothing is known until [`InstanceTypes::update`].
    pub fn new(
        region: &str,
        options: Options,
        (clock, metrics): (Clock, Metrics),
        calls: &Calls,
        sources: Sources,
    ) -> Self {
        Self {
            region: region.to_owned(),
            options,
            clock,
            metrics,
            ec2: calls.ec2.clone(),
            sources,
            state: Mutex::default(),
        }
    }

    /// Asks EC2 what it offers. What it tells nothing of stays as it was; where it tells something
    /// new, all lists are made anew.
    pub async fn update(&self) -> Result<(), Failure> {
        let (machines, offerings) = tokio::join!(
            self.ec2.instance_types(),
            self.ec2.instance_type_offerings()
        );
        let mut state = self.state();
        let mut changed = false;
        if let Ok(machines) = &machines {
            changed |= newer("instance types", &mut state.machines, machines);
        }
        if let Ok(offerings) = &offerings {
            changed |= newer("instance type offerings", &mut state.offerings, offerings);
        }
        if changed {
            let region = Region::new(&self.region, state.machines.clone(), &state.offerings);
            tracing::debug!(
                types = region.machines().len(),
                zones = region.zones().len(),
                "discovered instance types"
            );
            state.region = Arc::new(region);
            state.classes.clear();
            state.interner = Interner::default();
        }
        drop(state);
        machines.map(drop).and(offerings.map(drop))
    }

    /// Keeps what EC2 offers up to date until `shutdown`.
    pub async fn run(&self, shutdown: &Shutdown) {
        let rounds = Rounds {
            name: "providers.instancetype",
            clock: &self.clock,
            metrics: &self.metrics,
        };
        let update = || async { self.update().await.map(|()| INTERVAL) };
        rounds.run(shutdown, update).await;
    }

    /// What EC2 offers, as far as it is known.
    pub fn region(&self) -> Arc<Region> {
        self.state().region.clone()
    }

    /// All types of a class, whose placement group is resolved; those that can't be had included.
    /// As long as nothing changes it is the same list.
    pub fn list(
        &self,
        class: &Ec2NodeClass,
        group: Option<&PlacementGroup>,
    ) -> Result<Arc<[Arc<InstanceType>]>, ListError> {
        let now = self.clock.now();
        let prices = self.sources.pricing.prices();
        let shifted = (self.sources.shifted)();
        let mut state = self.state();
        state
            .classes
            .retain(|class| now.since(class.asked) < UNUSED);
        let position = match self.position(&state, class, group) {
            Some(position) => position,
            None => self.resolve(&mut state, class, group, now)?,
        };
        let State {
            classes,
            memory,
            overlay_prices,
            ..
        } = &mut *state;
        let class = &mut classes[position];
        class.asked = now;
        memory.sweep(now);
        Ok(self.sources.unavailable.with(|marks, now| {
            class.types.list(&Market {
                prices: &prices,
                marks,
                shifted: &shifted,
                overlay_prices,
                available: &*self.sources.available,
                memory,
                further: &self.sources.further,
                now,
            })
        }))
    }

    /// One type of a class.
    pub fn get(
        &self,
        class: &Ec2NodeClass,
        group: Option<&PlacementGroup>,
        name: &str,
    ) -> Result<Arc<InstanceType>, ListError> {
        let list = self.list(class, group)?;
        let found = list.iter().find(|ty| &*ty.name == name);
        let unknown = || ListError::UnknownType(name.to_owned());
        found.cloned().ok_or_else(unknown)
    }

    /// Prices of overlays for what has none. Empty unless the gate `NodeOverlay` is open.
    pub fn set_overlay_prices(&self, prices: OverlayPrices) {
        self.state().overlay_prices = prices;
    }

    /// Learns from a node of a class that has been registered how much memory its type has with its
    /// image. It does not count if the class runs another image by now.
    pub fn learn(&self, node: &Node, claim: &NodeClaim, class: &Ec2NodeClass) {
        let labels = &node.metadata.labels;
        let Some(name) = labels.get(api::labels::INSTANCE_TYPE) else {
            return;
        };
        let Some(memory) = node.status.capacity.get(MEMORY).copied() else {
            return;
        };
        let images = aws::images::Choices::new(&class.status.amis);
        let own = requirements::Requirements::from_labels(labels);
        if images.image_for(&own) != Some(&claim.status.image_id) {
            return;
        }
        let now = self.clock.now();
        let mut state = self.state();
        state
            .memory
            .observe(name, &claim.status.image_id, memory, now);
    }

    /// The kept list of classes that are set up like this one.
    fn position(
        &self,
        state: &State,
        class: &Ec2NodeClass,
        group: Option<&PlacementGroup>,
    ) -> Option<usize> {
        let is_of = |kept: &Class| kept.types.setup().is_of(class, group, &self.options);
        state.classes.iter().position(is_of)
    }

    fn resolve(
        &self,
        state: &mut State,
        class: &Ec2NodeClass,
        group: Option<&PlacementGroup>,
        now: Timestamp,
    ) -> Result<usize, ListError> {
        let setup = Setup::new(class, group, &self.options);
        let compiled = compiled(&class.spec.kubelet, self.options.expressions)?;
        let region = state.region.clone();
        let kubelet = kubelet_of(&compiled);
        let types = ClassTypes::new(&region, setup, &kubelet, &mut state.interner)?;
        for machine in region.machines() {
            let bytes = machine.memory_mib as f64 * 1024.0 * 1024.0;
            let name = [&*machine.name];
            let cores = machine.vcpus as f64;
            self.metrics.set(&names::INSTANCE_TYPE_CPU, &name, cores);
            self.metrics.set(&names::INSTANCE_TYPE_MEMORY, &name, bytes);
        }
        state.classes.push(Class { types, asked: now });
        Ok(state.classes.len() - 1)
    }

    /// A panic while the lock was held leaves whole lists.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replaces what is known if it is another, and says whether it was.
fn newer<T: Clone + PartialEq>(what: &str, known: &mut Vec<T>, told: &[T]) -> bool {
    if told.is_empty() {
        if !known.is_empty() {
            tracing::warn!("EC2 has told of no {what}; those that are known stay");
        }
        return false;
    }
    let changed = *known != told;
    if changed {
        *known = told.to_vec();
    }
    changed
}

#[cfg(test)]
mod tests;
