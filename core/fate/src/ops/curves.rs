//! BLS12-381. Values have the form of the reference: elements are byte arrays, points tuples of them.
//!
//! No vector of the reference exists. The functions are held to published points and to the laws where they are
//! written (`banyan_crypto::bls12`); here is only the way from values and back.

use alloc::vec::Vec;

use banyan_crypto::bls12::{self, Fp, Fp2, Fr, G1, G2, Gt, Malformed};

use super::{
    crypto::{from_word, word},
    expected, operands,
};
use crate::{
    Value,
    code::Operand,
    engine::{Flow, Host, Reason, Run, Step, Tracer, Trap},
};

/// What a value of a contract may be on the curve's side.
trait Form: Sized {
    fn from_value(value: &Value) -> Option<Self>;
    fn into_value(self) -> Value;
}

impl<const N: usize> Form for [u8; N] {
    fn from_value(value: &Value) -> Option<Self> {
        value.as_bytes()?.try_into().ok()
    }
    fn into_value(self) -> Value {
        Value::bytes(self)
    }
}

macro_rules! tuples_of {
    ($($part:ty, $count:literal;)+) => {$(
        impl Form for [$part; $count] {
            fn from_value(value: &Value) -> Option<Self> {
                let parts = value.as_tuple()?.iter().map(<$part>::from_value).collect::<Option<Vec<_>>>()?;
                parts.try_into().ok()
            }
            fn into_value(self) -> Value {
                Value::tuple(self.into_iter().map(Form::into_value).collect())
            }
        }
    )+};
}
tuples_of! {
    Fp, 2;
    Fp, 3;
    Fp2, 3;
    Fp, 12;
}

impl Form for bool {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Bool(b) = value { Some(*b) } else { None }
    }
    fn into_value(self) -> Value {
        Value::Bool(self)
    }
}

fn form<A: Form, F>(value: &Value) -> Result<A, Trap<F>> {
    A::from_value(value).ok_or_else(|| expected("an element or point of BLS12-381"))
}

fn unary<A: Form, B: Form, H: Host, T: Tracer>(
    run: &mut Run<'_, H, T>,
    args: &[Operand],
    compute: fn(&A) -> Result<B, Malformed>,
) -> Step<Flow, H> {
    let [to, operand] = operands(args)?;
    let value = run.read(operand)?;
    let result = compute(&form(&value)?).map_err(|_| Reason::Curve)?;
    run.give(to, result.into_value())
}

fn binary<A: Form, B: Form, C: Form, H: Host, T: Tracer>(
    run: &mut Run<'_, H, T>,
    args: &[Operand],
    compute: fn(&A, &B) -> Result<C, Malformed>,
) -> Step<Flow, H> {
    let [to, left, right] = operands(args)?;
    let (left, right) = (run.read(left)?, run.read(right)?);
    let result = compute(&form(&left)?, &form(&right)?).map_err(|_| Reason::Curve)?;
    run.give(to, result.into_value())
}

macro_rules! instructions {
    ($($kind:ident $name:ident = $function:path, ($($in:ty),+) -> $out:ty;)+) => {$(
        pub fn $name<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
            $kind::<$($in,)+ $out, H, T>(run, args, $function)
        }
    )+};
}
instructions! {
    unary g1_neg = bls12::g1_neg, (G1) -> G1;
    unary g1_normalize = bls12::g1_norm, (G1) -> G1;
    unary g1_valid = bls12::g1_valid, (G1) -> bool;
    unary g1_is_zero = bls12::g1_is_zero, (G1) -> bool;
    binary g1_add = bls12::g1_add, (G1, G1) -> G1;
    binary g1_mul = bls12::g1_mul, (Fr, G1) -> G1;
    unary g2_neg = bls12::g2_neg, (G2) -> G2;
    unary g2_normalize = bls12::g2_norm, (G2) -> G2;
    unary g2_valid = bls12::g2_valid, (G2) -> bool;
    unary g2_is_zero = bls12::g2_is_zero, (G2) -> bool;
    binary g2_add = bls12::g2_add, (G2, G2) -> G2;
    binary g2_mul = bls12::g2_mul, (Fr, G2) -> G2;
    unary gt_inv = bls12::gt_inv, (Gt) -> Gt;
    binary gt_add = bls12::gt_add, (Gt, Gt) -> Gt;
    binary gt_mul = bls12::gt_mul, (Gt, Gt) -> Gt;
    binary gt_pow = bls12::gt_pow, (Gt, Fr) -> Gt;
    unary gt_is_one = bls12::gt_is_one, (Gt) -> bool;
    binary pairing = bls12::pairing, (G1, G2) -> Gt;
    binary miller_loop = bls12::miller_loop, (G1, G2) -> Gt;
    unary final_exp = bls12::final_exp, (Gt) -> Gt;
}

pub fn int_to_fr<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, number] = operands(args)?;
    let number = run.read(number)?;
    let element = bls12::int_to_fr(&word(&number)?).ok_or(Trap::Failed(Reason::Curve))?;
    run.give(to, element.into_value())
}

pub fn int_to_fp<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, number] = operands(args)?;
    let number = run.read(number)?;
    let element = bls12::int_to_fp(&word(&number)?).ok_or(Trap::Failed(Reason::Curve))?;
    run.give(to, element.into_value())
}

pub fn fr_to_int<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, element] = operands(args)?;
    let element: Fr = form(&run.read(element)?)?;
    let number = bls12::fr_to_int(&element).map_err(|_| Reason::Curve)?;
    run.give(to, from_word(&number))
}

pub fn fp_to_int<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, element] = operands(args)?;
    let element: Fp = form(&run.read(element)?)?;
    let number = bls12::fp_to_int(&element).map_err(|_| Reason::Curve)?;
    run.give(to, from_word(&number))
}
