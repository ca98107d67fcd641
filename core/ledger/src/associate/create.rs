//! On the parent: register a child, and move money down into it. Rules: associates 3.

use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Hash, Height, Payee,
    associate::{Access, ChildParams, Hop, InboxEntry, InboxKind, Regime},
    limits::{OPERATORS_MAX, REMIT_LINES_MAX, ROUTE_HOPS_MAX, TOKENS_PER_ASSOCIATE_MAX},
    tx::{AssociateCommit, AssociateCreate, Transaction},
};

use crate::{
    Claims, ConnectionPoint, Event, Point, Rejected, RemitSpan, Standing, State, Status, Tombstone,
    cargo::Cargo,
    due::Ending,
    leaf::{AccessRight, key},
    params::Params,
    rules::{REMIT_GAS_MAX, fee_with_rent},
    scene::Scene,
};
use alloc::{collections::BTreeSet, vec::Vec};

/// Characters of a ledger's name. Source: node 1.
const NAME_MAX: usize = 16;
/// Least heights that a child has to credit a commit. Source: associates 2.
const COMMIT_TIMEOUT_MIN: u64 = 10;
/// Inbox entries that may be open at most. Source: associates 2.
pub(super) const INBOX_OPEN_MAX: u64 = 100_000;

/// What goes down with the money of a commit.
pub struct Passage {
    pub to: AccountId,
    pub route: Vec<Hop>,
    pub leg: Hash,
    pub deadline: Option<Height>,
}

