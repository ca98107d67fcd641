//! Evidence: two statements of one key that no honest key signs, and what they cost. Rules: root 6, 9.
//!
//! Anyone may bring it. It is checked from signatures and state alone: neither the sets of the time nor the blocks that
//! the votes name need be known.

use banyan_crypto::Claim;
use banyan_types::{
    AccountId, Amount, Hash, Height, PublicKey,
    committee::SignedStatement,
    header::{KEY_HEADER_BYTES, KeyHeader, MICRO_HEADER_BYTES, MicroHeader},
    rlp::DecodeError,
    tx::Evidence,
    witness::{Statement, VOTE_BYTES, Vote, VoteKind},
};

use super::{stake, staker_of};
use crate::{
    BlockHash, Event, Missing, Offence, PendingReward, Rejected, State, certificate,
    leaf::{Slashed, Stake, key},
    money::Coins,
    scene::Scene,
};

/// What two locks of one slot cost: a tenth of the stake.
const LOCK_PARTS: u64 = 10;
/// What the reporter gets of what is lost: a twentieth.
const REPORTER_PARTS: u64 = 20;

/// What breaks a rule about two statements of one key, whichever is named first.
fn offence(a: &Statement, b: &Statement) -> Option<Offence> {
    if a.slot() == b.slot() && a != b {
        return Some(if a.kind == VoteKind::Lock { Offence::DoubleLock } else { Offence::Double });
    }
    (unlocks(a, b) || unlocks(b, a)).then_some(Offence::Unlock)
}

/// Whether a prevote builds on less than what the key precommitted in an earlier round.
fn unlocks(precommit: &Statement, prevote: &Statement) -> bool {
    let kinds = (precommit.kind, prevote.kind) == (VoteKind::Precommit, VoteKind::Prevote);
    let source = prevote.source;
    let forgets = source.round < precommit.round || (source.round == precommit.round && source.hash != precommit.hash);
    kinds && precommit.era == prevote.era && precommit.round < prevote.round && forgets
}

/// A key header and two micro headers of its generation.
struct Fork {
    key: KeyHeader,
    hash: Hash,
    a: MicroHeader,
    b: MicroHeader,
}

impl Fork {
    fn decode(a: &[u8], b: &[u8]) -> Result<Self, DecodeError> {
        let parts = a.split_at_checked(KEY_HEADER_BYTES).filter(|(_, micro)| micro.len() == MICRO_HEADER_BYTES);
        let (key, micro) = parts.ok_or(DecodeError::Malformed("length of a statement"))?;
        let key = KeyHeader::decode(key)?;
        let hash = key.hash();
        Ok(Self { key, hash, a: MicroHeader::decode(micro)?, b: MicroHeader::decode(b)? })
    }
}

