//! The compact form of the project's own copy.
//!
//! One gzip file per problem: options, summary, and the objects in columns. Objects of one
//! structure (same members all through) make a group: the first of them as a template, and for
//! each scalar that is not the same in all of them a column of values. What decides nothing is
//! left out, see `strip`. Catalogs are stored once each.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::Catalog;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::layout::{self, Layout, file_error};
use super::strip::strip;
use super::{CorpusError, Problem, Summary, WrittenOptions};

/// A problem as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    options: WrittenOptions,
    summary: Summary,
    objects: Vec<Group>,
}

/// Objects of one structure.
#[derive(Serialize, Deserialize)]
struct Group {
    template: Value,
    /// How many there are.
    count: usize,
    /// By JSON pointer, what differs: a value for each of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    columns: BTreeMap<String, Vec<Value>>,
}

/// Reads problems. Catalogs are read once.
#[derive(Debug, Default)]
pub struct Reader {
    catalogs: BTreeMap<String, Arc<Catalog>>,
}

impl Reader {
    /// The problem of this name.
    pub fn problem(&mut self, name: &str) -> Result<Problem, CorpusError> {
        let stored: Stored = layout::read(&file("corpus", name))?;
        let catalog = self.catalog(&stored.options.catalog)?;
        let items = stored.objects.into_iter().flat_map(Group::unpack).collect();
        Problem::new(name, stored.options, catalog, items, stored.summary)
    }

    fn catalog(&mut self, name: &str) -> Result<Arc<Catalog>, CorpusError> {
        if let Some(known) = self.catalogs.get(name) {
            return Ok(known.clone());
        }
        let catalog = Arc::new(catalog(name)?);
        self.catalogs.insert(name.to_owned(), catalog.clone());
        Ok(catalog)
    }
}

/// The catalog of this name.
pub fn catalog(name: &str) -> Result<Catalog, CorpusError> {
    layout::parse_catalog(&file("catalogs", name))
}

/// Names of all stored problems, sorted.
pub fn names() -> Result<Vec<String>, CorpusError> {
    let mut names: Vec<String> = layout::entries(&data().join("corpus"))?
        .iter()
        .filter_map(|name| name.strip_suffix(".json.gz").map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}

/// Replaces what is stored by the problems of a recorded corpus. Returns how many there are.
pub fn store(corpus: &Layout) -> Result<usize, CorpusError> {
    let names = corpus.names()?;
    for folder in ["corpus", "catalogs"] {
        let folder = data().join(folder);
        fs::create_dir_all(&folder).map_err(|source| file_error(&folder, source))?;
        for name in layout::entries(&folder)? {
            let path = folder.join(name);
            fs::remove_file(&path).map_err(|source| file_error(&path, source))?;
        }
    }
    for name in &names {
        let mut recorded = corpus.recorded(name)?;
        let stem = recorded.catalog.file_stem().unwrap_or_default();
        let catalog = stem.to_string_lossy().into_owned();
        let path = file("catalogs", &catalog);
        if !path.exists() {
            let types: Value = layout::read(&recorded.catalog)?;
            write(&path, &types)?;
        }
        recorded.options.catalog = catalog;
        let stored = Stored {
            options: recorded.options,
            summary: recorded.summary,
            objects: pack(recorded.items),
        };
        write(&file("corpus", name), &stored)?;
    }
    Ok(names.len())
}

/// Objects in columns, without what decides nothing.
fn pack(mut items: Vec<Value>) -> Vec<Group> {
    items.iter_mut().for_each(strip);
    items.sort_by_cached_key(|item| {
        let part = |pointer| item.pointer(pointer).map(Value::to_string);
        (part("/metadata/namespace"), part("/metadata/name"))
    });
    let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for item in items {
        let mut structure = item["kind"].to_string();
        describe(&item, &mut structure);
        groups.entry(structure).or_default().push(item);
    }
    groups.into_values().map(Group::pack).collect()
}

/// Writes down the structure of a value, without its scalars.
fn describe(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            text.push('{');
            for (key, value) in members {
                let _ = write!(text, "{key:?}");
                describe(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                describe(item, text);
            }
            text.push(']');
        }
        _ => text.push(','),
    }
}

