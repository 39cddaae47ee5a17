//! CustomResourceDefinitions: defaults, status, and serving what they define.

use serde_json::{Value, json};

use super::default;
use crate::{
    meta,
    registry::CrdParts,
    resource::{CRDS, ResourceInfo},
    state::State,
};

pub(super) fn on_create(info: &ResourceInfo, object: &mut Value, now: &str) {
    if !info.is(CRDS) {
        return;
    }
    defaults(object);
    let condition = |kind: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": "True", "reason": reason, "message": message,
            "lastTransitionTime": now,
        })
    };
    let versions = meta::at(object, &["spec", "versions"]).and_then(Value::as_array);
    let stored: Vec<Value> = versions
        .into_iter()
        .flatten()
        .filter(|v| v["storage"] == true)
        .map(|v| v["name"].clone())
        .collect();
    let names = object["spec"]["names"].clone();
    meta::as_map(object).insert(
        "status".into(),
        json!({
            "acceptedNames": names,
            "conditions": [
                condition("NamesAccepted", "NoConflicts", "no conflicts found"),
                condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
            ],
            "storedVersions": stored,
        }),
    );
}

pub(super) fn on_update(info: &ResourceInfo, object: &mut Value) {
    if info.is(CRDS) {
        defaults(object);
    }
}

fn defaults(object: &mut Value) {
    let spec = meta::child_map(object, "spec");
    default(spec, "conversion", json!({ "strategy": "None" }));
    let names = meta::as_map(spec.entry("names").or_insert_with(|| json!({})));
    let kind = names
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    default(names, "singular", kind.to_lowercase());
    default(names, "listKind", format!("{kind}List"));
}

impl State {
    /// Serves the resources of a definition, on the shelf they had before if there was one.
    pub(super) fn install(&mut self, crd: &Value) {
        // The definition was parsed before it was stored.
        let Ok(parts) = CrdParts::parse(crd) else {
            return;
        };
        let known = self
            .registry
            .any_version(&parts.group, &parts.plural)
            .map(|i| i.shelf);
        let shelf = known.unwrap_or_else(|| self.store.add_shelf());
        self.registry.remove(&parts.group, &parts.plural);
        for info in parts.served {
            self.registry.add(ResourceInfo { shelf, ..info });
        }
    }

    /// Removes the objects of a definition and stops serving it.
    pub(crate) fn uninstall(&mut self, crd: &Value) {
        let group = meta::text_at(crd, &["spec", "group"]);
        let plural = meta::text_at(crd, &["spec", "names", "plural"]);
        let Some(info) = self.registry.any_version(group, plural).cloned() else {
            return;
        };
        let keys: Vec<(String, String)> = self
            .store
            .list(info.shelf, None)
            .map(|s| {
                (
                    meta::namespace(&s.value).to_owned(),
                    meta::name(&s.value).to_owned(),
                )
            })
            .collect();
        for (namespace, name) in keys {
            self.store.remove(info.shelf, &namespace, &name, None);
        }
        self.registry.remove(group, plural);
    }
}
