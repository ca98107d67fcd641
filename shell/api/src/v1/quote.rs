//! What a transaction would cost and do, before it is signed.

use axum::{Json, extract::State};
use banyan_ledger::{
    Event, Missing, Overlay, Params, Rejected, State as Leaves, Tried, account, extension_rent, public_text, rules,
    try_alone,
};
use banyan_node::SubmitError;
use banyan_store::{Order, View};
use banyan_types::{
    AccountId, Amount, ContractId, Gas, Height, Status,
    text::{self, Prefix},
    tx::{SignedTx, Transaction},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Answer, blocks};
use crate::{At, ErrorObject, Failure, Tx, answer::units, ask::Body, ledger::Mount, show, submit};

/// Newest blocks that the odds are taken from.
const ODDS_BLOCKS: usize = 200;
/// A block with so many hundredths of its gas used counts as full.
const FULL_PERCENT: u64 = 90;

/// What is asked about.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct QuoteRequest {
    /// `tx_`, signed or not. Neither signatures nor the nonce are looked at.
    pub tx: String,
}

/// Gas and what it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cost {
    /// Gas.
    pub gas: u64,
    /// Its price, in units.
    pub amount: String,
}

/// The full charge, part by part: the parts sum to `total`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Charge {
    /// For a place in a block: kind, bytes, lines, signatures; of all that stands inside too.
    pub inclusion: Cost,
    /// For what it keeps on the ledger, over its whole lifetime.
    pub storage: Cost,
    /// For the run, as it went in the trial.
    pub execution: Cost,
    /// The ledger's share of proving, in units: none where no proof is asked for.
    pub proving: String,
    /// What is offered beyond the least fee, in units.
    pub tip: String,
    /// All of it, in units.
    pub total: String,
    /// The most that it can be: the whole gas of the run used.
    pub total_max: String,
}

/// Fees that would have been enough, in so many of a hundred recent blocks, to be in the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeeOdds {
    /// In half of them.
    pub p50: String,
    /// In nine of ten.
    pub p90: String,
    /// In ninety-nine.
    pub p99: String,
}

/// How the trial ended.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Trial {
    /// `ok`, `revert`, `error`, or `refused`: then no block takes it, and it costs nothing.
    pub result: String,
    /// What the run returned or said, `cb_`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_value: Option<String>,
    /// Why it failed, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which rule refuses it, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorObject>,
}

/// An account before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// `ak_`; of a contract `ct_`.
    pub account: String,
    /// What it holds, in units.
    pub before: String,
    /// What it would hold, in units.
    pub after: String,
}

/// What a transaction would cost and do on the newest state.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Quote {
    /// The state that it was tried on.
    pub at: At,
    /// The transaction, decoded.
    pub tx: Tx,
    /// The least fee that the ledger takes for it.
    pub minimum_fee: String,
    /// What it would pay.
    pub charge: Charge,
    /// What to offer for which odds.
    pub fees: FeeOdds,
    /// How the trial ended.
    pub trial: Trial,
    /// Balances that change.
    pub changes: Vec<Change>,
    /// What happened, in order.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<Map<String, Value>>,
}

/// What a transaction would cost and do now: the whole charge, the balances that change, the fee for which odds.
#[utoipa::path(post, path = "/quote", tag = "transactions", request_body = QuoteRequest,
    responses((status = 200, body = Quote), (status = 400)))]
pub(crate) async fn post(State(mount): State<Mount>, Body(asked): Body<QuoteRequest>) -> Answer<Quote> {
    let tx = read(&asked.tx)?;
    let quoted = tokio::task::spawn_blocking(move || quote(&mount, &tx)).await;
    Ok(Json(quoted.map_err(|error| Failure::ours(error.to_string()))??))
}

/// A transaction as the wire has it, signed or not.
fn read(text: &str) -> Result<SignedTx, Failure> {
    let bytes = text::decode_as(Prefix::TransactionBytes, text)?;
    let signed = SignedTx::decode_unsorted(&bytes);
    let plain = || Transaction::decode(&bytes).map(SignedTx::unsigned_inside);
    signed.or_else(|_| plain()).map_err(|error| Failure::invalid("malformed", error.to_string()))
}

