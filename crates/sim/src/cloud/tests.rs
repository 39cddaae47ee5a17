use super::*;

fn claim(name: &str, class: &str) -> NodeClaim {
    serde_json::from_value(serde_json::json!({
        "metadata": {"name": name, "uid": name},
        "spec": {"requirements": [], "nodeClassRef":
            {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": class}}}))
    .expect("a claim")
}

async fn launched(cloud: &SimCloud, name: &str, class: &str) -> NodeClaim {
    let mut claim = claim(name, class);
    let launched = cloud.create(&claim).await.expect("an instance");
    claim.status.provider_id = launched.provider_id;
    claim.status.image_id = launched.image_id;
    claim
}

async fn drift(cloud: &SimCloud, claim: &NodeClaim) -> Option<String> {
    let answer = cloud.is_drifted(claim).await.expect("an answer");
    answer.map(|reason| reason.0)
}

#[tokio::test]
async fn instances_drift_when_their_class_gets_another_image() {
    let clock = Clock::simulated(Timestamp::EPOCH);
    let cloud = SimCloud::new(Catalogs::same(catalog::kwok::standard()), Vec::new(), clock);
    let (old, other) = (
        launched(&cloud, "old", "a").await,
        launched(&cloud, "other", "b").await,
    );
    assert_eq!(drift(&cloud, &old).await, None);
    cloud.set_image("a", "ami-2");
    let new = launched(&cloud, "new", "a").await;
    assert_eq!(new.status.image_id, "ami-2");
    assert_eq!(drift(&cloud, &old).await.as_deref(), Some("AMIDrift"));
    assert_eq!(drift(&cloud, &other).await, None);
    assert_eq!(drift(&cloud, &new).await, None);
    let again = launched(&cloud, "old", "a").await;
    assert_eq!(
        again.status.image_id, old.status.image_id,
        "it runs what it runs"
    );
    let gone = cloud.is_drifted(&claim("never", "a")).await;
    assert!(gone.is_err_and(|error| error.is_not_found()));
}

#[tokio::test]
async fn what_is_sold_follows_the_outages_and_is_the_same_list_until_they_change() {
    let clock = Clock::simulated(Timestamp::EPOCH);
    let cloud = SimCloud::new(Catalogs::same(catalog::kwok::standard()), Vec::new(), clock);
    let pool = NodePool::default();
    let all = cloud.instance_types(&pool).await.expect("types");
    let again = cloud.instance_types(&pool).await.expect("types");
    assert!(Arc::ptr_eq(&all, &again));
    let hit = all[0].name.to_string();
    cloud.set_outages([Outage {
        instance_type: hit.clone(),
        zone: String::new(),
        capacity_type: None,
    }]);
    let fewer = cloud.instance_types(&pool).await.expect("types");
    for (before, after) in all.iter().zip(fewer.iter()) {
        assert_eq!(Arc::ptr_eq(before, after), *before.name != *hit);
        assert_eq!(
            after.available_offerings().next().is_none(),
            *after.name == *hit
        );
    }
    cloud.set_outages([]);
    let back = cloud.instance_types(&pool).await.expect("types");
    assert!(back[0].available_offerings().next().is_some());
}
