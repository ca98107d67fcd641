//! The book in a database.
//!
//! Every call is one transaction. An inbox entry is in the book if its number is in `inbox`, which is written in the transaction
//! that credits it: after a crash it is there with its money or not at all. The same holds for what is withdrawn, and `block`
//! holds what the parent is told, so that it is told the same again.

use banyan_ledger::{Account, key};
use banyan_tree::{Change, Leaf, Trie, value_hash};
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Hash, Height, Nonce, Payee, PublicKey,
    associate::{InboxEntry, InboxKind, OutboxEntry, Summary},
    header::{ChildHeader, PROTOCOL_VERSION},
    limits::REMIT_LINES_MAX,
};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Book, Ours, ParentBlock, Position, Settings, Skipped, Statements,
    db::{Cell, Db, Value, amount, broken, sum},
    schema,
};

/// Rows of the journal that one read brings.
const JOURNAL_PAGE: u64 = 10_000;
/// Characters of a refusal that are kept.
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

/// Close a block: withdrawals are numbered and paid for here, and nowhere else.
fn close(
    db: &mut Db,
    child: AssociateId,
    balances: &Balances,
    at: &ParentBlock,
) -> Result<(Summary, Option<Trie<()>>), Ours> {
    let own = own_outbox(balances);
    let stood = position(db, own)?;
    if let Some(pending) = stood.pending {
        return Err(Ours::Unsettled { seq: pending.seq });
    }
    let height = Height(stood.height.0 + 1);
    let (outbox, outbox_hash) = withdraw_all(db, balances, (stood.outbox, stood.outbox_hash), height)?;
    let (journal, trie) = match balances {
        Balances::Reference(held) => {
            let (journal, trie) = grown(db, held)?;
            (journal, Some(trie))
        }
        Balances::Own(..) => (0, None),
    };
    let root = trie.as_ref().map_or(Hash::ZERO, |trie| Hash(trie.root()));
    let prev = last_block(db)?.map_or(Hash::ZERO, |block| block.hash);
    let header = header(child, at, (height, prev), (stood.inbox, outbox), root);
    let summary = Summary {
        associate: child,
        seq: height.0,
        child_from: stood.height,
        child_to: height,
        block_hash: header.hash(),
        root,
        parent_hash: at.hash,
        parent_height: at.height,
        inbox_acked: stood.inbox,
        inbox_hash: stood.inbox_hash,
        skipped: skipped_since(db)?,
        outbox_acked: outbox,
        outbox_hash,
        set_hash: Hash::ZERO,
    };
    db.execute("UPDATE ~inbox SET height = $1 WHERE height IS NULL", &[Value::Int(height.0)])?;
    write_block(db, &summary, journal)?;
    Ok((summary, trie))
}

/// The numbers that were skipped since the last block.
fn skipped_since(db: &mut Db) -> Result<Vec<u64>, Ours> {
    let sql = "SELECT n FROM ~inbox WHERE height IS NULL AND money = 1 AND outcome <> 'credited' ORDER BY n";
    db.rows(sql, &[])?.iter().map(|row| cell(row, 0)?.int()).collect()
}

fn write_block(db: &mut Db, summary: &Summary, journal: u64) -> Result<(), Ours> {
    let sql = "INSERT INTO ~block (height, parent_hash, parent_height, root, inbox, outbox, outbox_hash, hash, journal, \
               summary, settled) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0)";
    let bytes = summary.encode();
    db.execute(
        sql,
        &[
            Value::Int(summary.child_to.0),
            Value::Bytes(&summary.parent_hash.0),
            Value::Int(summary.parent_height.0),
            Value::Bytes(&summary.root.0),
            Value::Int(summary.inbox_acked),
            Value::Int(summary.outbox_acked),
            Value::Bytes(&summary.outbox_hash.0),
            Value::Bytes(&summary.block_hash.0),
            Value::Int(journal),
            Value::Bytes(&bytes),
        ],
    )?;
    Ok(())
}

