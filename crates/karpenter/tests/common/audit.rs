//! What the controller has asked of the API server, as its audit log has it.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses a part of it"
)]

use install::rbac::Rule;
use serde_json::Value;

use super::world::World;

const ACCOUNT: &str = "system:serviceaccount:kube-system:karpenter";

/// The calls of the controller.
pub struct Calls(Vec<Call>);

/// A line of the audit log.
struct Call {
    verb: String,
    resource: String,
    code: u64,
}

impl Calls {
    /// All that a world's server was asked, which was started with an audit log.
    pub fn of(world: &World) -> Self {
        let log = std::fs::read_to_string(world.cluster.audit_log()).expect("a log");
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let own = lines.filter(|line| line["user"]["username"] == ACCOUNT);
        Self(own.map(|line| call(&line)).collect())
    }

    /// Fails if something was refused for want of a right.
    pub fn assert_none_refused(&self) {
        let refused: Vec<String> = self
            .0
            .iter()
            .filter(|call| call.code == 401 || call.code == 403)
            .map(|call| format!("{} {}", call.verb, call.resource))
            .collect();
        assert!(refused.is_empty(), "refused: {refused:?}");
    }

    /// Whether it was asked for.
    pub fn has(&self, verb: &str, resource: &str) -> bool {
        let is_it = |call: &Call| call.verb == verb && call.resource == resource;
        self.0.iter().any(is_it)
    }

    /// Fails if a right is granted and never used, unless it is one of `others`. Whoever may list a
    /// kind learns nothing from getting an object of it.
    pub fn assert_all_used(&self, rules: &[Rule], others: &[(&str, &str)]) {
        for rule in rules {
            for (verb, resource) in rule.verbs.iter().flat_map(|verb| {
                rule.resources
                    .iter()
                    .map(move |resource| (*verb, *resource))
            }) {
                let free = verb == "get" && rule.verbs.contains(&"list");
                assert!(
                    free || self.has(verb, resource) || others.contains(&(verb, resource)),
                    "granted, and never used: {verb} {resource}"
                );
            }
        }
    }
}

fn call(line: &Value) -> Call {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let object = &line["objectRef"];
    let resource = match object["subresource"].as_str() {
        Some(sub) => format!("{}/{sub}", text(&object["resource"])),
        None => text(&object["resource"]),
    };
    Call {
        verb: text(&line["verb"]),
        resource,
        code: line["responseStatus"]["code"].as_u64().unwrap_or(0),
    }
}
