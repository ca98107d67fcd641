//! Walk a plan to its end: send, follow, and check every step by a state proof.
//!
//! Nothing of what has happened is remembered: each step is looked up on the ledgers by the leg's name, so that a walk
//! that was interrupted anywhere goes on by starting again. A ledger sends on what arrives in the very block in which it
//! arrives: so the state after that block says for ever whether the next leg was begun or the money rests there. That
//! block is found by the counters of both sides, which only grow. Read [`Walk::run`] first. Rules: associates 5, 12.

use std::{
    thread,
    time::{Duration, Instant},
};

use banyan_ledger::{ConnectionPoint, Key, Rejected, key};
use banyan_types::{
    AccountId, Asset, Hash, Height, Payee,
    associate::{InboxEntry, OutboxEntry},
    tx::SignedTx,
};

use super::{
    draft::door,
    path::Action,
    plan::{Leg, Plan},
    stopped::Stopped,
};
use crate::{
    client::{At, Client, Level, TxStatus, When},
    light::{Header, Proven},
};

/// How often a ledger is asked whether something has happened.
const PAUSE: Duration = Duration::from_millis(60);
/// Open entries that are looked through for a leg, newest first.
const LOOK_BACK: u64 = 4_096;
/// Entries that one proof is asked for.
const LOOK_AT_ONCE: u64 = 128;

/// What has happened to a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// In the durable pool of the ledger that it leaves.
    Received,
    /// In a block there.
    Ordered,
    /// That block is final by its engine's own rule.
    Final,
    /// It stands in the parent's list for the child, or in the child's list for the parent, with this number.
    Entered {
        /// The number.
        n: u64,
    },
    /// The child has the coins, or has sent them on.
    Credited,
    /// The parent has accepted the summary that carries it.
    Summarised {
        /// The summary's number.
        seq: u64,
    },
    /// The parent has paid or has sent on, in a final block.
    Remitted,
}

impl Step {
    /// The step's name.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Ordered => "ordered",
            Self::Final => "final",
            Self::Entered { .. } => "entered",
            Self::Credited => "credited",
            Self::Summarised { .. } => "summarised",
            Self::Remitted => "remitted",
        }
    }

    /// How sure the step is on the ledger where it happens.
    pub const fn level(&self) -> Level {
        match self {
            Self::Received => Level::Received,
            Self::Ordered | Self::Summarised { .. } => Level::Ordered,
            Self::Final | Self::Entered { .. } | Self::Credited | Self::Remitted => Level::Hard,
        }
    }

    /// Whether the leg is over with it.
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::Credited | Self::Remitted)
    }
}

/// What a state proof has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// On which ledger.
    pub ledger: String,
    /// After which block.
    pub block: Hash,
    /// Its height.
    pub height: Height,
    /// What the state holds, in words.
    pub facts: Vec<String>,
}

/// One step of one leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Which leg, from 0.
    pub leg: usize,
    /// What has happened.
    pub step: Step,
    /// How long after the leg was begun.
    pub after: Duration,
    /// The wallet's own check of it.
    pub checked: Option<Checked>,
}

/// A plan under way.
pub struct Walk<'a> {
    client: &'a Client,
    plan: &'a Plan,
    /// Most that each leg may take.
    limit: Duration,
    tell: &'a mut dyn FnMut(&Progress),
}

impl<'a> Walk<'a> {
    /// Walk `plan` over the ledgers of the node of `client`; each step is told to `tell`.
    pub fn new(client: &'a Client, plan: &'a Plan, limit: Duration, tell: &'a mut dyn FnMut(&Progress)) -> Self {
        Self { client, plan, limit, tell }
    }

    /// Walk to the end; also what was walked before.
    /// # Errors
    /// The first [`Stopped`]; walking again goes on from there.
    pub fn run(mut self) -> Result<(), Stopped> {
        let plan = self.plan;
        let mut arrived = None;
        for (index, leg) in plan.legs.iter().enumerate() {
            arrived = self.leg(index, leg, arrived)?;
        }
        Ok(())
    }

