//! The server as a value: in-process verbs on JSON objects, and the ways to reach it over HTTP.
//!
//! The verbs here have the semantics of the HTTP ones without the encoding: defaults, validation,
//! admission, conflicts, finalizers, watches. A simulator works with objects at this level; a
//! `kube::Client` uses [`Server::client_service`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::{
    ApiError, Config, Resource,
    options::{DeleteOptions, Patch, Selectors, WriteOptions},
    resource::{self, ResourceInfo},
    service::HttpService,
    state::State,
    verbs::{Binding, Written},
    watch::Watch,
};

/// An API server in this process. Clones share their objects.
#[derive(Debug, Clone)]
pub struct Server {
    state: Arc<Mutex<State>>,
}

/// The result of a list.
#[derive(Debug, Clone)]
pub struct List {
    /// To start a watch from.
    pub resource_version: u64,
    /// In order of namespace and name.
    pub items: Vec<Arc<Value>>,
}

impl Server {
    /// A server with the objects of a fresh cluster: the four namespaces and the two system
    /// priority classes.
    pub fn new(config: Config) -> Self {
        Self {
            state: Arc::new(Mutex::new(State::new(config))),
        }
    }

    /// A service for `kube::Client::new`, or for any other user of `http` requests.
    pub fn client_service(&self) -> HttpService {
        HttpService::new(self.clone())
    }

    /// Creates or replaces a CustomResourceDefinition, which is served at once.
    pub fn install_crd(&self, crd: Value) -> Result<Arc<Value>, ApiError> {
        let name = crate::meta::name(&crd).to_owned();
        match self.create(resource::CRDS, "", crd.clone()) {
            Err(e) if e.reason == crate::Reason::AlreadyExists => {
                let options = WriteOptions::default();
                self.modify(resource::CRDS, "", &name, &options, |old| {
                    old["spec"] = crd["spec"].clone();
                })
            }
            other => other,
        }
    }

    /// Creates an object; `namespace` is empty for cluster scope.
    pub fn create(
        &self,
        resource: Resource<'_>,
        namespace: &str,
        object: Value,
    ) -> Result<Arc<Value>, ApiError> {
        self.create_with(resource, namespace, object, &WriteOptions::default())
    }

    /// Creates an object with options.
    pub fn create_with(
        &self,
        resource: Resource<'_>,
        namespace: &str,
        object: Value,
        options: &WriteOptions,
    ) -> Result<Arc<Value>, ApiError> {
        self.write(|state| {
            let info = state.find(resource)?;
            state.create(&info, namespace, object, options)
        })
    }

    /// One object.
    pub fn get(
        &self,
        resource: Resource<'_>,
        namespace: &str,
        name: &str,
    ) -> Result<Arc<Value>, ApiError> {
        let state = self.lock();
        let info = state.find(resource)?;
        Ok(state.get(&info, namespace, name)?.value.clone())
    }

    /// All selected objects of a namespace, or of all (`None`).
    pub fn list(
        &self,
        resource: Resource<'_>,
        namespace: Option<&str>,
        selectors: &Selectors,
    ) -> Result<List, ApiError> {
        let state = self.lock();
        let info = state.find(resource)?;
        let items = state.list(&info, namespace, selectors);
        Ok(List {
            resource_version: state.store.version(),
            items: items.iter().map(|s| s.value.clone()).collect(),
        })
    }

    /// Replaces an object. A `metadata.resourceVersion` in it must be the current one.
    pub fn update(
        &self,
        resource: Resource<'_>,
        namespace: &str,
        object: Value,
        options: &WriteOptions,
    ) -> Result<Arc<Value>, ApiError> {
        self.write(|state| {
            let info = state.find(resource)?;
            let name = crate::meta::name(&object).to_owned();
            state.update(&info, namespace, &name, object, options)
        })
    }

