//! Catch up: headers first, then bodies.
//!
//! One peer at a time, the one that claims most work, shows its key headers in pages; each is checked as it comes and kept
//! as two hashes. When no peer claims more than the best of these chains has, the best is a [`Plan`], and its generations
//! are fetched from all peers that reach so high, a window of them at once, and handed to the root machine in order. So no
//! body of a losing chain is ever asked for, and memory grows by 64 bytes a key block. A chain that a good seal names decides
//! whatever its work. Rules: protocol, root 10.

use alloc::{boxed::Box, vec, vec::Vec};

use banyan_root::{
    HeaderChain,
    validity::{Fault, KeyFault, Owner},
};
use banyan_types::{Hash, Height, Peer, Points, TimeMs, header::KeyHeader};

use crate::{
    Effect, Gossip, Look, Message,
    limits::{ANSWER_MS, HEADERS_MAX, PLAN_MARGIN_PART, PLAN_MAX, RETRY_MS},
    message::{GetHeaders, Limited},
    peer::{Answered, PeerState, TxsAsked},
    plan::{Link, Plan},
    serve::Asker,
    want::Want,
};

/// What is under way.
#[derive(Clone, Debug, Default)]
pub struct Sync {
    chase: Option<Chase>,
    pub plan: Option<Plan>,
    /// Work of the last plan that was handed over, and when: its blocks may still be on their way to the tip.
    pub handed: Option<(u128, TimeMs)>,
    /// A key block that a good seal names and that is not here.
    sealed: Option<Sealed>,
}

/// What is final though this node does not have it.
#[derive(Clone, Copy, Debug)]
struct Sealed {
    hash: Hash,
    height: Height,
    /// Whether the plan leads there.
    planned: bool,
}

/// Headers of one peer.
#[derive(Clone, Debug)]
struct Chase {
    peer: Peer,
    stage: Stage,
    links: Vec<Link>,
}

#[derive(Clone, Debug)]
enum Stage {
    /// The shell is asked where this chain stands.
    Locating,
    /// The peer is asked for what follows one of these.
    First(Vec<Hash>),
    /// The shell is asked what is below the first of these.
    Below(Vec<KeyHeader>),
    /// The peer is asked for what follows the chain.
    Next(Box<HeaderChain>),
}

impl Sync {
    pub fn behind(&self) -> usize {
        self.plan.as_ref().map_or(0, Plan::len)
    }

    pub const fn is_busy(&self) -> bool {
        self.chase.is_some() || self.plan.is_some()
    }
}

impl Gossip {
    /// Work that needs no more fetching.
    fn known_work(&self) -> u128 {
        let fresh = |(_, at): &(u128, TimeMs)| self.now.since(*at).is_some_and(|past| past < RETRY_MS);
        self.sync.handed.filter(fresh).map_or(0, |(work, _)| work).max(self.status.work)
    }

    /// Work that is known or planned.
    fn best_work(&self) -> u128 {
        self.sync.plan.as_ref().map_or(0, |plan| plan.work).max(self.known_work())
    }

    /// Do what can be done to catch up.
    pub(crate) fn pursue(&mut self, effects: &mut Vec<Effect>) {
        let promising = if self.sync.chase.is_none() { self.promising() } else { None };
        if let Some(peer) = promising {
            self.sync.chase = Some(Chase { peer, stage: Stage::Locating, links: Vec::new() });
            self.look(Asker::Chase, Look::Locator, effects);
        }
        // A plan that was not begun waits until the chain that claims more was looked at.
        let begun = self.sync.plan.as_ref().is_some_and(|plan| plan.begun);
        if begun || self.sync.chase.is_none() {
            self.fetch_plan(effects);
        }
    }

    /// A good seal names a key block that is not here; `None`: it is by now. However little work its chain has, it decides.
    pub(crate) fn seek(&mut self, sealed: Option<(Hash, Height)>) {
        if self.sync.sealed.map(|sealed| sealed.hash) != sealed.map(|(hash, _)| hash) {
            self.sync.sealed = sealed.map(|(hash, height)| Sealed { hash, height, planned: false });
        }
    }

