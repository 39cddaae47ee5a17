//! Pods with claims of dynamic resource allocation, and what there is to allocate from.
//!
//! Nothing here is made where claims are ignored or no pod of the batch has any. A reference to a
//! template whose claim was not made yet gets one made up from the template, where that is known;
//! otherwise the pod waits for its claim. What is *not* here: the search for devices (the crate
//! `devices`), and on which nodes they are looked for (`pack::devices`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ::devices::{Allocator, Inputs, Refused, resolve};
use api::labels::INSTANCE_TYPE;
use cluster::{ObjectKey, PodRecord, Snapshot};
use model::ObjectMeta;
use model::k8s::{PodKey, ResourceClaim};
use requirements::{Requirement, Requirements};

use super::gather;
use super::pods::Group;
use super::pools::Template;
use crate::Rejection;
use crate::options::{Batch, Options, ResourceClaims};

/// Pods with claims, the devices, and what came of them.
pub(crate) struct Claiming {
    /// With nothing granted.
    pub(crate) allocator: Allocator,
    /// The claims of each pod that has any, or why it can't be tried.
    pods: BTreeMap<PodKey, Result<Vec<ObjectKey>, Refused>>,
    /// Claims by name, those made up included.
    pub(crate) claims: BTreeMap<ObjectKey, Arc<ResourceClaim>>,
    /// The claims of each class of pods with claims.
    pub(crate) classes: BTreeMap<usize, Vec<ObjectKey>>,
    /// The nodes that were opened for them, as in [`crate::first::First::nodes`].
    pub(crate) nodes: Vec<WithDevices>,
    /// By class without a place: why.
    pub(crate) refused: BTreeMap<usize, Found>,
}

/// A planned node whose pods hold devices.
#[derive(Debug, Default)]
pub(crate) struct WithDevices {
    /// Everything that is required of it: by the pool, its pods, their domains and devices.
    pub(crate) requirements: Requirements,
    /// Drivers that publish the devices once the node is there.
    pub(crate) drivers: BTreeSet<Arc<str>>,
}

/// What the search for devices of a pod has come to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// On nodes that are there: the first answer.
    pub(crate) by_node: Option<Refused>,
    /// On a new node of each pool.
    pub(crate) by_pool: BTreeMap<Arc<str>, Refused>,
}

impl Claiming {
    /// The pods of a batch that have claims; none if nobody has.
    pub(super) fn of(
        snapshot: &Snapshot,
        batch: &Batch,
        options: &Options,
        groups: &[Group],
    ) -> Option<Self> {
        if options.resource_claims == ResourceClaims::Ignored {
            return None;
        }
        let groups = groups.iter();
        let groups = groups.filter(|group| group.shape.spec.has_resource_claims());
        let groups: Vec<&Group> = groups.collect();
        if groups.is_empty() {
            return None;
        }
        let mut claims = BTreeMap::clone(&snapshot.devices.claims);
        let mut wanted = BTreeSet::new();
        let mut pods = BTreeMap::new();
        for pod in groups.iter().flat_map(|group| group.pods.iter()) {
            let own = claims_of(pod, snapshot, &mut claims);
            wanted.extend(own.iter().flatten().cloned());
            pods.insert(pod.key(), own);
        }
        let inputs = inputs(snapshot, batch, (claims, wanted));
        let allocator = Allocator::new(&inputs);
        for own in pods.values_mut() {
            if let Ok(keys) = own
                && let Err(refused) = allocator.check(keys)
            {
                *own = Err(refused);
            }
        }
        Some(Self {
            allocator,
            pods,
            claims: inputs.claims,
            classes: BTreeMap::new(),
            nodes: Vec::new(),
            refused: BTreeMap::new(),
        })
    }

    /// Whether these are pods whose claims want devices.
    pub(super) fn has(&self, pods: &[Arc<PodRecord>]) -> bool {
        pods.first().is_some_and(|pod| self.wants(pod).is_some())
    }

    /// The claims of a pod, if it has any that want devices.
    fn wants(&self, pod: &PodRecord) -> Option<&Vec<ObjectKey>> {
        if !pod.shape.spec.has_resource_claims() {
            return None;
        }
        let own = self.pods.get(&pod.key())?.as_ref().ok()?;
        (!own.is_empty()).then_some(own)
    }

    /// The same with the classes that the pods have become.
    pub(super) fn with_classes(mut self, pods: &[Arc<[Arc<PodRecord>]>]) -> Self {
        let classes = pods.iter().enumerate();
        let claims =
            classes.filter_map(|(at, pods)| Some((at, self.wants(pods.first()?)?.clone())));
        self.classes = claims.collect();
        self
    }

