//! Light clients: witness sets followed from seal to seal, by whoever holds no state.

use banyan_ledger::{
    Base as _, Event, Genesis, GenesisError, WitnessSets,
    certificate::{BadAnchor, BadCertificate},
    follow::{Boundary, Follower, NotFollowed},
    genesis_state, key,
};
use banyan_tree::{MultiProof, Trie, value_hash};
use banyan_types::{
    Era, Hash, Height, PublicKey, Signature, TimeMs,
    header::{KEY_HEADER_BYTES, KeyHeader},
    witness::{Anchor, AnchorSignature, Seal, Statement, VoteKind, Witness, WitnessSet},
};
use proptest::prelude::*;

use crate::{stakers::*, support::*};

/// Witness of the tests that joins after the genesis, with more than a third of all.
const LATE: u8 = BOB;
/// Eras of a year on the profile `main`.
const YEAR: u32 = 365;

fn root() -> (Genesis, Ledger) {
    let genesis = staked_genesis(stake_rules());
    let ledger = Ledger::new(&genesis);
    (genesis, ledger)
}

/// The end of the running era, sealed by these people.
fn boundary(root: &mut Ledger, people: &[u8]) -> Boundary {
    let era = u32::try_from(root.height().0 / ERA).unwrap();
    let last = (u64::from(era) + 1) * ERA - 1;
    root.grow_to(last);
    let changes = root.state.leaves().map(|(key, value)| (*key, Some((value_hash(value), ()))));
    let trie = Trie::new().update(&changes.collect::<Vec<_>>());
    Boundary {
        header: root.keys.last().unwrap().clone(),
        seal: Some(root.seal_of(last, era, people)),
        proof: trie.prove_many(&[key::witness_sets()]),
        leaf: root.state.read(&key::witness_sets()).unwrap().unwrap(),
    }
}

fn seal_of(boundary: &mut Boundary) -> &mut Seal {
    boundary.seal.as_mut().unwrap()
}

/// Two eras in, with a set of five known for the third; and a follower of it.
fn changed() -> (Genesis, Ledger, Follower) {
    let (genesis, mut root) = root();
    let mut follower = Follower::from_genesis(&genesis).unwrap();
    root.key_block(LEADER);
    root.run(LATE, root.bond(LATE, coins(60)));
    for _ in 0..2 {
        let boundary = boundary(&mut root, &WITNESSES);
        follower.cross(&boundary).unwrap();
        root.key_block(LEADER);
    }
    assert_eq!((follower.era(), follower.sets()[0].members.len()), (Era(2), 5));
    (genesis, root, follower)
}

#[test]
fn light_client_follows_a_year_of_eras_from_genesis() {
    let (genesis, mut root) = root();
    let mut follower = Follower::from_genesis(&genesis).unwrap();
    let mut bytes = 0;
    for era in 0..YEAR {
        let boundary = boundary(&mut root, &WITNESSES[1..]);
        let parts = [
            boundary.header.encode(),
            boundary.seal.as_ref().unwrap().encode(),
            boundary.proof.encode(),
            boundary.leaf.clone(),
        ];
        bytes += parts.iter().map(Vec::len).sum::<usize>();
        let sealed = follower.cross(&boundary).unwrap();
        assert_eq!((sealed.state_root, follower.era()), (boundary.header.state_root, Era(era + 1)));
        // Each era's set is another one.
        let person = WITNESSES[era as usize % WITNESSES.len()];
        root.run(person, root.bond(person, coins(1)));
        root.key_block(LEADER);
    }
    assert_eq!(follower.sets(), &root.sets().sets[1..]);
    assert!(bytes / YEAR as usize <= 2_048, "{} bytes an era", bytes / YEAR as usize);

    root.key_block(LEADER);
    let height = root.height().0;
    let (header, seal) = (root.keys.last().unwrap().clone(), root.seal_of(height, YEAR, &WITNESSES));
    let sealed = follower.accept(&header, &seal).unwrap();
    assert_eq!((sealed.height, sealed.state_root), (Height(height), root.root_hash()));
    assert_eq!(Follower::resume(&genesis, &follower.save()), Ok(follower));
}

