//! Server-side apply.

use serde_json::{Value, json};

use crate::world::{World, config_map, deployment};

fn path(w: &World, manager: &str) -> String {
    format!("{}?fieldManager={manager}", w.core("configmaps/a"))
}

fn manager<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let list = object["metadata"]["managedFields"].as_array()?;
    list.iter().find(|m| m["manager"] == name)
}

pub(crate) async fn creates_and_owns(w: &World) {
    let made = w
        .apply(&path(w, "one"), &config_map("a", &json!({"k": "1"})))
        .await
        .expect(201);
    let entry = manager(&made, "one").unwrap();
    assert_eq!(entry["operation"], "Apply");
    assert_eq!(entry["apiVersion"], "v1");
    assert_eq!(entry["fieldsV1"], json!({"f:data": {"f:k": {}}}));
}

pub(crate) async fn conflicts_name_the_other_manager(w: &World) {
    w.apply(
        &path(w, "one"),
        &config_map("a", &json!({"k": "1", "l": "1"})),
    )
    .await
    .expect(201);
    let one = config_map("a", &json!({"k": "2"}));
    let answer = w.apply(&path(w, "two"), &one).await;
    let causes = answer.body["details"]["causes"].clone();
    let message = answer.refused(409, "Conflict");
    assert_eq!(
        message,
        "Apply failed with 1 conflict: conflict with \"one\": .data.k"
    );
    assert_eq!(
        causes,
        json!([{
            "reason": "FieldManagerConflict", "message": "conflict with \"one\"", "field": ".data.k",
        }])
    );
    let both = config_map("a", &json!({"k": "2", "l": "2"}));
    let message = w
        .apply(&path(w, "two"), &both)
        .await
        .refused(409, "Conflict");
    assert_eq!(
        message,
        "Apply failed with 2 conflicts: conflicts with \"one\":\n- .data.k\n- .data.l"
    );
    // The same value is no conflict: both own the field.
    let same = config_map("a", &json!({"k": "1"}));
    let after = w.apply(&path(w, "two"), &same).await.expect(200);
    assert_eq!(
        manager(&after, "two").unwrap()["fieldsV1"],
        json!({"f:data": {"f:k": {}}})
    );
    assert!(manager(&after, "one").unwrap()["fieldsV1"]["f:data"]["f:k"].is_object());
}

pub(crate) async fn force_takes_the_field(w: &World) {
    w.apply(
        &path(w, "one"),
        &config_map("a", &json!({"k": "1", "l": "1"})),
    )
    .await
    .expect(201);
    let forced = format!("{}&force=true", path(w, "two"));
    let after = w
        .apply(&forced, &config_map("a", &json!({"k": "2"})))
        .await
        .expect(200);
    assert_eq!(after["data"], json!({"k": "2", "l": "1"}));
    assert_eq!(
        manager(&after, "one").unwrap()["fieldsV1"],
        json!({"f:data": {"f:l": {}}})
    );
}

pub(crate) async fn gives_up_what_is_no_longer_said(w: &World) {
    w.apply(
        &path(w, "one"),
        &config_map("a", &json!({"k": "1", "l": "1"})),
    )
    .await
    .expect(201);
    let after = w
        .apply(&path(w, "one"), &config_map("a", &json!({"l": "1"})))
        .await
        .expect(200);
    assert_eq!(after["data"], json!({"l": "1"}));
}

pub(crate) async fn keeps_what_another_manager_wants_too(w: &World) {
    w.apply(
        &path(w, "one"),
        &config_map("a", &json!({"k": "1", "l": "1"})),
    )
    .await
    .expect(201);
    w.apply(&path(w, "two"), &config_map("a", &json!({"k": "1"})))
        .await
        .expect(200);
    let after = w
        .apply(&path(w, "one"), &config_map("a", &json!({"l": "1"})))
        .await
        .expect(200);
    assert_eq!(after["data"], json!({"k": "1", "l": "1"}));
    // An update by somebody else takes the field away from both.
    let change = json!({"data": {"k": "3"}});
    let after = w.merge(&path(w, "three"), &change).await.expect(200);
    assert!(manager(&after, "two").is_none(), "{after:#}");
    assert_eq!(manager(&after, "three").unwrap()["operation"], "Update");
}

pub(crate) async fn merges_lists_by_key(w: &World) {
    let base = w.group("apps/v1", "deployments/a");
    let one = format!("{base}?fieldManager=one");
    let two = format!("{base}?fieldManager=two");
    w.apply(&one, &deployment("a")).await.expect(201);
    let side = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
        "spec": {"template": {"spec": {"containers": [
            {"name": "side", "image": "example.com/side:1"},
            {"name": "main", "ports": [{"containerPort": 80}]},
        ]}}},
    });
    let after = w.apply(&two, &side).await.expect(200);
    let containers = after["spec"]["template"]["spec"]["containers"]
        .as_array()
        .unwrap();
    let names: Vec<&str> = containers
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"main") && names.contains(&"side") && names.len() == 2,
        "{names:?}"
    );
    let main = containers.iter().find(|c| c["name"] == "main").unwrap();
    assert_eq!(main["image"], "example.com/app:1");
    assert_eq!(
        main["ports"][0],
        json!({"containerPort": 80, "protocol": "TCP"})
    );
    let without = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
        "spec": {"template": {"spec": {"containers": [{"name": "side", "image": "example.com/side:1"}]}}},
    });
    let after = w.apply(&two, &without).await.expect(200);
    let containers = after["spec"]["template"]["spec"]["containers"]
        .as_array()
        .unwrap();
    let main = containers.iter().find(|c| c["name"] == "main").unwrap();
    assert!(main["ports"].is_null(), "{main:#}");
    assert_eq!(main["image"], "example.com/app:1");
}

pub(crate) async fn needs_a_field_manager(w: &World) {
    let answer = w
        .apply(&w.core("configmaps/a"), &config_map("a", &json!({})))
        .await;
    let message = answer.refused(422, "Invalid");
    assert_eq!(
        message,
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for \
         apply patch"
    );
}

pub(crate) async fn the_same_apply_twice_changes_nothing(w: &World) {
    let object = config_map("a", &json!({"k": "1"}));
    let first = w.apply(&path(w, "one"), &object).await.expect(201);
    let second = w.apply(&path(w, "one"), &object).await.expect(200);
    assert_eq!(
        first["metadata"]["resourceVersion"],
        second["metadata"]["resourceVersion"]
    );
}
