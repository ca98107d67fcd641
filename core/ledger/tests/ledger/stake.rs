//! Who may witness and lead: bonds, their way back, and the sets that they make.

use banyan_ledger::{
    BadSeal, CANDIDATES_MAX, Event, Fault, GenesisAccount, GenesisError, GenesisWitness, Invalid, LeaderBond, Outcome,
    Overlay, Rejected, Slashed, StakeRules, candidates, genesis_state,
};
use banyan_types::{
    AccountId, Amount, Era, Height, Nonce, PublicKey, Signature,
    tx::{Bond, Transaction, Unbond},
    witness::bond_message,
};

use crate::{stakers::*, support::*};

#[test]
fn the_first_witnesses_are_bonded_and_make_two_sets() {
    let root = staked();
    assert_eq!(root.supply().bonds, coins(100));
    assert_eq!(root.balance(WITNESSES[0]), coins(1_000), "a bond comes on top of the balance");
    let all = [(20, coins(10)), (21, coins(20)), (22, coins(30)), (23, coins(40))];
    assert_eq!((root.members(0), root.members(1), root.members(2)), (all.to_vec(), all.to_vec(), vec![]));
    for set in root.sets().sets {
        assert!(set.members.is_sorted_by_key(|member| member.key));
    }
}

#[test]
fn a_genesis_says_what_is_wrong_with_its_witnesses() {
    let with = |witnesses: Vec<GenesisWitness>| {
        genesis_state(&banyan_ledger::Genesis { witnesses, ..staked_genesis(stake_rules()) }).map(|_| ())
    };
    let first = WITNESSES.map(first_witness).to_vec();
    let changed = |change: fn(&mut Vec<GenesisWitness>)| {
        let mut witnesses = first.clone();
        change(&mut witnesses);
        with(witnesses)
    };
    let wrong = |what| Err(GenesisError::Witnesses { what });
    assert_eq!(with(first.clone()), Ok(()));
    assert_eq!(changed(|all| all.truncate(3)), wrong("fewer than witness_min or more than witness_max"));
    assert_eq!(changed(|all| all[0].bond = coins(9)), wrong("a bond is below bond_min"));
    assert_eq!(changed(|all| all[1].staker = all[0].staker), wrong("a staker or a key stands twice"));
    assert_eq!(changed(|all| all[1].key = all[0].key), wrong("a staker or a key stands twice"));
    assert_eq!(changed(|all| all[1].bond = Amount::MAX), Err(GenesisError::TooMuch { cap: Amount::MAX }));
    let off = banyan_ledger::Genesis { witnesses: first, ..genesis(root_params(), &[]) };
    assert_eq!(genesis_state(&off).map(|_| ()), wrong("they are off on this ledger"));
}

#[test]
fn stake_rules_that_no_root_can_live_with_are_refused() {
    let bond = |coinbase_div| Some(LeaderBond { from: Era(0), coinbase_div });
    let rows = [
        ("witness_min", StakeRules { witness_min: 0, ..stake_rules() }),
        ("witness_min", StakeRules { witness_min: 7, ..stake_rules() }),
        ("witness_max", StakeRules { witness_max: 257, ..stake_rules() }),
        ("bond_min", StakeRules { bond_min: units(999), ..stake_rules() }),
        ("weight_cap_permille", StakeRules { weight_cap_permille: 0, ..stake_rules() }),
        ("weight_cap_permille", StakeRules { weight_cap_permille: 1_001, ..stake_rules() }),
        ("leader_bond", StakeRules { leader_bond: bond(0), ..stake_rules() }),
        ("unbond_eras", StakeRules { unbond_eras: 0, ..stake_rules() }),
    ];
    for (field, rules) in rows {
        assert_eq!(genesis_state(&staked_genesis(rules)).map(|_| ()), Err(GenesisError::Params { field }));
    }
    let mut short = staked_genesis(stake_rules());
    short.params.root.as_mut().unwrap().era = 1;
    assert_eq!(genesis_state(&short).map(|_| ()), Err(GenesisError::Params { field: "era" }));
}

