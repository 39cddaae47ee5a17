//! What a provider knows about label keys. A value, not a global: two providers can live in one
//! process, and a test can make its own.

use std::collections::{BTreeMap, BTreeSet};

use api::NodeRequirement;
use api::labels;

use crate::{Key, Operator, Requirement, Requirements, Value};

/// Well-known and restricted labels, and other spellings of keys and values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    well_known: BTreeSet<Key>,
    restricted_domains: BTreeSet<String>,
    key_aliases: BTreeMap<String, Key>,
    value_aliases: BTreeMap<Key, BTreeMap<String, Value>>,
}

/// A label key is not for users to set or to ask for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "using label {key} is not allowed as it might interfere with the internal provisioning logic; specify a well known label: [{}], or a custom label that does not use a restricted domain: [{}]",
    well_known.join(" "),
    restricted_domains.join(" ")
)]
pub struct RestrictedLabel {
    /// The key.
    pub key: String,
    /// What can be used instead, sorted.
    pub well_known: Vec<String>,
    /// What the domain of a custom key must not be, sorted.
    pub restricted_domains: Vec<String>,
}

impl Vocabulary {
    /// The labels that hold for every provider.
    pub fn core() -> Self {
        let empty = Self {
            well_known: BTreeSet::new(),
            restricted_domains: BTreeSet::new(),
            key_aliases: BTreeMap::new(),
            value_aliases: BTreeMap::new(),
        };
        empty
            .with_well_known(labels::WELL_KNOWN)
            .with_restricted_domains(labels::RESTRICTED_DOMAINS)
            .with_key_aliases(labels::NORMALIZED)
    }

    /// The core labels and those of EC2.
    pub fn aws() -> Self {
        Self::core()
            .with_well_known(labels::AWS_WELL_KNOWN)
            .with_restricted_domains(labels::AWS_RESTRICTED_DOMAINS)
            .with_key_aliases(labels::AWS_NORMALIZED)
    }

    /// The core labels, those of the KWOK provider, and the keys that its instance types' offerings
    /// use.
    pub fn kwok<K: AsRef<str>>(offering_keys: impl IntoIterator<Item = K>) -> Self {
        Self::core()
            .with_well_known(labels::KWOK_WELL_KNOWN)
            .with_well_known(offering_keys)
            .with_restricted_domains(labels::KWOK_RESTRICTED_DOMAINS)
    }

    /// Adds keys that may be asked for without a NodePool defining them.
    #[must_use]
    pub fn with_well_known<K: AsRef<str>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.well_known
            .extend(keys.into_iter().map(|key| Key::from(key.as_ref())));
        self
    }

    /// Adds domains whose labels, and those of their subdomains, are not for users.
    #[must_use]
    pub fn with_restricted_domains(mut self, domains: &[&str]) -> Self {
        self.restricted_domains
            .extend(domains.iter().map(|domain| (*domain).to_owned()));
        self
    }

    /// Adds other spellings of keys, each with the usual one.
    #[must_use]
    pub fn with_key_aliases(mut self, aliases: &[(&str, &str)]) -> Self {
        let pairs = aliases
            .iter()
            .map(|(alias, key)| ((*alias).to_owned(), Key::from(*key)));
        self.key_aliases.extend(pairs);
        self
    }

    /// Adds another spelling of a value of a key.
    #[must_use]
    pub fn with_value_alias(mut self, key: &str, alias: &str, value: &str) -> Self {
        self.value_aliases
            .entry(key.into())
            .or_default()
            .insert(alias.to_owned(), value.into());
        self
    }

    /// Whether a key may be asked for although no NodePool defines it.
    pub fn is_well_known(&self, key: &str) -> bool {
        self.well_known.contains(key)
    }

    /// The well-known keys, sorted.
    pub fn well_known_labels(&self) -> impl Iterator<Item = &Key> {
        self.well_known.iter()
    }

    /// Whether a key is not for users: the host name, or of a restricted domain and not well known.
    pub fn is_restricted(&self, key: &str) -> bool {
        if self.is_well_known(key) {
            return false;
        }
        let domain = key.split_once('/').map_or("", |(domain, _)| domain);
        is_internal(key)
            || self.restricted_domains.iter().any(|restricted| {
                domain
                    .strip_suffix(restricted.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })
    }

    /// Whether a key's label is ours to put on a claim: neither well known, nor the host name, nor
    /// one of the labels by which we track progress.
    pub fn is_custom(&self, key: &str) -> bool {
        !self.is_well_known(key)
            && !is_internal(key)
            && ![labels::REGISTERED, labels::INITIALIZED].contains(&key)
    }

    /// Refuses a key that is not for users.
    pub fn check_label(&self, key: &str) -> Result<(), RestrictedLabel> {
        if !self.is_restricted(key) {
            return Ok(());
        }
        Err(RestrictedLabel {
            key: key.to_owned(),
            well_known: self.well_known.iter().map(ToString::to_string).collect(),
            restricted_domains: self.restricted_domains.iter().cloned().collect(),
        })
    }

    /// The usual spelling of a key.
    pub fn normalize<'a>(&'a self, key: &'a str) -> &'a str {
        self.key_aliases.get(key).map_or(key, |key| key)
    }

    /// A requirement whose key and values are in their usual spelling.
    pub fn requirement<'a>(
        &self,
        key: &str,
        operator: Operator,
        values: impl IntoIterator<Item = &'a str>,
        min_values: Option<u32>,
    ) -> Requirement {
        let key = match self.key_aliases.get(key) {
            Some(key) => key.clone(),
            None => self
                .well_known
                .get(key)
                .cloned()
                .unwrap_or_else(|| key.into()),
        };
        let aliases = self.value_aliases.get(&key);
        let values = values.into_iter().map(|value| {
            aliases
                .and_then(|a| a.get(value))
                .cloned()
                .unwrap_or_else(|| Value::from(value))
        });
        Requirement::new(key, operator, values, min_values)
    }

    /// As [`Vocabulary::requirement`], with the operator as it was written. One that does not exist
    /// admits nothing.
    pub fn written<'a>(
        &self,
        key: &str,
        operator: &str,
        values: impl IntoIterator<Item = &'a str>,
        min_values: Option<u32>,
    ) -> Requirement {
        match operator.parse() {
            Ok(operator) => self.requirement(key, operator, values, min_values),
            Err(_) => self.requirement(key, Operator::In, [], min_values),
        }
    }

    /// One `In` requirement per label, in their usual spelling.
    pub fn label_requirements(&self, labels: &BTreeMap<String, String>) -> Requirements {
        labels
            .iter()
            .map(|(key, value)| self.requirement(key, Operator::In, [value.as_str()], None))
            .collect()
    }

    /// The entries of an API object, in their usual spelling.
    pub fn item_requirements<'a>(
        &self,
        items: impl IntoIterator<Item = &'a NodeRequirement>,
    ) -> Requirements {
        items
            .into_iter()
            .map(|item| {
                let values = item.values.iter().map(String::as_str);
                self.written(&item.key, &item.operator, values, item.min_values)
            })
            .collect()
    }
}

/// The usual spelling of a key that Kubernetes itself has deprecated.
pub(crate) fn normalized(key: Key) -> Key {
    labels::NORMALIZED
        .iter()
        .find(|(alias, _)| **alias == *key)
        .map_or(key, |(_, usual)| Key::from(*usual))
}

/// Whether the key is the host name's, which stays inside of the scheduler.
pub(crate) fn is_internal(key: &str) -> bool {
    labels::RESTRICTED.contains(&key)
}

#[cfg(test)]
mod tests;
