//! What validators have said of the heights that are not final: one statement for each key and slot.

use alloc::{collections::BTreeMap, vec::Vec};

use banyan_ledger::engine::rotation::Turns;
use banyan_types::{
    Hash, Height, PublicKey,
    committee::{Certificate, MemberSignature, SignedStatement, Slot, Statement, StatementKind},
};

/// What a statement brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    New,
    Known,
    /// Contradicts what its signer has said before.
    Fault(SignedStatement),
}

/// Contradicting statements of one key that are kept for a slot, or for a height: those of a liar count for each block, as in
/// certificates, so that all who have heard the same count the same.
const EACH_MAX: usize = 8;

/// Statements whose signers and signatures were checked.
#[derive(Clone, Debug, Default)]
pub struct Votes {
    said: BTreeMap<Slot, BTreeMap<(PublicKey, Statement), SignedStatement>>,
    /// The commitments of each validator for a height, of which there is one where one step confirms.
    once: BTreeMap<(Height, PublicKey), Vec<SignedStatement>>,
    /// Grows with every change: what was reckoned from the votes may stand until then.
    changes: u64,
}

impl Votes {
    /// Keep a statement. One key counts once for each block.
    pub fn add(&mut self, turns: &Turns, signed: &SignedStatement) -> News {
        if self.holds(signed) {
            return News::Known;
        }
        let said = &signed.statement;
        let mut before: Vec<_> = self.of(said.slot(), &signed.by).copied().collect();
        if said.kind == StatementKind::Precommit && !turns.has_two_steps() {
            let once = self.once.entry((said.height, signed.by)).or_default();
            before.clone_from(once);
            if once.len() < EACH_MAX {
                once.push(*signed);
            }
        }
        if before.len() < EACH_MAX {
            self.said.entry(said.slot()).or_default().insert((signed.by, *said), *signed);
            self.changes = self.changes.saturating_add(1);
        }
        before.first().map_or(News::New, |first| News::Fault(*first))
    }

