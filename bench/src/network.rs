//! Real nodes of one root over loopback: how soon key blocks are final, and how many spends a second become final.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use banyan_crypto::SecretKey;
use banyan_node::{Handle, Leaves as _, News};
use banyan_store::Place;
use banyan_types::{AccountId, Hash, Height, tx::SignedTx};
use rayon::prelude::*;
use tokio::{
    runtime::Runtime,
    sync::broadcast::{Receiver, error::TryRecvError},
};

use crate::{
    Fault,
    figure::{Figure, Unit},
    group::{Group, WITNESSES},
    ledger, limit, machine, world,
};

/// Milliseconds between key blocks while idle nodes make them final.
const IDLE_INTERVAL_MS: u64 = 1_000;
/// Key blocks that are timed there.
const KEY_BLOCKS: u64 = 40;

/// Nodes that take spends: three of the four witnesses, which are more than two thirds.
const BUSY: usize = 3;
/// Milliseconds between key blocks while spends are counted: the profile `dev`.
const BUSY_INTERVAL_MS: u64 = 3_000;
/// Accounts that send.
const SENDERS: usize = 4_000;
/// Spends of each that are ready.
const ROUNDS: u64 = 72;
/// Spends that were sent and are not final, at most: more only wait longer.
const WAITING_MAX: u64 = 30_000;
/// Transactions of one submit, and submits at once to each node.
const BATCH: usize = 128;
const LANES: usize = 4;
/// Load before the figures begin, and while they are taken.
const WARM: Duration = Duration::from_secs(6);
const SUSTAINED: Duration = Duration::from_secs(30);

/// The figure of blocks of about that size, from their bytes to the disk.
const APPLY: &str = "ledger::apply/spends=1000,state=store,cores=2";

/// How often the nodes are looked at.
const GLANCE: Duration = Duration::from_millis(5);
/// A bound for what hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// When each node held what for final.
struct Watch {
    news: Vec<Receiver<News>>,
    /// When the miner's chain got each key block.
    found: BTreeMap<Hash, Instant>,
    /// Seals in order of arrival, by node.
    sealed: Vec<Vec<(Height, Instant)>>,
}

impl Watch {
    fn of(group: &Group) -> Self {
        let news: Vec<_> = (0..group.count()).map(|n| group.handle(n).news()).collect();
        Self { sealed: news.iter().map(|_| Vec::new()).collect(), news, found: BTreeMap::new() }
    }

