//! Regime `certificate`: the child's own validators agree to its blocks, and the parent follows who they are.
//! Rules: associates 3, 6.
//!
//! A certificate says that a quorum of a set agreed to a header; the header names the state, and a proof shows the system
//! leaf in it. So every number of a summary is one that the validators have signed.

use alloc::vec::Vec;

use banyan_types::{
    AccountId, AssociateId, Bytes, Hash,
    associate::{
        CertifiedBlock, ENGINE_COMMITTEE, ENGINE_ROTATION, ENGINE_ROTATION_ONE_STEP, Regime, Summary, Validators,
    },
    committee::{Certificate, SignedStatement, ValidatorSet, handover_hash},
    header::ChildHeader,
    rlp::DecodeError,
};

use super::{escape::open, evidence::Fault, skip_chain};
use crate::{
    ConnectionPoint, ParentLeaf, Rejected,
    engine::{
        committee::{self, certificate_fault, check, check_handover, handover_fault},
        rotation::Steps,
    },
    leaf::key,
};

/// Whose certificates they are: what makes a block final, and what nobody may say twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Certifier {
    Committee,
    Rotation(Steps),
}

impl Certifier {
    fn of(validators: &Validators) -> Result<Self, Rejected> {
        match validators.engine {
            ENGINE_COMMITTEE => Ok(Self::Committee),
            ENGINE_ROTATION => Ok(Self::Rotation(Steps::Two)),
            ENGINE_ROTATION_ONE_STEP => Ok(Self::Rotation(Steps::One)),
            _ => Err(Rejected::Regime { why: "only certificates of engines 1, 2 and 3 are known" }),
        }
    }

    fn fault(self, a: &SignedStatement, b: &SignedStatement, network_id: &str) -> Option<committee::Fault> {
        match self {
            Self::Committee => committee::fault(a, b, network_id),
            Self::Rotation(steps) => steps.fault(a, b, network_id),
        }
    }
}

/// Rule 5 of create: an engine whose certificates are known here, before its first epoch has ended.
pub(super) fn check_validators(validators: &Validators) -> Result<(), Rejected> {
    let certifier = Certifier::of(validators)?;
    if Validators::new(validators.engine, validators.set.clone()) != *validators {
        return Err(Rejected::Regime { why: "validators begin at epoch 0, with no set before and nothing judged" });
    }
    let is_equal = validators.set.members().iter().all(|member| member.weight == 1);
    match certifier {
        Certifier::Rotation(_) if !is_equal => Err(Rejected::Regime { why: "validators in turns weigh 1 each" }),
        _ => Ok(()),
    }
}

/// Whether those who certify may be followed by others: who takes turns does so for ever.
pub(super) fn may_hand_over(validators: &Validators) -> bool {
    validators.engine == ENGINE_COMMITTEE
}

/// Does the block that the validators agreed to say what the summary says? The answer tells whether the present set has
/// spoken.
pub(super) fn check_certified(
    point: &ConnectionPoint,
    validators: &Validators,
    summary: &Summary,
    authorization: &[u8],
) -> Result<bool, Rejected> {
    let block = CertifiedBlock::decode(authorization)?;
    let shown = Shown::read(&block)?;
    check_header(&shown.header, summary)?;
    shown.check_places(Certifier::of(validators)?)?;
    let unknown = Rejected::CertifiedBlock { field: "set_hash" };
    let set = set_of(validators, shown.header.set_hash).ok_or(unknown)?;
    for certificate in [&shown.certificate].into_iter().chain(&shown.seal) {
        check(certificate, set, &point.network_id).map_err(|why| Rejected::Certificate { why })?;
    }
    check_leaf(point, summary, &block)?;
    Ok(*set == validators.set)
}

/// What an authorization shows of a child's chain.
struct Shown {
    /// The summary's last block.
    header: ChildHeader,
    /// Blocks after it.
    after: Vec<ChildHeader>,
    certificate: Certificate,
    /// The agreement to the last block, where one step confirms.
    seal: Option<Certificate>,
}

