//! What children say to their parents: summaries of what they have done, in the way that each regime asks for.

use std::collections::BTreeSet;

use banyan_ledger::{PointView, Rejected, summary_of};
use banyan_types::{
    Bytes, Height,
    associate::{CertifiedBlock, ContractWord, Grounds, InboxEntry, OutboxEntry, Summary},
    committee::Certificate,
    header::ChildHeader,
    rlp::Tail,
    tx::{SignedTx, Transaction},
};

use super::{
    acts::{JUDGES_GAS, SILENCE, signed_by},
    chain::Ledger,
    order::Seal,
    plan::Regime,
    world::World,
};
use crate::law::Broken;

/// Heights without a summary after which a child sends one that carries nothing.
const HEARTBEAT: u64 = SILENCE / 5;

impl World {
    /// Send what a child has done to its parent, if there is something, or if it was silent for long.
    pub(super) fn offer_remit(&mut self, at: usize) {
        let (parent, id) = (self.parent(at), self.ledgers[at].id());
        if self.quiet.contains(&at) || self.stopped.contains(&at) || self.stopped.contains(&parent) {
            return;
        }
        let waits =
            |tx: &SignedTx| matches!(tx.transaction(), Transaction::AssociateRemit(tx) if tx.associate_id == id);
        let above = &self.ledgers[parent];
        let Some(point) = above.point(id).filter(|_| !self.pools[parent].iter().any(waits)) else { return };
        let is_open = !point.standing(above.height()).is_dead() && point.standing(above.height()).as_str() != "frozen";
        let quiet_for = above.height().since(point.last_alive).unwrap_or(0);
        if !is_open || !(self.has_news(at, point.point.child_to.0) || quiet_for >= HEARTBEAT) {
            return;
        }
        let Some((summary, lines)) = self.summary(at) else { return };
        let authorization = self.authorise(at, &summary, self.ledgers[at].final_len);
        let keeper = self.cast.keepers[at].clone();
        let remit = keeper.remit(self.nonce(parent, &keeper), (summary, lines), authorization);
        self.submit(parent, &keeper, remit);
        self.figures.remits += 1;
    }

    /// Send a remit of a child in its keeper's name, in a block of its own.
    pub(super) fn say(
        &mut self,
        at: usize,
        whole: (Summary, Vec<OutboxEntry>),
        authorization: Bytes,
    ) -> Result<Result<(), Rejected>, Broken> {
        let (parent, keeper) = (self.parent(at), self.cast.keepers[at].clone());
        let ledger = &self.ledgers[parent];
        let remit = keeper.remit(ledger.nonce(keeper.id, 0), whole, authorization);
        self.pools[parent].retain(|tx| tx.transaction().signer() != keeper.id);
        self.send(parent, &keeper, remit)
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
        let is_new = |header: &ChildHeader| header.height > point.child_to;
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
    let (header, Some(Seal::Certificate(certificate))) = (last.header.as_ref()?, &last.seal) else { return None };
    let leaf = Ledger::prove(&ledger.state_at(len), &[banyan_ledger::key::parent()]);
    let has_lag = ledger.order.as_ref().is_some_and(|order| order.lag() > 0);
    Some(CertifiedBlock {
        header: Bytes(header.encode()),
        certificate: Bytes(certificate.encode()),
        leaf,
        grounds: Tail(has_lag.then(|| grounds(ledger, len, header, certificate)).flatten()),
    })
}

/// The next block, which makes one of turns in one step final. A liar makes one up; and one that was abandoned, though it had
/// a quorum, was like that.
fn grounds(ledger: &Ledger, len: usize, header: &ChildHeader, seal: &Certificate) -> Option<Grounds> {
    let order = ledger.order.as_ref()?;
    let invented = || ChildHeader {
        height: Height(header.height.0 + 1),
        prev_hash: header.hash(),
        prev_seal_hash: seal.hash(),
        ..header.clone()
    };
    let known = ledger.records.get(len).and_then(|record| Some((record.header.clone()?, record.seal.clone()?)));
    let (next, seal) = known.unwrap_or_else(|| {
        let next = invented();
        let seal = order.seal(&ledger.params.network_id, &next, &BTreeSet::new());
        (next, seal)
    });
    let Seal::Certificate(seal) = seal else { return None };
    Some(Grounds { headers: vec![Bytes(next.encode())], seal: Bytes(seal.encode()) })
}
