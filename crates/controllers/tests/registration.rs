//! What holds up registration and initialization, against an API server, in virtual time.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use api::NodeClaim;
use apiserver::NODES;
use async_trait::async_trait;
use common::{CLAIMS, Rig};
use controllers::RegistrationHook;
use controllers::cloud::HookOutcome;
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_mins(1);

/// Is done when it has been asked a number of times, and fails when asked first if told so.
struct Slow {
    name: &'static str,
    fails: bool,
    needs: u32,
    asked: AtomicU32,
}

impl Slow {
    fn new(name: &'static str, needs: u32) -> Arc<Self> {
        Arc::new(Self {
            name,
            fails: false,
            needs,
            asked: AtomicU32::new(0),
        })
    }
}

#[async_trait]
impl RegistrationHook for Slow {
    fn name(&self) -> &str {
        self.name
    }

    async fn register(&self, claim: &NodeClaim) -> Result<HookOutcome, String> {
        assert!(!claim.status.provider_id.is_empty());
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        if asked == 1 && self.fails {
            return Err("no answer".to_owned());
        }
        if asked < self.needs {
            return Ok(HookOutcome::pending_for(Duration::from_secs(5)));
        }
        Ok(HookOutcome::done().label("example.com/checked", self.name))
    }
}

fn registered(claim: &Value) -> Value {
    let conditions = claim["status"]["conditions"].as_array().cloned();
    let mut conditions = conditions.unwrap_or_default().into_iter();
    let found = conditions.find(|held| held["type"] == "Registered");
    found.unwrap_or_default()
}

/// LC-18, LC-19, LC-21, LC-23, LC-25.
#[tokio::test(start_paused = true)]
async fn a_node_is_registered_once_all_hooks_are_done() {
    let mut rig = Rig::new();
    let (quick, slow) = (Slow::new("quick", 1), Slow::new("slow", 4));
    rig.cloud.hook(quick.clone());
    rig.cloud.hook(slow.clone());
    rig.start();
    rig.scale_up("x", 1);
    rig.until(MINUTE, "the node has joined", |rig| {
        let claims = rig.list(CLAIMS);
        let held = claims.first().map(registered).unwrap_or_default();
        held["reason"] == "RegistrationHookPending"
    })
    .await;
    assert_eq!(registered(&rig.list(CLAIMS)[0])["message"], "slow");
    let node = &rig.list(NODES)[0];
    assert_eq!(
        node["metadata"]["labels"]["karpenter.sh/nodepool"],
        "default"
    );
    assert!(node["metadata"]["labels"]["karpenter.sh/registered"].is_null());
    let taints = node["spec"]["taints"].as_array().expect("taints");
    assert!(
        taints
            .iter()
            .any(|taint| taint["key"] == "karpenter.sh/unregistered")
    );
    assert!(!rig.all_running());
    rig.until(MINUTE, "the pod runs", Rig::all_running).await;
    for object in [&rig.list(NODES)[0], &rig.list(CLAIMS)[0]] {
        assert_eq!(object["metadata"]["labels"]["example.com/checked"], "slow");
    }
    let asked = slow.asked.load(Ordering::Relaxed);
    assert_eq!(asked, quick.asked.load(Ordering::Relaxed));
    rig.clock.sleep(10 * MINUTE).await;
    let later = slow.asked.load(Ordering::Relaxed);
    assert_eq!(later, asked, "nobody asks once it is registered");
}

/// LC-20: it is asked again.
#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_once_delays_the_registration_and_no_more() {
    let mut rig = Rig::new();
    let failing = Arc::new(Slow {
        name: "failing",
        fails: true,
        needs: 2,
        asked: AtomicU32::new(0),
    });
    rig.cloud.hook(failing);
    rig.start();
    rig.scale_up("x", 1);
    rig.until(2 * MINUTE, "the pod runs", Rig::all_running)
        .await;
    assert_eq!(rig.cloud.launched(), 1);
}

/// A node that misses a hook goes by the registration time-out, and its pod gets another.
#[tokio::test(start_paused = true)]
async fn a_hook_that_is_never_done_ends_the_claim() {
    let mut rig = Rig::new();
    rig.cloud.hook(Slow::new("stuck", 1_000_000));
    rig.start();
    rig.scale_up("x", 1);
    rig.until(20 * MINUTE, "another is launched", |rig| {
        rig.cloud.launched() == 2
    })
    .await;
    let text = rig.metrics.to_text();
    assert!(text.contains("reason=\"registration_timeout\""));
}

/// A pool whose startup taint nobody lifts, with one pending pod.
async fn stuck(annotations: Value, flags: &[&str]) -> Rig {
    let mut rig = Rig::new();
    rig.change_pool(|pool| {
        let template = &mut pool["spec"]["template"];
        template["metadata"]["annotations"] = annotations.clone();
        template["spec"]["startupTaints"] = json!([{"key": "boot", "effect": "NoSchedule"}]);
    });
    rig.start_with(flags);
    rig.scale_up("x", 1);
    rig.until(2 * MINUTE, "the node is registered", |rig| {
        let nodes = rig.list(NODES);
        let label = |node: &Value| node["metadata"]["labels"]["karpenter.sh/registered"] == "true";
        nodes.first().is_some_and(label)
    })
    .await;
    rig
}

/// By default it stays, and whoever looks at node or claim sees why.
#[tokio::test(start_paused = true)]
async fn a_node_that_is_never_complete_is_told() {
    let rig = stuck(json!({}), &[]).await;
    rig.clock.sleep(14 * MINUTE).await;
    assert_eq!(rig.told("InitializationOverdue"), Vec::<String>::new());
    rig.clock.sleep(100 * MINUTE).await;
    let mut told = rig.told("InitializationOverdue");
    told.dedup();
    assert_eq!(told, ["Node", "NodeClaim"]);
    assert_eq!((rig.list(NODES).len(), rig.cloud.launched()), (1, 1));
    let claim = &rig.list(CLAIMS)[0];
    let conditions = claim["status"]["conditions"]
        .as_array()
        .expect("conditions");
    let held = conditions.iter().find(|held| held["type"] == "Initialized");
    let message = held.expect("it is there")["message"]
        .as_str()
        .expect("a text");
    assert!(message.contains("boot:NoSchedule"), "{message}");
    assert!(message.contains("not been complete since"), "{message}");
    // Once it is told, nothing is written but the same event, every quarter of an hour.
    let before = rig.wire.writes();
    rig.clock.sleep(60 * MINUTE).await;
    let after = rig.wire.writes();
    assert_eq!(after[before.len()..], [] as [String; 0]);
}

/// With a deadline, from the settings or from the pool's template, another node is tried.
#[tokio::test(start_paused = true)]
async fn a_node_that_is_not_complete_in_time_is_replaced() {
    let flag: &[&str] = &["--initialization-timeout", "20m"];
    let own = json!({"karpenter.sh/initialization-timeout": "20m"});
    for (annotations, flags) in [(json!({}), flag), (own, &[][..])] {
        let rig = stuck(annotations, flags).await;
        rig.clock.sleep(19 * MINUTE).await;
        assert_eq!(rig.cloud.launched(), 1);
        rig.until(3 * MINUTE, "another is launched", |rig| {
            rig.cloud.launched() == 2
        })
        .await;
        let text = rig.metrics.to_text();
        assert!(text.contains("reason=\"initialization_timeout\""));
    }
}
