//! What versions are: readable side by side, provable, moved between by a pointer, forgotten when nothing needs them.

mod world;

use banyan_ledger::{MapState, Overlay, State as _};
use banyan_store::Order::{Ascending, Descending};
use banyan_store::{Batch, Changes, Column, Commit, Engine, Fault, Flush, Mem, Place, Store, StoreError, Version};
use std::collections::BTreeMap;
use world::{all_rows, commit, id, leaves};

fn store() -> Store {
    Store::open(Mem::new()).unwrap()
}

fn move_head(store: &Store, version: Version) -> Result<(), StoreError> {
    let mut commit = Commit::new();
    commit.head(version);
    store.commit(commit, Flush::Now)
}

#[test]
fn a_new_store_has_the_empty_state() {
    let store = store();
    let view = store.at(store.head()).unwrap();
    assert_eq!((view.version(), view.root(), view.block()), (Version::EMPTY, [0; 32], [0; 32]));
    assert_eq!(view.read(&id(1)), Ok(None));
    assert_eq!(store.version_of(&[0; 32]), Some(Version::EMPTY));
}

#[test]
fn each_version_reads_its_own_values() {
    let store = store();
    let a = commit(&store, Version::EMPTY, 1, &[(1, Some(b"a")), (2, Some(b"two"))], Flush::Now);
    let b = commit(&store, a, 2, &[(1, Some(b"b"))], Flush::Now);
    let c = commit(&store, a, 3, &[(1, None), (3, Some(b""))], Flush::Now);
    let read = |version, key| store.at(version).unwrap().read(&id(key)).unwrap();
    assert_eq!([read(a, 1), read(b, 1), read(c, 1)], [Some(b"a".to_vec()), Some(b"b".to_vec()), None]);
    assert_eq!([read(a, 2), read(b, 2), read(c, 2)], [(); 3].map(|()| Some(b"two".to_vec())));
    assert_eq!(read(c, 3), Some(Vec::new()), "an empty value is a value");
    assert_eq!(store.version_of(&id(3)), Some(c));
}

#[test]
fn proofs_hold_for_what_a_version_reads() {
    let store = store();
    let a = commit(&store, Version::EMPTY, 1, &[(1, Some(b"a")), (2, Some(b"two"))], Flush::Now);
    commit(&store, a, 2, &[(1, Some(b"b"))], Flush::Now);
    let view = store.at(a).unwrap();
    for key in [id(1), id(2), id(9)] {
        let value = view.read(&key).unwrap();
        view.prove(&key).verify(&view.root(), &key, value.as_deref()).unwrap();
    }
    let mut entries = [id(1), id(9)].map(|key| (key, view.read(&key).unwrap()));
    entries.sort();
    view.prove_many(&[id(1), id(9)]).verify(&view.root(), &entries).unwrap();
}

#[test]
fn a_session_commits_the_changes_it_is_given_last() {
    let store = store();
    let mut session = store.session(Version::EMPTY).unwrap();
    let early = Changes::from([(id(1), Some(b"early".to_vec()))]);
    let late = Changes::from([(id(1), Some(b"late".to_vec())), (id(2), Some(b"more".to_vec()))]);
    let root = session.root_after(&early);
    assert_eq!(session.root_after(&early), root);
    let executed = session.finish(id(1), late);
    let version = executed.version();
    assert_ne!(executed.root(), root);
    let mut commit = Commit::new();
    commit.state(executed);
    store.commit(commit, Flush::Now).unwrap();
    let expected = [(id(1), b"late".to_vec()), (id(2), b"more".to_vec())];
    assert_eq!(leaves(&store, version), BTreeMap::from(expected));
}

#[test]
fn a_state_is_not_there_before_its_commit() {
    let store = store();
    let executed = store.session(Version::EMPTY).unwrap().finish(id(1), Changes::new());
    let version = executed.version();
    assert_eq!(store.at(version).err(), Some(StoreError::NotKept { version, oldest: Version::EMPTY }));
    assert_eq!(move_head(&store, version).err(), Some(StoreError::NotKept { version, oldest: Version::EMPTY }));
}

