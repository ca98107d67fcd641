//! Points of G1 and G2: one set of rules over two curves.
#![expect(clippy::arithmetic_side_effects, reason = "field elements wrap by definition")]

use ark_bls12_381::{Fq, Fq2, Fr as Scalar, g1, g2};
use ark_ec::short_weierstrass::{Affine, Projective, SWCurveConfig};
use ark_ec::{AffineRepr as _, CurveGroup as _, PrimeGroup as _};
use ark_ff::{AdditiveGroup as _, BitIteratorBE, Field, PrimeField as _, Zero as _};

use super::{Fp, Fp2, Fr, G1, G2, Malformed, bytes, parse};

/// The coordinates of a point as they came: nothing says that they are on the curve.
type Jacobian<F> = [F; 3];

/// The point with y negated; x and z stay. Zero becomes all zero. Op `G1_NEG`.
/// # Errors
/// [`Malformed::Element`].
pub fn g1_neg(point: &G1) -> Result<G1, Malformed> {
    Ok(neg(&parse_g1(point)?).map(bytes_of_fp))
}

/// The same point with z = 1. Zero stays as it is. Op `G1_NORM`.
/// # Errors
/// [`Malformed::Element`].
pub fn g1_norm(point: &G1) -> Result<G1, Malformed> {
    Ok(norm(&parse_g1(point)?).map(bytes_of_fp))
}

/// Whether the point is on the curve and in the subgroup of order r. Op `G1_VALID`.
/// # Errors
/// [`Malformed::Element`].
pub fn g1_valid(point: &G1) -> Result<bool, Malformed> {
    Ok(valid::<g1::Config>(&parse_g1(point)?))
}

/// Whether z is 0. Op `G1_IS_ZERO`.
/// # Errors
/// [`Malformed::Element`].
pub fn g1_is_zero(point: &G1) -> Result<bool, Malformed> {
    parse_g1(point).map(|[_, _, z]| z.is_zero())
}

/// The sum, normalised. Op `G1_ADD`.
/// # Errors
/// [`Malformed::Element`], [`Malformed::Point`].
pub fn g1_add(left: &G1, right: &G1) -> Result<G1, Malformed> {
    Ok(normalised(point_g1(left)? + point_g1(right)?).map(bytes_of_fp))
}

/// `scalar` times `point`, normalised. Op `G1_MUL`.
/// # Errors
/// [`Malformed::Element`], [`Malformed::Point`].
pub fn g1_mul(scalar: &Fr, point: &G1) -> Result<G1, Malformed> {
    Ok(normalised(multiple(parse(scalar)?, &point_g1(point)?)).map(bytes_of_fp))
}

/// The point with y negated; x and z stay. Zero becomes all zero. Op `G2_NEG`.
/// # Errors
/// [`Malformed::Element`].
pub fn g2_neg(point: &G2) -> Result<G2, Malformed> {
    Ok(neg(&parse_g2(point)?).map(bytes_of_fp2))
}

/// The same point with z = 1. Zero stays as it is. Op `G2_NORM`.
/// # Errors
/// [`Malformed::Element`].
pub fn g2_norm(point: &G2) -> Result<G2, Malformed> {
    Ok(norm(&parse_g2(point)?).map(bytes_of_fp2))
}

/// Whether the point is on the curve and in the subgroup of order r. Op `G2_VALID`.
/// # Errors
/// [`Malformed::Element`].
pub fn g2_valid(point: &G2) -> Result<bool, Malformed> {
    Ok(valid::<g2::Config>(&parse_g2(point)?))
}

/// Whether z is 0. Op `G2_IS_ZERO`.
/// # Errors
/// [`Malformed::Element`].
pub fn g2_is_zero(point: &G2) -> Result<bool, Malformed> {
    parse_g2(point).map(|[_, _, z]| z.is_zero())
}

/// The sum, normalised. Op `G2_ADD`.
/// # Errors
/// [`Malformed::Element`], [`Malformed::Point`].
pub fn g2_add(left: &G2, right: &G2) -> Result<G2, Malformed> {
    Ok(normalised(point_g2(left)? + point_g2(right)?).map(bytes_of_fp2))
}

