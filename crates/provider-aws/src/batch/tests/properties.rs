//! Whatever EC2 answers and whoever waits for it: each caller has one result, and no instance goes
//! to two of them.

use std::collections::BTreeSet;
use std::time::Duration;

use aws::ec2::FleetCapacity;
use aws::{Failure, Operation};
use futures::future::join_all;
use proptest::prelude::*;

use super::clock;
use super::ec2::{fake, fleets, request};

/// A caller: when it comes, for which template, and for how long it waits.
#[derive(Clone, Debug)]
struct Caller {
    comes_ms: u64,
    template: &'static str,
    patience_ms: u64,
}

fn caller() -> impl Strategy<Value = Caller> {
    let template = prop_oneof![Just("a"), Just("b")];
    let patience = prop_oneof![4 => Just(60_000_u64), 1 => 0_u64..100];
    (0_u64..200, template, patience).prop_map(|(comes_ms, template, patience_ms)| Caller {
        comes_ms,
        template,
        patience_ms,
    })
}

/// What one caller has at the end: none if it did not wait for it.
type Got = Option<Result<Option<String>, Failure>>;

fn run(callers: &[Caller], capacity: u32, failures: usize) -> (Vec<Got>, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let fake = fake();
        let how = FleetCapacity::OnDemand;
        fake.change(|state| state.limit("m5.large", "zone-a", how, capacity));
        let failure = Failure::new(Operation::CreateFleet, "InternalError", "no");
        fake.fail(failure, failures);
        let (fleets, clock) = (fleets(&fake), clock());
        let calls = callers.iter().enumerate().map(|(at, caller)| {
            let (fleets, clock) = (&fleets, &clock);
            async move {
                clock.sleep(Duration::from_millis(caller.comes_ms)).await;
                let claim = format!("claim-{at}");
                let launch = fleets.launch(request(caller.template), &claim);
                let patience = Duration::from_millis(caller.patience_ms);
                let answer = tokio::time::timeout(patience, launch).await.ok()?;
                Some(answer.map(|answer| {
                    let mut ids = answer.output.instances.into_iter().flat_map(|one| one.ids);
                    let id = ids.next();
                    assert_eq!(ids.next(), None, "one instance at most");
                    assert!(id.is_some() || !answer.output.errors.is_empty(), "a reason");
                    id
                }))
            }
        });
        let got = join_all(calls).await;
        (got, fake.change(|state| state.instances.len()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_caller_has_one_result_and_no_instance_goes_to_two(
        callers in prop::collection::vec(caller(), 1..40),
        capacity in 0_u32..50,
        failures in 0_usize..3,
    ) {
        let (got, launched) = run(&callers, capacity, failures);
        let mut seen = BTreeSet::new();
        for (caller, got) in callers.iter().zip(&got) {
            let waited = caller.patience_ms >= 60_000;
            prop_assert!(!waited || got.is_some(), "{caller:?} waits and has a result");
            if let Some(Ok(Some(id))) = got {
                prop_assert!(seen.insert(id.clone()), "{id} went to two callers");
            }
        }
        prop_assert!(launched <= capacity as usize);
        let left = got.iter().filter(|one| one.is_none()).count();
        prop_assert!(seen.len() <= launched && launched <= seen.len() + left);
        if failures == 0 && left == 0 {
            let possible = (capacity as usize).min(callers.len());
            prop_assert_eq!(seen.len(), possible, "whatever there was was handed out");
        }
        prop_assert_eq!(run(&callers, capacity, failures).0, got, "and again the same");
    }
}
