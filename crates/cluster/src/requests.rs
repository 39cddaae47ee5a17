//! What a pod asks for, by the rules of the Kubernetes scheduler.
//!
//! Containers run side by side; init containers run one after the other before them, except
//! sidecars (init containers that restart always), which run from their turn on. So the pod needs
//! the larger of: all containers with all sidecars, and each init container with the sidecars
//! before it. Then resources of the whole pod, where set, replace that figure, and the runtime's
//! overhead is added.
//! (<https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers>,
//! <https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/>,
//! <https://kubernetes.io/docs/tasks/configure-pod-container/assign-pod-level-resources/>)
//!
//! Like the scheduler, [`effective`] counts requests alone: the API server has put limits in the
//! place of missing requests already. Pods that are made from a template here have not been through
//! that, so [`fill_in`] does it for them.
//!
//! What is *not* here: defaults of LimitRanges, which the API server has put into the pod already.

use std::collections::BTreeSet;

use model::Quantity;
use model::ResourceList;
use model::k8s::pod::{Container, PodSpec, ResourceRequirements};
use model::resources::{self, CPU, HUGEPAGES_PREFIX, MEMORY, PODS};

/// What one pod takes of a node, with one `pods`.
pub fn effective(spec: &PodSpec) -> ResourceList {
    let mut requests = of_containers(spec);
    if let Some(whole) = &spec.resources {
        replace_by_pod_level(&mut requests, whole);
    }
    resources::add_to(&mut requests, &spec.overhead);
    requests.insert(PODS.to_owned(), Quantity::from_units(1));
    requests
}

/// What containers, sidecars and init containers need together, at the worst moment.
fn of_containers(spec: &PodSpec) -> ResourceList {
    let mut running = ResourceList::new();
    for container in &spec.containers {
        resources::add_to(&mut running, &container.resources.requests);
    }
    let mut sidecars = ResourceList::new();
    let mut starting = ResourceList::new();
    for container in &spec.init_containers {
        let own = &container.resources.requests;
        let moment = if is_sidecar(container) {
            resources::add_to(&mut running, own);
            resources::add_to(&mut sidecars, own);
            sidecars.clone()
        } else {
            resources::add(own, &sidecars)
        };
        starting = resources::max_each(&starting, &moment);
    }
    resources::max_each(&running, &starting)
}

/// Whether an init container runs as long as the pod does.
pub fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

/// Puts limits in the place of missing requests, as the API server does when a pod is created. A
/// limit of the whole pod counts only where no container says anything.
pub fn fill_in(spec: &mut PodSpec) {
    for container in spec.containers.iter_mut().chain(&mut spec.init_containers) {
        let resources = &mut container.resources;
        for (resource, limit) in &resources.limits {
            let request = resources.requests.entry(resource.clone());
            request.or_insert(*limit);
        }
    }
    let containers = spec.containers.iter().chain(&spec.init_containers);
    let named: BTreeSet<&String> = containers
        .flat_map(|container| container.resources.requests.keys())
        .collect();
    if let Some(whole) = &mut spec.resources {
        for (resource, limit) in &whole.limits {
            if is_for_whole_pod(resource) && !named.contains(resource) {
                whole.requests.entry(resource.clone()).or_insert(*limit);
            }
        }
    }
}

/// Resources that can be asked for on behalf of the whole pod.
fn is_for_whole_pod(resource: &str) -> bool {
    resource == CPU || resource == MEMORY || resource.starts_with(HUGEPAGES_PREFIX)
}

/// Requests of the whole pod go first.
fn replace_by_pod_level(requests: &mut ResourceList, whole: &ResourceRequirements) {
    let supported = whole
        .requests
        .iter()
        .filter(|(resource, _)| is_for_whole_pod(resource));
    requests.extend(supported.map(|(resource, amount)| (resource.clone(), *amount)));
}

#[cfg(test)]
mod tests;
