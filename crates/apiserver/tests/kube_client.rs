//! The usual Rust client works against the embedded server: typed objects, watchers, evictions,
//! and all of it under virtual time.

use std::{sync::Arc, time::Duration};

use apiserver::{
    Config, DeleteOptions, GarbageCollection, NODES, PODS, Patch, REPLICA_SETS, Resource,
    Selectors, Server, WriteOptions,
};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Node, Pod},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, EvictParams, ListParams, Patch as ClientPatch, PatchParams, PostParams},
    runtime::watcher,
};
use serde_json::json;

fn server() -> Server {
    let clock = {
        let start = tokio::time::Instant::now();
        Arc::new(move || {
            let passed = tokio::time::Instant::now() - start;
            jiff::Timestamp::from_second(1_700_000_000).unwrap() + passed
        })
    };
    Server::new(Config::new(clock, 7))
}

fn client(server: &Server) -> Client {
    Client::new(server.client_service(), "default")
}

fn pod(name: &str) -> Pod {
    serde_json::from_value(json!({
        "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": "example.com/app:1"}]},
    }))
    .unwrap()
}

#[tokio::test(start_paused = true)]
async fn typed_objects_are_created_read_changed_and_deleted() {
    let server = server();
    let pods: Api<Pod> = Api::default_namespaced(client(&server));
    let made = pods
        .create(&PostParams::default(), &pod("a"))
        .await
        .unwrap();
    assert_eq!(made.spec.as_ref().unwrap().priority, Some(0));
    let error = pods
        .create(&PostParams::default(), &pod("a"))
        .await
        .unwrap_err();
    assert!(matches!(error, kube::Error::Api(s) if s.code == 409 && s.reason == "AlreadyExists"));
    let change = json!({"status": {"phase": "Running"}});
    let merge = ClientPatch::Merge(&change);
    let running = pods
        .patch_status("a", &PatchParams::default(), &merge)
        .await
        .unwrap();
    assert_eq!(running.status.unwrap().phase.as_deref(), Some("Running"));
    assert_eq!(
        pods.list(&ListParams::default().labels("app=web"))
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    pods.delete("a", &DeleteParams::default()).await.unwrap();
    assert!(pods.get_opt("a").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_apply_of_a_typed_object_creates_and_then_changes_it() {
    let server = server();
    let deployments: Api<Deployment> = Api::default_namespaced(client(&server));
    let params = PatchParams::apply("test").force();
    let object = |replicas: i32| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {
                "replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "main", "image": "example.com/app:1"}]},
                },
            },
        })
    };
    deployments
        .patch("web", &params, &ClientPatch::Apply(&object(1)))
        .await
        .unwrap();
    let after = deployments
        .patch("web", &params, &ClientPatch::Apply(&object(3)))
        .await
        .unwrap();
    assert_eq!(after.spec.replicas, Some(3));
    assert_eq!(after.metadata.generation, Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_objects_before_and_after_its_start_and_outlives_its_timeouts() {
    let server = server();
    server
        .create(NODES, "", json!({"metadata": {"name": "n1"}}))
        .unwrap();
    let nodes: Api<Node> = Api::all(client(&server));
    let mut events = watcher::watcher(nodes, watcher::Config::default()).boxed();
    let mut names = Vec::new();
    while names.len() < 3 {
        match events.try_next().await.unwrap().unwrap() {
            watcher::Event::Init => {}
            watcher::Event::InitApply(node) => names.push(format!("init {}", node.name_any())),
            watcher::Event::InitDone => {
                let server = server.clone();
                tokio::spawn(async move {
                    // Longer than any one watch connection lasts.
                    tokio::time::sleep(Duration::from_hours(3)).await;
                    server
                        .create(NODES, "", json!({"metadata": {"name": "n2"}}))
                        .unwrap();
                    server
                        .delete(NODES, "", "n1", &DeleteOptions::default())
                        .unwrap();
                });
            }
            watcher::Event::Apply(node) => names.push(format!("apply {}", node.name_any())),
            watcher::Event::Delete(node) => names.push(format!("delete {}", node.name_any())),
        }
    }
    assert_eq!(names, ["init n1", "apply n2", "delete n1"]);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_with_streaming_lists_gets_its_initial_events() {
    let server = server();
    server
        .create(NODES, "", json!({"metadata": {"name": "n1"}}))
        .unwrap();
    let nodes: Api<Node> = Api::all(client(&server));
    let config = watcher::Config::default().streaming_lists();
    let mut events = watcher::watcher(nodes, config).boxed();
    let mut seen = Vec::new();
    loop {
        match events.try_next().await.unwrap().unwrap() {
            watcher::Event::InitApply(node) => seen.push(node.name_any()),
            watcher::Event::InitDone => break,
            watcher::Event::Init => {}
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(seen, ["n1"]);
}

#[tokio::test(start_paused = true)]
async fn an_eviction_goes_through_the_client() {
    let server = server();
    let pods: Api<Pod> = Api::default_namespaced(client(&server));
    pods.create(&PostParams::default(), &pod("a"))
        .await
        .unwrap();
    pods.evict("a", &EvictParams::default()).await.unwrap();
    assert!(pods.get_opt("a").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn discovery_finds_built_in_and_custom_kinds() {
    let server = server();
    server.install_crd(widget_definition()).unwrap();
    let discovery = kube::Discovery::new(client(&server)).run().await.unwrap();
    let kinds: Vec<String> = discovery
        .groups()
        .flat_map(|g| g.recommended_resources().into_iter().map(|(r, _)| r.kind))
        .collect();
    for kind in ["Pod", "Deployment", "PodDisruptionBudget", "Widget"] {
        assert!(kinds.iter().any(|k| k == kind), "{kind} in {kinds:?}");
    }
    let aggregated = kube::Discovery::new(client(&server))
        .run_aggregated()
        .await
        .unwrap();
    assert!(aggregated.has_group("example.com"));
}

fn widget_definition() -> serde_json::Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Cluster",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                }},
            }],
        },
    })
}

