//! Statements of heights that do not run here yet: checked, then kept until they do.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use banyan_ledger::engine::committee::Epoch;
use banyan_types::{
    Height, PublicKey,
    committee::{SignedStatement, StatementKind},
};

use crate::Proposed;

/// Heights above the tip whose statements are kept: the next, and one for whose blocks this node is a little late.
pub const HEIGHTS_AHEAD: u64 = 2;
/// Views whose statements are kept. More than one member says there are few who are that far ahead.
const VIEWS_AHEAD: u32 = 8;

/// A checked statement, with what a proposal brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// A leader's.
    Proposal(alloc::boxed::Box<Proposed>),
    /// A vote.
    Vote(SignedStatement),
}

impl Checked {
    pub const fn signed(&self) -> &SignedStatement {
        match self {
            Self::Proposal(proposed) => &proposed.signed,
            Self::Vote(vote) => vote,
        }
    }
}

/// At most one statement for each kind, view and member of [`HEIGHTS_AHEAD`] heights.
#[derive(Clone, Debug, Default)]
pub struct Ahead(BTreeMap<(Height, u32, StatementKind, PublicKey), Checked>);

impl Ahead {
    /// Keep a statement of a member whose signature holds.
    pub fn keep(&mut self, checked: Checked) {
        let SignedStatement { statement, by, .. } = *checked.signed();
        if statement.view < VIEWS_AHEAD {
            self.0.entry((statement.height, statement.view, statement.kind, by)).or_insert(checked);
        }
    }

    /// Whether others have begun `height`: its first leader proposes, or somebody honest is among those who vote, since they
    /// are over a third of the weight. One validator alone cannot make the others go on and on.
    pub fn is_called(&self, height: Height, epoch: &Epoch) -> bool {
        let of_height = || self.0.iter().filter(|((at, ..), _)| *at == height);
        let first = epoch.leader(height, 0);
        let proposes =
            |(view, kind, by): (u32, StatementKind, PublicKey)| (view, kind, by) == (0, StatementKind::Proposal, first);
        let voters: BTreeSet<_> = of_height().map(|((.., by), _)| *by).collect();
        let weight = voters.iter().fold(0u64, |sum, by| sum.saturating_add(epoch.set.weight_of(by)));
        of_height().any(|((_, view, kind, by), _)| proposes((*view, *kind, *by)))
            || u128::from(weight).saturating_mul(3) > u128::from(epoch.set.total())
    }

    /// What was kept of `height`; what is below is of no use any more.
    pub fn take(&mut self, height: Height) -> Vec<Checked> {
        let above = Height(height.0.saturating_add(1));
        let later = self.0.split_off(&(above, 0, StatementKind::Prevote, PublicKey([0; 32])));
        let now = core::mem::replace(&mut self.0, later);
        now.into_iter().filter(|((at, ..), _)| *at == height).map(|(_, checked)| checked).collect()
    }
}
