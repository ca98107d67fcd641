//! What a run did, in the public form: the answer to `/transactions/{hash}/info`.

use banyan_ledger::rules;
use banyan_types::{
    AccountId, ContractId, Gas, GasPrice, Height, Id, Log, Nonce, Receipt, Serial, Status,
    text::{self, Prefix},
    tx::{SignedTx, Transaction},
};
use serde_json::{Number, Value, json};

use crate::show::number;

/// What is known of the run of a transaction, or of the one inside it. `None` of a kind that runs nothing.
pub fn of(tx: &SignedTx, receipt: &Receipt, height: Height) -> Option<Value> {
    let transaction = tx.transaction();
    let inside = || {
        let nested = Receipt::decode(&receipt.calls.first()?.0).ok()?;
        of(transaction.inside()?, &nested, height)
    };
    match transaction {
        Transaction::ContractCreate(create) => {
            let contract = made(receipt, create.owner_id, create.nonce);
            Some(json!({ "call_info": call(tx, receipt, height, contract, create.gas_price) }))
        }
        Transaction::ContractCreateV2(create) => {
            let contract = made(receipt, create.owner_id, create.nonce);
            Some(json!({ "call_info": call(tx, receipt, height, contract, create.gas_price) }))
        }
        Transaction::GaAttach(attach) => {
            let contract = made(receipt, attach.owner_id, attach.nonce);
            Some(json!({ "call_info": call(tx, receipt, height, contract, attach.gas_price) }))
        }
        Transaction::ContractCall(made) => {
            Some(json!({ "call_info": call(tx, receipt, height, made.contract_id, made.gas_price) }))
        }
        Transaction::GaMeta(meta) => Some(json!({ "ga_info": {
            "caller_id": meta.ga_id.to_string(),
            "height": height.0,
            "gas_price": number(meta.gas_price.0),
            "gas_used": run_gas(tx, receipt).0,
            "return_value": text::encode(Prefix::ContractBytes, &receipt.returned.0),
            "return_type": word(receipt.status),
            "inner_object": inside(),
        } })),
        Transaction::PayingFor(_) => inside(),
        _ => None,
    }
}

/// The contract that a transaction has made, or would have.
fn made(receipt: &Receipt, owner: AccountId, nonce: Nonce) -> ContractId {
    match receipt.created.first() {
        Some(Id::Contract(id)) => *id,
        _ => ContractId::derive(owner, Serial::Nonce(nonce)),
    }
}

fn call(tx: &SignedTx, receipt: &Receipt, height: Height, contract: ContractId, gas_price: GasPrice) -> Value {
    json!({
        "caller_id": tx.transaction().signer().to_string(),
        "caller_nonce": tx.transaction().nonce().0,
        "height": height.0,
        "contract_id": contract.to_string(),
        "gas_price": number(gas_price.0),
        "gas_used": run_gas(tx, receipt).0,
        "log": receipt.logs.iter().map(log).collect::<Vec<_>>(),
        "return_value": text::encode(Prefix::ContractBytes, &receipt.returned.0),
        "return_type": word(receipt.status),
    })
}

/// Gas of the run alone: a receipt counts also inclusion, and what stood inside.
fn run_gas(tx: &SignedTx, receipt: &Receipt) -> Gas {
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

const fn word(status: Status) -> &'static str {
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
