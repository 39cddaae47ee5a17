//! Many pods: the work follows what changes. A scheduler that looked at every pod for every pod
//! would not come to the end of this.

use serde_json::{Value, json};

use super::world::{cluster, merge, node, outcome, pod};

#[test]
fn thousands_of_pods_with_rules_find_their_nodes() {
    let zones = ["z1", "z2", "z3"];
    let nodes: Vec<Value> = (0..300)
        .map(|number| {
            node(
                &format!("n{number:03}"),
                zones[number % 3],
                &json!({
            "status": { "allocatable": { "pods": "20" } } }),
            )
        })
        .collect();
    let mut pods = Vec::new();
    for app in 0..100 {
        let name = format!("a{app}");
        let mine = json!({ "matchLabels": { "app": name } });
        let spread = json!({ "topologySpreadConstraints": [{
            "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "DoNotSchedule", "labelSelector": mine }] });
        let away = json!({ "affinity": { "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [{
                "topologyKey": "kubernetes.io/hostname", "labelSelector": mine }] } } });
        let mut spec = [spread, away][app % 2].clone();
        merge(
            &mut spec,
            &json!({ "containers": [{ "name": "c", "resources": {
            "requests": { "cpu": "100m" } } }] }),
        );
        for number in 0..40 {
            pods.push(pod(&format!("{name}-{number}"), &name, "", &spec));
        }
    }
    let outcome = outcome(&mut cluster(&nodes, &pods));
    let placed = outcome.iter().filter(|(_, found)| found.is_ok());
    assert_eq!(placed.count(), 4_000);
}
