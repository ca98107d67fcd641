//! How a ledger makes its next block, by the one transition and the rules of its engine.

use std::collections::{BTreeMap, BTreeSet};

use banyan_ledger::{
    Block, Changes, ChildBlock, ChildStart, Event, Execution, Invalid, KeyBlock, MapState, Outcome, Overlay, ParentTip,
    Rejected, Verified, apply_block,
    engine::{BadHeader, Turn, View},
    key_outcome,
};
use banyan_types::{
    AccountId, AssociateId, Bytes, Hash, Height, PublicKey, TimeMs,
    associate::InboxEntry,
    header::{ChildHeader, KeyHeader, POW_EDGES, PROTOCOL_VERSION},
    tx::SignedTx,
};

use super::{
    chain::{Ledger, Named, Record},
    order::Seal,
};
use crate::law::{Broken, ensure};

/// One block of so many is applied again by [`apply_block`], which must give what making it gave.
const APPLY_EVERY: u64 = 8;

/// A transaction that was not taken, and why.
pub type Refusal = (SignedTx, Rejected);

impl Ledger {
    /// The root: transactions, as many as are accepted; then a key block, which ends the generation before it.
    pub fn generation(&mut self, txs: &[SignedTx], leader: PublicKey) -> Result<Vec<Refusal>, Broken> {
        let mut refused = Vec::new();
        if !txs.is_empty() {
            let mut overlay = Overlay::new(&mut self.state);
            let mut execution = Execution::micro(&mut overlay, &self.params).map_err(invalid)?;
            let (accepted, why) = push_all(&mut execution, &self.params.network_id, txs)?;
            refused = why;
            let outcome = execution.finish().map_err(missing)?;
            let written = Written::of(overlay)?;
            self.keep(written, Record { txs: accepted, ..blank(outcome) });
        }
        let clock = self.clock();
        self.key_block(KeyHeader {
            version: PROTOCOL_VERSION,
            info: None,
            height: Height(clock.height.0 + 1),
            prev_hash: self.last_key,
            prev_key_hash: self.last_key,
            state_root: Hash::ZERO,
            miner: leader,
            beneficiary: AccountId(leader.0),
            witness_hash: Hash::ZERO,
            target: 0x2100_ffff,
            time: TimeMs(clock.time.0 + 3_000),
            nonce: 0,
            pow: [0; POW_EDGES],
        })?;
        Ok(refused)
    }

    fn key_block(&mut self, mut header: KeyHeader) -> Result<(), Broken> {
        let made = key_outcome(&mut Overlay::new(&mut self.state), &self.params, &header, None).map_err(invalid)?;
        header.state_root = made.root;
        let block = Block::Key(KeyBlock { header: header.clone(), seal: None });
        let mut overlay = Overlay::new(&mut self.state);
        let outcome = apply_block(&mut overlay, &self.params, &block).map_err(invalid)?;
        ensure(outcome == made, LAW, || "making and applying a key block differ".into())?;
        let written = Written::of(overlay)?;
        self.last_key = header.hash();
        let named = Named {
            hash: header.hash(),
            height: header.height,
            time: header.time,
            root_height: header.height,
            entropy: header.entropy(),
            inbox_next: BTreeMap::new(),
        };
        self.keep(written, Record { named: Some(named), ..blank(outcome) });
        Ok(())
    }

