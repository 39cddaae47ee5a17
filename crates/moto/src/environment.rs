//! The virtual environment that moto is installed in: once per user and set of requirements.
//!
//! It is made in a new folder that gets its name last, so that an interrupted installation never
//! looks complete. A file lock lets of two that begin together only one install.

use std::env;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use ring::digest::{SHA256, digest};

/// Every package that is installed, by version and hash.
const REQUIREMENTS: &str = include_str!("../../../tools/moto/requirements.txt");
/// Written last into a complete folder.
const STAMP: &str = "complete";
/// Asked of Python: its version, and whether it can make virtual environments.
const PROBE: &str = "import sys, venv, ensurepip; print(*sys.version_info[:2])";
/// The oldest minor version of Python 3 that moto runs on.
const OLDEST: u32 = 10;

/// A virtual environment with moto.
#[derive(Debug, Clone)]
pub struct Environment {
    folder: PathBuf,
}

/// What [`Environment::build`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// It was there.
    Present,
    /// It was installed.
    Installed,
}

impl Environment {
    /// Finds it without installing anything. If it is missing, the error says what to do.
    pub fn locate() -> Result<Self> {
        let python = python()?;
        let folder = cache_root()?.join(key(&python));
        ensure!(
            folder.join(STAMP).is_file(),
            "not run: moto is not installed; run `cargo xtask moto`, or all tests by \
             `cargo xtask test`"
        );
        Ok(Self { folder })
    }

    /// Finds it, and installs it if it is missing. `say` gets a line before that.
    pub fn build(say: impl Fn(&str)) -> Result<(Self, Report)> {
        let python = python()?;
        let root = cache_root()?;
        let folder = root.join(key(&python));
        if folder.join(STAMP).is_file() {
            return Ok((Self { folder }, Report::Present));
        }
        fs::create_dir_all(&root).with_context(|| format!("creating {}", root.display()))?;
        let lock = File::options()
            .create(true)
            .append(true)
            .open(root.join("lock"))?;
        lock.lock()?;
        if folder.join(STAMP).is_file() {
            return Ok((Self { folder }, Report::Present));
        }
        say(&format!(
            "installing moto, once (about a minute, kept in {})",
            root.display()
        ));
        install(&folder)?;
        Ok((Self { folder }, Report::Installed))
    }

    /// Its Python.
    pub(crate) fn python(&self) -> PathBuf {
        self.folder.join("bin").join("python")
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn install(folder: &Path) -> Result<()> {
    let fresh = folder.with_extension("new");
    for old in [&fresh, &folder.to_path_buf()] {
        if old.exists() {
            fs::remove_dir_all(old).with_context(|| format!("removing {}", old.display()))?;
        }
    }
    let venv = ["-m", "venv"];
    run(Command::new("python3").args(venv).arg(&fresh))
        .context("not run: python3 can't make a virtual environment (Debian: python3-venv)")?;
    let requirements = fresh.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS)?;
    let pip = ["-m", "pip", "install", "--quiet", "--require-hashes"];
    let options = ["--disable-pip-version-check", "--no-input", "-r"];
    run(Command::new(fresh.join("bin").join("python"))
        .args(pip)
        .args(options)
        .arg(&requirements))
    .context("not run: moto could not be installed from the package index")?;
    fs::write(fresh.join(STAMP), "")?;
    fs::rename(&fresh, folder)?;
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {text}");
    Ok(())
}

/// Version of the Python on the path, if it will do.
fn python() -> Result<String> {
    const WANTED: &str = "not run: the tests against moto need Python 3.10 or later with venv \
                          (Debian and Ubuntu: apt install python3 python3-venv)";
    let output = Command::new("python3")
        .args(["-c", PROBE])
        .stdin(Stdio::null())
        .output()
        .context(WANTED)?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || !is_new_enough(&version) {
        bail!("{WANTED}; python3 says: {version}");
    }
    Ok(version)
}

/// Of "3 11".
fn is_new_enough(version: &str) -> bool {
    let minor = version.strip_prefix("3 ").and_then(|m| m.parse().ok());
    minor.is_some_and(|minor: u32| minor >= OLDEST)
}

/// Name of the folder for these requirements and this Python.
fn key(python: &str) -> String {
    let sum = digest(&SHA256, format!("{python}\n{REQUIREMENTS}").as_bytes());
    let start = sum.as_ref().iter().take(8);
    start.fold(String::new(), |mut hex, byte| {
        // Writing to a text can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// `$XDG_CACHE_HOME/karpenter-moto`, by default below `~/.cache`.
fn cache_root() -> Result<PathBuf> {
    let set = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = set.filter(|dir| dir.is_absolute()).or_else(home);
    let base = base.context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(base.join("karpenter-moto"))
}

#[cfg(test)]
mod tests {
    use super::{REQUIREMENTS, is_new_enough, key};

    #[test]
    fn pythons_that_moto_does_not_run_on_are_refused() {
        for (version, enough) in [
            ("3 9", false),
            ("3 10", true),
            ("3 14", true),
            ("2 7", false),
        ] {
            assert_eq!(is_new_enough(version), enough, "{version}");
        }
        assert!(!is_new_enough(""));
    }

    #[test]
    fn each_python_has_an_environment_of_its_own() {
        assert_ne!(key("3 10"), key("3 11"));
        assert_eq!(key("3 10"), key("3 10"));
    }

    #[test]
    fn every_requirement_is_locked_by_version_and_hash() {
        let lines = REQUIREMENTS
            .lines()
            .filter(|line| !line.starts_with(['#', ' ']));
        let names: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        assert!(
            names
                .iter()
                .all(|line| line.contains("==") && line.ends_with('\\'))
        );
        assert!(names.contains(&"moto==5.2.5 \\"), "{names:?}");
    }
}
