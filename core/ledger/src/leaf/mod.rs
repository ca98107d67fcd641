//! The leaves of the state: what stands where.
//!
//! A key is SHA-256 of a domain byte and fixed-width parts; a value is an RLP object. Rules: ledger 4, 10.

mod account;
pub mod key;
mod object;
mod point;

use alloc::{string::String, vec::Vec};

pub use account::{Account, Generalized};
pub use object::{
    BlobPlace, Code, Contract, Entry, Source, SweepItem, SweepKind, SweepQueue, Template, Token, TokenBalance,
    Tombstone, UsedAuth,
};

pub use point::{
    AccessRight, Bucket, Claim, Claims, ConnectionPoint, Escrow, EscrowV2, HOP_GAS, Inherited, LINE_GAS, OperatorBond,
    POINT_BYTES, Pending, Point, RemitSpan, SIGNATURE_GAS, Standing, Status,
};

use crate::engine::committee::Schedule;
use banyan_types::{
    AccountId, Amount, ContractId, Era, Hash, Height, PublicKey, TimeMs,
    associate::Access,
    committee::ValidatorSet,
    rlp::{DecodeError, Field, Items, Tail, put_list, take_tag},
    show::Value,
    witness::WitnessSet,
};

/// A leaf's value: an object with one encoding.
pub trait Leaf: Sized {
    /// The bytes.
    fn encode(&self) -> Vec<u8>;
    /// Read exactly these bytes.
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError>;
}

macro_rules! leaves {
    ($($name:ident),+ $(,)?) => {$(
        impl Leaf for $name {
            fn encode(&self) -> Vec<u8> {
                Self::encode(self)
            }
            fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
                Self::decode(bytes)
            }
        }
    )+};
}
leaves!(
    ConnectionPoint,
    Escrow,
    AccessRight,
    Supply,
    Clock,
    Fees,
    ParentLeaf,
    RootEngine,
    CommitteeEngine,
    Naming,
    BlockHash,
    PendingReward,
    Stake,
    UsedKey,
    Candidates,
    WitnessSets,
    Due,
    DueCount,
    DueCursor,
    TokenBalance,
    Contract,
    Code,
    Source,
    BlobPlace,
    Entry,
    Token,
    Tombstone,
    UsedAuth,
    SweepQueue,
    Bucket,
    Claim,
    EscrowV2,
    Inherited
);

impl Leaf for banyan_types::associate::InboxEntry {
    fn encode(&self) -> Vec<u8> {
        Self::encode(self)
    }
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(bytes)
    }
}

impl Leaf for banyan_types::associate::OutboxEntry {
    fn encode(&self) -> Vec<u8> {
        Self::encode(self)
    }
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(bytes)
    }
}

