use std::sync::Arc;

use api::NodePool;
use cluster::{Change, Cluster, Event, Intent, NodeState, PodUpdate, Settings, Snapshot};
use model::Quantity;
use model::k8s::Pod;
use requirements::Vocabulary;
use serde_json::{Value, json};

use super::*;
use crate::conditions::Conditions;
use crate::testing::{at, claim, launched_claim, node, pool};

fn fixed(replicas: Option<i64>) -> NodePool {
    let mut pool = pool("p");
    pool.spec.replicas = replicas;
    let mut conditions = Conditions::of_pool(&mut pool, at(0));
    for part in ["ValidationSucceeded", "NodeClassReady"] {
        conditions.set_true(part);
    }
    assert!(conditions.is_true(READY), "the pool is ready");
    pool
}

fn limited(nodes: i64) -> NodePool {
    let mut pool = fixed(Some(100));
    let limit = Quantity::from_units(nodes);
    pool.spec.limits.insert(NODES.to_owned(), limit);
    pool
}

fn standing(active: u64, replaced: u64, going: u64) -> Standing {
    Standing {
        active,
        replaced,
        going,
    }
}

/// SCH-265, ST-01, ST-02, ST-03, ST-05, ST-06: what a pool lacks, and when nothing is done.
/// SCH-266: fewer than wanted.
#[test]
fn a_pool_lacks_the_difference() {
    for (replicas, has, lacks) in [
        (None, standing(0, 0, 0), Err(Idle::NotFixed)),
        (Some(0), standing(0, 0, 0), Ok(0)),
        (Some(3), standing(0, 0, 0), Ok(3)),
        (Some(3), standing(1, 0, 0), Ok(2)),
        (Some(5), standing(2, 0, 0), Ok(3)),
        (Some(3), standing(3, 0, 0), Ok(0)),
        (Some(3), standing(5, 0, 0), Ok(0)),
        // One is being replaced: its replacement is active already, and nothing is lacking.
        (Some(3), standing(2, 1, 0), Ok(0)),
        // Those that go are not counted: they are replaced by new ones.
        (Some(3), standing(2, 0, 1), Ok(1)),
    ] {
        assert_eq!(
            lacking(&fixed(replicas), has),
            lacks,
            "{replicas:?} {has:?}"
        );
    }
    let mut deleting = fixed(Some(2));
    deleting.metadata.deletion_timestamp = Some(at(1));
    assert_eq!(lacking(&deleting, Standing::default()), Err(Idle::Deleting));
    assert_eq!(excess(&deleting, standing(5, 0, 0)), Err(Idle::Deleting));
    let mut unready = fixed(Some(2));
    Conditions::of_pool(&mut unready, at(1)).set(
        "NodeClassReady",
        crate::conditions::Status::False,
        "x",
        "",
    );
    assert_eq!(lacking(&unready, Standing::default()), Err(Idle::NotReady));
    assert_eq!(excess(&unready, standing(5, 0, 0)), Ok(3));
}

/// SCH-269, SX-01, SX-02, SX-03: only those that stay count; zero replicas give all of them up.
#[test]
fn a_pool_has_too_many_of_those_that_stay() {
    for (replicas, has, over) in [
        (Some(2), standing(2, 0, 0), Ok(0)),
        (Some(2), standing(5, 0, 0), Ok(3)),
        (Some(3), standing(5, 0, 0), Ok(2)),
        (Some(2), standing(2, 0, 7), Ok(0)),
        (Some(0), standing(4, 0, 0), Ok(4)),
        (None, standing(4, 0, 0), Err(Idle::NotFixed)),
    ] {
        assert_eq!(excess(&fixed(replicas), has), over, "{replicas:?} {has:?}");
    }
}

/// SCH-255, SCH-266: the limit is never exceeded, whoever asks at the same time. All of what is
/// asked for, some of it or nothing is granted; claims that stay, that are being replaced and that
/// go count; giving back more than was granted leaves nothing reserved.
#[test]
fn room_is_granted_once() {
    let mut reservations = Reservations::default();
    let pool = limited(10);
    assert_eq!(reservations.reserve(&pool, standing(4, 1, 1), 3), 3);
    assert_eq!(reservations.reserve(&pool, standing(4, 1, 1), 3), 1);
    assert_eq!(reservations.reserve(&pool, standing(4, 1, 1), 3), 0);
    reservations.release("p", 1);
    assert_eq!(reservations.reserve(&pool, standing(4, 1, 1), 3), 1);
    reservations.release("p", 100);
    assert_eq!(reservations.reserve(&pool, standing(4, 1, 1), 9), 4);
    reservations.release("p", 4);
    assert_eq!(reservations.reserve(&pool, standing(20, 0, 0), 1), 0);
    assert_eq!(
        reservations.reserve(&fixed(Some(1)), standing(20, 0, 0), 7),
        7
    );
    reservations.release("unknown", 1);
}

/// ST-07, ST-04: fifty that ask at once get no more than there is, and nothing is lost when some of
/// them give theirs back.
#[test]
fn many_that_ask_at_once_get_what_there_is() {
    let mut reservations = Reservations::default();
    let pool = limited(10);
    let ask = |reservations: &mut Reservations| -> Vec<u64> {
        (0..50)
            .map(|_| reservations.reserve(&pool, standing(0, 0, 0), 15))
            .collect()
    };
    assert_eq!(ask(&mut reservations)[..3], [10, 0, 0]);
    reservations.release("p", 4);
    assert_eq!(ask(&mut reservations).iter().sum::<u64>(), 4);
    // Once they exist they are counted as what they are.
    reservations.release("p", 10);
    assert_eq!(reservations.reserve(&pool, standing(10, 0, 0), 15), 0);
}

