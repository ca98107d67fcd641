//! Regime `certificate`: the child's own validators agree to its blocks, and the parent follows who they are.
//! Rules: associates 3, 6.
//!
//! A certificate says that a quorum of a set agreed to a header; the header names the state, and a proof shows the system
//! leaf in it. So every number of a summary is one that the validators have signed.

use banyan_types::{
    AssociateId, Hash,
    associate::{CertifiedBlock, ENGINE_COMMITTEE, Summary, Validators},
    committee::{Certificate, SignedStatement, ValidatorSet, handover_hash},
    header::ChildHeader,
    rlp::DecodeError,
};

use super::{escape::open, evidence::Fault, skip_chain};
use crate::{
    ConnectionPoint, ParentLeaf, Rejected,
    engine::committee::{certificate_fault, check, check_handover, fault, handover_fault},
    leaf::key,
};

/// Rule 5 of create: an engine whose certificates are known here, before its first epoch has ended.
pub(super) fn check_validators(validators: &Validators) -> Result<(), Rejected> {
    if validators.engine != ENGINE_COMMITTEE {
        return Err(Rejected::Regime { why: "only certificates of engine 1 are known" });
    }
    if Validators::new(validators.engine, validators.set.clone()) != *validators {
        return Err(Rejected::Regime { why: "validators begin at epoch 0, with no set before and nothing judged" });
    }
    Ok(())
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
    let header = ChildHeader::decode(&block.header.0)?;
    let certificate = Certificate::read(&block.certificate.0)?;
    check_header(&header, summary)?;
    let is_certified = (certificate.height, certificate.block_hash) == (header.height, summary.block_hash);
    must("certificate", is_certified)?;
    let set = set_of(validators, header.set_hash).ok_or(Rejected::CertifiedBlock { field: "set_hash" })?;
    check(&certificate, set, &point.network_id).map_err(|why| Rejected::Certificate { why })?;
    check_leaf(point, summary, &block)?;
    Ok(*set == validators.set)
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

/// Two words of one validator that contradict each other.
pub(super) fn two_votes(point: &ConnectionPoint, a: &[u8], b: &[u8]) -> Option<Fault> {
    let (a, b) = (SignedStatement::decode(a).ok()?, SignedStatement::decode(b).ok()?);
    let found = fault(&a, &b, &point.network_id)?;
    let culprits = found.keys.into_iter().map(|key| banyan_types::AccountId(key.0)).collect();
    Some(Fault { culprits, validators: None })
}

/// Two certificates of one set: for one height, or for one epoch. Each height and epoch is judged once, so that an old
/// pair freezes nobody again.
pub(super) fn two_certificates(
    point: &ConnectionPoint,
    validators: &Validators,
    a: &[u8],
    b: &[u8],
) -> Result<Option<Fault>, DecodeError> {
    let (a, b) = (Certificate::read(a)?, Certificate::read(b)?);
    let network_id = &point.network_id;
    let found = sets(validators).find_map(|set| {
        let blocks = certificate_fault(&a, &b, set, network_id).filter(|fault| fault.height > validators.judged);
        let block = blocks.map(|fault| (Validators { judged: fault.height, ..validators.clone() }, fault));
        let epochs = || {
            handover_fault(&a, &b, set, network_id)
                .filter(|fault| fault.height.0 > validators.judged_epoch)
                .map(|fault| (Validators { judged_epoch: fault.height.0, ..validators.clone() }, fault))
        };
        block.or_else(epochs)
    });
    Ok(found.map(|(judged, fault)| {
        let culprits = fault.keys.into_iter().map(|key| banyan_types::AccountId(key.0)).collect();
        Fault { culprits, validators: Some(judged) }
    }))
}
