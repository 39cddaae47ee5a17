//! The provider: the cloud as the loops of every cloud call it, and the provider's own loops.
//!
//! What is *not* here: how it is put together ([`crate::start`]).

use std::sync::Arc;

use aws::instance::Context;
use controllers::CloudProvider;
use runtime::{Options, Shutdown};

use crate::cloud::Aws;
use crate::discovery::Discovery;
use crate::instance_types::{self, InstanceTypes};
use crate::instances::Instances;
use crate::interruption::Interruptions;
use crate::node_class::NodeClasses;
use crate::pricing::PricingProvider;
use crate::templates::Templates;
use crate::version::Versions;
use crate::world::World;
use crate::zonal_shift::ZonalShifts;
use crate::{garbage, instance_status, interruption, reserved, tagging, zonal_shift};

/// The provider, ready to be used by the loops. [`Provider::run`] must run beside them.
pub struct Provider {
    pub(crate) world: World,
    pub(crate) options: Arc<Options>,
    pub(crate) cloud: Arc<Aws>,
    pub(crate) instances: Instances,
    pub(crate) shifts: ZonalShifts,
    pub(crate) types: Arc<InstanceTypes>,
    pub(crate) pricing: Arc<PricingProvider>,
    pub(crate) versions: Versions,
    pub(crate) discovery: Arc<Discovery>,
    pub(crate) templates: Templates,
    pub(crate) interruptions: Interruptions,
    pub(crate) classes: NodeClasses,
}

impl Provider {
    /// The cloud, for the loops.
    pub fn cloud(&self) -> Arc<dyn CloudProvider> {
        self.cloud.clone()
    }

    /// Waits until what the cloud answers from has been read, which [`Provider::run`] does. Before
    /// that it may say of a class that there is none.
    pub async fn synced(&self) {
        self.world.objects.synced().await;
    }

    /// All loops of the provider, until `shutdown`; what has begun is finished first.
    pub async fn run(&self, shutdown: Shutdown) {
        let world = &self.world;
        let options = &self.options;
        let gates = &options.feature_gates;
        let shutdown = &shutdown;
        let queue = options.aws.interruption_queue.as_str();
        let cloud: Arc<dyn CloudProvider> = self.cloud.clone();
        let context = Context {
            reserved_capacity: gates.reserved_capacity,
            ..Context::default()
        };
        // On the heap: together they are large.
        let loops = async {
            tokio::join!(
                world.objects.run(shutdown.clone()),
                self.classes.run(shutdown.clone()),
                self.types.run(shutdown),
                self.pricing.run(&world.metrics, shutdown),
                instance_types::learn(world, &self.types, shutdown),
                instance_types::show(world, &cloud, gates.reserved_capacity, shutdown),
                self.housekeeping(shutdown),
                tagging::run(world, &self.instances, shutdown),
                garbage::run(world, &self.instances, shutdown),
                instance_status::run(world, &self.interruptions, shutdown),
                zonal_shift::run(world, &self.shifts, shutdown),
                only(
                    gates.node_overlay,
                    instance_types::follow_overlays(world, &self.types, shutdown)
                ),
                only(
                    !queue.is_empty(),
                    interruption::queue::run(&self.interruptions, queue, shutdown)
                ),
                only(
                    gates.reserved_capacity,
                    reserved::demote(world, &self.instances, &context, shutdown)
                ),
                only(gates.reserved_capacity, reserved::expire(world, shutdown)),
            );
        };
        Box::pin(loops).await;
    }

    /// What is remembered is kept true, and what nobody uses any more is deleted.
    async fn housekeeping(&self, shutdown: &Shutdown) {
        let world = &self.world;
        let images = &self.discovery.images;
        let profiles = || async {
            let (classes, claims) = (world.objects.classes(), world.objects.claims());
            let profiles = &self.discovery.profiles;
            profiles.garbage_round(&classes, &claims).await
        };
        tokio::join!(
            world.again("providers.version", shutdown, || self.versions.round()),
            world.again("providers.ssm.invalidation", shutdown, || {
                images.invalidation_round()
            }),
            only(
                !self.options.aws.isolated_vpc,
                world.again("instanceprofile.garbagecollection", shutdown, profiles)
            ),
            async {
                let _ = shutdown.or_stop(self.templates.run()).await;
            },
        );
    }
}

/// A loop that is only there if it is wanted.
async fn only(wanted: bool, run: impl Future<Output = ()>) {
    if wanted {
        run.await;
    }
}
