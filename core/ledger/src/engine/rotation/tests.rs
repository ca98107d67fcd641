use alloc::{collections::BTreeMap, vec, vec::Vec};

use banyan_crypto::SecretKey;
use banyan_types::{
    Signature, TimeMs,
    committee::{Member, MemberSignature, Statement, ValidatorSet},
};
use proptest::prelude::*;

use super::{super::committee::Epoch, *};

const NETWORK: &str = "relay.2Qx7Lm4d";

/// Keys from fixed seeds, in the order of their set.
fn keys(members: u8) -> Vec<SecretKey> {
    let mut keys: Vec<_> = (0..members).map(|n| SecretKey::from_seed([n; 32])).collect();
    keys.sort_by_key(SecretKey::public);
    keys
}

fn epoch(members: u8, seed: u8) -> Epoch {
    let member = |key: &SecretKey| Member { key: PublicKey(key.public()), weight: 1 };
    let set = ValidatorSet::new(keys(members).iter().map(member).collect()).unwrap();
    Epoch::drawn(0, Hash([seed; 32]), set)
}

fn turns(members: u8, threshold: u32) -> Turns {
    Turns::new(&epoch(members, 3), threshold).unwrap()
}

fn rules(turns: &Turns) -> Rotation<'_> {
    Rotation { network_id: NETWORK, turns }
}

fn header(height: u64, view: u32) -> ChildHeader {
    let none = Hash::ZERO;
    ChildHeader {
        version: 6,
        height: Height(height),
        prev_hash: none,
        parent_hash: none,
        parent_height: Height(0),
        root_height: Height(0),
        time_ms: TimeMs(0),
        entropy: none,
        txs_root: none,
        receipts_root: none,
        inbox_to: 0,
        outbox_to: 0,
        state_root: none,
        set_hash: none,
        leader: PublicKey([0; 32]),
        view,
        prev_seal_hash: none,
    }
}

fn signed(key: &SecretKey, statement: Statement) -> SignedStatement {
    let signature = Signature(key.sign(&statement.signing_message(NETWORK)));
    SignedStatement { statement, by: PublicKey(key.public()), signature }
}

/// The commitments of the validators at these places.
fn certificate(members: u8, by: &[u32], header: &ChildHeader) -> Certificate {
    let statement = Statement::precommit(header.height, header.view, header.hash());
    let sign = |index: &u32| {
        let signature = signed(&keys(members)[usize::try_from(*index).unwrap()], statement).signature;
        MemberSignature { index: *index, signature }
    };
    Certificate::gather(&statement, by.iter().map(sign).collect())
}

fn proposal(header: &ChildHeader, view: u32, valid_view: Option<u32>) -> Statement {
    let (height, block_hash) = (header.height, header.hash());
    Statement { kind: StatementKind::Proposal, height, view, block_hash, valid_view }
}

#[test]
fn the_last_validator_proposes() {
    let turns = turns(5, 1);
    let mut count = BTreeMap::<PublicKey, u32>::new();
    (0..50).for_each(|height| *count.entry(turns.leader(Height(height), 0).unwrap()).or_default() += 1);
    assert_eq!(
        count.values().copied().collect::<Vec<_>>(),
        vec![10; 5],
        "every one of the five, as often as the others"
    );
    assert_eq!(turns.leader(Height(7), 2), turns.leader(Height(9), 0), "a missing leader's turn goes to the next");
    assert_eq!(turns.leader(Height(u64::MAX), u32::MAX).map(|key| turns.set().weight_of(&key)), Some(1));
}

