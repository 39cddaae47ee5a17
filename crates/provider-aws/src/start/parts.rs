//! Who works with whom.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws::Failure;
use aws::class::Reserved;
use aws::ec2::{Filter, Subnet, TerminatedInstance};
use aws::fleet::MinValues;
use aws::interruption::OnRebalance;
use aws::kubelet::Expressions;
use aws::subnets::Addresses;
use aws::template::{Reservations as Usage, address_family};
use aws::types::Options as TypeOptions;
use aws::userdata::ClusterAccess;
use model::Quantity;
use runtime::options::{MinValuesPolicy, RebalancePolicy};

use super::Start;
use crate::batch::{Fleets, Instances as Describing, Terminations};
use crate::calls::Calls;
use crate::cloud::{self, Aws};
use crate::cluster::ServiceCidr;
use crate::discovery::Discovery;
use crate::discovery::images::Images;
use crate::discovery::parameters::Parameters;
use crate::discovery::placement_groups::PlacementGroups;
use crate::discovery::reservations::Reservations;
use crate::discovery::security_groups::SecurityGroups;
use crate::discovery::subnets::Subnets;
use crate::instance_types::{InstanceTypes, Sources};
use crate::instances::{Batched, Instances};
use crate::interruption::{Interruptions, ProcessMarks};
use crate::kubelets::Kubelets;
use crate::launch::{self, Launcher, Settings as LaunchSettings};
use crate::lessons::Lessons;
use crate::limits::Limited;
use crate::node_class::validation::{self, DryRun, Validation};
use crate::node_class::{self, NodeClasses, ProfileCleanup};
use crate::nodes::Nodes;
use crate::objects::Objects;
use crate::placement_hook::PlacementGroupHook;
use crate::pricing::{PriceList, PricingProvider};
use crate::profiles::Profiles;
use crate::provider::Provider;
use crate::templates::Templates;
use crate::unavailable::UnavailableOfferings;
use crate::version::Versions;
use crate::world::World;
use crate::zonal_shift::ZonalShifts;

/// What several parts share.
struct Shared {
    world: World,
    access: ClusterAccess,
    cidr: Arc<ServiceCidr>,
    addresses: Arc<Mutex<Addresses>>,
    discovery: Arc<Discovery>,
    unavailable: Arc<UnavailableOfferings>,
    pricing: Arc<PricingProvider>,
    types: Arc<InstanceTypes>,
    templates: Templates,
}

impl Start {
    /// The provider, from what was found out at the start.
    pub(super) fn provider(
        self,
        access: ClusterAccess,
        versions: Versions,
        shifts: ZonalShifts,
    ) -> Provider {
        let shared = self.shared(access, &versions, &shifts);
        let launcher = self.launcher(&shared);
        let classes = self.classes(&shared, &launcher);
        let instances = shared.instances(&shifts);
        let cloud = Aws::new(cloud::Parts {
            world: shared.world.clone(),
            launcher,
            instances: instances.clone(),
            types: shared.types.clone(),
            cidr: shared.cidr.clone(),
            discovery: shared.discovery.clone(),
            hooks: vec![Arc::new(PlacementGroupHook::new(instances.clone()))],
            reserved_capacity: self.options.feature_gates.reserved_capacity,
        });
        Provider {
            interruptions: self.interruptions(&shared),
            options: self.options,
            cloud: Arc::new(cloud),
            instances,
            shifts,
            pricing: shared.pricing,
            versions,
            classes,
            world: shared.world,
            types: shared.types,
            discovery: shared.discovery,
            templates: shared.templates,
        }
    }

