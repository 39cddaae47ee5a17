//! CreateFleet for many claims at once: as many instances as there are claims with the same
//! request.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws::ec2::{FleetError, FleetInstance, FleetOutput, FleetRequest};
use aws::fleet::token;
use aws::{Failure, Operation};
use futures::FutureExt;
use runtime::Clock;
use runtime::metrics::Metrics;

use super::{Batcher, Window};
use crate::cache::Cache;
use crate::calls::Ec2;

/// For how long fleets are gathered.
pub(super) const WINDOW: Window = Window {
    idle: Duration::from_millis(35),
    longest: Duration::from_secs(1),
    items: 1000,
};
/// For how long it is remembered that EC2 has answered a request without an instance for everybody.
/// EC2 itself does not say for how long it knows a token; claims that get nothing do not live as
/// long.
const ANSWERED: Duration = Duration::from_hours(1);
/// Code and text where EC2 gave too little and did not say why.
pub(super) const TOO_FEW: &str = "too few instances returned";

/// What comes of a fleet for one claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetAnswer {
    /// At most one instance, and all errors of the fleet.
    pub output: FleetOutput,
    /// Whether this claim is the first of its batch: what the errors mean for others is to be done
    /// once for each answer of EC2.
    pub is_first: bool,
}

/// One instance for a claim.
struct Wish {
    request: FleetRequest,
    claim: String,
}

type Answer = Result<FleetAnswer, Failure>;

/// CreateFleet, in batches. Cheap to clone.
#[derive(Clone)]
pub struct Fleets {
    batcher: Batcher<u128, Wish, Answer>,
}

impl Fleets {
    /// In front of EC2.
    pub fn new(ec2: Arc<dyn Ec2>, clock: Clock, metrics: Metrics) -> Self {
        let rounds = Arc::new(Cache::new(clock.clone(), ANSWERED));
        let execute = move |wishes| execute(ec2.clone(), rounds.clone(), wishes).boxed();
        let batcher = Batcher::new("create_fleet", WINDOW, clock, metrics, execute);
        Self { batcher }
    }

    /// One instance for the claim with this uid. The same claims with the same request get the same
    /// instances, also when asked by another process.
    pub async fn launch(&self, request: FleetRequest, claim: &str) -> Answer {
        if request.capacity != 1 {
            let text = "expected TotalTargetCapacity of 1";
            return Err(invalid(text));
        }
        let key = request.digest();
        let wish = Wish {
            request,
            claim: claim.to_owned(),
        };
        let answer = self.batcher.call(key, wish).await;
        answer.unwrap_or_else(|| Err(invalid("error making call")))
    }
}

fn invalid(text: &str) -> Failure {
    Failure::new(Operation::CreateFleet, "", text)
}

/// Answers of EC2 that did not give everybody an instance, by the token of the first of them.
type Rounds = Cache<String, u32>;

async fn execute(ec2: Arc<dyn Ec2>, rounds: Arc<Rounds>, wishes: Vec<Wish>) -> Vec<Answer> {
    let Some(first) = wishes.first() else {
        return Vec::new();
    };
    let claims = || wishes.iter().map(|wish| wish.claim.as_str());
    let known = token(&first.request, claims(), 0);
    let round = rounds.get(&known).unwrap_or(0);
    let request = FleetRequest {
        capacity: u32::try_from(wishes.len()).unwrap_or(u32::MAX),
        client_token: Some(token(&first.request, claims(), round)),
        ..first.request.clone()
    };
    match ec2.create_fleet(&request).await {
        Err(failure) => wishes.iter().map(|_| Err(failure.clone())).collect(),
        Ok(output) => {
            let answers = hand_out(output, wishes.len());
            if answers.iter().any(|one| one.output.instances.is_empty()) {
                rounds.sweep();
                rounds.put(known, round + 1);
            }
            answers.into_iter().map(Ok).collect()
        }
    }
}

/// One instance for each caller, as far as they go.
fn hand_out(output: FleetOutput, callers: usize) -> Vec<FleetAnswer> {
    let mut seen = BTreeSet::new();
    let mut singles = Vec::new();
    for instances in &output.instances {
        for id in &instances.ids {
            if seen.insert(id) {
                singles.push(FleetInstance {
                    ids: vec![id.clone()],
                    ..instances.clone()
                });
            }
        }
    }
    if singles.len() > callers {
        let surplus: Vec<&str> = singles[callers..]
            .iter()
            .flat_map(|one| one.ids.iter().map(String::as_str))
            .collect();
        tracing::error!(
            fleet = output.fleet_id,
            instances = surplus.join(","),
            "EC2 launched more instances than were asked for"
        );
    }
    let mut singles = singles.into_iter();
    let answer = |at: usize| {
        let instances: Vec<FleetInstance> = singles.next().into_iter().collect();
        let mut errors = output.errors.clone();
        if instances.is_empty() && errors.is_empty() {
            errors.push(FleetError {
                code: TOO_FEW.to_owned(),
                message: TOO_FEW.to_owned(),
                ..FleetError::default()
            });
        }
        FleetAnswer {
            output: FleetOutput {
                fleet_id: output.fleet_id.clone(),
                instances,
                errors,
            },
            is_first: at == 0,
        }
    };
    (0..callers).map(answer).collect()
}
