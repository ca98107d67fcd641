//! Poseidon over the scalar field of BLS12-381: two integers in, one out. Op `POSEIDON`.
//!
//! A permutation of three cells: 8 full rounds, half of them on either side of 57 partial ones, S-box x⁵; the capacity is
//! the first cell, starts as 0 and is the result. Round constants and matrix are those of the paper's Grain generator
//! (eprint 2019/458, appendix F; field 1, S-box 0, n 255, t 3, 8 and 57 rounds), kept as data and generated again in a test.

#![expect(clippy::arithmetic_side_effects, reason = "field elements wrap by definition")]

use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup as _, Field as _};

use crate::bls12::{fr_from_integer, integer_from_fr};
use constants::{MIX, ROUNDS};

mod constants;
#[cfg(test)]
mod grain;

/// Full rounds before the partial ones, and as many after.
const FULL_HALF: usize = 4;
/// Rounds in which only the first cell goes through the S-box.
const PARTIAL: usize = 57;

/// The hash of two integers, each 32 bytes big-endian, as a third.
///
/// `None` unless both are below r − 1, where r is the field's order: the reference's bound leaves out the last element, and
/// a contract that hits it gets an error. Negative and longer integers are the caller's to refuse.
pub fn poseidon(left: &[u8; 32], right: &[u8; 32]) -> Option<[u8; 32]> {
    let [result, _, _] = permute([Fr::ZERO, fr_from_integer(left)?, fr_from_integer(right)?]);
    Some(integer_from_fr(result))
}

fn permute(mut cells: [Fr; 3]) -> [Fr; 3] {
    for (round, constants) in ROUNDS.iter().enumerate() {
        for (cell, constant) in cells.iter_mut().zip(constants) {
            *cell += constant;
        }
        let is_partial = (FULL_HALF..FULL_HALF + PARTIAL).contains(&round);
        for cell in cells.iter_mut().take(if is_partial { 1 } else { 3 }) {
            *cell *= cell.square().square();
        }
        cells = MIX.map(|row| Fr::sum_of_products(&row, &cells));
    }
    cells
}
