//! The blob lane: data posted into a block, of which the state keeps the place. Rules: associates 10.
//!
//! The leaf stays for ever, like the block: that data were posted, or that they were not, is proved by the state trie.

use banyan_types::{Hash, limits::ENTRY_BYTES_MAX, tx::BlobPost};

use crate::{
    BlobPlace, Missing, Rejected, State,
    leaf::key,
    scene::{Scene, load},
};

/// What data are known by: their SHA-256.
pub fn blob_hash(data: &[u8]) -> Hash {
    Hash(banyan_crypto::sha256(&[data]))
}

/// The key of the leaf that says where data with this hash were posted: what a proof of presence or absence is of.
pub fn blob_key(hash: Hash) -> [u8; 32] {
    key::blob(hash)
}

/// Where data with this hash were posted; `None` if they never were.
/// # Errors
/// `Missing` when the state could not answer.
pub fn blob(state: &mut impl State, hash: Hash) -> Result<Option<BlobPlace>, Missing> {
    load(state, &key::blob(hash))
}

impl<S: State> Scene<'_, S> {
    pub(crate) fn post_blob(&mut self, tx: &BlobPost) -> Result<(), Rejected> {
        let got = tx.data.0.len();
        if got > ENTRY_BYTES_MAX {
            return Err(Rejected::EntryTooLarge { max: ENTRY_BYTES_MAX, got });
        }
        let hash = blob_hash(&tx.data.0);
        if let Some(BlobPlace { height, index }) = blob(self.state, hash)? {
            return Err(Rejected::Known { height, index });
        }
        let (height, index) = (self.height, self.index);
        self.set(key::blob(hash), &BlobPlace { height, index });
        Ok(())
    }
}
