//! What the core is generic over: our statements, keys and sets under the names of its traits.

use alloc::{sync::Arc, vec::Vec};
use core::{fmt, time::Duration};

use arc_malachitebft_core_types as bft;
use banyan_ledger::engine::committee::Epoch;
use banyan_types::{
    Hash, Height, PublicKey, Signature,
    committee::{SignedStatement, Statement, StatementKind},
};
use bft::{NilOrVal, Round, Timeout, TimeoutKind, VoteType};

use crate::CommitteeParams;

pub type SignedVote = bft::SignedVote<Context>;
pub type SignedProposal = bft::SignedProposal<Context>;
pub type CommitCertificate = bft::CommitCertificate<Context>;
pub type PolkaCertificate = bft::PolkaCertificate<Context>;
pub type RoundCertificate = bft::RoundCertificate<Context>;

/// A block's hash: the value that is agreed on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockId(pub Hash);
/// A validator's key, which is its address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(pub PublicKey);
/// A height as the core counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct At(pub Height);
/// A signature as the core orders it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seal(pub Signature);

/// A proposal with its leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub statement: Statement,
    pub by: Address,
    id: BlockId,
}

/// A vote with its validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    pub statement: Statement,
    pub by: Address,
    value: NilOrVal<BlockId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    address: Address,
    weight: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set(Arc<Vec<Validator>>);

/// Bodies travel apart: there are no parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPart {}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheme;

/// The core never sees a secret key.
#[derive(Clone)]
pub struct NoKey;

/// How long each step of a view is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Waits;

/// The rules that the core is generic over: whose turn it is in an epoch.
#[derive(Clone)]
pub struct Context {
    pub epoch: Arc<Epoch>,
}

macro_rules! show {
    ($($name:ident: $self:ident => $bytes:expr;)+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $self = self;
                $bytes.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )+};
}
show! {
    BlockId: id => id.0.0;
    Address: address => address.0.0;
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A view as the core counts it.
pub const fn round(view: u32) -> Round {
    Round::new(view)
}

/// A round as a view; before the first there is none.
pub const fn view(round: Round) -> Option<u32> {
    match round {
        Round::Some(view) => Some(view),
        Round::Nil => None,
    }
}

impl Vote {
    pub fn new(kind: VoteType, height: Height, at: Round, value: NilOrVal<BlockId>, by: Address) -> Self {
        let kind = match kind {
            VoteType::Prevote => StatementKind::Prevote,
            VoteType::Precommit => StatementKind::Precommit,
        };
        let block_hash = match value {
            NilOrVal::Nil => Hash::ZERO,
            NilOrVal::Val(id) => id.0,
        };
        let statement = Statement { kind, height, view: view(at).unwrap_or(0), block_hash, valid_view: None };
        Self { statement, by, value }
    }

    /// The vote that a statement is; `None` if it is something else.
    pub fn of(statement: &Statement, by: PublicKey) -> Option<Self> {
        let is_vote = matches!(statement.kind, StatementKind::Prevote | StatementKind::Precommit);
        let value = match statement.block_hash {
            Hash::ZERO => NilOrVal::Nil,
            hash => NilOrVal::Val(BlockId(hash)),
        };
        is_vote.then_some(Self { statement: *statement, by: Address(by), value })
    }
}

impl Proposal {
    /// The proposal that a statement is; `None` if it is something else.
    pub fn of(statement: &Statement, by: PublicKey) -> Option<Self> {
        let is_proposal = statement.kind == StatementKind::Proposal;
        is_proposal.then_some(Self { statement: *statement, by: Address(by), id: BlockId(statement.block_hash) })
    }
}

/// A signed vote or proposal in our own form.
pub fn signed(statement: Statement, by: Address, seal: Seal) -> SignedStatement {
    SignedStatement { statement, by: by.0, signature: seal.0 }
}

impl Set {
    pub fn of(epoch: &Epoch) -> Self {
        let validator = |member: &banyan_types::committee::Member| Validator {
            address: Address(member.key),
            weight: member.weight,
        };
        Self(Arc::new(epoch.set.members().iter().map(validator).collect()))
    }
}

impl Waits {
    /// Longer in later views, so that at last everybody is in one view for long enough.
    pub fn millis(params: &CommitteeParams, timeout: Timeout) -> u64 {
        let late = u64::from(view(timeout.round).unwrap_or(0).min(params.longer_views_max));
        let more = params.longer_ms.saturating_mul(late);
        match timeout.kind {
            TimeoutKind::Propose => params.propose_ms.saturating_add(more),
            TimeoutKind::Prevote | TimeoutKind::Precommit => params.vote_ms.saturating_add(more),
            TimeoutKind::Rebroadcast | TimeoutKind::FinalizeHeight(_) => params.repeat_ms,
        }
    }
}

impl bft::Address for Address {}

impl bft::Height for At {
    const ZERO: Self = Self(Height(0));
    const INITIAL: Self = Self(Height(1));

    fn increment_by(&self, n: u64) -> Self {
        Self(Height(self.0.0.saturating_add(n)))
    }
    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.0.checked_sub(n).map(|height| Self(Height(height)))
    }
    fn as_u64(&self) -> u64 {
        self.0.0
    }
}

