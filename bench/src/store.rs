//! The store on a real disk, against that disk.

use std::{path::Path, sync::Mutex, time::Duration};

use banyan_ledger::{Changes, Outcome};
use banyan_store::{Commit, Fjall, Flush, Place, Session, Store};
use banyan_tree::{Leaf, Trie, value_hash};
use banyan_types::{Bytes, rlp::Field as _};
use tempfile::TempDir;

use crate::{
    Fault,
    figure::{Figure, Unit},
    ledger, limit, machine,
    memory::Probe,
    sample::{Sample, timed},
    world::{ACCOUNTS, Block},
};

/// Leaves that one batch of the first filling holds.
const FILL: usize = 100_000;
/// Versions kept behind the final one, as a node keeps them.
const WINDOW: usize = 64;

/// A store in a folder of its own.
pub(crate) struct Disk {
    folder: TempDir,
    store: Option<Store>,
    /// How long the first filling took.
    filled: Duration,
    /// Bytes that the store keeps in memory for one version of all accounts.
    memory: u64,
    blocks: Mutex<u64>,
}

/// A block that went to disk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub took: Duration,
    pub bytes: usize,
}

impl Disk {
    /// A store that holds `leaves`.
    pub fn fill(leaves: Changes) -> Result<Self, Fault> {
        let folder = machine::folder()?;
        let store = Store::open(Fjall::open(folder.path())?)?;
        let begun = std::time::Instant::now();
        let mut leaves = leaves.into_iter().peekable();
        while leaves.peek().is_some() {
            let session = store.session(store.head())?;
            let executed = session.finish([0; 32], leaves.by_ref().take(FILL).collect());
            let version = executed.version();
            let mut commit = Commit::new();
            commit.state(executed).head(version);
            store.commit(commit, Flush::Later)?;
            store.finalise(version, 0)?;
        }
        store.sync()?;
        let filled = begun.elapsed();
        drop(store);
        let memory = Opened::probe(folder.path())?.bytes;
        let store = Some(Store::open(Fjall::open(folder.path())?)?);
        Ok(Self { folder, store, filled, memory, blocks: Mutex::new(0) })
    }

    fn store(&self) -> Result<&Store, Fault> {
        self.store.as_ref().ok_or_else(|| "the store is closed".into())
    }

    /// A session on the head.
    pub fn session(&self) -> Result<Session, Fault> {
        let store = self.store()?;
        Ok(store.session(store.head())?)
    }

    /// Write an executed block as a node does, durably, and make it final.
    pub fn commit(
        &self,
        block: &Block,
        session: Session,
        changes: Changes,
        outcome: &Outcome,
    ) -> Result<Written, Fault> {
        let hash = banyan_crypto::blake2b(&[&block.header.encode()]);
        let mut number = self.blocks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *number += 1;
        let place = Place::at(*number);
        let bytes = bytes(block, &changes, outcome);
        let (done, took) = timed(|| self.write(block, session, changes, outcome, place, &hash));
        let version = done?;
        self.store()?.finalise(version, WINDOW)?;
        Ok(Written { took, bytes })
    }

    fn write(
        &self,
        block: &Block,
        session: Session,
        changes: Changes,
        outcome: &Outcome,
        place: Place,
        hash: &[u8; 32],
    ) -> Result<banyan_store::Version, Fault> {
        let executed = session.finish(*hash, changes);
        let version = executed.version();
        let mut commit = Commit::new();
        commit.state(executed).head(version).header(hash, block.header.encode()).body(hash, &*block.body);
        commit.receipt(hash, receipts(outcome)).main(place, Some(hash));
        for (position, receipt) in (0..).zip(&outcome.receipts) {
            commit.tx(&receipt.tx_hash.0, hash, position);
        }
        self.store()?.commit(commit, Flush::Now)?;
        Ok(version)
    }

    /// Close the store; its files stay.
    pub fn close(&mut self) {
        self.store = None;
    }
}

/// What a process that opens a store says of it.
struct Opened {
    bytes: u64,
    tables: Duration,
    states: Duration,
    versions: u64,
}

