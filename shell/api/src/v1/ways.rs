//! The way between two ledgers of the tree, with what each leg of it costs, takes and risks.

use axum::{Json, extract::State};
use banyan_ledger::{ConnectionPoint, HOP_GAS, Params, rules};
use banyan_node::Leaves as _;
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Gas, Hash, Height, Nonce, Payee, SUPPLY_MAX,
    associate::Hop,
    limits::ROUTE_HOPS_MAX,
    tx::{AssociateCommit, AssociateWithdraw, Transaction},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use crate::{
    At, EscrowAnswer, Failure,
    answer::units,
    ask::Ask,
    ledger::Mount,
    show::{self, Sums},
};

/// Heights of the parent that a leg takes: a block, a block on top of it that makes it final, and half of one to wait.
const HEIGHTS_EXPECTED: u64 = 3;

/// Between which ledgers.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Ends {
    /// Name of a ledger, or names from the top with `/` between them.
    from: String,
    /// The same.
    to: String,
    /// Base units that leave `from`; without it fees are said, and no sums.
    amount: Option<String>,
}

/// Down or up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LegAction {
    /// Down into a child.
    Commit,
    /// Up to the parent.
    Withdraw,
}

/// One leg of a way.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WayLeg {
    /// Down or up.
    pub action: LegAction,
    /// The ledger that it leaves.
    pub on: String,
    /// The ledger where it arrives.
    pub into: String,
    /// What transactions on the ledger that it leaves are signed for.
    pub network_id: String,
    /// The child of the two, `ac_`.
    pub associate: String,
    /// What it carries, where an amount was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// What it costs at most, on the ledger that it leaves. The first leg's is paid beside the amount, others out of it.
    pub fee: String,
    /// How long it takes, in milliseconds.
    pub expected_ms: u64,
    /// Down: until it is credited or comes back. Up: until the child is held for dead.
    pub worst_ms: u64,
    /// What the parent demands before money leaves the child's escrow.
    pub regime: String,
    /// How many operators must sign.
    pub threshold: u8,
    /// Of how many.
    pub operators: u64,
    /// What the parent holds for the child.
    pub escrow: EscrowAnswer,
    /// All that exists of it in the child.
    pub minted: String,
    /// Whether the child can pay back all that exists in it.
    pub covered: bool,
    /// Announced changes of the child's rules.
    #[schema(value_type = Vec<Object>)]
    pub pending: Vec<Value>,
    /// Down: why the child would take nothing now, by the error's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The block of the parent that this was read at; `/associates/{id}/solvency` there proves it.
    pub at: At,
}

/// A way through the tree.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WayAnswer {
    /// The lowest ledger above both.
    pub through: String,
    /// In order.
    pub legs: Vec<WayLeg>,
    /// What the first transaction carries, so that no other need be signed: `up` or `ac_`; absent where it is too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Vec<String>>,
    /// All fees together, at most.
    pub fees: String,
    /// What arrives at the end at least, where an amount was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrives: Option<String>,
    /// How long it takes, in milliseconds.
    pub expected_ms: u64,
    /// How long at worst.
    pub worst_ms: u64,
}

/// One step of a way between two mounts.
pub(crate) struct Stride {
    pub action: LegAction,
    pub on: Mount,
    pub into: Mount,
}

impl Stride {
    pub fn parent(&self) -> &Mount {
        if self.action == LegAction::Commit { &self.on } else { &self.into }
    }

    pub fn child(&self) -> &Mount {
        if self.action == LegAction::Commit { &self.into } else { &self.on }
    }

    pub fn associate(&self) -> AssociateId {
        self.child().ledger().params().ledger
    }

    fn hop(&self) -> Hop {
        if self.action == LegAction::Commit { Hop::Down(self.associate()) } else { Hop::Up }
    }
}

