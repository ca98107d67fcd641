//! Who orders a committee's blocks: by the state where its validators change, by the genesis where they never do; and which
//! set the parent has to follow next.
//!
//! The parent knows one set. The one that follows it is that of the first block after those which the parent has heard of, or
//! the one that is announced; every node finds the same. Rules: associates 6, 9.

use banyan_committee::{Epoch, Handover};
use banyan_ledger::{CommitteeEngine, ConnectionPoint, Params, key};
use banyan_store::Order as Direction;
use banyan_types::{
    AssociateId, Hash, Height,
    associate::Regime,
    committee::{ValidatorSet, handover_hash},
    header::ChildHeader,
    rlp::Field as _,
};

use super::read_record;
use crate::{Chain, Header, Leaves as _, NodeError, genesis::CommitteeEngineParams};

/// Kind of the records that hold, by height, the set of each block whose set is another than that of the block before.
pub const SET_RECORD: u8 = 11;
/// Edges that are read at once.
const EDGES_MAX: usize = 1 << 20;

/// Who may make the next block, and who sealed the last one.
pub struct Turn {
    pub epoch: Epoch,
    pub sealers: ValidatorSet,
}

/// What the head's state says of that.
pub fn turn(chain: &Chain, engine: &CommitteeEngineParams) -> Result<Turn, NodeError> {
    let Some((leaf, epoch)) = next(chain)? else {
        let seed = Hash(banyan_crypto::blake2b(&[b"banyan committee", &chain.genesis_hash().0]));
        let epoch = Epoch::drawn(0, seed, engine.validators.clone());
        return Ok(Turn { sealers: epoch.set.clone(), epoch });
    };
    Ok(Turn { epoch, sealers: leaf.schedule.now.set })
}

/// The engine's leaf at the head and the epoch of the next block; `None` where validators never change.
pub fn next(chain: &Chain) -> Result<Option<(CommitteeEngine, Epoch)>, NodeError> {
    let Some(rules) = chain.params().committee() else { return Ok(None) };
    let head = chain.head()?;
    let leaf = head.view.leaf(&key::engine(), CommitteeEngine::decode)?.ok_or(NodeError::Header)?;
    let epoch = leaf.next_epoch(rules, Height(head.header.height().0.saturating_add(1)));
    Ok(Some((leaf, epoch)))
}

/// The row that a block leaves whose set is another than that of the block before.
pub fn row(before: &ChildHeader, header: &ChildHeader, set: &ValidatorSet) -> Option<Vec<u8>> {
    (before.set_hash != header.set_hash).then(|| {
        let mut out = Vec::new();
        set.put(&mut out);
        out
    })
}

/// The heights above `from` whose blocks are the first of another set.
pub fn edges(chain: &Chain, from: Height) -> Result<Vec<Height>, NodeError> {
    let rows = chain.store().records(SET_RECORD, from.0.saturating_add(1), Direction::Ascending, EDGES_MAX)?;
    Ok(rows.into_iter().map(|(height, _)| Height(height)).collect())
}

/// The handover that the parent needs next, in whose final state `point` stands. None while it has not heard of a block of
/// the set that it was handed over to last.
pub fn handover(chain: &Chain, point: &ConnectionPoint) -> Result<Option<Box<Handover>>, NodeError> {
    let (Some((leaf, _)), Regime::Certificate(validators)) = (next(chain)?, &point.regime) else { return Ok(None) };
    if validators.previous.is_some() {
        return Ok(None);
    }
    let known = &validators.set;
    let Some(to) = successor(chain, &leaf, known, point.point.child_to)? else { return Ok(None) };
    let Some(epoch) = validators.epoch.checked_add(1) else { return Ok(None) };
    let Params { ledger, .. } = chain.params();
    let hash = handover_hash(AssociateId(ledger.0), epoch, &to);
    Ok(Some(Box::new(Handover { epoch, hash, from: known.clone(), to })))
}

/// The set after `known`, of which the parent has heard blocks up to `up_to`.
fn successor(
    chain: &Chain,
    leaf: &CommitteeEngine,
    known: &ValidatorSet,
    up_to: Height,
) -> Result<Option<ValidatorSet>, NodeError> {
    let head = chain.head()?;
    let Header::Child(header) = &head.header else { return Err(NodeError::Role) };
    if up_to > header.height {
        return Ok(None); // others are further: this node catches up first
    }
    let rows = chain.store().records(SET_RECORD, up_to.0.saturating_add(1), Direction::Ascending, EDGES_MAX)?;
    for (_, bytes) in rows {
        let set: ValidatorSet = read_record(&bytes)?;
        if set != *known {
            return Ok(Some(set));
        }
    }
    let (now, next) = (&leaf.schedule.now.set, &leaf.schedule.next.set);
    Ok((now == known && next != known).then(|| next.clone()))
}
