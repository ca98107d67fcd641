//! Remember the newest of what came by.

use alloc::collections::{BTreeSet, VecDeque};

use banyan_types::{Hash, TxHash};

/// The newest things by the first 8 bytes of their hashes. Two with equal ones could be made with effort, and would pass
/// for one here: whoever makes them delays only its own.
#[derive(Clone, Debug)]
pub struct Ring {
    max: usize,
    order: VecDeque<u64>,
    held: BTreeSet<u64>,
}

impl Ring {
    /// An empty one that remembers `max`.
    pub const fn new(max: usize) -> Self {
        Self { max, order: VecDeque::new(), held: BTreeSet::new() }
    }

    /// Remember it. Whether it is new.
    pub fn add(&mut self, hash: &impl Short) -> bool {
        let short = hash.short();
        if !self.held.insert(short) {
            return false;
        }
        self.order.push_back(short);
        if self.order.len() > self.max {
            self.held.remove(&self.order.pop_front().unwrap_or_default());
        }
        true
    }

    /// Whether it is remembered.
    pub fn has(&self, hash: &impl Short) -> bool {
        self.held.contains(&hash.short())
    }

    /// Forget it.
    pub fn remove(&mut self, hash: &impl Short) {
        let short = hash.short();
        if self.held.remove(&short) {
            self.order.retain(|held| *held != short);
        }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.order.len().max(self.held.len())
    }
}

/// Has a hash to be remembered by.
pub trait Short {
    /// Its first 8 bytes.
    fn short(&self) -> u64;
}

macro_rules! short {
    ($($name:ident),+) => {$(
        impl Short for $name {
            fn short(&self) -> u64 {
                self.0.first_chunk().copied().map_or(0, u64::from_be_bytes)
            }
        }
    )+};
}
short!(Hash, TxHash);
