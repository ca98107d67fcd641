//! Connection points of this ledger: what it knows of its children, and what it holds for them.

use axum::{Json, extract::State};
use banyan_ledger::{ConnectionPoint, key};
use banyan_node::Leaves as _;
use banyan_store::View;
use banyan_types::{Asset, AssociateId, Hash};

use super::{Answer, Paging};
use crate::{
    Associate, At, ChildCoins, EscrowAnswer, Failure, InboxItem, Page, Solvency,
    answer::units,
    ask::{self, Ask, Part},
    ledger::Mount,
    proof,
    show::{self, Sums},
};

/// A connection point; with its proof where one alone is asked for.
pub(crate) fn read(mount: &Mount, id: AssociateId, view: &View, proven: bool) -> Result<Associate, Failure> {
    let point = point(view, id)?;
    let header = mount.chain().header(Hash(view.block()))?.ok_or_else(|| Failure::ours("a state without its block"))?;
    let keys = || vec![key::point(id), key::escrow(id, Asset::Coin)];
    Ok(Associate {
        id: id.to_string(),
        name: mount.child(id).map(|child| child.ledger().name().into()),
        escrow: EscrowAnswer::of(&view.escrow(id)?),
        point: show::object(point.fields(), Sums::Texts),
        at: At::of(&header, Hash(view.block())),
        proof: proven.then(|| proof::prove(mount, view, keys())).transpose()?,
    })
}

pub(crate) fn point(view: &View, id: AssociateId) -> Result<ConnectionPoint, Failure> {
    let unknown = || Failure::unknown("unknown_associate", format!("{id} is not registered on this ledger"));
    view.associate(id)?.ok_or_else(unknown)
}

/// The open entries of a child's inbox.
pub(crate) fn inbox(mount: &Mount, id: AssociateId, paging: &Paging) -> Result<Page<InboxItem>, Failure> {
    let head = mount.head()?;
    let point = point(&head.view, id)?;
    let from = paging.after_number()?.map_or(point.inbox_acked, |after| after.saturating_add(1).max(point.inbox_acked));
    let to = from.saturating_add(paging.limit() as u64).min(point.inbox_next);
    let mut items = Vec::new();
    for n in from..to {
        if let Some(entry) = head.view.inbox_entry(id, n)? {
            items.push(InboxItem { n, entry: show::object(entry.fields(), Sums::Texts) });
        }
    }
    let next = (to < point.inbox_next && to > from).then(|| (to - 1).to_string());
    Ok(Page { items, next, at: At::of(&head.header, head.hash) })
}

/// Whether a child can pay what it owes: both sides of the connection, with proofs.
pub(crate) fn solvency(mount: &Mount, id: AssociateId) -> Result<Solvency, Failure> {
    let head = mount.head()?;
    point(&head.view, id)?;
    let child = mount.child(id).map(|child| child_coins(&child)).transpose()?.flatten();
    Ok(Solvency {
        associate: id.to_string(),
        escrow: EscrowAnswer::of(&head.view.escrow(id)?),
        child,
        proof: proof::prove(mount, &head.view, vec![key::point(id), key::escrow(id, Asset::Coin)])?,
    })
}

fn child_coins(child: &Mount) -> Result<Option<ChildCoins>, Failure> {
    let head = child.head()?;
    let Some(supply) = head.view.supply()? else { return Ok(None) };
    let elsewhere = supply.minted.minus(supply.accounts).and_then(|rest| rest.minus(supply.escrows));
    Ok(Some(ChildCoins {
        minted: units(supply.minted),
        accounts: units(supply.accounts),
        escrows: units(supply.escrows),
        elsewhere: units(elsewhere.unwrap_or_default()),
        proof: proof::prove(child, &head.view, vec![key::supply(), key::parent()])?,
    }))
}

/// The children of this ledger that are known here.
#[utoipa::path(get, path = "/associates", tag = "associates", params(Paging), responses((status = 200, body = Page<Associate>)))]
pub(crate) async fn list_route(State(mount): State<Mount>, Ask(paging): Ask<Paging>) -> Answer<Page<Associate>> {
    let head = mount.head()?;
    let after = paging.after.as_deref().map(ask::associate).transpose()?;
    let ids: Vec<_> = mount.associates()?.into_iter().filter(|id| after.is_none_or(|after| *id > after)).collect();
    let shown = ids.iter().take(paging.limit());
    let items: Vec<_> = shown.map(|id| read(&mount, *id, &head.view, false)).collect::<Result<_, _>>()?;
    let next = (ids.len() > items.len()).then(|| items.last().map(|last| last.id.clone())).flatten();
    Ok(Json(Page { items, next, at: At::of(&head.header, head.hash) }))
}

/// One child: its connection point and escrow, with a proof of both.
#[utoipa::path(get, path = "/associates/{id}", tag = "associates", params(("id" = String, Path, description = "ac_…")),
    responses((status = 200, body = Associate)))]
pub(crate) async fn one_route(State(mount): State<Mount>, Part(id): Part<String>) -> Answer<Associate> {
    Ok(Json(read(&mount, ask::associate(&id)?, &mount.head()?.view, true)?))
}

/// The entries of a child's inbox that no accepted summary has settled.
#[utoipa::path(get, path = "/associates/{id}/inbox", tag = "associates",
    params(("id" = String, Path, description = "ac_…"), Paging), responses((status = 200, body = Page<InboxItem>)))]
pub(crate) async fn inbox_route(
    State(mount): State<Mount>,
    Part(id): Part<String>,
    Ask(paging): Ask<Paging>,
) -> Answer<Page<InboxItem>> {
    Ok(Json(inbox(&mount, ask::associate(&id)?, &paging)?))
}

/// The escrow law of a child, every number with a state proof.
#[utoipa::path(get, path = "/associates/{id}/solvency", tag = "associates",
    params(("id" = String, Path, description = "ac_…")), responses((status = 200, body = Solvency)))]
pub(crate) async fn solvency_route(State(mount): State<Mount>, Part(id): Part<String>) -> Answer<Solvency> {
    Ok(Json(solvency(&mount, ask::associate(&id)?)?))
}
