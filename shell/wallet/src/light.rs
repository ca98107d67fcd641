//! Believe a node nothing: check that a state holds what the node says it holds.
//!
//! The chain of evidence is a block's hash, the header that has it, the state root in the header, the proof of some
//! leaves under that root, and the leaves themselves, decoded. A child's block is anchored by its parent: the
//! connection point under a proven root names block and state root of the child's last accepted summary. Everything
//! here is pure and never panics, whatever the bytes. Read [`StateProof::check`] first. Rules: protocol, node 3.4.

use std::collections::BTreeMap;

use banyan_ledger::{
    AccessRight, Account, Code, CommitteeEngine, ConnectionPoint, Contract, Escrow, Key, Naming, ParentLeaf,
    RootEngine, Source, Stake, Supply, Tombstone, WitnessSets, key,
};
use banyan_tree::{BadEncoding, BadProof, MultiProof};
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, ContractId, Hash, Height, Id,
    associate::{InboxEntry, OutboxEntry},
    header::{ChildHeader, KeyHeader, MicroHeader},
    rlp::DecodeError,
};

/// Keys that one proof may speak of. Source: node 8.2.
pub const KEYS_MAX: usize = 256;

/// Why a claim is not believed; whoever made it is at fault, but for the first two.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotProven {
    /// More keys than one proof may have.
    #[error("{got} keys, at most {KEYS_MAX}")]
    TooMany {
        /// How many.
        got: usize,
    },
    /// Something was asked that the proof does not speak of.
    #[error("the proof does not speak of {what}")]
    NotAsked {
        /// What.
        what: String,
    },
    /// The bytes are no header.
    #[error("the header does not decode: {0}")]
    Header(DecodeError),
    /// The header is of another block.
    #[error("the header has the hash {got}, the block was to be {expected}")]
    Block {
        /// The block that was asked for.
        expected: Hash,
        /// The header's.
        got: Hash,
    },
    /// The bytes are no proof.
    #[error("the proof does not decode: {0}")]
    Encoding(#[from] BadEncoding),
    /// The proof proves something else.
    #[error("the proof does not hold: {0}")]
    Proof(#[from] BadProof),
    /// A proven leaf is not what it should be; the ledger itself is broken.
    #[error("{what} does not decode: {why}")]
    Leaf {
        /// Which leaf.
        what: String,
        /// Why not.
        why: DecodeError,
    },
    /// The parent's connection point names another block of the child.
    #[error("the parent's last summary names the child's block {anchored}, the proof is of {got}")]
    Anchor {
        /// What the parent says.
        anchored: Hash,
        /// What was proven.
        got: Hash,
    },
}

/// A header of any ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// Of the root: opens a generation.
    Key(Box<KeyHeader>),
    /// Of the root: adds transactions to one.
    Micro(Box<MicroHeader>),
    /// Of a child.
    Child(Box<ChildHeader>),
}

/// Which of the three a header is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of the root: opens a generation.
    Key,
    /// Of the root: adds transactions to one.
    Micro,
    /// Of a child.
    Child,
}

impl Header {
    /// Read exactly these bytes as a header of this kind.
    /// # Errors
    /// [`DecodeError`] of the header.
    pub fn decode(kind: Kind, bytes: &[u8]) -> Result<Self, DecodeError> {
        match kind {
            Kind::Key => KeyHeader::decode(bytes).map(|header| Self::Key(Box::new(header))),
            Kind::Micro => MicroHeader::decode(bytes).map(|header| Self::Micro(Box::new(header))),
            Kind::Child => ChildHeader::decode(bytes).map(|header| Self::Child(Box::new(header))),
        }
    }

    /// The block's name, from the header's bytes.
    pub fn hash(&self) -> Hash {
        match self {
            Self::Key(header) => header.hash(),
            Self::Micro(header) => header.hash(),
            Self::Child(header) => header.hash(),
        }
    }

    /// Root of the state after the block.
    pub const fn state_root(&self) -> Hash {
        match self {
            Self::Key(header) => header.state_root,
            Self::Micro(header) => header.state_root,
            Self::Child(header) => header.state_root,
        }
    }

    /// Number of the block, of a micro block that of its key block.
    pub const fn height(&self) -> Height {
        match self {
            Self::Key(header) => header.height,
            Self::Micro(header) => header.height,
            Self::Child(header) => header.height,
        }
    }
}

/// What a node says a state holds. Nothing of it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateProof {
    /// What the block's header is.
    pub kind: Kind,
    /// Its bytes.
    pub header: Vec<u8>,
    /// The encoded proof of all leaves together.
    pub proof: Vec<u8>,
    /// Each key with the bytes that the state is said to hold there, in any order.
    pub leaves: Vec<(Key, Option<Vec<u8>>)>,
}

