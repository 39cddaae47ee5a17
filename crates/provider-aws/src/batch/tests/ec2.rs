//! The three calls that are made in batches, against a pretended AWS.

use aws::ec2::{
    FleetCapacity, FleetConfig, FleetOverride, FleetRequest, Instance, InstanceState,
    LaunchTemplate, StoredTemplate,
};
use aws::{Failure, Operation};
use futures::future::join_all;

use super::super::{FleetAnswer, Fleets, Instances, Terminations};
use super::{clock, metrics};
use crate::fake::{Fake, Request};

/// An account with a template.
pub(super) fn fake() -> Fake {
    let fake = Fake::empty(clock());
    for name in ["a", "b"] {
        let stored = StoredTemplate {
            id: format!("lt-{name}"),
            name: name.to_owned(),
        };
        fake.change(|state| {
            let template = (stored, LaunchTemplate::default());
            state.templates.insert(name.to_owned(), template);
        });
    }
    fake
}

/// One instance from a template.
pub(super) fn request(template: &str) -> FleetRequest {
    FleetRequest {
        configs: vec![FleetConfig {
            template: template.to_owned(),
            overrides: vec![FleetOverride {
                instance_type: "m5.large".to_owned(),
                zone: Some("zone-a".to_owned()),
                ..FleetOverride::default()
            }],
        }],
        capacity: 1,
        ..FleetRequest::default()
    }
}

pub(super) fn fleets(fake: &Fake) -> Fleets {
    Fleets::new(fake.calls().ec2, clock(), metrics())
}

/// Launches for so many claims at once.
async fn launch(fake: &Fake, claims: usize) -> Vec<Result<FleetAnswer, Failure>> {
    let fleets = fleets(fake);
    let names: Vec<String> = (0..claims).map(|at| format!("claim-{at}")).collect();
    join_all(names.iter().map(|claim| fleets.launch(request("a"), claim))).await
}

fn ids(answer: &FleetAnswer) -> Vec<String> {
    let instances = answer.output.instances.iter();
    instances.flat_map(|one| one.ids.clone()).collect()
}

fn sent(fake: &Fake) -> Vec<FleetRequest> {
    let requests = fake.requests(Operation::CreateFleet).into_iter();
    let fleets = requests.filter_map(|request| match request {
        Request::Fleet(request) => Some(*request),
        _ => None,
    });
    fleets.collect()
}

/// BAT-1: 5 identical CreateFleet requests concurrently / batch / one call with capacity 5, each
/// caller gets a distinct instance.
#[tokio::test(start_paused = true)]
async fn equal_launches_are_one_fleet() {
    let fake = fake();
    let answers = launch(&fake, 5).await;
    let mut got: Vec<String> = answers.iter().flatten().flat_map(ids).collect();
    got.sort();
    got.dedup();
    assert_eq!(got.len(), 5);
    let sent = sent(&fake);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].capacity, 5);
    assert!(sent[0].client_token.is_some());
    let firsts = answers.iter().flatten().filter(|one| one.is_first);
    assert_eq!(firsts.count(), 1);
}