impl Shown {
    fn read(block: &CertifiedBlock) -> Result<Self, DecodeError> {
        let header = ChildHeader::decode(&block.header.0)?;
        let certificate = Certificate::read(&block.certificate.0)?;
        let grounds = block.grounds.0.as_ref();
        let after = grounds.map_or(&[][..], |grounds| &grounds.headers).iter();
        let seal = grounds.map(|grounds| &grounds.seal).filter(|seal| **seal != Bytes::default());
        Ok(Self {
            header,
            after: after.map(|header| ChildHeader::decode(&header.0)).collect::<Result<_, _>>()?,
            certificate,
            seal: seal.map(|seal| Certificate::read(&seal.0)).transpose()?,
        })
    }

    /// Whether the headers follow one from the other, and each certificate is of the block that it must be of.
    fn check_places(&self, certifier: Certifier) -> Result<(), Rejected> {
        let (after, sealed) = (self.after.as_slice(), self.seal.is_some());
        must(
            "grounds",
            match certifier {
                Certifier::Committee => after.is_empty() && !sealed,
                Certifier::Rotation(Steps::Two) => !sealed,
                Certifier::Rotation(Steps::One) => !after.is_empty() && sealed,
            },
        )?;
        let chain = [&self.header].into_iter().chain(after);
        must("prev_hash", chain.zip(after).all(|(before, next)| next.prev_hash == before.hash()))?;
        let Some(seal) = &self.seal else {
            return must("certificate", is_of(&self.certificate, after.last().unwrap_or(&self.header)));
        };
        let Some((last, between)) = after.split_last() else { return must("grounds", false) };
        must("certificate", is_of(&self.certificate, between.last().unwrap_or(&self.header)))?;
        // One quorum alone may be contradicted; its child, which shows it and has one itself, is not.
        must("prev_seal_hash", last.prev_seal_hash == self.certificate.hash())?;
        must("seal", is_of(seal, last))
    }
}

fn is_of(certificate: &Certificate, header: &ChildHeader) -> bool {
    (certificate.height, certificate.block_hash) == (header.height, header.hash())
}

fn check_header(header: &ChildHeader, summary: &Summary) -> Result<(), Rejected> {
    let rows = [
        ("block_hash", header.hash() == summary.block_hash),
        ("height", header.height == summary.child_to),
        ("state_root", header.state_root == summary.root),
        ("parent_hash", header.parent_hash == summary.parent_hash),
        ("parent_height", header.parent_height == summary.parent_height),
        ("inbox_to", header.inbox_to == summary.inbox_acked),
        ("outbox_to", header.outbox_to == summary.outbox_acked),
        ("set_hash", header.set_hash == summary.set_hash),
    ];
    rows.into_iter().try_for_each(|(field, holds)| must(field, holds))
}

/// What no header says stands in the state: both hash chains, and what was skipped.
fn check_leaf(point: &ConnectionPoint, summary: &Summary, block: &CertifiedBlock) -> Result<(), Rejected> {
    let [leaf] = open(summary.root, &block.leaf, [key::parent()])?;
    let leaf = ParentLeaf::decode(leaf)?;
    let rows = [
        ("inbox_hash", leaf.inbox_hash == summary.inbox_hash),
        ("outbox_hash", leaf.outbox_hash == summary.outbox_hash),
        ("skipped", leaf.skipped_hash == skip_chain(point.point.skipped_hash, &summary.skipped)),
    ];
    rows.into_iter().try_for_each(|(field, holds)| must(field, holds))
}

const fn must(field: &'static str, holds: bool) -> Result<(), Rejected> {
    if holds { Ok(()) } else { Err(Rejected::CertifiedBlock { field }) }
}

/// The set with this hash: the present one, or the one before.
fn set_of(validators: &Validators, hash: Hash) -> Option<&ValidatorSet> {
    sets(validators).find(|set| set.hash() == hash)
}

