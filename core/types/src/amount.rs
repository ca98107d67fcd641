//! Sums of the coin.

use core::fmt;

/// Base units in one coin: 10^18.
pub const COIN: u128 = 1_000_000_000_000_000_000;

/// The whole supply in base units: 10^12 coins. Source: protocol, ledger 1.
pub const SUPPLY_MAX: u128 = 1_000_000_000_000 * COIN;

/// Decimals of one coin.
const DECIMALS: usize = 18;

/// A sum of coins in base units; never above [`SUPPLY_MAX`].
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u128);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The whole supply.
    pub const MAX: Self = Self(SUPPLY_MAX);

    /// The only door from outside. `None` above the supply.
    pub const fn new(base: u128) -> Option<Self> {
        if base <= SUPPLY_MAX { Some(Self(base)) } else { None }
    }

    /// Whole coins. `None` above the supply.
    pub const fn coins(coins: u64) -> Option<Self> {
        match (coins as u128).checked_mul(COIN) {
            Some(base) => Self::new(base),
            None => None,
        }
    }

    /// Base units.
    pub const fn base(self) -> u128 {
        self.0
    }

    /// The sum. `None` above the supply.
    pub const fn plus(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(base) => Self::new(base),
            None => None,
        }
    }

    /// The difference. `None` below zero.
    pub const fn minus(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(base) => Some(Self(base)),
            None => None,
        }
    }

    /// `floor(self × numerator / denominator)`. `None` on overflow, a zero denominator or above the supply.
    pub const fn share(self, numerator: u64, denominator: u64) -> Option<Self> {
        match self.0.checked_mul(numerator as u128) {
            Some(product) => match product.checked_div(denominator as u128) {
                Some(base) => Self::new(base),
                None => None,
            },
            None => None,
        }
    }

    /// `floor(self × part / whole)`, whatever their size. `None` for a part of nothing, or above the supply.
    pub fn portion(self, part: Self, whole: Self) -> Option<Self> {
        let (times, over) = (self.0.checked_div(whole.0)?, self.0.checked_rem(whole.0)?);
        // Long multiplication by the bits of `part`, from the highest, with `quotient · whole + rest` as the product so
        // far: the product itself would need 200 bits.
        let (mut quotient, mut rest) = (0, 0);
        for bit in (0..u128::BITS).rev() {
            (quotient, rest) = carried(quotient, quotient, rest, rest, whole.0)?;
            if part.0 >> bit & 1 == 1 {
                (quotient, rest) = carried(quotient, times, rest, over, whole.0)?;
            }
        }
        Self::new(quotient)
    }

    /// Whether this is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// The sums of two quotients and of two rests below `whole`, the rest below it again. `None` on overflow.
fn carried(quotient: u128, plus: u128, rest: u128, more: u128, whole: u128) -> Option<(u128, u128)> {
    let (quotient, rest) = (quotient.checked_add(plus)?, rest.checked_add(more)?);
    match rest.checked_sub(whole) {
        Some(rest) => Some((quotient.checked_add(1)?, rest)),
        None => Some((quotient, rest)),
    }
}

impl fmt::Display for Amount {
    /// In coins, without trailing zeros: `12.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / COIN, self.0 % COIN);
        if part == 0 {
            return f.pad_integral(true, "", &alloc::format!("{whole}"));
        }
        let digits = alloc::format!("{part:018}");
        f.pad_integral(true, "", &alloc::format!("{whole}.{}", digits.trim_end_matches('0')))
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} BNY")
    }
}

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseAmountError {
    /// Something other than digits, one point and a final `u`.
    #[error("not an amount: write 12.5 for coins or 12500u for base units")]
    Form,
    /// Finer than one base unit.
    #[error("more than 18 digits after the point")]
    TooFine,
    /// Above the whole supply.
    #[error("more than the whole supply of 10^12 coins")]
    TooMuch,
}

impl core::str::FromStr for Amount {
    type Err = ParseAmountError;

    /// `12.5` is coins, `12500u` base units.
    fn from_str(text: &str) -> Result<Self, ParseAmountError> {
        if let Some(units) = text.strip_suffix('u') {
            return Self::new(digits(units)?).ok_or(ParseAmountError::TooMuch);
        }
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        if part.len() > DECIMALS {
            return Err(ParseAmountError::TooFine);
        }
        let whole = digits(whole)?.checked_mul(COIN).ok_or(ParseAmountError::TooMuch)?;
        let part = digits(&alloc::format!("{part:0<18}"))
            .and_then(|value| if part.is_empty() { Err(ParseAmountError::Form) } else { Ok(value) })?;
        whole.checked_add(part).and_then(Self::new).ok_or(ParseAmountError::TooMuch)
    }
}

fn digits(text: &str) -> Result<u128, ParseAmountError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParseAmountError::Form);
    }
    text.parse().map_err(|_| ParseAmountError::TooMuch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;
    use proptest::prelude::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        for (text, base) in [("12.5", 12 * COIN + COIN / 2), ("0", 0), ("12500u", 12_500), ("0.000000000000000001", 1)]
        {
            assert_eq!(text.parse::<Amount>().map(Amount::base), Ok(base), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_says_why() {
        use ParseAmountError::{Form, TooFine, TooMuch};
        for (text, why) in [
            ("", Form),
            ("-1", Form),
            ("1.2.3", Form),
            ("1.", Form),
            (".5", Form),
            ("u", Form),
            ("1,5", Form),
            ("0.0000000000000000001", TooFine),
            ("1000000000001", TooMuch),
            ("999999999999999999999999999999999999999999u", TooMuch),
        ] {
            assert_eq!(text.parse::<Amount>(), Err(why), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_give_the_same_amount(base in 0..=SUPPLY_MAX) {
            let amount = Amount::new(base).unwrap();
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }

        #[test]
        fn portions_of_small_sums_are_plain_division(a in 0..1u128 << 64, b in 0..1u128 << 63, c in 1..1u128 << 64) {
            let (sum, part, whole) = (Amount::new(a).unwrap(), Amount::new(b).unwrap(), Amount::new(c).unwrap());
            prop_assert_eq!(sum.portion(part, whole), Amount::new(a * b / c));
        }

        #[test]
        fn portions_of_any_sums_add_up_to_no_more_than_the_whole(a in 0..=SUPPLY_MAX, b in 0..=SUPPLY_MAX, c in 1..=SUPPLY_MAX) {
            let (sum, whole) = (Amount::new(a).unwrap(), Amount::new(c).unwrap());
            let part = Amount::new(b % (c + 1)).unwrap();
            let rest = whole.minus(part).unwrap();
            let both = sum.portion(part, whole).unwrap().plus(sum.portion(rest, whole).unwrap()).unwrap();
            prop_assert!(both <= sum && sum.base() - both.base() <= 1);
            prop_assert_eq!(sum.portion(whole, whole), Some(sum));
        }

        #[test]
        fn sums_never_leave_the_supply(a in 0..=SUPPLY_MAX, b in 0..=SUPPLY_MAX) {
            let (a, b) = (Amount::new(a).unwrap(), Amount::new(b).unwrap());
            if let Some(sum) = a.plus(b) {
                prop_assert!(sum <= Amount::MAX);
                prop_assert_eq!(sum.minus(b), Some(a));
            }
        }
    }
}