    /// A child: the next block, naming `tip`, settling `inbox`, with as many of the transactions as are accepted.
    /// # Errors
    /// A broken law. Inside it, what the transition says of parent or inbox: then nothing has changed.
    pub fn child_block(
        &mut self,
        tip: ParentTip,
        inbox: &[InboxEntry],
        txs: &[SignedTx],
        absent: &BTreeSet<PublicKey>,
    ) -> Result<Result<Vec<Refusal>, Invalid>, Broken> {
        let (header, start) = self.begin(tip, absent)?;
        let mut overlay = Overlay::new(&mut self.state);
        let mut execution = match Execution::child(&mut overlay, &self.params, &start, inbox) {
            Ok(execution) => execution,
            Err(why) => return Ok(Err(why)),
        };
        let (accepted, refused) = push_all(&mut execution, &self.params.network_id, txs)?;
        let (inbox_to, outbox_to) = execution.ends().expect("the execution of a child's block has ends");
        let outcome = execution.finish().map_err(missing)?;
        let written = Written::of(overlay)?;
        let header = ChildHeader {
            txs_root: outcome.txs_root,
            receipts_root: outcome.receipts_root,
            inbox_to,
            outbox_to,
            state_root: outcome.root,
            ..header
        };
        let network_id = &self.params.network_id;
        let seal = self.order().seal(network_id, &header, absent);
        let judged = self.order().check(network_id, &self.view(self.prev(), Some(tip)), &header, &seal);
        judged.map_err(|why| Broken::new("blocks that an engine makes pass its rules", why.to_string()))?;
        if header.height.0.is_multiple_of(APPLY_EVERY) {
            self.apply_again(&header, tip, inbox, &accepted, &outcome)?;
        }
        self.keep_child(written, header, seal, Record { txs: accepted, inbox: inbox.to_vec(), ..blank(outcome) });
        Ok(Ok(refused))
    }

    /// What a node says to one transaction in the next block, which is not made. `following` is what a child follows.
    /// # Errors
    /// A broken law, or an inbox that does not follow.
    pub fn asked(
        &mut self,
        following: Option<(ParentTip, Vec<InboxEntry>)>,
        tx: &SignedTx,
        absent: &BTreeSet<PublicKey>,
    ) -> Result<Option<Rejected>, Broken> {
        let begun = match following {
            Some((tip, inbox)) => Some((self.begin(tip, absent)?.1, inbox)),
            None => None,
        };
        let mut overlay = Overlay::new(&mut self.state);
        let execution = match &begun {
            Some((start, inbox)) => Execution::child(&mut overlay, &self.params, start, inbox),
            None => Execution::micro(&mut overlay, &self.params),
        };
        let (_, refused) =
            push_all(&mut execution.map_err(invalid)?, &self.params.network_id, std::slice::from_ref(tx))?;
        Ok(refused.into_iter().next().map(|(_, why)| why))
    }

    /// The next header of a child before its transactions, and with what its execution begins.
    fn begin(&self, tip: ParentTip, absent: &BTreeSet<PublicKey>) -> Result<(ChildHeader, ChildStart), Broken> {
        let (order, prev) = (self.order(), self.prev());
        let height = Height(prev.height.0 + 1);
        let (leader, view) = order.turn(height, absent).ok_or_else(|| Broken::new(LAW, "nobody leads"))?;
        let turn = Turn { leader, view, now: TimeMs(0) };
        let header = order.draft(&self.params.network_id, &self.view(prev, Some(tip)), &tip, turn);
        let start = ChildStart::of(&header, tip, self.last_seal());
        Ok((header, start))
    }

