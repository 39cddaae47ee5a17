//! Building the programs from one Go module, once per user and machine.
//!
//! A build goes to a new folder that gets its name last, so that an interrupted one never looks
//! complete. A file lock lets of two that begin together only one build.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};

use super::key;
use crate::program::Program;
use crate::{deadline, paths, process};

/// Written last into a complete folder; its content is the key of the sources.
const STAMP: &str = "complete";
/// How many folders are kept.
const KEEP: usize = 2;
/// The oldest compiler that the modules accept, as minor version of Go 1.
const OLDEST_GO: u32 = 26;

const KUBERNETES: &str = "1.36.1";
const HELM: &str = "4.2.4";

/// The environment of `go build`. GOGC is for the compiler itself, which is a fifth faster so.
pub(super) const ENVIRONMENT: [(&str, &str); 5] = [
    ("CGO_ENABLED", "0"),
    ("GOFLAGS", "-mod=readonly"),
    ("GOTOOLCHAIN", "local"),
    ("GOWORK", "off"),
    ("GOGC", "400"),
];

/// What a build did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildReport {
    /// Everything was there.
    Present,
    /// Programs were built, in this time.
    Built(Duration),
}

/// The folder with these programs, if an earlier build made it. Without Go on the machine the
/// newest build of the same sources will do.
pub(super) fn cached(programs: &[Program]) -> Result<Option<PathBuf>> {
    let sources = key::of_sources(programs);
    let root = paths::cache_root()?;
    if let Ok(compiler) = compiler() {
        let folder = root.join(key::of_build(&sources, &compiler));
        if is_complete(&folder, &sources) {
            return Ok(Some(folder));
        }
        return Ok(None);
    }
    let mut folders = complete_folders(&root);
    folders.retain(|(_, folder)| is_complete(folder, &sources));
    Ok(folders.into_iter().next().map(|(_, folder)| folder))
}

/// The folder with these programs, built if need be.
pub(super) fn ensure(programs: &[Program], say: impl Fn(&str)) -> Result<(PathBuf, BuildReport)> {
    if let Some(folder) = cached(programs)? {
        return Ok((folder, BuildReport::Present));
    }
    let compiler = compiler()?;
    let root = paths::cache_root()?;
    paths::create_private(&root)?;
    let lock = File::options()
        .create(true)
        .append(true)
        .open(root.join("lock"))?;
    if lock.try_lock().is_err() {
        say("waiting for another build of the control plane");
        lock.lock()?;
    }
    if let Some(folder) = cached(programs)? {
        return Ok((folder, BuildReport::Present));
    }
    let names: Vec<&str> = programs.iter().map(|program| program.name()).collect();
    say(&format!(
        "building {} from source, once (about 5 minutes on 2 cores, kept in {})",
        names.join(", "),
        root.display()
    ));
    let start = deadline::now();
    let folder = build(programs, &root, &compiler)?;
    prune(&root);
    Ok((folder, BuildReport::Built(deadline::since(start))))
}

fn build(programs: &[Program], root: &Path, compiler: &str) -> Result<PathBuf> {
    let sources = key::of_sources(programs);
    let folder = root.join(key::of_build(&sources, compiler));
    let fresh = folder.with_extension("new");
    remove(&fresh)?;
    remove(&folder)?;
    fs::create_dir_all(&fresh)?;
    fs::write(fresh.join("go.mod"), key::GO_MOD)?;
    fs::write(fresh.join("go.sum"), key::GO_SUM)?;
    let log = fresh.join("build.log");
    let output = File::create(&log)?;
    let status = Command::new("go")
        .args(arguments(programs))
        .current_dir(&fresh)
        .envs(ENVIRONMENT)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .status()
        .context("running go build")?;
    ensure!(
        status.success(),
        "go build failed ({status}); the end of {}:\n{}",
        log.display(),
        process::tail(&log, 20)
    );
    for program in programs {
        let built = fresh.join(program.built_name());
        let named = fresh.join(program.name());
        fs::rename(&built, &named).with_context(|| format!("go build made no {program}"))?;
    }
    fs::write(fresh.join(STAMP), &sources)?;
    fs::rename(&fresh, &folder)?;
    Ok(folder)
}

