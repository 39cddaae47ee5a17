//! The server under test, reached the way any client reaches it.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use apiserver::{Config, FieldTracking, GarbageCollection, Server};
use http::{Method, Request};
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use serde_json::{Value, json};

/// A client of a server, and a namespace of this case's own.
pub(crate) struct World {
    client: Client,
    /// Where the case makes its objects.
    pub(crate) namespace: String,
    /// Appended to the names of cluster-wide objects, so that cases don't meet.
    pub(crate) unique: String,
    kind: Kind,
}

/// Which server answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Embedded,
    Real,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) body: Value,
    pub(crate) warnings: Vec<String>,
}

static COUNTER: AtomicU32 = AtomicU32::new(0);

impl World {
    /// A fresh embedded server whose clock moves a second with every reading.
    pub(crate) async fn embedded() -> Self {
        let seconds = AtomicU32::new(0);
        let clock = move || {
            let passed = seconds.fetch_add(1, Ordering::Relaxed);
            jiff::Timestamp::from_second(1_700_000_000 + i64::from(passed)).expect("in range")
        };
        let config = Config {
            field_tracking: FieldTracking::Always,
            garbage_collection: GarbageCollection::Immediate,
            ..Config::new(Arc::new(clock), 1)
        };
        let server = Server::new(config);
        Self::begin(
            Client::new(server.client_service(), "default"),
            Kind::Embedded,
        )
        .await
    }

    /// A namespace of its own on a real server.
    pub(crate) async fn real(kubeconfig: &Path) -> Self {
        let config = kube::config::Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
        let options = kube::config::KubeConfigOptions::default();
        let mut config = kube::Config::from_custom_kubeconfig(config, &options)
            .await
            .expect("valid");
        // Each answer counts, 429 too.
        config.default_retry = false;
        Self::begin(Client::try_from(config).expect("a client"), Kind::Real).await
    }

    async fn begin(client: Client, kind: Kind) -> Self {
        let n = COUNTER.fetch_add(1, Ordering::Relaxed);
        let unique = match kind {
            Kind::Embedded => "e".to_owned(),
            Kind::Real => format!("{}-{n}", std::process::id()),
        };
        let namespace = format!("conformance-{unique}");
        let world = Self {
            client,
            namespace,
            unique,
            kind,
        };
        let namespace = json!({"metadata": {"name": world.namespace}});
        world
            .post("/api/v1/namespaces", &namespace)
            .await
            .expect(201);
        world
    }

    pub(crate) fn is_real(&self) -> bool {
        self.kind == Kind::Real
    }

    /// Path of a core resource in the case's namespace.
    pub(crate) fn core(&self, rest: &str) -> String {
        format!("/api/v1/namespaces/{}/{rest}", self.namespace)
    }

    /// Path of a resource of a group in the case's namespace.
    pub(crate) fn group(&self, group_version: &str, rest: &str) -> String {
        format!("/apis/{group_version}/namespaces/{}/{rest}", self.namespace)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], Vec::new()).await
    }

    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> Answer {
        self.call(Method::GET, path, &[("accept", accept)], Vec::new())
            .await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, "application/json", body)
            .await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, "application/json", body).await
    }

    pub(crate) async fn delete(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::DELETE, path, "application/json", body)
            .await
    }

    pub(crate) async fn merge(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, "application/merge-patch+json", body)
            .await
    }

    pub(crate) async fn apply(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, "application/apply-patch+yaml", body)
            .await
    }

    pub(crate) async fn patch_as(&self, path: &str, media: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, media, body).await
    }

    async fn send(&self, method: Method, path: &str, media: &str, body: &Value) -> Answer {
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        self.call(method, path, &[("content-type", media)], bytes)
            .await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .header("user-agent", "conformance/1")
            .body(Body::from(body));
        let response = self
            .client
            .send(request.expect("a request"))
            .await
            .expect("an answer");
        let code = response.status().as_u16();
        let warnings = response.headers().get_all("warning");
        let warnings = warnings
            .iter()
            .map(|w| w.to_str().expect("text").to_owned())
            .collect();
        let bytes = response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes)));
        Answer {
            code,
            body,
            warnings,
        }
    }

    /// All events of a watch until it ends; the query must set `timeoutSeconds`.
    pub(crate) async fn events(&self, path: &str) -> Vec<(String, Value)> {
        let answer = self.get(path).await;
        assert_eq!(answer.code, 200, "{answer:?}");
        let text = match &answer.body {
            Value::String(lines) => lines.clone(),
            one => one.to_string(),
        };
        text.lines()
            .map(|line| {
                let event: Value = serde_json::from_str(line).expect("an event per line");
                (
                    event["type"].as_str().expect("a type").to_owned(),
                    event["object"].clone(),
                )
            })
            .collect()
    }
}

impl Answer {
    /// The body, if the call had this status code.
    #[track_caller]
    pub(crate) fn expect(self, code: u16) -> Value {
        assert_eq!(self.code, code, "{:#}", self.body);
        self.body
    }

    /// Checks code and reason of a failure; returns its message.
    #[track_caller]
    pub(crate) fn refused(self, code: u16, reason: &str) -> String {
        let body = self.expect(code);
        assert_eq!(body["kind"], "Status", "{body:#}");
        assert_eq!(body["reason"], reason, "{body:#}");
        body["message"].as_str().unwrap_or_default().to_owned()
    }

    /// Checks a 422 and returns its causes as `field: message`.
    #[track_caller]
    pub(crate) fn causes(self) -> Vec<String> {
        let body = self.expect(422);
        let causes = body["details"]["causes"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let text = |c: &Value, f: &str| c[f].as_str().unwrap_or_default().to_owned();
        let mut out: Vec<String> = causes
            .iter()
            .map(|c| format!("{}: {}", text(c, "field"), text(c, "message")))
            .collect();
        // A real server runs some checks twice.
        let mut seen = std::collections::BTreeSet::new();
        out.retain(|cause| seen.insert(cause.clone()));
        out
    }
}

/// A pod with one container, which no scheduler takes.
pub(crate) fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {
            "schedulerName": "nobody",
            "containers": [{"name": "main", "image": "example.com/app:1"}],
        },
    })
}

/// A config map.
pub(crate) fn config_map(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

/// A deployment of pods labelled `app: NAME`.
pub(crate) fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "example.com/app:1"}]},
            },
        },
    })
}
