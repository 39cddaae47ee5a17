use std::sync::{Arc, Mutex};

use model::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::testing::{Reply, Seen, client};

/// A server with one Lease and optimistic locking, and a switch for outages.
#[derive(Clone, Default)]
struct Server {
    state: Arc<Mutex<Stored>>,
}

#[derive(Default)]
struct Stored {
    lease: Option<Value>,
    version: u64,
    down: bool,
    writes: u64,
}

impl Server {
    fn answer(&self, seen: &Seen) -> Reply {
        let mut state = self.state.lock().expect("server");
        if state.down {
            return Reply::Status(500, "InternalError", None);
        }
        if seen.method == "GET" {
            return match &state.lease {
                Some(lease) => Reply::Json(200, lease.clone()),
                None => Reply::Status(404, "NotFound", None),
            };
        }
        let sent = &seen.body["metadata"]["resourceVersion"];
        let current = state
            .lease
            .as_ref()
            .map(|lease| &lease["metadata"]["resourceVersion"]);
        match (&*seen.method, current) {
            ("POST", Some(_)) => return Reply::Status(409, "AlreadyExists", None),
            ("PUT", Some(current)) if current != sent => {
                return Reply::Status(409, "Conflict", None);
            }
            _ => {}
        }
        state.version += 1;
        state.writes += 1;
        let mut lease = seen.body.clone();
        lease["metadata"]["resourceVersion"] = state.version.to_string().into();
        state.lease = Some(lease.clone());
        Reply::Json(200, lease)
    }

    fn candidate(&self, identity: &str) -> (Election, Shutdown) {
        let server = self.clone();
        let (client, _) = client(move |seen| server.answer(seen));
        let config = Config::standard("lease", "kube-system", identity);
        let release = Shutdown::new();
        let clock = Clock::simulated(Timestamp::from_seconds(1_000));
        (
            Election::start(client, clock, config, release.clone()),
            release,
        )
    }

    fn set_down(&self, down: bool) {
        self.state.lock().expect("server").down = down;
    }

