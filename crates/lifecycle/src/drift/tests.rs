use catalog::{CapacityType, Offering, Overhead, Price};
use serde_json::{Value, json};

use super::*;
use crate::conditions::since;
use crate::pool::hash::hashed;
use crate::testing::{at, launched_claim, pool};

const HOUR: i64 = 3600;

/// A launched claim of a pool as the pool is now, with more labels.
fn made_from(pool: &NodePool, labels: &[(&str, &str)]) -> NodeClaim {
    let mut claim = launched_claim("a");
    let own = labels
        .iter()
        .map(|&(key, value)| (key.to_owned(), value.to_owned()));
    claim.metadata.labels.extend(own);
    claim.metadata.annotations = hashed(pool).metadata.annotations;
    claim
}

/// The pool with a piece laid over its template, carrying its new hash.
fn changed(pool: &NodePool, pointer: &str, value: &Value) -> NodePool {
    let mut json = serde_json::to_value(pool).expect("a pool");
    let mut at = &mut json;
    for field in pointer.split('/') {
        at = &mut at[field];
    }
    *at = value.clone();
    hashed(&serde_json::from_value(json).expect("a pool"))
}

fn requiring(requirements: &Value) -> NodePool {
    let plain = pool("p");
    changed(&plain, "spec/template/spec/requirements", requirements)
}

fn known(claim: &NodeClaim, pool: &NodePool) -> Known {
    by_objects(claim, pool, &Vocabulary::aws())
}

fn drifted(drift: Drift) -> Known {
    Known::Drifted(drift)
}

#[test]
fn a_claim_that_is_to_be_replaced_has_drifted_once_it_is_launched() {
    let pool = pool("p");
    let mut claim = made_from(&pool, &[]);
    assert_eq!(known(&claim, &pool), Known::Open);
    let annotations = &mut claim.metadata.annotations;
    annotations.insert(labels::REPLACE.to_owned(), "x".to_owned());
    assert_eq!(known(&claim, &pool), drifted(Drift::Requested));
    claim.status.conditions.clear();
    assert_eq!(known(&claim, &pool), Known::NotLaunched);
}

/// DF-01, and when it was found first.
#[test]
fn the_condition_says_why_and_since_when() {
    let mut claim = launched_claim("a");
    let mut noted = |drift: Option<&Drift>, now: i64| {
        note(&mut Conditions::of_claim(&mut claim, at(now)), drift);
        claim.clone()
    };
    let image = Drift::Provider("AMIDrift".to_owned());
    let first = noted(Some(&image), 100);
    let held = find(&first.status.conditions, DRIFTED).expect("a condition");
    assert_eq!(
        (&*held.status, &*held.reason, &*held.message),
        ("True", "AMIDrift", "AMIDrift")
    );
    assert_eq!(noted(Some(&image), 200), first, "nothing new");
    let second = noted(Some(&Drift::NodePool), 300);
    let held = find(&second.status.conditions, DRIFTED).expect("a condition");
    assert_eq!(held.reason, "NodePoolDrifted");
    assert_eq!(since(&second.status.conditions, DRIFTED), Some(at(100)));
    let third = noted(None, 400);
    assert_eq!(find(&third.status.conditions, DRIFTED), None);
    assert_eq!(noted(None, 500), third);
}

/// DF-02.
#[test]
fn what_is_not_launched_has_not_drifted() {
    let old = pool("p");
    let new = changed(&old, "spec/template/metadata/labels", &json!({"a": "b"}));
    let mut claim = made_from(&old, &[]);
    assert_eq!(known(&claim, &new), drifted(Drift::NodePool));
    for status in [Status::Unknown, Status::False] {
        Conditions::of_claim(&mut claim, at(20)).set(LAUNCHED, status, "Test", "");
        assert_eq!(known(&claim, &new), Known::NotLaunched, "{status:?}");
    }
}

/// DF-08, DF-12: what nodes are made from counts, how they are disrupted does not.
#[test]
fn every_field_of_the_template_counts_and_nothing_else() {
    let old = pool("p");
    let taint = json!([{"key": "a", "effect": "NoSchedule"}]);
    for (pointer, value, counts) in [
        ("spec/template/metadata/labels", json!({"a": "b"}), true),
        (
            "spec/template/metadata/annotations",
            json!({"a": "b"}),
            true,
        ),
        ("spec/template/spec/taints", taint.clone(), true),
        ("spec/template/spec/startupTaints", taint, true),
        ("spec/template/spec/nodeClassRef/name", json!("other"), true),
        ("spec/template/spec/expireAfter", json!("1h"), true),
        (
            "spec/template/spec/terminationGracePeriod",
            json!("1h"),
            true,
        ),
        ("spec/disruption/consolidateAfter", json!("7m"), false),
        ("spec/disruption/budgets", json!([{"nodes": "3"}]), false),
        ("spec/limits", json!({"cpu": "100"}), false),
        ("spec/weight", json!(7), false),
    ] {
        let new = changed(&old, pointer, &value);
        let expected = if counts {
            drifted(Drift::NodePool)
        } else {
            Known::Open
        };
        assert_eq!(known(&made_from(&old, &[]), &new), expected, "{pointer}");
        assert_eq!(known(&made_from(&new, &[]), &new), Known::Open, "{pointer}");
    }
}

