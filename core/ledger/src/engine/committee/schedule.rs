//! Proof of stake: which set orders an epoch, and who is paid.
//!
//! A pipeline, so that nobody chooses a set knowing its seed: stakes are read when epoch `e - 3` ends, the seed is drawn when
//! `e - 2` ends, and from the start of `e - 1` on everybody can compute the leaders of `e`. Values in, values out: a state gives
//! the stakes, and keeps the [`Schedule`]. Rules: protocol, associates 9.

use alloc::{collections::BTreeMap, vec::Vec};

use banyan_types::{
    Amount, Hash, Height, PublicKey,
    committee::{Certificate, Member, ValidatorSet},
    rlp::Tail,
};

use super::{Epoch, decree::Decree};

/// Validators of a set by stake, at most. Source: associates 9.
pub const STAKED_MAX: usize = 100;
/// One key has at most this part of the weight, in a set that is large enough for it. Source: associates 9.
const SHARE_DIV: u128 = 4;
/// Shares of all weight that stakes are divided into: every sum of weights stays far below its limit.
const SHARES: u128 = 1 << 48;
/// Leaders have so many tenths of a block's fees; those who sealed it have the rest. Source: associates 9.
const LEADER_TENTHS: u64 = 6;

banyan_types::record! {
    /// An epoch as a state keeps it.
    Drawn {
        /// What turns are drawn from.
        seed: Hash,
        /// Who has them.
        set: ValidatorSet,
        /// What a contract has decided of it.
        decree: Tail<Decree>,
    }

    /// A validator's turns in the running epoch.
    Turns {
        /// Whose.
        key: PublicKey,
        /// Blocks that were made in them.
        made: u64,
        /// Views in which it led and no block came.
        missed: u64,
    }

    /// What a committee's state knows of its epochs.
    Schedule {
        /// The running epoch's number.
        number: u64,
        /// The running epoch.
        now: Drawn,
        /// The one after it.
        next: Drawn,
        /// The set of the one after that; its seed is not drawn yet.
        later: ValidatorSet,
        /// Turns of the running epoch, ascending by key.
        turns: Vec<Turns>,
        /// Who has missed too many turns and has not come back, ascending.
        jailed: Vec<PublicKey>,
    }
}

/// What the end of an epoch is turned by.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// Entropy of the parent block that the epoch's last block names; absent where the parent did not move in the epoch.
    pub entropy: Option<Hash>,
    /// Where the next sets come from.
    pub snapshot: Snapshot<'a>,
}

/// Where sets come from when an epoch ends.
#[derive(Debug, Clone, Copy)]
pub enum Snapshot<'a> {
    /// Stakes, for the epoch three ahead: nobody chooses a set knowing its seed.
    Stakes(&'a Stakes<'a>),
    /// What a contract has named for the epoch three ahead; none where its answer is of no use.
    Answered(Option<&'a ValidatorSet>),
    /// Those who may have named the validators that are to follow, perhaps. There is nothing to gain by a seed, so they serve
    /// in the first epoch whose turns are not known yet.
    Named(Option<&'a ValidatorSet>),
}

/// The stakes at the end of an epoch.
#[derive(Debug, Clone, Copy)]
pub struct Stakes<'a> {
    /// All that may serve, in any order, each key once.
    pub list: &'a [(PublicKey, Amount)],
    /// Bonded at least, or it does not serve.
    pub stake_min: Amount,
    /// Fewer make no set.
    pub least: usize,
}

impl Drawn {
    fn epoch(&self, number: u64) -> Epoch {
        Epoch { number, seed: self.seed, set: self.set.clone(), decree: self.decree.0.clone() }
    }
}

impl Schedule {
    /// Epochs 0 to 3 are the genesis's: `seed` and `set` are known from the beginning.
    pub fn genesis(seed: Hash, set: &ValidatorSet) -> Self {
        let drawn = |number| Drawn { seed: again(seed, number), set: set.clone(), decree: Tail(None) };
        let (now, next) = (drawn(0), drawn(1));
        Self { number: 0, now, next, later: set.clone(), turns: Vec::new(), jailed: Vec::new() }
    }

    /// The running epoch.
    pub fn epoch(&self) -> Epoch {
        self.now.epoch(self.number)
    }

