//! Statements of heights that do not run here yet: checked, then kept until they do.

use alloc::{collections::BTreeMap, vec::Vec};

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

    /// Whether others have begun `height`.
    pub fn is_called(&self, height: Height) -> bool {
        self.0.keys().any(|(at, ..)| *at == height)
    }

    /// What was kept of `height`; what is below is of no use any more.
    pub fn take(&mut self, height: Height) -> Vec<Checked> {
        let above = Height(height.0.saturating_add(1));
        let later = self.0.split_off(&(above, 0, StatementKind::Prevote, PublicKey([0; 32])));
        let now = core::mem::replace(&mut self.0, later);
        now.into_iter().filter(|((at, ..), _)| *at == height).map(|(_, checked)| checked).collect()
    }
}
