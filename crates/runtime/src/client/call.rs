//! Performing one call: rate limit, time limit, repetition, and the reading of failures.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::Value;
use tokio::time::Instant;

use super::{ApiError, Client, Kind, Status};
use crate::metrics::names;

/// Attempts of one call, the first included.
const ATTEMPTS: u32 = 5;
/// Wait before the second attempt; doubles for each further one.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Longest wait that a server may impose on a call; what asks for more is the caller's decision.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What is asked, as the metrics and the rules for repetition see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    List,
    Create,
    Update,
    Patch,
    Delete,
    /// A POST to a subresource: never repeated, since its refusal carries meaning (eviction).
    Subresource,
}

impl Verb {
    fn method(self) -> Method {
        match self {
            Self::Get | Self::List => Method::GET,
            Self::Create | Self::Subresource => Method::POST,
            Self::Update => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::List => "LIST",
            Self::Create | Self::Subresource => "POST",
            Self::Update => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether a failed attempt may be repeated. Only reads are repeated when it is unknown whether
    /// the server acted; writes only when it surely did not.
    fn repeats(self, error: &ApiError) -> bool {
        match error {
            ApiError::TooManyRequests(_) => self != Self::Subresource,
            ApiError::Server(status) if status.code == 503 && status.retry_after().is_some() => {
                self != Self::Subresource
            }
            ApiError::Server(_) | ApiError::Timeout(_) | ApiError::Transport(_) => {
                matches!(self, Self::Get | Self::List)
            }
            _ => false,
        }
    }
}

/// One request, kept as a value so that it can be sent again.
#[derive(Clone, Debug)]
pub(super) struct Call {
    verb: Verb,
    kind: Kind,
    path: String,
    content_type: &'static str,
    body: Bytes,
}

impl Call {
    /// A call without a body.
    pub(super) fn new(verb: Verb, kind: Kind, path: String) -> Self {
        Self {
            verb,
            kind,
            path,
            content_type: "application/json",
            body: Bytes::new(),
        }
    }

    /// Sends `body` as JSON.
    pub(super) fn json(self, body: Value) -> Self {
        Self {
            body: body.to_string().into(),
            ..self
        }
    }

    /// Sends `body` as a merge patch.
    pub(super) fn merge_patch(self, body: Value) -> Self {
        Self {
            content_type: "application/merge-patch+json",
            ..self.json(body)
        }
    }

    /// Path and query.
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

/// The body of a running watch.
pub(crate) struct ByteStream(Body);

impl ByteStream {
    /// The next piece of the body; `None` at its end.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, ApiError>> {
        loop {
            return match self.0.frame().await? {
                Ok(frame) => match frame.into_data() {
                    Ok(data) => Some(Ok(data)),
                    Err(_trailers) => continue,
                },
                Err(cause) => Some(Err(ApiError::Transport(cause.to_string()))),
            };
        }
    }
}

impl Client {
    /// Performs `call`, repeating it where that is safe.
    pub(super) async fn call(&self, call: Call) -> Result<Bytes, ApiError> {
        let mut wait = FIRST_WAIT;
        for _ in 1..ATTEMPTS {
            let error = match self.attempt(&call).await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            let asked = error
                .status()
                .and_then(Status::retry_after)
                .unwrap_or(Duration::ZERO);
            if !call.verb.repeats(&error) || asked > LONGEST_WAIT {
                return Err(error);
            }
            tracing::debug!(path = call.path, %error, "repeating a call to the API server");
            tokio::time::sleep(wait.max(asked)).await;
            wait *= 2;
        }
        self.attempt(&call).await
    }

    async fn attempt(&self, call: &Call) -> Result<Bytes, ApiError> {
        self.limiter.acquire().await;
        let started = Instant::now();
        let result = match tokio::time::timeout(self.timeout, self.exchange(call)).await {
            Ok(result) => result,
            Err(_elapsed) => Err(ApiError::Timeout(self.timeout)),
        };
        self.measure(call, started.elapsed(), &result);
        result
    }

    async fn exchange(&self, call: &Call) -> Result<Bytes, ApiError> {
        let mut request = http::Request::builder()
            .method(call.verb.method())
            .uri(&call.path)
            .header(header::ACCEPT, "application/json");
        if !call.body.is_empty() {
            request = request.header(header::CONTENT_TYPE, call.content_type);
        }
        let request = request
            .body(Body::from(call.body.clone()))
            .map_err(|cause| ApiError::Request(cause.to_string()))?;
        let response = self.http.send(request).await.map_err(transport)?;
        read(response).await
    }

    /// Opens a watch and hands out its body as it comes. Its end is the server's or the caller's
    /// business.
    pub(crate) async fn open_watch(&self, path: String) -> Result<ByteStream, ApiError> {
        self.limiter.acquire().await;
        let request = http::Request::builder()
            .uri(&path)
            .header(header::ACCEPT, "application/json")
            // Some servers compress each event on its own, which the connection's decoder can't
            // read.
            .header(header::ACCEPT_ENCODING, "identity")
            .body(Body::empty())
            .map_err(|cause| ApiError::Request(cause.to_string()))?;
        let response = tokio::time::timeout(self.timeout, self.http.send(request))
            .await
            .map_err(|_elapsed| ApiError::Timeout(self.timeout))?
            .map_err(transport)?;
        if response.status().is_success() {
            return Ok(ByteStream(response.into_body()));
        }
        match read(response).await {
            Err(error) => Err(error),
            Ok(_) => Err(ApiError::Decode {
                path,
                cause: "neither success nor failure".into(),
            }),
        }
    }

    /// Reads one page of a list as it came, for decoders of their own.
    pub(crate) async fn page(&self, kind: Kind, path: String) -> Result<Bytes, ApiError> {
        self.call(Call::new(Verb::List, kind, path)).await
    }

    fn measure(&self, call: &Call, took: Duration, result: &Result<Bytes, ApiError>) {
        let Some(metrics) = &self.metrics else { return };
        let code = match result {
            Ok(_) => "200".to_owned(),
            Err(error) if error.code() == 0 => "<error>".to_owned(),
            Err(error) => error.code().to_string(),
        };
        metrics.add(
            &names::CLIENT_REQUESTS,
            &[&code, call.verb.method().as_str()],
            1.0,
        );
        let subresource = call.path.rsplit('/').next().unwrap_or_default();
        let subresource = match subresource {
            "status" | "eviction" | "binding" | "scale" => subresource,
            _ => "",
        };
        let Kind {
            group,
            version,
            kind,
            ..
        } = call.kind;
        let labels = [call.verb.name(), group, version, kind, subresource];
        metrics.observe(&names::CLIENT_REQUEST_SECONDS, &labels, took.as_secs_f64());
    }
}

/// The body of a successful answer, or the failure that the answer describes.
async fn read(response: Response<Body>) -> Result<Bytes, ApiError> {
    let code = response.status();
    let retry_after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(|cause| ApiError::Transport(cause.to_string()))?
        .to_bytes();
    if code.is_success() || code == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(body);
    }
    Err(ApiError::from_status(Status::parse(
        code.as_u16(),
        &body,
        retry_after,
    )))
}

/// What went wrong below HTTP, with its causes: the outer text alone says nothing.
fn transport(error: kube::Error) -> ApiError {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    ApiError::Transport(text)
}
