use super::*;
use crate::testing;
use serde_json::{Value, json};

/// Pods of these tests are created at second 0.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_767_225_600 + seconds)
}

fn pending() -> Arc<PodRecord> {
    testing::pod("a", &[])
}

fn pod(patch: &Value) -> Arc<PodRecord> {
    testing::pod("a", &[patch])
}

fn bound() -> Arc<PodRecord> {
    pod(&json!({"spec": {"nodeName": "n"}, "status": {"conditions":
        [{"type": "PodScheduled", "status": "True"}]}}))
}

fn running() -> Arc<PodRecord> {
    pod(
        &json!({"spec": {"nodeName": "n"}, "status": {"phase": "Running", "conditions":
        [{"type": "Ready", "status": "True"}]}}),
    )
}

fn ended(phase: &str) -> Arc<PodRecord> {
    pod(&json!({"spec": {"nodeName": "n"}, "status": {"phase": phase}}))
}

fn place(pool: PoolHealth) -> Place {
    let claim = Some("c".into());
    Place { pool, claim }
}

/// Short names of observations and seconds.
fn shown<'a>(measures: impl IntoIterator<Item = &'a Measure>) -> Vec<(&'static str, i64)> {
    let short = |measure: &Measure| {
        let Change::Observe(seconds) = measure.change else {
            panic!("{measure:?}");
        };
        let name = measure.metric.name.strip_prefix("karpenter_pods_");
        (name.expect("of pods"), seconds as i64)
    };
    measures.into_iter().map(short).collect()
}

/// Short names of gauges that show something, and seconds.
fn waits(latency: &Latency, now: Timestamp) -> Vec<(&'static str, i64)> {
    let mut shown = Vec::new();
    for (metric, series) in latency.waits(now) {
        for (labels, seconds) in series {
            assert_eq!(labels, ["a", "default"]);
            let name = metric.name.strip_prefix("karpenter_pods_");
            let name = name.and_then(|name| name.strip_suffix("_time_seconds"));
            shown.push((name.expect("a time of pods"), seconds as i64));
        }
    }
    shown
}

/// SCH-234: one sample for a pod, whatever is decided and however often.
#[test]
fn the_first_decision_is_measured_once() {
    type Decide = fn(&mut Latency, Timestamp) -> Option<Measure>;
    let fail: Decide = |latency, now| latency.failed(&pending(), now);
    let place: Decide = |latency, now| latency.placed(&pending(), place(PoolHealth::Unproven), now);
    for (first, second) in [(fail, fail), (fail, place), (place, fail), (place, place)] {
        let mut latency = Latency::default();
        latency.seen(&pending(), at(1));
        latency.ack(&pending(), at(2));
        latency.ack(&pending(), at(3));
        let measure = first(&mut latency, at(5)).expect("a sample");
        assert_eq!(
            shown([&measure]),
            [("scheduling_decision_duration_seconds", 3)]
        );
        assert!(second(&mut latency, at(9)).is_none(), "no second sample");
    }
    let mut latency = Latency::default();
    latency.seen(&pending(), at(1));
    assert!(
        fail(&mut latency, at(5)).is_none(),
        "it was not known since when it waits"
    );
}

/// SCH-236: health of the pool counts, and a later failure clears it all.
#[test]
fn a_place_on_a_proven_pool_is_remembered_until_it_is_lost() {
    let mut latency = Latency::default();
    latency.ack(&pending(), at(1));
    let track = |latency: &Latency| {
        let track = &latency.pods[&pending().uid];
        (track.schedulable, track.healthy, track.claim.clone())
    };
    latency.placed(&pending(), place(PoolHealth::Healthy), at(2));
    assert_eq!(
        track(&latency),
        (Some(at(2)), Some(at(2)), Some("c".into()))
    );
    latency.placed(&pending(), place(PoolHealth::Unproven), at(3));
    assert_eq!(track(&latency), (Some(at(2)), None, Some("c".into())));
    latency.placed(&pending(), place(PoolHealth::Healthy), at(4));
    assert_eq!(
        track(&latency),
        (Some(at(2)), Some(at(4)), Some("c".into()))
    );
    latency.failed(&pending(), at(5));
    assert_eq!(track(&latency), (None, None, None));
}

