//! Settings of the process, from flags and environment: flag, then environment, then default.
//!
//! [`parse`] is a function of its inputs, so it is tested by tables. Every setting stands once in
//! the table of flags, from which reading and `--help` are made; its name, variable, default and
//! error texts are those that deployments of Karpenter already rely on.
//!
//! What is *not* here: reading the real environment (the program does), and what a setting means to
//! a loop.

mod flags;
mod gates;
mod help;
mod read;
mod scheduler;

use std::{collections::BTreeMap, time::Duration};

pub use flags::{FLAGS, Flag};
pub use gates::{AwsFeatureGates, FeatureGates, GateError};
pub use help::help;
pub use read::FlagError;
use read::Values;
pub use scheduler::{DefaultConstraint, SchedulerConfig, SchedulerError, WhenUnsatisfiable};

/// Every setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Which cloud nodes come from.
    pub provider: Provider,
    /// Kubeconfig file given by flag; `None` for `KUBECONFIG`, the home directory or the pod's
    /// account.
    pub kubeconfig: Option<String>,
    /// Name of the Service that fronts the controller; informational.
    pub karpenter_service: String,
    /// Port of `/metrics`.
    pub metrics_port: u16,
    /// Port of `/healthz` and `/readyz`.
    pub health_probe_port: u16,
    /// Calls per second to the API server.
    pub kube_client_qps: f64,
    /// Calls at once to the API server.
    pub kube_client_burst: u32,
    /// Whether profiles were asked for.
    pub enable_profiling: bool,
    /// Whether replicas that do not lead leave their caches empty.
    pub disable_controller_warmup: bool,
    /// Whether to run without a lease.
    pub disable_leader_election: bool,
    /// Whether to drop the metrics about pods, nodes, pools and conditions.
    pub disable_cluster_state_observability: bool,
    /// Name of the Lease.
    pub leader_election_name: String,
    /// Namespace of the Lease; empty means the pod's own.
    pub leader_election_namespace: String,
    /// The container's memory limit in bytes; not positive means unknown.
    pub memory_limit: i64,
    /// The container's CPU request in millicores; scales concurrency.
    pub cpu_requests_milli: i64,
    /// Where and how much is logged.
    pub log: LogOptions,
    /// Longest window in which pending pods are gathered.
    pub batch_max_duration: Duration,
    /// Quiet time that closes the window.
    pub batch_idle_duration: Duration,
    /// What becomes of preferences.
    pub preference_policy: PreferencePolicy,
    /// What becomes of `minValues` that can't be met.
    pub min_values_policy: MinValuesPolicy,
    /// Whether pods that use dynamic resource allocation are left alone.
    pub ignore_dra_requests: bool,
    /// Features that can be turned on and off.
    pub feature_gates: FeatureGates,
    /// Defaults for pods without topology spread constraints.
    pub scheduler: SchedulerConfig,
    /// Whether a node gets a label for each taint of its pool that has a value.
    pub label_nodes_from_taints: bool,
    /// A node is weighed by the mean price of so many of the cheapest types that hold its pods, so
    /// that it is still cheap where the cheapest is out of stock. At least 1.
    pub price_by_cheapest: u32,
    /// Within what time a consolidation must pay for itself.
    pub consolidation_payback: Duration,
    /// For how long nodes with pods are left alone after pods came.
    pub consolidation_settle: Duration,
    /// How long a node may be registered without being initialized before it is deleted, where its
    /// claim does not say; none for ever.
    pub initialization_timeout: Option<Duration>,
    /// Settings of the AWS provider.
    pub aws: AwsOptions,
    /// Settings of the KWOK provider.
    pub kwok: KwokOptions,
}

/// Which cloud nodes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// EC2.
    Aws,
    /// Simulated nodes that the kwok controller keeps alive.
    Kwok,
}

/// Where and how much is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// The least severe level that is written.
    pub level: LogLevel,
    /// `stdout`, `stderr` or files.
    pub output_paths: Vec<String>,
    /// Where failures of logging itself go.
    pub error_output_paths: Vec<String>,
}

