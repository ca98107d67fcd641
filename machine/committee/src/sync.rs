//! Catch up: final blocks that others sent, one height after the other.

use alloc::{collections::BTreeMap, vec::Vec};

use banyan_types::{Hash, Height, Peer, TimeMs, committee::Certificate, header::ChildHeader};

use crate::{Effect, Machine, Message, Sealed, To};

/// Blocks that wait for those before them.
const QUEUE_MAX: u64 = 64;

/// What is known of heights that others have finished.
#[derive(Clone, Debug, Default)]
pub struct Sync {
    queue: BTreeMap<Height, (Peer, Sealed)>,
    /// The seal of the block above the tip, whose execution is waited for.
    certificate: Option<Certificate>,
    /// Who sent it.
    from: Option<Peer>,
    /// Somebody who is further.
    ahead: Option<Peer>,
    /// When blocks were last asked for.
    asked: TimeMs,
}

impl Sync {
    /// Blocks came; those that are near enough above `next` are kept.
    pub fn queue(&mut self, from: Peer, blocks: Vec<Sealed>, next: Height) {
        for sealed in blocks {
            let near = sealed.header.height.since(next).is_some_and(|above| above < QUEUE_MAX);
            if near {
                self.queue.entry(sealed.header.height).or_insert((from, sealed));
            }
        }
    }

    /// The block at this height, if it came.
    pub fn next(&mut self, height: Height) -> Option<(Peer, Sealed)> {
        self.queue.remove(&height)
    }

    /// The last of the blocks at hand after `header` that settle more of the inbox under the same block of the parent.
    pub fn further(&self, header: &ChildHeader) -> Option<&Sealed> {
        let same = |sealed: &&Sealed| sealed.header.parent_hash == header.parent_hash;
        let blocks = self.queue.values().map(|(_, sealed)| sealed);
        blocks.take_while(same).last().filter(|last| last.header.inbox_to > header.inbox_to)
    }

    /// The block above the tip is sealed by this, as a peer says.
    pub fn seal(&mut self, from: Peer, certificate: Certificate) {
        (self.from, self.certificate) = (Some(from), Some(certificate));
    }

    /// Hash of the sealed block above the tip, if one is known.
    pub fn sealed(&self) -> Option<Hash> {
        self.certificate.as_ref().map(|certificate| certificate.block_hash)
    }

    pub const fn take_certificate(&mut self) -> Option<Certificate> {
        self.certificate.take()
    }

    pub const fn is_behind(&mut self, peer: Peer) {
        self.ahead = Some(peer);
    }

    /// A height is done. Whoever sent its block may have more, if no more are here.
    pub fn forget_below(&mut self, height: Height) {
        self.queue = self.queue.split_off(&height);
        self.certificate = None;
        self.ahead = self.from.take().filter(|_| self.queue.is_empty());
        if self.ahead.is_some() {
            self.asked = TimeMs(0);
        }
    }
}

impl Machine {
    /// Ask for the next block where others seem to have it: somebody is further, or nothing has moved here for a while. A
    /// node that holds a quorum's precommits but no proposal would wait silently.
    pub(crate) fn ask_blocks(&mut self, effects: &mut Vec<Effect>) {
        if self.blocks_due().is_none_or(|due| due > self.now) {
            return;
        }
        self.sync.asked = self.now;
        let to = self.sync.ahead.take().map_or(To::All, To::One);
        effects.push(Effect::Send(to, Message::AskBlocks(self.height())));
    }

    /// When blocks are asked for.
    pub(crate) fn blocks_due(&self) -> Option<TimeMs> {
        let is_waiting = self.is_open() && self.sync.certificate.is_none();
        let since = match (&self.run.agreement, self.sync.ahead) {
            (_, Some(_)) => self.sync.asked,
            (Some(_), None) => self.sync.asked.max(self.run.started),
            (None, None) => return None,
        };
        is_waiting.then(|| TimeMs(since.0.saturating_add(self.params.repeat_ms)))
    }
}
