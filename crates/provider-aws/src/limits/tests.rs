use futures::future::join_all;

use super::*;
use crate::fake::Fake;

fn clock() -> Clock {
    Clock::simulated("2026-01-01T00:00:00Z".parse().expect("a time"))
}

fn limited(fake: &Fake, clock: &Clock) -> Limited {
    Limited::new(fake.calls().ec2, clock.clone())
}

async fn tag(ec2: &Limited) -> Result<(), Failure> {
    ec2.tag("i-1", &Tags::new()).await
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_sent_at_once_and_the_rest_at_the_rate() {
    let clock = clock();
    let fake = Fake::empty(clock.clone());
    let ec2 = limited(&fake, &clock);
    let started = clock.now();
    join_all((0..BURST).map(|_| tag(&ec2))).await;
    assert_eq!(clock.now(), started);
    join_all((0..100).map(|_| tag(&ec2))).await;
    let took = clock.now().since(started);
    let expected = Duration::from_secs_f64(100.0 / RATE);
    assert!(
        took.abs_diff(expected) < Duration::from_millis(10),
        "{took:?}"
    );
    assert_eq!(fake.count(Operation::CreateTags), 150);
}

#[tokio::test(start_paused = true)]
async fn each_operation_has_its_own_limit_and_reading_has_none() {
    let clock = clock();
    let fake = Fake::empty(clock.clone());
    let ec2 = limited(&fake, &clock);
    let started = clock.now();
    join_all((0..BURST).map(|_| tag(&ec2))).await;
    // What comes of it does not matter here.
    let _ = ec2.terminate(&["i-1".to_owned()]).await;
    for _ in 0..200 {
        let _ = ec2.instances(&[]).await;
    }
    assert_eq!(clock.now(), started);
}

#[tokio::test(start_paused = true)]
async fn waits_grow_while_ec2_says_that_it_is_too_fast() {
    let clock = clock();
    let fake = Fake::empty(clock.clone());
    fake.change(|state| {
        state
            .instances
            .insert("i-1".to_owned(), Instance::default());
    });
    let ec2 = limited(&fake, &clock);
    let throttled = Failure::new(Operation::CreateTags, "RequestLimitExceeded", "slow down");
    fake.fail(throttled, 8);
    let mut sent = Vec::new();
    let mut last = clock.now();
    for _ in 0..9 {
        let result = tag(&ec2).await;
        sent.push(clock.now().since(last).as_secs());
        last = clock.now();
        assert_eq!(result.is_err(), sent.len() < 9);
    }
    assert_eq!(sent, [0, 1, 2, 4, 8, 16, 32, 32, 32]);
    tag(&ec2).await.expect("tagged");
    assert_eq!(
        clock.now(),
        last,
        "it has gone through, so all is forgotten"
    );
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_refused_together_count_once() {
    let clock = clock();
    let fake = Fake::empty(clock.clone());
    let ec2 = limited(&fake, &clock);
    let throttled = Failure::new(Operation::CreateTags, "RequestLimitExceeded", "slow down");
    fake.fail(throttled, 10);
    let gate = &ec2.gates[&Operation::CreateTags];
    for _ in 0..10 {
        gate.learn(true, clock.now());
    }
    assert_eq!(gate.pause().wait, FIRST_WAIT);
    assert_eq!(gate.pause().until, Some(clock.now() + FIRST_WAIT));
}