    /// Whose headers to look at next: of a peer that says it has what is sealed, else of the one that claims most, if it is
    /// more than what is known and cannot be had by a few blocks.
    fn promising(&self) -> Option<Peer> {
        let sealed = self.sync.sealed;
        if sealed.is_some_and(|sealed| sealed.planned) && self.sync.plan.is_some() {
            return None;
        }
        let wanted = sealed.filter(|sealed| !sealed.planned);
        let has_sealed = |state: &PeerState| wanted.is_some_and(|wanted| state.final_height() >= wanted.height);
        let best = self.best_work();
        let enough = best.saturating_add(self.planned_work() / PLAN_MARGIN_PART);
        let is_more = |state: &PeerState| state.work() > enough && self.is_far(state.height());
        let claims = |state: &PeerState| state.more || has_sealed(state) || is_more(state);
        let free = |state: &PeerState| state.headers_after <= self.now && state.resting <= self.now;
        let peers = self.met().filter(|(_, state)| free(state) && claims(state));
        let rank = |peer: &Peer, state: &PeerState| (has_sealed(state), state.work(), core::cmp::Reverse(*peer));
        peers.max_by_key(|(peer, state)| rank(peer, state)).map(|(peer, _)| peer)
    }

    /// Work that the plan adds to what is known.
    fn planned_work(&self) -> u128 {
        self.sync.plan.as_ref().map_or(0, |plan| plan.work.saturating_sub(self.known_work()))
    }

    /// Where this chain stands: ask what follows.
    pub(crate) fn chase_from(&mut self, locator: Vec<Hash>, effects: &mut Vec<Effect>) {
        let Some(chase) = self.sync.chase.as_mut().filter(|chase| matches!(chase.stage, Stage::Locating)) else {
            return;
        };
        let peer = chase.peer;
        chase.stage = Stage::First(locator.clone());
        self.ask_headers(peer, locator, effects);
    }

    fn ask_headers(&mut self, peer: Peer, locator: Vec<Hash>, effects: &mut Vec<Effect>) {
        let max = u32::try_from(HEADERS_MAX).unwrap_or(u32::MAX);
        let ask = GetHeaders { locator: Limited::first_of(locator), max };
        if !self.ask(peer, Want::Headers, Message::GetHeaders(ask), effects) {
            self.end_chase();
        }
    }

    pub(crate) fn take_headers(&mut self, from: Peer, headers: Vec<KeyHeader>, effects: &mut Vec<Effect>) {
        let Some(state) = self.peers.get_mut(&from) else { return };
        match state.answered(Want::Headers) {
            Answered::Asked => {}
            Answered::Late => return,
            Answered::Unasked => return self.score(from, Points::WRONG_BYTES, effects),
        }
        let Some(chase) = self.sync.chase.as_mut().filter(|chase| chase.peer == from) else { return };
        let Some(first) = headers.first() else { return self.settle(End::Tip, effects) };
        let below = first.prev_key_hash;
        match core::mem::replace(&mut chase.stage, Stage::Locating) {
            Stage::First(locator) if locator.contains(&below) => {
                chase.stage = Stage::Below(headers);
                self.look(Asker::Past(below), Look::Past(below), effects);
            }
            Stage::Next(chain) => self.extend(*chain, &headers, effects),
            _ => self.settle(End::Fault(Points::WRONG_BYTES), effects),
        }
    }

    /// What is below the first header: check them all.
    pub(crate) fn chase_on(&mut self, below: Hash, past: Vec<KeyHeader>, work: u128, effects: &mut Vec<Effect>) {
        let Some(chase) = &mut self.sync.chase else { return };
        let (Stage::Below(headers), Some(last)) = (&mut chase.stage, past.last()) else { return };
        if last.hash() != below || headers.first().map(|first| first.prev_key_hash) != Some(below) {
            return;
        }
        let headers = core::mem::take(headers);
        match HeaderChain::new(self.params.root.clone(), past, work) {
            Some(chain) => self.extend(chain, &headers, effects),
            None => self.end_chase(),
        }
    }

    /// Check a page of headers, and ask for the next.
    fn extend(&mut self, mut chain: HeaderChain, headers: &[KeyHeader], effects: &mut Vec<Effect>) {
        let mut end = if headers.len() < HEADERS_MAX { Some(End::Tip) } else { None };
        let mut links = Vec::with_capacity(headers.len());
        for header in headers {
            if let Err(fault) = self.push(&mut chain, header) {
                end = Some(fault);
                break;
            }
            links.push(Link { hash: chain.tip().0, prev: header.prev_hash });
        }
        let Some(chase) = &mut self.sync.chase else { return };
        chase.links.extend(links);
        let (peer, tip) = (chase.peer, chain.tip().0);
        if end.is_none() && chase.links.len() >= PLAN_MAX {
            end = Some(End::Window);
        }
        chase.stage = Stage::Next(Box::new(chain));
        match end {
            Some(end) => self.settle(end, effects),
            None => self.ask_headers(peer, vec![tip], effects),
        }
    }

