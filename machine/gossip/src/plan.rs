//! Fetch the generations of a checked header chain: a window at once, handed over in order.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};

use banyan_root::Header;
use banyan_types::{Hash, Peer, Points};

use crate::{
    Effect, Gossip, Message,
    limits::{IN_FLIGHT_MAX, PAGE_BYTES_MAX, ROUNDS_MAX, SHARE_MIN},
    message::{BlockBytes, Generation, GetGeneration},
    peer::{Answered, PeerState},
    want::Want,
};

/// A key block of the plan, and the block before it: where the generation before ends.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub hash: Hash,
    pub prev: Hash,
}

/// The best chain that is known and not yet here.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who showed it.
    source: Peer,
    /// What is still to be handed over, oldest first.
    links: VecDeque<Link>,
    /// Of these, what is in the window.
    slots: BTreeMap<Hash, Slot>,
    /// The last generation that was handed over whole.
    done: Option<Hash>,
    tip: Hash,
    pub work: u128,
    /// Whether anything of it was asked for.
    pub begun: bool,
}

/// A generation in the window.
#[derive(Clone, Debug, Default)]
struct Slot {
    /// Blocks that were not handed over yet.
    blocks: Vec<(Hash, BlockBytes)>,
    from: Option<Peer>,
    /// Index of the next block.
    next: u32,
    /// The block before that.
    last: Option<Hash>,
    whole: bool,
    asked: Option<Peer>,
    tried: Vec<Peer>,
    rounds: u32,
}

impl Plan {
    /// The plan for these headers. What the one before has fetched of them, or handed over, is not fetched again.
    pub fn new(source: Peer, links: Vec<Link>, tip: Hash, work: u128, before: Option<Self>) -> Self {
        let mut links = VecDeque::from(links);
        let (mut slots, mut done, mut begun) = (BTreeMap::new(), None, false);
        if let Some(mut before) = before {
            // What ended the old plan goes on here, so it is not whole.
            before.slots.remove(&before.tip);
            let at = links.iter().position(|link| Some(link.hash) == before.done);
            if let Some(at) = at {
                links.drain(..=at);
                done = before.done;
            }
            let held: BTreeSet<Hash> = links.iter().map(|link| link.hash).collect();
            slots = before.slots;
            slots.retain(|hash, _| held.contains(hash));
            begun = before.begun && (at.is_some() || !slots.is_empty());
        }
        Self { source, links, slots, done, tip, work, begun }
    }

    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Where the generation at `at` ends, as the next key block says.
    fn end_of(&self, at: usize) -> Option<Hash> {
        self.links.get(at.checked_add(1)?).map(|next| next.prev)
    }

    /// The first generation in the window that is to be asked for, from here on. Only the first of all goes on to a second
    /// page: the others hold one each.
    fn next_gap(&mut self, mut at: usize) -> Option<usize> {
        while at < IN_FLIGHT_MAX.min(self.links.len()) {
            let slot = self.slots.entry(self.links.get(at)?.hash).or_default();
            if !slot.whole && slot.asked.is_none() && (at == 0 || slot.next == 0) {
                return Some(at);
            }
            at = at.saturating_add(1);
        }
        None
    }

    #[cfg(test)]
    pub fn slots(&self) -> usize {
        self.slots.len()
    }
}

impl Gossip {
    /// Hand over what is there, ask for what is not, and be done when nothing is left.
    pub(crate) fn fetch_plan(&mut self, effects: &mut Vec<Effect>) {
        self.hand_over(effects);
        let mut at = 0;
        while let Some(gap) = self.sync.plan.as_mut().and_then(|plan| plan.next_gap(at)) {
            self.ask_page(gap, effects);
            at = gap.saturating_add(1);
        }
        let now = self.now;
        if let Some(plan) = self.sync.plan.take_if(|plan| plan.links.is_empty()) {
            self.sync.handed = Some((plan.work, now));
            // Its chain has grown meanwhile.
            if let Some(state) = self.peers.get_mut(&plan.source) {
                state.more = true;
            }
        }
    }

    fn hand_over(&mut self, effects: &mut Vec<Effect>) {
        while let Some(plan) = &mut self.sync.plan {
            let Some(hash) = plan.links.front().map(|link| link.hash) else { return };
            let Some(slot) = plan.slots.get_mut(&hash) else { return };
            let (blocks, from) = (core::mem::take(&mut slot.blocks), slot.from);
            let whole = slot.whole;
            if whole {
                plan.slots.remove(&hash);
                plan.links.pop_front();
                plan.done = Some(hash);
            }
            for (hash, block) in blocks {
                self.delivered.add(&hash);
                effects.extend(from.map(|from| Effect::Block(from, block)));
            }
            if !whole {
                return;
            }
        }
    }

