//! Merge, JSON and strategic merge patches.

use serde_json::json;

use crate::world::{World, config_map, deployment};

pub(crate) async fn merge_patch_removes_by_null(w: &World) {
    let object = config_map("a", &json!({"keep": "1", "drop": "2"}));
    w.post(&w.core("configmaps"), &object).await.expect(201);
    let change = json!({"data": {"drop": null, "new": "3"}});
    let after = w.merge(&w.core("configmaps/a"), &change).await.expect(200);
    assert_eq!(after["data"], json!({"keep": "1", "new": "3"}));
}

pub(crate) async fn json_patch_tests_and_replaces(w: &World) {
    w.post(&w.core("configmaps"), &config_map("a", &json!({"k": "1"})))
        .await
        .expect(201);
    let ops = json!([
        {"op": "test", "path": "/data/k", "value": "1"},
        {"op": "replace", "path": "/data/k", "value": "2"},
        {"op": "add", "path": "/metadata/labels", "value": {"a.b/c": "y"}},
        {"op": "copy", "from": "/metadata/labels/a.b~1c", "path": "/data/copied"},
    ]);
    let path = w.core("configmaps/a");
    let after = w
        .patch_as(&path, "application/json-patch+json", &ops)
        .await
        .expect(200);
    assert_eq!(after["data"], json!({"k": "2", "copied": "y"}));
}

pub(crate) async fn json_patch_that_does_not_fit_is_refused(w: &World) {
    w.post(&w.core("configmaps"), &config_map("a", &json!({"k": "1"})))
        .await
        .expect(201);
    let path = w.core("configmaps/a");
    for ops in [
        json!([{"op": "test", "path": "/data/k", "value": "2"}]),
        json!([{"op": "remove", "path": "/data/missing"}]),
    ] {
        let answer = w.patch_as(&path, "application/json-patch+json", &ops).await;
        answer.refused(422, "Invalid");
    }
    assert_eq!(w.get(&path).await.expect(200)["data"]["k"], "1");
}

pub(crate) async fn strategic_patch_merges_lists_by_key(w: &World) {
    let path = w.group("apps/v1", "deployments");
    w.post(&path, &deployment("a")).await.expect(201);
    let media = "application/strategic-merge-patch+json";
    let change = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "main", "env": [{"name": "A", "value": "1"}]},
        {"name": "side", "image": "example.com/side:1"},
    ]}}}});
    let path = format!("{path}/a");
    let after = w.patch_as(&path, media, &change).await.expect(200);
    let containers = &after["spec"]["template"]["spec"]["containers"];
    assert_eq!(containers.as_array().unwrap().len(), 2, "{containers:#}");
    let main = containers
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["name"] == "main")
        .unwrap();
    assert_eq!(main["image"], "example.com/app:1");
    assert_eq!(main["env"][0]["value"], "1");
    let change = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "side", "$patch": "delete"},
    ]}}}});
    let after = w.patch_as(&path, media, &change).await.expect(200);
    assert_eq!(
        after["spec"]["template"]["spec"]["containers"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

pub(crate) async fn patch_with_an_old_resource_version_conflicts(w: &World) {
    let first = w
        .post(&w.core("configmaps"), &config_map("a", &json!({"k": "1"})))
        .await
        .expect(201);
    let path = w.core("configmaps/a");
    w.merge(&path, &json!({"data": {"k": "2"}}))
        .await
        .expect(200);
    let version = first["metadata"]["resourceVersion"].clone();
    let change = json!({"metadata": {"resourceVersion": version}, "data": {"k": "3"}});
    w.merge(&path, &change).await.refused(409, "Conflict");
}

pub(crate) async fn patch_of_a_missing_object_is_not_found(w: &World) {
    let change = json!({"data": {"k": "2"}});
    let message = w
        .merge(&w.core("configmaps/nope"), &change)
        .await
        .refused(404, "NotFound");
    assert_eq!(message, "configmaps \"nope\" not found");
}

pub(crate) async fn unknown_patch_types_are_refused(w: &World) {
    w.post(&w.core("configmaps"), &config_map("a", &json!({})))
        .await
        .expect(201);
    let path = w.core("configmaps/a");
    let answer = w.patch_as(&path, "application/json", &json!({})).await;
    answer.refused(415, "UnsupportedMediaType");
}
