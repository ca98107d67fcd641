//! Evidence: what cheats lose, who gets it, and that nobody else loses anything.

use banyan_ledger::{Event, Fault, Offence, Rejected, Slashed, StakeRules};
use banyan_types::{
    AccountId, Amount, Bytes, Hash, Height, Round,
    rlp::DecodeError,
    tx::{Evidence, Transaction},
    witness::{Statement, VoteKind},
};
use proptest::prelude::*;

use crate::{
    replay::{replayed, unwound},
    stakers::*,
    support::*,
};

/// A twentieth.
fn reward(lost: Amount) -> Amount {
    lost.share(1, 20).unwrap()
}

#[test]
fn evidence_of_each_kind_slashes_once() {
    let kinds: [(fn(&Ledger, u8) -> [banyan_types::witness::Vote; 2], Offence, u64, Slashed); 3] = [
        (double, Offence::Double, 40, Slashed::Whole),
        (unlock, Offence::Unlock, 40, Slashed::Whole),
        (double_lock, Offence::DoubleLock, 4, Slashed::Lock),
    ];
    for (votes, offence, lost, slashed) in kinds {
        let mut root = staked();
        let (pool, balance) = (root.supply().pool, root.balance(ALICE));
        let made = root.run(ALICE, root.report(ALICE, &votes(&root, 23), 23));
        let (amount, reporter) = (coins(lost), account(ALICE));
        let event = Event::Slashed { staker: account(23), offence, amount, reporter, reward: reward(amount) };
        assert_eq!(made.events.last(), Some(&event));
        assert_eq!(root.balance(ALICE), balance.minus(FEE).unwrap().plus(reward(amount)).unwrap());
        assert_eq!(root.supply().pool, pool.plus(amount).unwrap().minus(reward(amount)).unwrap());
        let stake = root.stake(23).unwrap();
        assert_eq!((stake.bonded, stake.slashed), (coins(40 - lost), slashed));

        let [a, b] = votes(&root, 23);
        for again in [[a, b], [b, a]] {
            assert_eq!(root.ask(BOB, root.report(BOB, &again, 23)), Err(Rejected::Slashed { staker: account(23) }));
        }
    }
}

#[test]
fn a_lock_that_was_paid_for_leaves_the_rest_to_answer() {
    let mut root = staked();
    root.run(ALICE, root.report(ALICE, &double_lock(&root, 23), 23));
    let made = root.run(ALICE, root.report(ALICE, &double(&root, 23), 23));
    assert!(matches!(made.events.last(), Some(Event::Slashed { amount, .. }) if *amount == coins(36)));
    assert_eq!(root.ask(BOB, root.report(BOB, &double_lock(&root, 23), 23)).unwrap_err().code(), "slashed");
}

#[test]
fn what_is_on_its_way_back_answers_too() {
    let mut root = staked();
    root.run(23, root.unbond(23, coins(30)));
    let mut tenth = root.clone();
    let made = root.run(ALICE, root.report(ALICE, &double(&root, 23), 23));
    assert!(matches!(made.events.last(), Some(Event::Slashed { amount, .. }) if *amount == coins(40)));
    assert_eq!(root.stake(23).unwrap().at_stake(), Some(Amount::ZERO));
    root.grow_to(15);
    assert!(root.balance(23) < coins(1_000), "nothing comes back");

    tenth.run(ALICE, tenth.report(ALICE, &double_lock(&tenth, 23), 23));
    assert_eq!(tenth.stake(23).unwrap().bonded, coins(6), "a tenth of all, from what is bonded");
}

#[test]
fn the_slashed_leave_the_sets_not_yet_written() {
    let mut root = staked();
    root.run(BOB, root.bond(BOB, coins(15)));
    root.run(ALICE, root.report(ALICE, &double_lock(&root, 23), 23));
    root.grow_to(3);
    let people = |era| root.members(era).into_iter().map(|(person, _)| person).collect::<Vec<_>>();
    assert_eq!((people(1), people(2)), (vec![20, 21, 22, 23], vec![BOB, 20, 21, 22]));
}

