//! Reading list pages and watch lines without building a tree of what is not used.

use std::marker::PhantomData;

use model::k8s::Resource;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::Event;
use crate::client::{PageMeta, Status};

/// What an object is turned into as it comes from the server.
pub trait Decode {
    /// What consumers get.
    type Item;

    /// Reads the JSON text of one object. List pages give objects without `apiVersion` and `kind`.
    fn decode(&mut self, object: &[u8]) -> Result<Versioned<Self::Item>, DecodeError>;
}

/// An object and its resource version, which the watch goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The object.
    pub item: T,
    /// Its resource version.
    pub resource_version: String,
}

/// An object that can't be read, with what the decoder said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("decoding an object, {0}")]
pub struct DecodeError(pub String);

/// Decodes with serde into a slim type.
#[derive(Debug)]
pub struct JsonDecoder<T>(PhantomData<fn() -> T>);

impl<T> Default for JsonDecoder<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: Resource + DeserializeOwned> Decode for JsonDecoder<T> {
    type Item = T;

    fn decode(&mut self, object: &[u8]) -> Result<Versioned<T>, DecodeError> {
        let item: T = serde_json::from_slice(object).map_err(failed)?;
        let resource_version = item.meta().resource_version.clone();
        Ok(Versioned {
            item,
            resource_version,
        })
    }
}

/// One line of a watch.
pub(super) enum Change<T> {
    /// An event, and the version after it.
    Event(Event<T>, String),
    /// Nothing happened up to this version.
    Bookmark(String),
    /// The server gives up.
    Error(Status),
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default)]
    metadata: PageMeta,
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Bookmark {
    metadata: PageMeta,
}

/// Reads a line of a watch.
pub(super) fn read_line<D: Decode>(
    decoder: &mut D,
    line: &[u8],
) -> Result<Change<D::Item>, DecodeError> {
    let line: Line<'_> = serde_json::from_slice(line).map_err(failed)?;
    let object = line.object.get().as_bytes();
    let wrap: fn(D::Item) -> Event<D::Item> = match line.kind {
        "ADDED" | "MODIFIED" => Event::Applied,
        "DELETED" => Event::Deleted,
        "BOOKMARK" => {
            let bookmark: Bookmark = serde_json::from_slice(object).map_err(failed)?;
            return Ok(Change::Bookmark(bookmark.metadata.resource_version));
        }
        "ERROR" => {
            return Ok(Change::Error(
                serde_json::from_slice(object).unwrap_or_default(),
            ));
        }
        other => return Err(DecodeError(format!("unknown event type {other:?}"))),
    };
    let Versioned {
        item,
        resource_version,
    } = decoder.decode(object)?;
    Ok(Change::Event(wrap(item), resource_version))
}

/// Reads a page of a list into `items` and returns its metadata.
pub(super) fn read_page<D: Decode>(
    decoder: &mut D,
    page: &[u8],
    items: &mut Vec<D::Item>,
) -> Result<PageMeta, DecodeError> {
    let page: Page<'_> = serde_json::from_slice(page).map_err(failed)?;
    for object in page.items.unwrap_or_default() {
        items.push(decoder.decode(object.get().as_bytes())?.item);
    }
    Ok(page.metadata)
}

fn failed(cause: serde_json::Error) -> DecodeError {
    DecodeError(cause.to_string())
}
