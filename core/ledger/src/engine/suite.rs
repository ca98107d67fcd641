//! One suite for every engine: the same rows of broken headers, in the order of the rules.

use alloc::{boxed::Box, format, string::String, vec, vec::Vec};

use banyan_crypto::SecretKey;
use banyan_types::{
    AssociateId, Hash, Height, PublicKey, Signature, TimeMs,
    committee::{Certificate, Member, MemberSignature, Statement, ValidatorSet},
    header::{ChildHeader, PROTOCOL_VERSION},
};

use super::{
    BadHeader, Rules, Turn, View, check, check_sealed,
    committee::{Committee, Epoch},
    next_header,
    rotation::{Rotation, Turns},
    solo::{Solo, seal_message},
};
use crate::ParentTip;

const NETWORK: &str = "bank.2Qx7Lm4d";
const CHILD: AssociateId = AssociateId([7; 32]);

fn key(n: u8) -> SecretKey {
    SecretKey::from_seed([n; 32])
}

fn parent(height: u64) -> ParentTip {
    let byte = u8::try_from(height).unwrap();
    ParentTip {
        hash: Hash([byte; 32]),
        height: Height(height),
        time: TimeMs(height * 1_000),
        root_height: Height(height + 1),
        entropy: Hash([byte + 1; 32]),
        inbox_next: 1_500,
    }
}

/// An engine with the keys that seal its blocks.
struct Engine<R: Rules> {
    rules: R,
    seal: fn(&ChildHeader) -> R::Seal,
    /// Views that its blocks may have.
    views: u32,
}

impl<R: Rules> Engine<R> {
    fn view<'a>(&self, prev: &'a ChildHeader) -> View<'a> {
        let seal_hash = self.rules.seal_hash(&(self.seal)(prev));
        View { version: PROTOCOL_VERSION, associate: CHILD, prev, prev_seal_hash: seal_hash, parent: Some(parent(7)) }
    }

    fn next(&self, prev: &ChildHeader, view: u32) -> ChildHeader {
        let height = Height(prev.height.0 + 1);
        let leader = self.rules.leader(height, view).expect("a view of this engine");
        next_header(&self.rules, &self.view(prev), &parent(7), Turn { leader, view, now: TimeMs(0) })
    }

    /// Whatever the engine, this holds.
    fn suite(&self) {
        let genesis = self.first();
        for view in 0..self.views {
            self.every_rule_has_a_row(&genesis, view);
        }
        let good = self.next(&genesis, 0);
        let unknown = View { parent: None, ..self.view(&genesis) };
        let early = check(&self.rules, &unknown, &good).unwrap_err();
        assert!(early.is_early(), "a parent block that is not final here may become so");
        let other = ChildHeader { state_root: Hash([9; 32]), ..good.clone() };
        assert_ne!(self.rules.check_seal(&other, &(self.seal)(&good)), Ok(()), "a seal serves one block");
        assert_eq!(self.rules.leader(Height(3), 0), self.rules.leader(Height(3), 0));
    }

    /// A block after the genesis that names parent block 5.
    fn first(&self) -> ChildHeader {
        let (hash, none) = (Hash([1; 32]), Hash::ZERO);
        ChildHeader {
            version: PROTOCOL_VERSION,
            height: Height(4),
            prev_hash: hash,
            parent_hash: parent(5).hash,
            parent_height: Height(5),
            root_height: Height(6),
            time_ms: TimeMs(5_000),
            entropy: hash,
            txs_root: none,
            receipts_root: none,
            inbox_to: 100,
            outbox_to: 0,
            state_root: hash,
            set_hash: self.rules.set_hash(),
            leader: PublicKey([2; 32]),
            view: 0,
            prev_seal_hash: none,
        }
    }

    fn every_rule_has_a_row(&self, prev: &ChildHeader, view: u32) {
        type Break = Box<dyn Fn(&mut ChildHeader)>;
        let good = self.next(prev, view);
        let judge = |header: &ChildHeader| check_sealed(&self.rules, &self.view(prev), header, &(self.seal)(header));
        assert_eq!(judge(&good), Ok(()));
        let rows: Vec<(&str, Break)> = vec![
            ("Version", Box::new(|header| header.version = 5)),
            ("Height", Box::new(|header| header.height.0 = 9)),
            ("Prev", Box::new(|header| header.prev_hash = Hash([1; 32]))),
            ("ParentBack", Box::new(|header| header.parent_height.0 = 5)),
            ("ParentFar", Box::new(|header| header.parent_height.0 = 1_006)),
            ("ParentUnknown", Box::new(|header| header.parent_hash = Hash([2; 32]))),
            ("ParentHeight", Box::new(|header| header.parent_height.0 = 8)),
            ("Clock", Box::new(|header| header.time_ms.0 = 6_999)),
            ("Entropy", Box::new(|header| header.entropy = Hash([3; 32]))),
            ("RootHeight", Box::new(|header| header.root_height.0 = 4)),
            ("Inbox", Box::new(|header| header.inbox_to = 1_099)),
            ("Leader", Box::new(|header| header.leader = PublicKey([4; 32]))),
            ("Set", Box::new(|header| header.set_hash = Hash([5; 32]))),
            ("PrevSeal", Box::new(|header| header.prev_seal_hash = Hash([6; 32]))),
        ];
        for (row, (name, _)) in rows.iter().enumerate() {
            let mut header = good.clone();
            rows[row..].iter().rev().for_each(|(_, break_it)| break_it(&mut header));
            if row > 5 {
                header.parent_hash = good.parent_hash;
            }
            assert_eq!(name_of(&judge(&header).unwrap_err()), *name);
        }
    }
}

