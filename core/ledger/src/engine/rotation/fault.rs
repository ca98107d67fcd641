//! What a rotation's validators may not say, for all who know how often they speak: the engine and a parent. Rules: associates 3
//! (98), 10.

use banyan_types::{
    Hash,
    committee::{Certificate, SignedStatement, StatementKind, ValidatorSet},
};

use super::{
    super::committee::{self, Fault},
    Steps,
};

impl Steps {
    /// The fault that two statements of one key prove. Where one step confirms, a validator has one commitment for each
    /// height, whatever the view. Order does not matter.
    pub fn fault(self, a: &SignedStatement, b: &SignedStatement, network_id: &str) -> Option<Fault> {
        committee::fault(a, b, network_id).or_else(|| self.second_commitment(a, b, network_id))
    }

    fn second_commitment(self, a: &SignedStatement, b: &SignedStatement, network_id: &str) -> Option<Fault> {
        let commits = |signed: &SignedStatement| {
            let said = &signed.statement;
            said.kind == StatementKind::Precommit && said.is_canonical() && said.block_hash != Hash::ZERO
        };
        let conflict = a.by == b.by
            && a.statement.height == b.statement.height
            && a.statement.block_hash != b.statement.block_hash
            && commits(a)
            && commits(b);
        let signed = conflict && self == Self::One && a.is_signed(network_id) && b.is_signed(network_id);
        signed.then(|| Fault { kind: StatementKind::Precommit, height: a.statement.height, keys: [a.by].into() })
    }

    /// The fault that two certificates of over two thirds prove: another block of one height. Where one step confirms, all who
    /// stand in both are named, whatever the views. Order does not matter.
    pub fn certificate_fault(
        self,
        a: &Certificate,
        b: &Certificate,
        set: &ValidatorSet,
        network_id: &str,
    ) -> Option<Fault> {
        let fault = committee::certificate_fault(a, b, set, network_id)?;
        Some(match self {
            Self::One => Fault { keys: committee::signers_of_both(a, b, set), ..fault },
            Self::Two => fault,
        })
    }
}
