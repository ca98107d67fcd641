//! One block being applied: the state, where we stand, and what has happened so far.

use banyan_fate::{Engine, engine::Failure};
use banyan_types::{AccountId, Height};

use crate::{
    Effects, Event, Missing, Params, State,
    leaf::{Account, Fees, Leaf, ParentLeaf, Supply, key},
    state::{Key, Mark},
};
use alloc::vec::Vec;

/// Claims on dead children that one block pays. Source: associates 7.
const SHARES_MAX: u32 = 1_000;

/// The state with what every rule needs beside it. Totals that every transaction touches are held here and written
/// once, by [`Scene::settle`].
pub struct Scene<'a, S> {
    pub state: &'a mut S,
    pub params: &'a Params,
    pub height: Height,
    pub ledger: Tally,
    pub events: Vec<Event>,
    pub effects: Effects,
    /// Runs contracts; it keeps loaded code for the rest of the block.
    pub engine: Engine,
    /// Claims on dead children that this block may still pay.
    pub shares_left: u32,
    /// Which contracts run.
    pub runs: Runs,
    /// Place of the running transaction in its block.
    pub index: u32,
    /// Why the last run failed: for people, never for a rule.
    pub failure: Option<Failure>,
}

/// Which contracts run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// All.
    All,
    /// Those that are asked whether they agree; the others are taken to end well, so that a look ahead costs little.
    Authentications,
}

/// Leaves that nearly every transaction changes.
#[derive(Debug, Clone)]
pub struct Tally {
    pub supply: Supply,
    pub fees: Fees,
    /// On a child: its side of the connection.
    pub parent: Option<ParentLeaf>,
}

/// A moment to return to when a transaction is refused.
#[derive(Clone)]
pub struct Moment {
    mark: Mark,
    ledger: Tally,
    events: usize,
    outbox: usize,
    skipped: usize,
}

impl<'a, S: State> Scene<'a, S> {
    /// Stand at `height` of the ledger that `state` holds.
    pub fn open(state: &'a mut S, params: &'a Params, height: Height) -> Result<Self, Missing> {
        let supply = load(state, &key::supply())?.ok_or(Missing("no supply leaf: the state has no genesis"))?;
        let fees = load(state, &key::fees())?.unwrap_or(Fees { amount: banyan_types::Amount::ZERO });
        let parent = load(state, &key::parent())?;
        let ledger = Tally { supply, fees, parent };
        Ok(Self {
            state,
            params,
            height,
            ledger,
            events: Vec::new(),
            effects: Effects::default(),
            engine: Engine::default(),
            shares_left: SHARES_MAX,
            runs: Runs::All,
            index: 0,
            failure: None,
        })
    }

    /// Write the totals.
    pub fn settle(&mut self) {
        save(self.state, key::supply(), &self.ledger.supply);
        save(self.state, key::fees(), &self.ledger.fees);
        if let Some(parent) = &self.ledger.parent {
            save(self.state, key::parent(), parent);
        }
    }

    pub fn account(&mut self, id: AccountId) -> Result<Option<Account>, Missing> {
        load(self.state, &key::account(id))
    }

    /// An account without nonce and balance needs no leaf.
    pub fn set_account(&mut self, id: AccountId, account: &Account) {
        let value = if account.is_empty() { None } else { Some(account.encode()) };
        self.state.put(key::account(id), value);
    }

    pub fn get<L: Leaf>(&mut self, key: &Key) -> Result<Option<L>, Missing> {
        load(self.state, key)
    }

    pub fn set<L: Leaf>(&mut self, key: Key, leaf: &L) {
        save(self.state, key, leaf);
    }

    pub fn remember(&mut self) -> Moment {
        Moment {
            mark: self.state.mark(),
            ledger: self.ledger.clone(),
            events: self.events.len(),
            outbox: self.effects.outbox.len(),
            skipped: self.effects.skipped.len(),
        }
    }

    pub fn forget_since(&mut self, moment: Moment) {
        self.state.rewind(moment.mark);
        self.ledger = moment.ledger;
        self.events.truncate(moment.events);
        self.effects.outbox.truncate(moment.outbox);
        self.effects.skipped.truncate(moment.skipped);
    }
}

/// Read a leaf. A value that does not decode is a broken disk, not a bad transaction.
pub fn load<L: Leaf>(state: &mut impl State, key: &Key) -> Result<Option<L>, Missing> {
    let value = state.get(key)?;
    value.map(|bytes| L::decode(&bytes).map_err(|_| Missing("a leaf does not decode"))).transpose()
}

/// Write a leaf.
pub fn save<L: Leaf>(state: &mut impl State, key: Key, leaf: &L) {
    state.put(key, Some(leaf.encode()));
}
