//! What the chart makes of its values.

use install::values::all;
use serde_json::{Value, json};

use crate::helm::{Helm, NAMED, container, find, parse, pod};

fn names(objects: &[Value]) -> Vec<String> {
    let name = |object: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        format!(
            "{} {}",
            text(&object["kind"]),
            text(&object["metadata"]["name"])
        )
    };
    let mut names: Vec<String> = objects.iter().map(name).collect();
    names.sort();
    names
}

#[test]
fn the_objects_have_the_names_that_people_look_for() {
    let helm = Helm::new();
    let objects = helm.objects(&NAMED).expect("renders");
    let mut expected = vec![
        "ClusterRole karpenter",
        "ClusterRole karpenter-admin",
        "ClusterRole karpenter-core",
        "ClusterRoleBinding karpenter",
        "ClusterRoleBinding karpenter-core",
        "Deployment karpenter",
        "PodDisruptionBudget karpenter",
        "Role karpenter",
        "Role karpenter-dns",
        "RoleBinding karpenter",
        "RoleBinding karpenter-dns",
        "Service karpenter",
        "ServiceAccount karpenter",
    ];
    assert_eq!(names(&objects), expected);
    expected.retain(|name| !name.ends_with("dns"));
    let kwok = helm.objects(&["--set", "provider=kwok"]).expect("renders");
    assert_eq!(names(&kwok), expected);
    for (arguments, name) in [
        (vec!["--name-template", "prod"], "prod-karpenter"),
        (vec!["--set", "nameOverride=auto"], "karpenter-auto"),
        (vec!["--set", "fullnameOverride=scaler"], "scaler"),
    ] {
        let mut all = vec!["template"];
        if arguments[0] != "--name-template" {
            all.push("karpenter");
        }
        all.push("charts/karpenter");
        all.extend(NAMED);
        all.extend(arguments);
        let objects = parse(&helm.run(&all).expect("renders"));
        find(&objects, "Deployment", name);
        find(&objects, "ClusterRole", &format!("{name}-core"));
    }
}

#[test]
fn the_pod_runs_as_nobody_and_is_found_by_the_guides_command() {
    let helm = Helm::new();
    let objects = helm.objects(&NAMED).expect("renders");
    let deployment = find(&objects, "Deployment", "karpenter");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(labels["app.kubernetes.io/name"], "karpenter");
    assert_eq!(labels, &deployment["spec"]["selector"]["matchLabels"]);
    assert_eq!(deployment["spec"]["replicas"], 2);
    let container = container(&objects);
    assert_eq!(container["name"], "controller");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        container["image"],
        format!("karpenter/controller:{version}")
    );
    assert!(container.get("command").is_none() && container.get("args").is_none());
    let expected = json!({
        "privileged": false, "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
        "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532,
        "capabilities": {"drop": ["ALL"]},
    });
    assert_eq!(container["securityContext"], expected);
    assert_eq!(
        container["livenessProbe"]["httpGet"],
        json!({"path": "/healthz", "port": "http"})
    );
    assert_eq!(
        container["readinessProbe"]["httpGet"],
        json!({"path": "/readyz", "port": "http"})
    );
    let selector = json!({"matchLabels": labels});
    let pod = pod(&objects);
    let apart = "requiredDuringSchedulingIgnoredDuringExecution";
    assert_eq!(
        pod["affinity"]["podAntiAffinity"][apart][0]["labelSelector"],
        selector
    );
    assert_eq!(
        pod["topologySpreadConstraints"][0]["labelSelector"],
        selector
    );
    assert_eq!(pod["automountServiceAccountToken"], true);
    let account = find(&objects, "ServiceAccount", "karpenter");
    assert_eq!(account["automountServiceAccountToken"], false);
}

