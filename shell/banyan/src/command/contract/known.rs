//! Interfaces that are known here: of compilations on this machine, of files, of the code itself.
//!
//! They are kept by the hash of the code that they describe, after it was seen that they fit it. A file that somebody
//! gave can still call an argument by another name; what was compiled here cannot.

use std::{
    fs,
    path::{Path, PathBuf},
};

use banyan_fate::{Loaded, code};
use banyan_ledger::key;
use banyan_types::{AccountId, ContractId, Hash};
use banyan_wallet::{
    aci::{BadInterface, Interface, Misfit},
    client::{
        Client, When,
        contract::{Found, code_hash},
    },
    review::Interfaces,
};
use serde::{Deserialize, Serialize};

use crate::{
    disk,
    failure::{Exit, Failure},
    session::Session,
};

/// The form of the files.
const FORMAT: u32 = 1;

/// What is kept of an interface.
#[derive(Serialize, Deserialize)]
struct File {
    format: u32,
    /// Version of the compiler, if it ran here.
    compiler: Option<String>,
    /// What the compiler wrote.
    aci: String,
}

/// Where an interface comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The source was compiled here, by this version, to the very code.
    Compiled(String),
    /// A file that somebody gave; it fits the code.
    File,
    /// What the code says.
    Code,
}

impl Origin {
    /// For people.
    pub fn text(&self) -> String {
        match self {
            Self::Compiled(version) => format!("compiled here, by {version}"),
            Self::File => "from a file that fits the code".into(),
            Self::Code => "from the code: types as the machine has them, no names of arguments".into(),
        }
    }

    /// For programs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Compiled(_) => "compiled",
            Self::File => "file",
            Self::Code => "code",
        }
    }
}

/// The interfaces that the wallet has when it shows a transaction.
pub struct Known {
    folder: Option<PathBuf>,
    client: Option<Client>,
}

impl Known {
    /// Those kept here, and what the node has code for.
    pub fn of(session: &Session) -> Self {
        Self { folder: folder(session).ok(), client: session.client().ok() }
    }

    /// Those kept here; no node is asked.
    pub fn offline(session: &Session) -> Self {
        Self { folder: folder(session).ok(), client: None }
    }

    /// The interface of code, and where it is from.
    pub fn describe(&self, code: &[u8]) -> Option<(Interface, Origin)> {
        let loaded = code::load(code).ok()?;
        let kept = self.folder.as_ref().and_then(|folder| kept(folder, code_hash(code), &loaded));
        Some(kept.unwrap_or_else(|| (Interface::of_code(&loaded), Origin::Code)))
    }
}

impl Interfaces for Known {
    fn of_contract(&self, id: ContractId) -> Option<Interface> {
        match self.client.as_ref()?.contract(id).ok()? {
            Found::Here(kept) => self.of_code(&kept.code),
            Found::Gone(_) | Found::Never => None,
        }
    }

    fn of_account(&self, id: AccountId) -> Option<Interface> {
        let proven = self.client.as_ref()?.prove(&[key::account(id)], When::Top).ok()?;
        self.of_contract(proven.account(id).ok()??.generalized?.contract)
    }

    fn of_code(&self, code: &[u8]) -> Option<Interface> {
        self.describe(code).map(|(interface, _)| interface)
    }
}

/// The interface of code: of the file that is named, which is kept then, else the best that is known.
/// # Errors
/// The file does not read, or does not fit the code.
pub fn interface(session: &Session, code: &[u8], file: Option<&Path>) -> Result<(Interface, Origin), Failure> {
    let loaded = code::load(code).map_err(|error| bad_code(&error))?;
    if let Some(file) = file {
        let aci = fs::read_to_string(file).map_err(|error| Failure::disk("read", file, &error))?;
        let interface = fitting(&aci, &loaded)?;
        // What was compiled here is known better than what a file says.
        if !matches!(Known::offline(session).describe(code), Some((_, Origin::Compiled(_)))) {
            keep(session, code_hash(code), None, &aci)?;
        }
        return Ok((interface, Origin::File));
    }
    let known = Known::offline(session).describe(code);
    Ok(known.unwrap_or_else(|| (Interface::of_code(&loaded), Origin::Code)))
}

/// Keep what the compiler wrote of code that it made.
/// # Errors
/// What it wrote does not fit the code; the disk's.
pub fn keep_compiled(session: &Session, code: &[u8], version: &str, aci: &str) -> Result<Interface, Failure> {
    let interface = fitting(aci, &code::load(code).map_err(|error| bad_code(&error))?)?;
    keep(session, code_hash(code), Some(version), aci)?;
    Ok(interface)
}

fn fitting(aci: &str, loaded: &Loaded) -> Result<Interface, Failure> {
    let interface = Interface::parse(aci)?;
    interface.check(loaded)?;
    Ok(interface)
}

fn keep(session: &Session, code: Hash, compiler: Option<&str>, aci: &str) -> Result<(), Failure> {
    let folder = folder(session)?;
    fs::create_dir_all(&folder).map_err(|error| Failure::disk("make the folder", &folder, &error))?;
    let file = File { format: FORMAT, compiler: compiler.map(str::to_owned), aci: aci.into() };
    let text = serde_json::to_string(&file).expect("texts and a number are always JSON");
    disk::write(&path(&folder, code), text.as_bytes())
}

/// `None` as well for a file that is broken: then it is as if there were none.
fn kept(folder: &Path, code: Hash, loaded: &Loaded) -> Option<(Interface, Origin)> {
    let file: File = serde_json::from_str(&fs::read_to_string(path(folder, code)).ok()?).ok()?;
    let interface = (file.format == FORMAT).then(|| fitting(&file.aci, loaded).ok())??;
    Some((interface, file.compiler.map_or(Origin::File, Origin::Compiled)))
}

fn folder(session: &Session) -> Result<PathBuf, Failure> {
    Ok(session.data()?.join("interfaces"))
}

fn path(folder: &Path, code: Hash) -> PathBuf {
    folder.join(format!("{code}.json"))
}

/// Code that does not load.
pub fn bad_code(error: &banyan_fate::BadCode) -> Failure {
    let next = "compile the source anew: banyan contract deploy FILE.aes";
    Failure::new(Exit::Invalid, "bad_code", "that is no code of a contract", next).because(error.to_string())
}

impl From<BadInterface> for Failure {
    fn from(error: BadInterface) -> Self {
        let next = "aesophia_cli --create_json_aci FILE.aes -o FILE.json writes it";
        Self::new(Exit::Invalid, "bad_interface", "that is no interface of a contract", next).because(error.to_string())
    }
}

impl From<Misfit> for Failure {
    fn from(error: Misfit) -> Self {
        let next = "the interface of the same compilation as the code; or none, and the code says what it can";
        Self::new(Exit::Invalid, "other_interface", "the interface is of other code", next).because(error.to_string())
    }
}