/// The header of a block: what it says is in the summary too, and no parent of regime `operators` reads more.
fn header(
    child: AssociateId,
    at: &ParentBlock,
    (height, prev_hash): (Height, Hash),
    (inbox_to, outbox_to): (u64, u64),
    state_root: Hash,
) -> ChildHeader {
    ChildHeader {
        version: PROTOCOL_VERSION,
        height,
        prev_hash,
        parent_hash: at.hash,
        parent_height: at.height,
        root_height: at.root_height,
        time_ms: at.time,
        entropy: ChildHeader::derive_entropy(at.entropy, child),
        txs_root: Hash::ZERO,
        receipts_root: Hash::ZERO,
        inbox_to,
        outbox_to,
        state_root,
        set_hash: Hash::ZERO,
        leader: PublicKey::ZERO,
        view: 0,
        prev_seal_hash: Hash::ZERO,
    }
}

/// Take the money of what is asked for, as much as fits one remit; where the outbox ends then.
fn withdraw_all(
    db: &mut Db,
    balances: &Balances,
    (mut next, mut chain): (u64, Hash),
    child_height: Height,
) -> Result<(u64, Hash), Ours> {
    for request in requests(db, balances)? {
        let request = match request {
            Ok(request) => request,
            Err((id, why)) => {
                answer(db, id, Value::NoInt, Some(&why))?;
                continue;
            }
        };
        if let Some(why) = take_out(db, balances, &request)? {
            answer(db, request.id, Value::NoInt, Some(why))?;
            continue;
        }
        let (from, to) = (request.account, Payee::Account(request.recipient));
        let (asset, amount) = (Asset::Coin, request.amount);
        let entry = OutboxEntry { n: next, from, to, asset, amount, route: vec![], leg: Hash::ZERO, child_height };
        let sql = "INSERT INTO ~outbox (n, account, recipient, amount, entry) VALUES ($1, $2, $3, @4, $5)";
        let bytes = entry.encode();
        let (account, recipient) = (Value::Bytes(&request.account.0), Value::Bytes(&request.recipient.0));
        db.execute(sql, &[Value::Int(next), account, recipient, Value::Sum(sum(amount)?), Value::Bytes(&bytes)])?;
        answer(db, request.id, Value::Int(next), None)?;
        (next, chain) = (next + 1, entry.chain(chain));
    }
    Ok((next, chain))
}

/// Say what became of a request.
fn answer(db: &mut Db, id: u64, n: Value<'_>, why: Option<&str>) -> Result<(), Ours> {
    match why {
        Some(why) => {
            db.execute("INSERT INTO ~request (id, why) VALUES ($1, $2)", &[Value::Int(id), Value::Text(why)])?
        }
        None => db.execute("INSERT INTO ~request (id, n) VALUES ($1, $2)", &[Value::Int(id), n])?,
    };
    Ok(())
}

/// Take a withdrawal's money; why not, if so.
fn take_out(db: &mut Db, balances: &Balances, request: &Request) -> Result<Option<&'static str>, Ours> {
    const POOR: &str = "the account does not hold so much";
    let reference = format!("withdraw {}", request.id);
    if request.amount.is_zero() {
        return Ok(Some("nothing is to be withdrawn"));
    }
    match balances {
        Balances::Reference(_) => {
            let held = read_balance(db, request.account)?.unwrap_or(Account::EMPTY).balance;
            if held < request.amount {
                return Ok(Some(POOR));
            }
            change(db, request.account, -sum(request.amount)?, Kind::Withdraw.word(), &reference)?;
            Ok(None)
        }
        Balances::Own(own, unit) => {
            if own_balance(db, own, *unit, request.account)? < request.amount {
                return Ok(Some(POOR));
            }
            let amount = in_units(request.amount, *unit).ok_or_else(|| broken("a request between two units"))?;
            let (account, amount) = (request.account.to_string(), amount.to_string());
            let values = [Value::Text(&account), Value::Text(&amount), Value::Text(&reference)];
            match db.execute_as_is(own.debit.clone(), &values)? {
                1 => Ok(None),
                0 => Ok(Some(REFUSED_OWN)),
                rows => Err(Ours::Settings(format!("the statement debit touched {rows} rows"))),
            }
        }
    }
}

