//! Keep secrets on disk: a folder with one locked file per account, in the public keystore format.
//!
//! An entry `alice` is the file `alice.json`, mode 0600. A file is never overwritten by another secret, and every
//! change is durable when it returns: written under a temporary name, synced, renamed. A lock file orders the
//! processes that change one folder. Read [`Keystore::create`] and [`Keystore::unlock`] first. Rules: protocol, node 3.1.

mod disk;
mod error;
mod file;
mod lock;
mod name;
mod secret;

use std::{
    io,
    path::{Path, PathBuf},
};

use banyan_types::AccountId;
use uuid::Uuid;

pub use error::{BadFile, KeystoreError};
pub use file::FILE_BYTES_MAX;
pub use lock::{
    BadCost, Cost, MEMLIMIT_KIB_MAX, MEMLIMIT_KIB_MIN, OPSLIMIT_MAX, OPSLIMIT_MIN, OutOfMemory, PARALLELISM_MAX,
    SALT_BYTES_READ,
};
pub use name::{BadName, NAME_CHARS_MAX, Name};
pub use secret::{BadPassword, BadSecret, PASSWORD_BYTES_MAX, Password, Secret, SecretKind};

use crate::random::random;
use file::{Chance, File};

/// Files that one folder may hold; far above what a person keeps.
pub const ENTRIES_MAX: usize = 10_000;

/// What stands after the name of an entry.
const EXTENSION: &str = ".json";

type Result<T> = core::result::Result<T, KeystoreError>;

/// A folder of locked secrets.
#[derive(Debug, Clone)]
pub struct Keystore {
    dir: PathBuf,
    cost: Cost,
}

/// What an entry shows without a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name of the file.
    pub name: Name,
    /// The account of the key, or the first account of the mnemonic. Only [`Keystore::unlock`] proves it.
    pub account: AccountId,
    /// Made once and kept by renaming, exporting and changing the password.
    pub id: Uuid,
    /// What is locked.
    pub kind: SecretKind,
}

/// All that a folder holds, by name.
#[derive(Debug, Default)]
pub struct Listing {
    /// The good entries.
    pub entries: Vec<Entry>,
    /// One reason for each `.json` file that is no entry: one bad file does not hide the others.
    pub broken: Vec<KeystoreError>,
}

impl Keystore {
    /// The keystore in the folder `dir`, which is made with mode 0700 if it is absent.
    /// # Errors
    /// [`KeystoreError::Disk`].
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self> {
        let dir = dir.into();
        disk::make_dir(&dir).map_err(|source| failed("make the folder", &dir, source))?;
        Ok(Self { dir, cost: Cost::STANDARD })
    }

    /// The same folder, but new files cost `cost` to try a password on.
    #[must_use]
    pub fn with_cost(self, cost: Cost) -> Self {
        Self { cost, ..self }
    }

    /// Lock `secret` under `password` as the new entry `name`.
    /// # Errors
    /// [`KeystoreError::Exists`], [`KeystoreError::Memory`], [`KeystoreError::Random`] or [`KeystoreError::Disk`].
    pub fn create(&self, name: &Name, secret: &Secret, password: &Password) -> Result<Entry> {
        let id = uuid::Builder::from_random_bytes(*random()?).into_uuid();
        let _lock = self.lock_absent(name)?;
        let file = File::lock((name.as_str(), id), secret, password, self.cost, &Chance::draw()?)?;
        self.write(name, &file)
    }

    /// Every entry, in the order of names.
    /// # Errors
    /// [`KeystoreError::TooMany`] or [`KeystoreError::Disk`]; what is wrong with one file is in the listing.
    pub fn list(&self) -> Result<Listing> {
        let mut listing = Listing::default();
        for stem in self.stems()? {
            match stem.parse::<Name>().map_err(KeystoreError::from).and_then(|name| self.entry(&name)) {
                Ok(entry) => listing.entries.push(entry),
                Err(error) => listing.broken.push(error),
            }
        }
        Ok(listing)
    }

    /// What the entry `name` shows without a password.
    /// # Errors
    /// [`KeystoreError::Unknown`], [`KeystoreError::File`] or [`KeystoreError::Disk`].
    pub fn entry(&self, name: &Name) -> Result<Entry> {
        Ok(shown(name, &self.read(name)?))
    }

    /// The secret of the entry `name`.
    /// # Errors
    /// Those of [`Self::entry`], [`KeystoreError::WrongPassword`] or [`KeystoreError::Memory`].
    pub fn unlock(&self, name: &Name, password: &Password) -> Result<Secret> {
        self.read(name)?.unlock(password)
    }

