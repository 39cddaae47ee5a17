//! Random problems: the solver's placement is valid, the same in whatever order and by whatever
//! detours objects come, and one more pod takes no place from pods that it has nothing to do with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::labels;
use catalog::{CapacityType, kwok};
use cluster::{Change, Cluster, Event, Gone, PodDecoder, Settings, Snapshot, UnknownReadiness};
use proptest::prelude::*;
use proptest::sample::Index;
use scheduling::{Batch, Memory, Placement, solve, solve_with};
use serde_json::{Value, json};
use testkit::build::{pod, pool};
use testkit::random::{self, RandomProblem};

fn answer(problem: &RandomProblem) -> Placement {
    answer_of(problem, &problem.snapshot())
}

fn answer_of(problem: &RandomProblem, snapshot: &Snapshot) -> Placement {
    solve(snapshot, &problem.batch, &problem.options, problem.now, 1)
}

/// The answer in words, without what may depend on the order of arrival.
fn describe(placement: &Placement) -> Vec<String> {
    let names = |pods: &[Arc<cluster::PodRecord>]| -> Vec<String> {
        pods.iter().map(|pod| pod.key().to_string()).collect()
    };
    let claims = placement.new_claims.iter().map(|claim| {
        let types: Vec<&str> = claim.instance_types.iter().map(|t| &*t.name).collect();
        format!(
            "{} {:?} {:?} {types:?}",
            claim.name,
            names(&claim.pods),
            claim.launch
        )
    });
    let existing = placement
        .existing
        .iter()
        .map(|e| format!("{} {:?}", e.node, names(&e.pods)));
    let unplaced = placement
        .unplaced
        .iter()
        .map(|u| format!("{} {:?}", u.pod.key(), u.refusals));
    claims.chain(existing).chain(unplaced).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_in_which_objects_come_does_not_matter(
        seed in any::<u64>(),
        size in 1_usize..30,
        order in any::<u64>(),
    ) {
        let problem = random::problem(seed, size);
        let shuffled = problem.shuffled(order);
        prop_assert_eq!(describe(&answer(&problem)), describe(&answer(&shuffled)));
    }
}

#[test]
fn placements_are_valid() {
    let mut invalid = Vec::new();
    for seed in 0..150 {
        let problem = random::problem(seed, 5 + (seed % 50) as usize);
        if let Some(first) = problem.violations().first() {
            invalid.push(format!("seed {seed}: {first}"));
        }
    }
    assert!(invalid.is_empty(), "{invalid:#?}");
}

/// Takes away what ties pods together: rules about other pods, and with `Ties::All` also nodes that
/// are there, limits and reservations.
fn loosened(mut problem: RandomProblem, ties: Ties) -> RandomProblem {
    let all = ties == Ties::All;
    let is_of_node = |item: &Value| {
        let kind = item["kind"].as_str().unwrap_or_default();
        ["Node", "NodeClaim", "CSINode"].contains(&kind) || !item["spec"]["nodeName"].is_null()
    };
    problem.items.retain(|item| !all || !is_of_node(item));
    for item in &mut problem.items {
        if item["kind"] == "NodePool" {
            item["spec"]["limits"] = json!({});
        }
    }
    problem.buffer = Vec::new();
    problem.batch = Batch::default();
    for pod in problem
        .items
        .iter_mut()
        .filter(|item| item["kind"] == "Pod")
    {
        let spec = pod["spec"].as_object_mut().expect("a spec");
        spec.remove("topologySpreadConstraints");
        if let Some(affinity) = spec.get_mut("affinity").and_then(Value::as_object_mut) {
            affinity.remove("podAffinity");
            affinity.remove("podAntiAffinity");
        }
    }
    let mut types: Vec<_> = problem.types.to_vec();
    for ty in &mut types {
        let mut without = catalog::InstanceType::clone(ty);
        let unreserved =
            |offering: &catalog::Offering| offering.capacity_type != CapacityType::Reserved;
        without.offerings.retain(unreserved);
        *ty = Arc::new(without);
    }
    problem.types = types.into();
    problem
}

/// What is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ties {
    Rules,
    All,
}

/// Names of pods without a place.
fn left(problem: &RandomProblem) -> BTreeSet<String> {
    let placement = answer(problem);
    let left = placement.unplaced.iter();
    left.map(|unplaced| unplaced.pod.key().to_string())
        .filter(|name| name != "default/extra")
        .collect()
}