    fn spec(&self) -> Value {
        let state = self.state.lock().expect("server");
        state.lease.as_ref().expect("a lease")["spec"].clone()
    }
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_candidate_creates_the_lease_and_keeps_renewing_it() {
    let server = Server::default();
    let (mut one, _release) = server.candidate("one");
    assert!(one.elected().await);
    assert_eq!(server.spec()["holderIdentity"], "one");
    assert_eq!(server.spec()["leaseDurationSeconds"], 15);
    let renewed = server.spec()["renewTime"].clone();
    pass(60).await;
    assert_eq!(one.leadership(), Leadership::Leading);
    assert_ne!(server.spec()["renewTime"], renewed);
    assert_eq!(server.spec()["acquireTime"], renewed, "taken once");
    assert_eq!(server.spec()["leaseTransitions"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_standby_waits_while_the_leader_renews() {
    let server = Server::default();
    let (mut one, _one) = server.candidate("one");
    assert!(one.elected().await);
    let (two, _two) = server.candidate("two");
    pass(300).await;
    assert_eq!(two.leadership(), Leadership::Waiting);
}

#[tokio::test(start_paused = true)]
async fn a_released_lease_is_taken_within_two_seconds() {
    let server = Server::default();
    let (mut one, release) = server.candidate("one");
    assert!(one.elected().await);
    let (mut two, _two) = server.candidate("two");
    pass(30).await;
    release.trigger();
    let (watch, released) = (one.watch(), Instant::now());
    one.ended().await;
    assert_eq!(*watch.borrow(), Leadership::Released);
    assert!(two.elected().await);
    assert!(
        released.elapsed() <= Duration::from_secs(2),
        "{:?}",
        released.elapsed()
    );
    assert_eq!(server.spec()["holderIdentity"], "two");
    assert_eq!(server.spec()["leaseTransitions"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_killed_leader_is_followed_when_its_lease_has_run_out_and_not_before() {
    let server = Server::default();
    let (mut one, _one) = server.candidate("one");
    assert!(one.elected().await);
    let (mut two, _two) = server.candidate("two");
    pass(30).await;
    one.task.abort();
    let killed = Instant::now();
    assert!(two.elected().await);
    let took = killed.elapsed();
    assert!(
        took > Duration::from_secs(12) && took <= Duration::from_secs(16),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_runs_wrong_does_not_let_anybody_steal() {
    let server = Server::default();
    let (mut one, _one) = server.candidate("one");
    assert!(one.elected().await);
    // A candidate whose clock is a day ahead sees a renew time long past.
    let other = server.clone();
    let (client, _) = client(move |seen| other.answer(seen));
    let config = Config::standard("lease", "kube-system", "two");
    let ahead = Clock::simulated(Timestamp::from_seconds(90_000));
    let two = Election::start(client, ahead, config, Shutdown::new());
    pass(120).await;
    assert_eq!(two.leadership(), Leadership::Waiting);
    assert_eq!(one.leadership(), Leadership::Leading);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_cannot_renew_steps_down_before_its_lease_runs_out() {
    let server = Server::default();
    let (mut one, _one) = server.candidate("one");
    assert!(one.elected().await);
    pass(30).await;
    server.set_down(true);
    let down = Instant::now();
    one.lost().await;
    let took = down.elapsed();
    assert!(took <= Duration::from_secs(10), "{took:?}");
    assert_eq!(one.leadership(), Leadership::Lost);
}

#[tokio::test(start_paused = true)]
async fn a_short_outage_costs_nothing() {
    let server = Server::default();
    let (mut one, _one) = server.candidate("one");
    assert!(one.elected().await);
    for _ in 0..5 {
        pass(20).await;
        server.set_down(true);
        pass(5).await;
        server.set_down(false);
    }
    pass(20).await;
    assert_eq!(one.leadership(), Leadership::Leading);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_somebody_else_took_is_lost_at_once() {
    let server = Server::default();
    let (mut one, _one) = server.candidate("one");
    assert!(one.elected().await);
    {
        let mut state = server.state.lock().expect("server");
        state.version += 1;
        let version = state.version.to_string();
        let lease = state.lease.as_mut().expect("a lease");
        lease["metadata"]["resourceVersion"] = version.into();
        lease["spec"]["holderIdentity"] = json!("thief");
    }
    let taken = Instant::now();
    one.lost().await;
    assert!(
        taken.elapsed() <= Duration::from_secs(2),
        "{:?}",
        taken.elapsed()
    );
    assert_eq!(server.spec()["holderIdentity"], "thief", "not taken back");
}

#[tokio::test(start_paused = true)]
async fn of_many_candidates_exactly_one_leads() {
    let server = Server::default();
    let all: Vec<_> = (0..8)
        .map(|number| server.candidate(&format!("c{number}")))
        .collect();
    pass(60).await;
    let leading = all
        .iter()
        .filter(|(election, _)| election.leadership() == Leadership::Leading)
        .count();
    assert_eq!(leading, 1);
}

#[tokio::test(start_paused = true)]
async fn ending_a_candidacy_that_was_never_elected_writes_nothing() {
    let server = Server::default();
    let (mut one, _one) = server.candidate("one");
    assert!(one.elected().await);
    let (mut two, release) = server.candidate("two");
    pass(5).await;
    release.trigger();
    assert!(!two.elected().await);
    two.ended().await;
    assert_eq!(server.spec()["holderIdentity"], "one");
}

#[tokio::test(start_paused = true)]
async fn releasing_during_an_outage_ends_all_the_same() {
    let server = Server::default();
    let (mut one, release) = server.candidate("one");
    assert!(one.elected().await);
    server.set_down(true);
    release.trigger();
    let began = Instant::now();
    one.ended().await;
    assert!(
        began.elapsed() <= Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}
