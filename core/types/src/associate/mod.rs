//! What travels between a ledger and its children.
//!
//! A connection point holds a child's escrow on its parent. The parent numbers what goes down in the **inbox**, the
//! child what goes up in the **outbox**, each with a hash chain, and a **summary** ties the two ends together: it is
//! the one thing that every regime signs, certifies, proves or judges. Rules: protocol, associates 1 to 6.

mod change;
mod claim;

use alloc::{string::ToString as _, vec::Vec};

pub use change::{AccessLine, Change, close_message, update_message};
pub use claim::{ProofStep, SummaryStatement, escape_message};

use crate::{
    AccountId, Amount, Asset, AssociateId, Bytes, ContractId, Gas, Hash, Height, Payee, Signature,
    committee::ValidatorSet,
    limits::{CONTRACT_WORD_BYTES_MAX, NOTICE_BYTES_MAX, OPERATORS_MAX},
    rlp::{DecodeError, Field, Items, Tail, put_bytes, put_list},
    show::Value,
};

/// Bytes of the authorization of a remit: [`OPERATORS_MAX`] signatures of 66 bytes, each with its place (at most 1 byte
/// below 128) and the length of the pair (2), and the length of the list.
const AUTHORIZATION_BYTES_MAX: usize = OPERATORS_MAX * 69 + 4;

/// What a parent demands before money leaves a child's escrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Regime {
    /// m of n operator accounts signed the summary.
    Operators,
    /// The child's own validators agreed, and the parent follows who they are.
    Certificate(Validators),
    /// A contract of the parent says yes.
    Contract(ContractId),
}

impl Field for Regime {
    fn put(&self, out: &mut Vec<u8>) {
        put_list(out, |out| match self {
            Self::Operators => 0u64.put(out),
            Self::Certificate(validators) => {
                1u64.put(out);
                validators.put(out);
            }
            Self::Contract(id) => {
                4u64.put(out);
                id.put(out);
            }
        });
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        let mut list = items.list()?;
        let regime = match u64::take(&mut list)? {
            0 => Self::Operators,
            1 => Self::Certificate(Validators::take(&mut list)?),
            4 => Self::Contract(ContractId::take(&mut list)?),
            _ => return Err(DecodeError::Malformed("unknown regime")),
        };
        list.finish().map(|()| regime)
    }
    fn show(&self) -> Value {
        match self {
            Self::Operators => Value::Text(self.word().to_string()),
            Self::Certificate(validators) => validators.show(),
            Self::Contract(id) => Value::Text(alloc::format!("{} {id}", self.word())),
        }
    }
}

impl Regime {
    /// Its name.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Operators => "operators",
            Self::Certificate(_) => "certificate",
            Self::Contract(_) => "contract",
        }
    }
}

/// Who may commit into a child and transact there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Open,
    /// Those whom the access leaves name.
    Listed,
}

macro_rules! word_fields {
    ($($name:ident { $($variant:ident = $number:literal $word:literal),+ })+) => {$(
        impl Field for $name {
            fn put(&self, out: &mut Vec<u8>) {
                put_list(out, |out| match self { $(Self::$variant => $number.put(out),)+ });
            }
            fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
                let mut list = items.list()?;
                let variant = match u64::take(&mut list)? {
                    $($number => Self::$variant,)+
                    _ => return Err(DecodeError::Malformed("unknown variant")),
                };
                list.finish().map(|()| variant)
            }
            fn show(&self) -> Value {
                Value::Text(match self { $(Self::$variant => $word,)+ }.to_string())
            }
        }
    )+};
}
word_fields! {
    Access { Open = 0u64 "open", Listed = 1u64 "listed" }
}

/// One step of a route through the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hop {
    /// To the parent; on the wire the byte 00.
    Up,
    /// Into a child.
    Down(AssociateId),
}

impl Field for Hop {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Up => put_bytes(&[0], out),
            Self::Down(id) => id.put(out),
        }
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        if items.clone().bytes()? == [0] {
            return items.bytes().map(|_| Self::Up);
        }
        AssociateId::take(items).map(Self::Down)
    }
    fn show(&self) -> Value {
        Value::Text(match self {
            Self::Up => "up".to_string(),
            Self::Down(id) => id.to_string(),
        })
    }
}

