//! A scenario: contracts, and transactions one after another over one state in maps.
//!
//! Compared are status, bytes returned, gas, events, number of instructions, every line of the trace, balances, and
//! stores byte for byte. The reference crashes on a few calls (`invalid_tx`); here they are errors, and say so.

use std::collections::BTreeMap;

use banyan_fate::{
    Engine, MapHost, Message, Outcome, Value,
    abi::BadText,
    engine::{Auth, AuthBody, AuthTx, Entry, Instant, Log, Tracer},
    value::{
        Kind,
        decode::{Door, decode},
    },
};
use serde::Deserialize;

use super::bytes;
use crate::replay::{Row, same};

#[derive(Deserialize)]
pub struct File {
    environment: Environment,
    accounts: Vec<Account>,
    contracts: Vec<Contract>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Environment {
    gas_price: u128,
    tx_fee: String,
    network_id: String,
    beneficiary: String,
    difficulty: u64,
    block_gas_limit: u64,
}

#[derive(Deserialize)]
struct Account {
    name: String,
    pubkey: String,
    balance: String,
}

#[derive(Deserialize)]
struct Contract {
    file: String,
    bytecode: String,
    #[serde(rename = "contract_object")]
    object: String,
    #[serde(rename = "contract_bytearray")]
    bytearray: String,
    code_hash: String,
    symbols: Vec<Symbol>,
    asm: Vec<String>,
}

#[derive(Deserialize)]
struct Symbol {
    name: String,
    id: String,
}

#[derive(Deserialize)]
struct Step {
    op: String,
    #[serde(default)]
    function: String,
    #[serde(default)]
    args: serde_json::Value,
    #[serde(default)]
    contract: String,
    #[serde(default)]
    instance: String,
    #[serde(default)]
    contract_pubkey: String,
    #[serde(default)]
    caller: String,
    #[serde(default)]
    nonce: u64,
    height: u64,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    gas_limit: u64,
    #[serde(default)]
    calldata: String,
    #[serde(default)]
    calldata_cb: Option<String>,
    #[serde(default)]
    auth_data: String,
    #[serde(default)]
    auth_tx_hash: String,
    #[serde(default)]
    meta_fee: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    result: Expected,
    #[serde(default)]
    post: Post,
}

#[derive(Deserialize, Default)]
struct Expected {
    status: String,
    #[serde(default)]
    return_data: String,
    #[serde(default)]
    gas_used: u64,
    #[serde(default)]
    log: Vec<Event>,
    ops: Option<usize>,
    #[serde(default)]
    trace: Vec<String>,
}

#[derive(Deserialize, PartialEq, Debug)]
struct Event {
    address: String,
    topics: Vec<String>,
    data: String,
}

#[derive(Deserialize, Default)]
struct Post {
    #[serde(default)]
    balances: BTreeMap<String, String>,
    #[serde(default)]
    stores: BTreeMap<String, BTreeMap<String, String>>,
}

/// Constructors and functions that calls of the scenarios name though byte code does not know them.
const WITHOUT_TEXT: [&str; 3] = ["Hashes.A", "Hashes.B", "no_such_function"];

type Key = [u8; 32];

fn key(text: &str) -> Result<Key, String> {
    bytes(text)?.try_into().map_err(|_| format!("{text} has another length than a key"))
}

fn number(text: &str) -> Result<u128, String> {
    if text.is_empty() { Ok(0) } else { text.parse().map_err(|error| format!("{error} in {text}")) }
}

/// All lines of a trace.
#[derive(Default)]
struct Lines(Vec<String>);

impl Tracer for Lines {
    fn look(&mut self, instant: Instant<'_>) {
        let (gas, cells) = (instant.gas, instant.cells);
        let function = hex::encode(instant.function());
        self.0.push(format!("gas={gas} cells={cells} {function}:{} {}", instant.block(), instant.text()));
    }
}

pub fn rows(file: &File) -> Vec<Row> {
    let mut world = match World::new(file) {
        Ok(world) => world,
        Err(why) => return vec![Row { note: "the scenario".into(), held: Err(why) }],
    };
    let codes = file.contracts.iter().map(|contract| Row { note: contract.file.clone(), held: code(contract) });
    let steps = file.steps.iter().enumerate().map(|(at, step)| {
        let crash = if step.result.status == "invalid_tx" { " (the reference crashes)" } else { "" };
        let note = format!("step {at}: {} {} {:.60}{crash}", step.op, step.function, step.args.to_string());
        Row { held: world.step(step), note }
    });
    codes.chain(steps).collect()
}

/// Code loads, is written again byte for byte, and reads as the reference reads it.
fn code(contract: &Contract) -> Result<(), String> {
    let object = bytes(&contract.object)?;
    let loaded = Engine::load(&object).map_err(|error| error.to_string())?;
    same("byte code", &hex::encode(loaded.serialize()), &contract.bytecode)?;
    same("cb text", &banyan_fate::abi::to_text(&object), &contract.bytearray)?;
    for symbol in &contract.symbols {
        same("id", &hex::encode(banyan_fate::abi::function_id(&symbol.name)), &symbol.id)?;
    }
    let shown: Vec<_> =
        loaded.show().lines().filter_map(|line| line.split_once(": ")).map(|(_, op)| op.into()).collect();
    let theirs = contract.asm.iter().flat_map(|text| text.lines().skip(1));
    let firsts: Vec<String> = theirs
        .filter_map(|line| line.trim_start().split_once(": "))
        .map(|(_, block)| block.split("; ").next().unwrap_or_default().to_owned())
        .collect();
    let (mut shown, mut firsts): (Vec<String>, _) = (shown, firsts);
    shown.sort_unstable();
    firsts.sort_unstable();
    same("first instruction of each block", &shown, &firsts)?;
    // The hash of the object, which a store of code would go by; the machine's own hash is of the byte code.
    same("hash length", &contract.code_hash.len(), &64)
}

struct World<'a> {
    file: &'a File,
    engine: Engine,
    host: MapHost,
    names: BTreeMap<String, Key>,
    fee: u128,
    /// The contract that a call returned last: what a new name in what follows stands for.
    returned: Option<Key>,
}

