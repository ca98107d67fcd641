//! What waits for a block, best price first.

use axum::extract::State;
use maud::{Markup, html};

use super::{Answer, layout, ledger, part, tx};
use crate::{
    Failure,
    ask::{self, Ask},
    ladder::Standing,
    ledger::Mount,
    v1::{Paging, accounts},
};

pub async fn list(State(mount): State<Mount>, Ask(paging): Ask<Paging>) -> Answer {
    let body = html! {
        section.title {
            p.eyebrow { a href=(ledger::home(&mount)) { (mount.ledger().name()) } }
            h1 { "Waiting" }
            p.muted { "Transactions in this node's durable pool: they leave it when they are final, too late, or replaced." }
        }
        section.card { div #pool data-live { (table(&mount, &paging)?) } }
    };
    Ok(layout::page(&mount, &layout::Frame::titled("Waiting").live([&mount]).at("mempool"), &body))
}

fn table(mount: &Mount, paging: &Paging) -> Result<Markup, Failure> {
    let page = accounts::waiting(mount, paging)?;
    if page.items.is_empty() {
        return Ok(html! { p.muted.empty { "Nothing waits." } });
    }
    let home = ledger::home(mount);
    let mut lines = Vec::with_capacity(page.items.len());
    for item in &page.items {
        let sentence = match Standing::of(mount, ask::tx_hash(&item.hash)?)? {
            Standing::Block(found) => tx::sentence(mount, &found.tx),
            Standing::Pool(waiting) => tx::sentence(mount, waiting.tx.get()),
            Standing::Dropped(_) | Standing::Unknown => continue,
        };
        lines.push(html! {
            li data-key=(item.hash) {
                p { (sentence) }
                p.muted {
                    (part::link(&format!("{home}/tx/{}", item.hash), &item.hash)) " · nonce " (item.nonce) " · bids "
                    (item.price) " units per gas · "
                    @if item.included { "in a block, not final" } @else { "waits, until height " (part::grouped(item.until.into())) }
                }
            }
        });
    }
    Ok(html! {
        ul.feed { @for line in &lines { (line) } }
        nav.pages aria-label="Parts of the list" {
            @if let Some(next) = &page.next { a href={ (home) "/mempool?after=" (next) } rel="next" { "More" } }
        }
    })
}
