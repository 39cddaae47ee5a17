//! The connection to the API server, on which faults can be put.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use apiserver::{Body, HttpService};
use http::{Request, Response};
use tower::{BoxError, Service, ServiceExt};

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server acts, but its answer is lost.
    LostAnswer,
    /// The request never arrives.
    LostRequest,
    /// The server acts, and then whoever asked is no more: neither this answer nor any other comes.
    Hang,
}

/// Requests that were made, and faults for those to come.
#[derive(Clone)]
pub struct Wire {
    service: HttpService,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    reads: Vec<String>,
    writes: Vec<String>,
    /// Faults by number of the write.
    planned: Vec<(usize, Fault)>,
    /// Faults for the next request of this method and path.
    aimed: Vec<(&'static str, &'static str, Fault)>,
    /// Paths whose watches never say anything.
    blind: Vec<&'static str>,
    /// How long requests of this method and path are on their way.
    slow: Vec<(&'static str, &'static str, Duration)>,
    hung: bool,
}

impl Wire {
    pub fn new(service: HttpService) -> Self {
        Self {
            service,
            state: Arc::default(),
        }
    }

    /// Lets the write with this number (from 0) fail.
    pub fn plan(&self, number: usize, fault: Fault) {
        self.state
            .lock()
            .expect("the wire")
            .planned
            .push((number, fault));
    }

    /// Lets the next request with this method whose path contains this text fail. Once for each
    /// call.
    pub fn aim(&self, method: &'static str, path: &'static str, fault: Fault) {
        self.state
            .lock()
            .expect("the wire")
            .aimed
            .push((method, path, fault));
    }

    /// Watches of a path that contains this text never say anything, if they begin from now on.
    pub fn blind(&self, path: &'static str) {
        self.state.lock().expect("the wire").blind.push(path);
    }

    fn is_blind(&self, uri: &http::Uri) -> bool {
        let state = self.state.lock().expect("the wire");
        let watches = uri
            .query()
            .is_some_and(|query| query.contains("watch=true"));
        watches && state.blind.iter().any(|path| uri.path().contains(path))
    }

    /// Lets requests with this method whose path contains this text take so long from now on.
    pub fn slow(&self, method: &'static str, path: &'static str, delay: Duration) {
        let mut state = self.state.lock().expect("the wire");
        state.slow.push((method, path, delay));
    }

    fn delay(&self, method: &str, path: &str) -> Option<Duration> {
        let state = self.state.lock().expect("the wire");
        let slow = state.slow.iter();
        slow.filter(|(m, p, _)| *m == method && path.contains(p))
            .map(|(_, _, delay)| *delay)
            .next_back()
    }

    /// All writes so far, events left out.
    pub fn writes(&self) -> Vec<String> {
        self.state.lock().expect("the wire").writes.clone()
    }

    /// How many reads there were so far with this text in their path.
    pub fn reads(&self, path: &str) -> usize {
        let state = self.state.lock().expect("the wire");
        state
            .reads
            .iter()
            .filter(|read| read.contains(path))
            .count()
    }

    /// Whether a write has hung since the last call.
    pub fn take_hung(&self) -> bool {
        std::mem::take(&mut self.state.lock().expect("the wire").hung)
    }

    fn fault(&self, method: &str, path: &str) -> Option<Fault> {
        if path.contains("/events") {
            return None;
        }
        let mut state = self.state.lock().expect("the wire");
        let number = state.writes.len();
        let is_read = method == "GET";
        if is_read {
            state.reads.push(path.to_owned());
        } else {
            state.writes.push(format!("{method} {path}"));
        }
        if let Some(at) = state
            .aimed
            .iter()
            .position(|(m, p, _)| *m == method && path.contains(p))
        {
            return Some(state.aimed.remove(at).2);
        }
        if is_read {
            return None;
        }
        let at = state
            .planned
            .iter()
            .position(|(planned, _)| *planned == number)?;
        Some(state.planned.remove(at).1)
    }

    /// The service for a client.
    pub fn service(
        &self,
    ) -> impl Service<
        Request<kube::client::Body>,
        Response = Response<Body>,
        Error = BoxError,
        Future: Send + 'static,
    > + Send
    + 'static {
        let wire = self.clone();
        tower::service_fn(move |request: Request<kube::client::Body>| {
            let wire = wire.clone();
            async move {
                if wire.state.lock().expect("the wire").hung || wire.is_blind(request.uri()) {
                    std::future::pending::<()>().await;
                }
                let fault = wire.fault(request.method().as_str(), request.uri().path());
                if fault == Some(Fault::LostRequest) {
                    return Err("the connection broke".into());
                }
                let delay = wire.delay(request.method().as_str(), request.uri().path());
                if let Some(delay) = delay {
                    tokio::time::sleep(delay).await; // virtual time
                }
                let answer = wire.service.clone().oneshot(request).await;
                match fault {
                    Some(Fault::LostAnswer) => Err("the connection broke".into()),
                    Some(Fault::Hang) => {
                        wire.state.lock().expect("the wire").hung = true;
                        std::future::pending().await
                    }
                    _ => answer.map_err(Into::into),
                }
            }
        })
    }
}
