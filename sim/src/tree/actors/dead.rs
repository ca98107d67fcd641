//! The end of a child that nobody speaks for: refunds, claims, and what was paid.

use std::collections::BTreeMap;

use banyan_ledger::{ConnectionPoint, Event, MapState, Rejected, Standing, key};
use banyan_types::{
    Amount, Asset, AssociateId,
    associate::{InboxEntry, InboxKind},
};

use crate::{
    law::{Broken, ensure},
    tree::{
        acts::{FEE, SILENCE},
        chain::Ledger,
        people::Person,
        plan::Regime,
        world::World,
    },
};

/// Ledgers below a dead one whose users claim, at most: their proofs are the dear part.
const BELOW_MAX: usize = 5;

/// Whether a child was silent for too long, and nobody has acted on that.
pub fn silent(world: &World, at: usize) -> bool {
    let above = &world.ledgers[world.parent(at)];
    let point = above.point(world.ledgers[at].id());
    point.is_some_and(|point| point.standing(above.height()) == Standing::Silent)
}

/// Whether proofs are asked for by now: of a contract's child a silence later.
pub fn provable(world: &World, at: usize) -> bool {
    let above = &world.ledgers[world.parent(at)];
    let point = above.point(world.ledgers[at].id());
    let is_judged = matches!(world.spot(at).regime, Regime::Contract | Regime::Junk);
    let silences = if is_judged { 2 } else { 1 };
    point.is_some_and(|point| above.height().0 > point.last_alive.0 + silences * SILENCE)
}

/// A claim that was taken.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Its number.
    pub n: u64,
    /// The ledger of the account.
    pub of: usize,
    /// What the proof shows.
    pub amount: u128,
}

/// A dead child and the claims on it.
pub struct Dead {
    /// Which.
    pub at: usize,
    /// Its last state that its parent knows.
    pub known: MapState,
    /// Taken claims.
    pub claims: Vec<Claimed>,
}

impl Dead {
    /// A child that is silent.
    pub fn new(world: &World, at: usize) -> Result<Self, Broken> {
        let above = &world.ledgers[world.parent(at)];
        let known = known(&world.ledgers[at], above.point(world.ledgers[at].id()))?;
        Ok(Self { at, known, claims: Vec::new() })
    }

    /// Everything that it has not settled goes back whole to who sent it, once.
    pub fn refund_all(world: &mut World, at: usize) -> Result<(), Broken> {
        let (parent, id, keeper) = (world.parent(at), world.ledgers[at].id(), world.cast.keepers[at].clone());
        let open = world.ledgers[parent].entries(id).into_iter().filter(InboxEntry::is_money);
        for entry in open.collect::<Vec<_>>() {
            let from = world.ledgers[parent].records.len();
            for is_first in [true, false] {
                let ledger = &world.ledgers[parent];
                let refund = keeper.refund(ledger.nonce(keeper.id, 0), id, entry.n);
                let said = world.send(parent, &keeper, refund)?;
                let expected = matches!(
                    (&said, is_first),
                    (Ok(()), true) | (Err(Rejected::Entry { .. } | Rejected::Unknown), false)
                );
                ensure(expected, "a dead child's open entries are paid back once", || {
                    format!("{} of {at}: {said:?}", entry.n)
                })?;
            }
            world.figures.refunds += 1;
            // What was returned by the parent belongs to who withdrew it; everything else goes back to who sent it.
            let is_returned = matches!(entry.kind, InboxKind::Returned { .. });
            let to = if is_returned { entry.to } else { entry.from.account() };
            let (n, asset, amount) = (entry.n, entry.asset, entry.amount);
            let paid = Event::PaidBack { associate: id, n, to, asset, amount };
            let mut events = world.ledgers[parent].records[from..].iter().flat_map(|record| &record.outcome.events);
            ensure(events.any(|event| *event == paid), "a refund is whole", || format!("{n} of {at}"))?;
        }
        Ok(())
    }

    /// Everybody claims what the last known states show: on the child, and on ledgers below it.
    pub fn claim_all(&mut self, world: &mut World, people: &[Person]) -> Result<(), Broken> {
        for person in people {
            self.claim(world, person, &[])?;
        }
        let below = (self.at + 1..world.ledgers.len()).filter(|at| world.line(*at).contains(&self.at));
        for at in below.take(BELOW_MAX).collect::<Vec<_>>() {
            let mut path = world.line(at);
            path.truncate(path.iter().position(|on| *on == self.at).unwrap_or(0));
            path.reverse();
            for person in people {
                self.claim(world, person, &path)?;
            }
        }
        Ok(())
    }

