//! What workloads become whose pods are not in the input: pods with their volumes, and where the
//! default spread of a scheduler's configuration sends them.

mod common;

use std::collections::BTreeSet;
use std::io::Write as _;

use common::{json, karp, stderr};
use serde_json::{Value, json};

const POOL: &str = "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: default}\nspec: {template: {spec: \
                    {nodeClassRef: {group: karpenter.kwok.sh, kind: KWOKNodeClass, name: default}, requirements: []}}}\n---\n";
const QUEUE: &str = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: queue}\nspec:\n  replicas: 2\n  \
                     ordinals: {start: 1}\n  selector: {matchLabels: {app: queue}}\n  template:\n    metadata: {labels: {app: queue}}\n    \
                     spec: {containers: [{name: c, resources: {requests: {cpu: 500m}}}]}\n  volumeClaimTemplates:\n  \
                     - metadata: {name: data}\n    spec: {accessModes: [ReadWriteOnce]}\n---\n";
const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 3\n  selector: {matchLabels: {app: web}}\n  \
                   template:\n    metadata: {labels: {app: web}}\n    \
                   spec: {containers: [{name: c, resources: {requests: {cpu: 500m, memory: 1Gi}}}]}\n---\n";

fn class(name: &str, annotations: &str, zone: &str) -> String {
    format!(
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {{name: {name}, annotations: {{{annotations}}}}}\n\
         provisioner: ebs.csi.aws.com\nvolumeBindingMode: WaitForFirstConsumer\nallowedTopologies:\n\
         - matchLabelExpressions: [{{key: topology.kubernetes.io/zone, values: [{zone}]}}]\n---\n"
    )
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn plan(text: &str, code: i32, more: &[&str]) -> Value {
    let file = file(text);
    let path = file.path().to_str().unwrap();
    let mut args = vec![
        "plan",
        "-f",
        path,
        "-o",
        "json",
        "--now",
        "2026-01-01T12:00:00Z",
    ];
    args.extend(more);
    json(&args, code)["provisioning"].clone()
}

/// The zone of the new node that a pod goes to.
fn zone_of(provisioning: &Value, pod: &str) -> String {
    let claims = provisioning["newNodeClaims"].as_array().unwrap();
    let has = |claim: &&Value| claim["pods"].as_array().unwrap().contains(&json!(pod));
    let claim = claims.iter().find(has).unwrap();
    claim["launch"]["zone"].as_str().unwrap().to_owned()
}

/// Claims decide the zone, those that are there and those that are still to be made.
#[test]
fn a_stateful_sets_pods_have_their_own_claims_of_the_default_class() {
    let default = "storageclass.kubernetes.io/is-default-class: \"true\"";
    let classes = class("other", "", "test-zone-a") + &class("disks", default, "test-zone-b");
    let kept = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data-queue-2, annotations: \
                {pv.kubernetes.io/bind-completed: \"yes\"}}\nspec: {volumeName: kept}\n---\n\
                apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: kept}\nspec:\n  csi: {driver: ebs.csi.aws.com, volumeHandle: v}\n  \
                nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: \
                [{key: topology.kubernetes.io/zone, operator: In, values: [test-zone-c]}]}]}}\n---\n";
    let provisioning = plan(&(POOL.to_owned() + QUEUE + &classes + kept), 0, &[]);
    assert_eq!(zone_of(&provisioning, "default/queue-1"), "test-zone-b");
    assert_eq!(zone_of(&provisioning, "default/queue-2"), "test-zone-c");
}

#[test]
fn a_claim_that_no_class_makes_a_volume_for_keeps_its_pod_waiting() {
    let provisioning = plan(&(POOL.to_owned() + QUEUE), 2, &[]);
    let left = &provisioning["unschedulable"];
    assert_eq!(left[0]["pod"], "default/queue-1");
    let reason = left[0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("storage class") && reason.contains("default/data-queue-1"),
        "{reason}"
    );
}

#[test]
fn a_volume_of_the_template_gives_way_to_a_claim_of_its_name() {
    let classes = class(
        "disks",
        "storageclass.kubernetes.io/is-default-class: \"true\"",
        "test-zone-b",
    );
    let queue = QUEUE.replace(
        "spec: {containers:",
        "spec: {volumes: [{name: data, persistentVolumeClaim: {claimName: gone}}], containers:",
    );
    let provisioning = plan(&(POOL.to_owned() + &queue + &classes), 0, &[]);
    assert_eq!(zone_of(&provisioning, "default/queue-1"), "test-zone-b");
}

/// A Deployment's pods are spread over the selector of the ReplicaSet that it makes.
#[test]
fn the_scheduler_configuration_spreads_pods_that_declare_nothing() {
    let configuration = file(
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles:\n\
         - pluginConfig:\n  - name: PodTopologySpread\n    args:\n      defaultingType: List\n      defaultConstraints:\n      \
         - {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule}\n",
    );
    let zones = |provisioning: &Value| -> BTreeSet<String> {
        let pods = (0..3).map(|number| format!("default/web-{number}"));
        pods.map(|pod| zone_of(provisioning, &pod)).collect()
    };
    let text = POOL.to_owned() + WEB;
    assert_eq!(zones(&plan(&text, 0, &[])).len(), 1);
    let path = configuration.path().to_str().unwrap();
    let flags = ["--scheduler-config", path];
    assert_eq!(zones(&plan(&text, 0, &flags)).len(), 3);
}

#[test]
fn a_scheduler_configuration_that_is_none_is_refused_with_its_name() {
    let (configuration, text) = (file("podSpread: {}"), file(&(POOL.to_owned() + WEB)));
    let path = configuration.path().to_str().unwrap();
    let manifests = text.path().to_str().unwrap();
    let output = karp(&["plan", "-f", manifests, "--scheduler-config", path]);
    assert_eq!(output.status.code(), Some(1));
    let error = stderr(&output);
    assert!(
        error.contains(path) && error.contains("podSpread"),
        "{error}"
    );
}