impl bft::Value for BlockId {
    type Id = Self;

    fn id(&self) -> Self {
        *self
    }
}

impl bft::ProposalPart<Context> for NoPart {
    fn is_first(&self) -> bool {
        match *self {}
    }
    fn is_last(&self) -> bool {
        match *self {}
    }
}

impl bft::Proposal<Context> for Proposal {
    fn height(&self) -> At {
        At(self.statement.height)
    }
    fn round(&self) -> Round {
        round(self.statement.view)
    }
    fn value(&self) -> &BlockId {
        &self.id
    }
    fn take_value(self) -> BlockId {
        self.id
    }
    fn pol_round(&self) -> Round {
        self.statement.valid_view.map_or(Round::Nil, round)
    }
    fn validator_address(&self) -> &Address {
        &self.by
    }
}

impl bft::Vote<Context> for Vote {
    fn height(&self) -> At {
        At(self.statement.height)
    }
    fn round(&self) -> Round {
        round(self.statement.view)
    }
    fn value(&self) -> &NilOrVal<BlockId> {
        &self.value
    }
    fn take_value(self) -> NilOrVal<BlockId> {
        self.value
    }
    fn vote_type(&self) -> VoteType {
        if self.statement.kind == StatementKind::Prevote { VoteType::Prevote } else { VoteType::Precommit }
    }
    fn validator_address(&self) -> &Address {
        &self.by
    }
    fn extension(&self) -> Option<&bft::SignedExtension<Context>> {
        None
    }
    fn take_extension(&mut self) -> Option<bft::SignedExtension<Context>> {
        None
    }
    fn extend(self, _: bft::SignedExtension<Context>) -> Self {
        self
    }
}

impl bft::Validator<Context> for Validator {
    fn address(&self) -> &Address {
        &self.address
    }
    fn public_key(&self) -> &Address {
        &self.address
    }
    fn voting_power(&self) -> u64 {
        self.weight
    }
}

impl bft::ValidatorSet<Context> for Set {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn total_voting_power(&self) -> u64 {
        self.0.iter().fold(0, |sum, validator| sum.saturating_add(validator.weight))
    }
    fn get_by_address(&self, address: &Address) -> Option<&Validator> {
        let at = self.0.binary_search_by_key(address, |validator| validator.address).ok()?;
        self.0.get(at)
    }
    fn get_by_index(&self, index: usize) -> Option<&Validator> {
        self.0.get(index)
    }
}

impl bft::SigningScheme for Scheme {
    type DecodingError = &'static str;
    type Signature = Seal;
    type PublicKey = Address;
    type PrivateKey = NoKey;

    fn decode_signature(bytes: &[u8]) -> Result<Seal, &'static str> {
        bytes.try_into().map(|bytes| Seal(Signature(bytes))).map_err(|_| "not 64 bytes")
    }
    fn encode_signature(seal: &Seal) -> Vec<u8> {
        seal.0.0.to_vec()
    }
    fn decode_public_key(bytes: &[u8]) -> Result<Address, &'static str> {
        bytes.try_into().map(|bytes| Address(PublicKey(bytes))).map_err(|_| "not 32 bytes")
    }
    fn encode_public_key(key: &Address) -> Vec<u8> {
        key.0.0.to_vec()
    }
}

impl bft::Timeouts<Context> for Waits {
    /// Never asked: whoever orders a timeout here asks [`Waits::millis`], which knows the parameters.
    fn duration_for(&self, _: Timeout) -> Duration {
        Duration::ZERO
    }
}

impl bft::Context for Context {
    type Address = Address;
    type Height = At;
    type ProposalPart = NoPart;
    type Proposal = Proposal;
    type Validator = Validator;
    type ValidatorSet = Set;
    type Timeouts = Waits;
    type Value = BlockId;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = Scheme;

    fn select_proposer<'a>(&self, set: &'a Set, height: At, at: Round) -> &'a Validator {
        let leader = Address(self.epoch.leader(height.0, view(at).unwrap_or(0)));
        let place = set.0.binary_search_by_key(&leader, |validator| validator.address).unwrap_or(0);
        &set.0[place] // the set is the epoch's own, which is never empty
    }
    fn new_proposal(&self, height: At, at: Round, id: BlockId, valid: Round, by: Address) -> Proposal {
        let statement = Statement {
            kind: StatementKind::Proposal,
            height: height.0,
            view: view(at).unwrap_or(0),
            block_hash: id.0,
            valid_view: view(valid),
        };
        Proposal { statement, by, id }
    }
    fn new_prevote(&self, height: At, at: Round, value: NilOrVal<BlockId>, by: Address) -> Vote {
        Vote::new(VoteType::Prevote, height.0, at, value, by)
    }
    fn new_precommit(&self, height: At, at: Round, value: NilOrVal<BlockId>, by: Address) -> Vote {
        Vote::new(VoteType::Precommit, height.0, at, value, by)
    }
}
