//! What is on disk before anything of it is sent.

use alloc::{boxed::Box, vec::Vec};

use banyan_child::Range;
use banyan_ledger::ParentTip;
use banyan_types::{
    Hash, Height, TimeMs,
    committee::{Certificate, SignedStatement},
    header::ChildHeader,
    rlp::{DecodeError, Field, Items, put_list},
    show::Value,
};

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

/// What must be on disk before it may be acted on. All records above the last final block, in their order, are what the machine
/// needs to go on; the newest summary stands apart. A [`Record::Built`] or [`Record::Verified`] is written with the block's
/// body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// This validator built the block: it stays its answer in that view.
    Built(Box<Block>),
    /// Another's block was executed and is good.
    Verified(Box<Block>),
    /// This validator signed a proposal, an accept or a commitment.
    Vote(SignedStatement),
    /// A threshold's accepts bind this validator.
    Polka(Vec<SignedStatement>),
    /// Blocks that a summary will be made of.
    Summary(Range),
}

impl Record {
    /// The height that it is about: once a block of that height is final, the record is of no use. `None` for a summary, of
    /// which the newest is kept.
    pub fn height(&self) -> Option<Height> {
        match self {
            Self::Built(block) | Self::Verified(block) => Some(block.header.height),
            Self::Vote(vote) => Some(vote.statement.height),
            Self::Polka(votes) => votes.first().map(|vote| vote.statement.height),
            Self::Summary(_) => None,
        }
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_list(&mut out, |out| match self {
            Self::Built(block) => put(0, &**block, out),
            Self::Verified(block) => put(1, &**block, out),
            Self::Vote(vote) => put(3, vote, out),
            Self::Polka(votes) => put(4, votes, out),
            Self::Summary(Range { seq, from, to }) => {
                put(7, seq, out);
                from.put(out);
                to.put(out);
            }
        });
        out
    }

    /// Read a record from exactly these bytes.
    /// # Errors
    /// The first error found: the disk's.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut items = Items::of(bytes)?;
        let record = match u8::take(&mut items)? {
            0 => Self::Built(Box::new(Block::take(&mut items)?)),
            1 => Self::Verified(Box::new(Block::take(&mut items)?)),
            3 => Self::Vote(SignedStatement::take(&mut items)?),
            4 => Self::Polka(Vec::take(&mut items)?),
            7 => {
                let (seq, from) = (u64::take(&mut items)?, Height::take(&mut items)?);
                Self::Summary(Range { seq, from, to: Height::take(&mut items)? })
            }
            _ => return Err(DecodeError::Malformed("unknown kind of record")),
        };
        items.finish().map(|()| record)
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
