//! The provider put together: what is asked of AWS before anything else, who works with whom, and
//! all its loops side by side.
//!
//! What is *not* here: connecting to AWS (`sdk`), leadership, and the loops of every cloud
//! (`controllers`).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws::Failure;
use aws::class::Reserved;
use aws::ec2::{Filter, TerminatedInstance};
use aws::fleet::MinValues;
use aws::instance::Context;
use aws::interruption::OnRebalance;
use aws::kubelet::Expressions;
use aws::subnets::Addresses;
use aws::template::{Reservations as Usage, address_family};
use aws::types::Options as TypeOptions;
use aws::userdata::ClusterAccess;
use controllers::CloudProvider;
use model::ObjectMeta;
use model::Quantity;
use runtime::options::{MinValuesPolicy, RebalancePolicy};
use runtime::{Client, Clock, Metrics, ObjectKey, Options, Recorder, Shutdown};
use serde::{Deserialize, Serialize};

use crate::batch::{Fleets, Instances as Describing, Terminations};
use crate::calls::Calls;
use crate::cloud::{self, Aws};
use crate::cluster::{self, ServiceCidr};
use crate::discovery::Discovery;
use crate::discovery::images::Images;
use crate::discovery::parameters::Parameters;
use crate::discovery::placement_groups::PlacementGroups;
use crate::discovery::reservations::Reservations;
use crate::discovery::security_groups::SecurityGroups;
use crate::discovery::subnets::Subnets;
use crate::instance_types::{self, InstanceTypes, Sources};
use crate::instances::{Batched, Instances};
use crate::interruption::{Interruptions, ProcessMarks};
use crate::kubelets::Kubelets;
use crate::launch::{self, Launcher, Settings as LaunchSettings};
use crate::lessons::Lessons;
use crate::limits::Limited;
use crate::node_class::validation::{DryRun, Validation};
use crate::node_class::{self, NodeClasses, ProfileCleanup};
use crate::nodes::Nodes;
use crate::objects::Objects;
use crate::placement_hook::PlacementGroupHook;
use crate::pricing::{PriceList, PricingProvider};
use crate::profiles::Profiles;
use crate::rounds::rounds;
use crate::templates::Templates;
use crate::unavailable::UnavailableOfferings;
use crate::version::{self, Versions};
use crate::world::World;
use crate::zonal_shift::ZonalShifts;
use crate::{garbage, instance_status, interruption, reserved, tagging, zonal_shift};

/// What the provider is made from.
pub struct Start {
    /// AWS.
    pub calls: Calls,
    /// The region.
    pub region: String,
    /// The Kubernetes API.
    pub client: Client,
    /// The time.
    pub clock: Clock,
    /// Where events go.
    pub recorder: Recorder,
    /// Where measurements go.
    pub metrics: Metrics,
    /// Settings.
    pub options: Arc<Options>,
    /// The cluster's certificates in base64, where no setting says them; empty if there are none.
    pub ca_bundle: String,
    /// Makes names differ from those of other processes.
    pub seed: u64,
}

/// Why the provider can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// EC2 can't be reached, or may not be asked.
    #[error("ec2 api connectivity check failed, {0}")]
    Connectivity(Failure),
    /// Where nodes find the API server is not known.
    #[error(
        "unable to detect the cluster endpoint, set CLUSTER_ENDPOINT or allow eks:DescribeCluster, {0}"
    )]
    Endpoint(Failure),
    /// The version of Kubernetes is not known.
    #[error(transparent)]
    Version(#[from] version::VersionError),
    /// What EC2 offers is not known.
    #[error("discovering instance types, {0}")]
    Types(Failure),
    /// The zonal shifts of the cluster are not known.
    #[error("unable to read the zonal shifts of cluster {cluster}, {failure}")]
    ZonalShift {
        /// The cluster.
        cluster: String,
        /// Why.
        failure: Failure,
    },
}

/// The provider, ready to be used by the loops. [`Provider::run`] must run beside them.
pub struct Provider {
    world: World,
    options: Arc<Options>,
    cloud: Arc<Aws>,
    instances: Instances,
    shifts: ZonalShifts,
    types: Arc<InstanceTypes>,
    pricing: Arc<PricingProvider>,
    versions: Versions,
    discovery: Arc<Discovery>,
    templates: Templates,
    interruptions: Interruptions,
    classes: NodeClasses,
}

