//! Scenarios of the objects that are written for planned nodes.

mod common;

use common::world::{CAPACITY_TYPE, World, ZONE, affinity, new_node, requires};
use serde_json::{Value, json};

const TYPE: &str = "node.kubernetes.io/instance-type";

/// The claim for a pod of one core in a pool, as it is written.
fn written(pool: Value, spec: Value) -> Value {
    let world = World::empty().pool("default", pool).pod("p", "1", spec);
    let placement = world.solve();
    let claim = new_node(&placement, "p").to_node_claim(&world.snapshot().pools[0].pool);
    serde_json::to_value(&claim).expect("a claim is JSON")
}

/// The claim for a pod that asks for nothing but a core, in a pool with these requirements.
fn claim_of(requirements: Value) -> Value {
    written(requires(requirements), json!({}))
}

/// What a claim requires of a label: operator and values, for each entry about it.
fn required(claim: &Value, key: &str) -> Vec<Value> {
    let list = claim["spec"]["requirements"].as_array().expect("a list");
    let about = list.iter().filter(|item| item["key"] == key);
    about
        .map(|item| json!([item["operator"], item["values"]]))
        .collect()
}

/// SCH-139, SCH-144: what the template and the pool say is in the claim.
#[test]
fn a_claim_says_what_its_pool_says() {
    let pool = json!({"spec": {"template": {
        "metadata": {
            "labels": {"team": "a", "kubernetes.io/custom": "b", "sub.kubernetes.io/custom": "c"},
            "annotations": {"note": "x"},
        },
        "spec": {
            "taints": [{"key": "t", "effect": "NoSchedule"}],
            "startupTaints": [{"key": "s", "effect": "NoSchedule"}],
            "expireAfter": "100h",
        },
    }}});
    let tolerant = json!({"tolerations": [{"key": "t", "operator": "Exists"}]});
    let claim = written(pool, tolerant);
    let (meta, spec) = (&claim["metadata"], &claim["spec"]);
    for (key, value) in [
        ("team", "a"),
        ("kubernetes.io/custom", "b"),
        ("sub.kubernetes.io/custom", "c"),
        ("karpenter.sh/nodepool", "default"),
        ("karpenter.kwok.sh/kwoknodeclass", "default"),
    ] {
        assert_eq!(meta["labels"][key], value, "{key}");
    }
    assert_eq!(meta["generateName"], "default-");
    assert_eq!(meta["annotations"]["note"], "x");
    let owner = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "name": "default",
        "uid": "uid-default", "blockOwnerDeletion": true});
    assert_eq!(meta["ownerReferences"], json!([owner]), "SCH-144");
    let class = json!({"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"});
    assert_eq!(spec["nodeClassRef"], class, "SCH-144");
    assert_eq!(
        spec["taints"],
        json!([{"key": "t", "effect": "NoSchedule"}])
    );
    assert_eq!(
        spec["startupTaints"],
        json!([{"key": "s", "effect": "NoSchedule"}])
    );
    assert_eq!(spec["expireAfter"], "100h");
    assert_eq!(spec["resources"]["requests"]["cpu"], "1");
}

/// SCH-140: a custom key that the pool requires becomes a label with a value that the operator
/// allows. Unlike in the reference a value that the pool excludes is never chosen.
#[test]
fn custom_requirements_of_a_pool_become_labels() {
    let of = |requirements: &[(&str, &[&str])]| {
        let item = |(operator, values): &(&str, &[&str])| json!({"key": "custom", "operator": operator, "values": values});
        let items: Vec<Value> = requirements.iter().map(item).collect();
        let label = claim_of(json!(items))["metadata"]["labels"]["custom"].clone();
        label.as_str().map(str::to_owned)
    };
    let number = |label: Option<String>| -> i64 {
        let label = label.expect("a label");
        label.parse().expect("an integer")
    };
    assert_eq!(of(&[("In", &["a"])]).as_deref(), Some("a"));
    assert!(["a", "b"].contains(&&*of(&[("In", &["b", "a"])]).expect("a label")));
    assert_eq!(of(&[("DoesNotExist", &[])]), None);
    assert!(number(of(&[("Exists", &[])])) >= 0);
    assert!(number(of(&[("Gt", &["5"])])) > 5);
    assert!((0..4).contains(&number(of(&[("Lt", &["4"])]))));
    assert_eq!(number(of(&[("Gt", &["5"]), ("Lt", &["7"])])), 6);
    assert_eq!(number(of(&[("Gte", &["5"]), ("Lte", &["5"])])), 5);
    let chosen = of(&[("NotIn", &["a"])]).expect("a label");
    let other = of(&[("NotIn", &["a", &chosen])]).expect("another label");
    assert_ne!(other, chosen);
    let (seven, eight) = (&["7"][..], &["8"][..]);
    assert_eq!(
        number(of(&[("Gte", seven), ("Lte", eight), ("NotIn", seven)])),
        8
    );
}

/// SCH-140: what pods ask for narrows what the pool leaves open. Unlike in the reference a pod that
/// only excludes a value, of a key that no pool speaks of, makes no label.
#[test]
fn pods_narrow_what_becomes_a_label() {
    let open = || requires(json!([{"key": "custom", "operator": "NotIn", "values": ["a"]}]));
    let label =
        |pool: Value, spec: Value| written(pool, spec)["metadata"]["labels"]["custom"].clone();
    let table = [
        (open(), affinity("custom", "In", &["b", "a"]), json!("b")),
        (open(), affinity("custom", "DoesNotExist", &[]), Value::Null),
        (json!({}), affinity("custom", "NotIn", &["a"]), Value::Null),
    ];
    for (pool, spec, expected) in table {
        assert_eq!(
            label(pool.clone(), spec.clone()),
            expected,
            "{spec} on {pool}"
        );
    }
    assert!(label(open(), affinity("custom", "NotIn", &["b"])).is_string());
}

