//! Scenarios of daemons: what is kept free for them on nodes that are there and on new ones.

mod common;

use common::world::{
    Place, World, ZONE, affinity, bound, daemon_set, new_node, node, place, reasons,
};
use scheduling::Placement;
use serde_json::{Value, json};

const SMALL: Option<&str> = Some("small-instance-type");
const MEDIUM: Option<&str> = Some("default-instance-type");
const LARGE: Option<&str> = Some("arm-instance-type");

/// The type that is launched for a pod, if one is.
fn launched(placement: &Placement, pod: &str) -> Option<String> {
    match place(placement, pod) {
        Place::New(claim) => Some(claim.launch.instance_type.to_string()),
        _ => None,
    }
}

/// What a pod of one and a half cores gets in a pool whose template says `template`, beside a
/// daemon that says `daemon`.
fn beside(template: &Value, daemon: Value) -> Option<String> {
    let pool = json!({"spec": {"template": template}});
    let placement = World::empty()
        .pool("default", pool)
        .object(daemon_set("d", "1", daemon))
        .pod(
            "p",
            "1500m",
            json!({"tolerations": [{"operator": "Exists"}]}),
        )
        .solve();
    launched(&placement, "p")
}

fn select(key: &str, value: &str) -> Value {
    json!({"nodeSelector": {key: value}})
}

fn taint(field: &str, effect: &str) -> Value {
    json!({"spec": {field: [{"key": "k", "effect": effect}]}})
}

/// SCH-111, SCH-112, SCH-117, SCH-118, SCH-119, SCH-121, SCH-125: which daemons count. Startup
/// taints are gone before daemons matter, and soft taints stop nobody.
#[test]
fn room_is_kept_free_for_daemons_that_can_run_there() {
    let plain = json!({});
    let labelled = json!({"metadata": {"labels": {"team": "a"}}});
    let table = [
        ("SCH-111", &plain, json!({}), MEDIUM),
        (
            "SCH-112",
            &taint("startupTaints", "NoSchedule"),
            json!({}),
            MEDIUM,
        ),
        ("SCH-117", &taint("taints", "NoSchedule"), json!({}), SMALL),
        ("SCH-118", &plain, select("unknown", "x"), SMALL),
        ("SCH-118", &labelled, select("team", "a"), MEDIUM),
        ("SCH-118", &labelled, select("team", "b"), SMALL),
        (
            "SCH-119",
            &plain,
            select("node.kubernetes.io/instance-type", "none"),
            SMALL,
        ),
        (
            "SCH-121",
            &plain,
            affinity("foo", "NotIn", &["bar"]),
            MEDIUM,
        ),
        (
            "SCH-125",
            &taint("taints", "PreferNoSchedule"),
            json!({}),
            MEDIUM,
        ),
        (
            "SCH-101",
            &plain,
            select("karpenter.sh/initialized", "true"),
            MEDIUM,
        ),
        (
            "SCH-101",
            &plain,
            select("karpenter.sh/registered", "true"),
            MEDIUM,
        ),
    ];
    for (scenario, template, daemon, expected) in table {
        let found = beside(template, daemon.clone());
        assert_eq!(
            found.as_deref(),
            expected,
            "{scenario}: {daemon} on {template}"
        );
    }
}

/// SCH-123, SCH-124: any of the required terms will do, and what is only preferred does not matter.
#[test]
fn one_of_the_terms_of_a_daemon_must_be_met() {
    let terms = |terms: &[(&str, &str)]| {
        let expression = |(key, value): &(&str, &str)| json!({"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]});
        let terms: Vec<Value> = terms.iter().map(expression).collect();
        json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
            {"nodeSelectorTerms": terms}}}})
    };
    let preferred = json!({"affinity": {"nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference":
            {"matchExpressions": [{"key": ZONE, "operator": "In", "values": ["nowhere"]}]}}]}}});
    let table = [
        (
            "SCH-123",
            terms(&[(ZONE, "nowhere"), (ZONE, "test-zone-1")]),
            MEDIUM,
        ),
        (
            "SCH-123",
            terms(&[("foo", "bar"), (ZONE, "test-zone-1")]),
            MEDIUM,
        ),
        (
            "SCH-123",
            terms(&[("foo", "bar"), (ZONE, "nowhere")]),
            SMALL,
        ),
        ("SCH-124", preferred, MEDIUM),
    ];
    for (scenario, daemon, expected) in table {
        let found = beside(&json!({}), daemon.clone());
        assert_eq!(found.as_deref(), expected, "{scenario}: {daemon}");
    }
}

