//! From text to objects: YAML documents, JSON, `List`s.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{Body, LoadError, Object, Origin};

/// Reads all objects of one text. `file` is only for messages.
pub fn parse(file: &str, text: &str) -> Result<Vec<Object>, LoadError> {
    if text.trim_start().starts_with('{') {
        parse_json(file, text)
    } else {
        parse_yaml(file, text)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(default)]
    api_version: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    metadata: Option<HeadMeta>,
    #[serde(default, borrow)]
    items: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct HeadMeta {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
}

fn parse_json(file: &str, text: &str) -> Result<Vec<Object>, LoadError> {
    let mut objects = Vec::new();
    let stream = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let mut document = 0;
    for raw in stream {
        let origin = Origin {
            file: file.to_owned(),
            ..Origin::default()
        };
        let raw = raw.map_err(|error| json_syntax(&origin, &error))?;
        document += 1;
        add_json(&Origin { document, ..origin }, raw.get(), &mut objects)?;
    }
    if document == 1 {
        for object in &mut objects {
            object.origin.document = 0;
        }
    }
    Ok(objects)
}

fn add_json(origin: &Origin, text: &str, objects: &mut Vec<Object>) -> Result<(), LoadError> {
    let head: Head<'_> = serde_json::from_str(text).map_err(|error| json_syntax(origin, &error))?;
    let is_list = head
        .kind
        .as_deref()
        .is_some_and(|kind| kind.ends_with("List"));
    if let (true, Some(items)) = (is_list, head.items) {
        let items: Vec<&RawValue> =
            serde_json::from_str(items.get()).map_err(|error| json_syntax(origin, &error))?;
        for (index, item) in items.into_iter().enumerate() {
            add_json(
                &Origin {
                    item: index + 1,
                    ..origin.clone()
                },
                item.get(),
                objects,
            )?;
        }
        return Ok(());
    }
    let body =
        RawValue::from_string(text.to_owned()).map_err(|error| json_syntax(origin, &error))?;
    objects.push(object(origin, head, Body::Text(body))?);
    Ok(())
}

fn json_syntax(origin: &Origin, error: &serde_json::Error) -> LoadError {
    let origin = Origin {
        line: error.line(),
        ..origin.clone()
    };
    LoadError::Syntax {
        origin,
        message: format!("this is not JSON: {error}"),
    }
}

fn object(origin: &Origin, head: Head<'_>, body: Body) -> Result<Object, LoadError> {
    let missing = |problem: &str| LoadError::NotAnObject {
        origin: origin.clone(),
        problem: problem.to_owned(),
    };
    let api_version = head
        .api_version
        .filter(|text| !text.is_empty())
        .ok_or_else(|| missing("no apiVersion: a Kubernetes object starts with one"))?;
    let kind = head
        .kind
        .filter(|text| !text.is_empty())
        .ok_or_else(|| missing("no kind: a Kubernetes object names its kind"))?;
    let (name, namespace) = head
        .metadata
        .map(|meta| {
            (
                meta.name.unwrap_or_default(),
                meta.namespace.unwrap_or_default(),
            )
        })
        .unwrap_or_default();
    Ok(Object {
        origin: origin.clone(),
        api_version,
        kind,
        namespace,
        name,
        body,
    })
}

fn parse_yaml(file: &str, text: &str) -> Result<Vec<Object>, LoadError> {
    let documents = split_documents(text);
    let single = documents.len() == 1;
    let mut objects = Vec::new();
    for (index, (line, document)) in documents.into_iter().enumerate() {
        let number = if single { 0 } else { index + 1 };
        let origin = Origin {
            file: file.to_owned(),
            document: number,
            item: 0,
            line,
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
        metadata: Some(HeadMeta {
            name: text(meta.and_then(|meta| meta.get("name"))),
            namespace: text(meta.and_then(|meta| meta.get("namespace"))),
        }),
        items: None,
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
