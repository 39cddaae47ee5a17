//! JSON documents. A list is cut into the texts of its objects in one pass over the text, and of
//! each object only the head is read here; its text is decoded once, by whoever knows its type.

use std::sync::Arc;
use std::thread;

use crate::head::{Document, Head};
use crate::{Body, LoadError, Object, Origin, Slice};

/// Objects that are worth a thread of their own.
const ITEMS_PER_THREAD: usize = 2_000;

/// Reads all objects of a JSON text: documents one after the other, and what they list.
pub(crate) fn parse(file: &str, text: String, threads: usize) -> Result<Vec<Object>, LoadError> {
    let text = Arc::new(text);
    let mut objects = Vec::new();
    let mut origin = Origin::file(file);
    let mut documents = serde_json::Deserializer::from_str(&text).into_iter::<Document<'_>>();
    let mut start = 0;
    while let Some(document) = documents.next() {
        let document = document.map_err(|error| syntax(&origin, &error))?;
        origin.document += 1;
        let whole = &text[start..documents.byte_offset()];
        start = documents.byte_offset();
        add(
            &origin,
            &text,
            whole.trim(),
            document,
            threads,
            &mut objects,
        )?;
    }
    if origin.document == 1 {
        for object in &mut objects {
            object.origin.document = 0;
        }
    }
    Ok(objects)
}

fn add(
    origin: &Origin,
    text: &Arc<String>,
    whole: &str,
    document: Document<'_>,
    threads: usize,
    objects: &mut Vec<Object>,
) -> Result<(), LoadError> {
    let Document { head, items } = document;
    let Some(items) = items.filter(|_| is_list(head.kind.as_deref())) else {
        objects.push(object(origin, head, Body::Text(Slice::of(text, whole)))?);
        return Ok(());
    };
    let threads = threads.min(items.len() / ITEMS_PER_THREAD).max(1);
    let size = items.len().div_ceil(threads).max(1);
    let read = |(chunk, items): (usize, &[&serde_json::value::RawValue])| {
        let mut objects = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let origin = Origin {
                item: chunk * size + index + 1,
                ..origin.clone()
            };
            add_item(&origin, text, item.get(), &mut objects)?;
        }
        Ok(objects)
    };
    if threads == 1 {
        objects.extend(read((0, &items))?);
        return Ok(());
    }
    let parts: Vec<Result<Vec<Object>, LoadError>> = thread::scope(|scope| {
        let chunks = items.chunks(size).enumerate();
        let running: Vec<_> = chunks
            .map(|chunk| scope.spawn(move || read(chunk)))
            .collect();
        let join = |part: thread::ScopedJoinHandle<'_, _>| match part.join() {
            Ok(part) => part,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        running.into_iter().map(join).collect()
    });
    for part in parts {
        objects.extend(part?);
    }
    Ok(())
}

/// An object of a list; lists may hold lists.
fn add_item(
    origin: &Origin,
    text: &Arc<String>,
    item: &str,
    objects: &mut Vec<Object>,
) -> Result<(), LoadError> {
    let at = |error: &serde_json::Error| {
        let before = item.as_ptr().addr() - text.as_ptr().addr();
        let line = text[..before].matches('\n').count() + error.line();
        LoadError::Syntax {
            origin: Origin {
                line,
                ..origin.clone()
            },
            message: format!("this is not a Kubernetes object: {error}"),
        }
    };
    let head = Head::read(item).map_err(|error| at(&error))?;
    if is_list(head.kind.as_deref()) {
        let document: Document<'_> = serde_json::from_str(item).map_err(|error| at(&error))?;
        return add(origin, text, item, document, 1, objects);
    }
    objects.push(object(origin, head, Body::Text(Slice::of(text, item)))?);
    Ok(())
}

fn is_list(kind: Option<&str>) -> bool {
    kind.is_some_and(|kind| kind.ends_with("List"))
}

fn syntax(origin: &Origin, error: &serde_json::Error) -> LoadError {
    LoadError::Syntax {
        origin: Origin {
            document: 0,
            line: error.line(),
            ..origin.clone()
        },
        message: format!("this is not JSON: {error}"),
    }
}

/// An object, if its head is complete.
pub(crate) fn object(origin: &Origin, head: Head, body: Body) -> Result<Object, LoadError> {
    let missing = |problem: &str| LoadError::NotAnObject {
        origin: origin.clone(),
        problem: problem.to_owned(),
    };
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let api_version = given(head.api_version)
        .ok_or_else(|| missing("no apiVersion: a Kubernetes object starts with one"))?;
    let kind =
        given(head.kind).ok_or_else(|| missing("no kind: a Kubernetes object names its kind"))?;
    Ok(Object {
        origin: origin.clone(),
        api_version,
        kind,
        namespace: head.namespace.unwrap_or_default(),
        name: head.name.unwrap_or_default(),
        body,
    })
}
