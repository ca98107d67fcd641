//! The book in a database.
//!
//! Every call is one transaction. An inbox entry is in the book if its number is in `inbox`, which is written in the transaction
//! that credits it: after a crash it is there with its money or not at all. The same holds for what is withdrawn, and `block`
//! holds what the parent is told, so that it is told the same again.

mod accounts;
mod close;
mod rows;

use std::collections::BTreeMap;

use banyan_ledger::{Account, key};
use banyan_tree::Trie;
use banyan_types::{
    AccountId, Amount, Asset, AssociateId,
    associate::{InboxEntry, InboxKind, OutboxEntry, Summary},
};

use crate::{
    Book, Ours, ParentBlock, Position, Settings, Skipped, Statements,
    db::{Db, Value, amount, broken, sum},
    schema,
};
use accounts::{change, closed_trie, in_units, own_balance, read_balance};
use close::close;
use rows::{account_id, cell, inbox_end, one, own_outbox, position, read_entry};

/// Rows of the journal that one read brings.
const JOURNAL_PAGE: u64 = 10_000;
/// What a request is answered when `debit` takes nothing.
const REFUSED_OWN: &str = "the bank's own statement touched no row";

/// Which tables hold the balances.
enum Balances {
    /// Ours; their trie, as of the last closed block.
    Reference(Trie<()>),
    /// The bank's. Nobody but it knows all of them: its root is zero.
    Own(Box<Statements>, Amount),
}

/// A book in SQLite or PostgreSQL.
pub struct SqlBook {
    db: Db,
    child: AssociateId,
    balances: Balances,
}

/// A withdrawal that is asked for.
struct Request {
    id: u64,
    account: AccountId,
    recipient: AccountId,
    amount: Amount,
}

/// What changed an account.
#[derive(Clone, Copy)]
enum Kind {
    Credit,
    Returned,
    Withdraw,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Credit => "credit",
            Self::Returned => "returned",
            Self::Withdraw => "withdraw",
        }
    }
}

impl SqlBook {
    /// Open the book of `child`, or begin it.
    /// # Errors
    /// `Sql`, `Settings`; `OtherBook` where the database holds another child's.
    pub fn open(settings: &Settings, child: AssociateId) -> Result<Self, Ours> {
        Self::open_to_break(settings, child, None)
    }

    /// The same, to fail at a moment, of which there is one before and one after each statement: how tests crash a book.
    /// # Errors
    /// As [`Self::open`].
    pub fn open_to_break(settings: &Settings, child: AssociateId, moment: Option<u64>) -> Result<Self, Ours> {
        // Between a bank's own tables ours must stand out.
        let mut db = Db::open(&settings.url, if settings.sql.is_some() { "banyan_" } else { "" })?;
        db.break_at(moment);
        let unit = settings.unit()?;
        let is_reference = settings.sql.is_none();
        db.transaction(|db| begin(db, child, is_reference))?;
        let balances = match &settings.sql {
            Some(own) => Balances::Own(Box::new(own.clone()), unit),
            None => Balances::Reference(db.transaction(closed_trie)?),
        };
        Ok(Self { db, child, balances })
    }

    /// What an account holds.
    /// # Errors
    /// [`Ours`].
    pub fn balance(&mut self, account: AccountId) -> Result<Amount, Ours> {
        match &self.balances {
            Balances::Reference(_) => {
                Ok(read_balance(&mut self.db, account)?.map_or(Amount::ZERO, |held| held.balance))
            }
            Balances::Own(own, unit) => own_balance(&mut self.db, own, *unit, account),
        }
    }

    /// All accounts of a reference book.
    /// # Errors
    /// [`Ours`].
    pub fn accounts(&mut self) -> Result<BTreeMap<AccountId, Amount>, Ours> {
        if matches!(self.balances, Balances::Own(..)) {
            return Ok(BTreeMap::new());
        }
        let rows = self.db.rows("SELECT id, #balance FROM ~account", &[])?;
        rows.iter().map(|row| Ok((account_id(cell(row, 0)?)?, amount(cell(row, 1)?.sum()?)?))).collect()
    }