#[test]
fn evidence_by_votes_rejects_in_the_written_order() {
    let root = staked();
    let honest = statement(&root, VoteKind::Precommit, 1, 1, (0, 0));
    let elsewhere = vote(Statement { chain: Hash([1; 32]), ..honest }, 22);
    let wrong = Evidence { statement_b: Bytes(vec![1]), ..root.report(ALICE, &[elsewhere, vote(honest, 23)], BOB) };
    let [a, b] = double(&root, 23).map(|vote| Bytes(vote.encode()));
    Wrong::new(wrong, |tx| root.ask(ALICE, tx.clone()))
        .says(Rejected::Decode(DecodeError::Malformed("length of a vote")), |tx| tx.statement_b = a.clone())
        .says(Rejected::OtherChain { expected: root.engine().chain, got: Hash([1; 32]) }, |tx| {
            tx.statement_a = Bytes(vote(honest, 22).encode());
        })
        .says(Rejected::NoStake { staker: account(BOB) }, |tx| tx.staker_id = account(23))
        .says(Rejected::NoFault, |tx| tx.statement_b = b.clone())
        .says(Rejected::NotSigned { statement: 0 }, |tx| {
            tx.statement_a = a.clone();
            tx.statement_b = Bytes(double(&root, 22)[1].encode());
        })
        .says(Rejected::NotSigned { statement: 1 }, |tx| tx.statement_b = b)
        .accepted();
}

#[test]
fn votes_that_an_honest_key_may_sign_are_no_evidence() {
    let root = staked();
    let precommit = |round, hash| statement(&root, VoteKind::Precommit, round, hash, (0, 0));
    let prevote = |round, hash, source| statement(&root, VoteKind::Prevote, round, hash, source);
    let lock = |index, hash| Statement { index, ..statement(&root, VoteKind::Lock, 0, hash, (0, 9)) };
    let other_era = |statement| Statement { era: banyan_types::Era(1), ..statement };
    let rows = [
        ("one vote twice", precommit(1, 1), precommit(1, 1)),
        ("two rounds", precommit(1, 1), precommit(2, 2)),
        ("two kinds of one round", precommit(1, 1), prevote(1, 2, (0, 0))),
        ("a prevote on what it precommitted", precommit(2, 1), prevote(3, 5, (2, 1))),
        ("a prevote on a later justification", precommit(2, 1), prevote(4, 5, (3, 7))),
        ("a prevote before the precommit", precommit(3, 1), prevote(2, 5, (1, 7))),
        ("another era", precommit(2, 1), other_era(prevote(3, 5, (1, 7)))),
        ("two places of a generation", lock(1, 1), lock(2, 2)),
    ];
    for (what, a, b) in rows {
        let tx = root.report(ALICE, &[a, b].map(|statement| vote(statement, 23)), 23);
        assert_eq!(root.ask(ALICE, tx), Err(Rejected::NoFault), "{what}");
    }
    // The place that a vote names is not signed, so two places are no two statements.
    let mut moved = vote(precommit(1, 1), 23);
    moved.by = 3;
    let tx = root.report(ALICE, &[vote(precommit(1, 1), 23), moved], 23);
    assert_eq!(root.ask(ALICE, tx), Err(Rejected::NoFault));
}

#[test]
fn a_precommit_is_forgotten_by_another_source_of_its_round() {
    let root = staked();
    let precommit = statement(&root, VoteKind::Precommit, 2, 1, (0, 0));
    let prevote = statement(&root, VoteKind::Prevote, 3, 2, (2, 6));
    for pair in [[precommit, prevote], [prevote, precommit]] {
        let made = root.ask(ALICE, root.report(ALICE, &pair.map(|statement| vote(statement, 23)), 23)).unwrap();
        assert!(matches!(made.events.last(), Some(Event::Slashed { offence: Offence::Unlock, .. })));
    }
}

