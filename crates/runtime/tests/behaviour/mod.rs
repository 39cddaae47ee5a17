//! What must hold on every server. Each behaviour uses names of its own and cleans up nothing.

use std::time::Duration;

use model::{ObjectMeta, k8s::Node};
use runtime::{
    Client, Clock, Notice, ObjectKey, Recorder, Shutdown,
    client::{Kind, Preconditions, Select},
    lease::{self, Election, Leadership, Lease},
    recorder::{self, ObjectRef},
    watch::{self, JsonDecoder, Watcher},
};
use serde_json::{Value, json};
use tokio::time::timeout;

/// Longer than anything here takes; a test that waits for it has failed.
const LONG: Duration = Duration::from_secs(30);

fn lease_named(name: &str) -> Lease {
    let namespace = Some("default".to_owned());
    let metadata = ObjectMeta {
        name: name.into(),
        namespace,
        ..ObjectMeta::default()
    };
    Lease {
        metadata,
        ..Lease::default()
    }
}

fn node_named(name: &str, label: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"set": label}}})
}

pub(crate) async fn writes_are_guarded_by_version_and_uid(client: Client) {
    let key = ObjectKey::namespaced("default", "guarded");
    assert!(client.find::<Lease>(&key).await.expect("looks").is_none());
    let first = client
        .create(&lease_named("guarded"))
        .await
        .expect("creates");
    let again = client
        .create(&lease_named("guarded"))
        .await
        .expect_err("exists");
    assert!(again.is_already_exists(), "{again}");

    let annotate = json!({"metadata": {"annotations": {"a": "b"}}});
    let unchanged = Preconditions::unchanged(&first);
    let second: Lease = client
        .patch(&key, annotate.clone(), &unchanged)
        .await
        .expect("patches");
    assert_eq!(second.metadata.annotations["a"], "b");
    let stale = client
        .patch::<Lease>(&key, annotate.clone(), &unchanged)
        .await;
    let stale = stale.expect_err("has changed");
    assert!(stale.is_conflict(), "{stale}");
    let stale = client.replace(&first).await.expect_err("has changed");
    assert!(stale.is_conflict(), "{stale}");

    let other = Preconditions {
        uid: "another".into(),
        ..Preconditions::none()
    };
    let refused = client
        .delete::<Lease>(&key, &other)
        .await
        .expect_err("another object");
    assert!(refused.is_conflict(), "{refused}");
    client
        .delete::<Lease>(&key, &Preconditions::same_object(&first))
        .await
        .expect("deletes");
    let gone = client
        .delete::<Lease>(&key, &Preconditions::none())
        .await
        .expect_err("gone");
    assert!(gone.is_not_found(), "{gone}");
    let gone = client
        .patch::<Lease>(&key, annotate, &Preconditions::none())
        .await;
    assert!(gone.expect_err("gone").is_not_found());
}

pub(crate) async fn lists_find_by_label_and_watches_tell_what_changes(client: Client) {
    for name in ["seen-a", "seen-b"] {
        client
            .create_from::<Node>("", node_named(name, "seen"))
            .await
            .expect("creates");
    }
    client
        .create_from::<Node>("", node_named("unseen", "other"))
        .await
        .expect("creates");
    let select = Select::all().labels("set=seen");
    let list = client.list::<Node>(&select).await.expect("lists");
    let names: Vec<_> = list.items.iter().map(|node| &*node.metadata.name).collect();
    assert_eq!(names, ["seen-a", "seen-b"]);

    let mut config = watch::Config::all(Kind::of::<Node>()).select(select);
    config.page_size = 1;
    let mut watcher = Watcher::new(client.clone(), config, JsonDecoder::<Node>::default());
    // A real cluster's controllers change nodes too, so the same event may come several times.
    let mut last = String::new();
    let mut next = async || loop {
        let event = timeout(LONG, watcher.next())
            .await
            .expect("an event in time");
        let shown = match event {
            watch::Event::Reset(nodes) => format!("reset {}", nodes.len()),
            watch::Event::Applied(node) => format!("applied {}", node.metadata.name),
            watch::Event::Deleted(node) => format!("deleted {}", node.metadata.name),
        };
        let before = ["applied seen-a", "applied seen-b"].contains(&&*shown);
        if shown != last && !before {
            last.clone_from(&shown);
            return shown;
        }
    };
    assert_eq!(next().await, "reset 2");
    client
        .create_from::<Node>("", node_named("seen-c", "seen"))
        .await
        .expect("creates");
    assert_eq!(next().await, "applied seen-c");
    let leave = json!({"metadata": {"labels": {"set": null}}});
    let key = ObjectKey::cluster("seen-c");
    client
        .patch::<Node>(&key, leave, &Preconditions::none())
        .await
        .expect("patches");
    assert_eq!(next().await, "deleted seen-c", "it left the selection");
    let key = ObjectKey::cluster("seen-a");
    client
        .delete::<Node>(&key, &Preconditions::none())
        .await
        .expect("deletes");
    assert_eq!(next().await, "deleted seen-a");
}

