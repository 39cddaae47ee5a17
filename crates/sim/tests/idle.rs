//! A cluster to which nothing happens is left alone: standing still costs nothing.

mod fleet;

use std::time::Duration;

use fleet::fleet;
use sim::simulate;

/// In a fleet of this size, nothing is written for an hour and a half.
fn stands_still(nodes: usize) {
    let report = simulate(fleet(nodes, Duration::from_hours(2)), &mut |_| {}).expect("a run");
    assert_eq!(report.nodes.len(), nodes);
    assert_eq!(report.waiting, []);
    assert_eq!(report.tally.breaches, []);
    let last = Duration::from_millis(report.tally.last_write_ms.expect("nodes were launched"));
    assert!(
        last < Duration::from_mins(30),
        "still written after {last:?}: {:#?}",
        report.tally.writes
    );
}

#[test]
fn nothing_is_written_for_500_nodes_to_which_nothing_happens() {
    stands_still(500);
}
