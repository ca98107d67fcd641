//! Read a request: its query, its path, its body. What does not read says why in our own words.

use axum::{
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, Path, Query, Request,
        rejection::{BytesRejection, FailedToBufferBody},
    },
    http::{StatusCode, request::Parts},
};
use banyan_ledger::Fault;
use banyan_types::{AccountId, AssociateId, Hash, TxHash, text::Prefix};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::Failure;

/// Bytes of one request's body. Source: node 4.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;

/// The query; unknown parameters are ignored.
pub(crate) struct Ask<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Ask<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|error| Failure::invalid("query", error.body_text()))
    }
}

/// The parts of the path.
pub(crate) struct Part<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Part<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(path)| Self(path)).map_err(|error| Failure::invalid("path", error.body_text()))
    }
}

/// A body of JSON, whatever its content type says.
pub(crate) struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| not_read(&rejection))?;
        let body = serde_json::from_slice(&bytes);
        body.map(Self).map_err(|error| Failure::invalid("body", format!("the body does not read: {error}")))
    }
}

fn not_read(rejection: &BytesRejection) -> Failure {
    match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => Failure::new(
            Fault::Invalid,
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("the body has more than {BODY_BYTES_MAX} bytes"),
        )
        .with(json!({ "max_bytes": BODY_BYTES_MAX }))
        .hint("send less at once"),
        _ => Failure::invalid("body", "the body could not be read"),
    }
}

/// An account's id.
pub(crate) fn account(text: &str) -> Result<AccountId, Failure> {
    text.parse().map_err(|error| Failure::from(error).reason("Invalid public key"))
}

/// A child's id.
pub(crate) fn associate(text: &str) -> Result<AssociateId, Failure> {
    text.parse().map_err(Failure::from)
}

/// A transaction's hash.
pub(crate) fn tx_hash(text: &str) -> Result<TxHash, Failure> {
    text.parse().map_err(|error| Failure::from(error).reason("Invalid hash"))
}

/// A block's hash under one of the prefixes.
pub(crate) fn block_hash(text: &str, prefixes: &[Prefix]) -> Result<Hash, Failure> {
    let wrong = |error| Failure::from(error).reason("Invalid hash");
    let (prefix, _) = banyan_types::text::split(text).map_err(wrong)?;
    let expected = if prefixes.contains(&prefix) { prefix } else { prefixes[0] };
    Hash::from_text(expected, text).map_err(wrong)
}
