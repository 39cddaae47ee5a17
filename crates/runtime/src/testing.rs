//! A scripted API server for the tests of this crate: a function from requests to replies.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::client::Client;

/// What the server saw.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) content_type: String,
    pub(crate) body: Value,
}

/// What the server answers.
pub(crate) enum Reply {
    /// A status and a JSON body.
    Json(u16, Value),
    /// A failure as the API server words it, and `Retry-After`.
    Status(u16, &'static str, Option<u32>),
    /// A watch: pieces of the body until the sender is dropped.
    Stream(mpsc::UnboundedReceiver<Bytes>),
    /// The connection breaks.
    Broken,
    /// No answer, ever.
    Silence,
}

/// Everything that was asked, in order.
pub(crate) type Log = Arc<Mutex<Vec<Seen>>>;

/// A client whose calls `answer` answers, and the log of what it was asked.
pub(crate) fn client(answer: impl FnMut(&Seen) -> Reply + Send + 'static) -> (Client, Log) {
    let log = Log::default();
    let (answer, seen) = (Arc::new(Mutex::new(answer)), log.clone());
    let service = tower::service_fn(move |request: Request<Body>| {
        let (answer, seen) = (answer.clone(), seen.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let header = parts
                .headers
                .get("content-type")
                .map(|value| value.to_str().expect("ascii"));
            let request = Seen {
                method: parts.method.to_string(),
                uri: parts.uri.to_string(),
                content_type: header.unwrap_or_default().to_owned(),
                body: serde_json::from_slice(&body).unwrap_or(Value::Null),
            };
            let reply = (answer.lock().expect("answering"))(&request);
            seen.lock().expect("logging").push(request);
            respond(reply).await
        }
    });
    (Client::from_service(service), log)
}

type AnyBody = UnsyncBoxBody<Bytes, tower::BoxError>;

async fn respond(reply: Reply) -> Result<Response<AnyBody>, tower::BoxError> {
    let (code, value, retry) = match reply {
        Reply::Json(code, value) => (code, value, None),
        Reply::Status(code, reason, retry) => (
            code,
            json!({"kind": "Status", "code": code, "reason": reason}),
            retry,
        ),
        Reply::Broken => return Err("connection reset".into()),
        Reply::Silence => std::future::pending().await,
        Reply::Stream(pieces) => {
            let frames = futures::stream::unfold(pieces, |mut pieces| async move {
                let piece: Bytes = pieces.recv().await?;
                Some((Ok::<_, tower::BoxError>(Frame::data(piece)), pieces))
            });
            return Ok(Response::new(StreamBody::new(frames).boxed_unsync()));
        }
    };
    let mut response = Response::builder().status(code);
    if let Some(seconds) = retry {
        response = response.header("retry-after", seconds.to_string());
    }
    let body = Full::new(Bytes::from(value.to_string())).map_err(Into::into);
    Ok(response.body(body.boxed_unsync())?)
}
