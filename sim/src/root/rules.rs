//! What all nodes of a world agree on: parameters, keys, witness sets, and checks that cost next to nothing.
//!
//! A made-up signature is the signer's key twice, a made-up proof of work its nonce 42 times: as good as any in a world
//! without forgers, and thousands of times cheaper.

use std::{num::NonZeroU64, sync::LazyLock};

use banyan_crypto::{BadSignature, SecretKey};
use banyan_ledger::certificate::BadCertificate;
use banyan_root::{
    Miner, RootParams,
    pow::{BadCycle, Cycle, EdgeBits},
    target::Target,
};
use banyan_types::{
    AccountId, Amount, Era, Hash, Height, PublicKey, Signature, TimeMs,
    header::{KeyHeader, MicroHeader, POW_EDGES},
    witness::{Justification, Seal, Statement, Vote, Witness, WitnessSet, places_in},
};
use banyan_witness::{Checks, KeyRef, Params};

use crate::root::node::NodeId;

/// When a world begins.
pub const GENESIS_TIME: TimeMs = TimeMs(1_800_000_000_000);
/// Name of the network.
const NETWORK: &str = "banyan-sim-root";
/// Leaves room for ten times less work.
const TARGET_INITIAL: u32 = 0x1f00_ffff;

/// Nodes that have keys.
const KEYS_MAX: usize = 64;
/// Their keys: to make one takes as long as a hundred steps.
static KEYS: LazyLock<Vec<PublicKey>> =
    LazyLock::new(|| (0..KEYS_MAX).map(|at| PublicKey(secret(NodeId(at)).public())).collect());

/// How a world is made.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Of the root machine.
    pub root: RootParams,
    /// Of the witness machine.
    pub votes: Params,
    /// Nodes `0..witnesses` are the stake.
    pub witnesses: usize,
    /// Whether a member is out in each era from 2 on, another one each time.
    pub rotates: bool,
    /// Members that an operators' anchor leaves out.
    pub gone: usize,
    /// Key blocks that operators have agreed on.
    pub anchors: Vec<(Height, Hash)>,
    /// Whether signatures are real.
    pub signs: bool,
}

impl Rules {
    /// The intervals of `main`, eras of a dozen heights, work that chance finds.
    pub fn main(witnesses: usize, era: u64, signs: bool) -> Self {
        let target = Target::from_compact(TARGET_INITIAL).unwrap_or(Target::HIGHEST);
        let mut root = RootParams::main(NETWORK, GENESIS_TIME, target);
        let leader = if signs { root.checks.leader } else { check_leader };
        root.checks = banyan_root::Checks { work: check_work, leader };
        let votes = Params {
            chain: genesis(TARGET_INITIAL).hash(),
            era_len: NonZeroU64::new(era).unwrap_or(NonZeroU64::MIN),
            settle_ms: 500,
            delta_ms: 2_000,
            key_interval_ms: root.key_interval_ms,
            micro_interval_ms: root.micro_interval_ms,
        };
        Self { root, votes, witnesses, rotates: false, gone: 0, anchors: Vec::new(), signs }
    }

    /// The first block.
    pub fn genesis(&self) -> KeyHeader {
        genesis(self.root.target_initial.to_compact())
    }

    /// The first block, as the witness machine knows it.
    pub fn genesis_ref(&self) -> KeyRef {
        let header = self.genesis();
        KeyRef { hash: header.hash(), height: header.height, prev_key: header.prev_key_hash, work: 0 }
    }

    /// How the witness machine checks signatures.
    pub const fn checks(&self) -> Checks {
        if self.signs { Checks::LEDGER } else { CHEAP }
    }

    /// The members of an era.
    pub fn set(&self, era: Era) -> WitnessSet {
        let out = (self.rotates && era.0 >= 2).then(|| era.0 as usize % self.witnesses);
        let members = (0..self.witnesses - self.gone).filter(|place| Some(*place) != out);
        WitnessSet { era, members: members.map(|place| member(NodeId(place))).collect() }
    }

    /// The sets that a state at this height has.
    pub fn sets_at(&self, height: Height) -> Vec<WitnessSet> {
        let Era(era) = self.votes.era_of(Height(height.0 + 1));
        (era..era + 2).map(|era| self.set(Era(era))).collect()
    }

