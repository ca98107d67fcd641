//! Blocks of contract calls through the transition: transfers of a token that a thousand people hold, from signed bytes to the
//! new root; and what a block touches to prune ten objects among a million others.

use std::{cell::Cell, time::Duration};

use banyan_crypto::SecretKey;
use banyan_fate::{Value, abi};
use banyan_ledger::{
    Base, Changes, Event, Execution, Genesis, GenesisAccount, Key, MapState, Missing, Outcome, Overlay, Params,
    State as _, StoreKeys, genesis_state, key_outcome,
};
use banyan_node::GenesisFile;
use banyan_types::{
    AccountId, Amount, Bytes, ContractBytes, ContractId, FATE, Gas, GasPrice, Hash, Height, Lifetime, Nonce, Serial,
    TimeMs,
    header::{KeyHeader, POW_EDGES, PROTOCOL_VERSION},
    tx::{ContractCall, ContractCreate, EntryCreate, SignedTx, Transaction},
};
use rayon::prelude::*;

use crate::{
    Fault,
    fate::{self, TOKEN},
    figure::{Figure, Unit},
    machine::{self, CORES},
    sample::{Sample, timed},
    world::senders,
};

/// People who hold the token; each sends once in a block.
const HOLDERS: usize = 1_000;
/// Blocks that are measured after one that warms up.
const ROUNDS: usize = 8;
/// Calls a second on two cores. Source: the issue of contracts.
const RATE: f64 = 2_000.0;
const PRICE: GasPrice = GasPrice(1_000_000_000);
const RUN: Gas = Gas(100_000);
/// Objects beside those that are due, and those.
const OTHERS: usize = 1_000_000;
const DUE: u64 = 10;

struct World {
    params: Params,
    state: MapState,
    keys: Vec<SecretKey>,
    nonces: Vec<u64>,
}

impl World {
    fn new(keys: Vec<SecretKey>, others: usize) -> Result<Self, Fault> {
        let balance = Amount::coins(1_000).unwrap_or(Amount::ZERO);
        let id = |key: &SecretKey| AccountId(key.public());
        let file = GenesisFile::dev_root(TimeMs(1_700_000_000_000), None, [(id(&keys[0]), balance)].into());
        let other = |number: usize| AccountId(banyan_crypto::sha256(&[b"account", &number.to_be_bytes()]));
        let accounts = keys.iter().map(id).chain((0..others).map(other));
        let all = accounts.map(|account| GenesisAccount { account, balance });
        let genesis = Genesis { accounts: all.collect(), ..file.genesis()? };
        let mut state = MapState::default();
        state.commit(&genesis_state(&genesis)?);
        let params = Params { gas_per_block_max: Gas(u64::MAX), ..genesis.params };
        let nonces = vec![0; keys.len()];
        Ok(Self { params, state, keys, nonces })
    }

    fn sign(&mut self, by: usize, tx: impl FnOnce(AccountId, Nonce) -> Transaction) -> SignedTx {
        self.nonces[by] += 1;
        let tx = tx(AccountId(self.keys[by].public()), Nonce(self.nonces[by]));
        tx.sign(&self.params.network_id, &self.keys[by])
    }

    /// Apply a block of these, and keep what it does.
    fn keep(&mut self, txs: &[SignedTx]) -> Result<(Outcome, Duration), Fault> {
        let (done, took) = timed(|| apply(&mut self.state, &self.params, txs));
        let (outcome, changes) = done?;
        if let Some(failed) = outcome.receipts.iter().find(|receipt| receipt.status != banyan_types::Status::Ok) {
            return Err(format!("a transaction that should go well: {failed:?}").into());
        }
        self.state.commit(&changes);
        Ok((outcome, took))
    }
}

/// A key block, as far as the transition looks at it.
const fn key_header(height: u64) -> KeyHeader {
    KeyHeader {
        version: PROTOCOL_VERSION,
        info: None,
        height: Height(height),
        prev_hash: Hash::ZERO,
        prev_key_hash: Hash::ZERO,
        state_root: Hash::ZERO,
        miner: banyan_types::PublicKey([1; 32]),
        beneficiary: AccountId([1; 32]),
        witness_hash: Hash::ZERO,
        target: 0x2100_ffff,
        time: TimeMs(1_700_000_000_000 + height * 3_000),
        nonce: 0,
        pow: [0; POW_EDGES],
    }
}

/// Signatures, execution, root.
fn apply(state: &mut MapState, params: &Params, txs: &[SignedTx]) -> Result<(Outcome, Changes), Fault> {
    let bad = |index| format!("the signature of transaction {index} does not verify");
    let checked = banyan_node::check_all(txs.to_vec(), &params.network_id).map_err(bad)?;
    let mut overlay = Overlay::new(state);
    let mut execution = Execution::micro(&mut overlay, params)?;
    checked.iter().try_for_each(|tx| execution.push(tx))?;
    let outcome = execution.finish()?;
    Ok((outcome, overlay.into_parts().1))
}

const fn fee() -> Amount {
    // More than any of these needs.
    Amount::new(1_000_000_000_000_000).expect("a thousandth of a coin is within the supply")
}

fn call(contract_id: ContractId, caller_id: AccountId, nonce: Nonce, name: &str, arguments: Vec<Value>) -> Transaction {
    let call_data = ContractBytes(abi::encode_call(abi::function_id(name), arguments));
    let (fee, ttl, amount) = (fee(), Height(0), Amount::ZERO);
    ContractCall {
        caller_id,
        nonce,
        contract_id,
        abi_version: FATE.abi(),
        fee,
        ttl,
        amount,
        gas: RUN,
        gas_price: PRICE,
        call_data,
    }
    .into()
}

