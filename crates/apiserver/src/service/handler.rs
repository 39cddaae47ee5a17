//! From a request to a response: which verb, with which options, in which form.

use std::sync::Arc;

use ::http::{HeaderMap, Method, Response, StatusCode, header, request::Parts};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Body, Form};
use crate::{
    ApiError, Reason, Server, discovery,
    options::{Part, Patch, Selectors},
    request::{self, ObjectPath, Query, Route, route},
    resource::{PODS, ResourceInfo, Scope, StatusSubresource},
    state::State,
    verbs::{Binding, Outcome, Written},
    watch::{Bookmarks, Watch, WatchParams, stream},
};

/// Answers one request.
pub(super) fn handle(server: &Server, parts: &Parts, body: &Bytes) -> Response<Body> {
    let call = Call {
        server,
        method: &parts.method,
        headers: &parts.headers,
        query: Query::parse(parts.uri.query().unwrap_or_default()),
        body,
    };
    let answer = match route(parts.uri.path()) {
        Route::Object(path) => call.object(&path),
        other => discovery::document(&server.lock(), &other, call.header(&header::ACCEPT))
            .map(|(content_type, document)| respond(StatusCode::OK, content_type, document)),
    };
    answer.unwrap_or_else(|error| error_response(&error))
}

/// A `Status` as a response.
pub(super) fn error_response(error: &ApiError) -> Response<Body> {
    let code = StatusCode::from_u16(error.reason.code()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = respond(code, JSON, error.to_status().to_string());
    let seconds = error.details.as_ref().map_or(0, |d| d.retry_after_seconds);
    if seconds > 0 {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

const JSON: &str = "application/json";

fn respond(code: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::full(body));
    *response.status_mut() = code;
    if let Ok(value) = header::HeaderValue::from_str(content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}

struct Call<'a> {
    server: &'a Server,
    method: &'a Method,
    headers: &'a HeaderMap,
    query: Query,
    body: &'a Bytes,
}

impl Call<'_> {
    fn header(&self, name: &header::HeaderName) -> &str {
        self.headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    }

    fn object(&self, path: &ObjectPath) -> Result<Response<Body>, ApiError> {
        let info = self.server.find(path.resource())?;
        let cluster_path = path.namespace.is_none();
        if info.scope == Scope::Cluster && !cluster_path {
            return Err(ApiError::no_such_path());
        }
        if info.is_namespaced() && cluster_path && path.name.is_some() {
            return Err(ApiError::no_such_path());
        }
        match (path.subresource.as_deref(), path.name.is_some()) {
            (None, false) => self.collection(&info, path),
            (None, true) => self.single(&info, path, Part::Main),
            (Some("status"), _) if info.status == StatusSubresource::Present => {
                self.single(&info, path, Part::Status)
            }
            (Some("scale"), _) if info.scale.is_some() => self.scale(&info, path),
            (Some(action), _) if info.is(PODS) => self.pod_action(path, action),
            _ => Err(ApiError::no_such_path()),
        }
    }

    fn collection(
        &self,
        info: &Arc<ResourceInfo>,
        path: &ObjectPath,
    ) -> Result<Response<Body>, ApiError> {
        match *self.method {
            Method::GET if self.query.is_on("watch") => self.watch(info, path),
            Method::GET => self.list(info, path),
            Method::POST => {
                let object = self.parse_body()?;
                let options = self.query.write_options(Part::Main, Some(self.agent()))?;
                let mut state = self.server.lock();
                let written = state.create(info, path.namespace(), object, &options);
                state.settle();
                Ok(self.written(info, &written?, &state))
            }
            Method::DELETE => {
                let options = request::delete_options(&self.delete_body()?, &self.query)?;
                let selectors = self.selectors(info)?;
                let mut state = self.server.lock();
                let namespace = path.namespace.as_deref();
                let items = state.delete_collection(info, namespace, &selectors, &options);
                state.settle();
                let page = crate::verbs::Page {
                    items: items?,
                    resource_version: state.store.version(),
                    next: None,
                    remaining: None,
                };
                Ok(respond(
                    StatusCode::OK,
                    JSON,
                    self.form(info, &state).list(&page),
                ))
            }
            _ => Err(not_allowed()),
        }
    }

    fn list(
        &self,
        info: &Arc<ResourceInfo>,
        path: &ObjectPath,
    ) -> Result<Response<Body>, ApiError> {
        let selectors = self.selectors(info)?;
        let state = self.server.lock();
        let namespace = path.namespace.as_deref();
        // A path to one object that asks to watch becomes a list of one in `single`.
        let limit = self.query.number::<usize>("limit")?.filter(|n| *n > 0);
        let token = self.query.get("continue");
        let page = match (limit, token) {
            (None, None) => crate::verbs::Page {
                items: state.list(info, namespace, &selectors),
                resource_version: state.store.version(),
                next: None,
                remaining: None,
            },
            (limit, token) => state.page(
                info,
                namespace,
                &selectors,
                (limit.unwrap_or(usize::MAX), token),
            )?,
        };
        let form = self.form(info, &state);
        // Objects are shared, so they are turned into text without the lock.
        drop(state);
        Ok(respond(StatusCode::OK, JSON, form.list(&page)))
    }

    fn watch(
        &self,
        info: &Arc<ResourceInfo>,
        path: &ObjectPath,
    ) -> Result<Response<Body>, ApiError> {
        let mut selectors = self.selectors(info)?;
        if let Some(name) = &path.name {
            selectors.fields = crate::FieldSelector::equal("metadata.name", name);
        }
        let from = self
            .query
            .number::<u64>("resourceVersion")?
            .filter(|v| *v > 0);
        let initial = self.query.get("sendInitialEvents").is_some();
        let wants_initial = initial && self.query.is_on("sendInitialEvents");
        if initial && self.query.get("resourceVersionMatch") != Some("NotOlderThan") {
            let detail = "resourceVersionMatch is required when sendInitialEvents is set, and must \
                          be NotOlderThan";
            let field =
                crate::error::FieldError::invalid("resourceVersionMatch", &Value::Null, detail);
            return Err(ApiError::invalid(
                "meta.k8s.io",
                "ListOptions",
                "",
                vec![field],
            ));
        }
        let bookmarks = match (self.query.is_on("allowWatchBookmarks"), wants_initial) {
            (true, true) => Bookmarks::AfterInitial,
            (true, false) => Bookmarks::Periodic,
            (false, _) => Bookmarks::Never,
        };
        let params = WatchParams {
            form: self.form(info, &self.server.lock()),
            bookmarks,
            timeout: self.query.timeout()?,
        };
        let from = from.filter(|_| !wants_initial);
        let namespace = path.namespace.as_deref();
        let watch = Watch::start(
            self.server.clone(),
            info.clone(),
            namespace,
            selectors,
            from,
        );
        let mut response = Response::new(Body::stream(stream(watch, params)));
        let json = header::HeaderValue::from_static(JSON);
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        Ok(response)
    }

    fn single(
        &self,
        info: &Arc<ResourceInfo>,
        path: &ObjectPath,
        part: Part,
    ) -> Result<Response<Body>, ApiError> {
        let (namespace, name) = (path.namespace(), path.name());
        match *self.method {
            Method::GET if self.query.is_on("watch") => self.watch(info, path),
            Method::GET => {
                let state = self.server.lock();
                let stored = state.get(info, namespace, name)?.clone();
                let form = self.form(info, &state);
                drop(state);
                Ok(respond(StatusCode::OK, JSON, form.object(&stored)))
            }
            Method::PUT => {
                let object = self.parse_body()?;
                let options = self.query.write_options(part, Some(self.agent()))?;
                let mut state = self.server.lock();
                let written = state.update(info, namespace, name, object, &options);
                state.settle();
                Ok(self.written(info, &written?, &state))
            }
            Method::PATCH => {
                let change = request::patch_of(self.header(&header::CONTENT_TYPE), self.body)?;
                // An apply must name its manager itself.
                let agent = Some(self.agent()).filter(|_| !matches!(change, Patch::Apply(_)));
                let options = self.query.write_options(part, agent)?;
                let mut state = self.server.lock();
                let written = state.patch(info, namespace, name, &change, &options);
                state.settle();
                Ok(self.written(info, &written?, &state))
            }
            Method::DELETE if part == Part::Main => {
                let options = request::delete_options(&self.delete_body()?, &self.query)?;
                let mut state = self.server.lock();
                let written = state.delete(info, namespace, name, &options);
                state.settle();
                Ok(self.deleted(info, path, &written?, &state))
            }
            _ => Err(not_allowed()),
        }
    }

    fn scale(
        &self,
        info: &Arc<ResourceInfo>,
        path: &ObjectPath,
    ) -> Result<Response<Body>, ApiError> {
        let (namespace, name) = (path.namespace(), path.name());
        let options = self.query.write_options(Part::Main, Some(self.agent()))?;
        let mut state = self.server.lock();
        let scale = match *self.method {
            Method::GET => state.get_scale(info, namespace, name)?,
            Method::PUT => {
                let scale = self.parse_body()?;
                state
                    .update_scale(info, namespace, name, &scale, &options)?
                    .0
            }
            Method::PATCH => {
                let change = request::patch_of(self.header(&header::CONTENT_TYPE), self.body)?;
                state
                    .patch_scale(info, namespace, name, &change, &options)?
                    .0
            }
            _ => return Err(not_allowed()),
        };
        Ok(respond(StatusCode::OK, JSON, scale.to_string()))
    }

    fn pod_action(&self, path: &ObjectPath, action: &str) -> Result<Response<Body>, ApiError> {
        let (namespace, name) = (path.namespace(), path.name());
        if !matches!(action, "binding" | "eviction") {
            return Err(ApiError::no_such_path());
        }
        if *self.method != Method::POST {
            return Err(not_allowed());
        }
        let object = self.parse_body()?;
        let mut state = self.server.lock();
        if action == "binding" {
            state.bind(namespace, name, &Binding::parse(name, &object)?)?;
        } else {
            let empty = json!({});
            let given = object.get("deleteOptions").unwrap_or(&empty);
            let options = request::delete_options(given, &self.query)?;
            state.evict(namespace, name, &options)?;
        }
        state.settle();
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201,
        });
        Ok(respond(StatusCode::CREATED, JSON, status.to_string()))
    }

    fn written(
        &self,
        info: &Arc<ResourceInfo>,
        written: &Written,
        state: &State,
    ) -> Response<Body> {
        let code = match written.outcome {
            Outcome::Created => StatusCode::CREATED,
            _ => StatusCode::OK,
        };
        let mut response = respond(code, JSON, self.form(info, state).object(&written.object));
        for warning in &written.warnings {
            let text = warning.replace('\\', "\\\\").replace('"', "\\\"");
            if let Ok(value) = header::HeaderValue::from_str(&format!("299 - \"{text}\"")) {
                response.headers_mut().append(header::WARNING, value);
            }
        }
        response
    }

    fn deleted(
        &self,
        info: &Arc<ResourceInfo>,
        path: &ObjectPath,
        written: &Written,
        state: &State,
    ) -> Response<Body> {
        // Built-in pods and services answer with the object, others with a status once it is gone.
        if written.outcome == Outcome::Deleting || info.is(PODS) {
            return self.written(info, written, state);
        }
        let mut details = json!({
            "name": path.name(), "kind": info.plural,
            "uid": crate::meta::uid(&written.object.value),
        });
        if !info.group.is_empty() {
            details["group"] = info.group.clone().into();
        }
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": details,
        });
        respond(StatusCode::OK, JSON, status.to_string())
    }

    fn form(&self, info: &Arc<ResourceInfo>, state: &State) -> Form {
        let accept = self.header(&header::ACCEPT);
        Form::negotiate(info, accept, self.query.get("includeObject"), state.now())
    }

    fn selectors(&self, info: &ResourceInfo) -> Result<Selectors, ApiError> {
        let selectors = self.query.selectors()?;
        selectors
            .fields
            .check(&info.kind, crate::selector::selectable(info))?;
        Ok(selectors)
    }

    fn agent(&self) -> &str {
        self.header(&header::USER_AGENT)
    }

    fn parse_body(&self) -> Result<Value, ApiError> {
        request::parse_object(self.header(&header::CONTENT_TYPE), self.body)
    }

    fn delete_body(&self) -> Result<Value, ApiError> {
        if self.body.is_empty() {
            Ok(Value::Null)
        } else {
            self.parse_body()
        }
    }
}

fn not_allowed() -> ApiError {
    let why = "the server does not allow this method on the requested resource";
    ApiError::new(Reason::MethodNotAllowed, why)
}
