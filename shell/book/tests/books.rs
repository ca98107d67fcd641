//! What a book holds, says and refuses, over both databases.

mod support;

use banyan_accounts::{Book as _, Did, Ours, Settings, SqlBook, Statements, Stopped};
use banyan_ledger::{Account, key};
use banyan_node::Parent as _;
use banyan_tree::MultiProof;
use banyan_types::{AccountId, AssociateId, Hash};
use proptest::prelude::*;
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use support::{CHILD, Fake, account, file, link, not_for_a_book, open, operators, postgres::Server, settle, units};

/// What happens to a book.
#[derive(Debug, Clone)]
enum Act {
    Commit(u8, u128),
    Withdraw(u8, u128),
    Pay(u8, u8, u128),
    Close,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let (who, sum) = (1u8..6, 0u128..2_000);
    let one = prop_oneof![
        (who.clone(), 1u128..1_000_000_000_000_000_000_000_000_000).prop_map(|(to, base)| Act::Commit(to, base)),
        (who.clone(), sum.clone()).prop_map(|(from, base)| Act::Withdraw(from, base)),
        (who.clone(), who, sum).prop_map(|(from, to, base)| Act::Pay(from, to, base)),
        Just(Act::Close),
    ];
    proptest::collection::vec(one, 1..25)
}

/// Every root that the parent has taken, after all of it.
fn roots(settings: &Settings, acts: &[Act]) -> Vec<Hash> {
    let parent = Fake::new();
    let mut link = link(open(settings).unwrap(), &parent);
    let mut roots = vec![];
    for act in acts.iter().chain([&Act::Close]) {
        match act {
            Act::Commit(to, base) => {
                parent.commit(account(*to), *base);
            }
            Act::Withdraw(from, base) => {
                link.book().withdraw(account(*from), account(60), units(*base)).unwrap();
            }
            Act::Pay(from, to, base) => {
                link.book().pay(account(*from), account(*to), units(*base), "a payment").unwrap();
            }
            Act::Close => {
                settle(&mut link, &parent).unwrap();
                parent.block();
                roots.push(parent.point().point.root);
                link.book().check().unwrap();
            }
        }
    }
    roots
}

#[test]
fn sqlite_and_postgresql_books_give_one_root() {
    let Some(server) = Server::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 24, ..ProptestConfig::default() });
    let held = runner.run(&acts(), |acts| {
        server.clear();
        count.set(count.get() + 1);
        let lite = roots(&file(&folder, &format!("{}.db", count.get())), &acts);
        prop_assert_eq!(lite, roots(&server.settings(), &acts));
        Ok(())
    });
    held.unwrap();
}

fn lite(settings: &Settings, sql: &'static str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = SqliteConnection::connect(&format!("sqlite://{}", settings.url)).await.unwrap();
        connection.execute(sqlx::raw_sql(sql)).await.unwrap();
        connection.close().await.unwrap();
    });
}

#[test]
fn a_balance_is_the_sum_of_its_journal() {
    let folder = tempfile::tempdir().unwrap();
    let settings = file(&folder, "bank.db");
    let parent = Fake::new();
    let mut link = link(open(&settings).unwrap(), &parent);
    parent.commit(account(1), 100);
    settle(&mut link, &parent).unwrap();
    assert!(link.book().pay(account(1), account(2), units(40), "rent").unwrap());
    assert!(!link.book().pay(account(1), account(2), units(61), "too much").unwrap());
    link.book().check().unwrap();
    lite(&settings, "UPDATE account SET balance = x'000000000000000000000000000000ff' WHERE length(balance) = 16");
    let broken = link.book().check().unwrap_err().to_string();
    assert!(broken.contains("holds 255, its journal says"), "{broken}");
}

#[test]
fn an_account_is_proven_under_the_root_that_the_parent_has() {
    let folder = tempfile::tempdir().unwrap();
    let settings = file(&folder, "bank.db");
    let parent = Fake::new();
    let mut link = link(open(&settings).unwrap(), &parent);
    for n in 1..9 {
        parent.commit(account(n), u128::from(n) * 10);
    }
    settle(&mut link, &parent).unwrap();
    // What comes later is in the next root, also for a book that was opened in between.
    assert!(link.book().pay(account(3), account(4), units(5), "later").unwrap());
    let book = open(&settings).unwrap();
    let root = parent.point().point.root.0;
    for (n, held) in [(3, 30), (4, 40)] {
        let leaf = Account { balance: units(held), ..Account::EMPTY }.encode();
        let proof = MultiProof::decode(&book.prove(account(n)).unwrap()).unwrap();
        assert_eq!(proof.verify(&root, &[(key::account(account(n)), Some(leaf))]), Ok(()));
    }
}

#[test]
fn what_may_not_be_credited_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let parent = Fake::new();
    let mut link = link(open(&file(&folder, "bank.db")).unwrap(), &parent);
    let bad: Vec<_> = not_for_a_book().into_iter().map(|entry| parent.tell(entry)).collect();
    parent.commit(account(1), 5);
    let Did::Credited { to, skipped } = link.step().unwrap() else { panic!("nothing was taken in") };
    assert_eq!((to, skipped.iter().map(|one| one.n).collect::<Vec<_>>()), (4, bad.clone()));
    settle(&mut link, &parent).unwrap();
    assert_eq!(parent.back(), bad);
    assert_eq!(link.book().balance(account(1)).unwrap(), units(5));
}