/// BAT-2: CreateFleet requests with different template names / batch / one call per distinct
/// request.
#[tokio::test(start_paused = true)]
async fn other_launches_are_other_fleets() {
    let fake = fake();
    let fleets = fleets(&fake);
    let calls = ["a", "b", "a"].map(|template| fleets.launch(request(template), template));
    join_all(calls).await;
    let mut sent: Vec<(String, u32)> = sent(&fake)
        .into_iter()
        .map(|request| (request.configs[0].template.clone(), request.capacity))
        .collect();
    sent.sort();
    assert_eq!(sent, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
}

/// BAT-3: CreateFleet returns instances and errors / batch / every caller sees all errors.
///
/// BAT-4: 5 requested, 3 fulfilled / batch / 3 callers get an instance, 2 get an output without
/// instances.
#[tokio::test(start_paused = true)]
async fn what_is_missing_is_told_to_everybody() {
    let fake = fake();
    let how = FleetCapacity::OnDemand;
    fake.change(|state| state.limit("m5.large", "zone-a", how, 3));
    let answers = launch(&fake, 5).await;
    let answers: Vec<FleetAnswer> = answers.into_iter().map(|one| one.expect("it")).collect();
    let with = answers
        .iter()
        .filter(|one| !one.output.instances.is_empty());
    assert_eq!(with.count(), 3);
    let errors = &answers[0].output.errors;
    assert_eq!(errors[0].code, "InsufficientInstanceCapacity");
    assert!(answers.iter().all(|one| one.output.errors == *errors));
    let fleet = &answers[0].output.fleet_id;
    assert!(!fleet.is_empty());
    assert!(answers.iter().all(|one| one.output.fleet_id == *fleet));
}

/// BAT-5: CreateFleet call error / batch / all callers get it.
#[tokio::test(start_paused = true)]
async fn a_fleet_that_fails_fails_for_everybody() {
    let fake = fake();
    let failure = Failure::new(Operation::CreateFleet, "UnauthorizedOperation", "no");
    fake.fail(failure.clone(), 1);
    let answers = launch(&fake, 5).await;
    assert_eq!(answers, vec![Err(failure); 5]);
    assert_eq!(fake.count(Operation::CreateFleet), 1);
}

#[tokio::test(start_paused = true)]
async fn a_launch_is_of_one_instance() {
    let fake = fake();
    let two = FleetRequest {
        capacity: 2,
        ..request("a")
    };
    assert!(fleets(&fake).launch(two, "claim").await.is_err());
    assert_eq!(fake.count(Operation::CreateFleet), 0);
}

/// The same claims asking again for the same get the same instances, also from another process:
/// between a launch and the note of it nothing can be lost.
#[tokio::test(start_paused = true)]
async fn a_launch_that_is_asked_again_is_the_same_launch() {
    let fake = fake();
    let collect = |answers: Vec<Result<FleetAnswer, Failure>>| -> Vec<String> {
        answers.iter().flatten().flat_map(ids).collect()
    };
    let before = collect(launch(&fake, 5).await);
    let after = collect(launch(&fake, 5).await);
    assert_eq!(before.len(), 5);
    assert_eq!(before, after);
    assert_eq!(fake.change(|state| state.instances.len()), 5);
}

#[tokio::test(start_paused = true)]
async fn a_launch_without_an_instance_is_not_answered_the_same_for_ever() {
    let fake = fake();
    let how = FleetCapacity::OnDemand;
    fake.change(|state| state.limit("m5.large", "zone-a", how, 0));
    let fleets = fleets(&fake);
    let first = fleets.launch(request("a"), "claim").await.expect("it");
    assert!(first.output.instances.is_empty());
    fake.change(|state| state.limit("m5.large", "zone-a", how, 1));
    let second = fleets.launch(request("a"), "claim").await.expect("it");
    assert_eq!(second.output.instances.len(), 1);
}

fn instance(id: &str) -> Instance {
    Instance {
        id: id.to_owned(),
        instance_type: "m5.large".to_owned(),
        state: InstanceState::Running,
        ..Instance::default()
    }
}

/// An account with these instances.
fn running(ids: &[String]) -> Fake {
    let fake = fake();
    fake.change(|state| {
        for id in ids {
            state.instances.insert(id.clone(), instance(id));
        }
    });
    fake
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("i-{at:02}")).collect()
}

fn asked(fake: &Fake, operation: Operation) -> Vec<usize> {
    let requests = fake.requests(operation).into_iter();
    let sizes = requests.filter_map(|request| match request {
        Request::Ids(ids, _) => Some(ids.len()),
        _ => None,
    });
    sizes.collect()
}

