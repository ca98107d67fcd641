//! What must hold in every state: functions of what nodes know, without memory.

use banyan_ledger::{Supply, check_totals};
use banyan_node::{Chain, Leaves as _, NodeError};
use banyan_store::{Place, View};
use banyan_types::{Amount, AssociateId, Hash};

/// A law that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{law}: {what}")]
pub struct Broken {
    /// The law, as a sentence.
    pub law: &'static str,
    /// What was found.
    pub what: String,
}

impl Broken {
    /// That `law` does not hold, by what was found.
    pub fn new(law: &'static str, what: impl Into<String>) -> Self {
        Self { law, what: what.into() }
    }
}

impl From<NodeError> for Broken {
    fn from(error: NodeError) -> Self {
        Self::new("what was written can be read", error.to_string())
    }
}

/// `Err` unless `holds`.
pub fn ensure(holds: bool, law: &'static str, what: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken::new(law, what())) }
}

/// The totals of a state are the sums of its parts, and every escrow holds what it owes.
pub fn sums(view: &View) -> Result<Supply, Broken> {
    let mut values = Vec::new();
    let read = view.for_each(|_, value| {
        values.push(value);
        Ok(())
    });
    read.map_err(|fault| Broken::new("what was written can be read", fault.to_string()))?;
    check_totals(values.iter().map(Vec::as_slice))
        .map_err(|broken| Broken::new("totals are the sums of their parts", broken.to_string()))
}

/// The state at the head is the one that its block promises, and adds up.
pub fn head(chain: &Chain) -> Result<(), Broken> {
    let head = chain.head()?;
    let (root, promised) = (Hash(head.view.root()), head.header.state_root());
    ensure(root == promised, "the head's state is its block's", || format!("{root} at block {}", head.hash))?;
    let supply = sums(&head.view)?;
    let Some(rules) = &chain.params().root else { return Ok(()) };
    let all = supply.minted.plus(supply.pool);
    ensure(all == Some(rules.supply_cap), "minted and pool are the cap", || format!("{all:?}"))
}

/// What a child's coins must be, by both sides of its connection. Source: associates 4, law L4.
///
/// `parent` is a state that the child's head rests on or a later one.
pub fn bridge(parent: &View, child: &Chain, id: AssociateId) -> Result<(), Broken> {
    const LAW: &str = "a child's coins are its escrow, less what is on its way";
    let point = parent.associate(id)?.ok_or_else(|| Broken::new(LAW, "no connection point"))?;
    let (escrow, head) = (parent.escrow(id)?, child.head()?);
    let supply = head.view.supply()?.ok_or_else(|| Broken::new(LAW, "no supply"))?;
    let leaf = head.view.parent_leaf()?.ok_or_else(|| Broken::new(LAW, "no parent leaf"))?;
    let (mut skipped, mut withdrawn) = (Vec::new(), Sum::default());
    for height in point.point.child_to.0 + 1..=head.header.height().0 {
        let block = child.main_at(Place::at(height))?.ok_or_else(|| Broken::new(LAW, "a block is gone"))?;
        let effects = child.effects(block)?;
        skipped.extend(effects.skipped);
        effects.outbox.iter().for_each(|entry| withdrawn.add(entry.amount));
    }
    let (mut waiting, mut credited) = (Sum::default(), Sum::default());
    for n in point.inbox_acked..point.inbox_next {
        let entry = parent.inbox_entry(id, n)?.ok_or_else(|| Broken::new(LAW, format!("entry {n} is gone")))?;
        if entry.is_money() {
            waiting.add(entry.amount);
            credited.add(if n < leaf.inbox && !skipped.contains(&n) { entry.amount } else { Amount::ZERO });
        }
    }
    ensure(leaf.inbox <= point.inbox_next, LAW, || format!("credited {} of {}", leaf.inbox, point.inbox_next))?;
    ensure(waiting.0 == escrow.waiting.base(), LAW, || format!("{waiting:?} waits, not {:?}", escrow.waiting))?;
    let coins = escrow.held().base();
    let due = coins + credited.0;
    let owed = supply.minted.base() + waiting.0 + withdrawn.0;
    ensure(owed == due, LAW, || {
        let minted = supply.minted;
        format!("minted {minted:?}, waiting {waiting:?}, up {withdrawn:?}, held {coins}, credited {credited:?}")
    })?;
    ensure(supply.minted.base() <= coins, "a child has no more than its escrow", || format!("{:?}", supply.minted))
}

/// A sum in base units that cannot overflow: far fewer amounts are added than a `u128` has room for.
#[derive(Debug, Clone, Copy, Default)]
struct Sum(u128);

impl Sum {
    const fn add(&mut self, amount: Amount) {
        self.0 += amount.base();
    }
}