#[test]
fn stake_has_no_place_where_it_is_off() {
    let (pair, staked) = (crate::support::Pair::funded(), staked());
    let txs: [Transaction; 4] = [
        staked.bond(ALICE, coins(1)).into(),
        staked.unbond(ALICE, coins(1)).into(),
        staked.report(ALICE, &double(&staked, 20), 20).into(),
        staked.renew(ALICE).into(),
    ];
    for tx in txs {
        let kind = tx.kind();
        for ledger in [&pair.root, &pair.child] {
            assert_eq!(ledger.ask(ALICE, tx.clone()), Err(Rejected::NotHere { kind }));
        }
    }
}

#[test]
fn bond_rejects_in_the_written_order() {
    let mut root = staked();
    root.run(BOB, root.report(BOB, &double_lock(&root, 20), 20));
    let good = root.bond(ALICE, coins(5));
    let balance = root.balance(ALICE);
    let wrong = Bond { amount: Amount::ZERO, key: vote_key(21), proof: Signature([0; 64]), ..good.clone() };
    Wrong::new(wrong, |tx| root.ask(ALICE, tx.clone()))
        .says(Rejected::NoAmount, |tx| tx.amount = balance)
        .says(Rejected::Funds { balance, needed: balance.plus(FEE).unwrap() }, |tx| tx.amount = coins(1))
        .says(Rejected::KeyUsed { staker: account(21) }, |tx| tx.key = good.key)
        .says(Rejected::KeyProof, |tx| tx.proof = good.proof)
        .accepted();

    let slashed = root.bond_by(20, &voter(30), coins(1));
    assert_eq!(root.ask(20, slashed), Err(Rejected::Slashed { staker: account(20) }));
    let other = root.bond_by(21, &voter(30), coins(1));
    assert_eq!(root.ask(21, other), Err(Rejected::StakeKey { expected: vote_key(21), got: vote_key(30) }));
    let mut elsewhere = root.bond(ALICE, coins(1));
    elsewhere.proof = root.bond(BOB, coins(1)).proof;
    assert_eq!(root.ask(ALICE, elsewhere), Err(Rejected::KeyProof), "the proof names the account");
}

#[test]
fn unbond_and_renew_reject_in_the_written_order() {
    let mut root = staked();
    let all = Unbond { amount: Amount::ZERO, from_id: account(BOB), ..root.unbond(BOB, coins(1)) };
    Wrong::new(all, |tx| root.ask(if tx.from_id == account(BOB) { BOB } else { 20 }, tx.clone()))
        .says(Rejected::NoAmount, |tx| tx.amount = coins(11))
        .says(Rejected::NoStake { staker: account(BOB) }, |tx| tx.from_id = account(20))
        .says(Rejected::Unbond { bonded: coins(10), got: coins(11) }, |tx| tx.amount = coins(1));
    let few = root.ask(20, root.unbond(20, coins(1))).unwrap_err();
    assert_eq!((&few, few.fault()), (&Rejected::WitnessesTooFew { min: 4, left: 3 }, Fault::Early));
    assert!(root.ask(21, root.unbond(21, coins(10))).is_ok(), "what is left is a bond still");

    assert_eq!(root.ask(BOB, root.renew(BOB)), Err(Rejected::NoStake { staker: account(BOB) }));
    root.run(BOB, root.report(BOB, &double_lock(&root, 20), 20));
    assert_eq!(root.ask(20, root.renew(20)), Err(Rejected::Slashed { staker: account(20) }));
    assert!(root.ask(20, root.unbond(20, coins(9))).is_ok(), "what was left of it may go");
}