    fn leg(&mut self, index: usize, leg: &Leg, arrived: Option<Hash>) -> Result<Option<Hash>, Stopped> {
        let (on, into) = (self.client.on(&leg.on), self.client.on(&leg.into));
        let (account, entered_as) = (self.plan.account, self.plan.entered_as(index));
        let under_way =
            UnderWay { index, leg, account, entered_as, on, into, begun: Instant::now(), limit: self.limit };
        match leg.action {
            Action::Commit => under_way.commit(self.tell, arrived),
            Action::Withdraw => under_way.withdraw(self.tell, arrived),
        }
    }
}

type Tell<'a> = &'a mut dyn FnMut(&Progress);

/// One leg under way.
struct UnderWay<'a> {
    index: usize,
    leg: &'a Leg,
    account: AccountId,
    /// Its name in the ledgers' lists.
    entered_as: Hash,
    on: Client,
    into: Client,
    begun: Instant,
    limit: Duration,
}

/// What a list says of a leg.
enum Listed<T> {
    /// It stands there.
    Here(T, Checked),
    /// The state in which it had to stand does not hold it: it was never begun.
    Never(Proven),
    /// That state is no longer kept, and no newer one holds it.
    Gone,
}

impl UnderWay<'_> {
    /// Down: into the parent's list, final there, credited by the child. The child's block that did, if it can be named.
    fn commit(&self, tell: Tell<'_>, arrived: Option<Hash>) -> Result<Option<Hash>, Stopped> {
        let begun = match &self.leg.tx {
            Some(tx) => Some(self.send(tx, Level::Hard, tell)?),
            None => arrived,
        };
        let entry = match self.find_entry(begun)? {
            Listed::Here(entry, checked) => {
                self.tell(tell, Step::Entered { n: entry.n }, Some(checked));
                entry
            }
            Listed::Never(state) => return Err(self.rests(&state)?),
            Listed::Gone if self.leg.tx.is_some() => return self.settled(tell),
            Listed::Gone => return Err(self.forgotten()),
        };
        let passed = |child: &Proven| Ok(inbox_of(child).is_some_and(|inbox| inbox > entry.n));
        let keys = [key::account(entry.to), key::parent()];
        self.until("credited", |own| Ok(passed(&own.into.prove(&keys, When::Final)?)?.then_some(())))?;
        let (after, before) = self.first(&keys, passed)?;
        let named = after.parent_leaf()?.map_or(Height(0), |leaf| leaf.height);
        if named > entry.deadline {
            // Where the block cannot be named, one before it may have been in time.
            before.ok_or_else(|| self.forgotten())?;
            return Err(self.skipped(&entry, named)?);
        }
        let checked = self.credit(&entry, &after, before.as_ref())?;
        self.tell(tell, Step::Credited, Some(checked));
        Ok(before.map(|_| after.block()))
    }

    /// Up: into the child's list, in a summary, paid by the parent. The parent's block that paid, if it can be named.
    fn withdraw(&self, tell: Tell<'_>, arrived: Option<Hash>) -> Result<Option<Hash>, Stopped> {
        let begun = match &self.leg.tx {
            Some(tx) => Some(self.send(tx, Level::Ordered, tell)?),
            None => arrived,
        };
        let n = match self.find_withdrawal(begun)? {
            Listed::Here(entry, checked) => {
                self.tell(tell, Step::Entered { n: entry.n }, Some(checked));
                entry.n
            }
            Listed::Never(state) => return Err(self.rests(&state)?),
            Listed::Gone if self.leg.tx.is_some() => return self.settled(tell),
            Listed::Gone => return Err(self.forgotten()),
        };
        let (id, account) = (self.leg.associate, key::account(self.account));
        let keys = [key::point(id), key::escrow(id, Asset::Coin), account];
        let taken = |parent: &Proven| {
            let point = parent.point(id)?.ok_or_else(|| self.broken("the child is not registered"))?.point;
            Ok((point.outbox_acked > n).then_some(point.seq))
        };
        let seq = self.until("summarised", |own| taken(&own.into.prove(&keys, When::Top)?))?;
        self.tell(tell, Step::Summarised { seq }, None);
        self.until("remitted", |own| taken(&own.into.prove(&keys, When::Final)?))?;
        let (after, before) = self.first(&keys, |parent| Ok(taken(parent)?.is_some()))?;
        let checked = self.remittance(&after, before.as_ref())?;
        self.tell(tell, Step::Remitted, Some(checked));
        Ok(before.map(|_| after.block()))
    }

    /// Give the transaction to its ledger, unless that knows it, and wait for the level there; the same bytes again do no
    /// harm. The block that holds it.
    fn send(&self, tx: &SignedTx, level: Level, tell: Tell<'_>) -> Result<Hash, Stopped> {
        if self.on.transaction(tx.hash())?.is_none_or(|status| status.level.is_none()) {
            self.on.submit(tx)?;
        }
        self.tell(tell, Step::Received, None);
        let mut status = self.until("ordered", |own| own.has_level(tx, Level::Ordered))?;
        self.tell(tell, Step::Ordered, None);
        if level > Level::Ordered {
            status = self.until("final", |own| own.has_level(tx, level))?;
            self.tell(tell, Step::Final, None);
        }
        let block = status.block.as_ref().and_then(At::block);
        block.ok_or_else(|| self.broken("an ordered transaction without a block"))
    }

    fn tell(&self, tell: &mut dyn FnMut(&Progress), step: Step, checked: Option<Checked>) {
        tell(&Progress { leg: self.index, step, after: self.begun.elapsed(), checked });
    }

    /// Ask again and again until there is an answer.
    fn until<T>(&self, waiting: &'static str, ask: impl Fn(&Self) -> Result<Option<T>, Stopped>) -> Result<T, Stopped> {
        loop {
            if let Some(answer) = ask(self)? {
                return Ok(answer);
            }
            if self.begun.elapsed() >= self.limit {
                return Err(Stopped::TimedOut { leg: self.index, waiting, seconds: self.limit.as_secs() });
            }
            thread::sleep(PAUSE);
        }
    }

    fn has_level(&self, tx: &SignedTx, level: Level) -> Result<Option<TxStatus>, Stopped> {
        let dropped = |code: String| Stopped::Dropped { leg: self.index, ledger: self.leg.on.clone(), code };
        let status = self.on.transaction(tx.hash())?.ok_or_else(|| dropped("unknown".into()))?;
        match status.level {
            None => Err(dropped(status.status)),
            Some(reached) => Ok((reached >= level).then_some(status)),
        }
    }

    /// The states in which a list may hold the leg: after the block that began it, else the last final one.
    fn states(&self, begun: Option<Hash>, keys: &[Key]) -> Result<(Proven, bool), Stopped> {
        if let Some(block) = begun {
            match self.on.prove(keys, When::Block(block)) {
                Err(error) if error.is_gone() => {}
                answer => return Ok((answer?, true)),
            }
        }
        Ok((self.on.prove(keys, When::Final)?, false))
    }

    /// The leg's entry in the parent's list.
    fn find_entry(&self, begun: Option<Hash>) -> Result<Listed<InboxEntry>, Stopped> {
        let id = self.leg.associate;
        let (state, exact) = self.states(begun, &door(id, self.account))?;
        let Some(point) = state.point(id)? else { return Ok(Listed::Never(state)) };
        for range in back(point.inbox_acked, point.inbox_next) {
            let keys: Vec<Key> = range.clone().map(|n| key::inbox(id, n)).collect();
            let entries = self.on.prove(&keys, When::Block(state.block()))?;
            for n in range {
                if let Some(entry) = entries.inbox_entry(id, n)?.filter(|entry| self.is_ours(entry.leg, entry.from)) {
                    self.expect(entry.amount == self.leg.amount && entry.to == self.account, "the entry differs")?;
                    let facts = vec![
                        format!("inbox entry {n} holds {} BNY for {}", entry.amount, entry.to),
                        format!("escrow of {} holds {} BNY", self.leg.into, state.escrow(id)?.held()),
                    ];
                    return Ok(Listed::Here(entry, checked(&self.leg.on, &state, facts)));
                }
            }
        }
        Ok(if exact { Listed::Never(state) } else { Listed::Gone })
    }

    /// The leg's entry in the child's list.
    fn find_withdrawal(&self, begun: Option<Hash>) -> Result<Listed<OutboxEntry>, Stopped> {
        let (state, exact) = self.states(begun, &[key::parent(), key::account(self.account)])?;
        let leaf = state.parent_leaf()?.ok_or_else(|| self.broken("the ledger is no child"))?;
        for range in back(leaf.outbox_acked, leaf.outbox) {
            let keys: Vec<Key> = range.clone().map(key::outbox).collect();
            let entries = self.on.prove(&keys, When::Block(state.block()))?;
            for n in range {
                if let Some(entry) =
                    entries.outbox_entry(n)?.filter(|entry| self.is_ours(entry.leg, Payee::Account(entry.from)))
                {
                    self.expect(entry.amount == self.leg.amount, "the entry differs")?;
                    let facts = vec![
                        format!("outbox entry {n} holds {} BNY for {}", entry.amount, entry.to),
                        format!("balance of {} is {} BNY", self.account, state.balance(self.account)?),
                    ];
                    return Ok(Listed::Here(entry, checked(&self.leg.on, &state, facts)));
                }
            }
        }
        Ok(if exact { Listed::Never(state) } else { Listed::Gone })
    }

    /// Whether an entry is the leg's: anybody may write its name, but not for this account.
    fn is_ours(&self, leg: Hash, from: Payee) -> bool {
        leg == self.entered_as && from == Payee::Account(self.account)
    }

    /// The first state of the ledger where the leg arrives of which `arrived` is true, and the one before it if that is
    /// kept too. What `arrived` reads only grows, so the heights are halved.
    fn first(
        &self,
        keys: &[Key],
        arrived: impl Fn(&Proven) -> Result<bool, Stopped>,
    ) -> Result<(Proven, Option<Proven>), Stopped> {
        let mut after = self.into.prove(keys, When::Final)?;
        let mut before: Option<Proven> = None;
        let (mut low, mut end) = (0, after.header().height().0);
        while low < end {
            let middle = low + (end - low) / 2;
            match self.into.prove(keys, When::Height(Height(middle))) {
                Err(error) if error.is_gone() => low = middle + 1,
                answer => {
                    let state = answer?;
                    if arrived(&state)? {
                        (end, after) = (middle, state);
                    } else {
                        (low, before) = (middle + 1, Some(state));
                    }
                }
            }
        }
        let before = before.filter(|state| state.header().height().0.checked_add(1) == Some(end));
        Ok((after, before))
    }

    /// What the child's block that passed the entry did to the account.
    fn credit(&self, entry: &InboxEntry, after: &Proven, before: Option<&Proven>) -> Result<Checked, Stopped> {
        let has = after.balance(entry.to)?;
        let facts = match before {
            Some(before) => {
                vec![format!("balance of {} went from {} to {has} BNY", entry.to, before.balance(entry.to)?)]
            }
            None => vec![format!("inbox entry {} is passed, balance of {} is {has} BNY", entry.n, entry.to)],
        };
        Ok(checked(&self.leg.into, after, facts))
    }

    /// The list no longer holds what was signed: the other side has settled it, and has the coins or has sent them back.
    fn settled(&self, tell: Tell<'_>) -> Result<Option<Hash>, Stopped> {
        let proven = self.into.prove(&[key::account(self.account)], When::Final)?;
        let held = proven.balance(self.account)?;
        let facts = vec![format!("the entry is settled, balance of {} is {held} BNY", self.account)];
        let step = if self.leg.action == Action::Commit { Step::Credited } else { Step::Remitted };
        self.tell(tell, step, Some(checked(&self.leg.into, &proven, facts)));
        Ok(None)
    }

    /// The child took it too late: wait until the coins are back.
    fn skipped(&self, entry: &InboxEntry, height: Height) -> Result<Stopped, Stopped> {
        let id = self.leg.associate;
        self.until("paid back", |own| {
            let point = own.on.prove(&[key::point(id)], When::Final)?.point(id)?;
            Ok(point.is_none_or(|point| point.inbox_acked > entry.n).then_some(()))
        })?;
        let (leg, child, ledger) = (self.index, self.leg.into.clone(), self.leg.on.clone());
        Ok(Stopped::Skipped { leg, child, height, deadline: entry.deadline, ledger, amount: entry.amount })
    }

    /// The state after the coins arrived does not hold the leg: they rest where they arrived.
    fn rests(&self, state: &Proven) -> Result<Stopped, Stopped> {
        if self.leg.tx.is_some() {
            return Ok(self.broken("an ordered transaction has left no entry"));
        }
        let id = self.leg.associate;
        let why = match self.leg.action {
            Action::Commit => {
                let (height, may_receive) = (state.header().height(), state.may_receive(id, self.account)?);
                let refusal =
                    |point: ConnectionPoint| point.refusal(height, self.account, may_receive, self.leg.amount);
                state.point(id)?.map_or(Some(Rejected::Unknown), refusal)
            }
            Action::Withdraw => Some(Rejected::OutboxFull { max: banyan_types::limits::REMIT_LINES_MAX }),
        };
        let why = why.map_or_else(|| format!("{} did not take them", self.leg.into), |why| why.to_string());
        let amount = self.leg.amount.plus(self.leg.fee).unwrap_or(self.leg.amount);
        Ok(Stopped::Rests { leg: self.index, ledger: self.leg.on.clone(), amount, why })
    }

    fn remittance(&self, after: &Proven, before: Option<&Proven>) -> Result<Checked, Stopped> {
        let (id, account) = (self.leg.associate, self.account);
        let (is, has) = (after.escrow(id)?, after.balance(account)?);
        self.expect(is.remitted <= is.committed, "more came back than went down")?;
        let facts = match before {
            Some(before) => vec![
                format!("balance of {account} went from {} to {has} BNY", before.balance(account)?),
                format!(
                    "remitted in all went from {} to {} of {} BNY committed",
                    before.escrow(id)?.remitted,
                    is.remitted,
                    is.committed
                ),
            ],
            None => vec![
                format!("balance of {account} is {has} BNY"),
                format!("remitted in all are {} of {} BNY committed", is.remitted, is.committed),
            ],
        };
        Ok(checked(&self.leg.into, after, facts))
    }

    fn forgotten(&self) -> Stopped {
        Stopped::Forgotten { leg: self.index, ledger: self.leg.on.clone() }
    }

    fn broken(&self, what: &str) -> Stopped {
        Stopped::Broken { leg: self.index, what: what.into() }
    }

    fn expect(&self, holds: bool, what: &str) -> Result<(), Stopped> {
        if holds { Ok(()) } else { Err(self.broken(what)) }
    }
}

