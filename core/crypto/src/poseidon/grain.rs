//! The generator that the Poseidon paper takes its constants from, so that nobody has to believe a table.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use ark_bls12_381::Fr;
use ark_ff::{BigInt, BigInteger as _, Field as _, PrimeField as _, Zero as _};

/// Eprint 2019/458, appendix F: an 80-bit shift register whose bits are taken in pairs, the first choosing the second.
struct Grain(VecDeque<bool>);

impl Grain {
    /// The register of a prime field of `bits` bits with the S-box x⁵.
    fn new(bits: u32, cells: u32, full_rounds: u32, partial_rounds: u32) -> Self {
        let fields = [(1, 2), (0, 4), (bits, 12), (cells, 12), (full_rounds, 10), (partial_rounds, 10), (u32::MAX, 30)];
        let bits = fields.iter().flat_map(|(value, width)| (0..*width).rev().map(move |at| value >> at & 1 == 1));
        let mut grain = Self(bits.collect());
        for _ in 0..160 {
            grain.step();
        }
        grain
    }

    fn step(&mut self) -> bool {
        let new = [62, 51, 38, 23, 13, 0].iter().fold(false, |sum, at| sum ^ self.0[*at]);
        self.0.pop_front();
        self.0.push_back(new);
        new
    }

    fn bit(&mut self) -> bool {
        loop {
            let (chosen, bit) = (self.step(), self.step());
            if chosen {
                return bit;
            }
        }
    }

    fn integer(&mut self) -> BigInt<4> {
        BigInt::from_bits_be(&(0..255).map(|_| self.bit()).collect::<Vec<_>>())
    }

    /// The next integer below the order.
    fn constant(&mut self) -> Fr {
        loop {
            if let Some(element) = Fr::from_bigint(self.integer()) {
                return element;
            }
        }
    }

    /// The next integer, taken modulo the order.
    fn reduced(&mut self) -> Fr {
        Fr::from_le_bytes_mod_order(&self.integer().to_bytes_le())
    }
}

mod tests {
    use super::super::constants::{MIX, ROUNDS};
    use super::super::poseidon;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_tables_are_what_the_published_generator_gives() {
        let mut grain = Grain::new(255, 3, 8, 57);
        for (at, row) in ROUNDS.iter().enumerate() {
            assert_eq!(*row, core::array::from_fn(|_| grain.constant()), "round {at}");
        }
        let (columns, rows): ([Fr; 3], [Fr; 3]) =
            (core::array::from_fn(|_| grain.reduced()), core::array::from_fn(|_| grain.reduced()));
        let cauchy = columns.map(|x| rows.map(|y| (x + y).inverse().expect("no sum of the Cauchy matrix is zero")));
        assert_eq!(MIX, cauchy);
    }

    #[test]
    fn the_fate_vector_is_met() {
        // `poseidon` in crypto.json: poseidon(1, 2).
        let one_two = poseidon(&integer(1), &integer(2)).expect("both are below the bound");
        assert_eq!(hex::encode(one_two), "28ce19420fc246a05553ad1e8c98f5c9d67166be2c18e9e4cb4b4e317dd2a78a");
    }

    #[test]
    fn what_is_not_below_the_last_element_is_refused() {
        let order = Fr::MODULUS.to_bytes_be();
        for (less, accepted) in [(0, false), (1, false), (2, true)] {
            let mut bytes: [u8; 32] = order.clone().try_into().expect("32 bytes");
            // The order ends in 00000001: take from its last eight bytes.
            let low = u64::from_be_bytes(*bytes.last_chunk().expect("eight bytes")) - less;
            bytes[24..].copy_from_slice(&low.to_be_bytes());
            assert_eq!(poseidon(&bytes, &integer(0)).is_some(), accepted, "order - {less}");
            assert_eq!(poseidon(&integer(0), &bytes).is_some(), accepted, "order - {less}");
        }
        assert_eq!(poseidon(&[0xff; 32], &integer(0)), None);
    }

    fn integer(value: u64) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[24..].copy_from_slice(&value.to_be_bytes());
        bytes
    }

    proptest! {
        #[test]
        fn results_are_elements_and_depend_on_the_order_of_the_two(left: u64, right: u64) {
            let hash = poseidon(&integer(left), &integer(right)).expect("both are below the bound");
            prop_assert!(!Fr::from_be_bytes_mod_order(&hash).is_zero());
            let swapped = poseidon(&integer(right), &integer(left)).expect("both are below the bound");
            prop_assert_eq!(hash == swapped, left == right);
        }
    }
}
