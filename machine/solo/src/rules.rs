//! What makes a block of this engine acceptable: the rules of every child's header, and the operator's signature.
//!
//! They are the ledger's ([`engine`]), so that followers, provers and parents check what the producer obeys.
//! Rules: protocol, associates 5.

use banyan_types::{Signature, header::ChildHeader};

pub use banyan_ledger::engine::{BadHeader, View, solo::seal_message};

use crate::SoloParams;
use banyan_ledger::engine::{self, solo::Solo};

/// Check a header and its seal.
/// # Errors
/// The first [`BadHeader`] that applies.
pub fn check(params: &SoloParams, view: &View<'_>, header: &ChildHeader, seal: &Signature) -> Result<(), BadHeader> {
    engine::check_sealed(&params.rules(), view, header, seal)
}

impl SoloParams {
    pub(crate) fn rules(&self) -> Solo<'_> {
        Solo { network_id: &self.network_id, operator: self.operator }
    }
}