/// SCH-113, SCH-114, SCH-115, SCH-116: what a daemon takes. Where its template only says limits,
/// the API server would make requests of them, so they count as such.
#[test]
fn what_a_daemon_takes_is_what_its_pods_will_request() {
    let app = |resources: Value| json!({"containers": [{"name": "app", "resources": resources}]});
    let cpu = |amount: &str| json!({"requests": {"cpu": amount}});
    let with_init = |init: &str, run: &str| {
        let mut spec = app(cpu(run));
        spec["initContainers"] = json!([{"name": "init", "resources": cpu(init)}]);
        spec
    };
    let table = [
        ("SCH-113", app(cpu("10000")), None),
        (
            "SCH-114",
            app(json!({"limits": {"cpu": "10000", "memory": "10000Gi"}})),
            None,
        ),
        ("SCH-114", app(json!({"limits": {"cpu": "1"}})), MEDIUM),
        (
            "SCH-114",
            app(json!({"limits": {"cpu": "10000"}, "requests": {"cpu": "100m"}})),
            SMALL,
        ),
        // Of 2 and 2 the larger counts, not the sum.
        ("SCH-115", with_init("2", "2"), MEDIUM),
        ("SCH-115", with_init("2", "100m"), MEDIUM),
        ("SCH-115", with_init("100m", "2"), MEDIUM),
        ("SCH-115", with_init("10000", "1"), None),
        ("SCH-115", with_init("1", "10000"), None),
        ("SCH-116", app(json!({})), SMALL),
    ];
    for (scenario, daemon, expected) in table {
        let found = beside(&json!({}), daemon.clone());
        assert_eq!(found.as_deref(), expected, "{scenario}: {daemon}");
    }
}

/// SCH-120: a daemon counts on the types that it can run on, and on no others.
#[test]
fn a_daemon_counts_on_the_types_that_it_can_run_on() {
    let table = [
        // Beside one core on small machines: 1.5 of 1.9 were free.
        ("1500m", MEDIUM),
        // Beside ten cores on large ones.
        ("5", LARGE),
        ("6", None),
    ];
    for (cpu, expected) in table {
        let placement = World::new()
            .object(daemon_set("of-small", "1", select("size", "small")))
            .object(daemon_set("of-large", "10", select("size", "large")))
            .pod("p", cpu, json!({}))
            .solve();
        assert_eq!(launched(&placement, "p").as_deref(), expected, "{cpu}");
    }
}

/// SCH-101, SCH-129: a claim requests pods and daemons, each daemon once, and does not show labels
/// that only exist while planning.
#[test]
fn a_claim_requests_pods_and_daemons() {
    for key in ["karpenter.sh/registered", "karpenter.sh/initialized"] {
        let placement = World::new()
            .object(daemon_set("d", "500m", select(key, "true")))
            .pods("p", 2, "1", json!({}))
            .solve();
        let claim = new_node(&placement, "p-0");
        assert_eq!(claim.name, new_node(&placement, "p-1").name);
        assert_eq!(claim.requests["cpu"].to_string(), "2500m");
        assert_eq!(claim.requests["pods"].to_string(), "3");
        assert!(!claim.labels.contains_key(key) && !claim.requirements.contains(key));
    }
}

/// A pod of a daemon set that runs on a node, as the DaemonSet controller makes it: for that node
/// alone.
fn of_daemon_set(daemon_set: &str, cpu: &str, on: &str, spec: Value) -> Value {
    let mut pod = bound(&format!("{daemon_set}-x"), cpu, on, spec);
    pod["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "DaemonSet",
        "name": daemon_set, "uid": format!("uid-{daemon_set}"), "controller": true}]);
    let affinity = &mut pod["spec"]["affinity"];
    let pin = json!({"key": "metadata.name", "operator": "In", "values": [on]});
    let required = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
        {"nodeSelectorTerms": [{"matchFields": [pin]}]}}});
    if affinity.is_null() {
        *affinity = required;
    } else {
        let terms = &mut affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
            ["nodeSelectorTerms"];
        for term in terms.as_array_mut().expect("a list of terms") {
            term["matchFields"] = json!([pin]);
        }
    }
    pod
}

/// A node that takes nothing but daemons.
fn full_node() -> Value {
    let taint = json!({"spec": {"taints": [{"key": "full", "effect": "NoSchedule"}]}});
    node("n1", "8", taint)
}

