//! Binding of a pod to a node.

use serde_json::{Map, Value, json};

use crate::{ApiError, error::FieldError, meta, resource::PODS, state::State};

/// What a scheduler posts to `pods/{name}/binding`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Binding {
    node: String,
    uid: String,
    annotations: Map<String, Value>,
    labels: Map<String, Value>,
}

impl Binding {
    pub(crate) fn to_node(node: &str) -> Self {
        Self {
            node: node.to_owned(),
            ..Self::default()
        }
    }

    /// Reads a `v1.Binding`.
    pub(crate) fn parse(pod: &str, object: &Value) -> Result<Self, ApiError> {
        let kind = meta::text_at(object, &["target", "kind"]);
        let node = meta::text_at(object, &["target", "name"]);
        let mut invalid = Vec::new();
        if !kind.is_empty() && kind != "Node" {
            let supported = ["Node", "<empty>"];
            invalid.push(FieldError::unsupported(
                "target.kind",
                &kind.into(),
                supported,
            ));
        }
        if node.is_empty() {
            invalid.push(FieldError::required("target.name", ""));
        }
        if !invalid.is_empty() {
            return Err(ApiError::invalid("", "Binding", pod, invalid));
        }
        let map = |name: &str| meta::map(object, name).cloned().unwrap_or_default();
        Ok(Self {
            node: node.to_owned(),
            uid: meta::uid(object).to_owned(),
            annotations: map("annotations"),
            labels: map("labels"),
        })
    }
}

impl State {
    pub(crate) fn bind(
        &mut self,
        namespace: &str,
        pod: &str,
        binding: &Binding,
    ) -> Result<(), ApiError> {
        let info = self.find(PODS)?;
        let old = self.get(&info, namespace, pod)?.clone();
        let refuse = |why: &str| ApiError::conflict("", "pods/binding", pod, why);
        if !binding.uid.is_empty() && binding.uid != meta::uid(&old.value) {
            return Err(refuse("the uid in the binding is not that of the pod"));
        }
        if meta::is_deleting(&old.value) {
            let why = format!("pod {pod} is being deleted, cannot be assigned to a host");
            return Err(refuse(&why));
        }
        let bound_to = meta::text_at(&old.value, &["spec", "nodeName"]);
        if !bound_to.is_empty() {
            let why = format!("pod {pod} is already assigned to node \"{bound_to}\"");
            return Err(refuse(&why));
        }
        let gates = meta::at(&old.value, &["spec", "schedulingGates"]).and_then(Value::as_array);
        if gates.is_some_and(|g| !g.is_empty()) {
            let why = format!("pod {pod} has non-empty .spec.schedulingGates");
            return Err(refuse(&why));
        }
        let mut object = (*old.value).clone();
        meta::child_map(&mut object, "spec").insert("nodeName".into(), binding.node.clone().into());
        for (field, entries) in [
            ("annotations", &binding.annotations),
            ("labels", &binding.labels),
        ] {
            if !entries.is_empty() {
                let map = meta::of_mut(&mut object)
                    .entry(field)
                    .or_insert_with(|| json!({}));
                meta::as_map(map).extend(entries.clone());
            }
        }
        set_scheduled(&mut object, &self.now_text());
        self.store.put(info.shelf, object);
        Ok(())
    }
}

fn set_scheduled(pod: &mut Value, now: &str) {
    let condition = json!({
        "type": "PodScheduled", "status": "True", "lastProbeTime": null,
        "lastTransitionTime": now,
    });
    let status = meta::child_map(pod, "status");
    let list = status.entry("conditions").or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else {
        return;
    };
    match list.iter_mut().find(|c| c["type"] == "PodScheduled") {
        Some(old) => *old = condition,
        None => list.push(condition),
    }
}