/// What an inbox entry tells the child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InboxKind {
    /// Money from an account of the parent.
    Commit,
    /// Money of an outbox line that could not be delivered.
    Returned {
        /// The line's number.
        outbox: u64,
    },
    /// A remit was accepted.
    RemitDone {
        /// The summary's number.
        seq: u64,
        /// Outbox entries below this number have been taken.
        outbox: u64,
    },
    /// The validators of the child from its next epoch on.
    SetChange(ValidatorSet),
    /// The account that the entry is to has these rights from now on, and no others.
    AccessChange {
        /// Be credited.
        receive: bool,
        /// Send transactions.
        transact: bool,
    },
    /// Something to know.
    Notice(Bytes),
    /// Who may receive and transact from now on.
    AccessMode(Access),
}

impl Field for InboxKind {
    fn put(&self, out: &mut Vec<u8>) {
        put_list(out, |out| match self {
            Self::Commit => 0u64.put(out),
            Self::Returned { outbox } => [1, *outbox].iter().for_each(|int| int.put(out)),
            Self::RemitDone { seq, outbox } => [2, *seq, *outbox].iter().for_each(|int| int.put(out)),
            Self::SetChange(set) => {
                3u64.put(out);
                set.put(out);
            }
            Self::AccessChange { receive, transact } => {
                for int in [4, u64::from(*receive), u64::from(*transact)] {
                    int.put(out);
                }
            }
            Self::Notice(bytes) => {
                5u64.put(out);
                bytes.put(out);
            }
            Self::AccessMode(access) => {
                9u64.put(out);
                access.put(out);
            }
        });
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        let mut list = items.list()?;
        let kind = match u64::take(&mut list)? {
            0 => Self::Commit,
            1 => Self::Returned { outbox: u64::take(&mut list)? },
            2 => Self::RemitDone { seq: u64::take(&mut list)?, outbox: u64::take(&mut list)? },
            3 => Self::SetChange(ValidatorSet::take(&mut list)?),
            4 => Self::AccessChange { receive: bool::take(&mut list)?, transact: bool::take(&mut list)? },
            5 => Self::Notice(take_notice(&mut list)?),
            9 => Self::AccessMode(Access::take(&mut list)?),
            _ => return Err(DecodeError::Malformed("unknown kind of inbox entry")),
        };
        list.finish().map(|()| kind)
    }
    fn show(&self) -> Value {
        Value::Text(match self {
            Self::Commit => "commit".to_string(),
            Self::Returned { outbox } => alloc::format!("returned {outbox}"),
            Self::RemitDone { seq, .. } => alloc::format!("remit done {seq}"),
            Self::SetChange(set) => alloc::format!("{} validators", set.members().len()),
            Self::AccessChange { receive, transact } => {
                let word = |may: bool| if may { "may" } else { "may not" };
                alloc::format!("{} receive, {} transact", word(*receive), word(*transact))
            }
            Self::Notice(bytes) => alloc::format!("notice of {} bytes", bytes.0.len()),
            Self::AccessMode(Access::Open) => "open to everybody".to_string(),
            Self::AccessMode(Access::Listed) => "open to the listed".to_string(),
        })
    }
}

fn take_notice(items: &mut Items<'_>) -> Result<Bytes, DecodeError> {
    let notice = Bytes::take(items)?;
    match notice.0.len() {
        got if got > NOTICE_BYTES_MAX => Err(DecodeError::TooLarge { max: NOTICE_BYTES_MAX, got }),
        _ => Ok(notice),
    }
}

