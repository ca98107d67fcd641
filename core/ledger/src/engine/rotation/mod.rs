//! The rules of engine `rotation`: validators take turns, a threshold of commitments confirms a block.
//!
//! Everybody counts once, whatever stake stands behind the key. A commitment is a validator's precommit; commitments of one
//! block are a [`Certificate`] in the order of the set, as engine `committee` makes them, so that parents and light clients
//! have one form to check. Read [`Turns`] first. Rules: protocol, associates 10.

mod turns;

use banyan_types::{
    Hash, Height, PublicKey,
    committee::{Certificate, SignedStatement, StatementKind},
    header::ChildHeader,
};

pub use turns::{BadTurns, Safety, Turns};

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
    /// [`Turns::least`]. What they are worth says [`Turns::strength`]. A certificate may be of a later view than the block's,
    /// where it was proposed again.
    fn check_seal(&self, header: &ChildHeader, seal: &Certificate) -> Result<(), BadHeader> {
        if (seal.height, seal.block_hash) != (header.height, header.hash()) || seal.view < header.view {
            return Err(BadHeader::Seal);
        }
        self.check_certificate(seal).map_err(BadHeader::Certificate)
    }
}

impl Rotation<'_> {
    /// Check a certificate's own sense: members in the order of the set, none twice, enough of them, good signatures.
    /// # Errors
    /// The first [`BadCertificate`] that applies.
    pub fn check_certificate(&self, certificate: &Certificate) -> Result<(), BadCertificate> {
        committee::check_least(certificate, self.turns.set(), self.network_id, self.turns.least())
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

    /// The fault that two statements of one key prove. Where one step confirms, a validator has one commitment for each
    /// height, whatever the view. Order does not matter.
    pub fn fault(&self, a: &SignedStatement, b: &SignedStatement) -> Option<Fault> {
        committee::fault(a, b, self.network_id).or_else(|| self.second_commitment(a, b))
    }

    fn second_commitment(&self, a: &SignedStatement, b: &SignedStatement) -> Option<Fault> {
        let commits = |signed: &SignedStatement| {
            let said = &signed.statement;
            said.kind == StatementKind::Precommit && said.is_canonical() && said.block_hash != Hash::ZERO
        };
        let conflict = a.by == b.by
            && a.statement.height == b.statement.height
            && a.statement.block_hash != b.statement.block_hash
            && commits(a)
            && commits(b);
        let forbidden = conflict && !self.turns.has_two_steps();
        let signed = forbidden && a.is_signed(self.network_id) && b.is_signed(self.network_id);
        signed.then(|| Fault { kind: StatementKind::Precommit, height: a.statement.height, keys: [a.by].into() })
    }
}

#[cfg(test)]
mod tests;
