//! Where the programs are found: `KUBEBUILDER_ASSETS` first, then the cache.
//!
//! What is *not* here: building them (`build`).

mod build;
mod key;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

pub use build::BuildReport;

use crate::program::Program;

/// The variable by which the ecosystem's test tools find the programs of a control plane.
const ASSETS: &str = "KUBEBUILDER_ASSETS";

/// The programs, each with its path.
#[derive(Debug, Clone)]
pub struct Binaries {
    paths: BTreeMap<Program, PathBuf>,
}

impl Binaries {
    /// Finds the programs without building anything. Those that are missing are an error which says
    /// how to get them.
    pub fn locate() -> Result<Binaries> {
        let mut paths = assets();
        let missing = absent(&paths);
        if missing.is_empty() {
            return Ok(Binaries { paths });
        }
        if let Some(folder) = build::cached(&missing)? {
            add(&mut paths, &missing, &folder);
            return Ok(Binaries { paths });
        }
        let names: Vec<&str> = missing.iter().map(|program| program.name()).collect();
        bail!(
            "the control plane is not built ({} missing): run `cargo xtask control-plane build`, \
             or point {ASSETS} at a folder with these programs",
            names.join(", ")
        )
    }

    /// Finds the programs, and builds those that are missing. `say` gets a line before anything
    /// that takes minutes.
    pub fn build(say: impl Fn(&str)) -> Result<(Binaries, BuildReport)> {
        let mut paths = assets();
        let missing = absent(&paths);
        if missing.is_empty() {
            return Ok((Binaries { paths }, BuildReport::Present));
        }
        let (folder, report) = build::ensure(&missing, say)?;
        add(&mut paths, &missing, &folder);
        Ok((Binaries { paths }, report))
    }

    /// The path of one program.
    pub fn path(&self, program: Program) -> &Path {
        // Both ways of making a value put in every program.
        &self.paths[&program]
    }

    /// The folder that holds them all, if it is one.
    pub fn folder(&self) -> Option<&Path> {
        let first = self.path(Program::Etcd).parent()?;
        let same = self.paths.values().all(|path| path.parent() == Some(first));
        same.then_some(first)
    }
}

/// What the folder that the user named has.
fn assets() -> BTreeMap<Program, PathBuf> {
    let Some(folder) = env::var_os(ASSETS).filter(|folder| !folder.is_empty()) else {
        return BTreeMap::new();
    };
    let folder = PathBuf::from(folder);
    let present = Program::ALL.map(|program| (program, folder.join(program.name())));
    present
        .into_iter()
        .filter(|(_, path)| path.is_file())
        .collect()
}

fn absent(paths: &BTreeMap<Program, PathBuf>) -> Vec<Program> {
    Program::ALL
        .into_iter()
        .filter(|program| !paths.contains_key(program))
        .collect()
}

fn add(paths: &mut BTreeMap<Program, PathBuf>, missing: &[Program], folder: &Path) {
    paths.extend(
        missing
            .iter()
            .map(|program| (*program, folder.join(program.name()))),
    );
}