/// SCH-141: labels that the provider knows are the provider's to set, whatever the pool requires.
#[test]
fn well_known_keys_become_no_labels() {
    let known = [
        (ZONE, "test-zone-1"),
        (CAPACITY_TYPE, "spot"),
        (TYPE, "default-instance-type"),
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/os", "linux"),
    ];
    let item =
        |(key, value): (&str, &str)| json!({"key": key, "operator": "In", "values": [value]});
    let claim = claim_of(json!(known.map(item)));
    let labels = claim["metadata"]["labels"].as_object().expect("labels");
    let mut keys: Vec<&str> = labels.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        ["karpenter.kwok.sh/kwoknodeclass", "karpenter.sh/nodepool"]
    );
}

/// SCH-142: what a pool requires of well-known labels is required by its claims, beside the types
/// and the capacity types that are left.
#[test]
fn a_claim_requires_what_its_pool_does_and_what_can_be_had() {
    let claim = claim_of(json!([]));
    let every = [
        "arm-instance-type",
        "default-instance-type",
        "gpu-a",
        "gpu-b",
        "single-pod-instance-type",
        "small-instance-type",
    ];
    assert_eq!(required(&claim, TYPE), [json!(["In", every])]);
    assert_eq!(
        required(&claim, CAPACITY_TYPE),
        [json!(["In", ["on-demand", "spot"]])]
    );
    assert_eq!(required(&claim, ZONE), [""; 0]);
    // Zone 3 has no spot capacity.
    let claim = claim_of(json!([
        {"key": ZONE, "operator": "In", "values": ["test-zone-3", "elsewhere"]},
        {"key": "kubernetes.io/arch", "operator": "NotIn", "values": ["arm64"]},
        {"key": "integer", "operator": "Gt", "values": ["2"]},
    ]));
    let zones = json!(["In", ["elsewhere", "test-zone-3"]]);
    assert_eq!(required(&claim, ZONE), [zones]);
    assert_eq!(
        required(&claim, "kubernetes.io/arch"),
        [json!(["NotIn", ["arm64"]])]
    );
    assert_eq!(required(&claim, "integer"), [json!(["Gte", ["3"]])]);
    assert_eq!(
        required(&claim, CAPACITY_TYPE),
        [json!(["In", ["on-demand"]])]
    );
    let left = [
        "default-instance-type",
        "gpu-a",
        "gpu-b",
        "single-pod-instance-type",
    ];
    assert_eq!(required(&claim, TYPE), [json!(["In", left])]);
    for key in [
        "karpenter.sh/registered",
        "karpenter.sh/initialized",
        "kubernetes.io/hostname",
    ] {
        assert_eq!(required(&claim, key), [""; 0], "{key}");
    }
}

/// SCH-145: a claim says by which state of its pool it was planned, so that a pool that changes
/// meanwhile has drifted claims and not claims that lie.
#[test]
fn a_claim_keeps_the_hash_of_the_pool_that_it_was_planned_for() {
    let world = World::new().pod("p", "1", json!({}));
    let placement = world.solve();
    let before = world.snapshot().pools[0].pool.clone();
    let changed = json!({"spec": {"template": {"metadata": {"labels": {"new": "label"}}}}});
    let after = World::empty().pool("default", changed).snapshot().pools[0]
        .pool
        .clone();
    assert_ne!(before.hash(), after.hash());
    for pool in [&before, &after] {
        let claim = new_node(&placement, "p").to_node_claim(pool);
        let annotations = &claim.metadata.annotations;
        assert_eq!(annotations["karpenter.sh/nodepool-hash"], before.hash());
        assert_eq!(annotations["karpenter.sh/nodepool-hash-version"], "v3");
        assert!(!claim.metadata.labels.contains_key("new"));
    }
}

/// SCH-146: the pool's grace period, and none where it has none. What providers add is theirs.
#[test]
fn a_claim_has_the_grace_period_of_its_pool() {
    for period in [json!("1h"), json!("0s"), Value::Null] {
        let spec = json!({"terminationGracePeriod": period});
        let claim = written(json!({"spec": {"template": {"spec": spec}}}), json!({}));
        assert_eq!(claim["spec"]["terminationGracePeriod"], period);
    }
}

/// SCH-152: taints are the pool's to set. What pods tolerate makes none.
#[test]
fn tolerations_make_no_taints() {
    let tolerations = [
        json!([{"operator": "Exists"}]),
        json!([{"key": "k", "operator": "Exists"}]),
        json!([{"key": "k", "operator": "Exists", "effect": "NoExecute"}]),
        json!([{"key": "k", "operator": "Equal", "value": "v", "effect": "NoSchedule"}]),
    ];
    let kept = json!([{"key": "own", "effect": "PreferNoSchedule"}]);
    for tolerations in tolerations {
        let spec = json!({"tolerations": tolerations});
        let claim = written(json!({}), spec.clone());
        assert!(claim["spec"]["taints"].is_null(), "{spec}");
        assert!(claim["spec"]["startupTaints"].is_null(), "{spec}");
        assert!(claim["metadata"]["labels"]["k"].is_null(), "{spec}");
        let pool = json!({"spec": {"template": {"spec": {"taints": kept}}}});
        assert_eq!(written(pool, spec)["spec"]["taints"], kept);
    }
}
