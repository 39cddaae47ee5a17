//! Whether a pool's node class can be used.

use api::{Condition, NodePool};
use model::{ObjectMeta, Timestamp};

use crate::conditions::{Conditions, READY, Status, find};

/// A node class, as much of it as every provider's has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeClass {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// Conditions.
    pub conditions: Vec<Condition>,
}

/// The pool with the condition `NodeClassReady` as its class says.
pub fn judged(pool: &NodePool, class: Option<&NodeClass>, now: Timestamp) -> NodePool {
    let (status, reason, message) = judge(pool, class);
    let mut changed = pool.clone();
    Conditions::of_pool(&mut changed, now).set("NodeClassReady", status, &reason, &message);
    changed
}

fn judge(pool: &NodePool, class: Option<&NodeClass>) -> (Status, String, String) {
    let failed = |reason: &str, message: String| (Status::False, reason.to_owned(), message);
    let Some(class) = class else {
        let wanted = &pool.spec.template.spec.node_class_ref;
        let message = format!(
            "NodeClass not found on cluster: {} {:?}",
            wanted.kind, wanted.name
        );
        return failed("NodeClassNotFound", message);
    };
    if class.metadata.is_deleting() {
        return failed(
            "NodeClassTerminating",
            "NodeClass is Terminating".to_owned(),
        );
    }
    match find(&class.conditions, READY) {
        Some(ready) if ready.status == "True" => {
            (Status::True, "NodeClassReady".to_owned(), String::new())
        }
        Some(ready) if ready.status == "False" => failed(&ready.reason, ready.message.clone()),
        _ => failed(
            "NodeClassReadinessUnknown",
            "Node Class Readiness Unknown".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conditions::status;
    use crate::testing::{at, pool};

    fn class(ready: Option<(&str, &str)>) -> NodeClass {
        let condition = |(status, reason): (&str, &str)| Condition {
            r#type: "Ready".to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            ..Condition::default()
        };
        NodeClass {
            conditions: ready.map(condition).into_iter().collect(),
            ..NodeClass::default()
        }
    }

    /// NP-06.
    #[test]
    fn a_pool_is_as_ready_as_its_class() {
        let mut going = class(Some(("True", "Ready")));
        going.metadata.deletion_timestamp = Some(at(1));
        let cases = [
            (None, Status::False, "NodeClassNotFound"),
            (Some(going), Status::False, "NodeClassTerminating"),
            (
                Some(class(None)),
                Status::False,
                "NodeClassReadinessUnknown",
            ),
            (
                Some(class(Some(("Unknown", "x")))),
                Status::False,
                "NodeClassReadinessUnknown",
            ),
            (
                Some(class(Some(("False", "NoSubnets")))),
                Status::False,
                "NoSubnets",
            ),
            (
                Some(class(Some(("True", "Ready")))),
                Status::True,
                "NodeClassReady",
            ),
        ];
        for (class, expected, reason) in cases {
            let judged = judged(&pool("p"), class.as_ref(), at(10));
            let conditions = &judged.status.conditions;
            assert_eq!(status(conditions, "NodeClassReady"), expected, "{class:?}");
            assert_eq!(
                find(conditions, "NodeClassReady").expect("set").reason,
                reason
            );
        }
    }
}
