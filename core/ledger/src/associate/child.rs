//! On a child: credit what came down, and send up what is withdrawn. Rules: associates 5.

use banyan_types::{
    AccountId, Amount, Asset, Hash, Payee,
    associate::{Access, Hop, InboxEntry, InboxKind, OutboxEntry},
    limits::{REMIT_LINES_MAX, ROUTE_HOPS_MAX},
    tx::{AssociateWithdraw, Transaction},
};

use crate::{AccessRight, Event, Invalid, Missing, ParentLeaf, Rejected, State, leaf::key, scene::Scene};
use alloc::vec::Vec;

impl<S: State> Scene<'_, S> {
    /// Credit inbox entries, which must continue what was credited before, exactly once and in number order.
    pub(crate) fn credit_inbox(&mut self, entries: &[InboxEntry]) -> Result<(), Invalid> {
        for entry in entries {
            let leaf = self.parent_leaf()?;
            let n = leaf.inbox;
            if entry.n != n || entry.clone().chained(leaf.inbox_hash) != *entry {
                return Err(Invalid::Inbox { n });
            }
            leaf.inbox = n.saturating_add(1);
            leaf.inbox_hash = entry.hash;
            let credited = self.credit(entry);
            credited.map_err(|why| match why {
                Rejected::Ours(missing) => Invalid::Ours(missing),
                _ => Invalid::Inbox { n },
            })?;
        }
        Ok(())
    }

    fn credit(&mut self, entry: &InboxEntry) -> Result<(), Rejected> {
        match entry.kind {
            InboxKind::RemitDone { outbox, .. } => self.forget_outbox(outbox),
            InboxKind::AccessMode(access) => {
                self.parent_leaf()?.access = access;
                Ok(())
            }
            InboxKind::AccessChange { receive, transact } => {
                let right = (receive || transact).then(|| AccessRight { receive, transact }.encode());
                self.state.put(key::access(self.params.ledger, entry.to), right);
                Ok(())
            }
            // The engine takes it up at the edge of an epoch.
            InboxKind::SetChange(ref set) => Ok(self.name_validators(set)?),
            // For people, who read it from the inbox.
            InboxKind::Notice(_) => Ok(()),
            InboxKind::Commit if self.parent_leaf()?.height > entry.deadline => self.skip(entry.n),
            InboxKind::Commit | InboxKind::Returned { .. } => {
                let (n, to, asset, amount) = (entry.n, entry.to, entry.asset, entry.amount);
                let cargo = self.arrive(asset, amount)?;
                self.events.push(Event::Credited { n, to, asset, amount });
                let payer = (entry.from == Payee::Account(to)).then_some(to);
                self.deliver(to, payer, (&entry.route, entry.leg), cargo)
            }
        }
    }

    /// On a listed ledger only the listed transact; whoever is here may always leave.
    pub(crate) fn may_transact(&mut self, sender: AccountId, tx: &Transaction) -> Result<bool, Rejected> {
        let listed = self.ledger.parent.as_ref().is_some_and(|leaf| leaf.access == Access::Listed);
        if !listed || matches!(tx, Transaction::AssociateWithdraw(_)) {
            return Ok(true);
        }
        let right: Option<AccessRight> = self.get(&key::access(self.params.ledger, sender))?;
        Ok(right.is_some_and(|right| right.transact))
    }

    fn skip(&mut self, n: u64) -> Result<(), Rejected> {
        let leaf = self.parent_leaf()?;
        leaf.skipped_hash = super::skip_chain(leaf.skipped_hash, &[n]);
        self.effects.skipped.push(n);
        self.events.push(Event::Skipped { n });
        Ok(())
    }

    /// Outbox entries are readable until the parent says that it has taken them.
    fn forget_outbox(&mut self, to: u64) -> Result<(), Rejected> {
        let leaf = self.parent_leaf()?;
        let from = leaf.outbox_acked;
        // Only what exists can have been taken, and once only, whatever the parent says.
        let to = to.clamp(from, leaf.outbox.max(from));
        leaf.outbox_acked = to;
        // A remit takes no more lines than this, so no entry is left behind.
        for n in (from..to).take(REMIT_LINES_MAX) {
            self.state.put(key::outbox(n), None);
        }
        Ok(())
    }

    pub(crate) fn withdraw_tx(&mut self, tx: &AssociateWithdraw) -> Result<(), Rejected> {
        self.withdraw(tx.from_id, tx.to_id, (tx.asset, tx.amount), tx.route.clone(), tx.leg)
    }

    /// Take `amount` from an account and hang it into the outbox.
    pub(super) fn withdraw(
        &mut self,
        from: AccountId,
        to: Payee,
        (asset, amount): (Asset, Amount),
        route: Vec<Hop>,
        leg: Hash,
    ) -> Result<(), Rejected> {
        if self.ledger.parent.is_none() {
            return Err(Rejected::NotHere { kind: "AssociateWithdrawTx" });
        }
        // What this ledger defines itself never rises above it.
        if let Asset::Token(token) = asset
            && self.inherited(token)?.is_zero()
        {
            return Err(Rejected::Asset { asset });
        }
        if route.len() > ROUTE_HOPS_MAX {
            return Err(Rejected::Route { max: ROUTE_HOPS_MAX, got: route.len() });
        }
        if self.effects.outbox.len() >= REMIT_LINES_MAX {
            return Err(Rejected::OutboxFull { max: REMIT_LINES_MAX });
        }
        if amount.is_zero() {
            return Err(Rejected::Dust);
        }
        let cargo = self.take_cargo(from, asset, amount)?;
        self.leave(cargo)?;
        let child_height = self.height;
        let leaf = self.parent_leaf()?;
        let n = leaf.outbox;
        let entry = OutboxEntry { n, from, to, asset, amount, route, leg, child_height };
        leaf.outbox = n.checked_add(1).ok_or(Rejected::Overflow)?;
        leaf.outbox_hash = entry.chain(leaf.outbox_hash);
        self.set(key::outbox(n), &entry);
        self.events.push(Event::Withdrawn { n, from, asset, amount });
        self.effects.outbox.push(entry);
        Ok(())
    }

    fn parent_leaf(&mut self) -> Result<&mut ParentLeaf, Missing> {
        self.ledger.parent.as_mut().ok_or(Missing("no parent leaf: the ledger is no child"))
    }
}
