//! Who may see a private ledger, and what of it may be proven to whom. Rules: associates 5.

use std::{collections::BTreeSet, sync::Arc};

use banyan_ledger::{Key, key};
use banyan_types::AccountId;
use serde_json::json;

use crate::Failure;

/// What opens a private ledger to one reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// The secret that requests say, `Authorization: Bearer …`.
    pub token: String,
    /// The reader's accounts: of no others are leaves proven to him. `None` for an operator, to whom all are.
    pub accounts: Option<BTreeSet<AccountId>>,
}

impl Pass {
    /// An operator's.
    pub fn all(token: impl Into<String>) -> Self {
        Self { token: token.into(), accounts: None }
    }
}

/// The passes of one ledger by the hashes of their tokens; none if it is everybody's.
#[derive(Default)]
pub(crate) struct Passes(Vec<([u8; 32], Scope)>);

impl Passes {
    pub fn new(passes: Vec<Pass>) -> Self {
        Self(passes.into_iter().map(|pass| (hash(&pass.token), Scope(pass.accounts.map(Arc::new)))).collect())
    }

    /// What a request that says `token`, or nothing, may be told; `None` if not even that there is such a ledger.
    pub fn admit(&self, token: Option<&str>) -> Option<Scope> {
        if self.0.is_empty() {
            return Some(Scope(None));
        }
        // Hashes are compared: how long that takes says nothing of the tokens.
        let said = hash(token?);
        self.0.iter().find(|(held, _)| *held == said).map(|(_, scope)| scope.clone())
    }

    /// Whether everybody who may see this ledger may see `other`.
    pub fn all_open(&self, other: &Self) -> bool {
        let opens = |(held, _): &([u8; 32], Scope)| other.0.iter().any(|(theirs, _)| theirs == held);
        other.0.is_empty() || (!self.0.is_empty() && self.0.iter().all(opens))
    }
}

fn hash(token: &str) -> [u8; 32] {
    banyan_crypto::blake2b(&[b"token", token.as_bytes()])
}

/// What may be proven to whoever asks: all, or the leaves of some accounts beside those that are nobody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope(Option<Arc<BTreeSet<AccountId>>>);

impl Scope {
    /// # Errors
    /// The leaf is another's.
    pub fn check(&self, leaf: &Key) -> Result<(), Failure> {
        let Some(own) = &self.0 else { return Ok(()) };
        let common = [key::parent(), key::supply(), key::clock(), key::engine()];
        if common.contains(leaf) || own.iter().any(|account| key::account(*account) == *leaf) {
            return Ok(());
        }
        let own: Vec<_> = own.iter().map(ToString::to_string).collect();
        Err(Failure::invalid("not_yours", "of this ledger your pass proves your own accounts alone")
            .status(axum::http::StatusCode::FORBIDDEN)
            .with(json!({ "accounts": own })))
    }
}
