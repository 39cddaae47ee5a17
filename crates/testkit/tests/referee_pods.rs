//! The referee on rules between pods: what is broken is found, what is right passes.

mod common;

use common::{HOST, ZONE, boundless, check, limited};
use model::k8s::{Node, Pod};
use serde_json::{Value, json};
use testkit::build::{Builder, node, pod};

fn app(name: &str, app: &str) -> Builder<Pod> {
    pod(name).cpu("100m").label("app", app)
}

fn selector(app: &str) -> Value {
    json!({"matchLabels": {"app": app}})
}

/// Spread of `app=x` with skew 1, with further members laid over it.
fn spread(name: &str, key: &str, more: &Value) -> Builder<Pod> {
    let mut constraint = json!({"maxSkew": 1, "topologyKey": key,
        "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector("x")});
    for (key, value) in more.as_object().into_iter().flatten() {
        constraint[key] = value.clone();
    }
    app(name, "x").with(&json!({"spec": {"topologySpreadConstraints": [constraint]}}))
}

fn spreads(names: &str, key: &str, more: &Value) -> Vec<Value> {
    let pods = names.split_whitespace();
    pods.map(|name| spread(name, key, more).json()).collect()
}

/// A pod with a required term of `kind` about `app`, with further members laid over it.
fn term(name: &str, own: &str, kind: &str, key: &str, about: &str, more: &Value) -> Builder<Pod> {
    let mut term = json!({"topologyKey": key, "labelSelector": selector(about)});
    for (key, value) in more.as_object().into_iter().flatten() {
        term[key] = value.clone();
    }
    app(name, own).with(&json!({"spec": {"affinity": {kind:
        {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}}))
}

fn near(name: &str, own: &str, key: &str, about: &str) -> Builder<Pod> {
    term(name, own, "podAffinity", key, about, &json!({}))
}

fn apart(name: &str, own: &str, key: &str, about: &str) -> Builder<Pod> {
    term(name, own, "podAntiAffinity", key, about, &json!({}))
}

fn in_zone(name: &str, zone: &str) -> Builder<Node> {
    node(name).label(ZONE, zone)
}

fn all(parts: &[Vec<Value>]) -> Vec<Value> {
    parts.concat()
}

#[test]
fn a_spread_is_kept_over_the_domains_that_count() {
    let none = json!({});
    let three = all(&[vec![boundless()], spreads("p q r", ZONE, &none)]);
    let capped = |more: &Value| all(&[vec![limited()], spreads("p q r s", ZONE, more)]);
    let soft = json!({"whenUnsatisfiable": "ScheduleAnyway"});
    let nodes = |pods: Vec<Value>| {
        let nodes = vec![in_zone("na", "a").json(), in_zone("nb", "b").json()];
        all(&[nodes, pods])
    };
    let hosts = nodes(spreads("p q", HOST, &none));
    let running = |place: &str| spread(place, ZONE, &none).on("na").json();
    let resumed = nodes(vec![
        running("r1"),
        running("r2"),
        spread("p", ZONE, &none).json(),
    ]);
    let unlabeled = vec![node("bare").json(), spread("p", ZONE, &none).json()];
    let merely = nodes(vec![
        spread("p", ZONE, &none).json(),
        app("q", "x").json(),
        app("r", "x").json(),
    ]);
    check(&[
        (
            "one each",
            three.clone(),
            &[("new a", "p"), ("new b", "q"), ("new c", "r")],
            &[],
        ),
        (
            "two and one",
            three.clone(),
            &[("new a", "p q"), ("new b", "r")],
            &["Spread"],
        ),
        (
            "all in one zone of three",
            three.clone(),
            &[("new a", "p q r")],
            &["Spread"],
        ),
        (
            "an open zone",
            three.clone(),
            &[("new a|b", "p"), ("new b", "q"), ("new c", "r")],
            &["Open"],
        ),
        (
            "only what is there counts",
            capped(&none),
            &[("new a", "p q"), ("new b", "r s")],
            &[],
        ),
        (
            "uneven over what is there",
            capped(&none),
            &[("new a", "p q r"), ("new b", "s")],
            &["Spread"],
        ),
        (
            "too few domains",
            capped(&json!({"minDomains": 3})),
            &[("new a", "p q"), ("new b", "r s")],
            &["Spread"],
        ),
        (
            "just enough of them",
            capped(&json!({"minDomains": 2})),
            &[("new a", "p q"), ("new b", "r s")],
            &[],
        ),
        (
            "a preference",
            capped(&soft),
            &[("new a", "p q r"), ("new b", "s")],
            &[],
        ),
        (
            "hosts: one each",
            hosts.clone(),
            &[("na", "p"), ("nb", "q")],
            &[],
        ),
        ("hosts: two on one", hosts, &[("na", "p q")], &["Spread"]),
        (
            "what runs counts",
            resumed.clone(),
            &[("na", "p")],
            &["Spread"],
        ),
        ("the emptier zone", resumed, &[("nb", "p")], &[]),
        ("no label", unlabeled, &[("bare", "p")], &["NoDomain"]),
        (
            "pods that merely match may come later",
            merely,
            &[("na", "p q r")],
            &[],
        ),
    ]);
}

#[test]
fn policies_say_which_nodes_count_for_a_spread() {
    let nodes = vec![
        in_zone("na", "a").label("team", "x").json(),
        in_zone("nb", "b").taint("t", "v", "NoSchedule").json(),
    ];
    let row = |team: &str, more: Value| {
        let pods = ["p", "q"].map(|name| {
            let pod = spread(name, ZONE, &more);
            let pod = if team.is_empty() {
                pod
            } else {
                pod.selector("team", team)
            };
            pod.json()
        });
        all(&[nodes.clone(), pods.to_vec()])
    };
    let both: &[(&str, &str)] = &[("na", "p q")];
    check(&[
        ("selected nodes count", row("x", json!({})), both, &[]),
        (
            "all nodes count",
            row("x", json!({"nodeAffinityPolicy": "Ignore"})),
            both,
            &["Spread"],
        ),
        ("tainted nodes count", row("", json!({})), both, &["Spread"]),
        (
            "tolerated nodes count",
            row("", json!({"nodeTaintsPolicy": "Honor"})),
            both,
            &[],
        ),
    ]);
}

#[test]
fn nodes_that_lack_the_label_of_another_constraint_do_not_count() {
    let two = |name: &str| {
        let one = |key: &str, skew: i32| {
            json!({"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": selector("x")})
        };
        let list = [one(ZONE, 1), one("rack", 5)];
        app(name, "x")
            .with(&json!({"spec": {"topologySpreadConstraints": list}}))
            .json()
    };
    let nodes = |rack: bool| {
        let nb = in_zone("nb", "b");
        let nb = if rack { nb.label("rack", "2") } else { nb };
        vec![
            in_zone("na", "a").label("rack", "1").json(),
            nb.json(),
            two("p"),
            two("q"),
        ]
    };
    check(&[
        (
            "zone b has a rack",
            nodes(true),
            &[("na", "p q")],
            &["Spread"],
        ),
        ("zone b has none", nodes(false), &[("na", "p q")], &[]),
    ]);
}

#[test]
fn label_keys_narrow_whom_a_spread_counts() {
    let pods = |more: &Value| {
        let one =
            |name: &str, version: &str| spread(name, ZONE, more).label("version", version).json();
        let pods = vec![one("p", "1"), one("q", "1"), one("r", "2"), one("s", "2")];
        all(&[vec![limited()], pods])
    };
    let apart: &[(&str, &str)] = &[("new a", "p q"), ("new b", "r s")];
    check(&[
        ("all versions together", pods(&json!({})), apart, &[]),
        (
            "each for itself",
            pods(&json!({"matchLabelKeys": ["version"]})),
            apart,
            &["Spread"],
        ),
    ]);
}

#[test]
fn anti_affinity_holds_both_ways_against_placed_and_running_pods() {
    let two = |key: &str| {
        vec![
            boundless(),
            apart("p", "x", key, "x").json(),
            apart("q", "x", key, "x").json(),
        ]
    };
    let mixed = vec![
        boundless(),
        apart("p", "x", ZONE, "y").json(),
        app("q", "y").json(),
    ];
    let running = |declarer: Builder<Pod>, placed: Builder<Pod>| {
        let nodes = vec![in_zone("na", "a").json(), in_zone("nb", "b").json()];
        all(&[
            nodes,
            vec![boundless(), declarer.on("na").json(), placed.json()],
        ])
    };
    let inverse = || running(apart("r", "x", ZONE, "y"), app("p", "y"));
    let direct = || running(app("r", "y"), apart("p", "x", ZONE, "y"));
    let preferred = |name: &str| {
        app(name, "x").with(&json!({"spec": {"affinity": {"podAntiAffinity":
            {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm":
                {"topologyKey": HOST, "labelSelector": selector("x")}}]}}}}))
    };
    check(&[
        (
            "one host each",
            two(HOST),
            &[("new a", "p"), ("new a", "q")],
            &[],
        ),
        (
            "one host",
            two(HOST),
            &[("new a", "p q")],
            &["AntiAffinity"],
        ),
        (
            "one zone each",
            two(ZONE),
            &[("new a", "p"), ("new b", "q")],
            &[],
        ),
        (
            "one zone",
            two(ZONE),
            &[("new a", "p"), ("new a", "q")],
            &["AntiAffinity"],
        ),
        (
            "perhaps one zone",
            two(ZONE),
            &[("new a|b", "p"), ("new b", "q")],
            &["AntiAffinity", "Open"],
        ),
        (
            "of one alone",
            mixed.clone(),
            &[("new a", "p q")],
            &["AntiAffinity"],
        ),
        (
            "of one alone, apart",
            mixed.clone(),
            &[("new a", "p"), ("new b", "q")],
            &[],
        ),
        (
            "its aversion may come where it is",
            mixed,
            &[("new a", "p"), ("new b|a", "q")],
            &["AntiAffinity"],
        ),
        (
            "running declarer, same node",
            inverse(),
            &[("na", "p")],
            &["AntiAffinity"],
        ),
        (
            "running declarer, same zone",
            inverse(),
            &[("new a", "p")],
            &["AntiAffinity"],
        ),
        (
            "running declarer, other zone",
            inverse(),
            &[("nb", "p")],
            &[],
        ),
        (
            "running aversion",
            direct(),
            &[("new a", "p")],
            &["AntiAffinity"],
        ),
        (
            "running aversion, other zone",
            direct(),
            &[("nb", "p")],
            &[],
        ),
        (
            "a preference",
            vec![boundless(), preferred("p").json(), preferred("q").json()],
            &[("new a", "p q")],
            &[],
        ),
    ]);
}

#[test]
fn terms_are_about_the_namespaces_and_labels_that_they_name() {
    let space = |name: &str, team: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": team}}});
    let row = |more: Value| {
        let declarer = term("p", "x", "podAntiAffinity", HOST, "x", &more).label("v", "1");
        let other = app("q", "x").namespace("other").label("v", "2");
        vec![
            boundless(),
            space("default", "a"),
            space("other", "b"),
            declarer.json(),
            other.json(),
        ]
    };
    let same = |more: Value| {
        let declarer = term("p", "x", "podAntiAffinity", HOST, "x", &more).label("v", "1");
        vec![
            boundless(),
            declarer.json(),
            app("q", "x").label("v", "2").json(),
            app("r", "x").json(),
        ]
    };
    let both: &[(&str, &str)] = &[("new a", "p q")];
    let found: &[&str] = &["AntiAffinity"];
    check(&[
        ("own namespace", row(json!({})), both, &[]),
        ("named", row(json!({"namespaces": ["other"]})), both, found),
        (
            "selected",
            row(json!({"namespaceSelector": {"matchLabels": {"team": "b"}}})),
            both,
            found,
        ),
        (
            "not selected",
            row(json!({"namespaceSelector": {"matchLabels": {"team": "c"}}})),
            both,
            &[],
        ),
        ("all", row(json!({"namespaceSelector": {}})), both, found),
        (
            "by its name",
            row(json!({"namespaceSelector":
            {"matchLabels": {"kubernetes.io/metadata.name": "other"}}})),
            both,
            found,
        ),
        (
            "another value",
            same(json!({"matchLabelKeys": ["v"]})),
            both,
            &[],
        ),
        (
            "a key that the pod lacks",
            same(json!({"matchLabelKeys": ["w"]})),
            both,
            found,
        ),
        (
            "a different value",
            same(json!({"mismatchLabelKeys": ["v"]})),
            both,
            found,
        ),
        (
            "no value is different too",
            same(json!({"mismatchLabelKeys": ["v"]})),
            &[("new a", "p r")],
            found,
        ),
        (
            "no selector",
            same(json!({"labelSelector": null})),
            both,
            &[],
        ),
    ]);
}

#[test]
fn affinity_needs_an_order_in_which_each_pod_finds_its_company() {
    let follow = |key: &str| {
        vec![
            boundless(),
            near("p", "x", key, "y").json(),
            app("q", "y").json(),
        ]
    };
    let group = |names: &str| {
        let pods = names
            .split_whitespace()
            .map(|name| near(name, "x", ZONE, "x").json());
        all(&[vec![boundless(), in_zone("na", "a").json()], pods.collect()])
    };
    let with_runner = |mut items: Vec<Value>, runner: Builder<Pod>| {
        items.push(runner.on("na").json());
        items
    };
    let circle = vec![
        boundless(),
        near("p", "x", ZONE, "y").json(),
        near("q", "y", ZONE, "x").json(),
    ];
    let chain = vec![
        boundless(),
        near("p", "x", HOST, "y").json(),
        near("q", "y", HOST, "z").json(),
        app("r", "z").json(),
    ];
    let terms =
        [selector("y"), selector("z")].map(|s| json!({"topologyKey": ZONE, "labelSelector": s}));
    let two_terms = app("p", "x").with(&json!({"spec": {"affinity": {"podAffinity":
        {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}}));
    let two = vec![
        boundless(),
        two_terms.json(),
        app("q", "y").json(),
        app("r", "z").json(),
    ];
    let bare = vec![node("bare").json(), near("p", "x", ZONE, "x").json()];
    let mut joined = group("p q");
    joined.push(app("r", "x").json());
    check(&[
        ("beside it", follow(HOST), &[("new a", "p q")], &[]),
        (
            "in its zone",
            follow(ZONE),
            &[("new a", "p"), ("new a", "q")],
            &[],
        ),
        (
            "elsewhere",
            follow(ZONE),
            &[("new a", "p"), ("new b", "q")],
            &["Affinity"],
        ),
        (
            "where it may not be",
            follow(ZONE),
            &[("new a", "p"), ("new a|b", "q")],
            &["Affinity"],
        ),
        ("without it", follow(ZONE), &[("new a", "p")], &["Affinity"]),
        (
            "a group in one zone",
            group("p q r"),
            &[("new a", "p q"), ("new a", "r")],
            &[],
        ),
        (
            "a group in two",
            group("p q r"),
            &[("new a", "p q"), ("new b", "r")],
            &["Affinity"],
        ),
        (
            "a group in an open zone",
            group("p"),
            &[("new a|b", "p")],
            &["Open"],
        ),
        (
            "a group joins what runs",
            with_runner(group("p q"), app("s", "x")),
            &[("na", "p"), ("new a", "q")],
            &[],
        ),
        (
            "a group beside what runs",
            with_runner(group("p q"), app("s", "x")),
            &[("new b", "p q")],
            &["Affinity"],
        ),
        (
            "strangers don't matter",
            with_runner(group("p q"), app("s", "y")),
            &[("new b", "p q")],
            &[],
        ),
        (
            "a group in two zones with company that comes between",
            joined.clone(),
            &[("new a", "p"), ("new b", "q r")],
            &[],
        ),
        ("a circle", circle, &[("new a", "p q")], &["Affinity"]),
        ("a chain", chain, &[("new a", "p q r")], &[]),
        (
            "all terms are about the same pod",
            two,
            &[("new a", "p q r")],
            &["Affinity"],
        ),
        ("no label", bare, &[("bare", "p")], &["NoDomain"]),
    ]);
}
