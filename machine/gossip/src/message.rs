//! What peers say to each other: one byte for the kind, then the fields.
//!
//! Decoding is strict and every list has its limit while it is read, so that no message costs much more memory than its
//! bytes. Headers, votes and seals stand in their own fixed forms. Rules: protocol, root 10.

use alloc::{boxed::Box, string::String, vec::Vec};

use banyan_root::Header;
use banyan_types::{
    Bytes, Hash, Height, Round, TxHash,
    header::{KeyBody, KeyHeader, MicroBody, MicroHeader},
    rlp::{DecodeError, Field, Items, put_bytes, put_list},
    show::Value,
    witness::{JUSTIFICATION_BYTES_MAX, Justification, SEAL_BYTES_MAX, Seal, Vote},
};

use crate::limits::{
    ADDRESS_BYTES_MAX, ADDRESSES_MAX, HEADERS_MAX, LIGHT_TXS_MAX, LISTED_MAX, LOCATOR_MAX, MESSAGE_BYTES_MAX,
    NAME_BYTES_MAX, NEW_TXS_MAX, PAGE_BLOCKS_MAX, RANGES_MAX, TXS_MAX,
};

/// A list of at most `MAX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limited<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> Limited<T, MAX> {
    /// The first `MAX` of these.
    pub fn first_of(all: impl IntoIterator<Item = T>) -> Self {
        Self(all.into_iter().take(MAX).collect())
    }

    /// What it holds.
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MAX: usize> core::ops::Deref for Limited<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Field, const MAX: usize> Field for Limited<T, MAX> {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        let mut list = items.list()?;
        let mut all = Vec::new();
        while !list.is_empty() {
            if all.len() == MAX {
                return Err(DecodeError::Malformed("a list longer than its limit"));
            }
            all.push(T::take(&mut list)?);
        }
        Ok(Self(all))
    }

    fn show(&self) -> Value {
        self.0.show()
    }
}

banyan_types::record! {
    /// Where a node stands.
    Status {
        /// Work of its chain since the genesis.
        work: u128,
        /// The end of its chain, applied.
        tip: Hash,
        /// Height of the tip's key block.
        height: Height,
        /// Its last final key block.
        final_hash: Hash,
        /// Height of that.
        final_height: Height,
    }

    /// The first word of each side.
    Hello {
        /// Hash of the chain's first genesis.
        chain: Hash,
        /// How often the chain was closed out and begun anew.
        epoch: u32,
        /// Protocol version of its headers.
        version: u32,
        /// Stands before what is signed there.
        network_id: String,
        /// What the node keeps, in its own word.
        mode: String,
        /// Where it stands.
        status: Status,
    }

    /// Which key headers follow the newest of these that you have on your chain?
    GetHeaders {
        /// Key blocks of the asker's chain, newest first.
        locator: Limited<Hash, LOCATOR_MAX>,
        /// At most so many.
        max: u32,
    }

    /// Give the blocks of a generation, from an index on.
    GetGeneration {
        /// Its key block.
        key_hash: Hash,
        /// The last block wanted, which the next key block names; absent for the end of the chain.
        last: Option<Hash>,
        /// The first index wanted; 0 is the key block.
        from: u32,
    }

    /// A block's bytes.
    BlockBytes {
        /// A byte for the kind (0 key, 1 micro), then the header.
        header: Bytes,
        /// Of a key block, its seal or nothing; of a micro block, its transactions.
        body: Bytes,
    }

    /// Blocks of one generation in order, no more than a page.
    Generation {
        /// Its key block.
        key_hash: Hash,
        /// Index of the first.
        from: u32,
        /// The blocks.
        blocks: Limited<BlockBytes, PAGE_BLOCKS_MAX>,
        /// Whether more follow.
        more: bool,
    }

    /// A sum over the pool's transactions whose hashes begin with the range's bits.
    RangeSum {
        /// The range.
        range: Range,
        /// How many.
        count: u32,
        /// 16 bytes that only the same set makes, as far as anybody can tell.
        sum: Bytes,
    }

    /// All the pool's transactions in a range.
    RangeList {
        /// The range.
        range: Range,
        /// Their hashes, ascending.
        hashes: Limited<TxHash, LISTED_MAX>,
    }

    /// Compare pools.
    PoolRanges {
        /// Ranges summed.
        sums: Limited<RangeSum, RANGES_MAX>,
        /// Ranges listed.
        lists: Limited<RangeList, RANGES_MAX>,
    }

    /// The transaction hashes that begin with the same hexadecimal digits.
    Range {
        /// How many digits, 0 to 64.
        digits: u8,
        /// The least hash of the range: zero after these digits.
        least: TxHash,
    }

    /// Give signed transactions.
    GetTxs {
        /// Told back in the answer.
        id: u64,
        /// Which.
        hashes: Limited<TxHash, TXS_MAX>,
    }

    /// Signed transactions: those asked for that are here and that fit, so the first missing one may be just too much.
    Txs {
        /// Of the question.
        id: u64,
        /// Their bytes.
        txs: Limited<Bytes, TXS_MAX>,
    }

    /// Which justification?
    GetJustification {
        /// Of this round.
        round: Round,
        /// For this key block.
        hash: Hash,
    }
}

