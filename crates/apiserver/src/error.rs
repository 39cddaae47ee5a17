//! Failures as the Kubernetes API states them: a `Status` object with a reason and causes.
//!
//! Callers tell failures apart by [`Reason`], never by the message.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// A refused request; [`ApiError::to_status`] is what goes over the wire.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// Why, as an enum.
    pub reason: Reason,
    /// For people.
    pub message: String,
    /// What the request was about, and the single causes.
    pub details: Option<Box<Details>>,
}

/// `metav1.StatusReason`: each has one HTTP code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// 400: the request makes no sense.
    BadRequest,
    /// 403: refused by an admission rule.
    Forbidden,
    /// 404: no such object or resource.
    NotFound,
    /// 405: the resource has no such verb.
    MethodNotAllowed,
    /// 406: no acceptable representation.
    NotAcceptable,
    /// 409: an object of that name exists.
    AlreadyExists,
    /// 409: resource version, uid or field ownership.
    Conflict,
    /// 410: the resource version or continue token is older than the event log.
    Expired,
    /// 415: the content type of a body.
    UnsupportedMediaType,
    /// 422: one or more fields are invalid.
    Invalid,
    /// 429: a disruption budget, or too much at once.
    TooManyRequests,
    /// 500: the object store holds something that can't be right.
    InternalError,
}

impl Reason {
    /// The HTTP status code.
    pub fn code(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::NotAcceptable => 406,
            Self::AlreadyExists | Self::Conflict => 409,
            Self::Expired => 410,
            Self::UnsupportedMediaType => 415,
            Self::Invalid => 422,
            Self::TooManyRequests => 429,
            Self::InternalError => 500,
        }
    }
}

/// `metav1.StatusDetails`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    /// Object name.
    pub name: String,
    /// API group.
    pub group: String,
    /// Resource, or kind where the server says the kind.
    pub kind: String,
    /// Uid where a uid was compared.
    pub uid: String,
    /// The single failures.
    pub causes: Vec<Cause>,
    /// Seconds the client should wait.
    pub retry_after_seconds: u32,
}

/// `metav1.StatusCause`: one failure of one field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cause {
    /// For example `FieldValueInvalid`.
    pub reason: String,
    /// For people.
    pub message: String,
    /// Path such as `spec.template.spec.requirements[0].key`.
    pub field: String,
}

impl ApiError {
    /// A failure without details.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            details: None,
        }
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Reason::BadRequest, message)
    }

    /// 500.
    pub fn internal(message: impl std::fmt::Display) -> Self {
        Self::new(
            Reason::InternalError,
            format!("Internal error occurred: {message}"),
        )
    }

    pub(crate) fn not_found(group: &str, plural: &str, name: &str) -> Self {
        Self::new(
            Reason::NotFound,
            format!("{} \"{name}\" not found", dotted(plural, group)),
        )
        .about(group, plural, name)
    }

    /// The answer to a path that leads nowhere.
    pub(crate) fn no_such_path() -> Self {
        Self::new(
            Reason::NotFound,
            "the server could not find the requested resource",
        )
    }

    pub(crate) fn already_exists(group: &str, plural: &str, name: &str) -> Self {
        let what = dotted(plural, group);
        Self::new(
            Reason::AlreadyExists,
            format!("{what} \"{name}\" already exists"),
        )
        .about(group, plural, name)
    }

    pub(crate) fn conflict(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let what = dotted(plural, group);
        let message = format!("Operation cannot be fulfilled on {what} \"{name}\": {why}");
        Self::new(Reason::Conflict, message).about(group, plural, name)
    }

    pub(crate) fn forbidden(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let what = dotted(plural, group);
        Self::new(
            Reason::Forbidden,
            format!("{what} \"{name}\" is forbidden: {why}"),
        )
        .about(group, plural, name)
    }

    pub(crate) fn invalid(group: &str, kind: &str, name: &str, fields: Vec<FieldError>) -> Self {
        let mut message = format!("{} \"{name}\" is invalid", dotted(kind, group));
        let many = fields.len() > 1;
        for (i, field) in fields.iter().enumerate() {
            let lead = match (i, many) {
                (0, true) => ": [",
                (0, false) => ": ",
                _ => ", ",
            };
            let _ = write!(message, "{lead}{}", field.text());
        }
        if many {
            message.push(']');
        }
        let mut error = Self::new(Reason::Invalid, message).about(group, kind, name);
        if let Some(details) = &mut error.details {
            details.causes = fields.into_iter().map(FieldError::into_cause).collect();
        }
        error
    }

    pub(crate) fn about(mut self, group: &str, kind: &str, name: &str) -> Self {
        self.details = Some(Box::new(Details {
            name: name.into(),
            group: group.into(),
            kind: kind.into(),
            ..Details::default()
        }));
        self
    }

    /// The `Status` object of the wire.
    pub fn to_status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": format!("{:?}", self.reason),
            "code": self.reason.code(),
        });
        if let Some(details) = &self.details {
            status["details"] = details.to_json();
        }
        status
    }
}