    fn shared(&self, access: ClusterAccess, versions: &Versions, shifts: &ZonalShifts) -> Shared {
        let world = self.world();
        let clock = &self.clock;
        let addresses = Arc::new(Mutex::new(Addresses::default()));
        let discovery = Arc::new(self.discovery(&world.calls, versions, &addresses));
        let unavailable = Arc::new(UnavailableOfferings::new(clock.clone()));
        let pricing = Arc::new(PricingProvider::new(
            &self.region,
            self.price_list(),
            clock.clone(),
            &world.calls,
        ));
        let sources = Sources {
            pricing: pricing.clone(),
            unavailable: unavailable.clone(),
            available: {
                let reservations = discovery.reservations.clone();
                Arc::new(move |id| reservations.available(id))
            },
            shifted: {
                let shifts = shifts.clone();
                Arc::new(move || shifts.known())
            },
            further: Vec::new(),
        };
        let types = InstanceTypes::new(
            &self.region,
            self.type_options(),
            (clock.clone(), self.metrics.clone()),
            &world.calls,
            sources,
        );
        let (ec2, eks) = (world.calls.ec2.clone(), world.calls.eks.clone());
        let (cluster, metrics) = (&world.cluster.name, self.metrics.clone());
        Shared {
            cidr: Arc::new(ServiceCidr::new(eks, cluster.clone())),
            templates: Templates::new(ec2, cluster, clock.clone(), metrics),
            types: Arc::new(types),
            world,
            access,
            addresses,
            discovery,
            unavailable,
            pricing,
        }
    }

    fn world(&self) -> World {
        let limited = Limited::new(self.calls.ec2.clone(), self.clock.clone());
        World {
            client: self.client.clone(),
            objects: Objects::new(self.client.clone(), self.metrics.clone(), self.seed),
            calls: Calls {
                ec2: Arc::new(limited),
                ..self.calls.clone()
            },
            cluster: self.cluster(),
            clock: self.clock.clone(),
            recorder: self.recorder.clone(),
            metrics: self.metrics.clone(),
        }
    }

    fn cluster(&self) -> aws::Cluster {
        aws::Cluster {
            name: self.options.aws.cluster_name.clone(),
            region: self.region.clone(),
        }
    }

    fn discovery(
        &self,
        calls: &Calls,
        versions: &Versions,
        addresses: &Arc<Mutex<Addresses>>,
    ) -> Discovery {
        let clock = &self.clock;
        let aws = &self.options.aws;
        let parameters = Parameters::new(calls.ssm.clone(), clock.clone());
        let (told, at) = (addresses.clone(), clock.clone());
        let ttl = Addresses::ttl(aws.subnet_refresh_interval);
        let listener = Box::new(move |found: &[Subnet]| {
            let mut addresses = told.lock().unwrap_or_else(PoisonError::into_inner);
            addresses.read(found, ttl, at.now());
        });
        Discovery {
            clock: clock.clone(),
            images: Arc::new(Images::new(
                calls.ec2.clone(),
                parameters,
                versions.clone(),
                clock.clone(),
                aws.ami_refresh_interval,
            )),
            reservations: Arc::new(Reservations::new(calls.ec2.clone(), clock.clone())),
            placement_groups: Arc::new(PlacementGroups::new(calls.ec2.clone(), clock.clone())),
            subnets: Arc::new(Subnets::new(
                calls.ec2.clone(),
                clock.clone(),
                aws.subnet_refresh_interval,
                listener,
            )),
            security_groups: Arc::new(SecurityGroups::new(calls.ec2.clone(), clock.clone())),
            profiles: Arc::new(Profiles::new(
                calls.iam.clone(),
                clock.clone(),
                self.cluster(),
                self.seed,
            )),
            reserved: self.reserved(),
            default_profile: aws.default_instance_profile.clone(),
        }
    }