    /// Hear what is new. True if a key block became final somewhere.
    fn look(&mut self) -> Result<bool, Fault> {
        let mut has_final = false;
        for (n, news) in self.news.iter_mut().enumerate() {
            loop {
                match news.try_recv() {
                    Ok(News::Tip { redone, .. }) if n == 0 => {
                        self.found.extend(redone.into_iter().map(|hash| (hash, Instant::now())));
                    }
                    Ok(News::Sealed(seal)) => self.sealed[n].push((seal.height, Instant::now())),
                    Ok(News::Final { .. }) => has_final = true,
                    Ok(_) => {}
                    Err(TryRecvError::Empty) => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(has_final)
    }

    /// Up to which height every node has told of seals.
    fn sealed_to(&self) -> u64 {
        let highest = |sealed: &Vec<(Height, Instant)>| sealed.iter().map(|(height, _)| height.0).max();
        self.sealed.iter().map(|sealed| highest(sealed).unwrap_or(0)).min().unwrap_or(0)
    }

    /// Milliseconds from each key block of these heights, up to which all have told of seals, until each node held a seal that covers it.
    fn waits(&self, group: &Group, heights: impl Iterator<Item = u64>) -> Result<Vec<f64>, Fault> {
        let mut waits = Vec::new();
        for height in heights {
            let place = Place { height, index: 0 };
            let key = group.handle(0).chain().main_at(place)?.ok_or("a final block is gone")?;
            // Blocks from before the watch began have no time.
            let Some(begun) = self.found.get(&key) else { continue };
            for sealed in &self.sealed {
                let covers = sealed.iter().find(|(sealed, _)| sealed.0 >= height);
                let (_, at) = covers.ok_or("a final block without a seal")?;
                waits.push(at.saturating_duration_since(*begun).as_secs_f64() * 1e3);
            }
        }
        waits.sort_by(f64::total_cmp);
        Ok(waits)
    }
}

fn at(sorted: &[f64], percent: usize) -> f64 {
    sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied().unwrap_or(f64::INFINITY)
}

fn final_figures(name: &str, waits: &[f64], interval_ms: u64) -> [Figure; 2] {
    [(50, 1_000.0), (95, 3_000.0)].map(|(percent, limit)| {
        let wait = at(waits, percent);
        let figure = Figure::new(format!("{name},p{percent}"), wait, Unit::Millis);
        figure.ratio(wait / interval_ms as f64, "key interval").at_most(limit)
    })
}

/// From a key block's place at the end of the miner's chain until each node holds its seal.
pub(crate) fn finality() -> Result<Vec<Figure>, Fault> {
    let group = Group::start(WITNESSES, IDLE_INTERVAL_MS, &[])?;
    let mut watch = Watch::of(&group);
    let begun = Instant::now();
    while watch.sealed_to() < KEY_BLOCKS {
        watch.look()?;
        patient(begun)?;
    }
    let waits = watch.waits(&group, 1..=KEY_BLOCKS)?;
    let memory = machine::resident() as f64 / group.count() as f64 / f64::from(1 << 20);
    group.stop();
    let name = format!("network::final/witnesses={WITNESSES}");
    let mut figures: Vec<_> = final_figures(&name, &waits, IDLE_INTERVAL_MS).into();
    figures.push(Figure::new(format!("network::memory/witnesses={WITNESSES},per node"), memory, Unit::Mib));
    Ok(figures)
}

/// Batches of spends: each sender's first, then each sender's second, and so on. Signed before the clock starts.
fn batches(network_id: &str, senders: &[SecretKey], payee: AccountId) -> Vec<Vec<SignedTx>> {
    let round = |nonce: u64| senders.par_iter().map(move |key| world::spend(network_id, key, payee, nonce));
    let txs: Vec<_> = (1..=ROUNDS).flat_map(|nonce| round(nonce).collect::<Vec<_>>()).collect();
    txs.chunks(BATCH).map(<[_]>::to_vec).collect()
}

/// How many spends were final on every node, and when.
#[derive(Default)]
struct Paid(Vec<(u64, Instant)>);

impl Paid {
    fn count(&self) -> u64 {
        self.0.last().map_or(0, |(paid, _)| *paid)
    }

    fn look(&mut self, group: &Group, payee: AccountId) -> Result<(), Fault> {
        let mut least = u64::MAX;
        for n in 0..group.count() {
            let held = group.handle(n).chain().last_final()?.view.account(payee)?;
            let paid = held.map_or(0, |account| account.balance.base());
            least = least.min(u64::try_from(paid)?);
        }
        if least > self.count() {
            self.0.push((least, Instant::now()));
        }
        Ok(())
    }

    /// From submit to final everywhere, in milliseconds, of each batch that was sent from `since` on and is final.
    fn waits(&self, sent: &[(u64, Instant)], since: Instant) -> Vec<f64> {
        let wait = |(count, sent): &(u64, Instant)| {
            let place = self.0.partition_point(|(paid, _)| paid < count);
            self.0.get(place).map(|(_, at)| at.saturating_duration_since(*sent).as_secs_f64() * 1e3)
        };
        let mut waits: Vec<_> = sent.iter().filter(|(_, at)| *at >= since).filter_map(wait).collect();
        waits.sort_by(f64::total_cmp);
        waits
    }
}

/// What all that feed the nodes share.
struct Feed {
    batches: Mutex<Vec<Vec<SignedTx>>>,
    /// How many were sent, and when.
    sent: Mutex<Vec<(u64, Instant)>>,
    /// How many are final everywhere.
    paid: AtomicU64,
}

impl Feed {
    /// Give batches to a node, one after another, as long as there are some and not too many wait.
    async fn run(&self, node: Handle) -> Result<(), Fault> {
        loop {
            let sent = lock(&self.sent).last().map_or(0, |(sent, _)| *sent);
            if sent - self.paid.load(Ordering::Relaxed) > WAITING_MAX {
                tokio::time::sleep(GLANCE).await;
                continue;
            }
            let Some(batch) = lock(&self.batches).pop() else { return Ok(()) };
            {
                let mut sent = lock(&self.sent);
                let before = sent.last().map_or(0, |(sent, _)| *sent);
                sent.push((before + batch.len() as u64, Instant::now()));
            }
            if let Some(error) = node.submit(batch).await?.into_iter().find_map(Result::err) {
                return Err(format!("a spend is refused: {error}").into());
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Spends given to two nodes, neither of them the miner, for half a minute: how many become final on every node.
pub(crate) fn spends() -> Result<Vec<Figure>, Fault> {
    let senders = world::senders(SENDERS);
    let rich: Vec<_> = senders.iter().map(|key| AccountId(key.public())).collect();
    let group = Group::start(BUSY, BUSY_INTERVAL_MS, &rich)?;
    let network_id = group.handle(0).chain().params().network_id.clone();
    let payee = AccountId(banyan_crypto::sha256(&[b"payee"]));
    let mut batches = batches(&network_id, &senders, payee);
    batches.reverse();
    let feed = Arc::new(Feed { batches: Mutex::new(batches), sent: Mutex::default(), paid: AtomicU64::new(0) });
    let mut watch = Watch::of(&group);
    let begun = Instant::now();
    while watch.sealed_to() < 1 {
        watch.look()?;
        patient(begun)?;
    }
    let runtime = Runtime::new()?;
    let lanes = (1..BUSY).flat_map(|n| std::iter::repeat_n(n, LANES));
    let feeding: Vec<_> = lanes
        .map(|n| {
            let (feed, node) = (Arc::clone(&feed), group.handle(n).clone());
            runtime.spawn(async move { feed.run(node).await })
        })
        .collect();
    let (mut paid, begun, mut from) = (Paid::default(), Instant::now(), None);
    while begun.elapsed() < WARM + SUSTAINED && !feeding.iter().any(tokio::task::JoinHandle::is_finished) {
        thread::sleep(GLANCE);
        if !watch.look()? {
            continue;
        }
        paid.look(&group, payee)?;
        feed.paid.store(paid.count(), Ordering::Relaxed);
        // The time begins and ends where a key block becomes final, so that no part of a generation is counted.
        if from.is_none() && begun.elapsed() >= WARM {
            from = Some((Instant::now(), paid.count(), watch.sealed_to()));
        }
    }
    let (since, before, height) = from.ok_or("the load was never measured")?;
    let (after, until) = *paid.0.last().ok_or("no spend became final")?;
    let per_second = (after - before) as f64 / until.saturating_duration_since(since).as_secs_f64();
    if let Some(lane) = feeding.into_iter().find(tokio::task::JoinHandle::is_finished) {
        runtime.block_on(lane)??;
        return Err("there were too few spends for the time".into());
    }
    let seals = watch.waits(&group, height + 1..=watch.sealed_to())?;
    let waits = paid.waits(&lock(&feed.sent), since);
    runtime.shutdown_background();
    group.stop();
    spends_figures(per_second, &waits, &seals)
}

fn spends_figures(per_second: f64, waits: &[f64], seals: &[f64]) -> Result<Vec<Figure>, Fault> {
    let limit = limit::batch_rate(2)? / BUSY as f64;
    let applied = ledger::apply_figures()?.into_iter().find(|figure| figure.name == APPLY);
    let apply = applied.ok_or("the bench of blocks has no such figure")?.value / BUSY as f64;
    let name = format!("network::spends/nodes={BUSY}");
    let mut figures = vec![
        Figure::new(format!("{name},final everywhere"), per_second, Unit::PerSecond)
            .ratio(per_second / limit, "checking each signature once per node")
            .ratio(per_second / apply, "applying each block once per node")
            .ratio(per_second / 118.0, "what aeternity's limits allow")
            .at_least(1_000.0),
        Figure::new(format!("{name},submit to final,p50"), at(waits, 50), Unit::Millis),
        Figure::new(format!("{name},submit to final,p95"), at(waits, 95), Unit::Millis),
    ];
    // What is asked of finality is asked of nodes that have time: these are given more than they can do.
    let seals = final_figures(&format!("{name},key block to seal"), seals, BUSY_INTERVAL_MS);
    figures.extend(seals.map(|figure| Figure { target: None, ..figure }));
    Ok(figures)
}

fn patient(begun: Instant) -> Result<(), Fault> {
    if begun.elapsed() > PATIENCE {
        return Err("the nodes do not get there".into());
    }
    thread::sleep(GLANCE);
    Ok(())
}
