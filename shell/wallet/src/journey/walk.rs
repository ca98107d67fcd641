//! Walk a plan to its end: send, follow, and check every step by a state proof.
//!
//! Nothing of what has happened is remembered: each step is looked up on the ledgers by the leg's name, so that a walk
//! that was interrupted anywhere goes on by starting again. Read [`Walk::run`] first.

use std::{
    thread,
    time::{Duration, Instant},
};

use banyan_ledger::{Key, key};
use banyan_types::{AccountId, Amount, Asset, AssociateId, Hash, Height, associate::InboxEntry};

use super::{
    path::Action,
    plan::{Leg, Plan},
};
use crate::{
    client::{Client, ClientError, Level, TxStatus, When},
    light::{Header, NotProven, Proven},
};

/// How often a ledger is asked whether something has happened.
const PAUSE: Duration = Duration::from_millis(60);
/// Open entries that are looked through for a leg, newest first.
const LOOK_BACK: u64 = 4_096;
/// Entries that one proof is asked for.
const LOOK_AT_ONCE: u64 = 128;
/// Child blocks that are gone back over to the one that credited an entry.
const BLOCKS_BACK: u64 = 64;

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
    /// The child has the coins.
    Credited,
    /// The parent has accepted the summary that carries it.
    Summarised {
        /// The summary's number.
        seq: u64,
    },
    /// The parent has paid, in a final block.
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

/// Why a walk ended before its end. The coins are on a ledger under their owner's key, or on their way.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The node does not answer, says no, or lies.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The transaction left the pool for good.
    #[error("the transaction of leg {leg} was dropped on {ledger}: {code}")]
    Dropped {
        /// Which leg.
        leg: usize,
        /// Where the coins still are.
        ledger: String,
        /// Why.
        code: String,
    },
    /// The child took it too late; the coins go back to where they came from with the child's next summary.
    #[error("leg {leg} came to {ledger} at parent height {height}, after its deadline {deadline}")]
    Skipped {
        /// Which leg.
        leg: usize,
        /// Which child.
        ledger: String,
        /// The parent height that the child had come to.
        height: Height,
        /// The last one that would have done.
        deadline: Height,
    },
    /// The time is over; the leg may still arrive.
    #[error("leg {leg} is not {waiting} after {seconds} s; it may still be")]
    TimedOut {
        /// Which leg.
        leg: usize,
        /// What was waited for.
        waiting: &'static str,
        /// How long.
        seconds: u64,
    },
    /// The state does not hold what it must: the ledger is broken.
    #[error("leg {leg}: {what}")]
    Broken {
        /// Which leg.
        leg: usize,
        /// What is wrong.
        what: String,
    },
}

impl From<NotProven> for Stopped {
    fn from(why: NotProven) -> Self {
        Self::Client(why.into())
    }
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
        plan.legs.iter().enumerate().try_for_each(|(index, leg)| self.leg(index, leg))
    }

    fn leg(&mut self, index: usize, leg: &Leg) -> Result<(), Stopped> {
        let (on, into) = (self.client.on(&leg.on), self.client.on(&leg.into));
        let mut under_way =
            UnderWay { index, leg, account: self.plan.account, on, into, begun: Instant::now(), limit: self.limit };
        match leg.action {
            Action::Commit => under_way.commit(self.tell),
            Action::Withdraw => under_way.withdraw(self.tell),
        }
    }
}

type Tell<'a> = &'a mut dyn FnMut(&Progress);

/// One leg under way.
struct UnderWay<'a> {
    index: usize,
    leg: &'a Leg,
    account: AccountId,
    on: Client,
    into: Client,
    begun: Instant,
    limit: Duration,
}

