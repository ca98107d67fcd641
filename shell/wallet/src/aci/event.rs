//! Events: a constructor whose words are topics of the log and whose text is its payload.

use banyan_fate::Value;
use banyan_types::{AccountId, ContractId};
use num_bigint::{BigInt, Sign};

use super::{Constructor, Type, show::show as literal};

/// Bytes of a topic; what is longer is a payload.
const WORD: u32 = 32;

/// The event as a value of its type; `None` if its name, or what it holds, is none of these constructors'.
pub fn show(events: &[Constructor], topics: &[[u8; 32]], payload: &[u8]) -> Option<String> {
    let (name, mut words) = topics.split_first()?;
    let event = events.iter().find(|one| banyan_crypto::blake2b(&[one.name.as_bytes()]) == *name)?;
    let mut arguments = Vec::new();
    for of in &event.arguments {
        arguments.push(if is_payload(of) {
            text(of, payload)?
        } else {
            let (word, rest) = words.split_first()?;
            words = rest;
            of_word(of, word)?
        });
    }
    if !words.is_empty() {
        return None;
    }
    let arguments = arguments.join(", ");
    Some(if event.arguments.is_empty() { event.name.clone() } else { format!("{}({arguments})", event.name) })
}

fn is_payload(of: &Type) -> bool {
    match of {
        Type::String | Type::Bytes(None) => true,
        Type::Bytes(Some(size)) => *size > WORD,
        _ => false,
    }
}

fn text(of: &Type, payload: &[u8]) -> Option<String> {
    let value = if *of == Type::String { Value::string(payload) } else { Value::bytes(payload) };
    literal(&value, of)
}

fn of_word(of: &Type, word: &[u8; 32]) -> Option<String> {
    let number = BigInt::from_bytes_be(Sign::Plus, word);
    match of {
        Type::Address => Some(AccountId(*word).to_string()),
        Type::Contract => Some(ContractId(*word).to_string()),
        Type::Int | Type::Char => literal(&Value::int(number), of),
        Type::Bool => match u8::try_from(&number) {
            Ok(0) => Some("false".into()),
            Ok(1) => Some("true".into()),
            _ => None,
        },
        Type::Bits => literal(&Value::bits(number), of),
        Type::Bytes(Some(size)) => {
            let zeros = word.len().checked_sub(usize::try_from(*size).ok()?)?;
            let (left, bytes) = word.split_at_checked(zeros)?;
            let padded = left.iter().all(|byte| *byte == 0);
            padded.then(|| literal(&Value::bytes(bytes), of))?
        }
        _ => None,
    }
}