fn checked(ledger: &str, proven: &Proven, facts: Vec<String>) -> Checked {
    Checked { ledger: ledger.into(), block: proven.block(), height: proven.header().height(), facts }
}

/// Inbox entries below this number are settled, as a child's header says.
fn inbox_of(proven: &Proven) -> Option<u64> {
    match proven.header() {
        Header::Child(header) => Some(header.inbox_to),
        Header::Key(_) | Header::Micro(_) => None,
    }
}

/// `from..to` in parts for one proof each, the newest first, as far back as is looked.
fn back(from: u64, to: u64) -> impl Iterator<Item = std::ops::Range<u64>> {
    let from = from.max(to.saturating_sub(LOOK_BACK));
    let mut end = to;
    std::iter::from_fn(move || {
        let start = end.saturating_sub(LOOK_AT_ONCE).max(from);
        let part = (start < end).then_some(start..end);
        end = start;
        part
    })
}

#[cfg(test)]
mod tests {
    use super::back;

    #[test]
    fn lists_are_looked_through_from_their_end_in_bounded_parts() {
        let parts = |from, to| back(from, to).map(|part| (part.start, part.end)).collect::<Vec<_>>();
        assert_eq!(parts(3, 3), []);
        assert_eq!(parts(0, 5), [(0, 5)]);
        assert_eq!(parts(10, 300), [(172, 300), (44, 172), (10, 44)]);
        let far = parts(0, 1_000_000);
        assert_eq!((far.len(), far.last().unwrap().0), (32, 1_000_000 - 4_096));
    }
}
