//! The explorer: pages that a person looks at, useful without a script. Rules: node 9.
//!
//! Each page reads by the functions of `/banyan/v1` and writes HTML on the server; what stands in an element with
//! `data-live` is fetched again by the script when the ledger has news. All text of the chain passes through the
//! template's escaping, and the policy in [`Page`] lets nothing run that this program did not bring.

mod account;
mod asset;
mod associate;
mod block;
mod contract;
mod layout;
mod ledger;
mod part;
mod pool;
mod search;
mod tree;
mod tx;
mod witnesses;

use axum::{
    Router,
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use maud::{Markup, html};

use crate::{Failure, ledger::Mount};

pub(crate) use asset::routes as assets;

/// What a page may load: what this program serves, from where it serves it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
);

/// A page with its policy.
pub(crate) struct Page(Markup);

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
        response
            .headers_mut()
            .insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
        response
    }
}

type Answer = Result<Page, Failure>;

pub(crate) fn routes() -> Router<Mount> {
    Router::new()
        .route("/", get(home))
        .route("/blocks", get(block::list))
        .route("/block/{id}", get(block::one))
        .route("/generation/{height}", get(block::generation))
        .route("/tx/{hash}", get(tx::one))
        .route("/account/{id}", get(account::one))
        .route("/associates/{id}", get(associate::one))
        .route("/contract/{id}", get(contract::one))
        .route("/mempool", get(pool::list))
        .route("/witnesses", get(witnesses::list))
        .route("/search", get(search::find))
}

/// The tree at the first mount; a ledger's own page at every other.
pub(crate) async fn home(State(mount): State<Mount>) -> Answer {
    if mount.base.is_empty() { tree::page(&mount) } else { ledger::page(&mount) }
}

/// What went wrong, as a page.
pub(crate) fn failed(mount: &Mount, failure: &Failure) -> Response {
    let body = html! {
        section.card.failed {
            p.eyebrow { (failure.status.as_u16()) " · " (failure.owner.to_string()) " · " code { (failure.code) } }
            h1 { (capital(&failure.message)) }
            @if let Some(hint) = failure.hint { p.muted { "Try: " (hint) "." } }
            p { a href={ "/l/" (mount.ledger().name()) } { "Back to " (mount.ledger().name()) } }
        }
    };
    (failure.status, layout::page(mount, &layout::Frame::titled("Not possible"), &body)).into_response()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
