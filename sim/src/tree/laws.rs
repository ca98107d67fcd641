//! What must hold after every block, over the whole tree. Rules: protocol, associates 4, 13.

use banyan_ledger::{ConnectionPoint, Event, check_totals};
use banyan_types::{
    AccountId,
    associate::{InboxEntry, InboxKind},
};

use super::{
    books::{Flow, base},
    chain::{Ledger, Record},
    world::World,
};
use crate::law::{Broken, ensure};
use std::collections::BTreeMap;

/// All laws, as far as a block of the ledger `at` can have broken them.
pub fn check(world: &mut World, at: usize) -> Result<(), Broken> {
    totals(&world.ledgers[at], at)?;
    let children: Vec<_> = world.ledgers[at].children.iter().map(|id| world.places[id]).collect();
    for child in children {
        edge(world, child)?;
    }
    if at > 0 {
        edge(world, at)?;
    }
    count(world, at);
    users(world)
}

/// Count users' money again where a block of the ledger `at` can have moved it.
pub fn count(world: &mut World, at: usize) {
    let children: Vec<_> = world.ledgers[at].children.iter().map(|id| world.places[id]).collect();
    children.into_iter().chain([at]).for_each(|at| world.holds[at] = holds(world, at));
}

/// A commit is credited up to its deadline, and skipped after it.
pub fn in_time(record: &Record) -> Result<(), Broken> {
    let Some(header) = &record.header else { return Ok(()) };
    for event in &record.outcome.events {
        let (n, credited) = match event {
            Event::Credited { n, .. } => (n, true),
            Event::Skipped { n } => (n, false),
            _ => continue,
        };
        let entry = record.inbox.iter().find(|entry| entry.n == *n);
        let is_commit = |entry: &&InboxEntry| entry.kind == InboxKind::Commit;
        let in_time = entry.filter(is_commit).is_none_or(|entry| (header.parent_height <= entry.deadline) == credited);
        ensure(in_time, "a commit is credited up to its deadline and skipped after it", || format!("{entry:?}"))?;
    }
    Ok(())
}

/// Totals are the sums of their parts; on the root what is minted and what is not are the cap.
fn totals(ledger: &Ledger, at: usize) -> Result<(), Broken> {
    const LAW: &str = "totals are the sums of their parts";
    let supply = check_totals(ledger.state.leaves().map(|(_, value)| value));
    let supply = supply.map_err(|broken| Broken::new(LAW, format!("ledger {at}: {broken}")))?;
    let Some(rules) = &ledger.params.root else { return Ok(()) };
    let all = supply.minted.plus(supply.pool);
    ensure(all == Some(rules.supply_cap), "minted and pool are the cap", || format!("{all:?}"))
}

/// Both sides of a connection.
fn edge(world: &World, child: usize) -> Result<(), Broken> {
    let (above, id) = (&world.ledgers[world.parent(child)], world.ledgers[child].id());
    let Some(point) = above.point(id) else { return Ok(()) };
    let escrow = above.escrow(id);
    let about = || format!("ledger {child}: {escrow:?}");
    ensure(escrow.remitted <= escrow.committed, "L1: no more comes out of an escrow than went in", about)?;
    ensure(escrow.waiting <= escrow.held(), "L2b: what waits is in the escrow", about)?;
    let flow = world.books.flows.get(&id).copied().unwrap_or_default();
    let is_so = flow.committed + flow.gained == base(escrow.committed) && flow.remitted == base(escrow.remitted);
    ensure(is_so, "L2: escrows move by what events say", || format!("ledger {child}: {escrow:?}, {flow:?}"))?;
    let is_within = flow.remitted <= flow.committed + flow.gained;
    ensure(is_within, "L5: no more leaves a subtree than entered it", || format!("ledger {child}: {flow:?}"))?;
    let speaks = !point.standing(above.height()).is_dead() && !world.stopped.contains(&child);
    if world.liars.contains(&child) || !speaks {
        return Ok(());
    }
    follows(world, child, &point)?;
    adds_up(world, child, &point, flow)
}