impl<S: State> Scene<'_, S> {
    /// Punish what two statements prove.
    pub(crate) fn evidence(&mut self, tx: &Evidence) -> Result<(), Rejected> {
        let (a, b) = (&tx.statement_a.0, &tx.statement_b.0);
        if !self.params.is_root() {
            return self.contradiction(tx, &SignedStatement::decode(a)?, &SignedStatement::decode(b)?);
        }
        if a.len() == VOTE_BYTES {
            self.votes(tx, &Vote::decode(a)?, &Vote::decode(b)?)
        } else {
            self.fork(tx, &Fork::decode(a, b)?)
        }
    }

    fn votes(&mut self, tx: &Evidence, a: &Vote, b: &Vote) -> Result<(), Rejected> {
        let staker = tx.staker_id;
        let expected = self.engine()?.chain;
        if let Some(vote) = [a, b].into_iter().find(|vote| vote.statement.chain != expected) {
            return Err(Rejected::OtherChain { expected, got: vote.statement.chain });
        }
        let held = stake(self.state, staker)?.ok_or(Rejected::NoStake { staker })?;
        let offence = offence(&a.statement, &b.statement).ok_or(Rejected::NoFault)?;
        let punishment = if offence == Offence::DoubleLock { Slashed::Lock } else { Slashed::Whole };
        if held.slashed >= punishment {
            return Err(Rejected::Slashed { staker });
        }
        for (statement, vote) in [(0, a), (1, b)] {
            if !certificate::signed(&held.key.0, &vote.statement, &vote.signature) {
                return Err(Rejected::NotSigned { statement });
            }
        }
        let parts = if punishment == Slashed::Lock { LOCK_PARTS } else { 1 };
        let lost = self.slash(staker, held, punishment, parts)?;
        self.share_out(tx, offence, lost, REPORTER_PARTS)
    }

    fn fork(&mut self, tx: &Evidence, fork: &Fork) -> Result<(), Rejected> {
        let Fork { key, hash, a, b } = fork;
        let expected = staker_of(self.state, key.miner)?.unwrap_or(AccountId::ZERO);
        if tx.staker_id != expected {
            return Err(Rejected::Accused { expected, got: tx.staker_id });
        }
        let got = key.height;
        let mut pending = self.pending_of(got, *hash)?;
        if a.hash() == b.hash() {
            return Err(Rejected::SameHeader);
        }
        if [a, b].iter().any(|micro| micro.prev_key_hash != *hash) || a.index != b.index {
            return Err(Rejected::NotSiblings);
        }
        for (statement, micro) in [(0, a), (1, b)] {
            if !signed(self.params.network_id.as_str(), key.miner, micro) {
                return Err(Rejected::NotSigned { statement });
            }
        }
        let mut lost = self.take_rewards(core::mem::take(&mut pending.shares.after.amount))?;
        pending.forked = true;
        self.set(key::reward(got), &pending);
        let next = got.next().ok_or(Rejected::Overflow)?;
        if let Some(mut next_pending) = self.get::<PendingReward>(&key::reward(next))? {
            let share = self.take_rewards(core::mem::take(&mut next_pending.shares.before.amount))?;
            lost = lost.join(share).ok_or(Rejected::Overflow)?;
            self.set(key::reward(next), &next_pending);
        }
        if let Some(held) = stake(self.state, expected)? {
            let bond = self.slash(expected, held, Slashed::Whole, 1)?;
            lost = lost.join(bond).ok_or(Rejected::Overflow)?;
        }
        self.share_out(tx, Offence::Fork, lost, REPORTER_PARTS)
    }

    /// The reward of a key block of this chain that waits, and of whose fork nobody knows yet.
    fn pending_of(&mut self, got: Height, hash: Hash) -> Result<PendingReward, Rejected> {
        // A state cannot hold its own block's hash: the running generation can be reported in the next one.
        if got >= self.height {
            return Err(Rejected::KeyBlockEarly { height: self.height, got });
        }
        let ring = self.get::<BlockHash>(&key::block_hash(got))?;
        if ring != Some(BlockHash { height: got, hash }) {
            return Err(Rejected::NotOnChain { got });
        }
        match self.get::<PendingReward>(&key::reward(got))? {
            None => Err(Rejected::Paid { got }),
            Some(pending) if pending.forked => Err(Rejected::Reported { got }),
            Some(pending) => Ok(pending),
        }
    }

    /// Take what a punishment costs, one part of so many: from what is bonded first, then from what is on its way back.
    pub(super) fn slash(
        &mut self,
        staker: AccountId,
        mut held: Stake,
        punishment: Slashed,
        parts: u64,
    ) -> Result<Coins, Rejected> {
        let all = held.at_stake().ok_or(Rejected::Overflow)?;
        let amount = all.share(1, parts).ok_or(Rejected::Overflow)?;
        let mut left = amount;
        let places = core::iter::once(&mut held.bonded).chain(held.unbonding.iter_mut().map(|part| &mut part.amount));
        for place in places {
            let part = left.min(*place);
            *place = place.minus(part).ok_or(Rejected::Overflow)?;
            left = left.minus(part).ok_or(Rejected::Overflow)?;
        }
        if !left.is_zero() {
            return Err(Missing("a stake is below the sum of its parts").into());
        }
        held.unbonding.retain(|part| !part.amount.is_zero());
        held.slashed = held.slashed.max(punishment);
        self.set_stake(staker, &held)?;
        self.take_bonds(amount)
    }

    /// One part of so many to the reporter, the rest back into what is unmined.
    pub(super) fn share_out(
        &mut self,
        tx: &Evidence,
        offence: Offence,
        lost: Coins,
        parts: u64,
    ) -> Result<(), Rejected> {
        let amount = lost.amount();
        let reward: Amount = amount.share(1, parts).ok_or(Rejected::Overflow)?;
        let (to_reporter, to_pool) = lost.split(reward).ok_or(Rejected::Overflow)?;
        self.pay(tx.from_id, to_reporter)?;
        self.unmint(to_pool)?;
        self.events.push(Event::Slashed { staker: tx.staker_id, offence, amount, reporter: tx.from_id, reward });
        Ok(())
    }
}

/// Whether the leader's key signed a micro header.
fn signed(network_id: &str, miner: PublicKey, micro: &MicroHeader) -> bool {
    let message = micro.signing_message(network_id);
    banyan_crypto::verify(Claim { key: &miner.0, message: &message, signature: &micro.signature.0 }).is_ok()
}
