//! Every candidate by itself: could it go, and at what price?

use catalog::Price;
use scheduling::what_if::{Answer, Asked, NewUpTo, WhatIf};

use crate::command::Candidate;
use crate::{SpotToSpot, threads};

use super::{Stays, Worth};

/// What was found out about one candidate.
#[derive(Clone, Debug, Default)]
pub(super) struct Single {
    /// What is saved an hour when it goes alone, once that is paid for; billionths of a dollar.
    pub(super) saves: f64,
    /// Why it stays; none if it could go.
    pub(super) stays: Option<Stays>,
}

/// Asks about every candidate, on so many threads. The answers don't depend on how many.
pub(super) fn ask(
    what_if: &WhatIf<'_>,
    candidates: &[Candidate],
    (worth, spot_to_spot): (Worth, SpotToSpot),
    threads: usize,
) -> Vec<Single> {
    threads::share(threads, candidates.len(), |pieces| {
        what_if.ask(|asked| {
            let one = |at| {
                let question = (at, &candidates[at]);
                (at, one(asked, what_if, question, (worth, spot_to_spot)))
            };
            pieces.map(one).collect()
        })
    })
}

fn one(
    asked: &mut Asked<'_, '_>,
    what_if: &WhatIf<'_>,
    (at, candidate): (usize, &Candidate),
    (worth, spot_to_spot): (Worth, SpotToSpot),
) -> Single {
    let stays = |stays| Single {
        saves: 0.0,
        stays: Some(stays),
    };
    if let Some(pod) = what_if.refused(at) {
        return stays(Stays::Unplaceable { pod: pod.key() });
    }
    let most = worth.most(candidate);
    let new = if most == Price::ZERO {
        NewUpTo::Nothing
    } else {
        NewUpTo::Price(most)
    };
    let answer = asked.without(&[at], new);
    let stays_spot = candidate.is_spot && spot_to_spot == SpotToSpot::Off && !asked.is_reserved();
    asked.forget();
    match answer {
        Answer::Placed { new_nodes: 1.., .. } if stays_spot => stays(Stays::SpotToSpotOff),
        Answer::Placed { price, new_nodes } => {
            let one = std::iter::once(candidate);
            let saves = worth.net(one, (price.nanos() as f64, new_nodes));
            let stays = (saves <= 0.0).then(|| Stays::NotWorthIt {
                saves: candidate.price.unwrap_or_default().saturating_sub(price),
                costs: worth.of_change(candidate, price),
                hours: worth.hours(),
            });
            Single { saves, stays }
        }
        Answer::Stuck { too_dear, .. } if too_dear || new == NewUpTo::Nothing => {
            stays(Stays::NoCheaper {
                price: candidate.price,
            })
        }
        Answer::Stuck { pod, .. } => stays(Stays::NowhereToGo { pod: pod.key() }),
    }
}
