//! `cargo xtask control-plane`: a real control plane by hand.

use std::path::Path;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use control_plane::{Binaries, BuildReport, Cluster, Health, Identity, Program, Reset, Settings};

/// What to do with it.
#[derive(Debug, Clone, Args)]
pub(crate) struct ControlPlane {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// Build the programs, once per machine; what `KUBEBUILDER_ASSETS` has is not built.
    Build,
    /// Start the cluster, building the programs if need be.
    Up {
        #[command(flatten)]
        cluster: Name,
        /// Write every request to a file, one JSON object per line.
        #[arg(long)]
        audit: bool,
    },
    /// Empty the cluster: new data, the same ports and tokens.
    Reset {
        #[command(flatten)]
        cluster: Name,
        /// Delete the objects one by one instead of starting again.
        #[arg(long)]
        soft: bool,
    },
    /// Stop the cluster and remove its data.
    Down(Name),
    /// Say which of its servers run.
    Status(Name),
    /// Print shell commands that point kubectl at it.
    Env(Name),
}

/// Which cluster.
#[derive(Debug, Clone, Args)]
struct Name {
    /// The cluster's name: several can run side by side.
    #[arg(long, default_value = "default")]
    name: String,
}

pub(crate) fn run(options: &ControlPlane) -> Result<()> {
    match &options.action {
        Action::Build => {
            let binaries = build()?;
            for program in Program::ALL {
                println!("{}", binaries.path(program).display());
            }
            Ok(())
        }
        Action::Up { cluster, audit } => {
            build()?;
            let cluster = Cluster::start(&cluster.name, Settings { audit: *audit })?;
            report(&cluster);
            Ok(())
        }
        Action::Reset { cluster, soft } => {
            let how = if *soft { Reset::Soft } else { Reset::Hard };
            open(cluster)?.reset(how)
        }
        Action::Down(cluster) => open(cluster)?.down(),
        Action::Status(cluster) => {
            report(&open(cluster)?);
            Ok(())
        }
        Action::Env(cluster) => {
            print!("{}", environment(&open(cluster)?));
            Ok(())
        }
    }
}

/// The programs, built if they are missing.
pub(crate) fn build() -> Result<Binaries> {
    let (binaries, report) = Binaries::build(|line| eprintln!("{line}"))?;
    if let BuildReport::Built(time) = report {
        eprintln!("built in {} s", time.as_secs());
    }
    Ok(binaries)
}

fn open(cluster: &Name) -> Result<Cluster> {
    let name = &cluster.name;
    let cluster = Cluster::open(name)?;
    cluster.with_context(|| {
        format!("there is no cluster {name:?}: start it with `cargo xtask control-plane up`")
    })
}

fn report(cluster: &Cluster) {
    for (program, health) in cluster.status() {
        let health = match health {
            Health::Running(pid) => format!("running, pid {pid}"),
            Health::Dead => "dead".to_owned(),
            Health::Absent => "not started".to_owned(),
        };
        println!(
            "{:<24} {health:<20} {}",
            program.name(),
            cluster.log(program).display()
        );
    }
    println!("{:<24} {}", "server", cluster.server());
    println!(
        "{:<24} {}",
        "kubeconfig",
        cluster.kubeconfig(Identity::Admin).display()
    );
    println!(
        "{:<24} {}",
        "kubeconfig (karpenter)",
        cluster.kubeconfig(Identity::Karpenter).display()
    );
    println!(
        "{:<24} {}",
        "ready",
        if cluster.is_running() { "yes" } else { "no" }
    );
}

fn environment(cluster: &Cluster) -> String {
    let kubeconfig = cluster.kubeconfig(Identity::Admin);
    let kubectl = cluster.binaries().path(Program::Kubectl);
    let folder = kubectl.parent().unwrap_or(Path::new(""));
    let mut lines = vec![
        format!("export KUBECONFIG={}\n", quote(&kubeconfig)),
        format!("export PATH={}:\"$PATH\"\n", quote(folder)),
    ];
    let assets = cluster.binaries().folder();
    lines.extend(assets.map(|assets| format!("export KUBEBUILDER_ASSETS={}\n", quote(assets))));
    lines.concat()
}

/// A path as one word of a POSIX shell.
fn quote(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::quote;

    #[test]
    fn paths_are_one_word_of_a_shell() {
        assert_eq!(quote(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
