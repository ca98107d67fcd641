//! A tree of ledgers that move money by their own rules: nothing but states, blocks and keys.
//!
//! Each ledger is a state in memory that the one transition changes; each block is sealed by its engine's true keys and checked
//! by its engine's rules; each remit is a real transaction. What a node, a network and a disk would add is left out, so that a
//! world of dozens of ledgers takes a fraction of a second. Read [`World::round`] first.

use std::collections::{BTreeMap, BTreeSet};

use banyan_ledger::{Invalid, PointView, Rejected, summary_of};
use banyan_types::{
    AccountId, AssociateId, Bytes, PublicKey, TimeMs,
    associate::{CertifiedBlock, ContractWord, InboxEntry, OutboxEntry, Summary},
    tx::{SignedTx, Transaction},
};

use super::{
    acts::{JUDGES_GAS, SILENCE, signed_by},
    books::Books,
    chain::{Ledger, Refusal},
    figures::Figures,
    journeys::{Journeys, happenings},
    laws,
    order::Seal,
    people::Person,
    plan::{Plan, Regime, Spot},
    settled::Settled,
};
use crate::{
    law::{Broken, ensure},
    random::Random,
    trace::Trace,
};

/// Heights without a summary after which a child sends one that carries nothing.
const HEARTBEAT: u64 = SILENCE / 5;

/// Who lives in a tree.
#[derive(Clone, Debug)]
pub struct Cast {
    /// Those whose money is followed.
    pub users: Vec<Person>,
    /// Pays for everybody's beginning.
    pub treasurer: Person,
    /// For each ledger, who registers it at its parent and pays for its remits there.
    pub keepers: Vec<Person>,
    /// For each ledger, three who answer for it.
    pub operators: Vec<Vec<Person>>,
    /// Whom liars pay.
    pub crony: Person,
}

/// The tree.
#[derive(Clone, Debug)]
pub struct World {
    /// What it began with.
    pub plan: Plan,
    /// Draws what happens.
    pub random: Random,
    /// The root first; a parent before its children.
    pub ledgers: Vec<Ledger>,
    /// Who lives there.
    pub cast: Cast,
    /// Where a child stands in the tree.
    pub places: BTreeMap<AssociateId, usize>,
    /// Transactions that wait.
    pub pools: Vec<Vec<SignedTx>>,
    /// Ledgers that lie or die. Of what is below them nothing is promised to those outside but that it is below them.
    pub fenced: BTreeSet<usize>,
    /// Ledgers whose states are invented.
    pub liars: BTreeSet<usize>,
    /// Ledgers that nobody speaks for: they send no remits by themselves.
    pub quiet: BTreeSet<usize>,
    /// Ledgers that make no blocks.
    pub stopped: BTreeSet<usize>,
    /// Parent blocks that each ledger waits for before it makes a block of nothing.
    pub paces: Vec<u64>,
    /// Validators who are not there.
    pub absent: Vec<BTreeSet<PublicKey>>,
    /// What everybody owns.
    pub books: Books,
    /// Where everybody's money goes.
    pub journeys: Journeys,
    /// How each inbox entry ended.
    pub settled: Settled,
    /// For each ledger, what it and its edge to its parent hold of each user's money.
    pub holds: Vec<BTreeMap<AccountId, i128>>,
    /// Key blocks by which the root's finality lags now.
    pub lag: u64,
    /// Whether that stays so.
    is_steady: bool,
    /// What has happened.
    pub figures: Figures,
    /// Whether users' sums are looked at: not before everybody has something.
    pub opened: bool,
    trace: Trace,
}

impl World {
    pub(super) fn over(plan: Plan, random: Random, ledgers: Vec<Ledger>, cast: Cast, trace: Trace) -> Self {
        let count = ledgers.len();
        let places = ledgers.iter().enumerate().skip(1).map(|(at, ledger)| (ledger.id(), at)).collect();
        let figures = Figures { worlds: 1, ledgers: count as u64, ..Figures::default() };
        Self {
            plan,
            random,
            ledgers,
            cast,
            places,
            pools: vec![Vec::new(); count],
            fenced: BTreeSet::new(),
            liars: BTreeSet::new(),
            quiet: BTreeSet::new(),
            stopped: BTreeSet::new(),
            paces: vec![1; count],
            absent: vec![BTreeSet::new(); count],
            books: Books::default(),
            journeys: Journeys::default(),
            settled: Settled::default(),
            holds: vec![BTreeMap::new(); count],
            lag: 0,
            is_steady: false,
            figures,
            opened: false,
            trace,
        }
    }

