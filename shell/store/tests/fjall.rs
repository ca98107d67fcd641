//! The engine on a real disk keeps what the one in memory keeps, and refuses what is not its own.

mod world;

use banyan_store::{Batch, Column, Commit, Engine, Fjall, Flush, Mem, OpenError, Order, Span, Store, Version, View};
use proptest::prelude::*;
use std::ops::Bound;
use std::path::Path;
use std::process::Command;
use tempfile::{TempDir, tempdir};
use world::{World, all_rows, assert_agree, commit, id};

fn open(folder: &Path) -> Store {
    Store::open(Fjall::open(folder).unwrap()).unwrap()
}

#[test]
fn random_blocks_on_random_branches_equal_the_model_after_every_reopening() {
    for seed in 0..4 {
        let folder = tempdir().unwrap();
        let mut world = World::new(open(folder.path()), seed);
        for _ in 0..12 {
            world.run(10).unwrap();
            assert_agree(&world.store, world.model());
            // An engine that holds nothing stands in while the tables are closed and opened again.
            world.store = Store::open(Mem::new()).unwrap();
            world.store = open(folder.path());
            assert_agree(&world.store, world.model());
        }
    }
}

#[test]
fn a_crash_image_taken_at_any_moment_and_cut_anywhere_is_a_point_of_the_past() {
    let folder = tempdir().unwrap();
    let mut world = World::new(open(folder.path()), 1);
    for _ in 0..12 {
        world.durable = 0;
        world.run(5).unwrap();
        // Killed: everything written is there, synced or not.
        let image = crash_image(folder.path(), |bytes| bytes);
        let found = open(image.path());
        assert_agree(&found, world.model());
        // The power went: the end of the journal is lost, in the middle of whatever was being written.
        for part in 0..4 {
            let image = crash_image(folder.path(), |bytes| bytes * part / 4);
            let found = open(image.path());
            world.durable = 0;
            assert_agree(&found, &world.found(&found));
        }
    }
}

/// A copy of an open store's folder, its journals cut to `kept` of their bytes.
fn crash_image(folder: &Path, kept: impl Fn(usize) -> usize) -> TempDir {
    let image = tempdir().unwrap();
    copy(folder, image.path(), &kept);
    image
}

fn copy(from: &Path, to: &Path, kept: &impl Fn(usize) -> usize) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to, kept);
        } else if from.extension().is_some_and(|kind| kind == "jnl") {
            // Journals are made long and empty; what was written ends before the zeros.
            let mut bytes = std::fs::read(&from).unwrap();
            bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
            bytes.truncate(kept(bytes.len()));
            std::fs::write(&to, bytes).unwrap();
        } else {
            std::fs::copy(&from, &to).unwrap();
        }
    }
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    let key = || prop::collection::vec(0..4_u8, 1..3);
    prop_oneof![Just(Bound::Unbounded), key().prop_map(Bound::Included), key().prop_map(Bound::Excluded)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_engines_answer_alike(
        batches in prop::collection::vec(
            prop::collection::vec((0..10_usize, prop::collection::vec(0..4_u8, 1..3), prop::option::of(0..9_u8)), 0..12), 1..6),
        spans in prop::collection::vec((0..10_usize, (bound(), bound()), any::<bool>(), 0..9_usize), 1..20),
    ) {
        let folder = tempdir().unwrap();
        let (tables, mem) = (Fjall::open(folder.path()).unwrap(), Mem::new());
        for rows in batches {
            let mut batch = Batch::default();
            for (column, key, value) in rows {
                match value {
                    Some(value) => batch.put(Column::ALL[column], key, [value]),
                    None => batch.delete(Column::ALL[column], key),
                }
            }
            tables.write(batch.clone(), Flush::Later).unwrap();
            mem.write(batch, Flush::Later).unwrap();
        }
        for (column, span, up, rows_max) in spans {
            let order = if up { Order::Ascending } else { Order::Descending };
            let scan = |engine: &dyn Engine, span: Span| engine.scan(Column::ALL[column], span, order, rows_max);
            prop_assert_eq!(scan(&tables, span.clone()), scan(&mem, span));
        }
        for column in Column::ALL {
            prop_assert_eq!(all_rows(&tables, column), all_rows(&mem, column));
            for (key, value) in all_rows(&mem, column) {
                prop_assert_eq!(tables.get(column, &key), Ok(Some(value)));
            }
        }
    }
}

