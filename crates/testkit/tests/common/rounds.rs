//! Rounds of disruption made by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::labels::{CAPACITY_TYPE, NODEPOOL, ZONE};
use catalog::{CapacityType, InstanceType, Offering, Price};
use cluster::{PodRecord, Snapshot};
use disruption::{Candidate, Command, Kept, Move, Options, Plan, Reason, Why, cost};
use model::Timestamp;
use requirements::{Requirement, Requirements, Vocabulary};
use scheduling::{Launch, MinValuesOutcome, PlannedClaim};
use serde_json::{Value, json};
use testkit::build::{amounts, instance_type, pod, pool};
use testkit::joined::{joined, unbounded};
use testkit::referee::round::{self, Fault};
use testkit::world;

/// When all is looked at: ten days after everything joined.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(864_000);

/// A cluster with a round of disruption.
///
/// Nodes `a`, `b` and `e` are `large` (16 CPUs, 1 dollar), `c` is `medium` (4 CPUs, 0.2 dollars),
/// all of pool `p` in zone a, on demand. Pods `x` and `y` run on `a` and `b` and want a CPU each,
/// `z` runs on `c` and wants three. Nothing is on `e`. Pod `w` is pending and wants a CPU.
pub(crate) struct Scene {
    pub(crate) items: BTreeMap<String, Value>,
    pub(crate) commands: Vec<Draft>,
    pub(crate) options: Options,
}

/// A command in few words.
pub(crate) struct Draft {
    pub(crate) reason: Reason,
    pub(crate) nodes: Vec<&'static str>,
    pub(crate) moves: Vec<(&'static str, &'static str)>,
    pub(crate) new: Vec<New>,
}

/// A new node in few words.
#[derive(Clone)]
pub(crate) struct New {
    pub(crate) name: &'static str,
    pub(crate) pool: &'static str,
    pub(crate) types: Vec<String>,
    pub(crate) capacity_types: Vec<&'static str>,
    pub(crate) zones: Vec<&'static str>,
    pub(crate) pods: Vec<&'static str>,
}

/// `(name, amounts, dollars on demand, dollars as spot)`.
const TYPES: [(&str, &str, f64, f64); 3] = [
    ("small", "cpu=2 memory=8Gi pods=100", 0.1, 0.03),
    ("medium", "cpu=4 memory=16Gi pods=100", 0.2, 0.08),
    ("large", "cpu=16 memory=64Gi pods=100", 1.0, 0.4),
];

/// The types of [`TYPES`], and twenty more like `medium`, each a little dearer as spot.
pub(crate) fn types() -> Arc<[Arc<InstanceType>]> {
    let many = (0..20).map(|at| {
        let spot = 0.1 + 0.001 * f64::from(at);
        with_spot(&format!("t{at:02}"), TYPES[1].1, 0.21, spot)
    });
    let few = TYPES
        .iter()
        .map(|(name, amounts, dear, cheap)| with_spot(name, amounts, *dear, *cheap));
    few.chain(many).map(Arc::new).collect()
}

fn with_spot(name: &str, amounts: &str, on_demand: f64, spot: f64) -> InstanceType {
    let mut made = instance_type(name, amounts, &["a", "b"], on_demand);
    made.requirements.remove(CAPACITY_TYPE);
    made.requirements
        .add(Requirement::any_of(CAPACITY_TYPE, ["on-demand", "spot"]));
    let offerings = made.offerings.clone().into_iter().map(|offering| Offering {
        requirements: Arc::new(
            [
                Requirement::single(ZONE, offering.zone.clone()),
                Requirement::single(CAPACITY_TYPE, "spot"),
            ]
            .into_iter()
            .collect(),
        ),
        capacity_type: CapacityType::Spot,
        // A little more in zone b.
        price: Price::from_dollars(if &*offering.zone == "a" {
            spot
        } else {
            spot * 1.1
        }),
        ..offering
    });
    let offerings: Vec<Offering> = offerings.collect();
    made.offerings.extend(offerings);
    made
}

