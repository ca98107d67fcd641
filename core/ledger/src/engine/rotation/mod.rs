//! The rules of engine `rotation`: validators take turns, a threshold of commitments confirms a block.
//!
//! Everybody counts once, whatever stake stands behind the key. A commitment is a validator's precommit; commitments of one
//! block are a [`Certificate`] in the order of the set, as engine `committee` makes them, so that parents and light clients
//! have one form to check. Read [`Turns`] first. Rules: protocol, associates 10.

mod fault;
mod turns;

use alloc::vec::Vec;

use banyan_types::{
    Bytes, Hash, Height, PublicKey, Signature,
    committee::{Certificate, SignedStatement, Statement, StatementKind},
    header::ChildHeader,
};

pub use turns::{BadTurns, Safety, Steps, Turns};

use super::{
    BadHeader, Rules,
    committee::{self, BadCertificate, Fault},
};

/// The engine `rotation`, at a block of these turns.
#[derive(Debug, Clone, Copy)]
pub struct Rotation<'a> {
    /// The child's own network.
    pub network_id: &'a str,
    /// Whose turn it is, and how many commitments confirm.
    pub turns: &'a Turns,
}

/// What the commitments of a certificate are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Fewer than the threshold: somebody follows the block.
    Followed,
    /// The threshold.
    Confirmed,
    /// Over two thirds of the validators.
    Quorum,
}

impl Rules for Rotation<'_> {
    type Seal = Certificate;

    fn leader(&self, height: Height, view: u32) -> Option<PublicKey> {
        self.turns.leader(height, view)
    }

    fn set_hash(&self) -> Hash {
        self.turns.set().hash()
    }

    fn seal_hash(&self, seal: &Certificate) -> Hash {
        seal.hash()
    }

    /// Check that the seal is of this block and holds as many commitments as a later block may be built on:
    /// [`Turns::least`]; where that is one, [`leaders_word`] will do. What a seal is worth says [`Turns::strength`].
    fn check_seal(&self, header: &ChildHeader, seal: &Certificate) -> Result<(), BadHeader> {
        check_of(header, seal)?;
        if seal.signatures.is_empty() && !self.turns.has_two_steps() {
            return self.check_word(header, seal);
        }
        committee::check_least(seal, self.turns.set(), self.network_id, self.turns.least())
            .map_err(BadHeader::Certificate)
    }
}

/// A certificate may be of a later view than the block's, where it was proposed again.
fn check_of(header: &ChildHeader, seal: &Certificate) -> Result<(), BadHeader> {
    let is_of = (seal.height, seal.block_hash) == (header.height, header.hash()) && seal.view >= header.view;
    if is_of { Ok(()) } else { Err(BadHeader::Seal) }
}

/// The seal of a block that nobody can commit to, since all who follow it have used up that height on another branch: the
/// signature of its proposal in place of the aggregate.
pub fn leaders_word(proposal: &SignedStatement) -> Certificate {
    let mut seal = Certificate::gather(&proposal.statement, Vec::new());
    seal.aggregate = Bytes(proposal.signature.0.to_vec());
    seal
}

/// The proposal whose signature stands in place of the aggregate, if one does; not checked.
pub fn proposal_of(turns: &Turns, seal: &Certificate) -> Option<SignedStatement> {
    let Certificate { height, view, block_hash, signatures, aggregate } = seal;
    let signature = Signature(aggregate.0.as_slice().try_into().ok().filter(|_| signatures.is_empty())?);
    let (kind, by) = (StatementKind::Proposal, turns.leader(*height, *view)?);
    let statement = Statement { kind, height: *height, view: *view, block_hash: *block_hash, valid_view: None };
    Some(SignedStatement { statement, by, signature })
}

impl Rotation<'_> {
    fn check_word(&self, header: &ChildHeader, seal: &Certificate) -> Result<(), BadHeader> {
        let proposal = proposal_of(self.turns, seal).ok_or(BadHeader::Seal)?;
        self.check_proposal(&proposal, header)
    }

    /// Check a seal whose signatures were each checked before, in the order of the set and none twice.
    /// # Errors
    /// `Seal` if it is not of this block, `Certificate` if it holds too few.
    pub fn check_counted(&self, header: &ChildHeader, seal: &Certificate) -> Result<(), BadHeader> {
        check_of(header, seal)?;
        let (weight, total) = (u64::try_from(seal.signatures.len()).unwrap_or(u64::MAX), self.turns.set().total());
        let few = BadHeader::Certificate(BadCertificate::Quorum { weight, total });
        if weight >= self.turns.least() { Ok(()) } else { Err(few) }
    }

    /// Check that the leader of the statement's view proposes this block: the one that it made, or one of an earlier view
    /// that was nearly agreed on.
    /// # Errors
    /// `Seal` if the statement is not this block's proposal or is not signed, `Leader` if it is not its signer's turn.
    pub fn check_proposal(&self, signed: &SignedStatement, header: &ChildHeader) -> Result<(), BadHeader> {
        let said = &signed.statement;
        let is_of = said.kind == StatementKind::Proposal
            && said.is_canonical()
            && (said.height, said.block_hash) == (header.height, header.hash())
            && (said.view == header.view || (said.view > header.view && said.valid_view.is_some()));
        if !is_of {
            return Err(BadHeader::Seal);
        }
        let (expected, got) = (self.turns.leader(said.height, said.view), signed.by);
        if expected != Some(got) {
            return Err(BadHeader::Leader { expected, got, view: said.view });
        }
        if signed.is_signed(self.network_id) { Ok(()) } else { Err(BadHeader::Seal) }
    }

    /// The fault that two statements of one key prove. Order does not matter.
    pub fn fault(&self, a: &SignedStatement, b: &SignedStatement) -> Option<Fault> {
        self.turns.steps().fault(a, b, self.network_id)
    }
}

#[cfg(test)]
mod tests;
