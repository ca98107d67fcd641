//! The explorer's pages.
use crate::{Failure, ledger::Mount};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
pub(crate) fn routes() -> Router<Mount> {
    Router::new().route("/", get(home))
}
pub(crate) fn assets() -> Router {
    Router::new()
}
pub(crate) async fn home(State(_mount): State<Mount>) -> &'static str {
    "home"
}
pub(crate) fn failed(_mount: &Mount, failure: &Failure) -> Response {
    (failure.status, failure.message.clone()).into_response()
}
