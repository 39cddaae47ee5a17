//! Node classes, looked at one by one.

use std::time::Duration;

use api::labels::{EC2NODECLASS_HASH, EC2NODECLASS_HASH_VERSION};
use aws::{Failure, Operation};
use http::Method;
use runtime::Next;
use serde_json::{Value, json};

use super::SOON;
use crate::testing::rig::Rig;
use crate::testing::{CLAIMS, CLASSES, claim};

mod deletion;
mod hashes;
mod status;
mod validation;

const MINUTE: Duration = Duration::from_mins(1);

/// A rig with a class that has been looked at, and no loop.
async fn rig() -> Rig {
    with_class(&json!({})).await
}

/// The same with some fields of the class in place of its own.
async fn with_class(fields: &Value) -> Rig {
    let rig = Rig::still(&[], |_| {}).await;
    rig.class(fields);
    assert_eq!(rig.reconcile().await, Next::After(MINUTE));
    rig
}

/// AWS refuses a call.
fn denied(operation: Operation) -> Failure {
    Failure::new(operation, "AccessDenied", "no")
}

fn finalizers(rig: &Rig) -> Value {
    let class = rig.kube.get(CLASSES, "default").expect("the class");
    class["metadata"]["finalizers"].clone()
}

fn version_of(resource: apiserver::Resource<'_>, rig: &Rig, name: &str) -> String {
    let object = rig.kube.get(resource, name).expect("an object");
    let version = object["metadata"]["resourceVersion"].as_str();
    version.expect("a version").to_owned()
}
