//! Why a transaction or a block is refused, and whose fault that is.

use banyan_types::{
    AccountId, Amount, Asset, ContractId, CtVersion, Era, Gas, GasPrice, Hash, Height, Id, Nonce, Payee, PublicKey,
    TokenAmount, TokenId, rlp::DecodeError,
};

use banyan_fate::BadCode;

use crate::{Missing, certificate::BadCertificate};

/// Whose fault an error is; a node scores, waits or stops accordingly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The sender's, for ever.
    Invalid,
    /// Nobody's: it may become valid.
    Early,
    /// Ours: stop, and never blame the sender.
    Ours,
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Invalid => "invalid",
            Self::Early => "early",
            Self::Ours => "ours",
        })
    }
}

macro_rules! rejections {
    ($($(#[$doc:meta])+ $name:ident $({ $($(#[$field_doc:meta])+ $field:ident: $type:ty),+ $(,)? })?
        = $fault:ident, $code:literal, $message:literal;)+) => {
        /// Why a transaction is refused. The variants stand in the order in which they are checked, and that order is
        /// part of the protocol: ledger 3, associates 3 and 5. Only a remit's lines are asked for their asset later,
        /// after the authorization; and evidence asks whether the stake was slashed once it knows the offence: root 6, 9.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        pub enum Rejected {
            $($(#[$doc])+ #[error($message)] $name $({ $($(#[$field_doc])+ $field: $type),+ })?,)+
            /// The bytes are no transaction.
            #[error(transparent)]
            Decode(#[from] DecodeError),
            /// The state could not answer.
            #[error(transparent)]
            Ours(#[from] Missing),
        }

        impl Rejected {
            /// Whose fault.
            pub const fn fault(&self) -> Fault {
                match self {
                    $(Self::$name $({ $($field: _),+ })? => Fault::$fault,)+
                    Self::Decode(_) => Fault::Invalid,
                    Self::Ours(_) => Fault::Ours,
                }
            }

            /// The error's name in answers and tables.
            pub const fn code(&self) -> &'static str {
                match self {
                    $(Self::$name $({ $($field: _),+ })? => $code,)+
                    Self::Decode(DecodeError::TooLarge { .. }) => "too_large",
                    Self::Decode(DecodeError::Malformed(_)) => "malformed",
                    Self::Decode(DecodeError::NotCanonical(_)) => "not_canonical",
                    Self::Decode(DecodeError::UnknownTag { .. }) => "unknown_tag",
                    Self::Ours(_) => "state_missing",
                }
            }
        }
    };
}

rejections! {
    /// The kind has no meaning on this ledger.
    NotHere { /// The kind's public name.
        kind: &'static str } = Invalid, "not_here", "{kind} has no place on this ledger";
    /// Transactions inside each other as they must not be.
    Wrapping = Invalid, "wrapping", "these transactions must not stand inside each other";
    /// A payload above its limit.
    PayloadTooLarge { /// Bytes allowed.
        max: usize, /// Bytes found.
        got: usize } = Invalid, "payload_too_large", "payload of {got} bytes, limit {max}";
    /// Less than the minimum.
    FeeTooLow { /// The minimum.
        needed: Amount, /// The fee offered.
        got: Amount } = Invalid, "fee_too_low", "fee {got}, needed {needed}";
    /// Less than the least price for the gas of a run.
    GasPriceTooLow { /// The least.
        min: GasPrice, /// The price offered.
        got: GasPrice } = Invalid, "gas_price_too_low", "gas price {got}, least {min}";
    /// More gas than one transaction may use.
    GasTooHigh { /// The limit.
        max: Gas, /// The gas needed.
        got: Gas } = Invalid, "gas_too_high", "needs {got} gas, limit {max}";
    /// Too late.
    TtlExpired { /// Its last height.
        ttl: Height, /// The height now.
        height: Height } = Invalid, "ttl_expired", "valid until height {ttl}, now {height}";
    /// Missing, superfluous or wrong.
    BadSignature = Invalid, "bad_signature", "the signature is not the sender's over this transaction on this ledger";
    /// The sender has no account here.
    NoAccount { /// Who.
        account: AccountId } = Early, "no_account", "{account} has no account on this ledger";
    /// On a listed child, a sender who is not on its list.
    NoTransact { /// Who.
        account: AccountId } = Early, "no_transact", "{account} may not transact on this ledger, only withdraw from it";
    /// A generalized account signs with no key, and a plain one has no contract to ask.
    AccountKind { /// Who.
        account: AccountId } = Invalid, "account_kind", "{account} is not of the kind that may authorise this so";
    /// The nonce was used by another transaction.
    NonceUsed { /// The account's next nonce.
        expected: Nonce, /// The transaction's.
        got: Nonce } = Invalid, "nonce_used", "nonce {got} is used, next is {expected}";
    /// Transactions are missing before this one.
    NonceEarly { /// The account's next nonce.
        expected: Nonce, /// The transaction's.
        got: Nonce } = Early, "nonce_early", "nonce {got} is ahead, next is {expected}";
    /// The authentication stands in the nonce's place.
    NonceNotZero { /// The transaction's.
        got: Nonce } = Invalid, "nonce_not_zero", "nonce {got} of an authenticated transaction, which must be 0";
    /// A sum above the supply: no state can hold it.
    Overflow = Invalid, "overflow", "a sum is above the whole supply";
    /// The account cannot pay amount and fee.
    Funds { /// What it holds.
        balance: Amount, /// What it needs.
        needed: Amount } = Early, "funds", "balance {balance}, needed {needed}";
    /// The payee is a contract that does not exist or takes no coins.
    NotPayable = Invalid, "not_payable", "the recipient cannot be paid";
    /// Nothing sent to nobody, or up the tree, would make state for free.
    Dust = Invalid, "dust", "amount 0 moves nothing and would make state for free";

    /// No such token.
    NoToken { /// Which.
        token: TokenId } = Early, "no_token", "no token {token} on this ledger";
    /// No such data entry, or not any more.
    NoEntry { /// Which.
        entry: Id } = Early, "no_entry", "no entry {entry} on this ledger";
    /// No such contract, and never was.
    NoContract { /// Which.
        contract: ContractId } = Early, "no_contract", "no contract {contract} on this ledger";
    /// Nothing there that could live longer.
    NoTarget { /// What.
        target: Id } = Early, "no_target", "{target} is not on this ledger, or not any more";
    /// It belongs to another account.
    NotOwner { /// Whose it is.
        owner: AccountId } = Invalid, "not_owner", "it belongs to {owner}";
    /// There will be no more of the token.
    Finalized { /// Which.
        token: TokenId } = Invalid, "finalized", "no more of {token} can be made";
    /// More than the account holds of the token.
    TokenFunds { /// What it holds.
        balance: TokenAmount, /// What it needs.
        needed: TokenAmount } = Early, "token_funds", "token balance {balance}, needed {needed}";
    /// More of a token than can be counted.
    SupplyOverflow = Invalid, "supply_overflow", "the token's supply would be above 10^30";
    /// Its last height is passed.
    Expired { /// What.
        id: Id, /// Its last height.
        height: Height } = Invalid, "expired", "{id} has expired at {height}";
    /// It lives for ever.
    Unlimited = Invalid, "unlimited", "it lives for ever and cannot be extended";
    /// No heights to add.
    NoHeights = Invalid, "no_heights", "an extension by no heights";
    /// More data than an entry may have.
    EntryTooLarge { /// Bytes allowed.
        max: usize, /// Bytes found.
        got: usize } = Invalid, "entry_too_large", "entry of {got} bytes, limit {max}";
    /// The same data were posted before: there they are.
    Known { /// Height of the block.
        height: Height, /// Place of the transaction in it.
        index: u32 } = Invalid, "known", "posted before, as transaction {index} of block {height}";
    /// Not the machine or the calling convention of this ledger.
    BadVersion { /// The one asked for.
        got: CtVersion } = Invalid, "bad_version", "machine and convention {got:?}, only FATE 8 / ABI 3 runs here";
    /// The code does not load.
    BadCode { /// What is wrong with it.
        why: BadCode } = Invalid, "bad_code", "the code does not load: {why}";
    /// The call data does not call `init` as it is.
    BadInit = Invalid, "bad_init", "the call data is no call of init with its arguments";
    /// Code or source above its limit.
    CodeTooLarge { /// Bytes allowed.
        max: usize, /// Bytes found.
        got: usize } = Invalid, "code_too_large", "code or source of {got} bytes, limit {max}";
    /// The source is another one than the code names.
    SourceMismatch { /// What the code names.
        expected: Hash, /// Hash of the source.
        got: Hash } = Invalid, "source_mismatch", "the source hashes to {got}, the code names {expected}";
    /// The id is taken, or was.
    ContractExists { /// Which.
        contract: ContractId } = Invalid, "contract_exists", "{contract} exists or existed";
    /// The id is taken, or was.
    Taken { /// Which.
        id: Id } = Invalid, "taken", "{id} exists or existed";
    /// Only an account's first transaction puts it under a contract.
    NotFresh { /// The transaction's nonce.
        got: Nonce } = Invalid, "not_fresh", "nonce {got}; only the first transaction of an account can attach a contract";
    /// The function cannot say yes or no.
    BadAuthFunction = Invalid, "bad_auth_function", "the function does not exist, is init, or returns no bool";
    /// Nobody of that account signs what is inside.
    WrongSigner { /// The generalized account.
        ga: AccountId } = Invalid, "wrong_signer", "{ga} is no signer of the transaction inside";
    /// The data asks another function.
    WrongAuthFunction = Invalid, "wrong_auth_function", "the data does not ask the account's function";
    /// The data was used already.
    AuthRepeated { /// Its name.
        auth_id: Hash } = Invalid, "auth_repeated", "authentication {auth_id} was used in this generation";
    /// The contract did not say yes.
    AuthFailed = Early, "auth_failed", "the account's contract did not agree";

    /// A network id that is not `name.short` with the beginning of the child's own id.
    NetworkName = Invalid, "network_name", "network id must be a name of 1 to 16 a-z, 0-9 or _, a point and the first 8 characters of the child's own id";
    /// None, too many, or one twice.
    Operators { /// How many are allowed.
        max: usize, /// How many there are.
        got: usize } = Invalid, "operators", "{got} operators; 1 to {max} are allowed, each once";
    /// Not a majority of the operators.
    Threshold { /// How many there are.
        of: usize, /// How many must sign.
        got: u8 } = Invalid, "threshold", "threshold {got} of {of} is no majority";
    /// A parameter outside its limits.
    Params { /// Which.
        field: &'static str } = Invalid, "params", "parameter {field} is outside its limits";
    /// Data of a regime that make no sense.
    Regime { /// What is wrong.
        why: &'static str } = Invalid, "regime", "no regime: {why}";
    /// The connection point would not outlive its own silence.
    Expiry { /// Least expiry.
        least: Height, /// The one asked for.
        got: Height } = Invalid, "expiry", "expiry {got}, least {least}";
    /// Further away than objects may live.
    LifetimeTooLong { /// Most heights.
        max: u64, /// Heights asked for.
        got: u64 } = Invalid, "lifetime_too_long", "lifetime of {got} heights, most {max}";
    /// The id is taken.
    Exists = Invalid, "exists", "the connection point exists already";
    /// The asset cannot go that way.
    Asset { /// Which.
        asset: Asset } = Invalid, "asset", "{asset} cannot move there";
    /// No such child.
    Unknown = Invalid, "unknown_associate", "no such associate on this ledger";
    /// The child takes nothing now.
    Status { /// Its status.
        status: &'static str } = Early, "status", "the associate is {status}";
    /// The child has come to its end.
    Ended { /// Its status.
        status: &'static str } = Invalid, "ended", "the associate is {status}, for ever";
    /// The child lives.
    NotDead { /// Its status.
        status: &'static str } = Early, "not_dead", "the associate is {status}, not dead";
    /// No open entry of the inbox that carries money.
    Entry { /// Its number.
        n: u64 } = Invalid, "entry", "inbox entry {n} is not open, or carries no money";
    /// The shares of all claims were paid, and the rest is gone.
    Window { /// The last height for claims.
        last: Height, /// The height now.
        height: Height } = Invalid, "window", "claims were taken until height {last}, now {height}";
    /// The proofs show no money of that account.
    Proof { /// What is wrong.
        why: &'static str } = Invalid, "proof", "no proof of money: {why}";
    /// The account's money was claimed.
    Claimed { /// Whose.
        account: Payee } = Invalid, "claimed", "{account} was claimed already";
    /// Not its owner who claims.
    Signer { /// Who must.
        owner: Payee } = Invalid, "signer", "the owner {owner} must claim it, or have signed the claim";
    /// A change that cannot be made.
    Change { /// What is wrong.
        why: &'static str } = Invalid, "change", "no change: {why}";
    /// So many changes wait.
    TooManyPending { /// Most.
        max: usize } = Early, "too_many_pending", "{max} changes wait already";
    /// Less than the child takes.
    CommitTooSmall { /// Least commit.
        min: Amount, /// The amount.
        got: Amount } = Invalid, "amount", "commit of {got}, least {min}";
    /// The receiver is not on the child's list.
    Access { /// Who.
        account: AccountId } = Early, "access", "{account} may not receive on this associate";
    /// Too many hops.
    Route { /// Most hops.
        max: usize, /// Hops found.
        got: usize } = Invalid, "route", "route of {got} hops, most {max}";
    /// Too soon or too late.
    Deadline { /// First allowed.
        from: Height, /// Last allowed.
        to: Height, /// The one asked for.
        got: Height } = Early, "deadline", "deadline {got}, must lie in {from} to {to}";
    /// Too many commits wait for the child.
    InboxFull { /// Most open entries.
        max: u64 } = Early, "inbox_full", "{max} inbox entries are open";
    /// The child's escrow holds too many tokens.
    Assets { /// Most.
        max: usize } = Early, "assets", "the escrow holds {max} tokens already, and takes no further one";
    /// A summary that was accepted already.
    SequenceUsed { /// The next number.
        expected: u64, /// The summary's.
        got: u64 } = Invalid, "sequence_used", "summary {got} is used, next is {expected}";
    /// Summaries are missing before this one.
    SequenceEarly { /// The next number.
        expected: u64, /// The summary's.
        got: u64 } = Early, "sequence_early", "summary {got} is ahead, next is {expected}";
    /// The blocks do not continue the last summary's.
    Range { /// Where the last one ended.
        expected: Height, /// Where this one starts.
        from: Height, /// Where it ends.
        to: Height } = Invalid, "range", "blocks {from} to {to} do not continue at {expected}";
    /// The named parent block is not known yet.
    ParentEarly { /// The height now.
        height: Height, /// The height named.
        got: Height } = Early, "parent_early", "names parent height {got}, now {height}";
    /// The named parent block is not on this chain, or older than one named before.
    Parent { /// The height named.
        got: Height } = Invalid, "parent", "the parent block named at height {got} is not on this chain, or goes backwards";
    /// The inbox is not what this ledger wrote.
    Inbox { /// First number that may be acknowledged.
        from: u64, /// Last.
        to: u64, /// The one acknowledged.
        got: u64 } = Invalid, "inbox", "acknowledges inbox {got} of {from} to {to}, or another hash than was written";
    /// The skipped numbers are wrong.
    Skipped = Invalid, "skipped", "skipped numbers must ascend among the newly acknowledged entries that carry money";
    /// Too many lines.
    Lines { /// Most.
        max: u64, /// Found.
        got: u64 } = Invalid, "lines", "{got} lines, most {max}";
    /// The lines are not what the summary speaks of.
    Outbox = Invalid, "outbox", "the lines do not fold to the summary's outbox hash and number";
    /// The regime says no.
    Authorization { /// Signatures that count.
        valid: usize, /// Signatures needed.
        needed: usize } = Invalid, "authorization", "{valid} valid operator signatures, needed {needed}";
    /// The block that validators agreed to says something else than the summary, or than the handover.
    CertifiedBlock { /// Where.
        field: &'static str } = Invalid, "certified_block", "the certified block says something else of {field}";
    /// The validators' certificate does not hold.
    Certificate { /// Why.
        why: crate::engine::committee::BadCertificate } = Invalid, "certificate", "certificate: {why}";
    /// More than the child's escrow holds beside what waits for it: the law above all regimes.
    Escrow { /// What may leave.
        escrow: Amount, /// What the summary takes out.
        total: Amount } = Invalid, "escrow", "takes out {total}, but only {escrow} may leave the escrow";
    /// More than a span of heights may bring.
    RateLimit { /// Most.
        limit: Amount, /// With these lines.
        got: Amount } = Early, "rate_limit", "{got} in this span of heights, most {limit}";
    /// The block's outbox is full.
    OutboxFull { /// Most entries.
        max: usize } = Early, "outbox_full", "this block already holds {max} withdrawals";

    /// A bond or an unbond of nothing.
    NoAmount = Invalid, "no_amount", "amount 0 bonds or unbonds nothing";
    /// The account has bonded nothing. No later transaction of its own comes before this one, so that stays so.
    NoStake { /// Who.
        staker: AccountId } = Invalid, "no_stake", "{staker} has no stake on this ledger";
    /// The stake was punished and serves no more.
    Slashed { /// Whose.
        staker: AccountId } = Invalid, "slashed", "the stake of {staker} was slashed";
    /// A stake keeps its first key.
    StakeKey { /// The stake's key.
        expected: PublicKey, /// The transaction's.
        got: PublicKey } = Invalid, "stake_key", "the stake serves by key {expected:?}, not {got:?}; a new key needs a new account";
    /// A key serves one stake, for ever.
    KeyUsed { /// Whose.
        staker: AccountId } = Invalid, "key_used", "the key serves, or served, the stake of {staker}";
    /// Whoever bonds does not hold the key.
    KeyProof = Invalid, "key_proof", "the proof is not the key's over this chain and account";
    /// More than is bonded.
    Unbond { /// What is bonded.
        bonded: Amount, /// What is asked back.
        got: Amount } = Invalid, "unbond", "unbonds {got} of {bonded}";
    /// Too few could be chosen for the next set.
    WitnessesTooFew { /// Least members.
        min: u32, /// Who would be left.
        left: u32 } = Early, "witnesses_too_few", "leaves {left} witnesses, least {min}";
    /// The validator may serve.
    NotJailed { /// Whose.
        staker: AccountId } = Invalid, "not_jailed", "the validator of {staker} has not been away";
    /// The statements are from another chain.
    OtherChain { /// Hash of this one's first genesis.
        expected: Hash, /// The statement's.
        got: Hash } = Invalid, "other_chain", "a vote on chain {got}, this is {expected}";
    /// What was said so long ago answers no more.
    StatementOld { /// The first epoch that still answers.
        first: u64, /// The statements'.
        got: u64 } = Invalid, "statement_old", "statements of epoch {got}; the oldest that answers is {first}";
    /// What was said of a block that cannot be there yet.
    StatementEarly { /// The height now.
        height: Height, /// The statements'.
        got: Height } = Early, "statement_early", "statements about height {got}, while {height} is being made";
    /// Somebody was first.
    FaultKnown { /// The epoch of the statements.
        epoch: u64 } = Invalid, "fault_known", "what the key has signed twice in epoch {epoch} is proven already";
    /// The statements may both come from an honest key.
    NoFault = Invalid, "no_fault", "the two statements break no rule";
    /// Nobody who has signed both has a bond here.
    NoBond = Invalid, "no_bond", "nobody who signed both statements has a bond left";
    /// Not the stake of the leader's key.
    Accused { /// Whose key it is.
        expected: AccountId, /// The account accused.
        got: AccountId } = Invalid, "accused", "the key is that of {expected}, not of {got}";
    /// The key block is not yet followed by another.
    KeyBlockEarly { /// The height now.
        height: Height, /// The key block's.
        got: Height } = Early, "key_block_early", "reports key block {got} at height {height}; the next one must follow it first";
    /// The key block is not on this chain.
    NotOnChain { /// Its height.
        got: Height } = Invalid, "not_on_chain", "the key block at height {got} is not on this chain";
    /// The reward that would be lost is paid.
    Paid { /// The key block's height.
        got: Height } = Invalid, "paid", "the reward of key block {got} is paid";
    /// Somebody was first.
    Reported { /// The key block's height.
        got: Height } = Invalid, "reported", "the fork in generation {got} was reported before";
    /// One micro header twice.
    SameHeader = Invalid, "same_header", "both micro headers are the same";
    /// The micro headers do not exclude each other.
    NotSiblings = Invalid, "not_siblings", "the micro headers are of other generations, or of two places in one";
    /// A statement is not the accused key's.
    NotSigned { /// Which statement, from 0.
        statement: u8 } = Invalid, "not_signed", "the accused key did not sign statement {statement}";
}

/// Why a block is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The block belongs to another kind of ledger.
    #[error("this ledger has no blocks of that kind")]
    Kind,
    /// A header field does not follow from the chain before it.
    #[error("header field {field} does not follow from the block before it")]
    Header {
        /// Which field.
        field: &'static str,
    },
    /// The inbox entries do not continue what was credited before.
    #[error("inbox entry {n} does not continue the inbox")]
    Inbox {
        /// The number expected.
        n: u64,
    },
    /// A transaction fails a check.
    #[error("transaction {index}: {why}")]
    Transaction {
        /// Its place in the block.
        index: usize,
        /// Which check.
        why: Rejected,
    },
    /// More gas, bytes or transactions than a block may have.
    #[error("{what} {got}, limit {max}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// The limit.
        max: u64,
        /// Found.
        got: u64,
    },
    /// A root in the header differs from the block's own execution.
    #[error("{what} is {header} in the header and {executed} by execution")]
    Root {
        /// Which root.
        what: &'static str,
        /// What the header says.
        header: Hash,
        /// What execution gives.
        executed: Hash,
    },
    /// The leader has not bonded what it must, so its generation stays empty.
    #[error("the leader {leader:?} has no bond for its generation, which must stay empty")]
    Unbonded {
        /// Its key.
        leader: PublicKey,
    },
    /// The seal that a key block carries does not hold.
    #[error("seal: {0}")]
    Seal(BadSeal),
    /// The state could not answer: ours, never the block's.
    #[error(transparent)]
    Ours(#[from] Missing),
}

/// Why the seal in a key block does not hold, in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSeal {
    /// No witnesses on this ledger.
    #[error("this ledger has no witnesses")]
    Off,
    /// The state does not keep the era's set.
    #[error("the set of era {era} is not kept")]
    NoSet {
        /// The seal's era.
        era: Era,
    },
    /// The seal itself.
    #[error(transparent)]
    Certificate(BadCertificate),
    /// The key block is none of the last ones of this chain.
    #[error("{hash} at height {height} is not among the last key blocks")]
    NotAncestor {
        /// Its height.
        height: Height,
        /// Its hash.
        hash: Hash,
    },
    /// An earlier seal covers it.
    #[error("seals height {got}, sealed up to {sealed}")]
    NotAbove {
        /// Height that seals cover.
        sealed: Height,
        /// The seal's.
        got: Height,
    },
    /// The set of one era sealed a key block of another.
    #[error("era {got} seals a key block of era {expected}")]
    Era {
        /// Of the key block.
        expected: Era,
        /// Of the set.
        got: Era,
    },
}

impl Invalid {
    /// Whose fault.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Ours(_) | Self::Transaction { why: Rejected::Ours(_), .. } => Fault::Ours,
            _ => Fault::Invalid,
        }
    }
}
