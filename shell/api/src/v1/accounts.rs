//! Accounts, their history, and what waits in the pool.

use axum::{Json, extract::State};
use banyan_ledger::Account;
use banyan_node::{Leaves as _, Pool, Waiting};
use banyan_types::{AccountId, Nonce, associate::Change, tx::Transaction};

use super::{Answer, Paging, blocks, blocks::scan};
use crate::{
    AccountAnswer, At, Failure, HistoryItem, Page, PoolItem,
    answer::units,
    ask::{self, Ask, Part},
    ladder::Rungs,
    ledger::Mount,
};

/// An account as the top of the chain has it, with what waits.
pub(crate) fn read(mount: &Mount, id: AccountId) -> Result<AccountAnswer, Failure> {
    let waiting = waiting_nonces(mount, id);
    let head = mount.head()?;
    let account = head.view.account(id)?;
    let exists = account.is_some();
    let account = account.unwrap_or(Account::EMPTY);
    let pending = |pool: &Pool| pool.of_account(id).map(|waiting| waiting.tx.get().hash().to_string()).collect();
    Ok(AccountAnswer {
        id: id.to_string(),
        exists,
        balance: units(account.balance),
        nonce: account.nonce.0,
        next_nonce: next_nonce(&waiting, account.nonce, true),
        pending: mount.ledger().handle.pool(pending),
        at: At::of(&head.header, head.hash),
        level: Rungs::of(mount)?.level(head.header.place()),
    })
}

/// Nonces of an account's transactions in the pool. To be read before the chain's head is: what leaves the pool in between
/// has used its nonce there. The other way round both may miss it, and a wallet would make the same transaction twice.
pub(crate) fn waiting_nonces(mount: &Mount, id: AccountId) -> Vec<Nonce> {
    let nonces = |pool: &Pool| pool.of_account(id).map(|waiting| waiting.tx.get().transaction().nonce()).collect();
    mount.ledger().handle.pool(nonces)
}

/// The next nonce: after the last that waits, or the first that neither chain nor pool has used.
pub(crate) fn next_nonce(waiting: &[Nonce], used: Nonce, continuous: bool) -> u64 {
    let above = waiting.iter().filter(|nonce| **nonce > used);
    let last = above.fold(used, |last, nonce| {
        let gap = last.next() != Some(*nonce);
        if continuous && gap { last } else { *nonce }
    });
    last.0.saturating_add(1)
}

/// Accounts that a transaction moves coins of or to, or names.
pub(crate) fn parties(tx: &Transaction) -> Vec<AccountId> {
    let mut parties = vec![tx.signer()];
    match tx {
        Transaction::Spend(tx) => parties.push(tx.recipient_id.account()),
        Transaction::AssociateCommit(tx) => parties.push(tx.to_id),
        Transaction::AssociateWithdraw(tx) => parties.push(tx.to_id.account()),
        Transaction::AssociateRemit(tx) => parties.extend(tx.lines.iter().map(|line| line.to.account())),
        Transaction::AssociateCreate(tx) => parties.extend(&tx.operators),
        Transaction::AssociateUpdate(tx) => match &tx.change {
            Change::Operators { operators, .. } => parties.extend(operators),
            Change::AccessLines(lines) => parties.extend(lines.iter().map(|line| line.account)),
            Change::BondOut { operator, .. } => parties.push(*operator),
            _ => {}
        },
        Transaction::AssociateEscape(tx) => parties.push(tx.account_id.account()),
        Transaction::Evidence(tx) => parties.push(tx.staker_id),
        Transaction::ContractCall(tx) => parties.push(AccountId(tx.contract_id.0)),
        Transaction::TokenMint(tx) => parties.push(tx.to_id.account()),
        Transaction::TokenTransfer(tx) => parties.push(tx.to_id.account()),
        Transaction::EntryTransfer(tx) => parties.push(tx.to_id),
        Transaction::GaMeta(_) | Transaction::PayingFor(_) => {
            parties.extend(tx.inside().into_iter().flat_map(|inside| self::parties(inside.transaction())));
        }
        Transaction::AssociateRefund(_)
        | Transaction::AssociateEvidence(_)
        | Transaction::AssociateClose(_)
        | Transaction::Bond(_)
        | Transaction::Unbond(_)
        | Transaction::Renew(_)
        | Transaction::ContractCreate(_)
        | Transaction::ContractCreateV2(_)
        | Transaction::GaAttach(_)
        | Transaction::Extend(_)
        | Transaction::TokenCreate(_)
        | Transaction::TokenFinalize(_)
        | Transaction::TokenBurn(_)
        | Transaction::EntryCreate(_)
        | Transaction::EntryDestroy(_)
        | Transaction::BlobPost(_)
        | Transaction::EngineAct(_) => {}
    }
    parties
}

