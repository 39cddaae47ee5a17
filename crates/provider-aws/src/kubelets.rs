//! Settings of the kubelet of each class on each type, for user data: the same that capacity was
//! computed with.
//!
//! What is *not* here: what settings mean (`aws::kubelet`).

use std::sync::Arc;
use std::time::Duration;

use api::Ec2NodeClass;
use aws::kubelet::{Compiled, Expressions, Resolved, Settings};
use catalog::ec2::NodeSettings;
use runtime::Clock;
use serde_json::{Map, Value};

use crate::cache::Cache;
use crate::instance_types::InstanceTypes;

/// For how long compiled settings are kept that nobody uses.
const UNUSED: Duration = Duration::from_hours(12);

/// Resolves settings.
pub struct Kubelets {
    expressions: Expressions,
    reserved_enis: u64,
    types: Arc<InstanceTypes>,
    /// By the settings as JSON.
    compiled: Cache<String, Arc<Compiled>>,
}

impl Kubelets {
    /// Of the machines that `types` know.
    pub fn new(
        clock: Clock,
        expressions: Expressions,
        reserved_enis: u64,
        types: Arc<InstanceTypes>,
    ) -> Self {
        Self {
            expressions,
            reserved_enis,
            types,
            compiled: Cache::new(clock, UNUSED),
        }
    }

    fn compiled(&self, kubelet: &Map<String, Value>) -> Result<Arc<Compiled>, String> {
        let key = serde_json::to_string(kubelet).map_err(|error| error.to_string())?;
        if let Some(compiled) = self.compiled.get_and_extend(&key) {
            return Ok(compiled);
        }
        let settings = Settings::parse(kubelet).map_err(|error| error.to_string())?;
        let compiled = settings.compile(self.expressions);
        let compiled = Arc::new(compiled.map_err(|error| error.to_string())?);
        self.compiled.sweep();
        self.compiled.put(key, compiled.clone());
        Ok(compiled)
    }

    /// The settings of a class on the type of this name; none if there is no such type, or nothing
    /// can be made of the settings.
    pub fn resolve(&self, class: &Ec2NodeClass, name: &str) -> Option<Resolved> {
        let region = self.types.region();
        let machine = region
            .machines()
            .iter()
            .find(|machine| machine.name == name)?;
        let settings = NodeSettings {
            reserved_enis: self.reserved_enis,
            ..NodeSettings::from_class(class)
        };
        let compiled = self.compiled(&class.spec.kubelet);
        let resolved = compiled.and_then(|compiled| {
            let resolved = compiled.resolve(machine, &settings);
            resolved.map_err(|error| error.to_string())
        });
        if let Err(error) = &resolved {
            let class = &class.metadata.name;
            tracing::error!(
                EC2NodeClass.name = class,
                error,
                "resolving kubelet settings"
            );
        }
        resolved.ok()
    }
}

#[cfg(test)]
mod tests;
