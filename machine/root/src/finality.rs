//! Say which key block is final, where no witnesses do: the profile `dev` alone.
//!
//! The machine itself knows nothing of this: finality reaches it as [`crate::Input::Final`], from here or from a gadget.

use alloc::collections::VecDeque;

use banyan_types::{Hash, Height};

use crate::{BlockRef, Tip};

/// Calls a key block final once so many key blocks stand above it. No promise to anybody: work can still replace them
/// elsewhere.
#[derive(Clone, Debug)]
pub struct DepthFinality {
    depth: usize,
    /// The chain's newest key blocks, oldest first, at most `depth + 1`.
    keys: VecDeque<BlockRef>,
}

impl DepthFinality {
    /// Final at this depth; 0 makes every key block final at once. `keys` is [`crate::Machine::key_chain`] at the start.
    pub fn new(depth: u16, keys: impl IntoIterator<Item = BlockRef>) -> Self {
        let mut finality = Self { depth: depth.into(), keys: VecDeque::new() };
        keys.into_iter().for_each(|key| finality.push(key));
        finality
    }

    /// Told every tip in turn, gives the key block that is final now, if there is one. Telling the machine one that it
    /// knows to be final does nothing.
    pub fn tip(&mut self, tip: &Tip) -> Option<(Hash, Height)> {
        for undone in tip.undone.iter().rev() {
            self.keys.pop_back_if(|key| key.hash == undone.hash);
        }
        tip.redone.iter().filter(|block| block.is_key()).for_each(|key| self.push(*key));
        let key = self.keys.front().filter(|_| self.keys.len() > self.depth)?;
        Some((key.hash, key.height))
    }

    fn push(&mut self, key: BlockRef) {
        self.keys.push_back(key);
        if self.keys.len() > self.depth + 1 {
            self.keys.pop_front();
        }
    }
}
