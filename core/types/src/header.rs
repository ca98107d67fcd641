//! Headers: what a ledger says of one block, in few bytes that everybody can check.
//!
//! A key header has 400 bytes, a micro header 260, both of fixed width and big-endian; a child's header is RLP.
//! Hashes are Blake2b-256 of all bytes. Rules: protocol, ledger 6, root 2, associates 5.

use alloc::vec::Vec;

use crate::{AccountId, Gas, Hash, Height, PublicKey, Signature, TimeMs, rlp::DecodeError};

/// Bytes of a key header.
pub const KEY_HEADER_BYTES: usize = 400;
/// Bytes of a micro header.
pub const MICRO_HEADER_BYTES: usize = 260;
/// Bytes of a micro header that its leader signs.
pub const MICRO_SIGNED_BYTES: usize = 196;
/// Bytes of a key header that the proof of work covers: all but nonce and proof.
pub const KEY_WORKED_BYTES: usize = 224;
/// Edges of a proof of work.
pub const POW_EDGES: usize = 42;
/// Flag of a key header.
const KEY_FLAG: u32 = 1 << 31;
/// Flag of a key header whose `info` is meant.
const INFO_FLAG: u32 = 1 << 29;
/// The first protocol version: the level that the public clients ask for. Source: root 1.
pub const PROTOCOL_VERSION: u32 = 6;

/// Opens a generation: the proof of work, and who leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHeader {
    /// Protocol version.
    pub version: u32,
    /// Readiness for a later version, if said.
    pub info: Option<u32>,
    /// Number of the key block.
    pub height: Height,
    /// The block before: key or micro.
    pub prev_hash: Hash,
    /// The key block before.
    pub prev_key_hash: Hash,
    /// Root of the state after this block.
    pub state_root: Hash,
    /// Key of the leader of the generation that this block opens.
    pub miner: PublicKey,
    /// Account that its rewards go to.
    pub beneficiary: AccountId,
    /// Blake2b-256 of the body; zero when it is empty.
    pub witness_hash: Hash,
    /// Target of the proof of work, compact.
    pub target: u32,
    /// When it was made.
    pub time: TimeMs,
    /// Chosen by the miner.
    pub nonce: u64,
    /// The cycle: edges in ascending order.
    pub pow: [u32; POW_EDGES],
}

impl KeyHeader {
    /// The 400 bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(KEY_HEADER_BYTES);
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&(KEY_FLAG | self.info.map_or(0, |_| INFO_FLAG)).to_be_bytes());
        out.extend_from_slice(&self.height.0.to_be_bytes());
        for bytes in [&self.prev_hash.0, &self.prev_key_hash.0, &self.state_root.0, &self.miner.0] {
            out.extend_from_slice(bytes);
        }
        out.extend_from_slice(&self.beneficiary.0);
        out.extend_from_slice(&self.witness_hash.0);
        out.extend_from_slice(&self.target.to_be_bytes());
        out.extend_from_slice(&self.time.0.to_be_bytes());
        out.extend_from_slice(&self.info.unwrap_or(0).to_be_bytes());
        out.extend_from_slice(&self.nonce.to_be_bytes());
        self.pow.iter().for_each(|edge| out.extend_from_slice(&edge.to_be_bytes()));
        out
    }

    /// Read exactly 400 bytes.
    /// # Errors
    /// `Malformed` for another length or unknown flags, `NotCanonical` for an `info` that is not meant.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut wire = Wire::of(bytes, KEY_HEADER_BYTES)?;
        let version = wire.u32()?;
        let flags = wire.u32()?;
        if flags & KEY_FLAG == 0 || flags & !(KEY_FLAG | INFO_FLAG) != 0 {
            return Err(DecodeError::Malformed("flags of a key header"));
        }
        let mut header = Self {
            version,
            info: None,
            height: Height(wire.u64()?),
            prev_hash: Hash(wire.fixed()?),
            prev_key_hash: Hash(wire.fixed()?),
            state_root: Hash(wire.fixed()?),
            miner: PublicKey(wire.fixed()?),
            beneficiary: AccountId(wire.fixed()?),
            witness_hash: Hash(wire.fixed()?),
            target: wire.u32()?,
            time: TimeMs(wire.u64()?),
            nonce: 0,
            pow: [0; POW_EDGES],
        };
        let info = wire.u32()?;
        header.info = (flags & INFO_FLAG != 0).then_some(info);
        if header.info.is_none() && info != 0 {
            return Err(DecodeError::NotCanonical("info without its flag"));
        }
        header.nonce = wire.u64()?;
        for edge in &mut header.pow {
            *edge = wire.u32()?;
        }
        Ok(header)
    }

    /// The block's name, `kh_`: Blake2b-256 of the 400 bytes.
    pub fn hash(&self) -> Hash {
        Hash(banyan_crypto::blake2b(&[&self.encode()]))
    }

    /// What a child draws its entropy from: the header with its proof of work. Source: root 7.
    pub fn entropy(&self) -> Hash {
        Hash(banyan_crypto::blake2b(&[b"entropy", &self.encode()]))
    }
}

