//! Objects end on time, whoever looks and however slowly room is made; and only what is due is touched.

use std::cell::RefCell;
use std::collections::BTreeSet;

use banyan_ledger::{
    Account, Base, Changes, Code, Contract, Entry, Event, Key, MapState, Missing, Overlay, Rejected, Source,
    State as _, StoreKeys, Supply, SweepQueue, Template, Tombstone, entry, key, key_outcome,
};
use banyan_types::{
    AccountId, Amount, AssociateId, Bytes, ContractBytes, ContractId, FATE, Hash, Height, Lifetime, Payee, Target,
    limits::{PRUNE_MAX, SWEEP_MAX},
    tx::{EntryCreate, Extend, SignedTx},
};

use crate::support::*;

/// Lifetimes short enough to watch them end.
fn short_lived() -> Ledger {
    let mut params = root_params();
    (params.lifetime_default, params.lifetime_max, params.grace) = (10, 100, 5);
    let mut root = Ledger::new(&genesis(params, &[ALICE, BOB, LEADER].map(|person| (person, coins(1_000_000)))));
    root.key_block(LEADER);
    root
}

impl Ledger {
    pub fn extend(&self, payer: u8, target_id: Target, heights: u64) -> Extend {
        let (ttl, nonce) = (Height(0), self.nonce(payer));
        Extend { sender_id: account(payer), target_id, heights, ttl, fee: FEE, nonce }
    }

    fn make_entry(&mut self, owner: u8, lifetime: Lifetime) -> banyan_types::EntryId {
        let (id, create) = self.create_entry(owner, b"data", lifetime);
        self.micro(&[self.sign(owner, create)]).unwrap();
        id
    }

    fn entry(&self, id: banyan_types::EntryId) -> Option<Entry> {
        entry(&mut Overlay::new(self.state.clone()), id).unwrap()
    }

    pub fn at<L>(&self, key: &Key, decode: impl Fn(&[u8]) -> L) -> Option<L> {
        self.state.read(key).unwrap().map(|bytes| decode(&bytes))
    }

    fn advance_to(&mut self, height: u64) -> Vec<Event> {
        let mut events = vec![];
        while self.height() < Height(height) {
            events.extend(self.key_block(LEADER).events);
        }
        events.retain(|event| matches!(event, Event::Expired { .. } | Event::Removed { .. }));
        events
    }
}

#[test]
fn an_entry_is_alive_then_expired_then_gone() {
    let mut root = short_lived();
    let id = root.make_entry(ALICE, Lifetime::Default); // at height 1: last height 11, grace to 16
    let give = |root: &Ledger| root.admit(&root.sign(ALICE, root.transfer_entry(ALICE, id, BOB))).map(|_| ());
    assert_eq!(root.advance_to(11), []);
    assert_eq!(give(&root), Ok(()));
    assert_eq!(root.advance_to(12), [Event::Expired { id: id.into(), expiry: Height(11) }]);
    assert_eq!(give(&root), Err(Rejected::Expired { id: id.into(), height: Height(11) }));
    assert_eq!(root.advance_to(16), []);
    let held = root.entry(id).unwrap();
    assert_eq!(root.advance_to(17), [Event::Removed { id: id.into(), to: None, amount: Amount::ZERO }]);
    assert_eq!(give(&root), Err(Rejected::NoEntry { entry: id.into() }));
    let stone = root.at(&key::tombstone(id.into()), |bytes| Tombstone::decode(bytes).unwrap()).unwrap();
    assert_eq!(stone, Tombstone { height: Height(11), object_hash: Hash(banyan_crypto::blake2b(&[&held.encode()])) });
}

#[test]
fn anyone_may_extend_until_grace_ends() {
    let mut root = short_lived();
    let id = root.make_entry(ALICE, Lifetime::Heights(10));
    let extend = |root: &Ledger, heights| root.sign(BOB, root.extend(BOB, Target::Entry(id), heights));
    root.advance_to(16);
    // Expired since 11: the new life begins now.
    root.micro(&[extend(&root, 3)]).unwrap();
    assert_eq!(root.entry(id).unwrap().expiry, Height(19));
    // Alive: it is added to the old one. The reminders of the old ends find nothing to do.
    root.micro(&[extend(&root, 1)]).unwrap();
    assert_eq!(root.entry(id).unwrap().expiry, Height(20));
    assert_eq!(root.advance_to(20), []);
    assert_eq!(root.advance_to(25), [Event::Expired { id: id.into(), expiry: Height(20) }]);
    root.admit(&extend(&root, 1)).unwrap();
    root.advance_to(26);
    assert_eq!(root.admit(&extend(&root, 1)).unwrap_err(), Rejected::NoTarget { target: id.into() });
}