/// Level of logging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What operators want to know.
    Info,
    /// What went wrong.
    Error,
}

/// What becomes of preferences of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreferencePolicy {
    /// Treated as required until the pod does not fit.
    Respect,
    /// Not looked at.
    Ignore,
}

/// What becomes of `minValues` that can't be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinValuesPolicy {
    /// The pool is not used.
    Strict,
    /// As many values as there are.
    BestEffort,
}

/// What becomes of a rebalance recommendation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebalancePolicy {
    /// An event only.
    Ignore,
    /// The node is replaced before the interruption.
    Replace,
}

/// Settings of the AWS provider.
#[derive(Clone, Debug, PartialEq)]
pub struct AwsOptions {
    /// Name of the cluster; required.
    pub cluster_name: String,
    /// URL of the API server for nodes; empty means discovery.
    pub cluster_endpoint: String,
    /// CA for nodes; empty means the controller's own.
    pub cluster_ca_bundle: String,
    /// Whether services without VPC endpoints are out of reach.
    pub isolated_vpc: bool,
    /// Whether details of the cluster are read from EKS.
    pub eks_control_plane: bool,
    /// Share of a type's memory that its hypervisor keeps.
    pub vm_memory_overhead_percent: f64,
    /// SQS queue of interruptions; empty for none.
    pub interruption_queue: String,
    /// Network interfaces that pods can't use.
    pub reserved_enis: i64,
    /// Whether EC2NodeClasses are accepted without dry runs.
    pub disable_dry_run: bool,
    /// Whether zonal shifts are honoured.
    pub enable_zonal_shift: bool,
    /// How long found images are good.
    pub ami_refresh_interval: Duration,
    /// How long found subnets are good.
    pub subnet_refresh_interval: Duration,
    /// Instance profile of node classes that name neither role nor profile.
    pub default_instance_profile: String,
    /// What becomes of rebalance recommendations.
    pub rebalance_recommendations: RebalancePolicy,
    /// Features that can be turned on and off.
    pub feature_gates: AwsFeatureGates,
}

/// Settings of the KWOK provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KwokOptions {
    /// JSON file of instance types; empty for the built-in set.
    pub instance_types_file_path: String,
}

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Parsed {
    /// To run with these settings.
    Run(Box<Options>),
    /// To see the help.
    Help,
    /// To see the version.
    Version,
}

