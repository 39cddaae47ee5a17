//! How requests are gathered, whatever they are for.

use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use runtime::metrics::names;

use super::super::{Batcher, WORKERS, Window};
use super::{Shared, clock, metrics, shared};

const WINDOW: Window = Window {
    idle: Duration::from_millis(100),
    longest: Duration::from_secs(1),
    items: 500,
};

/// Answers each request with itself, and notes each batch.
fn echo(batches: &Shared<Vec<Vec<u32>>>) -> Batcher<&'static str, u32, u32> {
    let batches = batches.clone();
    Batcher::new("test", WINDOW, clock(), metrics(), move |requests| {
        batches.lock().expect("a lock").push(requests.clone());
        async move { requests }.boxed()
    })
}

#[tokio::test(start_paused = true)]
async fn requests_of_one_key_are_one_batch_and_everybody_gets_their_own_answer() {
    let batches = shared(Vec::new());
    let batcher = echo(&batches);
    let calls = (0..6).map(|at| batcher.call(if at % 2 == 0 { "even" } else { "odd" }, at));
    let answers: Vec<Option<u32>> = join_all(calls).await;
    assert_eq!(answers, (0..6).map(Some).collect::<Vec<_>>());
    let mut batches = batches.lock().expect("a lock").clone();
    batches.sort();
    assert_eq!(batches, [vec![0, 2, 4], vec![1, 3, 5]]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_sent_when_nothing_comes_for_the_idle_time() {
    let batches = shared(Vec::new());
    let (batcher, clock) = (echo(&batches), clock());
    let started = clock.now();
    let late = async {
        clock.sleep(Duration::from_millis(90)).await;
        batcher.call("a", 2).await
    };
    let later = async {
        clock.sleep(Duration::from_millis(200)).await;
        batcher.call("a", 3).await
    };
    tokio::join!(batcher.call("a", 1), late, later);
    assert_eq!(*batches.lock().expect("a lock"), [vec![1, 2], vec![3]]);
    let took = clock.now().since(started);
    assert_eq!(took.as_millis(), 300, "90 + 100, and 200 + 100");
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_sent_after_the_longest_time_even_if_more_keeps_coming() {
    let batches = shared(Vec::new());
    let (batcher, clock) = (echo(&batches), clock());
    let calls = (0..30).map(|at| {
        let (batcher, clock) = (&batcher, &clock);
        async move {
            clock.sleep(Duration::from_millis(50) * at).await;
            batcher.call("a", at).await
        }
    });
    join_all(calls).await;
    let batches = batches.lock().expect("a lock");
    assert_eq!(batches.len(), 2);
    assert!((20..=21).contains(&batches[0].len()), "{batches:?}");
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_is_sent_at_once_and_all_keys_count() {
    let batches = shared(Vec::new());
    let (batcher, clock) = (echo(&batches), clock());
    let started = clock.now();
    let keys = ["a", "b"];
    join_all((0..500).map(|at| batcher.call(keys[at as usize % 2], at))).await;
    assert_eq!(clock.now(), started);
    assert_eq!(batches.lock().expect("a lock").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_no_longer_waits_is_not_in_the_batch_and_others_are_not_held_up() {
    let batches = shared(Vec::new());
    let (batcher, clock) = (echo(&batches), clock());
    let first = tokio::time::timeout(Duration::from_millis(50), batcher.call("a", 1));
    let second = async {
        clock.sleep(Duration::from_millis(10)).await;
        batcher.call("a", 2).await
    };
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_err());
    assert_eq!(second, Some(2));
    assert_eq!(*batches.lock().expect("a lock"), [vec![2]]);
    // A window that everybody has left is no trap for those who come later.
    let left = tokio::time::timeout(Duration::from_millis(50), batcher.call("a", 3)).await;
    assert!(left.is_err());
    clock.sleep(Duration::from_hours(1)).await;
    assert_eq!(batcher.call("a", 4).await, Some(4));
}

#[tokio::test(start_paused = true)]
async fn who_gets_no_answer_is_told_so() {
    let first_only = Batcher::new("test", WINDOW, clock(), metrics(), |requests: Vec<u32>| {
        async move { requests[..1].to_vec() }.boxed()
    });
    let (one, two) = tokio::join!(first_only.call((), 1), first_only.call((), 2));
    assert_eq!((one, two), (Some(1), None));
}

/// BAT-11: 300 slow items, many distinct keys / run / no more than 100 workers at the same time.
#[tokio::test(start_paused = true)]
async fn at_most_a_hundred_batches_are_under_way() {
    let running = shared((0_usize, 0_usize));
    let (noted, slow) = (running.clone(), clock());
    let batcher = Batcher::new(
        "test",
        WINDOW,
        clock(),
        metrics(),
        move |requests: Vec<u32>| {
            let (noted, slow) = (noted.clone(), slow.clone());
            async move {
                {
                    let mut running = noted.lock().expect("a lock");
                    running.0 += 1;
                    running.1 = running.1.max(running.0);
                }
                slow.sleep(Duration::from_secs(10)).await;
                noted.lock().expect("a lock").0 -= 1;
                requests
            }
            .boxed()
        },
    );
    let answers = join_all((0..300).map(|at| batcher.call(at, at))).await;
    assert!(answers.iter().all(Option::is_some));
    assert_eq!(*running.lock().expect("a lock"), (0, WORKERS));
}

/// BAT-12: any batch / run / window and size metrics observed with the batcher name.
#[tokio::test(start_paused = true)]
async fn windows_and_sizes_are_measured() {
    let metrics = metrics();
    let batcher = Batcher::new(
        "test",
        WINDOW,
        clock(),
        metrics.clone(),
        |requests: Vec<u32>| async move { requests }.boxed(),
    );
    join_all((0..3).map(|at| batcher.call(at % 2, at))).await;
    let count = |metric| metrics.value(metric, &["test"]);
    assert_eq!(count(&names::BATCH_SECONDS), Some(1.0), "one window");
    assert_eq!(count(&names::BATCH_SIZE), Some(2.0), "two batches");
    let text = metrics.to_text();
    let sum = "karpenter_cloudprovider_batcher_batch_size_sum{batcher=\"test\"} 3";
    assert!(text.contains(sum), "{text}");
    let sum = "karpenter_cloudprovider_batcher_batch_time_seconds_sum{batcher=\"test\"} 0.1";
    assert!(text.contains(sum), "{text}");
}
