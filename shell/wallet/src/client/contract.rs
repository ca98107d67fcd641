//! Contracts: what the state proves of them, what a run would do, what a run has done.

use banyan_fate::{BadCode, Loaded, Value as Fate, code, value::decode};
use banyan_ledger::{
    Changes, Code, Contract, Fault, MapState, Overlay, Params, Source, Tombstone, extension_rent, key,
    rules::intrinsic_gas,
};
use banyan_types::{
    AccountId, Amount, CodeObject, ContractId, Gas, Hash, Height, Nonce, Receipt, Target, TxHash,
    text::{self, Prefix},
    tx::{Extend, Transaction},
};
use num_bigint::BigUint;
use serde::Deserialize;
use serde_json::{Number, Value, json};

use super::{Client, ClientError, Refusal, Result, When};
use crate::light::Proven;

/// What a caller of a trial is credited, so that no trial fails for want of coins; the node cuts it to what there can be.
const CREDIT: &str = "100000000000000000000000000000000000";

/// What a state has where a contract could be.
#[derive(Debug)]
pub enum Found {
    /// It is there.
    Here(Box<Kept>),
    /// It was, up to this height, and has been taken away.
    Gone(Height),
    /// It never was, or so long ago that nothing tells of it.
    Never,
}

/// A contract with its code and, if it is visible, its source: every word of it proven.
#[derive(Debug)]
pub struct Kept {
    /// Which.
    pub id: ContractId,
    /// What the ledger keeps of it.
    pub contract: Contract,
    /// Its code object.
    pub code: Vec<u8>,
    /// Its source.
    pub source: Option<Vec<u8>>,
    /// What it holds.
    pub balance: Amount,
    /// After which height this is so.
    pub height: Height,
    leaves: Changes,
}

impl Kept {
    /// The code, as the machine loads it.
    /// # Errors
    /// Any [`BadCode`]; no ledger keeps such code.
    pub fn load(&self) -> core::result::Result<Loaded, BadCode> {
        code::load(&self.code)
    }

    /// Whether its last height has passed.
    pub fn is_expired(&self) -> bool {
        self.contract.expiry < self.height
    }

    /// Gas that so many more heights cost beside the transaction's own, by the ledger's rule on what was proven. `None` on
    /// overflow.
    pub fn rent(&self, params: &Params, heights: u64) -> Option<Gas> {
        // Who pays, and how, has no part in it.
        let (sender_id, target_id) = (AccountId([0; 32]), Target::Contract(self.id));
        let extend = Extend { sender_id, target_id, heights, ttl: Height(0), fee: Amount::ZERO, nonce: Nonce(0) };
        let mut state = MapState::default();
        state.commit(&self.leaves);
        extension_rent(&mut Overlay::new(state), params, self.height, &extend).ok().flatten()
    }
}

/// How a run ended, and what it did.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Whether it is done, stopped by the contract, or by the machine.
    pub ended: Ended,
    /// The encoded result, or the text of a revert or an error.
    pub returned: Vec<u8>,
    /// Gas of the run alone.
    pub gas_used: Gas,
    /// Its events, the first one first.
    pub events: Vec<Emitted>,
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Done.
    Ok,
    /// Stopped by the contract itself.
    Revert,
    /// Stopped by the machine.
    Error,
}

impl Ended {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Revert => "revert",
            Self::Error => "error",
        }
    }
}

/// An event as it stands in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitted {
    /// The contract that emitted it.
    pub contract: ContractId,
    /// The hash of its name, then its words.
    pub topics: Vec<[u8; 32]>,
    /// Its text.
    pub payload: Vec<u8>,
}

impl Ran {
    /// The value that it returned.
    pub fn value(&self) -> Option<Fate> {
        decode::decode(&self.returned, decode::Door::Outside).ok()
    }

    /// The text of a revert, which is a value, or of an error, which is not.
    pub fn text(&self) -> Vec<u8> {
        let reverted = || self.value().and_then(|value| value.as_string().map(<[u8]>::to_vec));
        match self.ended {
            Ended::Revert => reverted().unwrap_or_else(|| self.returned.clone()),
            Ended::Ok | Ended::Error => self.returned.clone(),
        }
    }
}

#[derive(Deserialize)]
struct DryAnswer {
    results: Vec<DryItem>,
}

#[derive(Deserialize)]
struct DryItem {
    result: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    call_obj: Option<CallObject>,
}

/// A run as `/v3` tells it.
#[derive(Deserialize)]
struct CallObject {
    gas_used: u64,
    return_type: Ended,
    return_value: String,
    log: Vec<CallLog>,
}

#[derive(Deserialize)]
struct CallLog {
    address: String,
    topics: Vec<Number>,
    data: String,
}

impl CallObject {
    fn read(&self) -> Option<Ran> {
        let bytes = |text: &str| text::decode_as(Prefix::ContractBytes, text).ok();
        let one = |log: &CallLog| {
            let topics = log.topics.iter().map(word).collect::<Option<_>>()?;
            Some(Emitted { contract: log.address.parse().ok()?, topics, payload: bytes(&log.data)? })
        };
        // There the newest event stands first.
        let events = self.log.iter().rev().map(one).collect::<Option<_>>()?;
        let (ended, gas_used) = (self.return_type, Gas(self.gas_used));
        Some(Ran { ended, returned: bytes(&self.return_value)?, gas_used, events })
    }
}

