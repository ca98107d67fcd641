//! Acknowledged transactions: each is in the pool or in a block of the node that took it, or left for a reason that can be told.

use std::collections::BTreeMap;

use banyan_node::{Chain, Leaves as _, Node};
use banyan_types::{TxHash, tx::SignedTx};

use crate::{
    figures::Figures,
    law::{Broken, ensure},
};

/// What must become of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// It is good, if nothing comes between.
    Good,
    /// The node refuses it at once, with this code.
    Refused(&'static str),
    /// The pool takes it, and whoever makes a block refuses it, with this code.
    Dropped(&'static str),
}

/// The promises of one node.
#[derive(Default)]
pub struct Promises {
    open: BTreeMap<TxHash, Promise>,
    /// The node has forgotten why it let some go.
    forgetful: bool,
}

struct Promise {
    tx: SignedTx,
    expect: Expect,
}

impl Promises {
    /// The node has acknowledged `tx`.
    pub fn add(&mut self, tx: &SignedTx, expect: Expect) {
        self.open.entry(tx.hash()).or_insert_with(|| Promise { tx: tx.clone(), expect });
    }

    /// Promises without an end.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// The first promise without an end: kind, nonce and hash.
    pub fn first(&self) -> Option<String> {
        let (hash, promise) = self.open.first_key_value()?;
        let tx = promise.tx.transaction();
        Some(format!("{} {} of {}: {hash}", tx.kind(), tx.nonce(), tx.signer()))
    }

    /// The node has started again.
    pub fn restarted(&mut self) {
        self.forgetful = true;
    }

    /// Look for each; those that have come to their end are forgotten.
    /// # Errors
    /// The law that nothing acknowledged is lost; or that what is bad is refused for what is bad about it.
    pub fn check(&mut self, node: &Node, figures: &mut Figures) -> Result<(), Broken> {
        let mut ended = Vec::new();
        for (hash, promise) in &self.open {
            if let Some(end) = promise.end(node, self.forgetful)? {
                figures.ended(end);
                ended.push(*hash);
            }
        }
        for hash in ended {
            self.open.remove(&hash);
        }
        Ok(())
    }
}

impl Promise {
    /// How it ended, if it did.
    fn end(&self, node: &Node, forgetful: bool) -> Result<Option<&'static str>, Broken> {
        let (chain, hash) = (node.chain(), self.tx.hash());
        let pool = node.pool().read().map_err(|_| Broken::new("no lock is poisoned", "the pool's"))?;
        if pool.get(&hash).is_some() {
            return Ok(None);
        }
        if let Some(found) = chain.transaction(hash)? {
            let is_final = found.header.place() <= chain.last_final()?.header.place();
            return Ok(is_final.then_some("final"));
        }
        if let Some(reason) = pool.dropped(&hash) {
            return self.dropped(reason.code()).map(Some);
        }
        let replaced = pool.of_account(self.tx.transaction().signer()).any(|waiting| self.is_rival(waiting.tx.get()));
        drop(pool);
        let reason = if replaced { Some("replaced") } else { self.reason(chain)? };
        let reason = reason.filter(|_| forgetful);
        let law = "nothing acknowledged is lost";
        reason.map(Some).ok_or_else(|| Broken::new(law, format!("{hash} ({})", self.tx.transaction().kind())))
    }

    fn dropped(&self, code: &'static str) -> Result<&'static str, Broken> {
        let law = "what is bad is refused for what is bad about it";
        match self.expect {
            Expect::Dropped(expected) => ensure(code == expected || code == "nonce_used", law, || {
                format!("{} for {code}, not {expected}", self.tx.hash())
            })?,
            Expect::Good | Expect::Refused(_) => {}
        }
        Ok(code)
    }

    fn is_rival(&self, other: &SignedTx) -> bool {
        other.transaction().nonce() == self.tx.transaction().nonce()
    }

    /// Why it cannot be included any more, as anybody can see who has forgotten.
    fn reason(&self, chain: &Chain) -> Result<Option<&'static str>, Broken> {
        let (tx, head) = (self.tx.transaction(), chain.head()?);
        if tx.ttl().is_some_and(|ttl| ttl < head.header.height()) {
            return Ok(Some("expired"));
        }
        if matches!(self.expect, Expect::Dropped(_)) {
            return Ok(Some("refused"));
        }
        let account = head.view.account(tx.signer())?;
        Ok(account.is_some_and(|account| account.nonce >= tx.nonce()).then_some("nonce_used"))
    }
}
