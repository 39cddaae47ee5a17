//! The arrows between crates: who may use whom, and what is kept out of the pure ones.
//!
//! Dependencies of tests are free, but for cycles, which cargo refuses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::Problem;

/// Each crate, with those of ours that it may use. Bottom-up.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("manifests", &[]),
    ("expressions", &[]),
    ("apiserver", &["expressions"]),
    ("control-plane", &[]),
    ("moto", &[]),
    ("view", &["model"]),
    ("api", &["model"]),
    ("requirements", &["api", "model"]),
    ("catalog", &["api", "model", "requirements"]),
    (
        "aws",
        &["api", "catalog", "expressions", "model", "requirements"],
    ),
    ("install", &["api", "aws"]),
    ("cluster", &["api", "catalog", "model", "requirements"]),
    (
        "devices",
        &["catalog", "cluster", "expressions", "model", "requirements"],
    ),
    (
        "scheduling",
        &[
            "api",
            "catalog",
            "cluster",
            "devices",
            "model",
            "requirements",
        ],
    ),
    (
        "lifecycle",
        &["api", "catalog", "cluster", "model", "requirements"],
    ),
    (
        "disruption",
        &[
            "api",
            "catalog",
            "cluster",
            "model",
            "requirements",
            "scheduling",
        ],
    ),
    ("testkit", BELOW),
    ("runtime", &["api", "model"]),
    (
        "controllers",
        &[
            "api",
            "catalog",
            "cluster",
            "disruption",
            "lifecycle",
            "model",
            "requirements",
            "runtime",
            "scheduling",
        ],
    ),
    ("provider-kwok", PROVIDER),
    (
        "provider-aws",
        &[
            "api",
            "aws",
            "catalog",
            "cluster",
            "controllers",
            "model",
            "requirements",
            "runtime",
        ],
    ),
    (
        "sim",
        &[
            "api",
            "apiserver",
            "catalog",
            "cluster",
            "controllers",
            "disruption",
            "lifecycle",
            "model",
            "requirements",
            "runtime",
            "scheduling",
        ],
    ),
    (
        "karp",
        &[
            "api",
            "apiserver",
            "catalog",
            "cluster",
            "controllers",
            "disruption",
            "lifecycle",
            "manifests",
            "model",
            "requirements",
            "runtime",
            "scheduling",
            "sim",
            "view",
        ],
    ),
    (
        "karpenter",
        &[
            "api",
            "aws",
            "catalog",
            "cluster",
            "controllers",
            "model",
            "provider-aws",
            "provider-kwok",
            "runtime",
        ],
    ),
    (
        "xtask",
        &[
            "aws",
            "catalog",
            "control-plane",
            "install",
            "model",
            "moto",
        ],
    ),
];

/// What a cloud may use.
const PROVIDER: &[&str] = &[
    "api",
    "catalog",
    "cluster",
    "controllers",
    "model",
    "requirements",
    "runtime",
];

/// The crates below the I/O line.
const BELOW: &[&str] = &[
    "model",
    "expressions",
    "api",
    "requirements",
    "catalog",
    "aws",
    "cluster",
    "devices",
    "scheduling",
    "disruption",
    "lifecycle",
];

/// What no crate below the line may reach. A name that ends in `-` stands for all that begin so.
const IO: &[&str] = &[
    "tokio",
    "tokio-",
    "kube",
    "kube-client",
    "kube-core",
    "kube-runtime",
    "hyper",
    "hyper-",
    "k8s-openapi",
    "aws-",
    "reqwest",
    "rustls",
    "rand",
];

/// The AWS SDK, which would dominate every build: only its provider and the controller have it.
const AWS: &[&str] = &["aws-"];

/// What `cargo metadata` says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    resolve: Resolve,
    workspace_root: String,
}

#[derive(Debug, Default, Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Default, Deserialize)]
struct Dependency {
    name: String,
    /// None for a normal dependency.
    kind: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Default, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Debug, Default, Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Debug, Default, Deserialize)]
struct Kind {
    kind: Option<String>,
}

