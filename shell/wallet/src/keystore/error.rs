//! What can go wrong with a keystore, and whose fault it is.

use std::{io, path::PathBuf};

use banyan_types::AccountId;

use super::{
    ENTRIES_MAX,
    file::FILE_BYTES_MAX,
    lock::{BadCost, OutOfMemory, SALT_BYTES_READ},
    name::BadName,
};
use crate::random::NoRandomness;

/// Why an operation on a keystore is refused; nothing has changed then. [`Self::is_ours`] says whose fault it is.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// An entry is never overwritten.
    #[error("{name} exists already")]
    Exists {
        /// The entry.
        name: String,
    },
    /// Nothing has this name.
    #[error("there is no account {name}")]
    Unknown {
        /// The name asked for.
        name: String,
    },
    /// The file does not unlock. A changed byte in it looks the same.
    #[error("wrong password for {name}, or its file is damaged; nothing was changed")]
    WrongPassword {
        /// The entry.
        name: String,
    },
    /// The name in an imported file is not one of ours; another can be given.
    #[error(transparent)]
    Name(#[from] BadName),
    /// The entry's file is not good.
    #[error("the file of {name} is not good: {why}")]
    File {
        /// The entry.
        name: String,
        /// What is wrong with it.
        #[source]
        why: BadFile,
    },
    /// More files than a folder may have.
    #[error("the folder holds more than {ENTRIES_MAX} files")]
    TooMany,
    /// Not enough memory here for the file's parameters.
    #[error(transparent)]
    Memory(#[from] OutOfMemory),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The disk refuses.
    #[error("cannot {doing} {}: {source}", path.display())]
    Disk {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
}

impl KeystoreError {
    /// Is it the fault of this machine (disk, memory, randomness) and not of what was asked?
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::Memory(_) | Self::Random(_) | Self::Disk { .. })
    }
}

/// Why bytes are not a keystore file, in the order of the checks; the fault of who wrote them.
#[derive(Debug, thiserror::Error)]
pub enum BadFile {
    /// Longer than any keystore file.
    #[error("file is above the limit of {FILE_BYTES_MAX} bytes")]
    TooLong,
    /// Not JSON, or another shape.
    #[error("not a keystore file: {0}")]
    Json(#[from] serde_json::Error),
    /// Of the future.
    #[error("version is {got}, but only 1 is known")]
    Version {
        /// The stated version.
        got: u32,
    },
    /// Too weak to trust or too dear to try.
    #[error(transparent)]
    Cost(#[from] BadCost),
    /// A salt of a strange length.
    #[error("salt of {got} bytes, but only {} to {} is accepted", SALT_BYTES_READ.start(), SALT_BYTES_READ.end())]
    Salt {
        /// Its bytes.
        got: usize,
    },
    /// The locked secret has the length of another kind.
    #[error("ciphertext of {got} bytes does not fit its secret_type")]
    Ciphertext {
        /// Its bytes.
        got: usize,
    },
    /// It unlocks, and holds no secret of its kind.
    #[error("the unlocked bytes are no secret of the stated kind")]
    Secret,
    /// It unlocks, and holds the secret of another account.
    #[error("the file is of {stated}, but its secret is of {got}")]
    Account {
        /// The `public_key` of the file.
        stated: AccountId,
        /// The account of the secret.
        got: AccountId,
    },
}
