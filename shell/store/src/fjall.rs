//! Keep the rows on a disk, in one folder, for one process.
//!
//! The folder holds `LOCK`, `FORMAT` and `tables/`. A crash while they are made leaves nothing that looks finished.

use crate::engine::{Batch, Column, Engine, Fault, Flush, Order, Poison, Row, Span, is_void, page};
use ::fjall::config::{CompressionPolicy, PinningPolicy};
use ::fjall::{Database, Guard, Keyspace, KeyspaceCreateOptions, PersistMode, Readable};
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Number of the layout of folder, columns and rows. A store of another number is refused.
pub const FORMAT: u32 = 1;

/// Bytes of blocks cached for reads, over all columns. Leaves are found by exact key and the trie is in memory, so little is
/// gained by more.
const CACHE_BYTES: u64 = 8 << 20;

/// Bytes of the engine's journals, which are read again at every start, before quiet columns are made to let go of theirs.
const JOURNAL_BYTES: u64 = 64 << 20;

/// Bytes that a column gathers in memory before they become a table file.
const fn memtable_bytes(column: Column) -> u64 {
    match column {
        Column::Leaf | Column::Change => 16 << 20,
        Column::Body | Column::Receipt => 8 << 20,
        _ => 4 << 20,
    }
}

/// Why a store's folder could not be opened. Always *ours*.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("the store in {} is open in another process", folder.display())]
    Locked {
        /// The store's folder.
        folder: PathBuf,
    },
    /// It was written by another version of the program.
    #[error("the store in {} has format {found}, this program reads {FORMAT}", folder.display())]
    Format {
        /// The store's folder.
        folder: PathBuf,
        /// What its `FORMAT` file says.
        found: String,
    },
    /// The disk said no.
    #[error("cannot {action} {}", path.display())]
    Disk {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The engine could not make sense of its files.
    #[error(transparent)]
    Engine(#[from] Fault),
}

/// Tables in a folder. Every handle is the only one.
pub struct Fjall {
    database: Database,
    /// By the column's number.
    columns: Vec<Keyspace>,
    poison: Poison,
    /// Held for as long as the tables are open.
    _lock: File,
}

impl Fjall {
    /// Open the store in `folder`, or make an empty one there.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        fs::create_dir_all(folder).map_err(disk("make", folder))?;
        let lock = lock(folder)?;
        check_format(folder)?;
        let tables = folder.join("tables");
        if !tables.exists() {
            make_tables(folder, &tables)?;
        }
        let (database, columns) = open_tables(&tables)?;
        Ok(Self { database, columns, poison: Poison::default(), _lock: lock })
    }

    fn keyspace(&self, column: Column) -> &Keyspace {
        &self.columns[column as usize]
    }
}

fn disk(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> OpenError {
    move |source| OpenError::Disk { action, path: path.into(), source }
}

fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join("LOCK");
    let file = File::options().create(true).write(true).truncate(false).open(&path).map_err(disk("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { folder: folder.into() }),
        Err(TryLockError::Error(source)) => Err(disk("lock", &path)(source)),
    }
}

/// A folder without tables gets the number of this program; tables without a number are nobody's.
fn check_format(folder: &Path) -> Result<(), OpenError> {
    let path = folder.join("FORMAT");
    match fs::read_to_string(&path) {
        Ok(found) if found.trim() == FORMAT.to_string() => Ok(()),
        Ok(found) => Err(OpenError::Format { folder: folder.into(), found: found.trim().into() }),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(disk("read", &path)(error)),
        Err(_) if folder.join("tables").exists() => {
            Err(OpenError::Format { folder: folder.into(), found: "missing".into() })
        }
        Err(_) => write_format(folder),
    }
}

fn write_format(folder: &Path) -> Result<(), OpenError> {
    let (unfinished, path) = (folder.join("FORMAT.tmp"), folder.join("FORMAT"));
    let mut file = File::create(&unfinished).map_err(disk("make", &unfinished))?;
    writeln!(file, "{FORMAT}").and_then(|()| file.sync_all()).map_err(disk("write", &unfinished))?;
    rename(folder, &unfinished, &path)
}

/// Make empty tables beside their place and move them there when they are whole: a crash leaves all or nothing of them.
fn make_tables(folder: &Path, tables: &Path) -> Result<(), OpenError> {
    let unfinished = folder.join("tables.new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(disk("remove", &unfinished))?;
    }
    drop(open_tables(&unfinished)?);
    rename(folder, &unfinished, tables)
}

/// Give a finished file its name, durably.
fn rename(folder: &Path, from: &Path, to: &Path) -> Result<(), OpenError> {
    fs::rename(from, to).map_err(disk("rename", from))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(disk("sync", folder))
}

fn open_tables(folder: &Path) -> Result<(Database, Vec<Keyspace>), OpenError> {
    let database = Database::builder(folder)
        .cache_size(CACHE_BYTES)
        .max_journaling_size(JOURNAL_BYTES)
        .worker_threads(1)
        .open()
        .map_err(Fault::failed("opening the tables"))?;
    let open =
        |column: Column| database.keyspace(column.name(), || options(column)).map_err(Fault::failed("opening a table"));
    let columns = Column::ALL.into_iter().map(open).collect::<Result<_, _>>()?;
    Ok((database, columns))
}

fn options(column: Column) -> KeyspaceCreateOptions {
    let options = KeyspaceCreateOptions::default().max_memtable_size(memtable_bytes(column));
    match column {
        // Leaves are read one by one at random keys and every read finds its row. An index or a filter is far larger than the
        // page it leads to, so they stay in memory, two bytes a leaf beside the trie's hundred. Hashes do not compress.
        Column::Leaf => options
            .expect_point_read_hits(true)
            .index_block_pinning_policy(PinningPolicy::all(true))
            .filter_block_pinning_policy(PinningPolicy::all(true))
            .data_block_compression_policy(CompressionPolicy::disabled()),
        _ => options,
    }
}

fn row(guard: Guard) -> Result<Row, Fault> {
    let (key, value) = guard.into_inner().map_err(Fault::failed("reading a page"))?;
    Ok((key.to_vec(), value.to_vec()))
}

impl Engine for Fjall {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        // Through a snapshot, since a plain read can see one half of a batch that is being applied.
        let value = self.database.snapshot().get(self.keyspace(column), key).map_err(Fault::failed("reading a row"))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, column: Column, span: Span, order: Order, rows_max: usize) -> Result<Vec<Row>, Fault> {
        if is_void(&span) {
            return Ok(Vec::new());
        }
        let rows = self.database.snapshot().range(self.keyspace(column), span);
        match order {
            Order::Ascending => page(rows.map(row), rows_max),
            Order::Descending => page(rows.rev().map(row), rows_max),
        }
    }

    fn write(&self, batch: Batch, flush: Flush) -> Result<(), Fault> {
        let mode = match flush {
            Flush::Now => PersistMode::SyncAll,
            Flush::Later => PersistMode::Buffer,
        };
        let mut rows = self.database.batch().durability(Some(mode));
        for (column, key, value) in batch.iter() {
            match value {
                Some(value) => rows.insert(self.keyspace(column), key, value),
                None => rows.remove(self.keyspace(column), key),
            }
        }
        self.poison.guard(|| rows.commit().map_err(Fault::failed("writing a batch")))
    }

    fn sync(&self) -> Result<(), Fault> {
        self.poison.guard(|| self.database.persist(PersistMode::SyncAll).map_err(Fault::failed("syncing")))
    }
}
