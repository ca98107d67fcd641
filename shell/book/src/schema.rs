//! Our tables. Source: associates 11.

/// What every book has: both ends of the connection, and its closed blocks.
///
/// `inbox.outcome` is `credited`, `noted` for what carries no money, or why it was skipped. `request` says what became of the
/// withdrawals that the bank asked for: the number of their outbox entry, or why they are refused. `outbox.seq` is the summary
/// that has carried an entry up, once the parent has taken it.
pub const CONNECTION: [&str; 5] = [
    "CREATE TABLE IF NOT EXISTS ~meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS ~inbox (n {int} PRIMARY KEY, entry {bytes} NOT NULL, money {int} NOT NULL, \
     outcome TEXT NOT NULL, height {int})",
    "CREATE TABLE IF NOT EXISTS ~request (id {int} PRIMARY KEY, n {int}, why TEXT)",
    "CREATE TABLE IF NOT EXISTS ~outbox (n {int} PRIMARY KEY, account {bytes} NOT NULL, recipient {bytes} NOT NULL, \
     amount {sum} NOT NULL, entry {bytes} NOT NULL, seq {int})",
    "CREATE TABLE IF NOT EXISTS ~block (height {int} PRIMARY KEY, parent_hash {bytes} NOT NULL, parent_height {int} NOT NULL, \
     root {bytes} NOT NULL, inbox {int} NOT NULL, outbox {int} NOT NULL, outbox_hash {bytes} NOT NULL, hash {bytes} NOT NULL, \
     journal {int} NOT NULL, summary {bytes} NOT NULL, settled {int} NOT NULL)",
];

/// What the reference book has besides: balances, every change of them, and what is to be withdrawn.
///
/// The bank's software makes payments within the book by changing balances and writing a line of the journal for each change, in
/// one transaction, and asks for a withdrawal by a row of `withdraw`: accounts `ak_…`, the amount in base units.
pub const ACCOUNTS: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS ~account (id {bytes} PRIMARY KEY, balance {sum} NOT NULL, nonce {int} NOT NULL DEFAULT 0)",
    "CREATE TABLE IF NOT EXISTS ~journal (n {serial}, account {bytes} NOT NULL, delta {sum} NOT NULL, kind TEXT NOT NULL, \
     ref TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS ~withdraw (id {serial}, account TEXT NOT NULL, recipient TEXT NOT NULL, amount TEXT NOT NULL)",
];