impl Start {
    /// Asks AWS what must be known before anything else, and puts the provider together.
    pub async fn start(self) -> Result<Provider, StartError> {
        self.calls
            .ec2
            .check()
            .await
            .map_err(StartError::Connectivity)?;
        let aws = &self.options.aws;
        let endpoint =
            cluster::endpoint(&*self.calls.eks, &aws.cluster_name, &aws.cluster_endpoint).await;
        let endpoint = endpoint.map_err(StartError::Endpoint)?;
        let versions = Versions::new(self.version_source());
        versions.update().await?;
        let shifts = self.zonal_shifts().await?;
        let access = ClusterAccess {
            name: aws.cluster_name.clone(),
            endpoint,
            ca_bundle: self.ca_bundle(),
            cidr: None,
            dns: self.cluster_dns().await,
        };
        let parts = self.parts(access, versions, shifts);
        parts.types.update().await.map_err(StartError::Types)?;
        Ok(parts)
    }

    fn version_source(&self) -> version::Source {
        let aws = &self.options.aws;
        if aws.eks_control_plane {
            version::Source::Eks(self.calls.eks.clone(), aws.cluster_name.clone())
        } else {
            version::Source::Server(self.client.clone())
        }
    }

    fn ca_bundle(&self) -> String {
        match self.options.aws.cluster_ca_bundle.as_str() {
            "" => self.ca_bundle.clone(),
            given => given.to_owned(),
        }
    }

    async fn zonal_shifts(&self) -> Result<ZonalShifts, StartError> {
        let aws = &self.options.aws;
        if !aws.enable_zonal_shift {
            return Ok(ZonalShifts::off());
        }
        let shifts = ZonalShifts::new(&self.calls, self.clock.clone(), &aws.cluster_name);
        match shifts.update().await {
            Ok(()) => Ok(shifts),
            Err(failure) => Err(StartError::ZonalShift {
                cluster: aws.cluster_name.clone(),
                failure,
            }),
        }
    }

    /// Address of the cluster's name service, if it has one under the usual name.
    async fn cluster_dns(&self) -> Option<String> {
        let key = ObjectKey::namespaced("kube-system", "kube-dns");
        match self.client.find::<ClusterDns>(&key).await {
            Ok(service) => service
                .map(|service| service.spec.cluster_ip)
                .filter(|address| address.parse::<std::net::IpAddr>().is_ok()),
            Err(error) => {
                tracing::debug!(%error, "unable to detect the IP of the kube-dns service");
                None
            }
        }
    }

    fn cluster(&self) -> aws::Cluster {
        aws::Cluster {
            name: self.options.aws.cluster_name.clone(),
            region: self.region.clone(),
        }
    }

