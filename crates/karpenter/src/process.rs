//! The life of the process: connect, serve, lead, work, stop.
//!
//! The order of the end matters: readiness first, then the loops (calls in flight are finished and
//! their results written), then the lease, then the events that still wait, and the ports last.

use std::{collections::BTreeMap, future::pending, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use controllers::World;
use runtime::{
    Client, Clock, Metrics, Options, Recorder, Shutdown,
    client::{Kind, Source},
    health::{Check, CheckResult, Endpoints, Profiling, Servers},
    lease::{self, Election},
    metrics::names,
    shutdown,
};
use tokio::task::JoinHandle;

use crate::{
    cloud::{Connection, Term},
    identity::{identity, lease_namespace},
    readiness::Readiness,
    start::{COMMIT, VERSION},
};

/// How long the loops may take to finish what has begun. Kubernetes kills after 30 s.
const FINISH: Duration = Duration::from_secs(12);
/// How long events that still wait may take.
const FLUSH: Duration = Duration::from_secs(2);

/// Runs until a signal comes (`Ok`) or the process can't go on.
pub(crate) async fn run(options: Options, env: BTreeMap<String, String>) -> anyhow::Result<()> {
    let shutdown = Shutdown::new();
    let signals = tokio::spawn(shutdown::on_signals(shutdown.clone()));
    let process = Process::new(Arc::new(options), shutdown.clone()).await?;
    let result = process.live(&env).await;
    shutdown.trigger();
    signals.await?.context("listening for signals")?;
    result
}

/// How a term ended.
enum End {
    /// A stop was asked for.
    Stopped,
    /// The lease could not be renewed in time, or somebody else has it.
    LeadershipLost,
}

/// What the parts of the process share.
struct Process {
    options: Arc<Options>,
    metrics: Metrics,
    readiness: Readiness,
    /// For the loops.
    client: Client,
    /// For the lease, so that throttled loops can't cost leadership.
    lease_client: Client,
    /// How the cloud is called.
    connection: Connection,
    /// Asks everybody to stop.
    shutdown: Shutdown,
    /// Tells the ports to close, last of all.
    closing: Shutdown,
    serving: JoinHandle<()>,
}

impl Process {
    async fn new(options: Arc<Options>, shutdown: Shutdown) -> anyhow::Result<Self> {
        tracing::debug!(version = VERSION, "discovered karpenter version");
        let metrics = Metrics::new();
        let arch = std::env::consts::ARCH;
        metrics.set(&names::BUILD_INFO, &[VERSION, "", arch, COMMIT], 1.0);
        let servers = Servers::bind(options.metrics_port, options.health_probe_port).await?;
        let (metrics_port, probe_port) = servers.ports();
        tracing::info!(
            metrics_port,
            probe_port,
            "serving metrics and health probes"
        );
        let readiness = Readiness::default();
        let closing = Shutdown::new();
        let endpoints = endpoints(&options, &metrics, &readiness);
        let serving = tokio::spawn(servers.serve(endpoints, closing.clone()));
        let source = match &options.kubeconfig {
            Some(path) => Source::File {
                path: PathBuf::from(path),
                context: None,
            },
            None => Source::Infer,
        };
        let agent = format!("karpenter/{VERSION}");
        let client = Client::connect(&source, &agent)
            .await?
            .with_limit(options.kube_client_qps, options.kube_client_burst)
            .with_metrics(metrics.clone());
        let ca_bundle = source.ca_bundle();
        let connection = Connection::find(&options, &metrics, ca_bundle).await?;
        let lease_client = Client::connect(&source, &agent)
            .await?
            .with_limit(20.0, 30)
            .with_timeout(Duration::from_secs(5));
        let kinds = vec![Kind::of::<api::NodePool>(), Kind::of::<api::NodeClaim>()];
        let ready = readiness.clone();
        let (looking, until) = (client.clone(), shutdown.clone());
        tokio::spawn(async move { ready.await_kinds(looking, kinds, until).await });
        Ok(Self {
            options,
            metrics,
            readiness,
            client,
            lease_client,
            connection,
            shutdown,
            closing,
            serving,
        })
    }

    /// Leads and works until told to stop, then stops in order.
    async fn live(self, env: &BTreeMap<String, String>) -> anyhow::Result<()> {
        let identity = identity(env);
        let mut term = 0;
        let result = loop {
            match self.term(&identity, term).await {
                Ok(End::LeadershipLost) => {
                    // An API server that was away is no reason to end: whoever can renew or take
                    // the lease next goes on, and everything is read anew.
                    tracing::error!("leader election lost, standing by");
                    self.metrics.set(&names::CLUSTER_STATE_SYNCED, &[], 0.0);
                    term += 1;
                }
                Ok(End::Stopped) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.readiness.stop();
        self.closing.trigger();
        self.serving.await.context("serving metrics and probes")?;
        result
    }

    /// Waits for leadership, then works until told to stop or leadership is lost. `number` tells
    /// the terms of this process apart.
    async fn term(&self, identity: &str, number: u32) -> anyhow::Result<End> {
        let release = Shutdown::new();
        let mut election = self.election(identity, release.clone())?;
        let elected = match &mut election {
            Some(election) => self.shutdown.or_stop(election.elected()).await,
            None => Some(true),
        };
        let seed = provider_kwok::seed(&format!("{identity}/{number}"));
        let result = match elected {
            Some(true) => self.work(seed, election.as_mut()).await,
            Some(false) => Err(anyhow!("the candidacy for the lease ended")),
            None => Ok(End::Stopped),
        };
        if self.shutdown.is_triggered() {
            self.readiness.stop();
        }
        release.trigger();
        if let Some(election) = election {
            election.ended().await;
        }
        result
    }

    fn election(&self, identity: &str, release: Shutdown) -> anyhow::Result<Option<Election>> {
        if self.options.disable_leader_election {
            return Ok(None);
        }
        let namespace = lease_namespace(&self.options.leader_election_namespace)?;
        let name = self.options.leader_election_name.clone();
        let mut config = lease::Config::standard(name, namespace, identity);
        config.metrics = Some(self.metrics.clone());
        Ok(Some(Election::start(
            self.lease_client.clone(),
            Clock::wall(),
            config,
            release,
        )))
    }

    /// The loops and the provider's own work, until told to stop or leadership is lost. Losing it
    /// drops them where they stand, as a crash would: somebody else may be leading already.
    async fn work(&self, seed: u64, election: Option<&mut Election>) -> anyhow::Result<End> {
        let clock = Clock::wall();
        let (recorder, outbox) = Recorder::new(clock.clone(), Some(self.metrics.clone()));
        let flush = Shutdown::new();
        let writing = tokio::spawn(outbox.run(self.client.clone(), flush.clone()));
        let term = Term {
            client: &self.client,
            clock: &clock,
            recorder: &recorder,
            metrics: &self.metrics,
            options: &self.options,
            seed,
        };
        let cloud = self.connection.cloud(term).await?;
        let world = World {
            client: self.client.clone(),
            cloud: cloud.provider(),
            clock,
            recorder,
            metrics: self.metrics.clone(),
            options: self.options.clone(),
            seed,
        };
        // On the heap: it is large.
        let controllers = Box::pin(async {
            match self.shutdown.or_stop(cloud.synced()).await {
                Some(()) => controllers::run(world, self.shutdown.clone()).await,
                None => Ok(()),
            }
        });
        let loops = async {
            let (result, ()) = tokio::join!(controllers, cloud.run(self.shutdown.clone()));
            result.context("running the control loops")
        };
        let result = tokio::select! {
            biased;
            () = lost(election) => Ok(End::LeadershipLost),
            result = loops => result.map(|()| End::Stopped),
            () = self.overdue() => Err(anyhow!("the loops did not finish in time")),
        };
        flush.trigger();
        if tokio::time::timeout(FLUSH, writing).await.is_err() {
            tracing::warn!("some events were not written in time");
        }
        result
    }

    /// Completes when a stop was asked for and took too long.
    async fn overdue(&self) {
        self.shutdown.wait().await;
        self.readiness.stop();
        tokio::time::sleep(FINISH).await;
    }
}

async fn lost(election: Option<&mut Election>) {
    match election {
        Some(election) => election.lost().await,
        None => pending().await,
    }
}

fn endpoints(options: &Options, metrics: &Metrics, readiness: &Readiness) -> Endpoints {
    let (name, shown) = (options.leader_election_name.clone(), metrics.clone());
    let leads_alone = options.disable_leader_election;
    let synced = move || -> CheckResult {
        let leads = leads_alone || shown.value(&names::LEADER, &[&name]) == Some(1.0);
        // A standby has nothing to fill.
        if !leads || shown.value(&names::CLUSTER_STATE_SYNCED, &[]) == Some(1.0) {
            Ok(())
        } else {
            Err("the cluster's state is not read yet".into())
        }
    };
    let profiling = if options.enable_profiling {
        Profiling::Asked
    } else {
        Profiling::Off
    };
    Endpoints {
        metrics: metrics.clone(),
        alive: vec![Check::ping("healthz")],
        ready: readiness.checks(synced),
        profiling,
    }
}