#[test]
fn extensions_reject_in_the_written_order() {
    let mut root = short_lived();
    let id = root.make_entry(ALICE, Lifetime::Default);
    root.micro(&[root.sign(BOB, root.extend(BOB, Target::Entry(id), 1))]).unwrap();
    let rent = 260u64 * 90 * 20;
    let rent = rent.div_ceil(10_512_000);
    let price = |gas: u64| units(u128::from(gas) * 1_000_000_000);
    let size = |fee| {
        banyan_types::tx::Transaction::from(Extend { fee, ..root.extend(ALICE, Target::Entry(id), 90) }).encode().len()
            as u64
    };
    let short = price(15_000 + 20 * size(price(16_000)));
    let gone = Target::Contract(ContractId([7; 32]));
    let too_long = |got| Rejected::LifetimeTooLong { max: 100, got };
    // Last height is 12 now, at height 1.
    Wrong::new(root.extend(ALICE, gone, 0), |tx| root.admit(&root.sign(ALICE, tx.clone())))
        .says(Rejected::NoTarget { target: gone.id() }, |tx| tx.target_id = Target::Entry(id))
        .says(Rejected::NoHeights, |tx| tx.heights = 90)
        .says(too_long(101), |tx| (tx.heights, tx.fee) = (89, short))
        .says(Rejected::FeeTooLow { needed: price(15_000 + 20 * size(short) + rent), got: short }, |tx| tx.fee = FEE)
        .accepted();
    let channel = Target::Channel(banyan_types::ChannelId([7; 32]));
    let why = root.admit(&root.sign(ALICE, root.extend(ALICE, channel, 1))).unwrap_err();
    assert_eq!(why, Rejected::NoTarget { target: channel.id() });
}

#[test]
fn what_lives_for_ever_cannot_be_extended() {
    let mut root = short_lived();
    root.params.rent_gas_per_byte_year = 0;
    let id = root.make_entry(ALICE, Lifetime::Forever);
    let why = root.admit(&root.sign(BOB, root.extend(BOB, Target::Entry(id), 1))).unwrap_err();
    assert_eq!(why, Rejected::Unlimited);
}

const CONTRACT: ContractId = ContractId([5; 32]);
const CLONE: ContractId = ContractId([6; 32]);
const CODE: Hash = Hash([7; 32]);
const SOURCE: Hash = Hash([8; 32]);

/// A ledger on which two contracts of Alice stand, the second a clone of the first: as they would be made by running code.
fn with_contracts(entries: u32) -> Ledger {
    let mut root = short_lived();
    let mut over = Overlay::new(root.state.clone());
    let contract = |expiry, template, store_entries| Contract {
        owner: Payee::Account(account(ALICE)),
        ct_version: FATE,
        code_hash: CODE,
        source_hash: SOURCE,
        visible: true,
        template: Template(template),
        deposit: coins(2),
        expiry: Height(expiry),
        store_entries,
        store_bytes: store_entries * 5,
    };
    over.put(key::contract(CONTRACT), Some(contract(11, None, u64::from(entries)).encode()));
    over.put(key::contract(CLONE), Some(contract(30, Some(CONTRACT), 0).encode()));
    over.put(key::code(CODE), Some(Code { refs: 2, code: ContractBytes(vec![1; 100]) }.encode()));
    over.put(key::source(SOURCE), Some(Source { refs: 2, source: Bytes(vec![2; 50]) }.encode()));
    for n in 0..entries {
        over.put_store(CONTRACT, &n.to_be_bytes(), Some(vec![1]));
    }
    // Their coins come out of Bob's account; the larger is not payable.
    let bob = root.account(BOB);
    let left = bob.balance.minus(coins(14)).unwrap();
    over.put(key::account(account(BOB)), Some(Account { balance: left, ..bob }.encode()));
    let held = Account { balance: coins(10), payable: false, ..Account::EMPTY };
    over.put(key::account(AccountId(CONTRACT.0)), Some(held.encode()));
    let supply = root.supply();
    let accounts = supply.accounts.minus(coins(4)).unwrap();
    over.put(key::supply(), Some(Supply { accounts, deposits: coins(4), ..supply }.encode()));
    for (height, id) in [(12, CONTRACT), (17, CONTRACT), (31, CLONE), (36, CLONE)] {
        let due = banyan_ledger::Due { kind: 2, id: Bytes(id.0.to_vec()) };
        over.put(key::due(Height(height), 0), Some(due.encode()));
        over.put(key::due_count(Height(height)), Some(banyan_ledger::DueCount { n: 1 }.encode()));
    }
    let (state, changes) = over.into_parts();
    root.state = state;
    root.state.commit(&changes);
    root.check();
    root
}

