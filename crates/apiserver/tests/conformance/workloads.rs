//! Kinds with a pod template.

use serde_json::json;

use crate::world::{World, deployment};

pub(crate) async fn get_their_defaults(w: &World) {
    let path = format!("{}?dryRun=All", w.group("apps/v1", "deployments"));
    let made = w.post(&path, &deployment("a")).await.expect(201);
    let spec = &made["spec"];
    assert_eq!(spec["replicas"], 1);
    assert_eq!(spec["revisionHistoryLimit"], 10);
    assert_eq!(spec["progressDeadlineSeconds"], 600);
    let rolling = json!({"maxUnavailable": "25%", "maxSurge": "25%"});
    assert_eq!(
        spec["strategy"],
        json!({"type": "RollingUpdate", "rollingUpdate": rolling})
    );
    assert_eq!(spec["template"]["spec"]["restartPolicy"], "Always");
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"},
        "spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "main", "image": "i"}],
        }}},
    });
    let path = format!("{}?dryRun=All", w.group("batch/v1", "jobs"));
    let made = w.post(&path, &job).await.expect(201);
    let spec = &made["spec"];
    assert_eq!(
        (&spec["completions"], &spec["parallelism"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(spec["backoffLimit"], 6);
    let labels = &spec["template"]["metadata"]["labels"];
    assert_eq!(labels["batch.kubernetes.io/job-name"], "a");
    let uid = &spec["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"];
    assert_eq!(*uid, made["metadata"]["uid"]);
}

pub(crate) async fn need_a_selector_that_matches(w: &World) {
    let path = w.group("apps/v1", "deployments");
    let mut object = deployment("a");
    object["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
    let causes = w.post(&path, &object).await.causes();
    assert_eq!(
        causes,
        [
            "spec.template.metadata.labels: Invalid value: {\"app\":\"other\"}: `selector` does not \
          match template `labels`"
        ]
    );
    object["spec"].as_object_mut().unwrap().remove("selector");
    let causes = w.post(&path, &object).await.causes();
    assert!(
        causes.contains(&"spec.selector: Required value".to_owned()),
        "{causes:?}"
    );
    w.post(&path, &deployment("b")).await.expect(201);
    let change = json!({"spec": {
        "selector": {"matchLabels": {"app": "c"}},
        "template": {"metadata": {"labels": {"app": "c"}}},
    }});
    let causes = w.merge(&format!("{path}/b"), &change).await.causes();
    assert!(causes[0].ends_with("field is immutable"), "{causes:?}");
}

pub(crate) async fn scale_by_the_scale_subresource(w: &World) {
    let path = w.group("apps/v1", "deployments");
    let mut object = deployment("a");
    object["spec"]["paused"] = true.into();
    object["spec"]["replicas"] = 0.into();
    w.post(&path, &object).await.expect(201);
    let scale = w.get(&format!("{path}/a/scale")).await.expect(200);
    assert_eq!(scale["kind"], "Scale");
    assert_eq!(
        scale["spec"].get("replicas").cloned().unwrap_or(json!(0)),
        0
    );
    assert_eq!(scale["status"]["selector"], "app=a");
    let change = json!({"spec": {"replicas": 3}});
    let after = w
        .merge(&format!("{path}/a/scale"), &change)
        .await
        .expect(200);
    assert_eq!(after["spec"]["replicas"], 3);
    assert_eq!(
        w.get(&format!("{path}/a")).await.expect(200)["spec"]["replicas"],
        3
    );
    let change = json!({"spec": {"replicas": -1}});
    let causes = w.merge(&format!("{path}/a/scale"), &change).await.causes();
    assert_eq!(
        causes,
        ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]
    );
}
