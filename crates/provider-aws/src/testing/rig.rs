//! The provider as a whole, on a pretended AWS and an API server in process, in virtual time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::{Ec2NodeClass, NodeClaim};
use http::{Method, Request};
use runtime::client::RequestBody;
use runtime::options::{Parsed, parse};
use runtime::{Client, Next, Shutdown};
use serde_json::{Value, json};
use tower::{BoxError, ServiceExt};

use super::{CLASSES, Kube};
use crate::fake::{Fake, State};
use crate::provider::Provider;
use crate::start::Start;

/// Longer than anything takes.
const LONG: Duration = Duration::from_mins(20);
/// How rigs are started.
const ARGS: [&str; 2] = ["--cluster-name=test-cluster", "--eks-control-plane=true"];

/// Requests that don't arrive: a method, and what their path contains.
type Lost = Arc<Mutex<Vec<(Method, &'static str)>>>;

/// A provider with its surroundings.
pub(crate) struct Rig {
    pub(crate) kube: Kube,
    pub(crate) fake: Fake,
    pub(crate) provider: Arc<Provider>,
    pub(crate) shutdown: Shutdown,
    lost: Lost,
}

impl Rig {
    /// All of its loops run.
    pub(crate) async fn new() -> Self {
        let rig = Self::over(Kube::unwatched(), &[], |_| {}).await;
        let (running, stop) = (rig.provider.clone(), rig.shutdown.clone());
        tokio::spawn(async move { running.run(stop).await });
        rig
    }

    /// None of its loops runs: objects are followed, and that is all. Later arguments win.
    pub(crate) async fn still(args: &[&str], prepare: impl FnOnce(&mut State)) -> Self {
        let rig = Self::over(Kube::unwatched(), args, prepare).await;
        rig.follow().await;
        rig
    }

    async fn over(kube: Kube, args: &[&str], prepare: impl FnOnce(&mut State)) -> Self {
        let fake = Fake::new(kube.clock.clone());
        fake.change(prepare);
        let lost = Lost::default();
        let client = losing(&kube, &lost);
        let provider = start(&kube, &fake, &client, args).await;
        fake.forget_calls();
        Self {
            kube,
            fake,
            provider,
            shutdown: Shutdown::new(),
            lost,
        }
    }

    /// Another process in place of this one, which does not run its loops either.
    pub(crate) async fn restart(&mut self, args: &[&str]) {
        self.restart_unread(args).await;
        self.follow().await;
    }

    /// Another process in place of this one, which has not read any object yet.
    pub(crate) async fn restart_unread(&mut self, args: &[&str]) {
        self.shutdown.trigger();
        self.shutdown = Shutdown::new();
        let client = losing(&self.kube, &self.lost);
        self.provider = start(&self.kube, &self.fake, &client, args).await;
        self.fake.forget_calls();
    }

    pub(crate) async fn follow(&self) {
        let objects = self.provider.world.objects.clone();
        let (followed, stop) = (objects.clone(), self.shutdown.clone());
        tokio::spawn(async move { followed.run(stop).await });
        objects.synced().await;
    }

    /// A class that selects what the account has, and a pool of it.
    pub(crate) fn class_and_pool(&self) {
        self.class(&json!({}));
        self.kube.pool("default", &json!([]));
    }

    /// A class that selects what the account has, with some fields in place of its own; null
    /// leaves one out.
    pub(crate) fn class(&self, fields: &Value) {
        self.kube.create(CLASSES, class(fields));
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let end = self.kube.clock.now() + LONG;
        while !holds() {
            assert!(self.kube.clock.now() < end, "never: {what}");
            self.kube.clock.sleep(Duration::from_millis(100)).await;
        }
    }

    /// Status and reason of a condition of the class `default`.
    pub(crate) fn condition(&self, kind: &str) -> Option<(String, String)> {
        let class = self.kube.get(CLASSES, "default")?;
        let conditions = class["status"]["conditions"].as_array()?.clone();
        let one = conditions.into_iter().find(|one| one["type"] == kind)?;
        let text = |field: &str| one[field].as_str().unwrap_or_default().to_owned();
        Some((text("status"), text("reason")))
    }

    /// An annotation of an object.
    pub(crate) fn annotation(
        &self,
        resource: apiserver::Resource<'_>,
        name: &str,
        key: &str,
    ) -> Option<String> {
        let object = self.kube.get(resource, name)?;
        let value = object["metadata"]["annotations"][key].as_str()?;
        Some(value.to_owned())
    }

    pub(crate) async fn ready(&self) {
        let is_ready = || {
            self.condition("Ready")
                .is_some_and(|(status, _)| status == "True")
        };
        self.until("the class is ready", is_ready).await;
    }

    /// Writes the status of the class `default`.
    pub(crate) fn status(&self, change: impl FnOnce(&mut Value)) {
        let options = apiserver::WriteOptions::status();
        let change = |class: &mut Value| change(&mut class["status"]);
        let server = &self.kube.server;
        let written = server.modify(CLASSES, "", "default", &options, change);
        written.expect("a status");
    }

    /// Looks at the class `default` once, everything being known that has happened.
    pub(crate) async fn reconcile(&self) -> Next {
        self.kube.settle().await;
        self.provider.classes.reconcile("default").await
    }

    /// The class `default` as the provider knows it.
    pub(crate) async fn known(&self) -> Arc<Ec2NodeClass> {
        self.kube.settle().await;
        let class = self.provider.world.objects.class("default");
        class.expect("the class")
    }

    /// The next request of the provider of this method, whose path contains a text, does not
    /// arrive.
    pub(crate) fn lose(&self, method: Method, path: &'static str) {
        self.lost.lock().expect("a lock").push((method, path));
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

/// A class that selects what the account has, with some fields in place of its own.
pub(crate) fn class(fields: &Value) -> Value {
    let mut spec = json!({"role": "test-role",
        "amiSelectorTerms": [{"alias": "al2023@latest"}],
        "subnetSelectorTerms": [{"tags": {"foo": "bar"}}],
        "securityGroupSelectorTerms": [{"tags": {"foo": "bar"}}]});
    let own = spec.as_object_mut().expect("an object");
    for (field, value) in fields.as_object().expect("an object") {
        own.insert(field.clone(), value.clone());
    }
    own.retain(|_, value| !value.is_null());
    json!({"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass",
        "metadata": {"name": "default"}, "spec": spec})
}

/// A claim of the pool `default` for a machine of the m5 family on demand.
pub(crate) fn claim() -> NodeClaim {
    serde_json::from_value(json!({
        "metadata": {"name": "default-1", "uid": "uid-1",
            "labels": {"karpenter.sh/nodepool": "default", "team": "a"}},
        "spec": {
            "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass",
                "name": "default"},
            "requirements": [
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
                {"key": "node.kubernetes.io/instance-type", "operator": "In",
                    "values": ["m5.large", "m5.xlarge"]}],
            "resources": {"requests": {"cpu": "1", "memory": "1Gi", "pods": "2"}},
            "expireAfter": "720h"},
    }))
    .expect("a claim")
}

/// A provider that has been started; later arguments win.
async fn start(kube: &Kube, fake: &Fake, client: &Client, args: &[&str]) -> Arc<Provider> {
    let args: Vec<String> = ARGS.iter().chain(args).map(ToString::to_string).collect();
    let Ok(Parsed::Run(options)) = parse(&args, &BTreeMap::new()) else {
        panic!("settings");
    };
    let start = Start {
        calls: fake.calls(),
        region: "us-west-2".to_owned(),
        client: client.clone(),
        clock: kube.clock.clone(),
        recorder: kube.recorder.clone(),
        metrics: kube.metrics.clone(),
        options: Arc::new(*options),
        ca_bundle: "Y2EtYnVuZGxlCg==".to_owned(),
        seed: 7,
    };
    Arc::new(Box::pin(start.start()).await.expect("starts"))
}

/// A client some of whose requests don't arrive.
fn losing(kube: &Kube, lost: &Lost) -> Client {
    let (service, lost) = (kube.server.client_service(), lost.clone());
    Client::from_service(tower::service_fn(move |request: Request<RequestBody>| {
        let path = request.uri().path().to_owned();
        let mut lost = lost.lock().expect("a lock");
        let found = lost
            .iter()
            .position(|(method, part)| method == request.method() && path.contains(part));
        let is_lost = found.map(|at| lost.remove(at)).is_some();
        let service = service.clone();
        async move {
            if is_lost {
                return Err("the connection broke".into());
            }
            let answer: Result<_, BoxError> = service.oneshot(request).await.map_err(Into::into);
            answer
        }
    }))
}
