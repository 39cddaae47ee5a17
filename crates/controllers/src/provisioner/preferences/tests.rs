use super::*;
use cluster::{Change, Cluster, Event, PodUpdate, Settings, UnknownReadiness};
use model::k8s::Pod;
use requirements::Vocabulary;
use serde_json::json;

fn snapshot() -> Snapshot {
    let settings = Settings {
        node_classes: Vec::new(),
        unknown_readiness: UnknownReadiness::NotReady,
    };
    let mut cluster = Cluster::new(Vocabulary::core(), settings);
    let spread = json!([{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {}}]);
    let firm = json!([{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {}}]);
    let apart = json!({"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 1, "podAffinityTerm": {"topologyKey": "zone", "labelSelector": {}}}]}});
    for (name, spread, affinity) in [
        ("both", &spread, &apart),
        ("apart", &json!([]), &apart),
        ("spread", &spread, &json!(null)),
        ("firm", &firm, &json!(null)),
    ] {
        let pod = json!({"metadata": {"name": name, "namespace": "default", "uid": name},
            "spec": {"containers": [{"name": "main"}], "affinity": affinity,
                "topologySpreadConstraints": spread},
            "status": {"conditions":
                [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}});
        let pod: Pod = serde_json::from_value(pod).expect("a pod");
        cluster.apply(Event::Pod(Change::Applied(PodUpdate::from(&pod))));
    }
    cluster.snapshot()
}

/// A pod with both wishes is told of once for each, and not on every pass.
#[test]
fn each_wish_of_a_pod_is_told_once_a_day() {
    let (mut told, snapshot) = (Told::default(), snapshot());
    let start = Timestamp::from_seconds(0);
    let all = [
        (Wish::AntiAffinity, ["default/apart", "default/both"]),
        (Wish::Spread, ["default/both", "default/spread"]),
    ];
    let all = all.map(|(wish, names)| (wish, names.map(str::to_owned).to_vec()));
    assert_eq!(told.news(&snapshot, start), all);
    for hours in [0, 1, 23] {
        let later = start + Duration::from_hours(hours);
        assert_eq!(told.news(&snapshot, later), []);
    }
    assert_eq!(told.news(&snapshot, start + WINDOW), all);
}
