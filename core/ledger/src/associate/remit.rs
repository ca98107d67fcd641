//! On the parent: accept a child's summary and pay out what it lists. Rules: associates 3, 6.

use banyan_types::{
    Amount, Asset, AssociateId, Bytes, ContractId, Hash, Payee,
    associate::{InboxEntry, InboxKind, OutboxEntry, Regime, Summary},
    limits::INBOX_ACKED_PER_REMIT_MAX,
    tx::{AssociateRemit, SignedTx},
};

use super::{authority::Authority, certificate::check_certified, contract::Asker, notice};
use crate::{
    BlockHash, ConnectionPoint, Event, Missing, Point, Rejected, RemitSpan, Standing, State, Status,
    leaf::key,
    rules::{Done, Under},
    scene::Scene,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

/// Whose word a remit rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// The child's own, by its regime: it is alive.
    Own,
    /// The same, by the validators of the present epoch.
    OwnOfPresent,
    /// That of the accounts named for a child that is dead.
    Recovery,
}

/// Whom a remit's authorization is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// This word was said.
    Said(Word),
    /// The contract is asked when everything else holds.
    Contract(ContractId),
}

/// Sums, for each asset.
type Totals = BTreeMap<Asset, Amount>;

/// The inbox entries that a summary settles.
struct Settled {
    /// All of them, in number order.
    entries: Vec<InboxEntry>,
    /// Those that the child did not credit, to be paid back.
    skipped: Vec<InboxEntry>,
}

