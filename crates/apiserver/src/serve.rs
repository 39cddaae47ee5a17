//! The server on a TCP port: plain HTTP/1.1, no TLS, no authentication. For use on loopback.

use std::io;

use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::TcpListener;

use crate::Server;

impl Server {
    /// Answers requests on `listener` until the future is dropped or accepting fails.
    pub async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        loop {
            let (stream, peer) = listener.accept().await?;
            let service = TowerToHyperService::new(self.client_service());
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                // A client that goes away in the middle is no error of the server.
                if let Err(error) = connection.await {
                    tracing::debug!(%peer, %error, "connection ended");
                }
            });
        }
    }
}
