//! What a block did, for the shell: events for people, effects for the parent link.

use alloc::vec::Vec;

use banyan_types::{AccountId, Amount, AssociateId, Era, Hash, Height, PublicKey, TxHash, associate::OutboxEntry};

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
    /// A stake was opened or raised.
    Bonded {
        /// Whose.
        staker: AccountId,
        /// The key that it serves by.
        key: PublicKey,
        /// How much was added.
        amount: Amount,
    },
    /// Stake is on its way back.
    Unbonded {
        /// Whose.
        staker: AccountId,
        /// How much.
        amount: Amount,
        /// Height at which it is paid back.
        release: Height,
    },
    /// Stake was paid back.
    Released {
        /// To whom.
        staker: AccountId,
        /// How much.
        amount: Amount,
    },
    /// A stake stays in sets for longer.
    Renewed {
        /// Whose.
        staker: AccountId,
        /// The last era.
        to: Era,
    },
    /// An offence was proved: stake and rewards are lost.
    Slashed {
        /// Whose stake; the account of zeros for a leader without one.
        staker: AccountId,
        /// For what.
        offence: Offence,
        /// How much was lost, the reporter's part included.
        amount: Amount,
        /// Who reported it.
        reporter: AccountId,
        /// What that brought.
        reward: Amount,
    },
    /// A seal on the chain covers this key block and all before it.
    Sealed {
        /// Height of the key block.
        height: Height,
        /// Its hash.
        hash: Hash,
        /// Era of the witnesses.
        era: Era,
        /// What those who signed weigh.
        weight: Amount,
        /// What all weigh.
        total: Amount,
    },
    /// The set of a later era was written.
    SetChanged {
        /// The era.
        era: Era,
        /// How many members.
        members: u32,
        /// What they weigh.
        total: Amount,
        /// Whether it is the set before again, because too few could be chosen.
        repeated: bool,
    },
}

/// What no honest key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Offence {
    /// Two votes for one round.
    Double,
    /// Two locks for one place of a generation.
    DoubleLock,
    /// A prevote that forgets a precommit.
    Unlock,
    /// Two micro blocks for one place of a generation.
    Fork,
}

impl Offence {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Double => "double vote",
            Self::DoubleLock => "double lock",
            Self::Unlock => "unlock",
            Self::Fork => "fork",
        }
    }
}

/// What a child's block does to its parent: the raw material of summaries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// Withdrawals, in number order.
    pub outbox: Vec<OutboxEntry>,
    /// Numbers of the inbox entries that were skipped.
    pub skipped: Vec<u64>,
}