/// BAT-6: 50 DescribeInstances for different ids / batch / one call with 50 ids.
#[tokio::test(start_paused = true)]
async fn instances_are_asked_for_together() {
    let ids = many(50);
    let fake = running(&ids);
    let instances = Instances::new(fake.calls().ec2, clock(), metrics());
    let answers = join_all(ids.iter().map(|id| instances.get(id, &[]))).await;
    for (id, answer) in ids.iter().zip(answers) {
        assert_eq!(answer.expect("an answer")[0].id, *id);
    }
    assert_eq!(asked(&fake, Operation::DescribeInstances), [50]);
}

/// BAT-7: several callers for the same id / batch / all get that instance.
#[tokio::test(start_paused = true)]
async fn one_instance_can_be_asked_for_by_many() {
    let fake = running(&many(1));
    let instances = Instances::new(fake.calls().ec2, clock(), metrics());
    let answers = join_all((0..3).map(|_| instances.get("i-00", &[]))).await;
    for answer in answers {
        assert_eq!(answer.expect("an answer")[0].id, "i-00");
    }
    assert_eq!(fake.count(Operation::DescribeInstances), 1);
}

/// BAT-8: one id missing from the batched reply / batch / that id is described individually;
/// its own result is returned.
///
/// BAT-9: batched DescribeInstances errors / batch / each id retried individually; callers get
/// those errors.
#[tokio::test(start_paused = true)]
async fn an_instance_that_is_missing_is_asked_for_alone() {
    let fake = running(&many(2));
    let instances = Instances::new(fake.calls().ec2, clock(), metrics());
    let get = |id: &'static str| instances.get(id, &[]);
    let (one, gone, two) = tokio::join!(get("i-00"), get("i-gone"), get("i-01"));
    assert_eq!(one.expect("an answer")[0].id, "i-00");
    assert_eq!(two.expect("an answer")[0].id, "i-01");
    assert!(gone.expect_err("no such instance").is_not_found());
    let calls = asked(&fake, Operation::DescribeInstances);
    assert_eq!(calls[0], 3);
    assert!(calls[1..].iter().all(|size| *size == 1), "{calls:?}");

    fake.forget_calls();
    let denied = Failure::new(Operation::DescribeInstances, "UnauthorizedOperation", "no");
    fake.fail(denied.clone(), 3);
    let (one, two) = tokio::join!(get("i-00"), get("i-01"));
    assert_eq!((one, two), (Err(denied.clone()), Err(denied)));
    assert_eq!(asked(&fake, Operation::DescribeInstances), [2, 1, 1]);
}

/// BAT-10: TerminateInstances of several ids, one not reported shutting-down / batch / that one is
/// retried alone.
#[tokio::test(start_paused = true)]
async fn an_instance_that_does_not_end_with_the_others_is_ended_alone() {
    let ids = many(3);
    let fake = running(&ids);
    let terminations = Terminations::new(fake.calls().ec2, clock(), metrics());
    let all = join_all(ids.iter().map(|id| terminations.terminate(id))).await;
    for (id, answer) in ids.iter().zip(all) {
        let ended = answer.expect("an answer");
        assert!(ended[0].id == *id && ended[0].state.is_ending());
    }
    assert_eq!(asked(&fake, Operation::TerminateInstances), [3]);

    let fake = running(&ids);
    let terminations = Terminations::new(fake.calls().ec2, clock(), metrics());
    let end = |id: &'static str| terminations.terminate(id);
    let (one, gone) = tokio::join!(end("i-00"), end("i-gone"));
    assert!(one.expect("an answer")[0].state.is_ending());
    assert!(gone.map_or_else(|failure| failure.is_not_found(), |ended| ended.is_empty()));
    let calls = asked(&fake, Operation::TerminateInstances);
    assert_eq!(calls[0], 2);
    assert!(calls.len() > 1 && calls[1..].iter().all(|size| *size == 1));
}
