//! Which resources are served: the built-in table, and what CRDs add.

mod builtin;
pub(crate) mod columns;
mod crd;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

pub(crate) use self::crd::CrdParts;
use crate::{
    ApiError,
    resource::{Resource, ResourceInfo, ShelfId},
    storage::Store,
};

type ByPlural = BTreeMap<String, Arc<ResourceInfo>>;
type ByVersion = BTreeMap<String, ByPlural>;

/// All served resources by group, version and plural.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    groups: BTreeMap<String, ByVersion>,
}

impl Registry {
    /// The built-in resources, with a shelf for each in `store`.
    pub(crate) fn builtin(store: &mut Store) -> Self {
        let mut registry = Self::default();
        for info in builtin::resources(store) {
            registry.add(info);
        }
        registry
    }

    pub(crate) fn add(&mut self, info: ResourceInfo) {
        self.groups
            .entry(info.group.clone())
            .or_default()
            .entry(info.version.clone())
            .or_default()
            .insert(info.plural.clone(), Arc::new(info));
    }

    /// Stops serving all versions of a resource.
    pub(crate) fn remove(&mut self, group: &str, plural: &str) {
        if let Some(versions) = self.groups.get_mut(group) {
            for resources in versions.values_mut() {
                resources.remove(plural);
            }
            versions.retain(|_, resources| !resources.is_empty());
            if versions.is_empty() {
                self.groups.remove(group);
            }
        }
    }

    pub(crate) fn find(&self, resource: Resource<'_>) -> Result<&Arc<ResourceInfo>, ApiError> {
        self.groups
            .get(resource.group)
            .and_then(|versions| versions.get(resource.version))
            .and_then(|resources| resources.get(resource.plural))
            .ok_or_else(ApiError::no_such_path)
    }

    /// Any served version of a resource.
    pub(crate) fn any_version(&self, group: &str, plural: &str) -> Option<&Arc<ResourceInfo>> {
        self.groups
            .get(group)?
            .values()
            .find_map(|resources| resources.get(plural))
    }

    /// A served version of the resource on a shelf.
    pub(crate) fn by_shelf(&self, shelf: ShelfId) -> Option<&Arc<ResourceInfo>> {
        self.all().find(|info| info.shelf == shelf)
    }

    /// Every served version of every resource.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<ResourceInfo>> {
        self.groups
            .values()
            .flat_map(BTreeMap::values)
            .flat_map(BTreeMap::values)
    }

    /// Groups with their versions, the preferred one first.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.groups.iter().map(|(group, versions)| {
            let mut names: Vec<&str> = versions.keys().map(String::as_str).collect();
            names.sort_by_key(|v| std::cmp::Reverse(version_rank(v)));
            (group.as_str(), names)
        })
    }

    /// Resources of one group version.
    pub(crate) fn of(&self, group: &str, version: &str) -> Option<&ByPlural> {
        self.groups.get(group)?.get(version)
    }
}

/// Order of versions: `v2` over `v1` over `v1beta2` over `v1alpha1`.
fn version_rank(version: &str) -> (u32, u32, u32) {
    let rest = version.strip_prefix('v').unwrap_or(version);
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let major = rest[..end].parse().unwrap_or(0);
    let stage = |name: &str| rest[end..].strip_prefix(name).and_then(|n| n.parse().ok());
    match (&rest[end..], stage("beta"), stage("alpha")) {
        ("", ..) => (2, major, 0),
        (_, Some(n), _) => (1, major, n),
        (_, _, Some(n)) => (0, major, n),
        _ => (0, 0, 0),
    }
}
