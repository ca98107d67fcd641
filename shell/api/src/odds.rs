//! Estimate how likely work alone is to be undone, where no seal stands for it yet.

/// Share of all work that the estimate takes an attacker to have. Source: root 6, the bound under which leaders are honest.
pub const ATTACKER_SHARE: f64 = 0.25;
/// Beyond this depth the estimate is nothing that a number shows.
const DEPTH_MAX: u64 = 1_000;

/// The probability that an attacker with `share` of the work ever replaces what has `depth` key blocks on top: Nakamoto's
/// sum (Bitcoin 2008, section 11). An estimate: it takes the attacker to begin when the payment is made.
pub fn reversal(share: f64, depth: u64) -> f64 {
    let depth = depth.min(DEPTH_MAX);
    let ratio = share / (1.0 - share);
    let expected = as_float(depth) * ratio;
    let (mut poisson, mut caught_up) = ((-expected).exp(), 1.0);
    for found in 0..=depth {
        caught_up -= poisson * (1.0 - ratio.powf(as_float(depth - found)));
        poisson *= expected / as_float(found + 1);
    }
    caught_up.clamp(0.0, 1.0)
}

/// No depth here has more than three digits.
fn as_float(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables of the Bitcoin paper, section 11.
    #[test]
    fn the_estimate_is_that_of_the_paper() {
        for (share, depth, expected) in [
            (0.1, 0, 1.0),
            (0.1, 1, 0.204_587_3),
            (0.1, 5, 0.000_913_7),
            (0.1, 10, 0.000_001_2),
            (0.3, 5, 0.177_352_3),
            (0.3, 10, 0.041_660_5),
            (0.3, 50, 0.000_000_6),
        ] {
            let got = reversal(share, depth);
            assert!((got - expected).abs() < 0.000_000_1, "{share} {depth}: {got}");
        }
    }

    #[test]
    fn more_on_top_is_never_less_sure() {
        let odds: Vec<_> = (0..=2_000).map(|depth| reversal(ATTACKER_SHARE, depth)).collect();
        // But for what rounding makes of sums of a thousand terms.
        assert!(odds.windows(2).all(|pair| pair[1] <= pair[0] + 1e-12));
        assert!(odds.iter().all(|odds| (0.0..=1.0).contains(odds)));
    }
}
