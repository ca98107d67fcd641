//! Follow the witness sets of a root from seal to seal, holding no state but them.
//!
//! One block for each era is enough: the last key block of it, its seal by a set that is known already, and a proof of the
//! leaf with the sets in its state. From there any sealed key block gives a state root. Whoever verifies the root and does
//! not run it uses this: light clients, children that live elsewhere. Read [`Follower::cross`] first. Rules: root 9.

use alloc::{boxed::Box, vec::Vec};

use banyan_tree::{BadProof, MultiProof};
use banyan_types::{
    Era, Hash, Height, TimeMs,
    header::KeyHeader,
    rlp::{DecodeError, Field as _, Items},
    witness::{Seal, WitnessSet},
};

use crate::{
    Genesis, GenesisError, RootRules, WitnessSets,
    certificate::{BadAnchor, BadCertificate, check_anchor, check_seal},
    genesis_state,
    leaf::key,
};

/// Sets that a state holds after an era's end: of that era and of the two after it. Source: root 8.
const SETS_KEPT: u32 = 3;

/// The last key block of an era: who is to sign the era after next stands in its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// Its header.
    pub header: KeyHeader,
    /// Its seal; none where operators' word stands for it, in an anchor of the genesis file.
    pub seal: Option<Seal>,
    /// Proof of the sets' leaf under the header's state root.
    pub proof: MultiProof,
    /// The leaf.
    pub leaf: Vec<u8>,
}

