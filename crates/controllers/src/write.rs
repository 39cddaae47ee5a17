//! Writing objects: what differs between what is and what should be, and nothing else.
//!
//! Every write carries the version of the object that the decision was made from, so one that was
//! made from an old object is refused as a conflict and made anew. What the API server answers goes
//! to the cluster's state at once.

use api::{NodeClaim, NodePool};
use cluster::{Change, Event, Gone};
use model::k8s::{Node, Resource};
use runtime::client::{ApiError, ObjectKey, Preconditions};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::shared::Shared;

/// Writes a claim as it should be; gives it as it is then. None if it does not exist any more.
pub(crate) async fn claim(
    shared: &Shared,
    old: &NodeClaim,
    new: &NodeClaim,
) -> Result<Option<NodeClaim>, ApiError> {
    let event = |change| Event::NodeClaim(change);
    write(shared, old, new, event).await
}

/// Writes a pool as it should be; gives it as it is then. None if it does not exist any more.
pub(crate) async fn pool(
    shared: &Shared,
    old: &NodePool,
    new: &NodePool,
) -> Result<Option<NodePool>, ApiError> {
    let defaults = &shared.defaults;
    let event = |change: Change<NodePool>| match change {
        Change::Applied(pool) => Event::NodePool(Change::Applied(pool.normalized(defaults))),
        other => Event::NodePool(other),
    };
    write(shared, old, new, event).await
}

/// Writes a node's metadata and spec as they should be; gives the node as it is then. None if it
/// does not exist any more.
pub(crate) async fn node(
    shared: &Shared,
    old: &Node,
    new: &Node,
) -> Result<Option<Node>, ApiError> {
    debug_assert!(old.status == new.status, "a node's status is the kubelet's");
    write(shared, old, new, Event::Node).await
}

/// Writes the status of an object that is no part of the cluster's state; gives it as it is then.
/// None if it does not exist any more.
pub(crate) async fn status<T>(shared: &Shared, old: &T, new: &T) -> Result<Option<T>, ApiError>
where
    T: Resource + Serialize + DeserializeOwned + Clone + PartialEq,
{
    let (_, Some(patch)) = parts(old, new)? else {
        return Ok(Some(old.clone()));
    };
    let (key, only_if) = (ObjectKey::of(old), Preconditions::unchanged(old));
    let answer = shared.world.client.patch_status(&key, patch, &only_if);
    match answer.await {
        Ok(written) => Ok(Some(written)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn write<T>(
    shared: &Shared,
    old: &T,
    new: &T,
    event: impl Fn(Change<T>) -> Event,
) -> Result<Option<T>, ApiError>
where
    T: Resource + Serialize + DeserializeOwned + Clone + PartialEq,
{
    let (key, mut held) = (ObjectKey::of(old), old.clone());
    let (main, status) = parts(old, new)?;
    if let Some(patch) = main {
        let answer = shared
            .world
            .client
            .patch(&key, patch, &Preconditions::unchanged(&held))
            .await;
        match taken(shared, answer, old, &event)? {
            Some(written) => held = written,
            None => return Ok(None),
        }
    }
    if let Some(patch) = status {
        let only_if = Preconditions::unchanged(&held);
        let answer = shared
            .world
            .client
            .patch_status(&key, patch, &only_if)
            .await;
        match taken(shared, answer, old, &event)? {
            Some(written) => held = written,
            None => return Ok(None),
        }
    }
    Ok(Some(held))
}

/// Takes an answer in. An object that does not exist is one that is gone, however the watch lags.
fn taken<T: Resource + Clone>(
    shared: &Shared,
    answer: Result<T, ApiError>,
    old: &T,
    event: impl Fn(Change<T>) -> Event,
) -> Result<Option<T>, ApiError> {
    match answer {
        Ok(written) => {
            // The last finalizer's removal is answered with the object although it is gone.
            let meta = written.meta();
            let change = if meta.is_deleting() && meta.finalizers.is_empty() {
                Change::Deleted(Gone::of(meta))
            } else {
                Change::Applied(written.clone())
            };
            shared.apply(event(change));
            Ok(Some(written))
        }
        Err(error) if error.is_not_found() => {
            shared.apply(event(Change::Deleted(Gone::of(old.meta()))));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The merge patches that turn `old` into `new`: of metadata and spec, and of the status.
fn parts<T>(old: &T, new: &T) -> Result<(Option<Value>, Option<Value>), ApiError>
where
    T: Serialize + PartialEq,
{
    // Most of what is looked at stays as it is, and making JSON of it costs most of a look.
    if old == new {
        return Ok((None, None));
    }
    let json = |object: &T| {
        serde_json::to_value(object).map_err(|cause| ApiError::Request(cause.to_string()))
    };
    let Some(Value::Object(mut patch)) = merge_patch(&json(old)?, &json(new)?) else {
        return Ok((None, None));
    };
    let status = patch.remove("status").map(|status| {
        let mut only = Map::new();
        only.insert("status".to_owned(), status);
        Value::Object(only)
    });
    let main = (!patch.is_empty()).then_some(Value::Object(patch));
    Ok((main, status))
}

/// The merge patch (RFC 7396) that turns `old` into `new`; none if they are equal.
fn merge_patch(old: &Value, new: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return (old != new).then(|| new.clone());
    };
    let mut patch = Map::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in new {
        let change = match old.get(key) {
            Some(held) => merge_patch(held, value),
            None => Some(value.clone()),
        };
        if let Some(change) = change {
            patch.insert(key.clone(), change);
        }
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_patch_holds_what_differs_and_nothing_else() {
        let old = json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"taints": [1, 2]}});
        for (new, patch) in [
            (old.clone(), None),
            (
                json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"taints": [2]}}),
                Some(json!({"spec": {"taints": [2]}})),
            ),
            (
                json!({"metadata": {"labels": {"a": "9", "c": "3"}}, "spec": {"taints": [1, 2]}}),
                Some(json!({"metadata": {"labels": {"a": "9", "b": null, "c": "3"}}})),
            ),
            (
                json!({"metadata": {"labels": {"a": "1", "b": "2"}}}),
                Some(json!({"spec": null})),
            ),
        ] {
            assert_eq!(merge_patch(&old, &new), patch);
        }
    }

    #[test]
    fn status_and_the_rest_are_patched_apart() {
        let old = json!({"metadata": {"name": "a"}, "status": {"nodes": 1}});
        let new = json!({"metadata": {"name": "a", "x": 1}, "status": {"nodes": 2}});
        let (main, status) = parts(&old, &new).expect("values");
        assert_eq!(main, Some(json!({"metadata": {"x": 1}})));
        assert_eq!(status, Some(json!({"status": {"nodes": 2}})));
        assert_eq!(parts(&old, &old).expect("values"), (None, None));
    }
}