#[test]
fn the_order_is_shuffled_by_the_epochs_seed() {
    let order = |seed| {
        let turns = Turns::new(&epoch(9, seed), 1).unwrap();
        (0..9).filter_map(|height| turns.leader(Height(height), 0)).collect::<Vec<_>>()
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
}

#[test]
fn each_check_of_turns_has_a_row_in_order() {
    let heavy = |weight| {
        let mut epoch = epoch(3, 1);
        let mut members = epoch.set.members().to_vec();
        members[1].weight = weight;
        epoch.set = ValidatorSet::new(members).unwrap();
        epoch
    };
    let key = PublicKey(keys(3)[1].public());
    for (epoch, threshold, bad) in [
        (heavy(2), 0, BadTurns::Weight { key, got: 2 }),
        (heavy(1), 0, BadTurns::Threshold { got: 0, members: 3 }),
        (heavy(1), 4, BadTurns::Threshold { got: 4, members: 3 }),
    ] {
        assert_eq!(Turns::new(&epoch, threshold), Err(bad));
    }
    assert_eq!(Turns::new(&heavy(1), 3).map(|turns| turns.threshold()), Ok(3));
}

#[test]
fn a_threshold_promises_what_the_table_says() {
    let words = |members| (1..=members).map(move |t| turns(u8::try_from(members).unwrap(), t).safety().as_str());
    let (order, crash, byzantine) = ("order-only", "crash", "byzantine");
    assert_eq!(words(1).collect::<Vec<_>>(), [byzantine]);
    assert_eq!(words(2).collect::<Vec<_>>(), [order, byzantine]);
    assert_eq!(words(3).collect::<Vec<_>>(), [order, crash, byzantine]);
    assert_eq!(words(4).collect::<Vec<_>>(), [order, order, byzantine, byzantine]);
    assert_eq!(words(6).collect::<Vec<_>>(), [order, order, order, crash, byzantine, byzantine]);
}

#[test]
fn commitments_are_worth_what_they_are_many() {
    let worth = |members, t, n| turns(members, t).worth(n);
    assert_eq!([1, 2, 3].map(|n| worth(4, 2, n)), [Strength::Followed, Strength::Confirmed, Strength::Quorum]);
    assert_eq!([3, 4].map(|n| worth(4, 4, n)), [Strength::Followed, Strength::Quorum], "all of four are asked for");
    assert_eq!([3, 4, 5].map(|n| worth(6, 4, n)), [Strength::Followed, Strength::Confirmed, Strength::Quorum]);
}

#[test]
fn one_key_counts_once() {
    let (turns, block) = (turns(6, 4), header(3, 1));
    let good = certificate(6, &[0, 2, 3, 5], &block);
    assert_eq!(rules(&turns).check_seal(&block, &good), Ok(()));
    assert_eq!(turns.strength(&good), Strength::Confirmed);
    let mut twice = certificate(6, &[0, 2, 3], &block);
    twice.signatures.push(twice.signatures[2].clone());
    let order = BadCertificate::Order { before: 3, got: 3 };
    assert_eq!(rules(&turns).check_seal(&block, &twice), Err(BadHeader::Certificate(order)));
    let few = BadCertificate::Quorum { weight: 3, total: 6 };
    let got = rules(&turns).check_seal(&block, &certificate(6, &[0, 2, 3], &block));
    assert_eq!(got, Err(BadHeader::Certificate(few)));
}

#[test]
fn where_one_step_confirms_one_commitment_leads_on_or_else_the_leaders_word() {
    let (turns, block) = (turns(6, 3), header(3, 1));
    let one = certificate(6, &[4], &block);
    assert_eq!(rules(&turns).check_seal(&block, &one), Ok(()));
    assert_eq!(turns.strength(&one), Strength::Followed);
    assert_eq!(rules(&turns).check_seal(&block, &certificate(6, &[], &block)), Err(BadHeader::Seal));
    let keys = keys(6);
    let is_leader = |key: &&SecretKey| Some(PublicKey(key.public())) == turns.leader(Height(3), 1);
    let word = |key: &SecretKey| leaders_word(&signed(key, proposal(&block, 1, None)));
    let good = word(keys.iter().find(is_leader).unwrap());
    assert_eq!(rules(&turns).check_seal(&block, &good), Ok(()));
    assert_eq!(turns.strength(&good), Strength::Followed);
    let other = word(keys.iter().find(|key| !is_leader(key)).unwrap());
    assert_eq!(rules(&turns).check_seal(&block, &other), Err(BadHeader::Seal));
    let short = Certificate { aggregate: Bytes(vec![1; 63]), ..good.clone() };
    assert_eq!(rules(&turns).check_seal(&block, &short), Err(BadHeader::Seal));
    let two = self::turns(6, 4);
    let few = BadHeader::Certificate(BadCertificate::Aggregate { got: 64 });
    assert_eq!(rules(&two).check_seal(&block, &good), Err(few), "never where two steps confirm");
}

#[test]
fn a_seal_is_of_one_block_and_not_of_an_earlier_view() {
    let (turns, block) = (turns(4, 3), header(3, 1));
    let mut later = header(3, 1);
    let seal = certificate(4, &[0, 1, 2], &block);
    later.time_ms = TimeMs(9);
    assert_eq!(rules(&turns).check_seal(&later, &seal), Err(BadHeader::Seal));
    let earlier = Certificate { view: 0, ..seal };
    assert_eq!(rules(&turns).check_seal(&block, &earlier), Err(BadHeader::Seal));
}

#[test]
fn an_unauthenticated_proposal_is_refused() {
    let (turns, keys) = (turns(4, 3), keys(4));
    let block = header(3, 1);
    let of = |view| turns.leader(Height(3), view).unwrap();
    let key = |view| keys.iter().find(|key| PublicKey(key.public()) == of(view)).unwrap();
    let judge = |signed: &SignedStatement| rules(&turns).check_proposal(signed, &block);
    let good = signed(key(1), proposal(&block, 1, None));
    assert_eq!(judge(&good), Ok(()));
    assert_eq!(judge(&signed(key(2), proposal(&block, 2, Some(1)))), Ok(()), "proposed again with its grounds");
    let rows = [
        (signed(key(1), Statement::precommit(Height(3), 1, block.hash())), BadHeader::Seal),
        (signed(key(1), proposal(&header(4, 1), 1, None)), BadHeader::Seal),
        (signed(key(1), proposal(&header(3, 2), 1, None)), BadHeader::Seal),
        (signed(key(2), proposal(&block, 2, None)), BadHeader::Seal),
        (signed(key(0), proposal(&block, 0, None)), BadHeader::Seal),
        (
            signed(key(1), proposal(&block, 2, Some(1))),
            BadHeader::Leader { expected: Some(of(2)), got: of(1), view: 2 },
        ),
        (signed(key(2), proposal(&block, 1, None)), BadHeader::Leader { expected: Some(of(1)), got: of(2), view: 1 }),
        (SignedStatement { signature: Signature([0; 64]), ..good }, BadHeader::Seal),
        (SignedStatement { signature: signed(key(2), good.statement).signature, ..good }, BadHeader::Seal),
    ];
    for (got, expected) in rows {
        assert_eq!(judge(&got), Err(expected), "{:?}", got.statement);
    }
    let stranger = SecretKey::from_seed([99; 32]);
    assert!(judge(&signed(&stranger, proposal(&block, 1, None))).is_err());
}

#[test]
fn a_second_commitment_for_a_height_is_a_fault_where_one_step_confirms() {
    let (one, two) = (turns(4, 2), turns(4, 3));
    let key = &keys(4)[0];
    let commit = |view, block: u8| signed(key, Statement::precommit(Height(9), view, Hash([block; 32])));
    let (a, b) = (commit(0, 1), commit(1, 2));
    let proven = Fault { kind: StatementKind::Precommit, height: Height(9), keys: [a.by].into() };
    assert_eq!(rules(&one).fault(&a, &b), Some(proven.clone()));
    assert_eq!(rules(&two).fault(&a, &b), None, "where two steps confirm, a later view may agree to another block");
    for turns in [&one, &two] {
        assert_eq!(rules(turns).fault(&commit(0, 2), &a), Some(proven.clone()), "but never one view");
    }
    let higher = signed(key, Statement::precommit(Height(10), 1, Hash([2; 32])));
    let forged = SignedStatement { signature: Signature([1; 64]), ..b };
    for innocent in [a, commit(1, 1), commit(1, 0), higher, forged] {
        assert_eq!(rules(&one).fault(&a, &innocent), None, "{innocent:?}");
    }
}

proptest! {
    #[test]
    fn every_n_heights_and_every_n_views_all_validators_lead(members in 1u8..20, height in 0u64..1 << 40, view in 0u32..1 << 20) {
        let turns = turns(members, 1);
        let n = u64::from(members);
        let sorted = |mut keys: Vec<PublicKey>| { keys.sort(); keys };
        let all: Vec<_> = turns.set().members().iter().map(|member| member.key).collect();
        let heights = (height..height + n).filter_map(|height| turns.leader(Height(height), view));
        prop_assert_eq!(sorted(heights.collect()), all.clone());
        let views = (view..view + u32::from(members)).filter_map(|view| turns.leader(Height(height), view));
        prop_assert_eq!(sorted(views.collect()), all);
    }
}
