//! Say what went wrong, whose fault it is, and what to do next.
//!
//! A handler returns a [`Failure`]; what a client reads of it depends on the surface it asked: the error object of
//! `/banyan/v1`, the `reason` of `/v3`, or a page. Rules: node 7.2, 8.4.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use banyan_ledger::Fault;
use banyan_node::NodeError;
use banyan_types::text::TextError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Header that says whose fault an error is.
pub(crate) const OWNER: HeaderName = HeaderName::from_static("banyan-owner");

/// Something was refused or could not be done.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub owner: Fault,
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    /// Both values, by name.
    pub details: Value,
    /// What to do next.
    pub hint: Option<&'static str>,
    pub retry_after_ms: Option<u32>,
    /// The public node's own words for it, which clients of `/v3` compare.
    pub reason: Option<&'static str>,
}

/// The error object of `/banyan/v1`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// The error.
    pub error: ErrorObject,
}

/// What went wrong, whose fault it is, and what to do next.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ErrorObject {
    /// `invalid`: the sender's, for ever. `early`: try later. `ours`: the node's.
    pub owner: String,
    /// The error's name.
    pub code: String,
    /// For people.
    pub message: String,
    /// Both values of what did not match, by name.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    #[schema(value_type = Object)]
    pub details: Value,
    /// What to do next.
    #[serde(rename = "try", default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// When to try again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Names the request in the node's log.
    pub request_id: String,
}

/// The error of `/v3`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PublicError {
    /// In the public node's words where it has some.
    reason: String,
    /// The error's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Failure {
    pub fn new(owner: Fault, status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let (message, details) = (message.into(), Value::Null);
        Self { owner, status, code, message, details, hint: None, retry_after_ms: None, reason: None }
    }

    /// The sender's fault: 400.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Fault::Invalid, StatusCode::BAD_REQUEST, code, message)
    }

    /// No such thing: 404.
    pub fn unknown(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Fault::Invalid, StatusCode::NOT_FOUND, code, message)
    }

    /// Was here, is no longer kept: 410.
    pub fn gone(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Fault::Invalid, StatusCode::GONE, code, message)
    }

    /// Nobody's fault, later perhaps: 503.
    pub fn early(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Fault::Early, StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    /// The node's fault: 500.
    pub fn ours(message: impl Into<String>) -> Self {
        Self::new(Fault::Ours, StatusCode::INTERNAL_SERVER_ERROR, "node_broken", message)
    }

    pub fn with(self, details: Value) -> Self {
        Self { details, ..self }
    }

    pub fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    pub fn retry_after(self, ms: u32) -> Self {
        Self { retry_after_ms: Some(ms), ..self }
    }

    /// In the public node's words.
    pub fn reason(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }

    pub fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The error object of `/banyan/v1`.
    pub fn object(&self, request_id: &str) -> ErrorObject {
        ErrorObject {
            owner: self.owner.to_string(),
            code: self.code.into(),
            message: self.message.clone(),
            details: self.details.clone(),
            hint: self.hint.map(Into::into),
            retry_after_ms: self.retry_after_ms.map(u64::from),
            request_id: request_id.into(),
        }
    }

    /// As `/banyan/v1` answers it.
    pub fn as_object(&self, request_id: &str) -> Response {
        self.dressed((self.status, Json(ErrorBody { error: self.object(request_id) })).into_response())
    }

    /// As `/v3` answers it. What the public node says in one sentence stands alone: clients compare the text.
    pub fn as_reason(&self) -> Response {
        let plain = self.reason.is_some() && self.status != StatusCode::BAD_REQUEST;
        let body = PublicError {
            reason: self.reason.map_or_else(|| self.message.clone(), Into::into),
            error_code: (!plain).then_some(self.code),
            message: (!plain && self.reason.is_some()).then(|| self.message.clone()),
        };
        self.dressed((self.status, Json(body)).into_response())
    }

    /// Owner and waiting time as headers too.
    pub fn dressed(&self, mut response: Response) -> Response {
        let owner = match self.owner {
            Fault::Invalid => "invalid",
            Fault::Early => "early",
            Fault::Ours => "ours",
        };
        let headers = response.headers_mut();
        headers.insert(OWNER, HeaderValue::from_static(owner));
        if let Some(ms) = self.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
        }
        response
    }
}

impl IntoResponse for Failure {
    /// Carried as an extension: the mount renders it for the surface that was asked.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        tracing::error!(%error, "a read failed");
        Self::ours(error.to_string())
    }
}

impl From<banyan_store::StoreError> for Failure {
    fn from(error: banyan_store::StoreError) -> Self {
        NodeError::from(error).into()
    }
}

impl From<banyan_store::Fault> for Failure {
    fn from(error: banyan_store::Fault) -> Self {
        NodeError::from(error).into()
    }
}

impl From<TextError> for Failure {
    fn from(error: TextError) -> Self {
        let code = match error {
            TextError::TooLong { .. } => "text_too_long",
            TextError::NoPrefix => "no_prefix",
            TextError::Unsupported(_) => "unsupported_prefix",
            TextError::Unknown(_) => "unknown_prefix",
            TextError::Unexpected { .. } => "wrong_prefix",
            TextError::Alphabet { .. } => "alphabet",
            TextError::Checksum => "checksum",
            TextError::Length { .. } => "length",
        };
        let hint = matches!(error, TextError::Checksum | TextError::Alphabet { .. });
        let failure = Self::invalid(code, error.to_string()).reason("Invalid api encoding");
        if hint { failure.hint("copy the whole text again: one character is wrong or missing") } else { failure }
    }
}

/// A route that does not exist.
pub(crate) fn unknown_route(path: &str) -> Failure {
    let path: String = path.chars().take(120).collect();
    Failure::unknown("unknown_route", format!("no route {path}"))
        .with(json!({ "path": path }))
        .hint("see openapi.json under /banyan/v1 for all routes")
}
