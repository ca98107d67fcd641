//! The tree of ledgers as a map: who hangs from whom, by how much money, how far each has come.

use banyan_types::Amount;
use maud::{Markup, html};

use super::{Answer, layout, ledger, part};
use crate::{Level, TreeNode, ledger::Mount, v1::look};

/// Width and height of a ledger's card on the map.
const CARD: (u32, u32) = (250, 112);
/// Space between cards side by side, and between a ledger and its children.
const GAP: (u32, u32) = (36, 104);
/// Space around the map.
const MARGIN: u32 = 12;
/// Blocks and transactions shown below the map.
const ROWS: usize = 8;

/// A ledger with its place on the map.
struct Placed<'a> {
    node: &'a TreeNode,
    x: u32,
    y: u32,
    children: Vec<Self>,
}

pub fn page(mount: &Mount) -> Answer {
    let tops = look::tops(mount)?;
    let live: Vec<_> = mount.all().collect();
    let body = html! {
        section.hero {
            div.words {
                h1 { "One tree of ledgers" }
                p.lead { "Coins go down into a child by a " b { "commit" } " and come back up by a " b { "remit" }
                    ". Whatever a child does, it never takes out more than was put in." }
                div.tiles #totals data-live { (totals(mount, &tops)) }
            }
            div.map #map data-live { (map(&tops)) }
        }
        div.columns {
            div.stack {
                section.card { h2 { "Ledgers" } div #ledgers data-live { (list(&tops)) } }
                section.card {
                    h2 { "New blocks on " (mount.ledger().name()) }
                    div #blocks data-live { (ledger::recent(mount, ROWS)?) }
                }
            }
            section.card {
                h2 { "Money on the move" }
                div #payments data-live { (ledger::payments(mount.all(), ROWS, ledger::Shown::Moves)?) }
            }
        }
    };
    Ok(layout::page(mount, &layout::Frame::titled("Tree").live(&live).at("tree"), &body))
}

fn totals(mount: &Mount, tops: &[TreeNode]) -> Markup {
    let all: Vec<_> = tops.iter().flat_map(flat).collect();
    let escrows = all.iter().filter_map(|node| node.escrow.as_ref());
    let held = escrows.clone().map(|escrow| parsed(&escrow.escrow)).try_fold(Amount::ZERO, Amount::plus);
    let holds = escrows.clone().all(|escrow| escrow.law == "holds");
    let waiting: u64 = mount.all().map(|mount| look::pending(&mount)).sum();
    let none = html! {};
    html! {
        (part::tile("Ledgers", &html! { (all.len()) }, &html! { "served here" }))
        (part::tile("In escrow", &part::short_amount(held.unwrap_or(Amount::MAX)), &none))
        (part::tile("Escrow law", &html! { @if holds { span.good { "holds" } } @else { span.bad { "broken" } } }, &html! { "on every edge" }))
        (part::tile("Waiting", &html! { (waiting) }, &html! { "transactions" }))
    }
}

fn parsed(units: &str) -> Amount {
    units.parse().ok().and_then(Amount::new).unwrap_or_default()
}

fn flat(node: &TreeNode) -> Vec<&TreeNode> {
    std::iter::once(node).chain(node.children.iter().flat_map(flat)).collect()
}

/// Cards that a subtree needs side by side, in the map's units.
fn width(node: &TreeNode) -> u32 {
    let below: u32 = node.children.iter().map(width).sum();
    let gaps = u32::try_from(node.children.len().saturating_sub(1)).unwrap_or(0) * GAP.0;
    CARD.0.max(below + gaps)
}

fn place(node: &TreeNode, left: u32, y: u32) -> Placed<'_> {
    let below = node.children.iter().map(width).sum::<u32>();
    let gaps = u32::try_from(node.children.len().saturating_sub(1)).unwrap_or(0) * GAP.0;
    let mut next = left + (width(node) - (below + gaps).min(width(node))) / 2;
    let children = node.children.iter().map(|child| {
        let placed = place(child, next, y + CARD.1 + GAP.1);
        next += width(child) + GAP.0;
        placed
    });
    let children = children.collect();
    Placed { node, x: left + (width(node) - CARD.0) / 2, y, children }
}

fn depth(node: &TreeNode) -> u32 {
    1 + node.children.iter().map(depth).max().unwrap_or(0)
}

fn map(tops: &[TreeNode]) -> Markup {
    let (mut left, mut placed) = (MARGIN, Vec::new());
    for top in tops {
        placed.push(place(top, left, MARGIN));
        left += width(top) + GAP.0;
    }
    let wide = left - GAP.0 + MARGIN;
    let deep = tops.iter().map(depth).max().unwrap_or(1);
    let high = deep * CARD.1 + (deep - 1) * GAP.1 + 2 * MARGIN;
    html! {
        svg viewBox={ "0 0 " (wide) " " (high) } width=(wide) height=(high) role="img" aria-label="Map of the tree of ledgers" {
            @for top in &placed { (edges(top)) }
            @for top in &placed { (cards(top)) }
        }
    }
}

