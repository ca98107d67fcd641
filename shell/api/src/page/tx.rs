//! One transaction, decoded for a person: what it says, how sure it is, what it did.

use axum::extract::State;
use banyan_types::{
    Amount, Asset, AssociateId, Payee,
    show::{Fields, Value},
    text::{self, Prefix},
    tx::{SignedTx, Transaction},
};
use maud::{Markup, html};

use super::{Answer, contract, layout, ledger, part};
use crate::{
    LevelReached, TxStatus,
    ask::{self, Part},
    ladder::Standing,
    ledger::Mount,
    v1::transactions,
};

/// Letters of a payload that are shown as text.
const PAYLOAD_LETTERS_MAX: usize = 400;

pub async fn one(State(mount): State<Mount>, Part(hash): Part<String>) -> Answer {
    let hash = ask::tx_hash(&hash)?;
    let status = transactions::status(&mount, hash)?;
    let (tx, receipt) = match Standing::of(&mount, hash)? {
        Standing::Block(found) => (Some(found.tx), Some(found.receipt)),
        Standing::Pool(waiting) => (Some(waiting.tx.into_inner()), None),
        Standing::Dropped(_) | Standing::Unknown => (None, None),
    };
    let run = tx.as_ref().zip(receipt.as_ref()).filter(|(tx, _)| tx.transaction().runs());
    let body = html! {
        section.title {
            p.eyebrow { a href=(ledger::home(&mount)) { (mount.ledger().name()) } " / transaction" }
            h1 { @match &tx { Some(tx) => (sentence(&mount, tx)), None => { "A transaction that is no longer here" } } }
            p { (part::full(&status.hash)) }
        }
        section.card { h2 { "How sure" } div #standing data-live { (standing(&mount, &status)) } }
        @if let Some((tx, receipt)) = run { (contract::run(&mount, tx, receipt)) }
        @if let Some(tx) = &tx { (decoded(&mount, tx)) }
    };
    Ok(layout::page(&mount, &layout::Frame::titled("Transaction").live([&mount]), &body))
}

/// What a transaction does, in one sentence.
pub fn sentence(mount: &Mount, tx: &SignedTx) -> Markup {
    let who = |id| part::account(mount, id);
    match tx.transaction() {
        Transaction::Spend(tx) => {
            html! { (who(tx.sender_id)) " pays " (part::short_amount(tx.amount)) " to " (payee(mount, tx.recipient_id)) }
        }
        Transaction::AssociateCommit(tx) => html! {
            (who(tx.from_id)) " commits " (of_asset(tx.asset, tx.amount)) " into " (child(mount, tx.associate_id))
            @if tx.to_id != tx.from_id { " for " (who(tx.to_id)) }
        },
        Transaction::AssociateWithdraw(tx) => html! {
            (who(tx.from_id)) " takes " (of_asset(tx.asset, tx.amount)) " up to "
            @match mount.parent() { Some(parent) => a href=(parent.base) { (parent.ledger().name()) }, None => "the parent" }
            @if tx.to_id != Payee::Account(tx.from_id) { " for " (payee(mount, tx.to_id)) }
        },
        Transaction::AssociateRemit(tx) => {
            let coins = tx.lines.iter().filter(|line| line.asset == Asset::Coin);
            let total = coins.map(|line| line.amount).try_fold(Amount::ZERO, Amount::plus);
            html! {
                (child(mount, tx.associate_id))
                @if tx.lines.is_empty() { " reports up to its block " (part::grouped(tx.summary.child_to.0.into())) }
                @else { " remits " (part::short_amount(total.unwrap_or(Amount::MAX))) " to " (tx.lines.len()) " account" @if tx.lines.len() != 1 { "s" } }
            }
        }
        Transaction::AssociateCreate(tx) => {
            html! { (who(tx.creator_id)) " registers the ledger " b { (tx.network_id) } }
        }
        Transaction::AssociateUpdate(tx) => html! {
            (who(tx.from_id)) " changes the " (tx.change.word()) " of " (child(mount, tx.associate_id))
        },
        Transaction::AssociateRefund(tx) => html! {
            (who(tx.from_id)) " has commit " (tx.n) " into " (child(mount, tx.associate_id)) " paid back"
        },
        Transaction::AssociateEvidence(tx) => html! {
            (who(tx.from_id)) " reports the authority of " (child(mount, tx.associate_id))
        },
        Transaction::AssociateClose(tx) => html! { (who(tx.from_id)) " closes " (child(mount, tx.associate_id)) },
        Transaction::AssociateEscape(tx) => html! {
            (who(tx.from_id)) " claims what " (payee(mount, tx.account_id)) " had on " (child(mount, tx.associate_id))
        },
        Transaction::Bond(tx) => html! { (who(tx.from_id)) " bonds " (part::short_amount(tx.amount)) },
        Transaction::ContractCall(tx) => {
            let home = ledger::home(mount);
            let id = tx.contract_id.to_string();
            html! {
                (who(tx.caller_id)) " calls " code { (contract::call(mount, tx.contract_id, &tx.call_data)) } " of "
                (part::link(&format!("{home}/contract/{id}"), &id))
                @if !tx.amount.is_zero() { " with " (part::short_amount(tx.amount)) }
            }
        }
        Transaction::GaMeta(meta) => html! { (who(meta.ga_id)) ", by its contract: " (sentence(mount, meta.tx.get())) },
        Transaction::PayingFor(paying) => {
            html! { (who(paying.payer_id)) " pays the fees: " (sentence(mount, paying.tx.get())) }
        }
        Transaction::Unbond(tx) => html! { (who(tx.from_id)) " unbonds " (part::short_amount(tx.amount)) },
        Transaction::Evidence(tx) => html! { (who(tx.from_id)) " reports " (who(tx.staker_id)) },
        Transaction::Renew(tx) => html! { (who(tx.from_id)) " renews its stake" },
        tx => html! { (who(tx.signer())) " " (deed(tx)) },
    }
}

/// What a kind does, after the name of who does it, where a sentence has no further names in it.
const fn deed(tx: &Transaction) -> &'static str {
    match tx {
        Transaction::ContractCreate(_) | Transaction::ContractCreateV2(_) => "makes a contract",
        Transaction::GaAttach(_) => "comes under a contract",
        Transaction::Extend(_) => "pays for an object to live longer",
        Transaction::TokenCreate(_) => "defines a token",
        Transaction::TokenMint(_) => "makes more of a token",
        Transaction::TokenFinalize(_) => "makes no more of a token",
        Transaction::TokenBurn(_) => "destroys some of a token",
        Transaction::TokenTransfer(_) => "sends some of a token",
        Transaction::EntryCreate(_) => "keeps data here",
        Transaction::EntryTransfer(_) => "gives a data entry away",
        Transaction::EntryDestroy(_) => "deletes a data entry",
        Transaction::BlobPost(_) => "posts data",
        Transaction::EngineAct(_) => "speaks to the engine",
        _ => "acts",
    }
}

