//! What can go wrong between a wallet and a node, and whose fault it is.

use banyan_ledger::{Fault, follow::NotFollowed};
use serde::Deserialize;
use serde_json::Value;

use crate::light::NotProven;

/// Why a node did not give what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// No address of a node.
    #[error("{url} is no address of a node: http://HOST:PORT is needed")]
    Address {
        /// What was given.
        url: String,
    },
    /// Nobody answers there.
    #[error("cannot reach {url}: {why}")]
    Unreachable {
        /// Where.
        url: String,
        /// What the system says.
        why: String,
    },
    /// The node says no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The node answers in a form that this wallet does not read.
    #[error("{url} answers what this wallet does not read: {why}")]
    Answer {
        /// Which request.
        url: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// The node answers something that does not check.
    #[error("the node's proof is not believed: {0}")]
    NotProven(#[from] NotProven),
    /// The node says that something is final which is not.
    #[error("the node's seal is not believed: {0}")]
    NotFollowed(#[from] NotFollowed),
}

/// A node's "no", with its owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Status of the answer.
    pub status: u16,
    /// Whose fault.
    pub owner: Fault,
    /// The error's name.
    pub code: String,
    /// For people.
    pub message: String,
    /// Both values, by name.
    pub details: Value,
    /// What to do next.
    pub hint: Option<String>,
    /// When to try again.
    pub retry_after_ms: Option<u64>,
}

impl ClientError {
    /// Whose fault. A node that does not answer, or wrongly, is not the asker's.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Address { .. } => Fault::Invalid,
            Self::Refused(refusal) => refusal.owner,
            // Nobody is there, or the node is behind what was seen already, or the client behind the node.
            Self::Unreachable { .. } | Self::NotFollowed(NotFollowed::Old { .. } | NotFollowed::Unknown { .. }) => {
                Fault::Early
            }
            Self::Answer { .. } | Self::NotProven(_) | Self::NotFollowed(_) => Fault::Ours,
        }
    }

    /// The error's name.
    pub fn code(&self) -> &str {
        match self {
            Self::Address { .. } => "address",
            Self::Unreachable { .. } => "unreachable",
            Self::Refused(refusal) => &refusal.code,
            Self::Answer { .. } => "answer",
            Self::NotProven(_) => "not_proven",
            Self::NotFollowed(_) => "not_followed",
        }
    }

    /// Whether the node says that it does not have what was asked for.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.status == 404)
    }

    /// Whether the node had it and no longer keeps it.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.status == 410)
    }
}

/// Characters of a node's words that are repeated.
const SAID_MAX: usize = 300;

/// A node's words on one line, and not too many of them.
pub(super) fn said(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(SAID_MAX).collect()
}

/// The error object of `/banyan/v1`.
#[derive(Deserialize)]
pub struct ErrorObject {
    owner: String,
    code: String,
    message: String,
    #[serde(default)]
    details: Value,
    #[serde(rename = "try", default)]
    hint: Option<String>,
    #[serde(default)]
    retry_after_ms: Option<u64>,
}

impl ErrorObject {
    /// As an error of an answer with this status. What the node says stays on one line and is not long: it may be a liar.
    pub fn refusal(self, status: u16) -> Refusal {
        Refusal {
            status,
            owner: owner(&self.owner),
            code: self.code,
            message: said(&self.message),
            details: self.details,
            hint: self.hint.as_deref().map(said),
            retry_after_ms: self.retry_after_ms,
        }
    }
}

/// Both forms of an error answer: of `/banyan/v1`, and of `/v3`.
#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorBody {
    Object { error: ErrorObject },
    Reason { reason: String, error_code: Option<String>, message: Option<String> },
}

/// Read the answer of a request that failed with `status`; `fault` is what its header says of the owner.
pub fn read(url: &str, status: u16, fault: Option<&str>, body: &str) -> ClientError {
    let refusal = match serde_json::from_str(body) {
        Ok(ErrorBody::Object { error }) => error.refusal(status),
        Ok(ErrorBody::Reason { reason, error_code, message }) => Refusal {
            status,
            owner: fault.map_or_else(|| by_status(status), owner),
            code: error_code.unwrap_or_else(|| format!("http_{status}")),
            message: message.unwrap_or(reason),
            details: Value::Null,
            hint: None,
            retry_after_ms: None,
        },
        Err(_) => {
            return ClientError::Answer { url: url.into(), why: format!("status {status} without an error object") };
        }
    };
    ClientError::Refused(Box::new(refusal))
}

fn owner(word: &str) -> Fault {
    match word {
        "invalid" => Fault::Invalid,
        "early" => Fault::Early,
        _ => Fault::Ours,
    }
}

/// Whose fault an answer without an owner is. Source: node 8.4.
const fn by_status(status: u16) -> Fault {
    match status {
        409 | 429 | 503 => Fault::Early,
        500.. => Fault::Ours,
        _ => Fault::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_surfaces_name_the_owner() {
        let ours = r#"{"error":{"owner":"early","code":"funds","message":"m","details":{"balance":"1"},"try":"t","request_id":""}}"#;
        let public = r#"{"reason":"Invalid tx","error_code":"nonce_used","message":"m"}"#;
        let bare = r#"{"reason":"Account not found"}"#;
        for (status, header, body, owner, code) in [
            (409, None, ours, Fault::Early, "funds"),
            (400, Some("invalid"), public, Fault::Invalid, "nonce_used"),
            (503, None, public, Fault::Early, "nonce_used"),
            (404, None, bare, Fault::Invalid, "http_404"),
            (500, None, bare, Fault::Ours, "http_500"),
            (502, None, "<html>", Fault::Ours, "answer"),
        ] {
            let error = read("u", status, header, body);
            assert_eq!((error.fault(), error.code()), (owner, code), "{status} {body}");
        }
    }
}
