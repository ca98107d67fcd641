//! A book that is broken off anywhere goes on as if nothing had been.

mod support;

use std::collections::BTreeMap;

use banyan_accounts::{Ours, Settings, SqlBook, Stopped};
use banyan_types::AccountId;
use support::{CHILD, Fake, account, file, link, not_for_a_book, open, postgres::Server, settle, units};

/// What is left at the end.
#[derive(Debug, PartialEq, Eq)]
struct End {
    accounts: BTreeMap<AccountId, u128>,
    paid: Vec<(AccountId, u128)>,
    back: Vec<u64>,
    /// Summaries that the parent has taken.
    remits: usize,
}

/// A day of a bank: commits, one that may not be credited, a withdrawal that is paid and one that cannot be, all while the
/// database fails at moment `break_at`: before or after a statement. The bank's own requests are made by other software, before.
fn day(settings: &Settings, break_at: Option<u64>) -> (End, u64) {
    let parent = Fake::new();
    let mut book = open(settings).unwrap();
    book.withdraw(account(1), account(50), units(30)).unwrap();
    book.withdraw(account(2), account(51), units(1_000)).unwrap();
    drop(book);
    let mut left = break_at;
    let mut moments = 0;
    for hour in 0..2 {
        for n in 1..3 {
            parent.commit(account(n), u128::from(n) * 100 + hour);
        }
        if hour == 1 {
            not_for_a_book().into_iter().take(1).for_each(|entry| _ = parent.tell(entry));
        }
        loop {
            let ended = hour_of(settings, &parent, &mut left, &mut moments);
            parent.block();
            match ended {
                Ok(()) => break,
                Err(Stopped::Ours(Ours::BrokenOff(_))) => left = None,
                Err(other) => panic!("moment {break_at:?}: {other}"),
            }
        }
    }
    let mut book = open(settings).unwrap();
    book.check().unwrap();
    let accounts = book.accounts().unwrap().into_iter().map(|(id, held)| (id, held.base())).collect();
    (End { accounts, paid: parent.paid(), back: parent.back(), remits: parent.remits().len() }, moments)
}

/// Open the book and work until there is nothing to do.
fn hour_of(settings: &Settings, parent: &Fake, left: &mut Option<u64>, moments: &mut u64) -> Result<(), Stopped> {
    let book = SqlBook::open_to_break(settings, CHILD, *left)?;
    let mut link = link(book, parent);
    let ended = settle(&mut link, parent);
    let used = link.book().moments();
    *moments += used;
    *left = left.map(|left| left.saturating_sub(used)).filter(|left| *left > 0);
    ended
}

fn crash_everywhere(fresh: impl Fn() -> Settings) {
    let (calm, moments) = day(&fresh(), None);
    assert!(moments > 200, "{moments}");
    assert_eq!(calm.paid, [(account(50), 30)], "the other request asks for more than there is");
    assert_eq!(calm.back.len(), 1);
    assert_eq!(calm.accounts[&account(1)], 200 + 1 - 30);
    for moment in 1..=moments {
        let (end, _) = day(&fresh(), Some(moment));
        assert_eq!(end, calm, "broken off at moment {moment}");
    }
}

#[test]
fn a_sql_book_credits_once_across_a_crash_at_any_statement() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    crash_everywhere(|| {
        count.set(count.get() + 1);
        file(&folder, &format!("{}.db", count.get()))
    });
}

#[test]
fn a_book_in_postgresql_credits_once_across_a_crash_at_any_statement_slow() {
    let Some(server) = Server::start() else { return };
    crash_everywhere(|| {
        server.clear();
        server.settings()
    });
}
