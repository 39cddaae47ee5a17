//! From paths to texts.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::text::parse;
use crate::{LoadError, Object};

/// Where manifests are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, or a directory that is searched for `*.yaml`, `*.yml` and `*.json`.
    Path(PathBuf),
    /// Standard input.
    Stdin,
}

impl From<&str> for Source {
    fn from(text: &str) -> Self {
        if text == "-" {
            Self::Stdin
        } else {
            Self::Path(PathBuf::from(text))
        }
    }
}

/// Reads all objects of all sources, in order; directories in the order of their file names. Large
/// lists are read on up to `threads` threads.
pub fn load(sources: &[Source], threads: usize) -> Result<Vec<Object>, LoadError> {
    let mut objects = Vec::new();
    for source in sources {
        match source {
            Source::Stdin => {
                let mut text = String::new();
                std::io::stdin()
                    .read_to_string(&mut text)
                    .map_err(|error| io("-", error))?;
                objects.extend(parse("-", text, threads)?);
            }
            Source::Path(path) => load_path(path, threads, &mut objects)?,
        }
    }
    Ok(objects)
}

fn load_path(path: &Path, threads: usize, objects: &mut Vec<Object>) -> Result<(), LoadError> {
    let shown = path.display().to_string();
    if !fs::metadata(path)
        .map_err(|error| io(&shown, error))?
        .is_dir()
    {
        objects.extend(load_file(path, threads)?);
        return Ok(());
    }
    let mut files = Vec::new();
    find(path, &mut files)?;
    if files.is_empty() {
        return Err(LoadError::EmptyDirectory { path: shown });
    }
    for file in files {
        objects.extend(load_file(&file, threads)?);
    }
    Ok(())
}

fn load_file(path: &Path, threads: usize) -> Result<Vec<Object>, LoadError> {
    let shown = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| io(&shown, error))?;
    parse(&shown, text, threads)
}

/// Collects manifests below a directory, sorted, without following what starts with a dot.
fn find(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), LoadError> {
    let shown = directory.display().to_string();
    let mut entries = fs::read_dir(directory)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(|error| io(&shown, error))?;
    entries.sort();
    for path in entries {
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
        let manifest = path.extension().is_some_and(|extension| {
            ["yaml", "yml", "json"]
                .iter()
                .any(|known| extension == *known)
        });
        if hidden {
            continue;
        }
        if path.is_dir() {
            find(&path, files)?;
        } else if manifest {
            files.push(path);
        }
    }
    Ok(())
}

fn io(path: &str, error: std::io::Error) -> LoadError {
    LoadError::Io {
        path: path.to_owned(),
        error,
    }
}