    /// Lock the entry `name` under `new` instead of `old`, with fresh salt and nonce.
    /// # Errors
    /// Those of [`Self::unlock`] for `old` and of [`Self::create`] for `new`; the entry is as before then.
    pub fn change_password(&self, name: &Name, old: &Password, new: &Password) -> Result<()> {
        let _lock = self.lock()?;
        let file = self.read(name)?;
        let secret = file.unlock(old)?;
        self.write(name, &File::lock((name.as_str(), file.id), &secret, new, self.cost, &Chance::draw()?)?)?;
        Ok(())
    }

    /// Call the entry `from` by the name `to`. A crash in between leaves both, with one id.
    /// # Errors
    /// [`KeystoreError::Exists`], [`KeystoreError::Unknown`], [`KeystoreError::File`] or [`KeystoreError::Disk`].
    pub fn rename(&self, from: &Name, to: &Name) -> Result<Entry> {
        let _lock = self.lock_absent(to)?;
        let file = self.read(from)?;
        let entry = self.write(to, &file.named(to))?;
        self.delete(from)?;
        Ok(entry)
    }

    /// Remove the entry `name` for ever: without a copy of the file or the secret its coins are lost.
    /// # Errors
    /// [`KeystoreError::Unknown`] or [`KeystoreError::Disk`].
    pub fn remove(&self, name: &Name) -> Result<()> {
        let _lock = self.lock()?;
        self.delete(name)
    }

    /// The file of the entry `name`, still locked, as one line of JSON.
    /// # Errors
    /// Those of [`Self::entry`].
    pub fn export(&self, name: &Name) -> Result<String> {
        Ok(self.read(name)?.to_json())
    }

    /// Add a file of this or a public tool, still locked, under `alias` or else under the name that it states.
    /// # Errors
    /// [`KeystoreError::File`], [`KeystoreError::Name`], [`KeystoreError::Exists`] or [`KeystoreError::Disk`].
    pub fn import(&self, json: &str, alias: Option<&Name>) -> Result<Entry> {
        let called = |name: Option<&Name>| name.map_or("the import", Name::as_str).to_owned();
        let file = File::parse(json.as_bytes()).map_err(|why| KeystoreError::File { name: called(alias), why })?;
        let name = alias.cloned().map_or_else(|| file.name.parse(), Ok)?;
        let _lock = self.lock_absent(&name)?;
        self.write(&name, &file.named(&name))
    }

    fn read(&self, name: &Name) -> Result<File> {
        let path = self.path(name);
        let json = disk::read(&path, FILE_BYTES_MAX + 1).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => KeystoreError::Unknown { name: name.to_string() },
            _ => failed("read", &path, error),
        })?;
        let file = File::parse(&json).map_err(|why| KeystoreError::File { name: name.to_string(), why })?;
        Ok(file.named(name)) // a file that was copied by hand is called as its copy is
    }

    fn write(&self, name: &Name, file: &File) -> Result<Entry> {
        disk::write(&self.dir, &file_name(name), file.to_json().as_bytes())
            .map_err(|error| failed("write", &self.path(name), error))?;
        Ok(shown(name, file))
    }

    fn delete(&self, name: &Name) -> Result<()> {
        disk::remove(&self.dir, &file_name(name)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => KeystoreError::Unknown { name: name.to_string() },
            _ => failed("remove", &self.path(name), error),
        })
    }

    fn lock(&self) -> Result<std::fs::File> {
        disk::lock(&self.dir).map_err(|error| failed("lock", &self.dir, error))
    }

    /// The lock, if nothing has `name`.
    fn lock_absent(&self, name: &Name) -> Result<std::fs::File> {
        let lock = self.lock()?;
        let path = self.path(name);
        match path.symlink_metadata() {
            Ok(_) => Err(KeystoreError::Exists { name: name.to_string() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(lock),
            Err(error) => Err(failed("look at", &path, error)),
        }
    }

    /// What stands before `.json` in the names of files, sorted.
    fn stems(&self) -> Result<Vec<String>> {
        let failed = |error| failed("list", &self.dir, error);
        let mut stems = Vec::new();
        for (count, item) in self.dir.read_dir().map_err(failed)?.enumerate() {
            if count >= ENTRIES_MAX {
                return Err(KeystoreError::TooMany);
            }
            let file_name = item.map_err(failed)?.file_name();
            stems.extend(file_name.to_string_lossy().strip_suffix(EXTENSION).map(str::to_owned));
        }
        stems.sort_unstable();
        Ok(stems)
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.dir.join(file_name(name))
    }
}

fn file_name(name: &Name) -> String {
    format!("{name}{EXTENSION}")
}

fn shown(name: &Name, file: &File) -> Entry {
    Entry { name: name.clone(), account: file.public_key, id: file.id, kind: file.kind() }
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> KeystoreError {
    KeystoreError::Disk { doing, path: path.to_owned(), source }
}
