//! Pods as an API server sends them, for measurements: 50 of each workload, some 4.2 KB each.

use std::fmt::Write;

/// How many pods a workload has.
const PODS_OF_A_WORKLOAD: usize = 50;

/// The JSON of pod number `index` on a node, or pending for `None`.
pub(crate) fn json(index: usize, node: Option<usize>) -> String {
    let workload = index / PODS_OF_A_WORKLOAD;
    let name = format!("app-{workload}-{:08x}-{:05x}", workload * 7919, index);
    let token = format!(
        "kube-api-access-{:05x}",
        index.wrapping_mul(2_654_435_761) & 0xf_ffff
    );
    let cpu = 100 + 50 * (workload % 40);
    let memory = 128 + 64 * (workload % 30);
    let mut pod = String::with_capacity(4_096);
    write!(
        pod,
        r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"{name}","generateName":"app-{workload}-","namespace":"team-{team}","uid":"{index:08x}-0000-4000-8000-{index:012x}","resourceVersion":"{version}","generation":1,"creationTimestamp":"2026-01-01T12:00:00Z","labels":{{"app.kubernetes.io/name":"app-{workload}","app.kubernetes.io/part-of":"shop","pod-template-hash":"{hash:08x}","team":"team-{team}","tier":"backend"}},"annotations":{{"prometheus.io/scrape":"true","checksum/config":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}},"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"app-{workload}-{hash:08x}","uid":"{workload:08x}-1111-4000-8000-000000000000","controller":true,"blockOwnerDeletion":true}}]}},"#,
        team = workload % 50,
        version = 1_000 + index,
        hash = workload * 7919,
    )
    .expect("a string takes everything");
    write!(
        pod,
        r#""spec":{{"volumes":[{{"name":"config","configMap":{{"name":"app-{workload}","defaultMode":420}}}},{{"name":"{token}","projected":{{"sources":[{{"serviceAccountToken":{{"expirationSeconds":3607,"path":"token"}}}},{{"configMap":{{"name":"kube-root-ca.crt","items":[{{"key":"ca.crt","path":"ca.crt"}}]}}}},{{"downwardAPI":{{"items":[{{"path":"namespace","fieldRef":{{"apiVersion":"v1","fieldPath":"metadata.namespace"}}}}]}}}}],"defaultMode":420}}}}],"containers":[{{"name":"app","image":"registry.example.com/shop/app-{workload}:1.2.3","ports":[{{"name":"http","containerPort":8080,"protocol":"TCP"}},{{"name":"metrics","containerPort":9090,"protocol":"TCP"}}],"env":[{{"name":"POD_NAME","valueFrom":{{"fieldRef":{{"apiVersion":"v1","fieldPath":"metadata.name"}}}}}},{{"name":"LOG_LEVEL","value":"info"}},{{"name":"DB_HOST","value":"db.shop.svc.cluster.local"}}],"resources":{{"limits":{{"memory":"{memory}Mi"}},"requests":{{"cpu":"{cpu}m","memory":"{memory}Mi"}}}},"volumeMounts":[{{"name":"config","readOnly":true,"mountPath":"/etc/app"}},{{"name":"{token}","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}}],"livenessProbe":{{"httpGet":{{"path":"/healthz","port":"http","scheme":"HTTP"}},"initialDelaySeconds":5,"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3}},"readinessProbe":{{"httpGet":{{"path":"/ready","port":"http","scheme":"HTTP"}},"timeoutSeconds":1,"periodSeconds":5,"successThreshold":1,"failureThreshold":3}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent","securityContext":{{"capabilities":{{"drop":["ALL"]}},"runAsNonRoot":true,"readOnlyRootFilesystem":true,"allowPrivilegeEscalation":false}}}}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"app","serviceAccount":"app","securityContext":{{"fsGroup":1000}},"schedulerName":"default-scheduler","tolerations":[{{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}},{{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}}],"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority""#
    )
    .expect("a string takes everything");
    match node {
        Some(node) => write!(
            pod,
            r#","nodeName":"ip-10-0-{}-{}.ec2.internal"}},"status":{{"phase":"Running","conditions":[{{"type":"PodReadyToStartContainers","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-01T12:00:05Z"}},{{"type":"Initialized","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-01T12:00:03Z"}},{{"type":"Ready","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-01T12:00:10Z"}},{{"type":"ContainersReady","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-01T12:00:10Z"}},{{"type":"PodScheduled","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-01T12:00:03Z"}}],"hostIP":"10.0.0.1","podIP":"10.1.2.3","podIPs":[{{"ip":"10.1.2.3"}}],"startTime":"2026-01-01T12:00:03Z","containerStatuses":[{{"name":"app","state":{{"running":{{"startedAt":"2026-01-01T12:00:05Z"}}}},"lastState":{{}},"ready":true,"restartCount":0,"image":"registry.example.com/shop/app-{workload}:1.2.3","imageID":"registry.example.com/shop/app@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","containerID":"containerd://{index:064x}","started":true,"allocatedResources":{{"cpu":"{cpu}m","memory":"{memory}Mi"}},"resources":{{"limits":{{"memory":"{memory}Mi"}},"requests":{{"cpu":"{cpu}m","memory":"{memory}Mi"}}}}}}],"qosClass":"Burstable"}}}}"#,
            node / 256,
            node % 256,
        ),
        None => write!(
            pod,
            r#"}},"status":{{"phase":"Pending","conditions":[{{"type":"PodScheduled","status":"False","lastProbeTime":null,"lastTransitionTime":"2026-01-01T12:00:00Z","reason":"Unschedulable","message":"0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."}}],"qosClass":"Burstable"}}}}"#
        ),
    }
    .expect("a string takes everything");
    pod
}

/// The name of a node, as in the pods.
#[allow(dead_code, reason = "only some of the programs have nodes")]
pub(crate) fn node_name(node: usize) -> String {
    format!("ip-10-0-{}-{}.ec2.internal", node / 256, node % 256)
}
