//! Draw numbers from a seed: integers only, so that every machine draws the same.

use banyan_crypto::blake2b;

/// Steps of one exponential draw on average; more would follow the curve more closely.
const EXPONENTIAL_STEPS: u64 = 16;

/// A stream of numbers that a seed and a name fix. Drawing from one stream moves no other.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The stream of this name.
    pub fn named(seed: u64, name: &str) -> Self {
        let hash = blake2b(&[b"banyan sim", &seed.to_be_bytes(), name.as_bytes()]);
        let (first, _) = hash.split_first_chunk().expect("a hash has 32 bytes");
        Self(u64::from_be_bytes(*first))
    }

    /// Any number: SplitMix64 (Steele, Lea and Flood, 2014).
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        u64::try_from((u128::from(self.number()) * u128::from(bound)) >> 64).expect("below the bound")
    }

    /// A place in a list of `len`.
    pub fn place(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("below a length")
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least) + 1)
    }

    /// True `permille` times in a thousand.
    pub fn chance(&mut self, permille: u64) -> bool {
        self.below(1_000) < permille
    }

    /// One of `items`.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.place(items.len()))
    }

    /// Time until something that happens once in `mean` on average, whatever time has passed: the sum of equal steps
    /// until one in [`EXPONENTIAL_STEPS`] ends it.
    pub fn exponential(&mut self, mean: u64) -> u64 {
        let step = mean / EXPONENTIAL_STEPS;
        let mut sum = self.below(step + 1);
        while self.below(EXPONENTIAL_STEPS) != 0 {
            sum += step;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_stream_does_not_move_another() {
        let (mut a, mut b) = (Random::named(1, "a"), Random::named(1, "b"));
        let first = Random::named(1, "b").number();
        a.number();
        assert_eq!(b.number(), first);
        assert_ne!(Random::named(2, "b").number(), first);
    }

    #[test]
    fn draws_stay_in_their_bounds_and_near_their_mean() {
        let mut random = Random::named(7, "bounds");
        assert_eq!(random.below(0), 0);
        assert!((0..1_000).all(|_| (3..=5).contains(&random.between(3, 5))));
        let sum: u64 = (0..10_000).map(|_| random.exponential(800)).sum();
        assert!((700..900).contains(&(sum / 10_000)), "{}", sum / 10_000);
    }
}
