//! Say how hard the next key block is.
//!
//! A [`Target`] is a number that a cycle's hash must stay below; it travels in four bytes as Bitcoin's compact form.
//! [`retarget`] moves it so that key blocks keep their interval: DigiShield as published, tempered by 0.75 and 0.2523,
//! over 17 blocks. Integers only, and `div` is floor division. Rules: protocol, root 4 (2, 8) and 5.

use core::{fmt, num::NonZeroU64};

use ruint::{Uint, aliases::U256};
use thiserror::Error;

/// Solve times that a retarget looks at.
pub const RETARGET_BLOCKS: usize = 17;

/// Wide enough for every product here: the greatest is below 2^358, see [`retarget`].
type Wide = Uint<384, 6>;

/// An upper bound for hashes: exactly what a compact form can say, from 2^160 to [`Target::HIGHEST`]. Lower is harder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target(U256);

/// Why four bytes are no target, in the order of the checks. Always the sender's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadTarget {
    /// The sign bit is set.
    #[error("compact target {compact:#010x} is negative")]
    Negative {
        /// The four bytes as read.
        compact: u32,
    },
    /// Another compact form says the same in fewer bytes.
    #[error("compact target {compact:#010x} is not canonical")]
    NotCanonical {
        /// The four bytes as read.
        compact: u32,
    },
    /// Below 2^160.
    #[error("compact target {compact:#010x} is below 2^160")]
    TooHard {
        /// The four bytes as read.
        compact: u32,
    },
    /// Above [`Target::HIGHEST`].
    #[error("compact target {compact:#010x} is above the highest, {:#010x}", Target::HIGHEST.to_compact())]
    TooEasy {
        /// The four bytes as read.
        compact: u32,
    },
}

impl Target {
    /// The easiest: compact `0x2100ffff`, that is 0xffff·2^240.
    pub const HIGHEST: Self = Self(U256::from_limbs([0, 0, 0, 0xffff << 48]));
    /// The hardest, 2^160: compact `0x15010000`. Below it, work would leave `u128`.
    pub const LOWEST: Self = Self(U256::from_limbs([0, 0, 1 << 32, 0]));

    /// From the compact form: an exponent byte e, a sign bit, 23 bits of mantissa m; the target is m·256^(e − 3).
    pub fn from_compact(compact: u32) -> Result<Self, BadTarget> {
        let (exponent, mantissa) = (compact >> 24, compact & 0x007f_ffff);
        if compact & 0x0080_0000 != 0 {
            return Err(BadTarget::Negative { compact });
        }
        if mantissa < 0x8000 {
            return Err(BadTarget::NotCanonical { compact }); // the first byte would only hold the sign
        }
        // Up to e = 3 nothing is shifted, whatever Bitcoin does there: no mantissa reaches 2^160.
        let shift = 8 * exponent.saturating_sub(3) as usize;
        match U256::from(mantissa).checked_shl(shift).map(Self) {
            Some(target) if target < Self::LOWEST => Err(BadTarget::TooHard { compact }),
            Some(target) if target <= Self::HIGHEST => Ok(target),
            _ => Err(BadTarget::TooEasy { compact }),
        }
    }

    /// The one compact form of this target.
    pub fn to_compact(self) -> u32 {
        let exponent = self.bytes();
        let mantissa: U256 = self.0 >> (8 * (exponent - 3));
        exponent << 24 | mantissa.to::<u32>()
    }

    /// Whether `hash`, read as a big-endian integer, is below this target.
    pub fn is_met_by(&self, hash: &[u8; 32]) -> bool {
        U256::from_be_bytes(*hash) < self.0
    }

    /// 2^24·highest div target: what a key block adds to the weight of its chain. At least 2^24, below 2^120.
    pub fn work(self) -> u128 {
        ((highest() << 24_usize) / self.wide()).to::<u128>()
    }