/// Root 9 says 30 kB for the largest set; the leaf with its three sets alone is twice that.
#[test]
fn an_era_with_the_largest_set_costs_a_light_client_under_eighty_kilobytes() {
    let member = |place: u16| Witness {
        key: PublicKey(banyan_crypto::blake2b(&[&place.to_be_bytes()])),
        weight: coins(1_000_000 + u64::from(place)),
        staker: account(1),
    };
    let set = |era| WitnessSet { era: Era(era), members: (0..256).map(member).collect() };
    let leaf = WitnessSets { sets: (70_000..70_003).map(set).collect() }.encode();
    let (_, root) = root();
    let statement = Statement { height: Height(1 << 30), ..statement(&root, VoteKind::Precommit, 1, 0, (0, 0)) };
    let seal = Seal::gather(&statement, &(0..256).map(|place| (place, Signature([7; 64]))).collect(), 256);
    let bytes = KEY_HEADER_BYTES + seal.encode().len() + leaf.len();
    assert!((70_000..80_000).contains(&bytes), "{bytes}");
}

#[test]
fn light_client_refuses_a_seal_by_an_old_set() {
    let (_, root, mut follower) = changed();
    let height = root.height().0;
    let header = root.keys.last().unwrap().clone();
    let good = root.seal_of(height, 2, &[20, 21, 22, 23, LATE]);

    // The four of the genesis are no quorum any more, whatever places they claim.
    let four = root.seal_of(height, 2, &WITNESSES);
    let (weight, total) = (coins(100), coins(160));
    assert_eq!(follower.accept(&header, &four), Err(BadCertificate::Quorum { weight, total }.into()));
    let mut claimed = good.clone();
    claimed.signatures = four.signatures.iter().copied().chain([four.signatures[0]]).collect();
    let refused = follower.accept(&header, &claimed);
    assert!(matches!(refused, Err(NotFollowed::Seal(BadCertificate::Signature { .. }))), "{refused:?}");
    // What they sealed in their own time is below what is sealed since.
    let mut old = good.clone();
    (old.era, old.height, old.hash) = (Era(1), Height(5), root.keys[4].hash());
    let expected = NotFollowed::Old { held: Height(7), got: Height(5) };
    assert_eq!(follower.accept(&root.keys[4], &old), Err(expected));

    assert!(follower.accept(&header, &good).is_ok());
}

#[test]
fn each_refusal_of_a_follower_has_a_row_in_order() {
    let (_, mut root, follower) = changed();
    let five = [20, 21, 22, 23, LATE];
    let good = boundary(&mut root, &five);
    let refused = |change: &dyn Fn(&mut Boundary)| {
        let (mut bad, mut follower) = (good.clone(), follower.clone());
        change(&mut bad);
        let refused = follower.cross(&bad).unwrap_err();
        assert_eq!(follower, self::changed().2, "a refused boundary changes nothing");
        refused
    };
    let (hash, height) = (good.seal.as_ref().unwrap().hash, good.seal.as_ref().unwrap().height);

    let got = root.keys[0].hash();
    assert_eq!(refused(&|bad| bad.header = root.keys[0].clone()), NotFollowed::Header { sealed: hash, got });
    assert_eq!(refused(&|bad| seal_of(bad).era = Era(1)), NotFollowed::Place { era: Era(1), height });
    let early = root.keys[9].clone();
    let middle = |bad: &mut Boundary| {
        (seal_of(bad).hash, seal_of(bad).height) = (early.hash(), early.height);
        bad.header = early.clone();
    };
    assert_eq!(refused(&middle), NotFollowed::NotLast { expected: height, height: early.height });
    let past = root.keys[2].clone();
    let past_era = |bad: &mut Boundary| {
        (seal_of(bad).era, seal_of(bad).hash, seal_of(bad).height) = (Era(0), past.hash(), past.height);
        bad.header = past.clone();
    };
    assert_eq!(refused(&past_era), NotFollowed::Old { held: Height(7), got: Height(3) });
    let bad_signature = |bad: &mut Boundary| seal_of(bad).signatures.swap(0, 1);
    assert!(matches!(refused(&bad_signature), NotFollowed::Seal(BadCertificate::Signature { .. })));
    assert!(matches!(refused(&|bad| bad.leaf.push(0)), NotFollowed::Proof(_)));

    let mut ahead = root.clone();
    ahead.key_block(LEADER);
    let next = boundary(&mut ahead, &five);
    let expected = NotFollowed::Unknown { era: Era(3), running: Era(2) };
    assert_eq!(follower.clone().cross(&next), Err(expected));
}

#[test]
fn two_seals_of_one_height_are_shown_to_the_user() {
    let (_, root, mut follower) = changed();
    let five = [20, 21, 22, 23, LATE];
    let header = root.keys.last().unwrap().clone();
    let held = root.seal_of(header.height.0, 2, &five);
    follower.accept(&header, &held).unwrap();
    assert!(follower.accept(&header, &held).is_ok(), "the same again is no harm");

    let mut other = root.clone();
    other.keys.last_mut().unwrap().nonce = 7;
    let got = other.seal_of(header.height.0, 2, &five);
    let conflict = follower.accept(other.keys.last().unwrap(), &got);
    assert_eq!(conflict, Err(NotFollowed::Conflict { held: Box::new(held), got: Box::new(got) }));
}