impl Scene {
    pub(crate) fn new() -> Self {
        let mut scene = Self {
            items: BTreeMap::new(),
            commands: Vec::new(),
            options: Options::default(),
        };
        scene.put(unbounded(pool("p")).json());
        for (name, of) in [
            ("a", "large"),
            ("b", "large"),
            ("c", "medium"),
            ("e", "large"),
        ] {
            scene.machine(name, "p", of, CapacityType::OnDemand);
        }
        for (name, on, cpu) in [("x", "a", "1"), ("y", "b", "1"), ("z", "c", "3")] {
            scene.put(
                pod(name)
                    .cpu(cpu)
                    .owner("apps/v1", "ReplicaSet", "r")
                    .on(on)
                    .json(),
            );
        }
        scene.put(pod("w").cpu("1").json());
        scene
    }

    fn put(&mut self, item: Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = format!(
            "{}/{}",
            text(&item["kind"]),
            text(&item["metadata"]["name"])
        );
        self.items.insert(name, item);
    }

    /// A machine that joined at the beginning of time.
    pub(crate) fn machine(&mut self, name: &str, pool: &str, of: &str, how: CapacityType) {
        let types = types();
        let of = types
            .iter()
            .find(|known| &*known.name == of)
            .expect("a type");
        let offering = of
            .offerings
            .iter()
            .find(|o| o.capacity_type == how && &*o.zone == "a");
        let offering = offering.expect("an offering");
        for item in joined(name, pool, (of, offering), Timestamp::EPOCH).json() {
            self.put(item);
        }
    }

    /// Lays something over an object, or makes one: `Node/a`. What is null is taken away.
    pub(crate) fn with(mut self, object: &str, patch: &Value) -> Self {
        let item = self.items.entry(object.to_owned()).or_insert(json!({}));
        merge(item, patch);
        self
    }

    pub(crate) fn command(mut self, draft: Draft) -> Self {
        self.commands.push(draft);
        self
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let items: Vec<Value> = self.items.values().cloned().collect();
        let vocabulary = Vocabulary::core();
        world::cluster_of(&items, vocabulary, &types()).snapshot()
    }

    /// The round as it is meant.
    pub(crate) fn plan(&self, snapshot: &Snapshot) -> Plan {
        let commands: Vec<Command> = self.commands.iter().map(|d| d.command(snapshot)).collect();
        let goes = |name: &str| {
            let mut candidates = commands.iter().flat_map(|command| &command.candidates);
            candidates.any(|candidate| &*candidate.node == name)
        };
        let nodes = snapshot.nodes.iter().map(|node| node.name().clone());
        let kept = nodes.filter(|name| !goes(name)).map(|node| Kept {
            node,
            reason: Why::Static,
        });
        Plan {
            kept: kept.collect(),
            commands,
            ..Plan::default()
        }
    }

    /// What the referee finds.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.faults_of(|_| {})
    }

    /// What the referee finds when the plan has been changed.
    pub(crate) fn faults_of(&self, change: impl Fn(&mut Plan)) -> Vec<String> {
        let snapshot = self.snapshot();
        let mut plan = self.plan(&snapshot);
        change(&mut plan);
        let faults = round::check(&snapshot, &self.options, NOW, &plan);
        let mut kinds: Vec<String> = faults.iter().map(kind).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }
}

/// The name of a fault's variant, with that of what is inside.
fn kind(fault: &Fault) -> String {
    match fault {
        Fault::Placement(violation) => super::kind(violation),
        Fault::MustStay { bar, .. } => format!("MustStay {}", first(&format!("{bar:?}"))),
        Fault::Destination { bar, .. } => format!("Destination {}", first(&format!("{bar:?}"))),
        other => first(&format!("{other:?}")),
    }
}

fn first(text: &str) -> String {
    let end = text.find([' ', '{', '(']).unwrap_or(text.len());
    text[..end].to_owned()
}