impl Copy for Status {}
impl Copy for Range {}
impl Copy for GetJustification {}

/// What peers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// The first word of each side.
    Hello(Box<Hello>),
    /// Where the sender stands now.
    Status(Status),
    /// Ask for key headers: [`Message::Headers`].
    GetHeaders(GetHeaders),
    /// Key headers in order, each the next one's key block before. None: the sender's chain has no more.
    Headers(Vec<KeyHeader>),
    /// Ask for a generation: [`Message::Generation`].
    GetGeneration(GetGeneration),
    /// Blocks of a generation.
    Generation(Generation),
    /// Ask for a block: [`Message::Block`].
    GetBlock(Hash),
    /// A block. Key blocks come unasked too.
    Block(BlockBytes),
    /// A new micro block: its header, and which transactions.
    Light(Box<MicroHeader>, Limited<TxHash, LIGHT_TXS_MAX>),
    /// Ask for transactions: [`Message::Txs`].
    GetTxs(GetTxs),
    /// Transactions asked for.
    Txs(Txs),
    /// New transactions: who lacks them asks.
    NewTxs(Limited<TxHash, NEW_TXS_MAX>),
    /// Compare pools.
    Pool(PoolRanges),
    /// A witness votes.
    Vote(Box<Vote>),
    /// A key block is final.
    Seal(Box<Seal>),
    /// A key block may be built on.
    Justification(Box<Justification>),
    /// Ask for a justification: [`Message::Justification`].
    GetJustification(GetJustification),
    /// Ask for the seals of eras' last key blocks, from this height on: [`Message::Seal`], one for each.
    GetSeals(Height),
    /// Ask for addresses of peers: [`Message::Peers`].
    GetPeers,
    /// Addresses that the sender has reached.
    Peers(Limited<String, ADDRESSES_MAX>),
    /// The block, generation or justification asked for by this hash is not here.
    Missing(Hash),
}

/// What goes first where messages queue. Lower goes before higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Key blocks, votes, seals, justifications: the chain's pace hangs on them.
    Pace,
    /// What is new: micro blocks and what they lack; and short questions.
    News,
    /// What helps others to catch up.
    Bulk,
}

