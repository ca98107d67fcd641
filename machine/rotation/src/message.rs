//! What validators send each other. Kinds and bytes are those of engine `committee`, where it has them.

use alloc::{boxed::Box, vec::Vec};

use banyan_types::{
    Height,
    committee::{Certificate, SignedStatement, VALIDATORS_MAX},
    header::{ChildBody, ChildHeader},
    rlp::{DecodeError, Field, Items, put_list},
};

/// Bytes of a message, at most: a threshold's accepts, of 147 bytes each, are the largest.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

banyan_types::record! {
    /// A leader's proposal, with all that its header is judged by. The body travels apart.
    Proposed {
        /// The leader's word.
        signed: SignedStatement,
        /// Of the block proposed.
        header: ChildHeader,
        /// The seal of the block before, as the header names it; absent after the genesis.
        prev_seal: Option<Certificate>,
    }

    /// A block of the sender's ledger, its body apart.
    Sealed {
        /// The header.
        header: ChildHeader,
        /// The seal of the block before, as the header names it; absent after the genesis.
        prev_seal: Option<Certificate>,
        /// Its own seal.
        certificate: Certificate,
    }
}

impl Sealed {
    /// A block as it is kept and served: its body with its seal.
    /// # Errors
    /// The first error of the header or the seals.
    pub fn of(body: &ChildBody, certificate: Certificate) -> Result<Self, DecodeError> {
        let header = ChildHeader::decode(&body.header.0)?;
        let prev_seal = match body.prev_seal.0.as_slice() {
            [] => None,
            bytes => Some(Certificate::read(bytes)?),
        };
        Ok(Self { header, prev_seal, certificate })
    }
}

/// What travels between validators. Decoded, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A leader proposes a block.
    Proposal(Box<Proposed>),
    /// An accept, or a commitment.
    Vote(SignedStatement),
    /// One statement by several. A threshold's accepts: why a validator is bound to a block, and a leader proposes it again.
    /// Or commitments, in answer to a question for blocks.
    Polka(Vec<SignedStatement>),
    /// Send me your blocks from this height on.
    AskBlocks(Height),
}

impl Message {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_list(&mut out, |out| match self {
            Self::Proposal(proposed) => put(0, &**proposed, out),
            Self::Vote(vote) => put(1, vote, out),
            Self::Polka(votes) => put(2, votes, out),
            Self::AskBlocks(from) => put(4, from, out),
        });
        out
    }

    /// Read a message from exactly these bytes.
    /// # Errors
    /// `TooLarge` above [`MESSAGE_BYTES_MAX`], or the first error found: the sender's fault.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (max, got) = (MESSAGE_BYTES_MAX, bytes.len());
        if got > max {
            return Err(DecodeError::TooLarge { max, got });
        }
        let mut items = Items::of(bytes)?;
        let message = match u8::take(&mut items)? {
            0 => Self::Proposal(Box::new(Proposed::take(&mut items)?)),
            1 => Self::Vote(SignedStatement::take(&mut items)?),
            2 => Self::Polka(polka(&mut items)?),
            4 => Self::AskBlocks(Height::take(&mut items)?),
            _ => return Err(DecodeError::Malformed("unknown kind of message")),
        };
        items.finish().map(|()| message)
    }
}

fn put(kind: u8, value: &impl Field, out: &mut Vec<u8>) {
    kind.put(out);
    value.put(out);
}

/// One statement by several: no more than a set has members.
fn polka(items: &mut Items<'_>) -> Result<Vec<SignedStatement>, DecodeError> {
    let votes = Vec::<SignedStatement>::take(items)?;
    let Some(first) = votes.first().map(|vote| vote.statement) else { return Err(DecodeError::Malformed("no votes")) };
    if votes.len() > VALIDATORS_MAX || votes.iter().any(|vote| vote.statement != first) {
        return Err(DecodeError::Malformed("votes that are not one statement"));
    }
    Ok(votes)
}
