//! In which form objects are sent: whole, metadata only, or as rows of a table; in the version of
//! the path.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    meta,
    resource::ResourceInfo,
    storage::{Stored, to_bytes},
    table,
    verbs::Page,
    watch::Event,
};

/// How a response shows objects of one resource.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    info: Arc<ResourceInfo>,
    kind: Kind,
    now: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Full,
    Metadata,
    Table(table::Include),
}

impl Form {
    /// The form that the `Accept` header asks for.
    pub(crate) fn negotiate(
        info: &Arc<ResourceInfo>,
        accept: &str,
        include: Option<&str>,
        now: Timestamp,
    ) -> Self {
        // The first alternative that we know decides, as clients list them by preference.
        let kind = accept
            .split(',')
            .find_map(|media| match () {
                () if media.contains("as=Table") => Some(Kind::Table(table::Include::of(include))),
                () if media.contains("as=PartialObjectMetadata") => Some(Kind::Metadata),
                () if media.contains("as=") => None,
                () => Some(Kind::Full),
            })
            .unwrap_or(Kind::Full);
        Self {
            info: info.clone(),
            kind,
            now,
        }
    }

    /// One object.
    pub(crate) fn object(&self, stored: &Stored) -> Bytes {
        match self.kind {
            Kind::Full if self.is_stored_version() => stored.wire(),
            Kind::Table(include) => {
                let rows = [self.versioned(&stored.value)];
                let version = meta::resource_version(&stored.value);
                to_bytes(&table::table(
                    &self.info,
                    &rows,
                    include,
                    &json!({ "resourceVersion": version }),
                    self.now,
                ))
            }
            _ => to_bytes(&self.value(&stored.value)),
        }
    }

    /// A list.
    pub(crate) fn list(&self, page: &Page) -> Bytes {
        let mut list = json!({ "resourceVersion": page.resource_version.to_string() });
        if let Some(next) = &page.next {
            list["continue"] = next.clone().into();
        }
        if let Some(remaining) = page.remaining {
            list["remainingItemCount"] = remaining.into();
        }
        let (kind, version) = match self.kind {
            Kind::Full => (self.info.list_kind.clone(), self.info.api_version()),
            Kind::Metadata => ("PartialObjectMetadataList".into(), "meta.k8s.io/v1".into()),
            Kind::Table(include) => {
                let rows: Vec<_> = page
                    .items
                    .iter()
                    .map(|s| self.versioned(&s.value))
                    .collect();
                return to_bytes(&table::table(&self.info, &rows, include, &list, self.now));
            }
        };
        let head = json!({ "kind": kind, "apiVersion": version, "metadata": list }).to_string();
        let mut out = Vec::with_capacity(head.len() + page.items.len() * 1024);
        // The head without its closing brace, so that items follow.
        out.extend_from_slice(&head.as_bytes()[..head.len() - 1]);
        out.extend_from_slice(b",\"items\":[");
        for (i, stored) in page.items.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            self.write(stored, &mut out);
        }
        out.extend_from_slice(b"]}");
        Bytes::from(out)
    }

    /// One line of a watch.
    pub(crate) fn write_event(&self, name: &str, event: &Event, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"type\":\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\",\"object\":");
        self.write(&event.stored, out);
        out.extend_from_slice(b"}\n");
    }

    /// A bookmark line.
    pub(crate) fn bookmark(&self, version: u64, annotations: &Value) -> Vec<u8> {
        let mut metadata =
            json!({ "resourceVersion": version.to_string(), "creationTimestamp": null });
        if !annotations.is_null() {
            metadata["annotations"] = annotations.clone();
        }
        let mut object = json!({
            "kind": self.info.kind, "apiVersion": self.info.api_version(), "metadata": metadata,
        });
        match self.kind {
            Kind::Full => {}
            Kind::Metadata => {
                object["kind"] = "PartialObjectMetadata".into();
                object["apiVersion"] = "meta.k8s.io/v1".into();
            }
            Kind::Table(include) => {
                let rows = [Cow::Owned(object)];
                let list = json!({ "resourceVersion": version.to_string() });
                object = table::table(&self.info, &rows, include, &list, self.now);
            }
        }
        format!("{}\n", json!({ "type": "BOOKMARK", "object": object })).into_bytes()
    }

    fn write(&self, stored: &Stored, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.object(stored));
    }

    fn value<'a>(&self, value: &'a Value) -> Cow<'a, Value> {
        if self.kind != Kind::Metadata {
            return self.versioned(value);
        }
        Cow::Owned(json!({
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
            "metadata": value.get("metadata"),
        }))
    }

    fn is_stored_version(&self) -> bool {
        self.info.group.len() + usize::from(!self.info.group.is_empty()) + self.info.version.len()
            == self.info.storage_api_version.len()
            && self.info.storage_api_version.starts_with(&self.info.group)
            && self.info.storage_api_version.ends_with(&self.info.version)
    }

    /// The object under the `apiVersion` of the path.
    fn versioned<'a>(&self, value: &'a Value) -> Cow<'a, Value> {
        if self.is_stored_version() {
            return Cow::Borrowed(value);
        }
        let mut copy = value.clone();
        meta::as_map(&mut copy).insert("apiVersion".into(), self.info.api_version().into());
        Cow::Owned(copy)
    }
}
