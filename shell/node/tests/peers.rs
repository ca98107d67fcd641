//! Several whole nodes of one root that talk to each other: what they make final, what they report, what they never say.

mod support;

use banyan_ledger::{PendingReward, Slashed, Stake, key as leaf};
use banyan_node::{BlockBytes, Header, Input, Leaves as _, Node};
use banyan_store::Place;
use banyan_types::{Amount, Hash, Signature, header::MicroHeader};
use support::{
    account, coins, key, spend,
    town::{BOND, ERA, Resident, Town},
};

/// Key intervals of the profile `dev`, in milliseconds.
const INTERVAL_MS: u64 = 3_000;

/// Four honest witnesses; the first one mines.
const HONEST: [Resident; 4] = [honest(1, true), honest(2, false), honest(3, false), honest(4, false)];

const fn honest(seed: u8, mines: bool) -> Resident {
    Resident { seed, mines, lies: false }
}

fn stake(node: &Node, seed: u8) -> Stake {
    let head = node.chain().head().unwrap();
    head.view.leaf(&leaf::stake(account(seed)), Stake::decode).unwrap().unwrap()
}

fn balance(node: &Node, seed: u8) -> Amount {
    node.chain().head().unwrap().view.account(account(seed)).unwrap().unwrap().balance
}

#[test]
fn witnesses_make_key_blocks_final_across_eras() {
    let mut town = Town::running(&HONEST);
    let everywhere = |town: &Town| (0..4).all(|n| town.last_final(n) > 2 * ERA);
    assert!(town.until(4 * ERA * INTERVAL_MS, everywhere));
    assert_eq!(town.alarms, []);
}

#[test]
fn a_witness_that_votes_twice_is_slashed_by_whoever_sees_it() {
    let liar = Resident { seed: 4, mines: false, lies: true };
    let mut town = Town::running(&[HONEST[0], HONEST[1], HONEST[2], liar]);
    let before = balance(town.node(0), 1);
    let is_slashed = |town: &Town| (0..3).all(|n| stake(town.node(n), 4).slashed != Slashed::Never);
    assert!(town.until(4 * INTERVAL_MS, is_slashed), "nobody reports the votes");
    assert_eq!(stake(town.node(0), 4).bonded, Amount::ZERO);
    assert!(stake(town.node(0), 1).bonded == coins(BOND), "the honest keep theirs");
    let earned: Vec<_> = (1..=3).map(|seed| balance(town.node(0), seed)).collect();
    assert!(earned.iter().any(|held| *held > before.plus(coins(BOND / 25)).unwrap()), "the reporter gets its part");
    let last = town.last_final(0);
    assert!(town.until(4 * INTERVAL_MS, |town| (0..3).all(|n| town.last_final(n) > last)), "finality goes on");
}

#[test]
fn a_witness_that_crashes_at_any_write_never_votes_twice() {
    for operation in 0..32 {
        for kept in [0, 8] {
            let mut town = Town::running(&HONEST);
            assert!(town.until(5 * INTERVAL_MS, |town| town.last_final(1) >= 1));
            let done = town.disk(1).operations();
            town.disk(1).fail_at(done + operation);
            assert!(town.until(5 * INTERVAL_MS, |town| town.has_failed(1)), "the disk is not written to");
            town.kill(1, kept);
            town.start(1).unwrap();
            town.join(&[0, 1, 2, 3]);
            // Whatever it says from now on is held against what it said before.
            let last = town.last_final(0);
            assert!(town.until(4 * INTERVAL_MS, |town| town.last_final(1) > last), "it does not come back");
            assert_eq!(town.alarms, []);
        }
    }
}

#[test]
fn a_witness_whose_disk_is_new_never_votes_where_it_may_have_voted() {
    let mut town = Town::running(&HONEST);
    assert!(town.until(4 * ERA * INTERVAL_MS, |town| town.last_final(1) > ERA + 1));
    let era = town.last_final(1) / ERA;
    let said = town.votes_in(1, era);
    town.kill(1, 0);
    town.wipe(1);
    town.start(1).unwrap();
    town.join(&[0, 1, 2, 3]);
    // A restart does not make it forget that it waits.
    town.run(INTERVAL_MS / 2);
    town.kill(1, 0);
    town.start(1).unwrap();
    town.join(&[0, 1, 2, 3]);
    assert!(town.until(6 * ERA * INTERVAL_MS, |town| town.last_final(1) > (era + 4) * ERA));
    assert_eq!(town.votes_in(1, era), said, "it votes in the era in which it came back");
    assert!(town.votes_in(1, era + 2) > 0, "it never votes again");
    assert!(town.alarms.iter().all(|(n, text)| *n == 1 && text.contains("no memory of votes")), "{:?}", town.alarms);
}

