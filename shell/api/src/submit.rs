//! Take transactions from outside: parse, give to the node, and say of each what became of it.

use axum::http::StatusCode;
use banyan_ledger::{Fault, Rejected, Verified};
use banyan_node::SubmitError;
use banyan_types::{
    Amount, TxHash,
    text::{self, Prefix},
    tx::SignedTx,
};
use serde_json::{Value, json};

use crate::{Failure, ledger::Mount};

/// The answer to one transaction.
pub(crate) type Taken = Result<TxHash, Failure>;

/// Give `texts` to the node, each a `tx_`. Those answered with a hash are on disk when this returns.
pub(crate) async fn submit(mount: &Mount, texts: &[String]) -> Result<Vec<Taken>, Failure> {
    let parsed: Vec<_> = texts.iter().map(|text| parse(text)).collect();
    let good: Vec<_> = parsed.iter().flatten().cloned().collect();
    let mut answers = mount.ledger().handle.submit(good).await?.into_iter();
    let answer = |parsed: Result<SignedTx, Failure>| {
        let tx = parsed?;
        let answer = answers.next().ok_or_else(|| Failure::ours("the node left a transaction without an answer"))?;
        answer.map_err(|error| refused(mount, &tx, &error))
    };
    Ok(parsed.into_iter().map(answer).collect())
}

pub(crate) fn parse(text: &str) -> Result<SignedTx, Failure> {
    let bytes = text::decode_as(Prefix::TransactionBytes, text)?;
    SignedTx::decode_unsorted(&bytes).map_err(|error| of_submit(&Rejected::from(error).into()))
}

pub(crate) fn refused(mount: &Mount, tx: &SignedTx, error: &SubmitError) -> Failure {
    let bad_signature = matches!(error, SubmitError::Rejected(Rejected::BadSignature));
    match bad_signature.then(|| signed_for(mount, tx)).flatten() {
        Some(other) => wrong_network(&mount.ledger().params().network_id, &other),
        None => of_submit(error),
    }
}

/// The network id of another ledger of this process under which the signature verifies: a signature does not say what it
/// was made for, so trying is the only way to tell a wrong network from a wrong key.
fn signed_for(mount: &Mount, tx: &SignedTx) -> Option<String> {
    let ids = mount.all().map(|other| other.ledger().params().network_id.clone());
    ids.into_iter().find(|id| Verified::check(tx.clone(), id).is_ok())
}

fn wrong_network(expected: &str, signed_for: &str) -> Failure {
    let message = format!("signed for the ledger {signed_for}, but this one is {expected}");
    Failure::invalid("wrong_network", message)
        .with(json!({ "expected": expected, "got": signed_for }))
        .reason("Invalid tx")
        .hint("sign it for this ledger's network id, or send it to the ledger that it was signed for")
}

/// A node's refusal as an error of the surface.
pub(crate) fn of_submit(error: &SubmitError) -> Failure {
    let status = match (error, error.fault()) {
        (SubmitError::Rejected(Rejected::Decode(_)), _) | (_, Fault::Invalid) => StatusCode::BAD_REQUEST,
        (SubmitError::PoolFull, _) => StatusCode::SERVICE_UNAVAILABLE,
        (SubmitError::AccountFull { .. }, _) => StatusCode::TOO_MANY_REQUESTS,
        (_, Fault::Early) => StatusCode::CONFLICT,
        (_, Fault::Ours) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let failure =
        Failure::new(error.fault(), status, error.code(), error.to_string()).with(details(error)).reason("Invalid tx");
    match hint(error) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn base(amount: Amount) -> String {
    amount.base().to_string()
}

fn details(error: &SubmitError) -> Value {
    match error {
        SubmitError::Rejected(why) => details_of_rule(why),
        SubmitError::TooFarAhead { next, got, ahead } => json!({ "next": next.0, "got": got.0, "ahead": ahead }),
        SubmitError::AccountFull { max } => json!({ "max": max }),
        SubmitError::Unfunded { balance, needed } => json!({ "balance": base(*balance), "needed": base(*needed) }),
        SubmitError::Underpriced { needed, got } => json!({ "needed": base(*needed), "got": base(*got) }),
        SubmitError::PoolFull | SubmitError::Ours(_) => Value::Null,
    }
}

fn details_of_rule(why: &Rejected) -> Value {
    match why {
        Rejected::NonceUsed { expected, got } | Rejected::NonceEarly { expected, got } => {
            json!({ "expected": expected.0, "got": got.0 })
        }
        Rejected::Funds { balance, needed } => json!({ "balance": base(*balance), "needed": base(*needed) }),
        Rejected::FeeTooLow { needed, got } => json!({ "needed": base(*needed), "got": base(*got) }),
        Rejected::GasTooHigh { max, got } => json!({ "max": max.0, "got": got.0 }),
        Rejected::PayloadTooLarge { max, got } => json!({ "max": max, "got": got }),
        Rejected::TtlExpired { ttl, height } => json!({ "ttl": ttl.0, "height": height.0 }),
        Rejected::NoAccount { account } => json!({ "account": account.to_string() }),
        Rejected::Escrow { escrow, total } => json!({ "escrow": base(*escrow), "total": base(*total) }),
        _ => Value::Null,
    }
}

fn hint(error: &SubmitError) -> Option<&'static str> {
    Some(match error {
        SubmitError::Rejected(Rejected::NonceUsed { .. }) | SubmitError::TooFarAhead { .. } => {
            "ask next_nonce of the account, sign again"
        }
        SubmitError::Rejected(Rejected::Funds { .. } | Rejected::NoAccount { .. }) | SubmitError::Unfunded { .. } => {
            "bring coins to this account on this ledger, or send less"
        }
        SubmitError::Rejected(Rejected::FeeTooLow { .. }) | SubmitError::Underpriced { .. } => "offer the fee needed",
        SubmitError::Rejected(Rejected::TtlExpired { .. }) => "sign again with a later ttl",
        SubmitError::Rejected(Rejected::BadSignature) => "sign with the sender's key for this ledger's network id",
        SubmitError::AccountFull { .. } | SubmitError::PoolFull => "wait until waiting transactions are in blocks",
        _ => return None,
    })
}
