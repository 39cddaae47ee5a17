use catalog::{CapacityType, InstanceType};
use cluster::Intent;
use scheduling::{Batch, solve};
use serde_json::{Value, json};

use super::*;
use crate::Class;
use crate::candidate::candidate;
use crate::testing::{Scene, at};

fn total(dollars: f64, disruption: f64) -> Total {
    Total {
        cost: Price::from_dollars(dollars),
        disruption,
    }
}

fn effect(dollars: f64, disruption: f64) -> Effect {
    Effect {
        savings: dollars * 1e9,
        disruption,
    }
}

fn value(dollars: f64, disruption: f64, total: Total) -> f64 {
    score(effect(dollars, disruption), Some(total)).value
}

fn near(value: f64, expected: f64) -> bool {
    (value - expected).abs() < 0.005
}

fn balanced() -> Value {
    json!({"spec": {"disruption": {"consolidationPolicy": "Balanced"}}})
}

/// The candidates of a scene, in order of their names.
fn candidates(snapshot: &Snapshot) -> Vec<Candidate> {
    let nodes = snapshot.nodes.iter();
    nodes
        .filter_map(|node| candidate(snapshot, node, Class::Graceful, at(100)).ok())
        .map(|(candidate, _)| candidate)
        .collect()
}

fn taken(pool: &str, dollars: f64, cost: f64) -> Candidate {
    Candidate {
        node: "n".into(),
        claim: "c".into(),
        provider_id: "i".into(),
        pool: pool.into(),
        price: Some(Price::from_dollars(dollars)),
        is_spot: false,
        pods: 1,
        cost,
        savings_ratio: dollars / cost,
    }
}

fn totals(pools: &[(&str, ConsolidationPolicy, Total)]) -> Totals {
    let pools = pools.iter().map(|&(name, policy, total)| {
        let name: Arc<str> = name.into();
        (name, Pool { policy, total })
    });
    Totals {
        pools: pools.collect(),
    }
}

/// BA-01: the worked example; other constants would judge it otherwise.
#[test]
fn the_part_that_is_saved_is_weighed_against_the_part_that_is_disturbed() {
    let pool = total(58.08, 90.0);
    for (dollars, disruption, expected, approved) in [
        (7.26, 4.0, 2.81, true),
        (4.84, 5.0, 1.5, true),
        (2.42, 9.0, 0.417, false),
    ] {
        let score = score(effect(dollars, disruption), Some(pool));
        assert!(near(score.value, expected), "{score}");
        assert_eq!(score.is_approved(), approved, "{score}");
    }
    let last = value(2.42, 9.0, pool);
    assert!((1.0 / 3.0..1.0).contains(&last), "{last}");
}

/// BA-02.
#[test]
fn a_change_that_lands_on_the_threshold_is_made() {
    let pool = total(48.40, 90.0);
    assert!(score(effect(2.42, 9.0), Some(pool)).is_approved());
    assert!(!score(effect(2.4199, 9.0), Some(pool)).is_approved());
    // Sums of thirds are off by a little.
    let third = 1.0 + 1.0 / 3.0 + 1.0 / 3.0 + 1.0 / 3.0;
    assert!(score(effect(0.5, third), Some(total(1.0, third))).is_approved());
}

/// BA-03, BA-04, BA-05, BA-06.
#[test]
fn nothing_saved_is_nothing_and_nothing_disturbed_is_everything() {
    let pool = total(10.0, 10.0);
    for (dollars, disruption, pool, expected) in [
        (0.0, 1.0, pool, 0.0),
        (-1.0, 1.0, pool, 0.0),
        (1.0, 0.0, pool, f64::INFINITY),
        (0.0, 0.0, pool, 0.0),
        (1.0, 1.0, total(0.0, 10.0), 0.0),
        (1.0, 1.0, total(10.0, 0.0), 0.0),
    ] {
        let score = score(effect(dollars, disruption), Some(pool));
        assert!(
            score.value.total_cmp(&expected).is_eq(),
            "{dollars} {disruption} {score:?}"
        );
        assert_eq!(score.is_approved(), expected > 0.0);
    }
}

/// BA-07.
#[test]
fn neither_units_nor_the_size_of_the_pool_count() {
    let one = value(1.0, 3.0, total(20.0, 40.0));
    assert!(near(one, value(7.0, 21.0, total(140.0, 280.0))));
    assert!(near(one, value(1.0, 30.0, total(20.0, 400.0))));
}

/// BA-08.
#[test]
fn to_remove_the_only_node_of_a_pool_scores_one() {
    let mut scene = Scene::new(&balanced());
    scene
        .empty("a")
        .pod("x", "a", &json!({}))
        .pod("y", "a", &json!({}));
    let snapshot = scene.snapshot();
    let candidates = candidates(&snapshot);
    let totals = Totals::of(&snapshot, &candidates);
    let verdict = judge(&candidates, Price::ZERO, &totals);
    let (pool, score) = verdict.scores().next().expect("a score");
    assert_eq!(
        (score.value, score.savings, score.disruption),
        (1.0, 1.0, 1.0)
    );
    assert!(pool.is_approved() && verdict.is_approved());
    assert!(totals.could_approve(&candidates[0]));
    assert_eq!(
        score.to_string(),
        "score 1.00 >= threshold 0.50 (k: 2, savings 100.0%, disruption 100.0%)"
    );
}