/// A command that takes nodes and moves pods.
pub(crate) fn go(
    reason: Reason,
    nodes: &[&'static str],
    moves: &[(&'static str, &'static str)],
) -> Draft {
    Draft {
        reason,
        nodes: nodes.to_vec(),
        moves: moves.to_vec(),
        new: Vec::new(),
    }
}

impl Draft {
    /// With a new node of these types and capacity types.
    pub(crate) fn by(
        mut self,
        types: &[&str],
        capacity_types: &[&'static str],
        pods: &[&'static str],
    ) -> Self {
        const NAMES: [&str; 3] = ["p-1", "p-2", "p-3"];
        self.new.push(New {
            name: NAMES[self.new.len()],
            pool: "p",
            types: types.iter().map(|name| (*name).to_owned()).collect(),
            capacity_types: capacity_types.to_vec(),
            zones: vec!["a", "b"],
            pods: pods.to_vec(),
        });
        self
    }

    fn command(&self, snapshot: &Snapshot) -> Command {
        let candidates: Vec<Candidate> = (self.nodes.iter())
            .map(|name| candidate(snapshot, name))
            .collect();
        let replacements: Vec<PlannedClaim> =
            self.new.iter().map(|new| new.claim(snapshot)).collect();
        let moves = self.moves.iter().map(|(pod, to)| Move {
            pod: find(snapshot, pod),
            to: (*to).into(),
        });
        Command {
            reason: self.reason,
            moves: moves.collect(),
            price_before: candidates
                .iter()
                .filter_map(|candidate| candidate.price)
                .sum(),
            price_after: replacements.iter().map(|claim| claim.launch.price).sum(),
            candidates,
            replacements,
            verdict: disruption::balanced::Verdict::default(),
        }
    }
}

fn find(snapshot: &Snapshot, name: &str) -> Arc<PodRecord> {
    snapshot
        .find_pod("default", name)
        .unwrap_or_else(|| panic!("no pod {name}"))
}

fn candidate(snapshot: &Snapshot, name: &str) -> Candidate {
    let node = snapshot
        .node(name)
        .unwrap_or_else(|| panic!("no node {name}"));
    let claim = node.claim.as_ref();
    let pool = node.pool().unwrap_or_default();
    Candidate {
        node: name.into(),
        claim: claim.map_or("", |claim| &claim.metadata.name).into(),
        provider_id: node.provider_id().into(),
        pool: pool.into(),
        price: snapshot.pool(pool).and_then(|pool| cost::price(node, pool)),
        is_spot: node.capacity_type() == Some("spot"),
        pods: cost::reschedulable_pods(node),
        cost: cost::reschedule_cost(node),
        savings_ratio: 1.0,
    }
}

impl New {
    fn claim(&self, snapshot: &Snapshot) -> PlannedClaim {
        let pool = snapshot.pool(self.pool).expect("a pool");
        let mut requirements: Requirements = [
            Requirement::any_of(ZONE, self.zones.iter().copied()),
            Requirement::any_of(CAPACITY_TYPE, self.capacity_types.iter().copied()),
        ]
        .into_iter()
        .collect();
        requirements.add(Requirement::single(NODEPOOL, self.pool));
        let allowed = |o: &&Offering| {
            self.zones.contains(&&*o.zone)
                && self.capacity_types.contains(&o.capacity_type.as_str())
        };
        let cheapest = |known: &InstanceType| {
            let offerings = known.offerings.iter().filter(allowed);
            offerings.min_by_key(|o| (o.price, o.zone.clone())).cloned()
        };
        let mut types: Vec<Arc<InstanceType>> = pool.types.to_vec();
        types.retain(|known| self.types.iter().any(|name| *name == *known.name));
        types.sort_by_key(|known| cheapest(known).map(|o| o.price));
        let launch = types
            .iter()
            .filter_map(|known| Some((known, cheapest(known)?)));
        let (known, offering) = launch.min_by_key(|(_, o)| o.price).expect("an offering");
        let pods: Vec<_> = self.pods.iter().map(|pod| find(snapshot, pod)).collect();
        let mut requests = amounts("");
        for (resource, amount) in pods.iter().flat_map(|pod| pod.shape.content.requests()) {
            *requests.entry(resource).or_default() += amount;
        }
        PlannedClaim {
            name: self.name.to_owned(),
            pool: self.pool.into(),
            pods,
            launch: Launch {
                instance_type: known.name.clone(),
                zone: offering.zone.clone(),
                capacity_type: offering.capacity_type,
                price: offering.price,
            },
            instance_types: types.into(),
            requirements: Arc::new(requirements),
            requests: Arc::new(requests),
            labels: Arc::new(BTreeMap::from([(
                NODEPOOL.to_owned(),
                self.pool.to_owned(),
            )])),
            annotations: Arc::default(),
            taints: pool.pool.spec.template.spec.taints.clone().into(),
            startup_taints: pool.pool.spec.template.spec.startup_taints.clone().into(),
            min_values: MinValuesOutcome::Kept,
        }
    }
}

fn merge(base: &mut Value, patch: &Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    base.remove(key);
                } else {
                    merge(base.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (base, patch) => *base = patch.clone(),
    }
}
