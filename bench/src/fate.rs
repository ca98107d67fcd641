//! Contracts, against the reference machine: about 60 million gas a second on one core.
//!
//! The contracts are those of the vectors, so that their results are known to be right.

use banyan_fate::{
    Engine, MapHost, Message, Outcome, Value, abi,
    engine::{Address, Entry},
    value::decode::{Door, decode},
};
use serde_json::Value as Json;

use crate::{
    Fault,
    figure::{Figure, Unit},
    sample::Sample,
};

/// Gas that the reference uses up in a second.
const REFERENCE: f64 = 60e6;
/// Ten times the reference.
const TARGET_MEGA_GAS: f64 = 600.0;
const CALLER: Address = [7; 32];
/// More than any of these runs uses.
const GAS: u64 = 100_000_000;

const RECURSION: &str = include_str!("../../conformance/vectors/fate/recursion.json");
const LISTS: &str = include_str!("../../conformance/vectors/fate/lists.json");
const MAPS: &str = include_str!("../../conformance/vectors/fate/maps.json");
pub(crate) const TOKEN: &str = include_str!("../../conformance/vectors/fate/token.json");
const REMOTE: &str = include_str!("../../conformance/vectors/fate/remote.json");

/// A chain in maps with contracts on it.
struct World {
    host: MapHost,
    engine: Engine,
    nonce: u64,
}

impl World {
    fn new() -> Self {
        let mut host = MapHost::default();
        host.add(CALLER, 1_000_000);
        Self { host, engine: Engine::default(), nonce: 0 }
    }

    fn create(&mut self, object: &[u8], arguments: Vec<Value>) -> Result<Address, Fault> {
        self.nonce += 1;
        let id = MapHost::contract_id(&CALLER, self.nonce);
        self.host.put_contract(id, CALLER, object, true);
        self.call(id, "init", arguments, Entry::Init)?;
        Ok(id)
    }

    fn call(&mut self, contract: Address, name: &str, arguments: Vec<Value>, entry: Entry) -> Result<u64, Fault> {
        let message = message(contract, name, arguments, entry);
        self.run(&message)
    }

    /// Gas that a call used; it has to go well.
    fn run(&mut self, message: &Message) -> Result<u64, Fault> {
        let outcome = self.engine.call(&mut self.host, message).map_err(|fault| format!("{fault:?}"))?;
        self.host.commit();
        match outcome {
            Outcome::Done { gas_used, .. } => Ok(gas_used),
            other => Err(format!("a call that should go well: {other:?}").into()),
        }
    }
}

fn message(contract: Address, name: &str, arguments: Vec<Value>, entry: Entry) -> Message {
    let call_data = abi::encode_call(abi::function_id(name), arguments);
    Message { contract, caller: CALLER, origin: CALLER, amount: 0, gas: GAS, call_data, entry, view: false }
}

/// The code object of a scenario's contract.
pub(crate) fn object(scenario: &str, at: usize) -> Result<Vec<u8>, Fault> {
    let json: Json = serde_json::from_str(scenario)?;
    let text = json["contracts"][at]["contract_object"].as_str().ok_or("a scenario without code")?;
    unhex(text)
}

fn unhex(text: &str) -> Result<Vec<u8>, Fault> {
    (0..text.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&text[at..at + 2], 16)?)).collect()
}

/// Time and gas of one call, `times` in a row for each sample.
fn figures(name: &str, world: &mut World, message: &Message, times: usize) -> Result<Vec<Figure>, Fault> {
    let gas = world.run(message)?;
    let mut failed = None;
    let sample = Sample::timed(20, || {
        for _ in 0..times {
            failed = world.run(message).err().or(failed.take());
        }
    });
    if let Some(fault) = failed {
        return Err(fault);
    }
    let rate = gas as f64 * times as f64 / sample.median();
    Ok(vec![
        Figure::time(name, &sample, times, Unit::Millis).ratio(rate / REFERENCE, "the reference"),
        Figure::new(format!("{name},gas"), rate / 1e6, Unit::MegaGas),
    ])
}

/// What is promised of arithmetic and of calls.
fn promised(mut figures: Vec<Figure>) -> Vec<Figure> {
    let rate = figures.pop().map(|figure| figure.at_least(TARGET_MEGA_GAS));
    figures.extend(rate);
    figures
}

