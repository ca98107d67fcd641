//! `account`: keep keys, and look at what they hold on every ledger.

use std::{
    io::{self, Read as _},
    path::Path,
};

use banyan_types::{AccountId, Amount};
use banyan_wallet::{
    Mnemonic, Name, Secret,
    client::{Client, TreeNode},
    keystore::{Entry, FILE_BYTES_MAX},
    mnemonic::Words,
    random::random,
};
use serde_json::{Value, json};

use crate::{
    ask,
    cli::Account,
    failure::{Exit, Failure},
    report::{Report, table},
    session::{DEV_ACCOUNTS, Owner, Session, dev_index},
};

/// Do what is asked.
/// # Errors
/// The keystore's, and the user's "no".
pub fn run(session: &Session, action: Account) -> Result<Report, Failure> {
    match action {
        Account::New { name, words } => new(session, &name, words.as_deref()),
        Account::Import { name, from } => import(session, &name, from.as_deref()),
        Account::List => list(session),
        Account::Show { account } => show(session, &account),
        Account::Export { name, secret } => export(session, &name, secret),
        Account::Rename { from, to } => {
            free(&to)?;
            Ok(entry(&session.keystore()?.rename(&from, &to)?, "renamed"))
        }
        Account::Remove { name } => remove(session, &name),
    }
}

/// Names of the development accounts are taken.
fn free(name: &Name) -> Result<(), Failure> {
    if dev_index(name.as_str()).is_none() {
        return Ok(());
    }
    let what = format!("{name} is the name of an account of every devnet");
    Err(Failure::new(Exit::Usage, "reserved", what, "another name"))
}

fn new(session: &Session, name: &Name, words: Option<&str>) -> Result<Report, Failure> {
    free(name)?;
    let entropy = random::<32>()?;
    let secret = match words {
        Some("12") => Secret::Mnemonic(Mnemonic::generate(Words::Twelve, &entropy)),
        Some(_) => Secret::Mnemonic(Mnemonic::generate(Words::TwentyFour, &entropy)),
        None => Secret::Key(banyan_crypto::SecretKey::from_seed(*entropy)),
    };
    let made = session.keystore()?.create(name, &secret, &session.new_password(name)?)?;
    let mut report = entry(&made, "made");
    if words.is_some() {
        report.text = format!("{}\nwrite the words down now: banyan account export {name} --secret", report.text);
    }
    Ok(report)
}

fn import(session: &Session, name: &Name, from: Option<&Path>) -> Result<Report, Failure> {
    free(name)?;
    let text = read_secret(from)?;
    let keystore = session.keystore()?;
    let kept = if text.trim_start().starts_with('{') {
        keystore.import(&text, Some(name))?
    } else {
        keystore.create(name, &Secret::parse(&text)?, &session.new_password(name)?)?
    };
    Ok(entry(&kept, "kept"))
}

/// A secret comes from a file or stdin, never from the command line, which every process can read.
fn read_secret(from: Option<&Path>) -> Result<zeroize::Zeroizing<String>, Failure> {
    let mut text = zeroize::Zeroizing::new(String::new());
    let limit = FILE_BYTES_MAX as u64;
    match from {
        Some(path) => std::fs::File::open(path)
            .and_then(|file| file.take(limit).read_to_string(&mut text))
            .map_err(|error| Failure::disk("read", path, &error))?,
        None => io::stdin()
            .take(limit)
            .read_to_string(&mut text)
            .map_err(|error| Failure::disk("read", Path::new("stdin"), &error))?,
    };
    Ok(text)
}

fn entry(entry: &Entry, what: &str) -> Report {
    let text = format!("{}  {}  {}  {what}", entry.name, entry.account, entry.kind);
    Report::new(text, of_entry(entry))
}

fn of_entry(entry: &Entry) -> Value {
    json!({ "name": entry.name.to_string(), "account": entry.account.to_string(), "kind": entry.kind.to_string(), "id": entry.id.to_string() })
}

fn export(session: &Session, name: &Name, secret: bool) -> Result<Report, Failure> {
    let keystore = session.keystore()?;
    if !secret {
        let file = keystore.export(name)?;
        let json = serde_json::from_str(&file).unwrap_or(Value::Null);
        return Ok(Report::new(file.trim_end(), json));
    }
    ask::confirm(&format!("show the secret of {name} on this screen?"), session.globals.yes)?;
    let secret = keystore.unlock(name, &session.password(name)?)?;
    let text = secret.reveal().to_string();
    let json = json!({ "name": name.to_string(), "account": secret.account().to_string(), "secret": text });
    Ok(Report::new(text, json))
}

