//! Room that is kept for pods that do not exist yet, against an API server, in virtual time.

mod common;

use std::time::Duration;

use apiserver::{DeleteOptions, NODES, PODS, Resource, WriteOptions};
use common::{CLAIMS, Fault, Rig};
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_mins(1);
const GATE: [&str; 2] = ["--feature-gates", "CapacityBuffer=true"];
const BUFFERS: Resource<'static> =
    Resource::new("autoscaling.x-k8s.io", "v1beta1", "capacitybuffers");
const TEMPLATES: Resource<'static> = Resource::new("", "v1", "podtemplates");
const STATEFUL_SETS: Resource<'static> = Resource::new("apps", "v1", "statefulsets");
const DEPLOYMENTS: Resource<'static> = Resource::new("apps", "v1", "deployments");

/// The spec of pods of 1 CPU.
fn pods(cpu: &str) -> Value {
    json!({"metadata": {"labels": {"app": "kept"}}, "spec": {"containers": [{"name": "main",
        "image": "pause", "resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}]}})
}

fn template(rig: &Rig, name: &str) {
    let template = json!({"apiVersion": "v1", "kind": "PodTemplate",
        "metadata": {"name": name, "namespace": "default"}, "template": pods("1")});
    rig.server
        .create(TEMPLATES, "default", template)
        .expect("a template");
}

fn buffer(rig: &Rig, name: &str, spec: Value) {
    let buffer = json!({"apiVersion": "autoscaling.x-k8s.io/v1beta1", "kind": "CapacityBuffer",
        "metadata": {"name": name, "namespace": "default"}, "spec": spec});
    rig.server
        .create(BUFFERS, "default", buffer)
        .expect("a buffer");
}

/// Status and reason of a condition of a buffer.
fn stands(rig: &Rig, name: &str, r#type: &str) -> (String, String) {
    let all = rig.list(BUFFERS);
    let of = |buffer: &&Value| buffer["metadata"]["name"] == name;
    let conditions = all.iter().find(of).expect("the buffer")["status"]["conditions"].clone();
    let conditions = conditions.as_array().cloned().unwrap_or_default();
    let held = conditions.into_iter().find(|held| held["type"] == r#type);
    let held = held.unwrap_or_default();
    let text = |field: &str| held[field].as_str().unwrap_or_default().to_owned();
    (text("status"), text("reason"))
}

async fn until_stands(rig: &Rig, name: &str, r#type: &str, wanted: (&str, &str)) {
    let what = format!("{name} is {type} {wanted:?}");
    rig.until(2 * MINUTE, &what, |rig| {
        let (status, reason) = stands(rig, name, r#type);
        (&*status, &*reason) == wanted
    })
    .await;
}

async fn until_fits(rig: &Rig, name: &str) {
    until_stands(rig, name, "Provisioning", ("True", "FitsExistingCapacity")).await;
}

fn names(rig: &Rig) -> Vec<String> {
    let name = |node: &Value| node["metadata"]["name"].as_str().map(str::to_owned);
    let mut names: Vec<String> = rig.list(NODES).iter().filter_map(name).collect();
    names.sort();
    names
}

/// SCH-281, SCH-283, SCH-286, CB-15: room is made, kept, used, made again, and given up with the
/// buffer.
#[tokio::test(start_paused = true)]
async fn room_is_kept_as_long_as_its_buffer_wants_it() {
    let mut rig = Rig::new();
    template(&rig, "t");
    buffer(
        &rig,
        "b",
        json!({"podTemplateRef": {"name": "t"}, "replicas": 3}),
    );
    rig.start_with(&GATE);
    until_stands(&rig, "b", "ReadyForProvisioning", ("True", "Resolved")).await;
    until_fits(&rig, "b").await;
    let status = rig.list(BUFFERS)[0]["status"].clone();
    assert_eq!(status["replicas"], 3);
    assert_eq!(status["podTemplateRef"]["name"], "t");
    let nodes = names(&rig);
    assert!(!nodes.is_empty());
    assert_eq!(
        rig.list(PODS),
        Vec::<Value>::new(),
        "such pods are no objects"
    );
    // Nobody is on them, and yet they stay; also after a restart.
    rig.clock.sleep(10 * MINUTE).await;
    assert_eq!(names(&rig), nodes);
    rig.crash().await;
    rig.start_with(&GATE);
    rig.clock.sleep(5 * MINUTE).await;
    assert_eq!(names(&rig), nodes);
    assert_eq!(
        rig.cloud.launched(),
        nodes.len(),
        "nothing was launched in vain"
    );
    // Nothing was said to pods that do not exist.
    let about_pods = rig.list(apiserver::EVENTS);
    let about_pods = about_pods
        .iter()
        .filter(|event| event["involvedObject"]["kind"] == "Pod");
    assert_eq!(about_pods.count(), 0);
    // Real pods get the room at once, and the buffer gets other room.
    rig.scale_up("web", 3);
    rig.until(
        Duration::from_secs(10),
        "the pods run at once",
        Rig::all_running,
    )
    .await;
    rig.until(2 * MINUTE, "there is room again", |rig| {
        names(rig).len() > nodes.len()
    })
    .await;
    until_fits(&rig, "b").await;
    rig.scale_down();
    let gone = rig
        .server
        .delete(BUFFERS, "default", "b", &DeleteOptions::now());
    gone.expect("a deletion");
    rig.until(5 * MINUTE, "everything is gone", Rig::is_bare)
        .await;
}

/// SCH-281, SCH-283, CB-09, CB-10: what a buffer names may come later, change, and go.
#[tokio::test(start_paused = true)]
async fn a_buffer_says_what_is_missing() {
    let mut rig = Rig::new();
    rig.start_with(&GATE);
    buffer(
        &rig,
        "t",
        json!({"podTemplateRef": {"name": "t"}, "replicas": 1}),
    );
    let deployment = json!({"kind": "Deployment", "apiGroup": "apps", "name": "web"});
    buffer(
        &rig,
        "w",
        json!({"scalableRef": deployment, "percentage": 50}),
    );
    buffer(
        &rig,
        "j",
        json!({"scalableRef": {"kind": "Job", "apiGroup": "batch", "name": "x"}, "replicas": 1}),
    );
    let ready = "ReadyForProvisioning";
    until_stands(&rig, "t", ready, ("False", "PodTemplateNotFound")).await;
    until_stands(&rig, "w", ready, ("False", "ScalableRefNotFound")).await;
    until_stands(&rig, "j", ready, ("False", "ResolutionFailed")).await;
    until_stands(
        &rig,
        "t",
        "Provisioning",
        ("False", "NotReadyForProvisioning"),
    )
    .await;
    assert_eq!(rig.list(CLAIMS), Vec::<Value>::new());
    template(&rig, "t");
    let workload = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "kept"}}, "template": pods("1")}});
    rig.server
        .create(DEPLOYMENTS, "default", workload)
        .expect("a deployment");
    until_stands(&rig, "t", ready, ("True", "Resolved")).await;
    until_stands(&rig, "w", ready, ("True", "Resolved")).await;
    until_fits(&rig, "t").await;
    until_fits(&rig, "w").await;
    let sizes = |rig: &Rig| -> Vec<i64> {
        let buffers = rig.list(BUFFERS);
        buffers
            .iter()
            .filter_map(|buffer| buffer["status"]["replicas"].as_i64())
            .collect()
    };
    assert_eq!(sizes(&rig), [1, 2], "half of three pods, rounded up");
    // A change of the template shows at once, one of the workload with the next look.
    let options = WriteOptions::default();
    let grown = rig
        .server
        .modify(TEMPLATES, "default", "t", &options, |template| {
            template["template"] = pods("400");
        });
    grown.expect("a change");
    until_stands(&rig, "t", "Provisioning", ("False", "RequiresNewCapacity")).await;
    let scaled = rig
        .server
        .modify(DEPLOYMENTS, "default", "web", &options, |deployment| {
            deployment["spec"]["replicas"] = json!(0);
        });
    scaled.expect("a change");
    until_stands(&rig, "w", "Provisioning", ("False", "BufferEmpty")).await;
    rig.server
        .delete(TEMPLATES, "default", "t", &DeleteOptions::now())
        .expect("a deletion");
    until_stands(&rig, "t", ready, ("False", "PodTemplateNotFound")).await;
    rig.until(5 * MINUTE, "no room is kept", |rig| {
        rig.list(CLAIMS).is_empty()
    })
    .await;
}

/// SCH-285, CB-14: what a buffer's pods look like is read when the buffer or its template is new
/// and not for each pass, for several buffers at once. What can't be read is read again, and what
/// is missing keeps nobody waiting.
#[tokio::test(start_paused = true)]
async fn a_buffer_is_read_when_it_is_new_and_again_after_a_failure() {
    let mut rig = Rig::new();
    template(&rig, "shared");
    template(&rig, "late");
    // The client itself asks five times before it gives up.
    for _ in 0..14 {
        rig.wire
            .aim("GET", "/podtemplates/late", Fault::LostRequest);
    }
    let names_template = |name: &str| json!({"podTemplateRef": {"name": name}, "replicas": 1});
    let several = ["b-0", "b-1", "b-2", "b-3", "b-4"];
    for name in several {
        buffer(&rig, name, names_template("shared"));
    }
    buffer(&rig, "late", names_template("late"));
    buffer(&rig, "lost", names_template("lost"));
    rig.start_with(&GATE);
    let ready = "ReadyForProvisioning";
    until_stands(&rig, "late", ready, ("False", "ResolutionFailed")).await;
    for name in several {
        until_stands(&rig, name, ready, ("True", "Resolved")).await;
    }
    until_stands(&rig, "lost", ready, ("False", "PodTemplateNotFound")).await;
    until_stands(&rig, "late", ready, ("True", "Resolved")).await;
    assert!(rig.wire.reads("/podtemplates/late") >= 15);
    let reads = rig.wire.reads("/podtemplates/shared");
    let news = ["the buffer", "its template"];
    assert!(reads <= several.len() * news.len(), "{reads}");
    for name in several.into_iter().chain(["late"]) {
        until_fits(&rig, name).await;
    }
    let reads = rig.wire.reads("/podtemplates/shared");
    // Two passes within the half minute after which buffers are looked at again.
    for name in ["new-1", "new-2"] {
        buffer(&rig, name, names_template("late"));
        until_stands(&rig, name, ready, ("True", "Resolved")).await;
        let decided = |rig: &Rig| !stands(rig, name, "Provisioning").0.is_empty();
        rig.until(Duration::from_secs(4), "a pass", decided).await;
    }
    assert_eq!(rig.wire.reads("/podtemplates/shared"), reads);
}

/// CB-11: a workload that does not say how many pods it has has one.
#[tokio::test(start_paused = true)]
async fn a_workload_that_names_no_number_has_one_pod() {
    let mut rig = Rig::new();
    let mut set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"serviceName": "web", "selector": {"matchLabels": {"app": "kept"}},
            "template": pods("1")}});
    set["spec"]["replicas"] = Value::Null;
    rig.server
        .create(STATEFUL_SETS, "default", set)
        .expect("a workload");
    let named = json!({"kind": "StatefulSet", "apiGroup": "apps", "name": "web"});
    buffer(&rig, "b", json!({"scalableRef": named, "percentage": 200}));
    rig.start_with(&GATE);
    until_stands(&rig, "b", "ReadyForProvisioning", ("True", "Resolved")).await;
    assert_eq!(rig.list(BUFFERS)[0]["status"]["replicas"], 2);
}

/// Without the gate buffers are not looked at.
#[tokio::test(start_paused = true)]
async fn without_the_gate_no_room_is_kept() {
    let mut rig = Rig::new();
    template(&rig, "t");
    buffer(
        &rig,
        "b",
        json!({"podTemplateRef": {"name": "t"}, "replicas": 3}),
    );
    rig.start();
    rig.clock.sleep(3 * MINUTE).await;
    assert_eq!(rig.list(CLAIMS), Vec::<Value>::new());
    assert_eq!(rig.list(BUFFERS)[0]["status"], Value::Null);
}