/// Why settings were refused. The texts are those that operators search for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OptionsError {
    /// A flag is unknown or its value has the wrong type.
    #[error("parsing flags, {0}")]
    Flags(#[from] FlagError),
    /// The feature gates can't be read.
    #[error("parsing feature gates, {0}")]
    Gates(#[from] GateError),
    /// The scheduler config can't be read or is not valid.
    #[error("parsing scheduler config, {0}")]
    Scheduler(#[from] SchedulerError),
    /// A setting has a value that it can't have.
    #[error("validating cli flags / env vars, invalid {variable} {value:?}{hint}")]
    Invalid {
        /// The setting's variable.
        variable: &'static str,
        /// The value.
        value: String,
        /// What it may be.
        hint: &'static str,
    },
    /// Settings of the AWS provider are missing or wrong.
    #[error("validating options, {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Aws(Vec<AwsFault>),
}

/// What is wrong with a setting of the AWS provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AwsFault {
    /// `cluster-name` is required.
    #[error("missing field, cluster-name")]
    ClusterName,
    /// `cluster-endpoint` must be an absolute URL with a host.
    #[error("cluster endpoint URL is not valid, cluster-endpoint")]
    ClusterEndpoint,
    /// A share of memory.
    #[error("vm-memory-overhead-percent cannot be negative")]
    MemoryOverhead,
    /// A number of interfaces.
    #[error("reserved-enis cannot be negative")]
    ReservedEnis,
    /// Too eager.
    #[error("ami-refresh-interval must be at least 1m")]
    AmiRefresh,
    /// Too eager.
    #[error("subnet-refresh-interval must be at least 1m")]
    SubnetRefresh,
}

/// Reads settings from command-line arguments (without the program's name) and environment.
pub fn parse(args: &[String], env: &BTreeMap<String, String>) -> Result<Parsed, OptionsError> {
    match Values::read(args, env)? {
        read::Outcome::Help => Ok(Parsed::Help),
        read::Outcome::Version => Ok(Parsed::Version),
        read::Outcome::Values(values) => Ok(Parsed::Run(Box::new(options(&values)?))),
    }
}

fn options(values: &Values) -> Result<Options, OptionsError> {
    let provider = choose(
        values,
        "provider",
        &[("aws", Provider::Aws), ("kwok", Provider::Kwok)],
    )?;
    let aws = aws(values)?;
    if provider == Provider::Aws {
        validate_aws(&aws)?;
    }
    let cpu_requests_milli = values.int("cpu-requests");
    Ok(Options {
        provider,
        kubeconfig: Some(values.text("kubeconfig")).filter(|path| !path.is_empty()),
        karpenter_service: values.text("karpenter-service"),
        metrics_port: port(values, "metrics-port")?,
        health_probe_port: port(values, "health-probe-port")?,
        kube_client_qps: values.int("kube-client-qps") as f64,
        kube_client_burst: u32::try_from(values.int("kube-client-burst").max(1))
            .unwrap_or(u32::MAX),
        enable_profiling: values.bool("enable-profiling"),
        disable_controller_warmup: values.bool("disable-controller-warmup"),
        disable_leader_election: values.bool("disable-leader-election"),
        disable_cluster_state_observability: values.bool("disable-cluster-state-observability"),
        leader_election_name: values.text("leader-election-name"),
        leader_election_namespace: values.text("leader-election-namespace"),
        memory_limit: values.int("memory-limit"),
        cpu_requests_milli: if cpu_requests_milli > 0 {
            cpu_requests_milli
        } else {
            1000
        },
        log: log(values)?,
        batch_max_duration: values.duration("batch-max-duration"),
        batch_idle_duration: values.duration("batch-idle-duration"),
        preference_policy: choose(
            values,
            "preference-policy",
            &[
                ("Respect", PreferencePolicy::Respect),
                ("Ignore", PreferencePolicy::Ignore),
            ],
        )?,
        min_values_policy: choose(
            values,
            "min-values-policy",
            &[
                ("Strict", MinValuesPolicy::Strict),
                ("BestEffort", MinValuesPolicy::BestEffort),
            ],
        )?,
        ignore_dra_requests: values.bool("ignore-dra-requests"),
        feature_gates: FeatureGates::parse(&values.text("feature-gates"))?,
        scheduler: SchedulerConfig::parse(&values.text("scheduler-config"))?,
        label_nodes_from_taints: values.bool("label-nodes-from-taints"),
        price_by_cheapest: u32::try_from(values.int("price-by-cheapest").max(1)).unwrap_or(1),
        consolidation_payback: values.duration("consolidation-payback"),
        consolidation_settle: values.duration("consolidation-settle"),
        initialization_timeout: Some(values.duration("initialization-timeout"))
            .filter(|timeout| !timeout.is_zero()),
        aws,
        kwok: KwokOptions {
            instance_types_file_path: values.text("instance-types-file-path"),
        },
    })
}

fn log(values: &Values) -> Result<LogOptions, OptionsError> {
    let levels = [
        ("", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("info", LogLevel::Info),
        ("error", LogLevel::Error),
    ];
    let paths = |name| {
        let text = values.text(name);
        text.split(',')
            .map(str::trim)
            .filter(|path| !path.is_empty())
            .map(str::to_owned)
            .collect()
    };
    Ok(LogOptions {
        level: choose(values, "log-level", &levels)?,
        output_paths: paths("log-output-paths"),
        error_output_paths: paths("log-error-output-paths"),
    })
}

fn aws(values: &Values) -> Result<AwsOptions, OptionsError> {
    Ok(AwsOptions {
        cluster_name: values.text("cluster-name"),
        cluster_endpoint: values.text("cluster-endpoint"),
        cluster_ca_bundle: values.text("cluster-ca-bundle"),
        isolated_vpc: values.bool("isolated-vpc"),
        eks_control_plane: values.bool("eks-control-plane"),
        vm_memory_overhead_percent: values.float("vm-memory-overhead-percent"),
        interruption_queue: values.text("interruption-queue"),
        reserved_enis: values.int("reserved-enis"),
        disable_dry_run: values.bool("disable-dry-run"),
        enable_zonal_shift: values.bool("enable-zonal-shift"),
        ami_refresh_interval: values.duration("ami-refresh-interval"),
        subnet_refresh_interval: values.duration("subnet-refresh-interval"),
        default_instance_profile: values.text("default-instance-profile"),
        rebalance_recommendations: choose(
            values,
            "rebalance-recommendations",
            &[
                ("Ignore", RebalancePolicy::Ignore),
                ("Replace", RebalancePolicy::Replace),
            ],
        )?,
        feature_gates: AwsFeatureGates::parse(&values.text("aws-feature-gates"))?,
    })
}

fn validate_aws(aws: &AwsOptions) -> Result<(), OptionsError> {
    let minute = Duration::from_mins(1);
    let faults: Vec<AwsFault> = [
        (aws.cluster_name.is_empty(), AwsFault::ClusterName),
        (
            !is_endpoint(&aws.cluster_endpoint),
            AwsFault::ClusterEndpoint,
        ),
        (
            aws.vm_memory_overhead_percent < 0.0,
            AwsFault::MemoryOverhead,
        ),
        (aws.reserved_enis < 0, AwsFault::ReservedEnis),
        (aws.ami_refresh_interval < minute, AwsFault::AmiRefresh),
        (
            aws.subnet_refresh_interval < minute,
            AwsFault::SubnetRefresh,
        ),
    ]
    .into_iter()
    .filter_map(|(wrong, fault)| wrong.then_some(fault))
    .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(OptionsError::Aws(faults))
    }
}

fn is_endpoint(url: &str) -> bool {
    let parses =
        |uri: http::Uri| uri.scheme().is_some() && uri.host().is_some_and(|host| !host.is_empty());
    url.is_empty() || url.parse().is_ok_and(parses)
}

fn port(values: &Values, name: &'static str) -> Result<u16, OptionsError> {
    let value = values.int(name);
    u16::try_from(value).map_err(|_| invalid(name, value.to_string(), ", must be 0 to 65535"))
}

fn choose<T: Copy>(
    values: &Values,
    name: &'static str,
    choices: &[(&str, T)],
) -> Result<T, OptionsError> {
    let value = values.text(name);
    let found = choices.iter().find(|(choice, _)| *choice == value);
    found
        .map(|(_, chosen)| *chosen)
        .ok_or_else(|| invalid(name, value, ""))
}

fn invalid(name: &'static str, value: String, hint: &'static str) -> OptionsError {
    OptionsError::Invalid {
        variable: flags::flag(name).env,
        value,
        hint,
    }
}

impl Options {
    /// Workers of a controller: `min` at one core, `max` at sixty, in a straight line between.
    pub fn workers(&self, min: usize, max: usize) -> usize {
        let cores = (self.cpu_requests_milli + 999).div_euclid(1000).max(1);
        let extra = (max - min) as i64 * (cores - 1) / 59;
        min.saturating_add(usize::try_from(extra).unwrap_or(usize::MAX))
            .clamp(min, max)
    }

    /// Rate and burst of a controller's bucket: `qps` for `min` workers, growing with `workers`;
    /// ten times that at once.
    pub fn bucket(qps: usize, min: usize, workers: usize) -> (f64, u32) {
        let rate = (workers * qps).div_ceil(min.max(1));
        (rate as f64, u32::try_from(rate * 10).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests;
