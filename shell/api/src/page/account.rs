//! One account: what it holds here and on every other ledger of the process, what waits, what it did.

use axum::extract::State;
use banyan_node::Leaves as _;
use banyan_types::AccountId;
use maud::{Markup, html};

use super::{Answer, layout, ledger, part, tx};
use crate::{
    Failure,
    ask::{self, Ask, Part},
    ledger::Mount,
    v1::{Paging, accounts},
};

pub async fn one(State(mount): State<Mount>, Part(id): Part<String>, Ask(paging): Ask<Paging>) -> Answer {
    let id = ask::account(&id)?;
    let newest = paging.after.is_none();
    let body = html! {
        section.title {
            p.eyebrow { a href=(ledger::home(&mount)) { (mount.ledger().name()) } " / account" }
            h1 #balance data-live { (balance(&mount, id)?) }
            p { (part::full(&id.to_string())) }
        }
        section.card { h2 { "On every ledger here" } div #ledgers data-live { (everywhere(&mount, id)?) } }
        section.card { h2 { "Transactions" } div #history data-live=[newest.then_some("")] { (history(&mount, id, &paging)?) } }
    };
    let frame = layout::Frame::titled("Account");
    let live: Vec<_> = std::iter::once(mount.clone())
        .chain(mount.all().filter(|other| other.ledger().name() != mount.ledger().name()))
        .collect();
    Ok(layout::page(&mount, &if newest { frame.live(&live) } else { frame }, &body))
}

fn balance(mount: &Mount, id: AccountId) -> Result<Markup, Failure> {
    let account = mount.head()?.view.account(id)?;
    Ok(html! { @match account { Some(account) => (part::amount(account.balance)), None => "Not on this ledger yet" } })
}

fn everywhere(mount: &Mount, id: AccountId) -> Result<Markup, Failure> {
    let mut lines = Vec::new();
    for other in mount.all() {
        let answer = accounts::read(&other, id)?;
        let account = other.head()?.view.account(id)?;
        lines.push(html! {
            tr {
                td { a href={ (other.base) "/account/" (answer.id) } { (other.ledger().path.join(" / ")) } }
                td.number { @match account { Some(account) => (part::short_amount(account.balance)), None => span.muted { "none" } } }
                td.number { (answer.next_nonce) }
                td.number { (answer.pending.len()) }
            }
        });
    }
    Ok(html! {
        table {
            thead { tr { th { "Ledger" } th.number { "Balance" } th.number { "Next nonce" } th.number { "Not final" } } }
            tbody { @for line in &lines { (line) } }
        }
    })
}

fn history(mount: &Mount, id: AccountId, paging: &Paging) -> Result<Markup, Failure> {
    let page = accounts::history(mount, id, paging)?;
    let home = ledger::home(mount);
    let mut lines = Vec::with_capacity(page.items.len());
    for item in &page.items {
        let Some(found) = mount.chain().transaction(ask::tx_hash(&item.tx.hash)?)? else { continue };
        lines.push(html! {
            li data-key=(item.tx.hash) {
                p { (tx::sentence(mount, &found.tx)) }
                p.muted {
                    (part::link(&format!("{home}/tx/{}", item.tx.hash), &item.tx.hash)) " · block "
                    a href={ (home) "/block/" (item.block.hash) } { (part::grouped(item.block.height.into())) } " · "
                    (part::age(item.time_ms)) " " (part::level(item.level))
                }
            }
        });
    }
    Ok(html! {
        @if lines.is_empty() { p.muted.empty { "None in the blocks looked through." } }
        ul.feed { @for line in &lines { (line) } }
        nav.pages aria-label="Parts of the list" {
            @if paging.after.is_some() { a href={ (home) "/account/" (id) } { "Newest" } }
            @if let Some(next) = &page.next { a href={ (home) "/account/" (id) "?after=" (next) } rel="next" { "Look further back" } }
        }
    })
}
