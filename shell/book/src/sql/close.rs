//! Close a block: take up what is to be withdrawn, and write down what the parent is told.

use banyan_ledger::Account;
use banyan_tree::Trie;
use banyan_types::{
    Amount, Asset, AssociateId, Hash, Height, Payee, PublicKey,
    associate::{OutboxEntry, Summary},
    header::{ChildHeader, PROTOCOL_VERSION},
    limits::REMIT_LINES_MAX,
};

use super::{
    Balances, Kind, REFUSED_OWN, Request,
    accounts::{change, grown, in_units, own_balance, read_balance},
    rows::{cell, last_block, own_outbox, position},
};
use crate::{
    Ours, ParentBlock,
    db::{Cell, Db, Value, broken, sum},
};

/// Close a block: withdrawals are numbered and paid for here, and nowhere else.
pub(super) fn close(
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
pub(super) fn skipped_since(db: &mut Db) -> Result<Vec<u64>, Ours> {
    let sql = "SELECT n FROM ~inbox WHERE height IS NULL AND money = 1 AND outcome <> 'credited' ORDER BY n";
    db.rows(sql, &[])?.iter().map(|row| cell(row, 0)?.int()).collect()
}

pub(super) fn write_block(db: &mut Db, summary: &Summary, journal: u64) -> Result<(), Ours> {
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
pub(super) fn header(
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
pub(super) fn withdraw_all(
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
pub(super) fn answer(db: &mut Db, id: u64, n: Value<'_>, why: Option<&str>) -> Result<(), Ours> {
    match why {
        Some(why) => {
            db.execute("INSERT INTO ~request (id, why) VALUES ($1, $2)", &[Value::Int(id), Value::Text(why)])?
        }
        None => db.execute("INSERT INTO ~request (id, n) VALUES ($1, $2)", &[Value::Int(id), n])?,
    };
    Ok(())
}

/// Take a withdrawal's money; why not, if so.
pub(super) fn take_out(db: &mut Db, balances: &Balances, request: &Request) -> Result<Option<&'static str>, Ours> {
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
pub(super) type Read = Result<Request, (u64, String)>;

/// What is asked for and has no answer yet, as much as fits one remit.
pub(super) fn requests(db: &mut Db, balances: &Balances) -> Result<Vec<Read>, Ours> {
    let lines = Value::Int(REMIT_LINES_MAX as u64);
    let (rows, unit) = match balances {
        Balances::Reference(_) => (db.rows(ASKED, &[lines])?, Amount::new(1).unwrap_or_default()),
        Balances::Own(own, unit) => (db.rows_as_is(own.outbox.clone(), &[lines])?, *unit),
    };
    rows.iter().take(REMIT_LINES_MAX).map(|row| read_request(row, unit)).collect()
}

/// Withdrawals of a reference book that are asked for.
pub(super) const ASKED: &str = "SELECT w.id, w.account, w.recipient, w.amount FROM ~withdraw w LEFT JOIN ~request r ON r.id = w.id \
                     WHERE r.id IS NULL ORDER BY w.id LIMIT $1";

pub(super) fn read_request(row: &[Cell], unit: Amount) -> Result<Read, Ours> {
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