impl StateProof {
    /// Check everything against the hash of a block.
    /// # Errors
    /// The first [`NotProven`] on the way from the hash to the leaves.
    pub fn check(&self, block: Hash) -> Result<Proven, NotProven> {
        let proven = self.check_alone()?;
        if proven.block != block {
            return Err(NotProven::Block { expected: block, got: proven.block });
        }
        Ok(proven)
    }

    /// Check that header, proof and leaves fit together; whoever asks compares [`Proven::block`] with a hash that it
    /// has from elsewhere.
    /// # Errors
    /// Any [`NotProven`] but `Block`.
    pub fn check_alone(&self) -> Result<Proven, NotProven> {
        if self.leaves.len() > KEYS_MAX {
            return Err(NotProven::TooMany { got: self.leaves.len() });
        }
        let header = Header::decode(self.kind, &self.header).map_err(NotProven::Header)?;
        let proof = MultiProof::decode(&self.proof)?;
        let mut items = self.leaves.clone();
        items.sort_unstable();
        proof.verify(&header.state_root().0, &items)?;
        Ok(Proven { block: header.hash(), header, leaves: items.into_iter().collect() })
    }
}

/// What a state holds, beyond doubt if the block is. Only this module makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    block: Hash,
    header: Header,
    leaves: BTreeMap<Key, Option<Vec<u8>>>,
}

impl Proven {
    /// The block after which the state holds this.
    pub const fn block(&self) -> Hash {
        self.block
    }

    /// That block's header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Keys spoken of, with what the state holds there.
    pub fn leaves(&self) -> impl Iterator<Item = (&Key, Option<&[u8]>)> {
        self.leaves.iter().map(|(key, value)| (key, value.as_deref()))
    }