fn sets(validators: &Validators) -> impl Iterator<Item = &ValidatorSet> {
    [&validators.set].into_iter().chain(&validators.previous)
}

/// The validators after a handover to `next`, which a quorum of the present set has signed: to the epoch that follows, and
/// once for each.
pub(super) fn hand_over(
    id: AssociateId,
    network_id: &str,
    validators: &Validators,
    next: &ValidatorSet,
    authorization: &[u8],
) -> Result<Validators, Rejected> {
    let certificate = Certificate::read(authorization)?;
    let expected = validators.epoch.checked_add(1).ok_or(Rejected::Overflow)?;
    let got = certificate.height.0;
    if got < expected {
        return Err(Rejected::SequenceUsed { expected, got });
    }
    if got > expected {
        return Err(Rejected::SequenceEarly { expected, got });
    }
    if validators.previous.is_some() {
        // The set before has blocks that it alone can answer for.
        return Err(Rejected::Status { status: "handing over" });
    }
    must("handover", certificate.block_hash == handover_hash(id, expected, next))?;
    check_handover(&certificate, &validators.set, network_id).map_err(|why| Rejected::Certificate { why })?;
    let previous = Some(validators.set.clone());
    Ok(Validators { epoch: expected, set: next.clone(), previous, ..validators.clone() })
}

/// Whether two statements of one validator convict it, by what a parent knows of its engine.
pub fn convicts(point: &ConnectionPoint, a: &SignedStatement, b: &SignedStatement) -> bool {
    statement_fault(point, a, b).is_some()
}

fn statement_fault(point: &ConnectionPoint, a: &SignedStatement, b: &SignedStatement) -> Option<committee::Fault> {
    let certifier = match &point.regime {
        Regime::Certificate(validators) => Certifier::of(validators).ok()?,
        // What no engine lets a key say twice.
        Regime::Operators | Regime::Contract(_) => Certifier::Committee,
    };
    certifier.fault(a, b, &point.network_id)
}

/// Two words of one validator that contradict each other.
pub(super) fn two_votes(point: &ConnectionPoint, a: &[u8], b: &[u8]) -> Option<Fault> {
    let (a, b) = (SignedStatement::decode(a).ok()?, SignedStatement::decode(b).ok()?);
    let found = statement_fault(point, &a, &b)?;
    Some(Fault { culprits: accounts(&found), validators: None })
}

/// The accounts of the keys that are at fault: whose bond is held under the same key.
fn accounts(fault: &committee::Fault) -> Vec<AccountId> {
    fault.keys.iter().map(|key| AccountId(key.0)).collect()
}

/// Two certificates of one set: for one height, or for one epoch. Each height and epoch is judged once, so that an old
/// pair freezes nobody again.
pub(super) fn two_certificates(point: &ConnectionPoint, validators: &Validators, a: &[u8], b: &[u8]) -> Option<Fault> {
    let (a, b) = (Certificate::read(a).ok()?, Certificate::read(b).ok()?);
    let network_id = &point.network_id;
    let certifier = Certifier::of(validators).ok()?;
    let (judged, fault) = sets(validators).find_map(|set| {
        let blocks = match certifier {
            Certifier::Committee => certificate_fault(&a, &b, set, network_id),
            Certifier::Rotation(steps) => steps.certificate_fault(&a, &b, set, network_id),
        };
        let blocks = blocks.filter(|fault| fault.height > validators.judged);
        let block = blocks.map(|fault| (Validators { judged: fault.height, ..validators.clone() }, fault));
        let epochs = || {
            handover_fault(&a, &b, set, network_id)
                .filter(|fault| may_hand_over(validators) && fault.height.0 > validators.judged_epoch)
                .map(|fault| (Validators { judged_epoch: fault.height.0, ..validators.clone() }, fault))
        };
        block.or_else(epochs)
    })?;
    Some(Fault { culprits: accounts(&fault), validators: Some(judged) })
}