/// The command line behind `go`.
pub(super) fn arguments(programs: &[Program]) -> Vec<String> {
    let fixed = ["build", "-trimpath", "-buildvcs=false", "-tags=grpcnotrace"];
    let fixed = fixed
        .into_iter()
        .chain(["-gcflags=all=-dwarf=false", "-o=./"]);
    let mut arguments: Vec<String> = fixed.map(str::to_owned).collect();
    arguments.push(format!("-ldflags={}", linker_flags()));
    arguments.extend(programs.iter().map(|program| program.package().to_owned()));
    arguments
}

/// Without the versions `/version` would say major "" minor "", and whoever reads it goes wrong.
fn linker_flags() -> String {
    let mut flags = format!("-s -w -X helm.sh/helm/v4/internal/version.version=v{HELM}");
    let commit = "0".repeat(40);
    let minor = KUBERNETES.split('.').nth(1).unwrap_or_default();
    for package in [
        "k8s.io/component-base/version",
        "k8s.io/client-go/pkg/version",
    ] {
        for (name, value) in [
            ("gitVersion", format!("v{KUBERNETES}").as_str()),
            ("gitMajor", "1"),
            ("gitMinor", minor),
            ("gitCommit", &commit),
            ("gitTreeState", "clean"),
            ("buildDate", "2026-01-01T00:00:00Z"),
        ] {
            let _ = write!(flags, " -X {package}.{name}={value}");
        }
    }
    flags
}

/// What `go env` says of the compiler; an error says what to install.
fn compiler() -> Result<String> {
    let advice = "install Go 1.26 or later (https://go.dev/dl) to build the control plane, \
                  or point KUBEBUILDER_ASSETS at a folder with its programs";
    let output = Command::new("go")
        .args(["env", "GOVERSION", "GOOS", "GOARCH"])
        .current_dir("/")
        .envs(ENVIRONMENT)
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else {
        bail!("Go is not installed: {advice}");
    };
    ensure!(output.status.success(), "`go env` fails: {advice}");
    let text = String::from_utf8(output.stdout)?;
    let version = text.lines().next().unwrap_or_default();
    ensure!(
        is_new_enough(version),
        "Go is too old ({version}): {advice}"
    );
    Ok(text)
}

fn is_new_enough(version: &str) -> bool {
    let minor = version.strip_prefix("go1.").unwrap_or_default();
    let digits = minor
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or_default();
    // Development versions say no number and are newer.
    version.starts_with("devel") || digits.parse().is_ok_and(|minor: u32| minor >= OLDEST_GO)
}

fn is_complete(folder: &Path, sources: &str) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|stamp| stamp == sources)
}

/// Complete folders, newest first.
fn complete_folders(root: &Path) -> Vec<(SystemTime, PathBuf)> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let mut folders: Vec<(SystemTime, PathBuf)> = entries
        .filter_map(|entry| {
            let folder = entry.path();
            let stamp = fs::metadata(folder.join(STAMP)).ok()?;
            Some((stamp.modified().ok()?, folder))
        })
        .collect();
    folders.sort();
    folders.reverse();
    folders
}

/// Removes all but the newest builds. That it fails is no reason to fail.
fn prune(root: &Path) {
    for (_, folder) in complete_folders(root).into_iter().skip(KEEP) {
        let _ = fs::remove_dir_all(folder);
    }
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{HELM, KUBERNETES, is_new_enough, linker_flags};
    use crate::binaries::key::GO_MOD;

    #[test]
    fn compilers_older_than_the_modules_ask_for_are_refused() {
        for (version, enough) in [
            ("go1.26.8", true),
            ("go1.27rc1", true),
            ("go1.19.8", false),
            ("devel go1.27-abc", true),
            ("", false),
        ] {
            assert_eq!(is_new_enough(version), enough, "{version}");
        }
    }

    #[test]
    fn the_versions_that_are_linked_in_are_those_that_are_pinned() {
        let required = |module: &str| {
            let mut lines = GO_MOD.lines().map(str::trim_start);
            lines.find_map(|line| line.strip_prefix(module)?.split_whitespace().next())
        };
        assert_eq!(required("k8s.io/kubernetes v"), Some(KUBERNETES));
        assert_eq!(required("helm.sh/helm/v4 v"), Some(HELM));
    }

    #[test]
    fn both_version_packages_get_the_version() {
        let flags = linker_flags();
        assert!(
            flags.contains("-X k8s.io/component-base/version.gitMinor=36 "),
            "{flags}"
        );
        assert!(
            flags.contains("-X k8s.io/client-go/pkg/version.gitVersion=v1.36.1 "),
            "{flags}"
        );
    }
}
