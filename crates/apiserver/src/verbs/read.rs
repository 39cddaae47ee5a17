//! Get and list.

use std::sync::Arc;

use crate::{
    ApiError, Reason, meta, options::Selectors, resource::ResourceInfo, state::State,
    storage::Stored,
};

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Arc<Stored>>,
    pub(crate) resource_version: u64,
    /// Where the next page starts.
    pub(crate) next: Option<String>,
    /// How many follow; told only for lists without selectors.
    pub(crate) remaining: Option<usize>,
}

impl State {
    pub(crate) fn get(
        &self,
        info: &ResourceInfo,
        namespace: &str,
        name: &str,
    ) -> Result<&Arc<Stored>, ApiError> {
        self.store
            .get(info.shelf, namespace, name)
            .ok_or_else(|| info.not_found(name))
    }

    /// All selected objects, in order of namespace and name.
    pub(crate) fn list(
        &self,
        info: &ResourceInfo,
        namespace: Option<&str>,
        selectors: &Selectors,
    ) -> Vec<Arc<Stored>> {
        let matches = |s: &&Arc<Stored>| selectors.is_empty() || selectors.matches(&s.value);
        if let Some(node) = selectors.fields.required_value("spec.nodeName")
            && !node.is_empty()
        {
            let keys = self
                .store
                .index()
                .on_node(node)
                .filter(|k| k.shelf == info.shelf);
            return keys
                .filter(|k| namespace.is_none_or(|ns| ns == k.namespace))
                .filter_map(|k| self.store.get(k.shelf, &k.namespace, &k.name))
                .filter(matches)
                .cloned()
                .collect();
        }
        self.store
            .list(info.shelf, namespace)
            .filter(matches)
            .cloned()
            .collect()
    }

    /// A page of at most `limit` objects after `token`.
    ///
    /// Later pages show the present state under the resource version of the first page: a watch
    /// from there replays what changed in between, so a client ends up with the right state.
    pub(crate) fn page(
        &self,
        info: &ResourceInfo,
        namespace: Option<&str>,
        selectors: &Selectors,
        (limit, token): (usize, Option<&str>),
    ) -> Result<Page, ApiError> {
        let (version, after) = match token {
            None => (self.store.version(), (String::new(), String::new())),
            Some(token) => parse_token(token)?,
        };
        if token.is_some() && self.store.log(info.shelf).reaches(version).is_err() {
            return Err(ApiError::new(Reason::Expired, EXPIRED));
        }
        let mut rest = self
            .store
            .list_after(info.shelf, namespace, (&after.0, &after.1))
            .filter(|s| selectors.is_empty() || selectors.matches(&s.value));
        let items: Vec<_> = rest.by_ref().take(limit).cloned().collect();
        let more = rest.count();
        let last = items.last().filter(|_| more > 0).map(|s| {
            format!(
                "{version}:{}/{}",
                meta::namespace(&s.value),
                meta::name(&s.value)
            )
        });
        Ok(Page {
            items,
            resource_version: version,
            remaining: last
                .is_some()
                .then_some(more)
                .filter(|_| selectors.is_empty()),
            next: last,
        })
    }
}

const EXPIRED: &str = "The provided continue parameter is too old to display a consistent list \
                       result. You can start a new list without the continue parameter.";

fn parse_token(token: &str) -> Result<(u64, (String, String)), ApiError> {
    let parsed = token.split_once(':').and_then(|(version, key)| {
        let (namespace, name) = key.split_once('/')?;
        Some((
            version.parse().ok()?,
            (namespace.to_owned(), name.to_owned()),
        ))
    });
    parsed.ok_or_else(|| ApiError::bad_request(format!("continue key is not valid: \"{token}\"")))
}
