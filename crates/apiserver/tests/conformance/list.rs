//! Lists: selectors, pages, forms.

use serde_json::{Value, json};

use crate::world::{World, config_map, pod};

async fn three(w: &World) {
    for (name, app) in [("a", "x"), ("b", "x"), ("c", "y")] {
        let mut object = config_map(name, &json!({}));
        object["metadata"]["labels"] = json!({"app": app, "conformance": "three"});
        w.post(&w.core("configmaps"), &object).await.expect(201);
    }
}

fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|i| i["metadata"]["name"].as_str().unwrap().to_owned())
        .collect()
}

pub(crate) async fn selects_by_labels_and_fields(w: &World) {
    three(w).await;
    let by = |query: &str| format!("{}?{query}", w.core("configmaps"));
    let list = w.get(&by("labelSelector=app%3Dx")).await.expect(200);
    assert_eq!(list["kind"], "ConfigMapList");
    assert_eq!(names(&list), ["a", "b"]);
    let list = w
        .get(&by("labelSelector=conformance,app%20notin%20(x)"))
        .await
        .expect(200);
    assert_eq!(names(&list), ["c"]);
    let list = w
        .get(&by("fieldSelector=metadata.name%3Db"))
        .await
        .expect(200);
    assert_eq!(names(&list), ["b"]);
    let mut bound = pod("bound");
    bound["spec"]["nodeName"] = "nowhere".into();
    w.post(&w.core("pods"), &bound).await.expect(201);
    w.post(&w.core("pods"), &pod("free")).await.expect(201);
    let pods = |query: &str| format!("{}?fieldSelector={query}", w.core("pods"));
    let list = w.get(&pods("spec.nodeName%3Dnowhere")).await.expect(200);
    assert_eq!(names(&list), ["bound"]);
    let list = w
        .get(&pods("spec.nodeName!%3Dnowhere,status.phase%3DPending"))
        .await
        .expect(200);
    assert_eq!(names(&list), ["free"]);
}

pub(crate) async fn pages_with_continue_tokens(w: &World) {
    three(w).await;
    let page = |rest: &str| {
        format!(
            "{}?limit=2&labelSelector=conformance%3Dthree{rest}",
            w.core("configmaps")
        )
    };
    let first = w.get(&page("")).await.expect(200);
    assert_eq!(names(&first), ["a", "b"]);
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = w
        .get(&page(&format!("&continue={token}")))
        .await
        .expect(200);
    assert_eq!(names(&second), ["c"]);
    assert!(
        second["metadata"]["continue"]
            .as_str()
            .is_none_or(str::is_empty)
    );
    assert_eq!(
        first["metadata"]["resourceVersion"],
        second["metadata"]["resourceVersion"]
    );
}

pub(crate) async fn refuses_unknown_field_labels(w: &World) {
    let path = format!("{}?fieldSelector=spec.nope%3D1", w.core("pods"));
    let message = w.get(&path).await.refused(400, "BadRequest");
    assert!(
        message.contains("field label not supported: spec.nope"),
        "{message}"
    );
}

pub(crate) async fn gives_metadata_only(w: &World) {
    three(w).await;
    let form = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let list = w.get_as(&w.core("configmaps"), form).await.expect(200);
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert_eq!(list["apiVersion"], "meta.k8s.io/v1");
    let items = list["items"].as_array().unwrap();
    let a = items.iter().find(|i| i["metadata"]["name"] == "a").unwrap();
    assert_eq!(a["metadata"]["labels"]["app"], "x");
    assert!(a.get("data").is_none());
    let form = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    let one = w.get_as(&w.core("configmaps/a"), form).await.expect(200);
    assert_eq!(one["kind"], "PartialObjectMetadata");
}

pub(crate) async fn gives_tables(w: &World) {
    three(w).await;
    let form = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    let path = format!("{}?labelSelector=conformance%3Dthree", w.core("configmaps"));
    let table = w.get_as(&path, form).await.expect(200);
    assert_eq!(table["kind"], "Table");
    assert_eq!(table["columnDefinitions"][0]["name"], "Name");
    let rows = table["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["cells"][0], "a");
    assert_eq!(rows[0]["object"]["kind"], "PartialObjectMetadata");
}
