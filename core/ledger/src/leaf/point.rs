//! What a ledger knows of a child: its connection point and its escrow. Rules: associates 2.

use alloc::{string::String, vec::Vec};

use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Gas, Hash, Height, Payee, TokenId,
    associate::{Access, Change, ChildParams, Regime},
    rlp::{DecodeError, Field, Items, put_list},
    show::Value,
};

banyan_types::object! {
    /// A connection point: all that a ledger knows of a child. Source: associates 2.
    90 v 1 ConnectionPoint {
        /// Who registered it.
        creator: AccountId,
        /// The child's network id.
        network_id: String,
        /// Hash of the child's genesis file.
        genesis_hash: Hash,
        /// Who is paid if this ledger is evacuated.
        heir: Option<AccountId>,
        /// What is demanded before money leaves the escrow.
        regime: Regime,
        /// Accounts that answer for the child.
        operators: Vec<AccountId>,
        /// How many of them must sign.
        threshold: u8,
        /// Accounts that may remit when the child is dead and its root is zero.
        recovery: Vec<AccountId>,
        /// How many of those.
        recovery_threshold: u8,
        /// Who may commit.
        access: Access,
        /// Times and limits.
        params: ChildParams,
        /// Next inbox number to give.
        inbox_next: u64,
        /// Inbox entries below this number are settled.
        inbox_acked: u64,
        /// Hash chain of the inbox up to `inbox_next - 1`.
        inbox_hash: Hash,
        /// Hash chain of the inbox up to `inbox_acked - 1`.
        inbox_acked_hash: Hash,
        /// Where the last accepted summary stands.
        point: Point,
        /// Bonds of operators that are held here, one for each, none empty.
        bonds: Vec<OperatorBond>,
        /// State of the child's life.
        status: Status,
        /// Height of the last accepted summary, or of the registration.
        last_alive: Height,
        /// Announced changes, in the order of their announcement.
        pending: Vec<Pending>,
        /// Acts that operators have signed: the next one names this number.
        acts: u64,
        /// What was remitted in the running span.
        span: RemitSpan,
        /// Claims on the escrow of a dead child.
        claims: Claims,
        /// Tokens that were ever committed, in the order of their first commit.
        tokens: Vec<TokenId>,
        /// Last height of this object.
        expiry: Height,
    }

    /// A child's escrow of one asset; `committed - remitted` is in it. Source: associates 2.
    1029 v 1 Escrow {
        /// All that ever went down.
        committed: Amount,
        /// All that ever came back.
        remitted: Amount,
        /// Money of inbox entries that no accepted summary has settled.
        waiting: Amount,
    }

    /// A child's escrow of a token: as of the coin, and which.
    1029 v 2 EscrowV2 {
        /// All that ever went down.
        committed: Amount,
        /// All that ever came back.
        remitted: Amount,
        /// Money of inbox entries that no accepted summary has settled.
        waiting: Amount,
        /// Which token.
        token: TokenId,
    }

    /// What of a token came down to this ledger and has not gone up again.
    1047 v 1 Inherited {
        /// How much.
        amount: Amount,
    }

    /// Claims that come through one ledger of a dead child's subtree, or a single account's. Source: associates 7.
    912 v 1 Bucket {
        /// All that it can have: what the ledger above held for it.
        cap: Amount,
        /// All that was claimed in time.
        claimed: Amount,
        /// What was paid to those who came later.
        late: Amount,
    }

    /// A claim on the escrow of a dead child.
    914 v 1 Claim {
        /// Whose money.
        account: Payee,
        /// What money.
        asset: Asset,
        /// Who is paid.
        to: AccountId,
        /// What the proof shows.
        amount: Amount,
        /// From the dead child down to the ledger of that account.
        path: Vec<AssociateId>,
    }

    /// What an account may do with a listed child.
    1030 v 1 AccessRight {
        /// Be credited there.
        receive: bool,
        /// Send transactions there.
        transact: bool,
    }
}

banyan_types::record! {
    /// Where the last accepted summary stands.
    Point {
        /// Its number; 0 before the first.
        seq: u64,
        /// The child block that it ends at.
        child_to: Height,
        /// That block's hash.
        block_hash: Hash,
        /// That block's state root; zero commits to no state.
        root: Hash,
        /// The height of this ledger that it named.
        parent_height: Height,
        /// The height of this ledger at which it was accepted.
        accepted_at: Height,
        /// Outbox entries below this number were taken.
        outbox_acked: u64,
        /// Hash chain of the outbox up to there.
        outbox_hash: Hash,
        /// Hash chain over the numbers of the commits that were skipped.
        skipped_hash: Hash,
    }

    /// What an operator has put up.
    OperatorBond {
        /// Who.
        operator: AccountId,
        /// How much.
        amount: Amount,
    }

    /// A change that was announced.
    Pending {
        /// The height from which on it binds.
        due: Height,
        /// What.
        change: Change,
    }

    /// What lines were paid in a span of heights.
    RemitSpan {
        /// The span's first height.
        from: Height,
        /// The sum of the lines.
        amount: Amount,
    }

    /// Claims on the escrow of a dead child, which are numbered from 0.
    Claims {
        /// How many there are.
        made: u64,
        /// How many were paid.
        paid: u64,
    }
}

impl RemitSpan {
    /// Before anything was paid.
    pub const NONE: Self = Self { from: Height(0), amount: Amount::ZERO };
}

impl Claims {
    /// Nobody has claimed anything.
    pub const NONE: Self = Self { made: 0, paid: 0 };
}

