//! Pods that are scheduled, run, finish and are deleted.

use serde_json::Value;

use crate::Check;
use crate::kubectl::{Kubectl, condition, now};

pub(crate) const CHECKS: &[Check] = &[
    ("a deployment runs and goes", a_deployment_runs_and_goes),
    (
        "a pod that fits nowhere is unschedulable",
        a_pod_that_fits_nowhere_is_unschedulable,
    ),
    ("a job completes", a_job_completes),
    (
        "pods labelled unhealthy count as unhealthy",
        unhealthy_pods_count_as_unhealthy,
    ),
    (
        "an eviction waits for the disruption budget",
        an_eviction_waits_for_the_disruption_budget,
    ),
];

pub(crate) const DELETION: &[Check] = &[
    (
        "a deletion takes the time that the process needs",
        a_deletion_takes_the_delay,
    ),
    (
        "a deletion is cut off by the grace period",
        a_deletion_is_cut_off_by_the_grace_period,
    ),
    (
        "a later deletion with less grace cuts it shorter",
        a_later_deletion_cuts_it_shorter,
    ),
];

/// A pod of one container; `more` goes to its metadata.
fn pod(name: &str, namespace: &str, cpu: &str, more: &str) -> String {
    format!(
        "apiVersion: v1\n\
         kind: Pod\n\
         metadata: {{name: {name}, namespace: {namespace}{more}}}\n\
         spec:\n\
         \x20 containers:\n\
         \x20 - name: main\n\
         \x20   image: pause\n\
         \x20   resources: {{requests: {{cpu: {cpu}}}}}\n"
    )
}

fn is_running(pod: &Value) -> bool {
    pod["status"]["phase"] == "Running" && pod["status"]["podIP"].is_string()
}

pub(crate) fn a_pod_is_unschedulable_without_any_node(kubectl: &Kubectl) {
    let namespace = kubectl.namespace("no-nodes");
    kubectl.apply(&pod("alone", namespace, "1", ""));
    kubectl.until("pod alone -n no-nodes", is_unschedulable);
}

fn a_pod_that_fits_nowhere_is_unschedulable(kubectl: &Kubectl) {
    let namespace = kubectl.namespace("too-big");
    kubectl.apply(&pod("big", namespace, "4000", ""));
    kubectl.until("pod big -n too-big", is_unschedulable);
}

fn is_unschedulable(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["reason"] == "Unschedulable")
        && condition(pod, "PodScheduled") == "False"
}

fn a_deployment_runs_and_goes(kubectl: &Kubectl) {
    let namespace = kubectl.namespace("deployment");
    kubectl.run(&format!(
        "create deployment web --image=pause --replicas=3 -n {namespace}"
    ));
    let deployment = format!("deployment web -n {namespace}");
    kubectl.until(&deployment, |web| web["status"]["availableReplicas"] == 3);
    kubectl.run(&format!("delete {deployment}"));
    kubectl.until_gone(&format!("pods -n {namespace}"));
}

fn a_job_completes(kubectl: &Kubectl) {
    let namespace = kubectl.namespace("job");
    kubectl.run(&format!("create job work --image=pause -n {namespace}"));
    let job = format!("job work -n {namespace}");
    kubectl.until(&job, |job| condition(job, "Complete") == "True");
}

fn unhealthy_pods_count_as_unhealthy(kubectl: &Kubectl) {
    let namespace = kubectl.namespace("unhealthy");
    let labels = ", labels: {app: sick, kwok.x-k8s.io/stage: unhealthy}";
    kubectl.apply(&pod("sick", namespace, "1m", labels));
    let running = kubectl.until("pod sick -n unhealthy", is_running_unready);
    assert_eq!(condition(&running, "Ready"), "False");
    kubectl.run(&format!(
        "create pdb sick --selector=app=sick --min-available=1 -n {namespace}"
    ));
    let budget = kubectl.until("pdb sick -n unhealthy", |pdb| {
        pdb["status"]["expectedPods"] == 1
    });
    assert_eq!(budget["status"]["currentHealthy"], 0);
}

fn is_running_unready(pod: &Value) -> bool {
    pod["status"]["phase"] == "Running" && condition(pod, "Ready") == "False"
}

fn an_eviction_waits_for_the_disruption_budget(kubectl: &Kubectl) {
    let namespace = kubectl.namespace("eviction");
    kubectl.apply(&pod("web", namespace, "1m", ", labels: {app: web}"));
    kubectl.until("pod web -n eviction", is_running);
    kubectl.run(&format!(
        "create pdb web --selector=app=web --min-available=1 -n {namespace}"
    ));
    kubectl.until("pdb web -n eviction", |pdb| {
        pdb["status"]["currentHealthy"] == 1
    });
    let refused = evict(kubectl).unwrap_err();
    assert!(refused.contains("TooManyRequests"), "{refused}");
    kubectl.run("delete pdb web -n eviction");
    evict(kubectl).unwrap();
    kubectl.until_gone("pod web -n eviction");
}

fn evict(kubectl: &Kubectl) -> Result<String, String> {
    let path = "/api/v1/namespaces/eviction/pods/web/eviction";
    let body = r#"{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web"}}"#;
    kubectl.try_with(&format!("create --raw {path} -f -"), body)
}

/// A running pod whose process takes this long to exit.
fn slow_pod(kubectl: &Kubectl, name: &'static str, delay: &str) -> String {
    kubectl.namespace(name);
    let annotation = format!("pod-delete.stage.kwok.x-k8s.io/delay: {delay}");
    kubectl.apply(&pod(
        "slow",
        name,
        "1m",
        &format!(", annotations: {{{annotation}}}"),
    ));
    let what = format!("pod slow -n {name}");
    kubectl.until(&what, is_running);
    what
}

fn a_deletion_takes_the_delay(kubectl: &Kubectl) {
    let pod = slow_pod(kubectl, "delayed", "3s");
    let start = now();
    kubectl.run(&format!("delete {pod} --grace-period=3600 --wait=false"));
    kubectl.until_gone(&pod);
    // Times in objects are whole seconds, rounded down: up to one may be missing.
    assert!(
        start.elapsed().as_millis() >= 2_000,
        "gone after {:?}",
        start.elapsed()
    );
}

fn a_deletion_is_cut_off_by_the_grace_period(kubectl: &Kubectl) {
    let pod = slow_pod(kubectl, "cut-off", "5h");
    kubectl.run(&format!("delete {pod} --grace-period=1 --wait=false"));
    kubectl.until_gone(&pod);
}

fn a_later_deletion_cuts_it_shorter(kubectl: &Kubectl) {
    let pod = slow_pod(kubectl, "shortened", "5h");
    kubectl.run(&format!("delete {pod} --grace-period=36000 --wait=false"));
    kubectl.until(&pod, |pod| {
        pod["metadata"]["deletionGracePeriodSeconds"] == 36_000
    });
    kubectl.run(&format!("delete {pod} --grace-period=1 --wait=false"));
    kubectl.until_gone(&pod);
}