fn edges(placed: &Placed<'_>) -> Markup {
    let from = (placed.x + CARD.0 / 2, placed.y + CARD.1);
    let (x, y) = from;
    html! {
        @for child in &placed.children {
            @let (to_x, to_y) = (child.x + CARD.0 / 2, child.y);
            @let half = GAP.1 / 2;
            @let escrow = child.node.escrow.as_ref();
            @let held = escrow.map(|escrow| escrow.escrow.clone()).unwrap_or_default();
            @let moved = escrow.map(|escrow| format!("{}+{}", escrow.committed, escrow.remitted)).unwrap_or_default();
            g.edge data-key={ "edge-" (child.node.name) } data-pulse=(moved) {
                path.root.main d=(strand(from, (to_x, to_y), 0, 0)) {}
                @for (start, end) in STRANDS { path.root d=(strand(from, (to_x, to_y), start, end)) {} }
                @let middle = u32::midpoint(x, to_x);
                a href={ "/l/" (placed.node.name) "/associates/" (child.node.associate.clone().unwrap_or_default()) } {
                    rect.pill x=(middle - 82) y=(y + half - 15) width="164" height="30" rx="15" {}
                    text.escrow x=(middle) y=(y + half + 5) text-anchor="middle" { (plain(parsed(&held))) " in escrow" }
                }
            }
            (edges(child))
        }
    }
}

/// Where the thin roots beside the main one begin and end, beside its own ends.
const STRANDS: [(i64, i64); 4] = [(-44, -9), (-20, -16), (26, 15), (52, 7)];

/// A root that hangs from `from` and takes hold at `to`.
fn strand(from: (u32, u32), to: (u32, u32), start: i64, end: i64) -> String {
    let half = GAP.1 / 2;
    let (x, to_x) = (i64::from(from.0) + start, i64::from(to.0) + end);
    format!("M{x} {}C{x} {} {to_x} {} {to_x} {}", from.1, from.1 + half, to.1 - half, to.1)
}

/// A sum in the few letters that the map has room for: whole coins, with an ellipsis where there is more.
fn plain(amount: Amount) -> String {
    let whole = amount.base() / banyan_types::COIN;
    let more = !amount.base().is_multiple_of(banyan_types::COIN);
    format!("{}{} BNY", part::grouped(whole), if more { "…" } else { "" })
}

fn cards(placed: &Placed<'_>) -> Markup {
    let Placed { node, x, y, children } = placed;
    let hard = node.levels.iter().find(|rung| rung.level == Level::Hard);
    html! {
        a href=(node.url) {
            g.node data-key={ "node-" (node.name) } {
                rect.card x=(x) y=(y) width=(CARD.0) height=(CARD.1) rx="16" {}
                rect.spine x=(x + 16) y=(y + 20) width="4" height="30" rx="2" {}
                text.title x=(x + 30) y=(y + 36) { (node.name) }
                text.kind x=(x + 30) y=(y + 54) { (node.engine) @if let Some(regime) = &node.regime { " × " (regime) } }
                text.height x=(x + CARD.0 - 18) y=(y + 40) text-anchor="end" { (part::grouped(node.top.height.into())) }
                text.kind x=(x + CARD.0 - 18) y=(y + 56) text-anchor="end" { "height" }
                line x1=(x + 16) x2=(x + CARD.0 - 16) y1=(y + 72) y2=(y + 72) {}
                text.kind x=(x + 18) y=(y + 94) { "final " @if let Some(hard) = hard { (part::grouped(hard.height.into())) @if hard.lag > 0 { " · " (hard.lag) " behind" } } }
                circle.beat cx=(x + CARD.0 - 24) cy=(y + 90) r="4" {}
            }
        }
        @for child in children { (cards(child)) }
    }
}

fn list(tops: &[TreeNode]) -> Markup {
    html! {
        table {
            thead { tr { th { "Ledger" } th.wide { "Engine × regime" } th.number { "Height" } th.number { "Escrow" } } }
            tbody {
                @for node in tops.iter().flat_map(flat) {
                    tr {
                        td { a href=(node.url) { (node.path.join(" / ")) } }
                        td.muted.wide { (node.engine) @if let Some(regime) = &node.regime { " × " (regime) } }
                        td.number { (part::grouped(node.top.height.into())) }
                        td.number {
                            @match &node.escrow {
                                Some(escrow) => (part::short_amount(parsed(&escrow.escrow))),
                                None => span.muted { "mints the coin" },
                            }
                        }
                    }
                }
            }
        }
    }
}
