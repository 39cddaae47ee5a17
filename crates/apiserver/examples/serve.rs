//! The embedded API server on a port, for use by hand: `kubectl --server http://127.0.0.1:8001 get nodes`.

use std::sync::Arc;

use apiserver::{Config, GarbageCollection, Server};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a sandbox runs by the wall clock"
    )]
    let clock = || jiff::Timestamp::try_from(std::time::SystemTime::now()).unwrap_or_default();
    let config = Config {
        garbage_collection: GarbageCollection::Immediate,
        ..Config::new(Arc::new(clock), 1)
    };
    let port = std::env::args().nth(1).unwrap_or_else(|| "8001".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("serving on http://{}", listener.local_addr()?);
    Server::new(config).serve(listener).await
}