fn quote(mount: &Mount, tx: &SignedTx) -> Result<Quote, Failure> {
    let (head, params) = (mount.head()?, mount.ledger().params());
    let transaction = tx.transaction();
    let mut state = Overlay::new(head.view.clone());
    let tried = try_alone(&mut state, params, transaction).map_err(ours)?;
    let price = Priced::of(params, &head.view, head.header.height(), tx)?;
    let charge = price.charge(params, transaction, tried.as_ref().ok())?;
    let (changes, events) = match &tried {
        Ok(tried) => (changes(&head.view, &mut state, tried)?, tried.events.iter().map(show::event).collect()),
        Err(_) => (vec![], vec![]),
    };
    Ok(Quote {
        at: At::of(&head.header, head.hash),
        tx: blocks::tx(tx),
        minimum_fee: units(price.least),
        charge,
        fees: odds(mount, price.least, price.gas_max)?,
        trial: trial(tried),
        changes,
        events,
    })
}

/// What is known of a transaction's price before it runs.
struct Priced {
    inclusion: Gas,
    storage: Gas,
    least: Amount,
    /// All gas that it may take of a block.
    gas_max: Gas,
}

impl Priced {
    fn of(params: &Params, view: &View, height: Height, tx: &SignedTx) -> Result<Self, Failure> {
        let layers = std::iter::successors(Some(tx), |layer| layer.transaction().inside());
        let (mut inclusion, mut storage, mut runs) = (0_u64, 0_u64, 0_u64);
        for layer in layers {
            let transaction = layer.transaction();
            let own = rules::intrinsic_gas(transaction, layer.unsigned_len()).ok_or_else(too_large)?;
            inclusion = inclusion.saturating_add(own.0);
            storage = storage.saturating_add(rent(params, view, height, transaction)?.0);
            runs = runs.saturating_add(rules::run_gas(transaction).map_or(0, |(gas, _)| gas.0));
        }
        let (inclusion, storage) = (Gas(inclusion), Gas(storage));
        let least = inclusion.plus(storage.0).and_then(|gas| params.price(gas)).ok_or_else(too_large)?;
        Ok(Self { inclusion, storage, least, gas_max: Gas(inclusion.0.saturating_add(runs)) })
    }

    fn charge(&self, params: &Params, tx: &Transaction, tried: Option<&Tried>) -> Result<Charge, Failure> {
        let fees = rules::fees_offered(tx).ok_or_else(too_large)?;
        // Of what fails inside another, the fee is not taken either: what was charged stands in the events.
        let total = tried.map_or(Some(fees), charged).ok_or_else(too_large)?;
        let gas = tried.map_or(0, |tried| tried.receipt.gas_used.0.saturating_sub(self.inclusion.0));
        let price = |gas| params.price(gas).ok_or_else(too_large);
        Ok(Charge {
            inclusion: Cost { gas: self.inclusion.0, amount: units(price(self.inclusion)?) },
            storage: Cost { gas: self.storage.0, amount: units(price(self.storage)?) },
            execution: Cost { gas, amount: units(total.minus(fees).unwrap_or(Amount::ZERO)) },
            proving: units(Amount::ZERO),
            tip: units(fees.minus(self.least).unwrap_or(Amount::ZERO)),
            total: units(total),
            total_max: units(rules::fees_through(tx).ok_or_else(too_large)?),
        })
    }
}

/// Fees and runs that a trial has paid. `None` above the supply.
fn charged(tried: &Tried) -> Option<Amount> {
    let charges = tried.events.iter().filter_map(|event| match event {
        Event::Charged { amount, .. } => Some(*amount),
        _ => None,
    });
    charges.into_iter().try_fold(Amount::ZERO, Amount::plus)
}

fn too_large() -> Failure {
    Failure::invalid("overflow", "the sums of this transaction are larger than the supply")
}

/// Gas for what stays on the ledger.
fn rent(params: &Params, view: &View, height: Height, tx: &Transaction) -> Result<Gas, Failure> {
    let rent = match tx {
        Transaction::Extend(extend) => {
            let rent = extension_rent(&mut Overlay::new(view.clone()), params, height, extend);
            rent.map_err(ours)?.unwrap_or(Gas(0))
        }
        _ => rules::rent_gas(params, tx, height).ok_or_else(too_large)?,
    };
    Ok(rent)
}

