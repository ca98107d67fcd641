//! What a run did, in the public form: the answer to `/transactions/{hash}/info`.

use banyan_fate::{Value as FateValue, engine::Failure};
use banyan_ledger::{public_text, rules};
use banyan_types::{
    AccountId, ContractId, Gas, Height, Id, Log, Nonce, Receipt, Serial, Status,
    text::{self, Prefix},
    tx::{SignedTx, Transaction},
};
use serde_json::{Number, Value, json};

use crate::show::{number, snake};

/// What is known of the run of a transaction, or of the one inside it. `None` of a kind that runs nothing.
pub fn of(tx: &SignedTx, receipt: &Receipt, height: Height) -> Option<Value> {
    let transaction = tx.transaction();
    match transaction {
        Transaction::GaMeta(meta) => Some(json!({ "ga_info": {
            "caller_id": meta.ga_id.to_string(),
            "height": height.0,
            "gas_price": number(meta.gas_price.0),
            "gas_used": run_gas(tx, receipt).0,
            // Nothing without agreement comes into a block.
            "return_value": text::encode(Prefix::ContractBytes, &FateValue::Bool(true).encode()),
            "return_type": if receipt.calls.is_empty() { "error" } else { "ok" },
            "inner_object": inside(transaction, receipt, height),
        } })),
        Transaction::PayingFor(_) => {
            let nested = nested(receipt)?;
            of(transaction.inside()?, &nested, height)
        }
        _ => {
            let call = call_info(tx, receipt, height, None)?;
            Some(json!({ "call_info": call }))
        }
    }
}

/// The run of a transaction that makes or calls a contract. `failure` is why a run that is only tried has failed: the ledger
/// itself keeps no text of that.
pub fn call_info(tx: &SignedTx, receipt: &Receipt, height: Height, failure: Option<&Failure>) -> Option<Value> {
    let (contract, gas_price) = match tx.transaction() {
        Transaction::ContractCreate(create) => (made(receipt, create.owner_id, create.nonce), create.gas_price),
        Transaction::ContractCreateV2(create) => (made(receipt, create.owner_id, create.nonce), create.gas_price),
        Transaction::GaAttach(attach) => (made(receipt, attach.owner_id, attach.nonce), attach.gas_price),
        Transaction::ContractCall(call) => (call.contract_id, call.gas_price),
        _ => return None,
    };
    let returned = failure.map_or_else(|| receipt.returned.0.clone(), |failure| public_text(failure).into_bytes());
    Some(json!({
        "caller_id": tx.transaction().signer().to_string(),
        "caller_nonce": tx.transaction().nonce().0,
        "height": height.0,
        "contract_id": contract.to_string(),
        "gas_price": number(gas_price.0),
        "gas_used": run_gas(tx, receipt).0,
        // The public node lists the newest event first.
        "log": receipt.logs.iter().rev().map(log).collect::<Vec<_>>(),
        "return_value": text::encode(Prefix::ContractBytes, &returned),
        "return_type": word(receipt.status),
    }))
}

pub fn nested(receipt: &Receipt) -> Option<Receipt> {
    Receipt::decode(&receipt.calls.first()?.0).ok()
}

/// What came of the transaction inside: its run, or where it runs nothing or has failed, its kind.
fn inside(tx: &Transaction, receipt: &Receipt, height: Height) -> Value {
    let Some(inside) = tx.inside() else { return Value::Null };
    let info = nested(receipt).and_then(|nested| of(inside, &nested, height));
    info.unwrap_or_else(|| json!({ "tx_info": snake(inside.transaction().kind()) }))
}

/// The contract that a transaction has made, or would have.
fn made(receipt: &Receipt, owner: AccountId, nonce: Nonce) -> ContractId {
    match receipt.created.first() {
        Some(Id::Contract(id)) => *id,
        _ => ContractId::derive(owner, Serial::Nonce(nonce)),
    }
}

/// Gas of the run alone: a receipt counts also inclusion, and what stood inside.
pub fn run_gas(tx: &SignedTx, receipt: &Receipt) -> Gas {
    let inside =
        receipt.calls.first().and_then(|call| Receipt::decode(&call.0).ok()).map_or(0, |nested| nested.gas_used.0);
    let own = rules::intrinsic_gas(tx.transaction(), tx.unsigned_len()).unwrap_or(Gas(0)).0;
    Gas(receipt.gas_used.0.saturating_sub(own).saturating_sub(inside))
}

fn log(log: &Log) -> Value {
    json!({
        "address": log.contract.to_string(),
        "topics": log.topics.iter().map(|topic| integer(&topic.0)).collect::<Vec<_>>(),
        "data": text::encode(Prefix::ContractBytes, &log.data.0),
    })
}

pub const fn word(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Error => "error",
        Status::Revert => "revert",
    }
}

/// Bytes as a big-endian number of any size.
fn integer(bytes: &[u8]) -> Value {
    let mut digits = vec![0u8];
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            let sum = u32::from(*digit) * 256 + carry;
            *digit = u8::try_from(sum % 10).unwrap_or(0);
            carry = sum / 10;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 10).unwrap_or(0));
            carry /= 10;
        }
    }
    let text: String = digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
    text.parse::<Number>().map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_whole_numbers() {
        let rows = [
            (vec![], "0"),
            (vec![0, 0], "0"),
            (vec![1, 0], "256"),
            (vec![0xff; 32], "115792089237316195423570985008687907853269984665640564039457584007913129639935"),
        ];
        for (bytes, digits) in rows {
            assert_eq!(integer(&bytes).to_string(), digits);
        }
    }
}
