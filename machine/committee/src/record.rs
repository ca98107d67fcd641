//! What is on disk before anything of it is sent: the log of one height.

use alloc::{boxed::Box, vec::Vec};

use banyan_child::Range;
use banyan_ledger::ParentTip;
use banyan_types::{
    Hash, Height, PublicKey, TimeMs,
    committee::{Certificate, SignedStatement},
    header::ChildHeader,
    rlp::{DecodeError, Field, Items, put_list},
    show::Value,
};

use crate::Proposed;

/// A block that is known to be good here, its body apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The header.
    pub header: ChildHeader,
    /// The seal of the block before that comes with it; absent after the genesis.
    pub prev_seal: Option<Certificate>,
    /// The parent block that it names.
    pub parent: ParentTip,
    /// Inbox entries that carry money and are settled by it.
    pub settled: u32,
}

/// Which wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wait {
    /// For the leader's proposal.
    Propose,
    /// For more prevotes.
    Prevote,
    /// For more precommits.
    Precommit,
    /// For anything at all: time to say the last votes again.
    Repeat,
}

/// What must be on disk before it may be acted on. All records of one height, in their order, are what the machine needs to go
/// on at it; the newest summary and the newest handover stand apart. A [`Record::Built`] or [`Record::Verified`] is written with the block's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// This validator built the block: it stays its answer in that view.
    Built(Box<Block>),
    /// Another's block was executed and is good.
    Verified(Box<Block>),
    /// A proposal was accepted, also one's own.
    Proposal(Box<Proposed>),
    /// A vote was accepted, also one's own.
    Vote(SignedStatement),
    /// A quorum's prevotes were accepted together.
    Polka(Vec<SignedStatement>),
    /// A proposal's block was judged.
    Judged {
        /// The height.
        height: Height,
        /// The view.
        view: u32,
        /// Who proposed.
        by: PublicKey,
        /// What.
        block_hash: Hash,
        /// Whether it is good.
        is_valid: bool,
    },
    /// A wait ended.
    Elapsed {
        /// The height.
        height: Height,
        /// The view.
        view: u32,
        /// Which.
        wait: Wait,
    },
    /// Blocks that a summary will be made of.
    Summary(Range),
    /// This validator agrees to a set that is to follow, as the parent counts.
    Handover(SignedStatement),
}

impl Record {
    /// The height whose log it belongs to: once that height's block is committed, the record is of no use. `None` for
    /// summaries and handovers, of each of which the newest is kept.
    pub fn height(&self) -> Option<Height> {
        match self {
            Self::Built(block) | Self::Verified(block) => Some(block.header.height),
            Self::Proposal(proposed) => Some(proposed.header.height),
            Self::Vote(vote) => Some(vote.statement.height),
            Self::Polka(votes) => votes.first().map(|vote| vote.statement.height),
            Self::Judged { height, .. } | Self::Elapsed { height, .. } => Some(*height),
            Self::Summary(_) | Self::Handover(_) => None,
        }
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_list(&mut out, |out| self.put_items(out));
        out
    }

    fn put_items(&self, out: &mut Vec<u8>) {
        match self {
            Self::Built(block) => put(0, &**block, out),
            Self::Verified(block) => put(1, &**block, out),
            Self::Proposal(proposed) => put(2, &**proposed, out),
            Self::Vote(vote) => put(3, vote, out),
            Self::Polka(votes) => put(4, votes, out),
            Self::Judged { height, view, by, block_hash, is_valid } => {
                put(5, height, out);
                view.put(out);
                by.put(out);
                block_hash.put(out);
                is_valid.put(out);
            }
            Self::Elapsed { height, view, wait } => {
                put(6, height, out);
                view.put(out);
                (*wait as u8).put(out);
            }
            Self::Summary(Range { seq, from, to }) => {
                put(7, seq, out);
                from.put(out);
                to.put(out);
            }
            Self::Handover(signed) => put(8, signed, out),
        }
    }

    /// Read a record from exactly these bytes.
    /// # Errors
    /// The first error found: the disk's.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut items = Items::of(bytes)?;
        let record = Self::take_items(&mut items)?;
        items.finish().map(|()| record)
    }

    fn take_items(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::take(items)? {
            0 => Self::Built(Box::new(Block::take(items)?)),
            1 => Self::Verified(Box::new(Block::take(items)?)),
            2 => Self::Proposal(Box::new(Proposed::take(items)?)),
            3 => Self::Vote(SignedStatement::take(items)?),
            4 => Self::Polka(Vec::take(items)?),
            5 => Self::Judged {
                height: Height::take(items)?,
                view: u32::take(items)?,
                by: PublicKey::take(items)?,
                block_hash: Hash::take(items)?,
                is_valid: bool::take(items)?,
            },
            6 => {
                let (height, view) = (Height::take(items)?, u32::take(items)?);
                let wait = match u8::take(items)? {
                    0 => Wait::Propose,
                    1 => Wait::Prevote,
                    2 => Wait::Precommit,
                    _ => return Err(DecodeError::Malformed("unknown wait")),
                };
                Self::Elapsed { height, view, wait }
            }
            7 => Self::Summary(Range { seq: u64::take(items)?, from: Height::take(items)?, to: Height::take(items)? }),
            8 => Self::Handover(SignedStatement::take(items)?),
            _ => return Err(DecodeError::Malformed("unknown kind of record")),
        })
    }
}

fn put(kind: u8, value: &impl Field, out: &mut Vec<u8>) {
    kind.put(out);
    value.put(out);
}

impl Field for Block {
    fn put(&self, out: &mut Vec<u8>) {
        let ParentTip { hash, height, time, root_height, entropy, inbox_next } = self.parent;
        put_list(out, |out| {
            self.header.put(out);
            self.prev_seal.put(out);
            hash.put(out);
            height.put(out);
            time.put(out);
            root_height.put(out);
            entropy.put(out);
            inbox_next.put(out);
            self.settled.put(out);
        });
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        let mut list = items.list()?;
        let block = Self {
            header: ChildHeader::take(&mut list)?,
            prev_seal: Field::take(&mut list)?,
            parent: ParentTip {
                hash: Hash::take(&mut list)?,
                height: Height::take(&mut list)?,
                time: TimeMs::take(&mut list)?,
                root_height: Height::take(&mut list)?,
                entropy: Hash::take(&mut list)?,
                inbox_next: u64::take(&mut list)?,
            },
            settled: u32::take(&mut list)?,
        };
        list.finish().map(|()| block)
    }
    fn show(&self) -> Value {
        self.header.show()
    }
}