    /// What devices may ask of nodes, so that every label has its place in the masks.
    pub(super) fn places(&self, templates: &[Template<'_>]) -> Vec<Requirements> {
        let types = templates.iter().flat_map(|template| template.types.iter());
        let names: BTreeSet<Arc<str>> = types.map(|ty| ty.name.clone()).collect();
        let mut places = self.allocator.places();
        places.push(
            [Requirement::any_of(INSTANCE_TYPE, names)]
                .into_iter()
                .collect(),
        );
        places
    }
}

impl super::Index<'_> {
    /// What is known of a node if it was opened for pods with devices.
    pub(crate) fn with_devices(&self, node: usize) -> Option<&WithDevices> {
        let at = node.checked_sub(self.problem.nodes.len())?;
        self.claiming.as_ref()?.nodes.get(at)
    }
}

/// What of a group is tried: all of it, or pod by pod where they have claims. Pods whose claims can
/// be met nowhere are refused.
pub(super) fn tried(
    group: Group,
    claiming: Option<&Claiming>,
    refused: &mut gather::Refused,
) -> Vec<Group> {
    if !group.shape.spec.has_resource_claims() {
        return vec![group];
    }
    let Some(claiming) = claiming else {
        refused.push((group.pods, Rejection::ClaimsIgnored));
        return Vec::new();
    };
    let mut tried = Vec::new();
    for pod in group.pods.iter() {
        let pods: Arc<[Arc<PodRecord>]> = [pod.clone()].into();
        match claiming.pods.get(&pod.key()) {
            Some(Err(problem)) => refused.push((pods, Rejection::Devices(problem.clone()))),
            _ => tried.push(Group {
                shape: group.shape.clone(),
                pods,
            }),
        }
    }
    tried
}

/// The claims of a pod. Those of templates that were not made yet are added to the others.
fn claims_of(
    pod: &PodRecord,
    snapshot: &Snapshot,
    claims: &mut BTreeMap<ObjectKey, Arc<ResourceClaim>>,
) -> Result<Vec<ObjectKey>, Refused> {
    let references = &pod.shape.spec.resource_claims;
    let made = pod.own.as_ref().map(|own| &own.generated);
    let mut generated = BTreeMap::new();
    for reference in references {
        let Some(template) = &reference.resource_claim_template_name else {
            continue;
        };
        let known = made.and_then(|made| made.get(&reference.name));
        let name = match known {
            Some(Some(name)) => name.clone(),
            Some(None) => continue,
            None => {
                let name = format!("{}-{}", pod.name, reference.name);
                let key = ObjectKey::new(pod.namespace(), &name);
                let template = ObjectKey::new(pod.namespace(), template);
                let Some(template) = snapshot.devices.templates.get(&template) else {
                    return Err(Refused::ClaimMissing { claim: key });
                };
                let claim = ResourceClaim {
                    metadata: ObjectMeta {
                        name: name.clone(),
                        namespace: Some(pod.namespace().to_owned()),
                        ..ObjectMeta::default()
                    },
                    spec: template.spec.spec.clone(),
                    ..ResourceClaim::default()
                };
                claims.entry(key).or_insert_with(|| Arc::new(claim));
                name
            }
        };
        generated.insert(reference.name.clone(), name);
    }
    resolve(pod.namespace(), references, &generated, claims)
}

/// What devices are allocated from.
fn inputs(
    snapshot: &Snapshot,
    batch: &Batch,
    (claims, wanted): (BTreeMap<ObjectKey, Arc<ResourceClaim>>, BTreeSet<ObjectKey>),
) -> Inputs {
    let (going, staying): (Vec<_>, Vec<_>) = snapshot
        .nodes
        .iter()
        .partition(|node| node.is_marked() || batch.without.contains(&**node.name()));
    let usable = staying.iter().filter(|node| node.is_initialized());
    let deleting = going.iter().flat_map(|node| &node.pods);
    let classes = snapshot.devices.classes.iter();
    let mut templates = BTreeMap::new();
    for pool in snapshot.pools.iter() {
        let name: Arc<str> = pool.name().into();
        for ty in pool.types.iter() {
            let resources = ty.dynamic_resources.as_ref();
            if let Some(resources) = resources.filter(|resources| !resources.is_empty()) {
                templates.insert((name.clone(), ty.name.clone()), resources.clone());
            }
        }
    }
    Inputs {
        vocabulary: snapshot.vocabulary.clone(),
        slices: snapshot.devices.slices.values().cloned().collect(),
        classes: classes
            .map(|(key, class)| (key.name.to_string(), class.clone()))
            .collect(),
        claims,
        wanted,
        templates,
        nodes: usable.map(|node| node.name().to_string()).collect(),
        deleting_pods: deleting.map(|pod| pod.uid.to_string()).collect(),
    }
}