/// The ledger that is named.
fn named(mount: &Mount, text: &str) -> Result<Mount, Failure> {
    let names: Vec<_> = text.split('/').collect();
    let is_meant = |other: &Mount| {
        let path = &other.ledger().path;
        path.len() >= names.len() && path.iter().rev().zip(names.iter().rev()).all(|(a, b)| a == b)
    };
    mount.all().find(is_meant).ok_or_else(|| {
        let text: String = text.chars().take(60).collect();
        Failure::unknown("unknown_ledger", format!("this node serves no ledger {text}")).hint("GET /tree lists them")
    })
}

/// A ledger and those above it, itself first.
fn rising(mount: Mount) -> Vec<Mount> {
    std::iter::successors(Some(mount), Mount::parent).collect()
}

/// The steps from one ledger to the other, up to the lowest ledger above both and down, and that ledger's name.
pub(crate) fn strides(mount: &Mount, from: &str, to: &str) -> Result<(String, Vec<Stride>), Failure> {
    let (up, mut down) = (rising(named(mount, from)?), rising(named(mount, to)?));
    let meets = |above: &Mount| down.iter().position(|other| other.ledger().path == above.ledger().path);
    let common = up.iter().enumerate().find_map(|(at, above)| Some((at, meets(above)?)));
    let (at, other) =
        common.ok_or_else(|| Failure::invalid("no_path", "no ledger that this node serves is above both"))?;
    let through = up[at].ledger().name().to_owned();
    let pairs = |line: &[Mount], action| -> Vec<Stride> {
        line.windows(2).map(|two| Stride { action, on: two[0].clone(), into: two[1].clone() }).collect()
    };
    down.truncate(other + 1);
    down.reverse();
    let steps: Vec<_> =
        pairs(&up[..=at], LegAction::Withdraw).into_iter().chain(pairs(&down, LegAction::Commit)).collect();
    if steps.is_empty() {
        return Err(Failure::invalid("here", format!("the coins are on {through} already")));
    }
    Ok((through, steps))
}

fn quote(mount: &Mount, ends: &Ends) -> Result<WayAnswer, Failure> {
    let amount = ends.amount.as_deref().map(|text| {
        let amount = text.parse().ok().and_then(Amount::new).filter(|amount| !amount.is_zero());
        amount.ok_or_else(|| Failure::invalid("amount", "an amount is a number of base units, up to the whole supply"))
    });
    let (through, steps) = strides(mount, &ends.from, &ends.to)?;
    let (mut carried, mut legs, mut fees) = (amount.transpose()?, Vec::new(), Amount::ZERO);
    let route: Vec<Hop> = steps.iter().skip(1).map(Stride::hop).collect();
    for (index, step) in steps.iter().enumerate() {
        let point = point(step)?;
        let fee = if index == 0 { first_fee(step, &route, carried) } else { hop_fee(step, &point) };
        let fee = fee.ok_or_else(|| Failure::invalid("overflow", "the fee is above the whole supply"))?;
        if index > 0 {
            carried = carried.map(|amount| eat(step, amount, fee)).transpose()?;
        }
        fees = fees.plus(fee).unwrap_or(Amount::MAX);
        legs.push(leg(step, &point, carried, fee)?);
    }
    let sum = |ms: fn(&WayLeg) -> u64| legs.iter().map(ms).fold(0, u64::saturating_add);
    Ok(WayAnswer {
        through,
        route: (route.len() <= ROUTE_HOPS_MAX).then(|| route.iter().map(shown).collect()),
        fees: units(fees),
        arrives: carried.map(units),
        expected_ms: sum(|leg| leg.expected_ms),
        worst_ms: sum(|leg| leg.worst_ms),
        legs,
    })
}

fn shown(hop: &Hop) -> String {
    match hop {
        Hop::Up => "up".into(),
        Hop::Down(id) => id.to_string(),
    }
}

fn point(step: &Stride) -> Result<ConnectionPoint, Failure> {
    super::associates::point(&step.parent().head()?.view, step.associate())
}

/// What is left of what arrives, when going on is paid.
fn eat(step: &Stride, amount: Amount, fee: Amount) -> Result<Amount, Failure> {
    amount.minus(fee).filter(|rest| !rest.is_zero()).ok_or_else(|| {
        let message = format!(
            "the fee of {fee} BNY on {} is more than the {amount} BNY that arrive there",
            step.on.ledger().name()
        );
        Failure::invalid("eaten", message).hint("a larger amount")
    })
}

