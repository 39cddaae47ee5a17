//! What can be wrong with the text of a manifest.

use crate::Origin;

/// Why manifests cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or directory that is not there or not readable.
    #[error("{path}: {error}")]
    Io {
        /// The path as the user gave it.
        path: String,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// A directory without a single manifest.
    #[error("{path}: no *.yaml, *.yml or *.json file in this directory")]
    EmptyDirectory {
        /// The path as the user gave it.
        path: String,
    },
    /// Text that is neither YAML nor JSON.
    #[error("{origin}: {message}")]
    Syntax {
        /// File, document and line.
        origin: Origin,
        /// What the parser said, in one line or more.
        message: String,
    },
    /// A document that is no Kubernetes object.
    #[error("{origin}: {problem}")]
    NotAnObject {
        /// File and document.
        origin: Origin,
        /// What is missing.
        problem: String,
    },
}