/// Why something is not believed, in the order of the checks. All are the fault of whoever sent it, but for `Unknown`, which
/// is early: eras in between must be crossed first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFollowed {
    /// The ledger's genesis names no witnesses: nothing of it is ever sealed.
    #[error("the genesis names no witnesses, so there are no seals to follow")]
    NoWitnesses,
    /// The genesis begins no ledger.
    #[error("{0}")]
    Genesis(#[from] GenesisError),
    /// The block, or the genesis, is not the one that is trusted.
    #[error("{got} is not {expected}, which is trusted")]
    Untrusted {
        /// What the user trusts.
        expected: Hash,
        /// What came.
        got: Hash,
    },
    /// The seal is of another block.
    #[error("the seal is of {sealed}, the header of {got}")]
    Header {
        /// Block of the seal.
        sealed: Hash,
        /// Block of the header.
        got: Hash,
    },
    /// The seal's era is not its height's, or its height is not the header's.
    #[error("era {era} does not have height {height}")]
    Place {
        /// Of the seal.
        era: Era,
        /// Of the seal.
        height: Height,
    },
    /// The block does not end its era.
    #[error("height {height} does not end an era; {expected} does")]
    NotLast {
        /// Where the era ends.
        expected: Height,
        /// The block's height.
        height: Height,
    },
    /// It is older than the newest that was accepted.
    #[error("height {got} is below {held}, which is sealed already")]
    Old {
        /// The newest accepted.
        held: Height,
        /// The seal's.
        got: Height,
    },
    /// Both hold, and cannot both be: evidence to send.
    #[error("two key blocks of height {} are sealed: {} and {}", got.height, held.hash, got.hash)]
    Conflict {
        /// The seal that was accepted before.
        held: Box<Seal>,
        /// The other one.
        got: Box<Seal>,
    },
    /// Another era runs here.
    #[error("sealed in era {era}; era {running} must be crossed first")]
    Unknown {
        /// The seal's.
        era: Era,
        /// The one that runs here.
        running: Era,
    },
    /// Neither a seal nor an anchor of the genesis file makes it final.
    #[error("nobody has sealed {hash} at height {height}, and no anchor in the genesis file names it")]
    NoAnchor {
        /// Height of the block.
        height: Height,
        /// The block.
        hash: Hash,
    },
    /// The seal does not hold.
    #[error("the seal does not hold: {0}")]
    Seal(#[from] BadCertificate),
    /// The anchor does not hold.
    #[error("the anchor in the genesis file does not hold: {0}")]
    Anchor(#[from] BadAnchor),
    /// The proof does not hold.
    #[error("the proof of the witness sets does not hold: {0}")]
    Proof(#[from] BadProof),
    /// The leaf does not decode.
    #[error("the leaf of the witness sets does not decode: {0}")]
    Leaf(#[from] DecodeError),
    /// The sets are not of the eras that a state holds there, or differ from those known.
    #[error("the state holds other witness sets than it may after era {era}")]
    Sets {
        /// The era that ends.
        era: Era,
    },
}

/// A sealed key block: what its state root proves is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// The key block.
    pub hash: Hash,
    /// Its height.
    pub height: Height,
    /// Root of the state after it.
    pub state_root: Hash,
    /// When it was made, by its miner's clock.
    pub time: TimeMs,
}

banyan_types::record! {
    /// A follower as a file holds it.
    Row {
        /// Hash of the first genesis.
        chain: Hash,
        /// The sets known.
        sets: Vec<WitnessSet>,
        /// The newest seal, if there is one.
        newest: Option<Seal>,
        /// Time of its key block, or of the genesis.
        time: TimeMs,
    }
}

/// Which sets may sign, and up to where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    chain: Hash,
    rules: RootRules,
    /// Milliseconds that bonds answer for votes of the past.
    answers_ms: u64,
    /// One at least, of eras without a gap, as states hold them; the first is of the running one.
    sets: WitnessSets,
    newest: Option<Box<Seal>>,
    /// Time of the newest sealed key block, or of the genesis.
    time: TimeMs,
}

impl Follower {
    /// From the genesis: its witnesses are the sets of eras 0 and 1.
    /// # Errors
    /// `NoWitnesses`, `Genesis`.
    pub fn from_genesis(genesis: &Genesis) -> Result<Self, NotFollowed> {
        let mut follower = Self::new(genesis)?;
        let leaf = genesis_state(genesis)?.remove(&key::witness_sets()).flatten();
        follower.sets = WitnessSets::decode(&leaf.ok_or(NotFollowed::NoWitnesses)?)?;
        Ok(follower)
    }

    /// From the last key block of an era that the user trusts by its hash, on somebody's word. It must not be older than
    /// bonds answer ([`Self::is_stale`]), or keys that risk nothing any more could have made up another history.
    /// # Errors
    /// The first [`NotFollowed`] that applies.
    pub fn from_trusted(genesis: &Genesis, trusted: Hash, boundary: &Boundary) -> Result<Self, NotFollowed> {
        let mut follower = Self::new(genesis)?;
        let got = boundary.header.hash();
        if got != trusted {
            return Err(NotFollowed::Untrusted { expected: trusted, got });
        }
        let ended = follower.check_last(boundary)?;
        follower.sets = read_sets(ended, boundary)?;
        match &boundary.seal {
            Some(seal) => follower.check_signatures(seal)?,
            None => follower.check_anchor(boundary, &follower.sets)?,
        }
        follower.advance(ended, boundary);
        Ok(follower)
    }

    /// As [`Self::save`] left it.
    /// # Errors
    /// `Leaf` when the bytes are not its own, `Untrusted` when they are of another ledger.
    pub fn resume(genesis: &Genesis, saved: &[u8]) -> Result<Self, NotFollowed> {
        let follower = Self::new(genesis)?;
        let row = Row::take_fields(&mut Items::of(saved)?)?;
        if row.chain != follower.chain {
            return Err(NotFollowed::Untrusted { expected: follower.chain, got: row.chain });
        }
        if row.sets.is_empty() {
            return Err(DecodeError::Malformed("no sets").into());
        }
        Ok(Self { sets: WitnessSets { sets: row.sets }, newest: row.newest.map(Box::new), time: row.time, ..follower })
    }

    /// All that it knows, for [`Self::resume`].
    pub fn save(&self) -> Vec<u8> {
        let newest = self.newest.as_deref().cloned();
        let mut bytes = Vec::new();
        Row { chain: self.chain, sets: self.sets.sets.clone(), newest, time: self.time }.put(&mut bytes);
        bytes
    }

    fn new(genesis: &Genesis) -> Result<Self, NotFollowed> {
        let rules = genesis.params.root.clone().ok_or(NotFollowed::NoWitnesses)?;
        let unbond_eras = rules.stake.as_ref().ok_or(NotFollowed::NoWitnesses)?.unbond_eras;
        let heights = rules.era.saturating_mul(unbond_eras.into());
        let answers_ms = heights.saturating_mul(genesis.params.height_interval_ms);
        let sets = WitnessSets { sets: Vec::new() };
        Ok(Self { chain: genesis.hash(), rules, answers_ms, sets, newest: None, time: genesis.time })
    }

    /// The era whose end is to be crossed next.
    pub fn era(&self) -> Era {
        self.sets.sets.first().map_or(Era(0), |set| set.era)
    }

    /// The sets known: of the running era, and of those after it.
    pub fn sets(&self) -> &[WitnessSet] {
        &self.sets.sets
    }

    /// The newest seal that was accepted.
    pub fn newest(&self) -> Option<&Seal> {
        self.newest.as_deref()
    }

    /// Whether bonds no longer answer for what was signed after the newest seal: then another history costs nobody anything,
    /// and a newer block has to be trusted.
    pub fn is_stale(&self, now: TimeMs) -> bool {
        self.time.0.saturating_add(self.answers_ms) < now.0
    }

    /// Go over the end of the running era: its last key block, sealed by its own set. By an anchor the end of a later one may
    /// be gone over, as nobody sealed any in between. Nothing changes on an error.
    /// # Errors
    /// The first [`NotFollowed`] that applies.
    pub fn cross(&mut self, boundary: &Boundary) -> Result<Sealed, NotFollowed> {
        let ended = self.check_last(boundary)?;
        match &boundary.seal {
            Some(seal) => self.check_seal(seal)?,
            None if ended < self.era() => return Err(NotFollowed::Unknown { era: ended, running: self.era() }),
            None => {}
        }
        let sets = read_sets(ended, boundary)?;
        if boundary.seal.is_none() {
            self.check_anchor(boundary, &sets)?;
        }
        // A set never changes once it is written: what is known must stand there again.
        if self.sets.sets.iter().any(|held| held.era >= ended && !sets.sets.contains(held)) {
            return Err(NotFollowed::Sets { era: ended });
        }
        self.sets = sets;
        Ok(self.advance(ended, boundary))
    }

    /// Believe a key block of the running era, or once more the newest one. Nothing changes on an error.
    /// # Errors
    /// The first [`NotFollowed`] that applies.
    pub fn accept(&mut self, header: &KeyHeader, seal: &Seal) -> Result<Sealed, NotFollowed> {
        self.check_place(header, seal)?;
        if self.newest.as_deref().is_some_and(|held| held.hash == seal.hash) {
            return Ok(Sealed::of(header));
        }
        self.check_seal(seal)?;
        Ok(self.note(header, seal))
    }

    /// The era that the block ends.
    fn check_last(&self, boundary: &Boundary) -> Result<Era, NotFollowed> {
        let Boundary { header, seal, .. } = boundary;
        if let Some(seal) = seal {
            self.check_place(header, seal)?;
        }
        let ended = self.rules.era_of(header.height);
        let expected = self.rules.last_height(ended);
        if header.height == expected {
            Ok(ended)
        } else {
            Err(NotFollowed::NotLast { expected, height: header.height })
        }
    }

    /// Whether operators have agreed on this block, with the weight that they leave.
    fn check_anchor(&self, boundary: &Boundary, sets: &WitnessSets) -> Result<(), NotFollowed> {
        let (height, hash) = (boundary.header.height, boundary.header.hash());
        let anchor = self.rules.anchor_at(height).filter(|anchor| anchor.hash == hash);
        let anchor = anchor.ok_or(NotFollowed::NoAnchor { height, hash })?;
        let ended = self.rules.era_of(height);
        let left = ended.next().and_then(|next| self.rules.signers(sets, next));
        Ok(check_anchor(anchor, &left.ok_or(NotFollowed::Sets { era: ended })?, self.chain)?)
    }

    /// Whether the seal is of this header, and its era that of its height.
    fn check_place(&self, header: &KeyHeader, seal: &Seal) -> Result<(), NotFollowed> {
        let got = header.hash();
        if seal.hash != got {
            return Err(NotFollowed::Header { sealed: seal.hash, got });
        }
        if seal.height != header.height || seal.era != self.rules.era_of(header.height) {
            return Err(NotFollowed::Place { era: seal.era, height: seal.height });
        }
        Ok(())
    }

    /// Whether the running set signed, and nothing that was accepted before speaks against it.
    fn check_seal(&self, seal: &Seal) -> Result<(), NotFollowed> {
        if let Some(held) = self.newest.as_deref().filter(|held| held.height > seal.height) {
            return Err(NotFollowed::Old { held: held.height, got: seal.height });
        }
        if seal.era != self.era() {
            return Err(NotFollowed::Unknown { era: seal.era, running: self.era() });
        }
        self.check_signatures(seal)?;
        match self.newest.as_deref().filter(|held| held.height == seal.height && held.hash != seal.hash) {
            Some(held) => Err(NotFollowed::Conflict { held: Box::new(held.clone()), got: Box::new(seal.clone()) }),
            None => Ok(()),
        }
    }

    fn check_signatures(&self, seal: &Seal) -> Result<(), NotFollowed> {
        let set = self.rules.signers(&self.sets, seal.era);
        let set = set.ok_or(NotFollowed::Unknown { era: seal.era, running: self.era() })?;
        Ok(check_seal(seal, &set, self.chain)?)
    }

    /// The next era begins.
    fn advance(&mut self, ended: Era, boundary: &Boundary) -> Sealed {
        self.sets.sets.retain(|set| set.era > ended);
        if let Some(seal) = &boundary.seal {
            return self.note(&boundary.header, seal);
        }
        self.time = boundary.header.time;
        Sealed::of(&boundary.header)
    }

    fn note(&mut self, header: &KeyHeader, seal: &Seal) -> Sealed {
        self.newest = Some(Box::new(seal.clone()));
        self.time = header.time;
        Sealed::of(header)
    }
}

impl Sealed {
    fn of(header: &KeyHeader) -> Self {
        Self { hash: header.hash(), height: header.height, state_root: header.state_root, time: header.time }
    }
}

/// The sets that the state holds after the last key block of an era: its own, and those of the two eras after it.
fn read_sets(ended: Era, boundary: &Boundary) -> Result<WitnessSets, NotFollowed> {
    let items = [(key::witness_sets(), Some(&boundary.leaf))];
    boundary.proof.verify(&boundary.header.state_root.0, &items)?;
    let sets = WitnessSets::decode(&boundary.leaf)?;
    let expected = (0..SETS_KEPT).map(|ahead| ended.plus(ahead));
    if sets.sets.iter().map(|set| Some(set.era)).eq(expected) {
        Ok(sets)
    } else {
        Err(NotFollowed::Sets { era: ended })
    }
}
