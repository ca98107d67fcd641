//! Blocks: the list, one block, a generation.

use axum::extract::State;
use banyan_node::Header;
use banyan_store::{Order, Place};
use banyan_types::{Hash, text::Prefix};
use maud::{Markup, html};

use super::{Answer, layout, ledger, part, tx};
use crate::{
    Failure,
    ask::{Ask, Part},
    event::Cursor,
    ladder::Rungs,
    ledger::Mount,
    show,
    v1::{Paging, blocks},
};

/// Blocks of one page.
const PAGE: usize = 50;

pub async fn list(State(mount): State<Mount>, Ask(paging): Ask<Paging>) -> Answer {
    let rungs = Rungs::of(&mount)?;
    let (from, skip) = match &paging.after {
        Some(after) => (after.parse::<Cursor>()?.place, 1),
        None => (mount.head()?.header.place(), 0),
    };
    let rows = mount.chain().main_from(from, Order::Descending, PAGE + skip)?;
    let rows = rows.get(skip..).unwrap_or_default();
    let older = rows.last().filter(|(place, _)| *place > Place::at(0)).map(|(place, hash)| Cursor::new(*place, *hash));
    let body = html! {
        section.title { p.eyebrow { a href=(ledger::home(&mount)) { (mount.ledger().name()) } } h1 { "Blocks" } }
        section.card {
            div #blocks data-live=[paging.after.is_none().then_some("")] { (ledger::rows_of(&mount, &rungs, rows)?) }
            nav.pages aria-label="Parts of the list" {
                @if paging.after.is_some() { a href={ (ledger::home(&mount)) "/blocks" } { "Newest" } }
                @if let Some(older) = older { a href={ (ledger::home(&mount)) "/blocks?after=" (older) } rel="next" { "Older" } }
            }
        }
    };
    let mut frame = layout::Frame::titled("Blocks").at("blocks");
    if paging.after.is_none() {
        frame = frame.live([&mount]);
    }
    Ok(layout::page(&mount, &frame, &body))
}

pub async fn one(State(mount): State<Mount>, Part(id): Part<String>) -> Answer {
    show_block(&mount, blocks::find(&mount, &id)?)
}

/// The key block of a height.
pub async fn generation(State(mount): State<Mount>, Part(height): Part<u64>) -> Answer {
    show_block(&mount, crate::proof::block_at(&mount, height)?)
}