/// SCH-237: a bound pod gets no times, times are set once, and a deletion clears everything.
#[test]
fn bound_pods_get_no_times_and_deleted_pods_leave_nothing() {
    let mut latency = Latency::default();
    latency.seen(&pending(), at(0));
    latency.seen(&bound(), at(1));
    assert!(
        latency
            .placed(&bound(), place(PoolHealth::Healthy), at(2))
            .is_none()
    );
    assert!(
        latency
            .placed(&pending(), place(PoolHealth::Healthy), at(2))
            .is_none()
    );
    assert_eq!(waits(&latency, at(3)), [("unstarted", 3)]);
    latency.gone(&pending().uid);
    assert_eq!(latency.len(), 0);
    latency.placed(&running(), place(PoolHealth::Healthy), at(4));
    latency.seen(&running(), at(4));
    assert_eq!(
        latency.len(),
        0,
        "one that runs when it is first seen is not remembered"
    );
}

/// SCH-238: gauges appear and disappear, observations are made once.
#[test]
fn waits_are_shown_while_they_last_and_measured_when_they_end() {
    let mut latency = Latency::default();
    latency.seen(&pending(), at(1));
    latency.ack(&pending(), at(1));
    assert_eq!(
        waits(&latency, at(2)),
        [
            ("unstarted", 2),
            ("unbound", 2),
            ("provisioning_scheduling_undecided", 1)
        ]
    );
    latency.placed(&pending(), place(PoolHealth::Healthy), at(3));
    assert_eq!(
        waits(&latency, at(5)),
        [
            ("unstarted", 5),
            ("unbound", 5),
            ("provisioning_unstarted", 2),
            ("provisioning_unbound", 2)
        ]
    );
    let told = latency.seen(&bound(), at(10));
    assert_eq!(
        shown(&told.measures),
        [
            ("bound_duration_seconds", 10),
            ("provisioning_bound_duration_seconds", 7)
        ]
    );
    assert!(latency.seen(&bound(), at(11)).measures.is_empty(), "once");
    assert_eq!(
        waits(&latency, at(12)),
        [("unstarted", 12), ("provisioning_unstarted", 9)]
    );
    let told = latency.seen(&running(), at(20));
    assert_eq!(
        shown(&told.measures),
        [
            ("startup_duration_seconds", 20),
            ("provisioning_startup_duration_seconds", 17)
        ]
    );
    let started = told.started.expect("it runs");
    assert_eq!(started.claim.as_deref(), Some("c"));
    assert_eq!(started.healthy, Some(Duration::from_secs(17)));
    assert_eq!(latency.len(), 0, "everything is cleared");
    assert!(latency.seen(&running(), at(21)).measures.is_empty(), "once");
}

/// SCH-238: without a known place there is nothing to say about provisioning.
#[test]
fn a_lost_place_takes_the_times_of_provisioning_along() {
    let mut latency = Latency::default();
    latency.ack(&pending(), at(1));
    latency.placed(&pending(), place(PoolHealth::Healthy), at(3));
    latency.failed(&pending(), at(4));
    assert_eq!(waits(&latency, at(5)), [("unstarted", 5), ("unbound", 5)]);
    let told = latency.seen(&bound(), at(6));
    assert_eq!(shown(&told.measures), [("bound_duration_seconds", 6)]);
}

/// SCH-238, MX-03: a pod that ends was never started, as far as is measured.
#[test]
fn pods_that_end_are_forgotten_without_a_sample() {
    for phase in ["Succeeded", "Failed"] {
        let mut latency = Latency::default();
        latency.seen(&pending(), at(0));
        latency.seen(&bound(), at(1));
        assert_eq!(waits(&latency, at(2)), [("unstarted", 2)]);
        assert!(latency.seen(&ended(phase), at(5)).measures.is_empty());
        assert_eq!(waits(&latency, at(6)), []);
        assert_eq!(latency.len(), 0);
    }
}

#[test]
fn a_list_forgets_what_is_gone_and_keeps_what_is_known() {
    let mut latency = Latency::default();
    latency.ack(&pending(), at(1));
    let other = testing::pod("b", &[]);
    latency.ack(&other, at(1));
    assert!(latency.reset([&*pending()], at(5)).is_empty());
    assert_eq!(latency.len(), 1);
    let measure = latency.failed(&pending(), at(6)).expect("a sample");
    assert_eq!(
        shown([&measure]),
        [("scheduling_decision_duration_seconds", 5)]
    );
    let told = latency.reset([&*running()], at(9));
    assert_eq!(told.len(), 1);
    assert_eq!(latency.len(), 0);
}