impl Opened {
    fn probe(folder: &Path) -> Result<Self, Fault> {
        let said = Probe::Store.ask(folder)?;
        let [bytes, tables, states, versions] = said[..] else { return Err("the probe said something else".into()) };
        let (tables, states) = (Duration::from_micros(tables), Duration::from_micros(states));
        Ok(Self { bytes, tables, states, versions })
    }
}

/// Be the process that opens a store: what it says of it.
pub(crate) fn open(folder: &Path) -> Result<Vec<u64>, Fault> {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let (engine, tables) = timed(|| Fjall::open(folder));
    let engine = engine?;
    let (store, states) = timed(|| Store::open(engine));
    let versions = store?.kept().len() as u64;
    Ok(vec![machine::resident(), micros(tables), micros(states), versions])
}

fn receipts(outcome: &Outcome) -> Vec<u8> {
    let mut bytes = Vec::new();
    let receipts: Vec<_> = outcome.receipts.iter().map(|receipt| Bytes(receipt.encode())).collect();
    receipts.put(&mut bytes);
    bytes
}

/// Bytes of keys and values that a block writes.
fn bytes(block: &Block, changes: &Changes, outcome: &Outcome) -> usize {
    let leaves: usize = changes.values().map(|value| 40 + 32 + value.as_ref().map_or(0, Vec::len)).sum();
    leaves + block.body.len() + receipts(outcome).len() + outcome.receipts.len() * 68
}

/// A block on disk: all its rows in one synced batch.
pub(crate) fn commit() -> Result<Vec<Figure>, Fault> {
    let fsync = limit::fsync()?.median();
    let rate = limit::write_rate()?;
    let mut figures = Vec::new();
    for (spends, written) in ledger::written()? {
        let sample = Sample::from_times(written.iter().map(|written| written.took));
        let bytes = written.iter().map(|written| written.bytes).sum::<usize>() as f64 / written.len() as f64;
        let limit = fsync + bytes / rate;
        let figure = Figure::time(format!("store::commit/spends={spends}"), &sample, 1, Unit::Millis).ratio(
            sample.median() / limit,
            format!("one write of its {:.1} MiB and a sync", bytes / f64::from(1 << 20)),
        );
        figures.push(if spends == 10_000 { figure.at_most(250.0) } else { figure });
    }
    Ok(figures)
}

/// The store opened again, every root computed anew; and what it keeps in memory.
pub(crate) fn reopen() -> Result<Vec<Figure>, Fault> {
    let disk = &ledger::runs()?.disk;
    let opened = (0..3).map(|_| Opened::probe(disk.folder.path())).collect::<Result<Vec<_>, _>>()?;
    let sample = |of: fn(&Opened) -> Duration| Sample::from_times(opened.iter().map(of));
    let (both, states) = (sample(|opened| opened.tables + opened.states), sample(|opened| opened.states));
    let build = Sample::from_times([build_time()]);
    let memory = disk.memory as f64;
    let name = format!("store::reopen/keys={ACCOUNTS},versions={}", opened[0].versions);
    Ok(vec![
        Figure::time(&name, &both, 1, Unit::Millis)
            .ratio(both.median() / build.median(), "building the trie alone")
            .at_most(5_000.0),
        Figure::time(format!("{name},states"), &states, 1, Unit::Millis).ratio(states.median() / both.median(), "all"),
        Figure::time(format!("store::fill/keys={ACCOUNTS}"), &Sample::from_times([disk.filled]), 1, Unit::Millis),
        Figure::new(format!("store::memory/keys={ACCOUNTS}"), memory / f64::from(1 << 20), Unit::Mib)
            .ratio(memory / ACCOUNTS as f64, "bytes a leaf"),
    ])
}

/// How long the trie of as many leaves takes when they are in memory.
fn build_time() -> Duration {
    let leaf = |number: usize| Leaf { key: value_hash(&number.to_be_bytes()), value_hash: [0; 32], note: 0_u64 };
    let mut leaves: Vec<_> = (0..ACCOUNTS).map(leaf).collect();
    leaves.sort_unstable_by_key(|leaf| leaf.key);
    timed(|| Trie::build(leaves)).1
}