/// BA-09, BA-16: each pool with the policy has its say, by its share; the others have none.
#[test]
fn each_balanced_pool_judges_its_share_of_a_change() {
    use ConsolidationPolicy::{Balanced, WhenEmptyOrUnderutilized};
    let both = [taken("a", 3.0, 2.0), taken("b", 1.0, 8.0)];
    let after = Price::from_dollars(2.0);
    let one = totals(&[
        ("a", Balanced, total(10.0, 10.0)),
        ("b", WhenEmptyOrUnderutilized, Total::default()),
    ]);
    let verdict = judge(&both, after, &one);
    let scores: Vec<Option<f64>> = verdict
        .pools
        .iter()
        .map(|pool| pool.score.map(|score| score.value))
        .collect();
    // Three quarters of the two dollars saved are a's.
    assert_eq!(scores, [Some(0.75), None]);
    assert!(verdict.is_approved());
    let labels: Vec<_> = verdict
        .pools
        .iter()
        .map(|pool| (pool.decision(), &*pool.pool, pool.policy_label()))
        .collect();
    assert_eq!(
        labels,
        [
            ("approved", "a", "Balanced"),
            ("approved", "b", "WhenEmptyOrUnderutilized")
        ]
    );
    // What the other pool would say alone does not depend on its neighbour.
    assert_eq!(judge(&both[1..], Price::MAX, &one).pools[0].score, None);
    let two = totals(&[
        ("a", Balanced, total(10.0, 10.0)),
        ("b", Balanced, total(10.0, 10.0)),
    ]);
    let verdict = judge(&both, after, &two);
    assert!(!verdict.is_approved());
    let decisions: Vec<_> = verdict.pools.iter().map(PoolVerdict::decision).collect();
    assert_eq!(decisions, ["approved", "rejected"]);
}

/// BA-10.
#[test]
fn a_pool_that_nothing_is_known_of_agrees_to_nothing() {
    let candidate = taken("a", 3.0, 1.0);
    let verdict = judge([&candidate], Price::ZERO, &Totals::default());
    assert!(!verdict.is_approved());
    assert!(near(verdict.pools[0].score.expect("a score").value, 0.0));
    // Only whole changes are judged without totals, no node is passed over.
    assert!(Totals::default().could_approve(&candidate));
}

/// BA-11.
#[test]
fn nodes_that_may_not_go_count_as_well() {
    let mut scene = Scene::new(&balanced());
    for name in ["a", "b", "c"] {
        scene
            .empty(name)
            .pod(&format!("x-{name}"), name, &json!({}));
    }
    scene.0.commit(Intent::Nominate {
        node: "b".to_owned(),
        until: at(1000),
    });
    scene.0.commit(Intent::MarkForDeletion {
        nodes: vec!["c".to_owned()],
    });
    let snapshot = scene.snapshot();
    let candidates = candidates(&snapshot);
    assert_eq!(candidates.len(), 1);
    let total = Totals::of(&snapshot, &candidates)
        .pool("p")
        .expect("totals");
    assert!(near(total.disruption, 6.0), "{total:?}");
    let price = candidates[0].price.expect("a price");
    assert_eq!(total.cost, price + price + price);
}

/// A type with three offerings in one zone: reserved for nothing, spot and on demand.
fn types(price: f64) -> Vec<Arc<InstanceType>> {
    let requirement =
        |key: &str, value: &str| json!({"key": key, "operator": "In", "values": [value]});
    let offering = |capacity: &str, price: f64| {
        json!({"Price": price, "Available": true, "Requirements": [
            requirement("karpenter.sh/capacity-type", capacity),
            requirement("topology.kubernetes.io/zone", "z")]})
    };
    let ty = |name: &str, spot: f64, on_demand: f64| {
        json!({"name": name, "architecture": "amd64", "operatingSystems": ["linux"],
            "resources": {"cpu": "4", "memory": "8Gi", "pods": "10"},
            "offerings": [offering("spot", spot), offering("on-demand", on_demand)]})
    };
    let list = json!([ty("old", 0.3, price), ty("new", 0.1, 0.4)]);
    let text = serde_json::to_vec(&list).expect("text");
    catalog::file::parse(&text).expect("a catalog").types
}

fn old_node(scene: &mut Scene, name: &str) {
    let labels = json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "z",
        "node.kubernetes.io/instance-type": "old"}}});
    scene.node(name, &labels, &json!({}));
}

/// Changes the on-demand offering of the first type.
fn with_offering(
    mut types: Vec<Arc<InstanceType>>,
    change: impl Fn(&mut catalog::Offering),
) -> Vec<Arc<InstanceType>> {
    let old = Arc::make_mut(&mut types[0]);
    let mut offerings = old.offerings.iter_mut();
    change(
        offerings
            .find(|offering| offering.capacity_type == CapacityType::OnDemand)
            .expect("an offering"),
    );
    types
}