    fn parts(self, access: ClusterAccess, versions: Versions, shifts: ZonalShifts) -> Provider {
        let clock = self.clock.clone();
        let cluster = self.cluster();
        let reserved = match self.options.feature_gates.reserved_capacity {
            true => Reserved::Used,
            false => Reserved::Ignored,
        };
        let calls = Calls {
            ec2: Arc::new(Limited::new(self.calls.ec2.clone(), clock.clone())),
            ..self.calls.clone()
        };
        let objects = Objects::new(self.client.clone(), self.metrics.clone(), self.seed);
        let world = World {
            client: self.client.clone(),
            objects: objects.clone(),
            calls: calls.clone(),
            cluster: cluster.clone(),
            clock: clock.clone(),
            recorder: self.recorder.clone(),
            metrics: self.metrics.clone(),
        };
        let addresses = Arc::new(Mutex::new(Addresses::default()));
        let discovery = Arc::new(self.discovery(&calls, &versions, &addresses, reserved));
        let unavailable = Arc::new(UnavailableOfferings::new(clock.clone()));
        let pricing = Arc::new(PricingProvider::new(
            &self.region,
            self.price_list(),
            clock.clone(),
            &calls,
        ));
        let cidr = Arc::new(ServiceCidr::new(
            calls.eks.clone(),
            self.options.aws.cluster_name.clone(),
        ));
        let enis = u64::try_from(self.options.aws.reserved_enis).unwrap_or(0);
        let kubelets = Arc::new(Kubelets::new(clock.clone(), self.expressions(), enis));
        let types = Arc::new(self.types(&calls, &discovery, &shifts, &unavailable, &pricing));
        kubelets.know(types.clone());
        let (known, addresses_of_services) = (access.clone(), cidr.clone());
        let blueprint = Arc::new(Nodes::new(
            move || ClusterAccess {
                cidr: addresses_of_services.known().map(str::to_owned),
                ..known.clone()
            },
            move |class, name| kubelets.resolve(class, name),
        ));
        let templates = Templates::new(
            calls.ec2.clone(),
            &cluster.name,
            clock.clone(),
            self.metrics.clone(),
        );
        let lessons = Lessons {
            clock: clock.clone(),
            recorder: self.recorder.clone(),
            unavailable: unavailable.clone(),
            reservations: discovery.reservations.clone(),
        };
        let launcher = Launcher::new(launch::Parts {
            settings: self.launch_settings(&access),
            fleets: Fleets::new(calls.ec2.clone(), clock.clone(), self.metrics.clone()),
            templates: templates.clone(),
            blueprint,
            lessons: Arc::new(lessons),
            addresses,
            clock: clock.clone(),
            metrics: self.metrics.clone(),
        });
        let batched = Batches {
            describing: Describing::new(calls.ec2.clone(), clock.clone(), self.metrics.clone()),
            terminations: Terminations::new(calls.ec2.clone(), clock.clone(), self.metrics.clone()),
        };
        let instances = Instances::new(world.clone(), shifts.clone(), Arc::new(batched));
        let validation = Arc::new(Validation::new(node_class::validation::Parts {
            clock: clock.clone(),
            ec2: calls.ec2.clone(),
            launcher: launcher.clone(),
            types: types.clone(),
            placement_groups: discovery.placement_groups.clone(),
            objects: objects.clone(),
            cluster: cluster.clone(),
            cidr,
            expressions: self.expressions(),
            dry_run: match self.options.aws.disable_dry_run {
                true => DryRun::Disabled,
                false => DryRun::Enabled,
            },
            reserved,
        }));
        let classes = NodeClasses::new(node_class::Parts {
            client: self.client.clone(),
            clock: clock.clone(),
            recorder: self.recorder.clone(),
            objects: objects.clone(),
            discovery: discovery.clone(),
            validation,
            templates: templates.clone(),
            profiles: match self.options.aws.isolated_vpc {
                true => ProfileCleanup::Skipped,
                false => ProfileCleanup::Done,
            },
            ca_bundle: access.ca_bundle,
        });
        let cloud = Arc::new(Aws::new(cloud::Parts {
            world: world.clone(),
            launcher,
            instances: instances.clone(),
            types: types.clone(),
            discovery: discovery.clone(),
            hooks: vec![Arc::new(PlacementGroupHook::new(instances.clone()))],
            reserved_capacity: reserved == Reserved::Used,
        }));
        let reservations = discovery.reservations.clone();
        let marks = ProcessMarks {
            offerings: unavailable,
            empty_reservation: move |id: &str| reservations.unavailable([id]),
        };
        let on_rebalance = match self.options.aws.rebalance_recommendations {
            RebalancePolicy::Ignore => OnRebalance::Ignore,
            RebalancePolicy::Replace => OnRebalance::Replace,
        };
        let interruptions = Interruptions::new(world.clone(), Arc::new(marks), on_rebalance);
        Provider {
            world,
            options: self.options,
            cloud,
            instances,
            shifts,
            types,
            pricing,
            versions,
            discovery,
            templates,
            interruptions,
            classes,
        }
    }

    fn expressions(&self) -> Expressions {
        match self.options.aws.feature_gates.node_class_cel {
            true => Expressions::Enabled,
            false => Expressions::Disabled,
        }
    }

    fn price_list(&self) -> PriceList {
        match self.options.aws.isolated_vpc {
            true => PriceList::Isolated,
            false => PriceList::Reachable,
        }
    }

    fn launch_settings(&self, access: &ClusterAccess) -> LaunchSettings {
        LaunchSettings {
            region: self.region.clone(),
            addresses: address_family(access.dns.as_deref()),
            reservations: match self.options.feature_gates.reserved_capacity {
                true => Usage::AsAsked,
                false => Usage::AsTheAccount,
            },
            min_values: match self.options.min_values_policy {
                MinValuesPolicy::Strict => MinValues::Strict,
                MinValuesPolicy::BestEffort => MinValues::BestEffort,
            },
        }
    }