/// What a transaction made of a run.
struct Ran {
    outcome: Outcome,
    trace: Vec<String>,
    logs: Vec<Log>,
}

impl<'a> World<'a> {
    fn new(file: &'a File) -> Result<Self, String> {
        let mut host = MapHost::default();
        let mut names = BTreeMap::new();
        for account in &file.accounts {
            let id = key(&account.pubkey)?;
            names.insert(account.name.clone(), id);
            host.add(id, number(&account.balance)?);
        }
        let env = &file.environment;
        host.env.network_id.clone_from(&env.network_id);
        host.env.beneficiary = key(&env.beneficiary)?;
        host.env.difficulty = env.difficulty;
        host.env.gas_per_tx_max = env.block_gas_limit;
        host.env.gas_price = env.gas_price;
        let fee = number(&env.tx_fee)?;
        host.env.fee = fee;
        Ok(Self { file, engine: Engine::default(), host, names, fee, returned: None })
    }

    fn name(&self, name: &str) -> Result<Key, String> {
        self.names.get(name).copied().ok_or_else(|| format!("nobody is called {name}"))
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        self.host.env.height = step.height;
        self.host.env.time_ms = (1_700_000_000_000 + 180_000 * step.height).saturating_sub(180_000_000);
        match step.op.as_str() {
            "height" => return Ok(()),
            "create" | "ga_attach" => self.create(step)?,
            "call" => self.call(step)?,
            "ga_meta_spend" => self.meta_spend(step)?,
            other => return Err(format!("unknown step {other}")),
        }
        self.host.commit();
        for name in step.post.balances.keys().chain(step.post.stores.keys()) {
            if let (false, Some(id)) = (self.names.contains_key(name), self.returned) {
                self.names.insert(name.clone(), id);
            }
        }
        self.compare_state(&step.post)
    }

    fn run(&mut self, message: &Message) -> Result<Ran, String> {
        let mut lines = Lines::default();
        let before = self.host.logs.len();
        let outcome = self.engine.call_traced(&mut self.host, message, &mut lines);
        let outcome = outcome.map_err(|fault| format!("fault {fault:?}"))?;
        let logs = self.host.logs.split_off(before);
        Ok(Ran { outcome, trace: lines.0, logs })
    }

    fn message(&self, step: &Step, contract: Key, entry: Entry) -> Result<Message, String> {
        let caller = self.name(&step.caller)?;
        Ok(Message {
            contract,
            caller,
            origin: caller,
            amount: number(&step.amount)?,
            gas: step.gas_limit,
            call_data: bytes(&step.calldata)?,
            entry,
            view: false,
        })
    }

