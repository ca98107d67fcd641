//! Micro blocks that a quorum has locked, shown once they have been for long enough.
//!
//! Only a key block that comes after a lock has stood for a while and leaves it out counts for less: a younger lock is no
//! promise to anybody. Rules: root 7, 9.

use std::collections::VecDeque;

use banyan_types::TimeMs;
use banyan_witness::MicroRef;

/// Locks that are still young, at most: one for each micro block of the time that it takes.
const YOUNG_MAX: usize = 1_024;

/// The locks of this run.
pub struct Locks {
    hold_ms: u64,
    young: VecDeque<(TimeMs, MicroRef)>,
    ripe: Option<MicroRef>,
}

impl Locks {
    /// Locks that are relied on after `hold_ms` milliseconds.
    pub const fn new(hold_ms: u64) -> Self {
        Self { hold_ms, young: VecDeque::new(), ripe: None }
    }

    /// A quorum has locked this micro block.
    pub fn take(&mut self, now: TimeMs, micro: MicroRef) {
        if self.young.len() >= YOUNG_MAX {
            self.young.pop_front();
        }
        self.young.push_back((now, micro));
    }

    /// The newest that has become ripe by now, if any has.
    pub fn ripen(&mut self, now: TimeMs) -> Option<MicroRef> {
        let hold_ms = self.hold_ms;
        let ripe = self.young.iter().take_while(|(at, _)| at.0.saturating_add(hold_ms) <= now.0).count();
        let newest = self.young.drain(..ripe).next_back().map(|(_, micro)| micro)?;
        self.ripe = Some(newest);
        self.ripe
    }

    /// The newest that is ripe.
    pub const fn ripe(&self) -> Option<MicroRef> {
        self.ripe
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use banyan_types::{Hash, Height};

    fn micro(index: u32) -> MicroRef {
        let hash = |n| Hash([n; 32]);
        let number = u8::try_from(index).unwrap();
        MicroRef { hash: hash(number), key_hash: hash(9), height: Height(3), index, prev_hash: hash(number - 1) }
    }

    #[test]
    fn a_lock_is_shown_once_it_has_stood() {
        let mut locks = Locks::new(5_000);
        locks.take(TimeMs(1_000), micro(1));
        locks.take(TimeMs(2_000), micro(2));
        assert_eq!((locks.ripen(TimeMs(5_999)), locks.ripe()), (None, None));
        assert_eq!(locks.ripen(TimeMs(6_000)), Some(micro(1)));
        assert_eq!((locks.ripen(TimeMs(6_500)), locks.ripe()), (None, Some(micro(1))));
        assert_eq!(locks.ripen(TimeMs(9_000)), Some(micro(2)));
        assert_eq!(locks.ripen(TimeMs(99_000)), None);
    }
}
