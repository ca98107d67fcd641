//! Who was heard of, and whether they are enough.

use alloc::collections::BTreeMap;

use banyan_types::{PublicKey, TimeMs, committee::ValidatorSet};

/// When each member last said something that was checked.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    last: BTreeMap<PublicKey, TimeMs>,
    is_lost: bool,
}

impl Presence {
    pub fn heard(&mut self, by: PublicKey, now: TimeMs) {
        self.last.insert(by, now);
    }

    /// Another set: who is no member any more need not be remembered.
    pub fn keep(&mut self, set: &ValidatorSet) {
        self.last.retain(|key, _| set.place(key).is_some());
    }

    /// Whether members of over two thirds of the weight, this one counted, spoke within `span_ms`.
    fn is_quorum(&self, set: &ValidatorSet, own: PublicKey, now: TimeMs, span_ms: u64) -> bool {
        let is_near = |last: &TimeMs| now.since(*last).unwrap_or(0) <= span_ms;
        let near = self.last.iter().filter(|(key, last)| **key != own && is_near(last)).map(|(key, _)| key);
        let weight = near.chain([&own]).fold(0u64, |sum, key| sum.saturating_add(set.weight_of(key)));
        set.is_quorum(weight)
    }

    /// What has changed: `patient` while a height runs too shortly to miss anybody.
    pub fn change(
        &mut self,
        set: &ValidatorSet,
        own: PublicKey,
        (now, span_ms): (TimeMs, u64),
        patient: bool,
    ) -> Option<bool> {
        let is_quorum = self.is_quorum(set, own, now, span_ms);
        let is_lost = !is_quorum && (self.is_lost || !patient);
        (core::mem::replace(&mut self.is_lost, is_lost) != is_lost).then_some(!is_lost)
    }

    /// A block was sealed: there was a quorum. Whether that is news.
    pub fn sealed(&mut self) -> bool {
        core::mem::take(&mut self.is_lost)
    }
}
