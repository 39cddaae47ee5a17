//! Everything that happened to pods, nodes and claims, as three watches tell it, so that tests can
//! wait for a state and check afterwards what came before what.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses a part of it"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use super::{LONG, world::World};

/// What is watched, and where.
const KINDS: [(Kind, &str); 3] = [
    (Kind::Pod, "/api/v1/namespaces/default/pods?watch=true"),
    (Kind::Node, "/api/v1/nodes?watch=true"),
    (Kind::Claim, "/apis/karpenter.sh/v1/nodeclaims?watch=true"),
];

/// The kinds that are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Pod,
    Node,
    Claim,
}

/// One version of an object.
#[derive(Clone, Debug)]
pub struct Change {
    /// Orders changes of all kinds: they are in one store.
    pub revision: u64,
    pub kind: Kind,
    pub name: String,
    /// Whether it is the last one.
    pub gone: bool,
    pub object: Value,
}

/// What there is now.
#[derive(Clone, Debug, Default)]
pub struct Now(BTreeMap<(Kind, String), Value>);

impl Now {
    fn all(&self, kind: Kind) -> Vec<&Value> {
        let all = self.0.iter().filter(|((of, _), _)| *of == kind);
        all.map(|(_, object)| object).collect()
    }

    pub fn pods(&self) -> Vec<&Value> {
        self.all(Kind::Pod)
    }

    pub fn nodes(&self) -> Vec<&Value> {
        self.all(Kind::Node)
    }

    pub fn claims(&self) -> Vec<&Value> {
        self.all(Kind::Claim)
    }

    /// The only pod of an app that stays.
    pub fn pod(&self, app: &str) -> Option<&Value> {
        let mut pods = self.pods();
        pods.retain(|pod| pod["metadata"]["labels"]["app"] == app && !is_deleting(pod));
        (pods.len() == 1).then(|| pods[0])
    }

    /// The claim of the node that an app's only pod is on.
    pub fn claim_of(&self, app: &str) -> Option<&Value> {
        let host = self.pod(app)?["spec"]["nodeName"].as_str()?;
        let mut claims = self.claims().into_iter();
        claims.find(|claim| claim["status"]["nodeName"] == host)
    }

    /// How many pods do their work and will go on with it.
    pub fn at_work(&self) -> usize {
        let pods = self.pods().into_iter();
        let at_work = pods.filter(|pod| is_true(pod, "Ready") && !is_deleting(pod));
        at_work.count()
    }

    /// How many nodes are on their way out, or were chosen to be.
    pub fn going(&self) -> usize {
        let nodes = self.nodes();
        nodes.iter().filter(|node| is_going(node)).count()
    }

    /// How many claims are complete and will stay.
    pub fn complete(&self) -> usize {
        let claims = self.claims().into_iter();
        let complete = claims.filter(|claim| is_initialized(claim) && !is_deleting(claim));
        complete.count()
    }

    /// So many pods run, each on a node that stays; nothing else waits or goes; each claim has its
    /// node and each node its claim; nothing says any more that a node was to go.
    pub fn is_settled(&self, pods: usize) -> bool {
        let (nodes, claims) = (self.nodes(), self.claims());
        let hosts: BTreeSet<String> = nodes.iter().map(|node| name(node)).collect();
        let claimed: BTreeSet<String> = claims
            .iter()
            .filter_map(|claim| claim["status"]["nodeName"].as_str().map(str::to_owned))
            .collect();
        self.pods().len() == pods
            && self.pods().iter().all(|pod| {
                pod["status"]["phase"] == "Running"
                    && !is_deleting(pod)
                    && hosts.contains(pod["spec"]["nodeName"].as_str().unwrap_or_default())
            })
            && self.going() == 0
            && hosts == claimed
            && hosts.len() == claims.len()
            && self.complete() == claims.len()
            && !claims
                .iter()
                .any(|claim| is_true(claim, "DisruptionReason"))
    }

    fn apply(&mut self, change: &Change) {
        let key = (change.kind, change.name.clone());
        if change.gone {
            self.0.remove(&key);
        } else {
            self.0.insert(key, change.object.clone());
        }
    }

    /// For failure messages.
    fn describe(&self) -> String {
        let mut text = String::new();
        for ((kind, name), object) in &self.0 {
            let going = if is_deleting(object) {
                ", deleting"
            } else {
                ""
            };
            let what = match kind {
                Kind::Pod => format!(
                    "{} on {}",
                    object["status"]["phase"], object["spec"]["nodeName"]
                ),
                Kind::Node => format!("taints {}", object["spec"]["taints"]),
                Kind::Claim => {
                    let conditions = object["status"]["conditions"].as_array();
                    let conditions = conditions.into_iter().flatten().map(|one| {
                        let part = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
                        format!("{}={}", part("type"), part("status"))
                    });
                    let conditions: Vec<String> = conditions.collect();
                    format!(
                        "node {}, {}",
                        object["status"]["nodeName"],
                        conditions.join(" ")
                    )
                }
            };
            let _ = writeln!(text, "  {kind:?} {name}: {what}{going}");
        }
        text
    }
}

/// What the watches have told.
#[derive(Debug, Default)]
struct Told {
    changes: Vec<Change>,
    now: Now,
    /// Why no more is told.
    broken: Option<String>,
}

/// Three running watches.
pub struct History {
    told: Arc<(Mutex<Told>, Condvar)>,
    watches: Vec<Child>,
}

