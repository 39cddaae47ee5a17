//! `cargo xtask charts`: the files of charts and documentation that are made from lists in the
//! code: definitions, roles, values, policies.
//!
//! What is *not* here: the lists (`api`, `aws`, `install`).

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use install::files;

/// Options of `cargo xtask charts`.
#[derive(Debug, clap::Args)]
pub(crate) struct Charts {
    /// Write nothing; fail if a file is not what it would be.
    #[arg(long)]
    check: bool,
}

/// Writes or checks the files.
pub(crate) fn run(root: &Path, options: &Charts) -> Result<()> {
    let made = files::all();
    let mut stale = Vec::new();
    for (name, text) in &made {
        let path = root.join(name);
        if fs::read_to_string(&path).is_ok_and(|held| held == *text) {
            continue;
        }
        if options.check {
            stale.push(name.as_str());
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text).with_context(|| format!("can't write {name}"))?;
        println!("wrote {name}");
    }
    for folder in files::WHOLE_FOLDERS {
        let entries = fs::read_dir(root.join(folder)).with_context(|| format!("no {folder}"))?;
        for entry in entries {
            let name = format!("{folder}/{}", entry?.file_name().to_string_lossy());
            if !made.contains_key(&name) {
                bail!("{name} is none of the files that are made: remove it");
            }
        }
    }
    if !stale.is_empty() {
        bail!(
            "{} not up to date: run `cargo xtask charts`",
            stale.join(", ")
        );
    }
    Ok(())
}
