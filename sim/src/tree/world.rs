//! A tree of ledgers that move money by their own rules: nothing but states, blocks and keys.
//!
//! Each ledger is a state in memory that the one transition changes; each block is sealed by its engine's true keys and checked
//! by its engine's rules; each remit is a real transaction. What a node, a network and a disk would add is left out, so that a
//! world of dozens of ledgers takes a fraction of a second. Read [`World::round`] first.

use std::collections::{BTreeMap, BTreeSet};

use banyan_ledger::Rejected;
use banyan_types::{
    AccountId, AssociateId, Hash, PublicKey, TimeMs,
    associate::InboxEntry,
    tx::{SignedTx, Transaction},
};

use super::{
    blocks::Refusal,
    books::Books,
    chain::Ledger,
    figures::Figures,
    journeys::{Journeys, happenings},
    laws,
    people::Person,
    plan::{Plan, Spot},
    settled::Settled,
};
use crate::{
    law::{Broken, ensure},
    random::Random,
    trace::Trace,
};

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
    /// Commits that stood in abandoned blocks, with their numbers there.
    undone: BTreeMap<Hash, u64>,
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
            undone: BTreeMap::new(),
            lag: 0,
            is_steady: false,
            figures,
            opened: false,
            trace,
        }
    }

    /// The hash over all that has happened.
    pub const fn trace_hash(&self) -> Hash {
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
            self.offer_remit(at);
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
        self.undone.extend(record.committed.iter().map(|(_, entry)| (entry.leg, entry.n)));
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
        if self.ledgers[at].order().lag() > 0 {
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
        let ledger = &mut self.ledgers[at];
        self.figures.views += u64::from(ledger.prev().view > 0);
        let len = ledger.records.len().saturating_sub(ledger.order().lag());
        ledger.final_len = ledger.final_len.max(len);
        self.absorb(at, before)?;
        self.refuse(at, &refused)
    }

    /// Enter a ledger's blocks from `from` on into the books, and look at the laws.
    fn absorb(&mut self, at: usize, from: usize) -> Result<(), Broken> {
        let (fenced, is_outside, id) = (self.fence(), self.is_outside(at), self.ledgers[at].id());
        for record in &self.ledgers[at].records[from..] {
            self.figures.blocks += 1;
            self.figures.count(&record.outcome);
            for (_, entry) in &record.committed {
                let before = self.undone.remove(&entry.leg);
                self.figures.renumbered += u64::from(before.is_some_and(|before| before != entry.n));
            }
            self.books.enter(record, is_outside, &|id| fenced.contains(&id), 1);
            self.journeys.enter(at, &happenings(record), true);
            self.settled.enter(id, record)?;
            laws::in_time(record)?;
            self.trace.line(TimeMs(self.figures.rounds), at, format_args!("block {}", record.outcome.root));
        }
        laws::check(self, at)
    }

    /// Transactions that were not taken. Whoever speaks for an honest child is always heard, unless it is frozen, or was when
    /// an earlier word came: then a gap is left before the next one, and it is said again.
    fn refuse(&mut self, at: usize, refused: &[Refusal]) -> Result<(), Broken> {
        for (tx, why) in refused {
            self.figures.refused += 1;
            self.trace.line(TimeMs(self.figures.rounds), at, format_args!("refuses {}: {why}", tx.hash()));
            let Transaction::AssociateRemit(remit) = tx.transaction() else { continue };
            let child = self.places.get(&remit.associate_id).copied().unwrap_or(0);
            let honest =
                self.is_outside(child) && !matches!(why, Rejected::Status { .. } | Rejected::NonceEarly { .. });
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
    pub fn send(
        &mut self,
        at: usize,
        signer: &Person,
        tx: impl Into<Transaction>,
    ) -> Result<Result<(), Rejected>, Broken> {
        let tx = self.ledgers[at].sign(signer, tx);
        let before = self.ledgers[at].state.root();
        let following = if at == 0 {
            None
        } else {
            let (Some(tip), Some(inbox)) = (self.tip(at), self.inbox(at)) else {
                return Err(Broken::new("a ledger that is asked makes blocks", format!("{at}")));
            };
            Some((tip, inbox))
        };
        if let Some(why) = self.ledgers[at].asked(following, &tx, &self.absent[at])? {
            let after = self.ledgers[at].state.root();
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
}
