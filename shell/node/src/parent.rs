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
    /// The final block at `height`; `None` if it is not final yet, or its state is not kept there any more.
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

impl Parent for LocalParent {
    fn tip(&self) -> Result<ParentTip, NodeError> {
        let head = self.chain.last_final()?;
        seen(head.hash, &head.header, self.inbox_next(&head.view)?)
    }

    fn tip_at(&self, height: Height) -> Result<Option<ParentTip>, NodeError> {
        let Some((hash, header)) = self.final_at(height)? else { return Ok(None) };
        let Some(view) = self.chain.state_at(hash)? else { return Ok(None) };
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
