//! Hashes of classes and claims.

use super::*;

/// A class with a hash of another algorithm, whatever was found for it.
fn outdated(rig: &Rig) {
    rig.kube.change(CLASSES, "default", |class| {
        class["metadata"]["annotations"][EC2NODECLASS_HASH_VERSION] = json!("abc");
    });
}

/// A claim with a hash of an algorithm.
fn hashed(rig: &Rig, name: &str, version: &str) {
    let mut claim = claim(name, "");
    claim["metadata"]["annotations"] =
        json!({EC2NODECLASS_HASH: "1", EC2NODECLASS_HASH_VERSION: version});
    rig.kube.create(CLAIMS, claim);
}

/// Hash and version of a claim.
fn of_claim(rig: &Rig, name: &str) -> (String, String) {
    let get = |key: &str| rig.annotation(CLAIMS, name, key).unwrap_or_default();
    (get(EC2NODECLASS_HASH), get(EC2NODECLASS_HASH_VERSION))
}

/// Hash and version of the class.
fn of_class(rig: &Rig) -> (String, String) {
    let get = |key: &str| rig.annotation(CLASSES, "default", key).unwrap_or_default();
    (get(EC2NODECLASS_HASH), get(EC2NODECLASS_HASH_VERSION))
}

/// HASH-7
#[tokio::test(start_paused = true)]
async fn another_ca_bundle_is_another_hash() {
    let mut rig = rig().await;
    let before = of_class(&rig);
    assert_eq!(before.0, rig.known().await.hash("Y2EtYnVuZGxlCg=="));
    rig.restart(&["--cluster-ca-bundle=b3RoZXIK"]).await;
    rig.reconcile().await;
    let after = of_class(&rig);
    assert_eq!(after.0, rig.known().await.hash("b3RoZXIK"));
    assert_ne!(after.0, before.0);
}

/// HASH-8
#[tokio::test(start_paused = true)]
async fn the_hash_follows_what_is_hashed_and_nothing_else() {
    let rig = rig().await;
    let before = of_class(&rig);
    for (field, terms) in [
        ("subnetSelectorTerms", json!([{"id": "subnet-test1"}])),
        ("securityGroupSelectorTerms", json!([{"id": "sg-test1"}])),
        ("amiSelectorTerms", json!([{"alias": "al2023@v20260101"}])),
        ("capacityReservationSelectorTerms", json!([{"id": "cr-1"}])),
    ] {
        let change = |class: &mut Value| class["spec"][field] = terms;
        rig.kube.change(CLASSES, "default", change);
        rig.reconcile().await;
        assert_eq!(of_class(&rig), before, "{field}");
    }
    let change = |class: &mut Value| class["spec"]["userData"] = json!("echo hello");
    rig.kube.change(CLASSES, "default", change);
    rig.reconcile().await;
    let after = of_class(&rig);
    assert_ne!(after.0, before.0);
    assert_eq!(after.0, rig.known().await.hash("Y2EtYnVuZGxlCg=="));
}

/// HASH-9
#[tokio::test(start_paused = true)]
async fn claims_of_an_older_algorithm_get_the_hash_of_today() {
    let rig = rig().await;
    let today = of_class(&rig);
    assert_eq!(today.1, "v6");
    outdated(&rig);
    hashed(&rig, "one", "abc");
    hashed(&rig, "two", "v5");
    rig.kube.create(CLAIMS, claim("three", ""));
    rig.reconcile().await;
    assert_eq!(of_class(&rig), today);
    for name in ["one", "two", "three"] {
        assert_eq!(of_claim(&rig, name), today, "{name}");
    }
}

/// HASH-10
#[tokio::test(start_paused = true)]
async fn a_claim_that_has_drifted_keeps_its_hash() {
    let rig = rig().await;
    let today = of_class(&rig);
    outdated(&rig);
    for (name, status) in [("drifted", "True"), ("asked", "False")] {
        let mut claim = claim(name, "");
        claim["metadata"]["annotations"] =
            json!({EC2NODECLASS_HASH: "1", EC2NODECLASS_HASH_VERSION: "v5"});
        claim["status"]["conditions"] = json!([{"type": "Drifted", "status": status,
            "reason": "NodeClassDrift", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
        rig.kube.create(CLAIMS, claim);
    }
    rig.reconcile().await;
    let kept = ("1".to_owned(), "v6".to_owned());
    assert_eq!(of_claim(&rig, "drifted"), kept);
    assert_eq!(of_claim(&rig, "asked"), kept);
    assert_eq!(of_class(&rig), today);
}

/// HASH-11
#[tokio::test(start_paused = true)]
async fn claims_are_left_alone_where_nothing_is_older() {
    let rig = rig().await;
    hashed(&rig, "same", "v6");
    hashed(&rig, "older", "v5");
    rig.reconcile().await;
    assert_eq!(of_claim(&rig, "same"), ("1".to_owned(), "v6".to_owned()));
    assert_eq!(of_claim(&rig, "older"), ("1".to_owned(), "v5".to_owned()));
    // The class is older now: a claim of today's algorithm is as it was all the same.
    outdated(&rig);
    rig.reconcile().await;
    assert_eq!(of_claim(&rig, "same"), ("1".to_owned(), "v6".to_owned()));
    assert_eq!(of_claim(&rig, "older"), of_class(&rig));
}

/// Claims of another class, and those that are gone by the time, are no business of this one.
#[tokio::test(start_paused = true)]
async fn a_claim_that_is_gone_holds_up_nothing() {
    let rig = rig().await;
    let today = of_class(&rig);
    outdated(&rig);
    hashed(&rig, "a-gone", "v5");
    hashed(&rig, "b-there", "v5");
    let mut other = claim("other", "");
    other["spec"]["nodeClassRef"]["name"] = json!("other");
    rig.kube.create(CLAIMS, other);
    rig.kube.settle().await;
    let none = |claim: &mut Value| claim["metadata"]["finalizers"] = json!([]);
    rig.kube.change(CLAIMS, "a-gone", none);
    rig.kube.delete(CLAIMS, "a-gone");
    assert!(rig.kube.get(CLAIMS, "a-gone").is_none());
    let next = rig.provider.classes.reconcile("default").await;
    assert_eq!(next, Next::After(MINUTE));
    assert_eq!(of_claim(&rig, "b-there"), today);
    assert_eq!(of_claim(&rig, "other").0, "");
    assert_eq!(of_class(&rig), today);
}

/// The class says that all is done only when it is.
#[tokio::test(start_paused = true)]
async fn a_claim_that_cannot_be_written_is_written_later_and_the_class_after_it() {
    let rig = rig().await;
    let today = of_class(&rig);
    outdated(&rig);
    hashed(&rig, "a", "v5");
    hashed(&rig, "b", "v5");
    rig.lose(Method::PATCH, "nodeclaims/a");
    assert_eq!(rig.reconcile().await, Next::Failed);
    assert_eq!(of_class(&rig).1, "abc");
    assert_eq!(of_claim(&rig, "a").1, "v5");
    assert_eq!(of_claim(&rig, "b"), today, "the others are not held up");
    let written = version_of(CLAIMS, &rig, "b");
    assert_eq!(rig.reconcile().await, Next::After(MINUTE));
    assert_eq!(of_class(&rig), today);
    assert_eq!(of_claim(&rig, "a"), today);
    assert_eq!(version_of(CLAIMS, &rig, "b"), written);
}