fn remove(session: &Session, name: &Name) -> Result<Report, Failure> {
    let keystore = session.keystore()?;
    let gone = keystore.entry(name)?;
    ask::confirm(
        &format!("forget {name} ({}) for ever? without a copy its coins are lost", gone.account),
        session.globals.yes,
    )?;
    keystore.remove(name)?;
    Ok(entry(&gone, "removed"))
}

/// What an account holds on one ledger.
struct Held {
    ledger: String,
    balance: Amount,
}

/// Keys are shown where no node answers too.
const NO_BALANCES: &str = "no node answers, so no balances";

/// What `account` holds on every ledger of the tree; nothing is said where no node answers.
fn balances(client: Option<&(Client, Vec<TreeNode>)>, account: AccountId) -> Result<Vec<Held>, Failure> {
    let Some((client, tops)) = client else { return Ok(vec![]) };
    let held = |node: &TreeNode| {
        let balance = client.on(&node.name).account(account)?.balance;
        Ok(Held { ledger: node.path.join("/"), balance })
    };
    tops.iter().flat_map(TreeNode::all).map(held).collect()
}

/// The node and its tree, if a node answers. Keys are listed without one too.
fn tree(session: &Session) -> Result<Option<(Client, Vec<TreeNode>)>, Failure> {
    let client = session.client()?;
    match client.tree() {
        Ok(tops) => Ok(Some((client, tops))),
        Err(banyan_wallet::client::ClientError::Unreachable { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn list(session: &Session) -> Result<Report, Failure> {
    let listing = session.keystore()?.list()?;
    let tree = tree(session)?;
    let dev = match &tree {
        Some((client, _)) => client.status()?.profile == "dev",
        None => false,
    };
    let kept = listing.entries.into_iter().map(Owner::Kept);
    let dev = (0..DEV_ACCOUNTS).filter(|_| dev).map(Owner::Dev);
    let (mut rows, mut items) = (Vec::new(), Vec::new());
    for owner in kept.chain(dev) {
        let (row, item) = of_owner(&owner, &balances(tree.as_ref(), owner.account())?);
        rows.push(row);
        items.push(item);
    }
    let broken: Vec<_> = listing.broken.iter().map(ToString::to_string).collect();
    let none = || "no accounts: banyan account new NAME".to_owned();
    let mut lines = vec![if rows.is_empty() { none() } else { table(&rows) }];
    lines.extend(tree.is_none().then(|| NO_BALANCES.to_owned()));
    lines.extend(broken.iter().map(|why| format!("broken: {why}")));
    Ok(Report::new(lines.join("\n"), json!({ "accounts": items, "broken": broken, "node": tree.is_some() })))
}

fn of_owner(owner: &Owner, held: &[Held]) -> (Vec<String>, Value) {
    let mut row = vec![owner.name(), owner.account().to_string()];
    row.extend(held.iter().map(|held| format!("{} {} BNY", held.ledger, held.balance)));
    let balances = held.iter().map(|held| json!({ "ledger": held.ledger, "balance": held.balance.base().to_string() }));
    let mut item = match owner {
        Owner::Kept(entry) => of_entry(entry),
        Owner::Dev(_) => json!({ "name": owner.name(), "account": owner.account().to_string(), "kind": "dev" }),
    };
    item["balances"] = balances.collect();
    (row, item)
}

fn show(session: &Session, text: &str) -> Result<Report, Failure> {
    let account = session.account(text)?;
    let tree = tree(session)?;
    let held = balances(tree.as_ref(), account)?;
    let mut rows = vec![vec!["account".to_owned(), account.to_string()]];
    rows.extend(held.iter().map(|held| vec![held.ledger.clone(), format!("{} BNY", held.balance)]));
    let balances: Vec<_> =
        held.iter().map(|held| json!({ "ledger": held.ledger, "balance": held.balance.base().to_string() })).collect();
    rows.extend(tree.is_none().then(|| vec![NO_BALANCES.to_owned()]));
    Ok(Report::new(
        table(&rows),
        json!({ "account": account.to_string(), "balances": balances, "node": tree.is_some() }),
    ))
}