/// Machines of pool `p`: claims, and for each node its pods.
struct Machines {
    cluster: Cluster,
}

impl Machines {
    fn new() -> Self {
        Self {
            cluster: Cluster::new(Vocabulary::core(), Settings::default()),
        }
    }

    fn unlaunched(&mut self, name: &str) {
        self.cluster
            .apply(Event::NodeClaim(Change::Applied(claim(name))));
    }

    /// A machine that is up, with pods that are changed so.
    fn up(&mut self, name: &str, pods: &[Value]) {
        self.cluster
            .apply(Event::NodeClaim(Change::Applied(launched_claim(name))));
        self.cluster.apply(Event::Node(Change::Applied(node(name))));
        for (number, patch) in pods.iter().enumerate() {
            let mut pod = json!({
                "metadata": {"name": format!("{name}-{number}"), "namespace": "n"},
                "spec": {"nodeName": name, "containers": [{"name": "main"}]},
                "status": {"phase": "Running"}
            });
            for (key, value) in patch.as_object().expect("a map") {
                pod["metadata"][key] = value.clone();
            }
            let pod: Pod = serde_json::from_value(pod).expect("a pod");
            let update = PodUpdate::from(&pod);
            self.cluster.apply(Event::Pod(Change::Applied(update)));
        }
    }

    fn given_up(&mut self, count: u64, cost: impl Fn(&NodeState) -> f64) -> Vec<String> {
        let snapshot: Snapshot = self.cluster.snapshot();
        let machines = snapshot.nodes.iter().map(Arc::as_ref);
        let names = to_give_up(machines, count, at(100), cost);
        names.iter().map(ToString::to_string).collect()
    }
}

/// SCH-270, SX-04, SX-05.
#[test]
fn machines_are_given_up_in_order_of_what_is_lost() {
    let daemon = json!({"ownerReferences":
        [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "d"}]});
    let mut protected_daemon = daemon.clone();
    protected_daemon["annotations"] = json!({"karpenter.sh/do-not-disrupt": "true"});
    let protected = json!({"annotations": {"karpenter.sh/do-not-disrupt": "true"}});
    let lapsed = json!({"annotations": {"karpenter.sh/do-not-disrupt": "maybe"}});
    let mut machines = Machines::new();
    machines.up("a-busy", &[json!({}), json!({})]);
    machines.up("b-protected", std::slice::from_ref(&protected));
    machines.up("c-light", &[lapsed]);
    machines.up("d-daemons", &[daemon]);
    machines.up("e-empty", &[]);
    machines.up("f-protected-daemon", &[protected_daemon]);
    machines.up("g-going", &[]);
    machines.unlaunched("h-unlaunched");
    let nodes = vec!["g-going".to_owned()];
    machines.cluster.commit(Intent::MarkForDeletion { nodes });
    let by_pods = |machine: &NodeState| 1.0 + machine.pods.len() as f64;
    let all = machines.given_up(100, by_pods);
    let expected = [
        "h-unlaunched",
        "d-daemons",
        "e-empty",
        "c-light",
        "a-busy",
        "b-protected",
        "f-protected-daemon",
    ];
    assert_eq!(all, expected);
    assert_eq!(machines.given_up(2, by_pods), expected[..2]);
    let dear = |machine: &NodeState| {
        if &**machine.name() == "a-busy" {
            1.0
        } else {
            9.0
        }
    };
    assert_eq!(machines.given_up(5, dear)[3..], ["a-busy", "c-light"]);
    let snapshot = machines.cluster.snapshot();
    let has = Standing::of(snapshot.nodes.iter().map(Arc::as_ref));
    assert_eq!(has, standing(7, 0, 1));
}

/// SX-06: a pool that shrinks step by step.
#[test]
fn a_shrinking_pool_gives_up_what_is_cheapest_to_lose_each_time() {
    let owned = json!({"ownerReferences":
        [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "d"}]});
    let protected = json!({"annotations": {"karpenter.sh/do-not-disrupt": "true"}});
    let mut machines = Machines::new();
    machines.up("protected-1", std::slice::from_ref(&protected));
    machines.up("protected-2", &[protected]);
    machines.up("high-1", &[json!({}), json!({}), json!({})]);
    machines.up("high-2", &[json!({}), json!({}), json!({})]);
    machines.up("low-1", &[json!({})]);
    machines.up("low-2", &[json!({})]);
    machines.up("daemons", &[owned]);
    let by_pods = |machine: &NodeState| 1.0 + machine.pods.len() as f64;
    for (replicas, expected) in [
        (6, vec!["daemons"]),
        (4, vec!["low-1", "low-2"]),
        (2, vec!["high-1", "high-2"]),
        (0, vec!["protected-1", "protected-2"]),
    ] {
        let snapshot = machines.cluster.snapshot();
        let has = Standing::of(snapshot.nodes.iter().map(Arc::as_ref));
        let count = excess(&fixed(Some(replicas)), has).expect("a number");
        let nodes = machines.given_up(count, by_pods);
        assert_eq!(nodes, expected, "down to {replicas}");
        machines.cluster.commit(Intent::MarkForDeletion { nodes });
    }
}

/// SCH-270: of two machines whose pods cost the same, the older one has less life to lose.
#[test]
fn an_old_machine_is_given_up_before_a_new_one() {
    let mut machines = Machines::new();
    for (name, created) in [("new", 90), ("old", 0)] {
        machines.up(name, &[json!({})]);
        let mut aged = launched_claim(name);
        aged.metadata.creation_timestamp = Some(at(created));
        aged.spec.expire_after = Some("200s".parse().expect("a duration"));
        machines
            .cluster
            .apply(Event::NodeClaim(Change::Applied(aged)));
    }
    assert_eq!(machines.given_up(2, |_| 2.0), ["old", "new"]);
}
