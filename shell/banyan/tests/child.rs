//! A child ledger in a process of its own, whose parent's node is in another one.

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Stdio},
    time::{Duration, Instant},
};

use banyan_crypto::SecretKey;
use banyan_types::{
    AccountId, Amount, AssociateId, Payee,
    text::{self, Prefix},
};
use banyan_wallet::{
    client::Client,
    tx::{self, Terms},
};
use serde_json::Value;
use support::{Devnet, banyan, command, interrupt};

/// Longest that these tests wait for anything.
const LIMIT: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(50);

fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        std::thread::sleep(PAUSE);
    }
}

fn coins(coins: u64) -> Amount {
    Amount::coins(coins).unwrap()
}

/// Orders the child, answers for it and pays for its remits.
fn owner() -> SecretKey {
    SecretKey::from_seed([77; 32])
}

/// Has coins on both ledgers. It shares no nonces with whoever pays for remits.
fn user() -> SecretKey {
    SecretKey::from_seed([78; 32])
}

/// A running child.
struct Node {
    process: Child,
    /// Held, so that the node can go on speaking.
    _stdout: BufReader<ChildStdout>,
    client: Client,
    /// Where peers call it.
    addresses: Vec<String>,
}

impl Node {
    fn start(folder: &Path, genesis: &str, parents: &[&str], more: &[&str]) -> Self {
        Self::of(77, folder, genesis, parents, more)
    }