    /// A block of the running epoch was made in `view`: those who led the views before have missed a turn.
    pub fn count(&mut self, height: Height, view: u32) {
        let epoch = self.epoch();
        for missed in 0..view.min(VIEWS_COUNTED_MAX) {
            let turns = self.turns_of(epoch.leader(height, missed));
            turns.missed = turns.missed.saturating_add(1);
        }
        let turns = self.turns_of(epoch.leader(height, view));
        turns.made = turns.made.saturating_add(1);
    }

    fn turns_of(&mut self, key: PublicKey) -> &mut Turns {
        let at = self.turns.binary_search_by_key(&key, |turns| turns.key).unwrap_or_else(|at| {
            self.turns.insert(at, Turns { key, made: 0, missed: 0 });
            at
        });
        #[expect(clippy::indexing_slicing, reason = "found or just inserted there")]
        &mut self.turns[at]
    }

    /// The epoch after the running one: what the first block after its end is made by.
    pub fn following(&self) -> Epoch {
        self.next.epoch(self.number.saturating_add(1))
    }

    /// The epoch is over: the next one runs, the seed of the one after it is drawn, and stakes are read for the one three ahead.
    /// A set that cannot be made is the one before again: a ledger waits for nobody. Whether that was so.
    pub fn turn(&mut self, end: &End<'_>) -> bool {
        let ended = self.number;
        let read = match end.snapshot {
            Snapshot::Stakes(stakes) => {
                self.jail();
                if ended == 0 { Some(self.later.clone()) } else { choose(stakes, &self.jailed) }
            }
            Snapshot::Answered(_) if ended == 0 => Some(self.later.clone()),
            Snapshot::Answered(answer) => answer.cloned(),
            Snapshot::Named(named) => {
                // It follows at once where its turns are drawn now, which nobody knows yet.
                self.later = named.unwrap_or(&self.later).clone();
                Some(self.later.clone())
            }
        };
        let is_repeated = read.is_none();
        let drawn_for = ended.saturating_add(2);
        let seed = match end.entropy {
            Some(entropy) => Hash(banyan_crypto::blake2b(&[b"epoch", &entropy.0, &drawn_for.to_be_bytes()])),
            None => again(self.next.seed, drawn_for),
        };
        let later = read.unwrap_or_else(|| self.later.clone());
        let next = Drawn { seed, set: core::mem::replace(&mut self.later, later), decree: Tail(None) };
        self.now = core::mem::replace(&mut self.next, next);
        self.number = ended.saturating_add(1);
        self.turns.clear();
        is_repeated
    }

    /// Who has missed more than half of its turns is not in the next snapshot, until it asks to be. Nothing is taken from it.
    fn jail(&mut self) {
        let absent = self.turns.iter().filter(|turns| turns.missed > turns.made).map(|turns| turns.key);
        self.jailed.extend(absent);
        self.jailed.sort_unstable();
        self.jailed.dedup();
    }

    /// A validator says that it is back. Whether it was away.
    pub fn unjail(&mut self, key: PublicKey) -> bool {
        let at = self.jailed.binary_search(&key);
        at.is_ok_and(|at| self.jailed.remove(at) == key)
    }
}

/// Views of one height that are counted: whoever led a later one was away in an earlier one too.
const VIEWS_COUNTED_MAX: u32 = 100;

/// The seed of an epoch whose own entropy is missing.
fn again(seed: Hash, number: u64) -> Hash {
    Hash(banyan_crypto::blake2b(&[b"epoch", &seed.0, &number.to_be_bytes()]))
}