#[test]
fn expired_balances_reach_the_owner() {
    let mut root = with_contracts(3);
    assert_eq!(root.advance_to(12), [Event::Expired { id: CONTRACT.into(), expiry: Height(11) }]);
    let before = root.balance(ALICE);
    let removed = Event::Removed { id: CONTRACT.into(), to: Some(account(ALICE)), amount: coins(12) };
    assert_eq!(root.advance_to(17), [removed]);
    assert_eq!(root.balance(ALICE), before.plus(coins(12)).unwrap(), "coins and deposit");
    assert_eq!(root.account_of(AccountId(CONTRACT.0)), Account::EMPTY);
    assert_eq!(root.at(&key::contract(CONTRACT), |_| ()), None);
    assert!(root.at(&key::tombstone(CONTRACT.into()), |_| ()).is_some());
    for n in 0..3u32 {
        assert_eq!(root.at(&key::store(CONTRACT, &n.to_be_bytes()), |_| ()), None, "the store is swept");
    }
}

#[test]
fn a_template_may_expire_before_its_clones() {
    let mut root = with_contracts(0);
    let refs = |root: &Ledger| {
        let code = root.at(&key::code(CODE), |bytes| Code::decode(bytes).unwrap().refs);
        (code, root.at(&key::source(SOURCE), |bytes| Source::decode(bytes).unwrap().refs))
    };
    root.advance_to(17);
    assert_eq!(refs(&root), (Some(1), Some(1)), "the clone needs them still");
    root.advance_to(36);
    assert_eq!(refs(&root), (None, None));
}

#[test]
fn what_no_account_owns_goes_back_to_the_pool() {
    let mut root = with_contracts(0);
    let at = key::contract(CONTRACT);
    let contract = root.at(&at, |bytes| Contract::decode(bytes).unwrap()).unwrap();
    let orphan = Contract { owner: Payee::Contract(CLONE), ..contract };
    root.state.commit(&Changes::from([(at, Some(orphan.encode()))]));
    root.advance_to(16);
    let pool = root.supply().pool;
    assert_eq!(root.advance_to(17), [Event::Removed { id: CONTRACT.into(), to: None, amount: coins(12) }]);
    assert_eq!(root.supply().pool, pool.plus(coins(12)).unwrap().minus(coins(100)).unwrap(), "less the coinbase");
}

#[test]
fn a_contract_pays_for_all_it_needs_to_live_longer() {
    let mut root = with_contracts(3);
    root.params.rent_gas_per_byte_year = 10_512_000; // a gas for a byte and height
    let bytes = 512 + 100 + 50 + 3 * (5 + 64);
    let tx = root.extend(BOB, Target::Contract(CONTRACT), 7);
    let rent = banyan_ledger::extension_rent(&mut Overlay::new(root.state.clone()), &root.params, root.height(), &tx);
    assert_eq!(rent, Ok(Some(banyan_types::Gas(bytes * 7))));
    root.micro(&[root.sign(BOB, tx)]).unwrap();
    assert_eq!(root.advance_to(18), [], "it was to end at 11");
    assert_eq!(root.advance_to(19), [Event::Expired { id: CONTRACT.into(), expiry: Height(18) }]);
}

#[test]
fn a_payment_to_a_contract_asks_whether_it_takes_coins_and_lives() {
    let mut root = with_contracts(0);
    let pay = |root: &Ledger, to| {
        let spend =
            banyan_types::tx::Spend { recipient_id: Payee::Contract(to), ..root.spend(BOB, account(BOB), coins(1)) };
        root.admit(&root.sign(BOB, spend)).map(|_| ())
    };
    assert_eq!(pay(&root, CONTRACT), Err(Rejected::NotPayable));
    assert_eq!(pay(&root, ContractId([9; 32])), Err(Rejected::NotPayable));
    root.advance_to(30);
    assert_eq!(pay(&root, CLONE), Ok(()));
    root.advance_to(31);
    let expired = Err(Rejected::Expired { id: CLONE.into(), height: Height(30) });
    assert_eq!(pay(&root, CLONE), expired);
    root.advance_to(40);
    assert_eq!(pay(&root, CLONE), expired, "its tombstone says the same");
}

