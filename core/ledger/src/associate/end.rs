//! On the parent: the end of a child, whether it is closed or dies. Rules: associates 3, 7; ledger 5.

use banyan_types::{
    AccountId, Amount, AssociateId, Hash, Height,
    associate::{InboxEntry, InboxKind, Regime, close_message},
    tx::{AssociateClose, AssociateRefund},
};

use super::authority::Authority;
use crate::{
    ConnectionPoint, Event, Rejected, Standing, State, Status, SweepItem, SweepKind, Tombstone, due::Ending, leaf::key,
    scene::Scene,
};

impl<S: State> Scene<'_, S> {
    /// No more commits; when nothing is in the escrow, the child is gone.
    pub(crate) fn close(&mut self, tx: &AssociateClose) -> Result<(), Rejected> {
        let id = tx.associate_id;
        let mut point = self.point(id)?;
        match point.standing(self.height) {
            Standing::Open => {}
            standing @ (Standing::Closing | Standing::Dead) => {
                return Err(Rejected::Ended { status: standing.as_str() });
            }
            standing => return Err(Rejected::Status { status: standing.as_str() }),
        }
        let message = close_message(&self.params.network_id, id, point.acts);
        Authority::operators(&point).check(&message, &tx.authorization)?;
        point.acts = point.acts.checked_add(1).ok_or(Rejected::Overflow)?;
        point.status = Status::Closing;
        self.set_point(id, &point);
        self.events.push(Event::Closing { associate: id });
        self.retire(id)
    }

    /// Money that a dead child has not settled goes back whole.
    pub(crate) fn refund(&mut self, tx: &AssociateRefund) -> Result<(), Rejected> {
        let (id, n) = (tx.associate_id, tx.n);
        let mut point = self.point(id)?;
        self.must_be_dead(&point)?;
        let entry: Option<InboxEntry> = if n < point.inbox_acked { None } else { self.get(&key::inbox(id, n))? };
        let entry = entry.filter(InboxEntry::is_money).ok_or(Rejected::Entry { n })?;
        // The child may have credited it below: from now on it cannot come back and say so.
        self.bury(id, &mut point)?;
        self.set_point(id, &point);
        let (to, asset, amount) = (sender_of(&entry), entry.asset, entry.amount);
        self.wait_less(id, asset, amount)?;
        self.state.put(key::inbox(id, n), None);
        let cargo = self.escrow_out(id, asset, amount)?;
        self.pay_cargo(to, cargo)?;
        self.events.push(Event::PaidBack { associate: id, n, to, asset, amount });
        self.retire(id)
    }

    pub(super) fn must_be_dead(&self, point: &ConnectionPoint) -> Result<(), Rejected> {
        let standing = point.standing(self.height);
        if standing.is_dead() { Ok(()) } else { Err(Rejected::NotDead { status: standing.as_str() }) }
    }

    /// A dead child stays dead from the first act that rests on its death. Its announced changes come to nothing.
    pub(super) fn bury(&mut self, id: AssociateId, point: &mut ConnectionPoint) -> Result<(), Rejected> {
        if matches!(point.status, Status::Dead { .. }) {
            return Ok(());
        }
        let since = self.height;
        // Where a contract is asked first, proofs have a whole window behind its time.
        let from = if matches!(point.regime, Regime::Contract(_)) { contract_end(point)?.max(since) } else { since };
        let until = from.plus(point.params.claim_window).ok_or(Rejected::Overflow)?;
        point.status = Status::Dead { since, until };
        point.pending.clear();
        self.due_at(until.next().ok_or(Rejected::Overflow)?, Ending::Escape(id))?;
        self.events.push(Event::Died { associate: id, until });
        Ok(())
    }

    /// Take away a connection point that has come to its end, if nothing is in its escrow; money is never pruned.
    pub(crate) fn retire(&mut self, id: AssociateId) -> Result<(), Rejected> {
        let Some(point) = self.get::<ConnectionPoint>(&key::point(id))? else { return Ok(()) };
        let over = match point.status {
            Status::Dead { .. } => point.claims.paid == point.claims.made,
            Status::Closing => true,
            Status::Open | Status::Frozen { .. } => point.expiry < self.height,
        };
        if !over {
            return Ok(());
        }
        for asset in point.assets() {
            if !self.escrow(id, asset)?.held().is_zero() {
                return Ok(());
            }
        }
        self.remove_point(id, &point)
    }

    fn remove_point(&mut self, id: AssociateId, point: &ConnectionPoint) -> Result<(), Rejected> {
        for bond in &point.bonds {
            self.return_bond(id, bond.operator, bond.amount, Amount::ZERO)?;
        }
        self.state.put(key::point(id), None);
        for asset in point.assets() {
            self.state.put(key::escrow(id, asset), None);
        }
        self.set(key::tombstone(id.into()), &Tombstone::of(point.expiry, &point.encode()));
        // What the inbox still holds are notices: all its money was settled.
        let (from, to) = (point.inbox_acked, point.inbox_next);
        self.sweep_later(SweepItem { kind: SweepKind::Inbox, id: Hash(id.0), from, to })?;
        self.sweep_later(SweepItem { kind: SweepKind::Claims, id: Hash(id.0), from: 0, to: point.claims.made })?;
        self.events.push(Event::Removed { id: id.into(), to: None, amount: Amount::ZERO });
        Ok(())
    }

    /// Give back what an operator has put up; `left` stays.
    pub(super) fn return_bond(
        &mut self,
        id: AssociateId,
        operator: AccountId,
        amount: Amount,
        left: Amount,
    ) -> Result<(), Rejected> {
        let coins = self.take_bonds(amount)?;
        self.pay(operator, coins)?;
        self.events.push(Event::OperatorBond { associate: id, operator, amount: left });
        Ok(())
    }
}

/// The last height at which a dead child's contract says who has what; then proofs do, as with operators.
pub(super) fn contract_end(point: &ConnectionPoint) -> Result<Height, Rejected> {
    point.last_alive.plus(point.params.silence.saturating_mul(2)).ok_or(Rejected::Overflow)
}

/// Whose money an entry carries: who committed it, or who withdrew what could not be delivered.
fn sender_of(entry: &InboxEntry) -> AccountId {
    match entry.kind {
        InboxKind::Returned { .. } => entry.to,
        _ => entry.from.account(),
    }
}