/// DF-09.
#[test]
fn without_hashes_of_the_same_algorithm_templates_are_not_compared() {
    let old = pool("p");
    let new = changed(&old, "spec/template/metadata/labels", &json!({"a": "b"}));
    let claim = made_from(&old, &[]);
    assert_eq!(known(&claim, &new), drifted(Drift::NodePool));
    for key in [keys::NODEPOOL_HASH, keys::NODEPOOL_HASH_VERSION] {
        let mut bare = new.clone();
        bare.metadata.annotations.remove(key);
        assert_eq!(known(&claim, &bare), Known::Open, "pool without {key}");
        let mut bare = claim.clone();
        bare.metadata.annotations.remove(key);
        assert_eq!(known(&bare, &new), Known::Open, "claim without {key}");
    }
    let mut earlier = claim;
    let version = keys::NODEPOOL_HASH_VERSION.to_owned();
    earlier
        .metadata
        .annotations
        .insert(version, "v2".to_owned());
    assert_eq!(known(&earlier, &new), Known::Open);
}

#[test]
fn a_claim_from_a_template_whose_hash_the_pool_does_not_carry_yet_has_not_drifted() {
    let old = pool("p");
    let new = changed(&old, "spec/template/metadata/labels", &json!({"a": "b"}));
    let mut late = new.clone();
    late.metadata.annotations = hashed(&old).metadata.annotations;
    assert_eq!(known(&made_from(&new, &[]), &late), Known::Open);
}

/// NP-05: claims are taken along to another algorithm before their pool is.
#[test]
fn a_drifted_claim_stays_so_while_hashes_are_replaced() {
    let mut earlier = pool("p");
    for key in [keys::NODEPOOL_HASH, keys::NODEPOOL_HASH_VERSION] {
        let annotations = &mut earlier.metadata.annotations;
        annotations.insert(key.to_owned(), "1".to_owned());
    }
    let mut claim = made_from(&earlier, &[]);
    assert_eq!(known(&claim, &earlier), Known::Open);
    let hash = keys::NODEPOOL_HASH.to_owned();
    claim.metadata.annotations.insert(hash, "0".to_owned());
    assert_eq!(known(&claim, &earlier), Known::Open, "nothing to compare");
    note(
        &mut Conditions::of_claim(&mut claim, at(1)),
        Some(&Drift::NodePool),
    );
    assert_eq!(known(&claim, &earlier), drifted(Drift::NodePool));
    assert_eq!(known(&claim, &hashed(&earlier)), drifted(Drift::NodePool));
}

/// DF-06, DF-07: what the objects say comes before what the provider says, the template before
/// requirements.
#[test]
fn the_template_comes_first_and_requirements_come_second() {
    let old = pool("p");
    let both = requiring(&json!([{"key": "team", "operator": "Exists"}]));
    assert_eq!(
        known(&made_from(&old, &[]), &both),
        drifted(Drift::Requirements)
    );
    let both = changed(&both, "spec/template/metadata/labels", &json!({"a": "b"}));
    assert_eq!(
        known(&made_from(&old, &[]), &both),
        drifted(Drift::NodePool)
    );
    assert_eq!(Drift::Requirements.reason(), "RequirementsDrifted");
}

/// DF-10.
#[test]
fn labels_are_held_against_the_requirements_of_today() {
    let one = |key: &str, operator: &str, values: &[&str]| json!([{"key": key, "operator": operator, "values": values}]);
    for (requirements, meets) in [
        (one("team", "In", &["b", "c"]), false),
        (one("other", "In", &["a"]), false),
        (one("team", "In", &["b"]), false),
        (one("team", "In", &["a", "b"]), true),
        (one("team", "Exists", &[]), true),
        (one("team", "DoesNotExist", &[]), false),
        (one("team", "NotIn", &["a"]), false),
        (one("other", "NotIn", &["a"]), true),
        (one("other", "DoesNotExist", &[]), true),
        (one("number", "Gt", &["10"]), false),
        (one("number", "Gt", &["2"]), true),
        (one("number", "Lt", &["2"]), false),
        (one("number", "Lt", &["10"]), true),
        (one("kubernetes.io/arch", "In", &["amd64"]), false),
        // Other spellings mean the same.
        (
            one("failure-domain.beta.kubernetes.io/zone", "In", &["z1"]),
            true,
        ),
    ] {
        let labels = [
            ("team", "a"),
            ("number", "5"),
            ("topology.kubernetes.io/zone", "z1"),
        ];
        let expected = if meets {
            Known::Open
        } else {
            drifted(Drift::Requirements)
        };
        let claim = made_from(&pool("p"), &labels);
        assert_eq!(
            known(&claim, &requiring(&requirements)),
            expected,
            "{requirements}"
        );
    }
}

