//! Draw numbers from a seed, so that a run can be replayed.

/// A counter under a hash.
#[derive(Clone, Debug)]
pub struct Dice {
    seed: [u8; 32],
    count: u64,
}

impl Dice {
    pub const fn new(seed: [u8; 32]) -> Self {
        Self { seed, count: 0 }
    }

    /// A number below `sides`; 0 if there are none. No bias that matters: there are few sides.
    pub fn below(&mut self, sides: usize) -> usize {
        self.count = self.count.wrapping_add(1);
        let hash = banyan_crypto::blake2b(&[&self.seed, &self.count.to_be_bytes()]);
        let drawn = hash.first_chunk().copied().map_or(0, u32::from_be_bytes);
        usize::try_from(drawn).unwrap_or(0).checked_rem(sides).unwrap_or(0)
    }
}
