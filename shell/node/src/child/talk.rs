//! What validators of a child send each other beside the engine's own messages: bodies, sealed blocks, transactions.
//!
//! Decoding is strict and every list has its limit. A body travels with the inbox entries that its block settles: a parent
//! that has been told of them keeps them no longer, and whoever catches up needs them. Rules: protocol, associates 5.

use banyan_types::{
    Bytes, Hash, TxHash,
    associate::InboxEntry,
    committee::Certificate,
    header::{ChildBody, ChildHeader},
    limits::INBOX_PER_BLOCK_MAX,
    rlp::{DecodeError, Field, Items, put_list},
};

/// Bytes of a frame, at most: a page of blocks is the largest.
pub const FRAME_BYTES_MAX: usize = 4 << 20;
/// Transactions given at once.
pub const TXS_MAX: usize = 256;
/// Bytes of the transactions given at once, beyond the first.
pub const TXS_BYTES_MAX: usize = 1 << 20;
/// Hashes of transactions told at once.
pub const HASHES_MAX: usize = 2_048;
/// Blocks given at once.
pub const BLOCKS_MAX: usize = 32;
/// Bytes of the blocks given at once, beyond the first.
pub const BLOCKS_BYTES_MAX: usize = 1 << 20;

banyan_types::record! {
    /// A block's body with the inbox entries that it settles, encoded.
    Carried {
        /// The body.
        body: Bytes,
        /// The entries.
        inbox: Vec<Bytes>,
    }

    /// A final block: its body, the entries that it settles, its seal.
    Final {
        /// The body and the entries.
        carried: Carried,
        /// The seal, encoded.
        seal: Bytes,
    }
}

impl Carried {
    /// The header that the body names, and the body. The body is the one that the header was made for, to the byte: what is
    /// wrong with it is the fault of who made the block, and of nobody who carries it. The entries are bound by nothing.
    /// # Errors
    /// The first error found: the sender's fault.
    pub fn open(&self) -> Result<(ChildHeader, ChildBody), DecodeError> {
        let body = ChildBody::decode(&self.body.0)?;
        let header = ChildHeader::decode(&body.header.0)?;
        let hashes = body.txs.iter().map(|tx| banyan_crypto::blake2b(&[&tx.0]));
        let seal_hash = match &body.prev_seal.0[..] {
            [] => Hash::ZERO,
            seal => Certificate::read(seal)?.hash(),
        };
        // No header covers attachments: with any, it is not the leader's body.
        let fits = body.attachments.is_empty()
            && header.txs_root == Hash(banyan_tree::list_root(hashes))
            && header.prev_seal_hash == seal_hash;
        if fits { Ok((header, body)) } else { Err(DecodeError::Malformed("a body of another block")) }
    }

    /// The entries.
    /// # Errors
    /// The first error found: the sender's fault.
    pub fn entries(&self) -> Result<Vec<InboxEntry>, DecodeError> {
        self.inbox.iter().map(|entry| InboxEntry::decode(&entry.0)).collect()
    }
}

/// What travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Talk {
    /// A message of the engine, encoded.
    Word(Bytes),
    /// A block's body: pushed after its proposal, or asked for.
    Body(Box<Carried>),
    /// Give me the body of this block.
    AskBody(Hash),
    /// Final blocks, in the order of their heights.
    Blocks(Vec<Final>),
    /// Signed transactions.
    Txs(Vec<Bytes>),
    /// These wait in my pool.
    Have(Vec<TxHash>),
    /// Give me these.
    Want(Vec<TxHash>),
}