/// Two key blocks of one height, each precommitted by a quorum: who did both is guilty, by any two of their votes, and
/// they are more than a third.
#[test]
fn one_third_plus_one_equivocating_is_always_provable() {
    let mut root = staked_by(StakeRules { witness_max: 16, ..stake_rules() });
    let [left, right]: [&[u8]; 2] = [&[20, 22, 23], &[21, 22, 23]];
    let both: Vec<_> = left.iter().filter(|person| right.contains(person)).copied().collect();
    let set = root.sets().sets[0].clone();
    let weight = |people: &[u8]| set.weight_at(people.iter().map(|person| set.place(&vote_key(*person)).unwrap()));
    assert!(set.is_quorum(weight(left)) && set.is_quorum(weight(right)) && set.is_third(weight(&both)));
    for round in [1, 2] {
        // In one round both precommit twice; in the next the second block was prevoted over another source.
        let mut guilty = root.clone();
        for person in &both {
            let first = statement(&root, VoteKind::Precommit, 1, 1, (0, 0));
            let second = match round {
                1 => statement(&root, VoteKind::Precommit, 1, 2, (0, 0)),
                _ => Statement { round: Round(2), ..statement(&root, VoteKind::Prevote, 2, 2, (0, 0)) },
            };
            guilty.run(ALICE, guilty.report(ALICE, &[first, second].map(|what| vote(what, *person)), *person));
        }
        assert!(both.iter().all(|person| guilty.stake(*person).unwrap().slashed == Slashed::Whole));
        root.key_block(LEADER);
    }
}

/// A root whose leader has bonded 60 coins under its key; heights 2 to 4 stand, with fees in each generation.
fn led() -> Ledger {
    let mut root = staked();
    root.run(LEADER, root.bond_by(LEADER, &secret(LEADER), coins(60)));
    for _ in 0..3 {
        root.key_block(LEADER);
        root.run(BOB, root.spend(BOB, account(BOB), Amount::ZERO));
    }
    root
}

#[test]
fn a_forking_leader_loses_both_rewards_and_the_bond() {
    let mut root = led();
    let [own, next] = [2, 3].map(|height| root.pending(height).unwrap().shares);
    let lost = sum([own.after.amount, next.before.amount, coins(60)]);
    assert!(!next.before.amount.is_zero());
    let (pool, balance) = (root.supply().pool, root.balance(ALICE));
    let made = root.run(ALICE, root.report_fork(ALICE, 2, 1, LEADER));
    let (staker, reporter) = (account(LEADER), account(ALICE));
    let event = Event::Slashed { staker, offence: Offence::Fork, amount: lost, reporter, reward: reward(lost) };
    assert_eq!(made.events.last(), Some(&event));
    assert_eq!(root.balance(ALICE), balance.minus(FEE).unwrap().plus(reward(lost)).unwrap());
    assert_eq!(root.supply().pool, pool.plus(lost).unwrap().minus(reward(lost)).unwrap());
    assert_eq!(root.stake(LEADER).unwrap().at_stake(), Some(Amount::ZERO));
    let [after_own, after_next] = [2, 3].map(|height| root.pending(height).unwrap().shares);
    assert_eq!((after_own.before, after_own.after.amount), (own.before, Amount::ZERO));
    assert_eq!((after_next.before.amount, after_next.after), (Amount::ZERO, next.after));

    // A second generation that it forked costs that one's rewards, though no stake is left.
    let more = root.pending(3).unwrap().shares.after.amount;
    let made = root.run(ALICE, root.report_fork(ALICE, 3, 7, LEADER));
    assert!(matches!(made.events.last(), Some(Event::Slashed { amount, .. }) if *amount > more));
}

#[test]
fn two_headers_with_one_index_are_fraud_at_any_depth() {
    for index in [1, 2, 50, 4_096] {
        let mut root = led();
        assert!(root.ask(ALICE, root.report_fork(ALICE, 2, index, LEADER)).is_ok());
        // Also when both are far from the chain that stands, and from each other.
        let mut tx = root.report_fork(ALICE, 2, index, LEADER);
        let key = root.keys[1].clone();
        let mut far = micro_on(&root, &key, index, 3, LEADER);
        far.prev_hash = Hash([77; 32]);
        far.signature = banyan_types::Signature(secret(LEADER).sign(&far.signing_message(&root.params.network_id)));
        tx.statement_b = Bytes(far.encode());
        root.run(ALICE, tx);
    }
}

