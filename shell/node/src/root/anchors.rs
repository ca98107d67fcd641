//! Operators' anchors: what a node makes of those in its genesis file. Rules: root 9.

use banyan_ledger::{WitnessSets, certificate::check_anchor, key};
use banyan_root::Input as Step;
use banyan_store::Place;
use banyan_types::{
    Hash, Height,
    witness::{Anchor, WitnessSet},
};

use super::{
    RootDriver, Todo,
    finality::{Finality, forget_conflict, seal_at},
};
use crate::{
    Chain, Leaves, NodeError,
    node::{Core, News, Order},
};

/// The anchors of the genesis file, ascending.
pub fn listed(chain: &Chain) -> &[Anchor] {
    chain.params().root.as_ref().map_or(&[], |root| &root.anchors.0)
}

/// Whether there is an anchor at this height or above.
pub fn has_from(chain: &Chain, height: Height) -> bool {
    listed(chain).iter().any(|anchor| anchor.height >= height)
}

/// Who signs in each era that a state knows the set of.
pub fn signers(chain: &Chain, view: &impl Leaves) -> Result<Vec<WitnessSet>, NodeError> {
    let Some(rules) = &chain.params().root else { return Ok(Vec::new()) };
    let Some(leaf) = view.leaf(&key::witness_sets(), WitnessSets::decode)? else { return Ok(Vec::new()) };
    Ok(leaf.sets.iter().filter_map(|set| rules.signers(&leaf, set.era)).collect())
}

/// The newest anchor at or below what is final here, once each of those is seen to lie on this node's chain.
pub fn check_reached(chain: &Chain) -> Result<Option<(Height, Hash)>, NodeError> {
    let held = chain.last_final()?.header.height();
    let mut newest = None;
    for anchor in listed(chain).iter().filter(|anchor| anchor.height <= held) {
        if chain.main_at(Place::at(anchor.height.0))? != Some(anchor.hash) {
            return Err(NodeError::Stopped(format!(
                "the genesis file's anchor at height {} is not on this node's final chain; to follow it, begin with an empty folder",
                anchor.height
            )));
        }
        // Where it was sealed the next era has begun, and may have been voted in by all: its set cannot be another one now.
        if seal_at(chain, anchor.height)?.is_some() {
            return Err(NodeError::Stopped(format!(
                "the genesis file's anchor at height {} is sealed already; agree on the end of a later era",
                anchor.height
            )));
        }
        newest = Some((anchor.height, anchor.hash));
    }
    Ok(newest)
}

impl RootDriver {
    /// An anchor's block is here and executed: see that those who are left have signed it, then it is final.
    pub(super) fn anchored(&mut self, core: &mut Core, hash: Hash, height: Height) -> Result<(), NodeError> {
        let Finality::Stake(stake) = &mut self.finality else { return Ok(()) };
        let Some(view) = core.chain.state_at(hash)? else { return Err(NodeError::Header) };
        let next = stake.params.era_of(height).next();
        let left = signers(&core.chain, &view)?.into_iter().find(|set| Some(set.era) == next);
        let anchor = listed(&core.chain).iter().find(|anchor| anchor.height == height);
        let (Some(left), Some(anchor)) = (left, anchor) else { return Err(NodeError::Header) };
        check_anchor(anchor, &left, stake.params.chain).map_err(|why| {
            NodeError::Stopped(format!("the genesis file's anchor at height {height} does not hold: {why}"))
        })?;
        forget_conflict(&core.chain)?;
        (stake.anchored, stake.stirred) = (Some((height, hash)), true);
        self.todo.extend([Todo::Chain(Step::Final { hash, height }), Todo::Chain(Step::Reseal)]);
        core.order(Order::News(News::Anchored { hash, height }));
        Ok(())
    }
}
