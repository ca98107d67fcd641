//! `/banyan/v1`: our own surface. Rules: node 8.2.
//!
//! Each file holds what is read and, below it, the handlers; the explorer's pages read by the same functions.

pub mod accounts;
pub mod associates;
pub mod blocks;
pub mod calls;
pub mod contracts;
pub mod finality;
pub mod journeys;
pub mod look;
pub mod proofs;
pub mod quote;
pub mod transactions;
pub mod ways;

use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Failure, ledger::Mount};

/// Items of a page when nothing is said.
const PAGE_DEFAULT: usize = 50;
/// Most items of a page. Source: node 8.4.
const PAGE_MAX: usize = 200;

/// An answer, or what went wrong.
type Answer<T> = Result<Json<T>, Failure>;

/// Which part of a list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Items at most, up to 200.
    limit: Option<usize>,
    /// The `next` of the part before.
    pub after: Option<String>,
}

impl Paging {
    /// The first items of a list.
    pub fn first(items: usize) -> Self {
        Self { limit: Some(items), after: None }
    }

    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX)
    }

    /// The number after which the part begins, for lists that are counted.
    fn after_number(&self) -> Result<Option<u64>, Failure> {
        let after = self.after.as_ref().map(|after| after.parse());
        after.transpose().map_err(|_| Failure::invalid("after", "after must be the next of the part before"))
    }
}

pub(crate) fn routes() -> OpenApiRouter<Mount> {
    OpenApiRouter::new()
        .routes(routes!(look::status_route))
        .routes(routes!(look::tree_route))
        .routes(routes!(look::genesis_route))
        .routes(routes!(look::openapi))
        .routes(routes!(look::healthz))
        .routes(routes!(look::readyz))
        .routes(routes!(associates::list_route))
        .routes(routes!(associates::one_route))
        .routes(routes!(associates::inbox_route))
        .routes(routes!(associates::solvency_route))
        .routes(routes!(blocks::list_route))
        .routes(routes!(blocks::one_route))
        .routes(routes!(blocks::headers_route))
        .routes(routes!(transactions::post))
        .routes(routes!(transactions::get))
        .routes(routes!(quote::post))
        .routes(routes!(accounts::one_route))
        .routes(routes!(accounts::history_route))
        .routes(routes!(accounts::mempool_route))
        .routes(routes!(accounts::mempool_of_route))
        .routes(routes!(finality::standing_route))
        .routes(routes!(finality::boundaries_route))
        .routes(routes!(finality::seal_route))
        .routes(routes!(contracts::one_route))
        .routes(routes!(contracts::source_route))
        .routes(routes!(contracts::interface_route))
        .routes(routes!(calls::calls_route))
        .routes(routes!(calls::events_route))
        .routes(routes!(proofs::post))
        .routes(routes!(ways::path_route))
        .routes(routes!(journeys::journey_route))
        .routes(routes!(crate::event::stream))
}