#[test]
fn anyone_can_report_until_the_reward_is_paid() {
    let root = led();
    let now = root.height();
    let early = root.ask(ALICE, root.report_fork(ALICE, now.0, 1, LEADER)).unwrap_err();
    assert_eq!((&early, early.fault()), (&Rejected::KeyBlockEarly { height: now, got: now }, Fault::Early));
    for reporter in [ALICE, CAROL, 20] {
        let mut root = root.clone();
        root.grow_to(2 + root_rules().maturity - 1);
        assert!(root.ask(reporter, root.report_fork(reporter, 2, 1, LEADER)).is_ok());
        root.key_block(LEADER);
        let refused = root.ask(reporter, root.report_fork(reporter, 2, 1, LEADER));
        assert_eq!(refused, Err(Rejected::Paid { got: Height(2) }));
    }
}

#[test]
fn evidence_of_a_fork_rejects_in_the_written_order() {
    let mut root = led();
    root.run(CAROL, root.report_fork(CAROL, 3, 1, LEADER));
    root.key_blocks(3);
    let good = root.report_fork(ALICE, 4, 1, LEADER);
    let key = |height: usize| root.keys[height - 1].clone();
    let fork = |key: &banyan_types::header::KeyHeader, index: u32, content: u8, leader: u8| {
        Bytes([key.encode(), micro_on(&root, key, index, content, leader).encode()].concat())
    };
    let mut off_chain = key(2);
    off_chain.nonce = 9;
    let wrong = Evidence { statement_a: Bytes(vec![0; 659]), staker_id: account(BOB), ..good.clone() };
    Wrong::new(wrong, |tx| root.ask(ALICE, tx.clone()))
        .says(Rejected::Decode(DecodeError::Malformed("length of a statement")), |tx| {
            tx.statement_a = fork(&off_chain, 1, 1, BOB);
        })
        .says(Rejected::Accused { expected: account(LEADER), got: account(BOB) }, |tx| tx.staker_id = account(LEADER))
        .says(Rejected::NotOnChain { got: Height(2) }, |tx| tx.statement_a = fork(&key(2), 1, 1, BOB))
        .says(Rejected::Paid { got: Height(2) }, |tx| tx.statement_a = fork(&key(3), 1, 1, BOB))
        .says(Rejected::Reported { got: Height(3) }, |tx| {
            tx.statement_a = fork(&key(4), 2, 1, BOB);
            tx.statement_b = Bytes(micro_on(&root, &key(4), 2, 1, BOB).encode());
        })
        .says(Rejected::SameHeader, |tx| tx.statement_b = good.statement_b.clone())
        .says(Rejected::NotSiblings, |tx| tx.statement_b = Bytes(micro_on(&root, &key(5), 2, 2, LEADER).encode()))
        .says(Rejected::NotSiblings, |tx| tx.statement_b = good.statement_b.clone())
        .says(Rejected::NotSiblings, |tx| tx.statement_a = fork(&key(4), 1, 1, BOB))
        .says(Rejected::NotSigned { statement: 0 }, |tx| {
            tx.statement_a = good.statement_a.clone();
            tx.statement_b = Bytes(micro_on(&root, &key(4), 1, 2, BOB).encode());
        })
        .says(Rejected::NotSigned { statement: 1 }, |tx| tx.statement_b = good.statement_b.clone())
        .accepted();
}

#[test]
fn a_strangers_rewards_cannot_be_burned_by_naming_it_beneficiary() {
    let mut root = led();
    root.run(CAROL, root.bond(CAROL, coins(15)));
    // A cheat without any stake leads, and names Carol, who leads the next generation by herself.
    let mut cheat = root.key_header(STRANGER);
    cheat.beneficiary = account(CAROL);
    root.sealing(cheat, None).unwrap();
    root.key_block(CAROL);
    let (own, stake) = (root.pending(6).unwrap().shares.after, root.stake(CAROL));
    let named = Evidence { staker_id: account(CAROL), ..root.report_fork(ALICE, 5, 1, STRANGER) };
    let (expected, got) = (AccountId::ZERO, account(CAROL));
    assert_eq!(root.ask(ALICE, named), Err(Rejected::Accused { expected, got }));
    root.run(ALICE, root.report_fork(ALICE, 5, 1, STRANGER));
    assert_eq!((root.pending(6).unwrap().shares.after, root.stake(CAROL)), (own, stake));
    assert_eq!(root.pending(5).unwrap().shares.after.amount, Amount::ZERO, "only the gift is lost");
}

