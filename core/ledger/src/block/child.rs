//! Blocks of an associate: follow the parent, credit the inbox, run the transactions. Rules: associates 5.

use banyan_types::{
    Bytes, Hash, Height, PublicKey, TimeMs,
    header::{ChildHeader, PROTOCOL_VERSION},
    limits::INBOX_PER_BLOCK_MAX,
};

use super::{ChildBlock, Execution, Outcome, ParentTip, clock, ours, same_root};
use crate::{
    BlockHash, Clock, Event, Invalid, Missing, Params, State,
    engine::committee::{next_epoch, read_seal},
    leaf::key,
    money::Coins,
    scene::{Scene, load},
};
use banyan_types::{AccountId, associate::InboxEntry};

/// Parent blocks that a child may step forward at once. Source: associates 5.
const PARENT_STEP_MAX: u64 = 1_000;

/// What a child's block says before its transactions.
#[derive(Debug, Clone)]
pub struct ChildStart {
    /// Number of the block.
    pub height: Height,
    /// The block before.
    pub prev_hash: Hash,
    /// When it is made.
    pub time: TimeMs,
    /// Who orders it.
    pub leader: PublicKey,
    /// How many others' turns were missed before.
    pub view: u32,
    /// The final parent block that it names.
    pub parent: ParentTip,
    /// The seal of the block before, as the block's body carries it. Who made that block is paid by it.
    pub prev_seal: Bytes,
}

pub(super) fn apply(state: &mut impl State, params: &Params, block: &ChildBlock) -> Result<Outcome, Invalid> {
    if params.is_root() {
        return Err(Invalid::Kind);
    }
    let header = &block.header;
    let start = check_header(params, header, block)?;
    check_turn(state, params, header, &block.prev_seal)?;
    let mut execution = Execution::child(state, params, &start, &block.inbox)?;
    block.txs.iter().try_for_each(|tx| execution.push(tx))?;
    if execution.ends() != Some((header.inbox_to, header.outbox_to)) {
        return Err(Invalid::Header { field: "inbox_to or outbox_to" });
    }
    let outcome = execution.finish()?;
    same_root("txs_root", header.txs_root, outcome.txs_root)?;
    same_root("receipts_root", header.receipts_root, outcome.receipts_root)?;
    same_root("state_root", header.state_root, outcome.root)?;
    Ok(outcome)
}

/// Rules 1, 3 and 5: what the header repeats of the parent block must be so. That `parent` is final is the word of
/// the parent link; that the block follows `prev_hash`, its leader, set and seal are the machine's.
fn check_header(params: &Params, header: &ChildHeader, block: &ChildBlock) -> Result<ChildStart, Invalid> {
    let parent = &block.parent;
    let rows = [
        ("version", header.version == PROTOCOL_VERSION),
        ("parent_hash", header.parent_hash == parent.hash),
        ("parent_height", header.parent_height == parent.height),
        ("root_height", header.root_height == parent.root_height),
        ("entropy", header.entropy == ChildHeader::derive_entropy(parent.entropy, params.ledger)),
    ];
    if let Some((field, _)) = rows.into_iter().find(|(_, holds)| !holds) {
        return Err(Invalid::Header { field });
    }
    Ok(ChildStart::of(header, *parent, block.prev_seal.clone()))
}

/// Rule 7, where the state says who the validators are: their set, whose turn it is, and the seal that is carried.
fn check_turn(state: &mut impl State, params: &Params, header: &ChildHeader, prev_seal: &Bytes) -> Result<(), Invalid> {
    let Some(epoch) = next_epoch(state, params)? else { return Ok(()) };
    let seal = read_seal(prev_seal).map_err(|()| Invalid::Header { field: "prev_seal" })?;
    let rows = [
        ("leader", header.leader == epoch.leader(header.height, header.view)),
        ("set_hash", header.set_hash == epoch.set.hash()),
        ("prev_seal_hash", header.prev_seal_hash == seal.map_or(Hash::ZERO, |seal| seal.hash())),
    ];
    rows.into_iter().find(|(_, holds)| !holds).map_or(Ok(()), |(field, _)| Err(Invalid::Header { field }))
}

