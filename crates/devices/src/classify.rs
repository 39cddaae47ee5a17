//! Which claims have devices already, and which are to get some.

use cluster::ObjectKey;
use std::collections::BTreeMap;
use std::sync::Arc;

use requirements::Vocabulary;

use crate::charge::Charges;
use crate::held::{held, is_released};
use crate::inputs::Inputs;
use crate::places::Places;
use crate::plan::{Matchers, Plan, Planner};
use crate::pool::Devices;
use crate::refused::Refused;
use crate::selector::Selectors;

/// A claim as the pass finds it.
#[derive(Debug)]
pub(crate) enum Claim {
    /// It has its devices, which can be used from some places.
    Allocated(Places),
    /// It is to get devices, or can't.
    Open(Result<Plan, Refused>),
}

impl Claim {
    /// The places that its devices can be used from, if it has them.
    pub(crate) fn places(&self) -> Option<&Places> {
        match self {
            Self::Allocated(places) => Some(places),
            Self::Open(_) => None,
        }
    }
}

/// What stands still during a pass, in numbers.
#[derive(Debug)]
pub(crate) struct Fixed {
    pub(crate) vocabulary: Arc<Vocabulary>,
    pub(crate) devices: Devices,
    pub(crate) held: Charges,
    pub(crate) matchers: Matchers,
    pub(crate) claims: BTreeMap<ObjectKey, Claim>,
}

impl Fixed {
    pub(crate) fn new(inputs: &Inputs) -> Self {
        let devices = Devices::new(inputs);
        let mut planner = Planner {
            inputs,
            devices: &devices,
            selectors: Selectors::new(),
            matchers: Matchers::default(),
        };
        let mut claims = BTreeMap::new();
        for key in &inputs.wanted {
            let Some(claim) = inputs.claims.get(key) else {
                continue;
            };
            let allocation = claim.status.allocation.as_ref();
            let state = match allocation {
                Some(allocation) if !is_released(claim, &inputs.deleting_pods) => {
                    let selector = allocation.node_selector.as_ref();
                    let places = selector.map(|s| Places::of(s, &inputs.vocabulary));
                    Claim::Allocated(places.unwrap_or_else(Places::anywhere))
                }
                _ => Claim::Open(planner.plan(key, claim)),
            };
            claims.insert(key.clone(), state);
        }
        let matchers = planner.matchers;
        Self {
            vocabulary: inputs.vocabulary.clone(),
            held: held(inputs, &devices),
            devices,
            matchers,
            claims,
        }
    }
}