    fn launcher(&self, shared: &Shared) -> Launcher {
        let kubelets = Kubelets::new(
            self.clock.clone(),
            self.expressions(),
            self.reserved_enis(),
            shared.types.clone(),
        );
        let (access, cidr) = (shared.access.clone(), shared.cidr.clone());
        let blueprint = Nodes::new(
            move || ClusterAccess {
                cidr: cidr.known().map(str::to_owned),
                ..access.clone()
            },
            move |class, name| kubelets.resolve(class, name),
        );
        let ec2 = &shared.world.calls.ec2;
        Launcher::new(launch::Parts {
            settings: self.launch_settings(&shared.access),
            fleets: Fleets::new(ec2.clone(), self.clock.clone(), self.metrics.clone()),
            templates: shared.templates.clone(),
            blueprint: Arc::new(blueprint),
            lessons: Arc::new(Lessons {
                clock: self.clock.clone(),
                recorder: self.recorder.clone(),
                unavailable: shared.unavailable.clone(),
                reservations: shared.discovery.reservations.clone(),
            }),
            addresses: shared.addresses.clone(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
        })
    }

    fn classes(&self, shared: &Shared, launcher: &Launcher) -> NodeClasses {
        let aws = &self.options.aws;
        let validation = Validation::new(validation::Parts {
            clock: self.clock.clone(),
            ec2: shared.world.calls.ec2.clone(),
            launcher: launcher.clone(),
            types: shared.types.clone(),
            placement_groups: shared.discovery.placement_groups.clone(),
            objects: shared.world.objects.clone(),
            cluster: self.cluster(),
            cidr: shared.cidr.clone(),
            expressions: self.expressions(),
            dry_run: if aws.disable_dry_run {
                DryRun::Disabled
            } else {
                DryRun::Enabled
            },
            reserved: self.reserved(),
        });
        NodeClasses::new(node_class::Parts {
            client: self.client.clone(),
            clock: self.clock.clone(),
            recorder: self.recorder.clone(),
            objects: shared.world.objects.clone(),
            discovery: shared.discovery.clone(),
            validation: Arc::new(validation),
            templates: shared.templates.clone(),
            profiles: if aws.isolated_vpc {
                ProfileCleanup::Skipped
            } else {
                ProfileCleanup::Done
            },
            ca_bundle: shared.access.ca_bundle.clone(),
        })
    }

    fn interruptions(&self, shared: &Shared) -> Interruptions {
        let reservations = shared.discovery.reservations.clone();
        let marks = ProcessMarks {
            offerings: shared.unavailable.clone(),
            empty_reservation: move |id: &str| reservations.unavailable([id]),
        };
        let on_rebalance = match self.options.aws.rebalance_recommendations {
            RebalancePolicy::Ignore => OnRebalance::Ignore,
            RebalancePolicy::Replace => OnRebalance::Replace,
        };
        Interruptions::new(shared.world.clone(), Arc::new(marks), on_rebalance)
    }

    fn expressions(&self) -> Expressions {
        if self.options.aws.feature_gates.node_class_cel {
            Expressions::Enabled
        } else {
            Expressions::Disabled
        }
    }

    fn reserved(&self) -> Reserved {
        if self.options.feature_gates.reserved_capacity {
            Reserved::Used
        } else {
            Reserved::Ignored
        }
    }

    fn reserved_enis(&self) -> u64 {
        u64::try_from(self.options.aws.reserved_enis).unwrap_or(0)
    }

    fn price_list(&self) -> PriceList {
        if self.options.aws.isolated_vpc {
            PriceList::Isolated
        } else {
            PriceList::Reachable
        }
    }

    fn type_options(&self) -> TypeOptions {
        let overhead = self.options.aws.vm_memory_overhead_percent;
        TypeOptions {
            reserved_enis: self.reserved_enis(),
            memory_overhead: Quantity::from_millis((overhead * 1000.0).round() as i64),
            reserved_capacity: self.options.feature_gates.reserved_capacity,
            expressions: self.expressions(),
        }
    }

    fn launch_settings(&self, access: &ClusterAccess) -> LaunchSettings {
        LaunchSettings {
            region: self.region.clone(),
            addresses: address_family(access.dns.as_deref()),
            reservations: match self.reserved() {
                Reserved::Used => Usage::AsAsked,
                Reserved::Ignored => Usage::AsTheAccount,
            },
            min_values: match self.options.min_values_policy {
                MinValuesPolicy::Strict => MinValues::Strict,
                MinValuesPolicy::BestEffort => MinValues::BestEffort,
            },
        }
    }
}

impl Shared {
    fn instances(&self, shifts: &ZonalShifts) -> Instances {
        let world = &self.world;
        let (ec2, clock) = (&world.calls.ec2, &world.clock);
        let batches = Batches {
            describing: Describing::new(ec2.clone(), clock.clone(), world.metrics.clone()),
            terminations: Terminations::new(ec2.clone(), clock.clone(), world.metrics.clone()),
        };
        Instances::new(world.clone(), shifts.clone(), Arc::new(batches))
    }
}

/// Calls about single instances, many of them made as one.
struct Batches {
    describing: Describing,
    terminations: Terminations,
}

#[async_trait]
impl Batched for Batches {
    async fn describe(
        &self,
        id: &str,
        filters: &[Filter],
    ) -> Result<Vec<aws::ec2::Instance>, Failure> {
        self.describing.get(id, filters).await
    }

    async fn terminate(&self, id: &str) -> Result<Vec<TerminatedInstance>, Failure> {
        self.terminations.terminate(id).await
    }
}