/// A ledger with a token of which everybody holds some.
fn with_token() -> Result<(World, ContractId), Fault> {
    let mut world = World::new(senders(HOLDERS), 0)?;
    let id = ContractId::derive(AccountId(world.keys[0].public()), Serial::Nonce(Nonce(1)));
    let code = ContractBytes(fate::object(TOKEN, 0)?);
    let texts = [Value::string("Gold Bar"), Value::string("GLD")];
    let init = texts.into_iter().chain([Value::Int(18), Value::Int(1_000_000_000)]).collect();
    let call_data = ContractBytes(abi::encode_call(abi::function_id("init"), init));
    let create = world.sign(0, |owner_id, nonce| {
        let (fee, ttl, none) = (fee(), Height(0), Amount::ZERO);
        let (deposit, amount) = (none, none);
        ContractCreate {
            owner_id,
            nonce,
            code,
            ct_version: FATE,
            fee,
            ttl,
            deposit,
            amount,
            gas: RUN,
            gas_price: PRICE,
            call_data,
        }
        .into()
    });
    world.keep(&[create])?;
    let holders: Vec<_> = world.keys.iter().map(|key| Value::address(&key.public())).collect();
    let mint =
        |holder: Value| world.sign(0, |owner, nonce| call(id, owner, nonce, "mint", vec![holder, Value::Int(1_000)]));
    let mints: Vec<_> = holders.into_iter().map(mint).collect();
    world.keep(&mints)?;
    Ok((world, id))
}

/// Token transfers a second through the transition.
pub(crate) fn transfers() -> Result<Vec<Figure>, Fault> {
    let (mut world, id) = with_token()?;
    let mut figures = Vec::new();
    for cores in CORES {
        let mut times = Vec::new();
        for round in 0..=ROUNDS {
            let ids: Vec<_> = (0..HOLDERS).map(|by| (by * 7 + round) % HOLDERS).collect();
            let to: Vec<_> = ids.iter().map(|to| Value::address(&world.keys[*to].public())).collect();
            world.nonces.iter_mut().for_each(|nonce| *nonce += 1);
            let World { keys, nonces, params, .. } = &world;
            let sign = |((key, nonce), to): ((&SecretKey, &u64), Value)| {
                let arguments = vec![to, Value::Int(1)];
                call(id, AccountId(key.public()), Nonce(*nonce), "send", arguments).sign(&params.network_id, key)
            };
            let txs: Vec<_> = keys.par_iter().zip(nonces).zip(to).map(sign).collect();
            let (_, took) = machine::pool(cores).install(|| world.keep(&txs))?;
            if round > 0 {
                times.push(took);
            }
        }
        let sample = Sample::from_times(times);
        let figure = Figure::rate(format!("ledger::calls/transfers={HOLDERS},cores={cores}"), &sample, HOLDERS);
        let figure = figure.ratio(HOLDERS as f64 / sample.median() / RATE, "what is asked for");
        figures.push(if cores == CORES[CORES.len() - 1] { figure.at_least(RATE) } else { figure });
    }
    Ok(figures)
}

/// Counts what is read of it.
struct Counted<'a> {
    state: &'a mut MapState,
    reads: Cell<usize>,
}

impl Base for Counted<'_> {
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Missing> {
        self.reads.set(self.reads.get() + 1);
        self.state.read(key)
    }
    fn root_after(&mut self, changes: &Changes) -> Result<Hash, Missing> {
        self.state.root_after(changes)
    }
    fn hint_keys(&self, contract: ContractId, prefix: &[u8], max: usize) -> Result<Vec<Vec<u8>>, Missing> {
        self.state.hint_keys(contract, prefix, max)
    }
    fn learn_keys(&mut self, keys: StoreKeys) {
        self.state.learn_keys(keys);
    }
}

/// Leaves that a key block reads and writes to prune ten data entries among a million other leaves, beside those of a key block
/// that prunes nothing.
pub(crate) fn prune() -> Result<Vec<Figure>, Fault> {
    let mut world = World::new(senders(1), OTHERS)?;
    world.params.grace = 1;
    let data = Bytes(vec![7; 32]);
    let create = |owner_id, nonce| {
        let (lifetime, ttl, fee) = (Lifetime::Heights(1), Height(0), fee());
        EntryCreate { owner_id, data: data.clone(), lifetime, ttl, fee, nonce }.into()
    };
    let txs: Vec<_> = (0..DUE).map(|_| world.sign(0, create)).collect();
    world.keep(&txs)?;
    let (mut touched, mut ended) = (Vec::new(), 0);
    for height in 1..=5 {
        let header = key_header(height);
        let counted = Counted { state: &mut world.state, reads: Cell::new(0) };
        let mut overlay = Overlay::new(counted);
        let outcome = key_outcome(&mut overlay, &world.params, &header, None)?;
        ended += outcome.events.iter().filter(|event| matches!(event, Event::Expired { .. })).count() as u64;
        overlay.root()?;
        let (counted, changes) = overlay.into_parts();
        touched.push(counted.reads.get().max(changes.len()));
        world.state.commit(&changes);
    }
    if ended < DUE {
        return Err(format!("{ended} of {DUE} entries have ended").into());
    }
    let (most, least) = (touched.iter().max().copied().unwrap_or(0), touched.iter().min().copied().unwrap_or(0));
    let each = (most - least) as f64 / DUE as f64;
    let figure = Figure::new(format!("ledger::prune/due={DUE},others={OTHERS}"), most as f64, Unit::Leaves);
    Ok(vec![figure.ratio(each, "a leaf for each object that is due").at_most(least as f64 + 6.0 * DUE as f64)])
}
