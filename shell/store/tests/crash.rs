//! Whatever the disk does, the store is some point of its own past, not before the last sync.

mod world;

use banyan_store::{Column, Commit, Fault, Flush, Mem, Store, StoreError, Version};
use world::{Dice, Model, World, all_rows, assert_agree, commit, id};

/// Acts of one trace: enough for branches, unwinding and several finalisations.
const ACTS: usize = 40;
/// Traces; each is crashed at every operation with every number of unsynced batches kept.
const SEEDS: u64 = 12;

#[test]
fn random_blocks_on_random_branches_equal_the_model() {
    for seed in 0..SEEDS * 4 {
        let mut world = World::new(Store::open(Mem::new()).unwrap(), seed);
        for _ in 0..ACTS {
            world.step().unwrap();
            assert_agree(&world.store, world.model());
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_rows() {
    let rows = |seed| {
        let mut world = World::new(Store::open(Mem::new()).unwrap(), seed);
        world.run(ACTS).unwrap();
        Column::ALL.map(|column| all_rows(world.store.engine(), column))
    };
    assert_eq!(rows(7), rows(7));
    assert_ne!(rows(7), rows(8));
}

#[test]
fn nothing_acknowledged_is_lost_by_a_crash_at_any_write() {
    let mut crashes = 0;
    for seed in 0..SEEDS {
        each_crash(seed, |world, found| {
            assert_agree(&found, &world.found(&found));
            crashes += 1;
        });
    }
    assert!(crashes > 1000, "only {crashes} crashes: the traces are too short");
}

#[test]
fn after_any_crash_roots_equal_the_model() {
    each_crash(SEEDS, |world, found| {
        let model = world.found(&found);
        let mut world = World { store: found, history: vec![model], durable: 0, dice: Dice::new(1) };
        for _ in 0..ACTS / 4 {
            world.step().unwrap();
            assert_agree(&world.store, world.model());
        }
    });
}

/// Crash a trace at every operation, with every number of unsynced batches kept: the world at the crash, the store found after it.
fn each_crash(seed: u64, mut check: impl FnMut(&World, Store)) {
    for operation in 0.. {
        let disk = Mem::new();
        disk.fail_at(operation);
        let Ok(store) = Store::open(disk.clone()) else {
            (0..=disk.unsynced()).for_each(|kept| assert_agree(&Store::open(disk.crash(kept)).unwrap(), &Model::new()));
            continue;
        };
        let mut world = World::new(store, seed);
        if world.run(ACTS).is_ok() {
            return assert!(operation > ACTS as u64, "a trace without operations");
        }
        (0..=disk.unsynced()).for_each(|kept| check(&world, Store::open(disk.crash(kept)).unwrap()));
    }
}

#[test]
fn crash_during_prune_resumes() {
    // A chain of eight and as many losers, all pruned by one call.
    let prepare = || {
        let disk = Mem::new();
        let store = Store::open(disk.clone()).unwrap();
        for number in 1..=8 {
            let head = store.head();
            commit(&store, head, number, &[(number % 3, Some(b"main")), (number, None)], Flush::Later);
            commit(
                &store,
                head,
                100 + number,
                &[(number % 3, Some(b"loser")), (50 + number, Some(b"own"))],
                Flush::Later,
            );
            let head = store.version_of(&id(number)).unwrap();
            store.commit(std::mem::take(Commit::new().head(head)), Flush::Now).unwrap();
        }
        (disk, store)
    };
    let (whole, store) = prepare();
    let before = whole.operations();
    let head = store.head();
    assert_eq!(store.finalise(head, 1).unwrap().versions, 15);
    for operation in before..whole.operations() {
        let (disk, store) = prepare();
        disk.fail_at(operation);
        assert!(store.finalise(head, 1).is_err());
        for kept in 0..=disk.unsynced() {
            let found = Store::open(disk.crash(kept)).unwrap();
            found.finalise(head, 1).unwrap();
            assert_eq!(Column::ALL.map(|c| all_rows(found.engine(), c)), Column::ALL.map(|c| all_rows(&whole, c)));
        }
    }
}

#[test]
fn a_failed_sync_poisons_and_is_never_retried() {
    let disk = Mem::new();
    let store = Store::open(disk.clone()).unwrap();
    let first = commit(&store, Version::EMPTY, 1, &[(1, Some(b"kept"))], Flush::Now);
    disk.fail_at(disk.operations() + 1);
    let failed = store.commit(rows(2), Flush::Now);
    assert!(matches!(failed, Err(StoreError::Fault(Fault::Failed { action: "sync", .. }))), "{failed:?}");
    let after = disk.operations();
    assert_eq!(store.commit(rows(3), Flush::Later), Err(StoreError::Fault(Fault::Poisoned)));
    assert_eq!(store.finalise(Version::EMPTY, 0), Err(StoreError::Fault(Fault::Poisoned)));
    assert_eq!(store.sync(), Err(Fault::Poisoned));
    assert_eq!(disk.operations(), after, "the disk was asked again");
    assert_eq!(store.at(first).unwrap().read(&id(1)), Ok(Some(b"kept".to_vec())), "reads go on");
    assert_eq!(store.header(&id(2)), Ok(None), "what failed is not shown");
}

fn rows(number: u64) -> Commit {
    std::mem::take(Commit::new().header(&id(number), b"header"))
}
