//! Contracts as they stand, and transactions that are only tried.

use axum::{Json, extract::State, http::StatusCode};
use banyan_ledger::{Code, Contract, Overlay, Params, Rejected, Tried, dry_run, key};
use banyan_node::Leaves as _;
use banyan_store::View;
use banyan_types::{
    AccountId, Amount, ContractBytes, ContractId, FATE, Gas, Height, Nonce,
    text::{self, Prefix},
    tx::{ContractCall, SignedTx, Transaction},
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::info;
use crate::{
    Failure,
    ask::{self, Body, Part},
    ledger::Mount,
    proof,
    show::{self, number},
};

/// Transactions of one dry run.
const TRIES_MAX: usize = 32;
/// The account in whose name nobody in particular asks.
const NOBODY: AccountId = AccountId::ZERO;

/// A contract that lives, now.
pub(crate) fn held(mount: &Mount, text: &str) -> Result<(ContractId, Contract), Failure> {
    let missing = || Failure::unknown("no_contract", "Contract not found").reason("Contract not found");
    let id: ContractId = text.parse().map_err(|_| missing())?;
    let head = mount.head()?;
    let found = head.view.leaf(&key::contract(id), Contract::decode)?.ok_or_else(missing)?;
    Ok((id, found))
}

/// The same, for the public surface: what has expired is not there.
fn alive(mount: &Mount, text: &str) -> Result<(ContractId, Contract), Failure> {
    let (id, contract) = held(mount, text)?;
    if contract.expiry < mount.head()?.header.height() {
        let message = format!("Contract expired at height {}", contract.expiry);
        return Err(Failure::unknown("expired", message));
    }
    Ok((id, contract))
}

/// A contract now.
#[utoipa::path(get, path = "/contracts/{pubkey}", tag = "contracts", params(("pubkey" = String, Path, description = "ct_…")),
    responses((status = 200), (status = 404)))]
pub async fn contract(State(mount): State<Mount>, Part(id): Part<String>) -> Result<Json<Value>, Failure> {
    let (id, contract) = alive(&mount, &id)?;
    Ok(Json(json!({
        "id": id.to_string(),
        "owner_id": contract.owner.to_string(),
        "vm_version": contract.ct_version.vm(),
        "abi_version": contract.ct_version.abi(),
        "active": true,
        "referrer_ids": [],
        "deposit": number(contract.deposit.base()),
    })))
}

/// A contract's code.
#[utoipa::path(get, path = "/contracts/{pubkey}/code", tag = "contracts", params(("pubkey" = String, Path, description = "ct_…")),
    responses((status = 200), (status = 404)))]
pub async fn code(State(mount): State<Mount>, Part(id): Part<String>) -> Result<Json<Value>, Failure> {
    let (_, contract) = alive(&mount, &id)?;
    let code = mount.head()?.view.leaf(&key::code(contract.code_hash), Code::decode)?;
    let code = code.ok_or_else(|| Failure::ours("a contract's code is absent"))?;
    Ok(Json(json!({ "bytecode": text::encode(Prefix::ContractBytes, &code.code.0) })))
}

/// What a contract's state proves is proven by our own surface.
#[utoipa::path(get, path = "/contracts/{pubkey}/poi", tag = "contracts", params(("pubkey" = String, Path, description = "ct_…")),
    responses((status = 404)))]
pub async fn poi() -> Failure {
    Failure::unknown("no_poi", "proofs of another kind stand under /banyan/v1/proofs").reason("Proof not found")
}

/// What is to be tried.
#[derive(Deserialize, ToSchema)]
pub struct Tries {
    /// `kh_` or `mh_`: the state after that block, instead of the newest.
    top: Option<String>,
    /// Accounts that are lent coins for it.
    #[serde(default)]
    accounts: Vec<Loan>,
    txs: Vec<Try>,
    /// Whether to list what each has done.
    #[serde(default)]
    tx_events: bool,
}

/// An account that is lent coins.
#[derive(Deserialize, ToSchema)]
pub struct Loan {
    /// `ak_`
    pub_key: String,
    /// Base units, as a number or as digits.
    #[schema(value_type = String)]
    amount: Value,
}

