//! `/v3`: what clients of the public protocol ask. Rules: node 7.
//!
//! Answers have the public schema's shape: sums are JSON numbers of base units, a missing account is a 404 with exactly
//! the text that clients compare, a pending transaction stands at height -1. Ledgers without key blocks are shown in the
//! same shape: block h is key block h, with one micro block where it holds transactions.

mod absent;
mod accounts;
mod blocks;
pub(crate) mod contracts;
pub mod info;
mod mining;
mod status;
mod transactions;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ledger::Mount;

pub(crate) fn routes() -> OpenApiRouter<Mount> {
    OpenApiRouter::new()
        .routes(routes!(status::status))
        .routes(routes!(status::chain_ends))
        .routes(routes!(status::sync_status))
        .routes(routes!(status::pubkey))
        .routes(routes!(status::currency))
        .routes(routes!(status::gas_prices))
        .routes(routes!(status::hyperchain))
        .routes(routes!(accounts::top))
        .routes(routes!(accounts::at_height))
        .routes(routes!(accounts::at_hash))
        .routes(routes!(accounts::next_nonce))
        .routes(routes!(accounts::pending))
        .routes(routes!(blocks::current))
        .routes(routes!(blocks::current_hash))
        .routes(routes!(blocks::current_height))
        .routes(routes!(mining::pending))
        .routes(routes!(mining::post_key_block))
        .routes(routes!(blocks::key_by_hash))
        .routes(routes!(blocks::key_by_height))
        .routes(routes!(blocks::generation))
        .routes(routes!(blocks::generation_by_hash))
        .routes(routes!(blocks::generation_by_height))
        .routes(routes!(blocks::top))
        .routes(routes!(blocks::micro_header))
        .routes(routes!(blocks::micro_transactions))
        .routes(routes!(blocks::micro_count))
        .routes(routes!(blocks::micro_transaction))
        .routes(routes!(transactions::post))
        .routes(routes!(transactions::get))
        .routes(routes!(transactions::info))
        .routes(routes!(absent::names))
        .routes(routes!(absent::auctions))
        .routes(routes!(absent::oracles))
        .routes(routes!(contracts::contract))
        .routes(routes!(contracts::code))
        .routes(routes!(contracts::poi))
        .routes(routes!(contracts::dry))
        .routes(routes!(absent::channels))
        .routes(routes!(absent::pin))
}