/// Adds transactions to a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MicroHeader {
    /// Protocol version.
    pub version: u32,
    /// Height of its key block.
    pub height: Height,
    /// Number in the generation, from 1.
    pub index: u32,
    /// The block before: the key block or a micro block.
    pub prev_hash: Hash,
    /// Its key block.
    pub prev_key_hash: Hash,
    /// Root of the state after this block.
    pub state_root: Hash,
    /// Root of the list of transaction hashes.
    pub txs_root: Hash,
    /// Root of the list of receipt hashes.
    pub receipts_root: Hash,
    /// When it was made.
    pub time: TimeMs,
    /// Gas of all transactions.
    pub gas_used: Gas,
    /// The leader's, over the network id and Blake2b-256 of the first 196 bytes.
    pub signature: Signature,
}

impl MicroHeader {
    /// The 260 bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.unsigned();
        out.extend_from_slice(&self.signature.0);
        out
    }

    fn unsigned(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(MICRO_HEADER_BYTES);
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&0u32.to_be_bytes());
        out.extend_from_slice(&self.height.0.to_be_bytes());
        out.extend_from_slice(&self.index.to_be_bytes());
        for hash in [self.prev_hash, self.prev_key_hash, self.state_root, self.txs_root, self.receipts_root] {
            out.extend_from_slice(&hash.0);
        }
        out.extend_from_slice(&self.time.0.to_be_bytes());
        out.extend_from_slice(&self.gas_used.0.to_be_bytes());
        out
    }

    /// What the leader signs.
    pub fn signing_message(&self, network_id: &str) -> Vec<u8> {
        [network_id.as_bytes(), &banyan_crypto::blake2b(&[&self.unsigned()])].concat()
    }

    /// Read exactly 260 bytes.
    /// # Errors
    /// `Malformed` for another length or flags.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut wire = Wire::of(bytes, MICRO_HEADER_BYTES)?;
        let version = wire.u32()?;
        if wire.u32()? != 0 {
            return Err(DecodeError::Malformed("flags of a micro header"));
        }
        Ok(Self {
            version,
            height: Height(wire.u64()?),
            index: wire.u32()?,
            prev_hash: Hash(wire.fixed()?),
            prev_key_hash: Hash(wire.fixed()?),
            state_root: Hash(wire.fixed()?),
            txs_root: Hash(wire.fixed()?),
            receipts_root: Hash(wire.fixed()?),
            time: TimeMs(wire.u64()?),
            gas_used: Gas(wire.u64()?),
            signature: Signature(wire.fixed()?),
        })
    }

    /// The block's name, `mh_`: Blake2b-256 of the 260 bytes.
    pub fn hash(&self) -> Hash {
        Hash(banyan_crypto::blake2b(&[&self.encode()]))
    }
}

crate::object! {
    /// The header of a child's block. Rules: associates 5.
    920 v 1 ChildHeader {
        /// Protocol version.
        version: u32,
        /// Number of the block.
        height: Height,
        /// The block before.
        prev_hash: Hash,
        /// The final parent block that it names.
        parent_hash: Hash,
        /// That block's height.
        parent_height: Height,
        /// Height of the root at that block.
        root_height: Height,
        /// When it was made.
        time_ms: TimeMs,
        /// Drawn from the named parent block.
        entropy: Hash,
        /// Root of the list of transaction hashes.
        txs_root: Hash,
        /// Root of the list of receipt hashes.
        receipts_root: Hash,
        /// Inbox entries below this number are settled.
        inbox_to: u64,
        /// Outbox entries below this number exist.
        outbox_to: u64,
        /// Root of the state after this block.
        state_root: Hash,
        /// The validator set; zero where the engine has none.
        set_hash: Hash,
        /// Key of whoever ordered it.
        leader: PublicKey,
        /// How many leaders missed their turn.
        view: u32,
        /// Hash of the seal of the block before; zero where there is none.
        prev_seal_hash: Hash,
    }
}

crate::object! {
    /// The body of a key block that carries a seal. One that carries none has an empty body: no bytes at all.
    1200 v 1 KeyBody {
        /// The encoded [`Seal`](crate::witness::Seal).
        seal: crate::Bytes,
    }

    /// The body of a micro block.
    1201 v 1 MicroBody {
        /// Signed transactions in order.
        txs: Vec<crate::Bytes>,
        /// Bytes of proofs that the transactions name by hash.
        attachments: Vec<crate::Bytes>,
    }

    /// A child's block as it travels and is kept.
    921 v 1 ChildBody {
        /// The header's bytes.
        header: crate::Bytes,
        /// Signed transactions in order.
        txs: Vec<crate::Bytes>,
        /// The seal of the block before; empty where there is none.
        prev_seal: crate::Bytes,
        /// Bytes of proofs that the transactions name by hash.
        attachments: Vec<crate::Bytes>,
    }
}