/// A transaction, or a call.
#[derive(Deserialize, ToSchema)]
pub struct Try {
    /// `tx_`, signed or not.
    tx: Option<String>,
    call_req: Option<CallRequest>,
}

/// A call by its parts.
#[derive(Deserialize, ToSchema)]
pub struct CallRequest {
    /// `ak_`
    caller: Option<String>,
    /// `ct_`
    contract: String,
    /// `cb_`
    calldata: String,
    /// Base units, as a number or as digits.
    #[schema(value_type = String)]
    amount: Option<Value>,
    gas: Option<u64>,
}

/// Try transactions on a state, one after another; nothing of it stays. Neither signatures nor nonces are looked at.
#[utoipa::path(post, path = "/dry-run", tag = "contracts", request_body = Tries,
    responses((status = 200), (status = 400), (status = 403)))]
pub async fn dry(State(mount): State<Mount>, Body(tries): Body<Tries>) -> Result<Json<Value>, Failure> {
    if tries.txs.len() > TRIES_MAX {
        return Err(Failure::invalid("too_many", format!("{} transactions, limit {TRIES_MAX}", tries.txs.len())));
    }
    let params = mount.ledger().params().clone();
    let txs = tries.txs.iter().map(|one| read(one, &params)).collect::<Result<Vec<_>, _>>()?;
    let gas = txs.iter().map(|tx| banyan_ledger::rules::run_gas(tx).map_or(0, |(gas, _)| gas.0));
    if gas.fold(0, u64::saturating_add) > params.gas_per_block_max.0 {
        return Err(refused("gas_too_high", "Over the gas limit"));
    }
    let credits = credits(&tries, &txs)?;
    let (view, height) = state(&mount, tries.top.as_deref())?;
    let copies = txs.clone();
    let run = move || dry_run(&mut Overlay::new(view), &params, &credits, &copies);
    let outcomes = tokio::task::spawn_blocking(run).await.map_err(|error| Failure::ours(error.to_string()))?;
    let outcomes = outcomes.map_err(|missing| Failure::ours(missing.to_string()))?;
    let events: Vec<_> = outcomes.iter().flatten().flat_map(|tried| tried.events.iter().map(show::event)).collect();
    let results: Vec<_> = txs.into_iter().zip(outcomes).map(|(tx, outcome)| result(tx, outcome, height)).collect();
    let mut answer = json!({ "results": results });
    if tries.tx_events {
        answer["tx_events"] = events.into();
    }
    Ok(Json(answer))
}

fn result(tx: Transaction, outcome: Result<Tried, Rejected>, height: Height) -> Value {
    let kind = word(tx.kind());
    match outcome {
        Ok(tried) => {
            let call = info::call_info(&SignedTx::unsigned_inside(tx), &tried.receipt, height, tried.failure.as_ref());
            let mut item = json!({ "type": kind, "result": "ok" });
            if let Some(call) = call {
                item["call_obj"] = call;
            }
            item
        }
        Err(why) => json!({ "type": kind, "result": "error", "reason": format!("Error: {} ({why})", why.code()) }),
    }
}

/// The state after a block, with the block's height.
fn state(mount: &Mount, top: Option<&str>) -> Result<(View, Height), Failure> {
    let Some(top) = top else {
        let head = mount.head()?;
        return Ok((head.view.clone(), head.header.height()));
    };
    let unknown = || refused("unknown_block", "Bad request: Invalid hash provided");
    let block = ask::block_hash(top, &[Prefix::KeyBlock, Prefix::MicroBlock]).map_err(|_| unknown())?;
    let header = mount.chain().header(block)?.ok_or_else(unknown)?;
    Ok((proof::state_of_block(mount, block)?, header.height()))
}

/// Clients repeat what is answered with any other status.
fn refused(code: &'static str, reason: &'static str) -> Failure {
    Failure::invalid(code, reason).reason(reason).status(StatusCode::FORBIDDEN)
}

