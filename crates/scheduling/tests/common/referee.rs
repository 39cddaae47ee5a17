//! A brute-force check of a placement against the rules, with exact quantities and label maps instead
//! of masks and vectors. Written from the rules, not from the solver.

use std::collections::BTreeMap;

use catalog::InstanceType;
use cluster::{NodeState, PodRecord, Snapshot, ports};
use model::k8s::{PodSpec, Taint, TaintEffect};
use model::{Quantity, ResourceList, resources};
use requirements::{Requirements, pod, taints};
use scheduling::{Placement, PlannedClaim};

type Labels = BTreeMap<String, String>;

/// Everything that is wrong with a placement.
pub fn faults(snapshot: &Snapshot, placement: &Placement) -> Vec<String> {
    let mut faults = Vec::new();
    for claim in &placement.new_claims {
        for ty in &*claim.instance_types {
            check_type(snapshot, claim, ty, &mut faults);
        }
        check_ports(
            claim.pods.iter().map(|pod| &**pod),
            &claim.name,
            &mut faults,
        );
        check_launch(claim, &mut faults);
        check_min_values(claim, &mut faults);
    }
    for existing in &placement.existing {
        let node = snapshot
            .node(&existing.node)
            .expect("a node of the snapshot");
        let pods: Vec<&PodRecord> = existing.pods.iter().map(|pod| &**pod).collect();
        check_node(snapshot, node, &pods, &mut faults);
    }
    check_limits(snapshot, placement, &mut faults);
    check_once(snapshot, placement, &mut faults);
    faults
}

/// What a node of this type would be labelled, for each way to launch it that the claim allows.
fn label_sets(claim: &PlannedClaim, ty: &InstanceType) -> Vec<Labels> {
    let allowed = claim.all_requirements();
    ty.available_offerings()
        .map(|offering| {
            let mut labels = claim.labels.clone();
            for set in [&ty.requirements, &*offering.requirements] {
                for requirement in set {
                    if let Some(value) = requirement.single_value() {
                        labels.insert(requirement.key().to_string(), value.to_string());
                    }
                }
            }
            // Where a type leaves a label open, the claim decides.
            for (key, value) in allowed.single_values() {
                labels.entry(key).or_insert(value);
            }
            labels
        })
        .filter(|labels| {
            allowed
                .iter()
                .all(|requirement| match labels.get(&**requirement.key()) {
                    Some(value) => requirement.has(value),
                    None => true,
                })
        })
        .collect()
}

fn check_type(
    snapshot: &Snapshot,
    claim: &PlannedClaim,
    ty: &InstanceType,
    faults: &mut Vec<String>,
) {
    let at = format!("{} as {}", claim.name, ty.name);
    let sets = label_sets(claim, ty);
    if sets.is_empty() {
        faults.push(format!("{at}: cannot be launched"));
    }
    for labels in sets {
        let mut used = ResourceList::new();
        for pod in &claim.pods {
            resources::add_to(&mut used, &pod.shape.content.requests());
            if let Some(why) = refuses(snapshot, &pod.shape.spec, &labels, &claim.taints) {
                faults.push(format!("{at}: {} {why}", pod.key()));
            }
        }
        for daemon in &*snapshot.daemons {
            let mut all = labels.clone();
            all.insert("karpenter.sh/registered".to_owned(), "true".to_owned());
            all.insert("karpenter.sh/initialized".to_owned(), "true".to_owned());
            let hard: Vec<Taint> = hard(&claim.taints);
            if refuses(snapshot, &daemon.shape.spec, &all, &hard).is_none() {
                resources::add_to(&mut used, &daemon.shape.content.requests());
            }
        }
        for short in resources::shortfalls(&used, &ty.allocatable()) {
            faults.push(format!(
                "{at}: {} is short by {}",
                short.resource,
                short.by()
            ));
        }
    }
}

fn hard(taints: &[Taint]) -> Vec<Taint> {
    let hard = taints
        .iter()
        .filter(|t| t.effect != TaintEffect::PreferNoSchedule);
    hard.cloned().collect()
}

/// Why kube-scheduler would not put a pod on a node with these labels and taints.
fn refuses(snapshot: &Snapshot, spec: &PodSpec, labels: &Labels, node: &[Taint]) -> Option<String> {
    if let Err(untolerated) = taints::tolerate_all(&spec.tolerations, &hard(node)) {
        return Some(untolerated.to_string());
    }
    let alternatives = pod::required(spec, &snapshot.vocabulary);
    let admits = |alternative: &Requirements| alternative.admit_labels(labels);
    (!alternatives.iter().any(admits)).then(|| format!("does not match {labels:?}"))
}

