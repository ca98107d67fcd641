//! The table of all kinds: number, fields in order, signer and base gas. A kind joins it together with its rules.

use alloc::{string::String, vec::Vec};

use super::Wrapped;
use crate::{
    AccountId, Amount, Asset, AssociateId, Bytes, ContractBytes, ContractId, CtVersion, Decimals, EntryId, Gas,
    GasPrice, Hash, Height, Lifetime, Nonce, Payee, PublicKey, Signature, Symbol, Target, TokenAmount, TokenId,
    associate::{Access, Change, ChildParams, Hop, OutboxEntry, ProofStep, Regime, Summary},
    engine::EngineAction,
    rlp::{DecodeError, Items, take_tag},
    show::Fields,
};

/// A field that nearly every kind has, or what stands for it where a kind has none.
macro_rules! common {
    ($tx:ident, ttl, $none:expr, ttl $($rest:ident)*) => { $tx.ttl };
    ($tx:ident, nonce, $none:expr, nonce $($rest:ident)*) => { $tx.nonce };
    ($tx:ident, $field:ident, $none:expr, $other:ident $($rest:ident)*) => { common!($tx, $field, $none, $($rest)*) };
    ($tx:ident, $field:ident, $none:expr,) => {{ let _ = $tx; $none }};
}

/// Write a field that nearly every kind has, where there is one.
macro_rules! write_common {
    ($tx:ident, nonce, $value:expr, nonce $($rest:ident)*) => { $tx.nonce = $value };
    ($tx:ident, $field:ident, $value:expr, $other:ident $($rest:ident)*) => {
        write_common!($tx, $field, $value, $($rest)*)
    };
    ($tx:ident, $field:ident, $value:expr,) => {{ let _ = $tx; }};
}

macro_rules! transactions {
    ($($(#[$doc:meta])+ $tag:literal v $version:literal $name:ident $public:literal by $signer:ident gas $gas:literal {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)+
    })+) => {
        $(crate::object! { $(#[$doc])+ $tag v $version $name { $($(#[$field_doc])* $field: $type,)+ } })+

        /// One transaction of any kind, unsigned.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Transaction { $($(#[$doc])+ $name($name),)+ }

        impl Transaction {
            /// Read exactly these bytes.
            /// # Errors
            /// `Malformed`, `NotCanonical` or `UnknownTag`.
            pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
                Self::decode_within(bytes, 0)
            }

            /// Read what stands inside `wraps` other transactions.
            pub(super) fn decode_within(bytes: &[u8], wraps: u8) -> Result<Self, DecodeError> {
                let mut items = Items::within(bytes, wraps)?;
                match take_tag(&mut items)? {
                    $(($name::TAG, $name::VERSION) => $name::take_fields(&mut items).map(Self::$name),)+
                    (tag, version) => Err(DecodeError::UnknownTag { tag, version }),
                }
            }

            /// The unsigned bytes.
            pub fn encode(&self) -> Vec<u8> {
                match self { $(Self::$name(tx) => tx.encode(),)+ }
            }

            /// The number of the kind.
            pub const fn tag(&self) -> u64 {
                match self { $(Self::$name(_) => $name::TAG,)+ }
            }

            /// The version of the kind's layout.
            pub const fn version(&self) -> u64 {
                match self { $(Self::$name(_) => $name::VERSION,)+ }
            }

            /// The kind's name in the public schema.
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$name(_) => $public,)+ }
            }

            /// The account whose will it is, and that pays: its key signs, or, of a generalized account, its contract agrees.
            pub const fn signer(&self) -> AccountId {
                match self { $(Self::$name(tx) => tx.$signer,)+ }
            }

            /// What it pays to be included.
            pub const fn fee(&self) -> Amount {
                match self { $(Self::$name(tx) => tx.fee,)+ }
            }

            /// The last height at which it may be included. `None` for ever; on the wire that is 0.
            pub const fn ttl(&self) -> Option<Height> {
                match self { $(Self::$name(tx) => last_height(common!(tx, ttl, Height(0), $($field)*)),)+ }
            }

            /// Its number in the signer's account; 0 where the authentication's data stands in its place.
            pub const fn nonce(&self) -> Nonce {
                match self { $(Self::$name(tx) => common!(tx, nonce, Nonce(0), $($field)*),)+ }
            }

            /// The same transaction with another fee.
            #[must_use]
            pub const fn with_fee(mut self, fee: Amount) -> Self {
                match &mut self { $(Self::$name(tx) => tx.fee = fee,)+ }
                self
            }

            /// The same transaction with another number, where its kind has one.
            #[must_use]
            pub const fn with_nonce(mut self, nonce: Nonce) -> Self {
                match &mut self { $(Self::$name(tx) => write_common!(tx, nonce, nonce, $($field)*),)+ }
                self
            }

            /// Gas of the kind itself, before size, lines and storage.
            pub const fn base_gas(&self) -> Gas {
                match self { $(Self::$name(_) => Gas($gas),)+ }
            }

            /// The fields by name, decoded for people.
            pub fn fields(&self) -> Fields {
                match self { $(Self::$name(tx) => tx.fields(),)+ }
            }
        }

        $(impl From<$name> for Transaction {
            fn from(tx: $name) -> Self {
                Self::$name(tx)
            }
        })+
    };
}

