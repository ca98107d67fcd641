//! A child that makes itself coins and remits them, by its engine's true keys.

use std::collections::BTreeSet;

use banyan_ledger::{Changes, Rejected, Supply, key};
use banyan_types::{Amount, Bytes, Hash, Payee};

use super::Actor;
use crate::{
    law::{Broken, ensure},
    tree::{
        acts::{Move, signed_by},
        figures::Damage,
        plan::Regime,
        world::World,
    },
};

/// Coins that it gives itself: more than there are in any escrow.
const INVENTED: u64 = 1_000_000_000;

/// Ledgers of a tree that lie, at most: side by side, or one below the other.
const LIARS_MAX: u64 = 3;
/// How often each does.
const LIES_MAX: u64 = 3;

/// The liars, with how often each has lied.
pub struct Minter(Vec<(usize, u64)>);

impl Minter {
    pub fn new(world: &mut World) -> Self {
        let count = world.random.between(1, LIARS_MAX);
        let liars: BTreeSet<_> = (0..count).map(|_| world.some_child()).collect();
        world.fenced.extend(&liars);
        Self(liars.into_iter().map(|at| (at, 0)).collect())
    }
}

impl Actor for Minter {
    fn act(&mut self, world: &mut World, round: u64) -> Result<(), Broken> {
        for (at, lies) in &mut self.0 {
            let may = round > 2 && *lies < LIES_MAX && world.random.chance(300);
            if may && world.lives(*at) && !world.stopped.contains(at) {
                *lies += 1;
                world.quiet.insert(*at);
                world.liars.insert(*at);
                world.mint(*at);
                world.too_much(*at)?;
                world.unauthorised(*at)?;
                world.drain(*at)?;
            }
        }
        Ok(())
    }

    fn close(&mut self, world: &mut World) -> Result<(), Broken> {
        let id = |at: &usize| world.ledgers[*at].id();
        let flows = self.0.iter().map(|(at, _)| world.books.flows.get(&id(at)).copied().unwrap_or_default());
        let over = flows.into_iter().find(|flow| flow.remitted > flow.committed);
        ensure(over.is_none(), "L5: no more leaves a subtree than entered it", || format!("{over:?}"))
    }
}

impl World {
    /// Coins from nowhere for the crony, and a state whose sums hold over what it invents.
    pub(super) fn mint(&mut self, at: usize) {
        let (ledger, crony) = (&mut self.ledgers[at], self.cast.crony.id);
        let invented = Amount::coins(INVENTED).expect("below the cap");
        let (mut account, supply) = (ledger.account(crony), ledger.supply());
        let more = |amount: Amount| amount.plus(invented).expect("below the cap");
        account.balance = more(account.balance);
        let (minted, accounts) = (more(supply.minted), more(supply.accounts));
        let mut changes = Changes::new();
        changes.insert(key::account(crony), Some(account.encode()));
        changes.insert(key::supply(), Some(Supply { minted, accounts, ..supply }.encode()));
        ledger.state.commit(&changes);
    }

    /// A block in which the crony withdraws so much; whether it was made.
    fn crony_withdraws(&mut self, at: usize, amount: Amount) -> Result<bool, Broken> {
        let (crony, before) = (self.cast.crony.clone(), self.ledgers[at].records.len());
        let ledger = &self.ledgers[at];
        let what = Move { amount, route: vec![], leg: Hash([0xcc; 32]) };
        let withdraw = crony.withdraw(Payee::Account(crony.id), ledger.nonce(crony.id, 0), what);
        let tx = ledger.sign(&crony, withdraw);
        self.block(at, &[tx])?;
        // A liar calls final what it likes.
        let ledger = &mut self.ledgers[at];
        ledger.final_len = ledger.records.len();
        let last = ledger.records.last().filter(|_| ledger.records.len() > before);
        Ok(last.is_some_and(|record| !record.txs.is_empty()))
    }