    /// `value`, brought within bounds and rounded down to what a compact form can say.
    fn at_most(value: Wide) -> Self {
        let bounded = value.clamp(Self::LOWEST.wide(), highest());
        let target = Self(bounded.to());
        let unsaid = 8 * (target.bytes() - 3);
        Self(target.0 >> unsaid << unsaid)
    }

    /// Bytes of this number with a sign bit before it: the exponent of its compact form, 21 to 33.
    #[expect(clippy::cast_possible_truncation, reason = "at most 33")]
    fn bytes(self) -> u32 {
        (self.0.bit_len() / 8 + 1) as u32
    }

    fn wide(self) -> Wide {
        Wide::from(self.0)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.to_compact())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

/// The two genesis parameters that a retarget reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Wanted between key blocks, in milliseconds.
    pub interval_ms: NonZeroU64,
    /// How far ahead of the clock a block may be, in milliseconds: no solve time counts as less than minus this.
    pub drift_ms: u64,
}

/// What a retarget reads of a key header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Solved {
    /// The header's time, in milliseconds.
    pub time_ms: u64,
    /// The target that it met.
    pub target: Target,
}

/// The target of height h from the key headers h−18 to h−1, oldest first; the oldest gives only its time.
///
/// `LOWEST` bounds the answer too, though no pace comes near: below it the very header that follows would be invalid.
pub fn retarget(pace: Pace, headers: &[Solved; RETARGET_BLOCKS + 1]) -> Target {
    let interval = i128::from(pace.interval_ms.get());
    let (least, most) = (-i128::from(pace.drift_ms), 6 * interval);
    let solve_time = |pair: &[Solved]| i128::from(pair[1].time_ms) - i128::from(pair[0].time_ms);
    let solve_times: i128 = headers.windows(2).map(|pair| solve_time(pair).min(most).max(least)).sum();
    // Below 2^70: the widest interval is below 2^64, and 17 solve times of six intervals weigh 38.5 intervals.
    let total = (3 * 17 * interval) / 4 + (2523 * solve_times).div_euclid(10_000);
    let total = Wide::from(total.max(1).unsigned_abs());

    // K is below 2^288, its product with the total below 2^358; K div target lies between 2^32 and 2^128.
    let k = highest() << 32_usize;
    let difficulties = headers[1..].iter().fold(Wide::ZERO, |sum, header| sum + k / header.target.wide());
    Target::at_most(total * k / (Wide::from(pace.interval_ms.get()) * difficulties))
}