/// Where nothing ties pods together, a pod is placed or not whatever others there are.
#[test]
fn one_more_pod_takes_no_place_from_pods_that_are_not_tied_to_it() {
    for seed in 0..60 {
        let mut problem = random::problem(seed, 5 + (seed % 30) as usize);
        problem = loosened(problem, Ties::All);
        let before = left(&problem);
        let cpu = ["100m", "3", "12"][seed as usize % 3];
        let extra = pod("extra").cpu(cpu).tolerate("dedicated");
        problem.items.push(extra.json());
        assert_eq!(left(&problem), before, "seed {seed}");
    }
}

/// A pod that can only be on nodes of a pool of its own leaves no fewer places to the others.
#[test]
fn a_pod_with_a_pool_of_its_own_takes_no_place() {
    for seed in 0..60 {
        let mut problem = random::problem(seed, 5 + (seed % 30) as usize);
        problem = loosened(problem, Ties::Rules);
        let before = left(&problem).len();
        let own = pool("own")
            .taint("own", "x", "NoSchedule")
            .node_label("own", "x");
        let extra = pod("extra").cpu("1").tolerate("own").selector("own", "x");
        problem.items.extend([own.json(), extra.json()]);
        assert!(left(&problem).len() <= before, "seed {seed}");
    }
}

#[test]
fn a_random_problem_is_a_function_of_its_seed() {
    let items = |seed| random::problem(seed, 40).items;
    assert_eq!(items(3), items(3));
    assert_ne!(items(3), items(4));
}

#[test]
fn random_problems_have_all_that_can_be_demanded() {
    let all: String = (0..40)
        .flat_map(|seed| random::problem(seed, 40).items)
        .map(|item| item.to_string())
        .collect();
    let wanted = [
        "DoNotSchedule",
        "ScheduleAnyway",
        "minDomains",
        "podAffinity",
        "podAntiAffinity",
        "namespaceSelector",
        "matchLabelKeys",
        "hostPort",
        "persistentVolumeClaim",
        "allowedTopologies",
        "CSINode",
        "deletionTimestamp",
        "minValues",
        "limits",
        "startupTaints",
        "nodeName",
        "replicas",
        "VolumeAttachment",
        "ephemeral",
        "unschedulable",
        "PodDisruptionBudget",
        "do-not-disrupt",
        "example.com/gpu",
    ];
    for word in wanted {
        assert!(all.contains(word), "{word}");
    }
}

#[test]
fn random_problems_have_all_that_is_no_object() {
    let problems: Vec<_> = (0..60).map(|seed| random::problem(seed, 20)).collect();
    let any = |test: fn(&RandomProblem) -> bool| problems.iter().any(test);
    assert!(any(|problem| !problem.buffer.is_empty()));
    assert!(any(|problem| !problem.batch.without.is_empty()));
    assert!(any(
        |problem| problem.batch.new_nodes == scheduling::NewNodes::Forbidden
    ));
    assert!(any(|problem| {
        let mut offerings = problem.types.iter().flat_map(|ty| &ty.offerings);
        offerings.any(|offering| offering.reservation_capacity.is_some_and(|left| left > 0))
    }));
    let key = labels::CAPACITY_RESERVATION_ID;
    assert!(
        !kwok::standard()
            .types
            .iter()
            .any(|ty| ty.requirements.contains(key))
    );
}

/// An object's kind, namespace and name.
type Name = (String, String, String);

fn name_of(item: &Value) -> Name {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let meta = &item["metadata"];
    (
        text(&item["kind"]),
        text(&meta["namespace"]),
        text(&meta["name"]),
    )
}

fn deletion((kind, namespace, name): &Name) -> Event {
    let gone = Gone::named(namespace, name);
    match kind.as_str() {
        "Pod" => Event::Pod(Change::Deleted(gone)),
        "Node" => Event::Node(Change::Deleted(gone)),
        "NodeClaim" => Event::NodeClaim(Change::Deleted(gone)),
        "NodePool" => Event::NodePool(Change::Deleted(gone)),
        "DaemonSet" => Event::DaemonSet(Change::Deleted(gone)),
        "PodDisruptionBudget" => Event::PodDisruptionBudget(Change::Deleted(gone)),
        "Namespace" => Event::Namespace(Change::Deleted(gone)),
        "PersistentVolumeClaim" => Event::PersistentVolumeClaim(Change::Deleted(gone)),
        "PersistentVolume" => Event::PersistentVolume(Change::Deleted(gone)),
        "StorageClass" => Event::StorageClass(Change::Deleted(gone)),
        "CSINode" => Event::CsiNode(Change::Deleted(gone)),
        "VolumeAttachment" => Event::VolumeAttachment(Change::Deleted(gone)),
        other => panic!("{other} is no kind of these problems"),
    }
}

