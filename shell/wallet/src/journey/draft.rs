//! A journey before it is signed: what each leg carries and costs, and whether every ledger on the way would take it.

use banyan_crypto::SecretKey;
use banyan_ledger::{ConnectionPoint, HOP_GAS, Key, Rejected, first_leg, key, next_leg};
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Gas, Hash, Payee, associate::Hop, limits::ROUTE_HOPS_MAX, tx::Transaction,
};

use super::{
    path::{Action, Step},
    plan::{Leg, Manner, Plan, route},
};
use crate::{
    client::{Account, Client, ClientError, Status, When},
    light::NotProven,
    review::{Place, Refused, Review},
    tx::{self, CannotBuild, Terms},
};

/// Why a plan cannot be made; nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum CannotPlan {
    /// The node does not answer or says no.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A transaction cannot be built.
    #[error(transparent)]
    Build(#[from] CannotBuild),
    /// A transaction cannot be shown.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// More hops than one signature may order.
    #[error("{got} legs, with one signature at most {}", ROUTE_HOPS_MAX + 1)]
    Route {
        /// How many.
        got: usize,
    },
    /// The account has too little where the journey starts.
    #[error("balance {balance} BNY on {ledger}, needed {needed} BNY (amount {amount} + fee {fee})")]
    Funds {
        /// Where.
        ledger: String,
        /// What it holds.
        balance: Amount,
        /// What it needs.
        needed: Amount,
        /// What is to be moved.
        amount: Amount,
        /// What that costs.
        fee: Amount,
    },
    /// The fees on the way eat the amount.
    #[error("the fee of {fee} BNY on {ledger} is more than the {amount} BNY that arrive there")]
    Eaten {
        /// Where.
        ledger: String,
        /// What arrives.
        amount: Amount,
        /// What going on costs.
        fee: Amount,
    },
    /// A child on the way would not take the coins.
    #[error("{ledger} would not send {amount} BNY on into {into}: {why}")]
    Blocked {
        /// The parent, which says no.
        ledger: String,
        /// The child.
        into: String,
        /// What would arrive there.
        amount: Amount,
        /// The ledger's own reason.
        why: Box<Rejected>,
    },
    /// A sum above the supply.
    #[error("a sum is above the whole supply")]
    Overflow,
}

impl From<NotProven> for CannotPlan {
    fn from(why: NotProven) -> Self {
        Self::Client(why.into())
    }
}

/// One leg before it is signed.
#[derive(Debug, Clone)]
pub struct DraftLeg {
    /// Where it leads.
    pub step: Step,
    /// The ledger that it leaves, as its node sees it.
    pub ledger: Status,
    /// What it carries.
    pub amount: Amount,
    /// What it costs, on the ledger that it leaves.
    pub fee: Amount,
    /// What its owner signs; nothing where the ledger sends on what arrives.
    pub review: Option<Review>,
    leg: Hash,
}

/// A journey before it is signed.
#[derive(Debug, Clone)]
pub struct Draft {
    manner: Manner,
    account: AccountId,
    legs: Vec<DraftLeg>,
}

/// A ledger that is left, as it stands.
struct Stop<'a> {
    step: &'a Step,
    status: Status,
    held: Account,
    /// The child's connection point, where the leg leads down.
    point: Option<ConnectionPoint>,
    may_receive: bool,
}

impl Draft {
    /// Move `amount` of `account` along `steps`, to the same account everywhere.
    /// # Errors
    /// The first [`CannotPlan`] that applies.
    pub fn new(
        client: &Client,
        account: AccountId,
        amount: Amount,
        steps: &[Step],
        manner: Manner,
    ) -> Result<Self, CannotPlan> {
        if manner == Manner::Routed && steps.len() > ROUTE_HOPS_MAX + 1 {
            return Err(CannotPlan::Route { got: steps.len() });
        }
        let ledgers = steps.iter().map(|step| Stop::look(client, account, step)).collect::<Result<Vec<_>, _>>()?;
        let (mut legs, mut carried, mut leg) = (Vec::<DraftLeg>::new(), amount, Hash::ZERO);
        for (stop, index) in ledgers.iter().zip(0_u16..) {
            let ahead = if manner == Manner::Routed { route(steps) } else { vec![] };
            let (fee, tx) = if index == 0 {
                let tx = stop.build(account, carried, ahead, None)?;
                stop.check_funds(carried, tx.fee())?;
                leg = first_leg(&stop.status.network_id, &tx);
                (tx.fee(), Some(tx))
            } else {
                leg = next_leg(leg, index);
                let (rest, fee, tx) = stop.onward(account, carried, manner)?;
                carried = rest;
                (fee, tx)
            };
            stop.check_open(account, carried)?;
            let review = tx.map(|tx| Review::of(&tx::set_leg(tx, leg).encode(), &place(&stop.status))).transpose()?;
            let (step, ledger) = (stop.step.clone(), stop.status.clone());
            legs.push(DraftLeg { step, ledger, amount: carried, fee, review, leg });
        }
        Ok(Self { manner, account, legs })
    }

    /// The legs in order.
    pub fn legs(&self) -> &[DraftLeg] {
        &self.legs
    }