    /// The hash over all that has happened.
    pub const fn trace_hash(&self) -> banyan_types::Hash {
        self.trace.hash()
    }

    /// A ledger below the root as it was drawn.
    pub fn spot(&self, at: usize) -> Spot {
        self.plan.spots[at - 1]
    }

    /// Its parent. The root is its own.
    pub fn parent(&self, at: usize) -> usize {
        if at == 0 { 0 } else { self.spot(at).parent }
    }

    /// From a ledger up to the root, both included.
    pub fn line(&self, at: usize) -> Vec<usize> {
        let up = |at: &usize| (*at > 0).then(|| self.parent(*at));
        std::iter::successors(Some(at), up).collect()
    }

    /// Whether no fence is around it.
    pub fn is_outside(&self, at: usize) -> bool {
        self.line(at).iter().all(|above| !self.fenced.contains(above))
    }

    /// How it stands at its parent: whether it exists there, and has not died.
    pub fn lives(&self, at: usize) -> bool {
        let above = &self.ledgers[self.parent(at)];
        let point = above.point(self.ledgers[at].id());
        point.is_some_and(|point| !point.standing(above.height()).is_dead())
    }

    /// One turn of everything: the root, then every other ledger from above, then those who send remits.
    /// # Errors
    /// The law that was broken.
    pub fn round(&mut self) -> Result<(), Broken> {
        self.figures.rounds += 1;
        self.root()?;
        for at in 1..self.ledgers.len() {
            self.turn(at)?;
        }
        for at in 1..self.ledgers.len() {
            self.offer_remit(at)?;
        }
        Ok(())
    }

    /// The root's next generation, on another branch if the last ones are abandoned.
    fn root(&mut self) -> Result<(), Broken> {
        if self.plan.reorgs && self.opened && self.random.chance(250) {
            self.reorg()?;
        }
        let txs = std::mem::take(&mut self.pools[0]);
        self.generation(&txs)?;
        if self.opened && !self.is_steady && self.random.chance(200) {
            self.lag = self.random.below(self.plan.lag_max + 1);
        }
        self.finalise();
        Ok(())
    }

    /// From now on the root is final up to so many key blocks below its tip.
    #[cfg(test)]
    pub fn freeze_finality(&mut self, lag: u64) {
        (self.lag, self.is_steady) = (lag, true);
    }

    fn finalise(&mut self) {
        let root = &mut self.ledgers[0];
        let named = root.records.iter().enumerate().rev().filter(|(_, record)| record.named.is_some());
        let last = named.map(|(at, _)| at + 1).nth(usize::try_from(self.lag).unwrap_or(0));
        root.final_len = root.final_len.max(last.unwrap_or(0));
    }

    fn generation(&mut self, txs: &[SignedTx]) -> Result<(), Broken> {
        let before = self.ledgers[0].records.len();
        let miner = self.random.below(4);
        let miner = PublicKey(banyan_crypto::blake2b(&[b"miner", &miner.to_be_bytes()]));
        let refused = self.ledgers[0].generation(txs, miner)?;
        self.absorb(0, before)?;
        self.refuse(0, &refused)
    }

    /// The root abandons blocks that are not final, and puts what was in them into others.
    fn reorg(&mut self) -> Result<(), Broken> {
        let open = self.ledgers[0].records[self.ledgers[0].final_len..].iter();
        let open = open.filter(|record| record.named.is_some()).count() as u64;
        if open == 0 {
            return Ok(());
        }
        let depth = self.random.between(1, open);
        let mut txs = Vec::new();
        for _ in 0..depth {
            txs.extend(self.abandon(0).into_iter().rev());
            let is_micro = self.ledgers[0].records.last().is_some_and(|record| record.named.is_none());
            if is_micro && self.ledgers[0].records.len() > self.ledgers[0].final_len {
                txs.extend(self.abandon(0).into_iter().rev());
            }
        }
        txs.reverse();
        self.figures.reorgs += 1;
        self.figures.reentered += txs.len() as u64;
        laws::no_credit_is_left(self)?;
        let txs = self.shuffled(txs);
        let (first, later) = txs.split_at(self.random.place(txs.len() + 1));
        let waiting = std::mem::take(&mut self.pools[0]);
        self.generation(first)?;
        (1..depth).try_for_each(|_| self.generation(&[]))?;
        self.pools[0] = [later.to_vec(), waiting].concat();
        Ok(())
    }

