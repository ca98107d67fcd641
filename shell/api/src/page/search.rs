//! Find what a text names: by its prefix, or a height, or a ledger's name.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::ledger;
use crate::{Failure, ask::Ask, ledger::Mount};

/// Letters of a search that are repeated in an answer.
const SHOWN_MAX: usize = 60;

#[derive(Deserialize)]
pub struct Query {
    #[serde(default)]
    q: String,
}

pub async fn find(State(mount): State<Mount>, Ask(query): Ask<Query>) -> Result<Response, Failure> {
    let text = query.q.trim();
    let (home, prefix) = (ledger::home(&mount), text.split_once('_').map_or("", |(prefix, _)| prefix));
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let page = match prefix {
        "ak" => "account",
        "th" => "tx",
        "ac" => "associates",
        "ct" => "contract",
        "kh" | "mh" => "block",
        _ if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => "block",
        _ => "",
    };
    if let Some(named) = mount.all().find(|other| other.ledger().name() == text) {
        return Ok(Redirect::to(&named.base).into_response());
    }
    if page.is_empty() || !plain {
        let shown: String = text.chars().take(SHOWN_MAX).collect();
        return Err(Failure::unknown("not_found", format!("nothing is named \"{shown}\""))
            .hint("a height, or a text that begins with ak_, ct_, th_, kh_, mh_ or ac_"));
    }
    Ok(Redirect::to(&format!("{home}/{page}/{text}")).into_response())
}
