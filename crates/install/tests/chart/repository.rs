//! The charts from a repository of charts, as the README says.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use crate::helm::{Helm, NAMED, container, parse};

/// Answers with the files of a folder, for as long as the test runs.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // A client that goes away is its own business.
            let _ = answer(&stream, &folder);
        }
    });
    format!("http://{address}")
}

fn answer(mut stream: &TcpStream, folder: &Path) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let path = request
        .split(' ')
        .nth(1)
        .unwrap_or("/")
        .trim_start_matches('/');
    match fs::read(folder.join(path)) {
        Ok(body) => {
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            )?;
            stream.write_all(&body)
        }
        Err(_) => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    }
}

#[test]
fn the_charts_are_packed_indexed_added_and_installed_by_version() {
    let helm = Helm::new();
    let folder = helm.home.path().join("charts");
    let packed = folder.to_str().expect("text");
    let url = serve(folder.clone());
    let version = env!("CARGO_PKG_VERSION");
    helm.run(&[
        "package",
        "charts/karpenter",
        "charts/karpenter-crd",
        "-d",
        packed,
    ])
    .expect("packs");
    helm.run(&["repo", "index", packed, "--url", &url])
        .expect("indexes");
    helm.run(&["repo", "add", "mine", &url]).expect("adds");
    helm.run(&["repo", "update"]).expect("updates");
    let rendered = |chart: &str, sets: &[&str]| {
        let chart = ["template", "karpenter", chart, "--version", version];
        parse(&helm.run(&[&chart, sets].concat()).expect("renders"))
    };
    let objects = rendered("mine/karpenter", &NAMED);
    assert_eq!(container(&objects)["name"], "controller");
    let definitions = rendered("mine/karpenter-crd", &[]);
    assert_eq!(definitions.len(), api::crd::all().len());
}
