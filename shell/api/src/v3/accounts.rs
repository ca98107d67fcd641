//! Accounts in the public shape.

use axum::{Json, extract::State};
use banyan_fate::Engine;
use banyan_ledger::{Account, Code, Contract, Generalized, key};
use banyan_node::Leaves as _;
use banyan_store::View;
use banyan_types::{AccountId, ContractId, Hash, Id, text::Prefix};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Failure,
    ask::{self, Ask, Part},
    ledger::Mount,
    proof, v1,
    v3::transactions,
};

/// An account.
#[derive(Serialize, ToSchema)]
pub struct AccountAnswer {
    id: String,
    kind: &'static str,
    nonce: u64,
    balance: u128,
    payable: bool,
    /// The contract that speaks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    contract_id: Option<String>,
    /// The function that is asked, by its name where the code knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_fun: Option<String>,
}

fn read(view: &View, text: &str) -> Result<Json<AccountAnswer>, Failure> {
    let id = holder(text)?;
    let missing = || Failure::unknown("no_account", "Account not found").reason("Account not found");
    // An empty account has no leaf; of a contract it is there all the same.
    let is_contract = || view.leaf(&key::contract(ContractId(id.0)), Contract::decode).map(|held| held.is_some());
    let account = match view.account(id)? {
        Some(account) => account,
        None if text.starts_with("ct_") && is_contract()? => Account::EMPTY,
        None => return Err(missing()),
    };
    let Account { nonce, balance, payable, generalized } = account;
    Ok(Json(AccountAnswer {
        id: text.to_owned(),
        kind: if generalized.is_some() { "generalized" } else { "basic" },
        nonce: nonce.0,
        balance: balance.base(),
        payable,
        contract_id: generalized.as_ref().map(|lock| lock.contract.to_string()),
        auth_fun: generalized.as_ref().map(|lock| auth_fun(view, lock)).transpose()?,
    }))
}

/// The state holds the hash of the function's name; the name is among the symbols of the code.
fn auth_fun(view: &View, lock: &Generalized) -> Result<String, Failure> {
    let held = view.leaf(&key::contract(lock.contract), Contract::decode)?;
    let code = held.map(|held| view.leaf(&key::code(held.code_hash), Code::decode)).transpose()?.flatten();
    let loaded = code.and_then(|code| Engine::load(&code.code.0).ok());
    let Hash([a, b, c, d, ..]) = lock.auth_fun;
    let name = loaded.as_ref().and_then(|loaded| loaded.name([a, b, c, d]));
    Ok(name.map_or_else(|| lock.auth_fun.to_string(), str::to_owned))
}

/// The account that is asked for: a contract's coins are in the account with its bytes.
fn holder(text: &str) -> Result<AccountId, Failure> {
    match text.parse() {
        Ok(Id::Account(id)) => Ok(id),
        Ok(Id::Contract(id)) => Ok(AccountId(id.0)),
        _ => ask::account(text),
    }
}

/// An account now.
#[utoipa::path(get, path = "/accounts/{pubkey}", tag = "accounts", params(("pubkey" = String, Path, description = "ak_… or ct_…")),
    responses((status = 200, body = AccountAnswer), (status = 404)))]
pub async fn top(State(mount): State<Mount>, Part(id): Part<String>) -> Result<Json<AccountAnswer>, Failure> {
    read(&mount.head()?.view, &id)
}

/// An account after the block that starts a height.
#[utoipa::path(get, path = "/accounts/{pubkey}/height/{height}", tag = "accounts",
    params(("pubkey" = String, Path), ("height" = u64, Path)), responses((status = 200, body = AccountAnswer), (status = 410)))]
pub async fn at_height(
    State(mount): State<Mount>,
    Part((id, height)): Part<(String, u64)>,
) -> Result<Json<AccountAnswer>, Failure> {
    let block = proof::block_at(&mount, height)?;
    read(&proof::state_of_block(&mount, block)?, &id)
}

/// An account after a block.
#[utoipa::path(get, path = "/accounts/{pubkey}/hash/{hash}", tag = "accounts",
    params(("pubkey" = String, Path), ("hash" = String, Path)), responses((status = 200, body = AccountAnswer), (status = 410)))]
pub async fn at_hash(
    State(mount): State<Mount>,
    Part((id, hash)): Part<(String, String)>,
) -> Result<Json<AccountAnswer>, Failure> {
    let block = ask::block_hash(&hash, &[Prefix::KeyBlock, Prefix::MicroBlock])?;
    read(&proof::state_of_block(&mount, block)?, &id)
}

/// How to count the nonces of waiting transactions.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Strategy {
    /// `max` (default): after the greatest that waits. `continuity`: the first that is free.
    strategy: Option<String>,
}

/// The next nonce of an account, with what waits counted in.
#[utoipa::path(get, path = "/accounts/{pubkey}/next-nonce", tag = "accounts",
    params(("pubkey" = String, Path), Strategy), responses((status = 200)))]
pub async fn next_nonce(
    State(mount): State<Mount>,
    Part(id): Part<String>,
    Ask(strategy): Ask<Strategy>,
) -> Result<Json<Value>, Failure> {
    let id = ask::account(&id)?;
    let waiting = v1::accounts::waiting_nonces(&mount, id);
    let account = mount.head()?.view.account(id)?.unwrap_or(Account::EMPTY);
    // A contract agrees to each of its transactions, and no nonce orders them.
    if account.generalized.is_some() {
        return Ok(Json(json!({ "next_nonce": 0 })));
    }
    let continuous = strategy.strategy.as_deref() == Some("continuity");
    Ok(Json(json!({ "next_nonce": v1::accounts::next_nonce(&waiting, account.nonce, continuous) })))
}

/// An account's transactions that wait for a block.
#[utoipa::path(get, path = "/accounts/{pubkey}/transactions/pending", tag = "accounts",
    params(("pubkey" = String, Path)), responses((status = 200)))]
pub async fn pending(State(mount): State<Mount>, Part(id): Part<String>) -> Result<Json<Value>, Failure> {
    let id = ask::account(&id)?;
    let waiting = mount.ledger().handle.pool(|pool| {
        let waiting = pool.of_account(id).filter(|waiting| !waiting.included);
        waiting.map(|waiting| transactions::shape(waiting.tx.get(), None)).collect::<Vec<_>>()
    });
    Ok(Json(json!({ "transactions": waiting })))
}