crate::record! {
    /// Times (heights of the parent) and limits of a child. Source of defaults and limits: associates 2.
    ChildParams {
        /// Latest parent height, counted from the commit, at which the child may credit it.
        commit_timeout: u64,
        /// Without an accepted summary this long, the child is dead.
        silence: u64,
        /// How long claims are collected before shares are paid.
        claim_window: u64,
        /// How long a weaker rule is announced before it binds.
        change_delay: u64,
        /// Least commit.
        commit_min: Amount,
        /// Extra gas of a commit, which pays for the credit below.
        commit_gas: Gas,
        /// Lines of one remit.
        remit_lines_max: u64,
        /// Inbox entries that may be open.
        inbox_open_max: u64,
        /// Most that may be remitted in a span; zero for no limit.
        remit_limit: Amount,
        /// The span of that limit, in heights.
        remit_limit_heights: u64,
        /// Bond of each operator.
        operator_bond: Amount,
    }

    /// The validators of a child, as its parent follows them. Source: associates 6.
    Validators {
        /// Which engine they run: [`ENGINE_COMMITTEE`], [`ENGINE_ROTATION`] or [`ENGINE_ROTATION_ONE_STEP`].
        engine: u64,
        /// The epoch that the set is for.
        epoch: u64,
        /// Who they are.
        set: ValidatorSet,
        /// Those of the epoch before, until the set has spoken once.
        previous: Option<ValidatorSet>,
        /// Two certificates of one height up to this one were reported.
        judged: Height,
        /// Two handovers of one epoch up to this one were reported.
        judged_epoch: u64,
    }

    /// The authorization of a remit in regime `certificate`: the summary's last block.
    CertifiedBlock {
        /// Its header (920).
        header: Bytes,
        /// The validators' agreement (1230): to this block or, where they take turns, to one that descends from it.
        certificate: Bytes,
        /// The system leaf (1023) in the state after it.
        leaf: ProofStep,
        /// Of validators in turns: why the block is final where the certificate is not enough.
        grounds: Tail<Grounds>,
    }

    /// What makes a block of validators in turns final beside a certificate. Where two steps confirm, the certificate is of
    /// the last header; where one does, of the last but one, whose child shows it and has a certificate too. Source: ADR 19.
    Grounds {
        /// Headers (920) of the blocks after it, each built on the one before.
        headers: Vec<Bytes>,
        /// The agreement (1230) to the last of them where one step confirms; else nothing.
        seal: Bytes,
    }

    /// What a contract is asked about a remit or a claim, beside the summary or the claimant.
    ContractWord {
        /// Gas that the run may use, at the ledger's least price.
        gas: Gas,
        /// What its authority says, as it wants it.
        word: Bytes,
    }

    /// One operator's word on a summary: its place among the operators and its signature over
    /// `network id of the parent ‖ digest`.
    OperatorSignature {
        /// Place in the connection point's list.
        index: u64,
        /// Over the parent's network id and [`Summary::digest`].
        signature: Signature,
    }
}

crate::object! {
    /// An entry of a parent's numbered list for a child.
    910 v 1 InboxEntry {
        /// Its number, from 0.
        n: u64,
        /// What it is.
        kind: InboxKind,
        /// Who committed; for other kinds the account concerned.
        from: Payee,
        /// Who is credited in the child.
        to: AccountId,
        /// What.
        asset: Asset,
        /// How much; zero for entries that carry no money.
        amount: Amount,
        /// Where it goes on from there.
        route: Vec<Hop>,
        /// Names the leg of a journey.
        leg: Hash,
        /// The parent height at which it was written.
        height: Height,
        /// The last parent height at which it may be credited.
        deadline: Height,
        /// The inbox's hash chain up to and with this entry, so that any prefix is checked by one read.
        hash: Hash,
    }

    /// An entry of a child's numbered list for its parent: one withdrawal, one line of a remit.
    911 v 1 OutboxEntry {
        /// Its number, from 0.
        n: u64,
        /// Who withdrew.
        from: AccountId,
        /// Who is paid on the parent.
        to: Payee,
        /// What.
        asset: Asset,
        /// How much.
        amount: Amount,
        /// Where it goes on from there.
        route: Vec<Hop>,
        /// Names the leg of a journey.
        leg: Hash,
        /// The child height of the withdrawal.
        child_height: Height,
    }

    /// A child's word on its blocks up to `child_to`.
    913 v 1 Summary {
        /// Which child.
        associate: AssociateId,
        /// Its number, from 1.
        seq: u64,
        /// The block that the last accepted summary ended at.
        child_from: Height,
        /// The block that this one ends at.
        child_to: Height,
        /// That block's hash.
        block_hash: Hash,
        /// That block's state root; zero commits to no state.
        root: Hash,
        /// The parent block that it names.
        parent_hash: Hash,
        /// That parent block's height.
        parent_height: Height,
        /// Inbox entries below this number are settled.
        inbox_acked: u64,
        /// The inbox's hash chain up to there.
        inbox_hash: Hash,
        /// Numbers of the commits that were settled by not crediting them.
        skipped: Vec<u64>,
        /// Outbox entries below this number have been given to the parent.
        outbox_acked: u64,
        /// The outbox's hash chain up to there.
        outbox_hash: Hash,
        /// The child's validator set; zero where the engine has none.
        set_hash: Hash,
    }
}

