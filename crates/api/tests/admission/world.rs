//! The server under test, reached as any client reaches it.

use std::path::Path;
use std::time::Duration;

use apiserver::{Config, Server};
use http::Request;
use kube::Client;
use serde_json::{Value, json};

/// A server that has our definitions.
pub(crate) struct World {
    client: Client,
}

impl World {
    /// A fresh embedded server.
    pub(crate) async fn embedded() -> Self {
        let now = jiff::Timestamp::from_second(1_700_000_000).expect("in range");
        let server = Server::new(Config::frozen(now, 1));
        let world = Self {
            client: Client::new(server.client_service(), "default"),
        };
        world.install().await;
        world
    }

    /// A real server.
    pub(crate) async fn real(kubeconfig: &Path) -> Self {
        let file = kube::config::Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(file, &options)
            .await
            .expect("valid");
        let world = Self {
            client: Client::try_from(config).expect("a client"),
        };
        world.install().await;
        world
    }

    /// Creates the definitions and waits until they are served.
    async fn install(&self) {
        const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        for definition in api::crd::all() {
            let name = definition["metadata"]["name"]
                .as_str()
                .expect("a name")
                .to_owned();
            self.send("POST", CRDS, &definition)
                .await
                .expect("the definition is accepted");
            for round in 0.. {
                let held = self
                    .send("GET", &format!("{CRDS}/{name}"), &Value::Null)
                    .await;
                let held = held.expect("the definition is there");
                if is_served(&held) {
                    break;
                }
                assert!(round < 300, "{name} is not served: {}", held["status"]);
                tokio::time::sleep(Duration::from_millis(100)).await; // poll
            }
        }
    }

    /// The object as the server would store it, or its message. Nothing is stored.
    pub(crate) async fn try_create(&self, object: &Value) -> Result<Value, String> {
        let path = format!("{}?dryRun=All&fieldValidation=Strict", path(object));
        self.send("POST", &path, object).await
    }

    /// What the server says to `then` in place of `object`. Nothing stays stored. The outer error
    /// is about `object` itself.
    pub(crate) async fn try_update(
        &self,
        object: &Value,
        then: &Value,
    ) -> Result<Result<Value, String>, String> {
        let stored = self.send("POST", &path(object), object).await?;
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let path = format!("{}/{name}", path(object));
        let mut then = then.clone();
        then["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"].clone();
        let answer = self.send("PUT", &format!("{path}?dryRun=All"), &then).await;
        self.send("DELETE", &path, &Value::Null).await?;
        Ok(answer)
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(body)
            .expect("a request");
        self.client
            .request(request)
            .await
            .map_err(|error| error.to_string())
    }
}

fn is_served(definition: &Value) -> bool {
    let conditions = definition["status"]["conditions"].as_array();
    let violates = |held: &Value| held["type"] == "NonStructuralSchema" && held["status"] == "True";
    let established = |held: &Value| held["type"] == "Established" && held["status"] == "True";
    conditions.is_some_and(|all| all.iter().any(established) && !all.iter().any(violates))
}

/// The path of an object's kind.
fn path(object: &Value) -> String {
    let version = object["apiVersion"].as_str().expect("an apiVersion");
    let kind = object["kind"].as_str().expect("a kind");
    let plural = match kind {
        "EC2NodeClass" => "ec2nodeclasses".to_owned(),
        "KWOKNodeClass" => "kwoknodeclasses".to_owned(),
        kind => format!("{}s", kind.to_lowercase()),
    };
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("/apis/{version}/namespaces/{namespace}/{plural}"),
        None => format!("/apis/{version}/{plural}"),
    }
}

/// An object of a kind with a name and a spec.
pub(crate) fn object(version: &str, kind: &str, spec: Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}, "spec": spec})
}