#[test]
fn a_large_store_is_swept_over_blocks() {
    let entries = SWEEP_MAX + SWEEP_MAX / 2;
    let mut root = with_contracts(entries);
    let left = |root: &Ledger| Base::hint_keys(&root.state, CONTRACT, &[], usize::MAX).unwrap().len();
    root.advance_to(17);
    assert_eq!(left(&root), entries as usize - SWEEP_MAX as usize);
    assert!(root.at(&key::sweep_queue(), |bytes| SweepQueue::decode(bytes).unwrap()).is_some());
    root.advance_to(18);
    assert_eq!(left(&root), 0);
    assert_eq!(root.at(&key::sweep_queue(), |_| ()), None);
}

/// A state that hides a key of a store.
struct Short(MapState);

impl Base for Short {
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Missing> {
        self.0.read(key)
    }

    fn root_after(&mut self, changes: &Changes) -> Result<Hash, Missing> {
        self.0.root_after(changes)
    }

    fn hint_keys(&self, contract: ContractId, prefix: &[u8], max: usize) -> Result<Vec<Vec<u8>>, Missing> {
        let mut keys = self.0.hint_keys(contract, prefix, max)?;
        keys.pop();
        Ok(keys)
    }

    fn learn_keys(&mut self, keys: StoreKeys) {
        self.0.learn_keys(keys);
    }
}

#[test]
fn a_short_key_hint_is_our_fault_and_not_the_blocks() {
    let mut root = with_contracts(3);
    root.advance_to(16);
    let header = root.key_header(LEADER);
    let why = key_outcome(&mut Overlay::new(Short(root.state.clone())), &root.params, &header, None).unwrap_err();
    assert_eq!(why.fault(), banyan_ledger::Fault::Ours);
}

#[test]
fn an_associate_with_escrow_is_never_pruned() {
    let mut pair = Pair::with(|create| create.expiry = Height(202));
    pair.commit(ALICE, ALICE, coins(5));
    let id = pair.id;
    let end = Event::Expired { id: id.into(), expiry: Height(202) };
    let events = pair.root.advance_to(203);
    assert_eq!(events.as_slice(), std::slice::from_ref(&end));
    assert_eq!(pair.held(), coins(5), "dead, and its money is there");
    assert_eq!(pair.root.point(id).expiry, Height(202));

    let mut empty = Pair::with(|create| create.expiry = Height(202));
    let gone = Event::Removed { id: id.into(), to: None, amount: Amount::ZERO };
    assert_eq!(empty.root.advance_to(203), [end, gone]);
    assert_eq!(empty.root.at(&key::point(id), |_| ()), None);
    assert!(empty.root.at(&key::tombstone(id.into()), |_| ()).is_some());
    let commit = empty.root.sign(ALICE, empty.root.commit(ALICE, id, ALICE, coins(1)));
    assert_eq!(empty.root.admit(&commit).unwrap_err(), Rejected::Unknown);
}

#[test]
fn an_associate_lives_on_when_somebody_pays() {
    let mut pair = Pair::with(|create| create.expiry = Height(202));
    let target = Target::Associate(pair.id);
    pair.root.micro(&[pair.root.sign(BOB, pair.root.extend(BOB, target, 50))]).unwrap();
    assert_eq!(pair.root.advance_to(203), []);
    assert_eq!(pair.root.advance_to(253).len(), 2);
    let late = pair.root.sign(BOB, pair.root.extend(BOB, target, 50));
    assert_eq!(pair.root.admit(&late).unwrap_err(), Rejected::NoTarget { target: target.id() });
    let never = Target::Associate(AssociateId([1; 32]));
    let why = pair.root.admit(&pair.root.sign(BOB, pair.root.extend(BOB, never, 50))).unwrap_err();
    assert_eq!(why, Rejected::NoTarget { target: never.id() });
}

/// Alice's entries, all made at one height, in blocks of as many as fit.
fn many_entries(root: &mut Ledger, count: u64, lifetime: impl Fn(u64) -> u64) {
    let first = root.nonce(ALICE).0;
    let (_, sample) = root.create_entry(ALICE, b"data", Lifetime::Default);
    let nth = |n: u64| EntryCreate {
        nonce: banyan_types::Nonce(first + n),
        lifetime: Lifetime::Heights(lifetime(n)),
        fee: units(20_000_000_000_000),
        ..sample.clone()
    };
    let txs: Vec<SignedTx> = (0..count).map(|n| root.sign(ALICE, nth(n))).collect();
    txs.chunks(1_000).for_each(|txs| drop(root.micro(txs).unwrap()));
}

