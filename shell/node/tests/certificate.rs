//! A parent takes the word of a child's own validators: what they have made final is remitted, and who contradicts himself is
//! reported to it.

mod support;

use banyan_ledger::Escrow;
use banyan_node::Leaves as _;
use banyan_types::{
    Amount, Height, Nonce, PublicKey,
    associate::Change,
    tx::{AssociateUpdate, SignedTx, Transaction},
};
use support::{council::*, *};

/// Validators in turns, in one step and in two.
const ROTATIONS: [Engine; 2] = [Engine::CertifiedRotation(1), Engine::CertifiedRotation(3)];
const BOND: u64 = 50;

fn funded(engine: Engine, amount: u64) -> Council {
    let mut council = Council::new(engine);
    council.run(1_000);
    council.submit_root(commit(council.child_id, USER, coins(amount), 1));
    council.run(12_000);
    council
}

fn escrow(council: &Council) -> Escrow {
    council.root.chain().head().unwrap().view.escrow(council.child_id).unwrap()
}

#[test]
fn what_validators_in_turns_made_final_is_remitted_by_their_certificates() {
    for engine in ROTATIONS {
        let mut council = funded(engine, 100);
        let network = council.network.clone();
        council.submit(3, withdraw(&network, USER, coins(10), 1)).unwrap();
        council.run(20_000);
        let escrow = escrow(&council);
        assert_eq!((escrow.committed, escrow.remitted, escrow.waiting), (coins(100), coins(10), Amount::ZERO));
        assert_eq!(council.known().set.hash(), council.header(0, 1).set_hash, "{engine:?}");
        assert!(council.agree());
        assert_eq!(council.alarms, []);
    }
}

#[test]
fn remits_by_certificate_go_on_after_a_crash_of_all() {
    for engine in ROTATIONS {
        let mut council = funded(engine, 100);
        let network = council.network.clone();
        for nonce in 1..=5 {
            council.submit(1, withdraw(&network, USER, coins(1), nonce)).unwrap();
            council.run(400 + 700 * nonce);
            (0..4).for_each(|n| council.kill(n));
            (0..4).for_each(|n| council.start(n));
        }
        council.run(40_000);
        assert_eq!(escrow(&council).remitted, coins(5), "{engine:?}");
        assert!(council.agree());
    }
}

#[test]
fn a_summary_that_ends_below_what_a_quorum_committed_to_shows_the_way_there() {
    // More lines than one summary holds, in blocks that only later ones make final. An account has only so many that wait.
    const PEOPLE: std::ops::Range<u8> = 100..119;
    const EACH: u64 = 60;
    let mut council = Council::new(Engine::CertifiedRotation(1));
    council.run(1_000);
    for (nonce, to) in (1..).zip(PEOPLE) {
        council.submit_root(commit_to(council.child_id, USER, to, coins(100), nonce));
    }
    council.run(12_000);
    let (network, stop) = (council.network.clone(), council.last_final(0));
    for n in [1, 2] {
        council.kill(n);
    }
    for nonce in 1..=EACH {
        for from in PEOPLE {
            council.submit(0, withdraw(&network, from, coins(1), nonce)).unwrap();
        }
        council.run(300);
    }
    council.run(5_000);
    assert!(council.last_final(0).0 <= stop.0 + 1 && council.height(0).0 > stop.0 + 10, "nothing of that is final");
    for n in [1, 2] {
        council.start(n);
    }
    council.run(60_000);
    let seqs = council.point().point.seq;
    assert_eq!(escrow(&council).remitted, coins(EACH * PEOPLE.count() as u64), "in {seqs} summaries");
    assert!(council.agree());
}

/// An operator puts up a bond on the root.
fn bond_in(council: &Council, seed: u8) -> SignedTx {
    let update = AssociateUpdate {
        associate_id: council.child_id,
        from_id: account(seed),
        change: Change::BondIn(coins(BOND)),
        authorization: banyan_types::Bytes::default(),
        ttl: Height(0),
        fee: fee(),
        nonce: Nonce(1),
    };
    Transaction::from(update).sign("banyan_dev", &key(seed))
}

#[test]
fn a_validator_that_signs_twice_is_reported_to_the_parent() {
    let twin = OPERATORS[1];
    let validators = [42, 43, 44, twin];
    for engine in [Engine::Committee, ROTATIONS[0], ROTATIONS[1]] {
        // Two nodes use one key, and its account answers for it with a bond.
        let mut council = Council::of(engine, &validators, &[42, 43, 44, twin, twin], |child| child);
        council.run(1_000);
        council.submit_root(bond_in(&council, twin));
        council.submit_root(commit(council.child_id, USER, coins(100), 1));
        council.submit_root(commit_to(council.child_id, USER, FRIEND, coins(100), 2));
        council.run(12_000);
        // What is sent to the parent at first is lost.
        council.is_mute = true;
        let network = council.network.clone();
        let is_accused =
            |council: &Council| council.alarms.iter().any(|(n, what)| *n < 3 && what.contains("two things"));
        for nonce in 1..=40 {
            // Each is given something else to put into the block that the key is to propose.
            council.submit(3, spend(&network, USER, 51, coins(1), nonce)).unwrap();
            council.submit(4, spend(&network, FRIEND, 51, coins(1), nonce)).unwrap();
            council.run(1_000);
            if is_accused(&council) {
                break;
            }
        }
        assert!(is_accused(&council), "{engine:?}: {:?}", council.alarms);
        assert_eq!(council.point().bond_of(account(twin)), coins(BOND));
        let committed = escrow(&council).committed;
        council.is_mute = false;
        council.run(15_000);
        assert_eq!(council.point().bond_of(account(twin)), Amount::ZERO, "{engine:?}: the bond is taken");
        let pot = committed.plus(coins(BOND / 10 * 9)).unwrap();
        assert_eq!(escrow(&council).committed, pot, "nine tenths belong to the child's users");
        let key = PublicKey(key(twin).public());
        assert!(council.known().set.weight_of(&key) > 0, "a lost bond ends nobody's turns here");
        (0..3).for_each(|n| totals_hold(council.node(n)));
    }
}
