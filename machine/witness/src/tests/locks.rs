//! Locks: one per interval and index, on one line, for all below.

use alloc::{vec, vec::Vec};

use banyan_types::{
    Era, Round, TimeMs,
    witness::{Source, Statement, Vote, VoteKind},
};

use super::world::*;
use crate::{Effect, Input, Machine, Me, Memory, MicroRef, Saved, Seq};

/// Micro block `index` of the generation of block 1, on branch `salt`; the first stands on the key block.
fn micro(salt: u8, index: u8) -> MicroRef {
    let name = |index| hash(100 + salt * 10 + index);
    let prev_hash = if index == 1 { hash(1) } else { name(index - 1) };
    MicroRef { hash: name(index), key_hash: hash(1), height: chain(1)[0].height, index: index.into(), prev_hash }
}

fn lock(by: u16, micro: MicroRef) -> Vote {
    let statement = Statement {
        chain: CHAIN,
        kind: VoteKind::Lock,
        era: Era(0),
        round: Round(0),
        height: micro.height,
        hash: micro.hash,
        source: Source { round: Round(0), hash: micro.key_hash },
        index: micro.index,
    };
    Vote { statement, by, signature: forged(by) }
}

/// What a machine at block 1 wants signed as locks, and what it says is locked.
struct Locker(Machine, Seq);

impl Locker {
    fn new() -> Self {
        let me = Me { key: key_of(0), memory: Memory::None };
        let machine = Machine::start(params(20), CHECKS, Some(me), Saved::genesis(genesis(), sets(4))).unwrap();
        let mut locker = Self(machine, Seq(0));
        let block = chain(1)[0];
        for input in [Input::Tick(TimeMs(1_000)), Input::Header(block), Input::Tip(block.hash)] {
            let _ = locker.tell(input);
        }
        locker
    }

    fn tell(&mut self, input: Input) -> (Vec<u32>, Vec<u32>) {
        let mut effects = vec![];
        self.0.step(input, &mut effects);
        let (mut signed, mut locked) = (vec![], vec![]);
        for effect in effects {
            match effect {
                Effect::Sign(statement) if statement.kind == VoteKind::Lock => {
                    signed.push(statement.index);
                    self.1 = Seq(self.1.0 + 1);
                    self.0.step(Input::Signed(statement, Some(forged(0))), &mut vec![]);
                    self.0.step(Input::Persisted(self.1), &mut vec![]);
                }
                Effect::Locked(micro) => locked.push(micro.index),
                _ => {}
            }
        }
        (signed, locked)
    }

    fn vote(&mut self, by: u16, micro: MicroRef) -> (Vec<u32>, Vec<u32>) {
        self.tell(Input::Vote { from: None, vote: lock(by, micro) })
    }
}

const NOTHING: (Vec<u32>, Vec<u32>) = (vec![], vec![]);

#[test]
fn one_micro_block_is_locked_per_interval_the_newest_then() {
    let mut locker = Locker::new();
    assert_eq!(locker.tell(Input::Micro(micro(0, 1))).0, [1]);
    assert_eq!(locker.tell(Input::Micro(micro(0, 2))), NOTHING);
    assert_eq!(locker.tell(Input::Micro(micro(0, 3))), NOTHING);
    assert_eq!(locker.tell(Input::Tick(TimeMs(1_040))), NOTHING);
    assert_eq!(locker.tell(Input::Tick(TimeMs(1_300))).0, [3]);
}

#[test]
fn a_lock_holds_a_witness_on_its_branch() {
    let mut locker = Locker::new();
    assert_eq!(locker.tell(Input::Micro(micro(0, 1))).0, [1]);
    for index in 1..4 {
        let _ = locker.tell(Input::Tick(TimeMs(2_000 + 1_000 * u64::from(index))));
        assert_eq!(locker.tell(Input::Micro(micro(1, index))).0, []);
    }
}

#[test]
fn a_quorum_locks_a_micro_block_and_all_below_it() {
    let mut locker = Locker::new();
    for index in 1..4 {
        let _ = locker.tell(Input::Micro(micro(0, index)));
    }
    // This node stands on 1; the others on 3, 1, 2.
    assert_eq!(locker.vote(1, micro(0, 3)).1, []);
    assert_eq!(locker.vote(2, micro(0, 1)).1, [1]);
    assert_eq!(locker.vote(3, micro(0, 2)).1, []);
    assert_eq!(locker.vote(2, micro(0, 3)).1, [2]);
    assert_eq!(locker.vote(2, micro(1, 3)).1, []);
}

#[test]
fn an_index_is_locked_once_even_where_the_choice_comes_back() {
    let mut locker = Locker::new();
    assert_eq!(locker.tell(Input::Micro(micro(0, 1))).0, [1]);
    let other = MicroRef { key_hash: hash(9), prev_hash: hash(9), ..micro(2, 1) };
    let rival = crate::KeyRef { hash: hash(9), ..chain(1)[0] };
    let _ = locker.tell(Input::Header(rival));
    let _ = locker.tell(Input::Tick(TimeMs(2_000)));
    let _ = locker.tell(Input::Tip(hash(9)));
    assert_eq!(locker.tell(Input::Micro(other)).0, [1]);
    let _ = locker.tell(Input::Tip(hash(1)));
    let _ = locker.tell(Input::Tick(TimeMs(3_000)));
    assert_eq!(locker.tell(Input::Micro(micro(1, 1))).0, []);
}
