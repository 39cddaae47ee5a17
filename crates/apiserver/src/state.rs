//! Everything a server holds, behind its one lock. The verbs are in `verbs`.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    ApiError, Config, GarbageCollection, Resource,
    ids::Ids,
    options::WriteOptions,
    registry::Registry,
    resource::{NAMESPACES, ResourceInfo},
    storage::Store,
};

/// Objects, resources, identifiers and settings.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) ids: Ids,
    pub(crate) config: Config,
}

impl State {
    pub(crate) fn new(config: Config) -> Self {
        let mut store = Store::new(config.event_log_capacity);
        let registry = Registry::builtin(&mut store);
        let mut state = Self {
            store,
            registry,
            ids: Ids::new(config.seed),
            config,
        };
        state.add_first_objects();
        state
    }

    /// What every cluster starts with.
    fn add_first_objects(&mut self) {
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            self.must_create(NAMESPACES, json!({"metadata": {"name": name}}));
        }
        let classes = [
            ("system-cluster-critical", 2_000_000_000),
            ("system-node-critical", 2_000_001_000),
        ];
        for (name, value) in classes {
            let class = json!({"metadata": {"name": name}, "value": value});
            self.must_create(PRIORITY_CLASSES, class);
        }
    }

    fn must_create(&mut self, resource: Resource<'_>, object: Value) {
        let created = self
            .find(resource)
            .and_then(|info| self.create(&info, "", object, &WriteOptions::default()));
        debug_assert!(created.is_ok(), "first objects are valid: {created:?}");
    }

    pub(crate) fn find(&self, resource: Resource<'_>) -> Result<Arc<ResourceInfo>, ApiError> {
        self.registry.find(resource).cloned()
    }

    /// Follows up a write, where the configuration wants that at once.
    pub(crate) fn settle(&mut self) {
        if self.config.garbage_collection == GarbageCollection::Immediate {
            while self.collect_garbage() > 0 {}
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.config.now)()
    }

    /// The time as it stands in objects: RFC 3339 with seconds.
    pub(crate) fn now_text(&self) -> String {
        time_text(self.now())
    }
}

/// `scheduling.k8s.io` priority classes.
pub(crate) const PRIORITY_CLASSES: Resource<'static> =
    Resource::new("scheduling.k8s.io", "v1", "priorityclasses");
/// `limitranges`
pub(crate) const LIMIT_RANGES: Resource<'static> = Resource::new("", "v1", "limitranges");

/// RFC 3339 with seconds, as `metav1.Time` prints.
pub(crate) fn time_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
