//! Lead: add micro blocks to the generation that this node's own key block opened.
//!
//! One index is signed once, even over a crash: the signed header is on disk before it is anywhere else, and a new
//! index is begun only where the chain ends at the last one signed. So a restart finishes nothing, and a generation
//! whose last signature never reached the chain stays silent. Rules: protocol, root 7.

use alloc::{boxed::Box, vec::Vec};

use banyan_types::{Hash, Height, Signature, TimeMs, header::MicroHeader};

use crate::{Block, BlockRef, BodyFacts, Draft, Effect, Header, Machine, Record, Seq};

/// The last index that this node signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// Height of the generation.
    pub height: Height,
    /// Its key block.
    pub key_hash: Hash,
    /// The index.
    pub index: u32,
}

impl Watermark {
    /// Of the newest header that was persisted.
    pub const fn of(signed: &MicroHeader) -> Self {
        Self { height: signed.height, key_hash: signed.prev_key_hash, index: signed.index }
    }

    /// Whether the index after `tip` may be signed: `tip` is the last one signed in its generation, or no generation
    /// of its height or above has been signed in.
    fn allows_after(&self, tip: &BlockRef) -> bool {
        if self.key_hash == tip.key_hash { self.index == tip.index } else { self.height < tip.height && tip.is_key() }
    }
}

/// What this node does as a leader.
#[derive(Clone, Debug, Default)]
pub struct Leader {
    pub pool: Pool,
    pub watermark: Option<Watermark>,
    stage: Stage,
    last: Seq,
}

/// Whether the mempool has something. What is told while a block is being built is not lost when that comes back empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pool {
    #[default]
    Empty,
    Ready,
    /// It had; a block that takes it is being built.
    Asked,
}

/// How far the next micro block is.
#[derive(Clone, Debug, Default)]
enum Stage {
    #[default]
    Idle,
    Building {
        on: Hash,
        time: TimeMs,
    },
    Signing(Box<MicroHeader>, BodyFacts),
    Persisting(Box<MicroHeader>, BodyFacts),
}

impl Machine {
    /// Have the next micro block built, if its time has come.
    pub(crate) fn lead(&mut self, effects: &mut Vec<Effect>) {
        let due = self.leading_due().filter(|due| *due <= self.now);
        if due.is_some() {
            let (on, time) = (self.head(), self.now);
            self.leader.stage = Stage::Building { on, time };
            self.leader.pool = Pool::Asked;
            effects.push(Effect::Build { on, time });
        }
    }

    /// When the next micro block may be built, if there is anything to build and this node leads.
    pub(crate) fn leading_due(&self) -> Option<TimeMs> {
        let ready = self.leader.pool == Pool::Ready && self.is_settled() && matches!(self.leader.stage, Stage::Idle);
        if !ready || !self.may_sign() {
            return None;
        }
        Some(self.view().micro_time_after(&self.tree.node(&self.head()).header))
    }

    fn may_sign(&self) -> bool {
        let tip = self.tip();
        let Header::Key(key) = &self.tree.node(&tip.key_hash).header else { return false };
        let leads = tip.height > Height(0) && self.miner.is_some_and(|miner| miner.key == key.miner);
        let allowed = self.leader.watermark.map_or(tip.is_key(), |watermark| watermark.allows_after(&tip));
        leads && allowed && tip.index < self.params.micro_per_generation_max
    }

    pub(crate) fn built(&mut self, built_on: Hash, draft: Option<Draft>, effects: &mut Vec<Effect>) {
        let Stage::Building { on, time } = self.leader.stage else { return };
        if built_on != on {
            return;
        }
        self.leader.stage = Stage::Idle;
        if self.leader.pool == Pool::Asked {
            self.leader.pool = if draft.is_some() { Pool::Ready } else { Pool::Empty };
        }
        // The tip may have moved on meanwhile, perhaps to another leader. What is too large is no block, and to sign it would
        // end this generation.
        let draft = draft.filter(|draft| draft.bytes <= self.params.micro_bytes_max);
        let Some(draft) = draft.filter(|_| on == self.head() && self.is_settled()) else { return };
        let header = Box::new(self.micro_header(time, &draft));
        self.leader.watermark = Some(Watermark::of(&header));
        effects.push(Effect::SignMicro(header.clone()));
        self.leader.stage = Stage::Signing(header, BodyFacts { txs_root: draft.txs_root, bytes: draft.bytes });
    }

    fn micro_header(&self, time: TimeMs, draft: &Draft) -> MicroHeader {
        let tip = self.tip();
        MicroHeader {
            version: self.params.versions.at(tip.height),
            height: tip.height,
            index: tip.index + 1,
            prev_hash: tip.hash,
            prev_key_hash: tip.key_hash,
            state_root: draft.state_root,
            txs_root: draft.txs_root,
            receipts_root: draft.receipts_root,
            time,
            gas_used: draft.gas_used,
            signature: Signature([0; 64]),
        }
    }

    pub(crate) fn signed(&mut self, signature: Option<Signature>, effects: &mut Vec<Effect>) {
        let Stage::Signing(mut header, body) = core::mem::take(&mut self.leader.stage) else { return };
        let Some(signature) = signature else { return };
        header.signature = signature;
        self.leader.last.0 += 1;
        effects.push(Effect::Persist(self.leader.last, Record::Signed(header.clone())));
        self.leader.stage = Stage::Persisting(header, body);
    }

    pub(crate) fn persisted(&mut self, seq: Seq, effects: &mut Vec<Effect>) {
        if seq != self.leader.last {
            return;
        }
        if let Stage::Persisting(header, body) = core::mem::take(&mut self.leader.stage) {
            self.receive(None, Block::Micro(header, body), effects);
        }
    }
}
