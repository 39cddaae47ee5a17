//! Where binaries and clusters live: a per-user cache, which survives `cargo clean` and a fresh
//! clone.
//!
//! What is *not* here: what lies inside the folders.

use std::env;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// `$XDG_CACHE_HOME/karpenter-control-plane`, by default below `~/.cache`.
pub(crate) fn cache_root() -> Result<PathBuf> {
    let set = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = match set.filter(|dir| dir.is_absolute()) {
        Some(dir) => dir,
        None => home()?.join(".cache"),
    };
    Ok(base.join("karpenter-control-plane"))
}

fn home() -> Result<PathBuf> {
    let home = env::var_os("HOME").filter(|home| !home.is_empty());
    home.map(PathBuf::from)
        .context("neither XDG_CACHE_HOME nor HOME is set")
}

/// The folder of the cluster with this name.
pub(crate) fn cluster(name: &str) -> Result<PathBuf> {
    check_name(name)?;
    Ok(cache_root()?.join("clusters").join(name))
}

/// The folder that holds the clusters of running tests, one per user.
pub(crate) fn test_clusters() -> Result<PathBuf> {
    let user = fs::metadata("/proc/self").context("reading /proc")?.uid();
    Ok(env::temp_dir().join(format!("karpenter-control-plane-{user}")))
}

/// Refuses a name that would not be a plain folder name.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    ensure!(
        !name.is_empty() && name.len() <= 63 && name.chars().all(plain),
        "{name:?} is no name for a cluster: use up to 63 letters, digits, - and _"
    );
    Ok(())
}

/// Makes a folder, and those above it, that only this user can read: it will hold tokens and keys.
pub(crate) fn create_private(dir: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("creating {}", dir.display()))
}