/// State of a child's life, as far as an act has written it down; [`ConnectionPoint::standing`] says how it stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It takes commits and remits.
    Open,
    /// Neither, up to a height.
    Frozen {
        /// The last height.
        until: Height,
        /// Whether it was closing, and goes on so.
        closing: bool,
    },
    /// It takes remits, and is removed when its escrow is empty.
    Closing,
    /// It never comes back.
    Dead {
        /// The height of the first claim or refund.
        since: Height,
        /// The last height at which claims are collected for shares.
        until: Height,
    },
}

impl Field for Status {
    fn put(&self, out: &mut Vec<u8>) {
        put_list(out, |out| match self {
            Self::Open => 0u64.put(out),
            Self::Frozen { until, closing } => [1, until.0, u64::from(*closing)].iter().for_each(|int| int.put(out)),
            Self::Closing => 2u64.put(out),
            Self::Dead { since, until } => [3, since.0, until.0].iter().for_each(|int| int.put(out)),
        });
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        let mut list = items.list()?;
        let status = match u64::take(&mut list)? {
            0 => Self::Open,
            1 => Self::Frozen { until: Height::take(&mut list)?, closing: bool::take(&mut list)? },
            2 => Self::Closing,
            3 => Self::Dead { since: Height::take(&mut list)?, until: Height::take(&mut list)? },
            _ => return Err(DecodeError::Malformed("unknown status")),
        };
        list.finish().map(|()| status)
    }
    fn show(&self) -> Value {
        Value::Text(match self {
            Self::Open => String::from("open"),
            Self::Frozen { until, .. } => alloc::format!("frozen until {until}"),
            Self::Closing => String::from("closing"),
            Self::Dead { since, until } => alloc::format!("dead since {since}, claims until {until}"),
        })
    }
}

/// How a child stands at a height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It takes commits and remits.
    Open,
    /// It takes neither for a while.
    Frozen,
    /// It takes remits alone.
    Closing,
    /// Its point has expired: as silent.
    Expired,
    /// It was silent for too long: dead, unless a late remit comes before the first claim.
    Silent,
    /// Somebody has claimed: it never comes back.
    Dead,
}

impl Standing {
    /// Its word in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Frozen => "frozen",
            Self::Closing => "closing",
            Self::Expired => "expired",
            Self::Silent | Self::Dead => "dead",
        }
    }

    /// Whether its users may claim.
    pub const fn is_dead(self) -> bool {
        matches!(self, Self::Expired | Self::Silent | Self::Dead)
    }
}

impl ConnectionPoint {
    /// How the child stands at `height`.
    pub fn standing(&self, height: Height) -> Standing {
        // A frozen child cannot speak, so it may be silent for longer: by the time of one freeze, however often it is frozen.
        let patience = match self.status {
            Status::Dead { .. } => return Standing::Dead,
            Status::Frozen { .. } => self.params.silence.saturating_add(self.params.change_delay),
            Status::Open | Status::Closing => self.params.silence,
        };
        if height.since(self.last_alive).is_some_and(|heights| heights > patience) {
            return Standing::Silent;
        }
        match self.status {
            _ if self.expiry < height => Standing::Expired,
            Status::Frozen { until, .. } if until >= height => Standing::Frozen,
            Status::Closing | Status::Frozen { closing: true, .. } => Standing::Closing,
            _ => Standing::Open,
        }
    }

    /// Go on as before a freeze.
    pub const fn thaw(&mut self) {
        self.status = match self.status {
            Status::Frozen { closing: true, .. } => Status::Closing,
            Status::Frozen { closing: false, .. } => Status::Open,
            other => other,
        };
    }

    /// All that its escrow may hold.
    pub fn assets(&self) -> Vec<Asset> {
        core::iter::once(Asset::Coin).chain(self.tokens.iter().map(|token| Asset::Token(*token))).collect()
    }

    /// What an operator has put up.
    pub fn bond_of(&self, operator: AccountId) -> Amount {
        self.bonds.iter().find(|bond| bond.operator == operator).map_or(Amount::ZERO, |bond| bond.amount)
    }

    /// Write down what an account has put up.
    pub fn set_bond(&mut self, operator: AccountId, amount: Amount) {
        self.bonds.retain(|bond| bond.operator != operator);
        if !amount.is_zero() {
            self.bonds.push(OperatorBond { operator, amount });
        }
    }
}

impl From<EscrowV2> for Escrow {
    fn from(EscrowV2 { committed, remitted, waiting, .. }: EscrowV2) -> Self {
        Self { committed, remitted, waiting }
    }
}

impl Escrow {
    /// An escrow into which nothing was ever committed.
    pub const EMPTY: Self = Self { committed: Amount::ZERO, remitted: Amount::ZERO, waiting: Amount::ZERO };

    /// What is in it; the law says that this is never below zero.
    pub const fn held(&self) -> Amount {
        match self.committed.minus(self.remitted) {
            Some(held) => held,
            None => Amount::ZERO,
        }
    }

    /// What is in it beside the money that waits.
    pub const fn free(&self) -> Amount {
        match self.held().minus(self.waiting) {
            Some(free) => free,
            None => Amount::ZERO,
        }
    }
}

/// Bytes of a connection point that rent is paid for. Source: ledger 5.2.
pub const POINT_BYTES: u64 = 2_048;

/// Gas of one line of a remit, or of an access list. Source: ledger 2.2.
pub const LINE_GAS: Gas = Gas(5_000);
/// Gas of one signature inside an authorization, or of one node of a proof. Source: ledger 2.2.
pub const SIGNATURE_GAS: Gas = Gas(1_500);
/// Gas that a routed hop pays out of its amount. Source: associates 5.
pub const HOP_GAS: Gas = Gas(30_000);