/// What happens to one object, in order. Nothing stands for its deletion.
type History = Vec<Option<Value>>;

/// Objects of another problem that become those of this one: some change, some come, some go, some
/// come back.
fn histories(problem: &RandomProblem, other: &RandomProblem) -> Vec<(Name, History)> {
    let mut all: BTreeMap<Name, History> = BTreeMap::new();
    for item in &other.items {
        all.entry(name_of(item))
            .or_default()
            .push(Some(item.clone()));
    }
    let last: BTreeMap<Name, &Value> = problem.items.iter().map(|i| (name_of(i), i)).collect();
    for (name, item) in &last {
        let history = all.entry(name.clone()).or_default();
        // A pod that is on a node does not move: it is another one of this name.
        if !history.is_empty() && name.0 == "Pod" {
            history.push(None);
        }
        history.push(Some(Value::clone(item)));
    }
    for (name, history) in &mut all {
        if !last.contains_key(name) {
            history.push(None);
        }
    }
    all.into_iter().collect()
}

/// A cluster that was told of all this, the objects' histories mixed by `order`. `look` is shown it
/// now and then.
fn told(
    problem: &RandomProblem,
    histories: Vec<(Name, History)>,
    order: &[Index],
    mut look: impl FnMut(&Snapshot),
) -> Cluster {
    let settings = Settings {
        unknown_readiness: UnknownReadiness::Ready,
        ..Settings::default()
    };
    let mut cluster = Cluster::new(kwok::standard().vocabulary(), settings);
    let mut decoder = PodDecoder::new();
    let mut waiting: Vec<_> = histories
        .into_iter()
        .map(|(name, history)| (name, history.into_iter()))
        .collect();
    let mut at = 0;
    while !waiting.is_empty() {
        let next = order[at % order.len()].index(waiting.len());
        at += 1;
        let (name, history) = &mut waiting[next];
        match history.next() {
            Some(Some(item)) => {
                if name.0 == "NodePool" {
                    let (pool, types) = (name.2.clone(), problem.types.clone());
                    cluster.apply(Event::PoolTypes { pool, types });
                }
                let event = testkit::world::event(&item, &mut decoder);
                cluster.apply(event.expect("a kind that decides something"));
            }
            Some(None) => {
                cluster.apply(deletion(name));
            }
            None => {
                waiting.swap_remove(next);
            }
        }
        // Snapshots in between share what they can with the last one.
        if at % 40 == 0 {
            look(&cluster.snapshot());
        }
    }
    problem.keep_buffer(&mut cluster);
    cluster
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_way_to_a_cluster_does_not_matter(
        seed in any::<u64>(),
        size in 1_usize..25,
        order in prop::collection::vec(any::<Index>(), 50..51),
    ) {
        let problem = random::problem(seed, size);
        let other = random::problem(seed.wrapping_add(1), size);
        let mut cluster = told(&problem, histories(&problem, &other), &order, |_| {});
        let placement = answer_of(&problem, &cluster.snapshot());
        prop_assert_eq!(describe(&placement), describe(&answer(&problem)));
    }

    /// Pass after pass over a cluster that changes: what is remembered changes no answer, not even
    /// where pods, pools and nodes think away what was there before.
    #[test]
    fn what_is_remembered_of_earlier_passes_changes_no_answer(
        seed in any::<u64>(),
        size in 1_usize..25,
        order in prop::collection::vec(any::<Index>(), 50..51),
    ) {
        let problem = random::problem(seed, size);
        let other = random::problem(seed.wrapping_add(1), size);
        let mut memory = Memory::default();
        let mut differs = Vec::new();
        let mut look = |snapshot: &Snapshot| {
            for batch in [&Batch::default(), &problem.batch] {
                let (options, now) = (&problem.options, problem.now);
                let with = solve_with(&mut memory, snapshot, batch, options, now, 1);
                let without = solve(snapshot, batch, options, now, 1);
                if describe(&with) != describe(&without) {
                    differs.push((describe(&with), describe(&without)));
                }
            }
        };
        let mut cluster = told(&problem, histories(&problem, &other), &order, &mut look);
        look(&cluster.snapshot());
        prop_assert!(differs.is_empty(), "{:#?}", differs[0]);
    }
}
