//! Contracts as they stand, and transactions that are only tried.

use axum::{Json, extract::State};
use banyan_ledger::{Code, Contract, Overlay, dry_run, key};
use banyan_node::Leaves as _;
use banyan_types::{
    AccountId, Amount, ContractBytes, ContractId, FATE, Gas, GasPrice, Height, Nonce,
    text::{self, Prefix},
    tx::{ContractCall, SignedTx, Transaction},
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::info;
use crate::{
    Failure,
    ask::{Body, Part},
    ledger::Mount,
    show::number,
};

/// Transactions of one dry run.
const TRIES_MAX: usize = 32;

fn held(mount: &Mount, text: &str) -> Result<(ContractId, Contract), Failure> {
    let missing = || Failure::unknown("no_contract", "Contract not found").reason("Contract not found");
    let id: ContractId = text.parse().map_err(|_| missing())?;
    let found = mount.head()?.view.leaf(&key::contract(id), Contract::decode)?;
    Ok((id, found.ok_or_else(missing)?))
}

/// A contract now.
#[utoipa::path(get, path = "/contracts/{pubkey}", tag = "contracts", params(("pubkey" = String, Path, description = "ct_…")),
    responses((status = 200), (status = 404)))]
pub async fn contract(State(mount): State<Mount>, Part(id): Part<String>) -> Result<Json<Value>, Failure> {
    let (id, contract) = held(&mount, &id)?;
    Ok(Json(json!({
        "id": id.to_string(),
        "owner_id": contract.owner.to_string(),
        "vm_version": contract.ct_version.vm(),
        "abi_version": contract.ct_version.abi(),
        "active": contract.expiry >= mount.head()?.header.height(),
        "referrer_ids": [],
        "deposit": number(contract.deposit.base()),
        "expiry": contract.expiry.0,
        "visible": contract.visible,
        "template": contract.template.0.map(|id| id.to_string()),
    })))
}

/// A contract's code.
#[utoipa::path(get, path = "/contracts/{pubkey}/code", tag = "contracts", params(("pubkey" = String, Path, description = "ct_…")),
    responses((status = 200), (status = 404)))]
pub async fn code(State(mount): State<Mount>, Part(id): Part<String>) -> Result<Json<Value>, Failure> {
    let (_, contract) = held(&mount, &id)?;
    let code = mount.head()?.view.leaf(&key::code(contract.code_hash), Code::decode)?;
    let code = code.ok_or_else(|| Failure::ours("a contract's code is absent"))?;
    Ok(Json(json!({ "bytecode": text::encode(Prefix::ContractBytes, &code.code.0) })))
}

/// What is to be tried.
#[derive(Deserialize, ToSchema)]
pub struct Tries {
    txs: Vec<Try>,
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
    amount: Option<u64>,
    gas: Option<u64>,
}

/// Try transactions on the state at the top, one after another; nothing of it stays.
#[utoipa::path(post, path = "/dry-run", tag = "contracts", request_body = Tries, responses((status = 200), (status = 400)))]
pub async fn dry(State(mount): State<Mount>, Body(tries): Body<Tries>) -> Result<Json<Value>, Failure> {
    if tries.txs.len() > TRIES_MAX {
        return Err(Failure::invalid("too_many", format!("{} transactions, limit {TRIES_MAX}", tries.txs.len())));
    }
    let head = mount.head()?;
    let params = mount.ledger().params().clone();
    let txs = tries.txs.iter().map(|one| read(one, params.gas_per_tx_max)).collect::<Result<Vec<_>, _>>()?;
    let gas = txs.iter().map(|tx| banyan_ledger::rules::run_gas(tx).map_or(0, |(gas, _)| gas.0));
    if gas.fold(0, u64::saturating_add) > params.gas_per_block_max.0 {
        return Err(Failure::invalid("gas_too_high", "more gas than one block may use"));
    }
    let (view, height) = (head.view.clone(), head.header.height());
    let copies = txs.clone();
    let run = move || dry_run(&mut Overlay::new(view), &params, &copies);
    let outcomes = tokio::task::spawn_blocking(run).await.map_err(|error| Failure::ours(error.to_string()))?;
    let outcomes = outcomes.map_err(|missing| Failure::ours(missing.to_string()))?;
    let results = txs.into_iter().zip(outcomes).map(|(tx, outcome)| match outcome {
        Ok(receipt) => {
            let kind = kind(&tx);
            let info = info::of(&SignedTx::unsigned_inside(tx), &receipt, height);
            let call = info.and_then(|mut info| info.get_mut("call_info").map(Value::take));
            json!({ "type": kind, "result": "ok", "call_obj": call })
        }
        Err(why) => json!({ "type": kind(&tx), "result": "error", "reason": why.to_string() }),
    });
    Ok(Json(json!({ "results": results.collect::<Vec<_>>() })))
}

/// The public word for a kind that is tried.
const fn kind(tx: &Transaction) -> &'static str {
    match tx {
        Transaction::ContractCreate(_) | Transaction::ContractCreateV2(_) => "contract_create",
        Transaction::ContractCall(_) => "contract_call",
        _ => "transaction",
    }
}

fn read(one: &Try, gas_max: Gas) -> Result<Transaction, Failure> {
    let wrong = |why: String| Failure::invalid("malformed", why);
    if let Some(tx) = &one.tx {
        let bytes = text::decode_as(Prefix::TransactionBytes, tx).map_err(|error| wrong(error.to_string()))?;
        let signed = SignedTx::decode_unsorted(&bytes).map(|signed| signed.transaction().clone());
        return signed.or_else(|_| Transaction::decode(&bytes)).map_err(|error| wrong(error.to_string()));
    }
    let call = one.call_req.as_ref().ok_or_else(|| wrong("neither tx nor call_req".into()))?;
    let caller = call.caller.as_ref().map_or(Ok(AccountId::ZERO), |caller| caller.parse());
    Ok(ContractCall {
        caller_id: caller.map_err(|error| wrong(error.to_string()))?,
        nonce: Nonce(1),
        contract_id: call.contract.parse().map_err(|error: text::TextError| wrong(error.to_string()))?,
        abi_version: FATE.abi(),
        fee: Amount::ZERO,
        ttl: Height(0),
        amount: Amount::new(call.amount.unwrap_or(0).into()).unwrap_or(Amount::MAX),
        gas: Gas(call.gas.unwrap_or(gas_max.0)),
        gas_price: GasPrice(0),
        call_data: text::decode_as(Prefix::ContractBytes, &call.calldata)
            .map(ContractBytes)
            .map_err(|error| wrong(error.to_string()))?,
    }
    .into())
}