fn trial(tried: Result<Tried, Rejected>) -> Trial {
    match tried {
        Ok(Tried { receipt, failure, .. }) => {
            let result = match receipt.status {
                Status::Ok => "ok",
                Status::Revert => "revert",
                Status::Error => "error",
            };
            let returned = &receipt.returned.0;
            let return_value = (!returned.is_empty()).then(|| text::encode(Prefix::ContractBytes, returned));
            let reason = failure.as_ref().map(public_text);
            Trial { result: result.into(), return_value, reason, error: None }
        }
        Err(why) => {
            let reason = Some(why.to_string());
            let error = Some(submit::of_submit(&SubmitError::Rejected(why)).object(""));
            Trial { result: "refused".into(), return_value: None, reason, error }
        }
    }
}

/// Every account that the trial speaks of and whose balance is another after it.
fn changes(view: &View, after: &mut impl Leaves, tried: &Tried) -> Result<Vec<Change>, Failure> {
    let mut before = Overlay::new(view.clone());
    let mut accounts: Vec<_> = tried.events.iter().flat_map(Event::accounts).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let mut changes = Vec::new();
    for id in accounts {
        let (was, is) = (balance(&mut before, id)?, balance(after, id)?);
        if was != is {
            changes.push(Change { account: name(after, id)?, before: units(was), after: units(is) });
        }
    }
    Ok(changes)
}

fn balance(state: &mut impl Leaves, id: AccountId) -> Result<Amount, Failure> {
    Ok(account(state, id).map_err(ours)?.map_or(Amount::ZERO, |account| account.balance))
}

/// A contract's account goes by the contract's name.
fn name(state: &mut impl Leaves, id: AccountId) -> Result<String, Failure> {
    let contract = ContractId(id.0);
    let is_contract = banyan_ledger::contract(state, contract).map_err(ours)?.is_some();
    Ok(if is_contract { contract.to_string() } else { id.to_string() })
}

#[allow(clippy::needless_pass_by_value)] // an error's way
fn ours(missing: Missing) -> Failure {
    Failure::ours(missing.to_string())
}

/// Fees that would have brought a transaction of `gas` into the next block, by what recent blocks asked and what waits now.
fn odds(mount: &Mount, least: Amount, gas: Gas) -> Result<FeeOdds, Failure> {
    let mut asked = asked_prices(mount)?;
    asked.sort_unstable();
    let queue = queue_price(mount);
    let fee = |percent: usize| {
        let place = (asked.len() * percent).div_ceil(100).saturating_sub(1);
        let price = asked.get(place).copied().unwrap_or(0).max(queue);
        let fee = price.checked_mul(u128::from(gas.0)).and_then(Amount::new).unwrap_or(Amount::MAX);
        units(fee.max(least))
    };
    Ok(FeeOdds { p50: fee(50), p90: fee(90), p99: fee(99) })
}

/// For each recent block the price of gas that was not enough for it: nothing where it had room.
fn asked_prices(mount: &Mount) -> Result<Vec<u128>, Failure> {
    let (chain, head, params) = (mount.chain(), mount.head()?, mount.ledger().params());
    let full = params.gas_per_block_max.0.saturating_mul(FULL_PERCENT) / 100;
    let mut prices = Vec::new();
    for (_, hash) in chain.main_from(head.header.place(), Order::Descending, ODDS_BLOCKS)? {
        let used = chain.receipts(hash)?.iter().fold(0_u64, |sum, receipt| sum.saturating_add(receipt.gas_used.0));
        if used < full {
            prices.push(0);
            continue;
        }
        let block = blocks::known(mount, hash)?;
        let bid = |tx: &SignedTx| banyan_node::bid(params, block.header.height(), tx).ok();
        prices.push(block.txs.iter().filter_map(bid).min().map_or(0, |(_, price)| price.saturating_add(1)));
    }
    Ok(prices)
}

/// The price of gas that beats what waits beyond one block: nothing where all of it fits.
fn queue_price(mount: &Mount) -> u128 {
    let room = mount.ledger().params().gas_per_block_max.0;
    mount.ledger().handle.pool(|pool| {
        let mut left = room;
        let beyond = pool.iter().filter(|waiting| !waiting.included).find(|waiting| {
            let fits = left.checked_sub(waiting.gas.0);
            left = fits.unwrap_or(0);
            fits.is_none()
        });
        beyond.map_or(0, |waiting| waiting.price.saturating_add(1))
    })
}