/// BA-12, BA-13.
#[test]
fn a_node_costs_what_its_offering_does_even_if_there_is_no_more_of_it() {
    let sold_out = with_offering(types(0.5), |offering| offering.available = false);
    let nonsense = with_offering(types(0.5), |offering| {
        offering.price = Price::from_dollars(f64::NAN);
    });
    for (types, expected) in [(sold_out, 0.5), (nonsense, 0.0)] {
        let mut scene = Scene::new(&balanced());
        scene.types("p", types);
        old_node(&mut scene, "a");
        let snapshot = scene.snapshot();
        let candidates = candidates(&snapshot);
        assert_eq!(candidates[0].price, Some(Price::from_dollars(expected)));
        let totals = Totals::of(&snapshot, &candidates);
        let cost = totals.pool("p").expect("totals").cost;
        assert_eq!(cost, Price::from_dollars(expected));
        // A pool that costs nothing can save nothing.
        let verdict = judge(&candidates, Price::ZERO, &totals);
        assert_eq!(verdict.is_approved(), expected > 0.0);
    }
}

/// BA-14: what a new node costs follows from what its pool allows.
#[test]
fn offerings_that_the_pool_does_not_allow_save_nothing() {
    let only = json!({"spec": {"template": {"spec": {"requirements": [
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]}]}}}});
    let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    let approved = |pool: &Value| {
        let mut scene = Scene::new(&balanced());
        let mut all = balanced();
        crate::testing::merge(&mut all, &ready);
        crate::testing::merge(&mut all, pool);
        scene.pool("p", &all).types("p", types(0.5));
        for name in ["a", "b"] {
            old_node(&mut scene, name);
            let asks = json!({"spec": {"containers": [
                {"name": "main", "resources": {"requests": {"cpu": "3"}}}]}});
            scene.pod(&format!("x-{name}"), name, &asks);
        }
        let snapshot = scene.snapshot();
        let candidates = candidates(&snapshot);
        let totals = Totals::of(&snapshot, &candidates);
        let batch = Batch {
            without: ["a".to_owned()].into(),
            ..Batch::default()
        };
        let placement = solve(
            &snapshot,
            &batch,
            &scheduling::Options::default(),
            at(100),
            0,
        );
        assert_eq!(placement.new_claims.len(), 1, "{:?}", placement.unplaced);
        let verdict = judge(&candidates[..1], placement.price(), &totals);
        let score = verdict.pools[0].score.expect("a score");
        (score.savings, verdict.is_approved())
    };
    let (savings, yes) = approved(&only);
    assert!(near(savings, 0.1) && !yes, "{savings}");
    let (savings, yes) = approved(&json!({}));
    assert!(near(savings, 0.4) && yes, "{savings}");
}

/// BA-15: what is told of a change that takes several nodes: a text for each pool that agrees, and
/// a decision for each.
#[test]
fn a_change_of_several_nodes_is_told_once_for_each_pool() {
    use ConsolidationPolicy::Balanced;
    let of = total(10.0, 10.0);
    let totals = totals(&[("a", Balanced, of), ("b", Balanced, of)]);
    let nodes = [
        taken("b", 2.0, 2.0),
        taken("a", 1.0, 1.0),
        taken("a", 1.0, 1.0),
    ];
    let verdict = judge(&nodes, Price::from_dollars(1.0), &totals);
    assert!(verdict.is_approved());
    let told: Vec<(&str, String)> = verdict
        .scores()
        .map(|(pool, score)| (&*pool.pool, score.to_string()))
        .collect();
    let text = "score 0.75 >= threshold 0.50 (k: 2, savings 15.0%, disruption 20.0%)";
    assert_eq!(told, [("a", text.to_owned()), ("b", text.to_owned())]);
    let verdict = judge(&nodes, Price::from_dollars(3.0), &totals);
    assert!(!verdict.is_approved());
    let (pool, score) = verdict.scores().next().expect("a score");
    assert_eq!(pool.decision(), "rejected");
    assert!(score.to_string().starts_with("score 0.25 < threshold 0.50"));
}

/// A node whose price could never pay for its pods is not worth a look.
#[test]
fn a_node_is_passed_over_if_even_its_whole_price_would_not_pay() {
    let mut scene = Scene::new(&balanced());
    scene.empty("a").empty("b");
    for number in 0..9 {
        scene.pod(&format!("x{number}"), "a", &json!({}));
    }
    let snapshot = scene.snapshot();
    let candidates = candidates(&snapshot);
    let totals = Totals::of(&snapshot, &candidates);
    let could: Vec<bool> = candidates
        .iter()
        .map(|one| totals.could_approve(one))
        .collect();
    // Half of the price for ten elevenths of the disruption pays; for more it would not.
    assert_eq!(could, [true, true]);
    let dear = Candidate {
        cost: 11.5,
        ..candidates[0].clone()
    };
    assert!(!totals.could_approve(&dear));
}