    /// The sender's fee and gas, unless the reference drops the transaction.
    fn pay(&mut self, step: &Step, gas_used: u64) -> Result<(), String> {
        let cost = self.fee + u128::from(gas_used) * self.file.environment.gas_price;
        let caller = self.name(&step.caller)?;
        let left = self.host.balances.get(&caller).and_then(|balance| balance.checked_sub(cost));
        self.host.balances.insert(caller, left.ok_or("the sender cannot pay")?);
        Ok(())
    }

    fn create(&mut self, step: &Step) -> Result<(), String> {
        let code =
            self.file.contracts.iter().find(|contract| {
                contract.file == step.contract || contract.file.trim_end_matches(".aes") == step.contract
            });
        let object = bytes(&code.ok_or_else(|| format!("no code {}", step.contract))?.object)?;
        let payable = Engine::load(&object).map_err(|error| error.to_string())?.payable;
        let caller = self.name(&step.caller)?;
        let id = MapHost::contract_id(&caller, step.nonce);
        same("contract id", &hex::encode(id), &step.contract_pubkey)?;
        let mark = banyan_fate::Host::mark(&mut self.host);
        self.host.put_contract(id, caller, &object, payable);
        self.names.insert(step.instance.clone(), id);
        self.compare_text(step, id)?;
        self.run_paid(step, id, Entry::Init, mark)
    }

    fn call(&mut self, step: &Step) -> Result<(), String> {
        let id = key(&step.contract_pubkey)?;
        self.names.entry(step.instance.clone()).or_insert(id);
        self.compare_text(step, id)?;
        if let Some(text) = &step.calldata_cb {
            same("call data as text", &banyan_fate::abi::to_text(&bytes(&step.calldata)?), text)?;
        }
        let mark = banyan_fate::Host::mark(&mut self.host);
        self.run_paid(step, id, Entry::Call, mark)
    }

    /// The call as text is the call as bytes, wherever text says all: byte code does not name constructors.
    fn compare_text(&mut self, step: &Step, id: Key) -> Result<(), String> {
        let arguments: Vec<_> = step.args.as_array().into_iter().flatten().filter_map(|text| text.as_str()).collect();
        // Code by hand is called with bytes alone.
        if arguments.is_empty() && step.calldata.len() > 14 {
            return Ok(());
        }
        let Some(loaded) = self.engine.code(&mut self.host, &id).map_err(|fault| format!("{fault:?}"))? else {
            return Err("a call of nothing".into());
        };
        let text = format!("{}({})", step.function, arguments.join(", "));
        match banyan_fate::abi::call_from_text(&text, &loaded) {
            Ok(ours) => same("call data of the text", &hex::encode(ours), &step.calldata),
            Err(BadText::Unknown(name)) if WITHOUT_TEXT.contains(&name.as_str()) => Ok(()),
            Err(error) => Err(format!("{text}: {error}")),
        }
    }

    /// Move the amount, run, go back to `mark` unless it went well, pay.
    fn run_paid(&mut self, step: &Step, id: Key, entry: Entry, mark: usize) -> Result<(), String> {
        let message = self.message(step, id, entry)?;
        let moved = banyan_fate::Host::transfer(
            &mut self.host,
            &message.caller,
            &id,
            message.amount,
            banyan_fate::engine::Transfer::CallValue,
        );
        moved.map_err(|fault| format!("{fault:?}"))?.map_err(|refused| refused.to_string())?;
        let ran = self.run(&message)?;
        if !matches!(ran.outcome, Outcome::Done { .. }) {
            banyan_fate::Host::rewind(&mut self.host, mark);
        }
        if step.result.status == "invalid_tx" {
            return match ran.outcome {
                Outcome::Failed { .. } => Ok(()),
                other => Err(format!("{other:?} where the reference crashes")),
            };
        }
        self.pay(step, ran.outcome.gas_used())?;
        compare(step, &ran)?;
        if let Ok(Value::Object(Kind::Contract, id)) = decode(&bytes(&step.result.return_data)?, Door::Any) {
            self.returned = id.as_slice().try_into().ok();
        }
        Ok(())
    }

