//! `/metrics` on one port, `/healthz` and `/readyz` on another, for kubelet and Prometheus.
//!
//! What is *not* here: TLS and access control (the ports are cluster-internal), and Go's profiles:
//! a Rust program has none, so `/debug/pprof` answers 404, or 501 with the reason when profiling is
//! on.

mod respond;

use std::{net::SocketAddr, sync::Arc};

use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{metrics::Metrics, shutdown::Shutdown};

/// What a check found: `Ok`, or why not.
pub type CheckResult = Result<(), String>;

/// A named condition of health or readiness.
#[derive(Clone)]
pub struct Check {
    name: &'static str,
    run: Arc<dyn Fn() -> CheckResult + Send + Sync>,
}

impl Check {
    /// A check that calls `run` each time somebody asks; it must not block.
    pub fn new(name: &'static str, run: impl Fn() -> CheckResult + Send + Sync + 'static) -> Self {
        Self {
            name,
            run: Arc::new(run),
        }
    }

    /// A check that succeeds as soon as the server answers.
    pub fn ping(name: &'static str) -> Self {
        Self::new(name, || Ok(()))
    }
}

/// What is served.
#[derive(Clone)]
pub struct Endpoints {
    /// The metrics.
    pub metrics: Metrics,
    /// Checks of `/healthz`.
    pub alive: Vec<Check>,
    /// Checks of `/readyz`.
    pub ready: Vec<Check>,
    /// Whether profiles were asked for.
    pub profiling: Profiling,
}

/// Whether `/debug/pprof` explains itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profiling {
    /// 404.
    Off,
    /// 501, with what to use instead.
    Asked,
}

/// Which of the two ports a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Metrics,
    Probes,
}

/// Two listening ports.
#[derive(Debug)]
pub struct Servers {
    metrics: TcpListener,
    probes: TcpListener,
}

/// A port that can't be had.
#[derive(Debug, thiserror::Error)]
#[error("listening on port {port} for {purpose}, {cause}; choose another with {flag}")]
pub struct BindError {
    /// The port.
    pub port: u16,
    /// What it is for.
    pub purpose: &'static str,
    /// The flag that changes it.
    pub flag: &'static str,
    /// What the operating system said.
    #[source]
    pub cause: std::io::Error,
}

impl Servers {
    /// Takes both ports on all addresses; 0 lets the system choose.
    pub async fn bind(metrics_port: u16, probe_port: u16) -> Result<Self, BindError> {
        let metrics = listen(metrics_port, "metrics", "--metrics-port").await?;
        let probes = listen(probe_port, "health probes", "--health-probe-port").await?;
        Ok(Self { metrics, probes })
    }

    /// The ports that were taken: metrics, probes.
    pub fn ports(&self) -> (u16, u16) {
        let port = |listener: &TcpListener| listener.local_addr().map_or(0, |at| at.port());
        (port(&self.metrics), port(&self.probes))
    }

    /// Serves until `stop`; answers that have begun are finished.
    pub async fn serve(self, endpoints: Endpoints, stop: Shutdown) {
        tokio::join!(
            accept(self.metrics, Port::Metrics, endpoints.clone(), stop.clone()),
            accept(self.probes, Port::Probes, endpoints, stop),
        );
    }
}

async fn listen(
    port: u16,
    purpose: &'static str,
    flag: &'static str,
) -> Result<TcpListener, BindError> {
    // Both stacks where there is IPv6, else IPv4 alone.
    let any = SocketAddr::from(([0_u16; 8], port));
    let result = match TcpListener::bind(any).await {
        Ok(listener) => Ok(listener),
        Err(cause) if cause.kind() == std::io::ErrorKind::AddrInUse => Err(cause),
        Err(_no_ipv6) => TcpListener::bind(SocketAddr::from(([0_u8; 4], port))).await,
    };
    result.map_err(|cause| BindError {
        port,
        purpose,
        flag,
        cause,
    })
}

async fn accept(listener: TcpListener, port: Port, endpoints: Endpoints, stop: Shutdown) {
    let endpoints = Arc::new(endpoints);
    let mut connections = JoinSet::new();
    while let Some(accepted) = stop.or_stop(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(serve_one(stream, port, endpoints.clone(), stop.clone()));
            }
            Err(error) => {
                // Out of file descriptors, most likely: let some connections end.
                tracing::warn!(%error, "accepting a connection");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    while connections.join_next().await.is_some() {}
}

async fn serve_one(stream: TcpStream, port: Port, endpoints: Arc<Endpoints>, stop: Shutdown) {
    let service = service_fn(move |request: Request<Incoming>| {
        let endpoints = endpoints.clone();
        async move {
            let (path, query) = (request.uri().path(), request.uri().query());
            Ok::<_, std::convert::Infallible>(respond::respond(
                &endpoints,
                port,
                request.method(),
                path,
                query.unwrap_or_default(),
            ))
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        biased;
        result = &mut connection => return debug_failure(result),
        () = stop.wait() => connection.as_mut().graceful_shutdown(),
    }
    debug_failure(connection.await);
}

fn debug_failure(result: Result<(), hyper::Error>) {
    if let Err(error) = result {
        tracing::debug!(%error, "serving a connection");
    }
}

#[cfg(test)]
mod tests;