impl<S: State> Scene<'_, S> {
    pub(crate) fn remit(&mut self, signed: &SignedTx, tx: &AssociateRemit, under: &Under) -> Result<Done, Rejected> {
        let (id, summary) = (tx.associate_id, &tx.summary);
        let mut point = self.point(id)?;
        if summary.associate != id {
            return Err(Rejected::Unknown);
        }
        check_standing(&point, point.standing(self.height))?;
        check_sequence(&point, summary)?;
        self.check_parent(&point, summary)?;
        let settled = self.check_inbox(&point, summary)?;
        check_outbox(&point, summary, &tx.lines)?;
        let word = self.authorise(&point, summary, &tx.authorization)?;
        let totals = check_totals(&point, &settled, &tx.lines)?;
        self.check_escrow(id, &settled, &totals)?;
        point.span = self.check_rate(&point, &tx.lines)?;
        let (word, done) = match word {
            Asked::Said(word) => (word, Done::plain()),
            Asked::Contract(contract) => {
                let asker = Asker { child: id, contract, from: tx.from_id, fee: tx.fee, signed, under };
                let total = totals.get(&Asset::Coin).copied().unwrap_or(Amount::ZERO);
                let (agrees, done) = self.ask_for_remit(&asker, tx, total)?;
                if !agrees {
                    return Ok(done);
                }
                (Word::Own, done)
            }
        };

        self.settle_inbox(id, &settled)?;
        point.inbox_acked = summary.inbox_acked;
        point.inbox_acked_hash = summary.inbox_hash;
        match word {
            Word::Own | Word::OwnOfPresent => {
                point.last_alive = self.height;
                point.thaw();
            }
            Word::Recovery => self.bury(id, &mut point)?,
        }
        if let (Word::OwnOfPresent, Regime::Certificate(validators)) = (word, &mut point.regime) {
            // The epoch before is over: what its validators sign from now on says nothing.
            validators.previous = None;
        }
        point.point = Point {
            seq: summary.seq,
            child_to: summary.child_to,
            block_hash: summary.block_hash,
            root: summary.root,
            parent_height: summary.parent_height,
            accepted_at: self.height,
            outbox_acked: summary.outbox_acked,
            outbox_hash: summary.outbox_hash,
            skipped_hash: super::skip_chain(point.point.skipped_hash, &summary.skipped),
        };
        let taken = InboxKind::RemitDone { seq: summary.seq, outbox: summary.outbox_acked };
        self.tell(id, &mut point, notice(taken, tx.from_id))?;
        // The point is written before lines are delivered: a routed line may commit into this very child again.
        self.set_point(id, &point);
        for line in &tx.lines {
            self.deliver_line(id, line)?;
        }
        self.events.push(Event::Summarised { associate: id, seq: summary.seq, child_to: summary.child_to });
        self.retire(id)?;
        Ok(done)
    }

    /// The named parent block must be on this chain and not older than one named before.
    fn check_parent(&mut self, point: &ConnectionPoint, summary: &Summary) -> Result<(), Rejected> {
        let got = summary.parent_height;
        if got > self.height {
            return Err(Rejected::ParentEarly { height: self.height, got });
        }
        let ring: Option<BlockHash> = self.get(&key::block_hash(got))?;
        let other = ring.is_some_and(|ring| ring.height == got && ring.hash != summary.parent_hash);
        if got < point.point.parent_height || other { Err(Rejected::Parent { got }) } else { Ok(()) }
    }

    /// What the child says of its inbox must be what this ledger wrote.
    fn check_inbox(&mut self, point: &ConnectionPoint, summary: &Summary) -> Result<Settled, Rejected> {
        let (from, got) = (point.inbox_acked, summary.inbox_acked);
        let to = match point.status {
            // What a dead child has not settled is refunded.
            Status::Dead { .. } => from,
            _ => point.inbox_next.min(from.saturating_add(INBOX_ACKED_PER_REMIT_MAX)),
        };
        let wrong = Rejected::Inbox { from, to, got };
        if got < from || got > to {
            return Err(wrong);
        }
        let mut entries = Vec::new();
        for n in from..got {
            let entry: Option<InboxEntry> = self.get(&key::inbox(summary.associate, n))?;
            entries.push(entry.ok_or(Missing("an open inbox entry is gone"))?);
        }
        if entries.last().map_or(point.inbox_acked_hash, |entry| entry.hash) != summary.inbox_hash {
            return Err(wrong);
        }
        let ascending = summary.skipped.is_sorted_by(|a, b| a < b);
        let skipped: Vec<_> = entries
            .iter()
            .filter(|entry| entry.is_money() && summary.skipped.binary_search(&entry.n).is_ok())
            .cloned()
            .collect();
        // A returned line is always credited below: only a commit can come too late.
        let commits = skipped.iter().all(|entry| entry.kind == InboxKind::Commit);
        if !ascending || !commits || skipped.len() != summary.skipped.len() {
            return Err(Rejected::Skipped);
        }
        Ok(Settled { entries, skipped })
    }

    /// Does the regime agree? Everything else in a remit is common to all regimes.
    fn authorise(&self, point: &ConnectionPoint, summary: &Summary, authorization: &Bytes) -> Result<Asked, Rejected> {
        let message = summary.signing_message(&self.params.network_id);
        let standing = point.standing(self.height);
        // They carry on for the outbox alone: what the child has not settled is refunded, and its root stays zero.
        let blank = summary.root == Hash::ZERO && point.point.root == Hash::ZERO;
        let may = standing.is_dead() && blank && summary.inbox_acked == point.inbox_acked;
        let recovery = Authority::recovery(point).filter(|_| may);
        let heard = match &recovery {
            Some(recovery) => recovery.check(&message, authorization),
            None => Err(Rejected::Ended { status: standing.as_str() }),
        };
        if heard.is_ok() {
            return Ok(Asked::Said(Word::Recovery));
        }
        match &point.regime {
            _ if standing == Standing::Dead => heard.map(|()| Asked::Said(Word::Recovery)),
            Regime::Operators => {
                let own = Authority::operators(point).check(&message, authorization);
                own.or_else(|why| if recovery.is_some() { heard } else { Err(why) }).map(|()| Asked::Said(Word::Own))
            }
            Regime::Certificate(validators) => {
                let present = check_certified(point, validators, summary, &authorization.0)?;
                Ok(Asked::Said(if present { Word::OwnOfPresent } else { Word::Own }))
            }
            Regime::Contract(contract) => Ok(Asked::Contract(*contract)),
        }
    }

    /// Rule 12: lines beyond the limit of the span wait. What goes back to its sender is no thief's.
    fn check_rate(&self, point: &ConnectionPoint, lines: &[OutboxEntry]) -> Result<RemitSpan, Rejected> {
        let (limit, heights) = (point.params.remit_limit, point.params.remit_limit_heights);
        let coins = lines.iter().filter(|line| line.asset == Asset::Coin);
        let lines = super::sum(coins.map(|line| line.amount))?;
        if heights == 0 || lines.is_zero() {
            return Ok(point.span.clone());
        }
        let runs = point.span.from.plus(heights).is_some_and(|end| self.height < end);
        let span = if runs { point.span.clone() } else { RemitSpan { from: self.height, amount: Amount::ZERO } };
        let amount = span.amount.plus(lines).ok_or(Rejected::Overflow)?;
        if amount > limit { Err(Rejected::RateLimit { limit, got: amount }) } else { Ok(RemitSpan { amount, ..span }) }
    }

    /// A liar must not pay out a commit that it has not credited: that money waits and is not the child's yet.
    fn check_escrow(&mut self, id: AssociateId, settled: &Settled, totals: &Totals) -> Result<(), Rejected> {
        let settled = settled.money()?;
        let assets: BTreeSet<_> = totals.keys().chain(settled.keys()).copied().collect();
        for asset in assets {
            let [total, settled] = [totals, &settled].map(|sums| sums.get(&asset).copied().unwrap_or(Amount::ZERO));
            let escrow = self.escrow(id, asset)?;
            let waiting = escrow.waiting.minus(settled).ok_or(Missing("less waits than the open entries hold"))?;
            let free = escrow.held().minus(waiting).ok_or(Missing("more waits than the escrow holds"))?;
            if total > free {
                return Err(Rejected::Escrow { escrow: free, total });
            }
        }
        Ok(())
    }

    /// Settled entries no longer wait; those that were skipped go back to who sent them.
    fn settle_inbox(&mut self, id: AssociateId, settled: &Settled) -> Result<(), Rejected> {
        for (asset, amount) in settled.money()? {
            self.wait_less(id, asset, amount)?;
        }
        for entry in &settled.entries {
            self.state.put(key::inbox(id, entry.n), None);
        }
        for entry in &settled.skipped {
            let (n, to, asset, amount) = (entry.n, entry.from.account(), entry.asset, entry.amount);
            let cargo = self.escrow_out(id, asset, amount)?;
            self.pay_cargo(to, cargo)?;
            self.events.push(Event::PaidBack { associate: id, n, to, asset, amount });
        }
        Ok(())
    }

    fn deliver_line(&mut self, id: AssociateId, line: &OutboxEntry) -> Result<(), Rejected> {
        let to = match line.to {
            Payee::Account(to) => to,
            // A contract can hold coins alone.
            Payee::Contract(to) if line.asset == Asset::Coin => match self.payable(to) {
                Ok(to) => to,
                Err(Rejected::Ours(missing)) => return Err(missing.into()),
                Err(_) => return self.return_line(id, line),
            },
            Payee::Contract(_) => return self.return_line(id, line),
        };
        let (n, asset, amount) = (line.n, line.asset, line.amount);
        let cargo = self.escrow_out(id, asset, amount)?;
        self.events.push(Event::Remitted { associate: id, n, to, asset, amount });
        // Who sent the line is what a child says.
        self.deliver(to, None, (&line.route, line.leg), cargo)
    }

    /// A line that cannot be paid never leaves the escrow: its money waits for the child again.
    fn return_line(&mut self, id: AssociateId, line: &OutboxEntry) -> Result<(), Rejected> {
        let mut point = self.point(id)?;
        let (n, asset, amount) = (line.n, line.asset, line.amount);
        let back = notice(InboxKind::Returned { outbox: n }, line.from);
        let back = InboxEntry { from: line.to, asset, amount, leg: line.leg, ..back };
        self.wait_more(id, asset, amount)?;
        self.tell(id, &mut point, back)?;
        self.set_point(id, &point);
        self.events.push(Event::Undelivered { associate: id, n, asset, amount });
        Ok(())
    }

    pub(super) fn wait_less(&mut self, id: AssociateId, asset: Asset, amount: Amount) -> Result<(), Rejected> {
        let mut escrow = self.escrow(id, asset)?;
        escrow.waiting = escrow.waiting.minus(amount).ok_or(Missing("less waits than the open entries hold"))?;
        self.set_escrow(id, asset, &escrow);
        Ok(())
    }

    fn wait_more(&mut self, id: AssociateId, asset: Asset, amount: Amount) -> Result<(), Rejected> {
        let mut escrow = self.escrow(id, asset)?;
        escrow.waiting = escrow.waiting.plus(amount).ok_or(Rejected::Overflow)?;
        self.set_escrow(id, asset, &escrow);
        Ok(())
    }
}

