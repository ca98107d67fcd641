//! `node` of a child ledger: its keys from files, its parent over HTTP.

use std::{fs, path::Path, thread, time::Duration};

use banyan_crypto::SecretKey;
use banyan_node::{At, GenesisFile, Operators, Parent as _};
use banyan_parent::{Config, Memory, ParentError, RemoteParent, Trust};
use banyan_types::AccountId;
use banyan_wallet::client::Client;

use super::read_key;
use crate::{
    child_node::{Above, ChildNode, Seat},
    cli::{Child, Node},
    command::genesis,
    disk,
    failure::{Exit, Failure},
    session::Session,
    token,
};

/// Between two tries while the parent is away.
const PAUSE: Duration = Duration::from_secs(1);
/// What is kept of the parent: its genesis, and the seals that were followed.
const PARENT_GENESIS: &str = "parent.toml";
const PARENT_SEALS: &str = "parent.seals";

/// Start the node of a child.
/// # Errors
/// What is missing; the genesis's, the disk's, the parent's.
pub fn start(session: &Session, folder: &Path, file: GenesisFile, args: &Node) -> Result<ChildNode, Failure> {
    let child = &args.child;
    fs::create_dir_all(folder).map_err(|error| Failure::disk("make", folder, &error))?;
    let needs = |what: &str, flag: &str| {
        let next = format!("{flag}; the page \"A ledger of your own\" of the book shows all of it");
        Failure::new(Exit::Usage, "child", what, &next)
    };
    if child.parents.is_empty() {
        return Err(needs("a child needs its parent", "--parent URL"));
    }
    let key = child.key.as_deref().map(read_key).transpose()?;
    let key = key.ok_or_else(|| needs("who orders the child is not said", "--key FILE"))?;
    let operators = operators(child)?.ok_or_else(|| {
        let flags = "--operator-key FILE; where the parent takes the validators' certificates, --payer-key FILE";
        needs("nobody signs the summaries", flags)
    })?;
    let config = Config {
        urls: child.parents.clone(),
        token: child.parent_token_file.as_deref().map(token::read).transpose()?,
        genesis: parent_genesis(child, folder)?,
        trust: if child.believe_parent { Trust::Node } else { Trust::Verify(Memory::File(folder.join(PARENT_SEALS))) },
        child: file.params.ledger,
        payer: AccountId(operators.payer.public()),
    };
    let mut progress = session.progress();
    let opened = banyan_parent::open(&config, |error| {
        progress.say(&format!("waiting for the parent: {error}"));
        thread::sleep(PAUSE);
        true
    });
    let opened = opened.map_err(|error| failed(&error))?;
    check_genesis(&opened.0, &file)?;
    let parent = Above::There(Box::new(opened));
    ChildNode::start(&folder.join("store"), file, Seat { key, operators, parent, network: super::plan(args) })
}

/// Whether the file is the one that the child was registered with: with another nobody else would follow.
fn check_genesis(parent: &RemoteParent, file: &GenesisFile) -> Result<(), Failure> {
    let (expected, got) = (parent.point(At::Final)?.genesis_hash, file.genesis()?.hash());
    if got == expected {
        return Ok(());
    }
    let what = format!("this file is not the genesis that {} was registered with", file.params.ledger);
    let next = "the file that banyan associate create has written";
    Err(Failure::new(Exit::Invalid, "other_genesis", what, next)
        .because(format!("its hash is {got}, registered is {expected}")))
}

fn operators(child: &Child) -> Result<Option<Operators>, Failure> {
    let signers: Vec<SecretKey> = child.operator_keys.iter().map(|file| read_key(file)).collect::<Result<_, _>>()?;
    let payer = child.payer_key.as_deref().map(read_key).transpose()?.or_else(|| signers.first().cloned());
    Ok(payer.map(|payer| Operators { signers, payer }))
}

/// The parent's genesis: from the file or by the hash that the user names, else the one of before.
fn parent_genesis(child: &Child, folder: &Path) -> Result<GenesisFile, Failure> {
    let kept = folder.join(PARENT_GENESIS);
    let file = match (&child.parent_genesis, &child.parent_chain) {
        (Some(file), _) => genesis::read(file)?,
        (None, Some(hash)) => fetch(child, hash)?,
        (None, None) if kept.exists() => return genesis::read(&kept),
        (None, None) => {
            let said = child.parents.iter().find_map(|url| Client::new(url).ok()?.status().ok());
            let why = said.map(|status| format!("its node says that its genesis is {}", status.genesis));
            let what = "which ledger the parent is was never said here";
            let next = "--parent-genesis FILE, or --parent-chain HASH with a hash from somebody whom you trust";
            let failure = Failure::new(Exit::Usage, "parent", what, next);
            return Err(match why {
                Some(why) => failure.because(why),
                None => failure,
            });
        }
    };
    disk::write(&kept, file.to_toml().as_bytes())?;
    Ok(file)
}

/// The file whose hash is named, from the first node that has it.
fn fetch(child: &Child, wanted: &str) -> Result<GenesisFile, Failure> {
    let mut last = None;
    for url in &child.parents {
        match Client::new(url).and_then(|client| client.genesis()) {
            Ok(answer) => {
                let mut file = GenesisFile::from_toml(&answer.toml)?;
                // Anchors are no part of the hash: they count only from a file that the user gives.
                file.params.root.iter_mut().for_each(|root| root.anchors.0.clear());
                let got = file.genesis()?.hash().to_string();
                if got.eq_ignore_ascii_case(wanted) {
                    return Ok(file);
                }
                let what = "the parent's node gives another genesis than the one that is wanted";
                let next = "another --parent, or --parent-genesis FILE";
                let why = format!("its hash is {got}, wanted {wanted}");
                last = Some(Failure::new(Exit::Invalid, "other_genesis", what, next).because(why));
            }
            Err(error) => last = Some(error.into()),
        }
    }
    Err(last.unwrap_or_else(|| failed(&ParentError::NoUrl)))
}

fn failed(error: &ParentError) -> Failure {
    let next = match error {
        ParentError::Unsealed(_) => "--believe-parent with a node of your own or of somebody whom you trust",
        _ => "another --parent, or correct what is named",
    };
    Failure::new(Exit::Invalid, "parent", "the parent cannot be followed", next).because(error.to_string())
}