/// A values file that sets everything that is no setting.
fn everything() -> Value {
    json!({
        "additionalLabels": {"team": "a"},
        "additionalAnnotations": {"note": 1},
        "imagePullPolicy": "Always",
        "imagePullSecrets": [{"name": "pull"}],
        "service": {"annotations": {"of": "service"}},
        "serviceAccount": {"name": "account", "annotations": {"eks.amazonaws.com/role-arn": "arn"}},
        "additionalClusterRoleRules": [{"apiGroups": ["x"], "resources": ["y"], "verbs": ["get"]}],
        "serviceMonitor": {"enabled": true, "additionalLabels": {"release": "prometheus"},
                           "relabelings": [{"action": "keep"}],
                           "metricRelabelings": [{"action": "drop"}],
                           "endpointConfig": {"interval": "30s"}, "sampleLimit": 0},
        "replicas": 1,
        "revisionHistoryLimit": 3,
        "strategy": {"type": "Recreate"},
        "podLabels": {"pod": "label"},
        "podAnnotations": {"pod": "note"},
        "podDisruptionBudget": {"name": "budget", "maxUnavailable": "50%"},
        "podSecurityContext": {"fsGroup": 1},
        "priorityClassName": "high",
        "terminationGracePeriodSeconds": 0,
        "hostNetwork": true,
        "schedulerName": "mine",
        "dnsPolicy": "Default",
        "dnsConfig": {"nameservers": ["1.2.3.4"]},
        "initContainers": [{"name": "init", "image": "i"}],
        "nodeSelector": {"disk": "ssd"},
        "affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "podAffinityTerm": {"topologyKey": "zone"}}]}},
        "topologySpreadConstraints": [{"maxSkew": 2, "topologyKey": "rack",
            "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {"a": "b"}}}],
        "tolerations": [{"operator": "Exists"}],
        "extraVolumes": [{"name": "v", "emptyDir": {}}],
        "controller": {
            "containerName": "main",
            "image": {"repository": "registry.example/karpenter", "tag": "1.2", "digest": "sha256:ab"},
            "env": [{"name": "MINE", "value": "1"}],
            "envFrom": [{"configMapRef": {"name": "more"}}],
            "securityContext": {"seccompProfile": {"type": "Unconfined"}},
            "resources": {"requests": {"cpu": 1}},
            "extraVolumeMounts": [{"name": "v", "mountPath": "/v"}],
            "sidecarContainer": [{"name": "side", "image": "s"}],
            "sidecarVolumeMounts": [{"name": "w", "mountPath": "/w"}],
            "metrics": {"port": 9000}, "healthProbe": {"port": 9001},
        },
        "logLevel": "debug", "logOutputPaths": ["stdout", "/tmp/log"],
        "logErrorOutputPaths": ["stdout"],
        "settings": {"clusterName": "prod"},
    })
}

#[test]
fn every_value_of_an_object_takes_effect() {
    let helm = Helm::new();
    let file = helm.home.path().join("everything.json");
    std::fs::write(&file, everything().to_string()).expect("writes");
    let file = file.to_str().expect("text");
    let api = ["-f", file, "--api-versions", "monitoring.coreos.com/v1"];
    let objects = helm.objects(&api).expect("renders");
    for object in &objects {
        assert_eq!(object["metadata"]["labels"]["team"], "a");
        assert_eq!(object["metadata"]["annotations"]["note"], "1");
    }
    let spec = &find(&objects, "Deployment", "karpenter")["spec"];
    assert_eq!(spec["replicas"], 1);
    assert_eq!(spec["revisionHistoryLimit"], 3);
    assert_eq!(spec["strategy"], json!({"type": "Recreate"}));
    let template = &spec["template"]["metadata"];
    assert_eq!(
        (&template["labels"]["pod"], &template["annotations"]["pod"]),
        (&json!("label"), &json!("note"))
    );
    pod_is_as_asked(pod(&objects));
    let service = find(&objects, "Service", "karpenter");
    assert_eq!(service["metadata"]["annotations"]["of"], "service");
    assert_eq!(service["spec"]["ports"][0]["port"], 9000);
    let account = find(&objects, "ServiceAccount", "account");
    assert_eq!(
        account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"],
        "arn"
    );
    let binding = find(&objects, "ClusterRoleBinding", "karpenter-core");
    let subject = json!({"kind": "ServiceAccount", "name": "account", "namespace": "karpenter"});
    assert_eq!(binding["subjects"][0], subject);
    let rules = find(&objects, "ClusterRole", "karpenter-core")["rules"].as_array();
    let last = rules.and_then(|rules| rules.last()).expect("a rule");
    assert_eq!(last["apiGroups"][0], "x");
    assert_eq!(
        find(&objects, "PodDisruptionBudget", "budget")["spec"]["maxUnavailable"],
        "50%"
    );
    let monitor = find(&objects, "ServiceMonitor", "karpenter");
    assert_eq!(monitor["metadata"]["labels"]["release"], "prometheus");
    assert_eq!(monitor["spec"]["sampleLimit"], 0);
    let endpoint = json!({"port": "http-metrics", "path": "/metrics", "interval": "30s",
                          "relabelings": [{"action": "keep"}],
                          "metricRelabelings": [{"action": "drop"}]});
    assert_eq!(monitor["spec"]["endpoints"], json!([endpoint]));
}

fn pod_is_as_asked(pod: &Value) {
    let given = everything();
    for key in [
        "imagePullSecrets",
        "priorityClassName",
        "terminationGracePeriodSeconds",
        "hostNetwork",
        "schedulerName",
        "dnsPolicy",
        "dnsConfig",
        "initContainers",
        "topologySpreadConstraints",
    ] {
        assert_eq!(pod[key], given[key], "{key}");
    }
    assert_eq!(pod["securityContext"]["fsGroup"], 1);
    assert_eq!(pod["nodeSelector"]["disk"], "ssd");
    assert_eq!(pod["serviceAccountName"], "account");
    assert_eq!(pod["volumes"], given["extraVolumes"]);
    assert_eq!(pod["tolerations"], given["tolerations"]);
    let near = "preferredDuringSchedulingIgnoredDuringExecution";
    let term = &pod["affinity"]["podAffinity"][near][0]["podAffinityTerm"];
    assert_eq!(
        term["labelSelector"]["matchLabels"]["app.kubernetes.io/instance"],
        "karpenter"
    );
    let main = &pod["containers"][0];
    assert_eq!(main["name"], "main");
    assert_eq!(main["image"], "registry.example/karpenter:1.2@sha256:ab");
    assert_eq!(main["imagePullPolicy"], "Always");
    assert_eq!(
        main["securityContext"]["seccompProfile"]["type"],
        "Unconfined"
    );
    assert_eq!(main["securityContext"]["runAsUser"], 65532);
    assert_eq!(main["resources"]["requests"]["cpu"], 1);
    assert_eq!(main["envFrom"], given["controller"]["envFrom"]);
    assert_eq!(
        main["volumeMounts"],
        given["controller"]["extraVolumeMounts"]
    );
    assert_eq!(main["ports"][0]["containerPort"], 9000);
    assert_eq!(main["ports"][1]["containerPort"], 9001);
    let variables = main["env"].as_array().expect("a list");
    for (name, value) in [
        ("METRICS_PORT", "9000"),
        ("LOG_LEVEL", "debug"),
        ("LOG_OUTPUT_PATHS", "stdout,/tmp/log"),
        ("LOG_ERROR_OUTPUT_PATHS", "stdout"),
        ("MINE", "1"),
    ] {
        assert!(
            variables.contains(&json!({"name": name, "value": value})),
            "{name}"
        );
    }
    let mounts = json!([{"name": "v", "mountPath": "/v"}, {"name": "w", "mountPath": "/w"}]);
    assert_eq!(
        pod["containers"][1],
        json!({"name": "side", "image": "s", "volumeMounts": mounts})
    );
}

#[test]
fn the_values_file_has_every_value_with_its_default() {
    let text = std::fs::read_to_string(format!(
        "{}/charts/karpenter/values.yaml",
        crate::helm::ROOT
    ));
    let held: Value = serde_saphyr::from_str(&text.expect("a file")).expect("YAML");
    for value in all() {
        let pointer = format!("/{}", value.path.replace('.', "/"));
        assert_eq!(
            held.pointer(&pointer),
            Some(&value.default()),
            "{}",
            value.path
        );
    }
}

#[test]
fn a_monitor_is_made_only_where_the_cluster_knows_it() {
    let helm = Helm::new();
    let on = ["--set", "serviceMonitor.enabled=true"];
    let without = helm.objects(&[&NAMED[..], &on].concat()).expect("renders");
    assert!(
        without
            .iter()
            .all(|object| object["kind"] != "ServiceMonitor")
    );
    let known = ["--api-versions", "monitoring.coreos.com/v1"];
    let with = helm
        .objects(&[&NAMED[..], &on, &known].concat())
        .expect("renders");
    let monitor = find(&with, "ServiceMonitor", "karpenter");
    assert!(monitor["spec"].get("sampleLimit").is_none());
}

#[test]
fn the_role_follows_the_lease() {
    let helm = Helm::new();
    let moved = [
        "--set",
        "settings.leaderElectionName=mine,settings.leaderElectionNamespace=leases",
    ];
    let objects = helm
        .objects(&[&NAMED[..], &moved].concat())
        .expect("renders");
    let role = find(&objects, "Role", "karpenter");
    assert_eq!(role["metadata"]["namespace"], "leases");
    assert_eq!(role["rules"][0]["resourceNames"], json!(["mine"]));
    let binding = find(&objects, "RoleBinding", "karpenter");
    assert_eq!(binding["metadata"]["namespace"], "leases");
    assert_eq!(binding["subjects"][0]["namespace"], "karpenter");
    let objects = helm.objects(&NAMED).expect("renders");
    let role = find(&objects, "Role", "karpenter");
    assert_eq!(role["metadata"]["namespace"], "karpenter");
    assert_eq!(
        role["rules"][0]["resourceNames"],
        json!(["karpenter-leader-election"])
    );
}

#[test]
fn the_values_for_simulated_nodes_render() {
    let helm = Helm::new();
    let objects = helm
        .objects(&["-f", "charts/karpenter/values-kwok.yaml"])
        .expect("renders");
    assert_eq!(
        find(&objects, "Deployment", "karpenter")["spec"]["replicas"],
        1
    );
}

#[test]
fn the_chart_of_definitions_adds_annotations_and_changes_nothing_else() {
    let helm = Helm::new();
    let noted = [
        "template",
        "crds",
        "charts/karpenter-crd",
        "--set",
        "additionalAnnotations.a=b",
    ];
    let mut rendered = parse(&helm.run(&noted).expect("renders"));
    for object in &mut rendered {
        let annotations = object["metadata"]["annotations"]
            .as_object_mut()
            .expect("a map");
        assert_eq!(annotations.remove("a"), Some(json!("b")));
    }
    rendered.sort_by_key(|object| object["metadata"]["name"].to_string());
    let mut definitions = api::crd::all();
    definitions.sort_by_key(|object| object["metadata"]["name"].to_string());
    assert_eq!(rendered, definitions);
}
