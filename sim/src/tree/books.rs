//! What users own over the whole tree, and what each escrow has seen, kept by what blocks say that they did.

use std::collections::BTreeMap;

use banyan_ledger::{Event, HOP_GAS};
use banyan_types::{AccountId, Amount, AssociateId, Status, tx::Transaction};

use super::{acts::GAS_PRICE, chain::Record};

/// What a routed hop pays.
const HOP_FEE: i128 = (HOP_GAS.0 as u128 * GAS_PRICE.0).cast_signed();

/// What went into an escrow and came out of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// By commits.
    pub committed: i128,
    /// By bonds of culprits.
    pub gained: i128,
    /// By everything that pays out.
    pub remitted: i128,
}

/// The books.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// What each user must own outside the fenced subtrees: it falls by fees only, and by what goes over a fence.
    pub due: BTreeMap<AccountId, i128>,
    /// For each child, as its parent's events tell.
    pub flows: BTreeMap<AssociateId, Flow>,
}

/// Which children are behind a fence, as seen from the ledger of a block.
pub type Fenced<'a> = &'a dyn Fn(AssociateId) -> bool;

impl Books {
    /// Enter a block of a ledger, or take it out again with `sign` -1. `is_outside` says whether the ledger itself is
    /// outside all fences.
    pub fn enter(&mut self, record: &Record, is_outside: bool, fenced: Fenced<'_>, sign: i128) {
        for event in &record.outcome.events {
            self.enter_flow(event, sign);
            if is_outside {
                self.enter_user(event, fenced, sign);
            }
        }
        if is_outside {
            for (account, hops) in hops(record) {
                self.owe(account, -HOP_FEE * hops * sign);
            }
        }
    }

    fn owe(&mut self, account: AccountId, amount: i128) {
        if let Some(due) = self.due.get_mut(&account) {
            *due += amount;
        }
    }

    fn enter_user(&mut self, event: &Event, fenced: Fenced<'_>, sign: i128) {
        let units = |amount: &Amount| sign * base(*amount);
        match event {
            Event::Charged { account, amount, .. } => self.owe(*account, -units(amount)),
            Event::Refunded { account, amount, .. } | Event::Rewarded { account, amount } => {
                self.owe(*account, units(amount));
            }
            Event::Spent { from, to, amount } => {
                self.owe(*from, -units(amount));
                self.owe(*to, units(amount));
            }
            Event::Committed { associate, to, amount, .. } if fenced(*associate) => self.owe(*to, -units(amount)),
            Event::Remitted { associate, to, amount, .. }
            | Event::PaidBack { associate, to, amount, .. }
            | Event::Escaped { associate, to, amount, .. }
                if fenced(*associate) =>
            {
                self.owe(*to, units(amount));
            }
            _ => {}
        }
    }

    fn enter_flow(&mut self, event: &Event, sign: i128) {
        let mut flow = |associate: &AssociateId, change: &dyn Fn(&mut Flow)| {
            change(self.flows.entry(*associate).or_default());
        };
        match event {
            Event::Committed { associate, amount, .. } => {
                flow(associate, &|flow| flow.committed += sign * base(*amount));
            }
            Event::OperatorSlashed { associate, amount, reward, .. } => {
                flow(associate, &|flow| flow.gained += sign * (base(*amount) - base(*reward)));
            }
            Event::Remitted { associate, amount, .. }
            | Event::PaidBack { associate, amount, .. }
            | Event::Escaped { associate, amount, .. }
            | Event::Forfeited { associate, amount, .. } => {
                flow(associate, &|flow| flow.remitted += sign * base(*amount));
            }
            _ => {}
        }
    }
}

/// How many hops a block has begun by itself for each account: what went on its way without a signature.
fn hops(record: &Record) -> BTreeMap<AccountId, i128> {
    let mut hops = BTreeMap::new();
    let lines = record.outcome.effects.outbox.iter().map(|line| line.from);
    let commits = record.committed.iter().map(|(_, entry)| entry.from.account());
    lines.chain(commits).for_each(|account| *hops.entry(account).or_default() += 1);
    for (tx, receipt) in record.txs.iter().zip(&record.outcome.receipts) {
        let from = match tx.transaction() {
            Transaction::AssociateCommit(tx) => tx.from_id,
            Transaction::AssociateWithdraw(tx) => tx.from_id,
            _ => continue,
        };
        if receipt.status == Status::Ok {
            *hops.entry(from).or_default() -= 1;
        }
    }
    hops
}

/// An amount as a number that may go below zero.
pub fn base(amount: Amount) -> i128 {
    i128::try_from(amount.base()).unwrap_or(i128::MAX)
}