impl InboxEntry {
    /// Whether the entry is money that the child has to credit.
    pub const fn is_money(&self) -> bool {
        matches!(self.kind, InboxKind::Commit | InboxKind::Returned { .. })
    }

    /// This entry with the hash chain continued from `before`: over the entry with a zero hash.
    #[must_use]
    pub fn chained(self, before: Hash) -> Self {
        let blank = Self { hash: Hash::ZERO, ..self };
        let hash = Hash(banyan_crypto::blake2b(&[&before.0, &blank.encode()]));
        Self { hash, ..blank }
    }
}

impl OutboxEntry {
    /// The hash chain continued by this entry.
    pub fn chain(&self, before: Hash) -> Hash {
        Hash(banyan_crypto::blake2b(&[&before.0, &self.encode()]))
    }
}

impl Summary {
    /// What is signed, certified, proved or judged: Blake2b-256 over the parent's network id and the summary.
    pub fn digest(&self, parent_network: &str) -> Hash {
        Hash(banyan_crypto::blake2b(&[b"banyan summary", parent_network.as_bytes(), &self.encode()]))
    }

    /// The bytes that an operator signs.
    pub fn signing_message(&self, parent_network: &str) -> Vec<u8> {
        [parent_network.as_bytes(), &self.digest(parent_network).0].concat()
    }
}

/// The number of engine `committee`.
pub const ENGINE_COMMITTEE: u64 = 1;
/// The number of engine `rotation` where validators accept before they commit: over half of them confirm a block.
pub const ENGINE_ROTATION: u64 = 2;
/// The number of engine `rotation` where one step confirms: a validator commits once for each height.
pub const ENGINE_ROTATION_ONE_STEP: u64 = 3;

impl Validators {
    /// The validators that a child begins with.
    pub const fn new(engine: u64, set: ValidatorSet) -> Self {
        Self { engine, epoch: 0, set, previous: None, judged: Height(0), judged_epoch: 0 }
    }
}

impl CertifiedBlock {
    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }

    /// Read exactly these bytes.
    /// # Errors
    /// The first [`DecodeError`] that applies.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::take_fields(&mut Items::of(bytes)?)
    }
}

impl ContractWord {
    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }

    /// Read exactly these bytes: a word of at most [`CONTRACT_WORD_BYTES_MAX`].
    /// # Errors
    /// The first [`DecodeError`] that applies.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let word = Self::take_fields(&mut Items::of(bytes)?)?;
        let (max, got) = (CONTRACT_WORD_BYTES_MAX, word.word.0.len());
        if got > max { Err(DecodeError::TooLarge { max, got }) } else { Ok(word) }
    }
}

/// The authorization of a remit in regime `operators`: the signatures in ascending order of their place.
pub fn operators_authorization(signatures: &[OperatorSignature]) -> crate::Bytes {
    let mut sorted = signatures.to_vec();
    sorted.sort_by_key(|signature| signature.index);
    let mut out = Vec::new();
    sorted.put(&mut out);
    crate::Bytes(out)
}

/// Read what [`operators_authorization`] wrote: at most [`OPERATORS_MAX`] signatures, one for each place.
/// # Errors
/// `TooLarge`, `Malformed`, or `NotCanonical` when the places do not ascend.
pub fn read_operators_authorization(bytes: &[u8]) -> Result<Vec<OperatorSignature>, DecodeError> {
    if bytes.len() > AUTHORIZATION_BYTES_MAX {
        return Err(DecodeError::TooLarge { max: AUTHORIZATION_BYTES_MAX, got: bytes.len() });
    }
    let mut list = Items::of(bytes)?;
    let mut signatures = Vec::<OperatorSignature>::new();
    while !list.is_empty() {
        signatures.push(OperatorSignature::take(&mut list)?);
    }
    if !signatures.is_sorted_by(|a, b| a.index < b.index) {
        return Err(DecodeError::NotCanonical("places of operators do not ascend"));
    }
    Ok(signatures)
}
