//! A catalog for each node class: how a class sets its nodes up decides how much of a machine is
//! left for pods, and which operating system it runs.

use std::collections::BTreeMap;

use crate::Catalog;

/// Catalogs by the name of the node class.
#[derive(Debug, Clone)]
pub struct Catalogs {
    /// For every class that has none of its own.
    pub default: Catalog,
    /// For classes whose nodes are set up in another way.
    pub by_class: BTreeMap<String, Catalog>,
}

impl Catalogs {
    /// The same catalog for every class.
    pub fn same(catalog: Catalog) -> Self {
        Self {
            default: catalog,
            by_class: BTreeMap::new(),
        }
    }

    /// The catalog of a class.
    pub fn of(&self, class: &str) -> &Catalog {
        self.by_class.get(class).unwrap_or(&self.default)
    }
}
