//! A client for the few requests that starting and emptying a cluster needs.
//!
//! HTTP/1.0, one connection per request: the answer ends where the connection does. TLS is always
//! verified. What is *not* here: watches, retries, typed objects.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, IpAddr, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// How long one request may take to connect, and between two reads.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server on loopback.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    port: u16,
    tls: Option<Arc<ClientConfig>>,
    token: Option<String>,
}

/// What a server said.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    /// The status code.
    pub(crate) status: u16,
    /// The content.
    pub(crate) body: Vec<u8>,
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    /// `GET`, `PATCH`, `DELETE`.
    pub(crate) method: &'a str,
    /// Path and query.
    pub(crate) path: &'a str,
    /// Media type and content, if there is any.
    pub(crate) content: Option<(&'a str, &'a str)>,
}

impl Endpoint {
    /// A server without TLS.
    pub(crate) fn plain(port: u16) -> Endpoint {
        Endpoint {
            port,
            tls: None,
            token: None,
        }
    }

    /// A server whose certificate is signed by the last one of this file.
    pub(crate) fn secure(port: u16, certificates: &Path) -> Result<Endpoint> {
        let pem = std::fs::read_to_string(certificates)
            .with_context(|| format!("reading {}", certificates.display()))?;
        let ca = last_certificate(&pem).context("no certificate of a CA in the file")?;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes())?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Endpoint {
            port,
            tls: Some(Arc::new(config)),
            token: None,
        })
    }

    /// The same server, with a bearer token.
    pub(crate) fn with_token(self, token: &str) -> Endpoint {
        Endpoint {
            token: Some(token.to_owned()),
            ..self
        }
    }

    /// A `GET`.
    pub(crate) fn get(&self, path: &str) -> Result<Response> {
        self.send(Request {
            method: "GET",
            path,
            content: None,
        })
    }

    /// Whether a `GET` is answered with 200; not, if nobody listens.
    pub(crate) fn is_ok(&self, path: &str) -> bool {
        self.get(path).is_ok_and(|response| response.status == 200)
    }

    /// Sends one request.
    pub(crate) fn send(&self, request: Request<'_>) -> Result<Response> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let head = self.head(request);
        let answer = match &self.tls {
            None => exchange(stream, &head)?,
            Some(config) => {
                let name = ServerName::IpAddress(IpAddr::from(std::net::IpAddr::from(
                    Ipv4Addr::LOCALHOST,
                )));
                let connection = ClientConnection::new(Arc::clone(config), name)?;
                exchange(StreamOwned::new(connection, stream), &head)?
            }
        };
        parse(&answer).with_context(|| format!("{} {}", request.method, request.path))
    }

    fn head(&self, request: Request<'_>) -> String {
        let authorization = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let (kind, body) = request.content.unwrap_or_default();
        let length = (!body.is_empty()).then(|| body.len().to_string());
        let kind = length.as_ref().map(|_| kind.to_owned());
        let optional = [
            ("Authorization", authorization),
            ("Content-Type", kind),
            ("Content-Length", length),
        ];
        let mut text = format!("{} {} HTTP/1.0\r\n", request.method, request.path);
        text.push_str("Host: 127.0.0.1\r\nAccept: application/json\r\n");
        for (name, value) in optional {
            if let Some(value) = value {
                text.extend([name, ": ", &value, "\r\n"]);
            }
        }
        text.extend(["\r\n", body]);
        text
    }
}

/// The last PEM block of a file that holds at least two: the certificate, then the CA that signed
/// it.
pub(crate) fn last_certificate(pem: &str) -> Option<&str> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let complete = pem.matches(END).count();
    if complete < 2 || pem.matches(BEGIN).count() != complete {
        return None;
    }
    pem.rfind(BEGIN).map(|at| &pem[at..])
}

fn exchange(mut stream: impl Read + Write, request: &str) -> io::Result<Vec<u8>> {
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

fn parse(answer: &[u8]) -> Result<Response> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.context("the answer has no end of its header")?;
    let head = std::str::from_utf8(&answer[..end])?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = answer[end + 4..].to_vec();
    let length = head.lines().filter_map(|line| line.split_once(": "));
    let mut length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    if let Some((_, length)) = length.next() {
        ensure!(length.parse() == Ok(body.len()), "the answer is cut off");
    }
    Ok(Response {
        status: status.context("the answer has no status")?,
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::{last_certificate, parse};

    #[test]
    fn an_answer_is_its_status_and_content() {
        let response = parse(b"HTTP/1.0 404 Not Found\r\nContent-Length: 2\r\n\r\nno").unwrap();
        assert_eq!(
            (response.status, response.body.as_slice()),
            (404, b"no".as_slice())
        );
    }

    #[test]
    fn an_answer_that_is_cut_off_is_an_error() {
        assert!(parse(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nno").is_err());
        assert!(parse(b"HTTP/1.0 200 OK\r\n").is_err());
    }

    #[test]
    fn the_ca_is_the_last_certificate_of_a_file_that_is_written_to_its_end() {
        let one = "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n";
        let two = one.replace("YQ", "Yg");
        assert_eq!(last_certificate(one), None);
        assert_eq!(last_certificate(&format!("{one}{}", &two[..40])), None);
        assert_eq!(last_certificate(&format!("{one}{two}")), Some(two.as_str()));
    }
}
