//! From files to a cluster: reads manifests, fills in what is missing, and says what it did not
//! understand.

mod catalogs;
mod expand;
mod gated;
mod numbered;
mod scheduler;
mod world;

pub(crate) use catalogs::{Chosen, choose, read_with_catalog};
pub(crate) use expand::{Expanded, expand};
pub(crate) use gated::gates;
pub(crate) use scheduler::scheduler_config;
pub(crate) use world::load_world;

use anyhow::Context as _;
use manifests::{Object, Source};

use crate::cli::Sources;

/// How many threads to use where the command line does not say.
pub(crate) fn threads(given: Option<usize>) -> usize {
    given
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .max(1)
}

/// Reads all objects that the command line names.
pub(crate) fn read(sources: &Sources, threads: usize) -> anyhow::Result<Vec<Object>> {
    let sources: Vec<Source> = sources
        .files
        .iter()
        .map(|text| text.as_str().into())
        .collect();
    let objects = manifests::load(&sources, threads)?;
    if objects.is_empty() {
        anyhow::bail!("there is no object in the input");
    }
    Ok(objects)
}

/// Reads an object as a type, with its place in the error.
pub(crate) fn decode<T: serde::de::DeserializeOwned>(object: &Object) -> anyhow::Result<T> {
    let text = object.text();
    let mut reader = serde_json::Deserializer::from_str(&text);
    serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| {
            // Line and column are those of our own rendering of YAML: of no use to the reader.
            let text = error.inner().to_string();
            let end = text.rfind(" at line ").unwrap_or(text.len());
            anyhow::anyhow!("{}: {}", error.path(), &text[..end])
        })
        .with_context(|| format!("{}: {}", object.origin, object.title()))
}