#[test]
fn reads_beside_writes_see_whole_blocks() {
    const BLOCKS: u64 = 200;
    /// The reader stops here if the blocks never come.
    const READS_MAX: usize = 10_000_000;
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let read = |view: View| {
        // Each block writes its own number to both keys and keeps its header.
        let [a, b] = [1, 2].map(|key| view.read(&id(key)).unwrap());
        assert_eq!(a, b);
        assert!(view.version() == Version::EMPTY || store.header(&view.block()).unwrap().is_some());
        view.version().number()
    };
    let seen = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let reads = std::iter::repeat_with(|| read(store.tip()));
            reads.take(READS_MAX).take_while(|version| *version < BLOCKS).count()
        });
        for number in 1..=BLOCKS {
            let value = number.to_be_bytes();
            let version = commit(&store, store.head(), number, &[(1, Some(&value)), (2, Some(&value))], Flush::Later);
            let mut commit = Commit::new();
            commit.head(version);
            store.commit(commit, Flush::Later).unwrap();
            store.finalise(version, 0).unwrap();
        }
        reader.join().unwrap()
    });
    assert_eq!(read(store.tip()), BLOCKS, "after {seen} reads");
}

#[test]
fn two_processes_cannot_open_one_store() {
    /// Set in the second process only.
    const FOLDER: &str = "BANYAN_STORE_TEST_FOLDER";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let refused = Fjall::open(Path::new(&folder)).err();
        assert!(matches!(refused, Some(OpenError::Locked { .. })), "{refused:?}");
        return;
    }
    let folder = tempdir().unwrap();
    let _first = Fjall::open(folder.path()).unwrap();
    let second = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "two_processes_cannot_open_one_store"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(second.status.success(), "{second:?}");
    let said = String::from_utf8(second.stdout).unwrap();
    assert!(said.contains("1 passed"), "the second process ran no test: {said}");
}

#[test]
fn a_store_of_another_format_is_refused() {
    let folder = tempdir().unwrap();
    drop(Fjall::open(folder.path()).unwrap());
    for text in ["2\n", "", "one"] {
        std::fs::write(folder.path().join("FORMAT"), text).unwrap();
        let refused = Fjall::open(folder.path()).err();
        assert!(matches!(&refused, Some(OpenError::Format { found, .. }) if found == text.trim()), "{refused:?}");
    }
    std::fs::remove_file(folder.path().join("FORMAT")).unwrap();
    assert!(matches!(Fjall::open(folder.path()).err(), Some(OpenError::Format { found, .. }) if found == "missing"));
}

#[test]
fn a_crash_while_the_folder_is_made_leaves_a_store_that_opens() {
    let whole = tempdir().unwrap();
    drop(Fjall::open(whole.path()).unwrap());
    // What is there after each step of making it: the lock, the number, tables begun, tables whole but not yet in their place.
    for (format, tables) in
        [(false, None), (true, None), (true, Some("tables.new/keyspaces")), (true, Some("tables.new"))]
    {
        let folder = tempdir().unwrap();
        std::fs::write(folder.path().join("LOCK"), "").unwrap();
        if format {
            std::fs::write(folder.path().join("FORMAT"), "1\n").unwrap();
        }
        if let Some(part) = tables {
            copy(&whole.path().join("tables"), &folder.path().join(part), &|bytes| bytes);
        }
        assert_eq!(open(folder.path()).kept().len(), 1);
        assert!(!folder.path().join("tables.new").exists());
    }
}
