//! A corpus as it is recorded: one folder per problem with `snapshot.json`, `options.json` and
//! `reference.json` (the larger ones with `.gz`), and a folder of catalogs that the options name.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::Catalog;
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{CorpusError, Problem, Summary, WrittenOptions};

/// A corpus in a folder. Catalogs are read once.
#[derive(Debug)]
pub struct Layout {
    folder: PathBuf,
    catalogs: BTreeMap<PathBuf, Arc<Catalog>>,
}

#[derive(Deserialize)]
struct List {
    items: Vec<Value>,
}

#[derive(Deserialize)]
struct Reference {
    summary: Summary,
}

/// What is recorded about a problem.
pub(super) struct Recorded {
    pub(super) options: WrittenOptions,
    /// Where the catalog is.
    pub(super) catalog: PathBuf,
    pub(super) items: Vec<Value>,
    pub(super) summary: Summary,
}

impl Layout {
    /// The corpus in this folder.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
            catalogs: BTreeMap::new(),
        }
    }

    /// Names of all its problems, sorted.
    pub fn names(&self) -> Result<Vec<String>, CorpusError> {
        let mut names: Vec<String> = entries(&self.folder)?
            .into_iter()
            .filter(|name| self.folder.join(name).join("options.json").is_file())
            .collect();
        names.sort();
        Ok(names)
    }

    /// The problem of this name.
    pub fn problem(&mut self, name: &str) -> Result<Problem, CorpusError> {
        let recorded = self.recorded(name)?;
        let catalog = if let Some(known) = self.catalogs.get(&recorded.catalog) {
            known.clone()
        } else {
            let catalog = Arc::new(parse_catalog(&recorded.catalog)?);
            self.catalogs.insert(recorded.catalog, catalog.clone());
            catalog
        };
        let (items, summary) = (recorded.items, recorded.summary);
        Problem::new(name, recorded.options, catalog, items, summary)
    }

    pub(super) fn recorded(&self, name: &str) -> Result<Recorded, CorpusError> {
        let folder = self.folder.join(name);
        let options: WrittenOptions = read(&folder.join("options.json"))?;
        let snapshot: List = read(&folder.join("snapshot.json"))?;
        let reference: Reference = read(&folder.join("reference.json"))?;
        Ok(Recorded {
            catalog: folder.join(&options.catalog),
            options,
            items: snapshot.items,
            summary: reference.summary,
        })
    }
}

/// Names in a folder.
pub(super) fn entries(folder: &Path) -> Result<Vec<String>, CorpusError> {
    let list = fs::read_dir(folder).map_err(|source| file_error(folder, source))?;
    Ok(list
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect())
}

/// Reads a catalog, compressed or not.
pub(super) fn parse_catalog(path: &Path) -> Result<Catalog, CorpusError> {
    let text = text(path)?;
    catalog::file::parse(&text).map_err(|source| CorpusError::Catalog {
        path: path.to_path_buf(),
        source,
    })
}

/// Reads JSON, from the file of this name or from the compressed one beside it.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, CorpusError> {
    serde_json::from_slice(&text(path)?).map_err(|source| CorpusError::Json {
        path: path.to_path_buf(),
        source,
    })
}

fn text(path: &Path) -> Result<Vec<u8>, CorpusError> {
    let error = |source| file_error(path, source);
    let mut text = Vec::new();
    let mut compressed = path.as_os_str().to_owned();
    compressed.push(".gz");
    let compressed = PathBuf::from(compressed);
    if path.extension().is_some_and(|extension| extension == "gz") || !path.exists() {
        let path = if path.exists() { path } else { &*compressed };
        let file = File::open(path).map_err(error)?;
        let mut reader = GzDecoder::new(BufReader::new(file));
        reader.read_to_end(&mut text).map_err(error)?;
    } else {
        text = fs::read(path).map_err(error)?;
    }
    Ok(text)
}

pub(super) fn file_error(path: &Path, source: std::io::Error) -> CorpusError {
    CorpusError::File {
        path: path.to_path_buf(),
        source,
    }
}
