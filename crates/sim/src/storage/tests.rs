use serde_json::{Value, json};

use super::controller::{ephemeral_claims, reconcile};
use super::{Claim, Class, Storage, Volume};
use crate::write::Write;

fn claim(name: &str, spec: &Value) -> Claim {
    let mut all = json!({ "accessModes": ["ReadWriteOnce"], "storageClassName": "now",
        "resources": { "requests": { "storage": "10Gi" } } });
    for (key, value) in spec.as_object().unwrap() {
        all[key] = value.clone();
    }
    let meta = json!({ "name": name, "namespace": "n", "uid": name });
    serde_json::from_value(json!({ "metadata": meta, "spec": all })).unwrap()
}

fn volume(name: &str, size: &str, claim: &Value) -> Volume {
    serde_json::from_value(json!({ "metadata": { "name": name }, "spec": {
        "capacity": { "storage": size }, "accessModes": ["ReadWriteOnce"],
        "storageClassName": "now", "claimRef": claim } }))
    .unwrap()
}

fn storage(provisioner: &str, mode: &str) -> Storage {
    let mut storage = Storage::default();
    let class: Class = serde_json::from_value(json!({
        "metadata": { "name": "now" }, "provisioner": provisioner, "volumeBindingMode": mode }))
    .unwrap();
    storage.classes.insert("now".to_owned(), class.into());
    storage.zones = ["z1".to_owned(), "z2".to_owned()].into();
    storage
}

/// The volume of a claim, if it is bound.
fn volume_of(storage: &Storage, name: &str) -> Option<String> {
    let claim = &storage.claims[&("n".to_owned(), name.to_owned())];
    claim.is_bound().then(|| claim.spec.volume_name.clone())
}

#[test]
fn claims_that_do_not_wait_get_the_smallest_volume_that_will_do() {
    let mine = json!({ "namespace": "n", "name": "c" });
    let none = Value::Null;
    let fixed = "kubernetes.io/no-provisioner";
    let cases = [
        ("ebs.csi.aws.com", vec![], json!({}), Some("pvc-c")),
        (fixed, vec![], json!({}), None),
        (
            fixed,
            vec![volume("big", "20Gi", &none), volume("fit", "10Gi", &none)],
            json!({}),
            Some("fit"),
        ),
        (
            fixed,
            vec![volume("mine", "20Gi", &mine), volume("fit", "10Gi", &none)],
            json!({}),
            Some("mine"),
        ),
        (fixed, vec![volume("small", "9Gi", &none)], json!({}), None),
        (
            fixed,
            vec![volume("fit", "10Gi", &none)],
            json!({ "accessModes": ["ReadWriteMany"] }),
            None,
        ),
        (
            fixed,
            vec![volume("a", "10Gi", &none), volume("b", "10Gi", &none)],
            json!({ "volumeName": "b" }),
            Some("b"),
        ),
        (
            fixed,
            vec![volume("a", "10Gi", &none)],
            json!({ "volumeName": "gone" }),
            None,
        ),
    ];
    for (number, (provisioner, volumes, spec, expected)) in cases.into_iter().enumerate() {
        let mut storage = storage(provisioner, "Immediate");
        for volume in volumes {
            storage.put_volume(volume);
        }
        storage.put_claim(claim("c", &spec));
        let writes = reconcile(&mut storage);
        assert_eq!(
            volume_of(&storage, "c").as_deref(),
            expected,
            "case {number}"
        );
        assert_eq!(writes.is_empty(), expected.is_none(), "case {number}");
        assert!(
            reconcile(&mut storage).is_empty(),
            "case {number}: nothing is left to do"
        );
    }
}

#[test]
fn claims_that_wait_for_a_pod_are_left_alone_unless_a_volume_names_them() {
    let mut storage = storage("ebs.csi.aws.com", "WaitForFirstConsumer");
    storage.put_claim(claim("c", &json!({})));
    storage.put_volume(volume("free", "10Gi", &Value::Null));
    assert!(reconcile(&mut storage).is_empty());
    storage.put_volume(volume(
        "mine",
        "10Gi",
        &json!({ "namespace": "n", "name": "c" }),
    ));
    reconcile(&mut storage);
    assert_eq!(volume_of(&storage, "c").as_deref(), Some("mine"));
}

#[test]
fn a_volume_that_is_made_without_a_pod_is_in_some_zone_of_the_cloud() {
    let mut storage = storage("ebs.csi.aws.com", "Immediate");
    storage.put_claim(claim("c", &json!({})));
    reconcile(&mut storage);
    let volume = storage.volume("pvc-c").unwrap();
    let terms = &volume.reach().unwrap().node_selector_terms[0];
    assert!(["z1", "z2"].contains(&terms.match_expressions[0].values[0].as_str()));
}

#[test]
fn volumes_go_with_their_claims_or_are_released() {
    for (policy, deleted) in [("Delete", true), ("Retain", false)] {
        let mut storage = storage("ebs.csi.aws.com", "Immediate");
        let mut volume = volume("v", "10Gi", &json!({ "namespace": "n", "name": "c" }));
        volume.status.phase = "Bound".to_owned();
        volume.spec.persistent_volume_reclaim_policy = policy.to_owned();
        storage.put_volume(volume);
        let claim = claim("c", &json!({}));
        let key = claim.key();
        storage.put_claim(claim);
        storage.remove_claim(&key);
        let writes = reconcile(&mut storage);
        assert_eq!(writes.len(), 1, "{policy}");
        assert_eq!(
            matches!(writes[0], Write::Delete { .. }),
            deleted,
            "{policy}"
        );
        assert!(reconcile(&mut storage).is_empty());
    }
}

#[test]
fn ephemeral_volumes_become_claims_that_the_pod_owns() {
    let pod = json!({ "metadata": { "name": "p", "namespace": "n", "uid": "u" }, "spec": { "volumes": [
        { "name": "plain", "emptyDir": {} },
        { "name": "scratch", "ephemeral": { "volumeClaimTemplate": {
            "metadata": { "labels": { "a": "b" } }, "spec": { "storageClassName": "now" } } } } ] } });
    let writes = ephemeral_claims(&pod);
    let [Write::Create(claim)] = &writes[..] else {
        panic!("{writes:?}")
    };
    assert_eq!(claim["metadata"]["name"], "p-scratch");
    assert_eq!(claim["metadata"]["labels"]["a"], "b");
    assert_eq!(claim["metadata"]["ownerReferences"][0]["uid"], "u");
    assert_eq!(claim["spec"]["storageClassName"], "now");
}