    /// Who signs for the legs after the first.
    pub const fn manner(&self) -> Manner {
        self.manner
    }

    /// What arrives at the end.
    pub fn arrives(&self) -> Amount {
        self.legs.last().map_or(Amount::ZERO, |leg| leg.amount)
    }

    /// Sign every transaction; its owner has read the reviews.
    /// # Errors
    /// [`Refused`].
    pub fn sign(self, key: &SecretKey) -> Result<Plan, Refused> {
        let sign = |draft: DraftLeg| {
            let Step { action, on, into, associate, .. } = draft.step;
            let (network_id, amount, fee, leg) = (draft.ledger.network_id, draft.amount, draft.fee, draft.leg);
            let tx = draft.review.map(|review| review.sign(key)).transpose()?;
            Ok(Leg { action, on, network_id, into, associate, amount, fee, leg, tx })
        };
        let legs: Vec<_> = self.legs.into_iter().map(sign).collect::<Result<_, Refused>>()?;
        Ok(Plan::new(self.manner, self.account, legs))
    }
}

impl<'a> Stop<'a> {
    fn look(client: &Client, account: AccountId, step: &'a Step) -> Result<Self, CannotPlan> {
        let ledger = client.on(&step.on);
        let (status, held) = (ledger.status()?, ledger.account(account)?);
        let (mut point, mut may_receive) = (None, true);
        if step.action == Action::Commit {
            let proven = ledger.prove(&door(step.associate, account), When::Top)?;
            point = proven.point(step.associate)?;
            may_receive = proven.may_receive(step.associate, account)?;
        }
        Ok(Self { step, status, held, point, may_receive })
    }

    /// What arrived here, less the fee of going on, that fee, and what is signed for it.
    fn onward(
        &self,
        account: AccountId,
        arrived: Amount,
        manner: Manner,
    ) -> Result<(Amount, Amount, Option<Transaction>), CannotPlan> {
        // Every leg after the first pays its fee out of what it carries: nothing else need be there.
        let rest = |fee| {
            let eaten = || CannotPlan::Eaten { ledger: self.step.on.clone(), amount: arrived, fee };
            arrived.minus(fee).filter(|rest| !rest.is_zero()).ok_or_else(eaten)
        };
        if manner == Manner::Routed {
            let fee = hop_fee(&self.status, self.point.as_ref()).ok_or(CannotPlan::Overflow)?;
            return Ok((rest(fee)?, fee, None));
        }
        let fee = self.build(account, arrived, vec![], None)?.fee();
        let carried = rest(fee)?;
        Ok((carried, fee, Some(self.build(account, carried, vec![], Some(fee))?)))
    }

    fn build(
        &self,
        account: AccountId,
        amount: Amount,
        route: Vec<Hop>,
        fee: Option<Amount>,
    ) -> Result<Transaction, CannotBuild> {
        let (status, nonce) = (&self.status, self.held.next());
        let terms = Terms { params: status.params(), height: status.height(), nonce, ttl: None, fee };
        match self.step.action {
            Action::Commit => tx::commit(account, self.step.associate, account, amount, route, &terms),
            Action::Withdraw => tx::withdraw(account, Payee::Account(account), amount, route, &terms),
        }
    }

    fn check_funds(&self, amount: Amount, fee: Amount) -> Result<(), CannotPlan> {
        let (ledger, balance) = (self.step.on.clone(), self.held.balance);
        let needed = amount.plus(fee).ok_or(CannotPlan::Overflow)?;
        if balance < needed { Err(CannotPlan::Funds { ledger, balance, needed, amount, fee }) } else { Ok(()) }
    }

    fn check_open(&self, account: AccountId, amount: Amount) -> Result<(), CannotPlan> {
        if self.step.action == Action::Withdraw {
            return Ok(());
        }
        let blocked = |why: Rejected| {
            let (ledger, into) = (self.step.on.clone(), self.step.into.clone());
            CannotPlan::Blocked { ledger, into, amount, why: Box::new(why) }
        };
        let Some(point) = &self.point else { return Err(blocked(Rejected::Unknown)) };
        let why = point.refusal(self.status.height(), account, self.may_receive, amount);
        why.map_or(Ok(()), |why| Err(blocked(why)))
    }
}

/// What a parent reads before it lets money down.
pub(super) fn door(id: AssociateId, account: AccountId) -> [Key; 3] {
    [key::point(id), key::escrow(id, Asset::Coin), key::access(id, account)]
}

/// What a ledger takes for sending on what arrives, out of the amount. Source: associates 5.
pub(super) fn hop_fee(status: &Status, into: Option<&ConnectionPoint>) -> Option<Amount> {
    let asked = into.map_or(0, |point| point.params.commit_gas.0);
    status.params().price(Gas(HOP_GAS.0.checked_add(asked)?))
}

/// The place in which a review stands.
pub fn place(status: &Status) -> Place {
    Place {
        ledger: status.path(),
        network_id: status.network_id.clone(),
        height: Some(status.height()),
        interval_ms: status.limits.height_interval_ms,
        gas_price: Some(banyan_types::GasPrice(status.limits.gas_price_min)),
    }
}