    /// What the rules of a header look at, for the block after the last one.
    fn view<'a>(&self, prev: &'a ChildHeader, parent: Option<ParentTip>) -> View<'a> {
        let last = self.records.last().and_then(|record| record.seal.as_ref());
        let prev_seal_hash = last.map_or(Hash::ZERO, |seal| self.order().seal_hash(seal));
        View { version: PROTOCOL_VERSION, associate: self.id(), prev, prev_seal_hash, parent }
    }

    /// What somebody who follows the ledger says to its last block, knowing its parent's block.
    pub fn judge_last(&self, parent: ParentTip) -> Result<(), BadHeader> {
        let mut before = self.clone();
        let Some(Record { header: Some(header), seal: Some(seal), .. }) = before.unwind() else { return Ok(()) };
        let view = before.view(before.prev(), Some(parent));
        self.order().check(&self.params.network_id, &view, &header, &seal)
    }

    fn apply_again(
        &mut self,
        header: &ChildHeader,
        parent: ParentTip,
        inbox: &[InboxEntry],
        txs: &[SignedTx],
        made: &Outcome,
    ) -> Result<(), Broken> {
        let txs = Verified::check_all(txs.to_vec(), &self.params.network_id)
            .map_err(|at| Broken::new(LAW, format!("signature of transaction {at}")))?;
        let (header, inbox, prev_seal) = (header.clone(), inbox.to_vec(), self.last_seal());
        let height = header.height;
        let block = Block::Child(ChildBlock { header, txs, parent, inbox, prev_seal });
        let outcome = apply_block(&mut Overlay::new(&mut self.state), &self.params, &block).map_err(invalid)?;
        ensure(outcome == *made, LAW, || format!("making and applying block {height} differ"))
    }

    /// The seal of the last block, as the next one's body carries it.
    fn last_seal(&self) -> Bytes {
        match self.records.last().and_then(|record| record.seal.as_ref()) {
            Some(Seal::Certificate(certificate)) => Bytes(certificate.encode()),
            Some(Seal::Signature(_)) | None => Bytes::default(),
        }
    }

    fn keep_child(&mut self, written: Written, header: ChildHeader, seal: Seal, record: Record) {
        self.prev = Some(header.clone());
        let named = Named {
            hash: header.hash(),
            height: header.height,
            time: header.time_ms,
            root_height: header.root_height,
            entropy: header.entropy,
            inbox_next: BTreeMap::new(),
        };
        self.keep(written, Record { named: Some(named), header: Some(header), seal: Some(seal), ..record });
        let leaf = self.parent_leaf();
        if let Some(record) = self.records.last_mut() {
            record.leaf = Some(leaf);
        }
    }

    /// Write a block's changes for good.
    fn keep(&mut self, written: Written, mut record: Record) {
        record.paid_back = self.paid_back(&record.outcome.events);
        self.state.commit(&written.changes);
        record.undo = written.undo;
        record.committed = self.committed(&record.outcome.events);
        if let Some(named) = &mut record.named {
            let next = |id| self.point(id).map(|point| (id, point.inbox_next));
            named.inbox_next = self.children.iter().filter_map(|id| next(*id)).collect();
        }
        self.records.push(record);
        self.follow_epochs();
    }

    fn committed(&self, events: &[Event]) -> Vec<(AssociateId, InboxEntry)> {
        let entry = |event: &Event| match event {
            Event::Committed { associate, n, .. } => Some((*associate, self.entry(*associate, *n)?)),
            _ => None,
        };
        events.iter().filter_map(entry).collect()
    }

    /// The entries that events say were paid back, as they stood before.
    fn paid_back(&self, events: &[Event]) -> Vec<(AssociateId, InboxEntry)> {
        let entry = |event: &Event| match event {
            Event::PaidBack { associate, n, .. } => Some((*associate, self.entry(*associate, *n)?)),
            _ => None,
        };
        events.iter().filter_map(entry).collect()
    }
}

/// What a block has written.
struct Written {
    changes: Changes,
    undo: Changes,
}

impl Written {
    fn of(overlay: Overlay<&mut MapState>) -> Result<Self, Broken> {
        let undo = overlay.undo().map_err(missing)?;
        Ok(Self { changes: overlay.into_parts().1, undo })
    }
}

const LAW: &str = "a block that is made can be applied";

#[expect(clippy::needless_pass_by_value, reason = "it stands where an error is mapped")]
fn invalid(why: Invalid) -> Broken {
    Broken::new(LAW, why.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where an error is mapped")]
fn missing(why: banyan_ledger::Missing) -> Broken {
    Broken::new(LAW, why.to_string())
}

fn push_all<S: banyan_ledger::State>(
    execution: &mut Execution<'_, S>,
    network_id: &str,
    txs: &[SignedTx],
) -> Result<(Vec<SignedTx>, Vec<Refusal>), Broken> {
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for tx in txs {
        let pushed = match Verified::check(tx.clone(), network_id) {
            Ok(verified) => execution.push(&verified),
            Err(why) => Err(Invalid::Transaction { index: 0, why }),
        };
        match pushed {
            Ok(()) => accepted.push(tx.clone()),
            Err(Invalid::Transaction { why: Rejected::Ours(why), .. }) => return Err(missing(why)),
            Err(Invalid::Transaction { why, .. }) => refused.push((tx.clone(), why)),
            Err(other) => return Err(invalid(other)),
        }
    }
    Ok((accepted, refused))
}

fn blank(outcome: Outcome) -> Record {
    Record {
        named: None,
        header: None,
        seal: None,
        leaf: None,
        undo: Changes::new(),
        txs: Vec::new(),
        outcome,
        inbox: Vec::new(),
        committed: Vec::new(),
        paid_back: Vec::new(),
    }
}
