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
//! What is *not* here: defaults of LimitRanges, which the API server has put into the pod already.

use model::Quantity;
use model::ResourceList;
use model::k8s::pod::{Container, PodSpec, ResourceRequirements};
use model::resources::{self, CPU, HUGEPAGES_PREFIX, MEMORY, PODS};

/// What one pod takes of a node, with one `pods`.
///
/// A limit without a request counts as the request, as the API server has it.
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
        resources::add_to(&mut running, &of_container(&container.resources));
    }
    let mut sidecars = ResourceList::new();
    let mut starting = ResourceList::new();
    for container in &spec.init_containers {
        let own = of_container(&container.resources);
        let moment = if is_sidecar(container) {
            resources::add_to(&mut running, &own);
            resources::add_to(&mut sidecars, &own);
            sidecars.clone()
        } else {
            resources::add(&own, &sidecars)
        };
        starting = resources::max_each(&starting, &moment);
    }
    resources::max_each(&running, &starting)
}

/// Whether an init container runs as long as the pod does.
pub fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

/// Requests, with limits where nothing is requested.
pub fn of_container(resources: &ResourceRequirements) -> ResourceList {
    let mut requests = resources.requests.clone();
    for (resource, limit) in &resources.limits {
        requests.entry(resource.clone()).or_insert(*limit);
    }
    requests
}

/// Resources of the whole pod go first. A pod-level limit without a pod-level request counts only
/// where no container says anything.
fn replace_by_pod_level(requests: &mut ResourceList, whole: &ResourceRequirements) {
    let supported = |resource: &str| {
        resource == CPU || resource == MEMORY || resource.starts_with(HUGEPAGES_PREFIX)
    };
    for (resource, amount) in whole
        .requests
        .iter()
        .filter(|(resource, _)| supported(resource))
    {
        requests.insert(resource.clone(), *amount);
    }
    for (resource, limit) in whole
        .limits
        .iter()
        .filter(|(resource, _)| supported(resource))
    {
        if !whole.requests.contains_key(resource) {
            requests.entry(resource.clone()).or_insert(*limit);
        }
    }
}

#[cfg(test)]
mod tests;