#[test]
fn a_follower_may_begin_at_a_block_that_is_trusted() {
    let (genesis, mut root, mut follower) = changed();
    let five = [20, 21, 22, 23, LATE];
    let good = boundary(&mut root, &five);
    let trusted = good.header.hash();
    let stranger = NotFollowed::Untrusted { expected: Hash([9; 32]), got: trusted };
    assert_eq!(Follower::from_trusted(&genesis, Hash([9; 32]), &good), Err(stranger));
    let mut weak = good.clone();
    weak.seal = Some(root.seal_of(weak.header.height.0, 2, &[20, 21]));
    let refused = Follower::from_trusted(&genesis, trusted, &weak);
    assert!(matches!(refused, Err(NotFollowed::Seal(BadCertificate::Quorum { .. }))));

    follower.cross(&good).unwrap();
    assert_eq!(Follower::from_trusted(&genesis, trusted, &good), Ok(follower));
}

#[test]
fn a_follower_is_stale_once_bonds_no_longer_answer() {
    let (genesis, _, follower) = changed();
    // One era of four heights of three seconds after the last sealed one, the seventh.
    let answers = genesis.time.0 + 7 * 3_000 + 4 * genesis.params.height_interval_ms;
    assert!(!follower.is_stale(TimeMs(answers)) && follower.is_stale(TimeMs(answers + 1)));
}

#[test]
fn without_witnesses_there_is_nothing_to_follow() {
    let plain = genesis(root_params(), &[(ALICE, coins(1))]);
    assert_eq!(Follower::from_genesis(&plain), Err(NotFollowed::NoWitnesses));
    let mut few = staked_genesis(stake_rules());
    few.witnesses.pop();
    assert!(matches!(Follower::from_genesis(&few), Err(NotFollowed::Genesis(GenesisError::Witnesses { .. }))));
}