/// What is lent to whom: what the request says, and to nobody what it needs.
fn credits(tries: &Tries, txs: &[Transaction]) -> Result<Vec<(AccountId, Amount)>, Failure> {
    let mut credits = Vec::new();
    for loan in &tries.accounts {
        credits.push((ask::account(&loan.pub_key)?, sum(&loan.amount)?));
    }
    let is_named = credits.iter().any(|(account, _)| *account == NOBODY);
    if !is_named && txs.iter().any(|tx| tx.signer() == NOBODY) {
        credits.push((NOBODY, Amount::MAX));
    }
    Ok(credits)
}

/// A sum as a number or as digits; more than there can be is all there can be.
fn sum(value: &Value) -> Result<Amount, Failure> {
    let digits = match value {
        Value::String(digits) => digits.clone(),
        other => other.to_string(),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Failure::invalid("amount", "an amount is a number of base units"));
    }
    Ok(digits.parse::<u128>().ok().and_then(Amount::new).unwrap_or(Amount::MAX))
}

/// The public word for a kind that is tried: `ContractCallTx` as `contract_call`.
fn word(kind: &str) -> String {
    show::snake(kind).trim_end_matches("_tx").to_owned()
}

fn read(one: &Try, params: &Params) -> Result<Transaction, Failure> {
    let wrong = |why: String| Failure::invalid("malformed", why);
    if let Some(tx) = &one.tx {
        let bytes = text::decode_as(Prefix::TransactionBytes, tx).map_err(|error| wrong(error.to_string()))?;
        let signed = SignedTx::decode_unsorted(&bytes).map(|signed| signed.transaction().clone());
        let tx = signed.or_else(|_| Transaction::decode(&bytes)).map_err(|error| wrong(error.to_string()))?;
        return match tx.inside() {
            None => Ok(tx),
            Some(_) => Err(refused("unsupported", "Bad request: Unsupported transaction type")),
        };
    }
    let call = one.call_req.as_ref().ok_or_else(|| wrong("neither tx nor call_req".into()))?;
    let caller = call.caller.as_ref().map_or(Ok(NOBODY), |caller| caller.parse());
    let asked = |gas: Gas, fee: Amount| -> Result<Transaction, Failure> {
        Ok(ContractCall {
            caller_id: caller.clone().map_err(|error: text::TextError| wrong(error.to_string()))?,
            nonce: Nonce(1),
            contract_id: call.contract.parse().map_err(|error: text::TextError| wrong(error.to_string()))?,
            abi_version: FATE.abi(),
            fee,
            ttl: Height(0),
            amount: call.amount.as_ref().map_or(Ok(Amount::ZERO), sum)?,
            gas,
            gas_price: params.gas_price_min,
            call_data: text::decode_as(Prefix::ContractBytes, &call.calldata)
                .map(ContractBytes)
                .map_err(|error| wrong(error.to_string()))?,
        }
        .into())
    };
    // As much as fits beside the transaction itself, whose fee nobody has said.
    let longest = asked(params.gas_per_tx_max, Amount::MAX)?;
    let own = banyan_ledger::rules::intrinsic_gas(&longest, longest.encode().len()).unwrap_or(Gas(0));
    let fee = params.price(own).unwrap_or(Amount::ZERO);
    let most = Gas(params.gas_per_tx_max.0.saturating_sub(own.0));
    asked(call.gas.map_or(most, |gas| Gas(gas.min(most.0))), fee)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_come_as_numbers_and_as_digits_and_are_clamped() {
        let sum = |value| sum(&value).ok().map(Amount::base);
        assert_eq!(sum(json!(7)), Some(7));
        assert_eq!(sum(json!("12")), Some(12));
        assert_eq!(sum(json!("100000000000000000000000000000000000")), Some(Amount::MAX.base()));
        for wrong in [json!("-1"), json!(""), json!(1.5), json!(null)] {
            assert_eq!(sum(wrong), None);
        }
    }

    #[test]
    fn kinds_have_their_public_words() {
        for (kind, expected) in [("ContractCallTx", "contract_call"), ("SpendTx", "spend"), ("GAAttachTx", "ga_attach")]
        {
            assert_eq!(word(kind), expected);
        }
    }
}
