//! Blocks that are proposed at one height, and what is known of them.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

use banyan_ledger::ParentTip;
use banyan_types::{Hash, Height, PublicKey, TimeMs, committee::Certificate, header::ChildHeader};

use crate::Block;

/// Blocks of one height that are kept: of so many views is spoken when a height is stuck for an hour.
const CANDIDATES_MAX: usize = 1_024;
/// Blocks that are looked at for one view: a second one is evidence, a third is nothing new.
const PER_VIEW_MAX: usize = 2;

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
    /// The parent block that it names, if that was asked for and is final.
    pub parent: Option<ParentTip>,
    /// Whether it was asked for.
    pub is_asked: bool,
    pub stage: Stage,
}

/// The blocks of one height by hash, and the views that wait for a word on them.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    blocks: BTreeMap<Hash, Candidate>,
    wanted: Vec<Wanted>,
    /// What was proposed in each view.
    proposed: BTreeMap<u32, Vec<Hash>>,
}

/// A proposal that waits for its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub view: u32,
    pub by: PublicKey,
    pub block_hash: Hash,
}

impl Candidates {
    /// Whether one more proposal of a view is worth a look.
    pub fn propose(&mut self, view: u32, block_hash: Hash) -> bool {
        let proposed = self.proposed.entry(view).or_default();
        let is_known = proposed.contains(&block_hash);
        let has_room = proposed.len() < PER_VIEW_MAX;
        if has_room && !is_known {
            proposed.push(block_hash);
        }
        is_known || has_room
    }

    /// Know of a block.
    pub fn insert(&mut self, header: ChildHeader, prev_seal: Option<Certificate>) {
        let (header, prev_seal) = (Box::new(header), prev_seal.map(Box::new));
        let hash = header.hash();
        let new = Candidate { header, prev_seal, parent: None, is_asked: false, stage: Stage::New(TimeMs(0)) };
        self.blocks.entry(hash).or_insert(new);
        self.make_room(hash);
    }

    /// A block that is good, whatever was known of it.
    pub fn good(&mut self, block: Block) {
        let (header, prev_seal) = (Box::new(block.header.clone()), block.prev_seal.clone().map(Box::new));
        let (hash, parent) = (header.hash(), Some(block.parent));
        let stage = Stage::Good(Box::new(block));
        self.blocks.insert(hash, Candidate { header, prev_seal, parent, is_asked: true, stage });
        self.make_room(hash);
    }

    /// Forget the oldest where there are too many, first among those that are not known to be good. Who needs it after all
    /// brings it again.
    fn make_room(&mut self, newest: Hash) {
        if self.blocks.len() <= CANDIDATES_MAX {
            return;
        }
        let age = |(hash, candidate): (&Hash, &Candidate)| {
            (matches!(candidate.stage, Stage::Good(_)), candidate.header.view, *hash)
        };
        let oldest = self.blocks.iter().filter(|(hash, _)| **hash != newest).map(age).min();
        if let Some((_, view, hash)) = oldest {
            self.blocks.remove(&hash);
            self.wanted.retain(|wanted| wanted.block_hash != hash);
            self.proposed = self.proposed.split_off(&view);
        }
    }

    /// The parent has this final block: who names another one at its height is wrong for ever.
    pub fn parent_told(&mut self, tip: ParentTip) {
        let new = |candidate: &&mut Candidate| matches!(candidate.stage, Stage::New(_));
        for candidate in self.blocks.values_mut().filter(new) {
            if candidate.header.parent_hash == tip.hash {
                candidate.parent = Some(tip);
            } else if candidate.header.parent_height == tip.height {
                candidate.stage = Stage::Bad;
            }
        }
    }

    /// The height of the parent block that has to be asked for before this candidate can be judged; once.
    pub fn ask_parent(&mut self, hash: Hash) -> Option<Height> {
        let candidate = self.blocks.get_mut(&hash).filter(|candidate| !candidate.is_asked)?;
        candidate.is_asked = true;
        Some(candidate.header.parent_height)
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