impl History {
    /// Begins to watch.
    pub fn follow(world: &World) -> Self {
        let told: Arc<(Mutex<Told>, Condvar)> = Arc::default();
        let watches = KINDS.map(|(kind, path)| {
            let mut watch = world
                .command(&["get", "--raw", path])
                .stdout(Stdio::piped())
                .spawn()
                .expect("kubectl runs");
            let lines = BufReader::new(watch.stdout.take().expect("piped")).lines();
            let told = told.clone();
            std::thread::spawn(move || {
                for line in lines.map_while(Result::ok) {
                    let change = change(kind, &line);
                    let mut all = lock(&told.0);
                    match change {
                        Some(change) => {
                            all.now.apply(&change);
                            all.changes.push(change);
                        }
                        None => all.broken = Some(line),
                    }
                    drop(all);
                    told.1.notify_all();
                }
                lock(&told.0)
                    .broken
                    .get_or_insert(format!("the watch of {kind:?} has ended"));
                told.1.notify_all();
            });
            watch
        });
        Self {
            told,
            watches: watches.into(),
        }
    }

    /// Waits for a state, and gives it; fails when it never comes.
    pub fn until(&self, what: &str, condition: impl Fn(&Now) -> bool) -> Now {
        let (told, news) = &*self.told;
        let waits = |told: &mut Told| told.broken.is_none() && !condition(&told.now);
        let waited = news.wait_timeout_while(lock(told), LONG, waits);
        let (told, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let now = told.now.clone();
        let broken = told.broken.clone();
        // Nobody else may find the lock poisoned.
        drop(told);
        assert_eq!(broken, None, "waiting until {what}");
        assert!(
            condition(&now),
            "never: {what}; at last:\n{}",
            now.describe()
        );
        now
    }

    /// What there is, as far as it was told.
    pub fn now(&self) -> Now {
        lock(&self.told.0).now.clone()
    }

    /// All that happened, in its order.
    pub fn changes(&self) -> Vec<Change> {
        let mut changes = lock(&self.told.0).changes.clone();
        changes.sort_by_key(|change| change.revision);
        changes
    }

    /// All names that objects of a kind had.
    pub fn names(&self, kind: Kind) -> BTreeSet<String> {
        let changes = self.changes().into_iter();
        let changes = changes.filter(|change| change.kind == kind);
        changes.map(|change| change.name).collect()
    }

    /// The first version of an object for which something holds.
    pub fn first(&self, kind: Kind, name: &str, holds: impl Fn(&Value) -> bool) -> Option<Change> {
        let mut changes = self.changes().into_iter();
        changes.find(|one| one.kind == kind && one.name == name && holds(&one.object))
    }

    /// What there was at a revision.
    pub fn at(&self, revision: u64) -> Now {
        let mut now = Now::default();
        for change in self.changes() {
            if change.revision <= revision {
                now.apply(&change);
            }
        }
        now
    }

    /// The most that was ever counted, over all states that there were.
    pub fn most(&self, count: impl Fn(&Now) -> usize) -> usize {
        self.counts(0, count).into_iter().max().unwrap_or_default()
    }

    /// The least that was counted, over all states from a revision on.
    pub fn least_since(&self, revision: u64, count: impl Fn(&Now) -> usize) -> usize {
        let counts = self.counts(revision, count).into_iter();
        counts.min().expect("something has happened since")
    }

    fn counts(&self, since: u64, count: impl Fn(&Now) -> usize) -> Vec<usize> {
        let mut now = Now::default();
        let mut counts = Vec::new();
        for change in self.changes() {
            now.apply(&change);
            if change.revision >= since {
                counts.push(count(&now));
            }
        }
        counts
    }

    /// The revision of the last change.
    pub fn latest(&self) -> u64 {
        self.changes().last().map_or(0, |change| change.revision)
    }
}

impl Drop for History {
    fn drop(&mut self) {
        for watch in &mut self.watches {
            // It may have ended with the API server.
            let _ = watch.kill();
            let _ = watch.wait();
        }
    }
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

fn change(kind: Kind, line: &str) -> Option<Change> {
    let mut event: Value = serde_json::from_str(line).ok()?;
    let gone = match event["type"].as_str()? {
        "ADDED" | "MODIFIED" => false,
        "DELETED" => true,
        _ => return None,
    };
    let object = event["object"].take();
    let revision = object["metadata"]["resourceVersion"].as_str()?;
    Some(Change {
        revision: revision.parse().ok()?,
        kind,
        name: name(&object),
        gone,
        object,
    })
}

pub fn name(object: &Value) -> String {
    let name = object["metadata"]["name"].as_str();
    name.expect("all objects have one").to_owned()
}

pub fn names(objects: &[&Value]) -> BTreeSet<String> {
    objects.iter().map(|object| name(object)).collect()
}

pub fn is_deleting(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// Whether a node is on its way out, or was chosen to be.
pub fn is_going(node: &Value) -> bool {
    let mut taints = node["spec"]["taints"].as_array().into_iter().flatten();
    is_deleting(node) || taints.any(|taint| taint["key"] == "karpenter.sh/disrupted")
}

/// Whether a condition of a claim or pod holds.
pub fn is_true(object: &Value, condition: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|one| one["type"] == condition && one["status"] == "True")
}

pub fn is_initialized(claim: &Value) -> bool {
    is_true(claim, "Initialized")
}
