//! Update.

use serde_json::json;

use crate::world::{World, config_map, deployment, pod};

pub(crate) async fn needs_the_current_resource_version(w: &World) {
    let first = w
        .post(&w.core("configmaps"), &config_map("a", &json!({"k": "1"})))
        .await
        .expect(201);
    let mut change = first.clone();
    change["data"]["k"] = "2".into();
    let second = w.put(&w.core("configmaps/a"), &change).await.expect(200);
    assert_ne!(
        second["metadata"]["resourceVersion"],
        first["metadata"]["resourceVersion"]
    );
    change["data"]["k"] = "3".into();
    let message = w
        .put(&w.core("configmaps/a"), &change)
        .await
        .refused(409, "Conflict");
    assert_eq!(
        message,
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please \
         apply your changes to the latest version and try again"
    );
    // Built-in kinds take an update that names no version.
    change["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("resourceVersion");
    assert_eq!(
        w.put(&w.core("configmaps/a"), &change).await.expect(200)["data"]["k"],
        "3"
    );
}

pub(crate) async fn refuses_another_name_or_uid(w: &World) {
    w.post(&w.core("configmaps"), &config_map("a", &json!({})))
        .await
        .expect(201);
    let other = config_map("b", &json!({}));
    let message = w
        .put(&w.core("configmaps/a"), &other)
        .await
        .refused(400, "BadRequest");
    assert_eq!(
        message,
        "the name of the object (b) does not match the name on the URL (a)"
    );
    let mut other = config_map("a", &json!({}));
    other["metadata"]["uid"] = "11111111-1111-1111-1111-111111111111".into();
    let message = w
        .put(&w.core("configmaps/a"), &other)
        .await
        .refused(409, "Conflict");
    assert!(
        message.contains("Precondition failed: UID in precondition"),
        "{message}"
    );
}

pub(crate) async fn changes_nothing_when_nothing_changed(w: &World) {
    let first = w
        .post(&w.core("configmaps"), &config_map("a", &json!({"k": "1"})))
        .await
        .expect(201);
    let same = w.put(&w.core("configmaps/a"), &first).await.expect(200);
    assert_eq!(
        same["metadata"]["resourceVersion"],
        first["metadata"]["resourceVersion"]
    );
    let same = w
        .merge(&w.core("configmaps/a"), &json!({"data": {"k": "1"}}))
        .await
        .expect(200);
    assert_eq!(
        same["metadata"]["resourceVersion"],
        first["metadata"]["resourceVersion"]
    );
}

pub(crate) async fn keeps_status_out_of_the_main_path(w: &World) {
    w.post(&w.core("pods"), &pod("a")).await.expect(201);
    let change = json!({"metadata": {"labels": {"x": "y"}}, "status": {"podIP": "10.0.0.1"}});
    let after = w.merge(&w.core("pods/a"), &change).await.expect(200);
    assert_eq!(after["metadata"]["labels"]["x"], "y");
    assert!(after["status"]["podIP"].is_null());
    let change = json!({
        "spec": {"activeDeadlineSeconds": 5},
        "status": {"conditions": [{"type": "Probe", "status": "True"}]},
    });
    let after = w.merge(&w.core("pods/a/status"), &change).await.expect(200);
    assert!(after["spec"]["activeDeadlineSeconds"].is_null());
    assert_eq!(after["status"]["conditions"][0]["type"], "Probe");
}

pub(crate) async fn counts_generations_by_spec(w: &World) {
    let path = w.group("apps/v1", "deployments");
    let mut object = deployment("a");
    object["spec"]["paused"] = true.into();
    object["spec"]["replicas"] = 0.into();
    let made = w.post(&path, &object).await.expect(201);
    assert_eq!(made["metadata"]["generation"], 1);
    let one = format!("{path}/a");
    let labelled = w
        .merge(&one, &json!({"metadata": {"labels": {"x": "y"}}}))
        .await
        .expect(200);
    assert_eq!(labelled["metadata"]["generation"], 1);
    let changed = w
        .merge(&one, &json!({"spec": {"minReadySeconds": 1}}))
        .await
        .expect(200);
    assert_eq!(changed["metadata"]["generation"], 2);
}
