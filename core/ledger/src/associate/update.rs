//! On the parent: change a connection point. What makes a rule stricter binds at once; what makes it weaker is announced
//! first, so that users can leave before it binds them. Rules: associates 3.

use alloc::{collections::BTreeSet, vec::Vec};

use banyan_types::{
    AccountId, Amount, AssociateId, Bytes, Height,
    associate::{AccessLine, Change, ChildParams, InboxKind, Regime, update_message},
    limits::{ACCESS_LINES_MAX, PENDING_MAX},
    rlp::{Field as _, put_list},
    tx::{AssociateUpdate, Transaction},
};

use super::{authority::Authority, certificate, create, notice};
use crate::{
    AccessRight, ConnectionPoint, Event, Pending, Rejected, Standing, State, Status,
    due::Ending,
    leaf::{POINT_BYTES, key},
    rules::fee_with_rent,
    scene::Scene,
};

impl<S: State> Scene<'_, S> {
    pub(crate) fn update(&mut self, tx: &AssociateUpdate, unsigned_len: usize) -> Result<(), Rejected> {
        let (id, change) = (tx.associate_id, &tx.change);
        let mut point = self.point(id)?;
        match point.standing(self.height) {
            Standing::Dead => return Err(Rejected::Ended { status: Standing::Dead.as_str() }),
            standing if standing.is_dead() => return Err(Rejected::Status { status: standing.as_str() }),
            _ => {}
        }
        self.check_change(&point, tx, unsigned_len)?;
        let waits = !binds_at_once(&point, change);
        if waits && point.pending.len() >= PENDING_MAX {
            return Err(Rejected::TooManyPending { max: PENDING_MAX });
        }
        self.authorise_change(id, &mut point, tx)?;
        self.events.push(Event::Updated { associate: id, what: change.word(), waits });
        if waits {
            self.announce(id, &mut point, change)?;
        } else {
            self.make_change(id, &mut point, change, tx.from_id)?;
        }
        self.set_point(id, &point);
        Ok(())
    }

    /// The point of a child as it is now: with the announced changes that are due, however far the walk has come.
    pub(super) fn point(&mut self, id: AssociateId) -> Result<ConnectionPoint, Rejected> {
        let mut point: ConnectionPoint = self.get(&key::point(id))?.ok_or(Rejected::Unknown)?;
        let now = self.height;
        if point.pending.iter().all(|pending| pending.due > now) {
            return Ok(point);
        }
        let (due, later) = point.pending.drain(..).partition::<Vec<_>, _>(|pending| pending.due <= now);
        point.pending = later;
        for pending in due {
            let creator = point.creator;
            self.make_change(id, &mut point, &pending.change, creator)?;
            self.events.push(Event::Updated { associate: id, what: pending.change.word(), waits: false });
        }
        self.set_point(id, &point);
        Ok(point)
    }

    /// The walk's reminder that changes are due.
    pub(crate) fn ripen(&mut self, id: AssociateId) -> Result<(), Rejected> {
        match self.point(id) {
            Ok(_) | Err(Rejected::Unknown) => Ok(()),
            Err(why) => Err(why),
        }
    }

    /// Rule 3: the change is one that create would have taken.
    fn check_change(
        &mut self,
        point: &ConnectionPoint,
        tx: &AssociateUpdate,
        unsigned_len: usize,
    ) -> Result<(), Rejected> {
        let must = |holds: bool, why: &'static str| if holds { Ok(()) } else { Err(Rejected::Change { why }) };
        match &tx.change {
            Change::Operators { operators, threshold } => create::check_operators(operators, *threshold),
            Change::Regime(regime) => {
                let both = [&point.regime, regime].into_iter().all(|regime| matches!(regime, Regime::Certificate(_)));
                must(!both, "validators are changed by those before them")?;
                self.check_regime(regime)
            }
            // Read as a set, it is one.
            Change::Validators(_) => match &point.regime {
                Regime::Certificate(validators) => {
                    must(certificate::may_hand_over(validators), "validators in turns are never changed")
                }
                _ => Ok(()),
            },
            Change::Params(params) => create::check_params(params, self.params),
            Change::Access(access) => must(*access != point.access, "the access is so already"),
            Change::AccessLines(lines) => {
                check_lines(lines)?;
                let open = point.inbox_next.saturating_sub(point.inbox_acked).saturating_add(lines.len() as u64);
                let max = create::INBOX_OPEN_MAX;
                if open > max { Err(Rejected::InboxFull { max }) } else { Ok(()) }
            }
            Change::BondIn(amount) => {
                must(point.operators.contains(&tx.from_id), "who puts up a bond must be an operator")?;
                must(!amount.is_zero(), "a bond of nothing")
            }
            Change::BondOut { operator, amount } => {
                must(!amount.is_zero() && *amount <= point.bond_of(*operator), "more than is bonded, or nothing")
            }
            Change::Expiry(expiry) => self.check_expiry(point, tx, *expiry, unsigned_len),
            Change::Thaw => must(matches!(point.status, Status::Frozen { .. }), "it is not frozen"),
        }
    }

    /// As when it is made; what is longer is paid for.
    fn check_expiry(
        &self,
        point: &ConnectionPoint,
        tx: &AssociateUpdate,
        got: Height,
        unsigned_len: usize,
    ) -> Result<(), Rejected> {
        self.check_life(got, point.params.silence)?;
        let rent = self.params.rent_gas(POINT_BYTES, got.since(point.expiry).unwrap_or(0));
        let kind = Transaction::from(tx.clone());
        let needed = rent.and_then(|rent| fee_with_rent(self.params, &kind, unsigned_len, rent));
        let needed = needed.ok_or(Rejected::Overflow)?;
        if tx.fee < needed { Err(Rejected::FeeTooLow { needed, got: tx.fee }) } else { Ok(()) }
    }

    /// Rule 5. Putting up a bond needs nobody's leave.
    fn authorise_change(
        &self,
        id: AssociateId,
        point: &mut ConnectionPoint,
        tx: &AssociateUpdate,
    ) -> Result<(), Rejected> {
        if matches!(tx.change, Change::BondIn(_)) {
            return Ok(());
        }
        if let (Change::Validators(next), Regime::Certificate(validators)) = (&tx.change, &point.regime) {
            let after = certificate::hand_over(id, &point.network_id, validators, next, &tx.authorization.0)?;
            point.regime = Regime::Certificate(after);
            return Ok(());
        }
        let message = update_message(&self.params.network_id, id, point.acts, &tx.change);
        Authority::operators(point).check(&message, &tx.authorization)?;
        point.acts = point.acts.checked_add(1).ok_or(Rejected::Overflow)?;
        Ok(())
    }

    /// Write down a change that binds later, and let the child know.
    fn announce(&mut self, id: AssociateId, point: &mut ConnectionPoint, change: &Change) -> Result<(), Rejected> {
        let due = self.height.plus(point.params.change_delay).ok_or(Rejected::Overflow)?;
        point.pending.push(Pending { due, change: change.clone() });
        self.due_at(due, Ending::Changes(id))?;
        let mut bytes = Vec::new();
        put_list(&mut bytes, |out| [due.0, change.number()].iter().for_each(|int| int.put(out)));
        let creator = point.creator;
        self.tell(id, point, notice(InboxKind::Notice(Bytes(bytes)), creator))
    }

    fn make_change(
        &mut self,
        id: AssociateId,
        point: &mut ConnectionPoint,
        change: &Change,
        from: AccountId,
    ) -> Result<(), Rejected> {
        match change {
            Change::Operators { operators, threshold } => {
                point.operators.clone_from(operators);
                point.threshold = *threshold;
                self.release_bonds(id, point)?;
            }
            Change::Regime(regime) => point.regime = regime.clone(),
            Change::Params(params) => point.params = params.clone(),
            Change::Access(access) => {
                point.access = *access;
                let creator = point.creator;
                self.tell(id, point, notice(InboxKind::AccessMode(*access), creator))?;
            }
            Change::AccessLines(lines) => lines.iter().try_for_each(|line| self.list(id, point, line))?,
            // Where a certificate allowed it, the set is written with its epoch already, and the child has signed it.
            Change::Validators(_) if matches!(point.regime, Regime::Certificate(_)) => {}
            Change::Validators(set) => {
                let creator = point.creator;
                self.tell(id, point, notice(InboxKind::SetChange(set.clone()), creator))?;
            }
            Change::BondIn(amount) => {
                let coins = self.take(from, *amount)?;
                let held = point.bond_of(from).plus(self.pay_bonds(coins)?).ok_or(Rejected::Overflow)?;
                point.set_bond(from, held);
                self.events.push(Event::OperatorBond { associate: id, operator: from, amount: held });
            }
            Change::BondOut { operator, amount } => {
                // It may have been slashed meanwhile.
                let held = point.bond_of(*operator);
                let out = held.min(*amount);
                let left = held.minus(out).unwrap_or(Amount::ZERO);
                point.set_bond(*operator, left);
                self.return_bond(id, *operator, out, left)?;
            }
            Change::Expiry(expiry) => {
                point.expiry = *expiry;
                self.end_at(Ending::Associate(id), *expiry)?;
            }
            Change::Thaw => point.thaw(),
        }
        Ok(())
    }

    /// Whoever is no operator any more has its bond back.
    fn release_bonds(&mut self, id: AssociateId, point: &mut ConnectionPoint) -> Result<(), Rejected> {
        let left: Vec<_> =
            point.bonds.iter().filter(|bond| !point.operators.contains(&bond.operator)).cloned().collect();
        for bond in left {
            point.set_bond(bond.operator, Amount::ZERO);
            self.return_bond(id, bond.operator, bond.amount, Amount::ZERO)?;
        }
        Ok(())
    }

    fn list(&mut self, id: AssociateId, point: &mut ConnectionPoint, line: &AccessLine) -> Result<(), Rejected> {
        let AccessLine { account, receive, transact } = *line;
        let right = (receive || transact).then(|| AccessRight { receive, transact }.encode());
        self.state.put(key::access(id, account), right);
        self.tell(id, point, notice(InboxKind::AccessChange { receive, transact }, account))
    }
}