impl UnderWay<'_> {
    /// Down: into the parent's list, final there, credited by the child.
    fn commit(&mut self, tell: Tell<'_>) -> Result<(), Stopped> {
        self.send()?;
        self.tell(tell, Step::Received, None);
        self.until("ordered", |own| own.has_level(Level::Ordered))?;
        self.tell(tell, Step::Ordered, None);
        self.until("final", |own| own.has_level(Level::Hard))?;
        let Some((entry, checked)) = self.find_entry()? else {
            // The child's summary has settled it already: the list no longer holds it.
            self.tell(tell, Step::Final, None);
            return self.settled(tell);
        };
        self.tell(tell, Step::Final, Some(checked));
        self.tell(tell, Step::Entered { n: entry.n }, None);
        let height = self.until("credited", |own| own.child_passed(entry.n))?;
        let checked = self.credit(&entry, height)?;
        self.tell(tell, Step::Credited, Some(checked));
        Ok(())
    }

    /// Up: into the child's list, in a summary, paid by the parent.
    fn withdraw(&mut self, tell: Tell<'_>) -> Result<(), Stopped> {
        let before = self.paid(When::Top)?;
        self.send()?;
        self.tell(tell, Step::Received, None);
        let status = self.until("ordered", |own| own.has_level(Level::Ordered))?;
        let (n, checked) = self.find_withdrawal(&status)?;
        self.tell(tell, Step::Ordered, Some(checked));
        self.tell(tell, Step::Entered { n }, None);
        let seq = self.until("summarised", |own| own.summarised(n, When::Top))?;
        self.tell(tell, Step::Summarised { seq }, None);
        self.until("remitted", |own| own.summarised(n, When::Final))?;
        let after = self.paid(When::Final)?;
        let checked = self.remittance(&before, &after)?;
        self.tell(tell, Step::Remitted, Some(checked));
        Ok(())
    }

    /// Give the transaction to its ledger, unless that knows it. The same bytes again do no harm.
    fn send(&self) -> Result<(), Stopped> {
        if self.on.transaction(self.leg.tx.hash())?.is_some_and(|status| status.level.is_some()) {
            return Ok(());
        }
        self.on.submit(&self.leg.tx)?;
        Ok(())
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

    fn has_level(&self, level: Level) -> Result<Option<TxStatus>, Stopped> {
        let dropped = |code: String| Stopped::Dropped { leg: self.index, ledger: self.leg.on.clone(), code };
        let status = self.on.transaction(self.leg.tx.hash())?.ok_or_else(|| dropped("unknown".into()))?;
        match status.level {
            None => Err(dropped(status.status)),
            Some(reached) => Ok((reached >= level).then_some(status)),
        }
    }

    /// The leg's entry in the parent's list, as the last final block has it. `None` once it is settled.
    fn find_entry(&self) -> Result<Option<(InboxEntry, Checked)>, Stopped> {
        let id = self.leg.associate;
        let frame = [key::point(id), key::escrow(id, Asset::Coin)];
        let proven = self.on.prove(&frame, When::Final)?;
        let point = proven.point(id)?.ok_or_else(|| self.broken("the child is not registered"))?;
        let block = When::Block(proven.block());
        for range in back(point.inbox_acked, point.inbox_next) {
            let keys: Vec<Key> = range.clone().map(|n| key::inbox(id, n)).collect();
            let entries = self.on.prove(&keys, block)?;
            for n in range {
                if let Some(entry) = entries.inbox_entry(id, n)?.filter(|entry| entry.leg == self.leg.leg) {
                    let escrow = proven.escrow(id)?;
                    let facts = vec![
                        format!("inbox entry {n} holds {} BNY for {}", entry.amount, entry.to),
                        format!("escrow of {} holds {} BNY", self.leg.into, escrow.held()),
                    ];
                    self.expect(entry.amount == self.leg.amount && entry.to == self.account, "the entry differs")?;
                    return Ok(Some((entry, checked(&self.leg.on, &proven, facts))));
                }
            }
        }
        Ok(None)
    }

    /// Whether the child's newest block has passed inbox entry `n`: then that block's height.
    fn child_passed(&self, n: u64) -> Result<Option<Height>, Stopped> {
        let proven = self.into.prove(&[key::parent()], When::Top)?;
        Ok(inbox_of(&proven).filter(|inbox| *inbox > n).map(|_| proven.header().height()))
    }

    /// The child's block that passed the entry, and what it did to the account.
    fn credit(&self, entry: &InboxEntry, passed: Height) -> Result<Checked, Stopped> {
        let keys = [key::account(entry.to), key::parent()];
        let mut at = self.into.prove(&keys, When::Height(passed))?;
        let mut before = None;
        for back in 1..=BLOCKS_BACK.min(passed.0) {
            match self.into.prove(&keys, When::Height(Height(passed.0 - back))) {
                Ok(earlier) if inbox_of(&earlier).is_some_and(|inbox| inbox > entry.n) => at = earlier,
                Ok(earlier) => {
                    before = Some(earlier.balance(entry.to)?);
                    break;
                }
                // So old that its state is no longer kept: the block stays unnamed, the credit does not.
                Err(error) if error.is_gone() => break,
                Err(error) => return Err(error.into()),
            }
        }
        let named = at.parent_leaf()?.map_or(Height(0), |leaf| leaf.height);
        if before.is_some() && named > entry.deadline {
            let (leg, ledger, deadline) = (self.index, self.leg.into.clone(), entry.deadline);
            return Err(Stopped::Skipped { leg, ledger, height: named, deadline });
        }
        let after = at.balance(entry.to)?;
        let facts = match before {
            Some(before) => vec![format!("balance of {} went from {before} to {after} BNY", entry.to)],
            None => vec![format!("inbox entry {} is passed, balance of {} is {after} BNY", entry.n, entry.to)],
        };
        Ok(checked(&self.leg.into, &at, facts))
    }

    /// The parent's list no longer holds the entry: the child has settled it, and has the coins or has sent them back.
    fn settled(&self, tell: &mut dyn FnMut(&Progress)) -> Result<(), Stopped> {
        let proven = self.into.prove(&[key::account(self.account)], When::Top)?;
        let held = proven.balance(self.account)?;
        let facts = vec![format!("the entry is settled, balance of {} is {held} BNY", self.account)];
        self.tell(tell, Step::Credited, Some(checked(&self.leg.into, &proven, facts)));
        Ok(())
    }

    /// The leg's entry in the child's list, in the state after its block.
    fn find_withdrawal(&self, status: &TxStatus) -> Result<(u64, Checked), Stopped> {
        let block = status.block.as_ref().and_then(crate::client::At::block);
        let block = block.ok_or_else(|| self.broken("an ordered transaction without a block"))?;
        let when = match self.on.prove(&[key::parent()], When::Block(block)) {
            Err(error) if error.is_gone() => When::Top,
            answer => answer.map(|_| When::Block(block))?,
        };
        let proven = self.on.prove(&[key::parent(), key::account(self.account)], when)?;
        let leaf = proven.parent_leaf()?.ok_or_else(|| self.broken("the ledger is no child"))?;
        for range in back(leaf.outbox_acked, leaf.outbox) {
            let keys: Vec<Key> = range.clone().map(key::outbox).collect();
            let entries = self.on.prove(&keys, When::Block(proven.block()))?;
            for n in range {
                if let Some(entry) = entries.outbox_entry(n)?.filter(|entry| entry.leg == self.leg.leg) {
                    self.expect(entry.amount == self.leg.amount, "the entry differs")?;
                    let held = proven.balance(self.account)?;
                    let facts = vec![
                        format!("outbox entry {n} holds {} BNY for {}", entry.amount, entry.to),
                        format!("balance of {} is {held} BNY", self.account),
                    ];
                    return Ok((n, checked(&self.leg.on, &proven, facts)));
                }
            }
        }
        // Taken by the parent already, and forgotten here: the last number that is.
        let facts = vec![format!("outbox entries below {} are settled", leaf.outbox_acked)];
        Ok((leaf.outbox_acked.saturating_sub(1), checked(&self.leg.on, &proven, facts)))
    }

    /// Whether the parent has accepted a summary that takes outbox entry `n`: then its number.
    fn summarised(&self, n: u64, when: When) -> Result<Option<u64>, Stopped> {
        let proven = self.into.prove(&[key::point(self.leg.associate)], when)?;
        let point = proven.point(self.leg.associate)?.ok_or_else(|| self.broken("the child is not registered"))?;
        Ok((point.point.outbox_acked > n).then_some(point.point.seq))
    }

    /// What the parent has paid so far: proven escrow and balance.
    fn paid(&self, when: When) -> Result<Proven, Stopped> {
        Ok(self.into.prove(&[key::escrow(self.leg.associate, Asset::Coin), key::account(self.account)], when)?)
    }

    fn remittance(&self, before: &Proven, after: &Proven) -> Result<Checked, Stopped> {
        let id: AssociateId = self.leg.associate;
        let (was, is) = (before.escrow(id)?, after.escrow(id)?);
        let (had, has): (Amount, Amount) = (before.balance(self.account)?, after.balance(self.account)?);
        self.expect(is.remitted <= is.committed, "more came back than went down")?;
        // A walk that goes on after it was paid has nothing to compare with.
        let facts = if was.remitted == is.remitted {
            vec![
                format!("balance of {} is {has} BNY", self.account),
                format!("remitted in all are {} of {} BNY committed", is.remitted, is.committed),
            ]
        } else {
            vec![
                format!("balance of {} went from {had} to {has} BNY", self.account),
                format!(
                    "remitted in all went from {} to {} of {} BNY committed",
                    was.remitted, is.remitted, is.committed
                ),
            ]
        };
        Ok(checked(&self.leg.into, after, facts))
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