/// Asks cargo, for the platform that releases are built for.
pub(super) fn metadata(root: &Path) -> Result<Metadata> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "metadata",
            "--format-version=1",
            "--filter-platform=x86_64-unknown-linux-gnu",
        ])
        .current_dir(root)
        .output()
        .context("running cargo metadata")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo metadata failed: {said}");
    serde_json::from_slice(&output.stdout).context("decoding what cargo metadata says")
}

/// The rules.
pub(super) fn check(metadata: &Metadata) -> Vec<Problem> {
    let graph = Graph::new(metadata);
    let mut problems = Vec::new();
    let members = metadata.packages.iter();
    for package in members.filter(|package| metadata.workspace_members.contains(&package.id)) {
        let file = package.manifest_path.strip_prefix(&metadata.workspace_root);
        let file = file
            .unwrap_or(&package.manifest_path)
            .trim_start_matches('/');
        let problem = |rule, advice| Problem {
            file: file.to_owned(),
            line: 1,
            rule,
            advice,
        };
        let wrong = direct(metadata, package);
        problems.extend(wrong.into_iter().map(|advice| problem("arrows", advice)));
        let name = package.name.as_str();
        let forbidden: &[&str] = match name {
            "provider-aws" | "karpenter" => &[],
            _ if BELOW.contains(&name) => IO,
            _ => AWS,
        };
        for path in graph.reaches(&package.id, forbidden) {
            let advice = format!("must not depend on it: {}", path.join(" -> "));
            problems.push(problem("io-line", advice));
        }
    }
    problems
}

/// Arrows to crates of ours that the table does not have.
fn direct(metadata: &Metadata, package: &Package) -> Vec<String> {
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == package.name) else {
        return vec!["give the crate a line in xtask/src/tidy/arrows.rs".to_owned()];
    };
    let is_ours = |name: &str| {
        let mut packages = metadata.packages.iter();
        packages.any(|p| p.name == name && metadata.workspace_members.contains(&p.id))
    };
    let normal = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind.is_none());
    normal
        .map(|dependency| dependency.name.as_str())
        .filter(|name| is_ours(name) && !allowed.contains(name))
        .map(|name| format!("may not use {name}: move what it needs, or argue for a new arrow"))
        .collect()
}

/// The dependencies that end up in a program.
struct Graph<'a> {
    names: BTreeMap<&'a str, &'a str>,
    edges: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Graph<'a> {
    fn new(metadata: &'a Metadata) -> Graph<'a> {
        let names = metadata
            .packages
            .iter()
            .map(|p| (p.id.as_str(), p.name.as_str()))
            .collect();
        let normal = |edge: &&Edge| edge.dep_kinds.iter().any(|kind| kind.kind.is_none());
        let edges = metadata.resolve.nodes.iter().map(|node| {
            let targets = node
                .deps
                .iter()
                .filter(normal)
                .map(|edge| edge.pkg.as_str())
                .collect();
            (node.id.as_str(), targets)
        });
        Graph {
            names,
            edges: edges.collect(),
        }
    }

    /// A shortest path, as names, to each forbidden package that is reached first on its way.
    fn reaches(&self, start: &'a str, forbidden: &[&str]) -> Vec<Vec<&'a str>> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::from([start]);
        let mut paths = vec![vec![start]];
        while !paths.is_empty() {
            let mut longer = Vec::new();
            for path in paths {
                let last = path.last().copied().unwrap_or(start);
                for &target in self.edges.get(last).into_iter().flatten() {
                    if !seen.insert(target) {
                        continue;
                    }
                    let longer_path = [path.as_slice(), &[target]].concat();
                    if is_forbidden(self.name(target), forbidden) {
                        found.push(longer_path.iter().map(|id| self.name(id)).collect());
                    } else {
                        longer.push(longer_path);
                    }
                }
            }
            paths = longer;
        }
        found
    }

    fn name(&self, id: &'a str) -> &'a str {
        self.names.get(id).copied().unwrap_or(id)
    }
}

fn is_forbidden(name: &str, forbidden: &[&str]) -> bool {
    forbidden
        .iter()
        .any(|pattern| name == *pattern || (pattern.ends_with('-') && name.starts_with(pattern)))
}

#[cfg(test)]
mod tests;