impl Settled {
    /// What the settled entries carry.
    fn money(&self) -> Result<Totals, Rejected> {
        totals(self.entries.iter().filter(|entry| entry.is_money()).map(|entry| (entry.asset, entry.amount)))
    }
}

/// Sums of amounts, for each asset.
fn totals(amounts: impl IntoIterator<Item = (Asset, Amount)>) -> Result<Totals, Rejected> {
    let mut all = Totals::new();
    for (asset, amount) in amounts {
        let sum = all.entry(asset).or_insert(Amount::ZERO);
        *sum = sum.plus(amount).ok_or(Rejected::Overflow)?;
    }
    Ok(all)
}

/// Rule 2. A dead child remits no more, unless those speak whom it has named for that.
fn check_standing(point: &ConnectionPoint, standing: Standing) -> Result<(), Rejected> {
    match standing {
        Standing::Dead if Authority::recovery(point).is_none() || point.point.root != Hash::ZERO => {
            Err(Rejected::Ended { status: standing.as_str() })
        }
        Standing::Frozen => Err(Rejected::Status { status: standing.as_str() }),
        _ => Ok(()),
    }
}

fn check_sequence(point: &ConnectionPoint, summary: &Summary) -> Result<(), Rejected> {
    let (expected, got) = (point.point.seq.saturating_add(1), summary.seq);
    if got < expected {
        return Err(Rejected::SequenceUsed { expected, got });
    }
    if got > expected {
        return Err(Rejected::SequenceEarly { expected, got });
    }
    let (from, to) = (summary.child_from, summary.child_to);
    if from != point.point.child_to || to < from {
        return Err(Rejected::Range { expected: point.point.child_to, from, to });
    }
    Ok(())
}

