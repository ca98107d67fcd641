//! BLS12-381 as FATE's instructions 81 to 98 see it: field elements, two groups of points, and what a pairing gives.
//!
//! Everything is bytes in the form of the reference, whose library (mcl, through emcl) hands its memory to contracts:
//!
//! | type | bytes |
//! |---|---|
//! | [`Fr`], [`Fp`] | Montgomery form (times 2^256, 2^384), little-endian, below the modulus |
//! | [`G1`], [`G2`] | Jacobian x, y, z: the point (x / z², y / z³); z = 0 is zero, whatever x and y. [`Fp2`] is a + b·i |
//! | [`Gt`] | Fp12 = Fp6 + Fp6·w, Fp6 = Fp2 + Fp2·v + Fp2·v², w² = v, v³ = 1 + i; twelve coefficients, constant ones first |
//!
//! **What we fix where the reference leaves it to its library.** Sums and multiples come normalised (z = 1, or all zero):
//! there the reference gives whichever z its formulas end with. The raw result of a Miller loop is fixed only up to what
//! the final exponentiation removes. A multiple is the multiple even of a point outside the subgroup of order r, where the
//! reference's endomorphisms would give another point; likewise a power of what is not in Gt. An element not below its
//! modulus and a point off its curve are errors, where the reference computes with them. Subgroups are checked by `valid`
//! alone, as there.
//!
//! No reference vector exists: the tests hold to published points (RFC 9380, EIP-2537), to mcl's published pairing and
//! final exponentiation, to a second library, and to the laws. Arithmetic is arkworks' (ADR 15). The form is written in
//! aeternity's `aefa_fate_op.erl`, emcl's `emcl_nif.c` and mcl's `ec.hpp`. Read [`g1_add`] first.

use ark_bls12_381::{Fq, Fr as Scalar};
use ark_ff::{BigInt, Fp as Element, MontBackend, MontConfig, One as _, PrimeField as _};

mod group;
mod target;
#[cfg(test)]
mod tests;

pub use group::{
    g1_add, g1_is_zero, g1_mul, g1_neg, g1_norm, g1_valid, g2_add, g2_is_zero, g2_mul, g2_neg, g2_norm, g2_valid,
};
pub use target::{final_exp, gt_add, gt_inv, gt_is_one, gt_mul, gt_pow, miller_loop, pairing};

/// An element of the scalar field.
pub type Fr = [u8; 32];
/// An element of the base field.
pub type Fp = [u8; 48];
/// a + b·i over the base field.
pub type Fp2 = [Fp; 2];
/// Jacobian x, y, z of a point of y² = x³ + 4.
pub type G1 = [Fp; 3];
/// Jacobian x, y, z of a point of y² = x³ + 4 + 4·i.
pub type G2 = [Fp2; 3];
/// An element of Fp12: what a Miller loop or a pairing gives.
pub type Gt = [Fp; 12];

/// Why an operand means nothing. The contract's fault, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A field element that is not below its modulus.
    #[error("field element not below its modulus")]
    Element,
    /// Coordinates that do not satisfy the equation of the curve.
    #[error("point not on its curve")]
    Point,
    /// Zero, of which there is no final exponentiation.
    #[error("zero has no final exponentiation")]
    Zero,
}

/// The element of the scalar field with the value `integer` (big-endian).
///
/// `None` from r − 1 on: the reference's bound leaves out the last element. Op `INT_TO_FR`.
pub fn int_to_fr(integer: &[u8; 32]) -> Option<Fr> {
    fr_from_integer(integer).map(|element| bytes(&element))
}

/// The element of the base field with the value `integer` (big-endian). `None` from p on. Op `INT_TO_FP`.
pub fn int_to_fp(integer: &[u8; 48]) -> Option<Fp> {
    Fq::from_bigint(integer_from_be(integer)).map(|element| bytes(&element))
}

/// The value of `element`, big-endian. Op `FR_TO_INT`.
/// # Errors
/// [`Malformed::Element`].
pub fn fr_to_int(element: &Fr) -> Result<[u8; 32], Malformed> {
    parse(element).map(integer_from_fr)
}

/// The value of `element`, big-endian. Op `FP_TO_INT`.
/// # Errors
/// [`Malformed::Element`].
pub fn fp_to_int(element: &Fp) -> Result<[u8; 48], Malformed> {
    let element: Fq = parse(element)?;
    let mut integer = limbs_to_bytes(&element.into_bigint());
    integer.reverse();
    Ok(integer)
}

/// The scalar with the value `integer` (big-endian), where the reference takes one: below r − 1.
pub(crate) fn fr_from_integer(integer: &[u8; 32]) -> Option<Scalar> {
    let last = core::ops::Neg::neg(Scalar::one());
    Scalar::from_bigint(integer_from_be(integer)).filter(|element| *element != last)
}

/// The value of `element`, big-endian.
pub(crate) fn integer_from_fr(element: Scalar) -> [u8; 32] {
    let mut integer = limbs_to_bytes(&element.into_bigint());
    integer.reverse();
    integer
}

/// The element that `bytes` holds in Montgomery form.
fn parse<P: MontConfig<N>, const N: usize>(bytes: &[u8]) -> Result<Element<MontBackend<P, N>, N>, Malformed> {
    let form = limbs_from_bytes(bytes);
    if form >= P::MODULUS { Err(Malformed::Element) } else { Ok(Element::new_unchecked(form)) }
}

/// The Montgomery form of `element`.
fn bytes<P: MontConfig<N>, const N: usize, const BYTES: usize>(element: &Element<MontBackend<P, N>, N>) -> [u8; BYTES] {
    limbs_to_bytes(&element.0)
}

fn integer_from_be<const N: usize, const BYTES: usize>(integer: &[u8; BYTES]) -> BigInt<N> {
    let mut bytes = *integer;
    bytes.reverse();
    limbs_from_bytes(&bytes)
}

fn limbs_from_bytes<const N: usize>(bytes: &[u8]) -> BigInt<N> {
    let mut limbs = [0; N];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.as_chunks().0) {
        *limb = u64::from_le_bytes(*chunk);
    }
    BigInt::new(limbs)
}

fn limbs_to_bytes<const N: usize, const BYTES: usize>(integer: &BigInt<N>) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (chunk, limb) in bytes.as_chunks_mut().0.iter_mut().zip(integer.as_ref()) {
        *chunk = limb.to_le_bytes();
    }
    bytes
}