    /// In another order, but for those of one signer.
    fn shuffled(&mut self, txs: Vec<SignedTx>) -> Vec<SignedTx> {
        let mut order: BTreeMap<AccountId, u64> = BTreeMap::new();
        for tx in &txs {
            order.entry(tx.transaction().signer()).or_insert_with(|| self.random.number());
        }
        let mut txs = txs;
        txs.sort_by_key(|tx| order.get(&tx.transaction().signer()).copied());
        txs
    }

    /// Take back a ledger's last block; its transactions.
    pub fn abandon(&mut self, at: usize) -> Vec<SignedTx> {
        let Some(record) = self.ledgers[at].unwind() else { return Vec::new() };
        let (fenced, is_outside) = (self.fence(), self.is_outside(at));
        self.books.enter(&record, is_outside, &|id| fenced.contains(&id), -1);
        self.journeys.enter(at, &happenings(&record), false);
        self.settled.take_back(self.ledgers[at].id(), &record);
        laws::count(self, at);
        self.trace.line(TimeMs(self.figures.rounds), at, format_args!("abandons {}", record.outcome.root));
        record.txs
    }

    /// Children that are behind a fence of their own.
    fn fence(&self) -> BTreeSet<AssociateId> {
        self.fenced.iter().map(|at| self.ledgers[*at].id()).collect()
    }

    /// A ledger below the root has its turn.
    fn turn(&mut self, at: usize) -> Result<(), Broken> {
        let is_last_open = self.ledgers[at].final_len < self.ledgers[at].records.len();
        if self.plan.reorgs && self.opened && is_last_open && self.is_outside(at) && self.random.chance(100) {
            let txs = self.abandon(at);
            self.figures.forks += 1;
            self.pools[at].splice(0..0, txs);
        }
        let leaf = self.ledgers[at].parent_leaf();
        let Some(tip) = self.tip(at).filter(|_| !self.stopped.contains(&at)) else { return Ok(()) };
        let moved = tip.height.0.saturating_sub(leaf.height.0);
        if moved < self.paces[at] && (self.pools[at].is_empty() || moved == 0) {
            return Ok(());
        }
        let txs = std::mem::take(&mut self.pools[at]);
        self.block(at, &txs)?;
        // Where one step confirms, the next block makes this one final.
        if self.ledgers[at].order.as_ref().is_some_and(|order| order.lag() > 0) {
            self.block(at, &[])?;
        }
        Ok(())
    }

    /// The final block of the parent that a ledger may name, if it is registered there.
    pub fn tip(&self, at: usize) -> Option<banyan_ledger::ParentTip> {
        let (parent, id) = (self.parent(at), self.ledgers[at].id());
        let named = self.ledgers[parent].final_named()?;
        named.inbox_next.contains_key(&id).then(|| named.tip(id))
    }

    /// The entries that the next block of a ledger must settle; `None` if its parent no longer has them.
    pub fn inbox(&self, at: usize) -> Option<Vec<InboxEntry>> {
        let (from, tip) = (self.ledgers[at].parent_leaf().inbox, self.tip(at)?);
        let (above, id) = (&self.ledgers[self.parent(at)], self.ledgers[at].id());
        (from..tip.inbox_next.max(from)).map(|n| above.entry(id, n)).collect()
    }

    /// The next block of a ledger below the root.
    pub fn block(&mut self, at: usize, txs: &[SignedTx]) -> Result<(), Broken> {
        let Some(tip) = self.tip(at) else { return Ok(()) };
        let Some(inbox) = self.inbox(at) else {
            // A liar has settled what it never credited, or was refunded as dead.
            let is_fenced = !self.is_outside(at);
            self.stopped.insert(at);
            return ensure(is_fenced, "open entries can be read", || format!("ledger {at}"));
        };
        let before = self.ledgers[at].records.len();
        let absent = self.absent[at].clone();
        let made = self.ledgers[at].child_block(tip, &inbox, txs, &absent)?;
        let refused = made.map_err(|why| Broken::new("an honest block follows its parent", format!("{at}: {why}")))?;
        self.figures.views += self.ledgers[at].records.last().and_then(|last| Some(last.header.as_ref()?.view > 0)).map_or(0, u64::from);
        let lag = self.ledgers[at].order.as_ref().map_or(0, super::order::Order::lag);
        let len = self.ledgers[at].records.len() - lag.min(self.ledgers[at].records.len());
        self.ledgers[at].final_len = self.ledgers[at].final_len.max(len);
        self.absorb(at, before)?;
        self.refuse(at, &refused)
    }