impl Talk {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_list(&mut out, |out| match self {
            Self::Word(word) => put(0, word, out),
            Self::Body(carried) => put(1, &**carried, out),
            Self::AskBody(block) => put(2, block, out),
            Self::Blocks(blocks) => put(3, blocks, out),
            Self::Txs(txs) => put(4, txs, out),
            Self::Have(hashes) => put(5, hashes, out),
            Self::Want(hashes) => put(6, hashes, out),
        });
        out
    }

    /// Read a frame.
    /// # Errors
    /// `TooLarge`, or the first error found: the sender's fault.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (max, got) = (FRAME_BYTES_MAX, bytes.len());
        if got > max {
            return Err(DecodeError::TooLarge { max, got });
        }
        let mut items = Items::of(bytes)?;
        let talk = match u8::take(&mut items)? {
            0 => Self::Word(Bytes::take(&mut items)?),
            1 => Self::Body(Box::new(Carried::take(&mut items)?)),
            2 => Self::AskBody(Hash::take(&mut items)?),
            3 => Self::Blocks(limited(Vec::take(&mut items)?, BLOCKS_MAX)?),
            4 => Self::Txs(limited(Vec::take(&mut items)?, TXS_MAX)?),
            5 => Self::Have(limited(Vec::take(&mut items)?, HASHES_MAX)?),
            6 => Self::Want(limited(Vec::take(&mut items)?, TXS_MAX)?),
            _ => return Err(DecodeError::Malformed("unknown kind of frame")),
        };
        items.finish()?;
        let carried = match &talk {
            Self::Body(carried) => std::slice::from_ref(&**carried).iter().collect(),
            Self::Blocks(blocks) => blocks.iter().map(|block| &block.carried).collect(),
            _ => Vec::new(),
        };
        let entries_max = usize::try_from(INBOX_PER_BLOCK_MAX).unwrap_or(usize::MAX);
        if carried.iter().any(|carried| carried.inbox.len() > entries_max) {
            return Err(DecodeError::Malformed("more inbox entries than a block settles"));
        }
        Ok(talk)
    }

    /// Whether it keeps the pace of blocks, and goes before others.
    pub const fn is_urgent(&self) -> bool {
        matches!(self, Self::Word(_) | Self::AskBody(_) | Self::Body(_))
    }
}

fn put(kind: u8, value: &impl Field, out: &mut Vec<u8>) {
    kind.put(out);
    value.put(out);
}

fn limited<T>(list: Vec<T>, max: usize) -> Result<Vec<T>, DecodeError> {
    if list.len() > max { Err(DecodeError::Malformed("a list longer than its limit")) } else { Ok(list) }
}

/// Items in parts of at most `count` and, beyond the first of each, of at most `bytes`.
pub fn parts<T>(items: Vec<T>, count: usize, bytes: usize, size: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let (mut parts, mut part, mut held) = (Vec::new(), Vec::new(), 0_usize);
    for item in items {
        let next = size(&item);
        if !part.is_empty() && (part.len() >= count || held.saturating_add(next) > bytes) {
            parts.push(std::mem::take(&mut part));
            held = 0;
        }
        held = held.saturating_add(next);
        part.push(item);
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_as_it_was_written_and_nothing_longer() {
        let carried = Carried { body: Bytes(vec![1, 2]), inbox: vec![Bytes(vec![3])] };
        let frames = [
            Talk::Word(Bytes(vec![7])),
            Talk::Body(Box::new(carried.clone())),
            Talk::AskBody(Hash([4; 32])),
            Talk::Blocks(vec![Final { carried, seal: Bytes(vec![5]) }]),
            Talk::Txs(vec![Bytes(vec![6])]),
            Talk::Have(vec![TxHash([8; 32])]),
            Talk::Want(vec![]),
        ];
        for frame in frames {
            let bytes = frame.encode();
            assert_eq!(Talk::decode(&bytes), Ok(frame));
            assert!(Talk::decode(&[&bytes[..], &[0]].concat()).is_err());
            assert!((0..bytes.len()).all(|cut| Talk::decode(&bytes[..cut]).is_err()));
        }
    }

    #[test]
    fn lists_beyond_their_limit_are_refused() {
        let many = |count| (0..count).map(|n| TxHash([u8::try_from(n % 251).unwrap(); 32])).collect::<Vec<_>>();
        assert!(Talk::decode(&Talk::Have(many(HASHES_MAX)).encode()).is_ok());
        assert!(Talk::decode(&Talk::Have(many(HASHES_MAX + 1)).encode()).is_err());
        assert!(Talk::decode(&Talk::Want(many(TXS_MAX + 1)).encode()).is_err());
        let inbox = vec![Bytes(vec![1]); usize::try_from(INBOX_PER_BLOCK_MAX).unwrap() + 1];
        let body = Talk::Body(Box::new(Carried { body: Bytes::default(), inbox }));
        assert!(Talk::decode(&body.encode()).is_err());
    }

    #[test]
    fn parts_keep_order_and_limits() {
        let cut = |items: &[usize]| parts(items.to_vec(), 3, 10, |size| *size);
        assert_eq!(cut(&[]), Vec::<Vec<usize>>::new());
        assert_eq!(cut(&[1, 2, 3, 4]), [vec![1, 2, 3], vec![4]]);
        assert_eq!(cut(&[20, 1, 9, 1]), [vec![20], vec![1, 9], vec![1]]);
    }
}
