//! A stand-in for the root machine's check of key headers.

use alloc::vec::Vec;

use banyan_root::{
    RootParams,
    pow::{self, Seed},
    target::Target,
    validity::KeyFault,
};
use banyan_types::{
    Hash, Height, TimeMs,
    header::{KEY_WORKED_BYTES, KeyHeader},
};

/// Key headers in order, checked one by one.
#[derive(Clone, Debug)]
pub struct HeaderChain {
    params: RootParams,
    tip: Hash,
    height: Height,
    work: u128,
}

impl HeaderChain {
    pub fn new(params: RootParams, past: Vec<KeyHeader>, work: u128) -> Self {
        let (tip, height) = past.last().map_or((Hash::ZERO, Height(0)), |last| (last.hash(), last.height));
        Self { params, tip, height, work }
    }

    pub fn push(&mut self, header: &KeyHeader, now: TimeMs) -> Result<(), KeyFault> {
        let target = Target::from_compact(header.target).map_err(KeyFault::Target)?;
        let bytes = header.encode();
        let prefix = bytes.first_chunk::<KEY_WORKED_BYTES>().expect("a key header has 400 bytes");
        let seed = Seed::of_header(prefix, header.nonce);
        pow::verify(&seed, self.params.edge_bits, &header.pow, &target).map_err(KeyFault::Work)?;
        if header.prev_key_hash != self.tip {
            return Err(KeyFault::Unknown { missing: header.prev_key_hash });
        }
        let expected = Height(self.height.0.saturating_add(1));
        if header.height != expected {
            return Err(KeyFault::Height { expected, got: header.height });
        }
        let latest = TimeMs(now.0.saturating_add(self.params.drift_ms));
        if header.time > latest {
            return Err(KeyFault::Ahead { time: header.time, latest });
        }
        (self.tip, self.height) = (header.hash(), expected);
        self.work = self.work.saturating_add(target.work());
        Ok(())
    }

    pub fn tip(&self) -> (Hash, Height, u128) {
        (self.tip, self.height, self.work)
    }
}
