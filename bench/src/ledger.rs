//! Blocks of signed spends, from their bytes to the new root: what each part of the way takes.
//!
//! One run serves several benches: a chain of blocks over a million accounts, each applied to the model in memory and to
//! the store, on one core and on two, then committed. Right before it the same signatures are checked in bare batches:
//! the limit that the rate is held against is that of the same block in the same second.

use std::{sync::OnceLock, time::Duration};

use banyan_crypto::Claim;
use banyan_ledger::{Base, Changes, Key, Missing, Outcome, Overlay, Params, StoreKeys, apply_block};
use banyan_types::{ContractId, Hash, header::MicroBody, tx::SignedTx};

use crate::{
    Fault,
    figure::{Figure, Unit},
    limit,
    machine::{self, CORES},
    sample::{Sample, timed},
    store::{self, Disk},
    world::{Block, World},
};

/// Spends of a block, and how many blocks of that size are measured after one that warms up.
const SIZES: [(usize, usize); 2] = [(1_000, 16), (10_000, 9)];
/// The rate that is always enough, in spends a second on two cores. Source: node 13.
const RATE: f64 = 20_000.0;
/// The part of the limit that is enough where the machine is slower.
const PART: f64 = 0.6;

/// What the parts of a block took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Profile {
    pub decode: Duration,
    pub verify: Duration,
    pub execute: Duration,
    pub state: Duration,
}

impl Profile {
    fn total(&self) -> Duration {
        self.decode + self.verify + self.execute + self.state
    }
}

/// One block on one core and on two.
struct Round {
    limit: [Duration; 2],
    map: [Profile; 2],
    store: [Profile; 2],
    commit: store::Written,
}

/// All blocks, by size, and the store that they were committed to, closed.
pub(crate) struct Runs {
    sizes: Vec<(usize, Vec<Round>)>,
    pub disk: Disk,
}

/// The one run.
pub(crate) fn runs() -> Result<&'static Runs, Fault> {
    static RUNS: OnceLock<Runs> = OnceLock::new();
    if let Some(runs) = RUNS.get() {
        return Ok(runs);
    }
    eprintln!("  making {} accounts", crate::world::ACCOUNTS);
    let (mut world, leaves) = World::new()?;
    let mut disk = Disk::fill(leaves)?;
    let mut sizes = Vec::new();
    for (spends, rounds) in SIZES {
        eprintln!("  {rounds} blocks of {spends} spends");
        round(&mut world, &disk, spends)?;
        let rounds = (0..rounds).map(|_| round(&mut world, &disk, spends)).collect::<Result<_, _>>()?;
        sizes.push((spends, rounds));
    }
    disk.close();
    Ok(RUNS.get_or_init(|| Runs { sizes, disk }))
}

fn round(world: &mut World, disk: &Disk, spends: usize) -> Result<Round, Fault> {
    let block = world.block(spends)?;
    let limit = limits(&block.txs, &world.params)?;
    let mut map = [Profile::default(); 2];
    let mut store = [Profile::default(); 2];
    let mut executed = None;
    for (at, cores) in CORES.into_iter().enumerate() {
        map[at] = apply(&mut world.state, &world.params, &block, cores)?.0;
        let (profile, session, changes, outcome) = apply(disk.session()?, &world.params, &block, cores)?;
        store[at] = profile;
        executed = Some((session, changes, outcome));
    }
    let (session, changes, outcome) = executed.ok_or("no number of cores to measure")?;
    let commit = disk.commit(&block, session, changes, &outcome)?;
    world.state.commit(&block.changes);
    Ok(Round { limit, map, store, commit })
}

/// The time that the block's signatures take in bare batches.
fn limits(txs: &[SignedTx], params: &Params) -> Result<[Duration; 2], Fault> {
    let messages: Vec<_> = txs.iter().map(|tx| tx.messages(&params.network_id)).collect();
    let keys: Vec<_> = txs.iter().map(|tx| tx.transaction().signer()).collect();
    let parts = txs.iter().zip(&messages).zip(&keys);
    let claims: Vec<_> = parts
        .filter_map(|((tx, [message, _]), key)| {
            let signature = &tx.signatures().first()?.0;
            Some(Claim { key: &key.0, message, signature })
        })
        .collect();
    let mut limits = [Duration::ZERO; 2];
    for (limit, cores) in limits.iter_mut().zip(CORES) {
        let (verifies, took) = timed(|| limit::verify(&claims, cores));
        if !verifies {
            return Err("a signature made here does not verify".into());
        }
        *limit = took;
    }
    Ok(limits)
}

