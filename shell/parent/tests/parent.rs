//! A parent that is asked over HTTP says what the one in the same process says.

mod support;

use banyan_node::{At, GenesisFile, LocalParent, Parent};
use banyan_parent::{Memory, ParentError, Trust, open};
use banyan_types::{AccountId, AssociateId, Height, TimeMs, tx::Transaction};
use banyan_wallet::client::{Client, ClientError};
use std::{collections::BTreeMap, sync::Arc};
use support::{OPERATOR, Root, USER, account, coins, until};

const NOBODY: &str = "http://127.0.0.1:9";

/// Nobody is waited for.
const fn no(_: &ParentError) -> bool {
    false
}

#[test]
fn a_parent_elsewhere_says_what_one_here_says() {
    let mut root = Root::new();
    let url = root.serve();
    let client = Client::new(&url).unwrap();
    let (remote, mut watch) = open(&root.config(&[&url]), |_| true).unwrap();
    let local = LocalParent::new(Arc::clone(root.handle().chain()), root.id());
    for n in 1..4 {
        root.commit(&client, account(9), coins(n));
    }
    until("the commits are final", || local.tip().unwrap().inbox_next == 3);
    until("and known", || {
        watch.look().unwrap();
        remote.tip().unwrap().inbox_next == 3
    });
    let tip = remote.tip().unwrap();
    assert_eq!(local.tip_at(tip.height).unwrap(), Some(tip), "hash, time, entropy, root height, inbox");
    assert_eq!(remote.inbox(0, 3).unwrap(), local.inbox(0, 3).unwrap());
    assert_eq!(remote.inbox(0, 4).unwrap(), None, "what is not there yet");
    assert_eq!(remote.point(At::Final).unwrap(), local.point(At::Final).unwrap());
    assert_eq!(remote.next_nonce(account(OPERATOR)).unwrap(), local.next_nonce(account(OPERATOR)).unwrap());
    assert!(remote.next_nonce(account(USER)).is_err(), "only who pays is watched");
    assert_eq!(remote.params(), local.params());

    // A height that was not seen is asked for, and there at the next look.
    let earlier = Height(tip.height.0 - 1);
    let expected = local.tip_at(earlier).unwrap();
    if remote.tip_at(earlier).unwrap().is_none() {
        watch.look().unwrap();
    }
    assert_eq!(remote.tip_at(earlier).unwrap(), expected);
    assert_eq!(remote.tip_at(Height(1_000_000)).unwrap(), None);
}

#[test]
fn a_child_that_slept_for_long_finds_its_way() {
    let mut root = Root::new();
    let url = root.serve();
    let client = Client::new(&url).unwrap();
    let local = LocalParent::new(Arc::clone(root.handle().chain()), root.id());
    let mut inboxes = BTreeMap::new();
    // As long as it takes for states to be gone; commits come on the way.
    while root.final_height() < Height(90) {
        let tip = local.tip().unwrap();
        if inboxes.insert(tip.height, tip.inbox_next).is_none() && tip.height.0 % 8 == 4 && tip.height.0 < 60 {
            root.commit(&client, account(9), coins(1));
        }
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
    let (remote, mut watch) = open(&root.config(&[&url]), no).unwrap();
    let kept = root.handle().chain().store().kept().len();
    for (height, inbox_next) in inboxes.range(Height(2)..Height(40)) {
        let hash = local.past(*height, 0).unwrap().unwrap().hash;
        assert_eq!(remote.tip_at(*height).unwrap(), None);
        watch.look().unwrap();
        for parent in [&remote as &dyn Parent, &local] {
            let found = parent.tip_at(*height).unwrap().unwrap_or_else(|| panic!("height {height}, {kept} states"));
            // At the height of a commit the inbox does not tell, and a block a little below does as well.
            assert!(found.height <= *height && found.height.0 + 2 >= height.0, "{found:?} for {height}");
            let exact = found.height == *height;
            assert!(!exact || (found.hash, found.inbox_next) == (hash, *inbox_next), "{found:?}, {inbox_next}");
        }
    }
}

#[test]
fn the_next_node_is_asked_when_one_fails() {
    let mut root = Root::new();
    let (first, second) = (root.serve(), root.serve());
    let client = Client::new(&second).unwrap();
    let (remote, mut watch) = open(&root.config(&[NOBODY, &first, &second]), |_| true).unwrap();
    root.hush(&first);
    let before = remote.tip().unwrap();
    until("the other node is asked", || watch.look().is_ok() && remote.tip().unwrap().height > before.height);

    let status = client.status().unwrap();
    let nonce = client.account(account(USER)).unwrap().next();
    let terms =
        banyan_wallet::tx::Terms { params: status.params(), height: status.height(), nonce, ttl: None, fee: None };
    let to = banyan_types::Payee::Account(AccountId([9; 32]));
    let spend: Transaction = banyan_wallet::tx::spend(account(USER), to, coins(1), &terms).unwrap();
    watch.submit(&spend.sign(&status.network_id, &support::key(USER))).unwrap();

    // Nobody answers any more: what was proven stays.
    root.hush(&second);
    until("the loss is seen", || watch.look().is_err());
    assert!(remote.tip().is_ok() && remote.point(At::Tip).is_ok());
}

#[test]
fn what_is_set_up_wrongly_is_said_at_once() {
    let mut root = Root::new();
    let url = root.serve();
    let config = root.config(&[&url]);
    let refused = |config| open(&config, no).map(drop).unwrap_err();
    let nowhere = refused(root.config(&[NOBODY]));
    assert!(matches!(nowhere, ParentError::Client(ClientError::Unreachable { .. })) && !nowhere.is_lasting());
    assert!(matches!(refused(root.config(&[])), ParentError::NoUrl));
    let mut other = config.clone();
    other.genesis = GenesisFile::dev_root(TimeMs(5), None, BTreeMap::new());
    assert!(matches!(refused(other), ParentError::OtherLedger { .. }));
    let mut unsealed = config.clone();
    unsealed.trust = Trust::Verify(Memory::None);
    let unsealed = refused(unsealed);
    assert!(matches!(unsealed, ParentError::Unsealed(_)) && unsealed.is_lasting(), "{unsealed}");
    let mut stranger = config;
    stranger.child = AssociateId([8; 32]);
    assert!(matches!(refused(stranger), ParentError::Unregistered { .. }));
}