banyan_types::object! {
    /// Running totals of the coin; they sum up all places where coin can be. Source: ledger 4, 8.
    1020 v 1 Supply {
        /// Coin that exists on this ledger.
        minted: Amount,
        /// Coin unmined or taken back.
        pool: Amount,
        /// In accounts.
        accounts: Amount,
        /// In children's escrows.
        escrows: Amount,
        /// In channels.
        channels: Amount,
        /// In deposits of contracts.
        deposits: Amount,
        /// In bonds.
        bonds: Amount,
        /// In rewards that wait, and the witness pot.
        rewards: Amount,
        /// In fees of the running generation.
        fees: Amount,
    }

    /// Where the chain stands. A state cannot hold its own block's hash.
    1021 v 1 Clock {
        /// Of the last key block, or child block.
        height: Height,
        /// Its time.
        time: TimeMs,
        /// Hash of the block before it.
        prev_hash: Hash,
        /// Whom it pays.
        beneficiary: AccountId,
        /// Who leads.
        leader: PublicKey,
    }

    /// Fees of the running generation.
    1022 v 1 Fees {
        /// Their sum.
        amount: Amount,
    }

    /// On a child: the parent block that it names, and both ends of its connection. Source: associates 5.
    1023 v 1 ParentLeaf {
        /// The named parent block.
        hash: Hash,
        /// Its height.
        height: Height,
        /// Its time.
        time: TimeMs,
        /// Height of the root there.
        root_height: Height,
        /// Entropy drawn from it.
        entropy: Hash,
        /// Inbox entries below this number are settled.
        inbox: u64,
        /// Hash chain of the inbox up to there.
        inbox_hash: Hash,
        /// Hash chain over the numbers that were skipped.
        skipped_hash: Hash,
        /// Next outbox number to give.
        outbox: u64,
        /// Hash chain of the outbox.
        outbox_hash: Hash,
        /// Outbox entries below this number were taken by the parent.
        outbox_acked: u64,
        /// Who may transact here, as the parent has said.
        access: Access,
    }

    /// What the root engine keeps.
    1025 v 1 RootEngine {
        /// 0: the root.
        engine: u64,
        /// What witnesses will be paid.
        pot: Amount,
        /// The highest key block that a seal on the chain covers.
        sealed_height: Height,
        /// Hash of the first genesis, which votes name: evidence is checked against it.
        chain: Hash,
        /// Whether the leader of the running generation has bonded what it must, so that it may fill it.
        may_fill: bool,
    }

    /// Which contract names a child's validators, and which one may follow it. Source: associates 9.
    1027 v 1 Naming {
        /// The one that rules; none while the first validators have agreed to none.
        ruling: Option<ContractId>,
        /// The one that is proposed.
        candidate: Option<Candidacy>,
        /// Proven faults, where the ruling contract wants to be told.
        faults: Tail<Faults>,
    }

    /// The hash of a block in the ring of the last 256.
    1018 v 1 BlockHash {
        /// Its height.
        height: Height,
        /// Its hash.
        hash: Hash,
    }

    /// Rewards of one key block that wait to mature. Source: root 6.
    1019 v 1 PendingReward {
        /// The key block before, whose generation's fees are shared here.
        key_hash: Hash,
        /// Who gets what.
        shares: Shares,
        /// Whether this key block's leader was found out to fork its generation; it then has no share any more.
        forked: bool,
    }

    /// What an account has bonded: as witness, as leader, or both. Source: root 8.
    1012 v 1 Stake {
        /// Key that it serves by.
        key: PublicKey,
        /// What counts for sets and leading.
        bonded: Amount,
        /// What is on its way back, and answers until it is there; earliest first, one for each height.
        unbonding: Vec<Unbonding>,
        /// Era in which it last bonded or renewed.
        renewed: Era,
        /// What it has been punished for.
        slashed: Slashed,
    }

    /// Whose stake a key serves, or served.
    1045 v 1 UsedKey {
        /// The account.
        staker: AccountId,
    }

    /// The stakes that sets are chosen from. A hashed trie has no ranges, so they are listed: the largest
    /// [`CANDIDATES_MAX`](crate::stake::CANDIDATES_MAX) of at least `bond_min` that nothing was taken from, ascending by
    /// staker.
    1046 v 1 Candidates {
        /// The list.
        list: Vec<Candidate>,
    }

    /// The sets of the era that runs and of two around it. Source: root 8.
    1026 v 1 WitnessSets {
        /// Ascending by era.
        sets: Vec<WitnessSet>,
    }

    /// Something to be done at a height. Source: ledger 4, 5.3.
    1013 v 1 Due {
        /// What: 1 pays back what an account has unbonded; 2 to 4 end a contract, an associate or an entry; 5 forgets an
        /// authentication; 6 makes announced changes of an associate; 7 pays the claims on a dead one.
        kind: u64,
        /// To whom or what.
        id: banyan_types::Bytes,
    }

    /// How much is to be done at a height.
    1014 v 1 DueCount {
        /// Items.
        n: u32,
    }

    /// The first item that is not done.
    1024 v 1 DueCursor {
        /// Its height.
        height: Height,
        /// Its place there.
        index: u32,
    }
}

