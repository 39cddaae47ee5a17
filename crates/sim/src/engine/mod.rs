//! The run itself: virtual time, the change stream of the API server, and the order of things.
//!
//! One loop plays everything that is not Karpenter. Whenever the API server or the cloud changed,
//! it takes the changes in, lets each part react until nothing is left to do, and sleeps until the
//! next change or timer. Karpenter's loops run beside it in the same thread.

mod absorb;
mod broken;
mod nodes;
mod outside;
mod perform;
mod referee;
mod setup;
mod steps;
mod storage;
mod summary;
mod timers;
mod watches;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use api::{NodeClaim, NodePool};
use apiserver::Server;
use catalog::Catalogs;
use model::Timestamp;
use runtime::client::Kind;
use runtime::metrics::names;
use runtime::{Client, Clock, Metrics, Options, Recorder, Shutdown};
use serde_json::Value;

use crate::cloud::SimCloud;
use crate::kubelet::Timing;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::state::{State, WorkloadKey};
use crate::timeline::{Happening, Timeline};
use crate::wire::Wire;
use referee::Referee;
use summary::{Records, Samples};
use timers::Timers;
use watches::Watches;

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Config {
    /// Objects of the cluster at the start.
    pub objects: Vec<Value>,
    /// What happens from outside.
    pub scenario: Scenario,
    /// What the cloud sells.
    pub catalogs: Catalogs,
    /// Node class kinds of the provider; the first is the default.
    pub kinds: Vec<Kind>,
    /// Karpenter's settings.
    pub options: Options,
    /// How long things take.
    pub timing: Timing,
    /// The time of day at the start.
    pub start: Timestamp,
    /// The most that passes.
    pub at_most: Duration,
    /// Decides everything that varies.
    pub seed: u64,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug)]
pub struct Glimpse {
    /// Virtual time since the start.
    pub elapsed: Duration,
    /// Nodes.
    pub nodes: usize,
    /// Pods.
    pub pods: usize,
    /// Pods that wait for a node.
    pub waiting: usize,
    /// How often Karpenter has looked which nodes may go.
    pub looks: u64,
    /// How often its loops have looked at one object.
    pub reconciles: u64,
}

/// Why a run could not be done.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The runtime could not be started.
    #[error("the simulation could not start: {0}")]
    Runtime(#[from] std::io::Error),
    /// The API server refused something that the simulation itself needs.
    #[error("the embedded API server refused {what}: {error}")]
    Server {
        /// What was asked.
        what: String,
        /// Its answer.
        error: apiserver::ApiError,
    },
    /// Karpenter's loops ended.
    #[error("the controllers stopped: {0}")]
    Controllers(#[from] controllers::Error),
    /// An object of the input was refused.
    #[error("{object}: {error}")]
    Refused {
        /// `Kind namespace/name`.
        object: String,
        /// The API server's answer.
        error: apiserver::ApiError,
    },
}

/// Runs a simulation to its end. `watch` sees how far it is, a few times a second of virtual time.
pub fn simulate(config: Config, watch: &mut dyn FnMut(Glimpse)) -> Result<Report, SimError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    runtime.block_on(run(config, watch))
}

async fn run(config: Config, watch: &mut dyn FnMut(Glimpse)) -> Result<Report, SimError> {
    let clock = Clock::simulated(config.start);
    let server = setup::server(&clock, config.seed)?;
    let cloud = Arc::new(SimCloud::new(
        config.catalogs.clone(),
        config.kinds.clone(),
        clock.clone(),
    ));
    let wire = Wire::new(server.clone(), clock.clone());
    let client = Client::from_service(wire.service());
    let metrics = Metrics::new();
    let (recorder, outbox) = Recorder::new(clock.clone(), Some(metrics.clone()));
    let world = controllers::World {
        client: client.clone(),
        cloud: cloud.clone(),
        clock: clock.clone(),
        recorder,
        metrics: metrics.clone(),
        options: Arc::new(config.options.clone()),
        seed: config.seed,
    };
    let shutdown = Shutdown::new();
    let mut engine = Engine::new(config, server, wire, cloud, (clock, metrics))?;
    engine.start()?;
    let karpenter = controllers::run(world, shutdown.clone());
    let events = outbox.run(client, shutdown.clone());
    tokio::select! {
        biased;
        report = engine.drive(watch) => report,
        outcome = karpenter => {
            outcome?;
            unreachable!("nobody has told the controllers to stop")
        }
        () = events => unreachable!("nobody has told the outbox to stop"),
    }
}