/// Transactions of an account, newest first.
pub(crate) fn history(mount: &Mount, id: AccountId, paging: &Paging) -> Result<Page<HistoryItem>, Failure> {
    let rungs = Rungs::of(mount)?;
    scan(mount, paging, |block, hash| {
        let mine = block.txs.iter().filter(|tx| parties(tx.transaction()).contains(&id));
        let item = |tx| HistoryItem {
            tx: blocks::tx(tx),
            block: At::of(&block.header, hash),
            time_ms: block.header.time().0,
            level: rungs.level(block.header.place()),
        };
        Ok(mine.map(item).collect())
    })
}

/// What waits, best price first.
pub(crate) fn waiting(mount: &Mount, paging: &Paging) -> Result<Page<PoolItem>, Failure> {
    let skip = paging.after_number()?.unwrap_or(0);
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let (items, total) = mount.ledger().handle.pool(|pool| {
        let items: Vec<_> = pool.iter().skip(skip).take(paging.limit()).map(pool_item).collect();
        (items, pool.len())
    });
    let end = skip.saturating_add(items.len());
    let head = mount.head()?;
    Ok(Page { items, next: (end < total).then(|| end.to_string()), at: At::of(&head.header, head.hash) })
}

fn pool_item(waiting: &Waiting) -> PoolItem {
    let tx = waiting.tx.get().transaction();
    PoolItem {
        hash: waiting.tx.get().hash().to_string(),
        kind: tx.kind().into(),
        signer: tx.signer().to_string(),
        nonce: tx.nonce().0,
        fee: units(tx.fee()),
        price: waiting.price.to_string(),
        until: waiting.until.0,
        included: waiting.included,
    }
}

/// An account's balance, nonce and what waits. One that does not exist holds nothing.
#[utoipa::path(get, path = "/accounts/{id}", tag = "accounts", params(("id" = String, Path, description = "ak_…")),
    responses((status = 200, body = AccountAnswer)))]
pub(crate) async fn one_route(State(mount): State<Mount>, Part(id): Part<String>) -> Answer<AccountAnswer> {
    Ok(Json(read(&mount, ask::account(&id)?)?))
}

/// Transactions of an account, newest first. Go on while there is a `next`, even after an empty part.
#[utoipa::path(get, path = "/accounts/{id}/transactions", tag = "accounts",
    params(("id" = String, Path, description = "ak_…"), Paging), responses((status = 200, body = Page<HistoryItem>)))]
pub(crate) async fn history_route(
    State(mount): State<Mount>,
    Part(id): Part<String>,
    Ask(paging): Ask<Paging>,
) -> Answer<Page<HistoryItem>> {
    Ok(Json(history(&mount, ask::account(&id)?, &paging)?))
}

/// Transactions in the pool, best price first; those in blocks that are not final are marked.
#[utoipa::path(get, path = "/mempool", tag = "accounts", params(Paging), responses((status = 200, body = Page<PoolItem>)))]
pub(crate) async fn mempool_route(State(mount): State<Mount>, Ask(paging): Ask<Paging>) -> Answer<Page<PoolItem>> {
    Ok(Json(waiting(&mount, &paging)?))
}

/// Transactions of one account in the pool, by nonce: who comes next.
#[utoipa::path(get, path = "/mempool/{id}", tag = "accounts", params(("id" = String, Path, description = "ak_…")),
    responses((status = 200, body = Vec<PoolItem>)))]
pub(crate) async fn mempool_of_route(State(mount): State<Mount>, Part(id): Part<String>) -> Answer<Vec<PoolItem>> {
    let id = ask::account(&id)?;
    Ok(Json(mount.ledger().handle.pool(|pool| pool.of_account(id).map(pool_item).collect())))
}