/// 1 to 1,000 accounts, each once.
fn check_lines(lines: &[AccessLine]) -> Result<(), Rejected> {
    let unique: BTreeSet<_> = lines.iter().map(|line| line.account).collect();
    if lines.is_empty() || lines.len() > ACCESS_LINES_MAX || unique.len() != lines.len() {
        return Err(Rejected::Change { why: "an access list of 1 to 1,000 accounts, each once" });
    }
    Ok(())
}

/// Whether nobody has to leave before it: a change that makes nothing weaker.
fn binds_at_once(point: &ConnectionPoint, change: &Change) -> bool {
    match change {
        Change::Operators { operators, threshold } => *operators == point.operators && *threshold >= point.threshold,
        Change::Regime(regime) => is_stronger(regime, &point.regime),
        Change::Params(params) => is_tighter(&point.params, params),
        Change::Validators(_) => matches!(point.regime, Regime::Certificate(_)),
        Change::Access(_) | Change::BondOut { .. } => false,
        Change::AccessLines(_) | Change::BondIn(_) | Change::Expiry(_) | Change::Thaw => true,
    }
}

/// Whether `new` demands more than `old`. What a contract demands is not known: it is neither stronger nor weaker.
const fn is_stronger(new: &Regime, old: &Regime) -> bool {
    matches!((old, new), (Regime::Operators, Regime::Certificate(_)))
}

/// Nothing but a higher bond or a lower limit.
fn is_tighter(old: &ChildParams, new: &ChildParams) -> bool {
    let (limit, heights) = (old.remit_limit, old.remit_limit_heights);
    let slower = heights == 0 || (new.remit_limit <= limit && new.remit_limit_heights >= heights);
    let kept = ChildParams {
        operator_bond: new.operator_bond,
        remit_limit: new.remit_limit,
        remit_limit_heights: new.remit_limit_heights,
        ..old.clone()
    };
    kept == *new && new.operator_bond >= old.operator_bond && (slower && new.remit_limit_heights >= heights)
}