impl Details {
    fn to_json(&self) -> Value {
        let mut out = serde_json::Map::new();
        let texts = [
            ("name", &self.name),
            ("group", &self.group),
            ("kind", &self.kind),
            ("uid", &self.uid),
        ];
        for (key, text) in texts {
            if !text.is_empty() {
                out.insert(key.into(), json!(text));
            }
        }
        if !self.causes.is_empty() {
            let causes = self.causes.iter().map(Cause::to_json).collect();
            out.insert("causes".into(), Value::Array(causes));
        }
        if self.retry_after_seconds > 0 {
            out.insert("retryAfterSeconds".into(), json!(self.retry_after_seconds));
        }
        Value::Object(out)
    }
}

impl Cause {
    fn to_json(&self) -> Value {
        let mut out = json!({ "reason": self.reason, "message": self.message });
        if !self.field.is_empty() {
            out["field"] = json!(self.field);
        }
        out
    }
}

/// `nodepools.karpenter.sh`, or `pods` in the core group.
pub(crate) fn dotted(name: &str, group: &str) -> String {
    if group.is_empty() {
        name.to_owned()
    } else {
        format!("{name}.{group}")
    }
}

/// One invalid field, before it becomes a [`Cause`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    pub(crate) kind: FieldErrorKind,
    pub(crate) field: String,
    /// The offending value as the server prints it; empty where it prints none.
    pub(crate) value: String,
    pub(crate) detail: String,
}

/// `field.ErrorType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldErrorKind {
    Required,
    Duplicate,
    Invalid,
    NotSupported,
    Forbidden,
    TooLong,
    TooMany,
    TypeInvalid,
}

impl FieldErrorKind {
    fn reason(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
        }
    }
}

impl FieldError {
    pub(crate) fn new(
        kind: FieldErrorKind,
        field: impl Into<String>,
        value: &Value,
        detail: impl Into<String>,
    ) -> Self {
        let value = match kind {
            FieldErrorKind::Required | FieldErrorKind::Forbidden | FieldErrorKind::TooLong => {
                String::new()
            }
            _ => shown(value),
        };
        Self {
            kind,
            field: field.into(),
            value,
            detail: detail.into(),
        }
    }

    pub(crate) fn required(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Required, field, &Value::Null, detail)
    }

    pub(crate) fn invalid(
        field: impl Into<String>,
        value: &Value,
        detail: impl Into<String>,
    ) -> Self {
        Self::new(FieldErrorKind::Invalid, field, value, detail)
    }

    /// `Unsupported value: "x": supported values: "a", "b"`.
    pub(crate) fn unsupported<'a>(
        field: impl Into<String>,
        value: &Value,
        supported: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let list: Vec<String> = supported.into_iter().map(|v| format!("\"{v}\"")).collect();
        let detail = format!("supported values: {}", list.join(", "));
        Self::new(FieldErrorKind::NotSupported, field, value, detail)
    }

    /// Without the field, as in a cause's message.
    fn body(&self) -> String {
        let mut text = self.kind.label().to_owned();
        if !self.value.is_empty() {
            let _ = write!(text, ": {}", self.value);
        }
        if !self.detail.is_empty() {
            let _ = write!(text, ": {}", self.detail);
        }
        text
    }

    fn text(&self) -> String {
        if self.field.is_empty() {
            return format!("<nil>: {}", self.body());
        }
        format!("{}: {}", self.field, self.body())
    }

    fn into_cause(self) -> Cause {
        Cause {
            reason: self.kind.reason().into(),
            message: self.body(),
            field: if self.field.is_empty() {
                "<nil>".into()
            } else {
                self.field
            },
        }
    }
}

/// A value as error texts show it: strings quoted, scalars bare, the rest as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        other => other.to_string(),
    }
}