#[test]
fn a_requirement_on_a_device_is_held_against_the_machine() {
    let gpus = |operator: &str, values: &[&str]| {
        requiring(&json!([{"key": "nvidia.com/gpu", "operator": operator, "values": values}]))
    };
    let mut claim = made_from(&pool("p"), &[]);
    let amount = "4".parse().expect("an amount");
    claim
        .status
        .capacity
        .insert("nvidia.com/gpu".to_owned(), amount);
    assert_eq!(known(&claim, &gpus("Exists", &[])), Known::Open);
    assert_eq!(known(&claim, &gpus("Gt", &["3"])), Known::Open);
    assert_eq!(
        known(&claim, &gpus("Gt", &["4"])),
        drifted(Drift::Requirements)
    );
    claim.status.capacity.clear();
    assert_eq!(
        known(&claim, &gpus("Exists", &[])),
        drifted(Drift::Requirements)
    );
}

/// A type with an offering in zone `z1` for each capacity type.
fn machine(name: &str, sold: &[CapacityType]) -> Arc<InstanceType> {
    let offering = |&capacity_type: &CapacityType| {
        let reserved = capacity_type == CapacityType::Reserved;
        let mut requirements: Requirements = [
            Requirement::single(keys::ZONE, "z1"),
            Requirement::single(keys::CAPACITY_TYPE, capacity_type.as_str()),
        ]
        .into_iter()
        .collect();
        for &key in labels::RESERVATION_LABELS {
            requirements.add(if reserved {
                Requirement::single(key, "another")
            } else {
                Requirement::does_not_exist(key)
            });
        }
        Offering {
            requirements: Arc::new(requirements),
            zone: "z1".into(),
            capacity_type,
            price: Price::MAX,
            // Whether it can be had just now does not matter.
            available: false,
            reservation_capacity: None,
            price_overlaid: false,
            overrides: None,
        }
    };
    Arc::new(InstanceType {
        name: name.into(),
        requirements: Requirements::new(),
        offerings: sold.iter().map(offering).collect(),
        capacity: model::ResourceList::new(),
        overhead: Overhead::default(),
        capacity_overlaid: false,
        dynamic_resources: None,
    })
}

fn is_gone(claim: &NodeClaim, sold: &[Arc<InstanceType>]) -> bool {
    is_type_gone(claim, sold, &Vocabulary::aws())
}

/// DF-04.
#[test]
fn a_machine_that_is_not_sold_any_more_has_drifted() {
    use CapacityType::{OnDemand, Spot};
    let labels = [
        (keys::INSTANCE_TYPE, "m5.large"),
        (keys::ZONE, "z1"),
        (keys::CAPACITY_TYPE, "on-demand"),
    ];
    let claim = made_from(&pool("p"), &labels);
    let (both, spot) = (
        machine("m5.large", &[OnDemand, Spot]),
        machine("m5.large", &[Spot]),
    );
    assert!(!is_gone(&claim, &[machine("a", &[Spot]), both.clone()]));
    assert!(is_gone(&claim, &[]), "nothing is sold");
    assert!(
        is_gone(&claim, &[machine("m5.xlarge", &[OnDemand])]),
        "it is not sold"
    );
    assert!(is_gone(&claim, &[machine("m5.large", &[])]), "nowhere");
    assert!(is_gone(&claim, &[spot]), "not so");
    let mut elsewhere = claim.clone();
    let zone = keys::ZONE.to_owned();
    elsewhere.metadata.labels.insert(zone, "z2".to_owned());
    assert!(
        is_gone(&elsewhere, std::slice::from_ref(&both)),
        "not there"
    );
    let mut unnamed = claim;
    unnamed.metadata.labels.remove(keys::INSTANCE_TYPE);
    assert!(is_gone(&unnamed, &[both]), "nobody knows what it is");
    assert_eq!(Drift::InstanceType.reason(), "InstanceTypeNotFound");
}

/// DF-05: a reservation that has ended is no drift as long as the machine is sold on demand.
#[test]
fn a_reserved_machine_may_be_sold_on_demand_instead() {
    use CapacityType::{OnDemand, Reserved, Spot};
    let mut labels = vec![
        (keys::INSTANCE_TYPE, "m5.large"),
        (keys::ZONE, "z1"),
        (keys::CAPACITY_TYPE, "reserved"),
    ];
    labels.extend(labels::RESERVATION_LABELS.iter().map(|&key| (key, "r-1")));
    let claim = made_from(&pool("p"), &labels);
    for (sold, gone) in [
        (&[Reserved][..], false),
        (&[OnDemand], false),
        (&[Reserved, OnDemand], false),
        (&[Spot], true),
        (&[], true),
    ] {
        assert_eq!(
            is_gone(&claim, &[machine("m5.large", sold)]),
            gone,
            "{sold:?}"
        );
    }
}

/// DF-04: claims that are younger than an hour are not looked at, others twice an hour.
#[test]
fn types_are_looked_at_for_old_claims_and_not_often() {
    let claim = launched_claim("a");
    assert!(!must_look_at_types(&claim, None, at(HOUR - 1)));
    assert!(must_look_at_types(&claim, None, at(HOUR)));
    let found = Some(at(HOUR));
    assert!(!must_look_at_types(&claim, found, at(HOUR + 1799)));
    assert!(must_look_at_types(&claim, found, at(HOUR + 1800)));
}