impl<S: State> Scene<'_, S> {
    pub(crate) fn create(&mut self, tx: &AssociateCreate) -> Result<AssociateId, Rejected> {
        let id = AssociateId::derive(&self.params.network_id, tx.creator_id, tx.nonce);
        check_network_id(&tx.network_id, id)?;
        check_operators(&tx.operators, tx.threshold)?;
        if !tx.recovery.is_empty() || tx.recovery_threshold != 0 {
            check_operators(&tx.recovery, tx.recovery_threshold)?;
        }
        check_params(&tx.params, self.params)?;
        self.check_regime(&tx.regime)?;
        self.check_life(tx.expiry, tx.params.silence)?;
        let gone: Option<Tombstone> = self.get(&key::tombstone(id.into()))?;
        if gone.is_some() || self.get::<ConnectionPoint>(&key::point(id))?.is_some() {
            return Err(Rejected::Exists);
        }
        let mut point = new_point(tx, self.height);
        if tx.access == Access::Listed {
            // The child's genesis does not say so: it hears of it first of all.
            self.tell(id, &mut point, super::notice(InboxKind::AccessMode(tx.access), tx.creator_id))?;
        }
        self.set_point(id, &point);
        self.end_at(Ending::Associate(id), tx.expiry)?;
        self.events.push(Event::Registered { associate: id, creator: tx.creator_id });
        Ok(id)
    }

    /// Whether a connection point may have this last height.
    pub(super) fn check_life(&self, expiry: Height, silence: u64) -> Result<(), Rejected> {
        let least = self.height.plus(silence).ok_or(Rejected::Overflow)?;
        if expiry < least {
            return Err(Rejected::Expiry { least, got: expiry });
        }
        let (max, got) = (self.params.lifetime_max, expiry.since(self.height).unwrap_or(0));
        if got > max { Err(Rejected::LifetimeTooLong { max, got }) } else { Ok(()) }
    }

    /// Whether a regime's data make sense here.
    pub(super) fn check_regime(&mut self, regime: &Regime) -> Result<(), Rejected> {
        match regime {
            Regime::Operators => Ok(()),
            Regime::Certificate(validators) => super::certificate::check_validators(validators),
            Regime::Contract(id) => self.must_be_callable(*id),
        }
    }

    pub(crate) fn commit(&mut self, tx: &AssociateCommit, unsigned_len: usize) -> Result<(), Rejected> {
        let deadline = (tx.deadline.0 != 0).then_some(tx.deadline);
        let passage = Passage { to: tx.to_id, route: tx.route.clone(), leg: tx.leg, deadline };
        self.check_commit(tx.associate_id, &passage, tx.asset, tx.amount)?;
        let extra = self.point(tx.associate_id)?.params.commit_gas;
        let kind = Transaction::from(tx.clone());
        let needed = fee_with_rent(self.params, &kind, unsigned_len, extra).ok_or(Rejected::Overflow)?;
        if tx.fee < needed {
            return Err(Rejected::FeeTooLow { needed, got: tx.fee });
        }
        let cargo = self.take_cargo(tx.from_id, tx.asset, tx.amount)?;
        self.commit_cargo(tx.associate_id, tx.from_id, passage, cargo)
    }

    /// Everything that a commit must pass, for a signed one as for a routed hop.
    pub(super) fn check_commit(
        &mut self,
        id: AssociateId,
        to: &Passage,
        asset: Asset,
        amount: Amount,
    ) -> Result<(), Rejected> {
        let point = self.point(id)?;
        let standing = point.standing(self.height);
        if standing != Standing::Open {
            return Err(Rejected::Status { status: standing.as_str() });
        }
        // The least commit is a sum of coin; of a token any part will do.
        let min = if asset == Asset::Coin { point.params.commit_min } else { Amount::new(1).unwrap_or_default() };
        if amount < min {
            return Err(Rejected::CommitTooSmall { min, got: amount });
        }
        if point.access == Access::Listed && !self.may_receive(id, to.to)? {
            return Err(Rejected::Access { account: to.to });
        }
        if to.route.len() > ROUTE_HOPS_MAX {
            return Err(Rejected::Route { max: ROUTE_HOPS_MAX, got: to.route.len() });
        }
        let (from, last) = self.deadlines(&point)?;
        if let Some(got) = to.deadline
            && (got < from || got > last)
        {
            return Err(Rejected::Deadline { from, to: last, got });
        }
        if point.inbox_next.saturating_sub(point.inbox_acked) >= point.params.inbox_open_max {
            return Err(Rejected::InboxFull { max: point.params.inbox_open_max });
        }
        let max = TOKENS_PER_ASSOCIATE_MAX;
        if matches!(asset, Asset::Token(token) if !point.tokens.contains(&token) && point.tokens.len() >= max) {
            return Err(Rejected::Assets { max });
        }
        Ok(())
    }

    /// Put `cargo` into the escrow of `id` and tell it. The checks have passed.
    pub(super) fn commit_cargo(
        &mut self,
        id: AssociateId,
        from: AccountId,
        to: Passage,
        cargo: Cargo,
    ) -> Result<(), Rejected> {
        let mut point = self.point(id)?;
        let (asset, amount) = (cargo.asset(), cargo.amount());
        if let Asset::Token(token) = asset
            && !point.tokens.contains(&token)
        {
            point.tokens.push(token);
        }
        let deadline = to.deadline.unwrap_or(self.deadlines(&point)?.1);
        self.escrow_in(id, cargo)?;
        self.events.push(Event::Committed { associate: id, n: point.inbox_next, to: to.to, asset, amount });
        let entry = InboxEntry {
            n: 0,
            kind: InboxKind::Commit,
            from: Payee::Account(from),
            to: to.to,
            asset,
            amount,
            route: to.route,
            leg: to.leg,
            height: self.height,
            deadline,
            hash: Hash::ZERO,
        };
        self.tell(id, &mut point, entry)?;
        self.set_point(id, &point);
        Ok(())
    }

    /// The first and the last deadline that a commit may have now.
    fn deadlines(&self, point: &ConnectionPoint) -> Result<(Height, Height), Rejected> {
        let from = self.height.plus(COMMIT_TIMEOUT_MIN.saturating_add(1)).ok_or(Rejected::Overflow)?;
        let last = self.height.plus(point.params.commit_timeout).ok_or(Rejected::Overflow)?;
        Ok((from.min(last), last))
    }

    fn may_receive(&mut self, id: AssociateId, account: AccountId) -> Result<bool, Rejected> {
        let right: Option<AccessRight> = self.get(&key::access(id, account))?;
        Ok(right.is_some_and(|right| right.receive))
    }
}

