//! Where a pod's volumes can be reached from, and which volumes its claims get.

use std::sync::Arc;

use model::k8s::storage::TopologySelectorTerm;
use model::k8s::{Node, Pod};

use super::fit::{Misfit, selector_matches};
use super::index::{Entry, Index};
use crate::storage::{Claim, ClaimKey, Class, Storage, Volume};

/// What becomes of a claim when its pod goes to a node.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    /// It gets this static volume.
    Bind(Arc<Claim>, String),
    /// A volume is made for it.
    Make(Arc<Claim>, Arc<Class>),
}

/// A claim that waits for its pod, with the static volumes that would do.
#[derive(Debug)]
struct Open {
    claim: Arc<Claim>,
    class: Arc<Class>,
    candidates: Vec<Arc<Volume>>,
}

/// The volumes of a pod.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    bound: Vec<Arc<Volume>>,
    open: Vec<Open>,
    /// Claims that a CSI driver attaches, with its name.
    attached: Vec<(ClaimKey, String)>,
}

/// The claims of a pod.
pub(super) fn claim_keys(pod: &Pod) -> impl Iterator<Item = ClaimKey> {
    pod.spec.volumes.iter().filter_map(|volume| {
        let name = match (&volume.persistent_volume_claim, &volume.ephemeral) {
            (Some(claim), _) => claim.claim_name.clone(),
            (None, Some(_)) => format!("{}-{}", pod.metadata.name, volume.name),
            (None, None) => return None,
        };
        Some((pod.metadata.namespace().to_owned(), name))
    })
}

/// Looks a pod's claims up. The error says why the pod cannot go anywhere yet.
pub(super) fn wanted(pod: &Pod, storage: &Storage, index: &Index) -> Result<Wanted, String> {
    let mut wanted = Wanted::default();
    for key in claim_keys(pod) {
        let name = &key.1;
        let Some(claim) = storage.claims.get(&key) else {
            return Err(format!("persistentvolumeclaim \"{name}\" not found"));
        };
        if claim.metadata.is_deleting() {
            return Err(format!("persistentvolumeclaim \"{name}\" is being deleted"));
        }
        let exclusive = claim
            .spec
            .access_modes
            .iter()
            .any(|mode| mode == "ReadWriteOncePod");
        if exclusive && index.claim_users.contains_key(&key) {
            return Err(format!(
                "persistentvolumeclaim \"{name}\" is in use by another pod"
            ));
        }
        if let Some(driver) = storage.driver_of(claim) {
            wanted.attached.push((key.clone(), driver));
        }
        if claim.is_bound() {
            let volume = storage.volume(&claim.spec.volume_name).ok_or_else(|| {
                format!("persistentvolume \"{}\" not found", claim.spec.volume_name)
            })?;
            wanted.bound.push(volume.clone());
            continue;
        }
        let class = storage.classes.get(claim.class());
        let class = class.filter(|class| class.waits() && claim.spec.volume_name.is_empty());
        let Some(class) = class else {
            return Err(format!("persistentvolumeclaim \"{name}\" is not bound yet"));
        };
        wanted.open.push(Open {
            claim: claim.clone(),
            class: class.clone(),
            candidates: storage.candidates(claim),
        });
    }
    Ok(wanted)
}

impl Wanted {
    /// What the claims get if the pod goes to this node.
    pub(super) fn check(
        &self,
        node: &Node,
        entry: &Entry,
        storage: &Storage,
    ) -> Result<Vec<Plan>, Misfit> {
        if self.exceeds_limit(node, entry, storage) {
            return Err(Misfit::VolumeLimit);
        }
        if !self.bound.iter().all(|volume| reaches(volume, node)) {
            return Err(Misfit::VolumeAway);
        }
        let mut plans: Vec<Plan> = Vec::new();
        for open in &self.open {
            let is_free = |volume: &Volume| {
                !plans.iter().any(
                    |plan| matches!(plan, Plan::Bind(_, name) if *name == volume.metadata.name),
                )
            };
            let found = open
                .candidates
                .iter()
                .find(|volume| is_free(volume) && reaches(volume, node));
            let plan = match found {
                Some(volume) => Plan::Bind(open.claim.clone(), volume.metadata.name.clone()),
                None if open.class.provisions() && allows(&open.class.allowed_topologies, node) => {
                    Plan::Make(open.claim.clone(), open.class.clone())
                }
                None => return Err(Misfit::NoVolume),
            };
            plans.push(plan);
        }
        Ok(plans)
    }

    /// Whether some driver would have to attach more than it can. A volume counts once, however
    /// many pods use it.
    fn exceeds_limit(&self, node: &Node, entry: &Entry, storage: &Storage) -> bool {
        let Some(limits) = storage.limits.get(&node.metadata.name) else {
            return false;
        };
        limits.iter().any(|(driver, limit)| {
            let added = self
                .attached
                .iter()
                .filter(|(key, of)| of == driver && !entry.claims.contains_key(key))
                .count();
            if added == 0 {
                return false;
            }
            let have = entry.claims.keys().filter(|key| {
                let claim = storage.claims.get(*key);
                claim.and_then(|claim| storage.driver_of(claim)).as_ref() == Some(driver)
            });
            have.count() + added > *limit
        })
    }
}

/// Labels that old volumes carry in the place of node affinity; a value may list several zones.
const PLACE_LABELS: [&str; 4] = [
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
];

fn reaches(volume: &Volume, node: &Node) -> bool {
    let labels = &node.metadata.labels;
    let near = PLACE_LABELS.iter().all(|key| {
        let (Some(of_volume), Some(of_node)) = (volume.metadata.labels.get(*key), labels.get(*key))
        else {
            return true;
        };
        of_volume.split("__").any(|value| value == of_node)
    });
    near && volume
        .reach()
        .is_none_or(|terms| selector_matches(terms, node))
}

/// Whether a volume may be made where the node is; no terms allow every place.
fn allows(terms: &[TopologySelectorTerm], node: &Node) -> bool {
    let labels = &node.metadata.labels;
    terms.is_empty()
        || terms.iter().any(|term| {
            term.match_label_expressions.iter().all(|condition| {
                labels
                    .get(&condition.key)
                    .is_some_and(|value| condition.values.contains(value))
            })
        })
}