/// A request, or its number with what is wrong with it.
type Read = Result<Request, (u64, String)>;

/// What is asked for and has no answer yet, as much as fits one remit.
fn requests(db: &mut Db, balances: &Balances) -> Result<Vec<Read>, Ours> {
    let lines = Value::Int(REMIT_LINES_MAX as u64);
    let (rows, unit) = match balances {
        Balances::Reference(_) => (db.rows(ASKED, &[lines])?, Amount::new(1).unwrap_or_default()),
        Balances::Own(own, unit) => (db.rows_as_is(own.outbox.clone(), &[lines])?, *unit),
    };
    rows.iter().take(REMIT_LINES_MAX).map(|row| read_request(row, unit)).collect()
}

/// Withdrawals of a reference book that are asked for.
const ASKED: &str = "SELECT w.id, w.account, w.recipient, w.amount FROM ~withdraw w LEFT JOIN ~request r ON r.id = w.id \
                     WHERE r.id IS NULL ORDER BY w.id LIMIT $1";

fn read_request(row: &[Cell], unit: Amount) -> Result<Read, Ours> {
    let id = cell(row, 0)?.int()?;
    let (account, recipient, amount) = (cell(row, 1)?.text()?, cell(row, 2)?.text()?, cell(row, 3)?.text()?);
    let read = || {
        let account = account.parse().map_err(|_| format!("{account} is no account"))?;
        let recipient = recipient.parse().map_err(|_| format!("{recipient} is no account"))?;
        let base = amount.parse::<u128>().ok().and_then(|units| units.checked_mul(unit.base())).and_then(Amount::new);
        let amount = base.ok_or_else(|| format!("{amount} is no amount"))?;
        Ok(Request { id, account, recipient, amount })
    };
    Ok(read().map_err(|why: String| (id, why)))
}