transactions! {
    /// Move coins to an account, which is made if absent, or to a contract that takes them.
    12 v 1 Spend "SpendTx" by sender_id gas 15_000 {
        /// Who pays.
        sender_id: AccountId,
        /// Who is paid.
        recipient_id: Payee,
        /// How much.
        amount: Amount,
        /// What inclusion costs.
        fee: Amount,
        /// Last height, 0 for none.
        ttl: Height,
        /// Number in the sender's account.
        nonce: Nonce,
        /// Free bytes.
        payload: Bytes,
    }

    /// Change a connection point: at once what makes it stricter, after an announcement what makes it weaker.
    /// Rules: associates 3.
    92 v 1 AssociateUpdate "AssociateUpdateTx" by from_id gas 30_000 {
        /// Which child.
        associate_id: AssociateId,
        /// Who pays the fee.
        from_id: AccountId,
        /// What is changed.
        change: Change,
        /// What allows it: as a rule the operators' signatures.
        authorization: Bytes,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Register a child ledger: make its connection point on this one. Rules: associates 3.
    93 v 1 AssociateCreate "AssociateCreateTx" by creator_id gas 75_000 {
        /// Who registers.
        creator_id: AccountId,
        /// The child's network id, which its transactions are signed for.
        network_id: String,
        /// Hash of the child's genesis file.
        genesis_hash: Hash,
        /// The child's state root at its genesis; zero commits to no state.
        genesis_root: Hash,
        /// What this ledger demands before money leaves the escrow.
        regime: Regime,
        /// Accounts that answer for the child.
        operators: Vec<AccountId>,
        /// How many of them must sign.
        threshold: u8,
        /// Accounts that may remit when the child is dead and its root is zero.
        recovery: Vec<AccountId>,
        /// How many of those.
        recovery_threshold: u8,
        /// Who may commit and transact.
        access: Access,
        /// Times and limits.
        params: ChildParams,
        /// Who is paid if this ledger is evacuated.
        heir: Option<AccountId>,
        /// Last height of the connection point.
        expiry: Height,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the creator's account.
        nonce: Nonce,
    }

    /// Move money down into a child. Rules: associates 3.
    94 v 1 AssociateCommit "AssociateCommitTx" by from_id gas 30_000 {
        /// Who pays.
        from_id: AccountId,
        /// Into which child.
        associate_id: AssociateId,
        /// Who is credited there.
        to_id: AccountId,
        /// What.
        asset: Asset,
        /// How much.
        amount: Amount,
        /// Where it goes on from there.
        route: Vec<Hop>,
        /// Names this leg of a journey.
        leg: Hash,
        /// Last parent height at which the child may credit it; 0 for the default.
        deadline: Height,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Pay a commit back that a dead child has not settled. Rules: associates 3.
    95 v 1 AssociateRefund "AssociateRefundTx" by from_id gas 30_000 {
        /// Which child.
        associate_id: AssociateId,
        /// Who pays the fee.
        from_id: AccountId,
        /// The commit's inbox number.
        n: u64,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Accept a child's summary and pay out its withdrawals. Rules: associates 3.
    96 v 1 AssociateRemit "AssociateRemitTx" by from_id gas 30_000 {
        /// Which child.
        associate_id: AssociateId,
        /// Who pays the fee.
        from_id: AccountId,
        /// What the child says of itself.
        summary: Summary,
        /// The withdrawals to pay.
        lines: Vec<OutboxEntry>,
        /// What the regime asks for.
        authorization: Bytes,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Report two statements of a child's authority that no honest one signs. Rules: associates 3.
    98 v 1 AssociateEvidence "AssociateEvidenceTx" by from_id gas 30_000 {
        /// Which child.
        associate_id: AssociateId,
        /// Who reports, and is paid for it.
        from_id: AccountId,
        /// What the statements are: 0 two words of one key, 1 two certificates.
        kind: u64,
        /// A statement.
        a: Bytes,
        /// Another one.
        b: Bytes,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Close a child: it takes no more commits, and is removed when its escrow is empty. Rules: associates 3.
    99 v 1 AssociateClose "AssociateCloseTx" by from_id gas 30_000 {
        /// Which child.
        associate_id: AssociateId,
        /// Who pays the fee.
        from_id: AccountId,
        /// The operators' signatures.
        authorization: Bytes,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Claim what an account had on a dead child. Rules: associates 7.
    901 v 1 AssociateEscape "AssociateEscapeTx" by from_id gas 30_000 {
        /// Which child.
        associate_id: AssociateId,
        /// Who pays the fee.
        from_id: AccountId,
        /// Whose money: an account, or a contract, whose owner is paid.
        account_id: Payee,
        /// What money.
        asset: Asset,
        /// From the child down to the ledger of that account.
        path: Vec<AssociateId>,
        /// For each ledger of the way one step.
        proofs: Vec<ProofStep>,
        /// The owner's signature over [`crate::associate::escape_message`]; empty where the owner sends this.
        authorization: Bytes,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// On a child whose validators change: tell its engine something. Rules: associates 1, 9.
    930 v 1 EngineAct "EngineTx" by from_id gas 30_000 {
        /// Who pays.
        from_id: AccountId,
        /// What.
        action: EngineAction,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// On a child: move money up to the parent. Rules: associates 5.
    961 v 1 AssociateWithdraw "AssociateWithdrawTx" by from_id gas 30_000 {
        /// Who pays.
        from_id: AccountId,
        /// Who is paid on the parent.
        to_id: Payee,
        /// What.
        asset: Asset,
        /// How much.
        amount: Amount,
        /// Where it goes on from there.
        route: Vec<Hop>,
        /// Names this leg of a journey.
        leg: Hash,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Open or raise the stake of an account: it may then witness and lead under `key`. Rules: root 8.
    1110 v 1 Bond "BondTx" by from_id gas 30_000 {
        /// Whose stake, and who pays.
        from_id: AccountId,
        /// How much is added.
        amount: Amount,
        /// Key that signs votes and micro blocks; it serves this stake alone, once in the chain's life.
        key: PublicKey,
        /// By `key`, over [`crate::witness::bond_message`].
        proof: Signature,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Take stake out of the sets that are not yet written; it is paid back when it has answered long enough.
    /// Rules: root 8.
    1111 v 1 Unbond "UnbondTx" by from_id gas 30_000 {
        /// Whose stake.
        from_id: AccountId,
        /// How much.
        amount: Amount,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Report two statements of one key that no honest key signs. Rules: root 6, 9.
    1112 v 1 Evidence "EvidenceTx" by from_id gas 30_000 {
        /// Who reports, and is paid for it.
        from_id: AccountId,
        /// Whose stake answers; the account of zeros for a leader without one.
        staker_id: AccountId,
        /// A vote; of a fork, the key header and a micro header.
        statement_a: Bytes,
        /// Another vote; of a fork, another micro header.
        statement_b: Bytes,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Keep a stake in the sets of further eras. Rules: root 8.
    1113 v 1 Renew "RenewTx" by from_id gas 30_000 {
        /// Whose stake.
        from_id: AccountId,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Make a contract. Rules: ledger 3.2.
    42 v 1 ContractCreate "ContractCreateTx" by owner_id gas 75_000 {
        /// Who makes and pays it.
        owner_id: AccountId,
        /// Number in the sender's account.
        nonce: Nonce,
        /// The code object.
        code: ContractBytes,
        /// Machine and calling convention.
        ct_version: CtVersion,
        /// What inclusion costs.
        fee: Amount,
        /// Last height, 0 for none.
        ttl: Height,
        /// Held until the contract is gone.
        deposit: Amount,
        /// What the contract begins with.
        amount: Amount,
        /// Gas that the run may use.
        gas: Gas,
        /// Units for one gas of the run.
        gas_price: GasPrice,
        /// Function and arguments.
        call_data: ContractBytes,
    }

    /// Make a contract whose source is kept beside it, or that lives for another time than the default. Rules: ledger 3.2.
    42 v 2 ContractCreateV2 "ContractCreateTx" by owner_id gas 75_000 {
        /// Who makes and pays it.
        owner_id: AccountId,
        /// Number in the sender's account.
        nonce: Nonce,
        /// The code object.
        code: ContractBytes,
        /// Machine and calling convention.
        ct_version: CtVersion,
        /// What inclusion costs.
        fee: Amount,
        /// Last height, 0 for none.
        ttl: Height,
        /// Held until the contract is gone.
        deposit: Amount,
        /// What the contract begins with.
        amount: Amount,
        /// Gas that the run may use.
        gas: Gas,
        /// Units for one gas of the run.
        gas_price: GasPrice,
        /// Function and arguments.
        call_data: ContractBytes,
        /// How long it lives.
        lifetime: Lifetime,
        /// Its source, which must hash to what the code says; empty to keep none.
        source: Bytes,
    }

    /// Call a contract. Rules: ledger 3.2.
    43 v 1 ContractCall "ContractCallTx" by caller_id gas 180_000 {
        /// Who calls.
        caller_id: AccountId,
        /// Number in the sender's account.
        nonce: Nonce,
        /// Which contract.
        contract_id: ContractId,
        /// Calling convention.
        abi_version: u32,
        /// What inclusion costs.
        fee: Amount,
        /// Last height, 0 for none.
        ttl: Height,
        /// What goes with the call.
        amount: Amount,
        /// Gas that the run may use.
        gas: Gas,
        /// Units for one gas of the run.
        gas_price: GasPrice,
        /// Function and arguments.
        call_data: ContractBytes,
    }

    /// Put an account under a contract, for ever. Rules: ledger 3.3.
    80 v 1 GaAttach "GAAttachTx" by owner_id gas 75_000 {
        /// Which account.
        owner_id: AccountId,
        /// Number in the sender's account.
        nonce: Nonce,
        /// The code object.
        code: ContractBytes,
        /// Hash of the name of the function that says yes or no.
        auth_fun: Hash,
        /// Machine and calling convention.
        ct_version: CtVersion,
        /// What inclusion costs.
        fee: Amount,
        /// Last height, 0 for none.
        ttl: Height,
        /// Gas that the run may use.
        gas: Gas,
        /// Units for one gas of the run.
        gas_price: GasPrice,
        /// Function and arguments.
        call_data: ContractBytes,
    }

    /// Do what stands inside in the name of an account whose contract agrees. Rules: ledger 3.3.
    81 v 2 GaMeta "GAMetaTx" by ga_id gas 75_000 {
        /// Which account.
        ga_id: AccountId,
        /// What its contract is asked.
        auth_data: ContractBytes,
        /// Calling convention.
        abi_version: u32,
        /// What inclusion costs.
        fee: Amount,
        /// Gas that the run may use.
        gas: Gas,
        /// Units for one gas of the run.
        gas_price: GasPrice,
        /// What is done.
        tx: Wrapped,
    }

    /// Pay the fees of what stands inside. Rules: ledger 3.4.
    82 v 1 PayingFor "PayingForTx" by payer_id gas 3_000 {
        /// Who pays.
        payer_id: AccountId,
        /// Number in the sender's account.
        nonce: Nonce,
        /// What inclusion costs.
        fee: Amount,
        /// What is paid for.
        tx: Wrapped,
    }

    /// Pay for an object to live longer. Rules: ledger 3.5, 5.
    13 v 1 Extend "ExtendTx" by sender_id gas 15_000 {
        /// Who pays.
        sender_id: AccountId,
        /// What lives longer.
        target_id: Target,
        /// How much longer, in heights.
        heights: u64,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Define a token. Rules: ledger 3.1.
    121 v 1 TokenCreate "TokenCreateTx" by owner_id gas 75_000 {
        /// Who owns it and holds it all at first.
        owner_id: AccountId,
        /// What it is called.
        symbol: Symbol,
        /// How many of its digits are behind the point.
        decimals: Decimals,
        /// How much there is at first.
        amount: TokenAmount,
        /// Whether there may be more.
        mintable: bool,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Make more of a token. Rules: ledger 3.1.
    122 v 1 TokenMint "TokenMintTx" by owner_id gas 15_000 {
        /// Who owns it.
        owner_id: AccountId,
        /// Which token.
        token_id: TokenId,
        /// How much, in its smallest parts.
        amount: TokenAmount,
        /// Who gets it.
        to_id: Payee,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Make no more of a token, ever. Rules: ledger 3.1.
    123 v 1 TokenFinalize "TokenFinalizeTx" by owner_id gas 15_000 {
        /// Who owns it.
        owner_id: AccountId,
        /// Which token.
        token_id: TokenId,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Destroy some of a token. Rules: ledger 3.1.
    125 v 1 TokenBurn "TokenBurnTx" by sender_id gas 15_000 {
        /// Whose part.
        sender_id: AccountId,
        /// Which token.
        token_id: TokenId,
        /// How much, in its smallest parts.
        amount: TokenAmount,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Move some of a token. Rules: ledger 3.1.
    1124 v 1 TokenTransfer "TokenTransferTx" by sender_id gas 15_000 {
        /// Who sends.
        sender_id: AccountId,
        /// Which token.
        token_id: TokenId,
        /// How much, in its smallest parts.
        amount: TokenAmount,
        /// Who gets it.
        to_id: Payee,
        /// Free bytes.
        payload: Bytes,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Keep data on the ledger. Rules: ledger 3.5.
    141 v 1 EntryCreate "EntryCreateTx" by owner_id gas 15_000 {
        /// Who owns it.
        owner_id: AccountId,
        /// What is kept.
        data: Bytes,
        /// How long.
        lifetime: Lifetime,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Give a data entry to another account. Rules: ledger 3.5.
    142 v 1 EntryTransfer "EntryTransferTx" by owner_id gas 15_000 {
        /// Who owns it.
        owner_id: AccountId,
        /// Which entry.
        entry_id: EntryId,
        /// Who owns it from now on.
        to_id: AccountId,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Delete a data entry. Rules: ledger 3.5.
    143 v 1 EntryDestroy "EntryDestroyTx" by owner_id gas 15_000 {
        /// Who owns it.
        owner_id: AccountId,
        /// Which entry.
        entry_id: EntryId,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Post data into a block of a child ledger: its state keeps where, not what. Rules: associates 10.
    144 v 1 BlobPost "BlobPostTx" by sender_id gas 15_000 {
        /// Who posts and pays.
        sender_id: AccountId,
        /// What.
        data: Bytes,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }
}

/// On the wire no last height is 0.
const fn last_height(ttl: Height) -> Option<Height> {
    if ttl.0 == 0 { None } else { Some(ttl) }
}
