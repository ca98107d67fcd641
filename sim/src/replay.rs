//! Apply whole chains again, from the genesis, to a map: the same roots must come out.

use std::collections::BTreeMap;

use banyan_ledger::{
    Block, ChildBlock, KeyBlock, MapState, MicroBlock, Overlay, ParentTip, Verified, apply_block, associate,
    genesis_state, inbox_entry,
};
use banyan_node::{Chain, Header, StoredBlock};
use banyan_store::{Order, Place};
use banyan_types::{AssociateId, Hash, Height, associate::InboxEntry, header::ChildBody, tx::SignedTx};

use crate::law::{Broken, ensure};

/// What a child's replay needs of its parent's.
#[derive(Default)]
pub struct Parents {
    /// Key blocks by height, with what the child saw of each.
    tips: BTreeMap<Height, ParentTip>,
    /// Every entry that the child's inbox ever had.
    inbox: BTreeMap<u64, InboxEntry>,
}

const LAW: &str = "replay from the genesis gives the same roots";

/// Replay a root's chain; what its `child` is to see of it.
pub fn root(chain: &Chain, child: Option<AssociateId>) -> Result<Parents, Broken> {
    let mut parents = Parents::default();
    let mut state = genesis(chain)?;
    for (hash, block) in blocks(chain)? {
        let header = block.header.clone();
        match block.header {
            // The genesis is what the state begins with.
            Header::Key(header) if header.height == Height(0) => {}
            Header::Key(header) => apply(&mut state, chain, &Block::Key(KeyBlock { header: *header, seal: None }))?,
            Header::Micro(header) => {
                let txs = verified(chain, block.txs)?;
                apply(&mut state, chain, &Block::Micro(MicroBlock { header: *header, txs }))?;
            }
            Header::Child(_) => return Err(Broken::new(LAW, "a child's block on the root")),
        }
        let Some(child) = child else { continue };
        let inbox_next = parents.read_inbox(&mut state, child)?;
        if let Header::Key(header) = header {
            let (height, time, entropy) = (header.height, header.time, header.entropy());
            parents.tips.insert(height, ParentTip { hash, height, time, root_height: height, entropy, inbox_next });
        }
    }
    ends(chain, &state)?;
    Ok(parents)
}

/// Replay a child's chain.
pub fn child(chain: &Chain, parents: &Parents) -> Result<(), Broken> {
    let mut state = genesis(chain)?;
    let mut from = 0;
    for (_, block) in blocks(chain)?.into_iter().skip(1) {
        let Header::Child(header) = block.header else { return Err(Broken::new(LAW, "a root's block on a child")) };
        let parent = parents.tips.get(&header.parent_height).filter(|tip| tip.hash == header.parent_hash);
        let parent = *parent.ok_or_else(|| Broken::new("a child names final blocks", format!("{}", header.height)))?;
        let inbox = parents.inbox.range(from..header.inbox_to).map(|(_, entry)| entry.clone()).collect();
        from = header.inbox_to;
        let body = ChildBody::decode(&block.body).map_err(|error| Broken::new(LAW, error.to_string()))?;
        let (txs, prev_seal) = (verified(chain, block.txs)?, body.prev_seal);
        apply(&mut state, chain, &Block::Child(ChildBlock { header: *header, txs, parent, inbox, prev_seal }))?;
    }
    ends(chain, &state)
}

impl Parents {
    /// Remember entries that are new. The number of the next one.
    fn read_inbox(&mut self, state: &mut MapState, child: AssociateId) -> Result<u64, Broken> {
        let missing = |missing: banyan_ledger::Missing| Broken::new(LAW, missing.to_string());
        let mut view = Overlay::new(&mut *state);
        let next = associate(&mut view, child).map_err(missing)?.map_or(0, |point| point.inbox_next);
        let known = self.inbox.last_key_value().map_or(0, |(n, _)| n + 1);
        for n in known..next {
            let entry = inbox_entry(&mut view, child, n).map_err(missing)?;
            self.inbox.insert(n, entry.ok_or_else(|| Broken::new(LAW, format!("no inbox entry {n}")))?);
        }
        Ok(next)
    }
}

fn genesis(chain: &Chain) -> Result<MapState, Broken> {
    let genesis = chain.file().genesis()?;
    let mut state = MapState::default();
    state.commit(&genesis_state(&genesis).map_err(|error| Broken::new(LAW, error.to_string()))?);
    Ok(state)
}

/// Every block of the chosen chain, in order.
fn blocks(chain: &Chain) -> Result<Vec<(Hash, StoredBlock)>, Broken> {
    let places = chain.main_from(Place::at(0), Order::Ascending, usize::MAX)?;
    places
        .into_iter()
        .map(|(_, hash)| Ok((hash, chain.block(hash)?.ok_or_else(|| Broken::new(LAW, "a block is gone"))?)))
        .collect()
}

fn verified(chain: &Chain, txs: Vec<SignedTx>) -> Result<Vec<Verified<SignedTx>>, Broken> {
    let checked = Verified::check_all(txs, &chain.params().network_id);
    checked.map_err(|at| Broken::new(LAW, format!("signature of transaction {at}")))
}

/// The transition compares the roots that the header carries with its own.
fn apply(state: &mut MapState, chain: &Chain, block: &Block) -> Result<(), Broken> {
    let mut over = Overlay::new(&mut *state);
    apply_block(&mut over, chain.params(), block).map_err(|invalid| Broken::new(LAW, invalid.to_string()))?;
    let (_, changes) = over.into_parts();
    state.commit(&changes);
    Ok(())
}

fn ends(chain: &Chain, state: &MapState) -> Result<(), Broken> {
    let (head, root) = (chain.head()?, state.root());
    ensure(Hash(head.view.root()) == root, LAW, || format!("{root} at block {}", head.hash))
}
