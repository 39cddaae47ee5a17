//! Eviction and disruption budgets.

use serde_json::{Value, json};

use crate::world::{World, pod};

/// A running, ready pod on a node that no kubelet looks after.
async fn running(w: &World, name: &str) {
    let mut object = pod(name);
    object["metadata"]["labels"] = json!({"app": "web"});
    object["spec"]["nodeName"] = "nowhere".into();
    object["spec"]["terminationGracePeriodSeconds"] = 0.into();
    w.post(&w.core("pods"), &object).await.expect(201);
    let status = json!({"status": {
        "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
    }});
    w.merge(&w.core(&format!("pods/{name}/status")), &status)
        .await
        .expect(200);
}

/// A budget with this many healthy pods too many, as its controller would find it.
async fn budget(w: &World, spare: i64) {
    let path = w.group("policy/v1", "poddisruptionbudgets");
    let object = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
        "spec": {"minAvailable": 2 - spare, "selector": {"matchLabels": {"app": "web"}}},
    });
    w.post(&path, &object).await.expect(201);
    let status = json!({"status": {
        "observedGeneration": 1, "disruptionsAllowed": spare, "currentHealthy": 2,
        "desiredHealthy": 2 - spare, "expectedPods": 2,
    }});
    // The disruption controller, where there is one, comes to the same figures.
    for _ in 0..1000 {
        let now = w.get(&format!("{path}/web")).await.expect(200);
        if now["status"]["disruptionsAllowed"] == spare && now["status"]["currentHealthy"] == 2 {
            return;
        }
        w.merge(&format!("{path}/web/status"), &status).await;
        tokio::time::sleep(std::time::Duration::from_millis(10)).await; // poll
    }
    panic!("the budget never had its status");
}

fn eviction(name: &str) -> Value {
    json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}})
}

pub(crate) async fn without_a_budget_is_a_delete(w: &World) {
    running(w, "a").await;
    let answer = w
        .post(&w.core("pods/a/eviction"), &eviction("a"))
        .await
        .expect(201);
    assert_eq!(answer["kind"], "Status");
    assert_eq!(answer["status"], "Success");
    w.get(&w.core("pods/a")).await.refused(404, "NotFound");
}

pub(crate) async fn is_refused_by_a_budget_that_is_used_up(w: &World) {
    running(w, "a").await;
    running(w, "b").await;
    budget(w, 0).await;
    let answer = w.post(&w.core("pods/a/eviction"), &eviction("a")).await;
    let causes = answer.body["details"]["causes"].clone();
    let message = answer.refused(429, "TooManyRequests");
    assert_eq!(
        message,
        "Cannot evict pod as it would violate the pod's disruption budget."
    );
    assert_eq!(
        causes,
        json!([{
            "reason": "DisruptionBudget",
            "message": "The disruption budget web needs 2 healthy pods and has 2 currently",
        }])
    );
    w.get(&w.core("pods/a")).await.expect(200);
}

pub(crate) async fn takes_from_the_budget(w: &World) {
    running(w, "a").await;
    running(w, "b").await;
    budget(w, 1).await;
    w.post(&w.core("pods/a/eviction"), &eviction("a"))
        .await
        .expect(201);
    w.post(&w.core("pods/b/eviction"), &eviction("b"))
        .await
        .refused(429, "TooManyRequests");
    let after = w
        .get(&w.group("policy/v1", "poddisruptionbudgets/web"))
        .await
        .expect(200);
    assert_eq!(after["status"]["disruptionsAllowed"], 0);
}

pub(crate) async fn unknown_pods_are_not_found(w: &World) {
    w.post(&w.core("pods/a/eviction"), &eviction("a"))
        .await
        .refused(404, "NotFound");
}