fn check_node(
    snapshot: &Snapshot,
    node: &NodeState,
    pods: &[&PodRecord],
    faults: &mut Vec<String>,
) {
    let name = node.name();
    let mut labels = node.labels().clone();
    labels.insert(
        "kubernetes.io/hostname".to_owned(),
        node.hostname().to_owned(),
    );
    let mut used = ResourceList::new();
    for pod in node
        .pods
        .iter()
        .map(|pod| &**pod)
        .chain(pods.iter().copied())
    {
        resources::add_to(&mut used, &pod.shape.content.requests());
    }
    for short in resources::shortfalls(&used, &node.allocatable_list()) {
        faults.push(format!(
            "{name}: {} is short by {}",
            short.resource,
            short.by()
        ));
    }
    for pod in pods {
        if let Some(why) = refuses(snapshot, &pod.shape.spec, &labels, node.taints()) {
            faults.push(format!("{name}: {} {why}", pod.key()));
        }
    }
    if node.is_marked() {
        faults.push(format!("{name}: is about to go"));
    }
    let all = node
        .pods
        .iter()
        .map(|pod| &**pod)
        .chain(pods.iter().copied());
    check_ports(all, name, faults);
}

fn check_ports<'a>(pods: impl Iterator<Item = &'a PodRecord>, at: &str, faults: &mut Vec<String>) {
    let mut taken: Vec<cluster::HostPort> = Vec::new();
    for pod in pods {
        if let Some((want, _)) = ports::conflict(&pod.shape.host_ports, &taken) {
            faults.push(format!("{at}: port {want} twice"));
        }
        taken.extend(pod.shape.host_ports.iter().cloned());
    }
}

fn check_launch(claim: &PlannedClaim, faults: &mut Vec<String>) {
    let first = claim.instance_types.first().map(|ty| &ty.name);
    if first != Some(&claim.launch.instance_type) {
        faults.push(format!(
            "{}: the type launched is not the first listed",
            claim.name
        ));
    }
    let cheapest = claim
        .instance_types
        .iter()
        .flat_map(|ty| ty.available_offerings().map(move |offering| (ty, offering)))
        .filter(|(_, offering)| {
            let fits = |key: &str, value: &str| {
                claim
                    .requirements
                    .get(key)
                    .is_none_or(|requirement| requirement.has(value))
            };
            fits("topology.kubernetes.io/zone", &offering.zone)
                && fits(
                    "karpenter.sh/capacity-type",
                    offering.capacity_type.as_str(),
                )
        })
        .map(|(_, offering)| offering.price)
        .min();
    if cheapest != Some(claim.launch.price) {
        let price = claim.launch.price;
        faults.push(format!(
            "{}: launched at {price}, cheapest is {cheapest:?}",
            claim.name
        ));
    }
}

fn check_min_values(claim: &PlannedClaim, faults: &mut Vec<String>) {
    for requirement in &claim.requirements {
        let Some(least) = requirement.min_values() else {
            continue;
        };
        let values: std::collections::BTreeSet<_> = claim
            .instance_types
            .iter()
            .filter_map(|ty| ty.requirements.get(requirement.key()))
            .flat_map(requirements::Requirement::values)
            .collect();
        if values.len() < least as usize {
            faults.push(format!("{}: {requirement}, found {values:?}", claim.name));
        }
    }
}

/// Any of the listed types may be launched, so the largest amounts count.
fn check_limits(snapshot: &Snapshot, placement: &Placement, faults: &mut Vec<String>) {
    for pool in &*snapshot.pools {
        let mut used = resources::add(&pool.used, &pool.in_flight);
        let claims = placement
            .new_claims
            .iter()
            .filter(|claim| *claim.pool == *pool.name());
        let mut opened = false;
        for claim in claims {
            opened = true;
            let largest = claim
                .instance_types
                .iter()
                .fold(ResourceList::new(), |most, ty| {
                    resources::max_each(&most, &ty.capacity)
                });
            resources::add_to(&mut used, &largest);
            let one = ResourceList::from([("nodes".to_owned(), Quantity::from_units(1))]);
            resources::add_to(&mut used, &one);
        }
        for (resource, limit) in &pool.pool.spec.limits {
            if opened && resources::get(&used, resource) > *limit {
                faults.push(format!(
                    "{}: limit of {limit} {resource} is exceeded",
                    pool.name()
                ));
            }
        }
    }
}

/// Every pending pod has one place or a reason.
fn check_once(snapshot: &Snapshot, placement: &Placement, faults: &mut Vec<String>) {
    let mut counts: BTreeMap<_, i32> = BTreeMap::new();
    let placed = placement.new_claims.iter().flat_map(|claim| &claim.pods);
    let on_nodes = placement
        .existing
        .iter()
        .flat_map(|existing| &existing.pods);
    let without = placement.unplaced.iter().map(|unplaced| &unplaced.pod);
    for pod in placed.chain(on_nodes).chain(without) {
        *counts.entry(pod.key()).or_default() += 1;
    }
    let pending = snapshot.pending.iter().chain(snapshot.ignored.iter());
    for pod in pending.flat_map(|group| &*group.pods) {
        if counts.get(&pod.key()) != Some(&1) {
            faults.push(format!("{} is not decided once", pod.key()));
        }
    }
    for unplaced in &placement.unplaced {
        if unplaced.refusals.is_empty() {
            faults.push(format!("{} has no reason", unplaced.pod.key()));
        }
    }
}
