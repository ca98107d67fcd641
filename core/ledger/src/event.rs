//! What a block did, for the shell: events for people, effects for the parent link.

use alloc::{string::ToString as _, vec::Vec};

use banyan_types::{
    AccountId, Amount, Asset, AssociateId, ContractId, Era, Hash, Height, Id, Payee, PublicKey, Status, TokenAmount,
    TokenId, TxHash,
    associate::OutboxEntry,
    rlp::Field,
    show::{Fields, Value},
};

/// The kinds of events, their fields by name, and the accounts that they speak of.
macro_rules! events {
    ($($(#[$doc:meta])+ $name:ident { $($(#[$field_doc:meta])+ $field:ident: $type:ty,)+ },)+) => {
        /// Something that happened to money or objects, in order.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event { $($(#[$doc])+ $name { $($(#[$field_doc])+ $field: $type,)+ },)+ }

        impl Event {
            /// The kind's name, as it stands in the code.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name { .. } => stringify!($name),)+ }
            }

            /// The fields by name, for people.
            pub fn fields(&self) -> Fields {
                match self {
                    $(Self::$name { $($field,)+ } => [$((stringify!($field), $field.shown()),)+].into_iter()
                        .filter_map(|(name, value)| Some((name, value?))).collect(),)+
                }
            }

            /// The accounts that it speaks of, contracts' accounts among them; one may come twice.
            pub fn accounts(&self) -> Vec<AccountId> {
                match self {
                    $(Self::$name { $($field,)+ } => [$($field.account(),)+].into_iter().flatten().collect(),)+
                }
            }
        }
    };
}

events! {
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
    /// Gas that was paid for and not used.
    Refunded {
        /// Who paid.
        account: AccountId,
        /// How much came back.
        amount: Amount,
        /// For which transaction.
        tx: TxHash,
    },
    /// A contract was called.
    Called {
        /// Who called.
        caller: AccountId,
        /// Which contract.
        contract: ContractId,
        /// What went with the call, if it stayed there.
        amount: Amount,
        /// How it ended.
        status: Status,
    },
    /// An object was made.
    Created {
        /// What.
        id: Id,
        /// By whom.
        owner: AccountId,
        /// Its last height.
        expiry: Height,
    },
    /// An object lives longer.
    Extended {
        /// What.
        id: Id,
        /// Its last height now.
        expiry: Height,
    },
    /// An object's last height has passed; it may still be extended if it has a time of grace.
    Expired {
        /// What.
        id: Id,
        /// Its last height.
        expiry: Height,
    },
    /// An object is gone for ever.
    Removed {
        /// What.
        id: Id,
        /// Who was paid what it held; nobody where that went back to what is unmined.
        to: Option<AccountId>,
        /// How much.
        amount: Amount,
    },
    /// A data entry has another owner.
    Given {
        /// Which.
        id: Id,
        /// Whose it was.
        from: AccountId,
        /// Whose it is.
        to: AccountId,
    },
    /// Some of a token moved.
    TokenMoved {
        /// Which token.
        token: TokenId,
        /// From whom; from nobody when it was made.
        from: Option<AccountId>,
        /// To whom; to nobody when it was destroyed.
        to: Option<AccountId>,
        /// How much.
        amount: TokenAmount,
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
        /// What.
        asset: Asset,
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
        /// What.
        asset: Asset,
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
        /// What.
        asset: Asset,
        /// How much.
        amount: Amount,
    },
    /// A line could not be delivered; its money waits for the child again.
    Undelivered {
        /// Which child.
        associate: AssociateId,
        /// Outbox number.
        n: u64,
        /// What.
        asset: Asset,
        /// How much.
        amount: Amount,
    },
    /// A connection point was changed, or a change was announced.
    Updated {
        /// Which child.
        associate: AssociateId,
        /// What, in a word.
        what: &'static str,
        /// Whether it binds later.
        waits: bool,
    },
    /// An operator's bond has changed.
    OperatorBond {
        /// Which child.
        associate: AssociateId,
        /// Whose.
        operator: AccountId,
        /// What it is now.
        amount: Amount,
    },
    /// An operator has said two things, and lost its bond.
    OperatorSlashed {
        /// Which child.
        associate: AssociateId,
        /// Whose.
        operator: AccountId,
        /// How much.
        amount: Amount,
        /// Who reported it.
        reporter: AccountId,
        /// What that brought; the rest is in the escrow.
        reward: Amount,
    },
    /// A child takes neither commits nor remits for a while.
    Frozen {
        /// Which.
        associate: AssociateId,
        /// The last height.
        until: Height,
    },
    /// A child takes no more commits, and is gone when its escrow is empty.
    Closing {
        /// Which.
        associate: AssociateId,
    },
    /// A silent child never comes back: somebody has claimed.
    Died {
        /// Which.
        associate: AssociateId,
        /// The last height at which claims are collected for shares.
        until: Height,
    },
    /// What an account had on a dead child was claimed.
    Claimed {
        /// Which child.
        associate: AssociateId,
        /// The claim's number.
        n: u64,
        /// Whose.
        account: Payee,
        /// What.
        asset: Asset,
        /// How much the proof shows.
        amount: Amount,
    },
    /// A claim was paid its share.
    Escaped {
        /// Which child.
        associate: AssociateId,
        /// The claim's number.
        n: u64,
        /// To whom.
        to: AccountId,
        /// What.
        asset: Asset,
        /// How much.
        amount: Amount,
    },
    /// What nobody has claimed went back to what is unmined.
    Forfeited {
        /// Which child.
        associate: AssociateId,
        /// What.
        asset: Asset,
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
        /// What.
        asset: Asset,
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
        /// What.
        asset: Asset,
        /// How much.
        amount: Amount,
    },
    /// A routed transfer could not go on and rests here under its owner's key.
    Stopped {
        /// Who holds it.
        account: AccountId,
        /// What.
        asset: Asset,
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
    /// On a child: an epoch of its committee has begun, and the set of a later one is known.
    EpochTurned {
        /// The epoch that runs now.
        number: u64,
        /// Members of the newest set that is known: of the epoch two ahead.
        members: u32,
        /// Its hash.
        set: Hash,
        /// Whether it is the set before again, because too few could be chosen.
        repeated: bool,
    },
    /// On a child: a contract is proposed to name its validators.
    ConsensusProposed {
        /// Which.
        contract: ContractId,
        /// The epoch.
        epoch: u64,
    },
    /// On a child: over two thirds of the validators want the contract to name those who follow.
    ConsensusAgreed {
        /// Which.
        contract: ContractId,
        /// The epoch.
        epoch: u64,
    },
    /// On a child: over a third of the validators have stopped a contract that was proposed.
    ConsensusCancelled {
        /// Which.
        contract: ContractId,
        /// The epoch.
        epoch: u64,
    },
    /// On a child: a contract names the validators from now on.
    ConsensusRules {
        /// Which.
        contract: ContractId,
        /// The epoch.
        epoch: u64,
    },
    /// On a child: a call of the contract that names validators has failed, or its answer is of no use. What was before counts.
    ConsensusFailed {
        /// Which.
        contract: ContractId,
        /// The function.
        what: &'static str,
        /// The epoch that it was asked about.
        epoch: u64,
    },
    /// On a child: the ruling contract has decided of an epoch that has not begun.
    EpochDecreed {
        /// Which contract.
        contract: ContractId,
        /// The epoch.
        epoch: u64,
        /// How many turns it has given away; 0 where leaders are drawn.
        leaders: u32,
        /// Hash of the leaders' keys in their order; zero where there are none.
        order: Hash,
        /// Milliseconds between blocks; absent where the genesis says it.
        interval_ms: Option<u64>,
    },
    /// On a child: what a contract that is proposed would have decided of that epoch, and of the fees of the one that ended.
    ShadowDecreed {
        /// Which contract.
        contract: ContractId,
        /// The epoch that it was asked about.
        epoch: u64,
        /// How many turns it would have given away; 0 where it gives none, or its answer is of no use.
        leaders: u32,
        /// Hash of the leaders' keys in their order; zero where there are none.
        order: Hash,
        /// Milliseconds between blocks; absent where it says none, or its answer is of no use.
        interval_ms: Option<u64>,
        /// Accounts that it would have shared the fees among; 0 where its answer is of no use.
        payees: u32,
    },
    /// On a child: a validator signed two statements where one may be signed; the ruling contract is told in a later block.
    FaultProven {
        /// Its key.
        key: PublicKey,
        /// The epoch that the statements are of.
        epoch: u64,
        /// What names the fault.
        hash: Hash,
        /// Who reported it.
        reporter: AccountId,
    },
    /// On a child: what a contract that is proposed would have answered.
    ShadowAnswered {
        /// Which.
        contract: ContractId,
        /// The epoch that it was asked about.
        epoch: u64,
        /// Members of its set; 0 where the answer is of no use.
        members: u32,
        /// Hash of the set; zero where there is none.
        set: Hash,
    },
    /// On a child: a validator has missed more than half of its turns and is in no further set until it comes back.
    Jailed {
        /// Whose key.
        key: PublicKey,
    },
    /// On a child: a validator that was away may be in sets again.
    Unjailed {
        /// Whose key.
        key: PublicKey,
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

/// A field of an event: what people are shown of it, and the account that it is.
trait Part {
    fn shown(&self) -> Option<Value>;
    fn account(&self) -> Option<AccountId> {
        None
    }
}

macro_rules! plain_parts {
    ($($type:ty)+) => {$(
        impl Part for $type {
            fn shown(&self) -> Option<Value> {
                Some(self.show())
            }
        }
    )+};
}
plain_parts! { Amount Asset AssociateId Era Hash Height PublicKey Status TokenAmount TokenId TxHash u64 u32 bool }

impl Part for AccountId {
    fn shown(&self) -> Option<Value> {
        Some(self.show())
    }
    fn account(&self) -> Option<AccountId> {
        Some(*self)
    }
}

impl Part for ContractId {
    fn shown(&self) -> Option<Value> {
        Some(self.show())
    }
    fn account(&self) -> Option<AccountId> {
        Some(AccountId(self.0))
    }
}

impl Part for Id {
    fn shown(&self) -> Option<Value> {
        Some(Value::Text(self.to_string()))
    }
    fn account(&self) -> Option<AccountId> {
        match self {
            Self::Account(id) => Some(*id),
            Self::Contract(id) => Some(AccountId(id.0)),
            _ => None,
        }
    }
}

impl Part for Payee {
    fn shown(&self) -> Option<Value> {
        self.id().shown()
    }
    fn account(&self) -> Option<AccountId> {
        Some(Self::account(*self))
    }
}

impl Part for Option<AccountId> {
    fn shown(&self) -> Option<Value> {
        self.as_ref().and_then(Part::shown)
    }
    fn account(&self) -> Option<AccountId> {
        *self
    }
}

impl Part for Option<u64> {
    fn shown(&self) -> Option<Value> {
        self.as_ref().map(Field::show)
    }
}

impl Part for &'static str {
    fn shown(&self) -> Option<Value> {
        Some(Value::Text((*self).into()))
    }
}

impl Part for Offence {
    fn shown(&self) -> Option<Value> {
        self.as_str().shown()
    }
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
