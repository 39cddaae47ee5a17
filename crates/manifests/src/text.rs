//! From text to objects: YAML documents, JSON, `List`s.

use serde_json::Value;

use crate::head::Head;
use crate::json::{self, object};
use crate::{Body, LoadError, Object, Origin};

/// Reads all objects of one text. `file` is only for messages. Of JSON lists, parts are read on up
/// to `threads` threads; the answer does not depend on it.
pub fn parse(
    file: &str,
    text: impl Into<String>,
    threads: usize,
) -> Result<Vec<Object>, LoadError> {
    let text = text.into();
    if text.trim_start().starts_with('{') {
        json::parse(file, text, threads)
    } else {
        parse_yaml(file, &text)
    }
}

fn parse_yaml(file: &str, text: &str) -> Result<Vec<Object>, LoadError> {
    let documents = split_documents(text);
    let single = documents.len() == 1;
    let mut objects = Vec::new();
    for (index, (line, document)) in documents.into_iter().enumerate() {
        let number = if single { 0 } else { index + 1 };
        let origin = Origin {
            document: number,
            line,
            ..Origin::file(file)
        };
        let tree: Value =
            serde_saphyr::from_str_with_options(document, options()).map_err(|error| {
                let within = error
                    .location()
                    .map_or(1, |location| location.line() as usize);
                LoadError::Syntax {
                    origin: Origin {
                        line: line + within.saturating_sub(1),
                        ..origin.clone()
                    },
                    message: format!("this is not YAML: {}", first_line(&error.to_string())),
                }
            })?;
        add_yaml(&origin, tree, &mut objects)?;
    }
    Ok(objects)
}

/// Only `true` and `false` are booleans, as kubectl reads them: a namespace may be called `n`.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! { strict_booleans: true, with_snippet: false }
}

fn add_yaml(origin: &Origin, tree: Value, objects: &mut Vec<Object>) -> Result<(), LoadError> {
    if tree.is_null() {
        return Ok(());
    }
    let Value::Object(mut map) = tree else {
        let problem = "this is not a Kubernetes object (a map with apiVersion and kind)".to_owned();
        return Err(LoadError::NotAnObject {
            origin: origin.clone(),
            problem,
        });
    };
    let is_list = map
        .get("kind")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.ends_with("List"));
    if is_list && map.get("items").is_some_and(Value::is_array) {
        if let Some(Value::Array(items)) = map.remove("items") {
            for (index, item) in items.into_iter().enumerate() {
                add_yaml(
                    &Origin {
                        item: index + 1,
                        ..origin.clone()
                    },
                    item,
                    objects,
                )?;
            }
        }
        return Ok(());
    }
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let meta = map.get("metadata");
    let head = Head {
        api_version: text(map.get("apiVersion")),
        kind: text(map.get("kind")),
        name: text(meta.and_then(|meta| meta.get("name"))),
        namespace: text(meta.and_then(|meta| meta.get("namespace"))),
    };
    objects.push(object(origin, head, Body::Tree(Value::Object(map)))?);
    Ok(())
}

/// Splits a YAML stream at its document markers: (first line, text) of each document that holds
/// more than comments.
fn split_documents(text: &str) -> Vec<(usize, &str)> {
    let mut documents = Vec::new();
    let (mut start, mut first_line, mut offset) = (0, 1, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let trimmed = line.trim_end();
        let is_marker = trimmed == "---" || trimmed == "..." || trimmed.starts_with("--- ");
        if is_marker {
            documents.push((first_line, &text[start..offset]));
            start = offset + line.len();
            first_line = index + 2;
        }
        offset += line.len();
    }
    documents.push((first_line, &text[start..]));
    documents.retain(|(_, document)| {
        document
            .lines()
            .any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    });
    documents
}

fn first_line(text: &str) -> &str {
    text.lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("unreadable")
}
