use model::k8s::PodSpec;
use serde_json::json;

use super::terms::{Declarer, declared};
use super::*;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

/// Counters of anti-affinity terms with these selectors, in one namespace.
fn keys(selectors: &[serde_json::Value]) -> Vec<CounterKey> {
    let term = |selector| json!({"topologyKey": "zone", "labelSelector": selector});
    let terms: Vec<_> = selectors.iter().map(term).collect();
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let spec = json!({"affinity": {"podAntiAffinity": {required: terms}}});
    let spec: PodSpec = serde_json::from_value(spec).expect("a pod's spec");
    declared(Declarer {
        namespace: "default",
        labels: &Labels::new(),
        spec: &spec,
        spreads: &[],
    })
}

/// Whoever is selected is found by a label, also where a selector names none or several.
#[test]
fn counters_that_select_a_pod_are_among_those_found_by_its_labels() {
    let keys = keys(&[
        json!({"matchLabels": {"app": "web"}}),
        json!({"matchLabels": {"app": "web", "tier": "front"}}),
        json!({"matchLabels": {"app": "db"}}),
        json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "db"]}]}),
        json!({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}),
        json!({}),
    ]);
    let by_label = ByLabel::new(&keys);
    for (pod, expected) in [
        (labels(&[("app", "web")]), vec![0, 3, 4, 5]),
        (
            labels(&[("app", "web"), ("tier", "front")]),
            vec![0, 1, 3, 5],
        ),
        (labels(&[("app", "db"), ("tier", "back")]), vec![2, 3, 5]),
        (labels(&[("tier", "front")]), vec![5]),
        (labels(&[]), vec![4, 5]),
    ] {
        let selects = |at: &usize| keys[*at].selects("default", &pod, &Namespaces::new());
        let mut found = by_label.candidates(&pod);
        found.retain(selects);
        found.sort_unstable();
        assert_eq!(found, expected, "{pod:?}");
        let all: Vec<usize> = (0..keys.len()).filter(selects).collect();
        assert_eq!(all, expected, "{pod:?}, one by one");
    }
}