/// Apply a block from its bytes on so many cores.
fn apply<B: Base + Send>(
    base: B,
    params: &Params,
    block: &Block,
    cores: usize,
) -> Result<(Profile, B, Changes, Outcome), Fault> {
    machine::pool(cores).install(|| {
        let (txs, decode) = timed(|| decode(&block.body));
        let (checked, verify) =
            timed(|| banyan_node::check_all(txs?, &params.network_id).map_err(|at| Fault::from(format!("spend {at}"))));
        let checked = block.checked(checked?);
        let mut state = Overlay::new(Timed { base, state: Duration::ZERO });
        let (outcome, all) = timed(|| apply_block(&mut state, params, &checked));
        let (Timed { base, state }, changes) = state.into_parts();
        Ok((Profile { decode, verify, execute: all.saturating_sub(state), state }, base, changes, outcome?))
    })
}

fn decode(body: &[u8]) -> Result<Vec<SignedTx>, Fault> {
    let body = MicroBody::decode(body)?;
    Ok(body.txs.iter().map(|tx| SignedTx::decode(&tx.0)).collect::<Result<_, _>>()?)
}

/// A base that knows how long its roots took.
struct Timed<B> {
    base: B,
    state: Duration,
}

impl<B: Base> Base for Timed<B> {
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Missing> {
        self.base.read(key)
    }

    fn root_after(&mut self, changes: &Changes) -> Result<Hash, Missing> {
        let (root, took) = timed(|| self.base.root_after(changes));
        self.state += took;
        root
    }

    fn hint_keys(&self, contract: ContractId, prefix: &[u8], max: usize) -> Result<Vec<Vec<u8>>, Missing> {
        self.base.hint_keys(contract, prefix, max)
    }

    fn learn_keys(&mut self, keys: StoreKeys) {
        self.base.learn_keys(keys);
    }
}

/// Signed spends a second, from bytes to the new root.
pub(crate) fn apply_figures() -> Result<Vec<Figure>, Fault> {
    let mut figures = Vec::new();
    for (spends, rounds) in &runs()?.sizes {
        for (at, cores) in CORES.into_iter().enumerate() {
            let limit = Sample::from_times(rounds.iter().map(|round| round.limit[at]));
            let named = |state: &str| format!("ledger::apply/spends={spends},state={state},cores={cores}");
            let totals =
                |of: fn(&Round) -> &[Profile; 2]| Sample::from_times(rounds.iter().map(|round| of(round)[at].total()));
            for (state, sample) in [("map", totals(|round| &round.map)), ("store", totals(|round| &round.store))] {
                figures.push(judged(Figure::rate(named(state), &sample, *spends), &limit, *spends, cores));
            }
        }
        figures.extend(profile(*spends, rounds));
    }
    Ok(figures)
}

fn judged(figure: Figure, limit: &Sample, spends: usize, cores: usize) -> Figure {
    let limit = spends as f64 / limit.median();
    let part = figure.value / limit;
    let figure = figure.ratio(part, format!("the batch-verify limit on {cores}"));
    if cores == CORES[CORES.len() - 1] { figure.at_least(RATE.min(PART * limit)) } else { figure }
}

/// The parts of a block's way on all cores, from bytes to disk.
fn profile(spends: usize, rounds: &[Round]) -> Vec<Figure> {
    let last = CORES.len() - 1;
    let whole = Sample::from_times(rounds.iter().map(|round| round.store[last].total() + round.commit.took));
    let name = format!("ledger::block/spends={spends}");
    let figure = Figure::time(&name, &whole, 1, Unit::Millis);
    let mut figures = vec![figure.ratio(spends as f64 / whole.median(), "spends a second, disk included")];
    for (at, part) in ["decode", "verify", "execute", "state", "disk"].into_iter().enumerate() {
        let sample = Sample::from_times(rounds.iter().map(|round| {
            let Profile { decode, verify, execute, state } = round.store[last];
            [decode, verify, execute, state, round.commit.took][at]
        }));
        let figure = Figure::time(format!("{name},{part}"), &sample, 1, Unit::Millis);
        figures.push(figure.ratio(sample.median() / whole.median(), "the block"));
    }
    figures
}

/// Blocks written durably: their times and bytes, by size.
pub(crate) fn written() -> Result<Vec<(usize, Vec<&'static store::Written>)>, Fault> {
    let of =
        |(spends, rounds): &'static (usize, Vec<Round>)| (*spends, rounds.iter().map(|round| &round.commit).collect());
    Ok(runs()?.sizes.iter().map(of).collect())
}