impl KeyBody {
    /// The body's bytes: none without a seal.
    pub fn bytes_of(seal: Option<&crate::witness::Seal>) -> Vec<u8> {
        seal.map(|seal| Self { seal: crate::Bytes(seal.encode()) }.encode()).unwrap_or_default()
    }

    /// Read the seal that a body carries.
    /// # Errors
    /// `TooLarge`, or the first error of body or seal.
    pub fn seal_in(body: &[u8]) -> Result<Option<crate::witness::Seal>, DecodeError> {
        let max = crate::witness::SEAL_BYTES_MAX;
        match body.len() {
            0 => Ok(None),
            got if got > max => Err(DecodeError::TooLarge { max, got }),
            _ => crate::witness::Seal::decode(&Self::decode(body)?.seal.0).map(Some),
        }
    }

    /// What a key header with this body carries as `witness_hash`.
    pub fn witness_hash(body: &[u8]) -> Hash {
        if body.is_empty() { Hash::ZERO } else { Hash(banyan_crypto::blake2b(&[body])) }
    }
}

impl ChildHeader {
    /// The block's name: Blake2b-256 of the header's bytes.
    pub fn hash(&self) -> Hash {
        Hash(banyan_crypto::blake2b(&[&self.encode()]))
    }

    /// Entropy of the child's block, from that of the named parent block. Source: associates 5.
    pub fn derive_entropy(parent: Hash, child: crate::AssociateId) -> Hash {
        Hash(banyan_crypto::blake2b(&[b"entropy", &parent.0, &child.0]))
    }
}

/// Fixed-width fields, read in order.
struct Wire<'a>(&'a [u8]);

impl<'a> Wire<'a> {
    const fn of(bytes: &'a [u8], len: usize) -> Result<Self, DecodeError> {
        if bytes.len() == len { Ok(Self(bytes)) } else { Err(DecodeError::Malformed("length of a header")) }
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(DecodeError::Malformed("length of a header"))?;
        self.0 = rest;
        Ok(*head)
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        self.fixed().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, DecodeError> {
        self.fixed().map(u64::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key_header(fill: u8, info: Option<u32>) -> KeyHeader {
        KeyHeader {
            version: PROTOCOL_VERSION,
            info,
            height: Height(7),
            prev_hash: Hash([fill; 32]),
            prev_key_hash: Hash([1; 32]),
            state_root: Hash([2; 32]),
            miner: PublicKey([3; 32]),
            beneficiary: AccountId([4; 32]),
            witness_hash: Hash([0; 32]),
            target: 0x2100_ffff,
            time: TimeMs(1_700_000_000_000),
            nonce: 38,
            pow: core::array::from_fn(|i| u32::try_from(i).unwrap()),
        }
    }

    fn micro_header(fill: u8) -> MicroHeader {
        MicroHeader {
            version: PROTOCOL_VERSION,
            height: Height(7),
            index: 1,
            prev_hash: Hash([fill; 32]),
            prev_key_hash: Hash([1; 32]),
            state_root: Hash([2; 32]),
            txs_root: Hash([3; 32]),
            receipts_root: Hash([4; 32]),
            time: TimeMs(1_700_000_000_000),
            gas_used: Gas(16_900),
            signature: Signature([5; 64]),
        }
    }

    #[test]
    fn key_header_is_400_bytes_and_micro_header_260() {
        assert_eq!(key_header(9, None).encode().len(), KEY_HEADER_BYTES);
        assert_eq!(micro_header(9).encode().len(), MICRO_HEADER_BYTES);
        assert_eq!(micro_header(9).unsigned().len(), MICRO_SIGNED_BYTES);
    }

    #[test]
    fn info_without_its_flag_is_not_canonical() {
        let mut bytes = key_header(9, None).encode();
        bytes[220] = 1;
        assert_eq!(KeyHeader::decode(&bytes), Err(DecodeError::NotCanonical("info without its flag")));
        let with_info = key_header(9, Some(3));
        assert_eq!(KeyHeader::decode(&with_info.encode()), Ok(with_info));
    }

    proptest! {
        #[test]
        fn a_change_in_any_header_byte_changes_the_hash(at in 0..KEY_HEADER_BYTES, bit in 0u8..8) {
            let header = key_header(9, None);
            let mut bytes = header.encode();
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = KeyHeader::decode(&bytes) {
                prop_assert_ne!(changed.hash(), header.hash());
                prop_assert_eq!(changed.encode(), bytes);
            }
        }

        #[test]
        fn a_change_in_any_micro_header_byte_changes_the_hash(at in 0..MICRO_HEADER_BYTES, bit in 0u8..8) {
            let header = micro_header(9);
            let mut bytes = header.encode();
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = MicroHeader::decode(&bytes) {
                prop_assert_ne!(changed.hash(), header.hash());
                prop_assert_eq!(changed.encode(), bytes);
            }
        }
    }
}