/// `scalar` times `point`, normalised. Op `G2_MUL`.
/// # Errors
/// [`Malformed::Element`], [`Malformed::Point`].
pub fn g2_mul(scalar: &Fr, point: &G2) -> Result<G2, Malformed> {
    Ok(normalised(multiple(parse(scalar)?, &point_g2(point)?)).map(bytes_of_fp2))
}

/// A point of the first curve, perhaps outside the subgroup.
pub(super) fn point_g1(point: &G1) -> Result<Projective<g1::Config>, Malformed> {
    on_curve(&parse_g1(point)?).ok_or(Malformed::Point)
}

/// A point of the second curve, perhaps outside the subgroup.
pub(super) fn point_g2(point: &G2) -> Result<Projective<g2::Config>, Malformed> {
    on_curve(&parse_g2(point)?).ok_or(Malformed::Point)
}

/// a + b·i.
pub(super) fn parse_fp2([a, b]: &Fp2) -> Result<Fq2, Malformed> {
    Ok(Fq2::new(parse(a)?, parse(b)?))
}

/// a and b of a + b·i.
pub(super) fn bytes_of_fp2(element: Fq2) -> Fp2 {
    [bytes(&element.c0), bytes(&element.c1)]
}

fn parse_g1([x, y, z]: &G1) -> Result<Jacobian<Fq>, Malformed> {
    Ok([parse(x)?, parse(y)?, parse(z)?])
}

fn parse_g2([x, y, z]: &G2) -> Result<Jacobian<Fq2>, Malformed> {
    Ok([parse_fp2(x)?, parse_fp2(y)?, parse_fp2(z)?])
}

fn bytes_of_fp(element: Fq) -> Fp {
    bytes(&element)
}

fn neg<F: Field>(&[x, y, z]: &Jacobian<F>) -> Jacobian<F> {
    if z.is_zero() { [F::ZERO; 3] } else { [x, -y, z] }
}

fn norm<F: Field>(&[x, y, z]: &Jacobian<F>) -> Jacobian<F> {
    let Some(inverse) = z.inverse() else { return [x, y, z] };
    let square = inverse.square();
    [x * square, y * square * inverse, F::ONE]
}

/// y² = x³ + b·z⁶, which says of zero that y² = x³; then the order.
fn valid<P: SWCurveConfig>(point: &Jacobian<P::BaseField>) -> bool {
    let [x, y, z] = norm(point);
    satisfies_equation::<P>(point)
        && (z.is_zero() || P::is_in_correct_subgroup_assuming_on_curve(&Affine::new_unchecked(x, y)))
}

fn satisfies_equation<P: SWCurveConfig>([x, y, z]: &Jacobian<P::BaseField>) -> bool {
    let sixth = z.square() * z.square().square();
    y.square() == x.square() * x + P::COEFF_B * sixth
}

/// The point of these coordinates; z = 0 is zero, whatever x and y.
fn on_curve<P: SWCurveConfig>(point: &Jacobian<P::BaseField>) -> Option<Projective<P>> {
    let &[x, y, z] = point;
    if z.is_zero() {
        return Some(Projective::zero());
    }
    satisfies_equation::<P>(point).then(|| Projective::new_unchecked(x, y, z))
}

/// z = 1, or all zero.
fn normalised<P: SWCurveConfig>(point: Projective<P>) -> Jacobian<P::BaseField> {
    match point.into_affine().xy() {
        Some((x, y)) => [x, y, P::BaseField::ONE],
        None => [P::BaseField::ZERO; 3],
    }
}

/// By doubling and adding, which is right outside the subgroup too, where an endomorphism is not.
fn multiple<P: SWCurveConfig<ScalarField = Scalar>>(scalar: Scalar, point: &Projective<P>) -> Projective<P> {
    point.mul_bits_be(BitIteratorBE::without_leading_zeros(scalar.into_bigint()))
}