/// A sum of coins, or so many parts of a token.
fn of_asset(asset: Asset, amount: Amount) -> Markup {
    match asset {
        Asset::Coin => part::short_amount(amount),
        Asset::Token(token) => html! { (part::grouped(amount.base())) " parts of " code { (token) } },
    }
}

fn payee(mount: &Mount, to: Payee) -> Markup {
    match to {
        Payee::Account(id) => part::account(mount, id),
        Payee::Contract(id) => {
            let text = id.to_string();
            part::link(&format!("{}/contract/{text}", ledger::home(mount)), &text)
        }
    }
}

fn child(mount: &Mount, id: AssociateId) -> Markup {
    let text = id.to_string();
    let href = format!("{}/associates/{text}", ledger::home(mount));
    match mount.child(id) {
        Some(child) => html! { a href=(href) { (child.ledger().name()) } },
        None => part::link(&href, &text),
    }
}

/// The rungs that it has climbed, and what comes next.
fn standing(mount: &Mount, status: &TxStatus) -> Markup {
    let word = status.detail.get("word").and_then(|word| word.as_str()).unwrap_or_default();
    html! {
        ol.steps {
            @for LevelReached { level, at_ms, .. } in &status.levels {
                li.done { (part::level(*level)) @if let Some(at) = at_ms { " " (part::age(*at)) } }
            }
            @if status.levels.is_empty() { li.lost { (status.status) } }
            @if let Some(next) = status.expected_next_ms { li.next { "next in about " (part::in_words(next)) } }
        }
        p.muted {
            (status.status) @if !word.is_empty() { " · " (word) }
            @if let Some(block) = &status.block {
                " · in block " a href={ (ledger::home(mount)) "/block/" (block.hash) } { (part::grouped(block.height.into())) }
                @if let Some(position) = status.position { ", place " (position) }
            }
        }
    }
}

