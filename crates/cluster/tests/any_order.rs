//! Whatever the order in which events come, repeated or late, the state is that of the latest
//! objects.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use api::NodeClaim;
use cluster::{Change, Cluster, Event, Gone, PodUpdate, Snapshot};
use model::ObjectMeta;
use model::k8s::{Node, Pod, Resource};
use proptest::prelude::*;
use serde_json::json;

use common::*;

/// What one object goes through: versions that it has, and whether it is deleted in the end.
#[derive(Clone, Debug)]
struct Life<T> {
    versions: Vec<T>,
    deleted: bool,
}

/// All objects of a small world.
#[derive(Clone, Debug)]
struct World {
    pods: Vec<Life<Pod>>,
    nodes: Vec<Life<Node>>,
    claims: Vec<Life<NodeClaim>>,
}

fn versioned<T>(mut object: T, version: usize, meta: fn(&mut T) -> &mut ObjectMeta) -> T {
    meta(&mut object).resource_version = (version + 1).to_string();
    object
}

/// A pod in one of the states that pods go through.
fn pod_state(name: String) -> impl Strategy<Value = Pod> {
    (0_usize..8, 0_usize..4).prop_map(move |(state, node)| {
        let node = format!("n{node}");
        let mut pod = match state {
            0 | 1 => pod(&name, &json!({})),
            2 | 3 => bound(&name, &node),
            4 => daemon_pod(&name, "log", &node),
            5 => pod(
                &name,
                &json!({"spec": {"nodeName": node}, "status": {"phase": "Failed"}}),
            ),
            6 => pod(&name, &json!({"status": {"nominatedNodeName": node}})),
            _ => pod(
                &name,
                &json!({"spec": {"nodeName": node, "containers":
                [{"name": "m", "ports": [{"containerPort": 1, "hostPort": 80}],
                  "resources": {"requests": {"memory": "1Gi", "example.com/x": "1"}}}]}}),
            ),
        };
        pod.metadata.uid = format!("uid-{name}");
        pod
    })
}

fn node_state(name: String) -> impl Strategy<Value = Node> {
    (0_usize..5, 0_usize..3).prop_map(move |(state, id)| match state {
        0 => node(&name, &json!({})),
        1 => our_node(&name, ""),
        2 => our_node(&name, &format!("id-{id}")),
        3 => {
            let mut node = our_node(&name, &format!("id-{id}"));
            node.metadata.labels.remove("karpenter.sh/initialized");
            node.metadata.labels.remove("karpenter.sh/registered");
            node
        }
        _ => node(
            &name,
            &json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
        ),
    })
}

fn claim_state(name: String) -> impl Strategy<Value = NodeClaim> {
    (0_usize..4, 0_usize..3).prop_map(move |(state, id)| match state {
        0 => claim(&name, ""),
        1 | 2 => claim(&name, &format!("id-{id}")),
        _ => claim_with(
            &name,
            &format!("id-{id}"),
            &json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
        ),
    })
}

fn lives<T: Clone + std::fmt::Debug + 'static, S: Strategy<Value = T> + 'static>(
    count: usize,
    prefix: &'static str,
    state: fn(String) -> S,
    meta: fn(&mut T) -> &mut ObjectMeta,
) -> impl Strategy<Value = Vec<Life<T>>> {
    let lives: Vec<_> = (0..count)
        .map(|index| {
            let states = proptest::collection::vec(state(format!("{prefix}{index}")), 1..4);
            (states, any::<bool>()).prop_map(move |(states, deleted)| Life {
                versions: states
                    .into_iter()
                    .enumerate()
                    .map(|(version, object)| versioned(object, version, meta))
                    .collect(),
                deleted,
            })
        })
        .collect();
    lives
}

fn world() -> impl Strategy<Value = World> {
    (
        lives(6, "p", pod_state, |pod: &mut Pod| &mut pod.metadata),
        lives(4, "n", node_state, |node: &mut Node| &mut node.metadata),
        lives(4, "c", claim_state, |claim: &mut NodeClaim| {
            &mut claim.metadata
        }),
    )
        .prop_map(|(pods, nodes, claims)| World {
            pods,
            nodes,
            claims,
        })
}

