//! What leaders earn, when they get it, and that no coin comes from anywhere but the pool.

use banyan_ledger::{Anchors, EmissionRow, Event, Params, Reward, RootRules, Shares, key};
use banyan_types::{Amount, Height};
use proptest::prelude::*;

use crate::support::*;

/// Leaders of the blocks in these tests, who own nothing at first.
const LEADERS: [u8; 2] = [30, 31];

fn pending(root: &Ledger, height: u64) -> Option<Shares> {
    use banyan_ledger::Base as _;
    let bytes = root.state.read(&key::reward(Height(height))).unwrap();
    bytes.map(|bytes| banyan_ledger::PendingReward::decode(&bytes).unwrap().shares)
}

fn root_with(rules: RootRules) -> Ledger {
    Ledger::new(&genesis(Params { root: Some(rules), ..root_params() }, &[(ALICE, coins(1_000))]))
}

/// Pay exactly this in fees.
fn burn_in_fees(root: &mut Ledger, fees: Amount) {
    let spend = banyan_types::tx::Spend { fee: fees, ..root.spend(ALICE, account(ALICE), Amount::ZERO) };
    root.micro(&[root.sign(ALICE, spend)]).unwrap();
}

#[test]
fn rewards_split_forty_sixty_and_wait() {
    let mut root = root_with(root_rules());
    root.key_block(LEADERS[0]);
    let fees = units(50_000_000_000_000_003);
    burn_in_fees(&mut root, fees);
    root.key_block(LEADERS[1]);
    let before = units(20_000_000_000_000_001); // floor(2/5)
    let after = fees.minus(before).unwrap().plus(coins(90)).unwrap();
    let expected = Shares {
        before: Reward { beneficiary: account(LEADERS[0]), amount: before },
        after: Reward { beneficiary: account(LEADERS[1]), amount: after },
    };
    assert_eq!(pending(&root, 2), Some(expected));
    assert!(LEADERS.iter().all(|leader| root.balance(*leader).is_zero()));
    assert_eq!(root.engine().pot, coins(20));
    assert_eq!(root.supply().fees, Amount::ZERO);
}

#[test]
fn the_genesis_leads_nobody() {
    let mut root = root_with(root_rules());
    root.key_block(LEADERS[0]);
    let shares = pending(&root, 1).unwrap();
    assert_eq!(shares.before.amount, Amount::ZERO);
    assert_eq!(shares.after, Reward { beneficiary: account(LEADERS[0]), amount: coins(90) });
}

#[test]
fn rewards_mature_exactly_after_maturity() {
    let mut root = root_with(root_rules());
    let maturity = root_rules().maturity;
    root.key_block(LEADERS[0]);
    for _ in 1..maturity {
        let outcome = root.key_block(LEADERS[1]);
        assert_eq!(outcome.events, [], "nothing is paid before its time");
    }
    assert!(root.balance(LEADERS[0]).is_zero() && pending(&root, 1).is_some());
    let outcome = root.key_block(LEADERS[1]);
    assert_eq!(outcome.events, [Event::Rewarded { account: account(LEADERS[0]), amount: coins(90) }]);
    assert_eq!((root.balance(LEADERS[0]), pending(&root, 1)), (coins(90), None));
    root.key_block(LEADERS[1]);
    assert_eq!((root.balance(LEADERS[0]), root.balance(LEADERS[1])), (coins(90), coins(90)));
}

#[test]
fn the_pot_holds_an_eras_tenths_of_the_coinbase_as_it_is() {
    let emission = [(1, 100), (6, 50), (9, 0)].map(|(from, coins)| EmissionRow { from: Height(from), coins });
    let rules = RootRules { era: 3, tail_div: u64::MAX, emission: emission.to_vec(), ..root_rules() };
    let mut root = root_with(rules);
    let pots: Vec<_> = (1..=9)
        .map(|_| {
            root.key_block(LEADERS[0]);
            root.engine().pot
        })
        .collect();
    let whole = [10, 20, 30, 30, 30, 15, 15, 15].map(coins);
    assert_eq!(pots[..8], whole);
    // The tail is less than a unit of the pool by then: the whole pot went back.
    assert!(pots[8] < units(1_000_000_000_000));
}

#[test]
fn the_tail_never_ends_and_never_leaves_the_pool() {
    let emission = vec![EmissionRow { from: Height(1), coins: 0 }];
    let rules = RootRules {
        supply_cap: coins(1_010),
        tail_div: 2,
        emission,
        maturity: 1,
        era: 1,
        stake: None,
        anchors: Anchors::default(),
    };
    let mut root = root_with(rules);
    let mut last = root.supply().pool;
    for _ in 0..60 {
        root.key_block(LEADERS[0]);
        let pool = root.supply().pool;
        assert!(pool <= last);
        last = pool;
    }
    assert!(last < coins(1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn minted_and_pool_are_the_cap_at_every_height(
        coinbases in proptest::collection::vec(0u64..1_000, 1..8),
        (cap, tail_div, era, maturity) in (20_000u64..1_000_000, 1u64..1_000, 1u64..6, 1u64..6),
        fees in proptest::collection::vec(0u128..1_000_000_000_000_000_000, 1..16),
    ) {
        let rows = coinbases.iter().zip(1..).map(|(coins, from)| EmissionRow { from: Height(from), coins: *coins });
        let end = EmissionRow { from: Height(coinbases.len() as u64 + 1), coins: 0 };
        let emission = rows.chain([end]).collect();
        // Ledger::check, after every block, is the law.
        let mut root = root_with(RootRules { supply_cap: coins(cap), maturity, era, emission, tail_div, stake: None, anchors: Anchors::default() });
        for fee in fees {
            root.key_block(LEADERS[usize::from(fee % 2 == 0)]);
            burn_in_fees(&mut root, FEE.plus(units(fee)).unwrap());
        }
    }

    #[test]
    fn fees_split_forty_sixty_to_the_last_unit(fees in 20_000_000_000_000u128..10_000_000_000_000_000_000) {
        let mut root = root_with(root_rules());
        root.key_block(LEADERS[0]);
        burn_in_fees(&mut root, units(fees));
        root.key_block(LEADERS[1]);
        let shares = pending(&root, 2).unwrap();
        prop_assert_eq!(shares.before.amount.base(), fees * 2 / 5);
        prop_assert_eq!(shares.before.amount.plus(shares.after.amount), units(fees).plus(coins(90)));
    }
}
