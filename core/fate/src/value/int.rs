//! Integers: an `i64` where it fits, as large as it takes otherwise.

use num_bigint::{BigInt, Sign};

use super::{Shared, Value};

impl Value {
    /// The one form of this integer.
    pub fn int(n: impl Into<BigInt>) -> Self {
        let n = n.into();
        i64::try_from(&n).map_or_else(|_| Self::Big(Shared::new(n)), Self::Int)
    }

    /// The integer, whatever its form.
    pub fn as_int(&self) -> Option<BigInt> {
        match self {
            Self::Int(n) => Some(BigInt::from(*n)),
            Self::Big(n) => Some((**n).clone()),
            _ => None,
        }
    }

    /// Whether this is an integer.
    pub const fn is_int(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Big(_))
    }

    /// Whether this is an integer below zero.
    pub fn is_negative(&self) -> bool {
        match self {
            Self::Int(n) => *n < 0,
            Self::Big(n) => n.sign() == Sign::Minus,
            _ => false,
        }
    }
}

/// Bits of the absolute value.
pub(crate) fn bits(n: &Value) -> u64 {
    match n {
        Value::Int(n) => u64::from(u64::BITS.saturating_sub(n.unsigned_abs().leading_zeros())),
        Value::Big(n) => n.bits(),
        _ => 0,
    }
}