fn decoded(mount: &Mount, tx: &SignedTx) -> Markup {
    let transaction = tx.transaction();
    let encoded = text::encode(Prefix::TransactionBytes, tx.bytes());
    html! {
        section.card {
            h2 { "Decoded " span.chip { (transaction.kind()) } }
            (fields(mount, &transaction.fields()))
            @if let Transaction::Spend(spend) = transaction && !spend.payload.0.is_empty() { (payload(&spend.payload.0)) }
        }
        details.card {
            summary { "Signatures and bytes" }
            dl {
                @for signature in tx.signatures() { div { dt { "Signature" } dd { (part::full(&signature.text(Prefix::Signature))) } } }
                div { dt { "Size" } dd { (tx.bytes().len()) " bytes" } }
                div { dt { "Encoded" } dd { (part::full(&encoded)) } }
            }
        }
    }
}

/// The payload as text, where it reads as text.
fn payload(bytes: &[u8]) -> Markup {
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| !text.chars().any(|letter| letter.is_control() && letter != '\n'));
    html! {
        @if let Some(text) = text {
            p.label { "The payload reads" }
            blockquote { (text.chars().take(PAYLOAD_LETTERS_MAX).collect::<String>()) @if text.chars().count() > PAYLOAD_LETTERS_MAX { "…" } }
        }
    }
}

/// Decoded fields, in the order of the encoding.
pub fn fields(mount: &Mount, fields: &Fields) -> Markup {
    html! {
        dl {
            @for (name, value) in fields {
                div { dt { (name.replace('_', " ")) } dd { @if is_unset(name, value) { span.muted { "none" } } @else { (shown(mount, value)) } } }
            }
        }
    }
}

/// Limits for which the wire writes 0.
fn is_unset(name: &str, value: &Value) -> bool {
    *value == Value::Int(0) && ["ttl", "deadline", "remit_limit_heights"].contains(&name)
}

fn shown(mount: &Mount, value: &Value) -> Markup {
    match value {
        Value::Int(int) => html! { (part::grouped(*int)) },
        Value::Coins(amount) => part::amount(*amount),
        Value::Flag(flag) => html! { @if *flag { "yes" } @else { "no" } },
        Value::Text(text) => named(mount, text),
        Value::List(items) if items.is_empty() => html! { span.muted { "none" } },
        Value::List(items) => html! { ul.plain { @for item in items { li { (shown(mount, item)) } } } },
        Value::Record(inner) => html! { div.nested { (fields(mount, inner)) } },
    }
}

/// A text that may name something with a page of its own.
fn named(mount: &Mount, text: &str) -> Markup {
    let home = ledger::home(mount);
    match text.split_once('_').map_or("", |(prefix, _)| prefix) {
        "ak" => part::link(&format!("{home}/account/{text}"), text),
        "ac" => part::link(&format!("{home}/associates/{text}"), text),
        "ct" => part::link(&format!("{home}/contract/{text}"), text),
        "ba" if text.len() <= 12 => html! { span.muted { "empty" } },
        _ if text.len() > 32 => part::name(text),
        _ => html! { (text) },
    }
}