    /// Enter a ledger's blocks from `from` on into the books, and look at the laws.
    fn absorb(&mut self, at: usize, from: usize) -> Result<(), Broken> {
        let (fenced, is_outside, id) = (self.fence(), self.is_outside(at), self.ledgers[at].id());
        for record in &self.ledgers[at].records[from..] {
            self.figures.blocks += 1;
            self.figures.count(&record.outcome);
            self.books.enter(record, is_outside, &|id| fenced.contains(&id), 1);
            self.journeys.enter(at, &happenings(record), true);
            self.settled.enter(id, record)?;
            laws::in_time(record)?;
            self.trace.line(TimeMs(self.figures.rounds), at, format_args!("block {}", record.outcome.root));
        }
        laws::check(self, at)
    }

    /// Transactions that were not taken. Whoever speaks for an honest child is always heard, unless it is frozen.
    fn refuse(&mut self, at: usize, refused: &[Refusal]) -> Result<(), Broken> {
        for (tx, why) in refused {
            self.figures.refused += 1;
            self.trace.line(TimeMs(self.figures.rounds), at, format_args!("refuses {}: {why}", tx.hash()));
            let Transaction::AssociateRemit(remit) = tx.transaction() else { continue };
            let child = self.places.get(&remit.associate_id).copied().unwrap_or(0);
            let honest = self.is_outside(child) && !matches!(why, Rejected::Status { .. });
            ensure(!honest, "an honest remit is taken", || format!("of {child}: {why}"))?;
        }
        Ok(())
    }

    /// Put a transaction of somebody into a ledger's pool.
    pub fn submit(&mut self, at: usize, signer: &Person, tx: impl Into<Transaction>) {
        let tx = self.ledgers[at].sign(signer, tx);
        self.pools[at].push(tx);
    }

    /// The nonce of somebody's next transaction on a ledger, behind what waits there.
    pub fn nonce(&self, at: usize, signer: &Person) -> banyan_types::Nonce {
        let waiting = self.pools[at].iter().filter(|tx| tx.transaction().signer() == signer.id).count() as u64;
        self.ledgers[at].nonce(signer.id, waiting)
    }

    /// Send one transaction in a block of its own; what the ledger says to it. A refused one leaves no block.
    pub fn send(&mut self, at: usize, signer: &Person, tx: impl Into<Transaction>) -> Result<Result<(), Rejected>, Broken> {
        let tx = self.ledgers[at].sign(signer, tx);
        let before = (self.ledgers[at].state.root(), self.ledgers[at].records.len());
        let mut trial = self.ledgers[at].clone();
        let refused = if at == 0 {
            trial.generation(std::slice::from_ref(&tx), PublicKey::ZERO)?
        } else {
            let (Some(tip), Some(inbox)) = (self.tip(at), self.inbox(at)) else {
                return Err(Broken::new("a ledger that is asked makes blocks", format!("{at}")));
            };
            let made = trial.child_block(tip, &inbox, std::slice::from_ref(&tx), &self.absent[at].clone())?;
            made.map_err(|why: Invalid| Broken::new("an honest block follows its parent", format!("{at}: {why}")))?
        };
        if let Some((_, why)) = refused.into_iter().next() {
            let after = (self.ledgers[at].state.root(), self.ledgers[at].records.len());
            ensure(after == before, "what is refused changes nothing", || format!("on {at}"))?;
            return Ok(Err(why));
        }
        let waiting = std::mem::take(&mut self.pools[at]);
        let sent = if at == 0 { self.generation(&[tx]) } else { self.block(at, &[tx]) };
        self.pools[at] = waiting;
        if at == 0 {
            self.finalise();
        }
        sent.map(Ok)
    }