#[derive(Debug, Clone)]
enum Move {
    Key(u8),
    Seal(Vec<u8>),
    Bond(u8, u64),
    Unbond(u8, u64),
    Renew(u8),
    Votes(u8, u8, u8),
    Fork(u8, u64),
}

fn person() -> impl Strategy<Value = u8> {
    prop_oneof![Just(ALICE), Just(BOB), Just(LEADER), Just(20), Just(21), Just(22), Just(23)]
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        6 => person().prop_map(Move::Key),
        4 => proptest::collection::btree_set(prop_oneof![3 => Just(23u8), 3 => Just(22), 2 => Just(21), 1 => Just(20)], 1..5)
            .prop_map(|people| Move::Seal(people.into_iter().collect())),
        4 => (person(), 0..60u64).prop_map(|(who, amount)| Move::Bond(who, amount)),
        3 => (person(), 0..60u64).prop_map(|(who, amount)| Move::Unbond(who, amount)),
        1 => person().prop_map(Move::Renew),
        2 => (person(), person(), 0..3u8).prop_map(|(by, who, kind)| Move::Votes(by, who, kind)),
        1 => (person(), 1..6u64).prop_map(|(by, back)| Move::Fork(by, back)),
    ];
    proptest::collection::vec(one, 1..60)
}

/// Make it; what is refused is no block.
fn make(root: &mut Ledger, step: Move) {
    let run = |root: &mut Ledger, who, tx: Transaction| {
        let tx = root.sign(who, tx);
        drop(root.micro(&[tx]));
    };
    match step {
        Move::Key(leader) => drop(root.key_block(leader)),
        Move::Seal(people) => {
            let height = root.height().0;
            let era = u32::try_from(height / ERA).unwrap();
            let members = root.members(era);
            let people: Vec<_> = people.into_iter().filter(|one| members.iter().any(|(who, _)| who == one)).collect();
            let seal = root.seal_of(height, era, &people);
            let header = root.key_header(LEADER);
            drop(root.sealing(header, Some(&seal)));
        }
        // A leader bonds under the key that it leads by.
        Move::Bond(LEADER, amount) => {
            let bond = root.bond_by(LEADER, &secret(LEADER), coins(amount));
            run(root, LEADER, bond.into());
        }
        Move::Bond(who, amount) => run(root, who, root.bond(who, coins(amount)).into()),
        Move::Unbond(who, amount) => run(root, who, root.unbond(who, coins(amount)).into()),
        Move::Renew(who) => run(root, who, root.renew(who).into()),
        Move::Votes(by, who, kind) => {
            let votes = match kind {
                0 => double(root, who),
                1 => double_lock(root, who),
                _ => unlock(root, who),
            };
            run(root, by, root.report(by, &votes, who).into());
        }
        Move::Fork(by, back) => {
            let height = root.height().0.saturating_sub(back).max(1);
            let leader =
                (0..=99).find(|one| secret(*one).public() == root.keys[usize::try_from(height).unwrap() - 1].miner.0);
            run(root, by, root.report_fork(by, height, 1, leader.unwrap()).into());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn supply_is_conserved_by_every_key_block_step(moves in moves(), renew_eras in proptest::option::of(1..4u32)) {
        let mut root = staked_by(StakeRules { renew_eras, ..stake_rules() });
        for step in moves {
            // Every block checks all sums, and that its undo restores what was before.
            make(&mut root, step);
            let sets = root.sets();
            prop_assert!(sets.sets.iter().all(|set| set.members.len() >= 4 && set.members.is_sorted_by_key(|one| one.key)));
            prop_assert!(root.engine().pot <= coins(10 * ERA));
        }
        let forwards = replayed(&root);
        let (backwards, state) = unwound(&root);
        prop_assert_eq!(forwards.len(), backwards.len());
        prop_assert!(state.leaves().eq(root.genesis.leaves()));
        prop_assert_eq!(forwards.last(), Some(&root.root_hash()));
    }
}