    fn push(&self, chain: &mut HeaderChain, header: &KeyHeader) -> Result<(), End> {
        let judged = chain.push(header, self.now);
        judged.map_err(|fault| match (Fault::Key(fault).owner(), fault) {
            (Owner::Early, _) => End::Early,
            (Owner::Dead, _) => End::Fault(Points(0)),
            (Owner::Invalid, KeyFault::Link { .. }) => End::Fault(Points::WRONG_BYTES),
            (Owner::Invalid, _) => End::Fault(Points::INVALID),
        })?;
        if self.refused.has(&chain.tip().0) { Err(End::Fault(Points::INVALID)) } else { Ok(()) }
    }

    /// A peer's headers are at an end: plan them if they are the best, and hold it to what it claimed.
    fn settle(&mut self, end: End, effects: &mut Vec<Effect>) {
        let Some(chase) = self.sync.chase.take() else { return };
        let (peer, now) = (chase.peer, self.now);
        let (known, best) = (self.known_work(), self.best_work());
        let Some(state) = self.peers.get_mut(&peer) else { return };
        state.more = false;
        let (tip, work) = match &chase.stage {
            Stage::Next(chain) => (chain.tip().0, chain.tip().2),
            _ => (self.status.tip, known),
        };
        let claimed = state.work();
        if !matches!(end, End::Tip | End::Window) || work <= best {
            state.headers_after = TimeMs(now.0.saturating_add(ANSWER_MS));
        }
        if !matches!(end, End::Early) {
            // From now on it is worth what it has shown.
            state.status = state.status.map(|status| crate::message::Status { work: work.min(claimed), ..status });
        }
        if let End::Fault(points) = end {
            return self.score(peer, points, effects);
        }
        let sealed = self.sync.sealed.as_mut().filter(|sealed| chase.links.iter().any(|link| link.hash == sealed.hash));
        let leads_to_sealed = sealed.map(|sealed| sealed.planned = true).is_some();
        if work > best || leads_to_sealed {
            self.adopt(peer, chase.links, tip, work);
        }
        if matches!(end, End::Tip) && claimed > work {
            self.score(peer, Points::WRONG_BYTES, effects);
        }
    }

    /// These headers are the best that is known. What is fetched of them already stays.
    fn adopt(&mut self, source: Peer, links: Vec<Link>, tip: Hash, work: u128) {
        let plan = Plan::new(source, links, tip, work, self.sync.plan.take());
        self.sync.plan = Some(plan);
    }

    /// Give the headers up without a verdict.
    pub(crate) fn end_chase(&mut self) {
        let Some(chase) = self.sync.chase.take() else { return };
        if let Some(state) = self.peers.get_mut(&chase.peer) {
            state.more = false;
            state.headers_after = TimeMs(self.now.0.saturating_add(ANSWER_MS));
        }
    }

    pub(crate) fn lose_chase(&mut self, peer: Peer) {
        if self.sync.chase.as_ref().is_some_and(|chase| chase.peer == peer) {
            self.end_chase();
        }
    }

    /// A peer did not give what was asked of it.
    pub(crate) fn unanswered(&mut self, peer: Peer, want: Want, txs: Option<TxsAsked>, effects: &mut Vec<Effect>) {
        match (want, txs) {
            (Want::Headers, _) => self.lose_chase(peer),
            (Want::Generation(hash), _) => self.lose_page(peer, hash),
            (Want::Block(hash), _) => {
                if let Some(tried) = self.fetching.remove(&hash) {
                    self.fetch_elsewhere(hash, tried, effects);
                }
            }
            (Want::Txs(_), Some(asked)) => self.lose_txs(peer, &asked, effects),
            (Want::Txs(_) | Want::Justification(..) | Want::Addresses, _) => {}
        }
    }
}

/// Why a peer's headers end.
#[derive(Clone, Copy, Debug)]
enum End {
    /// It has no more.
    Tip,
    /// As many as one plan takes.
    Window,
    /// The next is ahead of this clock.
    Early,
    /// The next is not what it should be.
    Fault(Points),
}
