//! What a child asks of its parent. Only final blocks are offered, never by depth of the child's own guess.

use std::sync::Arc;

use banyan_ledger::{ConnectionPoint, Params, ParentTip};
use banyan_store::{Place, View};
use banyan_types::{AccountId, AssociateId, Hash, Height, Nonce, associate::InboxEntry};

use crate::{Chain, Header, Leaves as _, NodeError};

/// A parent ledger, as one of its children sees it.
pub trait Parent: Send {
    /// The last final block.
    /// # Errors
    /// `Parent` when it cannot be asked.
    fn tip(&self) -> Result<ParentTip, NodeError>;
    /// The final block at `height`; `None` if it is not final yet. Where its state is not kept there any more, and the inbox does
    /// not tell how far it went at that very height, it is one a little below.
    /// # Errors
    /// `Parent` when it cannot be asked.
    fn tip_at(&self, height: Height) -> Result<Option<ParentTip>, NodeError>;
    /// The final block at `height`, as far as its header says, with what is known by itself of the child's inbox there;
    /// `None` if it is not final yet.
    /// # Errors
    /// `Parent` when it cannot be asked.
    fn past(&self, height: Height, inbox_next: u64) -> Result<Option<ParentTip>, NodeError>;
    /// Parameters of the parent.
    fn params(&self) -> &Params;
    /// Entries `from..to` of the child's inbox, as the last final block has them; `None` if it does not have them all.
    /// # Errors
    /// `Parent` when it cannot be asked.
    fn inbox(&self, from: u64, to: u64) -> Result<Option<Vec<InboxEntry>>, NodeError>;
    /// The child's connection point: at the last final block, or at the tip.
    /// # Errors
    /// `Parent` when it cannot be asked.
    fn point(&self, at: At) -> Result<ConnectionPoint, NodeError>;
    /// The next nonce of an account at the tip.
    /// # Errors
    /// `Parent` when it cannot be asked.
    fn next_nonce(&self, account: AccountId) -> Result<Nonce, NodeError>;
}

/// Which block of the parent is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The last final one.
    Final,
    /// The end of the chosen chain.
    Tip,
}

/// A parent whose node runs in the same process.
pub struct LocalParent {
    chain: Arc<Chain>,
    child: AssociateId,
}

impl LocalParent {
    /// The parent of `child`.
    pub const fn new(chain: Arc<Chain>, child: AssociateId) -> Self {
        Self { chain, child }
    }
}

/// A final block as a child sees it, whose inbox goes so far there.
fn seen(hash: Hash, header: &Header, inbox_next: u64) -> Result<ParentTip, NodeError> {
    let (root_height, entropy) = match header {
        Header::Key(header) => (header.height, header.entropy()),
        Header::Micro(_) => return Err(NodeError::Parent("a micro block is never final by itself".into())),
        Header::Child(header) => (header.root_height, header.entropy),
    };
    Ok(ParentTip { hash, height: header.height(), time: header.time(), root_height, entropy, inbox_next })
}

impl LocalParent {
    fn inbox_next(&self, view: &View) -> Result<u64, NodeError> {
        Ok(view.associate(self.child)?.map_or(0, |point| point.inbox_next))
    }

    /// The final block at a height.
    fn final_at(&self, height: Height) -> Result<Option<(Hash, Header)>, NodeError> {
        if height > self.chain.last_final()?.header.height() {
            return Ok(None);
        }
        let Some(hash) = self.chain.main_at(Place::at(height.0))? else { return Ok(None) };
        Ok(self.chain.header(hash)?.map(|header| (hash, header)))
    }
}

/// Heights below one that was asked for which are tried in its place, where the inbox does not tell how far it went there.
pub const NEARBY_HEIGHTS: u64 = 64;

/// How far a child's inbox went in the state after the parent's block at `height`, by the heights at which its open entries were
/// written; `None` where they do not tell. `closes` is whether that block ends its height, as a child's does: on the root
/// transactions of the same height come after it.
pub fn inbox_next_at<'a>(
    point: &ConnectionPoint,
    open: impl IntoIterator<Item = &'a InboxEntry>,
    height: Height,
    closes: bool,
) -> Option<u64> {
    // Settled entries are gone. The child had named a block of this height when it settled them: none was written later.
    if height < point.point.parent_height {
        return None;
    }
    let mut later = open.into_iter().skip_while(|entry| entry.height < height);
    let first = match later.next() {
        Some(entry) if entry.height == height && closes => {
            later.find(|entry| entry.height > height).map(|entry| entry.n)
        }
        Some(entry) if entry.height == height => return None,
        later => later.map(|entry| entry.n),
    };
    Some(first.unwrap_or(point.inbox_next))
}

impl LocalParent {
    /// A final block whose state is kept no longer, or one a little below it.
    fn past_nearby(&self, height: Height) -> Result<Option<ParentTip>, NodeError> {
        let head = self.chain.last_final()?;
        let Some(point) = head.view.associate(self.child)? else { return Ok(None) };
        let open = (point.inbox_acked..point.inbox_next).map(|n| head.view.inbox_entry(self.child, n));
        let open: Vec<_> = open.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let closes = matches!(head.header, Header::Child(_));
        for height in (height.0.saturating_sub(NEARBY_HEIGHTS)..=height.0).rev().map(Height) {
            if let Some(inbox_next) = inbox_next_at(&point, &open, height, closes) {
                return self.past(height, inbox_next);
            }
        }
        Ok(None)
    }
}

