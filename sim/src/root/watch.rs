//! Look over the nodes' shoulders: what must hold after every step, and what the figures need.

use std::collections::{BTreeMap, BTreeSet};

use banyan_root::{BlockRef, Tip};
use banyan_types::{
    AccountId, Hash, Height, TimeMs,
    witness::{Seal, Slot, Statement, Vote},
};

use crate::{
    law::{Broken, ensure},
    root::{
        figures::Figures,
        ledger::{Ledger, Stored},
        node::{Node, NodeId},
    },
};

/// What was seen of one node.
#[derive(Debug, Default)]
struct Seen {
    last_final: Height,
    checked: Option<(Hash, Hash)>,
    /// When each block was applied.
    applied: BTreeMap<Hash, TimeMs>,
    /// When each key block joined the tree, and each micro block was locked, as the node knows it since it started.
    locked: BTreeMap<Hash, TimeMs>,
    arrived: BTreeMap<Hash, TimeMs>,
    /// Key blocks that over half of the weight prevoted, which breaks ties.
    witnessed: BTreeSet<Hash>,
    /// Up to which height the figures have its final blocks.
    counted: Height,
}

/// The watch.
#[derive(Debug, Default)]
pub struct Watch {
    seen: BTreeMap<NodeId, Seen>,
    said: BTreeMap<(AccountId, Slot), Statement>,
    signed: BTreeMap<(Hash, u32), Hash>,
    /// The highest final block, by anybody honest.
    top: Option<(Height, Hash)>,
    /// Who was convicted.
    pub convicted: BTreeSet<AccountId>,
    /// Generations whose leader was convicted.
    pub forked: BTreeSet<Hash>,
    /// Nodes that raised an alarm over conflicting seals.
    pub alarmed: BTreeSet<NodeId>,
    /// Whether seals conflict, where they may.
    pub has_conflict: bool,
}

impl Watch {
    /// A key block joined a node's tree.
    pub fn arrived(&mut self, node: NodeId, key: Hash, now: TimeMs) {
        self.seen.entry(node).or_default().arrived.entry(key).or_insert(now);
    }

    /// A node started again: what it knew of locks is gone.
    pub fn restarted(&mut self, node: NodeId) {
        let seen = self.seen.entry(node).or_default();
        seen.locked.clear();
        seen.arrived.clear();
    }

    /// A node saw a majority for a key block.
    pub fn witnessed(&mut self, node: NodeId, key: Hash) {
        self.seen.entry(node).or_default().witnessed.insert(key);
    }

    /// A node saw a lock.
    pub fn locked(&mut self, node: NodeId, micro: Hash, now: TimeMs) {
        self.seen.entry(node).or_default().locked.entry(micro).or_insert(now);
    }

    /// An honest vote left.
    pub fn vote(&mut self, node: &Node, staker: AccountId, vote: &Vote, figures: &mut Figures) -> Result<(), Broken> {
        let knows = node.disk.marks.knows(&vote.statement);
        ensure(knows, "what is sent is on disk", || format!("{} sent {:?}", node.id, vote.statement))?;
        let slot = vote.statement.slot();
        if !self.said.contains_key(&(staker, slot)) {
            figures.votes += 1;
        }
        let first = *self.said.entry((staker, slot)).or_insert(vote.statement);
        let law = "no honest key signs two bytes for one slot";
        ensure(first == vote.statement, law, || format!("{}: {first:?} and {:?}", node.id, vote.statement))
    }

    /// An honest leader signed a micro block.
    pub fn signed(&mut self, id: NodeId, key: Hash, index: u32, hash: Hash) -> Result<(), Broken> {
        let first = *self.signed.entry((key, index)).or_insert(hash);
        ensure(first == hash, "an honest leader signs an index once", || format!("{id}: index {index} of {key}"))
    }

    /// An honest node holds a key block final.
    pub fn sealed(&mut self, id: NodeId, ledger: &Ledger, seal: &Seal, is_safe: bool) -> Result<(), Broken> {
        let (height, hash) = self.top.unwrap_or((seal.height, seal.hash));
        let agrees = ledger.descends(&seal.hash, &hash) || ledger.descends(&hash, &seal.hash);
        if is_safe {
            let law = "no two conflicting seals while less than a third is dishonest";
            ensure(agrees, law, || format!("{id}: {} at {} and {hash} at {height}", seal.hash, seal.height))?;
        }
        self.has_conflict |= !agrees;
        self.top = self.top.max(Some((seal.height, seal.hash)));
        Ok(())
    }