#[test]
fn a_key_serves_one_stake_for_ever() {
    let mut root = staked();
    root.run(ALICE, root.bond(ALICE, coins(10)));
    root.run(ALICE, root.unbond(ALICE, coins(10)));
    root.grow_to(11);
    assert_eq!(root.stake(ALICE).unwrap().at_stake(), Some(Amount::ZERO));
    let stolen = root.bond_by(BOB, &voter(ALICE), coins(10));
    assert_eq!(root.ask(BOB, stolen), Err(Rejected::KeyUsed { staker: account(ALICE) }));
    assert!(root.ask(ALICE, root.bond(ALICE, coins(10))).is_ok());
}

#[test]
fn what_is_unbonded_behind_an_eras_last_key_block_answers_for_the_set_that_it_wrote() {
    let mut root = staked();
    root.run(ALICE, root.bond(ALICE, coins(50)));
    root.grow_to(ERA - 1);
    assert!(root.members(2).contains(&(ALICE, coins(50))), "the key block has written the set of era 2");
    root.run(ALICE, root.unbond(ALICE, coins(50)));
    // It serves through era 2, and one more era it answers.
    assert_eq!(root.stake(ALICE).unwrap().unbonding[0].release, Height(4 * ERA - 1));
    root.grow_to(2 * ERA - 1);
    assert!(!root.members(3).iter().any(|(person, _)| *person == ALICE));
}

#[test]
fn what_is_unbonded_is_paid_back_one_wait_after_the_last_era_that_it_served() {
    let mut root = staked();
    root.run(ALICE, root.bond(ALICE, coins(50)));
    let held = root.balance(ALICE);
    let made = root.run(ALICE, root.unbond(ALICE, coins(20)));
    // In era 0 the sets of 0 and 1 are written; one more era it answers.
    let release = Height(11);
    let event = Event::Unbonded { staker: account(ALICE), amount: coins(20), release };
    assert_eq!(made.events.last(), Some(&event));
    root.run(ALICE, root.unbond(ALICE, coins(5)));
    assert_eq!(root.stake(ALICE).unwrap().unbonding.len(), 1, "parts of one height are one");
    let fees = FEE.plus(FEE).unwrap();
    root.grow_to(10);
    assert_eq!(root.balance(ALICE), held.minus(fees).unwrap());
    let made = root.key_block(LEADER);
    assert!(made.events.contains(&Event::Released { staker: account(ALICE), amount: coins(25) }));
    assert_eq!(root.balance(ALICE), held.minus(fees).unwrap().plus(coins(25)).unwrap());
    assert_eq!(root.stake(ALICE).unwrap().at_stake(), Some(coins(25)));
}

#[test]
fn a_set_is_the_largest_stakes_and_changes_two_eras_later() {
    let mut root = staked();
    for (person, amount) in [(ALICE, 10), (BOB, 35), (CAROL, 10)] {
        root.run(person, root.bond(person, coins(amount)));
    }
    root.grow_to(2);
    assert_eq!(root.sets().sets.len(), 2);
    let made = root.key_block(LEADER);
    // Of the three with ten coins, the lower key has the last place.
    let last = [ALICE, CAROL, 20].into_iter().min_by_key(|person| vote_key(*person)).unwrap();
    let mut expected = vec![(last, coins(10)), (21, coins(20)), (22, coins(30)), (23, coins(40)), (BOB, coins(35))];
    let second = [ALICE, CAROL, 20].into_iter().filter(|person| *person != last).min_by_key(|person| vote_key(*person));
    expected.push((second.unwrap(), coins(10)));
    expected.sort_unstable();
    assert_eq!(root.members(2), expected);
    let changed = Event::SetChanged { era: Era(2), members: 6, total: coins(145), repeated: false };
    assert!(made.events.contains(&changed));
    assert_eq!(root.members(1).len(), 4);
    root.grow_to(7);
    let eras: Vec<_> = root.sets().sets.iter().map(|set| set.era).collect();
    assert_eq!(eras, [Era(1), Era(2), Era(3)]);
}

