//! A book hangs from a root that runs: real transactions, real proofs, real remits.

#[path = "../../parent/tests/support/mod.rs"]
mod root;

use banyan_accounts::{Adapter, Did, Settings, SqlBook};
use banyan_parent::open;
use banyan_types::{AccountId, Asset};
use banyan_wallet::client::{Client, When};
use root::{Root, account, coins, operators, until};

#[test]
fn a_book_hangs_from_a_root_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mut root = Root::new();
    let url = root.serve();
    let client = Client::new(&url).unwrap();
    let (parent, mut watch) = open(&root.config(&[&url]), |_| true).unwrap();
    let settings = Settings::reference(folder.path().join("bank.db").to_str().unwrap());
    let book = SqlBook::open(&settings, root.id()).unwrap();
    let mut link = Adapter::new(book, parent, operators(), root.id());
    let mut turn = |link: &mut Adapter<SqlBook, _, _>| {
        watch.look().unwrap();
        loop {
            match link.step().unwrap() {
                Did::Nothing => break,
                // One that was included meanwhile is refused, and seen at the next look.
                Did::Remit(tx) => drop(watch.submit(&tx)),
                Did::Credited { .. } | Did::Closed(_) | Did::Settled(_) | Did::Stands(_) => {}
            }
        }
    };
    let (ada, bob) = (account(40), AccountId([41; 32]));
    root.commit(&client, ada, coins(10));
    until("the commit is credited", || {
        turn(&mut link);
        link.book().balance(ada).unwrap() == coins(10)
    });
    link.book().withdraw(ada, bob, coins(4)).unwrap();
    until("the withdrawal is paid", || {
        turn(&mut link);
        client.account(bob).unwrap().balance == coins(4)
    });
    assert_eq!(link.book().balance(ada).unwrap(), coins(6));
    let keys = [banyan_ledger::key::escrow(root.id(), Asset::Coin)];
    let escrow = client.prove(&keys, When::Top).unwrap().escrow(root.id()).unwrap();
    assert_eq!((escrow.held(), escrow.remitted), (coins(6), coins(4)));
    link.book().check().unwrap();
}
