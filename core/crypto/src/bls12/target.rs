//! What pairings give: Fp12, and in it the group of order r.
#![expect(clippy::arithmetic_side_effects, reason = "field elements wrap by definition")]

use ark_bls12_381::{Bls12_381, Fq6, Fq12, Fr as Scalar};
use ark_ec::CurveGroup as _;
use ark_ec::pairing::{MillerLoopOutput, Pairing as _};
use ark_ff::{Field as _, One as _, PrimeField as _};

use super::group::{bytes_of_fp2, parse_fp2, point_g1, point_g2};
use super::{Fr, G1, G2, Gt, Malformed, parse};

/// The conjugate, which is the inverse of what a pairing gives, and not of anything else. Op `GT_INV`.
/// # Errors
/// [`Malformed::Element`].
pub fn gt_inv(element: &Gt) -> Result<Gt, Malformed> {
    let element = parse_gt(element)?;
    Ok(bytes_of_gt(&Fq12::new(element.c0, -element.c1)))
}

/// The sum in Fp12. Op `GT_ADD`.
/// # Errors
/// [`Malformed::Element`].
pub fn gt_add(left: &Gt, right: &Gt) -> Result<Gt, Malformed> {
    Ok(bytes_of_gt(&(parse_gt(left)? + parse_gt(right)?)))
}

/// The product in Fp12. Op `GT_MUL`.
/// # Errors
/// [`Malformed::Element`].
pub fn gt_mul(left: &Gt, right: &Gt) -> Result<Gt, Malformed> {
    Ok(bytes_of_gt(&(parse_gt(left)? * parse_gt(right)?)))
}

/// `element` to the power of `exponent`. Op `GT_POW`.
/// # Errors
/// [`Malformed::Element`].
pub fn gt_pow(element: &Gt, exponent: &Fr) -> Result<Gt, Malformed> {
    let exponent: Scalar = parse(exponent)?;
    Ok(bytes_of_gt(&parse_gt(element)?.pow(exponent.into_bigint())))
}

/// Whether the element is 1. Op `GT_IS_ONE`.
/// # Errors
/// [`Malformed::Element`].
pub fn gt_is_one(element: &Gt) -> Result<bool, Malformed> {
    parse_gt(element).map(|element| element.is_one())
}

/// The optimal ate pairing: [`final_exp`] of [`miller_loop`]. 1 if either point is zero. Op `PAIRING`.
///
/// The final exponent is 3·(p¹² − 1) / r, as in mcl: the cube of the pairing that some texts define.
/// # Errors
/// [`Malformed::Element`], [`Malformed::Point`]; [`Malformed::Zero`] only outside the subgroups, if at all.
pub fn pairing(left: &G1, right: &G2) -> Result<Gt, Malformed> {
    exponentiated(&looped(left, right)?)
}

/// The Miller loop of the optimal ate pairing; 1 if either point is zero. Op `MILLER_LOOP`.
/// # Errors
/// [`Malformed::Element`], [`Malformed::Point`].
pub fn miller_loop(left: &G1, right: &G2) -> Result<Gt, Malformed> {
    looped(left, right).map(|element| bytes_of_gt(&element))
}

/// `element` to the power of 3·(p¹² − 1) / r, which takes products of Miller loops to pairings. Op `FINAL_EXP`.
/// # Errors
/// [`Malformed::Element`], [`Malformed::Zero`].
pub fn final_exp(element: &Gt) -> Result<Gt, Malformed> {
    exponentiated(&parse_gt(element)?)
}

fn looped(left: &G1, right: &G2) -> Result<Fq12, Malformed> {
    let (left, right) = (point_g1(left)?, point_g2(right)?);
    Ok(Bls12_381::miller_loop(left.into_affine(), right.into_affine()).0)
}

fn exponentiated(element: &Fq12) -> Result<Gt, Malformed> {
    let result = Bls12_381::final_exponentiation(MillerLoopOutput(*element)).ok_or(Malformed::Zero)?;
    Ok(bytes_of_gt(&result.0))
}

fn parse_gt([a0, a1, b0, b1, c0, c1, d0, d1, e0, e1, f0, f1]: &Gt) -> Result<Fq12, Malformed> {
    let low = Fq6::new(parse_fp2(&[*a0, *a1])?, parse_fp2(&[*b0, *b1])?, parse_fp2(&[*c0, *c1])?);
    let high = Fq6::new(parse_fp2(&[*d0, *d1])?, parse_fp2(&[*e0, *e1])?, parse_fp2(&[*f0, *f1])?);
    Ok(Fq12::new(low, high))
}

fn bytes_of_gt(element: &Fq12) -> Gt {
    let (low, high) = (element.c0, element.c1);
    let [[a0, a1], [b0, b1], [c0, c1]] = [low.c0, low.c1, low.c2].map(bytes_of_fp2);
    let [[d0, d1], [e0, e1], [f0, f1]] = [high.c0, high.c1, high.c2].map(bytes_of_fp2);
    [a0, a1, b0, b1, c0, c1, d0, d1, e0, e1, f0, f1]
}
