//! `demo`: the story, told on a tree of its own, every step checked by the wallet's own state proofs.
//!
//! [`steps`] holds what happens, [`liar`] the lie, [`story`] how it is told. Rules: protocol, node 6.

mod contract;
mod liar;
mod steps;
mod story;
mod witnesses;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
};

use banyan_wallet::client::Client;

use crate::{
    cli::Demo,
    devnet::{BANK, Folder, Plan, ROOT, Shape, Tree},
    failure::Failure,
    host::{self, Host, INTERRUPTED},
    report::Report,
    session::Session,
};
use steps::Scene;
use story::Story;

/// Milliseconds between key blocks of the demo's own root.
const KEY_INTERVAL_MS: u64 = 1_000;
/// Coins that walk down, and those that come back.
const DOWN: u64 = 100;
const UP: u64 = 40;

/// Tell the story.
/// # Errors
/// Exit 1 when a check does not hold; else whatever keeps a step from being made.
pub fn run(session: &Session, args: &Demo) -> Result<Report, Failure> {
    let mut story = Story::begin(session.globals.json);
    let folder = tempfile::Builder::new()
        .prefix("banyan-demo-")
        .tempdir()
        .map_err(|error| Failure::disk("make a folder in", &std::env::temp_dir(), &error))?;
    if let Some(url) = &args.on {
        story.step("look at the tree", "banyan tree");
        tell(&mut story, Client::new(url)?, folder.path(), None)?;
    } else {
        story.step("grow a tree", "banyan devnet --key-interval-ms 1000");
        let (mut tree, host) = grow(&mut story, folder.path())?;
        let left_behind = folder.path().to_owned();
        host.on_signal(move || {
            let _ = std::fs::remove_dir_all(left_behind);
            std::process::exit(INTERRUPTED);
        })?;
        let client = Client::new(&host.url()).map_err(Failure::from);
        let told = client.and_then(|client| tell(&mut story, client, folder.path(), Some(&mut tree)));
        host.stop();
        tree.stop();
        told?;
    }
    Ok(Report::new("ok", story.end()))
}

/// A tree of its own, in a folder that goes with the demo.
fn grow(story: &mut Story, folder: &Path) -> Result<(Tree, Host), Failure> {
    let tree = Tree::grow(
        &Folder::open(folder)?,
        &Plan { key_interval_ms: KEY_INTERVAL_MS, funds: vec![], shape: Shape::default() },
    )?;
    let listener = host::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    tree.fund()?;
    let host = Host::start(listener, tree.served(), None)?;
    tree.wait(&host)?;
    story.fact(format!("both ledgers are ready after {:.2} s", story.elapsed().as_secs_f64()));
    Ok((tree, host))
}

fn tell(story: &mut Story, client: Client, folder: &Path, tree: Option<&mut Tree>) -> Result<(), Failure> {
    let url = client.url();
    let scene = Scene::new(client)?;
    scene.show(story)?;
    story.step("commit", &format!("banyan move {DOWN} --from {ROOT} --to {BANK} --account dev0 --url {url}"));
    scene.walk(story, folder, (ROOT, BANK), DOWN, 0)?;
    story.step(
        "pay",
        &format!("banyan send dev1 0.01 --from dev0 --ledger {BANK} --wait hard --url {url}    (200 times, 8 payers)"),
    );
    scene.pay(story)?;
    story.step("a contract", &format!("banyan contract deploy Counter.aeb 40 --from dev2 --ledger {BANK} --url {url}    (then: contract call CT count 2)"));
    contract::count(story, &scene)?;
    story.step("remit", &format!("banyan move {UP} --from {BANK} --to {ROOT} --account dev1 --url {url}"));
    scene.walk(story, folder, (BANK, ROOT), UP, 1)?;
    story.step(
        "a child that lies",
        &format!("banyan associate show {BANK} --url {url}    (its validators certify a remit above its escrow)"),
    );
    scene.lie(story)?;
    // Whoever tells it on another's tree has no hand on its nodes.
    if let Some(tree) = tree {
        story.step("lose three of four witnesses", &format!("banyan finality --url {url}"));
        witnesses::lose(story, tree, &scene)?;
    }
    story.step("totals", &format!("banyan proof get supply --ledger {BANK} --url {url}"));
    scene.totals(story)
}