    fn discovery(
        &self,
        calls: &Calls,
        versions: &Versions,
        addresses: &Arc<Mutex<Addresses>>,
        reserved: Reserved,
    ) -> Discovery {
        let clock = &self.clock;
        let aws = &self.options.aws;
        let parameters = Parameters::new(calls.ssm.clone(), clock.clone());
        let (told, at) = (addresses.clone(), clock.clone());
        let ttl = Addresses::ttl(aws.subnet_refresh_interval);
        let listener = Box::new(move |found: &[aws::ec2::Subnet]| {
            let mut addresses = told
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
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
            reserved,
            default_profile: aws.default_instance_profile.clone(),
        }
    }

    fn types(
        &self,
        calls: &Calls,
        discovery: &Arc<Discovery>,
        shifts: &ZonalShifts,
        unavailable: &Arc<UnavailableOfferings>,
        pricing: &Arc<PricingProvider>,
    ) -> InstanceTypes {
        let aws = &self.options.aws;
        let reservations = discovery.reservations.clone();
        let shifts = shifts.clone();
        let sources = Sources {
            pricing: pricing.clone(),
            unavailable: unavailable.clone(),
            available: Arc::new(move |id| reservations.available(id)),
            shifted: Arc::new(move || shifts.known()),
            further: Vec::new(),
        };
        let options = TypeOptions {
            reserved_enis: u64::try_from(aws.reserved_enis).unwrap_or(0),
            memory_overhead: Quantity::from_millis(
                (aws.vm_memory_overhead_percent * 1000.0).round() as i64,
            ),
            reserved_capacity: self.options.feature_gates.reserved_capacity,
            expressions: self.expressions(),
        };
        let measures = (self.clock.clone(), self.metrics.clone());
        InstanceTypes::new(&self.region, options, measures, calls, sources)
    }
}

impl Provider {
    /// The cloud, for the loops.
    pub fn cloud(&self) -> Arc<dyn CloudProvider> {
        self.cloud.clone()
    }

    /// All loops of the provider, until `shutdown`; what has begun is finished first.
    pub async fn run(&self, shutdown: Shutdown) {
        let world = &self.world;
        let context = Context {
            reserved_capacity: self.options.feature_gates.reserved_capacity,
            ..Context::default()
        };
        let queue = self.options.aws.interruption_queue.as_str();
        tokio::join!(
            world.objects.run(shutdown.clone()),
            self.classes.run(shutdown.clone()),
            self.types.run(shutdown.clone()),
            self.pricing.run(shutdown.clone()),
            self.sweep(&shutdown),
            self.rounds(&shutdown),
            tagging::run(world, &self.instances, &shutdown),
            garbage::run(world, &self.instances, &shutdown),
            instance_status::run(world, &self.interruptions, &shutdown),
            zonal_shift::run(world, &self.shifts, &shutdown),
            only(
                !queue.is_empty(),
                interruption::queue::run(&self.interruptions, queue, &shutdown)
            ),
            only(
                context.reserved_capacity,
                reserved::demote(world, &self.instances, &context, &shutdown)
            ),
            only(
                context.reserved_capacity,
                reserved::expire(world, &shutdown)
            ),
        );
    }

    /// What is asked again and again, whether anything happens or not.
    async fn rounds(&self, shutdown: &Shutdown) {
        let (clock, objects) = (&self.world.clock, &self.world.objects);
        let versions = || self.versions.refresh();
        let parameters = || async { self.discovery.images.invalidate().await.map(drop) };
        let profiles = || async {
            let (classes, claims) = (objects.classes(), objects.claims());
            let profiles = &self.discovery.profiles;
            profiles.collect_garbage(&classes, &claims).await.map(drop)
        };
        let offerings = || async {
            let reserved = self.options.feature_gates.reserved_capacity;
            let pools = objects.pools();
            let metrics = &self.world.metrics;
            instance_types::show_offerings(&*self.cloud, &pools, reserved, metrics).await
        };
        // Nothing can be said to be unused before all is known.
        if shutdown.or_stop(objects.synced()).await.is_none() {
            return;
        }
        let minutes = Duration::from_mins;
        tokio::join!(
            rounds("providers.version", clock, shutdown, minutes(5), versions),
            rounds(
                "providers.ssm.invalidation",
                clock,
                shutdown,
                minutes(30),
                parameters
            ),
            only(
                !self.options.aws.isolated_vpc,
                rounds(
                    "instanceprofile.garbagecollection",
                    clock,
                    shutdown,
                    minutes(30),
                    profiles
                ),
            ),
            rounds(
                "cloudprovider.metrics",
                clock,
                shutdown,
                minutes(1),
                offerings
            ),
        );
    }

    /// Launch templates that nothing uses any more are deleted.
    async fn sweep(&self, shutdown: &Shutdown) {
        let _ = shutdown.or_stop(self.templates.run()).await;
    }
}

/// A loop that is only there if it is wanted.
async fn only(wanted: bool, run: impl Future<Output = ()>) {
    if wanted {
        run.await;
    }
}

/// The Service of the cluster's name service, as far as it is looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct ClusterDns {
    metadata: ObjectMeta,
    spec: ClusterDnsSpec,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct ClusterDnsSpec {
    #[serde(rename = "clusterIP")]
    cluster_ip: String,
}

model::resource!(ClusterDns, "", "v1", "Service", "services", true);

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

#[cfg(test)]
mod tests;
