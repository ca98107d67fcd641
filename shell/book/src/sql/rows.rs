//! What our tables say: where the book stands, and what a row holds.

use banyan_types::{
    AccountId, Hash, Height,
    associate::{InboxEntry, OutboxEntry, Summary},
};

use super::{Balances, close::ASKED};
use crate::{
    Ours, Position,
    db::{Cell, Db, Value, broken},
};

/// What `block` says of the last block.
pub(super) struct LastBlock {
    pub height: Height,
    pub parent: (Height, Hash),
    pub outbox: (u64, Hash),
    pub hash: Hash,
    pub journal: u64,
    pub summary: Summary,
    pub is_settled: bool,
}

pub(super) fn last_block(db: &mut Db) -> Result<Option<LastBlock>, Ours> {
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

pub(super) fn position(db: &mut Db, own: Option<&str>) -> Result<Position, Ours> {
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
pub(super) fn inbox_end(db: &mut Db) -> Result<(u64, Hash), Ours> {
    let Some(row) = db.row("SELECT entry FROM ~inbox ORDER BY n DESC LIMIT 1", &[])? else {
        return Ok((0, Hash::ZERO));
    };
    let entry = InboxEntry::decode(cell(&row, 0)?.bytes()?).map_err(|_| broken("an inbox entry does not decode"))?;
    Ok((entry.n + 1, entry.hash))
}

pub(super) fn own_outbox(balances: &Balances) -> Option<&str> {
    match balances {
        Balances::Reference(_) => None,
        Balances::Own(own, _) => Some(&own.outbox),
    }
}

pub(super) fn read_entry(cell: &Cell) -> Result<OutboxEntry, Ours> {
    OutboxEntry::decode(cell.bytes()?).map_err(|_| broken("an outbox entry does not decode"))
}

pub(super) fn one(row: Option<Vec<Cell>>) -> Result<Vec<Cell>, Ours> {
    row.ok_or_else(|| broken("a statement gave no row"))
}

pub(super) fn cell(row: &[Cell], at: usize) -> Result<&Cell, Ours> {
    row.get(at).ok_or_else(|| broken("a row has too few columns"))
}

pub(super) fn hash(cell: &Cell) -> Result<Hash, Ours> {
    Hash::from_slice(cell.bytes()?).ok_or_else(|| broken("bytes that are no hash"))
}

pub(super) fn account_id(cell: &Cell) -> Result<AccountId, Ours> {
    let bytes = cell.bytes()?.try_into().map_err(|_| broken("bytes that are no account"))?;
    Ok(AccountId(bytes))
}