#[test]
fn no_member_of_a_large_set_outweighs_its_share() {
    let mut root = staked_by(StakeRules { witness_max: 256, ..stake_rules() });
    for person in 40..46 {
        let spend = root.spend(ALICE, account(person), coins(100));
        root.run(ALICE, spend);
        root.run(person, root.bond(person, coins(10)));
    }
    root.grow_to(3);
    // Ten members with 160 coins: nobody weighs more than sixteen.
    let expected = [(20, 10), (21, 16), (22, 16), (23, 16)].map(|(person, weight)| (person, coins(weight)));
    assert_eq!(root.members(2)[..4], expected);
    assert_eq!(root.members(1)[3], (23, coins(40)), "a small set is not capped");
}

#[test]
fn whoever_does_not_renew_leaves_the_sets() {
    let mut root = staked_by(StakeRules { renew_eras: Some(2), ..stake_rules() });
    root.run(ALICE, root.bond(ALICE, coins(10)));
    root.grow_to(4);
    for person in WITNESSES {
        let made = root.run(person, root.renew(person));
        assert_eq!(made.events.last(), Some(&Event::Renewed { staker: account(person), to: Era(3) }));
    }
    root.grow_to(7);
    assert_eq!((root.members(2).len(), root.members(3).len()), (5, 4), "her registration ended with era 2");
    for person in WITNESSES.into_iter().chain([ALICE]) {
        root.run(person, root.renew(person));
    }
    root.grow_to(8);
    for person in WITNESSES.into_iter().chain([ALICE]) {
        root.run(person, root.renew(person));
    }
    root.grow_to(11);
    assert_eq!(root.members(4).len(), 5, "she is back");
}

/// A root and many more people than can be candidates, with their keys; each has 100 coins.
fn crowded() -> (Ledger, Vec<banyan_crypto::SecretKey>) {
    let seed = |n: u16| {
        let mut seed = [77; 32];
        seed[..2].copy_from_slice(&n.to_be_bytes());
        seed
    };
    let people: Vec<_> = (0..1_030).map(|n| banyan_crypto::SecretKey::from_seed(seed(n))).collect();
    let mut genesis = staked_genesis(stake_rules());
    genesis
        .accounts
        .extend(people.iter().map(|key| GenesisAccount { account: AccountId(key.public()), balance: coins(100) }));
    let mut root = Ledger::new(&genesis);
    root.key_block(LEADER);
    (root, people)
}

#[test]
fn the_largest_stakes_stay_candidates_and_many_releases_take_several_blocks() {
    let (mut root, people) = crowded();
    let (chain, network) = (root.engine().chain, root.params.network_id.clone());
    let bond = |key: &banyan_crypto::SecretKey| {
        let from_id = AccountId(key.public());
        let proof = Signature(key.sign(&bond_message(chain, from_id)));
        let key_of = PublicKey(key.public());
        let bond = Bond { from_id, amount: coins(11), key: key_of, proof, ttl: Height(0), fee: FEE, nonce: Nonce(1) };
        Transaction::from(bond).sign(&network, key)
    };
    root.micro(&people.iter().map(bond).collect::<Vec<_>>()).unwrap();
    let listed = candidates(&mut Overlay::new(root.state.clone())).unwrap().list;
    assert_eq!(listed.len(), CANDIDATES_MAX);
    let is_listed = |staker: AccountId| listed.iter().any(|one| one.staker == staker);
    // Of the first four, the one with ten coins is the least; six more fell out by the higher key.
    assert!(!is_listed(account(20)) && is_listed(account(21)));
    let mut left_out: Vec<_> = people.iter().filter(|key| !is_listed(AccountId(key.public()))).collect();
    left_out.sort_by_key(|key| key.public());
    let mut all: Vec<_> = people.iter().collect();
    all.sort_by_key(|key| key.public());
    assert_eq!(left_out.len(), 9);
    assert!(left_out.iter().zip(&all[all.len() - 9..]).all(|(out, last)| out.public() == last.public()));

    let unbond = |key: &banyan_crypto::SecretKey| {
        let from_id = AccountId(key.public());
        let unbond = Unbond { from_id, amount: coins(11), ttl: Height(0), fee: FEE, nonce: Nonce(2) };
        Transaction::from(unbond).sign(&network, key)
    };
    root.run(20, root.bond(20, coins(30)));
    root.micro(&people.iter().map(unbond).collect::<Vec<_>>()).unwrap();
    root.grow_to(10);
    let released = |made: Outcome| made.events.iter().filter(|event| matches!(event, Event::Released { .. })).count();
    assert_eq!((released(root.key_block(LEADER)), released(root.key_block(LEADER))), (1_024, 6));
    assert_eq!(root.supply().bonds, coins(130));
}

