//! Loaded code by the hash of its bytes. The least recently used goes first.

use alloc::{collections::BTreeMap, sync::Arc};

use super::CodeRef;
use crate::code::{BadCode, Loaded, load};

/// Loaded code takes about so many times the bytes that it was loaded from.
const EXPANSION: usize = 16;

#[derive(Debug)]
struct Kept {
    loaded: Arc<Loaded>,
    used: u64,
}

#[derive(Debug)]
pub(super) struct Cache {
    kept: BTreeMap<[u8; 32], Kept>,
    bytes: usize,
    bytes_max: usize,
    clock: u64,
}

impl Cache {
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self { kept: BTreeMap::new(), bytes: 0, bytes_max, clock: 0 }
    }

    /// The loaded form of this code.
    pub(super) fn get(&mut self, code: &CodeRef) -> Result<Arc<Loaded>, BadCode> {
        self.clock = self.clock.saturating_add(1);
        if let Some(kept) = self.kept.get_mut(&code.hash) {
            kept.used = self.clock;
            return Ok(Arc::clone(&kept.loaded));
        }
        let loaded = Arc::new(load(&code.bytes)?);
        self.keep(code.hash, &loaded);
        Ok(loaded)
    }

    fn keep(&mut self, hash: [u8; 32], loaded: &Arc<Loaded>) {
        let size = cost(loaded);
        if size > self.bytes_max {
            return;
        }
        while self.bytes.saturating_add(size) > self.bytes_max {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used).map(|(hash, _)| *hash);
            let Some(kept) = oldest.and_then(|hash| self.kept.remove(&hash)) else { break };
            self.bytes = self.bytes.saturating_sub(cost(&kept.loaded));
        }
        self.bytes = self.bytes.saturating_add(size);
        self.kept.insert(hash, Kept { loaded: Arc::clone(loaded), used: self.clock });
    }
}

fn cost(loaded: &Loaded) -> usize {
    loaded.size.saturating_mul(EXPANSION)
}
