//! Balances: those of a reference book with their journal and their trie, and those of a bank's own tables.

use std::collections::{BTreeMap, BTreeSet};

use banyan_ledger::{Account, key};
use banyan_tree::{Change, Leaf, Trie, value_hash};
use banyan_types::{AccountId, Amount, Nonce};

use super::rows::{account_id, cell, last_block};
use crate::{
    Ours, Statements,
    db::{Cell, Db, Value, amount, broken, sum},
};

/// Change a balance of a reference book, with its line in the journal.
pub(super) fn change(db: &mut Db, account: AccountId, delta: i128, kind: &str, reference: &str) -> Result<(), Ours> {
    let zero = Value::Sum(0);
    let id = Value::Bytes(&account.0);
    // The row is there before it is locked: two writers that both made it would lose one's money.
    db.execute("INSERT INTO ~account (id, balance) VALUES ($1, @2) ON CONFLICT (id) DO NOTHING", &[id, zero])?;
    let held = read_balance(db, account)?.ok_or_else(|| broken("an account that was made is gone"))?;
    let balance = amount(sum(held.balance)?.checked_add(delta).ok_or_else(|| broken("a balance overflows"))?)?;
    db.execute("UPDATE ~account SET balance = @2 WHERE id = $1", &[id, Value::Sum(sum(balance)?)])?;
    let sql = "INSERT INTO ~journal (account, delta, kind, ref) VALUES ($1, @2, $3, $4)";
    db.execute(sql, &[id, Value::Sum(delta), Value::Text(kind), Value::Text(reference)])?;
    Ok(())
}

pub(super) fn read_balance(db: &mut Db, account: AccountId) -> Result<Option<Account>, Ours> {
    let sql = "SELECT #balance, nonce FROM ~account WHERE id = $1 {for update}";
    let row = db.row(sql, &[Value::Bytes(&account.0)])?;
    row.map(|row| read_account(&row, 0)).transpose()
}

/// Balance and nonce, from column `at` on.
pub(super) fn read_account(row: &[Cell], at: usize) -> Result<Account, Ours> {
    let (balance, nonce) = (amount(cell(row, at)?.sum()?)?, Nonce(cell(row, at + 1)?.int()?));
    Ok(Account { nonce, balance, ..Account::EMPTY })
}

pub(super) fn own_balance(db: &mut Db, own: &Statements, unit: Amount, account: AccountId) -> Result<Amount, Ours> {
    let account = account.to_string();
    let rows = db.rows_as_is(own.balance.clone(), &[Value::Text(&account)])?;
    let Some(row) = rows.first() else { return Ok(Amount::ZERO) };
    let units = u128::try_from(cell(row, 0)?.sum()?).unwrap_or(0);
    units.checked_mul(unit.base()).and_then(Amount::new).ok_or_else(|| broken("a balance above the supply"))
}

/// An amount in the bank's units; `None` if it is not a whole number of them.
pub(super) fn in_units(amount: Amount, unit: Amount) -> Option<u128> {
    let (base, unit) = (amount.base(), unit.base());
    (base.checked_rem(unit)? == 0).then(|| base / unit)
}

/// The trie of all accounts as of the last closed block, whatever has changed since: what was changed since is taken back.
pub(super) fn closed_trie(db: &mut Db) -> Result<Trie<()>, Ours> {
    let journal = last_block(db)?.map_or(0, |block| block.journal);
    let mut accounts = BTreeMap::new();
    for row in db.rows("SELECT id, #balance, nonce FROM ~account", &[])? {
        accounts.insert(account_id(cell(&row, 0)?)?, read_account(&row, 1)?);
    }
    for row in db.rows("SELECT account, #delta FROM ~journal WHERE n > $1", &[Value::Int(journal)])? {
        let account =
            accounts.get_mut(&account_id(cell(&row, 0)?)?).ok_or_else(|| broken("a journal without account"))?;
        // In between it may be below zero: only the end counts.
        let before = sum(account.balance)?.checked_sub(cell(&row, 1)?.sum()?);
        account.balance = amount(before.ok_or_else(|| broken("a balance overflows"))?)?;
    }
    let live = accounts.into_iter().filter(|(_, account)| !account.is_empty());
    Ok(Trie::build(live.map(|(id, account)| Leaf {
        key: key::account(id),
        value_hash: value_hash(&account.encode()),
        note: (),
    })))
}

/// The trie with what the journal says has changed since the last block, and where the journal ends.
pub(super) fn grown(db: &mut Db, held: &Trie<()>) -> Result<(u64, Trie<()>), Ours> {
    if db.is_postgres() {
        // Whoever writes the journal now has drawn its numbers already: it must be seen, or numbers would be passed over.
        db.execute("LOCK TABLE ~journal IN SHARE MODE", &[])?;
    }
    let after = last_block(db)?.map_or(0, |block| block.journal);
    let rows = db.rows("SELECT n, account FROM ~journal WHERE n > $1", &[Value::Int(after)])?;
    let mut touched = BTreeSet::new();
    let mut journal = after;
    for row in &rows {
        journal = journal.max(cell(row, 0)?.int()?);
        touched.insert(account_id(cell(row, 1)?)?);
    }
    let mut changes: Vec<Change<()>> = Vec::new();
    for id in touched {
        let account = read_balance(db, id)?.filter(|account| !account.is_empty());
        changes.push((key::account(id), account.map(|account| (value_hash(&account.encode()), ()))));
    }
    changes.sort_unstable_by_key(|(key, _)| *key);
    Ok((journal, held.update(&changes)))
}