/// A number of at most 32 bytes.
fn word(number: &Number) -> Option<[u8; 32]> {
    let bytes = BigUint::parse_bytes(number.to_string().as_bytes(), 10)?.to_bytes_be();
    let mut word = [0; 32];
    word.get_mut(32_usize.checked_sub(bytes.len())?..)?.copy_from_slice(&bytes);
    Some(word)
}

/// What a transaction did, as `/banyan/v1` tells it.
#[derive(Debug, Clone, Deserialize)]
pub struct ReceiptAnswer {
    /// How it ended.
    pub status: Ended,
    /// Gas counted to the block.
    pub gas_used: u64,
    /// What a call returned: `ba_…`.
    pub returned: String,
    /// Events: `{contract, topics, data}`.
    pub logs: Vec<LogAnswer>,
    /// Receipts of what stood inside: `ba_…`.
    #[serde(default)]
    pub calls: Vec<String>,
}

/// An event of a receipt.
#[derive(Debug, Clone, Deserialize)]
pub struct LogAnswer {
    contract: String,
    topics: Vec<String>,
    data: String,
}

impl ReceiptAnswer {
    /// The run of `tx`, whose receipt this is; `None` if a text does not decode.
    pub fn ran(&self, tx: &Transaction) -> Option<Ran> {
        let intrinsic = intrinsic_gas(tx, tx.encode().len())?;
        let gas_used = Gas(self.gas_used.saturating_sub(intrinsic.0));
        Some(Ran { ended: self.status, returned: unpacked(&self.returned)?, gas_used, events: self.own_events()? })
    }

    /// Every event, also of transactions inside; `None` if a text does not decode.
    pub fn events(&self) -> Option<Vec<Emitted>> {
        let mut events = self.own_events()?;
        let mut open: Vec<Vec<u8>> = self.calls.iter().map(|call| unpacked(call)).collect::<Option<_>>()?;
        while let Some(call) = open.pop() {
            let receipt = Receipt::decode(&call).ok()?;
            open.extend(receipt.calls.into_iter().map(|call| call.0));
            for log in receipt.logs {
                let topics =
                    log.topics.iter().map(|topic| topic.0.as_slice().try_into().ok()).collect::<Option<_>>()?;
                events.push(Emitted { contract: log.contract, topics, payload: log.data.0 });
            }
        }
        Some(events)
    }

    fn own_events(&self) -> Option<Vec<Emitted>> {
        let one = |log: &LogAnswer| {
            let topics = log.topics.iter().map(|topic| unpacked(topic)?.try_into().ok()).collect::<Option<_>>()?;
            Some(Emitted { contract: log.contract.parse().ok()?, topics, payload: unpacked(&log.data)? })
        };
        self.logs.iter().map(one).collect()
    }
}

fn unpacked(text: &str) -> Option<Vec<u8>> {
    text::decode_as(Prefix::Bytes, text).ok()
}

impl Client {
    /// A contract with all that belongs to it, proven after the newest block.
    /// # Errors
    /// Any [`ClientError`] but `Address`.
    pub fn contract(&self, id: ContractId) -> Result<Found> {
        let account = Contract::account(id);
        let keys = [key::contract(id), key::account(account), key::tombstone(id.into()), key::supply(), key::parent()];
        let proven = self.prove(&keys, When::Top)?;
        let Some(contract) = proven.contract(id)? else {
            let stone: Option<Tombstone> = proven.tombstone(id.into())?;
            return Ok(stone.map_or(Found::Never, |stone| Found::Gone(stone.height)));
        };
        // Named by their hashes: whatever height they are read at, they are what the contract names.
        let named = [key::code(contract.code_hash), key::source(contract.source_hash)];
        let wanted = if contract.visible { &named[..] } else { &named[..1] };
        let texts = self.prove(wanted, When::Top)?;
        let code: Code = texts.code(contract.code_hash)?.ok_or_else(|| self.unreadable("a contract without code"))?;
        let source: Option<Source> = if contract.visible { texts.source(contract.source_hash)? } else { None };
        let hash = CodeObject::hash_of(&code.code.0);
        if hash != contract.code_hash {
            return Err(self.unreadable("code of another hash than the contract's"));
        }
        let leaves = [&proven, &texts].into_iter().flat_map(Proven::leaves);
        Ok(Found::Here(Box::new(Kept {
            id,
            code: code.code.0,
            source: source.map(|source| source.source.0),
            balance: proven.balance(account)?,
            height: proven.header().height(),
            leaves: leaves.map(|(key, value)| (*key, value.map(<[u8]>::to_vec))).collect(),
            contract,
        })))
    }

