//! Zonal shift: asks which zones are to be left, and tells the pools that are concerned.
//!
//! What is *not* here: what it means to offerings and instances, which ask
//! [`ZonalShifts::is_shifted`].

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws::Failure;
use aws::shift::{Shifts, concerned};
use requirements::Vocabulary;
use runtime::recorder::ObjectRef;
use runtime::{Clock, Notice, Shutdown};

use crate::calls::{Calls, Eks, ZonalShift};
use crate::world::World;

/// How often is asked.
const INTERVAL: Duration = Duration::from_secs(30);

/// Which zones are to be left. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct ZonalShifts {
    source: Option<Arc<Source>>,
}

struct Source {
    eks: Arc<dyn Eks>,
    calls: Arc<dyn ZonalShift>,
    clock: Clock,
    cluster: String,
    known: Mutex<Known>,
    /// Held while the first answer is waited for, so that it is asked for once.
    first: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    arn: Option<String>,
    /// None before the first answer.
    shifts: Option<Shifts>,
}

impl ZonalShifts {
    /// No zone is ever to be left.
    pub fn off() -> Self {
        Self { source: None }
    }

    /// Those of an EKS cluster.
    pub fn new(calls: &Calls, clock: Clock, cluster: &str) -> Self {
        let source = Source {
            eks: calls.eks.clone(),
            calls: calls.zonal_shift.clone(),
            clock,
            cluster: cluster.to_owned(),
            known: Mutex::default(),
            first: tokio::sync::Mutex::default(),
        };
        Self {
            source: Some(Arc::new(source)),
        }
    }

    /// Whether a zone is to be left, by its id. The first who asks waits for an answer of AWS; if
    /// there is none, nothing is to be left.
    pub async fn is_shifted(&self, zone_id: &str) -> bool {
        self.zones().await.contains(zone_id)
    }

    /// Ids of the zones that are to be left. The first who asks waits, as for
    /// [`ZonalShifts::is_shifted`].
    pub async fn zones(&self) -> BTreeSet<String> {
        let Some(source) = &self.source else {
            return BTreeSet::new();
        };
        if source.known().shifts.is_none() {
            let _first = source.first.lock().await;
            if source.known().shifts.is_none()
                && let Err(error) = self.update().await
            {
                tracing::error!(%error, "asking for zonal shifts failed");
            }
        }
        self.known()
    }

    /// The same, as far as is known, without waiting.
    pub fn known(&self) -> BTreeSet<String> {
        let Some(source) = &self.source else {
            return BTreeSet::new();
        };
        let now = source.clock.now();
        let known = source.known();
        known
            .shifts
            .as_ref()
            .map(|shifts| shifts.zones(now))
            .unwrap_or_default()
    }

    /// Asks AWS.
    ///
    /// # Errors
    /// The call failed. What was known stays.
    pub async fn update(&self) -> Result<(), Failure> {
        let Some(source) = &self.source else {
            return Ok(());
        };
        let arn = source.known().arn.clone();
        let arn = match arn {
            Some(arn) => arn,
            None => source.eks.cluster(&source.cluster).await?.arn,
        };
        source.known().arn = Some(arn.clone());
        let told = source.calls.shifts(&arn).await?;
        source.known().shifts = Some(Shifts::of(told));
        Ok(())
    }
}

impl Source {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps shifts up to date and tells pools of changes, until `shutdown`.
pub async fn run(world: &World, shifts: &ZonalShifts, shutdown: &Shutdown) {
    let told = Mutex::new(BTreeSet::new());
    let pass = || async {
        shifts.update().await?;
        let zones = shifts.known();
        let before = {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *told, zones.clone())
        };
        for zone in zones.difference(&before) {
            tell(world, zone, Turn::Begins);
        }
        for zone in before.difference(&zones) {
            tell(world, zone, Turn::Ends);
        }
        Ok::<_, Failure>(INTERVAL)
    };
    world.again("zonalshift", shutdown, pass).await;
}

/// What becomes of a shift.
#[derive(Clone, Copy)]
enum Turn {
    Begins,
    Ends,
}

/// Tells all pools that can have nodes in a zone.
fn tell(world: &World, zone_id: &str, turn: Turn) {
    tracing::info!(
        zone_id,
        begins = matches!(turn, Turn::Begins),
        "zonal shift"
    );
    let vocabulary = Vocabulary::aws();
    for pool in world.objects.pools() {
        let template = &pool.spec.template.spec;
        let Some(class) = world.objects.class(&template.node_class_ref.name) else {
            continue;
        };
        let requirements = vocabulary.item_requirements(&template.requirements);
        let Some(zone) = concerned(&requirements, &class.status.subnets, zone_id) else {
            continue;
        };
        let about = ObjectRef::of(&*pool);
        let notice = match turn {
            Turn::Begins => Notice::warning(
                about,
                "ZonalShiftActive",
                format!(
                    "Zonal shift detected: offerings in zone {zone} ({zone_id}) are unavailable \
                     for this NodePool"
                ),
            ),
            Turn::Ends => Notice::normal(
                about,
                "ZonalShiftCleared",
                format!(
                    "Zonal shift cleared: offerings in zone {zone} ({zone_id}) are restored for \
                     this NodePool"
                ),
            ),
        };
        let uid = pool.metadata.uid.clone();
        world
            .recorder
            .publish(notice.dedupe_by([uid, zone_id.to_owned()]));
    }
}

#[cfg(test)]
mod tests;
