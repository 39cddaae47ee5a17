//! A cluster to which nothing happens is left alone: standing still costs nothing.

mod fleet;

use std::time::Duration;

use fleet::fleet;
use sim::{Glimpse, simulate};

const NODES: usize = 60;
/// By then everything is as it should be.
const STILL: Duration = Duration::from_mins(30);
const END: Duration = Duration::from_hours(4);

#[test]
fn nothing_is_written_and_little_is_looked_at_in_a_cluster_to_which_nothing_happens() {
    let mut still: Option<Glimpse> = None;
    let mut last: Option<Glimpse> = None;
    let report = simulate(fleet(NODES, END), &mut |glimpse| {
        if glimpse.elapsed >= STILL {
            still.get_or_insert(glimpse);
        }
        last = Some(glimpse);
    });
    let report = report.expect("a run");
    assert_eq!(report.nodes.len(), NODES);
    assert_eq!(report.waiting, []);
    assert_eq!(report.tally.breaches, []);

    let written = Duration::from_millis(report.tally.last_write_ms.expect("nodes were launched"));
    let writes = &report.tally.writes;
    assert!(
        written < STILL,
        "still written after {written:?}: {writes:#?}"
    );

    let (still, last) = (still.expect("a glimpse"), last.expect("a glimpse"));
    let minutes = last.elapsed.saturating_sub(still.elapsed).as_secs() / 60;
    assert!(minutes > 200, "{minutes}");
    // Every five minutes all nodes are looked at once, in one look.
    let looks = last.looks - still.looks;
    assert!(
        looks > 0 && looks <= minutes / 5 + 2,
        "{looks} in {minutes} min"
    );
    // For each node the cloud is asked every five minutes whether it has drifted, and every ten
    // minutes it is compared with what it should be; pools have a few things to do every minute.
    let reconciles = last.reconciles - still.reconciles;
    let nodes = NODES as u64 * minutes * 3 / 10;
    assert!(
        reconciles > 0 && reconciles <= nodes * 11 / 10 + 3 * minutes,
        "{reconciles} in {minutes} min: {:#?}",
        report.tally.reconciles
    );
}