/// The largest stakes that may serve (ties: the lower key), none above a quarter of the weight where there are four or more.
/// `None` if they are too few.
fn choose(of: &Stakes<'_>, jailed: &[PublicKey]) -> Option<ValidatorSet> {
    let may_serve = |(key, stake): &&(PublicKey, Amount)| {
        *stake >= of.stake_min && !stake.is_zero() && jailed.binary_search(key).is_err()
    };
    let mut chosen: Vec<_> = of.list.iter().filter(may_serve).copied().collect();
    chosen.sort_by(|(a, more), (b, less)| less.cmp(more).then(a.cmp(b)));
    chosen.truncate(STAKED_MAX);
    if chosen.len() < of.least {
        return None;
    }
    let stakes: Vec<u128> = chosen.iter().map(|(_, stake)| stake.base()).collect();
    let total = stakes.iter().fold(0u128, |sum, stake| sum.saturating_add(*stake));
    let cap = cap(&stakes, total);
    let weigh = |stake: Amount| {
        // Stakes are below 2^100, shares 2^48: parts of both are taken so that the product fits.
        let scale = total.checked_div(SHARES).unwrap_or(0).saturating_add(1);
        let weight = stake.base().min(cap).checked_div(scale).unwrap_or(0).max(1);
        u64::try_from(weight).unwrap_or(u64::MAX)
    };
    ValidatorSet::new(chosen.iter().map(|(key, stake)| Member { key: *key, weight: weigh(*stake) }).collect()).ok()
}

/// The most that one stake counts, so that it is at most a quarter of what all count together. `stakes` descend.
fn cap(stakes: &[u128], total: u128) -> u128 {
    let mut rest = total;
    for (above, stake) in (0u128..).zip(stakes) {
        let Some(shares) = SHARE_DIV.checked_sub(above).filter(|shares| *shares > 0) else { return *stake };
        // With `above` stakes cut to c: c = (above·c + rest) / 4, so c = rest / (4 - above).
        let cut = rest.checked_div(shares).unwrap_or(0);
        if *stake <= cut {
            return if above == 0 { *stake } else { cut };
        }
        rest = rest.saturating_sub(*stake);
    }
    // Fewer than four, or nothing behind them: a quarter for each cannot be.
    stakes.last().copied().unwrap_or(0)
}