    /// What a witness says to a statement.
    pub fn sign_vote(&self, who: NodeId, statement: &Statement) -> Signature {
        if self.signs { Signature(secret(who).sign(&statement.encode())) } else { forged(&key_of(who)) }
    }

    /// What a leader says to a micro header.
    pub fn sign_micro(&self, who: NodeId, header: &MicroHeader) -> Signature {
        if self.signs {
            Signature(secret(who).sign(&header.signing_message(&self.root.network_id)))
        } else {
            forged(&key_of(who))
        }
    }
}

/// The proof of work of a nonce.
pub const fn proof(nonce: u64) -> Cycle {
    let [_, _, _, _, a, b, c, d] = nonce.to_be_bytes();
    [u32::from_be_bytes([a, b, c, d]); POW_EDGES]
}

/// Whom a node mines for.
pub fn miner(who: NodeId) -> Miner {
    Miner { key: key_of(who), beneficiary: account(who) }
}

/// A node's key, for votes and micro blocks.
pub fn key_of(who: NodeId) -> PublicKey {
    KEYS[who.0]
}

/// A node's account.
pub fn account(who: NodeId) -> AccountId {
    AccountId(seed_of(who))
}

fn seed_of(who: NodeId) -> [u8; 32] {
    let mut seed = [1; 32];
    seed[0] = u8::try_from(who.0).unwrap_or(u8::MAX);
    seed
}

fn secret(who: NodeId) -> SecretKey {
    SecretKey::from_seed(seed_of(who))
}

fn member(who: NodeId) -> Witness {
    Witness { key: key_of(who), weight: Amount::new(10).unwrap_or(Amount::ZERO), staker: account(who) }
}

fn genesis(target: u32) -> KeyHeader {
    KeyHeader {
        version: banyan_types::header::PROTOCOL_VERSION,
        info: None,
        height: Height(0),
        prev_hash: Hash::ZERO,
        prev_key_hash: Hash::ZERO,
        state_root: Hash::ZERO,
        miner: PublicKey([0; 32]),
        beneficiary: AccountId([0; 32]),
        witness_hash: Hash::ZERO,
        target,
        time: GENESIS_TIME,
        nonce: 0,
        pow: [0; POW_EDGES],
    }
}

fn forged(key: &PublicKey) -> Signature {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&key.0);
    bytes[32..].copy_from_slice(&key.0);
    Signature(bytes)
}

fn check_work(header: &KeyHeader, _: EdgeBits, _: &Target) -> Result<(), BadCycle> {
    if header.pow == proof(header.nonce) { Ok(()) } else { Err(BadCycle::ShortCycle { edges: 0 }) }
}

fn check_leader(header: &MicroHeader, leader: &PublicKey, _: &str) -> Result<(), BadSignature> {
    if header.signature == forged(leader) { Ok(()) } else { Err(BadSignature) }
}

const CHEAP: Checks = Checks { vote: check_vote, seal: check_seal, justification: check_justification };

fn check_vote(vote: &Vote, set: &WitnessSet) -> Result<(), BadCertificate> {
    let members = set.members.len();
    let member = set.member(vote.by).ok_or(BadCertificate::Stranger { by: vote.by, members })?;
    if vote.signature == forged(&member.key) { Ok(()) } else { Err(BadCertificate::Signature { index: 0 }) }
}

fn check_seal(seal: &Seal, set: &WitnessSet, _: Hash) -> Result<(), BadCertificate> {
    check_weight(places_in(&seal.bitmap), &seal.signatures, set)
}

fn check_justification(just: &Justification, set: &WitnessSet, _: Hash) -> Result<(), BadCertificate> {
    check_weight(places_in(&just.bitmap), &just.signatures, set)
}

fn check_weight(
    places: impl Iterator<Item = u16>,
    signatures: &[Signature],
    set: &WitnessSet,
) -> Result<(), BadCertificate> {
    let places: Vec<_> = places.collect();
    let is_bad = |(place, signature): (&u16, &Signature)| {
        set.member(*place).is_none_or(|member| forged(&member.key) != *signature)
    };
    if let Some(index) = places.iter().zip(signatures).position(is_bad) {
        return Err(BadCertificate::Signature { index });
    }
    let (weight, total) = (set.weight_at(places), set.total());
    if set.is_quorum(weight) { Ok(()) } else { Err(BadCertificate::Quorum { weight, total }) }
}