fn highest() -> Wide {
    Target::HIGHEST.wide()
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use num_bigint::{BigInt, Sign};
    use proptest::prelude::*;

    use super::*;

    fn big(value: impl Into<BigInt>) -> BigInt {
        value.into()
    }

    fn highest() -> BigInt {
        big(0xffff) << 240
    }

    /// The number that a compact form says, sign bit and all other rules apart.
    fn said(compact: u32) -> BigInt {
        big(compact & 0x007f_ffff) * big(256).pow(compact >> 24) / big(256).pow(3)
    }

    /// By the bytes of the number, as Bitcoin describes it.
    fn compact_of(value: &BigInt) -> u32 {
        let (_, mut bytes) = value.to_bytes_be();
        if bytes[0] >= 0x80 {
            bytes.insert(0, 0);
        }
        u32::try_from(bytes.len()).unwrap() << 24
            | u32::from(bytes[0]) << 16
            | u32::from(bytes[1]) << 8
            | u32::from(bytes[2])
    }

    fn value_of(target: Target) -> BigInt {
        BigInt::from_bytes_be(Sign::Plus, &target.0.to_be_bytes::<32>())
    }

    fn div_floor(dividend: &BigInt, divisor: i32) -> BigInt {
        let quotient = dividend / divisor;
        if &quotient * divisor > *dividend { quotient - 1 } else { quotient }
    }

    fn retarget_model(pace: Pace, headers: &[Solved]) -> u32 {
        let interval = big(pace.interval_ms.get());
        let solve_times: BigInt = headers
            .windows(2)
            .map(|pair| (big(pair[1].time_ms) - big(pair[0].time_ms)).min(6 * &interval).max(-big(pace.drift_ms)))
            .sum();
        let total = div_floor(&(3 * 17 * &interval), 4) + div_floor(&(2523 * solve_times), 10_000);
        let k = highest() << 32;
        let sum: BigInt = headers[1..].iter().map(|header| &k / value_of(header.target)).sum();
        let target: BigInt = total.max(big(1)) * k / (interval * sum);
        compact_of(&target.min(highest()).max(big(1) << 160))
    }

    fn window(times: impl Fn(u64) -> u64, target: Target) -> [Solved; 18] {
        core::array::from_fn(|at| Solved { time_ms: times(at as u64), target })
    }

    fn pace(interval_ms: u64, drift_ms: u64) -> Pace {
        Pace { interval_ms: NonZeroU64::new(interval_ms).unwrap(), drift_ms }
    }

    /// A compact form that is one, over the whole range.
    fn targets() -> impl Strategy<Value = Target> {
        (0x15_u32..=0x21, 0x8000_u32..=0x007f_ffff).prop_filter_map("out of bounds", |(exponent, mantissa)| {
            Target::from_compact(exponent << 24 | mantissa).ok()
        })
    }

    fn milliseconds() -> impl Strategy<Value = u64> {
        prop_oneof![0..10_000_000_u64, any::<u64>(), Just(0), Just(u64::MAX)]
    }

    #[test]
    fn compact_targets_round_trip_and_refuse_the_sign_bit() {
        let negative = |compact| Err(BadTarget::Negative { compact });
        let not_canonical = |compact| Err(BadTarget::NotCanonical { compact });
        let too_hard = |compact| Err(BadTarget::TooHard { compact });
        let too_easy = |compact| Err(BadTarget::TooEasy { compact });
        let rows = [
            (0x2100_ffff, Ok(Target::HIGHEST)),
            (0x1501_0000, Ok(Target::LOWEST)),
            (0xff80_0000, negative(0xff80_0000)),
            (0x1580_0001, negative(0x1580_0001)),
            (0x0080_0000, negative(0x0080_0000)),
            (0x0000_0000, not_canonical(0)),
            (0x2200_00ff, not_canonical(0x2200_00ff)),
            (0x2000_7fff, not_canonical(0x2000_7fff)),
            (0xff00_0001, not_canonical(0xff00_0001)),
            (0x1500_ffff, too_hard(0x1500_ffff)),
            (0x147f_ffff, too_hard(0x147f_ffff)),
            (0x007f_ffff, too_hard(0x007f_ffff)),
            (0x2101_0000, too_easy(0x2101_0000)),
            (0x2200_8000, too_easy(0x2200_8000)),
            (0xff7f_ffff, too_easy(0xff7f_ffff)),
        ];
        for (compact, expected) in rows {
            assert_eq!(Target::from_compact(compact), expected, "{compact:#010x}");
        }
        assert_eq!(value_of(Target::HIGHEST), highest());
        assert_eq!(value_of(Target::LOWEST), big(1) << 160);
    }

    #[test]
    fn a_hash_equal_to_the_target_does_not_meet_it() {
        let hash = |value: BigInt| -> [u8; 32] {
            let bytes = value.to_bytes_be().1;
            core::array::from_fn(|at| (at + bytes.len()).checked_sub(32).map_or(0, |at| bytes[at]))
        };
        for target in [Target::LOWEST, Target::from_compact(0x2012_3456).unwrap(), Target::HIGHEST] {
            assert!(!target.is_met_by(&hash(value_of(target))));
            assert!(target.is_met_by(&hash(value_of(target) - 1)));
        }
    }

    #[test]
    fn a_steady_pace_keeps_the_target_and_a_late_one_eases_it() {
        let target = Target::from_compact(0x1f12_3456).unwrap();
        let at_pace = |interval: u64| retarget(pace(120_000, 60_000), &window(|at| at * interval, target));
        assert_eq!(at_pace(120_000), Target::from_compact(0x1f12_3f0e).unwrap()); // 17.0391 / 17
        assert!(at_pace(60_000) < target);
        assert!(at_pace(240_000) > at_pace(120_000));
        assert_eq!(at_pace(720_000), at_pace(u64::MAX / 17));
        assert_eq!(retarget(pace(1, 0), &window(|at| at * 6, Target::HIGHEST)), Target::HIGHEST);
        assert_eq!(retarget(pace(1000, u64::MAX), &window(|at| 17_000 - at * 1000, Target::LOWEST)), Target::LOWEST);
    }

    #[test]
    fn retarget_divides_negative_sums_towards_less() {
        // 12 + floor(-17·2523 / 10000) = 12 - 5 of 17 intervals; rounding towards zero would give 8.
        let target = Target::from_compact(0x2011_0000).unwrap();
        assert_eq!(retarget(pace(1, 1), &window(|at| 17 - at, target)), Target::from_compact(0x2007_0000).unwrap());
        // 12 + floor(17·2523 / 10000) = 12 + 4.
        assert_eq!(retarget(pace(1, 1), &window(|at| at, target)), Target::from_compact(0x2010_0000).unwrap());
        // A total below one counts as one.
        assert_eq!(
            retarget(pace(1, 9), &window(|at| 200 - 9 * at, target)),
            Target::from_compact(0x2001_0000).unwrap()
        );
    }

    proptest! {
        #[test]
        fn compact_targets_say_what_a_big_integer_says(
            compact in any::<u32>(), mantissa in any::<u32>(), exponent in 0x13_u32..0x23,
        ) {
            for compact in [compact, exponent << 24 | mantissa & 0x00ff_ffff] {
                let canonical = compact & 0x0080_0000 == 0 && compact & 0x007f_8000 != 0;
                let bounds = big(1) << 160..=highest();
                let expected = (canonical && bounds.contains(&said(compact))).then(|| said(compact));
                let target = Target::from_compact(compact).ok();
                prop_assert_eq!(target.map(value_of), expected);
                prop_assert_eq!(target.map_or(compact, Target::to_compact), compact);
            }
        }

        #[test]
        fn work_is_the_inverse_of_the_target(target in targets(), other in targets()) {
            prop_assert_eq!(big(target.work()), (highest() << 24) / value_of(target));
            prop_assert_eq!(target.to_compact(), compact_of(&value_of(target)));
            prop_assert!(target < other || target.work() <= other.work());
            prop_assert!(target.work() >> 24 >= 1 && target.work() >> 120 == 0);
        }

        #[test]
        fn retarget_matches_a_big_integer_model(
            headers in prop::array::uniform18((milliseconds(), targets())),
            interval_ms in milliseconds(), drift_ms in milliseconds(),
        ) {
            let headers = headers.map(|(time_ms, target)| Solved { time_ms, target });
            let pace = pace(interval_ms.max(1), drift_ms);
            prop_assert_eq!(retarget(pace, &headers).to_compact(), retarget_model(pace, &headers));
        }

        #[test]
        fn retarget_matches_the_model_near_its_pace(
            steps in prop::collection::vec(-5000_i64..20_000, 18), target in targets(),
            interval_ms in 1_u64..4000, drift_ms in 0_u64..4000,
        ) {
            let times: Vec<u64> = steps.iter().scan(1 << 40, |time: &mut u64, step| {
                *time = time.saturating_add_signed(*step);
                Some(*time)
            }).collect();
            let headers = window(|at| times[usize::try_from(at).unwrap()], target);
            let pace = pace(interval_ms, drift_ms);
            prop_assert_eq!(retarget(pace, &headers).to_compact(), retarget_model(pace, &headers));
        }
    }
}