#[test]
fn unwinding_is_a_pointer_and_applying_again_gives_the_same_version_root() {
    let disk = Mem::new();
    let store = Store::open(disk.clone()).unwrap();
    let a = commit(&store, Version::EMPTY, 1, &[(1, Some(b"a"))], Flush::Now);
    let b = commit(&store, a, 2, &[(1, Some(b"b")), (2, Some(b"x"))], Flush::Now);
    move_head(&store, b).unwrap();
    let [leaf, change] = [Column::Leaf, Column::Change].map(|column| all_rows(&disk, column));
    move_head(&store, a).unwrap();
    assert_eq!(
        [leaf, change],
        [Column::Leaf, Column::Change].map(|column| all_rows(&disk, column)),
        "nothing rewritten"
    );
    assert_eq!(store.head(), a);
    let again = commit(&store, a, 2, &[(1, Some(b"b")), (2, Some(b"x"))], Flush::Now);
    assert_ne!(again, b);
    assert_eq!(store.at(again).unwrap().root(), store.at(b).unwrap().root());
}

/// The store moves a pointer, a state in maps takes what undoes each block: both stand at one root, on the way back and forth.
#[test]
fn unwinding_then_applying_gives_the_same_roots() {
    let (store, mut map, mut undone) = (store(), MapState::default(), Vec::new());
    let block = |number: u8| -> Changes {
        let value = |key: u64| (id(key), (key % 3 != u64::from(number % 3)).then(|| vec![number; 3]));
        (u64::from(number)..u64::from(number) + 6).map(value).collect()
    };
    let mut versions = vec![Version::EMPTY];
    for number in 1..=8 {
        let base = *versions.last().unwrap();
        let rows: Vec<_> = block(number).into_iter().collect();
        let executed = store.session(base).unwrap().finish(id(number.into()), rows.iter().cloned().collect());
        let version = executed.version();
        let mut commit = Commit::new();
        commit.state(executed).head(version);
        store.commit(commit, Flush::Later).unwrap();
        let mut overlay = Overlay::new(&mut map);
        for (key, value) in rows {
            overlay.put(key, value);
        }
        undone.push(overlay.undo().unwrap());
        let changes = overlay.into_parts().1;
        map.commit(&changes);
        versions.push(version);
        assert_eq!(store.at(version).unwrap().root(), map.root().0, "block {number}");
    }
    for (at, undo) in undone.iter().enumerate().rev() {
        map.commit(undo);
        move_head(&store, versions[at]).unwrap();
        assert_eq!(store.at(store.head()).unwrap().root(), map.root().0, "back at {at}");
    }
    for number in 1..=8 {
        map.commit(&block(number));
        move_head(&store, versions[usize::from(number)]).unwrap();
        assert_eq!(store.at(store.head()).unwrap().root(), map.root().0, "block {number} again");
    }
}

#[test]
fn branches_share_nodes_and_the_loser_leaves_no_row() {
    let disk = Mem::new();
    let store = Store::open(disk.clone()).unwrap();
    let shared = commit(&store, Version::EMPTY, 1, &[(1, Some(b"shared")), (2, Some(b"shared"))], Flush::Now);
    let winner = commit(&store, shared, 2, &[(1, Some(b"winner"))], Flush::Now);
    let alone = [Column::Leaf, Column::Change].map(|column| all_rows(&disk, column));
    let loser = commit(&store, shared, 3, &[(1, Some(b"loser")), (3, Some(b"loser")), (2, None)], Flush::Now);
    let child = commit(&store, loser, 4, &[(3, None), (4, Some(b"loser"))], Flush::Now);
    assert_eq!(all_rows(&disk, Column::Leaf).len(), alone[0].len() + 3, "a branch writes its own changes only");
    move_head(&store, winner).unwrap();
    let pruned = store.finalise(winner, usize::MAX).unwrap();
    assert_eq!((pruned.versions, pruned.waiting), (2, 0));
    assert_eq!([Column::Leaf, Column::Change].map(|column| all_rows(&disk, column)), alone);
    for version in [loser, child] {
        assert_eq!(store.at(version).err(), Some(StoreError::NotKept { version, oldest: Version::EMPTY }));
    }
}

#[test]
fn pruning_never_removes_a_reachable_node() {
    let store = store();
    let mut head = Version::EMPTY;
    let mut expected = BTreeMap::new();
    for number in 1..60_u64 {
        let value = number.to_be_bytes();
        head = commit(&store, head, number, &[(number % 7, Some(&value)), (100 + number, Some(&value))], Flush::Later);
        expected.extend([(id(number % 7), value.to_vec()), (id(100 + number), value.to_vec())]);
        move_head(&store, head).unwrap();
        store.finalise(head, 3).unwrap();
        assert_eq!(store.kept().len(), 4.min(usize::try_from(number).unwrap() + 1));
        assert_eq!(leaves(&store, head), expected);
        assert!(!leaves(&store, store.kept()[0].0).contains_key(&id(100 + number)), "an old version sees a new leaf");
    }
}