/// Source: associates 5.
fn hop_fee(step: &Stride, point: &ConnectionPoint) -> Option<Amount> {
    let asked = if step.action == LegAction::Commit { point.params.commit_gas.0 } else { 0 };
    step.on.ledger().params().price(Gas(HOP_GAS.0.checked_add(asked)?))
}

/// The least fee of the first transaction, with the longest numbers that it may hold.
fn first_fee(step: &Stride, route: &[Hop], amount: Option<Amount>) -> Option<Amount> {
    let (nobody, longest) = (AccountId([0; 32]), Amount::new(SUPPLY_MAX)?);
    let (amount, route, nonce) = (amount.unwrap_or(longest), route.to_vec(), Nonce(u64::MAX));
    let tx: Transaction = match step.action {
        LegAction::Commit => AssociateCommit {
            from_id: nobody,
            associate_id: step.associate(),
            to_id: nobody,
            asset: Asset::Coin,
            amount,
            route,
            leg: Hash::ZERO,
            deadline: Height(0),
            ttl: Height(0),
            fee: longest,
            nonce,
        }
        .into(),
        LegAction::Withdraw => AssociateWithdraw {
            from_id: nobody,
            to_id: Payee::Account(nobody),
            asset: Asset::Coin,
            amount,
            route,
            leg: Hash::ZERO,
            ttl: Height(0),
            fee: longest,
            nonce,
        }
        .into(),
    };
    let params: &Params = step.on.ledger().params();
    rules::minimum_fee(params, &tx, tx.encode().len(), Height(0))
}

fn leg(step: &Stride, point: &ConnectionPoint, amount: Option<Amount>, fee: Amount) -> Result<WayLeg, Failure> {
    // The child is read first: what it credits meanwhile is in the escrow already.
    let minted = step.child().head()?.view.supply()?.map_or(Amount::ZERO, |supply| supply.minted);
    let (head, id) = (step.parent().head()?, step.associate());
    let escrow = head.view.escrow(id)?;
    let interval = step.parent().ledger().params().height_interval_ms;
    let worst = match step.action {
        LegAction::Commit => point.params.commit_timeout.saturating_add(HEIGHTS_EXPECTED),
        LegAction::Withdraw => point.params.silence,
    };
    let fields = show::object(point.fields(), Sums::Texts);
    // Access by list is between the child and each account: who is asked about is not known here.
    let refused = point.refusal(head.header.height(), AccountId([0; 32]), true, amount.unwrap_or(Amount::MAX));
    Ok(WayLeg {
        action: step.action,
        on: step.on.ledger().name().into(),
        into: step.into.ledger().name().into(),
        network_id: step.on.ledger().params().network_id.clone(),
        associate: id.to_string(),
        amount: amount.map(units),
        fee: units(fee),
        expected_ms: interval.saturating_mul(HEIGHTS_EXPECTED),
        worst_ms: interval.saturating_mul(worst),
        regime: point.regime.word().into(),
        threshold: point.threshold,
        operators: point.operators.len() as u64,
        covered: minted <= escrow.held(),
        escrow: EscrowAnswer::of(&escrow),
        minted: units(minted),
        pending: fields.get("pending").and_then(Value::as_array).cloned().unwrap_or_default(),
        refused: refused.filter(|_| step.action == LegAction::Commit).map(|why| why.code().into()),
        at: At::of(&head.header, head.hash),
    })
}

/// The way from one ledger to another: through the lowest ledger above both, with what each leg costs, takes and risks.
#[utoipa::path(get, path = "/path", tag = "journeys", params(Ends), responses((status = 200, body = WayAnswer)))]
pub(crate) async fn path_route(State(mount): State<Mount>, Ask(ends): Ask<Ends>) -> Answer<WayAnswer> {
    Ok(Json(quote(&mount, &ends)?))
}
