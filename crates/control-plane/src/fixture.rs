//! A cluster that lives as long as a test.

use std::env;
use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::cluster::{Cluster, Settings, remove_orphan};
use crate::paths;
use crate::process::Record;

/// Set it to keep the folders of tests' clusters, with their logs, after they are stopped.
const KEEP: &str = "CONTROL_PLANE_KEEP";

/// A fresh cluster in a temporary folder. When it is dropped, also by a panic, its servers are
/// killed and its folder removed; with `CONTROL_PLANE_KEEP` set the folder stays. What a test
/// process leaves behind that was itself killed is removed by the next start.
#[derive(Debug)]
pub struct TestCluster {
    /// Only `drop` takes it.
    cluster: Option<Cluster>,
}

impl TestCluster {
    /// Starts a cluster; `name` tells its folder apart for people.
    pub fn start(name: &str) -> Result<TestCluster> {
        TestCluster::start_with(name, Settings::default())
    }

    /// Starts a cluster with settings.
    pub fn start_with(name: &str, settings: Settings) -> Result<TestCluster> {
        remove_orphans()?;
        let owner = Record::own()?;
        let dir = new_folder(name, owner)?;
        let cluster = Cluster::start_owned(&dir, settings, owner)?;
        Ok(TestCluster {
            cluster: Some(cluster),
        })
    }
}

impl Deref for TestCluster {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        // It is there until `drop`, after which nobody can ask.
        self.cluster
            .as_ref()
            .expect("a cluster until it is dropped")
    }
}

impl DerefMut for TestCluster {
    fn deref_mut(&mut self) -> &mut Cluster {
        self.cluster
            .as_mut()
            .expect("a cluster until it is dropped")
    }
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        let Some(cluster) = self.cluster.take() else {
            return;
        };
        let dir = cluster.dir().to_path_buf();
        let keep = env::var_os(KEEP).is_some();
        let result = if keep {
            cluster.stop_and_keep()
        } else {
            cluster.down()
        };
        // A second panic would abort the test run: say it and go on.
        if let Err(error) = result {
            eprintln!("stopping the cluster in {}: {error:#}", dir.display());
        } else if keep {
            eprintln!("the cluster's logs are kept in {}", dir.display());
        }
    }
}

fn new_folder(name: &str, owner: Record) -> Result<PathBuf> {
    paths::check_name(name)?;
    let root = paths::test_clusters()?;
    paths::create_private(&root)?;
    for number in 0..1_000 {
        let dir = root.join(format!("{name}-{}-{number}", owner.pid));
        match fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
    bail!("no free folder for {name} in {}", root.display())
}

/// Another test process may do the same at the same time; what one has removed the other need not.
fn remove_orphans() -> Result<()> {
    let root = paths::test_clusters()?;
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        if let Err(error) = remove_orphan(&entry.path()) {
            eprintln!("removing what a killed test left: {error:#}");
        }
    }
    Ok(())
}
