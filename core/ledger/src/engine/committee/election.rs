//! Draw leaders by weight.

use alloc::vec::Vec;

use banyan_types::{
    Hash, Height, PublicKey,
    committee::{Member, ValidatorSet},
};

/// Successive views that draw without putting back, so that a leader who is away costs one view. Source: associates 9.
const VIEWS_PER_DRAW: u32 = 5;
/// Samples that are tried before a biased one would be taken. One is refused with a chance below 2^-66.
const SAMPLES_MAX: u8 = 16;

/// Who leads `view` at `height`: drawn by weight, and different from the leaders of the views before in its group of
/// [`VIEWS_PER_DRAW`], or of as many as there are members. View 0 is `first`'s, where somebody has decided that: it then has
/// none of the next ones.
pub fn leader(set: &ValidatorSet, seed: Hash, height: Height, view: u32, first: Option<PublicKey>) -> PublicKey {
    let members = u32::try_from(set.members().len()).unwrap_or(u32::MAX);
    let group = VIEWS_PER_DRAW.min(members).max(1);
    let (draw, pick) = (view.checked_div(group).unwrap_or(0), view.checked_rem(group).unwrap_or(0));
    let mut left: Vec<Member> = set.members().to_vec();
    let mut drawn = PublicKey([0; 32]);
    for place in 0..=pick {
        let total = left.iter().fold(0u128, |sum, member| sum.saturating_add(u128::from(member.weight)));
        let at = sample(seed, height, draw, place, total);
        let decided = first.filter(|_| (draw, place) == (0, 0));
        let decided = decided.and_then(|key| left.iter().position(|member| member.key == key));
        let index = decided.unwrap_or_else(|| index_of(&left, at));
        if index < left.len() {
            drawn = left.remove(index).key;
        }
    }
    drawn
}

/// The member whose share of the cumulative weight holds `at`; a set is never empty, and `at` is below its total.
fn index_of(members: &[Member], at: u128) -> usize {
    let mut rest = at;
    let holds = |member: &Member| match rest.checked_sub(u128::from(member.weight)) {
        Some(less) => {
            rest = less;
            false
        }
        None => true,
    };
    members.iter().position(holds).unwrap_or(0)
}

/// A number below `total`, each as likely as any other: what would make the low ones likelier is drawn again.
fn sample(seed: Hash, height: Height, draw: u32, place: u32, total: u128) -> u128 {
    // 2^128 mod total, without leaving 128 bits.
    let excess = total.wrapping_neg().checked_rem(total).unwrap_or(0);
    let last_fair = u128::MAX.saturating_sub(excess);
    let numbers = |attempt: u8| {
        let (height, draw, place) = (height.0.to_be_bytes(), draw.to_be_bytes(), place.to_be_bytes());
        let hash = banyan_crypto::blake2b(&[b"leader", &seed.0, &height, &draw, &place, &[attempt]]);
        hash.iter().take(16).fold(0u128, |number, byte| (number << 8) | u128::from(*byte))
    };
    let fair = (0..SAMPLES_MAX).map(numbers).find(|number| *number <= last_fair);
    fair.unwrap_or(0).checked_rem(total).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{collections::BTreeMap, collections::BTreeSet};
    use proptest::prelude::*;

    fn set(weights: &[u64]) -> ValidatorSet {
        let member = |(n, weight): (usize, &u64)| Member { key: key(n), weight: *weight };
        ValidatorSet::new(weights.iter().enumerate().map(member).collect()).unwrap()
    }

    fn key(n: usize) -> PublicKey {
        PublicKey([u8::try_from(n).unwrap(); 32])
    }

    #[test]
    fn leaders_are_drawn_by_weight() {
        let set = set(&[1, 2, 7]);
        let mut turns = BTreeMap::<PublicKey, u32>::new();
        for height in 0..10_000 {
            *turns.entry(leader(&set, Hash([1; 32]), Height(height), 0, None)).or_default() += 1;
        }
        for (n, expected) in [1_000u32, 2_000, 7_000].into_iter().enumerate() {
            let got = turns[&key(n)];
            assert!(got.abs_diff(expected) < 200, "{n}: {got} turns, about {expected} expected");
        }
    }

    #[test]
    fn the_heaviest_set_is_drawn_from_without_overflow() {
        let set = set(&[banyan_types::committee::WEIGHT_END - 2, 1]);
        let leaders: BTreeSet<_> = (0..2).map(|view| leader(&set, Hash([1; 32]), Height(1), view, None)).collect();
        assert_eq!(leaders.len(), 2);
    }

    proptest! {
        #[test]
        fn five_successive_views_have_five_leaders(
            weights in proptest::collection::vec(1u64..1 << 40, 1..12),
            seed: [u8; 32],
            height: u64,
            draw in 0u32..1 << 20,
            first: Option<u8>,
        ) {
            let set = set(&weights);
            let first = first.and_then(|at| Some(set.member(u32::from(at) % 12)?.key));
            let group = u32::try_from(weights.len().min(5)).unwrap();
            let views = (0..group).map(|view| leader(&set, Hash(seed), Height(height), draw * group + view, first));
            prop_assert_eq!(views.collect::<BTreeSet<_>>().len(), weights.len().min(5));
            prop_assert!(first.is_none_or(|first| leader(&set, Hash(seed), Height(height), 0, Some(first)) == first));
        }

        #[test]
        fn a_sample_is_below_the_total(seed: [u8; 32], total in 1u128..) {
            prop_assert!(sample(Hash(seed), Height(1), 2, 3, total) < total);
        }
    }
}