#[test]
fn a_thousand_objects_due_at_one_height_prune_over_blocks() {
    let mut root = short_lived();
    let count = u64::from(PRUNE_MAX) + 500;
    many_entries(&mut root, count, |_| 10);
    let removed = |events: &[Event]| events.iter().filter(|event| matches!(event, Event::Removed { .. })).count();
    root.advance_to(16);
    assert_eq!(removed(&root.advance_to(17)), PRUNE_MAX as usize);
    assert_eq!(removed(&root.advance_to(18)), 500);
}

#[test]
fn pruning_slowly_changes_no_receipt() {
    // The second ledger has so much to do that it is late by a block; what is asked of both, both answer alike.
    let (mut idle, mut busy) = (short_lived(), short_lived());
    let id = busy.make_entry(BOB, Lifetime::Default);
    assert_eq!(idle.make_entry(BOB, Lifetime::Default), id);
    // Before it in the queue of the height at which it goes.
    let mut crowded = short_lived();
    many_entries(&mut crowded, u64::from(PRUNE_MAX) + 1, |_| 10);
    assert_eq!(crowded.make_entry(BOB, Lifetime::Default), id);
    for height in [11, 12, 16, 17] {
        let answers = [&mut idle, &mut busy, &mut crowded].map(|root| {
            root.advance_to(height);
            let asked = [
                root.sign(BOB, root.transfer_entry(BOB, id, ALICE)),
                root.sign(BOB, root.destroy_entry(BOB, id)),
                root.sign(ALICE, root.extend(ALICE, Target::Entry(id), 5)),
            ];
            let kind = |tx| root.admit(tx).map(|outcome| outcome.receipts[0].status).map_err(|why| why.code());
            asked.each_ref().map(kind)
        });
        assert_eq!(answers[0], answers[1], "height {height}");
        assert_eq!(answers[0], answers[2], "height {height}");
    }
    assert!(crowded.entry(id).is_some() && idle.entry(id).is_none(), "else this proves nothing");
}

/// A state that counts which leaves are read.
struct Counting<'a>(&'a MapState, RefCell<BTreeSet<Key>>);

impl Base for Counting<'_> {
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Missing> {
        self.1.borrow_mut().insert(*key);
        self.0.read(key)
    }

    fn root_after(&mut self, _: &Changes) -> Result<Hash, Missing> {
        Ok(Hash::ZERO)
    }

    fn hint_keys(&self, contract: ContractId, prefix: &[u8], max: usize) -> Result<Vec<Vec<u8>>, Missing> {
        self.0.hint_keys(contract, prefix, max)
    }

    fn learn_keys(&mut self, _: StoreKeys) {}
}

#[test]
fn a_walk_touches_only_what_is_due() {
    // Two hundred entries, of which ten go at height 21: by their reminders of last heights 15.
    let mut root = short_lived();
    many_entries(&mut root, 200, |n| if n < 10 { 14 } else { 60 + n % 30 });
    root.advance_to(20);
    let header = root.key_header(LEADER);
    let touched = |root: &Ledger, header| {
        let mut over = Overlay::new(Counting(&root.state, RefCell::default()));
        key_outcome(&mut over, &root.params, header, None).unwrap();
        let (base, changes) = over.into_parts();
        (base.1.into_inner().len(), changes.len())
    };
    let (reads, writes) = touched(&root, &header);
    // What a key block touches on a ledger without any object.
    let mut empty = short_lived();
    empty.advance_to(20);
    let (idle_reads, idle_writes) = touched(&empty, &empty.key_header(LEADER));
    // Ten items, ten entries; ten tombstones are written unseen; the count of the height.
    assert_eq!(reads - idle_reads, 10 + 10);
    assert_eq!(writes - idle_writes, 10 + 10 + 10 + 1);
}

#[test]
fn a_block_that_ends_objects_is_undone_whole() {
    // Ledger::key_block compares, after every block, the state unwound with the one before; this one has much to undo.
    let mut root = with_contracts(50);
    many_entries(&mut root, 20, |n| 5 + n % 3);
    let before = root.state.clone();
    let from = root.history.len();
    root.advance_to(40);
    let mut state = root.state.clone();
    root.history[from..].iter().rev().for_each(|(_, undo)| state.commit(undo));
    assert_eq!(state.root(), before.root());
    assert!(state.leaves().eq(before.leaves()));
    let found = Base::hint_keys(&state, CONTRACT, &[], usize::MAX).unwrap();
    assert_eq!(found.len(), 50, "what came back is found again");
}
