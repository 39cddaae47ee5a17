//! Pods and nodes: defaults, admission, binding, checks.

use serde_json::json;

use crate::world::{World, pod};

pub(crate) async fn get_their_defaults(w: &World) {
    let mut object = pod("a");
    object["spec"]
        .as_object_mut()
        .unwrap()
        .remove("schedulerName");
    object["spec"]["containers"][0]["resources"] = json!({"limits": {"cpu": "1"}});
    object["status"] = json!({"phase": "Running"});
    let made = w.post(&w.core("pods"), &object).await.expect(201);
    let spec = &made["spec"];
    assert_eq!(spec["restartPolicy"], "Always");
    assert_eq!(spec["dnsPolicy"], "ClusterFirst");
    assert_eq!(spec["schedulerName"], "default-scheduler");
    assert_eq!(spec["terminationGracePeriodSeconds"], 30);
    assert_eq!(spec["priority"], 0);
    assert_eq!(spec["preemptionPolicy"], "PreemptLowerPriority");
    assert_eq!(spec["containers"][0]["imagePullPolicy"], "IfNotPresent");
    assert_eq!(spec["containers"][0]["resources"]["requests"]["cpu"], "1");
    let seconds = |key: &str| json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
    assert_eq!(
        spec["tolerations"],
        json!([
            seconds("node.kubernetes.io/not-ready"),
            seconds("node.kubernetes.io/unreachable"),
        ])
    );
    assert_eq!(made["status"]["phase"], "Pending");
    assert_eq!(made["status"]["qosClass"], "Burstable");
    assert_eq!(made["metadata"]["generation"], 1);
}

pub(crate) async fn take_priority_from_their_class(w: &World) {
    let mut object = pod("a");
    object["spec"]["priorityClassName"] = "system-cluster-critical".into();
    let made = w
        .post("/api/v1/namespaces/kube-system/pods?dryRun=All", &object)
        .await
        .expect(201);
    assert_eq!(made["spec"]["priority"], 2_000_000_000);
    object["spec"]["priorityClassName"] = "nope".into();
    let message = w
        .post(&w.core("pods"), &object)
        .await
        .refused(403, "Forbidden");
    assert_eq!(
        message,
        "pods \"a\" is forbidden: no PriorityClass with name nope was found"
    );
}

pub(crate) async fn are_bound_once(w: &World) {
    w.post(&w.core("pods"), &pod("a")).await.expect(201);
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding", "metadata": {"name": "a"},
        "target": {"apiVersion": "v1", "kind": "Node", "name": "nowhere"},
    });
    let answer = w
        .post(&w.core("pods/a/binding"), &binding)
        .await
        .expect(201);
    assert_eq!(answer["status"], "Success");
    let bound = w.get(&w.core("pods/a")).await.expect(200);
    assert_eq!(bound["spec"]["nodeName"], "nowhere");
    let condition = &bound["status"]["conditions"][0];
    assert_eq!(
        (&condition["type"], &condition["status"]),
        (&json!("PodScheduled"), &json!("True"))
    );
    let message = w
        .post(&w.core("pods/a/binding"), &binding)
        .await
        .refused(409, "Conflict");
    assert_eq!(
        message,
        "Operation cannot be fulfilled on pods/binding \"a\": pod a is already assigned to node \
         \"nowhere\""
    );
}

pub(crate) async fn refuse_changes_of_their_spec(w: &World) {
    w.post(&w.core("pods"), &pod("a")).await.expect(201);
    let path = w.core("pods/a");
    let change = json!({"spec": {"hostNetwork": true}});
    let causes = w.merge(&path, &change).await.causes();
    assert!(
        causes[0].starts_with("spec: Forbidden: pod updates may not change fields other than"),
        "{causes:?}"
    );
    let change = json!({"spec": {"activeDeadlineSeconds": 100}});
    w.merge(&path, &change).await.expect(200);
}

pub(crate) async fn name_what_is_missing(w: &World) {
    let mut object = pod("a");
    object["spec"] = json!({"containers": [
        {"name": "x", "image": "i"},
        {"name": "x", "image": "i", "resources": {
            "requests": {"cpu": "2"}, "limits": {"cpu": "1"},
        }},
        {"name": "y"},
    ]});
    let mut causes = w.post(&w.core("pods"), &object).await.causes();
    causes.sort();
    assert_eq!(
        causes,
        [
            "spec.containers[1].name: Duplicate value: \"x\"",
            "spec.containers[1].resources.requests: Invalid value: \"2\": must be less than or \
             equal to cpu limit of 1",
            "spec.containers[2].image: Required value",
        ]
    );
    object["spec"] = json!({"containers": []});
    let causes = w.post(&w.core("pods"), &object).await.causes();
    assert_eq!(causes, ["spec.containers: Required value"]);
    object["spec"] = pod("a")["spec"].clone();
    object["spec"]["tolerations"] = json!([{"key": "k", "operator": "Maybe"}]);
    object["spec"]["restartPolicy"] = "Sometimes".into();
    let causes = w.post(&w.core("pods"), &object).await.causes();
    let fields: Vec<&str> = causes
        .iter()
        .map(|c| c.split(':').next().unwrap())
        .collect();
    assert!(fields.contains(&"spec.restartPolicy"), "{causes:#?}");
    assert!(
        fields.contains(&"spec.tolerations[0].operator"),
        "{causes:#?}"
    );
}

pub(crate) async fn take_defaults_from_a_limit_range(w: &World) {
    let range = json!({
        "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits"},
        "spec": {"limits": [{
            "type": "Container", "default": {"memory": "512Mi"}, "defaultRequest": {"cpu": "100m"},
            "max": {"memory": "1Gi"},
        }]},
    });
    w.post(&w.core("limitranges"), &range).await.expect(201);
    let made = w.post(&w.core("pods"), &pod("a")).await.expect(201);
    assert_eq!(
        made["spec"]["containers"][0]["resources"],
        json!({"limits": {"memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "512Mi"}})
    );
    let mut large = pod("b");
    large["spec"]["containers"][0]["resources"] = json!({"limits": {"memory": "2Gi"}});
    let message = w
        .post(&w.core("pods"), &large)
        .await
        .refused(403, "Forbidden");
    assert_eq!(
        message,
        "pods \"b\" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi"
    );
}

pub(crate) async fn nodes_start_not_ready(w: &World) {
    let name = format!("node-{}", w.unique);
    let node = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
        "status": {"capacity": {"cpu": "4"}},
    });
    let made = w.post("/api/v1/nodes", &node).await.expect(201);
    assert_eq!(made["status"]["capacity"]["cpu"], "4");
    let taints = made["spec"]["taints"].as_array().unwrap();
    let taint = json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"});
    assert_eq!(*taints, [taint]);
    w.delete(&format!("/api/v1/nodes/{name}"), &serde_json::Value::Null)
        .await
        .expect(200);
}
