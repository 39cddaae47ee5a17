//! The process ends between any two of its writes, and starts again.

mod common;

use std::time::Duration;

use common::{CLAIMS, Fault, Rig};

const MINUTE: Duration = Duration::from_mins(1);

/// Waits until something holds, starting the loops again whenever they have crashed.
async fn survive(rig: &mut Rig, limit: Duration, what: &str, holds: fn(&Rig) -> bool) {
    let end = rig.clock.now() + limit;
    loop {
        if rig.wire.take_hung() {
            rig.crash().await;
            rig.start();
        }
        if holds(rig) {
            return;
        }
        assert!(rig.clock.now() < end, "{what}: not within {limit:?}");
        rig.clock.sleep(Duration::from_secs(1)).await;
    }
}

/// Three pods up and down; every crash in `crashes` comes after the write of that number. Gives the
/// writes.
async fn up_and_down(crashes: &[usize]) -> Vec<String> {
    let mut rig = Rig::new();
    for number in crashes {
        rig.wire.plan(*number, Fault::Hang);
    }
    rig.start();
    rig.scale_up("inflate", 3);
    let running = |rig: &Rig| rig.all_running();
    survive(&mut rig, 5 * MINUTE, "all pods run", running).await;
    assert_eq!(
        rig.cloud.launched(),
        1,
        "crashes {crashes:?}: launched twice"
    );
    assert_eq!(
        rig.list(CLAIMS).len(),
        1,
        "crashes {crashes:?}: claimed twice"
    );
    rig.scale_down();
    let bare = |rig: &Rig| rig.is_bare();
    survive(&mut rig, 15 * MINUTE, "everything is gone", bare).await;
    assert_eq!(
        rig.cloud.launched(),
        1,
        "crashes {crashes:?}: launched once more"
    );
    rig.wire.writes()
}

/// One run for each write whose number leaves `rest` when divided by three: the test is cut in
/// three so that its parts can run side by side.
async fn a_crash_after_each_write(rest: usize) {
    let writes = up_and_down(&[]).await;
    assert!(writes.len() > 10, "{writes:?}");
    for number in (rest..writes.len()).step_by(3) {
        up_and_down(&[number]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_write_leaks_and_doubles_nothing_1() {
    a_crash_after_each_write(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_write_leaks_and_doubles_nothing_2() {
    a_crash_after_each_write(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_write_leaks_and_doubles_nothing_3() {
    a_crash_after_each_write(2).await;
}

#[tokio::test(start_paused = true)]
async fn many_crashes_leak_and_double_nothing() {
    for distance in [1, 2, 3, 5] {
        let crashes: Vec<usize> = (0..12).map(|step| step * distance).collect();
        up_and_down(&crashes).await;
    }
}
