//! The trie of the open routes: an index over the data of all final blocks, made again from blocks at each start.

use banyan_ledger::{Overlay, blob_hash};
use banyan_node::{Chain, NodeError};
use banyan_store::{Order, Place};
use banyan_tree::SeedTrie;
use banyan_types::{Hash, tx::Transaction};

/// Blocks that are read at once.
const PAGE: usize = 256;

/// The trie up to a final block.
#[derive(Default)]
pub struct Index {
    pub trie: SeedTrie,
    /// Blocks that are in it, from height 1.
    pub height: u64,
}

impl Index {
    /// Take in what has become final.
    pub fn follow(&mut self, chain: &Chain) -> Result<(), NodeError> {
        let last = chain.last_final()?.header.height().0;
        while self.height < last {
            for (place, block) in chain.main_from(Place::at(self.height + 1), Order::Ascending, PAGE)? {
                if place.height > last {
                    break;
                }
                self.take(chain, block)?;
                self.height = place.height;
            }
        }
        Ok(())
    }

    fn take(&mut self, chain: &Chain, block: Hash) -> Result<(), NodeError> {
        let Some(stored) = chain.block(block)? else { return Ok(()) };
        let receipts = chain.receipts(block)?;
        for (tx, receipt) in stored.txs.iter().zip(receipts) {
            if let (Transaction::BlobPost(blob), banyan_types::Status::Ok) = (tx.transaction(), receipt.status) {
                self.trie.insert(&blob.data.0);
            }
        }
        Ok(())
    }
}

/// Where data stand, if they are in a block of the chosen chain.
pub fn posted(chain: &Chain, data: &[u8]) -> Result<Option<banyan_types::TxHash>, NodeError> {
    let mut state = Overlay::new(chain.head()?.view);
    let place = banyan_ledger::blob(&mut state, blob_hash(data)).map_err(|_| NodeError::Header)?;
    let Some(place) = place else { return Ok(None) };
    let Some(block) = chain.main_at(Place::at(place.height.0))? else { return Ok(None) };
    let index = usize::try_from(place.index).unwrap_or(usize::MAX);
    Ok(chain.block(block)?.and_then(|block| block.txs.get(index).map(banyan_types::tx::SignedTx::hash)))
}
