//! What validators send each other.

use alloc::{boxed::Box, vec::Vec};

use banyan_types::{
    Height,
    committee::{Certificate, SignedStatement, VALIDATORS_MAX},
    header::{ChildBody, ChildHeader},
    rlp::{DecodeError, Field, Items, put_list},
};

/// Bytes of a message, at most: a quorum's votes, of 147 bytes each, are the largest.
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

    /// A final block, its body apart.
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
    /// A vote.
    Vote(SignedStatement),
    /// A quorum's prevotes of one block: why a leader proposes it again.
    Polka(Vec<SignedStatement>),
    /// Votes of a view that let others enter it, or, `closed`, a quorum's precommits that let them leave it.
    View {
        /// Whether they end the view.
        closed: bool,
        /// The votes.
        votes: Vec<SignedStatement>,
    },
    /// Send me your blocks from this height on.
    AskBlocks(Height),
    /// A member of the set that the parent knows agrees to the one that follows.
    Handover(SignedStatement),
}

impl Message {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_list(&mut out, |out| match self {
            Self::Proposal(proposed) => {
                0u8.put(out);
                proposed.put(out);
            }
            Self::Vote(vote) => {
                1u8.put(out);
                vote.put(out);
            }
            Self::Polka(votes) => {
                2u8.put(out);
                votes.put(out);
            }
            Self::View { closed, votes } => {
                3u8.put(out);
                closed.put(out);
                votes.put(out);
            }
            Self::AskBlocks(from) => {
                4u8.put(out);
                from.put(out);
            }
            Self::Handover(signed) => {
                5u8.put(out);
                signed.put(out);
            }
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
            2 => Self::Polka(votes(&mut items)?),
            3 => Self::View { closed: bool::take(&mut items)?, votes: votes(&mut items)? },
            4 => Self::AskBlocks(Height::take(&mut items)?),
            5 => Self::Handover(SignedStatement::take(&mut items)?),
            _ => return Err(DecodeError::Malformed("unknown kind of message")),
        };
        items.finish().map(|()| message)
    }
}

/// Votes of one set: no more than it has members, all of one height and view.
fn votes(items: &mut Items<'_>) -> Result<Vec<SignedStatement>, DecodeError> {
    let votes = Vec::<SignedStatement>::take(items)?;
    let place = |vote: &SignedStatement| (vote.statement.height, vote.statement.view);
    let Some(first) = votes.first().map(place) else { return Err(DecodeError::Malformed("no votes")) };
    if votes.len() > VALIDATORS_MAX || votes.iter().any(|vote| place(vote) != first) {
        return Err(DecodeError::Malformed("votes that are no quorum"));
    }
    Ok(votes)
}