#[test]
fn what_was_saved_is_of_one_ledger() {
    let (genesis, _, follower) = changed();
    let mut other = genesis.clone();
    other.name.push('x');
    let refused = Follower::resume(&other, &follower.save());
    assert_eq!(refused, Err(NotFollowed::Untrusted { expected: other.hash(), got: genesis.hash() }));
    assert!(matches!(Follower::resume(&genesis, &[0xc0]), Err(NotFollowed::Leaf(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever one bit of a boundary says otherwise, it is not believed.
    #[test]
    fn a_changed_bit_of_a_boundary_is_never_believed(part in 0usize..4, at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let (genesis, mut root) = root();
        let mut follower = Follower::from_genesis(&genesis).unwrap();
        let good = boundary(&mut root, &WITNESSES);
        let mut bytes = [good.header.encode(), good.seal.as_ref().unwrap().encode(), good.proof.encode(), good.leaf.clone()];
        let at = at.index(bytes[part].len());
        bytes[part][at] ^= 1 << bit;
        let [header, seal, proof, leaf] = bytes;
        if let (Ok(header), Ok(seal), Ok(proof)) =
            (KeyHeader::decode(&header), Seal::decode(&seal), MultiProof::decode(&proof))
        {
            let changed = Boundary { header, seal: Some(seal), proof, leaf };
            prop_assert!(changed == good || follower.cross(&changed).is_err());
        }
    }
}

/// A set that a state may not change once it is written cannot be slipped in by a quorum either.
#[test]
fn a_known_set_cannot_be_replaced() {
    let (genesis, mut root) = root();
    let mut follower = Follower::from_genesis(&genesis).unwrap();
    let mut sets = root.sets();
    sets.sets[1] = WitnessSet { era: Era(1), members: sets.sets[1].members[..3].to_vec() };
    let changes = [(key::witness_sets(), Some(sets.encode()))];
    root.state.commit(&changes.into_iter().collect());
    let lying = boundary(&mut root, &WITNESSES);
    assert_eq!(follower.cross(&lying), Err(NotFollowed::Sets { era: Era(0) }));
}

/// What operators agree on when the one who joined late is lost after era 2: nobody can seal its end.
fn anchored(root: &mut Ledger) -> (Boundary, Anchor) {
    let end = Boundary { seal: None, ..boundary(root, &WITNESSES) };
    let (height, hash) = (end.header.height, end.header.hash());
    let mut anchor = Anchor { height, hash, without: vec![vote_key(LATE)], signatures: vec![] };
    anchor.signatures = agreed(root, &anchor, &WITNESSES);
    (end, anchor)
}

fn agreed(root: &Ledger, anchor: &Anchor, people: &[u8]) -> Vec<AnchorSignature> {
    let message = anchor.message(root.engine().chain);
    let sign = |who: &u8| AnchorSignature { key: vote_key(*who), signature: Signature(voter(*who).sign(&message)) };
    let mut signatures: Vec<_> = people.iter().map(sign).collect();
    signatures.sort_by_key(|by| by.key);
    signatures
}

/// The file of those who have agreed, and what has been followed up to the era in which two were lost.
fn with_anchor(genesis: &Genesis, follower: &Follower, anchor: Anchor) -> Follower {
    let mut genesis = genesis.clone();
    let hash = genesis.hash();
    genesis.params.root.as_mut().unwrap().anchors.0.push(anchor);
    assert_eq!(genesis.hash(), hash, "an anchor leaves the ledger the one it was");
    Follower::resume(&genesis, &follower.save()).unwrap()
}

#[test]
fn an_anchor_stands_for_the_seal_that_nobody_can_make() {
    let (genesis, mut root, mut unaware) = changed();
    let (end, anchor) = anchored(&mut root);
    let mut follower = with_anchor(&genesis, &unaware, anchor.clone());
    let (height, hash) = (anchor.height, anchor.hash);
    assert_eq!(unaware.cross(&end), Err(NotFollowed::NoAnchor { height, hash }));
    assert_eq!(follower.cross(&end).map(|sealed| sealed.hash), Ok(hash));
    assert_eq!((follower.era(), follower.sets()[0].members.len()), (Era(3), 5));

    // Whoever is left signs the next era alone; who is left out weighs nothing.
    root.params.root.as_mut().unwrap().anchors.0.push(anchor);
    root.key_block(LEADER);
    let header = root.keys.last().unwrap().clone();
    let seal = root.seal_of(header.height.0, 3, &WITNESSES);
    assert!(follower.accept(&header, &seal).is_ok());
    assert!(unaware.accept(&header, &seal).is_err());
    // A key block may carry it, and those who signed are paid.
    let outcome = root.sealing(root.key_header(LEADER), Some(&seal)).unwrap();
    let sealed = Event::Sealed {
        height: header.height,
        hash: header.hash(),
        era: Era(3),
        weight: coins(100),
        total: coins(100),
    };
    assert!(outcome.events.contains(&sealed));
}

#[test]
fn each_refusal_of_an_anchor_has_a_row_in_order() {
    let (genesis, mut root, follower) = changed();
    let (end, good) = anchored(&mut root);
    let refused = |change: &dyn Fn(&mut Anchor)| {
        let mut anchor = good.clone();
        change(&mut anchor);
        with_anchor(&genesis, &follower, anchor).cross(&end).unwrap_err()
    };
    let sign = |anchor: &Anchor, people: &[u8]| agreed(&root, anchor, people);
    let by_lost = refused(&|anchor| anchor.signatures = sign(anchor, &[LATE]));
    assert_eq!(by_lost, BadAnchor::Stranger { key: vote_key(LATE), members: 4 }.into());
    let moved = refused(&|anchor| anchor.signatures[0].signature.0[0] ^= 1);
    assert_eq!(moved, BadAnchor::Signature { key: good.signatures[0].key }.into());
    let (weight, total) = (coins(60), coins(100));
    let few = refused(&|anchor| anchor.signatures = sign(anchor, &[WITNESSES[1], WITNESSES[3]]));
    assert_eq!(few, BadAnchor::Quorum { weight, total }.into());
    let other = refused(&|anchor| anchor.hash = Hash([1; 32]));
    assert_eq!(other, NotFollowed::NoAnchor { height: good.height, hash: good.hash });
}

#[test]
fn anchors_stand_at_the_ends_of_eras_and_ascend() {
    let (genesis, mut root, _) = changed();
    let good = anchored(&mut root).1;
    let with = |anchors: &[Anchor]| {
        let mut genesis = genesis.clone();
        genesis.params.root.as_mut().unwrap().anchors.0 = anchors.to_vec();
        genesis_state(&genesis).err()
    };
    let early = Anchor { height: Height(good.height.0 - 1), ..good.clone() };
    let later = Anchor { height: Height(good.height.0 + ERA), ..good.clone() };
    assert_eq!(with(&[good.clone(), later.clone()]), None);
    let wrong = Some(GenesisError::Params { field: "anchors" });
    for anchors in [&[early][..], &[later, good.clone()], &[good.clone(), good]] {
        assert_eq!(with(anchors), wrong);
    }
}