#[test]
fn entries_come_in_order_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let parent = Fake::new();
    for _ in 0..4 {
        parent.commit(account(1), 10);
    }
    let (tip, entries) = (parent.tip().unwrap(), parent.inbox(0, 4).unwrap().unwrap());
    let mut book = open(&file(&folder, "bank.db")).unwrap();
    let gap = book.credit(&tip, &entries[1..]).unwrap_err();
    assert!(matches!(gap, Ours::Inbox { expected: 0, got: 1 }), "{gap}");
    let mut forged = entries.clone();
    forged[1].amount = units(1_000);
    assert!(matches!(book.credit(&tip, &forged), Err(Ours::Inbox { expected: 1, got: 1 })), "a forged entry");
    assert_eq!(book.position().unwrap().inbox, 0, "nothing is written then");
    book.credit(&tip, &entries[..3]).unwrap();
    book.credit(&tip, &entries).unwrap();
    book.credit(&tip, &entries).unwrap();
    assert_eq!(book.balance(account(1)).unwrap(), units(40));
}

#[test]
fn a_summary_is_said_again_in_the_same_words() {
    let folder = tempfile::tempdir().unwrap();
    let settings = file(&folder, "bank.db");
    let parent = Fake::new();
    parent.commit(account(1), 10);
    let remit = |parent: &Fake| {
        let mut link = link(open(&settings).unwrap(), parent);
        loop {
            if let Did::Remit(tx) = link.step().unwrap() {
                assert_eq!(link.step().unwrap(), Did::Nothing, "it is sent once for each block of the parent");
                return tx;
            }
        }
    };
    let first = remit(&parent);
    parent.block();
    assert_eq!(first, remit(&parent));
    assert!(parent.take(&first));
    settle(&mut link(open(&settings).unwrap(), &parent), &parent).unwrap();
    assert_eq!(parent.point().point.seq, 1, "a remit that was taken makes no new work");
}

#[test]
fn too_few_signers_send_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let parent = Fake::new();
    parent.commit(account(1), 10);
    let book = open(&file(&folder, "bank.db")).unwrap();
    let mut link = banyan_accounts::Adapter::new(book, parent.clone(), operators(201..202), CHILD);
    settle(&mut link, &parent).unwrap();
    assert!(parent.remits().is_empty());
    assert!(link.book().position().unwrap().pending.is_some());
}

#[test]
fn an_older_copy_of_a_book_does_not_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let parent = Fake::new();
    parent.commit(account(1), 10);
    settle(&mut link(open(&file(&folder, "bank.db")).unwrap(), &parent), &parent).unwrap();
    let older = link(open(&file(&folder, "older.db")).unwrap(), &parent).step().unwrap_err();
    assert!(matches!(older, Stopped::OldCopy { taken: 1, known: 0 }), "{older}");
}

#[test]
fn a_database_holds_the_book_of_one_child() {
    let folder = tempfile::tempdir().unwrap();
    let settings = file(&folder, "bank.db");
    open(&settings).unwrap();
    let other = SqlBook::open(&settings, AssociateId([8; 32])).map(drop);
    assert!(matches!(other, Err(Ours::OtherBook { .. })));
}

/// A bank that counts in hundredths, has two customers and no idea of a chain.
const CUSTOMERS: &str = "
    CREATE TABLE customer (number TEXT PRIMARY KEY, cents INTEGER NOT NULL CHECK (cents >= 0));
    CREATE TABLE payout (id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT, target TEXT, cents INTEGER);
";

fn bank(folder: &tempfile::TempDir) -> Settings {
    let settings = file(folder, "bank.db");
    let sql = Statements {
        credit: "UPDATE customer SET cents = cents + CAST($2 AS INTEGER) WHERE number = $1".into(),
        debit: "UPDATE customer SET cents = cents - CAST($2 AS INTEGER) WHERE number = $1".into(),
        balance: "SELECT CAST(cents AS TEXT) FROM customer WHERE number = $1".into(),
        outbox: "SELECT p.id, p.number, p.target, CAST(p.cents AS TEXT) FROM payout p \
                 LEFT JOIN banyan_request r ON r.id = p.id WHERE r.id IS NULL ORDER BY p.id LIMIT $1"
            .into(),
    };
    Settings { unit: Some("10000000000000000".into()), sql: Some(sql), ..settings }
}

#[test]
fn a_banks_own_tables_need_four_statements() {
    let folder = tempfile::tempdir().unwrap();
    let settings = bank(&folder);
    drop(open(&settings).unwrap());
    lite(&settings, CUSTOMERS);
    let insert = format!("INSERT INTO customer VALUES ('{}', 100)", account(1));
    lite(&settings, insert.leak());
    let parent = Fake::new();
    let mut link = link(open(&settings).unwrap(), &parent);
    let cents = |cents: u128| cents * 10_000_000_000_000_000;
    parent.commit(account(1), cents(250));
    let stranger = parent.commit(account(2), cents(250));
    let odd = parent.commit(account(1), cents(1) + 1);
    settle(&mut link, &parent).unwrap();
    assert_eq!(parent.back(), [stranger, odd], "what the bank cannot hold goes back");
    assert_eq!(link.book().balance(account(1)).unwrap(), units(cents(350)));

    let ask = |target: AccountId, sum: i64| {
        let sql = format!("INSERT INTO payout (number, target, cents) VALUES ('{}', '{target}', {sum})", account(1));
        lite(&settings, sql.leak());
    };
    for (target, sum) in [(account(70), 120), (account(71), 100_000), (account(72), -5), (account(73), 30)] {
        ask(target, sum);
    }
    parent.block();
    settle(&mut link, &parent).unwrap();
    assert_eq!(parent.paid(), [(account(70), cents(120)), (account(73), cents(30))]);
    assert_eq!(link.book().balance(account(1)).unwrap(), units(cents(200)));
    assert_eq!(parent.point().point.root, Hash::ZERO, "nobody but the bank knows all of its balances");
    assert_eq!(link.book().prove(account(1)), None);
}