impl Group {
    /// A group of objects of one structure. There is at least one.
    fn pack(items: Vec<Value>) -> Self {
        let mut columns: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for item in &items {
            let mut path = String::new();
            scalars(
                item,
                &mut path,
                &mut |path, value| match columns.get_mut(path) {
                    Some(column) => column.push(value.clone()),
                    None => drop(columns.insert(path.to_owned(), vec![value.clone()])),
                },
            );
        }
        columns.retain(|_, column| column.iter().any(|value| *value != column[0]));
        Self {
            count: items.len(),
            template: items.into_iter().next().unwrap_or_default(),
            columns,
        }
    }

    fn unpack(self) -> Vec<Value> {
        let mut items = vec![self.template; self.count];
        for (path, column) in self.columns {
            for (item, value) in items.iter_mut().zip(column) {
                if let Some(place) = item.pointer_mut(&path) {
                    *place = value;
                }
            }
        }
        items
    }
}

/// Calls `visit` with the pointer and value of each scalar.
fn scalars(value: &Value, path: &mut String, visit: &mut impl FnMut(&str, &Value)) {
    let end = path.len();
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let _ = write!(path, "/{}", key.replace('~', "~0").replace('/', "~1"));
                scalars(value, path, visit);
                path.truncate(end);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                let _ = write!(path, "/{at}");
                scalars(value, path, visit);
                path.truncate(end);
            }
        }
        scalar => visit(path, scalar),
    }
}

fn write(path: &Path, value: &impl Serialize) -> Result<(), CorpusError> {
    let error = |source| file_error(path, source);
    let file = BufWriter::new(File::create(path).map_err(error)?);
    let mut gzip = GzEncoder::new(file, Compression::best());
    serde_json::to_writer(&mut gzip, value).map_err(|source| CorpusError::Json {
        path: path.to_path_buf(),
        source,
    })?;
    gzip.finish().map_err(error)?.flush().map_err(error)
}

fn file(folder: &str, name: &str) -> PathBuf {
    data().join(folder).join(format!("{name}.json.gz"))
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        let items = vec![
            json!({"kind": "Pod", "metadata": {"name": "a", "labels": {"x/y": "1", "z~": "1"}}, "l": [1, {"m": 2}]}),
            json!({"kind": "Pod", "metadata": {"name": "b", "labels": {"x/y": "2", "z~": "2"}}, "l": [1, {"m": 3}]}),
            json!({"kind": "Pod", "metadata": {"name": "c", "labels": {"x/y": "1"}}, "l": []}),
            json!({"kind": "Node", "metadata": {"name": "n"}, "e": {}}),
        ];
        let groups = pack(items.clone());
        assert_eq!(groups.len(), 3);
        let mut unpacked: Vec<Value> = groups.into_iter().flat_map(Group::unpack).collect();
        unpacked.sort_by_key(|item| item["metadata"]["name"].to_string());
        assert_eq!(unpacked, items);
    }

    #[test]
    fn identifiers_and_texts_are_left_out() {
        let mut pod = json!({"kind": "Pod", "metadata": {"name": "a", "uid": "u"},
            "spec": {"schedulerName": "default-scheduler", "containers": [{"name": "c", "image": "i"}]},
            "status": {"conditions": [{"type": "Ready", "message": "m"}]}});
        strip(&mut pod);
        let rest = json!({"kind": "Pod", "metadata": {"name": "a"},
            "spec": {"containers": [{"name": "c"}]}, "status": {"conditions": [{"type": "Ready"}]}});
        assert_eq!(pod, rest);
    }
}
