//! What clients of the public protocol ask for and this ledger does not have. Each answer says so in the public words.

use crate::Failure;

fn none(code: &'static str, reason: &'static str) -> Failure {
    Failure::unknown(code, reason).reason(reason)
}

/// There are no names.
#[utoipa::path(get, path = "/names/{name}", tag = "absent", params(("name" = String, Path)), responses((status = 404)))]
pub async fn names() -> Failure {
    none("no_names", "Name not found")
}

/// There are no auctions of names.
#[utoipa::path(get, path = "/auctions/{name}", tag = "absent", params(("name" = String, Path)), responses((status = 404)))]
pub async fn auctions() -> Failure {
    none("no_names", "Name not found")
}

/// There are no oracles.
#[utoipa::path(get, path = "/oracles/{pubkey}", tag = "absent", params(("pubkey" = String, Path)), responses((status = 404)))]
pub async fn oracles() -> Failure {
    none("no_oracles", "Oracle not found")
}

/// No channel exists.
#[utoipa::path(get, path = "/channels/{pubkey}", tag = "absent", params(("pubkey" = String, Path)), responses((status = 404)))]
pub async fn channels() -> Failure {
    none("no_channel", "Channel not found")
}

/// No other chain is pinned.
#[utoipa::path(get, path = "/hyperchain/pin-tx", tag = "absent", responses((status = 404)))]
pub async fn pin() -> Failure {
    none("no_pin", "No pin transaction")
}