banyan_types::record! {
    /// What the engine of a committee keeps whose validators change: the leaf 1025 of such a child. Source: associates 9.
    CommitteeEngine {
        /// 1: a committee.
        engine: u64,
        /// Hash of the genesis, which proofs of keys name.
        chain: Hash,
        /// The epochs that are known, turns, and who has missed too many.
        schedule: Schedule,
        /// The parent block that was named when the epoch before ended: whether it has moved since says where the next seed
        /// comes from.
        parent: Hash,
        /// Validators that were named and follow at the next edge.
        named: Option<ValidatorSet>,
        /// What is kept for a contract that wants to share fees or to set the interval; absent where none does.
        kept: Tail<Kept>,
    }

    /// What a committee keeps for the contract that rules it, in the running epoch.
    Kept {
        /// Where the contract shares the fees of an epoch: what validators would have been paid without it, ascending by key.
        owed: Option<Vec<Owed>>,
        /// Where it sets the interval: milliseconds between the last blocks, the newest last.
        intervals: Option<Vec<u64>>,
    }

    /// Fees that wait for the end of the epoch.
    Owed {
        /// Whose, if the contract says nothing of use.
        key: PublicKey,
        /// How much.
        amount: Amount,
    }

    /// Whom the ruling contract may be told of, and of what it was told. Source: associates 9.
    Faults {
        /// Who has served in an epoch that is over, ascending by key.
        served: Vec<Served>,
        /// Faults that were proven, ascending.
        proven: Vec<Proven>,
        /// Those that the contract will be told of, oldest first.
        waiting: Vec<Untold>,
    }

    /// A validator of epochs that are over.
    Served {
        /// Which.
        key: PublicKey,
        /// The last epoch that it served in.
        epoch: u64,
    }

    /// All that one key has signed twice in one epoch is one fault.
    Proven {
        /// Whose.
        key: PublicKey,
        /// The epoch of the statements.
        epoch: u64,
    }

    /// A fault that the contract is not told of yet.
    Untold {
        /// Whose.
        key: PublicKey,
        /// The statements' kind, by its number on the wire.
        kind: u64,
        /// What names the fault.
        hash: Hash,
    }

    /// A contract that is proposed to name validators.
    Candidacy {
        /// Which.
        contract: ContractId,
        /// Epoch in which it was proposed.
        since: u64,
        /// Epoch of the votes.
        voted_in: u64,
        /// Who agreed in it, ascending.
        votes: Vec<PublicKey>,
        /// Who is against it, ascending.
        against: Vec<PublicKey>,
        /// Epoch in which over two thirds of the weight agreed.
        agreed: Option<u64>,
    }

    /// The two rewards of a key block.
    Shares {
        /// To the leader before: two fifths of its generation's fees.
        before: Reward,
        /// To the new leader: the rest and the coinbase.
        after: Reward,
    }

    /// A payment that waits.
    Reward {
        /// To whom.
        beneficiary: AccountId,
        /// How much.
        amount: Amount,
    }

    /// A part of a stake on its way back.
    Unbonding {
        /// How much.
        amount: Amount,
        /// Height at which it is paid back.
        release: Height,
    }

    /// A stake that a set may be chosen from: what choosing reads of it.
    Candidate {
        /// Whose.
        staker: AccountId,
        /// Its key.
        key: PublicKey,
        /// What it has bonded.
        bonded: Amount,
        /// Era in which it last bonded or renewed.
        renewed: Era,
    }
}

/// What a stake has been punished for. The registry's `slashed`: a lock costs a tenth and leaves the rest to answer for
/// what is worse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slashed {
    /// Nothing.
    #[default]
    Never,
    /// Two locks of one slot.
    Lock,
    /// Votes that break finality, or a forked generation: nothing was left. On a child half of it was taken, and the key serves
    /// no more.
    Whole,
}

impl Field for Slashed {
    fn put(&self, out: &mut Vec<u8>) {
        let number: u64 = match self {
            Self::Never => 0,
            Self::Lock => 1,
            Self::Whole => 2,
        };
        number.put(out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        match u64::take(items)? {
            0 => Ok(Self::Never),
            1 => Ok(Self::Lock),
            2 => Ok(Self::Whole),
            _ => Err(DecodeError::Malformed("unknown punishment")),
        }
    }
    fn show(&self) -> Value {
        Value::Text(String::from(match self {
            Self::Never => "never",
            Self::Lock => "a tenth",
            Self::Whole => "whole",
        }))
    }
}

impl CommitteeEngine {
    /// Its number in the leaf of engines.
    pub const ENGINE: u64 = 1;

    /// The object's bytes: number and version are those of every engine's leaf.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_list(&mut out, |out| {
            RootEngine::TAG.put(out);
            RootEngine::VERSION.put(out);
            self.put_fields(out);
        });
        out
    }

    /// Read the object from exactly these bytes.
    /// # Errors
    /// The first error found; `Malformed` where the leaf is another engine's.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut items = Items::of(bytes)?;
        match take_tag(&mut items)? {
            (RootEngine::TAG, RootEngine::VERSION) => {}
            (tag, version) => return Err(DecodeError::UnknownTag { tag, version }),
        }
        if u64::take(&mut items.clone())? != Self::ENGINE {
            return Err(DecodeError::Malformed("the leaf of another engine"));
        }
        Self::take_fields(&mut items)
    }
}

impl Stake {
    /// All that answers for evidence: bonded and on its way back. `None` above the supply.
    pub fn at_stake(&self) -> Option<Amount> {
        self.unbonding.iter().try_fold(self.bonded, |sum, part| sum.plus(part.amount))
    }
}

impl WitnessSets {
    /// The set of an era, if it is kept.
    pub fn of(&self, era: Era) -> Option<&WitnessSet> {
        self.sets.iter().find(|set| set.era == era)
    }
}
