//! Blocks that are proposed at one height, and what is known of them.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

use banyan_ledger::ParentTip;
use banyan_types::{Hash, PublicKey, TimeMs, committee::Certificate, header::ChildHeader};

use crate::Block;

/// Blocks of one height that are looked at. Each needs a leader's signature, and two of one leader and view are evidence.
const CANDIDATES_MAX: usize = 256;

/// How far the judgement of a block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not begun, or to be begun again at this time.
    New(TimeMs),
    /// Its body is being executed.
    Asked(ParentTip),
    /// Good.
    Good(Box<Block>),
    /// Bad for ever.
    Bad,
}

/// A proposed block, its body apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub header: Box<ChildHeader>,
    pub prev_seal: Option<Box<Certificate>>,
    pub stage: Stage,
}

/// The blocks of one height by hash, and the views that wait for a word on them.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    blocks: BTreeMap<Hash, Candidate>,
    wanted: Vec<Wanted>,
}

/// A proposal that waits for its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub view: u32,
    pub by: PublicKey,
    pub block_hash: Hash,
}

impl Candidates {
    /// Know of a block. Whether there was room.
    pub fn insert(&mut self, header: ChildHeader, prev_seal: Option<Certificate>) -> bool {
        let hash = header.hash();
        if self.blocks.contains_key(&hash) {
            return true;
        }
        let has_room = self.blocks.len() < CANDIDATES_MAX;
        if has_room {
            let (header, prev_seal) = (Box::new(header), prev_seal.map(Box::new));
            self.blocks.insert(hash, Candidate { header, prev_seal, stage: Stage::New(TimeMs(0)) });
        }
        has_room
    }

    /// A block that is good, whatever was known of it.
    pub fn good(&mut self, block: Block) {
        let (header, prev_seal) = (Box::new(block.header.clone()), block.prev_seal.clone().map(Box::new));
        let stage = Stage::Good(Box::new(block));
        self.blocks.insert(header.hash(), Candidate { header, prev_seal, stage });
    }

    pub fn get(&self, hash: Hash) -> Option<&Candidate> {
        self.blocks.get(&hash)
    }

    pub fn stage(&mut self, hash: Hash, stage: Stage) {
        if let Some(candidate) = self.blocks.get_mut(&hash) {
            candidate.stage = stage;
        }
    }

    /// The good block of a leader and view, if it is known.
    pub fn of_leader(&self, leader: PublicKey, view: u32) -> Option<Hash> {
        let is_his = |candidate: &Candidate| candidate.header.leader == leader && candidate.header.view == view;
        let good = self.blocks.iter().filter(|(_, candidate)| matches!(candidate.stage, Stage::Good(_)));
        good.filter(|(_, candidate)| is_his(candidate)).map(|(hash, _)| *hash).next()
    }

    /// A view waits for a word on a block.
    pub fn want(&mut self, wanted: Wanted) {
        if !self.wanted.contains(&wanted) {
            self.wanted.push(wanted);
        }
    }

    /// The views that wait for a word on blocks which have one now, each with it.
    pub fn answers(&mut self) -> Vec<(Wanted, bool)> {
        let (blocks, mut answers) = (&self.blocks, Vec::new());
        self.wanted.retain(|wanted| {
            let word = match blocks.get(&wanted.block_hash).map(|candidate| &candidate.stage) {
                Some(Stage::Good(_)) => true,
                Some(Stage::Bad) => false,
                _ => return true,
            };
            answers.push((*wanted, word));
            false
        });
        answers
    }

    /// A word on a block was given before a crash.
    pub fn answered(&mut self, answered: &Wanted) {
        self.wanted.retain(|wanted| wanted != answered);
    }

    /// Blocks that somebody waits for and that may be judged at `now`; `also` is waited for by itself.
    pub fn due(&self, now: TimeMs, also: Option<Hash>) -> Vec<Hash> {
        let wanted = self.wanted.iter().map(|wanted| wanted.block_hash).chain(also);
        let is_due = |hash: &Hash| matches!(self.blocks.get(hash).map(|candidate| &candidate.stage), Some(Stage::New(after)) if *after <= now);
        let mut due: Vec<_> = wanted.filter(is_due).collect();
        due.sort_unstable();
        due.dedup();
        due
    }

    /// When a block is to be judged again.
    pub fn retry(&self) -> Option<TimeMs> {
        let after = |candidate: &Candidate| match candidate.stage {
            Stage::New(after) if after > TimeMs(0) => Some(after),
            _ => None,
        };
        self.blocks.values().filter_map(after).min()
    }
}