impl Parent for LocalParent {
    fn tip(&self) -> Result<ParentTip, NodeError> {
        let head = self.chain.last_final()?;
        seen(head.hash, &head.header, self.inbox_next(&head.view)?)
    }

    fn tip_at(&self, height: Height) -> Result<Option<ParentTip>, NodeError> {
        let Some((hash, header)) = self.final_at(height)? else { return Ok(None) };
        let Some(view) = self.chain.state_at(hash)? else { return self.past_nearby(height) };
        seen(hash, &header, self.inbox_next(&view)?).map(Some)
    }

    fn past(&self, height: Height, inbox_next: u64) -> Result<Option<ParentTip>, NodeError> {
        let found = self.final_at(height)?;
        found.map(|(hash, header)| seen(hash, &header, inbox_next)).transpose()
    }

    fn params(&self) -> &Params {
        self.chain.params()
    }

    fn inbox(&self, from: u64, to: u64) -> Result<Option<Vec<InboxEntry>>, NodeError> {
        let head = self.chain.last_final()?;
        (from..to).map(|n| head.view.inbox_entry(self.child, n)).collect()
    }

    fn point(&self, at: At) -> Result<ConnectionPoint, NodeError> {
        let head = match at {
            At::Final => self.chain.last_final()?,
            At::Tip => self.chain.head()?,
        };
        let point = head.view.associate(self.child)?;
        point.ok_or_else(|| NodeError::Parent(format!("{} is not registered there", self.child)))
    }

    fn next_nonce(&self, account: AccountId) -> Result<Nonce, NodeError> {
        let account = self.chain.head()?.view.account(account)?;
        Ok(account.and_then(|account| account.nonce.next()).unwrap_or(Nonce(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use banyan_ledger::{Claims, Point, RemitSpan, Status};
    use banyan_types::{
        Amount, Asset, Gas, Payee,
        associate::{Access, ChildParams, InboxKind, Regime},
    };

    fn entry(n: u64, height: u64) -> InboxEntry {
        InboxEntry {
            n,
            kind: InboxKind::Commit,
            from: Payee::Account(AccountId::ZERO),
            to: AccountId::ZERO,
            asset: Asset::Coin,
            amount: Amount::ZERO,
            route: vec![],
            leg: Hash::ZERO,
            height: Height(height),
            deadline: Height(height),
            hash: Hash::ZERO,
        }
    }

    fn point(parent_height: u64, inbox_acked: u64, inbox_next: u64) -> ConnectionPoint {
        let point = Point {
            seq: 1,
            child_to: Height(1),
            block_hash: Hash::ZERO,
            root: Hash::ZERO,
            parent_height: Height(parent_height),
            accepted_at: Height(parent_height),
            outbox_acked: 0,
            outbox_hash: Hash::ZERO,
            skipped_hash: Hash::ZERO,
        };
        ConnectionPoint {
            creator: AccountId::ZERO,
            network_id: String::new(),
            genesis_hash: Hash::ZERO,
            heir: None,
            regime: Regime::Operators,
            operators: vec![],
            threshold: 1,
            recovery: vec![],
            recovery_threshold: 0,
            access: Access::Open,
            params: params(),
            inbox_next,
            inbox_acked,
            inbox_hash: Hash::ZERO,
            inbox_acked_hash: Hash::ZERO,
            point,
            bonds: vec![],
            status: Status::Open,
            last_alive: Height(0),
            pending: vec![],
            acts: 0,
            span: RemitSpan::NONE,
            claims: Claims::NONE,
            tokens: vec![],
            expiry: Height(1_000),
        }
    }

    fn params() -> ChildParams {
        ChildParams {
            commit_timeout: 10,
            silence: 100,
            claim_window: 100,
            change_delay: 10,
            commit_min: Amount::ZERO,
            commit_gas: Gas(0),
            remit_lines_max: 1,
            inbox_open_max: 10,
            remit_limit: Amount::ZERO,
            remit_limit_heights: 0,
            operator_bond: Amount::ZERO,
        }
    }

    #[test]
    fn the_heights_of_entries_tell_how_far_an_inbox_went() {
        let open: Vec<_> = [(4, 20), (5, 20), (6, 23), (7, 30)].map(|(n, height)| entry(n, height)).to_vec();
        let point = point(15, 4, 8);
        for (height, root, child) in [
            (14, None, None), // what was settled is gone, and may have been written later
            (15, Some(4), Some(4)),
            (20, None, Some(6)), // on the root some of them may stand before the key block and some after it
            (21, Some(6), Some(6)),
            (23, None, Some(7)),
            (29, Some(7), Some(7)),
            (30, None, Some(8)),
            (31, Some(8), Some(8)),
        ] {
            assert_eq!(inbox_next_at(&point, &open, Height(height), false), root, "{height} on the root");
            assert_eq!(inbox_next_at(&point, &open, Height(height), true), child, "{height} on a child");
        }
        assert_eq!(inbox_next_at(&point, [], Height(15), false), Some(8));
    }
}
