//! Run a reader over a folder.

use std::{
    fmt, fs, io,
    ops::AddAssign,
    path::{Path, PathBuf},
};

use crate::{cuckoo, encodings, fate};

/// What one row of a file shows: what it is about, and what differs.
pub struct Row {
    pub note: String,
    pub held: Result<(), String>,
}

/// Reads one file's text. An error says that the file is not of this kind at all.
type Reader = fn(&str) -> Result<Vec<Row>, serde_json::Error>;

/// Names of the readers; a committed folder has its reader's name.
pub const NAMES: [&str; 3] = ["encodings", "cuckoo", "fate"];

fn reader(name: &str) -> Option<Reader> {
    match name {
        "encodings" => Some(encodings::read),
        "cuckoo" => Some(cuckoo::read),
        "fate" => Some(fate::read),
        _ => None,
    }
}

/// How many rows held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figure {
    /// Rows that held.
    pub passed: usize,
    /// Rows that did not.
    pub failed: usize,
}

impl Figure {
    /// Whether nothing failed and something ran: an empty folder proves nothing.
    pub const fn held(self) -> bool {
        self.failed == 0 && self.passed > 0
    }
}

impl AddAssign for Figure {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// One file, replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Its name in the folder.
    pub name: String,
    /// How many of its rows held.
    pub figure: Figure,
    /// Of each that did not, what it is about and what differs.
    pub failures: Vec<String>,
}

/// Why nothing was replayed.
#[derive(Debug)]
pub enum Stopped {
    /// No reader has this name.
    Name(String),
    /// The folder, or a file in it, cannot be read.
    Io(PathBuf, io::Error),
    /// There is no JSON file in the folder.
    Empty(PathBuf),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "no reader is called {name}"),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Empty(dir) => write!(f, "no .json file in {}", dir.display()),
        }
    }
}

/// Replay every JSON file of a folder, by ascending name, with the reader called `name`. A file that the reader cannot
/// make out has failed.
pub fn replay(name: &str, dir: &Path) -> Result<Vec<Replayed>, Stopped> {
    let reader = reader(name).ok_or_else(|| Stopped::Name(name.into()))?;
    let files = json_files(dir).map_err(|error| Stopped::Io(dir.into(), error))?;
    if files.is_empty() {
        return Err(Stopped::Empty(dir.into()));
    }
    files.iter().map(|path| replay_file(reader, path).map_err(|error| Stopped::Io(path.clone(), error))).collect()
}

fn json_files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn replay_file(reader: Reader, path: &Path) -> io::Result<Replayed> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = fs::read_to_string(path)?;
    let rows = match reader(&text) {
        Ok(rows) => rows,
        Err(error) => vec![Row { note: "the file".into(), held: Err(error.to_string()) }],
    };
    let failed = |row: &Row| row.held.as_ref().err().map(|why| format!("{}: {why}", row.note));
    let failures: Vec<_> = rows.iter().filter_map(failed).collect();
    let figure = Figure { passed: rows.len() - failures.len(), failed: failures.len() };
    Ok(Replayed { name, figure, failures })
}

/// Whether ours is theirs, and if not, what they are.
pub fn same<T: PartialEq + fmt::Debug>(what: &str, ours: &T, theirs: &T) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!("{what}: ours {ours:?}, theirs {theirs:?}")) }
}