    /// What may leave a child's escrow with its next summary, and what is to leave with it already.
    fn room(&self, at: usize) -> (u128, u128) {
        let (above, id) = (&self.ledgers[self.parent(at)], self.ledgers[at].id());
        let Some((summary, lines)) = self.summary_to(at, &self.ledgers[at], self.ledgers[at].records.len()) else {
            return (0, 0);
        };
        let open = above.entries(id).into_iter().filter(|entry| entry.n >= summary.inbox_acked);
        let waiting: u128 = open.map(|entry| entry.amount.base()).sum();
        let skipped = above.entries(id).into_iter().filter(|entry| summary.skipped.contains(&entry.n));
        let back: u128 = skipped.map(|entry| entry.amount.base()).sum();
        (
            above.escrow(id).held().base().saturating_sub(waiting),
            back + lines.iter().map(|line| line.amount.base()).sum::<u128>(),
        )
    }

    /// The remit of all that a liar's blocks say, sent at once; what the parent says to it.
    fn lie(&mut self, at: usize) -> Result<Option<Result<(), Rejected>>, Broken> {
        let len = self.ledgers[at].records.len();
        let Some(whole) = self.summary_to(at, &self.ledgers[at], len) else { return Ok(None) };
        let authorization = self.authorise(at, &whole.0, len);
        self.say(at, whole, authorization).map(Some)
    }

    /// One unit more than may leave is refused, and the liar takes its block back.
    fn too_much(&mut self, at: usize) -> Result<(), Broken> {
        let (room, leaves) = self.room(at);
        let amount = Amount::new(room.saturating_sub(leaves) + 1).expect("below the cap");
        let before = self.ledgers[at].records.len();
        if !self.crony_withdraws(at, amount)? {
            return Ok(());
        }
        // Its own block may have credited what was on the way, and so made room for that.
        let (room, leaves) = self.room(at);
        let said = self.lie(at)?;
        let refused = matches!(said, Some(Err(Rejected::Escrow { .. })));
        ensure(refused == (leaves > room), "no more leaves an escrow than is free in it", || {
            format!("{leaves} of {room} from ledger {at}: {said:?}")
        })?;
        if refused {
            self.figures.lies_refused += 1;
            while self.ledgers[at].records.len() > before {
                self.abandon(at);
            }
        }
        Ok(())
    }

    /// One operator alone, or a certificate of nobody, moves nothing.
    fn unauthorised(&mut self, at: usize) -> Result<(), Broken> {
        let len = self.ledgers[at].records.len();
        let Some(whole) = self.summary_to(at, &self.ledgers[at], len) else { return Ok(()) };
        let authorization = match self.spot(at).regime {
            Regime::Operators => {
                let message = whole.0.signing_message(&self.ledgers[self.parent(at)].params.network_id);
                signed_by(&message, self.cast.operators[at].iter().enumerate().take(1))
            }
            _ => Bytes(vec![7]),
        };
        let said = self.say(at, whole, authorization)?;
        self.figures.lies_refused += 1;
        ensure(said.is_err(), "nobody speaks for a child but who may", || format!("{at}: {said:?}"))
    }

    /// All that may leave does: that is the most a liar can do.
    fn drain(&mut self, at: usize) -> Result<(), Broken> {
        let (parent, id, crony) = (self.parent(at), self.ledgers[at].id(), self.cast.crony.id);
        // A block of nothing credits what is on its way, so that it can be taken as well.
        self.block(at, &[])?;
        let (room, leaves) = self.room(at);
        let Some(amount) = room.checked_sub(leaves).filter(|amount| *amount > 0).and_then(Amount::new) else {
            return Ok(());
        };
        if !self.crony_withdraws(at, amount)? {
            return Ok(());
        }
        let had = self.ledgers[parent].account(crony).balance.base();
        let escrow = self.ledgers[parent].escrow(id).held().base();
        let said = self.lie(at)?;
        ensure(matches!(said, Some(Ok(()))), "what is in its escrow a liar can take", || format!("{at}: {said:?}"))?;
        let taken = self.ledgers[parent].account(crony).balance.base().saturating_sub(had);
        self.figures.damages.push(Damage { taken, escrow });
        ensure(taken <= escrow && taken == amount.base(), "a lie takes what was in the escrow, and no more", || {
            format!("{taken} of {escrow}")
        })
    }
}
