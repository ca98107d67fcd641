//! A ledger's transition over a session writes what it writes over a map.

mod world;

use banyan_ledger::{Base, Changes, MapState, Overlay, State};
use banyan_store::{Column, Commit, Flush, Mem, Order, Session, Store};
use banyan_types::ContractId;
use world::id;

/// Reads, writes and a rewound write, as a block makes them.
fn block(state: &mut impl State, number: u64) {
    let key = id(number % 5);
    let before = state.get(&key).unwrap().unwrap_or_default();
    state.put(key, Some([before, vec![1]].concat()));
    state.put(id(number % 3), None);
    let mark = state.mark();
    state.put(id(100), Some(b"rewound".to_vec()));
    state.rewind(mark);
    state.root().unwrap();
    state.put(id(50 + number), Some(number.to_be_bytes().to_vec()));
}

fn run<B: Base>(base: B, number: u64) -> (B, Changes, [u8; 32]) {
    let mut overlay = Overlay::new(base);
    block(&mut overlay, number);
    let root = overlay.root().unwrap();
    let (base, changes) = overlay.into_parts();
    (base, changes, root.0)
}

#[test]
fn store_and_map_agree_on_every_root() {
    let store = Store::open(Mem::new()).unwrap();
    let mut map = MapState::default();
    for number in 0..30 {
        let (session, changes, root): (Session, _, _) = run(store.session(store.head()).unwrap(), number);
        let (_, of_map, root_of_map) = run(&mut map, number);
        assert_eq!((root, &changes), (root_of_map, &of_map));
        map.commit(&of_map);
        let executed = session.finish(id(number), changes);
        assert_eq!(executed.root(), root);
        let mut commit = Commit::new();
        commit.head(executed.version()).state(executed);
        store.commit(commit, Flush::Now).unwrap();
    }
}

/// Random writes of two contracts' stores over branches that lose and win: every kept version lists exactly the keys that a
/// map lists, and when all but one is forgotten, no row is left of what is gone.
#[test]
fn store_and_map_list_the_same_keys_of_a_store_on_every_branch() {
    let store = Store::open(Mem::new()).unwrap();
    let mut maps = std::collections::BTreeMap::from([(store.head(), MapState::default())]);
    let mut dice = 7u64;
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    let contracts = [ContractId([1; 32]), ContractId([2; 32])];
    for number in 1..=60 {
        let versions: Vec<_> = maps.keys().copied().collect();
        let parent = versions[versions.len() - 1 - usize::try_from(roll(3)).unwrap().min(versions.len() - 1)];
        let mut over = Overlay::new(store.session(parent).unwrap());
        let mut map = maps[&parent].clone();
        let mut of_map = Overlay::new(&mut map);
        for _ in 0..roll(6) {
            let (contract, value) = (contracts[usize::try_from(roll(2)).unwrap()], (roll(3) > 0).then(|| vec![9]));
            // Some keys are longer than a row orders by.
            let raw = vec![u8::try_from(roll(12)).unwrap(); if roll(4) == 0 { 300 } else { 2 }];
            over.put_store(contract, &raw, value.clone());
            of_map.put_store(contract, &raw, value);
        }
        for contract in contracts {
            assert_eq!(over.hint_keys(contract, &[], 99), of_map.hint_keys(contract, &[], 99));
            assert_eq!(over.hint_keys(contract, &[3], 2), of_map.hint_keys(contract, &[3], 2));
        }
        let (_, changes_of_map) = of_map.into_parts();
        let (session, changes) = over.into_parts();
        map.commit(&changes_of_map);
        let executed = session.finish(id(number), changes);
        let version = executed.version();
        let mut commit = Commit::new();
        commit.state(executed);
        if store.at(store.head()).unwrap().version() == parent {
            commit.head(version);
        }
        store.commit(commit, Flush::Now).unwrap();
        maps.insert(version, map);
        if number % 10 == 0 {
            while store.finalise(store.head(), 2).unwrap().waiting > 0 {}
            maps.retain(|version, _| store.at(*version).is_ok());
        }
        for (version, map) in &maps {
            for contract in contracts {
                let listed = store.at(*version).unwrap().store_keys(&contract.0, &[], 99).unwrap();
                assert_eq!(listed, Base::hint_keys(map, contract, &[], 99).unwrap(), "version {version}");
            }
        }
    }
    while store.finalise(store.head(), 0).unwrap().waiting > 0 {}
    let last = &maps[&store.head()];
    let left: usize = contracts.map(|contract| Base::hint_keys(last, contract, &[], 99).unwrap().len()).iter().sum();
    let all = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
    for column in [Column::StoreKey, Column::StoreName] {
        assert_eq!(store.engine().scan(column, all.clone(), Order::Ascending, 999).unwrap().len(), left);
    }
}