    /// Whether every balance of a reference book is the sum of its lines in the journal: a check for every night.
    /// # Errors
    /// `Broken` with the first account of which it is not.
    pub fn check(&mut self) -> Result<(), Ours> {
        if matches!(self.balances, Balances::Own(..)) {
            return Ok(());
        }
        self.db.transaction(|db| {
            let mut sums: BTreeMap<Vec<u8>, i128> = BTreeMap::new();
            let mut after = 0;
            loop {
                let sql = "SELECT n, account, #delta FROM ~journal WHERE n > $1 ORDER BY n LIMIT $2";
                let rows = db.rows(sql, &[Value::Int(after), Value::Int(JOURNAL_PAGE)])?;
                let Some(last) = rows.last() else { break };
                after = cell(last, 0)?.int()?;
                for row in &rows {
                    let held = sums.entry(cell(row, 1)?.bytes()?.to_vec()).or_default();
                    *held = held.checked_add(cell(row, 2)?.sum()?).ok_or_else(|| broken("sums overflow"))?;
                }
            }
            for row in db.rows("SELECT id, #balance FROM ~account", &[])? {
                let (id, held) = (cell(&row, 0)?.bytes()?, cell(&row, 1)?.sum()?);
                let said = sums.remove(id).unwrap_or(0);
                if said != held {
                    let account = account_id(cell(&row, 0)?)?;
                    return Err(Ours::Broken(format!("{account} holds {held}, its journal says {said}")));
                }
            }
            match sums.into_values().find(|sum| *sum != 0) {
                Some(sum) => Err(Ours::Broken(format!("the journal gives {sum} to an account that is not there"))),
                None => Ok(()),
            }
        })
    }

    /// Proof of an account under the root of the last closed block, for an escape; `None` where the book has no root.
    pub fn prove(&self, account: AccountId) -> Option<Vec<u8>> {
        match &self.balances {
            Balances::Reference(trie) => Some(trie.prove_many(&[key::account(account)]).encode()),
            Balances::Own(..) => None,
        }
    }

    /// Ask for a withdrawal, as the bank's software does; a reference book alone. Its number.
    /// # Errors
    /// [`Ours`].
    pub fn withdraw(&mut self, account: AccountId, recipient: AccountId, amount: Amount) -> Result<u64, Ours> {
        let (account, recipient, amount) = (account.to_string(), recipient.to_string(), amount.base().to_string());
        let sql = "INSERT INTO ~withdraw (account, recipient, amount) VALUES ($1, $2, $3) RETURNING id";
        let values = [Value::Text(&account), Value::Text(&recipient), Value::Text(&amount)];
        self.db.transaction(|db| cell(&one(db.row(sql, &values)?)?, 0)?.int())
    }

    /// Pay within a reference book. False if `from` does not hold so much.
    /// # Errors
    /// [`Ours`].
    pub fn pay(&mut self, from: AccountId, to: AccountId, paid: Amount, reason: &str) -> Result<bool, Ours> {
        self.db.transaction(|db| {
            let held = read_balance(db, from)?.unwrap_or(Account::EMPTY).balance;
            if from == to || held < paid {
                return Ok(from == to && held >= paid);
            }
            let delta = sum(paid)?;
            change(db, from, -delta, "payment", reason)?;
            change(db, to, delta, "payment", reason)?;
            Ok(true)
        })
    }

    /// Moments since it was opened.
    pub const fn moments(&self) -> u64 {
        self.db.moments()
    }
}

impl Book for SqlBook {
    fn position(&mut self) -> Result<Position, Ours> {
        let own = own_outbox(&self.balances);
        self.db.transaction(|db| position(db, own))
    }

    fn credit(&mut self, at: &ParentBlock, entries: &[InboxEntry]) -> Result<Vec<Skipped>, Ours> {
        let balances = &self.balances;
        self.db.transaction(|db| {
            let (mut next, mut chain) = inbox_end(db)?;
            let (mut skipped, known) = (Vec::new(), next);
            for entry in entries.iter().skip_while(|entry| entry.n < known) {
                if entry.n != next || entry.clone().chained(chain) != *entry {
                    return Err(Ours::Inbox { expected: next, got: entry.n });
                }
                let refused = take_in(db, balances, at, entry)?;
                let outcome = refused.unwrap_or(if entry.is_money() { "credited" } else { "noted" });
                let sql = "INSERT INTO ~inbox (n, entry, money, outcome, height) VALUES ($1, $2, $3, $4, $5)";
                let bytes = entry.encode();
                let money = Value::Int(entry.is_money().into());
                db.execute(
                    sql,
                    &[Value::Int(entry.n), Value::Bytes(&bytes), money, Value::Text(outcome), Value::NoInt],
                )?;
                skipped.extend(refused.map(|why| Skipped { n: entry.n, why }));
                (next, chain) = (next + 1, entry.hash);
            }
            Ok(skipped)
        })
    }