/// So many liars vote on both sides of a partition, each of which has one honest witness: both sides have far over two thirds.
/// The two honest ones are the houses 0 and the one behind the liars. They make blocks final up to these heights at least
/// before they hear of each other.
fn torn(liars: &[u8], (left_to, right_to): (u64, u64)) -> (Town, usize) {
    let side = |seed, mines| [honest(seed, mines)].into_iter().chain(liars.iter().map(|seed| honest(*seed, false)));
    let residents: Vec<_> = side(1, true).chain(side(2, true)).collect();
    let (other, all) = (liars.len() + 1, 0..residents.len());
    let mut town = Town::new(&residents);
    all.clone().for_each(|n| town.start(n).unwrap());
    let (left, right): (Vec<_>, Vec<_>) = all.partition(|n| *n < other);
    town.join(&left);
    assert!(town.until(4 * ERA * INTERVAL_MS, |town| town.last_final(0) >= left_to));
    town.join(&right);
    assert!(town.until(4 * ERA * INTERVAL_MS, |town| town.last_final(other) >= right_to));
    town.join(&[0, other]);
    (town, other)
}

#[test]
fn conflicting_finals_stop_every_honest_node_and_cost_the_liars_their_bonds() {
    // Half of the stake, and two thirds of it; in the era of the fork, and eras later.
    for (liars, heights) in [(&[3, 4][..], (2, 2)), (&[3, 4, 5, 6], (2, 2)), (&[3, 4], (2, 2 * ERA + 1))] {
        let (mut town, other) = torn(liars, heights);
        let has_alarmed = |town: &Town, n: usize| town.alarms.iter().any(|(by, _)| *by == n);
        let both = |town: &Town| has_alarmed(town, 0) && has_alarmed(town, other);
        assert!(town.until(4 * INTERVAL_MS, both), "{:?}", town.alarms);
        let slashed =
            |town: &Town, n| liars.iter().filter(|seed| stake(town.node(n), **seed).slashed != Slashed::Never).count();
        let are_slashed = |town: &Town| [0, other].iter().all(|n| slashed(town, *n) == liars.len());
        assert!(town.until(4 * INTERVAL_MS, are_slashed), "of {liars:?} some are not slashed: {heights:?}");
    }
}

#[test]
fn a_conflict_outlives_a_restart_and_ends_when_the_operators_say_so() {
    let (mut town, other) = torn(&[3, 4], (2, 2));
    let is_halted = |town: &Town, n: usize| town.node(n).finality().read().unwrap().is_halted;
    assert!(town.until(4 * INTERVAL_MS, |town| is_halted(town, 0) && is_halted(town, other)));
    let last = town.last_final(0);
    town.kill(0, 0);
    town.start(0).unwrap();
    town.join(&[0, 1, 2]);
    town.run(3 * INTERVAL_MS);
    assert!(is_halted(&town, 0) && town.last_final(0) == last);

    town.kill(0, 0);
    town.overrule(0);
    town.start(0).unwrap();
    town.join(&[0, 1, 2]);
    assert!(town.until(4 * INTERVAL_MS, |town| town.last_final(0) > last), "its own side goes on");
}

/// The machine has forgotten that generation; the store has not, and the leader's reward is not paid yet.
#[test]
fn a_leaders_fork_that_is_heard_of_late_costs_it_the_reward() {
    let mut town = Town::running(&HONEST);
    assert!(town.until(5 * INTERVAL_MS, |town| town.last_final(1) >= 1));
    town.submit(0, spend("banyan_dev", 2, 3, coins(7), 1));
    let micro = |town: &Town| {
        let chain = town.node(1).chain();
        let hash = (1..=town.top(1)).find_map(|height| chain.main_at(Place { height, index: 1 }).unwrap())?;
        chain.block(hash).unwrap()
    };
    assert!(town.until(2 * INTERVAL_MS, |town| micro(town).is_some()));
    let micro = micro(&town).unwrap();
    let height = micro.header.height();
    assert!(town.until(3 * INTERVAL_MS, |town| town.last_final(1) > height.0));

    let Header::Micro(header) = micro.header else { panic!("a micro block has a micro header") };
    let mut forged = MicroHeader { state_root: Hash([7; 32]), ..*header };
    forged.signature = Signature(key(1).sign(&forged.signing_message("banyan_dev")));
    let unsigned = MicroHeader { state_root: Hash([8; 32]), ..forged.clone() };
    for header in [unsigned, forged.clone(), forged] {
        let header = Header::Micro(Box::new(header)).encode();
        let block = BlockBytes { header, body: micro.body.clone() };
        town.handle(1, Input::Block { from: None, block });
    }
    let pending = |town: &Town| {
        let head = town.node(0).chain().head().unwrap();
        head.view.leaf(&leaf::reward(height), PendingReward::decode).unwrap().unwrap()
    };
    assert!(town.until(2 * INTERVAL_MS, |town| pending(town).forked), "{:?}", pending(&town));
    assert!(pending(&town).shares.after.amount.is_zero());
    assert_eq!(stake(town.node(0), 1).bonded, Amount::ZERO, "what it bonded is lost too");
}