    /// One claim, of an account behind these ledgers; and once more, which is refused.
    pub fn claim(&mut self, world: &mut World, person: &Person, path: &[usize]) -> Result<(), Broken> {
        let (parent, id) = (world.parent(self.at), world.ledgers[self.at].id());
        let Some((ids, proofs, amount)) = self.proofs(world, person, path)? else { return Ok(()) };
        if world.ledgers[parent].account(person.id).balance < FEE.plus(FEE).unwrap_or(FEE) {
            return Ok(());
        }
        world.pools[parent].retain(|tx| tx.transaction().signer() != person.id);
        for is_first in [true, false] {
            let ledger = &world.ledgers[parent];
            let escape = person.escape(ledger.nonce(person.id, 0), id, (ids.clone(), proofs.clone()));
            let said = world.send(parent, person, escape)?;
            let expected = matches!((&said, is_first), (Ok(()), true) | (Err(Rejected::Claimed { .. }), false));
            ensure(expected, "what a dead child's state shows is claimed once", || {
                format!("{path:?} below {}: {said:?}", self.at)
            })?;
        }
        let point = world.ledgers[parent].point(id);
        let n = point.map_or(0, |point| point.claims.made.saturating_sub(1));
        self.claims.push(Claimed { n, of: path.last().copied().unwrap_or(self.at), amount });
        Ok(())
    }

    /// The proofs of what somebody has behind these ledgers; `None` where that is nothing.
    #[expect(clippy::type_complexity, reason = "the parts of one transaction")]
    fn proofs(
        &self,
        world: &World,
        person: &Person,
        path: &[usize],
    ) -> Result<Option<(Vec<AssociateId>, Vec<banyan_types::associate::ProofStep>, u128)>, Broken> {
        let (mut state, mut proofs, mut ids) = (self.known.clone(), Vec::new(), Vec::new());
        for at in path {
            let ledger = &world.ledgers[*at];
            let id = ledger.id();
            let Some(point) = read(&state, &key::point(id), |bytes| ConnectionPoint::decode(bytes).ok()) else {
                return Ok(None);
            };
            if point.point.seq == 0 {
                return Ok(None);
            }
            proofs.push(Ledger::prove(&state, &[key::point(id), key::escrow(id, Asset::Coin)]));
            ids.push(id);
            state = known(ledger, Some(point))?;
        }
        let account = read(&state, &key::account(person.id), |bytes| banyan_ledger::Account::decode(bytes).ok());
        let amount = account.map_or(0, |account| account.balance.base());
        proofs.push(Ledger::prove(&state, &[key::account(person.id)]));
        Ok((amount > 0).then_some((ids, proofs, amount)))
    }

    /// Wait for the end of the window, and tell what each claim was paid.
    pub fn paid(&self, world: &mut World) -> Result<BTreeMap<u64, u128>, Broken> {
        let (parent, id) = (world.parent(self.at), world.ledgers[self.at].id());
        let made = self.claims.len() as u64;
        let is_paid = |world: &World| world.ledgers[parent].point(id).is_none_or(|point| point.claims.paid >= made);
        world.wait(self.at, 4 * SILENCE, is_paid)?;
        let events = world.ledgers[parent].records.iter().flat_map(|record| &record.outcome.events);
        let paid = events.filter_map(|event| match event {
            Event::Escaped { associate, n, amount, .. } if *associate == id => Some((*n, amount.base())),
            _ => None,
        });
        Ok(paid.collect())
    }
}

/// The state of a ledger that its connection point shows.
fn known(ledger: &Ledger, point: Option<ConnectionPoint>) -> Result<MapState, Broken> {
    let point = point.ok_or_else(|| Broken::new("a child that dies was registered", ""))?.point;
    let is_known = |record: &super::super::chain::Record| {
        record.header.as_ref().is_some_and(|header| header.height <= point.child_to)
    };
    let state = ledger.state_at(ledger.records.partition_point(is_known));
    let root = state.root();
    ensure(root == point.root, "a parent knows its child's states", || format!("{root} up to {}", point.child_to))?;
    Ok(state)
}

fn read<T>(state: &MapState, at: &banyan_ledger::Key, decode: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    use banyan_ledger::Base as _;
    state.read(at).expect("a map answers").and_then(|bytes| decode(&bytes))
}

/// Whether a claim was paid its whole amount.
pub fn whole(paid: &BTreeMap<u64, u128>, claim: &Claimed) -> bool {
    paid.get(&claim.n) == Some(&claim.amount)
}

/// A sum of coins.
pub fn coins(coins: u64) -> Amount {
    Amount::coins(coins).expect("below the cap")
}
