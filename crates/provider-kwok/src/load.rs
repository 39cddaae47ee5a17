//! Reading of the instance types file.

use std::collections::BTreeSet;

use catalog::{Catalog, PriceSource, Provider, file, kwok};

/// Why a file gives no instance types.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error("could not read custom instance types file: {path}: {cause}")]
    Read { path: String, cause: std::io::Error },
    #[error("{path}: {cause}")]
    Parse {
        path: String,
        cause: file::FileError,
    },
}

/// The types of `path`, or KWOK's own where it is empty. A file that can't be used is logged and
/// gives no types at all: nothing is launched rather than something that nobody asked for.
pub fn load_catalog(path: &str) -> Catalog {
    load(path).unwrap_or_else(|error| {
        tracing::error!(%error, "failed constructing instance types");
        Catalog {
            types: Vec::new(),
            price_source: PriceSource::File,
            extra_labels: BTreeSet::new(),
            provider: Provider::Kwok,
        }
    })
}

fn load(path: &str) -> Result<Catalog, LoadError> {
    if path.is_empty() {
        return Ok(kwok::standard());
    }
    let json = std::fs::read(path).map_err(|cause| LoadError::Read {
        path: path.to_owned(),
        cause,
    })?;
    file::parse(&json).map_err(|cause| LoadError::Parse {
        path: path.to_owned(),
        cause,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_file_there_is_the_standard_set() {
        assert_eq!(load_catalog("").types.len(), 144);
    }

    #[test]
    fn a_file_that_cannot_be_used_gives_no_types_and_a_reason() {
        assert_eq!(load_catalog("/no/such/file").types.len(), 0);
        let error = load("/no/such/file").expect_err("missing").to_string();
        assert!(
            error.starts_with("could not read custom instance types file: "),
            "{error}"
        );
        let path = std::env::temp_dir().join(format!("types-{}.json", std::process::id()));
        std::fs::write(&path, "{").expect("a temporary file");
        let error = load(path.to_str().expect("text"))
            .expect_err("broken")
            .to_string();
        std::fs::remove_file(&path).expect("removes");
        assert!(error.contains("could not parse JSON data: "), "{error}");
    }
}
