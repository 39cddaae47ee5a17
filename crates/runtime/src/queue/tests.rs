use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use proptest::prelude::*;

use super::*;

const PLAIN: Backoff = Backoff::exponential(Duration::from_secs(1), Duration::from_mins(1));

fn worker(concurrency: usize) -> Worker {
    Worker {
        name: "test",
        concurrency,
        metrics: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_added_twice_waits_once_and_first_come_is_first_served() {
    let queue = Queue::new(PLAIN);
    for key in ["b", "a", "b", "c"] {
        queue.add(key);
    }
    assert_eq!(queue.len(), 3);
    let mut seen = Vec::new();
    while !queue.is_empty() {
        seen.push(queue.next().await.expect("not shut down"));
    }
    assert_eq!(seen, ["b", "a", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_added_during_its_work_comes_back_after_it() {
    let queue = Queue::new(PLAIN);
    queue.add(1);
    assert_eq!(queue.next().await, Some(1));
    queue.add(1);
    assert!(queue.is_empty(), "never twice at a time");
    queue.finish(1, Next::AwaitChange);
    assert_eq!(queue.next().await, Some(1));
    queue.finish(1, Next::AwaitChange);
    assert!(queue.is_idle());
}

#[tokio::test(start_paused = true)]
async fn delays_come_in_order_of_time_and_the_shortest_counts() {
    let queue = Queue::new(PLAIN);
    let started = Instant::now();
    queue.add_after("late", Duration::from_secs(30));
    queue.add_after("early", Duration::from_secs(10));
    queue.add_after("late", Duration::from_secs(20));
    queue.add_after("late", Duration::from_secs(50));
    assert_eq!(queue.next().await, Some("early"));
    assert_eq!(started.elapsed(), Duration::from_secs(10));
    assert_eq!(queue.next().await, Some("late"));
    assert_eq!(started.elapsed(), Duration::from_secs(20));
    queue.finish("early", Next::AwaitChange);
    queue.finish("late", Next::AwaitChange);
    assert!(queue.is_idle());
}

#[tokio::test(start_paused = true)]
async fn failures_back_off_exponentially_until_a_success() {
    let queue = Queue::new(PLAIN);
    queue.add(());
    let mut waits = Vec::new();
    for _ in 0..9 {
        let before = Instant::now();
        queue.next().await;
        waits.push(before.elapsed().as_secs());
        queue.finish((), Next::Failed);
    }
    assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
    queue.next().await;
    queue.finish((), Next::After(Duration::from_secs(5)));
    queue.next().await;
    queue.finish((), Next::Failed);
    let before = Instant::now();
    queue.next().await;
    assert_eq!(
        before.elapsed().as_secs(),
        1,
        "a success resets the back-off"
    );
}

#[tokio::test(start_paused = true)]
async fn the_bucket_slows_many_failing_keys_together() {
    let queue = Queue::new(PLAIN.with_bucket(1.0, 2));
    for key in 0..6 {
        queue.add_failed(key);
    }
    let started = Instant::now();
    let mut at = Vec::new();
    for _ in 0..6 {
        queue.next().await;
        at.push(started.elapsed().as_secs());
    }
    assert_eq!(at, [1, 1, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn the_loop_honours_its_concurrency_and_serves_every_key() {
    let queue = Queue::new(PLAIN);
    for key in 0..20 {
        queue.add(key);
    }
    let (active, most) = (Rc::new(RefCell::new(0)), Rc::new(RefCell::new(0)));
    let served = Rc::new(RefCell::new(Vec::new()));
    run_loop(&queue, &worker(3), |key| {
        let (active, most, served) = (active.clone(), most.clone(), served.clone());
        let queue = queue.clone();
        async move {
            *active.borrow_mut() += 1;
            let now = *active.borrow();
            most.borrow_mut().max_with(now);
            tokio::time::sleep(Duration::from_secs(1)).await;
            *active.borrow_mut() -= 1;
            served.borrow_mut().push(key);
            if served.borrow().len() == 20 {
                queue.shut_down();
            }
            Next::AwaitChange
        }
    })
    .await;
    assert_eq!(*most.borrow(), 3);
    assert_eq!(*served.borrow(), (0..20).collect::<Vec<_>>());
}

trait MaxWith {
    fn max_with(&mut self, other: i32);
}
impl MaxWith for i32 {
    fn max_with(&mut self, other: i32) {
        *self = (*self).max(other);
    }
}

#[tokio::test(start_paused = true)]
async fn shutting_down_lets_begun_work_finish_and_starts_none() {
    let queue = Queue::new(PLAIN);
    queue.add("first");
    queue.add("second");
    let log = Rc::new(RefCell::new(Vec::new()));
    run_loop(&queue, &worker(1), |key| {
        let (queue, log) = (queue.clone(), log.clone());
        async move {
            queue.shut_down();
            tokio::time::sleep(Duration::from_secs(9)).await;
            log.borrow_mut().push(key);
            Next::Failed
        }
    })
    .await;
    assert_eq!(*log.borrow(), ["first"]);
    assert_eq!(queue.next().await, None);
    queue.add("third");
    assert!(queue.is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_runs_of_the_same_work_have_the_same_order() {
    let (one, two) = (tokio::join!(busy_run(7)).0, tokio::join!(busy_run(7)).0);
    assert_eq!(one, two);
    assert!(one.len() > 50);
}

async fn busy_run(concurrency: usize) -> Vec<(u64, u32)> {
    let queue = Queue::new(PLAIN);
    (0..30).for_each(|key| queue.add(key));
    let log = Rc::new(RefCell::new(Vec::new()));
    let started = Instant::now();
    run_loop(&queue, &worker(concurrency), |key: u32| {
        let (queue, log) = (queue.clone(), log.clone());
        async move {
            tokio::time::sleep(Duration::from_millis(u64::from(key % 4))).await;
            log.borrow_mut()
                .push((started.elapsed().as_millis() as u64, key));
            if started.elapsed() > Duration::from_secs(20) {
                queue.shut_down();
            }
            match key % 3 {
                0 => Next::Failed,
                1 => Next::After(Duration::from_secs(2)),
                _ => Next::AwaitChange,
            }
        }
    })
    .await;
    log.take()
}

#[tokio::test(start_paused = true)]
async fn work_is_counted_by_how_it_ended() {
    let (queue, metrics) = (Queue::new(PLAIN), Metrics::new());
    let worker = Worker {
        metrics: Some(metrics.clone()),
        ..worker(2)
    };
    (0..3).for_each(|key| queue.add(key));
    run_loop(&queue, &worker, |key| {
        let queue = queue.clone();
        async move {
            match key {
                0 => Next::AwaitChange,
                1 => Next::Failed,
                _ => {
                    queue.shut_down();
                    Next::After(Duration::from_secs(1))
                }
            }
        }
    })
    .await;
    for result in ["success", "error", "requeue_after"] {
        assert_eq!(
            metrics.value(&names::RECONCILES, &["test", result]),
            Some(1.0),
            "{result}"
        );
    }
    assert_eq!(
        metrics.value(&names::QUEUE_RETRIES, &["test", "test"]),
        Some(1.0)
    );
    assert_eq!(metrics.value(&names::WORKERS_MAX, &["test"]), Some(2.0));
    assert_eq!(metrics.value(&names::WORKERS_ACTIVE, &["test"]), Some(0.0));
}

#[derive(Clone, Debug)]
enum Op {
    Add(u8),
    AddAfter(u8, u64),
    Fail(u8),
    Take,
    Done,
    Pass(u64),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        (0..6_u8).prop_map(Op::Add),
        (0..6_u8, 0..9_u64).prop_map(|(key, delay)| Op::AddAfter(key, delay)),
        (0..6_u8).prop_map(Op::Fail),
        Just(Op::Take),
        Just(Op::Done),
        (0..5_u64).prop_map(Op::Pass),
    ];
    prop::collection::vec(op, 1..150)
}

proptest! {
    /// Whatever happens, the parts agree, no key runs twice at a time, and every key that was added
    /// is served after its last addition.
    #[test]
    fn no_key_is_lost_or_doubled(ops in ops()) {
        let mut now = Instant::now();
        let mut state = State::new(PLAIN, now);
        let mut running: Vec<u8> = Vec::new();
        let mut owed: BTreeSet<u8> = BTreeSet::new();
        for op in ops {
            match op {
                Op::Add(key) => {
                    state.add(key);
                    owed.insert(key);
                }
                Op::AddAfter(key, delay) => {
                    state.add_at(key, now + Duration::from_secs(delay), now);
                    owed.insert(key);
                }
                Op::Fail(key) => {
                    state.add_failed(key, now);
                    owed.insert(key);
                }
                Op::Take => {
                    if let Some(key) = state.take(now) {
                        prop_assert!(!running.contains(&key), "{key} runs twice");
                        running.push(key);
                        owed.remove(&key);
                    }
                }
                Op::Done => {
                    if let Some(key) = running.pop() {
                        state.done(&key);
                    }
                }
                Op::Pass(seconds) => now += Duration::from_secs(seconds),
            }
            state.sanity_check();
        }
        running.drain(..).for_each(|key| state.done(&key));
        now += Duration::from_secs(100_000);
        while let Some(key) = state.take(now) {
            owed.remove(&key);
            state.done(&key);
        }
        prop_assert!(owed.is_empty(), "never served: {owed:?}");
        prop_assert!(state.is_idle());
    }
}