#[test]
fn what_is_being_read_is_not_forgotten() {
    let store = store();
    let a = commit(&store, Version::EMPTY, 1, &[(1, Some(b"a"))], Flush::Now);
    let loser = commit(&store, a, 2, &[(1, Some(b"loser"))], Flush::Now);
    let child = commit(&store, loser, 3, &[(2, Some(b"loser"))], Flush::Now);
    let b = commit(&store, a, 4, &[(1, Some(b"b"))], Flush::Now);
    move_head(&store, b).unwrap();
    // The child's leaves rest on its parent's rows, and both on the version where the branch began.
    let view = store.at(child).unwrap();
    let pruned = store.finalise(b, 0).unwrap();
    assert_eq!((pruned.versions, pruned.waiting), (1, 3), "the empty state alone");
    assert_eq!(view.read(&id(1)), Ok(Some(b"loser".to_vec())));
    drop(view);
    assert_eq!(store.finalise(b, 0).unwrap().versions, 3);
    assert_eq!(store.kept(), [(b, id(4))]);
}

#[test]
fn an_open_session_keeps_its_base_until_its_commit() {
    let store = store();
    let a = commit(&store, Version::EMPTY, 1, &[(1, Some(b"a"))], Flush::Now);
    let b = commit(&store, a, 2, &[(1, Some(b"b"))], Flush::Now);
    move_head(&store, b).unwrap();
    let executed = store.session(a).unwrap().finish(id(3), Changes::from([(id(2), Some(b"c".to_vec()))]));
    let late = executed.version();
    assert_eq!(store.finalise(b, 0).unwrap().waiting, 1);
    let mut commit = Commit::new();
    commit.state(executed);
    store.commit(commit, Flush::Now).unwrap();
    assert_eq!(leaves(&store, late).len(), 2);
    // It lost before it was committed, and goes with the rest.
    assert_eq!(store.finalise(b, 0).unwrap().versions, 2);
}

#[test]
fn one_call_forgets_a_bounded_number_and_the_next_goes_on() {
    let store = store();
    let mut head = Version::EMPTY;
    for number in 0..banyan_store::PRUNE_VERSIONS_MAX as u64 + 10 {
        head = commit(&store, head, number, &[(1, Some(&number.to_be_bytes()))], Flush::Later);
    }
    move_head(&store, head).unwrap();
    let first = store.finalise(head, 0).unwrap();
    assert_eq!((first.versions, first.waiting), (banyan_store::PRUNE_VERSIONS_MAX, 10));
    assert_eq!(store.finalise(head, 0).unwrap().versions, 10);
    assert_eq!(store.kept().len(), 1);
}

#[test]
fn the_head_stays_ahead_of_what_is_final() {
    let store = store();
    let a = commit(&store, Version::EMPTY, 1, &[(1, Some(b"a"))], Flush::Now);
    let b = commit(&store, a, 2, &[(1, Some(b"b"))], Flush::Now);
    let c = commit(&store, a, 3, &[(1, Some(b"c"))], Flush::Now);
    assert_eq!(store.finalise(b, 9), Err(StoreError::NotAhead { version: Version::EMPTY, ancestor: b }));
    move_head(&store, b).unwrap();
    store.finalise(b, 9).unwrap();
    assert_eq!(move_head(&store, a), Err(StoreError::NotAhead { version: a, ancestor: b }));
    assert_eq!(store.finalise(a, 9), Err(StoreError::NotAhead { version: a, ancestor: b }));
    assert_eq!(move_head(&store, c), Err(StoreError::NotKept { version: c, oldest: Version::EMPTY }));
    assert_eq!((store.head(), store.last_final()), (b, b));
}