    /// With the key of this seed, and a folder of its own.
    fn of(seed: u8, folder: &Path, genesis: &str, parents: &[&str], more: &[&str]) -> Self {
        let (key, data) = (folder.join(format!("key{seed}")), folder.join(format!("child{seed}")));
        fs::write(&key, text::encode(Prefix::SecretSeed, &[seed; 32])).unwrap();
        let (key, data) = (key.to_str().unwrap(), data.to_str().unwrap());
        let mut args = vec!["node", "--json", "--quiet", "--listen", "127.0.0.1:0", "--genesis", genesis];
        args.extend(["--data", data, "--key", key, "--operator-key", key]);
        args.extend(parents.iter().flat_map(|url| ["--parent", url]));
        args.extend(more);
        let mut process = command(&args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let client = Client::new(ready["url"].as_str().unwrap()).unwrap();
        let addresses = ready["peer_addresses"].as_array().into_iter().flatten();
        let addresses = addresses.map(|address| address.as_str().unwrap().to_owned()).collect();
        Self { process, _stdout: stdout, client, addresses }
    }

    fn stop(mut self) {
        interrupt(&self.process);
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn terms(client: &Client, from: &SecretKey) -> (Terms, String) {
    let status = client.status().unwrap();
    let nonce = client.account(AccountId(from.public())).unwrap().next();
    (Terms { params: status.params(), height: status.height(), nonce, ttl: None, fee: None }, status.network_id)
}

fn balance(client: &Client, account: AccountId) -> Amount {
    client.account(account).map_or(Amount::ZERO, |account| account.balance)
}

/// A devnet, a child registered on it, and somebody who owns all of it.
struct World {
    data: tempfile::TempDir,
    devnet: Option<Devnet>,
    root: Client,
    genesis: String,
    child: AssociateId,
}

impl World {
    fn new() -> Self {
        let owner = AccountId(owner().public()).to_string();
        Self::of(&["--leader", &owner])
    }

    /// With a child that is ordered so.
    fn of(order: &[&str]) -> Self {
        let (data, devnet) = Devnet::fresh();
        let owner = AccountId(owner().public()).to_string();
        let user = AccountId(user().public()).to_string();
        for account in [&owner, &user] {
            devnet.run(&["send", account, "100", "--from", "dev0", "--yes", "--wait", "ordered"]).ended(0);
        }
        let genesis = data.path().join("shop.toml").to_str().unwrap().to_owned();
        let create = ["associate", "create", "shop", "--operator", &owner, "--out", &genesis];
        let made = devnet.run(&[&create[..], order, &["--from", "dev0", "--yes", "--wait", "hard"]].concat()).ended(0);
        let child = made["associate"].as_str().unwrap().parse().unwrap();
        let root = Client::new(&devnet.url).unwrap();
        Self { data, devnet: Some(devnet), root, genesis, child }
    }

    fn folder(&self) -> &Path {
        self.data.path()
    }

    /// The flag that says which ledger the parent is.
    fn chain(&self) -> String {
        self.root.status().unwrap().genesis
    }

    fn commit(&self, amount: Amount) {
        let (terms, network) = terms(&self.root, &user());
        let account = AccountId(user().public());
        let commit = tx::commit(account, self.child, account, amount, vec![], &terms).unwrap();
        self.root.submit(&commit.sign(&network, &user())).unwrap();
    }

    /// No time to save anything.
    fn cut(&mut self) {
        self.devnet.take().unwrap().cut();
    }

    /// Again at the same address.
    fn revive(&mut self) {
        let port = self.root.url().rsplit(':').next().unwrap().to_owned();
        self.devnet = Some(Devnet::start_at(self.data.path(), &port, &[]));
        assert_eq!(self.devnet.as_ref().unwrap().url, self.root.url());
    }
}

fn withdraw(child: &Client, amount: Amount) {
    let (terms, network) = terms(child, &user());
    let account = AccountId(user().public());
    let tx = tx::withdraw(account, Payee::Account(account), amount, vec![], &terms).unwrap();
    child.submit(&tx.sign(&network, &user())).unwrap();
}

#[test]
fn a_child_in_its_own_process_lives_on_a_parent_that_it_only_asks() {
    let mut world = World::new();
    let account = AccountId(user().public());
    let chain = world.chain();
    let nobody = "http://127.0.0.1:9";
    let url = world.root.url();
    let node = Node::start(world.folder(), &world.genesis, &[nobody, &url], &["--parent-chain", &chain]);

    world.commit(coins(20));
    until("the commit is credited", || balance(&node.client, account) == coins(20));
    let before = balance(&world.root, account);
    withdraw(&node.client, coins(5));
    until("the withdrawal is paid", || balance(&world.root, account) == before.plus(coins(5)).unwrap());

    // The parent is gone: the child's own work goes on, and it says what it lacks.
    world.cut();
    until("the loss is told", || node.client.status().unwrap().degraded.is_some_and(|why| why.contains("parent")));
    let (terms, network) = terms(&node.client, &user());
    let pay = tx::spend(account, Payee::Account(AccountId([9; 32])), coins(1), &terms).unwrap();
    node.client.submit(&pay.sign(&network, &user())).unwrap();
    until("a payment is made without the parent", || balance(&node.client, AccountId([9; 32])) == coins(1));

    // It is back: what happens there counts again.
    world.revive();
    let held = balance(&node.client, account);
    world.commit(coins(3));
    until("the second commit is credited", || balance(&node.client, account) == held.plus(coins(3)).unwrap());
    until("the parent is followed again", || node.client.status().unwrap().degraded.is_none());

    // So does the child, with what it has kept.
    node.stop();
    world.commit(coins(2));
    let node = Node::start(world.folder(), &world.genesis, &[&url], &[]);
    until("the third commit is credited", || balance(&node.client, account) == held.plus(coins(5)).unwrap());
    let before = balance(&world.root, account);
    withdraw(&node.client, coins(6));
    until("the second withdrawal is paid", || balance(&world.root, account) == before.plus(coins(6)).unwrap());
    node.stop();

    // Private from now on: strangers are told that there is nothing, who holds a pass sees the ledger.
    let passes = world.folder().join("passes");
    let token = "a-word-of-this-test".to_owned();
    fs::write(&passes, format!("{token} {account}\n")).unwrap();
    let passes = passes.to_str().unwrap();
    let node = Node::start(world.folder(), &world.genesis, &[&url], &["--passes", passes]);
    assert!(node.client.status().is_err());
    assert_eq!(node.client.clone().with_token(&token).status().unwrap().ledger, "shop");
    let at = ["status", "--json", "--url", &node.client.url()];
    banyan(&at).ended(1);
    let seen = banyan(&[&at[..], &["--token-file", passes_token(world.folder(), &token).as_str()]].concat()).ended(0);
    assert_eq!(seen["ledger"], "shop");
    node.stop();
}

fn passes_token(folder: &Path, token: &str) -> String {
    let path = folder.join("token");
    fs::write(&path, token).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_validator_in_turns_remits_by_its_own_certificate() {
    let owner = AccountId(owner().public()).to_string();
    let world = World::of(&["--validator", &owner, "--certificate"]);
    let shown = world.devnet.as_ref().unwrap().run(&["associate", "show", &world.child.to_string()]).ended(0);
    let regime = &shown["point"]["regime"];
    assert_eq!((&regime["engine"], &regime["set"][0]["key"]), (&2.into(), &owner.as_str().into()), "{shown}");
    let (account, chain, url) = (AccountId(user().public()), world.chain(), world.root.url());
    let node = Node::start(world.folder(), &world.genesis, &[&url], &["--parent-chain", &chain]);
    world.commit(coins(20));
    until("the commit is credited", || balance(&node.client, account) == coins(20));
    let before = balance(&world.root, account);
    withdraw(&node.client, coins(5));
    until("the withdrawal is paid", || balance(&world.root, account) == before.plus(coins(5)).unwrap());
    node.stop();
}

/// Longer than a node of the parent keeps states.
const FORGOTTEN: u64 = 80;

#[test]
fn who_comes_late_catches_up_with_what_the_parent_elsewhere_has_forgotten() {
    let owner = AccountId(owner().public()).to_string();
    let world = World::of(&["--engine", "committee", "--validator", &owner, "--certificate"]);
    let (account, chain, url) = (AccountId(user().public()), world.chain(), world.root.url());
    let listen = ["--parent-chain", &chain, "--peer-listen", "127.0.0.1:0"];
    let node = Node::start(world.folder(), &world.genesis, &[&url], &listen);
    world.commit(coins(20));
    until("the commit is credited", || balance(&node.client, account) == coins(20));
    withdraw(&node.client, coins(5));
    let end = world.root.status().unwrap().top.height + FORGOTTEN;
    until("the parent forgets", || world.root.status().unwrap().top.height > end);
    // Another key than the validator's: it follows.
    let late =
        Node::of(78, world.folder(), &world.genesis, &[&url], &[&listen[..], &["--peer", &node.addresses[0]]].concat());
    let held = balance(&node.client, account);
    until("the late one has all of it", || balance(&late.client, account) == held);
    until("and goes on", || late.client.status().unwrap().top.height + 5 > node.client.status().unwrap().top.height);
    late.stop();
    node.stop();
}

#[test]
fn a_child_starts_by_its_own_genesis_and_on_its_own_blocks_alone() {
    let world = World::new();
    let (account, chain, url) = (AccountId(user().public()), world.chain(), world.root.url());
    let node = Node::start(world.folder(), &world.genesis, &[&url], &["--parent-chain", &chain]);
    world.commit(coins(20));
    until("the commit is credited", || balance(&node.client, account) == coins(20));
    until("it is summarised", || {
        let shown = world.devnet.as_ref().unwrap().run(&["associate", "show", &world.child.to_string()]).ended(0);
        shown["point"]["point"]["seq"].as_u64() > Some(0)
    });
    let end = world.root.status().unwrap().top.height + 6;
    until("that is final", || world.root.status().unwrap().top.height > end);
    node.stop();
    let key = world.folder().join("key77");
    let start = |genesis: &str, data: &str| {
        let data = world.folder().join(data);
        let args = ["node", "--json", "--quiet", "--listen", "127.0.0.1:0", "--genesis", genesis, "--parent", &url];
        let keys = ["--parent-chain", &chain, "--key", key.to_str().unwrap(), "--operator-key", key.to_str().unwrap()];
        banyan(&[&args[..], &keys, &["--data", data.to_str().unwrap()]].concat())
    };
    let empty = start(&world.genesis, "empty");
    assert!(empty.code != 0 && empty.out.contains("restore the folder"), "{}", empty.out);
    let changed = world.folder().join("changed.toml");
    let text = fs::read_to_string(&world.genesis).unwrap();
    let other = text.replace("height_interval_ms = 300", "height_interval_ms = 301");
    assert_ne!(text, other);
    fs::write(&changed, other).unwrap();
    assert_eq!(start(changed.to_str().unwrap(), "other").ended(3)["error"]["code"], "other_genesis");
    // The one file that everybody follows is not written over.
    let owner = AccountId(owner().public()).to_string();
    let create = ["associate", "create", "shop2", "--leader", &owner, "--operator", &owner, "--out", &world.genesis];
    let run = |args: &[&str]| world.devnet.as_ref().unwrap().run(args);
    assert_eq!(run(&[&create[..], &["--from", "dev0", "--yes"]].concat()).ended(2)["error"]["code"], "exists");
    // Nor is anything signed that would wait for ever.
    let refund = ["associate", "refund", &world.child.to_string(), "500", "--from", "dev6", "--yes"];
    assert_eq!(run(&refund).ended(3)["error"]["code"], "no_entry");
    let dev = "ak_iV7sCUsuKZytEEBEsX9N2K37m26X132LegogrgJEWzzPVjmmS";
    let small = ["tx", "build", "commit", dev, &world.child.to_string(), "0u"];
    assert_eq!(run(&small).code, 3);
}

/// A committee in its own process, and `dev1` with coins on its ledger.
fn committee(sets: &[&str]) -> (World, Node) {
    let owner = AccountId(owner().public()).to_string();
    let order = ["--engine", "committee", "--validator", &owner, "--certificate", "--epoch-blocks", "2"];
    let world = World::of(&[&order[..], sets].concat());
    let (account, chain, url) = (AccountId(user().public()), world.chain(), world.root.url());
    let node = Node::start(world.folder(), &world.genesis, &[&url], &["--parent-chain", &chain]);
    world.commit(coins(60));
    until("the commit is credited", || balance(&node.client, account) == coins(60));
    let (terms, network) = terms(&node.client, &user());
    let dev = "ak_iV7sCUsuKZytEEBEsX9N2K37m26X132LegogrgJEWzzPVjmmS".parse().unwrap();
    let pay = tx::spend(account, Payee::Account(dev), coins(50), &terms).unwrap();
    node.client.submit(&pay.sign(&network, &user())).unwrap();
    until("dev1 has coins", || balance(&node.client, dev) == coins(50));
    (world, node)
}

#[test]
fn validators_of_a_committee_are_seen_and_named() {
    let (world, node) = committee(&["--sets", "named"]);
    let url = node.client.url();
    let run = |args: &[&str]| banyan(&[args, &["--json", "--url", &url]].concat());
    let seen = run(&["validators", "show"]).ended(0);
    let owner = AccountId(owner().public()).to_string();
    let first = &seen["validators"][0];
    assert_eq!((&first["account"], &first["now"]), (&owner.as_str().into(), &1.into()), "{seen}");
    let other = AccountId(user().public()).to_string();
    let heavy = format!("{owner}=3");
    let (key, strange) = (world.folder().join("key77"), world.folder().join("strange"));
    fs::write(&strange, text::encode(Prefix::SecretSeed, &[78; 32])).unwrap();
    let name = |key: &Path| {
        let key = key.to_str().unwrap();
        let name = ["validators", "name", &heavy, &other, "--validator-key", key, "--from", "dev1", "--yes"];
        run(&[&name[..], &["--wait", "hard"]].concat())
    };
    assert_eq!(name(&strange).ended(3)["error"]["code"], "no_validator");
    name(&key).ended(0);
    let serves = |seen: &Value| {
        seen["validators"].as_array().unwrap().iter().any(|one| one["account"] == *other && one["now"] == 1)
    };
    until("who was named serves", || serves(&run(&["validators", "show"]).ended(0)));
    node.stop();
}

#[test]
fn who_bonds_for_a_committee_sees_it() {
    let (_world, node) = committee(&["--sets", "stake", "--stake-min", "10"]);
    let url = node.client.url();
    let run = |args: &[&str]| banyan(&[args, &["--json", "--url", &url]].concat());
    run(&["stake", "bond", "20", "--from", "dev1", "--yes", "--wait", "hard"]).ended(0);
    let seen = run(&["stake", "status", "dev1"]).ended(0);
    assert_eq!(seen["stake"]["bonded"], coins(20).base().to_string(), "{seen}");
    let refused = run(&["validators", "unjail", "--from", "dev1", "--yes"]).ended(3);
    assert_eq!(refused["error"]["code"], "not_jailed", "{refused}");
    node.stop();
}

#[test]
fn a_child_is_ordered_by_a_leader_or_by_validators() {
    let owner = AccountId(owner().public()).to_string();
    let create = |more: &[&str]| {
        let args = ["associate", "create", "shop", "--operator", &owner, "--out", "/nonexistent/shop.toml"];
        banyan(&[&args[..], more].concat()).code
    };
    let rows: [&[&str]; 6] = [
        &[],
        &["--leader", &owner, "--sets", "stake"],
        &["--validator", &owner, "--commitments", "1", "--sets", "named"],
        &["--leader", &owner, "--validator", &owner],
        &["--leader", &owner, "--certificate"],
        &["--leader", &owner, "--commitments", "1"],
    ];
    for row in rows {
        assert_eq!(create(row), 2, "{row:?}");
    }
}

#[test]
fn a_child_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (genesis, key, root) = (path("shop.toml"), path("key"), path("root.toml"));
    let (id, leader) = (AssociateId([7; 32]).to_string(), AccountId(owner().public()).to_string());
    let child = ["genesis", "new", "solo", "--name", "shop", "--associate", &id, "--leader", &leader];
    fs::write(&genesis, banyan(&child).out).unwrap();
    fs::write(&root, banyan(&["genesis", "new", "root"]).out).unwrap();
    fs::write(&key, text::encode(Prefix::SecretSeed, &[77; 32])).unwrap();
    let data = path("data");
    let node = |more: &[&str]| {
        let args = ["node", "--json", "--quiet", "--genesis", &genesis, "--data", &data];
        banyan(&[&args[..], more].concat())
    };
    let parent = ["--parent", "http://127.0.0.1:9"];
    let code = |more: &[&str], exit: i32| node(&[&parent[..], more].concat()).ended(exit)["error"]["code"].clone();
    assert_eq!(node(&[]).ended(2)["error"]["code"], "child");
    assert_eq!(code(&[], 2), "child");
    assert_eq!(code(&["--key", &key], 2), "child");
    let keys = ["--key", &key, "--operator-key", &key];
    assert_eq!(code(&keys, 2), "parent");
    // A root without witnesses seals nothing: then its node has to be believed, and that must be said.
    let unsealed = node(&[&parent[..], &keys, &["--parent-genesis", &root]].concat()).ended(3);
    assert!(unsealed["error"]["try"].as_str().unwrap().contains("--believe-parent"), "{unsealed}");
}
