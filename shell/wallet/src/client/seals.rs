//! Follow a root from seal to seal by what a node answers, believing none of it.
//!
//! The rules are the ledger's own [`Follower`]; here answers are fetched, read and handed to it. A node can leave a client
//! behind, it cannot lead it anywhere else. Read [`Client::catch_up`] first. Rules: root 9.

use banyan_ledger::{
    Genesis,
    follow::{Boundary, Follower, NotFollowed, Sealed},
};
use banyan_tree::MultiProof;
use banyan_types::{
    Hash, Height,
    header::KeyHeader,
    text::{self, Prefix},
    witness::Seal,
};
use serde::Deserialize;
use serde_json::Value;

use super::{Client, Result, StateProof};

/// How often an era may end between two questions before it is given up.
const TRIES: usize = 8;

/// What a node says of its genesis: the file that began the ledger.
#[derive(Debug, Clone, Deserialize)]
pub struct GenesisAnswer {
    /// Its hash, as the node says it.
    pub hash: String,
    /// The file.
    pub toml: String,
}

/// How far a follower came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Way {
    /// Ends of eras that were crossed.
    pub eras: u64,
    /// Bytes of headers, seals, proofs and leaves that were checked.
    pub bytes: u64,
}

#[derive(Deserialize)]
struct Boundaries {
    items: Vec<BoundaryAnswer>,
}

#[derive(Deserialize)]
struct BoundaryAnswer {
    header: String,
    #[serde(default)]
    seal: Option<String>,
    proof: StateProof,
}

#[derive(Deserialize)]
struct SealedAnswer {
    header: String,
    seal: String,
}

impl BoundaryAnswer {
    /// The boundary, and its bytes.
    fn read(&self) -> Option<(Boundary, u64)> {
        let (header, proof) = (bytes(&self.header)?, self.proof.claim()?);
        let seal = match &self.seal {
            Some(seal) => Some(bytes(seal)?),
            None => None,
        };
        let leaf = proof.leaves.into_iter().next()?.1?;
        let size = header.len() + seal.as_ref().map_or(0, Vec::len) + proof.proof.len() + leaf.len();
        let seal = match seal {
            Some(seal) => Some(Seal::decode(&seal).ok()?),
            None => None,
        };
        let header = KeyHeader::decode(&header).ok()?;
        let boundary = Boundary { header, seal, proof: MultiProof::decode(&proof.proof).ok()?, leaf };
        Some((boundary, u64::try_from(size).unwrap_or(u64::MAX)))
    }
}

impl SealedAnswer {
    fn read(&self) -> Option<(KeyHeader, Seal)> {
        Some((KeyHeader::decode(&bytes(&self.header)?).ok()?, Seal::decode(&bytes(&self.seal)?).ok()?))
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    text::decode_as(Prefix::Bytes, text).ok()
}

impl Client {
    /// The file that the node's ledger began with. Its hash must be checked against one that the user trusts.
    /// # Errors
    /// As [`Self::get`].
    pub fn genesis(&self) -> Result<GenesisAnswer> {
        self.get("/banyan/v1/genesis")
    }

    /// A follower that begins at the last key block of an era, whose hash the user trusts.
    /// # Errors
    /// `NotFollowed` when the node's answer is not that block, or does not hold; else as [`Self::get`].
    pub fn follow_from(&self, genesis: &Genesis, trusted: Hash) -> Result<Follower> {
        let block = self.block(&trusted.text(Prefix::KeyBlock))?;
        let rules = genesis.params.root.as_ref().ok_or(NotFollowed::NoWitnesses)?;
        let (height, era) = (Height(block.height), rules.era_of(Height(block.height)));
        if rules.last_height(era) != height {
            return Err(NotFollowed::NotLast { expected: rules.last_height(era), height }.into());
        }
        let answer: Boundaries = self.get(&format!("/banyan/v1/finality/boundaries?from={era}"))?;
        let item = answer.items.first().ok_or_else(|| self.unreadable("the node has no seal of an era's end there"))?;
        let (boundary, _) = item.read().ok_or_else(|| self.unreadable("an era's end does not decode"))?;
        Ok(Follower::from_trusted(genesis, trusted, &boundary)?)
    }

    /// Cross the ends of all eras that are over, then take the newest seal. `crossed` is told of each era.
    /// # Errors
    /// `NotFollowed` when something that the node says does not hold; what was crossed before stays crossed. Else as
    /// [`Self::get`].
    pub fn catch_up(
        &self,
        follower: &mut Follower,
        mut crossed: impl FnMut(&Follower, Way),
    ) -> Result<(Option<Sealed>, Way)> {
        let mut way = Way::default();
        for _ in 0..TRIES {
            let last = self.cross_all(follower, &mut way, &mut crossed)?;
            let standing: Value = self.get("/banyan/v1/finality")?;
            let Some(newest) = standing["seal"]["hash"].as_str() else { return Ok((last, way)) };
            let answer: SealedAnswer = self.get(&format!("/banyan/v1/finality/{newest}"))?;
            let (header, seal) = answer.read().ok_or_else(|| self.unreadable("a sealed header does not decode"))?;
            // An era has ended meanwhile.
            if seal.era > follower.era() {
                continue;
            }
            return Ok((Some(follower.accept(&header, &seal)?), way));
        }
        Err(self.unreadable("eras end faster than they can be asked for"))
    }

    fn cross_all(
        &self,
        follower: &mut Follower,
        way: &mut Way,
        crossed: &mut impl FnMut(&Follower, Way),
    ) -> Result<Option<Sealed>> {
        let mut last = None;
        loop {
            let answer: Boundaries = self.get(&format!("/banyan/v1/finality/boundaries?from={}", follower.era()))?;
            if answer.items.is_empty() {
                return Ok(last);
            }
            for item in &answer.items {
                let (boundary, bytes) = item.read().ok_or_else(|| self.unreadable("an era's end does not decode"))?;
                last = Some(follower.cross(&boundary)?);
                way.eras += 1;
                way.bytes += bytes;
                crossed(follower, *way);
            }
        }
    }
}
