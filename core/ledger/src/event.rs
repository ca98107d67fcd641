//! What a block did, for the shell: events for people, effects for the parent link.

use alloc::vec::Vec;

use banyan_types::{AccountId, Amount, AssociateId, Height, TxHash, associate::OutboxEntry};

/// Something that happened to money or objects, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A transfer.
    Spent {
        /// Payer.
        from: AccountId,
        /// Payee.
        to: AccountId,
        /// How much.
        amount: Amount,
    },
    /// A fee.
    Charged {
        /// Payer.
        account: AccountId,
        /// How much.
        amount: Amount,
        /// For which transaction.
        tx: TxHash,
    },
    /// A reward of a key block, a micro block's fees or a child's block.
    Rewarded {
        /// Who.
        account: AccountId,
        /// How much.
        amount: Amount,
    },
    /// A child was registered.
    Registered {
        /// Which.
        associate: AssociateId,
        /// By whom.
        creator: AccountId,
    },
    /// Money went into a child's escrow.
    Committed {
        /// Which child.
        associate: AssociateId,
        /// Inbox number.
        n: u64,
        /// Who is credited there.
        to: AccountId,
        /// How much.
        amount: Amount,
    },
    /// Money left a child's escrow for an account here.
    Remitted {
        /// Which child.
        associate: AssociateId,
        /// Outbox number.
        n: u64,
        /// Who.
        to: AccountId,
        /// How much.
        amount: Amount,
    },
    /// A commit that the child skipped went back to its sender.
    PaidBack {
        /// Which child.
        associate: AssociateId,
        /// Inbox number.
        n: u64,
        /// Who.
        to: AccountId,
        /// How much.
        amount: Amount,
    },
    /// A line could not be delivered; its money waits for the child again.
    Undelivered {
        /// Which child.
        associate: AssociateId,
        /// Outbox number.
        n: u64,
        /// How much.
        amount: Amount,
    },
    /// A summary was accepted.
    Summarised {
        /// Which child.
        associate: AssociateId,
        /// The summary's number.
        seq: u64,
        /// The child block that it ends at.
        child_to: Height,
    },
    /// On a child: money of the parent was credited.
    Credited {
        /// Inbox number.
        n: u64,
        /// Who.
        to: AccountId,
        /// How much.
        amount: Amount,
    },
    /// On a child: a commit came too late and goes back with the next summary.
    Skipped {
        /// Inbox number.
        n: u64,
    },
    /// On a child: money left for the parent.
    Withdrawn {
        /// Outbox number.
        n: u64,
        /// Who.
        from: AccountId,
        /// How much.
        amount: Amount,
    },
    /// A routed transfer could not go on and rests here under its owner's key.
    Stopped {
        /// Who holds it.
        account: AccountId,
        /// How much.
        amount: Amount,
        /// Why.
        reason: &'static str,
    },
}

/// What a child's block does to its parent: the raw material of summaries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// Withdrawals, in number order.
    pub outbox: Vec<OutboxEntry>,
    /// Numbers of the inbox entries that were skipped.
    pub skipped: Vec<u64>,
}
