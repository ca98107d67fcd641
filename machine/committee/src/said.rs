//! What this validator has signed: one statement for each slot, for ever.

use alloc::{collections::BTreeMap, string::String};
use core::fmt;

use banyan_crypto::SecretKey;
use banyan_types::{
    Height, PublicKey, Signature,
    committee::{SignedStatement, Slot, Statement, StatementKind},
};

/// The key, and all that it signed at the heights that still run. Rebuilt from the log before anything is signed: the core
/// alone might sign a second proposal after a restart.
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

    pub fn network_id(&self) -> &str {
        &self.network_id
    }

    /// Take back what the log holds; others' statements are nothing to remember.
    pub fn recall(&mut self, signed: &SignedStatement) {
        if signed.by == self.own {
            self.slots.entry(signed.statement.slot()).or_insert(*signed);
        }
    }

    /// The signature of a statement: the same words get the same signature, other words for the same slot get none.
    pub fn say(&mut self, statement: &Statement) -> Option<Signature> {
        if let Some(before) = self.slots.get(&statement.slot()) {
            return (before.statement == *statement).then_some(before.signature);
        }
        let signature = Signature(self.key.sign(&statement.signing_message(&self.network_id)));
        let signed = SignedStatement { statement: *statement, by: self.own, signature };
        self.slots.insert(statement.slot(), signed);
        Some(signature)
    }

    /// Heights below are final: nothing is ever signed there again. Handovers are counted by epochs of the parent.
    pub fn forget_below(&mut self, height: Height) {
        self.slots.retain(|(kind, at, _), _| *kind == StatementKind::Handover || *at >= height);
    }
}