    fn outbox(&mut self, from: u64, max: u16) -> Result<Vec<OutboxEntry>, Ours> {
        let sql = "SELECT entry FROM ~outbox WHERE n >= $1 ORDER BY n LIMIT $2";
        let rows = self.db.rows(sql, &[Value::Int(from), Value::Int(max.into())])?;
        rows.iter().map(|row| read_entry(cell(row, 0)?)).collect()
    }

    fn close_block(&mut self, at: &ParentBlock) -> Result<Summary, Ours> {
        let (child, balances) = (self.child, &self.balances);
        let (summary, trie) = self.db.transaction(|db| close(db, child, balances, at))?;
        if let (Balances::Reference(held), Some(trie)) = (&mut self.balances, trie) {
            *held = trie;
        }
        Ok(summary)
    }

    fn settled(&mut self, seq: u64) -> Result<(), Ours> {
        self.db.transaction(|db| {
            let sql = "SELECT outbox, summary FROM ~block WHERE height = $1 AND settled = 0";
            let Some(row) = db.row(sql, &[Value::Int(seq)])? else { return Ok(()) };
            let to = cell(&row, 0)?.int()?;
            db.execute("UPDATE ~block SET settled = 1 WHERE height = $1", &[Value::Int(seq)])?;
            let sql = "UPDATE ~outbox SET seq = $1 WHERE n < $2 AND seq IS NULL";
            db.execute(sql, &[Value::Int(seq), Value::Int(to)])?;
            Ok(())
        })
    }
}

fn begin(db: &mut Db, child: AssociateId, is_reference: bool) -> Result<(), Ours> {
    let more = if is_reference { &schema::ACCOUNTS[..] } else { &[] };
    for table in schema::CONNECTION.iter().chain(more) {
        db.execute(table, &[])?;
    }
    let asked = child.to_string();
    match db.row("SELECT value FROM ~meta WHERE name = 'child'", &[])? {
        None => {
            db.execute("INSERT INTO ~meta (name, value) VALUES ('child', $1)", &[Value::Text(&asked)])?;
            Ok(())
        }
        Some(row) if cell(&row, 0)?.text()? == asked => Ok(()),
        Some(row) => Err(Ours::OtherBook { held: cell(&row, 0)?.text()?.to_owned(), asked }),
    }
}

/// Take one entry into the book; why not, if so.
fn take_in(
    db: &mut Db,
    balances: &Balances,
    at: &ParentBlock,
    entry: &InboxEntry,
) -> Result<Option<&'static str>, Ours> {
    let kind = match entry.kind {
        InboxKind::Commit if at.height > entry.deadline => return Ok(Some("its time was over")),
        InboxKind::Commit if entry.asset != Asset::Coin => return Ok(Some("the book holds coins alone")),
        InboxKind::Commit if !entry.route.is_empty() => return Ok(Some("nothing leads on from a book")),
        InboxKind::Commit => Kind::Credit,
        InboxKind::Returned { .. } => Kind::Returned,
        _ => return Ok(None),
    };
    let reference = format!("inbox {}", entry.n);
    match balances {
        Balances::Reference(_) => {
            change(db, entry.to, sum(entry.amount)?, kind.word(), &reference)?;
            Ok(None)
        }
        Balances::Own(own, unit) => {
            let Some(amount) = in_units(entry.amount, *unit) else {
                return Ok(Some("not a whole number of the bank's units"));
            };
            let (account, amount) = (entry.to.to_string(), amount.to_string());
            let values = [Value::Text(&account), Value::Text(&amount), Value::Text(&reference)];
            let touched = db.execute_as_is(own.credit.clone(), &values)?;
            match (touched, kind) {
                (1, _) => Ok(None),
                (0, Kind::Credit) => Ok(Some("the bank has no such account")),
                // What came back must be somebody's: the bank has to say whose.
                (0, _) => Err(Ours::Broken(format!("{account} is gone, and {amount} came back for it"))),
                (rows, _) => Err(Ours::Settings(format!("the statement credit touched {rows} rows"))),
            }
        }
    }
}
