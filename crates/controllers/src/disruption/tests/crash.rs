//! The process ends between any two writes of a replacement, and starts again.

use common::Fault;

use super::*;

/// Renews `node-1` as long as it is there, as drift does: onto nodes that are there and complete,
/// or onto a new one.
fn renew(snapshot: &Snapshot, now: Timestamp) -> Vec<Command> {
    let node = snapshot.node("node-1");
    if node.is_none_or(|node| node.is_marked() || !node.is_initialized()) {
        return Vec::new();
    }
    let command = command(snapshot, now, Reason::Drifted, &["node-1"]);
    let complete = |one: &Move| {
        let to = snapshot.node(&one.to);
        to.is_some_and(|node| node.is_initialized())
    };
    if command.moves.iter().all(complete) {
        vec![command]
    } else {
        Vec::new()
    }
}

/// A replacement with crashes after the writes of these numbers; gives the writes.
async fn renewed(crashes: &[usize]) -> Vec<String> {
    let mut stage = Stage::with(&["a"]).await;
    let first = stage.rig.wire.writes().len();
    for number in crashes {
        stage.rig.wire.plan(first + number, Fault::Hang);
    }
    stage.always(renew);
    let end = stage.rig.clock.now() + 15 * MINUTE;
    loop {
        if stage.rig.wire.take_hung() {
            stage.rig.crash().await;
            stage.start(&[]);
        }
        stage.keep_up("a");
        let settled = stage.rig.all_running() && stage.claims().len() == 1;
        if stage.is_gone("node-1") && settled {
            break;
        }
        let now = stage.rig.clock.now();
        assert!(
            now < end,
            "crashes {crashes:?}: {:?}",
            stage.rig.wire.writes()
        );
        stage.rig.clock.sleep(SECOND).await;
    }
    let launched = stage.rig.cloud.launched();
    assert_eq!(
        launched,
        2,
        "crashes {crashes:?}: {:?}",
        stage.rig.wire.writes()
    );
    assert_eq!(stage.tainted(), Vec::<String>::new());
    let mut writes = stage.rig.wire.writes();
    writes.split_off(first)
}

async fn a_crash_after_each_write(rest: usize) {
    let writes = renewed(&[]).await;
    assert!(writes.len() > 8, "{writes:?}");
    for number in (rest..writes.len()).step_by(3) {
        renewed(&[number]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_write_of_a_replacement_loses_and_doubles_nothing_1() {
    a_crash_after_each_write(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_write_of_a_replacement_loses_and_doubles_nothing_2() {
    a_crash_after_each_write(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_write_of_a_replacement_loses_and_doubles_nothing_3() {
    a_crash_after_each_write(2).await;
}

#[tokio::test(start_paused = true)]
async fn many_crashes_during_a_replacement_lose_and_double_nothing() {
    for distance in [1, 2, 3] {
        let crashes: Vec<usize> = (0..8).map(|step| step * distance).collect();
        renewed(&crashes).await;
    }
}

/// IN-01: taint and condition of an earlier run are taken off nodes that nobody is about to remove;
/// the replacement is a node like any other.
#[tokio::test(start_paused = true)]
async fn what_an_earlier_run_has_marked_is_free_again() {
    let mut stage = Stage::with(&["a"]).await;
    stage.order(|snapshot, now| vec![command(snapshot, now, Reason::Drifted, &["node-1"])]);
    stage
        .until(10 * SECOND, "a replacement", |stage| {
            stage.tainted() == ["node-1"] && stage.claims().len() == 2
        })
        .await;
    stage.rig.crash().await;
    assert_eq!(stage.tainted(), ["node-1"]);
    stage.start(&[]);
    stage
        .until(30 * SECOND, "the node is free", |stage| {
            stage.is_free("node-1")
        })
        .await;
    stage
        .until(MINUTE, "the replacement is complete", |stage| {
            stage.is_complete("node-2")
        })
        .await;
    stage.rig.clock.sleep(5 * MINUTE).await;
    assert!(stage.rig.all_running());
    assert_eq!((stage.claims().len(), stage.rig.cloud.launched()), (2, 2));
}