    /// Whether exactly this is known.
    pub fn holds(&self, signed: &SignedStatement) -> bool {
        let said = self.said.get(&signed.statement.slot());
        said.and_then(|said| said.get(&(signed.by, signed.statement))) == Some(signed)
    }

    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// What one validator has said of a slot.
    pub fn of<'a>(&'a self, slot: Slot, by: &'a PublicKey) -> impl Iterator<Item = &'a SignedStatement> + 'a {
        self.said.get(&slot).into_iter().flat_map(BTreeMap::values).filter(move |signed| signed.by == *by)
    }

    /// Who said exactly this.
    pub fn who(&self, statement: &Statement) -> Vec<SignedStatement> {
        let slot = self.said.get(&statement.slot()).into_iter().flat_map(BTreeMap::values);
        slot.filter(|signed| signed.statement == *statement).copied().collect()
    }

    /// The commitments to a block, in the view that has most of them; the lowest of such views.
    pub fn commitments(&self, height: Height, block_hash: Hash) -> Vec<SignedStatement> {
        let mut best = Vec::new();
        for ((_, _, view), _) in self.said.range(slots(StatementKind::Precommit, height)) {
            let commits = self.who(&Statement::precommit(height, *view, block_hash));
            if commits.len() > best.len() {
                best = commits;
            }
        }
        best
    }

    /// The highest view in which the threshold accepted a block at this height, with the accepts.
    pub fn polka(&self, turns: &Turns, height: Height) -> Option<(u32, Hash, Vec<SignedStatement>)> {
        let threshold = usize::try_from(turns.threshold()).unwrap_or(usize::MAX);
        self.said.range(slots(StatementKind::Prevote, height)).rev().find_map(|((_, _, view), by)| {
            let block =
                |hash: &Hash| by.values().filter(|vote| vote.statement.block_hash == *hash).count() >= threshold;
            let hash =
                by.values().map(|vote| vote.statement.block_hash).find(|hash| *hash != Hash::ZERO && block(hash))?;
            let accepts = by.values().filter(|vote| vote.statement.block_hash == hash);
            Some((*view, hash, accepts.copied().collect()))
        })
    }

    /// The highest view that over a third of the validators has reached: one of them is honest. Whoever accepts none in a
    /// view has left it.
    pub fn reached(&self, turns: &Turns, height: Height) -> u32 {
        let mut views = BTreeMap::<PublicKey, u32>::new();
        for kind in [StatementKind::Proposal, StatementKind::Prevote, StatementKind::Precommit] {
            for ((_, _, view), by) in self.said.range(slots(kind, height)) {
                for vote in by.values() {
                    let left = kind == StatementKind::Prevote && vote.statement.block_hash == Hash::ZERO;
                    let reached = view.saturating_add(u32::from(left));
                    views.entry(vote.by).and_modify(|view| *view = (*view).max(reached)).or_insert(reached);
                }
            }
        }
        let mut views: Vec<_> = views.into_values().collect();
        views.sort_unstable_by(|a, b| b.cmp(a));
        let third = usize::try_from(turns.members() / 3).unwrap_or(usize::MAX);
        views.get(third).copied().unwrap_or(0)
    }

    /// Whether anybody has said anything of this height.
    pub fn has_any(&self, height: Height) -> bool {
        let kinds = [StatementKind::Proposal, StatementKind::Prevote, StatementKind::Precommit];
        kinds.into_iter().any(|kind| self.said.range(slots(kind, height)).next().is_some())
    }

    /// Commitments from a height on, in its order; those to one block in one view together.
    pub fn commitments_from(&self, from: Height) -> impl Iterator<Item = Vec<SignedStatement>> {
        let end = (StatementKind::Precommit, Height(u64::MAX), u32::MAX);
        self.said.range((StatementKind::Precommit, from, 0)..=end).flat_map(|(_, by)| {
            let mut equal = BTreeMap::<Statement, Vec<SignedStatement>>::new();
            for signed in by.values() {
                equal.entry(signed.statement).or_default().push(*signed);
            }
            equal.into_values()
        })
    }

    /// The commitments of one validator, in the order of their heights.
    pub fn commitments_of(&self, by: &PublicKey) -> Vec<Statement> {
        let end = (StatementKind::Precommit, Height(u64::MAX), u32::MAX);
        let slots = self.said.range((StatementKind::Precommit, Height(0), 0)..=end);
        slots
            .flat_map(|(_, said)| said.values())
            .filter(|signed| signed.by == *by)
            .map(|signed| signed.statement)
            .collect()
    }

    /// Heights below are final.
    pub fn forget_below(&mut self, height: Height) {
        self.said.retain(|(_, at, _), _| *at >= height);
        self.once.retain(|(at, _), _| *at >= height);
    }
}

fn slots(kind: StatementKind, height: Height) -> core::ops::RangeInclusive<Slot> {
    (kind, height, 0)..=(kind, height, u32::MAX)
}

/// The certificate of these equal commitments; `None` of none.
pub fn certificate(turns: &Turns, commitments: &[SignedStatement]) -> Option<Certificate> {
    let statement = commitments.first()?.statement;
    let by = commitments.iter().filter_map(|commitment| {
        let index = turns.set().place(&commitment.by)?;
        Some(MemberSignature { index, signature: commitment.signature })
    });
    Some(Certificate::gather(&statement, by.collect()))
}

/// The commitments of a certificate that was checked.
pub fn statements(turns: &Turns, certificate: &Certificate) -> Vec<SignedStatement> {
    let statement = certificate.precommit();
    let signed = |by: &MemberSignature| {
        let key = turns.set().member(by.index)?.key;
        Some(SignedStatement { statement, by: key, signature: by.signature })
    };
    certificate.signatures.iter().filter_map(signed).collect()
}