    /// The chain of a node moved.
    pub fn tip(
        &mut self,
        node: &Node,
        ledger: &Ledger,
        tip: &Tip,
        hold_ms: u64,
        now: TimeMs,
        figures: &mut Figures,
    ) -> Result<(), Broken> {
        let seen = self.seen.entry(node.id).or_default();
        for block in &tip.redone {
            seen.applied.entry(block.hash).or_insert(now);
        }
        if !tip.undone.is_empty() {
            let depth = tip.undone.iter().filter(|block| block.is_key()).count() as u64;
            *figures.reorgs.entry(depth).or_default() += 1;
            seen.leaves_no_lock(node, ledger, tip, hold_ms)?;
        }
        let last_final = node.root.last_final().height;
        figures.lag_max = figures.lag_max.max(tip.block.height.0.saturating_sub(last_final.0));
        Ok(())
    }

    /// What must hold whenever a node is silent.
    pub fn node(&mut self, node: &Node, ledger: &Ledger) -> Result<(), Broken> {
        let seen = self.seen.entry(node.id).or_default();
        let (tip, last_final) = (node.root.tip(), node.root.last_final());
        let law = "the final height never falls";
        ensure(last_final.height >= seen.last_final, law, || format!("{}: {}", node.id, last_final.height))?;
        seen.last_final = last_final.height;
        if seen.checked != Some((tip.key_hash, last_final.hash)) {
            seen.checked = Some((tip.key_hash, last_final.hash));
            let contains = ledger.descends(&tip.key_hash, &last_final.hash);
            ensure(contains, "a chain contains its final block", || format!("{}: {}", node.id, tip.height))?;
        }
        Ok(())
    }

    /// A node's final height moved: how long did its blocks wait?
    pub fn finals(&mut self, node: &Node, ledger: &Ledger, seal: &Seal, now: TimeMs, figures: &mut Figures) {
        let seen = self.seen.entry(node.id).or_default();
        let from = seen.counted;
        for (hash, stored) in ledger.line(&seal.hash) {
            let height = stored.header.height();
            let is_key = stored.key == hash;
            // Micro blocks of the last counted key block come with the next one.
            if height < from || (height == from && is_key) {
                break;
            }
            if let Some(at) = seen.applied.remove(&hash) {
                let waited = now.0.saturating_sub(at.0);
                if is_key { &mut figures.key_final_ms } else { &mut figures.micro_final_ms }.push(waited);
            }
        }
        seen.counted = seen.counted.max(seal.height);
    }

    /// A node was given its final block by operators.
    pub fn anchored(&mut self, node: NodeId, height: Height) {
        self.seen.entry(node).or_default().counted = height;
    }
}

impl Seen {
    /// A switch that leaves out a lock which was old when the first key block that skips it came had a lead of two.
    fn leaves_no_lock(&self, node: &Node, ledger: &Ledger, tip: &Tip, hold_ms: u64) -> Result<(), Broken> {
        let Some(first) = tip.redone.iter().find(|block| block.is_key()) else { return Ok(()) };
        let Some(arrived) = self.arrived.get(&first.hash) else { return Ok(()) };
        let (Some(old), Some(new)) = (tip.undone.last(), ledger.get(&tip.block.hash)) else { return Ok(()) };
        let is_new_final = ledger.descends(&tip.block.key_hash, &node.root.last_final().hash)
            && !ledger.descends(&old.key_hash, &node.root.last_final().hash);
        // A majority of the witnesses decides between tips of equal work, and one lead makes them equal.
        let is_witnessed = tip.redone.iter().any(|block| self.witnessed.contains(&block.hash));
        let own = |stored: &Stored| {
            let before = ledger.get(&stored.header.prev_hash()).map_or(0, |before| before.work);
            stored.work.saturating_sub(before)
        };
        // The lock is of the generation that the skipping key block ends.
        let skipped = tip.undone.iter().filter(|block| !block.is_key() && block.key_hash == first.prev_key_hash);
        for micro in skipped {
            let Some(locked) = self.locked.get(&micro.hash) else { continue };
            let is_old = locked.0.saturating_add(hold_ms) <= arrived.0;
            let discount = ledger.get(&first.hash).map_or(0, own);
            let ours = ledger.get(&old.hash).map_or(0, |stored| stored.work);
            let leads = new.work.saturating_sub(discount) > ours;
            ensure(
                !is_old || leads || is_new_final || is_witnessed,
                "a switch below a lock has a lead of two key blocks",
                || {
                    let (undone, redone) = (places(&tip.undone), places(&tip.redone));
                    let held = arrived.0.saturating_sub(locked.0);
                    format!("{}: locked {held} ms before the key block came; undone {undone}, redone {redone}", node.id)
                },
            )?;
        }
        Ok(())
    }
}

/// Blocks by height and index.
fn places(blocks: &[BlockRef]) -> String {
    let places: Vec<_> = blocks.iter().map(|block| format!("{}.{}", block.height, block.index)).collect();
    places.join(" ")
}