impl Message {
    /// Its place in a queue.
    pub fn priority(&self) -> Priority {
        match self {
            Self::Block(block) if block.is_key() => Priority::Pace,
            Self::Hello(_) | Self::Vote(_) | Self::Seal(_) | Self::Justification(_) | Self::GetJustification(_) => {
                Priority::Pace
            }
            Self::Headers(_) | Self::Generation(_) | Self::Pool(_) | Self::Peers(_) => Priority::Bulk,
            _ => Priority::News,
        }
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Hello(_) => 0,
            Self::Status(_) => 1,
            Self::GetHeaders(_) => 2,
            Self::Headers(_) => 3,
            Self::GetGeneration(_) => 4,
            Self::Generation(_) => 5,
            Self::GetBlock(_) => 6,
            Self::Block(_) => 7,
            Self::Light(..) => 8,
            Self::GetTxs(_) => 9,
            Self::Txs(_) => 10,
            Self::NewTxs(_) => 11,
            Self::Pool(_) => 12,
            Self::Vote(_) => 13,
            Self::Seal(_) => 14,
            Self::Justification(_) => 15,
            Self::GetJustification(_) => 16,
            Self::GetSeals(_) => 20,
            Self::GetPeers => 17,
            Self::Peers(_) => 18,
            Self::Missing(_) => 19,
        }
    }

    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = alloc::vec![self.kind()];
        match self {
            Self::Hello(hello) => hello.put(&mut out),
            Self::Status(status) => status.put(&mut out),
            Self::GetHeaders(ask) => ask.put(&mut out),
            Self::Headers(headers) => put_list(&mut out, |out| {
                for header in headers {
                    put_bytes(&header.encode(), out);
                }
            }),
            Self::GetGeneration(ask) => ask.put(&mut out),
            Self::Generation(page) => page.put(&mut out),
            Self::GetBlock(hash) | Self::Missing(hash) => hash.put(&mut out),
            Self::Block(block) => block.put(&mut out),
            Self::Light(header, txs) => put_list(&mut out, |out| {
                put_bytes(&header.encode(), out);
                txs.put(out);
            }),
            Self::GetTxs(ask) => ask.put(&mut out),
            Self::Txs(txs) => txs.put(&mut out),
            Self::NewTxs(hashes) => hashes.put(&mut out),
            Self::Pool(ranges) => ranges.put(&mut out),
            Self::Vote(vote) => out.extend(vote.encode()),
            Self::Seal(seal) => out.extend(seal.encode()),
            Self::Justification(justification) => out.extend(justification.encode()),
            Self::GetJustification(ask) => ask.put(&mut out),
            Self::GetSeals(from) => from.put(&mut out),
            Self::GetPeers => {}
            Self::Peers(addresses) => addresses.put(&mut out),
        }
        out
    }

    /// Read exactly these bytes.
    /// # Errors
    /// The first [`DecodeError`] that applies.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        at_most(bytes.len(), MESSAGE_BYTES_MAX)?;
        let (kind, rest) = bytes.split_first().ok_or(DecodeError::Malformed("an empty message"))?;
        Ok(match kind {
            0 => Self::Hello(Box::new(hello(rest)?)),
            1 => Self::Status(field(rest)?),
            2 => Self::GetHeaders(field(rest)?),
            3 => Self::Headers(headers(rest)?),
            4 => Self::GetGeneration(field(rest)?),
            5 => Self::Generation(field(rest)?),
            6 => Self::GetBlock(field(rest)?),
            7 => Self::Block(field(rest)?),
            8 => light(rest)?,
            9 => Self::GetTxs(field(rest)?),
            10 => Self::Txs(field(rest)?),
            11 => Self::NewTxs(field(rest)?),
            12 => Self::Pool(pool(rest)?),
            13 => Self::Vote(Box::new(Vote::decode(rest)?)),
            14 => {
                at_most(rest.len(), SEAL_BYTES_MAX)?;
                Self::Seal(Box::new(Seal::decode(rest)?))
            }
            15 => {
                at_most(rest.len(), JUSTIFICATION_BYTES_MAX)?;
                Self::Justification(Box::new(Justification::decode(rest)?))
            }
            16 => Self::GetJustification(field(rest)?),
            20 => Self::GetSeals(field(rest)?),
            17 if rest.is_empty() => Self::GetPeers,
            17 => return Err(DecodeError::NotCanonical("trailing bytes or fields")),
            18 => Self::Peers(peers(rest)?),
            19 => Self::Missing(field(rest)?),
            kind => return Err(DecodeError::UnknownTag { tag: u64::from(*kind), version: 0 }),
        })
    }
}

impl BlockBytes {
    /// The bytes of a block.
    pub fn of(header: &Header, body: Bytes) -> Self {
        let (kind, header) = match header {
            Header::Key(header) => (0, header.encode()),
            Header::Micro(header) => (1, header.encode()),
        };
        Self { header: Bytes([&[kind], &header[..]].concat()), body }
    }

    /// Whether the header says that it is a key block's.
    pub fn is_key(&self) -> bool {
        self.header.0.first() == Some(&0)
    }

    /// The block's name, if its header is one.
    pub fn hash(&self) -> Hash {
        Hash(banyan_crypto::blake2b(&[self.header.0.get(1..).unwrap_or_default()]))
    }

    /// Whether the body is the one that the header names. Nothing else is checked.
    pub(crate) fn body_fits(&self, header: &Header) -> bool {
        match header {
            Header::Key(header) => header.witness_hash == KeyBody::witness_hash(&self.body.0),
            Header::Micro(header) => MicroBody::decode(&self.body.0).is_ok_and(|body| {
                let hashes = body.txs.iter().map(|tx| banyan_crypto::blake2b(&[&tx.0]));
                // No header covers attachments: with any, it is not the leader's body.
                body.attachments.is_empty() && header.txs_root == Hash(banyan_tree::list_root(hashes))
            }),
        }
    }

