//! Jobs and cron jobs: defaults, and the selector that a job is given.

use serde_json::{Value, json};

use super::{default, pod};
use crate::{meta, resource::ResourceInfo};

pub(super) fn on_create(info: &ResourceInfo, object: &mut Value) {
    match (info.group.as_str(), info.plural.as_str()) {
        ("batch", "jobs") => job(object),
        ("batch", "cronjobs") => cron_job(object),
        _ => {}
    }
}

fn job(object: &mut Value) {
    let (uid, name) = (meta::uid(object).to_owned(), meta::name(object).to_owned());
    let spec = meta::child_map(object, "spec");
    if spec.get("completions").is_none() && spec.get("parallelism").is_none() {
        spec.insert("completions".into(), json!(1));
    }
    default(spec, "parallelism", 1);
    default(spec, "backoffLimit", 6);
    default(spec, "completionMode", "NonIndexed");
    default(spec, "suspend", false);
    default(spec, "manualSelector", false);
    if spec["manualSelector"] == true {
        return;
    }
    spec.remove("manualSelector");
    let key = "batch.kubernetes.io/controller-uid";
    spec.insert("selector".into(), json!({ "matchLabels": { key: uid } }));
    let template = spec.entry("template").or_insert_with(|| json!({}));
    let labels = meta::of_mut(template)
        .entry("labels")
        .or_insert_with(|| json!({}));
    let labels = meta::as_map(labels);
    for (key, value) in [
        (key, &uid),
        ("controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("job-name", &name),
    ] {
        labels.insert(key.into(), value.clone().into());
    }
}

fn cron_job(object: &mut Value) {
    let spec = meta::child_map(object, "spec");
    default(spec, "concurrencyPolicy", "Allow");
    default(spec, "suspend", false);
    default(spec, "successfulJobsHistoryLimit", 3);
    default(spec, "failedJobsHistoryLimit", 1);
    if let Some(template) = spec.get_mut("jobTemplate") {
        let spec = meta::child_map(template, "spec");
        if let Some(template) = spec.get_mut("template") {
            pod::spec_defaults(meta::child_map(template, "spec"));
        }
    }
}
