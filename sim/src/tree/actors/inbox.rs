//! Those who give a child another inbox than its parent wrote: with an entry more, less or changed, or in another order.

use banyan_ledger::{Invalid, ParentTip, Rejected, engine::BadHeader};
use banyan_types::{Amount, Hash, associate::InboxEntry};

use super::Actor;
use crate::{
    law::{Broken, ensure},
    tree::{chain::Ledger, world::World},
};

/// How an inbox is forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forgery {
    /// One entry more than there is.
    Invents,
    /// One entry brings more.
    Changes,
    /// One entry is left out, and the others move up.
    Drops,
}

/// Operators who credit what they like. They go on from their last honest block when that does not work.
pub struct Forger(usize);

impl Forger {
    pub fn new(world: &mut World) -> Self {
        Self(world.some_child())
    }
}

impl Actor for Forger {
    fn act(&mut self, world: &mut World, round: u64) -> Result<(), Broken> {
        // Entries gather while the child is slow.
        world.paces[self.0] = 3;
        if round < 2 || !world.random.chance(500) || !world.pour(self.0)? {
            return Ok(());
        }
        let (Some(tip), Some(inbox)) = (world.tip(self.0), world.inbox(self.0)) else { return Ok(()) };
        if inbox.is_empty() {
            return Ok(());
        }
        world.unchained(self.0, tip, &inbox)?;
        for forgery in [Forgery::Invents, Forgery::Changes, Forgery::Drops] {
            world.forge(self.0, forgery, tip, &inbox)?;
        }
        Ok(())
    }
}

impl World {
    /// An entry that is changed and keeps its hash is seen by whoever makes a block.
    fn unchained(&mut self, at: usize, tip: ParentTip, inbox: &[InboxEntry]) -> Result<(), Broken> {
        let mut forged = inbox.to_vec();
        let which = self.random.place(forged.len());
        forged[which].amount = forged[which].amount.plus(Amount::new(1).unwrap_or_default()).unwrap_or_default();
        let n = forged[which].n;
        let said = self.feed(at, tip, &forged)?;
        self.figures.lies_refused += 1;
        ensure(said == Some(Invalid::Inbox { n }), "a changed inbox breaks its chain", || format!("{at}: {said:?}"))
    }

    /// What a child's block says to these entries; nothing is kept of it.
    fn feed(&mut self, at: usize, tip: ParentTip, inbox: &[InboxEntry]) -> Result<Option<Invalid>, Broken> {
        let mut trial = self.ledgers[at].clone();
        let before = trial.state.root();
        let made = trial.child_block(tip, inbox, &[], &self.absent[at].clone())?.err();
        let same = made.is_none() || trial.state.root() == before;
        ensure(same, "what is refused changes nothing", || format!("on {at}"))?;
        Ok(made)
    }

    /// A fork of the child over an inbox whose chain is whole and whose entries are not the parent's: its blocks are in order,
    /// and no remit of it is taken.
    fn forge(&mut self, at: usize, forgery: Forgery, tip: ParentTip, inbox: &[InboxEntry]) -> Result<(), Broken> {
        let mut fork = self.ledgers[at].clone();
        let forged = self.forged(&fork, forgery, inbox);
        if forged.is_empty() {
            return Ok(());
        }
        let inbox_next = forged.last().map_or(0, |entry| entry.n + 1);
        let true_tip = tip;
        let tip = ParentTip { inbox_next, ..tip };
        let made = fork.child_block(tip, &forged, &[], &self.absent[at].clone())?;
        made.map_err(|why| Broken::new("a forger's own blocks are in order", format!("{at}: {why}")))?;
        if forgery != Forgery::Changes {
            // It settles more or less than the parent block that it names allows: whoever follows the child sees that.
            let judged = fork.judge_last(true_tip);
            let seen = matches!(judged, Err(BadHeader::Inbox { .. }));
            ensure(seen, "a block settles all of its parent's inbox that it may", || format!("{at}: {judged:?}"))?;
        }
        let len = fork.records.len();
        let Some(whole) = self.summary_to(at, &fork, len) else { return Ok(()) };
        let authorization = self.authorise_of(at, &fork, &whole.0, len);
        let said = self.say(at, whole, authorization)?;
        self.figures.lies_refused += 1;
        ensure(matches!(said, Err(Rejected::Inbox { .. })), "a forged inbox is worth no remit", || {
            format!("{forgery:?} on {at}: {said:?}")
        })
    }

