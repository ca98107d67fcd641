//! A ledger's transition over a session writes what it writes over a map.

mod world;

use banyan_ledger::{Base, Changes, MapState, Overlay, State};
use banyan_store::{Commit, Flush, Mem, Session, Store};
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