/// The lines must be what the child's outbox holds between the last summary and this one.
fn check_outbox(point: &ConnectionPoint, summary: &Summary, lines: &[OutboxEntry]) -> Result<(), Rejected> {
    let (got, max) = (lines.len() as u64, point.params.remit_lines_max);
    if got > max {
        return Err(Rejected::Lines { max, got });
    }
    let in_order = lines.iter().zip(point.point.outbox_acked..).all(|(line, n)| line.n == n);
    let folded = lines.iter().fold(point.point.outbox_hash, |before, line| line.chain(before));
    let next = point.point.outbox_acked.checked_add(got);
    if !in_order || folded != summary.outbox_hash || next != Some(summary.outbox_acked) {
        return Err(Rejected::Outbox);
    }
    Ok(())
}

/// What the summary takes out of the escrow: its lines and what goes back.
fn check_totals(point: &ConnectionPoint, settled: &Settled, lines: &[OutboxEntry]) -> Result<Totals, Rejected> {
    let assets = point.assets();
    if let Some(line) = lines.iter().find(|line| !assets.contains(&line.asset)) {
        return Err(Rejected::Asset { asset: line.asset });
    }
    let back = settled.skipped.iter().map(|entry| (entry.asset, entry.amount));
    totals(lines.iter().map(|line| (line.asset, line.amount)).chain(back))
}
