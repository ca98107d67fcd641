//! What validators sign, and what their signatures make.

use banyan_ledger::{
    Candidacy, CommitteeEngine, Faults, Kept, Naming, Owed, Proven, Served, Untold,
    engine::committee::{BondRules, CommitteeRules, Decree, Drawn, Schedule, Sets, Turns},
};
use banyan_types::{
    ContractId, Hash, Height, Nonce, Signature,
    committee::{
        Certificate, Member, MemberSignature, SignedStatement, Statement, StatementKind, ValidatorSet, handover_hash,
    },
    engine::{EngineAction, SetChange, set_change_message},
    rlp::{Field as _, Items, Tail, put_list},
    tx::EngineAct,
};

use super::{NETWORK, amount, child, fill, hash, hashed, key_of, signer};
use crate::frozen::{Again, Sample};

fn statement(kind: StatementKind) -> Statement {
    let (height, view, block_hash) = (Height(300), 2, hash(91));
    let valid_view = (kind == StatementKind::Proposal).then_some(1);
    Statement { kind, height, view, block_hash, valid_view }
}

fn set() -> ValidatorSet {
    let members = [(92, 5), (93, 700)].map(|(key, weight)| Member { key: key_of(key), weight });
    ValidatorSet::new(members.into()).unwrap_or_else(|bad| unreachable!("{bad}"))
}

fn certificate() -> Certificate {
    let by = [(1, 94), (130, 95)].map(|(index, byte)| MemberSignature { index, signature: Signature([byte; 64]) });
    Certificate::gather(&statement(StatementKind::Precommit), by.into())
}

/// A set stands inside others; alone it is read as one item of a list.
fn set_again(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut list, mut out) = (Vec::new(), Vec::new());
    put_list(&mut list, |out| out.extend_from_slice(bytes));
    let mut items = Items::of(&list).ok()?;
    ValidatorSet::take(&mut items).ok()?.put(&mut out);
    items.finish().ok().map(|()| out)
}

fn act(action: EngineAction) -> EngineAct {
    EngineAct { from_id: signer(), action, ttl: Height(615), fee: amount(1_151), nonce: Nonce(115) }
}

pub(super) fn unjail() -> EngineAct {
    act(EngineAction::Unjail)
}

pub(super) fn propose() -> EngineAct {
    act(EngineAction::Propose(ContractId(fill(105))))
}

pub(super) fn vote() -> EngineAct {
    act(EngineAction::Vote(ContractId(fill(106))))
}

pub(super) fn cancel() -> EngineAct {
    act(EngineAction::Cancel(ContractId(fill(107))))
}

pub(super) fn naming() -> Naming {
    let (votes, against) = (vec![key_of(110)], vec![key_of(111)]);
    let contract = ContractId(fill(109));
    let candidate = Candidacy { contract, since: 4, voted_in: 6, votes, against, agreed: Some(7) };
    Naming { ruling: Some(ContractId(fill(108))), candidate: Some(candidate), faults: Tail(None) }
}

/// The same, where the ruling contract is told of faults.
pub(super) fn naming_with_faults() -> Naming {
    let served = vec![Served { key: key_of(112), epoch: 6 }];
    let proven = vec![Proven { key: key_of(112), epoch: 5 }];
    let waiting = vec![Untold { key: key_of(112), kind: 2, hash: hash(113) }];
    Naming { faults: Tail(Some(Faults { served, proven, waiting })), ..naming() }
}

pub(super) fn set_change() -> EngineAct {
    let signatures = certificate().signatures;
    act(EngineAction::SetChange(SetChange { epoch: 9, set: set(), signatures }))
}

pub(super) fn engine() -> CommitteeEngine {
    let drawn = |n| Drawn { seed: hash(n), set: set(), decree: Tail(None) };
    let turns = vec![Turns { key: key_of(101), made: 5, missed: 2 }];
    let (now, next, later, jailed) = (drawn(98), drawn(99), set(), vec![key_of(102)]);
    CommitteeEngine {
        engine: CommitteeEngine::ENGINE,
        chain: hash(103),
        schedule: Schedule { number: 8, now, next, later, turns, jailed },
        parent: hash(104),
        named: Some(set()),
        kept: Tail(None),
    }
}

/// The same, where a contract decides all that it may.
pub(super) fn decreed_engine() -> CommitteeEngine {
    let mut engine = engine();
    let decree = Decree { from: Height(4_801), leaders: vec![1, 0, 1], interval_ms: Some(700) };
    engine.schedule.now.decree = Tail(Some(Decree { interval_ms: None, ..decree.clone() }));
    engine.schedule.next.decree = Tail(Some(decree));
    let owed = Some(vec![Owed { key: key_of(101), amount: amount(1_152) }]);
    engine.kept = Tail(Some(Kept { owed, intervals: Some(vec![640, 710]) }));
    engine
}

/// Rules stand inside a genesis; alone they are read as one item of a list.
fn rules_again(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut list, mut out) = (Vec::new(), Vec::new());
    put_list(&mut list, |out| out.extend_from_slice(bytes));
    let mut items = Items::of(&list).ok()?;
    CommitteeRules::take(&mut items).ok()?.put(&mut out);
    items.finish().ok().map(|()| out)
}

fn rules(name: &'static str, sets: Sets) -> Sample {
    let mut bytes = Vec::new();
    CommitteeRules { validators: set(), epoch_blocks: 600, sets }.put(&mut bytes);
    Sample { name, bytes, again: Some(rules_again) }
}

pub(super) fn all() -> Vec<Sample> {
    let signed = |kind| SignedStatement { statement: statement(kind), by: key_of(96), signature: Signature([97; 64]) };
    let message = |kind| statement(kind).signing_message(NETWORK);
    let again: Again = |bytes| SignedStatement::decode(bytes).ok().map(|signed| signed.encode());
    let proposal = signed(StatementKind::Proposal).encode();
    let mut members = Vec::new();
    set().put(&mut members);
    let handover: Hash = handover_hash(child(), 4, &set());
    let bonds = BondRules { stake_min: amount(7), validators_min: 4, unbond_epochs: 14, renew_epochs: Some(50) };
    vec![
        rules("rules of a permissioned committee", Sets::Permissioned),
        rules("rules of a committee by contract", Sets::Contract),
        rules("rules of a committee of stake", Sets::Stake(bonds)),
        hashed("set change message", set_change_message(NETWORK, 9, &set())),
        Sample {
            name: "1230.1 certificate",
            bytes: certificate().encode(),
            again: Some(|bytes| Certificate::decode(bytes).ok().map(|certificate| certificate.encode())),
        },
        Sample { name: "validator set", bytes: members, again: Some(set_again) },
        Sample { name: "validator's signed proposal", bytes: proposal, again: Some(again) },
        hashed("validator's prevote message", message(StatementKind::Prevote)),
        hashed("validator's precommit message", message(StatementKind::Precommit)),
        hashed("validator's proposal message", message(StatementKind::Proposal)),
        hashed("handover message", Statement::handover(4, handover).signing_message(NETWORK)),
        hashed("handover hash", handover.0),
        hashed("validator set hash", set().hash().0),
        hashed("certificate hash", certificate().hash().0),
    ]
}