pub(crate) async fn status_is_written_apart_from_the_rest(client: Client) {
    let node = json!({"metadata": {"name": "status"}, "status": {"capacity": {"cpu": "2"}}});
    let made: Node = client.create_from("", node).await.expect("creates");
    assert_eq!(
        made.status.capacity["cpu"].to_string(),
        "2",
        "nodes may come with a status"
    );
    let (key, any) = (ObjectKey::cluster("status"), Preconditions::none());
    let both = json!({"spec": {"unschedulable": true}, "status": {"capacity": {"cpu": "4"}}});
    let node: Node = client
        .patch_status(&key, both.clone(), &any)
        .await
        .expect("patches");
    assert_eq!(node.status.capacity["cpu"].to_string(), "4");
    let node: Node = client.get(&key).await.expect("reads");
    assert!(!node.spec.unschedulable);
}

pub(crate) async fn discovery_knows_what_is_served(client: Client) {
    assert!(client.serves(Kind::of::<Node>()).await.expect("discovers"));
    assert!(client.serves(Kind::of::<Lease>()).await.expect("discovers"));
    let other = Kind {
        group: "example.com",
        version: "v1",
        kind: "Thing",
        plural: "things",
    };
    assert!(!client.serves(other).await.expect("discovers"));
}

pub(crate) async fn events_are_written_and_counted(client: Client) {
    let (recorder, outbox) = Recorder::new(Clock::wall(), None);
    let stop = Shutdown::new();
    let writing = tokio::spawn(outbox.run(client.clone(), stop.clone()));
    let about = ObjectRef {
        api_version: "v1".into(),
        kind: "Node".into(),
        name: "talked-about".into(),
        ..ObjectRef::default()
    };
    for _ in 0..3 {
        recorder.publish(Notice::warning(about.clone(), "Tested", "it works").always());
    }
    stop.trigger();
    timeout(LONG, writing)
        .await
        .expect("in time")
        .expect("ends");
    let select = Select::in_namespace("default").fields("involvedObject.name=talked-about");
    let events = client
        .list::<recorder::Event>(&select)
        .await
        .expect("lists")
        .items;
    assert_eq!(events.len(), 1, "{events:?}");
    let event = &events[0];
    assert_eq!(
        (&*event.reason, &*event.severity, event.count),
        ("Tested", "Warning", 3)
    );
}

pub(crate) async fn one_of_two_candidates_leads_and_the_other_follows_a_release(client: Client) {
    let candidate = |identity: &str| {
        let config = lease::Config::standard("leader", "default", identity);
        let release = Shutdown::new();
        (
            Election::start(client.clone(), Clock::wall(), config, release.clone()),
            release,
        )
    };
    let (mut one, release) = candidate("one");
    assert!(timeout(LONG, one.elected()).await.expect("in time"));
    let (mut two, _two) = candidate("two");
    let key = ObjectKey::namespaced("default", "leader");
    let lease: Lease = client.get(&key).await.expect("reads");
    assert_eq!(lease.spec.holder(), "one");
    assert_eq!(two.leadership(), Leadership::Waiting);
    release.trigger();
    timeout(LONG, one.ended()).await.expect("in time");
    assert!(timeout(LONG, two.elected()).await.expect("in time"));
    let lease: Lease = client.get(&key).await.expect("reads");
    assert_eq!(
        (lease.spec.holder(), lease.spec.lease_transitions),
        ("two", Some(1))
    );
}