    fn forged(&mut self, fork: &Ledger, forgery: Forgery, inbox: &[InboxEntry]) -> Vec<InboxEntry> {
        let mut forged = inbox.to_vec();
        let which = self.random.place(forged.len());
        match forgery {
            Forgery::Invents => {
                let like = forged[which].clone();
                let n = forged.last().map_or(0, |entry| entry.n + 1);
                forged.push(InboxEntry { n, to: self.cast.crony.id, leg: Hash::ZERO, ..like });
            }
            Forgery::Changes => forged[which].to = self.cast.crony.id,
            // The last one left out is only not settled yet.
            Forgery::Drops if forged.len() < 2 => forged.clear(),
            Forgery::Drops => drop(forged.remove(which.min(forged.len() - 2))),
        }
        let leaf = fork.parent_leaf();
        let (mut before, mut n) = (leaf.inbox_hash, leaf.inbox);
        for entry in &mut forged {
            *entry = InboxEntry { n, ..entry.clone() }.chained(before);
            (before, n) = (entry.hash, n + 1);
        }
        forged
    }
}

/// A link that delivers in any order.
pub struct Shuffler(usize);

impl Shuffler {
    pub fn new(world: &mut World) -> Self {
        Self(world.some_child())
    }
}

impl Actor for Shuffler {
    fn act(&mut self, world: &mut World, round: u64) -> Result<(), Broken> {
        world.paces[self.0] = 3;
        if round < 2 {
            return Ok(());
        }
        world.pour(self.0)?;
        let (Some(tip), Some(inbox)) = (world.tip(self.0), world.inbox(self.0)) else { return Ok(()) };
        if inbox.len() >= 2 {
            world.misdelivered(self.0, tip, &inbox)?;
        }
        world.delivered_twice(self.0)
    }
}

impl World {
    /// In another order, one of them twice, or with a gap: nothing of it is credited.
    fn misdelivered(&mut self, at: usize, tip: ParentTip, inbox: &[InboxEntry]) -> Result<(), Broken> {
        let which = self.random.place(inbox.len() - 1);
        let mut swapped = inbox.to_vec();
        swapped.swap(which, which + 1);
        let mut twice = inbox.to_vec();
        twice[which + 1] = twice[which].clone();
        let mut gap = inbox.to_vec();
        gap.remove(which);
        for (what, entries) in [("swapped", swapped), ("twice", twice), ("gap", gap)] {
            let said = self.feed(at, tip, &entries)?;
            self.figures.lies_refused += 1;
            let refused = matches!(said, Some(Invalid::Inbox { .. } | Invalid::Header { field: "inbox_to" }));
            ensure(refused, "an inbox is credited in number order", || format!("{what} on {at}: {said:?}"))?;
        }
        Ok(())
    }

    /// What was credited already comes again, as if it were new.
    fn delivered_twice(&mut self, at: usize) -> Result<(), Broken> {
        let settled = self.ledgers[at].records.iter().rev().find(|record| !record.inbox.is_empty());
        let (Some(again), Some(tip)) = (settled.map(|record| record.inbox.clone()), self.tip(at)) else {
            return Ok(());
        };
        let leaf = self.ledgers[at].parent_leaf();
        let Some(last) = again.last().filter(|entry| entry.n < leaf.inbox) else { return Ok(()) };
        let tip = ParentTip { inbox_next: leaf.inbox + again.len() as u64, ..tip };
        let n = last.n;
        let said = self.feed(at, tip, &again)?;
        self.figures.lies_refused += 1;
        ensure(matches!(said, Some(Invalid::Inbox { .. })), "an inbox entry is credited at most once", || {
            format!("{n} again on {at}: {said:?}")
        })
    }
}
