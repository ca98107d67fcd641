//! Both sides of a connection: the parent's point, the child's inbox and outbox.
//!
//! A parent knows one object about a child, its connection point; the child knows one fact about the parent, the final
//! block that it names. Two hash chains make what the child applied equal to what the parent wrote, and
//! [`Scene::escrow_out`](crate::scene::Scene::escrow_out) alone lets money leave. Rules: associates 2 to 7.

mod authority;
mod certificate;
mod child;
mod contract;
mod create;
mod door;
mod end;
mod escape;
mod evidence;
mod legs;
mod remit;
mod route;
mod update;

pub use certificate::convicts;
pub use legs::{as_leg, first_leg, next_leg};

use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Hash, Height, Payee,
    associate::{InboxEntry, InboxKind, OperatorSignature, OutboxEntry, Summary, read_operators_authorization},
};

use crate::{
    ConnectionPoint, Effects, Escrow, Missing, ParentLeaf, Rejected, State,
    leaf::key,
    scene::{Scene, load},
};
use alloc::vec::Vec;

/// Read the authorization of regime `operators`.
pub(crate) fn read_operators(bytes: &banyan_types::Bytes) -> Option<Vec<OperatorSignature>> {
    read_operators_authorization(&bytes.0).ok()
}

/// The connection point of a child, read from its parent's state.
pub fn associate(state: &mut impl State, id: AssociateId) -> Result<Option<ConnectionPoint>, Missing> {
    load(state, &key::point(id))
}

/// A child's escrow of the inherited coin, read from its parent's state.
pub fn escrow(state: &mut impl State, id: AssociateId) -> Result<Escrow, Missing> {
    crate::escrow_of(state, id, Asset::Coin)
}

/// An open entry of a child's inbox, read from its parent's state.
pub fn inbox_entry(state: &mut impl State, id: AssociateId, n: u64) -> Result<Option<InboxEntry>, Missing> {
    load(state, &key::inbox(id, n))
}

/// The end of the child's side that a summary speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointView {
    /// The block that the summary ends at.
    pub height: Height,
    /// Its hash.
    pub block_hash: Hash,
    /// Its state root.
    pub root: Hash,
    /// What it says of the validator set.
    pub set_hash: Hash,
    /// The system leaf after it.
    pub leaf: ParentLeaf,
}

/// The next summary of child `id`, from where the parent's `point` stands to `end`, with the remit's lines; `between`
/// are the effects of the blocks in between, in order.
pub fn summary_of(
    id: AssociateId,
    point: &crate::Point,
    end: &PointView,
    between: impl IntoIterator<Item = Effects>,
) -> (Summary, Vec<OutboxEntry>) {
    let (mut lines, mut skipped) = (Vec::new(), Vec::new());
    for effects in between {
        lines.extend(effects.outbox);
        skipped.extend(effects.skipped);
    }
    let summary = Summary {
        associate: id,
        seq: point.seq.saturating_add(1),
        child_from: point.child_to,
        child_to: end.height,
        block_hash: end.block_hash,
        root: end.root,
        parent_hash: end.leaf.hash,
        parent_height: end.leaf.height,
        inbox_acked: end.leaf.inbox,
        inbox_hash: end.leaf.inbox_hash,
        skipped,
        outbox_acked: end.leaf.outbox,
        outbox_hash: end.leaf.outbox_hash,
        set_hash: end.set_hash,
    };
    (summary, lines)
}

impl<S: State> Scene<'_, S> {
    fn set_point(&mut self, id: AssociateId, point: &ConnectionPoint) {
        self.set(key::point(id), point);
    }

    /// Append to a child's inbox.
    fn tell(&mut self, id: AssociateId, point: &mut ConnectionPoint, entry: InboxEntry) -> Result<(), Rejected> {
        let entry = InboxEntry { n: point.inbox_next, height: self.height, ..entry }.chained(point.inbox_hash);
        point.inbox_next = point.inbox_next.checked_add(1).ok_or(Rejected::Overflow)?;
        point.inbox_hash = entry.hash;
        self.set(key::inbox(id, entry.n), &entry);
        Ok(())
    }
}

/// The hash chain over skipped numbers, continued by these.
fn skip_chain(before: Hash, skipped: &[u64]) -> Hash {
    skipped.iter().fold(before, |before, n| Hash(banyan_crypto::blake2b(&[&before.0, &n.to_be_bytes()])))
}

/// An entry without money.
fn notice(kind: InboxKind, about: AccountId) -> InboxEntry {
    InboxEntry {
        n: 0,
        kind,
        from: Payee::Account(about),
        to: about,
        asset: Asset::Coin,
        amount: Amount::ZERO,
        route: Vec::new(),
        leg: Hash::ZERO,
        height: Height(0),
        deadline: Height(u64::MAX),
        hash: Hash::ZERO,
    }
}

fn sum(amounts: impl IntoIterator<Item = Amount>) -> Result<Amount, Rejected> {
    amounts.into_iter().try_fold(Amount::ZERO, Amount::plus).ok_or(Rejected::Overflow)
}