/// Every event of a life, in order.
fn events<T: Resource + Clone>(life: &Life<T>, wrap: fn(Change<T>) -> Event) -> Vec<Event> {
    let mut events: Vec<Event> = life
        .versions
        .iter()
        .map(|object| wrap(Change::Applied(object.clone())))
        .collect();
    if life.deleted {
        events.push(wrap(Change::Deleted(Gone::of(life.versions[0].meta()))));
    }
    events
}

fn pod_event(change: Change<Pod>) -> Event {
    Event::Pod(match change {
        Change::Applied(pod) => Change::Applied(PodUpdate::from(&pod)),
        Change::Deleted(gone) => Change::Deleted(gone),
        Change::Reset(list) => Change::Reset(list.iter().map(PodUpdate::from).collect()),
    })
}

fn all_events(world: &World) -> Vec<Event> {
    let pods = world.pods.iter().flat_map(|life| events(life, pod_event));
    let nodes = world
        .nodes
        .iter()
        .flat_map(|life| events(life, Event::Node));
    let claims = world
        .claims
        .iter()
        .flat_map(|life| events(life, Event::NodeClaim));
    pods.chain(nodes).chain(claims).collect()
}

/// The last versions of what is not deleted.
fn survivors<T: Clone>(lives: &[Life<T>]) -> Vec<T> {
    let alive = lives.iter().filter(|life| !life.deleted);
    alive
        .filter_map(|life| life.versions.last().cloned())
        .collect()
}

fn fresh(world: &World) -> Cluster {
    let mut cluster = cluster();
    for claim in survivors(&world.claims) {
        cluster.claim_is(claim);
    }
    for node in survivors(&world.nodes) {
        cluster.node_is(node);
    }
    for pod in survivors(&world.pods) {
        cluster.pod_is(&pod);
    }
    cluster
}

/// All that counts, by names instead of ids, which depend on the order.
fn describe(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for node in snapshot.nodes.iter() {
        let pods: Vec<String> = node.pods.iter().map(|pod| pod.key().to_string()).collect();
        let list = |amounts| {
            let list = snapshot.dimensions.list(amounts);
            let nonzero = list.iter().filter(|(_, amount)| !amount.is_zero());
            nonzero
                .map(|(name, amount)| format!("{name}={amount}"))
                .collect::<Vec<_>>()
        };
        all.insert(
            format!("node {:?}", node.key()),
            format!(
                "{} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {} {:?} {:?}",
                node.name(),
                node.node
                    .as_ref()
                    .map(|node| &node.metadata.resource_version),
                node.claim
                    .as_ref()
                    .map(|claim| &claim.metadata.resource_version),
                list(&node.capacity),
                list(&node.allocatable),
                list(&node.requested),
                list(&node.daemon_requested),
                node.host_ports,
                node.is_marked(),
                node.pool(),
                pods,
            ),
        );
    }
    for pool in snapshot.pools.iter() {
        let used: Vec<_> = pool
            .used
            .iter()
            .filter(|(_, amount)| !amount.is_zero())
            .collect();
        all.insert(
            format!("pool {}", pool.name()),
            format!("{used:?} {:?}", pool.in_flight),
        );
    }
    for pod in snapshot.pending.iter().flat_map(|group| group.pods.iter()) {
        let requests = snapshot.dimensions.list(&pod.shape.requests);
        all.insert(format!("pending {}", pod.key()), format!("{requests:?}"));
    }
    for pod in snapshot.waiting.iter() {
        all.insert(
            format!("waiting {}", pod.key()),
            format!("{:?}", snapshot.why_waiting(pod)),
        );
    }
    for daemon in snapshot.daemons.iter() {
        let requests = snapshot.dimensions.list(&daemon.shape.requests);
        all.insert(format!("daemon {}", daemon.key), format!("{requests:?}"));
    }
    all
}

