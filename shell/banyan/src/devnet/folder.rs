//! The devnet's folder: marked as such, locked while in use, never mistaken for anything else.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use crate::{
    disk::write,
    failure::{Exit, Failure},
};

/// Says that the folder is a devnet's and may be reset.
const MARKER: &str = "DEVNET";
/// Held while a devnet uses the folder; holds its process id.
const LOCK: &str = "LOCK";
/// Where a running devnet says how to reach it.
const RUNNING: &str = "running.json";
/// What the marker says.
const MARKER_TEXT: &str = "This folder belongs to `banyan devnet`, which deletes it with --reset.\n";

/// The folder of a devnet, locked.
pub struct Folder {
    path: PathBuf,
    /// Held for as long as the folder is used.
    _lock: File,
}

impl Folder {
    /// The folder `devnet` of `data`, made if it is absent.
    /// # Errors
    /// Exit 3 if something else is there, exit 4 if another devnet uses it, exit 5 if the disk refuses.
    pub fn open(data: &Path) -> Result<Self, Failure> {
        let path = place(data);
        fs::create_dir_all(&path).map_err(|error| Failure::disk("make", &path, &error))?;
        if !path.join(MARKER).exists() {
            refuse_foreign(&path)?;
            write(&path.join(MARKER), MARKER_TEXT.as_bytes())?;
        }
        let lock = lock(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The store of a ledger.
    pub fn store(&self, ledger: &str) -> PathBuf {
        self.path.join(ledger)
    }

    /// The genesis file of a ledger.
    pub fn genesis(&self, ledger: &str) -> PathBuf {
        self.path.join("genesis").join(format!("{ledger}.toml"))
    }

    /// Forget everything but marker and lock. `first` goes first: without it nothing else counts, so that a crash in
    /// between leaves a folder that begins anew.
    /// # Errors
    /// The disk refuses.
    pub fn clear(&self, first: &Path) -> Result<(), Failure> {
        match fs::remove_file(first) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::disk("remove", first, &error));
            }
            _ => {}
        }
        let entries = fs::read_dir(&self.path).map_err(|error| Failure::disk("list", &self.path, &error))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            if [MARKER, LOCK].iter().any(|kept| path.ends_with(kept)) {
                continue;
            }
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(|error| Failure::disk("remove", &path, &error))?;
        }
        Ok(())
    }

    /// Write a file so that it is there in full or not at all.
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
        let folder = path.parent().unwrap_or(&self.path);
        fs::create_dir_all(folder).map_err(|error| Failure::disk("make", folder, &error))?;
        write(path, bytes)
    }

    /// Say how to reach the devnet that runs here.
    /// # Errors
    /// The disk refuses.
    pub fn announce(&self, running: &serde_json::Value) -> Result<(), Failure> {
        write(&self.path.join(RUNNING), running.to_string().as_bytes())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A note that stays behind is known to be old by the lock that is free.
        let _ = fs::remove_file(self.path.join(RUNNING));
    }
}

/// The devnet's folder of a data folder.
fn place(data: &Path) -> PathBuf {
    data.join("devnet")
}

/// A folder that holds something and is not marked is somebody else's.
fn refuse_foreign(path: &Path) -> Result<(), Failure> {
    let foreign = fs::read_dir(path).map_err(|error| Failure::disk("list", path, &error))?.flatten();
    let foreign: Vec<_> =
        foreign.map(|entry| entry.file_name()).filter(|name| name != LOCK && name != "DEVNET.tmp").collect();
    if foreign.is_empty() {
        return Ok(());
    }
    let what = format!("{} holds something that is no devnet's", path.display());
    let why = format!("it has no file {MARKER}, and it holds {}", foreign[0].display());
    Err(Failure::new(Exit::Invalid, "foreign_folder", what, "another --data").because(why))
}

fn lock(path: &Path) -> Result<File, Failure> {
    let path = path.join(LOCK);
    let disk = |doing, error: io::Error| Failure::disk(doing, &path, &error);
    let mut file = File::options()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(&path)
        .map_err(|error| disk("open", error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let what = "another devnet uses this folder";
            let failure = Failure::new(Exit::Early, "locked", what, "banyan devnet stop, or another --data");
            return Err(failure.because(format!("{} is held by process {}", path.display(), holder(&mut file))));
        }
        Err(TryLockError::Error(error)) => return Err(disk("lock", error)),
    }
    let pid = std::process::id().to_string();
    let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(pid.as_bytes()));
    written.map_err(|error| disk("write", error))?;
    Ok(file)
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.read_to_string(&mut text);
    if text.is_empty() { "unknown".into() } else { text }
}

/// A devnet that uses the folder now.
pub struct Running {
    /// Its process.
    pub pid: i32,
    /// What it has said of itself, once it was ready.
    pub note: Option<serde_json::Value>,
}

/// The devnet that uses the folder of `data`, if one does.
/// # Errors
/// The disk refuses.
pub fn running(data: &Path) -> Result<Option<Running>, Failure> {
    let path = place(data).join(LOCK);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::disk("open", &path, &error)),
    };
    match file.try_lock_shared() {
        Ok(()) => return Ok(None),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(Failure::disk("lock", &path, &error)),
    }
    let pid = holder(&mut file).trim().parse().unwrap_or(0);
    let note = fs::read(place(data).join(RUNNING)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    Ok(Some(Running { pid, note }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reset_touches_nothing_but_its_own_directory() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join("mine"), "x").unwrap();
        let folder = Folder::open(data.path()).unwrap();
        folder.write(&folder.genesis("root"), b"g").unwrap();
        fs::create_dir_all(folder.store("root").join("tables")).unwrap();
        folder.clear(&folder.genesis("root")).unwrap();
        assert!(!folder.store("root").exists() && !folder.genesis("root").exists());
        assert!(folder.path().join(MARKER).exists() && data.path().join("mine").exists());
    }

    #[test]
    fn a_folder_without_the_marker_is_refused() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir_all(data.path().join("devnet/photos")).unwrap();
        let failure = Folder::open(data.path()).map(|_| ()).unwrap_err();
        assert_eq!((failure.exit, failure.code.as_str()), (Exit::Invalid, "foreign_folder"));
        assert!(data.path().join("devnet/photos").exists());
    }

    #[test]
    fn a_second_devnet_on_the_same_data_is_refused() {
        let data = tempfile::tempdir().unwrap();
        let first = Folder::open(data.path()).unwrap();
        let failure = Folder::open(data.path()).map(|_| ()).unwrap_err();
        assert_eq!((failure.exit, failure.code.as_str()), (Exit::Early, "locked"));
        let running = running(data.path()).unwrap().unwrap();
        assert_eq!(u32::try_from(running.pid), Ok(std::process::id()));
        drop(first);
        assert!(super::running(data.path()).unwrap().is_none());
        assert!(Folder::open(data.path()).is_ok());
    }
}