    /// Ask the least busy peer that reaches so high for a page of a generation.
    fn ask_page(&mut self, at: usize, effects: &mut Vec<Effect>) {
        let Some(plan) = &self.sync.plan else { return };
        let Some(key_hash) = plan.links.get(at).map(|link| link.hash) else { return };
        let last = plan.end_of(at);
        let Some(slot) = plan.slots.get(&key_hash) else { return };
        let able = |state: &PeerState| state.work() >= plan.work;
        let peers: Vec<(Peer, &PeerState)> =
            self.met().filter(|(peer, state)| *peer == plan.source || able(state)).collect();
        let share = IN_FLIGHT_MAX.checked_div(peers.len()).unwrap_or(0).max(SHARE_MIN);
        let untried = |peer: &Peer| !slot.tried.contains(peer);
        if !peers.iter().any(|(peer, _)| untried(peer)) {
            return self.next_round(key_hash);
        }
        let free = peers
            .iter()
            .filter(|(peer, state)| untried(peer) && state.resting <= self.now && state.generations() < share);
        let Some(peer) = free.min_by_key(|(peer, state)| (state.generations(), *peer)).map(|(peer, _)| *peer) else {
            return;
        };
        let ask = GetGeneration { key_hash, last, from: slot.next };
        if !self.ask(peer, Want::Generation(key_hash), Message::GetGeneration(ask), effects) {
            return;
        }
        if let Some(plan) = &mut self.sync.plan {
            plan.begun = true;
            if let Some(slot) = plan.slots.get_mut(&key_hash) {
                slot.asked = Some(peer);
            }
        }
    }

    /// Everybody failed to give a generation: try all again, or believe that nobody has it.
    fn next_round(&mut self, key_hash: Hash) {
        let Some(plan) = &mut self.sync.plan else { return };
        let Some(slot) = plan.slots.get_mut(&key_hash) else { return };
        slot.rounds = slot.rounds.saturating_add(1);
        slot.tried.clear();
        if slot.rounds >= ROUNDS_MAX {
            self.drop_plan();
        }
    }

    /// Give the plan up; whoever showed it is worth nothing until it says anew where it stands.
    fn drop_plan(&mut self) {
        let Some(plan) = self.sync.plan.take() else { return };
        if let Some(state) = self.peers.get_mut(&plan.source) {
            state.status = state.status.map(|status| crate::message::Status { work: 0, ..status });
            state.more = false;
            state.headers_after = banyan_types::TimeMs(self.now.0.saturating_add(crate::limits::RETRY_MS));
        }
    }

    pub(crate) fn take_page(&mut self, from: Peer, page: Generation, effects: &mut Vec<Effect>) {
        let key_hash = page.key_hash;
        let Some(state) = self.peers.get_mut(&from) else { return };
        match state.answered(Want::Generation(key_hash)) {
            Answered::Asked => {}
            Answered::Late => return,
            Answered::Unasked => return self.score(from, Points::WRONG_BYTES, effects),
        }
        let Some(plan) = &mut self.sync.plan else { return };
        let Some(at) = plan.links.iter().take(IN_FLIGHT_MAX).position(|link| link.hash == key_hash) else { return };
        let end = plan.end_of(at);
        let Some(slot) = plan.slots.get_mut(&key_hash).filter(|slot| slot.asked == Some(from)) else { return };
        slot.asked = None;
        let points = if slot.take(key_hash, end, from, page).is_some() {
            Points::USEFUL
        } else {
            slot.tried.push(from);
            Points::WRONG_BYTES
        };
        self.score(from, points, effects);
    }

    pub(crate) fn lose_page(&mut self, peer: Peer, hash: Hash) {
        let slot = self.sync.plan.as_mut().and_then(|plan| plan.slots.get_mut(&hash));
        if let Some(slot) = slot.filter(|slot| slot.asked == Some(peer)) {
            slot.asked = None;
            slot.tried.push(peer);
        }
    }

    pub(crate) fn refuse_plan(&mut self, hash: Hash) {
        let Some(plan) = &self.sync.plan else { return };
        if plan.done == Some(hash) || plan.links.iter().any(|link| link.hash == hash || link.prev == hash) {
            self.drop_plan();
        }
    }
}

impl Slot {
    /// Take a page that is exactly what was asked for. `None` if it is not.
    fn take(&mut self, key_hash: Hash, end: Option<Hash>, from: Peer, page: Generation) -> Option<()> {
        let size: usize = page.blocks.iter().map(BlockBytes::size).sum();
        if page.from != self.next || page.blocks.is_empty() || (size > PAGE_BYTES_MAX && page.blocks.len() > 1) {
            return None;
        }
        let (mut next, mut last, mut blocks) = (self.next, self.last, Vec::new());
        for block in page.blocks.into_vec() {
            let header = block.parse().ok()?;
            let hash = header.hash();
            let follows = match &header {
                Header::Key(_) => next == 0 && hash == key_hash,
                Header::Micro(micro) => {
                    micro.index == next && micro.prev_key_hash == key_hash && Some(micro.prev_hash) == last
                }
            };
            if !follows || (last.is_some() && last == end) || !block.body_fits(&header) {
                return None;
            }
            (next, last) = (next.checked_add(1)?, Some(hash));
            blocks.push((hash, block));
        }
        // Without an end to reach, the peer says where it is.
        let whole = if end.is_some() { last == end } else { !page.more };
        if !whole && !page.more {
            return None;
        }
        (self.next, self.last, self.whole, self.from) = (next, last, whole, Some(from));
        self.blocks.extend(blocks);
        Some(())
    }
}
