//! The server as a tower service over `http` requests and responses.

mod body;
mod form;
mod handler;

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use ::http::{Request, Response};
use http_body_util::BodyExt;

pub use self::body::Body;
pub(crate) use self::form::Form;
use crate::{ApiError, Server};

/// What `kube::Client::new` and hyper take. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpService {
    server: Server,
}

impl HttpService {
    pub(crate) fn new(server: Server) -> Self {
        Self { server }
    }
}

impl<B> tower::Service<Request<B>> for HttpService
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: std::fmt::Display,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = self.server.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let response = match body.collect().await {
                Ok(body) => handler::handle(&server, &parts, &body.to_bytes()),
                Err(error) => {
                    let why = format!("error reading the request body: {error}");
                    handler::error_response(&ApiError::bad_request(why))
                }
            };
            Ok(response)
        })
    }
}