/// How a block's fees are shared: six tenths to its leader, the rest to those in its seal by weight, what division leaves over
/// to the leader. Shares sum up to `fees`; nobody stands twice; `None` if the fees cannot be divided.
pub fn shares(
    fees: Amount,
    leader: PublicKey,
    seal: &Certificate,
    set: &ValidatorSet,
) -> Option<BTreeMap<PublicKey, Amount>> {
    let signers = seal.signatures.iter().filter_map(|signature| set.member(signature.index));
    let weight = signers.clone().fold(0u64, |sum, member| sum.saturating_add(member.weight));
    let for_signers = fees.minus(fees.share(LEADER_TENTHS, 10)?)?;
    let (mut shares, mut left) = (BTreeMap::new(), fees);
    for member in signers {
        let share = for_signers.share(member.weight, weight)?;
        left = left.minus(share)?;
        let held = shares.entry(member.key).or_insert(Amount::ZERO);
        *held = held.plus(share)?;
    }
    let held = shares.entry(leader).or_insert(Amount::ZERO);
    *held = held.plus(left)?;
    Some(shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{collections::BTreeSet, vec};
    use banyan_types::{
        Signature,
        committee::{MemberSignature, Statement},
    };
    use proptest::prelude::*;

    fn key(n: u8) -> PublicKey {
        PublicKey([n; 32])
    }

    fn coins(n: u64) -> Amount {
        Amount::coins(n).unwrap()
    }

    fn set(members: &[(u8, u64)]) -> ValidatorSet {
        let member = |(n, weight): &(u8, u64)| Member { key: key(*n), weight: *weight };
        ValidatorSet::new(members.iter().map(member).collect()).unwrap()
    }

    fn stakes(list: &[(PublicKey, Amount)]) -> Stakes<'_> {
        Stakes { list, stake_min: coins(10), least: 1 }
    }

    /// End an epoch with these stakes.
    fn turn(schedule: &mut Schedule, entropy: u8, list: &[(PublicKey, Amount)]) {
        let entropy = Some(Hash([entropy; 32])).filter(|entropy| *entropy != Hash::ZERO);
        schedule.turn(&End { entropy, snapshot: Snapshot::Stakes(&stakes(list)) });
    }

    fn genesis() -> Schedule {
        Schedule::genesis(Hash([1; 32]), &set(&[(1, 1), (2, 1), (3, 1), (4, 1)]))
    }

    #[test]
    fn the_first_four_epochs_have_the_set_of_the_genesis() {
        let stakes = [(key(7), coins(100)), (key(8), coins(100))];
        let mut schedule = genesis();
        let mut sets = vec![schedule.now.set.clone()];
        for entropy in 2..7 {
            turn(&mut schedule, entropy, &stakes);
            sets.push(schedule.now.set.clone());
        }
        let first = genesis().now.set;
        assert!(sets[..4].iter().all(|set| *set == first));
        assert!(sets[4..].iter().all(|set| set.members().iter().all(|member| member.key >= key(7))));
    }

    #[test]
    fn the_schedule_is_known_one_epoch_ahead_and_not_two() {
        let stakes = [(key(7), coins(100)), (key(8), coins(100))];
        let mut one = genesis();
        (2..6).for_each(|entropy| turn(&mut one, entropy, &stakes));
        let mut other = one.clone();
        // Stakes of epoch e are read while the seed of e is not drawn, and another seed changes no set.
        turn(&mut one, 6, &stakes);
        turn(&mut other, 7, &stakes);
        assert_eq!((&one.now, &one.next.set, &one.later), (&other.now, &other.next.set, &other.later));
        assert_ne!(one.next.seed, other.next.seed);
        // What is known one ahead is what runs then.
        let known = one.next.clone();
        turn(&mut one, 8, &stakes);
        assert_eq!(one.now, known);
    }

    #[test]
    fn stakes_rule_three_epochs_after_they_were_read() {
        let (before, after) = ([(key(7), coins(100))], [(key(9), coins(100))]);
        let mut schedule = genesis();
        (2..7).for_each(|entropy| turn(&mut schedule, entropy, &before));
        turn(&mut schedule, 7, &after);
        let leader = |schedule: &Schedule| schedule.now.set.members()[0].key;
        let mut leaders = vec![];
        for entropy in 8..11 {
            turn(&mut schedule, entropy, &after);
            leaders.push(leader(&schedule));
        }
        assert_eq!(leaders, [key(7), key(9), key(9)], "read at the end of e - 3, in force in e");
    }

    #[test]
    fn a_parent_that_stands_still_stops_no_epoch() {
        let stakes = [(key(7), coins(100))];
        let mut schedule = genesis();
        let mut seeds = BTreeSet::new();
        for _ in 0..10 {
            turn(&mut schedule, 0, &stakes);
            seeds.insert(schedule.now.seed);
        }
        assert_eq!((schedule.number, seeds.len()), (10, 10));
    }

    #[test]
    fn an_absent_validator_is_jailed_not_slashed() {
        let stakes: Vec<_> = (1..=4).map(|n| (key(n), coins(100))).collect();
        let mut schedule = genesis();
        let absent = schedule.epoch().leader(Height(1), 0);
        for height in
            (1..200).filter(|height| schedule.epoch().leader(Height(*height), 0) == absent).collect::<Vec<_>>()
        {
            schedule.count(Height(height), 1);
        }
        (2..7).for_each(|entropy| turn(&mut schedule, entropy, &stakes));
        assert_eq!(schedule.jailed, [absent]);
        assert!(schedule.now.set.place(&absent).is_none());
        assert_eq!(schedule.now.set.members().len(), 3);
        assert!(schedule.unjail(absent) && !schedule.unjail(absent));
        (7..10).for_each(|entropy| turn(&mut schedule, entropy, &stakes));
        assert!(schedule.now.set.place(&absent).is_some());
    }

    #[test]
    fn half_of_ones_turns_may_be_missed() {
        let mut schedule = genesis();
        let leader = schedule.epoch().leader(Height(1), 0);
        schedule.count(Height(1), 0);
        schedule.count(Height(1), 1);
        assert_eq!(schedule.turns_of(leader).missed, 1);
        turn(&mut schedule, 2, &[]);
        assert_eq!(schedule.jailed, []);
    }

    #[test]
    fn a_named_set_serves_in_the_first_epoch_whose_turns_are_not_known() {
        let named = set(&[(1, 1), (2, 1), (7, 1)]);
        let mut schedule = genesis();
        let mut edge = |entropy, named| {
            let entropy = Some(Hash([entropy; 32]));
            schedule.turn(&End { entropy, snapshot: Snapshot::Named(named) });
            (schedule.now.set == genesis().now.set, schedule.epoch())
        };
        assert!(edge(2, Some(&named)).0, "the turns of this epoch were known");
        let (is_first, epoch) = edge(3, None);
        assert!(!is_first && epoch.set == named);
        assert!((4..8).all(|entropy| edge(entropy, None).1.set == named));
    }

    #[test]
    fn too_few_make_no_set() {
        let list: Vec<_> = (5..8).map(|n| (key(n), coins(100))).collect();
        let edge = |schedule: &mut Schedule, least| {
            let snapshot = Snapshot::Stakes(&Stakes { least, ..stakes(&list) });
            schedule.turn(&End { entropy: None, snapshot })
        };
        let mut schedule = genesis();
        assert_eq!((0..4).map(|_| edge(&mut schedule, 4)).collect::<Vec<_>>(), [false, true, true, true]);
        assert_eq!(schedule.now.set, genesis().now.set);
        assert!(!edge(&mut schedule, 3));
        assert_eq!(schedule.later.members().len(), 3);
    }

    #[test]
    fn nobody_left_to_serve_means_the_same_set_again() {
        let mut schedule = genesis();
        (2..9).for_each(|entropy| turn(&mut schedule, entropy, &[(key(1), coins(1))]));
        assert_eq!(schedule.now.set, genesis().now.set);
    }

    #[test]
    fn one_key_has_at_most_a_quarter_where_others_can_have_the_rest() {
        let weights = |stakes: &[u64]| {
            let stakes: Vec<_> = (1u8..).zip(stakes).map(|(n, stake)| (key(n), coins(*stake))).collect();
            let set = choose(&super::Stakes { list: &stakes, stake_min: coins(10), least: 1 }, &[]).unwrap();
            let total = set.total();
            set.members().iter().map(|member| (member.weight * 1_000 + total / 2) / total).collect::<Vec<_>>()
        };
        assert_eq!(weights(&[1_000, 100, 100, 100]), [250, 250, 250, 250]);
        assert_eq!(weights(&[1_000, 100, 100, 100, 100]), [250, 187, 187, 187, 187]);
        assert_eq!(weights(&[1_000, 1_000, 100, 100, 100, 100]), [250, 250, 125, 125, 125, 125]);
        assert_eq!(weights(&[30, 20, 20, 20, 10]), [250, 214, 214, 214, 107]);
        assert_eq!(weights(&[20, 20, 20, 20, 20]), [200; 5]);
        assert_eq!(weights(&[1_000, 10]), [500, 500]);
    }

    proptest! {
        #[test]
        fn no_weight_is_above_a_quarter_of_five_or_more(stakes in proptest::collection::vec(10u64..1_000_000_000, 5..120)) {
            let stakes: Vec<_> = (0u8..).zip(&stakes).map(|(n, stake)| (key(n), coins(*stake))).collect();
            let set = choose(&super::Stakes { list: &stakes, stake_min: coins(10), least: 1 }, &[]).unwrap();
            prop_assert!(set.members().len() <= STAKED_MAX);
            let most = set.members().iter().map(|member| member.weight).max().unwrap();
            // Division rounds each weight down by less than one.
            prop_assert!(u128::from(most) * 4 <= u128::from(set.total()) + 4 * stakes.len() as u128);
        }

        #[test]
        fn shares_sum_up_to_the_fees(fees in 0u128..1 << 90, by in proptest::collection::btree_set(0u32..6, 0..6)) {
            let set = set(&[(1, 5), (2, 1), (3, 9), (4, 2), (5, 700), (6, 3)]);
            let signature = |index| MemberSignature { index, signature: Signature([0; 64]) };
            let statement = Statement::precommit(Height(1), 0, Hash([1; 32]));
            let seal = Certificate::gather(&statement, by.into_iter().map(signature).collect());
            let fees = Amount::new(fees).unwrap();
            let shares = shares(fees, key(2), &seal, &set).unwrap();
            let sum = shares.values().try_fold(Amount::ZERO, |sum, share| sum.plus(*share)).unwrap();
            prop_assert_eq!(sum, fees);
            prop_assert!(shares[&key(2)] >= fees.share(6, 10).unwrap());
        }
    }
}
