use std::ffi::OsString;
use std::path::Path;

use super::remove_orphan;
use super::state::{Choices, Processes, write_processes};
use crate::process::{self, Record};
use crate::program::Program;

/// A process that stays until it is killed: it reads a pipe that nobody writes.
fn endless(dir: &Path) -> (std::process::Child, Record) {
    let script = ["-c", "mkfifo $0; read line < $0"].map(OsString::from);
    let arguments = [&script[..], &[dir.join("pipe").into()]].concat();
    process::spawn(Path::new("/bin/sh"), &arguments, &dir.join("log")).unwrap()
}

#[test]
fn what_a_killed_test_left_is_stopped_and_removed_and_the_rest_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let own = Record::own().unwrap();
    let dead = Record {
        started: own.started + 1,
        ..own
    };
    for (name, owner, removed) in [
        ("owned", Some(own), false),
        ("kept", None, false),
        ("orphan", Some(dead), true),
    ] {
        let dir = root.path().join(name);
        std::fs::create_dir(&dir).unwrap();
        Choices::new(false, owner).unwrap().write(&dir).unwrap();
        let (mut child, record) = endless(root.path());
        write_processes(&dir, &Processes::from([(Program::Etcd, record)])).unwrap();
        remove_orphan(&dir).unwrap();
        assert_eq!(dir.exists(), !removed, "{name}");
        assert_eq!(record.is_alive(), !removed, "{name}");
        record.kill();
        child.wait().unwrap();
    }
}

#[test]
fn a_folder_in_the_making_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    remove_orphan(dir.path()).unwrap();
    assert!(dir.path().exists());
}
