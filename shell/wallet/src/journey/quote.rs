//! What a journey costs, takes and risks, leg by leg, read before anything is signed.
//!
//! Fees and what arrives are exact for as long as the ledgers keep their price; times are the parents' intervals. What a
//! child's liars can take is what is on its way through it: no more, whatever they sign. Rules: associates 4, 12.

use banyan_ledger::{ConnectionPoint, key};
use banyan_types::{Amount, Asset, AssociateId};
use serde_json::Value;

use super::{
    draft::{Draft, DraftLeg},
    path::Action,
    plan::Manner,
};
use crate::client::{Client, ClientError, When};

/// Heights of the parent that a leg takes: a block, a block on top of it that makes it final, and half of one to wait.
const HEIGHTS_EXPECTED: u64 = 3;
/// Announced changes that are told of one child. Source: associates 2.
const PENDING_MAX: usize = 8;

/// A journey's quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Who signs for the legs after the first.
    pub manner: Manner,
    /// Leg by leg.
    pub legs: Vec<QuoteLeg>,
    /// What arrives at the end.
    pub arrives: Amount,
}

/// What one leg costs, takes and risks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteLeg {
    /// Down or up.
    pub action: Action,
    /// The ledger that it leaves.
    pub on: String,
    /// The ledger where it arrives.
    pub into: String,
    /// Whether its owner signs for it.
    pub is_signed: bool,
    /// What it carries, and what is lost if the child lies.
    pub amount: Amount,
    /// What it costs, on the ledger that it leaves.
    pub fee: Amount,
    /// How long it takes, in milliseconds.
    pub expected_ms: u64,
    /// Down: until it is credited or comes back. Up: until the child is held for dead.
    pub worst_ms: u64,
    /// What the parent demands before money leaves the child's escrow.
    pub regime: String,
    /// What the parent holds for the child.
    pub escrow: Amount,
    /// What exists of it in the child, where this node serves that.
    pub minted: Option<Amount>,
    /// Announced changes of the child's rules.
    pub pending: Vec<String>,
}

impl QuoteLeg {
    /// The child of the two ledgers.
    pub fn child(&self) -> &str {
        if self.action == Action::Commit { &self.into } else { &self.on }
    }

    /// Whether the child can pay back all that exists in it; `None` where that is not known.
    pub fn is_covered(&self) -> Option<bool> {
        self.minted.map(|minted| minted <= self.escrow)
    }

    fn of(client: &Client, leg: &DraftLeg, point: Option<&Seen>) -> Self {
        let interval = point.map_or(0, |seen| seen.interval_ms);
        let heights = |count: u64| interval.saturating_mul(count);
        let worst = point.map_or(0, |seen| match leg.step.action {
            Action::Commit => seen.point.params.commit_timeout.saturating_add(HEIGHTS_EXPECTED),
            Action::Withdraw => seen.point.params.silence,
        });
        Self {
            action: leg.step.action,
            on: leg.step.on.clone(),
            into: leg.step.into.clone(),
            is_signed: leg.review.is_some(),
            amount: leg.amount,
            fee: leg.fee,
            expected_ms: heights(HEIGHTS_EXPECTED),
            worst_ms: heights(worst),
            regime: regime(leg.step.regime.as_deref(), point.map(|seen| &seen.point)),
            escrow: point.map_or(Amount::ZERO, |seen| seen.escrow),
            minted: point.and_then(|seen| seen.minted),
            pending: pending(client, leg),
        }
    }
}

/// What both sides of a connection say, proven.
struct Seen {
    point: ConnectionPoint,
    escrow: Amount,
    minted: Option<Amount>,
    interval_ms: u64,
}

impl Seen {
    /// The child is read first: what is credited there meanwhile is in the escrow already.
    fn look(parent: &Client, child: &Client, id: AssociateId) -> Result<Option<Self>, ClientError> {
        let minted = child.prove(&[key::supply()], When::Top)?.supply()?.map(|supply| supply.minted);
        let proven = parent.prove(&[key::point(id), key::escrow(id, Asset::Coin)], When::Top)?;
        let interval_ms = parent.status()?.limits.height_interval_ms;
        let escrow = proven.escrow(id)?.held();
        Ok(proven.point(id)?.map(|point| Self { point, escrow, minted, interval_ms }))
    }
}

impl Quote {
    /// Ask the ledgers of `draft`.
    /// # Errors
    /// The node does not answer, or proves nothing.
    pub fn of(client: &Client, draft: &Draft) -> Result<Self, ClientError> {
        let leg = |leg: &DraftLeg| {
            let (on, into) = (client.on(&leg.step.on), client.on(&leg.step.into));
            let (parent, child) = match leg.step.action {
                Action::Commit => (on, into),
                Action::Withdraw => (into, on),
            };
            let seen = Seen::look(&parent, &child, leg.step.associate)?;
            Ok(QuoteLeg::of(&parent, leg, seen.as_ref()))
        };
        let legs = draft.legs().iter().map(leg).collect::<Result<_, ClientError>>()?;
        Ok(Self { manner: draft.manner(), legs, arrives: draft.arrives() })
    }

    /// All fees together.
    pub fn fees(&self) -> Amount {
        self.legs.iter().try_fold(Amount::ZERO, |sum, leg| sum.plus(leg.fee)).unwrap_or(Amount::MAX)
    }

    /// How long it takes, in milliseconds.
    pub fn expected_ms(&self) -> u64 {
        self.legs.iter().fold(0, |sum, leg| sum.saturating_add(leg.expected_ms))
    }

    /// How long it takes at worst, in milliseconds.
    pub fn worst_ms(&self) -> u64 {
        self.legs.iter().fold(0, |sum, leg| sum.saturating_add(leg.worst_ms))
    }
}

fn regime(name: Option<&str>, point: Option<&ConnectionPoint>) -> String {
    let name = name.unwrap_or("unknown");
    match point {
        Some(point) if name == "operators" => format!("operators {} of {}", point.threshold, point.operators.len()),
        _ => name.into(),
    }
}

/// What the parent's node says of changes to come; nothing where it says nothing. Told, not proven: a warning, no more.
fn pending(parent: &Client, leg: &DraftLeg) -> Vec<String> {
    let answer = parent.get::<Value>(&format!("/banyan/v1/associates/{}", leg.step.associate)).unwrap_or_default();
    let listed = answer["point"]["pending"].as_array().cloned().unwrap_or_default();
    listed.iter().take(PENDING_MAX).map(|change| crate::aci::tame(change.to_string().as_bytes())).collect()
}
