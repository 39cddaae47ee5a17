use std::sync::Arc;

use model::k8s::pod::Pod;
use requirements::Vocabulary;
use serde_json::json;

use super::*;
use crate::Dimensions;

#[test]
fn uids_read_back_as_they_were_written() {
    for text in [
        "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
        "",
        "uid-1",
        "0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D",
    ] {
        assert_eq!(Uid::new(text).to_string(), text);
    }
    assert!(matches!(
        Uid::new("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"),
        Uid::Uuid(_)
    ));
}

#[test]
fn a_record_stays_small() {
    assert!(size_of::<PodRecord>() <= 160, "{}", size_of::<PodRecord>());
}

#[test]
fn equal_contents_share_a_shape_and_selectors_see_a_pods_own_labels() {
    let pod = |index: u32| -> Pod {
        serde_json::from_value(json!({"metadata": {"name": format!("job-{index}"), "namespace": "n",
            "labels": {"app": "job", "batch.kubernetes.io/job-completion-index": index.to_string()}}}))
        .unwrap()
    };
    let mut shapes = Shapes::default();
    let mut dimensions = Arc::new(Dimensions::default());
    let mut record = |pod: &Pod| {
        let PodUpdate { content, facts } = PodUpdate::from(pod);
        let shape = shapes.intern(&content, &mut dimensions, &Vocabulary::core());
        PodRecord { facts, shape }
    };
    let (zero, one) = (record(&pod(0)), record(&pod(1)));
    assert!(Arc::ptr_eq(&zero.shape, &one.shape));
    let selector = |json: serde_json::Value| serde_json::from_value(json).unwrap();
    let first = selector(json!({"matchLabels": {"batch.kubernetes.io/job-completion-index": "0"}}));
    assert!(zero.matches(&first) && !one.matches(&first));
    let all = selector(json!({"matchLabels": {"app": "job"}}));
    assert!(zero.matches(&all) && one.matches(&all));
    assert_eq!(
        one.label("batch.kubernetes.io/job-completion-index"),
        Some("1")
    );
}

#[test]
fn of_several_owners_the_one_that_is_treated_most_specially_counts() {
    let references = serde_json::from_value::<Vec<model::OwnerReference>>(json!([
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "1"},
        {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "2"}
    ]))
    .unwrap();
    assert_eq!(Owner::of(&references).kind, OwnerKind::Node);
    assert_eq!(Owner::of(&[]).kind, OwnerKind::None);
}