fn name_of(bad: &BadHeader) -> String {
    format!("{bad:?}").split([' ', '{']).next().unwrap().into()
}

fn epoch() -> Epoch {
    epoch_of(u64::from)
}

fn epoch_of(weight: impl Fn(u8) -> u64) -> Epoch {
    let member = |n| Member { key: PublicKey(key(n).public()), weight: weight(n) };
    Epoch::drawn(0, Hash([3; 32]), ValidatorSet::new((1..=4).map(member).collect()).unwrap())
}

/// Validators 2, 3 and 4 have 9 of 10 shares of the weight.
fn certify(header: &ChildHeader) -> Certificate {
    let statement = Statement::precommit(header.height, header.view, header.hash());
    let message = statement.signing_message(NETWORK);
    let set = epoch().set;
    let by = |n| MemberSignature {
        index: set.place(&PublicKey(key(n).public())).unwrap(),
        signature: Signature(key(n).sign(&message)),
    };
    Certificate::gather(&statement, (2..=4).map(by).collect())
}

#[test]
fn every_engine_passes_the_engine_suite() {
    let operator = PublicKey(key(1).public());
    let seal = |header: &ChildHeader| Signature(key(1).sign(&seal_message(NETWORK, header)));
    Engine { rules: Solo { network_id: NETWORK, operator }, seal, views: 1 }.suite();
    let epoch = epoch();
    Engine { rules: Committee { network_id: NETWORK, epoch: &epoch }, seal: certify, views: 7 }.suite();
    let equal = epoch_of(|_| 1);
    for threshold in 1..=3 {
        let turns = Turns::new(&equal, threshold).unwrap();
        Engine { rules: Rotation { network_id: NETWORK, turns: &turns }, seal: certify, views: 7 }.suite();
    }
}

#[test]
fn a_block_of_one_operator_has_no_second_view() {
    let rules = Solo { network_id: NETWORK, operator: PublicKey(key(1).public()) };
    assert_eq!((rules.leader(Height(1), 0), rules.leader(Height(1), 1)), (Some(rules.operator), None));
}

#[test]
fn a_certificate_of_an_earlier_view_than_the_block_is_refused() {
    let epoch = epoch();
    let rules = Committee { network_id: NETWORK, epoch: &epoch };
    let engine = Engine { rules, seal: certify, views: 1 };
    let mut header = engine.next(&engine.first(), 2);
    let seal = certify(&header);
    assert_eq!(rules.check_seal(&header, &seal), Ok(()));
    header.view = 3;
    let earlier = Certificate { block_hash: header.hash(), ..seal };
    assert_eq!(rules.check_seal(&header, &earlier), Err(BadHeader::Seal));
}