    fn meta_spend(&mut self, step: &Step) -> Result<(), String> {
        let contract = self.name(&step.instance)?;
        let owner = self.name(&step.caller)?;
        let to = self.name(&step.to)?;
        let amount = number(&step.amount)?;
        let tx = AuthTx {
            paying_for: None,
            wrappers: vec![(owner, number(&step.meta_fee)?)],
            actor: owner,
            fee: self.fee,
            ttl: 0,
            body: AuthBody::Spend { to, amount, payload: Vec::new() },
        };
        self.host.env.auth = Some(Auth { tx_hash: key(&step.auth_tx_hash)?, tx: Some(tx) });
        let call_data = bytes(&step.auth_data)?;
        let mut message = self.message(step, contract, Entry::Auth)?;
        (message.amount, message.call_data) = (0, call_data);
        let mark = banyan_fate::Host::mark(&mut self.host);
        let ran = self.run(&message)?;
        self.host.env.auth = None;
        let agreed = matches!(&ran.outcome, Outcome::Done { value, .. } if *value == Value::Bool(true).encode());
        same("accepted", &agreed, &(step.result.status == "ok"))?;
        if !agreed {
            banyan_fate::Host::rewind(&mut self.host, mark);
            return Ok(());
        }
        same("gas used", &ran.outcome.gas_used(), &step.result.gas_used)?;
        self.pay(step, ran.outcome.gas_used())?;
        let left = self.host.balances.get(&owner).copied().unwrap_or(0);
        let rest = left.checked_sub(number(&step.meta_fee)? + amount).ok_or("the owner cannot pay")?;
        self.host.balances.insert(owner, rest);
        self.host.add(to, amount);
        Ok(())
    }

    fn compare_state(&self, post: &Post) -> Result<(), String> {
        for (name, balance) in &post.balances {
            let ours = self.names.get(name).and_then(|id| self.host.balances.get(id)).copied().unwrap_or(0);
            same(&format!("balance of {name}"), &ours, &number(balance)?)?;
        }
        for (name, store) in &post.stores {
            let empty = BTreeMap::new();
            let ours = self.names.get(name).and_then(|id| self.host.stores.get(id)).unwrap_or(&empty);
            let ours = ours.iter().map(|(key, value)| (hex::encode(key), hex::encode(value))).collect();
            same(&format!("store of {name}"), &ours, store)?;
        }
        Ok(())
    }
}

fn compare(step: &Step, ran: &Ran) -> Result<(), String> {
    let expected = &step.result;
    for (at, theirs) in expected.trace.iter().enumerate() {
        let ours = ran.trace.get(at).cloned().unwrap_or_else(|| format!("nothing: {:?}", ran.outcome));
        same(&format!("trace line {at}"), &readable(&ours), &readable(theirs))?;
    }
    let (status, data) = match &ran.outcome {
        Outcome::Done { value, .. } => ("ok", value.clone()),
        Outcome::Reverted { text, .. } => ("revert", Value::string(text.as_slice()).encode()),
        Outcome::Failed { .. } => ("error", Vec::new()),
    };
    if status != expected.status {
        return Err(format!("status: ours {:?}, theirs {}", ran.outcome, expected.status));
    }
    // A transaction that creates drops what `init` returned.
    let data = if step.op == "call" {
        data
    } else if status == "ok" {
        Vec::new()
    } else {
        data
    };
    same("returned", &hex::encode(&data), &expected.return_data)?;
    same("gas used", &ran.outcome.gas_used(), &expected.gas_used)?;
    if let Some(ops) = expected.ops {
        same("instructions", &ran.trace.len(), &ops)?;
    }
    // The reference lists the newest event first.
    let logs: Vec<_> = ran.logs.iter().rev().map(event).collect();
    same("events", &logs, &expected.log)?;
    decode(&data, Door::Any).map(drop).or_else(|error| if data.is_empty() { Ok(()) } else { Err(error.to_string()) })
}

/// A line without what text cannot hold: strings inside of values are any bytes, and the two sides replace what is no
/// character by different numbers of marks.
fn readable(line: &str) -> String {
    let mut out = String::new();
    for character in line.chars() {
        let character = if character.is_ascii() { character } else { '?' };
        if character != '?' || !out.ends_with('?') {
            out.push(character);
        }
    }
    out
}

fn event(log: &Log) -> Event {
    Event {
        address: hex::encode(log.contract),
        topics: log.topics.iter().map(hex::encode).collect(),
        data: hex::encode(&log.data),
    }
}
