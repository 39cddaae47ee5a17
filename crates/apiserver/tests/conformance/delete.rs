//! Delete, finalizers, grace periods, preconditions.

use serde_json::{Value, json};

use crate::world::{World, config_map, pod};

pub(crate) async fn removes_and_reports(w: &World) {
    w.post(&w.core("configmaps"), &config_map("a", &json!({})))
        .await
        .expect(201);
    let answer = w
        .delete(&w.core("configmaps/a"), &Value::Null)
        .await
        .expect(200);
    assert_eq!(answer["kind"], "Status");
    assert_eq!(answer["status"], "Success");
    assert_eq!(answer["details"]["name"], "a");
    assert_eq!(answer["details"]["kind"], "configmaps");
    w.get(&w.core("configmaps/a"))
        .await
        .refused(404, "NotFound");
    w.delete(&w.core("configmaps/a"), &Value::Null)
        .await
        .refused(404, "NotFound");
}

pub(crate) async fn waits_for_finalizers(w: &World) {
    let mut object = config_map("a", &json!({}));
    object["metadata"]["finalizers"] = json!(["example.com/hold"]);
    w.post(&w.core("configmaps"), &object).await.expect(201);
    let marked = w
        .delete(&w.core("configmaps/a"), &Value::Null)
        .await
        .expect(200);
    assert_eq!(marked["kind"], "ConfigMap");
    assert!(marked["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 0);
    let change = json!({"metadata": {"finalizers": null}});
    w.merge(&w.core("configmaps/a"), &change).await.expect(200);
    w.get(&w.core("configmaps/a"))
        .await
        .refused(404, "NotFound");
}

pub(crate) async fn refuses_new_finalizers_of_a_deleted_object(w: &World) {
    let mut object = config_map("a", &json!({}));
    object["metadata"]["finalizers"] = json!(["example.com/hold"]);
    w.post(&w.core("configmaps"), &object).await.expect(201);
    w.delete(&w.core("configmaps/a"), &Value::Null)
        .await
        .expect(200);
    let change = json!({"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}});
    let causes = w.merge(&w.core("configmaps/a"), &change).await.causes();
    assert_eq!(
        causes,
        [
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being \
          deleted, found new finalizers []string{\"example.com/more\"}"
        ]
    );
    let change = json!({"metadata": {"finalizers": []}});
    w.merge(&w.core("configmaps/a"), &change).await.expect(200);
}

pub(crate) async fn checks_preconditions(w: &World) {
    let made = w
        .post(&w.core("configmaps"), &config_map("a", &json!({})))
        .await
        .expect(201);
    let path = w.core("configmaps/a");
    let other = json!({"preconditions": {"uid": "11111111-1111-1111-1111-111111111111"}});
    let message = w.delete(&path, &other).await.refused(409, "Conflict");
    let uid = made["metadata"]["uid"].as_str().unwrap();
    assert_eq!(
        message,
        format!(
            "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition \
             (11111111-1111-1111-1111-111111111111) does not match the UID in record ({uid}). The \
             object might have been deleted and then recreated"
        )
    );
    let old = json!({"preconditions": {"resourceVersion": "1"}});
    w.delete(&path, &old).await.refused(409, "Conflict");
    let right = json!({"preconditions": {"uid": uid}});
    w.delete(&path, &right).await.expect(200);
}

pub(crate) async fn unbound_pods_go_at_once(w: &World) {
    w.post(&w.core("pods"), &pod("a")).await.expect(201);
    let gone = w.delete(&w.core("pods/a"), &Value::Null).await.expect(200);
    assert_eq!(gone["kind"], "Pod");
    w.get(&w.core("pods/a")).await.refused(404, "NotFound");
}

/// A pod on a node that no kubelet looks after.
async fn bound_pod(w: &World) {
    let mut object = pod("a");
    object["spec"]["nodeName"] = "nowhere".into();
    w.post(&w.core("pods"), &object).await.expect(201);
}

pub(crate) async fn bound_pods_get_their_grace_period(w: &World) {
    bound_pod(w).await;
    let marked = w.delete(&w.core("pods/a"), &Value::Null).await.expect(200);
    assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 30);
    let mark = marked["metadata"]["deletionTimestamp"].as_str().unwrap();
    let made = marked["metadata"]["creationTimestamp"].as_str().unwrap();
    assert!(mark > made);
    w.get(&w.core("pods/a")).await.expect(200);
    w.delete(&w.core("pods/a"), &json!({"gracePeriodSeconds": 0}))
        .await
        .expect(200);
    w.get(&w.core("pods/a")).await.refused(404, "NotFound");
}

pub(crate) async fn a_second_delete_can_only_shorten(w: &World) {
    bound_pod(w).await;
    let path = w.core("pods/a");
    let first = w
        .delete(&path, &json!({"gracePeriodSeconds": 20}))
        .await
        .expect(200);
    let longer = w
        .delete(&path, &json!({"gracePeriodSeconds": 60}))
        .await
        .expect(200);
    let end = |pod: &Value| pod["metadata"]["deletionTimestamp"].clone();
    assert_eq!(end(&first), end(&longer));
    let shorter = w
        .delete(&path, &json!({"gracePeriodSeconds": 5}))
        .await
        .expect(200);
    assert_eq!(shorter["metadata"]["deletionGracePeriodSeconds"], 5);
    assert!(end(&shorter).as_str() < end(&first).as_str());
    w.delete(&path, &json!({"gracePeriodSeconds": 0}))
        .await
        .expect(200);
}

pub(crate) async fn collections_go_by_selector(w: &World) {
    for (name, app) in [("a", "x"), ("b", "x"), ("c", "y")] {
        let mut object = config_map(name, &json!({}));
        object["metadata"]["labels"] = json!({"app": app});
        w.post(&w.core("configmaps"), &object).await.expect(201);
    }
    let path = format!("{}?labelSelector=app%3Dx", w.core("configmaps"));
    w.delete(&path, &Value::Null).await.expect(200);
    w.get(&w.core("configmaps/a"))
        .await
        .refused(404, "NotFound");
    w.get(&w.core("configmaps/c")).await.expect(200);
}