fn show_block(mount: &Mount, hash: Hash) -> Answer {
    let block = blocks::known(mount, hash)?;
    let (header, place) = (&block.header, block.header.place());
    let main = mount.chain().is_main(hash, header)?;
    let level = main.then(|| Rungs::of(mount).map(|rungs| rungs.level(place))).transpose()?;
    let name = show::block_name(header, hash);
    let body = html! {
        section.title {
            p.eyebrow { a href=(ledger::home(mount)) { (mount.ledger().name()) } " / " a href={ (ledger::home(mount)) "/blocks" } { "blocks" } }
            h1 { (super::capital(blocks::kind(header))) " block " (part::grouped(place.height.into())) @if place.index > 0 { "." (place.index) }
                " " span #level data-live { @match level { Some(level) => (part::level(level)), None => span.level.lost { "not on the chain" } } } }
            p { (part::full(&name)) }
            (neighbours(mount, header, main)?)
        }
        section.card { h2 { "Header" } (fields(mount, header)?) }
        (micros(mount, header, main)?)
        @if !matches!(header, Header::Key(_)) {
            section.card {
                h2 { (block.txs.len()) " transaction" @if block.txs.len() != 1 { "s" } }
                @if block.txs.is_empty() { p.muted.empty { "An empty block: it follows its parent." } }
                ul.feed {
                    @for tx in &block.txs {
                        li {
                            p { (tx::sentence(mount, tx)) }
                            p.muted { (part::link(&format!("{}/tx/{}", ledger::home(mount), tx.hash()), &tx.hash().to_string()))
                                " · fee " (part::short_amount(tx.transaction().fee())) " · " (tx.transaction().kind()) }
                        }
                    }
                }
            }
        }
    };
    let title = format!("Block {}", place.height);
    Ok(layout::page(mount, &layout::Frame::titled(title).live([mount]).at("blocks"), &body))
}

/// The blocks before and after on the chosen chain.
fn neighbours(mount: &Mount, header: &Header, main: bool) -> Result<Markup, Failure> {
    let place = header.place();
    let next = Place { index: place.index.saturating_add(1), ..place };
    let after = mount.chain().main_from(next, Order::Ascending, 1)?.first().copied().filter(|_| main);
    let after = after.map(|(_, hash)| Ok::<_, Failure>(show::block_name(&blocks::known(mount, hash)?.header, hash)));
    let (home, after) = (ledger::home(mount), after.transpose()?);
    Ok(html! {
        nav.pages aria-label="Neighbouring blocks" {
            @if place > Place::at(0) { a href={ (home) "/block/" (blocks::prev_name(mount, header)?) } rel="prev" { "← Before" } }
            span #after data-live { @if let Some(after) = after { a href={ (home) "/block/" (after) } rel="next" { "After →" } } }
        }
    })
}

fn fields(mount: &Mount, header: &Header) -> Result<Markup, Failure> {
    let account = |key: banyan_types::PublicKey| part::account(mount, banyan_types::AccountId(key.0));
    let root = show::state_root(header.state_root());
    Ok(html! {
        dl {
            div { dt { "Made" } dd { (part::age(header.time().0)) " " span.muted { (part::utc(header.time().0)) } } }
            @if header.place() > Place::at(0) {
                @let prev = blocks::prev_name(mount, header)?;
                div { dt { "Block before" } dd { (part::link(&format!("{}/block/{prev}", ledger::home(mount)), &prev)) } }
            }
            @match header {
                Header::Key(key) => {
                    div { dt { "Leader" } dd { (account(key.miner)) } }
                    div { dt { "Rewards go to" } dd { (part::account(mount, key.beneficiary)) } }
                    div { dt { "Target" } dd { code { (format!("{:#010x}", key.target)) } } }
                    div { dt { "Proof of work" } dd { "a cycle of " (key.pow.len()) " edges, nonce " (key.nonce) } }
                }
                Header::Micro(micro) => {
                    @let key_block = micro.prev_key_hash.text(Prefix::KeyBlock);
                    div { dt { "Key block" } dd { (part::link(&format!("{}/block/{key_block}", ledger::home(mount)), &key_block)) } }
                    div { dt { "Gas used" } dd { (part::grouped(micro.gas_used.0.into())) } }
                    div { dt { "Transactions root" } dd { (part::name(&micro.txs_root.text(Prefix::TxsRoot))) } }
                    div { dt { "Leader's signature" } dd { (part::name(&micro.signature.text(Prefix::Signature))) } }
                }
                Header::Child(child) => {
                    div { dt { "Ordered by" } dd { (account(child.leader)) } }
                    div { dt { "Names parent block" } dd { (parent_block(mount, child.parent_hash, child.parent_height.0)) } }
                    div { dt { "Root height" } dd { (part::grouped(child.root_height.0.into())) } }
                    div { dt { "Inbox settled to" } dd { (child.inbox_to) } }
                    div { dt { "Outbox given to" } dd { (child.outbox_to) } }
                    div { dt { "Entropy" } dd { (part::name(&child.entropy.to_string())) } }
                }
            }
            div { dt { "State root" } dd { (part::name(&root)) } }
        }
    })
}

fn parent_block(mount: &Mount, hash: Hash, height: u64) -> Markup {
    let name = hash.text(Prefix::KeyBlock);
    match mount.parent() {
        Some(parent) if hash != Hash::ZERO => {
            html! { (part::grouped(height.into())) " " (part::link(&format!("{}/block/{name}", parent.base), &name)) }
        }
        _ => html! { (height) },
    }
}

/// The micro blocks of a key block's generation.
fn micros(mount: &Mount, header: &Header, main: bool) -> Result<Markup, Failure> {
    let Header::Key(key) = header else { return Ok(html! {}) };
    if !main {
        return Ok(html! {});
    }
    let rows = mount.chain().main_from(Place { height: key.height.0, index: 1 }, Order::Ascending, PAGE)?;
    let own: Vec<_> = rows.into_iter().take_while(|(place, _)| place.height == key.height.0).collect();
    let table = ledger::rows_of(mount, &Rungs::of(mount)?, &own)?;
    Ok(html! {
        section.card {
            h2 { "Generation" }
            p.muted { "Micro blocks that its leader has added." }
            div #micros data-live { @if own.is_empty() { p.muted.empty { "None yet." } } @else { (table) } }
        }
    })
}
