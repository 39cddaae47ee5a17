//! One request, one connection, to a server on loopback.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// How long an answer may take. Lists of a busy server take seconds.
const PATIENCE: Duration = Duration::from_mins(2);

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a str,
}

/// Sends it; the answer's content if its status is 200 or another good one, else an error with it.
pub(crate) fn send(port: u16, request: Request<'_>) -> Result<String> {
    let what = || format!("{} {}", request.method, request.path);
    let (status, body) = exchange(port, request).with_context(what)?;
    ensure!((200..300).contains(&status), "{}: {status}: {body}", what());
    Ok(body)
}

fn exchange(port: u16, request: Request<'_>) -> Result<(u16, String)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let Request {
        method, path, body, ..
    } = request;
    let mut text = format!("{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n");
    for (name, value) in request.headers {
        write!(text, "{name}: {value}\r\n")?;
    }
    write!(text, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    stream.write_all(text.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("the answer has no end of its header")?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok((status.context("the answer has no status")?, body.to_owned()))
}