#[test]
fn a_checksum_error_is_ours_and_never_absence() {
    let disk = Mem::new();
    let store = Store::open(disk.clone()).unwrap();
    let a = commit(&store, Version::EMPTY, 1, &[(1, Some(b"a")), (2, Some(&[b'b'; 99]))], Flush::Now);
    for column in [Column::Leaf, Column::Change] {
        for (key, value) in all_rows(&disk, column) {
            let spoiled = disk.crash(0);
            let mut batch = Batch::default();
            batch.put(column, key.clone(), [&value[..], b"!"].concat());
            spoiled.write(batch, Flush::Now).unwrap();
            assert!(matches!(Store::open(spoiled), Err(Fault::Broken { .. })), "{column:?} {value:?}");
            let missing = disk.crash(0);
            let mut batch = Batch::default();
            batch.delete(column, key);
            missing.write(batch, Flush::Now).unwrap();
            assert!(matches!(Store::open(missing), Err(Fault::Broken { .. })), "{column:?} without {value:?}");
        }
    }
    let mut batch = Batch::default();
    for (key, _) in all_rows(&disk, Column::Leaf) {
        batch.put(Column::Leaf, key, b"another");
    }
    disk.write(batch, Flush::Now).unwrap();
    let view = store.at(a).unwrap();
    assert!(matches!(view.read(&id(2)), Err(Fault::Broken { part: "leaf", .. })));
    assert_eq!(view.read(&id(1)).unwrap().as_deref(), Some(&b"a"[..]), "kept in memory");
}

#[test]
fn a_version_that_is_its_own_ancestor_is_broken() {
    let disk = Mem::new();
    let store = Store::open(disk.clone()).unwrap();
    let a = commit(&store, Version::EMPTY, 1, &[(1, Some(b"a"))], Flush::Now);
    move_head(&store, a).unwrap();
    store.finalise(a, 0).unwrap();
    let [(key, mut change)] = all_rows(&disk, Column::Change).try_into().unwrap();
    change[..8].copy_from_slice(&a.number().to_be_bytes());
    let mut batch = Batch::default();
    batch.put(Column::Change, key, change);
    disk.write(batch, Flush::Now).unwrap();
    assert!(matches!(Store::open(disk), Err(Fault::Broken { part: "change", .. })));
}

#[test]
fn blocks_records_and_names_are_found_again() {
    let disk = Mem::new();
    let store = Store::open(disk.clone()).unwrap();
    let mut commit = Commit::new();
    commit.header(&id(1), b"header").body(&id(1), b"body").receipt(&id(1), b"receipts");
    commit.tx(&id(50), &id(1), 3).tx(&id(50), &id(2), 4).tx(&id(51), &id(1), 0);
    commit.main(Place::at(1), Some(&id(1))).main(Place { height: 1, index: 1 }, Some(&id(2)));
    commit.main(Place::at(256), Some(&id(3)));
    commit.pool(7, b"seven").pool(300, b"later").record(1, 5, b"five").record(1, 6, b"six").record(2, 0, b"other");
    commit.meta("genesis", b"name");
    store.commit(commit, Flush::Now).unwrap();

    let store = Store::open(disk.crash(0)).unwrap();
    let found =
        [store.header(&id(1)), store.body(&id(1)), store.receipt(&id(1)), store.meta("genesis"), store.record(1, 5)];
    assert_eq!(found.map(|bytes| bytes.unwrap().unwrap()), [&b"header"[..], b"body", b"receipts", b"name", b"five"]);
    let mut blocks = store.blocks_of(&id(50)).unwrap();
    blocks.sort_by_key(|(_, position)| *position);
    assert_eq!(blocks, [(id(1), 3), (id(2), 4)]);
    let [low, micro, high] = [(Place::at(1), id(1)), (Place { height: 1, index: 1 }, id(2)), (Place::at(256), id(3))];
    assert_eq!(store.main(Place::at(256)), Ok(Some(id(3))));
    assert_eq!(store.main_from(Place { height: 1, index: 1 }, Ascending, 9).unwrap(), [micro, high]);
    assert_eq!(store.main_from(Place::at(u64::MAX), Descending, 2).unwrap(), [high, micro]);
    assert_eq!(store.main_from(Place::at(1), Descending, 9).unwrap(), [low]);
    assert_eq!(store.pool_from(8, 9).unwrap(), [(300, b"later".to_vec())]);
    assert_eq!(store.records(1, u64::MAX, Descending, 1).unwrap(), [(6, b"six".to_vec())]);
    assert_eq!(store.records(1, 0, Ascending, 9).unwrap().len(), 2);

    let mut commit = Commit::new();
    commit.unpool(7).forget(1, 5).main(Place::at(256), None);
    store.commit(commit, Flush::Now).unwrap();
    assert_eq!(store.pool_from(0, 9).unwrap().len(), 1);
    assert_eq!(store.record(1, 5), Ok(None));
    assert_eq!(store.main_from(Place::at(u64::MAX), Descending, 1).unwrap(), [micro]);
}
