use super::*;

const IDLE: Duration = Duration::from_secs(5);
const MAX: Duration = Duration::from_secs(10);

/// When a window that opens at 0 and grows at these seconds closes, in milliseconds, with more
/// expected until `complete` seconds.
fn closes_after(grown: &[u64], complete: Option<u64>) -> u128 {
    let start = Instant::now();
    let mut window = Window::open(start, IDLE, MAX);
    let mut now = start;
    let mut moments: Vec<u64> = grown.iter().copied().chain(complete).collect();
    moments.sort_unstable();
    for second in moments.into_iter().map(Some).chain([None]) {
        let done = complete.is_some_and(|at| now >= start + Duration::from_secs(at));
        let outlook = if done {
            Outlook::Complete
        } else {
            Outlook::Open
        };
        let until = window.closes(outlook, now);
        match second.map(|second| start + Duration::from_secs(second)) {
            Some(at) if at < until => now = at,
            _ => return (until - start).as_millis(),
        }
        if grown.contains(&second.unwrap_or_default()) {
            window.grow(now);
        }
    }
    unreachable!("the last round closes")
}

/// SCH-1, SCH-3, SCH-4.
#[test]
fn a_window_closes_when_it_is_quiet_full_or_complete() {
    for (grown, complete, closes) in [
        (&[][..], None, 5_000),
        (&[3], None, 8_000),
        (&[3, 6], None, 10_000),
        (&[3, 6, 9], None, 10_000),
        // Nothing more can be expected: from the start, later, and with another reason after that.
        (&[], Some(0), 500),
        (&[], Some(2), 2_500),
        (&[3], Some(3), 3_500),
        (&[3, 6], Some(9), 9_500),
        // Never later than the quiet or the longest time.
        (&[], Some(5), 5_000),
        (&[4, 8], Some(10), 10_000),
    ] {
        assert_eq!(
            closes_after(grown, complete),
            closes,
            "{grown:?} {complete:?}"
        );
    }
}

/// SCH-2: the same reason again is none.
#[tokio::test]
async fn the_same_reason_counts_once_in_a_window() {
    let batcher = Batcher::default();
    let node = Element::Node("a".into());
    batcher.trigger(node.clone());
    batcher.triggered.notified().await;
    batcher.trigger(node.clone());
    let again = tokio::time::timeout(Duration::ZERO, batcher.triggered.notified()).await;
    assert!(again.is_err(), "no signal");
    batcher.trigger(Element::Node("b".into()));
    batcher.triggered.notified().await;
    *lock(&batcher.batch) = Batch::default();
    batcher.trigger(node);
    batcher.triggered.notified().await;
}
