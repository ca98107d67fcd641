//! What this validator has signed: one statement for each slot, for ever.

use alloc::{collections::BTreeMap, string::String};
use core::fmt;

use banyan_crypto::SecretKey;
use banyan_types::{
    Hash, Height, PublicKey, Signature,
    committee::{SignedStatement, Slot, Statement, StatementKind},
};

/// The key, and all that it signed above the last final block. Rebuilt from the records before anything is signed.
#[derive(Clone)]
pub struct Said {
    key: SecretKey,
    own: PublicKey,
    network_id: String,
    slots: BTreeMap<Slot, SignedStatement>,
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Said").field("own", &self.own).field("slots", &self.slots.len()).finish_non_exhaustive()
    }
}

impl Said {
    pub fn new(key: SecretKey, network_id: String) -> Self {
        let own = PublicKey(key.public());
        Self { key, own, network_id, slots: BTreeMap::new() }
    }

    pub const fn own(&self) -> PublicKey {
        self.own
    }

    /// Take back what the disk holds.
    pub fn recall(&mut self, signed: &SignedStatement) {
        if signed.by == self.own {
            self.slots.entry(signed.statement.slot()).or_insert(*signed);
        }
    }

    /// The signed statement; `None` if this slot, or what the slot stands for where one step confirms, is used up.
    pub fn say(&mut self, statement: &Statement) -> Option<SignedStatement> {
        if self.slots.contains_key(&statement.slot()) {
            return None;
        }
        let signature = Signature(self.key.sign(&statement.signing_message(&self.network_id)));
        let signed = SignedStatement { statement: *statement, by: self.own, signature };
        self.slots.insert(statement.slot(), signed);
        Some(signed)
    }

    pub fn has_said(&self, slot: Slot) -> bool {
        self.slots.contains_key(&slot)
    }

    /// The highest commitment to a block.
    pub fn last_commitment(&self) -> Option<&SignedStatement> {
        let end = (StatementKind::Precommit, Height(u64::MAX), u32::MAX);
        self.slots.range((StatementKind::Precommit, Height(0), 0)..=end).next_back().map(|(_, signed)| signed)
    }

    /// The highest view of a height in which a block was accepted.
    pub fn accepted_view(&self, height: Height) -> Option<u32> {
        let slots = (StatementKind::Prevote, height, 0)..=(StatementKind::Prevote, height, u32::MAX);
        let mut accepts = self.slots.range(slots).filter(|(_, signed)| signed.statement.block_hash != Hash::ZERO);
        accepts.next_back().map(|((_, _, view), _)| *view)
    }

    /// All that was said of a height.
    pub fn at(&self, height: Height) -> impl Iterator<Item = &SignedStatement> {
        self.slots.values().filter(move |signed| signed.statement.height == height)
    }

    /// Heights up to here are final: nothing is ever signed there again.
    pub fn forget_to(&mut self, height: Height) {
        self.slots.retain(|(_, at, _), _| *at > height);
    }
}
