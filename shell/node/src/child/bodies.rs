//! Bodies of blocks that are not the head yet: held until they are wanted, asked for when they are not there.

use std::collections::BTreeMap;

use banyan_types::{Hash, Height, Peer, TimeMs, committee::Certificate, header::ChildHeader};

use super::talk::Carried;

/// Bodies held at once, and their bytes; the first ones go.
const HELD_MAX: usize = 128;
const HELD_BYTES_MAX: usize = 64 << 20;
/// A proposal's body comes right behind it: only after this long it is asked for, in milliseconds.
const PUSHED_WITHIN_MS: u64 = 150;
/// After this long nobody has it, in milliseconds.
const FOUND_WITHIN_MS: u64 = 1_500;

/// A body that has come.
#[derive(Debug, Clone)]
pub struct Held {
    /// Of which height.
    pub height: Height,
    /// Who gave it; nobody where it comes from this node's own disk.
    pub from: Option<Peer>,
    /// The body.
    pub carried: Carried,
}

/// A block that waits for its body.
#[derive(Debug, Clone)]
pub struct Missing {
    /// Its header.
    pub header: Box<ChildHeader>,
    /// The seal of the block before that its body must carry.
    pub prev_seal: Option<Box<Certificate>>,
    since: TimeMs,
    is_asked: bool,
}

/// What has become due.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Bodies to ask for.
    pub ask: Vec<Hash>,
    /// Bodies that nobody has.
    pub lost: Vec<Hash>,
}

/// The bodies of the heights above the tip.
#[derive(Debug, Default)]
pub struct Bodies {
    held: BTreeMap<Hash, (u64, Held)>,
    bytes: usize,
    came: u64,
    missing: BTreeMap<Hash, Missing>,
    /// Blocks whose seals hold: the inbox entries beside them may stand in for those that the parent keeps no longer.
    sealed: BTreeMap<Hash, Height>,
}

impl Bodies {
    /// Hold a body. The first to come stays: two differ in their inbox entries alone.
    pub fn hold(&mut self, block: Hash, held: Held) {
        if self.held.contains_key(&block) {
            return;
        }
        self.came += 1;
        self.bytes += held.carried.body.0.len();
        self.held.insert(block, (self.came, held));
        while self.held.len() > HELD_MAX || self.bytes > HELD_BYTES_MAX && self.held.len() > 1 {
            let oldest = self.held.iter().min_by_key(|(_, (came, _))| *came).map(|(block, _)| *block);
            let Some(oldest) = oldest else { break };
            self.drop_one(&oldest);
        }
    }

    /// A seal of this block holds.
    pub fn seal(&mut self, header: &ChildHeader) {
        self.sealed.insert(header.hash(), header.height);
    }

    /// Whether a seal of this block is known to hold.
    pub fn is_sealed(&self, block: &Hash) -> bool {
        self.sealed.contains_key(block)
    }

    /// What came beside this body was wrong: another one may take its place. Who gave it.
    pub fn forget(&mut self, block: &Hash) -> Option<Peer> {
        let from = self.get(*block).and_then(|held| held.from);
        self.drop_one(block);
        from
    }

    fn drop_one(&mut self, block: &Hash) {
        if let Some((_, held)) = self.held.remove(block) {
            self.bytes -= held.carried.body.0.len();
        }
    }

    /// A body, if it has come.
    pub fn get(&self, block: Hash) -> Option<&Held> {
        self.held.get(&block).map(|(_, held)| held)
    }

    /// A block waits for its body from now on.
    pub fn miss(&mut self, block: Hash, header: Box<ChildHeader>, prev_seal: Option<Box<Certificate>>, now: TimeMs) {
        self.missing.insert(block, Missing { header, prev_seal, since: now, is_asked: false });
    }

    /// The block that waits for this body, which has come.
    pub fn found(&mut self, block: Hash) -> Option<Missing> {
        self.missing.remove(&block)
    }

    /// What is to be asked for now, and what nobody has.
    pub fn due(&mut self, now: TimeMs) -> Due {
        let past = |missing: &Missing, ms| missing.since.0.saturating_add(ms) <= now.0;
        let mut due = Due::default();
        for (block, missing) in &mut self.missing {
            if past(missing, FOUND_WITHIN_MS) {
                due.lost.push(*block);
            } else if past(missing, PUSHED_WITHIN_MS) && !std::mem::replace(&mut missing.is_asked, true) {
                due.ask.push(*block);
            }
        }
        due.lost.iter().for_each(|block| drop(self.missing.remove(block)));
        due
    }

    /// When something becomes due.
    pub fn wake(&self) -> Option<TimeMs> {
        let at = |missing: &Missing| {
            let ms = if missing.is_asked { FOUND_WITHIN_MS } else { PUSHED_WITHIN_MS };
            TimeMs(missing.since.0.saturating_add(ms))
        };
        self.missing.values().map(at).min()
    }

    /// A block of this height is the head: what is not above it is of no use.
    pub fn forget_to(&mut self, height: Height) {
        let old: Vec<_> =
            self.held.iter().filter(|(_, (_, held))| held.height <= height).map(|(block, _)| *block).collect();
        for block in &old {
            self.drop_one(block);
        }
        self.missing.retain(|_, missing| missing.header.height > height);
        self.sealed.retain(|_, sealed| *sealed > height);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use banyan_types::Bytes;

    fn held(height: u64, bytes: usize) -> Held {
        let carried = Carried { body: Bytes(vec![0; bytes]), inbox: vec![] };
        Held { height: Height(height), from: None, carried }
    }

    #[test]
    fn what_is_held_has_a_limit_and_the_first_goes_first() {
        let mut bodies = Bodies::default();
        let block = |n: u8| Hash([n; 32]);
        for n in 0..=u8::try_from(HELD_MAX).unwrap() {
            bodies.hold(block(n), held(1, 1));
        }
        assert_eq!((bodies.get(block(0)).is_some(), bodies.get(block(1)).is_some()), (false, true));
        bodies.hold(block(200), held(2, HELD_BYTES_MAX));
        assert_eq!((bodies.held.len(), bodies.bytes), (1, HELD_BYTES_MAX));
        bodies.forget_to(Height(2));
        assert_eq!((bodies.held.len(), bodies.bytes), (0, 0));
    }

    #[test]
    fn a_body_is_asked_for_once_and_given_up_later() {
        let mut bodies = Bodies::default();
        let block = Hash([1; 32]);
        bodies.miss(block, Box::new(super::super::tests::header(1)), None, TimeMs(1_000));
        assert_eq!((bodies.due(TimeMs(1_100)), bodies.wake()), (Due::default(), Some(TimeMs(1_150))));
        assert_eq!(bodies.due(TimeMs(1_150)), Due { ask: vec![block], lost: vec![] });
        assert_eq!((bodies.due(TimeMs(1_200)), bodies.wake()), (Due::default(), Some(TimeMs(2_500))));
        assert_eq!(bodies.due(TimeMs(2_500)), Due { ask: vec![], lost: vec![block] });
        assert_eq!(bodies.wake(), None);
    }
}
