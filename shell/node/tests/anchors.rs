//! Stake that is lost for good: work goes on, nothing is final, until operators agree on an anchor.

mod support;

use banyan_ledger::follow::{Boundary, Follower, NotFollowed};
use banyan_node::NodeError;
use banyan_store::Place;
use banyan_tree::MultiProof;
use banyan_types::{
    Era, Height, PublicKey, Signature,
    witness::{Anchor, AnchorSignature},
};
use support::{
    key,
    town::{ERA, Resident, Town},
};

/// Key intervals of the profile `dev`, in milliseconds.
const INTERVAL_MS: u64 = 3_000;
/// Who is left of seven.
const LEFT: [usize; 4] = [0, 1, 2, 3];
const LOST: [usize; 3] = [4, 5, 6];

fn voter(n: usize) -> u8 {
    u8::try_from(n).unwrap() + 1
}

/// Three of seven are lost, and an era has ended since without a seal.
fn stalled() -> Town {
    let resident = |n| Resident { seed: voter(n), mines: n == 0, lies: false };
    let mut town = Town::running(&(0..7).map(resident).collect::<Vec<_>>());
    assert!(town.until(8 * INTERVAL_MS, |town| town.last_final(0) > ERA));
    for n in LOST {
        town.kill(n, 0);
    }
    town.run(INTERVAL_MS);
    let last = town.last_final(0);
    let end = (last / ERA + 1) * ERA + ERA;
    assert!(town.until(3 * ERA * INTERVAL_MS, |town| town.top(0) > end), "work goes on");
    assert_eq!(town.last_final(0), last, "four of seven make nothing final");
    town
}

/// What the four agree on: the last key block of the last era that is over.
fn agreed(town: &Town, signers: &[usize]) -> Anchor {
    let height = town.top(0) / ERA * ERA - 1;
    let hash = town.node(0).chain().main_at(Place::at(height)).unwrap().unwrap();
    let mut without = LOST.map(|n| PublicKey(key(voter(n)).public())).to_vec();
    without.sort_unstable();
    let mut anchor = Anchor { height: Height(height), hash, without, signatures: vec![] };
    let message = anchor.message(town.node(0).chain().genesis_hash());
    let sign = |n: &usize| {
        let key = key(voter(*n));
        AnchorSignature { key: PublicKey(key.public()), signature: Signature(key.sign(&message)) }
    };
    anchor.signatures = signers.iter().map(sign).collect();
    anchor.signatures.sort_unstable_by_key(|by| by.key);
    anchor
}

fn start_again(town: &mut Town, all: &[usize]) {
    for n in all {
        town.kill(*n, usize::MAX);
    }
    for n in all {
        town.start(*n).unwrap();
    }
    town.join(all);
}

#[test]
fn an_anchor_lets_finality_go_on_without_the_lost() {
    let mut town = stalled();
    let anchor = agreed(&town, &LEFT[1..]);
    let height = anchor.height.0;
    town.anchor(anchor);
    start_again(&mut town, &LEFT);
    let goes_on = |town: &Town| LEFT.iter().all(|n| town.last_final(*n) > height + 3 * ERA);
    assert!(town.until(6 * ERA * INTERVAL_MS, goes_on), "final: {:?}", LEFT.map(|n| town.last_final(n)));
    assert_eq!(town.node(0).finality().read().unwrap().anchored.map(|(at, _)| at), Some(Height(height)));
    assert_eq!(town.alarms, []);

    // It stands over restarts, and who comes later finds the same way.
    start_again(&mut town, &LEFT[..1]);
    town.kill(3, 0);
    town.wipe(3);
    town.call_new(3);
    town.start(3).unwrap();
    town.join(&LEFT);
    let top = town.top(0);
    let all = |town: &Town| LEFT.iter().all(|n| town.last_final(*n) > top);
    assert!(town.until(3 * ERA * INTERVAL_MS, all), "final: {:?}", LEFT.map(|n| town.last_final(n)));
    light_clients_pass(&town, height);
}

/// A light client with the anchor in its file gets as far as any; one without it stops before.
fn light_clients_pass(town: &Town, height: u64) {
    let chain = town.node(0).chain();
    let boundaries = |from| chain.boundaries(from, 64).unwrap();
    let boundary = |(_, seal, held): (Era, _, banyan_node::Boundary)| Boundary {
        header: held.header,
        seal,
        proof: MultiProof::decode(&held.proof).unwrap(),
        leaf: held.leaf,
    };
    let genesis = chain.file().genesis().unwrap();
    let mut follower = Follower::from_genesis(&genesis).unwrap();
    let mut crossed = vec![];
    for row in boundaries(Era(0)) {
        crossed.push(follower.cross(&boundary(row)).unwrap().height);
    }
    assert!(crossed.contains(&Height(height)) && *crossed.last().unwrap() > Height(height + ERA));

    let mut unaware = genesis;
    unaware.params.root.as_mut().unwrap().anchors.0.clear();
    let mut follower = Follower::from_genesis(&unaware).unwrap();
    let refused = boundaries(Era(0)).into_iter().find_map(|row| follower.cross(&boundary(row)).err());
    assert!(matches!(refused, Some(NotFollowed::NoAnchor { height: at, .. }) if at == Height(height)), "{refused:?}");
}

#[test]
fn an_anchor_that_too_few_signed_stops_the_node_and_says_why() {
    let mut town = stalled();
    let anchor = agreed(&town, &LEFT[..2]);
    town.anchor(anchor);
    town.kill(1, usize::MAX);
    let refused = town.try_start(1).unwrap_err();
    assert!(matches!(&refused, NodeError::Stopped(why) if why.contains("does not hold")), "{refused}");
}

#[test]
fn a_node_whose_final_chain_lacks_the_anchor_does_not_start() {
    let mut town = stalled();
    let height = town.last_final(1) / ERA * ERA - 1;
    assert!(height > 0, "an era's end is final");
    let anchor = Anchor { height: Height(height), hash: banyan_types::Hash([7; 32]), ..agreed(&town, &LEFT) };
    town.anchor(anchor);
    town.kill(1, usize::MAX);
    let refused = town.try_start(1).unwrap_err();
    assert!(matches!(&refused, NodeError::Stopped(why) if why.contains("empty folder")), "{refused}");
}

/// All may have voted in the era that follows: their votes must not count for another set.
#[test]
fn an_anchor_where_a_seal_stands_is_refused() {
    let mut town = stalled();
    let height = town.last_final(1) / ERA * ERA - 1;
    let hash = town.node(1).chain().main_at(Place::at(height)).unwrap().unwrap();
    let anchor = Anchor { height: Height(height), hash, ..agreed(&town, &LEFT) };
    town.anchor(anchor);
    town.kill(1, usize::MAX);
    let refused = town.try_start(1).unwrap_err();
    assert!(matches!(&refused, NodeError::Stopped(why) if why.contains("sealed already")), "{refused}");
}