/// `name.short`, where `short` begins the child's own id: no two ledgers have one network id, so no transaction of one can
/// be replayed on another.
fn check_network_id(network_id: &str, id: AssociateId) -> Result<(), Rejected> {
    let name = network_id.strip_suffix(&id.short()).and_then(|rest| rest.strip_suffix('.'));
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    match name {
        Some(name) if (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(word) => Ok(()),
        _ => Err(Rejected::NetworkName),
    }
}

/// One to 64 accounts, each once, of whom a majority must sign.
pub(super) fn check_operators(operators: &[AccountId], threshold: u8) -> Result<(), Rejected> {
    let unique: BTreeSet<_> = operators.iter().collect();
    if operators.is_empty() || operators.len() > OPERATORS_MAX || unique.len() != operators.len() {
        return Err(Rejected::Operators { max: OPERATORS_MAX, got: operators.len() });
    }
    let (of, needed) = (operators.len(), usize::from(threshold));
    if needed > of || needed.saturating_mul(2) <= of {
        return Err(Rejected::Threshold { of, got: threshold });
    }
    Ok(())
}

pub(super) fn check_params(params: &ChildParams, ledger: &Params) -> Result<(), Rejected> {
    let lines = REMIT_LINES_MAX as u64;
    // Where the longest remit does not fit into a block, a child could fill its outbox for ever.
    let remits_fit = ledger.gas_per_block_max >= REMIT_GAS_MAX;
    let rows = [
        ("commit_timeout", params.commit_timeout >= COMMIT_TIMEOUT_MIN),
        ("silence", params.silence >= params.commit_timeout.saturating_mul(10)),
        // Times above an object's life would put a claim or a change beyond all heights.
        ("claim_window", (params.silence..=ledger.lifetime_max).contains(&params.claim_window)),
        ("change_delay", (params.commit_timeout..=ledger.lifetime_max).contains(&params.change_delay)),
        ("commit_min", !params.commit_min.is_zero()),
        ("commit_gas", params.commit_gas <= ledger.gas_per_tx_max),
        // A child's block may hold this many withdrawals, and each block must fit into one remit.
        ("remit_lines_max", params.remit_lines_max == lines && remits_fit),
        ("inbox_open_max", (1..=INBOX_OPEN_MAX).contains(&params.inbox_open_max)),
        ("remit_limit", params.remit_limit.is_zero() == (params.remit_limit_heights == 0)),
        ("remit_limit_heights", params.remit_limit_heights <= ledger.lifetime_max),
    ];
    match rows.into_iter().find(|(_, holds)| !holds) {
        Some((field, _)) => Err(Rejected::Params { field }),
        None => Ok(()),
    }
}

fn new_point(tx: &AssociateCreate, height: Height) -> ConnectionPoint {
    ConnectionPoint {
        creator: tx.creator_id,
        network_id: tx.network_id.clone(),
        genesis_hash: tx.genesis_hash,
        heir: tx.heir,
        regime: tx.regime.clone(),
        operators: tx.operators.clone(),
        threshold: tx.threshold,
        recovery: tx.recovery.clone(),
        recovery_threshold: tx.recovery_threshold,
        access: tx.access,
        params: tx.params.clone(),
        inbox_next: 0,
        inbox_acked: 0,
        inbox_hash: Hash::ZERO,
        inbox_acked_hash: Hash::ZERO,
        point: Point {
            seq: 0,
            child_to: Height(0),
            block_hash: Hash::ZERO,
            root: tx.genesis_root,
            parent_height: Height(0),
            accepted_at: height,
            outbox_acked: 0,
            outbox_hash: Hash::ZERO,
            skipped_hash: Hash::ZERO,
        },
        bonds: Vec::new(),
        status: Status::Open,
        last_alive: height,
        pending: Vec::new(),
        acts: 0,
        span: RemitSpan::NONE,
        claims: Claims::NONE,
        tokens: Vec::new(),
        expiry: tx.expiry,
    }
}
