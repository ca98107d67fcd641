//! One ledger: its head, its ladder, its blocks as they come, its children and its parameters.

use banyan_node::Leaves as _;
use banyan_store::{Order, Place};
use banyan_types::{
    Amount, Hash,
    tx::{SignedTx, Transaction},
};
use maud::{Markup, html};

use super::{Answer, layout, part, tx, witnesses};
use crate::{
    Failure, Level, Rung, Status,
    ladder::Rungs,
    ledger::Mount,
    v1::{blocks, look},
};

/// Blocks shown.
const BLOCKS: usize = 12;
/// Transactions shown.
const TXS: usize = 10;
/// Blocks looked through for transactions and for how many there are a second.
const LOOK_BACK: usize = 256;
/// Span that transactions a second are counted over.
const RATE_MS: u64 = 60_000;

pub fn page(mount: &Mount) -> Answer {
    let status = look::status(mount)?;
    let name = mount.ledger().name();
    let body = html! {
        section.title {
            p.eyebrow { (crumbs(mount)) }
            h1 { (name) " " span.chip { (status.engine) @if let Some(regime) = &status.regime { " × " (regime) } } }
            p.muted { "Transactions are signed for " code { (status.network_id) }
                @if let (Some(id), Some(parent)) = (&status.associate, mount.parent()) {
                    " · hangs from " a href=(parent.base) { (parent.ledger().name()) } " at "
                    (part::link(&format!("{}/associates/{id}", parent.base), id))
                }
            }
        }
        div.tiles #head data-live { (head(mount, &status)?) }
        section.card { h2 { "Ladder" } div #ladder data-live { (ladder(&status.levels)) } }
        (witnesses::card(mount)?)
        div.columns {
            section.card { h2 { "Blocks" } div #blocks data-live { (recent(mount, BLOCKS)?) }
                p.more { a href={ (mount.base) "/blocks" } { "All blocks" } } }
            section.card { h2 { "Transactions" } div #payments data-live { (payments([mount.clone()], TXS, Shown::All)?) } }
        }
        (children(mount)?)
        (parameters(mount, &status))
    };
    Ok(layout::page(mount, &layout::Frame::titled(name).live([mount]).at("ledger"), &body))
}

/// Names from the top down to this ledger's parent.
fn crumbs(mount: &Mount) -> Markup {
    let mut above = Vec::new();
    let mut at = mount.parent();
    while let Some(parent) = at {
        at = parent.parent();
        above.push(parent);
    }
    html! {
        a href="/" { "Tree" }
        @for parent in above.iter().rev() { " / " a href=(parent.base) { (parent.ledger().name()) } }
    }
}

fn head(mount: &Mount, status: &Status) -> Result<Markup, Failure> {
    let rate = rate(mount)?;
    let supply = mount.head()?.view.supply()?;
    let minted = supply.map_or(Amount::ZERO, |supply| supply.minted);
    Ok(html! {
        @if let Some(why) = &status.degraded { p.failed { "Degraded: " (why) "." } }
        (part::tile("Height", &html! { (part::grouped(status.top.height.into())) }, &part::age(status.top_time_ms)))
        (part::tile("Transactions", &html! { (rate) }, &html! { "in the last minute" }))
        (part::tile("Waiting", &html! { (status.pending) }, &html! { a href={ (mount.base) "/mempool" } { "in the pool" } }))
        (part::tile("Coin here", &part::short_amount(minted), &html! { "all places together" }))
    })
}

/// Transactions of the last minute.
fn rate(mount: &Mount) -> Result<u64, Failure> {
    let (chain, top) = (mount.chain(), mount.head()?.header.place());
    let since = crate::ledger::now_ms().saturating_sub(RATE_MS);
    let mut count = 0;
    for (_, hash) in chain.main_from(top, Order::Descending, LOOK_BACK)? {
        let block = blocks::known(mount, hash)?;
        if block.header.time().0 < since {
            break;
        }
        count += block.txs.len() as u64;
    }
    Ok(count)
}

/// Each level with how far it reaches.
fn ladder(levels: &[Rung]) -> Markup {
    let shown = [
        (Level::Received, "in the durable pool of this node"),
        (Level::Ordered, "in a block of the chosen chain"),
        (Level::Soft, "promised by the engine"),
        (Level::Hard, "final by the engine's own rule"),
        (Level::Anchored, "its summary is final on the parent"),
        (Level::RootFinal, "covered by a final block of the root"),
    ];
    html! {
        ol.ladder {
            @for (level, meaning) in shown {
                @let rung = levels.iter().find(|rung| rung.level == level);
                @if let Some(rung) = rung {
                    li {
                        (part::level(level))
                        b { (part::grouped(rung.height.into())) }
                        span.muted { @if rung.lag == 0 { "at the top" } @else { (rung.lag) " behind the top" } }
                        span.meaning { (meaning) }
                    }
                }
            }
        }
    }
}

/// The newest blocks.
pub fn recent(mount: &Mount, most: usize) -> Result<Markup, Failure> {
    let (chain, rungs) = (mount.chain(), Rungs::of(mount)?);
    let rows = chain.main_from(mount.head()?.header.place(), Order::Descending, most)?;
    rows_of(mount, &rungs, &rows)
}

/// A table of blocks.
pub fn rows_of(mount: &Mount, rungs: &Rungs, rows: &[(Place, Hash)]) -> Result<Markup, Failure> {
    let mut lines = Vec::with_capacity(rows.len());
    for (place, hash) in rows {
        let block = blocks::known(mount, *hash)?;
        let name = crate::show::block_name(&block.header, *hash);
        let (kind, count) = (blocks::kind(&block.header), block.txs.len());
        lines.push(html! {
            tr data-key=(name) {
                td { a href={ (home(mount)) "/block/" (name) } { (part::grouped(place.height.into())) @if place.index > 0 { span.muted { "." (place.index) } } } }
                td.wide { span class={ "kind " (kind) } { (kind) } }
                td.number { @if count == 0 { span.muted { "empty" } } @else { (count) " tx" } }
                td { (part::level(rungs.level(*place))) }
                td.number.muted { (part::age(block.header.time().0)) }
            }
        });
    }
    Ok(html! {
        table {
            thead { tr { th { "Height" } th.wide { "Kind" } th.number { "Holds" } th { "Level" } th.number { "Made" } } }
            tbody { @for line in &lines { (line) } }
        }
    })
}

/// Where the pages of a ledger stand.
pub fn home(mount: &Mount) -> String {
    format!("/l/{}", mount.ledger().name())
}

/// Which transactions a list shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Every one.
    All,
    /// Only those that move money: an idle child's reports are left out.
    Moves,
}

impl Shown {
    fn takes(self, tx: &SignedTx) -> bool {
        let idle = matches!(tx.transaction(), Transaction::AssociateRemit(remit) if remit.lines.is_empty());
        self == Self::All || !idle
    }
}

/// The newest transactions of some ledgers, newest first.
pub fn payments(mounts: impl IntoIterator<Item = Mount>, most: usize, shown: Shown) -> Result<Markup, Failure> {
    let mut found: Vec<(u64, Mount, SignedTx, Level)> = Vec::new();
    for mount in mounts {
        found.extend(newest(&mount, most, shown)?);
    }
    found.sort_by_key(|(time, ..)| std::cmp::Reverse(*time));
    found.truncate(most);
    if found.is_empty() {
        return Ok(html! { p.muted.empty { "No transaction yet." } });
    }
    Ok(html! {
        ul.feed {
            @for (time, mount, tx, level) in &found {
                li data-key=(tx.hash()) {
                    p { (tx::sentence(mount, tx)) }
                    p.muted {
                        a href=(home(mount)) { (mount.ledger().name()) } " · "
                        (part::link(&format!("{}/tx/{}", home(mount), tx.hash()), &tx.hash().to_string())) " · "
                        (part::age(*time)) " " (part::level(*level))
                    }
                }
            }
        }
    })
}

fn newest(mount: &Mount, most: usize, shown: Shown) -> Result<Vec<(u64, Mount, SignedTx, Level)>, Failure> {
    let (chain, rungs) = (mount.chain(), Rungs::of(mount)?);
    let mut found = Vec::new();
    for (place, hash) in chain.main_from(mount.head()?.header.place(), Order::Descending, LOOK_BACK)? {
        let block = blocks::known(mount, hash)?;
        let time = block.header.time().0;
        let level = rungs.level(place);
        let taken = block.txs.into_iter().rev().filter(|tx| shown.takes(tx));
        found.extend(taken.map(|tx| (time, mount.clone(), tx, level)));
        if found.len() >= most {
            break;
        }
    }
    found.truncate(most);
    Ok(found)
}

/// The connection points on this ledger.
fn children(mount: &Mount) -> Result<Markup, Failure> {
    let ids = mount.associates()?;
    if ids.is_empty() {
        return Ok(html! {});
    }
    let view = mount.head()?.view;
    let mut lines = Vec::new();
    for id in ids {
        let (escrow, child) = (view.escrow(id)?, mount.child(id));
        let text = id.to_string();
        lines.push(html! {
            tr {
                td { @match &child { Some(child) => a href=(child.base) { (child.ledger().name()) }, None => span.muted { "elsewhere" } } }
                td { (part::link(&format!("{}/associates/{text}", home(mount)), &text)) }
                td.number { (part::short_amount(escrow.held())) }
            }
        });
    }
    Ok(html! {
        section.card {
            h2 { "Children" }
            div #children data-live {
                table {
                    thead { tr { th { "Ledger" } th { "Connection point" } th.number { "Escrow" } } }
                    tbody { @for line in &lines { (line) } }
                }
            }
        }
    })
}

fn parameters(mount: &Mount, status: &Status) -> Markup {
    let params = mount.ledger().params();
    let rows = [
        ("Profile", status.profile.clone()),
        ("Genesis", part::shortened(&status.genesis)),
        ("Time between heights", format!("{} ms", params.height_interval_ms)),
        ("Least gas price", format!("{} units", params.gas_price_min)),
        ("Gas of a transaction", format!("at most {}", part::grouped(params.gas_per_tx_max.0.into()))),
        ("Gas of a block", format!("at most {}", part::grouped(params.gas_per_block_max.0.into()))),
        ("States kept", format!("heights {} to {}", status.storage.states_from, status.storage.states_to)),
    ];
    html! {
        details.card {
            summary { "Parameters" }
            dl { @for (name, value) in &rows { div { dt { (name) } dd { (value) } } } }
        }
    }
}