/// Change a balance of a reference book, with its line in the journal.
fn change(db: &mut Db, account: AccountId, delta: i128, kind: &str, reference: &str) -> Result<(), Ours> {
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

fn read_balance(db: &mut Db, account: AccountId) -> Result<Option<Account>, Ours> {
    let sql = "SELECT #balance, nonce FROM ~account WHERE id = $1 {for update}";
    let row = db.row(sql, &[Value::Bytes(&account.0)])?;
    row.map(|row| read_account(&row, 0)).transpose()
}

/// Balance and nonce, from column `at` on.
fn read_account(row: &[Cell], at: usize) -> Result<Account, Ours> {
    let (balance, nonce) = (amount(cell(row, at)?.sum()?)?, Nonce(cell(row, at + 1)?.int()?));
    Ok(Account { nonce, balance, ..Account::EMPTY })
}

fn own_balance(db: &mut Db, own: &Statements, unit: Amount, account: AccountId) -> Result<Amount, Ours> {
    let account = account.to_string();
    let rows = db.rows_as_is(own.balance.clone(), &[Value::Text(&account)])?;
    let Some(row) = rows.first() else { return Ok(Amount::ZERO) };
    let units = u128::try_from(cell(row, 0)?.sum()?).unwrap_or(0);
    units.checked_mul(unit.base()).and_then(Amount::new).ok_or_else(|| broken("a balance above the supply"))
}

/// An amount in the bank's units; `None` if it is not a whole number of them.
fn in_units(amount: Amount, unit: Amount) -> Option<u128> {
    let (base, unit) = (amount.base(), unit.base());
    (base.checked_rem(unit)? == 0).then(|| base / unit)
}

/// The trie of all accounts as of the last closed block, whatever has changed since: what was changed since is taken back.
fn closed_trie(db: &mut Db) -> Result<Trie<()>, Ours> {
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
fn grown(db: &mut Db, held: &Trie<()>) -> Result<(u64, Trie<()>), Ours> {
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

/// What `block` says of the last block.
struct LastBlock {
    height: Height,
    parent: (Height, Hash),
    outbox: (u64, Hash),
    hash: Hash,
    journal: u64,
    summary: Summary,
    is_settled: bool,
}

fn last_block(db: &mut Db) -> Result<Option<LastBlock>, Ours> {
    let sql = "SELECT height, parent_height, parent_hash, outbox, outbox_hash, hash, journal, summary, settled FROM ~block \
               ORDER BY height DESC LIMIT 1";
    let Some(row) = db.row(sql, &[])? else { return Ok(None) };
    let summary = Summary::decode(cell(&row, 7)?.bytes()?).map_err(|_| broken("a summary does not decode"))?;
    Ok(Some(LastBlock {
        height: Height(cell(&row, 0)?.int()?),
        parent: (Height(cell(&row, 1)?.int()?), hash(cell(&row, 2)?)?),
        outbox: (cell(&row, 3)?.int()?, hash(cell(&row, 4)?)?),
        hash: hash(cell(&row, 5)?)?,
        journal: cell(&row, 6)?.int()?,
        summary,
        is_settled: cell(&row, 8)?.int()? == 1,
    }))
}

fn position(db: &mut Db, own: Option<&str>) -> Result<Position, Ours> {
    let (inbox, inbox_hash) = inbox_end(db)?;
    let last = last_block(db)?;
    let credits = db.row("SELECT n FROM ~inbox WHERE height IS NULL AND money = 1 LIMIT 1", &[])?;
    let asked = match own {
        Some(own) => db.rows_as_is(own.to_owned(), &[Value::Int(1)])?.into_iter().next(),
        None => db.row(ASKED, &[Value::Int(1)])?,
    };
    let (outbox, outbox_hash) = last.as_ref().map_or((0, Hash::ZERO), |block| block.outbox);
    Ok(Position {
        height: last.as_ref().map_or(Height(0), |block| block.height),
        inbox,
        inbox_hash,
        outbox,
        outbox_hash,
        parent: last.as_ref().map(|block| block.parent),
        has_work: credits.is_some() || asked.is_some(),
        pending: last.filter(|block| !block.is_settled).map(|block| block.summary),
    })
}

/// The next inbox number, and the chain up to there.
fn inbox_end(db: &mut Db) -> Result<(u64, Hash), Ours> {
    let Some(row) = db.row("SELECT entry FROM ~inbox ORDER BY n DESC LIMIT 1", &[])? else {
        return Ok((0, Hash::ZERO));
    };
    let entry = InboxEntry::decode(cell(&row, 0)?.bytes()?).map_err(|_| broken("an inbox entry does not decode"))?;
    Ok((entry.n + 1, entry.hash))
}

fn own_outbox(balances: &Balances) -> Option<&str> {
    match balances {
        Balances::Reference(_) => None,
        Balances::Own(own, _) => Some(&own.outbox),
    }
}

fn read_entry(cell: &Cell) -> Result<OutboxEntry, Ours> {
    OutboxEntry::decode(cell.bytes()?).map_err(|_| broken("an outbox entry does not decode"))
}

fn one(row: Option<Vec<Cell>>) -> Result<Vec<Cell>, Ours> {
    row.ok_or_else(|| broken("a statement gave no row"))
}

fn cell(row: &[Cell], at: usize) -> Result<&Cell, Ours> {
    row.get(at).ok_or_else(|| broken("a row has too few columns"))
}

fn hash(cell: &Cell) -> Result<Hash, Ours> {
    Hash::from_slice(cell.bytes()?).ok_or_else(|| broken("bytes that are no hash"))
}

fn account_id(cell: &Cell) -> Result<AccountId, Ours> {
    let bytes = cell.bytes()?.try_into().map_err(|_| broken("bytes that are no account"))?;
    Ok(AccountId(bytes))
}
