//! Why a pod's claims are not met, where nothing else is in the way.

use devices::Refused;

use crate::index::Index;
use crate::placement::{Candidate, Refusal};
use crate::reason::Rejection;

/// Says what the search for devices has found in place of "there was no room left".
pub(super) fn told(index: &Index<'_>, class: usize, refusals: &mut [Refusal]) {
    let found = index.claiming.as_ref().and_then(|c| c.refused.get(&class));
    let Some(found) = found else {
        return;
    };
    for refusal in refusals {
        if refusal.rejection != Rejection::Outrun {
            continue;
        }
        let refused: Option<&Refused> = match &refusal.candidate {
            Candidate::NodePool(name) => found.by_pool.get(name),
            Candidate::Nodes { .. } | Candidate::Anywhere => found.by_node.as_ref(),
        };
        if let Some(refused) = refused {
            refusal.rejection = Rejection::Devices(refused.clone());
        }
    }
}