    /// Changes an object in place: read and write in one step, so it can't conflict. The cheapest
    /// way for a simulator to write.
    pub fn modify(
        &self,
        resource: Resource<'_>,
        namespace: &str,
        name: &str,
        options: &WriteOptions,
        change: impl FnOnce(&mut Value),
    ) -> Result<Arc<Value>, ApiError> {
        self.write(|state| {
            let info = state.find(resource)?;
            let mut object = (*state.get(&info, namespace, name)?.value).clone();
            change(&mut object);
            state.update(&info, namespace, name, object, options)
        })
    }

    /// Patches an object; an apply creates it if it is missing.
    pub fn patch(
        &self,
        resource: Resource<'_>,
        namespace: &str,
        name: &str,
        patch: &Patch,
        options: &WriteOptions,
    ) -> Result<Arc<Value>, ApiError> {
        self.write(|state| {
            let info = state.find(resource)?;
            state.patch(&info, namespace, name, patch, options)
        })
    }

    /// Deletes an object, or marks it as being deleted while finalizers or a pod's grace period
    /// keep it. Returns its state after the call.
    pub fn delete(
        &self,
        resource: Resource<'_>,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Arc<Value>, ApiError> {
        self.write(|state| {
            let info = state.find(resource)?;
            state.delete(&info, namespace, name, options)
        })
    }

    /// Binds a pod to a node, as a scheduler does.
    pub fn bind(&self, namespace: &str, pod: &str, node: &str) -> Result<(), ApiError> {
        self.lock().bind(namespace, pod, &Binding::to_node(node))
    }

    /// Evicts a pod if its disruption budget allows it (429 otherwise).
    pub fn evict(
        &self,
        namespace: &str,
        pod: &str,
        options: &DeleteOptions,
    ) -> Result<(), ApiError> {
        let mut state = self.lock();
        let outcome = state.evict(namespace, pod, options);
        state.settle();
        outcome
    }

    /// Pods bound to a node, found by index.
    pub fn pods_on(&self, node: &str) -> Vec<Arc<Value>> {
        let state = self.lock();
        let Ok(info) = state.find(resource::PODS) else {
            return Vec::new();
        };
        let selectors = Selectors {
            fields: crate::FieldSelector::equal("spec.nodeName", node),
            ..Selectors::default()
        };
        state
            .list(&info, None, &selectors)
            .iter()
            .map(|s| s.value.clone())
            .collect()
    }

    /// Watches a resource. With `from`, changes after that resource version; without, all present
    /// objects as added, then changes.
    pub fn watch(
        &self,
        resource: Resource<'_>,
        namespace: Option<&str>,
        selectors: Selectors,
        from: Option<u64>,
    ) -> Result<Watch, ApiError> {
        let info = self.lock().find(resource)?;
        Watch::start(self.clone(), info, namespace, selectors, from)
    }

    /// One pass of the garbage collector: dependents of owners that are gone, foreground and
    /// orphan deletions, contents of namespaces that are being deleted. Returns how many objects
    /// it removed or changed; call again until that is zero to see a cascade through.
    pub fn collect_garbage(&self) -> usize {
        self.lock().collect_garbage()
    }

    /// The last resource version given out.
    pub fn resource_version(&self) -> u64 {
        self.lock().store.version()
    }

    /// Forgets the log of changes: watches and continue tokens from before get 410 Gone.
    pub fn compact(&self) {
        self.lock().store.compact();
    }

    fn write(
        &self,
        verb: impl FnOnce(&mut State) -> Result<Written, ApiError>,
    ) -> Result<Arc<Value>, ApiError> {
        let mut state = self.lock();
        let written = verb(&mut state);
        state.settle();
        written.map(|w| w.object.value.clone())
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in a verb leaves at worst one request half done, as a crash would.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn find(&self, resource: Resource<'_>) -> Result<Arc<ResourceInfo>, ApiError> {
        self.lock().find(resource)
    }
}