fn with_constants(mut cluster: Cluster) -> Cluster {
    cluster.pool_is(pool("default", &json!({})));
    cluster.feed(Event::DaemonSet(Change::Applied(daemon_set(
        "log",
        &json!({}),
    ))));
    cluster
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// SCH-243: sums always are those of the pods that are there.
    #[test]
    fn shuffled_repeated_and_late_events_end_in_the_state_of_the_latest_objects(
        (world, order) in world().prop_flat_map(|world| {
            let count = all_events(&world).len();
            // Twice each event, in any order.
            let order: Vec<usize> = (0..count).chain(0..count).collect();
            (Just(world), Just(order).prop_shuffle())
        })
    ) {
        let events = all_events(&world);
        let mut shuffled = with_constants(cluster());
        for index in order {
            shuffled.apply(events[index].clone());
            shuffled.sanity_check().unwrap();
            // A snapshot that is alive must not change what happens.
            let held = shuffled.snapshot();
            prop_assert!(held.nodes.iter().is_sorted_by(|a, b| a.name() <= b.name()));
        }
        let mut expected = with_constants(fresh(&world));
        prop_assert_eq!(describe(&shuffled.snapshot()), describe(&expected.snapshot()));
    }

    #[test]
    fn a_relist_brings_any_state_to_that_of_the_list(before in world(), after in world()) {
        let mut relisted = with_constants(fresh(&before));
        let newer = |version: &mut String| {
            *version = (version.parse::<u64>().unwrap() + 10).to_string();
        };
        let mut after = after;
        for life in &mut after.pods {
            life.versions.iter_mut().for_each(|pod| newer(&mut pod.metadata.resource_version));
        }
        for life in &mut after.nodes {
            life.versions.iter_mut().for_each(|node| newer(&mut node.metadata.resource_version));
        }
        for life in &mut after.claims {
            life.versions.iter_mut().for_each(|claim| newer(&mut claim.metadata.resource_version));
        }
        relisted.feed(pod_event(Change::Reset(survivors(&after.pods))));
        relisted.feed(Event::NodeClaim(Change::Reset(survivors(&after.claims))));
        relisted.feed(Event::Node(Change::Reset(survivors(&after.nodes))));
        let mut expected = with_constants(fresh(&after));
        prop_assert_eq!(describe(&relisted.snapshot()), describe(&expected.snapshot()));
    }

    #[test]
    fn pods_taken_in_at_once_are_those_taken_in_one_by_one(
        (world, pods) in world().prop_flat_map(|world| {
            // Every version of every pod, in any order.
            let pods: Vec<Pod> = world.pods.iter().flat_map(|life| life.versions.clone()).collect();
            (Just(world), Just(pods).prop_shuffle())
        })
    ) {
        let updates = || pods.iter().map(PodUpdate::from).collect::<Vec<_>>();
        let others = World { pods: Vec::new(), ..world };
        let mut filled = with_constants(fresh(&others));
        filled.snapshot();
        filled.fill(updates());
        filled.sanity_check().unwrap();
        let mut expected = with_constants(fresh(&others));
        expected.apply(Event::Pod(Change::Reset(updates())));
        prop_assert_eq!(describe(&filled.snapshot()), describe(&expected.snapshot()));
        let shapes = |cluster: &mut Cluster| -> Vec<u32> {
            let snapshot = cluster.snapshot();
            snapshot.pending.iter().map(|group| group.shape.id.0).collect()
        };
        let names: BTreeSet<&str> = pods.iter().map(|pod| &*pod.metadata.name).collect();
        if names.len() == pods.len() {
            // Nothing is too late, so shapes are even met in the same order.
            prop_assert_eq!(shapes(&mut filled), shapes(&mut expected));
        }
        // And it goes on from there.
        filled.apply(Event::Pod(Change::Reset(Vec::new())));
        filled.sanity_check().unwrap();
        prop_assert_eq!(filled.pod_count(), 0);
        filled.fill(updates());
        filled.sanity_check().unwrap();
    }
}
