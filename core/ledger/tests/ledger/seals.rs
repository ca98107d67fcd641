//! Seals in key blocks: what they must be, whom they pay.

use banyan_ledger::{BadSeal, Block, Event, Invalid, KeyBlock, Overlay, apply_block, certificate::BadCertificate};
use banyan_types::{Amount, Era, Hash, Height};

use crate::{stakers::*, support::*};

#[test]
fn a_seal_pays_its_signers_by_weight_and_its_miner_a_twentieth() {
    let mut root = staked();
    root.grow_to(2);
    let seal = root.seal_of(1, 0, &[21, 22, 23]);
    let before = WITNESSES.map(|person| root.balance(person));
    let pool = root.supply().pool;
    // Three tenths of a hundred coins, of which a twentieth is the miner's: 28.5 to share.
    let made = root.sealing(root.key_header(LEADER), Some(&seal)).unwrap();
    let paid = [units(0), units(5_700), units(8_550), units(11_400)];
    let paid = paid.map(|milli| units(milli.base() * 1_000_000_000_000_000));
    for ((person, before), paid) in WITNESSES.into_iter().zip(before).zip(paid) {
        assert_eq!(root.balance(person), before.plus(paid).unwrap());
    }
    let inclusion = units(1_500_000_000_000_000_000);
    assert_eq!(root.pending(3).unwrap().shares.after.amount, coins(90).plus(inclusion).unwrap());
    assert_eq!(root.engine().pot, Amount::ZERO);
    let absent = units(2_850_000_000_000_000_000);
    assert_eq!(root.supply().pool, pool.minus(coins(100)).unwrap().plus(absent).unwrap());
    let hash = seal.hash;
    let sealed = Event::Sealed { height: Height(1), hash, era: Era(0), weight: coins(90), total: coins(100) };
    assert!(made.events.contains(&sealed));
    assert_eq!(root.engine().sealed_height, Height(1));
}

#[test]
fn each_check_of_a_seal_in_a_key_block_has_a_row_in_order() {
    let mut root = staked();
    root.grow_to(5);
    let seal = root.seal_of(2, 0, &WITNESSES);
    root.sealing(root.key_header(LEADER), Some(&seal)).unwrap();
    let refused = |seal| match root.clone().sealing(root.key_header(LEADER), Some(seal)) {
        Err(Invalid::Seal(why)) => why,
        other => panic!("{other:?}"),
    };
    let mut far = root.seal_of(6, 1, &WITNESSES);
    far.era = Era(9);
    assert_eq!(refused(&far), BadSeal::NoSet { era: Era(9) });

    let few = root.seal_of(5, 1, &[20, 21]);
    let (weight, total) = (coins(30), coins(100));
    assert_eq!(refused(&few), BadSeal::Certificate(BadCertificate::Quorum { weight, total }));

    let mut stranger = root.clone();
    stranger.keys[4].nonce = 7;
    let stranger = stranger.seal_of(5, 1, &WITNESSES);
    assert_eq!(refused(&stranger), BadSeal::NotAncestor { height: Height(5), hash: stranger.hash });

    assert_eq!(refused(&seal), BadSeal::NotAbove { sealed: Height(2), got: Height(2) });

    let early = root.seal_of(4, 0, &WITNESSES);
    assert_eq!(refused(&early), BadSeal::Era { expected: Era(1), got: Era(0) });
    let late = root.seal_of(3, 1, &WITNESSES);
    assert_eq!(refused(&late), BadSeal::Era { expected: Era(0), got: Era(1) });

    let parent = root.seal_of(6, 1, &WITNESSES);
    root.sealing(root.key_header(LEADER), Some(&parent)).unwrap();
    assert_eq!(root.engine().sealed_height, Height(6), "a seal covers all its ancestors");
}

#[test]
fn a_seal_out_of_the_ring_is_refused_and_the_next_era_goes_on() {
    let mut root = staked();
    root.params.root.as_mut().unwrap().era = 1_000;
    root.grow_to(258);
    let seal = root.seal_of(2, 0, &WITNESSES);
    let refused = root.clone().sealing(root.key_header(LEADER), Some(&seal));
    assert_eq!(refused, Err(Invalid::Seal(BadSeal::NotAncestor { height: Height(2), hash: seal.hash })));
    let oldest = root.seal_of(3, 0, &WITNESSES);
    assert!(root.sealing(root.key_header(LEADER), Some(&oldest)).is_ok());
}

#[test]
fn a_header_carries_the_hash_of_its_seal() {
    let mut root = staked();
    root.key_block(LEADER);
    let seal = root.seal_of(1, 0, &WITNESSES);
    let header = root.key_header(LEADER);
    let block = |header, seal| Block::Key(KeyBlock { header, seal });
    let apply = |block| apply_block(&mut Overlay::new(root.state.clone()), &root.params, &block).unwrap_err();
    let wrong = Invalid::Header { field: "witness_hash" };
    assert_eq!(apply(block(header.clone(), Some(seal))), wrong);
    let mut lying = header;
    lying.witness_hash = Hash([1; 32]);
    assert_eq!(apply(block(lying, None)), wrong);
}

#[test]
fn an_unpaid_pot_is_capped_at_an_era() {
    let mut root = staked();
    root.grow_to(9);
    assert_eq!(root.engine().pot, coins(10 * ERA));
}
