//! Claims of pools with a fixed number of nodes: the template and nothing else.

use std::sync::Arc;

use api::NodePool;
use cluster::PoolState;
use model::ResourceList;
use scheduling::{TaintLabels, template_claim};
use serde_json::{Value, json};

fn state(requirements: Value) -> (PoolState, requirements::Vocabulary) {
    let catalog = catalog::kwok::standard();
    let pool: NodePool = serde_json::from_value(json!({
        "metadata": {"name": "fixed", "uid": "u"},
        "spec": {"replicas": 2, "template": {
            "metadata": {"labels": {"team": "a"}, "annotations": {"note": "kept"}},
            "spec": {
                "requirements": requirements,
                "taints": [{"key": "dedicated", "value": "x", "effect": "NoSchedule"}],
                "startupTaints": [{"key": "booting", "effect": "NoSchedule"}],
                "terminationGracePeriod": "30s",
                "nodeClassRef": {"group": "g", "kind": "Class", "name": "c"}}}}}))
    .expect("a pool");
    let state = PoolState {
        pool: Arc::new(pool),
        types: catalog.types.clone().into(),
        problem: None,
        used: ResourceList::new(),
        in_flight: ResourceList::new(),
    };
    (state, catalog.vocabulary())
}

/// SCH-267.
#[test]
fn a_claim_follows_its_pools_template() {
    let (state, vocabulary) = state(json!([
        {"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]},
        {"key": "example.com/rack", "operator": "In", "values": ["r1"]}]));
    let claim = template_claim(&state, &vocabulary, TaintLabels::FromTaints, 7);
    let (meta, spec) = (&claim.metadata, &claim.spec);
    assert_eq!(meta.generate_name.as_deref(), Some("fixed-"));
    assert_eq!(meta.owner_references[0].uid, "u");
    for (key, value) in [
        ("team", "a"),
        ("example.com/rack", "r1"),
        ("dedicated", "x"),
        ("karpenter.sh/nodepool", "fixed"),
        ("g/class", "c"),
    ] {
        assert_eq!(
            meta.labels.get(key).map(String::as_str),
            Some(value),
            "{key}"
        );
    }
    assert!(!meta.labels.contains_key("karpenter.sh/initialized"));
    assert_eq!(meta.annotations["note"], "kept");
    assert_eq!(
        meta.annotations["karpenter.sh/nodepool-hash"],
        state.pool.hash()
    );
    assert!(
        !meta
            .annotations
            .contains_key("karpenter.sh/nodeclaim-min-values-relaxed")
    );
    assert_eq!(spec.taints[0].key, "dedicated");
    assert_eq!(spec.startup_taints[0].key, "booting");
    assert!(spec.resources.is_empty());
    assert_eq!(spec.node_class_ref.name, "c");
    assert!(spec.termination_grace_period.is_some());
    let keys: Vec<&str> = spec.requirements.iter().map(|item| &*item.key).collect();
    for key in ["kubernetes.io/arch", "example.com/rack", "team"] {
        assert!(keys.contains(&key), "{keys:?}");
    }
    for key in [
        "node.kubernetes.io/instance-type",
        "karpenter.sh/registered",
        "karpenter.sh/initialized",
        "kubernetes.io/hostname",
    ] {
        assert!(!keys.contains(&key), "{keys:?}");
    }
}

/// What is required by the name of a resource is no label: the types that have it are named.
#[test]
fn devices_are_required_as_the_types_that_have_them() {
    let (mut state, vocabulary) = state(json!([{"key": "nvidia.com/gpu", "operator": "Exists"}]));
    let mut types = state.types.to_vec();
    let one = Arc::make_mut(&mut types[0]);
    one.capacity
        .insert("nvidia.com/gpu".to_owned(), model::Quantity::from_units(1));
    let name = one.name.to_string();
    state.types = types.into();
    let claim = template_claim(&state, &vocabulary, TaintLabels::Off, 7);
    let about = |key: &str| {
        let mut items = claim.spec.requirements.iter();
        items.find(|item| item.key == key)
    };
    let of_type = about("node.kubernetes.io/instance-type").expect("the types");
    assert_eq!(of_type.values, [name]);
    assert!(about("nvidia.com/gpu").is_none());
    assert!(!claim.metadata.labels.contains_key("dedicated"));
}