#[test]
fn too_few_candidates_repeat_the_set_and_hold_what_its_members_unbonded() {
    let mut root = staked();
    root.run(23, root.unbond(23, coins(5)));
    assert_eq!(root.stake(23).unwrap().unbonding[0].release, Height(11));
    root.run(BOB, root.report(BOB, &double_lock(&root, 20), 20));
    assert_eq!(root.stake(20).unwrap().slashed, Slashed::Lock);
    root.grow_to(2);
    let made = root.key_block(LEADER);
    let repeated = Event::SetChanged { era: Era(2), members: 4, total: coins(100), repeated: true };
    assert!(made.events.contains(&repeated));
    assert_eq!(root.members(2), root.members(1));
    assert_eq!(root.stake(23).unwrap().unbonding[0].release, Height(15), "it answers for one era more");
    root.grow_to(11);
    assert_eq!(root.stake(23).unwrap().unbonding.len(), 1, "the old date pays nothing");
}

#[test]
fn without_a_bond_a_generation_stays_empty() {
    // Half of a coinbase of 100 coins, from era 1 on.
    let rule = LeaderBond { from: Era(1), coinbase_div: 2 };
    let mut root = staked_by(StakeRules { leader_bond: Some(rule), ..stake_rules() });
    let spend = |root: &Ledger| root.sign(ALICE, root.spend(ALICE, account(BOB), coins(1)));
    root.grow_to(3);
    root.micro(&[spend(&root)]).unwrap();
    let early = root.bond_by(LEADER, &secret(LEADER), coins(49));
    root.run(LEADER, early);
    root.key_block(LEADER);
    let leader = banyan_types::PublicKey(secret(LEADER).public());
    assert_eq!(root.micro(&[spend(&root)]), Err(Invalid::Unbonded { leader }));
    // Nobody can bond in an empty generation: another leader, who has bonded, must let them.
    root.key_block(CAROL);
    assert!(matches!(root.micro(&[spend(&root)]), Err(Invalid::Unbonded { .. })));
}

#[test]
fn a_bond_counts_from_the_key_block_after_it() {
    let rule = LeaderBond { from: Era(1), coinbase_div: 2 };
    let mut root = staked_by(StakeRules { leader_bond: Some(rule), ..stake_rules() });
    root.grow_to(3);
    root.run(LEADER, root.bond_by(LEADER, &secret(LEADER), coins(50)));
    root.run(CAROL, root.bond_by(CAROL, &secret(CAROL), coins(50)));
    root.run(CAROL, root.unbond(CAROL, units(1)));
    root.key_block(CAROL);
    assert!(!root.engine().may_fill, "what is on its way back does not count");
    root.key_block(LEADER);
    assert!(root.engine().may_fill);
    root.run(LEADER, root.unbond(LEADER, coins(50)));
    assert!(root.engine().may_fill, "by the state before its key block");
    root.key_block(LEADER);
    assert!(!root.engine().may_fill);
}

#[test]
fn a_seal_where_witnesses_are_off_is_refused() {
    let staked = staked();
    let mut off = Ledger::root();
    let seal = staked.seal_of(1, 0, &WITNESSES);
    let refused = off.sealing(off.key_header(LEADER), Some(&seal));
    assert_eq!(refused, Err(Invalid::Seal(BadSeal::Off)));
}