    /// Read the header.
    /// # Errors
    /// The first [`DecodeError`] that applies.
    pub fn parse(&self) -> Result<Header, DecodeError> {
        match self.header.0.split_first() {
            Some((0, bytes)) => KeyHeader::decode(bytes).map(|header| Header::Key(Box::new(header))),
            Some((1, bytes)) => MicroHeader::decode(bytes).map(|header| Header::Micro(Box::new(header))),
            _ => Err(DecodeError::Malformed("unknown kind of header")),
        }
    }

    /// Bytes of both parts.
    pub const fn size(&self) -> usize {
        self.header.0.len().saturating_add(self.body.0.len())
    }
}

const fn at_most(got: usize, max: usize) -> Result<(), DecodeError> {
    if got > max { Err(DecodeError::TooLarge { max, got }) } else { Ok(()) }
}

/// The one field that the bytes are.
fn field<T: Field>(bytes: &[u8]) -> Result<T, DecodeError> {
    // `Items` begins inside a list, so the field is read as the only item of one.
    let mut list = Vec::with_capacity(bytes.len().saturating_add(9));
    put_list(&mut list, |out| out.extend_from_slice(bytes));
    let mut items = Items::of(&list)?;
    let value = T::take(&mut items)?;
    items.finish().map(|()| value)
}

fn hello(bytes: &[u8]) -> Result<Hello, DecodeError> {
    let hello: Hello = field(bytes)?;
    at_most(hello.network_id.len(), NAME_BYTES_MAX)?;
    at_most(hello.mode.len(), NAME_BYTES_MAX)?;
    Ok(hello)
}

fn headers(bytes: &[u8]) -> Result<Vec<KeyHeader>, DecodeError> {
    let mut items = Items::of(bytes)?;
    let mut headers = Vec::new();
    while !items.is_empty() {
        if headers.len() == HEADERS_MAX {
            return Err(DecodeError::Malformed("a list longer than its limit"));
        }
        headers.push(KeyHeader::decode(items.bytes()?)?);
    }
    Ok(headers)
}

fn light(bytes: &[u8]) -> Result<Message, DecodeError> {
    let mut items = Items::of(bytes)?;
    let header = MicroHeader::decode(items.bytes()?)?;
    let txs = Limited::take(&mut items)?;
    items.finish().map(|()| Message::Light(Box::new(header), txs))
}

fn pool(bytes: &[u8]) -> Result<PoolRanges, DecodeError> {
    let pool: PoolRanges = field(bytes)?;
    let ranges = pool.sums.iter().map(|sum| &sum.range).chain(pool.lists.iter().map(|list| &list.range));
    for range in ranges {
        if !range.is_canonical() {
            return Err(DecodeError::NotCanonical("a range that does not begin where it says"));
        }
    }
    let sums = pool.sums.windows(2).all(|pair| ascend(pair.iter().map(|sum| sum.range)));
    let lists = pool.lists.windows(2).all(|pair| ascend(pair.iter().map(|list| list.range)));
    if !sums || !lists {
        return Err(DecodeError::NotCanonical("ranges that overlap or do not ascend"));
    }
    if pool.sums.iter().any(|sum| sum.sum.0.len() != crate::pool::SUM_BYTES) {
        return Err(DecodeError::Malformed("length of a sum"));
    }
    for list in pool.lists.iter() {
        let inside = list.hashes.iter().all(|hash| list.range.holds(hash));
        if !inside || !list.hashes.is_sorted_by(|a, b| a < b) {
            return Err(DecodeError::NotCanonical("hashes outside their range, or that do not ascend"));
        }
    }
    Ok(pool)
}

/// Whether each range ends before the next begins.
fn ascend(mut ranges: impl Iterator<Item = Range>) -> bool {
    let mut last: Option<TxHash> = None;
    ranges.all(|range| last.replace(range.greatest()).is_none_or(|last| last < range.least))
}

fn peers(bytes: &[u8]) -> Result<Limited<String, ADDRESSES_MAX>, DecodeError> {
    let addresses: Limited<String, ADDRESSES_MAX> = field(bytes)?;
    addresses.iter().try_for_each(|address| at_most(address.len(), ADDRESS_BYTES_MAX))?;
    Ok(addresses)
}