#[tokio::test(start_paused = true)]
async fn the_same_requests_give_the_same_objects() {
    let run = || {
        let server = server();
        for _ in 0..20 {
            let object = json!({
                "metadata": {"generateName": "p-"},
                "spec": {"containers": [{"name": "main", "image": "i"}]},
            });
            server.create(PODS, "default", object).unwrap();
        }
        let list = server.list(PODS, None, &Selectors::default()).unwrap();
        list.items
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

#[tokio::test(start_paused = true)]
async fn dependents_follow_their_owner_when_garbage_is_collected() {
    let server = server();
    let sets = REPLICA_SETS;
    let owner = server
        .create(
            sets,
            "default",
            json!({
                "metadata": {"name": "web"},
                "spec": {
                    "selector": {"matchLabels": {"app": "web"}},
                    "template": {
                        "metadata": {"labels": {"app": "web"}},
                        "spec": {"containers": [{"name": "main", "image": "i"}]},
                    },
                },
            }),
        )
        .unwrap();
    for name in ["a", "b"] {
        let object = json!({
            "metadata": {"name": name, "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web",
                "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
            }]},
            "spec": {"containers": [{"name": "main", "image": "i"}]},
        });
        server.create(PODS, "default", object).unwrap();
    }
    assert_eq!(server.collect_garbage(), 0);
    server
        .delete(sets, "default", "web", &DeleteOptions::default())
        .unwrap();
    let count = || {
        server
            .list(PODS, None, &Selectors::default())
            .unwrap()
            .items
            .len()
    };
    assert_eq!(count(), 2);
    assert_eq!(server.collect_garbage(), 2);
    assert_eq!(count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_namespace_takes_its_contents_along() {
    let clock = Config::frozen(jiff::Timestamp::UNIX_EPOCH, 1);
    let server = Server::new(Config {
        garbage_collection: GarbageCollection::Immediate,
        ..clock
    });
    let namespaces = apiserver::NAMESPACES;
    server
        .create(namespaces, "", json!({"metadata": {"name": "team"}}))
        .unwrap();
    server
        .create(PODS, "team", serde_json::to_value(pod("a")).unwrap())
        .unwrap();
    server
        .delete(namespaces, "", "team", &DeleteOptions::default())
        .unwrap();
    assert!(server.get(namespaces, "", "team").is_err());
    assert!(server.get(PODS, "team", "a").is_err());
}

#[tokio::test(start_paused = true)]
async fn in_process_writes_follow_the_same_rules() {
    let server = server();
    server
        .create(PODS, "default", serde_json::to_value(pod("a")).unwrap())
        .unwrap();
    server.bind("default", "a", "n1").unwrap();
    assert_eq!(server.pods_on("n1").len(), 1);
    let mut watch = server
        .watch(PODS, None, Selectors::default(), None)
        .unwrap();
    assert_eq!(watch.drain().unwrap().len(), 1);
    server
        .modify(PODS, "default", "a", &WriteOptions::status(), |pod| {
            pod["status"]["phase"] = "Running".into();
            pod["spec"]["hostNetwork"] = true.into();
        })
        .unwrap();
    let event = watch.try_next().unwrap().unwrap();
    assert_eq!(event.object()["status"]["phase"], "Running");
    assert!(event.object()["spec"]["hostNetwork"].is_null());
    let none = Resource::new("", "v1", "nothings");
    assert!(
        server
            .patch(
                none,
                "",
                "x",
                &Patch::Merge(json!({})),
                &WriteOptions::default()
            )
            .is_err()
    );
}

#[tokio::test]
async fn it_answers_on_a_tcp_port() {
    let server = server();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = server.clone();
    tokio::spawn(async move { serving.serve(listener).await });
    let mut config = kube::Config::new(format!("http://{address}").parse().unwrap());
    config.default_namespace = "default".into();
    let client = Client::try_from(config).unwrap();
    assert_eq!(client.apiserver_version().await.unwrap().minor, "36");
    let pods: Api<Pod> = Api::default_namespaced(client);
    let mut events = watcher::watcher(pods.clone(), watcher::Config::default()).boxed();
    pods.create(&PostParams::default(), &pod("a"))
        .await
        .unwrap();
    let mut seen = false;
    while !seen {
        let event = events.try_next().await.unwrap().unwrap();
        seen = matches!(
            event,
            watcher::Event::Apply(_) | watcher::Event::InitApply(_)
        );
    }
}
