//! Create.

use serde_json::json;

use crate::world::{World, config_map, pod};

pub(crate) async fn fills_in_what_the_server_owns(w: &World) {
    let mut object = config_map("a", &json!({"k": "v"}));
    object["metadata"]["uid"] = "11111111-1111-1111-1111-111111111111".into();
    object["metadata"]["creationTimestamp"] = "2001-01-01T00:00:00Z".into();
    let made = w.post(&w.core("configmaps"), &object).await.expect(201);
    let metadata = &made["metadata"];
    assert_eq!(made["kind"], "ConfigMap");
    assert_eq!(metadata["namespace"], w.namespace.as_str());
    assert_ne!(metadata["uid"], object["metadata"]["uid"]);
    assert_ne!(
        metadata["creationTimestamp"],
        object["metadata"]["creationTimestamp"]
    );
    assert!(
        metadata["resourceVersion"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            > 0
    );
    assert_eq!(metadata["managedFields"][0]["manager"], "conformance");
    assert_eq!(metadata["managedFields"][0]["operation"], "Update");
    let owned = &metadata["managedFields"][0]["fieldsV1"]["f:data"];
    assert_eq!(*owned, json!({".": {}, "f:k": {}}));
}

pub(crate) async fn refuses_a_second_object_of_a_name(w: &World) {
    let object = config_map("a", &json!({}));
    w.post(&w.core("configmaps"), &object).await.expect(201);
    let message = w
        .post(&w.core("configmaps"), &object)
        .await
        .refused(409, "AlreadyExists");
    assert_eq!(message, "configmaps \"a\" already exists");
}

pub(crate) async fn draws_a_name_from_generate_name(w: &World) {
    let mut object = config_map("", &json!({}));
    object["metadata"] = json!({"generateName": "conf-"});
    let mut names = Vec::new();
    for _ in 0..3 {
        let made = w.post(&w.core("configmaps"), &object).await.expect(201);
        names.push(made["metadata"]["name"].as_str().unwrap().to_owned());
    }
    names.dedup();
    assert_eq!(names.len(), 3);
    assert!(
        names
            .iter()
            .all(|n| n.starts_with("conf-") && n.len() == 10),
        "{names:?}"
    );
    object["metadata"] = json!({});
    let causes = w.post(&w.core("configmaps"), &object).await.causes();
    assert_eq!(
        causes,
        ["metadata.name: Required value: name or generateName is required"]
    );
}

pub(crate) async fn refuses_a_resource_version(w: &World) {
    let mut object = config_map("a", &json!({}));
    object["metadata"]["resourceVersion"] = "5".into();
    let answer = w.post(&w.core("configmaps"), &object).await;
    assert!(answer.code >= 400, "{answer:?}");
    let message = answer.body["message"].as_str().unwrap();
    assert!(message.contains("resourceVersion should not be set on objects to be created"));
}

pub(crate) async fn refuses_names_and_labels_out_of_syntax(w: &World) {
    let mut object = config_map("Not_a_name", &json!({}));
    object["metadata"]["labels"] = json!({"fine": "not fine", "a/b/c": "x"});
    let causes = w.post(&w.core("configmaps"), &object).await.causes();
    let fields: Vec<&str> = causes
        .iter()
        .map(|c| c.split(':').next().unwrap())
        .collect();
    assert!(
        fields.contains(&"metadata.name") && fields.contains(&"metadata.labels"),
        "{causes:#?}"
    );
    let name = causes
        .iter()
        .find(|c| c.starts_with("metadata.name"))
        .unwrap();
    assert_eq!(
        name,
        "metadata.name: Invalid value: \"Not_a_name\": a lowercase RFC 1123 subdomain must consist \
         of lower case alphanumeric characters, '-' or '.', and must start and end with an \
         alphanumeric character (e.g. 'example.com', regex used for validation is \
         '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    );
    let label = causes.iter().find(|c| c.contains("not fine")).unwrap();
    assert!(
        label.contains("a valid label must be an empty string or consist of"),
        "{label}"
    );
}

pub(crate) async fn needs_an_existing_namespace(w: &World) {
    let path = "/api/v1/namespaces/conformance-nowhere/configmaps";
    let message = w
        .post(path, &config_map("a", &json!({})))
        .await
        .refused(404, "NotFound");
    assert_eq!(message, "namespaces \"conformance-nowhere\" not found");
}

pub(crate) async fn refuses_another_namespace_than_the_path(w: &World) {
    let mut object = pod("a");
    object["metadata"]["namespace"] = "default".into();
    let message = w
        .post(&w.core("pods"), &object)
        .await
        .refused(400, "BadRequest");
    assert_eq!(
        message,
        "the namespace of the provided object does not match the namespace sent on the request"
    );
}

pub(crate) async fn leaves_nothing_behind_in_a_dry_run(w: &World) {
    let path = format!("{}?dryRun=All", w.core("configmaps"));
    let made = w
        .post(&path, &config_map("a", &json!({})))
        .await
        .expect(201);
    assert!(made["metadata"]["uid"].is_string());
    let message = w
        .get(&w.core("configmaps/a"))
        .await
        .refused(404, "NotFound");
    assert_eq!(message, "configmaps \"a\" not found");
    w.post(&w.core("configmaps"), &config_map("b", &json!({"k": "1"})))
        .await
        .expect(201);
    let path = format!("{}?dryRun=All", w.core("configmaps/b"));
    let patched = w
        .merge(&path, &json!({"data": {"k": "2"}}))
        .await
        .expect(200);
    assert_eq!(patched["data"]["k"], "2");
    w.delete(&path, &serde_json::Value::Null).await.expect(200);
    assert_eq!(
        w.get(&w.core("configmaps/b")).await.expect(200)["data"]["k"],
        "1"
    );
}