impl ChildStart {
    /// What a header says, with what stands beside it.
    pub const fn of(header: &ChildHeader, parent: ParentTip, prev_seal: Bytes) -> Self {
        let (height, prev_hash, time) = (header.height, header.prev_hash, header.time_ms);
        Self { height, prev_hash, time, leader: header.leader, view: header.view, parent, prev_seal }
    }
}

impl<'a, S: State> Execution<'a, S> {
    /// Begin a child's block: follow the parent, pay for the block before, credit the inbox.
    /// # Errors
    /// `Kind` on the root, `Header` when height, time, parent, seal or the number of entries do not follow, `Inbox` when the
    /// entries do not continue what was credited.
    pub fn child(
        state: &'a mut S,
        params: &'a Params,
        start: &ChildStart,
        inbox: &[InboxEntry],
    ) -> Result<Self, Invalid> {
        if params.is_root() {
            return Err(Invalid::Kind);
        }
        let before = clock(state)?;
        if before.height.next() != Some(start.height) {
            return Err(Invalid::Header { field: "height" });
        }
        if start.time <= before.time || start.time < start.parent.time {
            return Err(Invalid::Header { field: "time_ms" });
        }
        let mut scene = Scene::open(state, params, start.height)?;
        let named = scene.ledger.parent.clone().ok_or(Missing("no parent leaf: the ledger is no child"))?;
        scene.follow_parent(start, &before, inbox.len() as u64)?;
        scene.end_what_is_due().map_err(ours)?;
        // Taken before the inbox adds what its routed hops pay, which belongs to the leader of this block.
        let fees = scene.take_fees().map_err(ours)?;
        scene.credit_inbox(inbox)?;
        match params.committee() {
            Some(rules) => scene.begin_committee(rules, start, (&before, &named), fees)?,
            None => scene.pay_leader(&before, fees)?,
        }
        let clock = Clock {
            height: start.height,
            time: start.time,
            prev_hash: start.prev_hash,
            beneficiary: AccountId(start.leader.0),
            leader: start.leader,
        };
        scene.set(key::clock(), &clock);
        Ok(Self::over(scene))
    }
}

impl<S: State> Scene<'_, S> {
    /// Name the parent block: the same as before, or a later one; and settle all of its inbox that a block may.
    fn follow_parent(&mut self, start: &ChildStart, before: &Clock, entries: u64) -> Result<(), Invalid> {
        let ring = BlockHash { height: before.height, hash: start.prev_hash };
        self.set(key::block_hash(before.height), &ring);
        let (params, parent) = (self.params, &start.parent);
        let leaf = self.ledger.parent.as_mut().ok_or(Missing("no parent leaf: the ledger is no child"))?;
        // A genesis names no parent block: the first that is named may be of any height.
        let is_first = leaf.hash == Hash::ZERO;
        let step = parent.height.since(leaf.height).filter(|step| is_first || *step <= PARENT_STEP_MAX);
        if step.is_none() || (step == Some(0) && leaf.hash != parent.hash && !is_first) {
            return Err(Invalid::Header { field: "parent_height" });
        }
        let due = parent.inbox_next.saturating_sub(leaf.inbox).min(INBOX_PER_BLOCK_MAX);
        if entries != due {
            return Err(Invalid::Header { field: "inbox_to" });
        }
        leaf.hash = parent.hash;
        leaf.height = parent.height;
        leaf.time = parent.time;
        leaf.root_height = parent.root_height;
        leaf.entropy = ChildHeader::derive_entropy(parent.entropy, params.ledger);
        Ok(())
    }

    /// The fees of the block before go to whoever ordered it; on a child no coin is made.
    fn pay_leader(&mut self, before: &Clock, fees: Coins) -> Result<(), Invalid> {
        if !fees.amount().is_zero() {
            self.events.push(Event::Rewarded { account: before.beneficiary, amount: fees.amount() });
        }
        self.pay(before.beneficiary, fees).map_err(ours)
    }
}

/// The parent block that the child's state names, read from that state.
pub fn named_parent(state: &mut impl State) -> Result<crate::ParentLeaf, Missing> {
    load(state, &key::parent())?.ok_or(Missing("no parent leaf: the ledger is no child"))
}
