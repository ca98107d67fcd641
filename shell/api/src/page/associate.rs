//! A connection point: what a child may take out, who answers for it, what it last said of itself.

use axum::extract::State;
use banyan_ledger::{ConnectionPoint, Escrow};
use banyan_node::Leaves as _;
use banyan_types::{Amount, AssociateId, Hash, text::Prefix};
use maud::{Markup, html};

use super::{Answer, layout, ledger, part, tx};
use crate::{
    Failure, StateProof,
    ask::{self, Part},
    ledger::Mount,
    v1::{Paging, associates},
};

/// Width of the escrow's bar, in the drawing's units.
const BAR: u64 = 1_000;
/// Least width of a part of it.
const LEAST: u64 = 8;

pub async fn one(State(mount): State<Mount>, Part(id): Part<String>) -> Answer {
    let id = ask::associate(&id)?;
    let view = mount.head()?.view;
    let (point, escrow) = (associates::point(&view, id)?, view.escrow(id)?);
    let child = mount.child(id);
    let body = html! {
        section.title {
            p.eyebrow { a href=(ledger::home(&mount)) { (mount.ledger().name()) } " / connection point" }
            h1 { @match &child { Some(child) => a href=(child.base) { (child.ledger().name()) }, None => (point.network_id) }
                " " span.chip { "operators " (point.threshold) " of " (point.operators.len()) } }
            p { (part::full(&id.to_string())) }
        }
        section.card { h2 { "The escrow law" } div #law data-live { (law(&escrow)) (both_sides(child.as_ref(), &escrow)?) } }
        div.columns {
            section.card { h2 { "Last summary" } div #summary data-live { (summary(child.as_ref(), &point)) } }
            section.card { h2 { "Inbox" } div #inbox data-live { (inbox(&mount, id, &point)?) } }
        }
        details.card { summary { "The whole object" } (tx::fields(&mount, &point.fields())) }
        details.card { summary { "Proof" } div #proof data-live { (proof(&associates::solvency(&mount, id)?.proof)) } }
    };
    let live: Vec<_> = std::iter::once(mount.clone()).chain(child).collect();
    Ok(layout::page(&mount, &layout::Frame::titled("Connection point").live(&live), &body))
}

/// What went down, what came back, what is in between; and that it is never less than nothing.
fn law(escrow: &Escrow) -> Markup {
    let holds = escrow.remitted <= escrow.committed && escrow.waiting <= escrow.held();
    let settled = escrow.held().minus(escrow.waiting).unwrap_or_default();
    let part_of = |amount: Amount| share(amount, escrow.committed);
    let (back, free, waiting) = (part_of(escrow.remitted), part_of(settled), part_of(escrow.waiting));
    html! {
        p.law {
            "committed " (part::amount(escrow.committed)) " − remitted " (part::amount(escrow.remitted)) " = "
            b { (part::amount(escrow.held())) }
            " " @if holds { span.verdict.good { "the law holds" } } @else { span.verdict.bad { "the law is broken" } }
        }
        svg.bar viewBox={ "0 0 " (BAR) " 28" } preserveAspectRatio="none" role="img" aria-label="Shares of all money that was committed" {
            rect.whole x="0" y="0" width=(BAR) height="28" {}
            rect.remitted x="0" y="0" width=(back) height="28" {}
            rect.held x=(back) y="0" width=(free) height="28" {}
            rect.waiting x=(back + free) y="0" width=(waiting) height="28" {}
        }
        ul.legend {
            li.remitted { "remitted " (part::short_amount(escrow.remitted)) }
            li.held { "in the child's hands " (part::short_amount(settled)) }
            li.waiting { "on its way down " (part::short_amount(escrow.waiting)) }
        }
    }
}

/// `amount` as a part of `whole`, in units of the bar; whatever is not nothing can be seen.
fn share(amount: Amount, whole: Amount) -> u64 {
    if amount.is_zero() {
        return 0;
    }
    let scale = whole.base() / u128::from(BAR);
    amount.base().checked_div(scale).map_or(0, |share| u64::try_from(share).unwrap_or(BAR).clamp(LEAST, BAR))
}

/// The child's own books beside the parent's.
fn both_sides(child: Option<&Mount>, escrow: &Escrow) -> Result<Markup, Failure> {
    let Some(child) = child else { return Ok(html! {}) };
    let Some(supply) = child.head()?.view.supply()? else { return Ok(html! {}) };
    let covered = supply.minted <= escrow.held();
    Ok(html! {
        p {
            a href=(child.base) { (child.ledger().name()) } " has " (part::amount(supply.minted)) " in its books, of it "
            (part::short_amount(supply.accounts)) " in accounts. "
            @if covered { span.good { "The escrow covers it." } }
            @else { span.muted { "The escrow shows withdrawals that no accepted summary has settled yet." } }
        }
    })
}

fn summary(child: Option<&Mount>, point: &ConnectionPoint) -> Markup {
    let last = &point.point;
    if last.seq == 0 {
        return html! { p.muted.empty { "The child has not spoken yet." } };
    }
    let block = last.block_hash.text(Prefix::KeyBlock);
    html! {
        dl {
            div { dt { "Number" } dd { (last.seq) } }
            div { dt { "Up to child block" } dd { (part::grouped(last.child_to.0.into())) " "
                @match child { Some(child) => (part::link(&format!("{}/block/{block}", child.base), &block)), None => (part::name(&block)) } } }
            div { dt { "Its state root" } dd { @if last.root == Hash::ZERO { span.muted { "none: it commits to no state" } } @else { (part::name(&last.root.text(Prefix::StateRoot))) } } }
            div { dt { "Accepted at height" } dd { (part::grouped(last.accepted_at.0.into())) } }
            div { dt { "Withdrawals taken" } dd { (last.outbox_acked) } }
            div { dt { "Operators" } dd { (point.operators.len()) ", " (point.threshold) " must sign" } }
        }
    }
}

fn inbox(mount: &Mount, id: AssociateId, point: &ConnectionPoint) -> Result<Markup, Failure> {
    let open = associates::inbox(mount, id, &Paging::default())?;
    let view = mount.head()?.view;
    let mut lines = Vec::with_capacity(open.items.len());
    for item in &open.items {
        let Some(entry) = view.inbox_entry(id, item.n)? else { continue };
        lines.push(html! {
            tr data-key={ "inbox-" (item.n) } {
                td { (item.n) }
                td { @if entry.is_money() { (part::account(mount, entry.to)) } @else { span.muted { "a note" } } }
                td.number { @if entry.is_money() { (part::short_amount(entry.amount)) } }
            }
        });
    }
    Ok(html! {
        p.muted { (point.inbox_acked) " settled, " (point.inbox_next.saturating_sub(point.inbox_acked)) " open" }
        @if !lines.is_empty() {
            table { thead { tr { th { "No." } th { "For" } th.number { "Amount" } } } tbody { @for line in &lines { (line) } } }
        }
    })
}

/// What a wallet checks: nothing here has to be believed.
fn proof(proof: &StateProof) -> Markup {
    html! {
        p.muted { "The object and its escrow stand under this state root, which the block's header holds. A wallet checks it with these bytes alone." }
        dl {
            div { dt { "Block" } dd { (part::full(&proof.at.hash)) } }
            div { dt { "State root" } dd { (part::full(&proof.state_root)) } }
            @for item in &proof.items { div { dt { "Key" } dd { (part::full(&item.key)) } } }
            div { dt { "Proof" } dd { (part::full(&proof.proof)) } }
        }
    }
}