/// SCH-122: where daemons may run is what their template says, whatever the pods that there are
/// were pinned to, or say because they were made from an earlier template.
#[test]
fn the_affinity_of_daemons_is_the_templates() {
    let bar = affinity("foo", "In", &["bar"]);
    let old = affinity("foo", "In", &["old"]);
    let table = [
        ("bar", &bar, bar.clone(), MEDIUM),
        ("bar", &bar, old.clone(), MEDIUM),
        ("old", &bar, old.clone(), SMALL),
        ("other", &bar, bar.clone(), SMALL),
        // Without an affinity of its own the template's pods run everywhere.
        ("bar", &json!({}), json!({}), MEDIUM),
    ];
    for (label, template, pod, expected) in table {
        let pool = json!({"spec": {"template": {"metadata": {"labels": {"foo": label}}}}});
        let placement = World::empty()
            .pool("default", pool)
            .object(full_node())
            .object(daemon_set("d", "1", template.clone()))
            .object(of_daemon_set("d", "1", "n1", pod.clone()))
            .pod("p", "1500m", json!({}))
            .solve();
        assert_eq!(
            launched(&placement, "p").as_deref(),
            expected,
            "foo={label}: template {template}, pod {pod}"
        );
    }
}

/// SCH-126: what daemons take is what the newest of their pods takes, which admission may have
/// changed.
#[test]
fn the_requests_of_daemons_are_those_of_their_pods() {
    for (template, pod, expected) in [
        ("10", "1", MEDIUM),
        ("1", "10", LARGE),
        ("10000", "1", MEDIUM),
    ] {
        let placement = World::new()
            .object(full_node())
            .object(daemon_set("d", template, json!({})))
            .object(of_daemon_set("d", pod, "n1", json!({})))
            .pod("p", "1500m", json!({}))
            .solve();
        let found = launched(&placement, "p");
        assert_eq!(found.as_deref(), expected, "template {template}, pod {pod}");
    }
}

/// SCH-99: daemons that are there already are not counted twice.
#[test]
fn daemons_that_are_there_are_not_counted_twice() {
    let world = |with: bool| {
        let mut world = World::empty()
            .node("n1", "4", json!({}))
            .object(daemon_set("d", "1", json!({})))
            .pod("p", "3", json!({}));
        if with {
            world = world.object(of_daemon_set("d", "1", "n1", json!({})));
        }
        world
    };
    for with in [false, true] {
        assert!(
            matches!(place(&world(with).solve(), "p"), Place::Node("n1")),
            "{with}"
        );
    }
}

/// SCH-108: a daemon of one zone does not come to a node that is in none, and leaves no room on any
/// new node that may be in that zone. Unlike in the reference, a pod that keeps its node out of the
/// zone gets one, and others may join it.
#[test]
fn a_daemon_of_one_zone_counts_where_the_zone_may_be() {
    let world = || {
        World::new()
            .node("n1", "4", json!({}))
            .object(daemon_set("d", "100", select(ZONE, "test-zone-1")))
            .pod("first", "3500m", json!({}))
            .pod("second", "3", json!({}))
            .pod("there", "1", select(ZONE, "test-zone-1"))
    };
    let placement = world().solve();
    assert!(matches!(place(&placement, "first"), Place::Node("n1")));
    let why = "nodepool/default: daemons leave no room on any of 6 instance types that meet the \
               requirements";
    for pod in ["second", "there"] {
        assert_eq!(reasons(&placement, pod)[0], why, "{pod}");
    }
    let placement = world()
        .pod("elsewhere", "10m", select(ZONE, "test-zone-2"))
        .solve();
    let elsewhere = new_node(&placement, "elsewhere");
    assert_eq!(&*elsewhere.launch.zone, "test-zone-2");
    assert!(!reasons(&placement, "there").is_empty());
    let labelled = json!({"metadata": {"labels": {ZONE: "test-zone-1"}}});
    let with_zone = World::empty()
        .node("n1", "104", labelled)
        .object(daemon_set("d", "100", select(ZONE, "test-zone-1")))
        .pod("fits", "4", json!({}))
        .pod("p", "5", json!({}))
        .solve();
    assert!(matches!(place(&with_zone, "fits"), Place::Node("n1")));
    assert!(!reasons(&with_zone, "p").is_empty());
}

/// A daemon comes to a node whatever soft taints it has, so there is room for it.
#[test]
fn soft_taints_of_a_node_keep_no_daemon_away() {
    let place_of = |effect: &str| {
        let taints = json!({"spec": {"taints": [{"key": "k", "effect": effect}]}});
        let placement = World::new()
            .node("n1", "2", taints)
            .object(daemon_set("d", "1", json!({})))
            .pod(
                "p",
                "1500m",
                json!({"tolerations": [{"operator": "Exists"}]}),
            )
            .solve();
        match place(&placement, "p") {
            Place::Node(node) => node.to_owned(),
            _ => "new".to_owned(),
        }
    };
    assert_eq!(place_of("NoSchedule"), "n1");
    assert_eq!(place_of("PreferNoSchedule"), "new");
}