    /// Send what a child has done to its parent, if there is something, or if it was silent for long.
    fn offer_remit(&mut self, at: usize) -> Result<(), Broken> {
        let (parent, id) = (self.parent(at), self.ledgers[at].id());
        if self.quiet.contains(&at) || self.stopped.contains(&at) || self.stopped.contains(&parent) {
            return Ok(());
        }
        let waits = |tx: &SignedTx| matches!(tx.transaction(), Transaction::AssociateRemit(tx) if tx.associate_id == id);
        let above = &self.ledgers[parent];
        let Some(point) = above.point(id).filter(|_| !self.pools[parent].iter().any(waits)) else { return Ok(()) };
        let is_open = !point.standing(above.height()).is_dead() && point.standing(above.height()).as_str() != "frozen";
        let quiet_for = above.height().since(point.last_alive).unwrap_or(0);
        if !is_open || !(self.has_news(at, point.point.child_to.0) || quiet_for >= HEARTBEAT) {
            return Ok(());
        }
        let Some((summary, lines)) = self.summary(at) else { return Ok(()) };
        let authorization = self.authorise(at, &summary, self.ledgers[at].final_len);
        let keeper = self.cast.keepers[at].clone();
        let remit = self.ledgers[parent].remit(&keeper, self.nonce(parent, &keeper), (summary, lines), authorization);
        self.submit(parent, &keeper, remit);
        self.figures.remits += 1;
        Ok(())
    }

    /// Whether a child's final blocks above a height bring anything that somebody waits for.
    fn has_news(&self, at: usize, above: u64) -> bool {
        let ledger = &self.ledgers[at];
        let since = ledger.records[..ledger.final_len].iter().rev();
        let mut since = since.take_while(|record| record.header.as_ref().is_some_and(|header| header.height.0 > above));
        since.any(|record| !record.outcome.effects.outbox.is_empty() || record.inbox.iter().any(InboxEntry::is_money))
    }

    /// The honest summary of a child's final blocks since the last one that its parent accepted.
    pub fn summary(&self, at: usize) -> Option<(Summary, Vec<OutboxEntry>)> {
        let ledger = &self.ledgers[at];
        self.summary_to(at, ledger, ledger.final_len)
    }

    /// The same of the first `len` blocks of this ledger, which may be a fork of the one that stands in the tree.
    pub fn summary_to(&self, at: usize, ledger: &Ledger, len: usize) -> Option<(Summary, Vec<OutboxEntry>)> {
        let point = self.ledgers[self.parent(at)].point(ledger.id())?.point;
        let last = ledger.records[..len].last()?;
        let (header, leaf) = (last.header.as_ref()?, last.leaf.clone()?);
        if header.height < point.child_to {
            return None;
        }
        let end = PointView {
            height: header.height,
            block_hash: header.hash(),
            root: header.state_root,
            set_hash: header.set_hash,
            leaf,
        };
        let is_new = |header: &banyan_types::header::ChildHeader| header.height > point.child_to;
        let between = ledger.records[..len].iter().filter(|record| record.header.as_ref().is_some_and(is_new));
        let between: Vec<_> = between.map(|record| record.outcome.effects.clone()).collect();
        Some(summary_of(ledger.id(), &point, &end, between))
    }

    /// What the regime of a child asks for beside a summary of its first `len` blocks.
    pub fn authorise(&self, at: usize, summary: &Summary, len: usize) -> Bytes {
        self.authorise_of(at, &self.ledgers[at], summary, len)
    }

    /// The same of a fork.
    pub fn authorise_of(&self, at: usize, ledger: &Ledger, summary: &Summary, len: usize) -> Bytes {
        match self.spot(at).regime {
            Regime::Operators => {
                let message = summary.signing_message(&self.ledgers[self.parent(at)].params.network_id);
                signed_by(&message, self.cast.operators[at].iter().enumerate().step_by(2))
            }
            Regime::Certificate => certified(ledger, len).map_or(Bytes::default(), |block| Bytes(block.encode())),
            Regime::Contract | Regime::Junk => says(1),
        }
    }
}

/// A word of so many bytes for a judging contract.
pub fn says(bytes: usize) -> Bytes {
    Bytes(ContractWord { gas: JUDGES_GAS, word: Bytes(vec![1; bytes]) }.encode())
}

/// The last of a ledger's first `len` blocks as its validators certified it, with its side of the connection.
fn certified(ledger: &Ledger, len: usize) -> Option<CertifiedBlock> {
    let last = ledger.records[..len].last()?;
    let Some(Seal::Certificate(certificate)) = &last.seal else { return None };
    let leaf = Ledger::prove(&ledger.state_at(len), &[banyan_ledger::key::parent()]);
    Some(CertifiedBlock {
        header: Bytes(last.header.as_ref()?.encode()),
        certificate: Bytes(certificate.encode()),
        leaf,
    })
}