    /// What a transaction that makes or calls a contract would do now. Nobody signs it, and nothing of it stays.
    /// # Errors
    /// As [`Self::get`]; `Refused` with the node's reason where a rule refuses the transaction.
    pub fn dry_run(&self, tx: &Transaction, caller: AccountId) -> Result<Ran> {
        let body = json!({
            "accounts": [{ "pub_key": caller.to_string(), "amount": CREDIT }],
            "txs": [{ "tx": text::encode(Prefix::TransactionBytes, &tx.encode()) }],
        });
        let answer: DryAnswer = self.post("/v3/dry-run", &body)?;
        let item = answer.results.into_iter().next().ok_or_else(|| self.unreadable("no result of the trial"))?;
        match (item.result.as_str(), item.call_obj) {
            ("ok", Some(call)) => call.read().ok_or_else(|| self.unreadable("a text of the trial does not decode")),
            (_, None) => Err(ClientError::Refused(Box::new(refused(item.reason)))),
            _ => Err(self.unreadable("neither a result nor a reason of the trial")),
        }
    }

    /// What a transaction of this hash has done; `None` if it is on no block.
    /// # Errors
    /// As [`Self::get`].
    pub fn receipt(&self, hash: TxHash) -> Result<Option<ReceiptAnswer>> {
        let receipt = self.transaction(hash)?.and_then(|status| status.receipt);
        receipt.map(serde_json::from_value).transpose().map_err(|error| self.unreadable(&error.to_string()))
    }
}

/// Why a rule refuses a trial.
fn refused(reason: Option<String>) -> Refusal {
    let message = reason.unwrap_or_else(|| "the node says no and does not say why".into());
    Refusal {
        status: 400,
        owner: Fault::Invalid,
        code: "refused_trial".into(),
        message: super::error::said(&message),
        details: Value::Null,
        hint: None,
        retry_after_ms: None,
    }
}

/// The name of code: Blake2b-256 of its object.
pub fn code_hash(code: &[u8]) -> Hash {
    CodeObject::hash_of(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the public node answers. Source: node 7.1.
    const OK: &str = r#"{"caller_id":"ak_21SBPc3yHP7bpQDvD1KMKzZZEgLtSXpDsK97LTjVwjiskra6Ka","caller_nonce":3,"height":148,
        "contract_id":"ct_BsLmJdNkzKkjmTpwpdMvd8H3PCc4CqGLGFLtnkxYuMm63e21b","gas_price":1000000000,"gas_used":1500,
        "log":[{"address":"ct_BsLmJdNkzKkjmTpwpdMvd8H3PCc4CqGLGFLtnkxYuMm63e21b",
        "topics":[40134930430620311537121564824367085481588650267557690081255400792610842921609],"data":"cb_Y291bnRlZLsOy7o="},
        {"address":"ct_BsLmJdNkzKkjmTpwpdMvd8H3PCc4CqGLGFLtnkxYuMm63e21b",
        "topics":[6953274231873419767535139365930337791183788751537898882271674212161460748243,2],"data":"cb_Xfbg4g=="}],
        "return_value":"cb_BCFOY78=","return_type":"ok"}"#;

    #[test]
    fn a_trial_is_read_with_its_events_in_order() {
        let ran = serde_json::from_str::<CallObject>(OK).unwrap().read().unwrap();
        assert_eq!((ran.ended, ran.gas_used), (Ended::Ok, Gas(1_500)));
        assert_eq!(ran.value().unwrap(), Fate::Int(2));
        let names: Vec<_> = ran.events.iter().map(|event| event.topics[0]).collect();
        assert_eq!(names, [b"Counted", b"Noted".as_slice()].map(|name| banyan_crypto::blake2b(&[name])));
        assert_eq!((ran.events[0].topics[1][31], ran.events[1].payload.as_slice()), (2, b"counted".as_slice()));
    }

    #[test]
    fn a_revert_is_a_value_and_an_error_is_text() {
        let with = |value: &str, kind: &str| {
            let json = OK
                .replace("cb_BCFOY78=", value)
                .replace("\"return_type\":\"ok\"", &format!("\"return_type\":\"{kind}\""));
            serde_json::from_str::<CallObject>(&json).unwrap().read().unwrap()
        };
        let revert = with("cb_TW5vdCB0b2RheTogIsOkIiB7MX1tvky6", "revert");
        assert_eq!(String::from_utf8(revert.text()).unwrap(), "not today: \"ä\" {1}");
        let error = with("cb_QXJpdGhtZXRpYyBlcnJvcjogZGl2aXNpb24gYnkgemVyb1RRifI=", "error");
        assert_eq!(error.text(), b"Arithmetic error: division by zero");
    }

    #[test]
    fn a_topic_has_32_bytes_at_most() {
        let number = |text: &str| serde_json::from_str::<Number>(text).unwrap();
        assert_eq!(word(&number("258")).map(|word| (word[30], word[31])), Some((1, 2)));
        let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(word(&number(most)), Some([255; 32]));
        for bad in [&most.replace('5', "6"), "-1", "1.5", "1e3"] {
            assert_eq!(word(&number(bad)), None, "{bad}");
        }
    }
}