/// Everything but Karpenter.
struct Engine {
    config: Config,
    server: Server,
    wire: Wire,
    cloud: Arc<SimCloud>,
    clock: Clock,
    /// What Karpenter counts.
    metrics: Metrics,
    watches: Watches,
    state: State,
    claims: BTreeMap<String, Arc<NodeClaim>>,
    pools: BTreeMap<String, Arc<NodePool>>,
    referee: Referee,
    samples: Samples,
    /// Nodes that something from outside has broken, also those that are gone, with what it did.
    broken: BTreeMap<String, &'static str>,
    /// Nodes whose kubelet does nothing any more.
    silent: BTreeSet<String>,
    timers: Timers,
    timeline: Timeline,
    records: Records,
    /// Workloads to look at again.
    dirty: BTreeSet<WorkloadKey>,
    /// Whether pods may fit now that did not before.
    scheduling_due: bool,
    /// Whether claims or volumes have changed.
    storage_due: bool,
    /// Whether budgets' figures may have changed.
    budgets_due: bool,
    /// When something happened last.
    active: Timestamp,
    steps_left: usize,
    notes: Vec<String>,
}

/// How often the watcher is told how far the run is, in virtual time.
const GLIMPSE: Duration = Duration::from_secs(5);

impl Engine {
    fn new(
        config: Config,
        server: Server,
        wire: Wire,
        cloud: Arc<SimCloud>,
        (clock, metrics): (Clock, Metrics),
    ) -> Result<Self, SimError> {
        let watches = Watches::start(&server, &config.kinds)?;
        let active = clock.now();
        let steps_left = config.scenario.steps.len();
        let state = State {
            spread: config.options.scheduler.spread(),
            ..State::default()
        };
        Ok(Self {
            config,
            server,
            wire,
            cloud,
            clock,
            metrics,
            watches,
            state,
            claims: BTreeMap::new(),
            pools: BTreeMap::new(),
            referee: Referee::default(),
            samples: Samples::default(),
            broken: BTreeMap::new(),
            silent: BTreeSet::new(),
            timers: Timers::default(),
            timeline: Timeline::default(),
            records: Records::default(),
            dirty: BTreeSet::new(),
            scheduling_due: false,
            storage_due: false,
            budgets_due: false,
            active,
            steps_left,
            notes: Vec::new(),
        })
    }

    async fn drive(&mut self, watch: &mut dyn FnMut(Glimpse)) -> Result<Report, SimError> {
        let end = self.config.start + self.config.at_most;
        let quiet = self.quiet_time();
        loop {
            self.settle()?;
            let now = self.clock.now();
            let idle = self.steps_left == 0 && now >= self.active + quiet;
            if idle || now >= end {
                watch(self.glimpse());
                return Ok(self.report(idle));
            }
            let deadline = if self.steps_left == 0 {
                end.min(self.active + quiet)
            } else {
                end
            };
            let wake = self
                .timers
                .next()
                .map_or(deadline, |timer| timer.min(deadline));
            let glimpse = now + GLIMPSE;
            tokio::select! {
                biased;
                () = self.watches.changed() => {}
                () = self.cloud.changed() => {}
                // What happens at the very end would only show what has not happened yet.
                () = self.clock.sleep_until(wake), if wake < end => self.fire_timers()?,
                () = self.clock.sleep_until(end), if wake >= end => {}
                () = self.clock.sleep_until(glimpse) => watch(self.glimpse()),
            }
        }
    }

    /// How long nothing must happen after the last step before the run counts as settled: the
    /// longest wait that a pool asks for, and two minutes for what follows from it.
    fn quiet_time(&self) -> Duration {
        const LONGEST: Duration = Duration::from_hours(24);
        let pools = self
            .config
            .objects
            .iter()
            .filter(|object| object["kind"] == "NodePool");
        let waits = pools
            .filter_map(|pool| serde_json::from_value::<api::NodePool>(pool.clone()).ok())
            .filter_map(|pool| pool.consolidate_after());
        waits.max().unwrap_or_default().min(LONGEST) + Duration::from_mins(2)
    }

    /// Takes in changes and reacts to them until nothing is left to do.
    fn settle(&mut self) -> Result<(), SimError> {
        loop {
            let changed = self.absorb()?;
            self.judge_asks();
            self.take_launches();
            let reacted = self.react();
            if !changed && !reacted {
                return Ok(());
            }
            self.active = self.clock.now();
        }
    }

    fn offset(&self) -> Duration {
        self.clock.now().since(self.config.start)
    }

    fn note(&mut self, what: Happening) {
        self.timeline.add(self.offset(), what);
    }

    fn glimpse(&self) -> Glimpse {
        Glimpse {
            elapsed: self.offset(),
            nodes: self.state.nodes.len(),
            pods: self.state.pods.len(),
            waiting: self.state.pending.len(),
            looks: self.looks(),
            reconciles: self.reconciles().values().sum(),
        }
    }

    /// How often Karpenter has looked which nodes may go.
    fn looks(&self) -> u64 {
        let looks = self
            .metrics
            .value(&names::EVALUATION_SECONDS, &["empty", "empty"]);
        looks.unwrap_or_default() as u64
    }

    /// How often each of Karpenter's loops has looked at an object.
    fn reconciles(&self) -> BTreeMap<String, u64> {
        let sums = self.metrics.sums(&names::RECONCILES, "controller");
        let whole = |(name, sum): (String, f64)| (name, sum as u64);
        sums.into_iter().map(whole).collect()
    }
}