/// L3: what the child has settled is what the parent has written.
fn follows(world: &World, child: usize, point: &ConnectionPoint) -> Result<(), Broken> {
    const LAW: &str = "L3: a child settles what its parent has written, in that order";
    let (above, ledger) = (&world.ledgers[world.parent(child)], &world.ledgers[child]);
    let leaf = ledger.parent_leaf();
    let is_within = point.inbox_acked <= leaf.inbox && leaf.inbox <= point.inbox_next;
    // A parent in whose name a remit was accepted on a branch that is gone knows less than its child.
    ensure(is_within, LAW, || format!("ledger {child}: {} of {}", leaf.inbox, point.inbox_next))?;
    let written = match leaf.inbox.checked_sub(1) {
        Some(n) if n >= point.inbox_acked => above.entry(ledger.id(), n).map(|entry| entry.hash),
        _ => Some(point.inbox_acked_hash),
    };
    ensure(written == Some(leaf.inbox_hash), LAW, || format!("ledger {child}: another inbox up to {}", leaf.inbox))
}

/// L4: what is on an honest ledger is what its escrow holds, less what is on its way.
fn adds_up(world: &World, child: usize, point: &ConnectionPoint, flow: Flow) -> Result<(), Broken> {
    let ledger = &world.ledgers[child];
    let above = &world.ledgers[world.parent(child)];
    let moving: i128 = moving(above, ledger, point).into_iter().map(|(_, amount)| amount).sum();
    let supply = ledger.supply();
    let here = base(supply.minted) + base(supply.pool);
    let held = base(above.escrow(ledger.id()).held());
    ensure(here + moving + flow.gained == held, "L4: what is on a ledger is what its escrow holds", || {
        format!("ledger {child}: {here} here, {moving} on its way, {held} held")
    })
}

/// What is on its way between a ledger and its parent, and whose it is.
fn moving(above: &Ledger, ledger: &Ledger, point: &ConnectionPoint) -> Vec<(AccountId, i128)> {
    let (id, credited_to) = (ledger.id(), ledger.parent_leaf().inbox);
    let new = |record: &&Record| record.header.as_ref().is_some_and(|header| header.height > point.point.child_to);
    let unsaid: Vec<_> = ledger.records.iter().rev().take_while(new).collect();
    let skipped = |n: u64| unsaid.iter().any(|record| record.outcome.effects.skipped.contains(&n));
    let down = above.entries(id).into_iter().filter(|entry| entry.n >= credited_to || skipped(entry.n));
    let up = unsaid.iter().flat_map(|record| &record.outcome.effects.outbox);
    let up = up.map(|line| (line.from, base(line.amount)));
    down.map(|entry| (entry.to, base(entry.amount))).chain(up).collect()
}

/// What a ledger and the way to it hold of each user's money; nothing behind a fence.
fn holds(world: &World, at: usize) -> BTreeMap<AccountId, i128> {
    let users = world.cast.users.iter().map(|user| user.id);
    if !world.is_outside(at) {
        return BTreeMap::new();
    }
    let ledger = &world.ledgers[at];
    let mut holds: BTreeMap<_, _> = users.map(|user| (user, base(ledger.account(user).balance))).collect();
    let above = &world.ledgers[world.parent(at)];
    let point = (at > 0).then(|| above.point(ledger.id())).flatten();
    for (owner, amount) in point.into_iter().flat_map(|point| moving(above, ledger, &point)) {
        holds.entry(owner).and_modify(|held| *held += amount);
    }
    holds
}

/// What each user owns over the tree is what it was, less fees.
fn users(world: &World) -> Result<(), Broken> {
    if !world.opened {
        return Ok(());
    }
    for (user, due) in &world.books.due {
        let held: i128 = world.holds.iter().filter_map(|holds| holds.get(user)).sum();
        ensure(held == *due, "a user's sum over the tree falls by fees only", || format!("{user}: {held} of {due}"))?;
    }
    Ok(())
}

/// The root has abandoned blocks: whatever stood in them, no child has seen.
pub fn no_credit_is_left(world: &World) -> Result<(), Broken> {
    let children: Vec<_> = world.ledgers[0].children.iter().map(|id| world.places[id]).collect();
    for child in children {
        let id = world.ledgers[child].id();
        let written = world.ledgers[0].point(id).map_or(0, |point| point.inbox_next);
        let seen = world.ledgers[child].parent_leaf().inbox;
        ensure(
            seen <= written || world.stopped.contains(&child),
            "an abandoned block leaves no credit behind",
            || format!("ledger {child} has settled {seen} entries of {written}"),
        )?;
    }
    Ok(())
}

/// Look at everything at once: before users' sums count, and at the end.
pub fn open(world: &mut World) {
    for at in 0..world.ledgers.len() {
        world.holds[at] = holds(world, at);
    }
    let due = |user: AccountId| world.holds.iter().filter_map(|holds| holds.get(&user)).sum();
    world.books.due = world.cast.users.iter().map(|user| (user.id, due(user.id))).collect();
    world.opened = true;
}