    /// An account; `None` if it does not exist.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn account(&self, id: AccountId) -> Result<Option<Account>, NotProven> {
        self.leaf(&key::account(id), &format_args!("{id}"), Account::decode)
    }

    /// What an account holds; nothing if it does not exist.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn balance(&self, id: AccountId) -> Result<Amount, NotProven> {
        Ok(self.account(id)?.map_or(Amount::ZERO, |account| account.balance))
    }

    /// A contract; `None` if there is none.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn contract(&self, id: ContractId) -> Result<Option<Contract>, NotProven> {
        self.leaf(&key::contract(id), &format_args!("{id}"), Contract::decode)
    }

    /// Code by its hash.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn code(&self, hash: Hash) -> Result<Option<Code>, NotProven> {
        self.leaf(&key::code(hash), &format_args!("code {hash}"), Code::decode)
    }

    /// A source by its hash.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn source(&self, hash: Hash) -> Result<Option<Source>, NotProven> {
        self.leaf(&key::source(hash), &format_args!("source {hash}"), Source::decode)
    }

    /// What is left of an object that is gone.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn tombstone(&self, id: Id) -> Result<Option<Tombstone>, NotProven> {
        self.leaf(&key::tombstone(id), &format_args!("the tombstone of {id}"), Tombstone::decode)
    }

    /// A child's connection point.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn point(&self, id: AssociateId) -> Result<Option<ConnectionPoint>, NotProven> {
        self.leaf(&key::point(id), &format_args!("the connection point {id}"), ConnectionPoint::decode)
    }

    /// A child's escrow.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn escrow(&self, id: AssociateId) -> Result<Escrow, NotProven> {
        let at = key::escrow(id, Asset::Coin);
        Ok(self.leaf(&at, &format_args!("the escrow of {id}"), Escrow::decode)?.unwrap_or(Escrow::EMPTY))
    }

    /// On the parent of a child whose access is listed: whether it may be sent money for this account.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn may_receive(&self, id: AssociateId, account: AccountId) -> Result<bool, NotProven> {
        let right = self.leaf(&key::access(id, account), &format_args!("the access of {account}"), AccessRight::decode);
        Ok(right?.is_some_and(|right| right.receive))
    }

    /// An open entry of a child's inbox, on the parent.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn inbox_entry(&self, id: AssociateId, n: u64) -> Result<Option<InboxEntry>, NotProven> {
        self.leaf(&key::inbox(id, n), &format_args!("inbox entry {n} of {id}"), InboxEntry::decode)
    }

    /// An entry of the outbox, on a child.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn outbox_entry(&self, n: u64) -> Result<Option<OutboxEntry>, NotProven> {
        self.leaf(&key::outbox(n), &format_args!("outbox entry {n}"), OutboxEntry::decode)
    }

    /// On a child: its side of the connection.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn parent_leaf(&self) -> Result<Option<ParentLeaf>, NotProven> {
        self.leaf(&key::parent(), &format_args!("the parent leaf"), ParentLeaf::decode)
    }

    /// Running totals of the coin.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn supply(&self) -> Result<Option<Supply>, NotProven> {
        self.leaf(&key::supply(), &format_args!("the supply"), Supply::decode)
    }

    /// On the root, or where a committee is chosen by stake: what an account has bonded, if it ever bonded anything.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn stake(&self, id: AccountId) -> Result<Option<Stake>, NotProven> {
        self.leaf(&key::stake(id), &format_args!("the stake of {id}"), Stake::decode)
    }

    /// On the root: the sets of witnesses; `None` where there are none.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn witness_sets(&self) -> Result<Option<WitnessSets>, NotProven> {
        self.leaf(&key::witness_sets(), &format_args!("the witness sets"), WitnessSets::decode)
    }

    /// On the root: what its engine keeps.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn engine(&self) -> Result<Option<RootEngine>, NotProven> {
        self.leaf(&key::engine(), &format_args!("the engine leaf"), RootEngine::decode)
    }

    /// On a committee's ledger: what its engine keeps; `None` where its validators never change.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn committee(&self) -> Result<Option<CommitteeEngine>, NotProven> {
        self.leaf(&key::engine(), &format_args!("the engine leaf"), CommitteeEngine::decode)
    }

    /// On a committee's ledger: what contract names its validators, and which is proposed.
    /// # Errors
    /// `NotAsked` or `Leaf`.
    pub fn naming(&self) -> Result<Option<Naming>, NotProven> {
        self.leaf(&key::naming(), &format_args!("the naming leaf"), Naming::decode)
    }

    /// Whether the parent stands for this block of its child `id`: the last accepted summary ends at it, with the
    /// state root that was proven here. `parent` must speak of the connection point.
    /// # Errors
    /// `Anchor`, and those of [`Self::point`] of the parent.
    pub fn check_anchor(&self, parent: &Self, id: AssociateId) -> Result<(), NotProven> {
        let what = || format!("the connection point {id}");
        let point = parent.point(id)?.ok_or_else(|| NotProven::NotAsked { what: what() })?.point;
        if point.block_hash == self.block && point.root == self.header.state_root() {
            return Ok(());
        }
        Err(NotProven::Anchor { anchored: point.block_hash, got: self.block })
    }

    fn leaf<T>(
        &self,
        key: &Key,
        what: &std::fmt::Arguments<'_>,
        decode: fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, NotProven> {
        let held = self.leaves.get(key).ok_or_else(|| NotProven::NotAsked { what: what.to_string() })?;
        let decoded = held.as_deref().map(decode).transpose();
        decoded.map_err(|why| NotProven::Leaf { what: what.to_string(), why })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::testing::{account, coins};
    use banyan_tree::{Trie, value_hash};
    use banyan_types::{AccountId, Nonce, PublicKey, TimeMs};
    use proptest::prelude::*;

    /// A child's state of accounts 1 to `n`, each with as many coins as its number, and a proof of `keys`.
    fn proof(n: u8, keys: &[Key]) -> StateProof {
        let leaf = |id: u8| {
            let held = Account { nonce: Nonce(1), balance: coins(id.into()), ..Account::EMPTY };
            (key::account(account(id)), held.encode())
        };
        let values: BTreeMap<Key, Vec<u8>> = (1..=n).map(leaf).collect();
        let changes: Vec<_> = values.iter().map(|(key, value)| (*key, Some((value_hash(value), ())))).collect();
        let trie = Trie::new().update(&changes);
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        StateProof {
            kind: Kind::Child,
            header: header(Hash(trie.root())).encode(),
            proof: trie.prove_many(&keys).encode(),
            leaves: keys.into_iter().map(|key| (key, values.get(&key).cloned())).collect(),
        }
    }

    /// The header of a child's block that leads to this state.
    pub fn header(state_root: Hash) -> ChildHeader {
        let zero = Hash::ZERO;
        ChildHeader {
            version: 6,
            height: Height(7),
            prev_hash: zero,
            parent_hash: zero,
            parent_height: Height(3),
            root_height: Height(3),
            time_ms: TimeMs(1),
            entropy: zero,
            txs_root: zero,
            receipts_root: zero,
            inbox_to: 0,
            outbox_to: 0,
            state_root,
            set_hash: zero,
            leader: PublicKey([1; 32]),
            view: 0,
            prev_seal_hash: zero,
        }
    }

    fn block(proof: &StateProof) -> Hash {
        Header::decode(Kind::Child, &proof.header).unwrap().hash()
    }

    fn accounts(ids: &[u8]) -> Vec<Key> {
        ids.iter().map(|id| key::account(account(*id))).collect()
    }

    #[test]
    fn a_good_proof_shows_what_is_there_and_what_is_not() {
        let proof = proof(9, &accounts(&[3, 200]));
        let proven = proof.check(block(&proof)).unwrap();
        assert_eq!(proven.balance(account(3)), Ok(coins(3)));
        assert_eq!(proven.account(account(200)), Ok(None));
        assert_eq!(proven.header().height(), Height(7));
    }

    #[test]
    fn what_was_not_asked_is_not_known() {
        let proof = proof(9, &accounts(&[3]));
        let proven = proof.check(block(&proof)).unwrap();
        assert!(matches!(proven.account(account(4)), Err(NotProven::NotAsked { .. })));
        assert!(matches!(proven.supply(), Err(NotProven::NotAsked { .. })));
    }

    #[test]
    fn a_lying_node_is_found_out() {
        let good = proof(9, &accounts(&[3, 200]));
        let block = block(&good);
        let mut richer = good.clone();
        let rich = Account { nonce: Nonce(1), balance: coins(1_000), ..Account::EMPTY };
        richer.leaves.iter_mut().find(|(_, value)| value.is_some()).unwrap().1 = Some(rich.encode());
        let mut hidden = good.clone();
        hidden.leaves.iter_mut().for_each(|(_, value)| *value = None);
        let mut other_root = good.clone();
        other_root.header = header(Hash([9; 32])).encode();
        let mut cut = good.clone();
        cut.proof.pop();
        assert!(matches!(richer.check(block), Err(NotProven::Proof(BadProof::Value { .. }))));
        assert!(matches!(hidden.check(block), Err(NotProven::Proof(BadProof::Value { .. }))));
        assert!(matches!(other_root.check(block), Err(NotProven::Proof(BadProof::Root { .. }))));
        assert!(matches!(cut.check(block), Err(NotProven::Encoding(_))));
        assert!(matches!(good.check(Hash([1; 32])), Err(NotProven::Block { .. })));
    }

    #[test]
    fn a_proof_has_a_limit() {
        let mut proof = proof(3, &accounts(&[1]));
        proof.leaves = vec![([0; 32], None); KEYS_MAX + 1];
        assert_eq!(proof.check_alone(), Err(NotProven::TooMany { got: KEYS_MAX + 1 }));
    }

    #[test]
    fn a_block_is_anchored_only_by_a_summary_that_ends_at_it() {
        let child = AssociateId([7; 32]);
        let below = proof(3, &accounts(&[1]));
        let below = below.check_alone().unwrap();
        let no_point = proof(3, &[key::point(child)]).check_alone().unwrap();
        assert!(matches!(below.check_anchor(&no_point, child), Err(NotProven::NotAsked { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_check_panic(
            kind in 0usize..3, header in proptest::collection::vec(any::<u8>(), 0..450),
            proof in proptest::collection::vec(any::<u8>(), 0..200),
            value in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..50)),
        ) {
            let kind = [Kind::Key, Kind::Micro, Kind::Child][kind];
            let claim = StateProof { kind, header, proof, leaves: vec![(key::supply(), value)] };
            let checked = claim.check_alone().and_then(|proven| proven.supply());
            // No such bytes hash to a state root that anybody has seen.
            prop_assert!(checked.is_err() || checked == Ok(None));
        }

        #[test]
        fn a_changed_byte_is_never_believed(at: prop::sample::Index, bit in 0u8..8) {
            let good = proof(20, &accounts(&[3, 5, 200]));
            let block = block(&good);
            let mut bad = good.clone();
            let at = at.index(bad.proof.len());
            bad.proof[at] ^= 1 << bit;
            prop_assert!(bad.check(block).is_err());
        }

        #[test]
        fn ids_in_any_order_give_the_same_answer(mut ids in proptest::collection::btree_set(1u8..30, 1..10)) {
            ids.insert(4);
            let mut proof = proof(20, &accounts(&ids.iter().copied().collect::<Vec<_>>()));
            proof.leaves.reverse();
            let proven = proof.check_alone().unwrap();
            for id in ids {
                let expected = if id <= 20 { coins(id.into()) } else { Amount::ZERO };
                prop_assert_eq!(proven.balance(AccountId([id; 32])), Ok(expected));
            }
        }
    }
}
