//! Makes the EC2 tables that `catalog` carries, from their sources.
//!
//! Sources: what DescribeInstanceTypes and DescribeInstanceTypeOfferings answered, as the pinned
//! moto package has it; and `crates/catalog/data/sources/ec2-figures.csv` for prices, branch
//! interfaces and bandwidth. `crates/catalog/data/sources/README.md` has the provenance.
//!
//! What is *not* here: how a type's capacity follows from these facts (`catalog::ec2`).

mod figures;
mod machine;
mod offerings;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use serde::de::DeserializeOwned;

/// The package, with the hash of its wheel, as a line of a requirements file.
const PACKAGE: &str =
    "moto==5.2.5 --hash=sha256:eef62cdcf3bfe73e0863743511ba042dfaba04ba3d5ecdcb896a196c693ad528";
/// Where the tables go.
const DATA: &str = "crates/catalog/data";

/// What to do with the tables.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Ec2Table {
    /// Compare the tables with those in the repository instead of writing them.
    #[arg(long)]
    check: bool,
    /// A wheel of the pinned moto package, instead of asking pip for it.
    #[arg(long)]
    wheel: Option<PathBuf>,
}

/// Makes the tables, below the repository's root.
pub(crate) fn run(root: &Path, options: &Ec2Table) -> Result<()> {
    let scratch = root.join("target/ec2-table");
    fs::create_dir_all(&scratch)?;
    let wheel = match &options.wheel {
        Some(wheel) => wheel.clone(),
        None => download(&scratch)?,
    };
    let resources = unpack(&wheel, &scratch)?;
    let data = root.join(DATA);
    let figures = figures::read(&data.join("sources/ec2-figures.csv"))?;
    let machines = machine::read(&resources.join("instance_types.json.gz"))?;
    let types = machine::table(&machines, &figures);
    let names: Vec<&str> = machines.keys().map(String::as_str).collect();
    let zones = offerings::table(&resources.join("instance_type_offerings"), &names)?;
    for (name, text) in [("ec2-types.tsv", types), ("ec2-zones.tsv", zones)] {
        put(&data.join(name), &text, options)?;
    }
    println!("{} instance types", machines.len());
    Ok(())
}

fn put(path: &Path, text: &str, options: &Ec2Table) -> Result<()> {
    if !options.check {
        return fs::write(path, text).with_context(|| format!("writing {}", path.display()));
    }
    let present =
        fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    ensure!(
        present == text,
        "{} differs from its sources; run `cargo xtask ec2-table`",
        path.display()
    );
    Ok(())
}

fn download(scratch: &Path) -> Result<PathBuf> {
    let wheels = scratch.join("wheels");
    fs::create_dir_all(&wheels)?;
    let wanted = scratch.join("requirements.txt");
    fs::write(&wanted, format!("{PACKAGE}\n"))?;
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
    ]);
    pip.args(["--require-hashes", "--requirement"]).arg(&wanted);
    pip.arg("--dest").arg(&wheels);
    succeed(
        &mut pip,
        "Python 3 with pip is needed to fetch the moto package",
    )?;
    let wheel = fs::read_dir(&wheels)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"));
    wheel.context("pip has left no wheel")
}

/// Unpacks the wheel and returns the folder of its EC2 resources.
fn unpack(wheel: &Path, scratch: &Path) -> Result<PathBuf> {
    let unpacked = scratch.join("unpacked");
    let mut unzip = Command::new("python3");
    unzip
        .args(["-m", "zipfile", "-e"])
        .arg(wheel)
        .arg(&unpacked);
    succeed(&mut unzip, "Python 3 is needed to unpack the moto package")?;
    Ok(unpacked.join("moto/ec2/resources"))
}

fn succeed(command: &mut Command, hint: &str) -> Result<()> {
    let status = command.status().with_context(|| hint.to_owned())?;
    if !status.success() {
        bail!("{command:?} failed with {status}; {hint}");
    }
    Ok(())
}

/// A JSON file under gzip.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let file = fs::File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut text = String::new();
    GzDecoder::new(file)
        .read_to_string(&mut text)
        .with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("decoding {}", path.display()))
}