/// Whole runs.
pub(crate) fn run() -> Result<Vec<Figure>, Fault> {
    let mut all = Vec::new();
    let mut world = World::new();
    let recursion = world.create(&object(RECURSION, 0)?, Vec::new())?;
    let fib = message(recursion, "fib", vec![Value::Int(22)], Entry::Call);
    all.append(&mut promised(figures("fate::run/fib22", &mut world, &fib, 1)?));
    let arith = message(recursion, "fast_fib", vec![Value::Int(90)], Entry::Call);
    all.append(&mut promised(figures("fate::run/arith_loop", &mut world, &arith, 1000)?));
    let lists = world.create(&object(LISTS, 0)?, Vec::new())?;
    let items = Value::list((0..1_000).map(Value::Int).collect());
    let fold = message(lists, "sum", vec![items], Entry::Call);
    all.append(&mut figures("fate::run/list_fold", &mut world, &fold, 20)?);
    let maps = world.create(&object(MAPS, 0)?, Vec::new())?;
    let pairs = (0..1_000).map(|n| Value::tuple(vec![Value::Int(n * 7919 % 1_000), Value::string("x")])).collect();
    let map = message(maps, "from_pairs", vec![Value::list(pairs)], Entry::Call);
    all.append(&mut figures("fate::run/map_in_memory", &mut world, &map, 20)?);
    let invert = (0..1_000_i64).map(|n| (Value::string(n.to_string()), Value::Int(n))).collect();
    let invert = message(maps, "invert", vec![Value::Map(invert)], Entry::Call);
    all.append(&mut figures("fate::run/map_updates", &mut world, &invert, 20)?);
    all.append(&mut promised(token()?));
    all.append(&mut promised(remote()?));
    Ok(all)
}

/// A transfer of a token, with the store written back to a map.
fn token() -> Result<Vec<Figure>, Fault> {
    let mut world = World::new();
    let init = vec![Value::string("Gold"), Value::string("GLD"), Value::Int(18), Value::Int(1_000_000_000)];
    let token = world.create(&object(TOKEN, 0)?, init)?;
    for holder in 0..100_u8 {
        world.call(token, "mint", vec![Value::address(&[holder; 32]), Value::Int(1_000_000)], Entry::Call)?;
    }
    let send = message(token, "send", vec![Value::address(&[8; 32]), Value::Int(1)], Entry::Call);
    figures("fate::run/token_transfer", &mut world, &send, 100)
}

/// One contract that calls another.
fn remote() -> Result<Vec<Figure>, Fault> {
    let json: Json = serde_json::from_str(REMOTE)?;
    let mut world = World::new();
    let mut ids = Vec::new();
    // The vectors' own call data names the first contract's id there; ours is made of our own creator.
    for step in json["steps"].as_array().into_iter().flatten().filter(|step| step["op"] == "create") {
        let name = step["contract"].as_str().ok_or("a creation of nothing")?.trim_end_matches(".aes").to_owned();
        let contracts = json["contracts"].as_array().ok_or("a scenario without contracts")?;
        let at = contracts
            .iter()
            .position(|contract| contract["file"].as_str().is_some_and(|file| file.trim_end_matches(".aes") == name));
        let object = object(REMOTE, at.ok_or("a contract that is not there")?)?;
        let data = unhex(step["calldata"].as_str().ok_or("a creation without call data")?)?;
        let (_, arguments) = abi::decode_call(&data)?;
        let arguments = match ids.first() {
            Some(first) if !arguments.is_empty() => vec![Value::contract(first)],
            _ => decode(&Value::Unit.encode(), Door::Any).map(|_| arguments)?,
        };
        ids.push(world.create(&object, arguments)?);
    }
    let teller = *ids.last().ok_or("a scenario that creates nothing")?;
    let ping = message(teller, "div", vec![Value::Int(7), Value::Int(2)], Entry::Call);
    figures("fate::run/remote_call", &mut world, &ping, 100)
}

/// Code that was never seen, and code that was.
pub(crate) fn load() -> Result<Vec<Figure>, Fault> {
    let object = object(TOKEN, 0)?;
    let cold = Sample::timed(50, || (0..100).all(|_| Engine::load(&object).is_ok()));
    let mut world = World::new();
    let id = world.create(&object, vec![Value::string("G"), Value::string("G"), Value::Int(1), Value::Int(1)])?;
    let cached = Sample::timed(50, || (0..100).all(|_| world.engine.code(&mut world.host, &id).is_ok()));
    Ok(vec![
        Figure::time("fate::load/cold", &cold, 100, Unit::Micros),
        Figure::time("fate::load/cached", &cached, 100, Unit::Micros).ratio(cold.median() / cached.median(), "faster"),
    ])
}
