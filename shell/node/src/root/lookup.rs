//! Look up for the gossip machine what is in store, pool and book.

use banyan_gossip::{
    Found, Look,
    limits::{PAGE_BLOCKS_MAX, PAGE_BYTES_MAX, SEALS_MAX},
    message::BlockBytes as Page,
};
use banyan_store::{Order as Direction, Place};
use banyan_types::{Bytes, Hash, Height, TxHash};

use super::{
    RootDriver,
    finality::work_of,
    resume::{self, PAST_HEADERS},
};
use crate::{NodeError, node::Core};

impl RootDriver {
    pub(super) fn look_up(&self, core: &Core, look: Look) -> Result<Found, NodeError> {
        Ok(match look {
            Look::Locator => Found::Locator(self.locator(core)?),
            Look::Locate { locator, max } => locate(core, &locator, max)?,
            Look::Past(hash) => self.past(core, hash)?,
            Look::Generation { key_hash, last, from } => self.generation(core, key_hash, last, from)?,
            Look::Block(hash) => match self.bytes(core, hash)? {
                Some(block) => Found::Block(Box::new(Page { header: Bytes(block.header), body: Bytes(block.body) })),
                None => Found::Nothing,
            },
            Look::Txs(hashes) => Found::Txs(waiting(core, &hashes)),
            Look::Justification { round, hash } => match self.justification(core, round, hash)? {
                Some(justification) => Found::Justification(Box::new(justification)),
                None => Found::Nothing,
            },
            Look::Seals(from) => Found::Seals(self.seals_from(core, from, SEALS_MAX)?),
            Look::Addresses => {
                Found::Addresses(self.peers.as_ref().map(|peers| peers.addresses.clone()).unwrap_or_default())
            }
        })
    }

    /// Key blocks of the chain at the tip, 1, 2, 4, … below, and the last final one.
    fn locator(&self, core: &Core) -> Result<Vec<Hash>, NodeError> {
        let (tip, last) = (self.machine.tip().height.0, self.machine.last_final());
        let (mut hashes, mut step, mut height) = (Vec::new(), 1u64, tip);
        while height > last.height.0 {
            hashes.extend(core.chain.main_at(Place::at(height))?);
            height = tip.saturating_sub(step);
            step = step.saturating_mul(2);
        }
        hashes.push(last.hash);
        Ok(hashes)
    }

    /// The newest headers up to a key block of the chain, with the work of its chain.
    fn past(&self, core: &Core, hash: Hash) -> Result<Found, NodeError> {
        let Some(Height(height)) = height_of(core, hash)? else { return Ok(Found::Nothing) };
        let past = resume::key_headers(&core.chain, height.saturating_sub(PAST_HEADERS), height)?;
        let work = match self.machine.work(&hash) {
            Some(work) => work,
            None => self.work_below_final(core, height)?,
        };
        Ok(Found::Past { past, work })
    }

    /// Work of the chain up to a key block below the last final one: what lies between is taken off.
    fn work_below_final(&self, core: &Core, height: u64) -> Result<u128, NodeError> {
        let last = self.machine.last_final();
        let mut work = self.machine.work(&last.hash).unwrap_or(0);
        for header in resume::key_headers(&core.chain, height.saturating_add(1), last.height.0)? {
            work = work.saturating_sub(work_of(&header));
        }
        Ok(work)
    }

    /// Blocks of a generation of the chain, a page of them.
    fn generation(&self, core: &Core, key: Hash, last: Option<Hash>, from: u32) -> Result<Found, NodeError> {
        let Some(height) = height_of(core, key)? else { return Ok(Found::Nothing) };
        let place = Place { height: height.0, index: from };
        let rows = core.chain.main_from(place, Direction::Ascending, PAGE_BLOCKS_MAX)?;
        let (mut blocks, mut bytes, mut more) = (Vec::new(), 0usize, false);
        for (place, hash) in rows {
            if place.height != height.0 {
                break;
            }
            let Some(block) = self.bytes(core, hash)? else { break };
            bytes = bytes.saturating_add(block.header.len()).saturating_add(block.body.len());
            if bytes > PAGE_BYTES_MAX && !blocks.is_empty() {
                more = true;
                break;
            }
            blocks.push(Page { header: Bytes(block.header), body: Bytes(block.body) });
            if last == Some(hash) {
                return Ok(Found::Generation { blocks, more: false });
            }
            more = blocks.len() == PAGE_BLOCKS_MAX;
        }
        Ok(Found::Generation { blocks, more })
    }
}

/// The pool's transactions, in the order asked for.
fn waiting(core: &Core, hashes: &[TxHash]) -> Vec<Option<Bytes>> {
    let pool = core.pool();
    let bytes = |hash: &TxHash| pool.get(hash).map(|waiting| Bytes(waiting.tx.get().bytes().to_vec()));
    hashes.iter().map(bytes).collect()
}

/// Where a key block of the chain stands; `None` for any other block.
fn height_of(core: &Core, key_block: Hash) -> Result<Option<Height>, NodeError> {
    let Some(header) = core.chain.header(key_block)? else { return Ok(None) };
    let is_main = core.chain.is_main(key_block, &header)?;
    Ok((is_main && header.place().index == 0).then(|| header.height()))
}

/// Key headers of the chain after the newest of these that is on it.
fn locate(core: &Core, locator: &[Hash], max: usize) -> Result<Found, NodeError> {
    let top = core.chain.head()?.header.height().0;
    for hash in locator {
        let Some(Height(height)) = height_of(core, *hash)? else { continue };
        let to = top.min(height.saturating_add(u64::try_from(max).unwrap_or(u64::MAX)));
        return Ok(Found::Headers(resume::key_headers(&core.chain, height.saturating_add(1), to)?));
    }
    Ok(Found::Headers(Vec::new()))
}
