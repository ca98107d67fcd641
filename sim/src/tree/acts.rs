//! Transactions of a tree's people, as a ledger takes them.

use banyan_fate::{
    Value,
    abi::{encode_call, function_id},
};
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Bytes, ContractBytes, ContractId, FATE, Gas, GasPrice, Hash, Height,
    Lifetime, Nonce, Payee, Signature,
    associate::{
        Access, Change, ChildParams, Hop, OperatorSignature, OutboxEntry, ProofStep, Regime, Summary,
        operators_authorization, update_message,
    },
    engine::EngineAction,
    text,
    tx::{
        AssociateCommit, AssociateCreate, AssociateEscape, AssociateEvidence, AssociateRefund, AssociateRemit,
        AssociateUpdate, AssociateWithdraw, ContractCall, ContractCreateV2, EngineAct, SignedTx, Spend, Transaction,
    },
};

use super::{chain::Ledger, people::Person};

/// A fee that covers every transaction here.
pub const FEE: Amount = Amount::new(50_000_000_000_000_000).expect("below the cap");
/// Least price of a unit of gas.
pub const GAS_PRICE: GasPrice = GasPrice(1_000_000_000);
/// Heights that a child has to credit a commit.
pub const COMMIT_TIMEOUT: u64 = 10;
/// Heights after which a silent child is dead.
pub const SILENCE: u64 = 100;
/// Gas that a judging contract is given.
pub const JUDGES_GAS: Gas = Gas(100_000);

/// What a child is registered with.
pub struct Registration {
    /// Its name.
    pub name: String,
    /// What is demanded of it.
    pub regime: Regime,
    /// Who answers for it: two of these.
    pub operators: Vec<AccountId>,
}

/// A sum on its way.
pub struct Move {
    /// How much.
    pub amount: Amount,
    /// Where it goes on.
    pub route: Vec<Hop>,
    /// Under which name.
    pub leg: Hash,
}

/// Times and limits of the children here.
pub fn child_params() -> ChildParams {
    ChildParams {
        commit_timeout: COMMIT_TIMEOUT,
        silence: SILENCE,
        claim_window: SILENCE,
        change_delay: COMMIT_TIMEOUT,
        commit_min: Amount::new(10).expect("below the cap"),
        commit_gas: Gas(0),
        remit_lines_max: 1_000,
        inbox_open_max: 1_000,
        remit_limit: Amount::ZERO,
        remit_limit_heights: 0,
        operator_bond: Amount::ZERO,
    }
}

/// Signatures of operators by their places.
pub fn signed_by<'a>(message: &[u8], signers: impl IntoIterator<Item = (usize, &'a Person)>) -> Bytes {
    let sign = |(index, person): (usize, &Person)| OperatorSignature {
        index: index as u64,
        signature: Signature(person.secret.sign(message)),
    };
    operators_authorization(&signers.into_iter().map(sign).collect::<Vec<_>>())
}

impl Ledger {
    /// A signed transaction of this ledger.
    pub fn sign(&self, signer: &Person, tx: impl Into<Transaction>) -> SignedTx {
        tx.into().sign(&self.params.network_id, &signer.secret)
    }

    /// Register a child.
    pub fn create(&self, creator: &Person, nonce: Nonce, child: Registration) -> AssociateCreate {
        let id = AssociateId::derive(&self.params.network_id, creator.id, nonce);
        AssociateCreate {
            creator_id: creator.id,
            network_id: format!("{}.{}", child.name, id.short()),
            genesis_hash: Hash([7; 32]),
            genesis_root: Hash::ZERO,
            regime: child.regime,
            operators: child.operators,
            threshold: 2,
            recovery: vec![],
            recovery_threshold: 0,
            access: Access::Open,
            params: child_params(),
            heir: None,
            expiry: Height(self.height().0 + 50_000),
            ttl: Height(0),
            fee: FEE,
            nonce,
        }
    }

    /// A change of a child's connection point, signed by its first two operators.
    pub fn update(
        &self,
        payer: &Person,
        nonce: Nonce,
        child: AssociateId,
        change: Change,
        operators: &[Person],
    ) -> AssociateUpdate {
        let acts = self.point(child).map_or(0, |point| point.acts);
        let message = update_message(&self.params.network_id, child, acts, &change);
        AssociateUpdate {
            associate_id: child,
            from_id: payer.id,
            change,
            authorization: signed_by(&message, operators.iter().enumerate().take(2)),
            ttl: Height(0),
            fee: FEE,
            nonce,
        }
    }
}

impl Person {
    /// Put a contract here whose `init` takes nothing.
    pub fn contract(&self, nonce: Nonce, code: &str) -> ContractCreateV2 {
        let (_, code) = text::decode(code.trim()).expect("the committed file is code as text");
        ContractCreateV2 {
            owner_id: self.id,
            nonce,
            code: ContractBytes(code),
            ct_version: FATE,
            fee: FEE,
            ttl: Height(0),
            deposit: Amount::ZERO,
            amount: Amount::ZERO,
            gas: JUDGES_GAS,
            gas_price: GAS_PRICE,
            call_data: ContractBytes(encode_call(function_id("init"), vec![])),
            lifetime: Lifetime::Default,
            source: Bytes::default(),
        }
    }

    /// Put a contract here whose source everybody can read.
    pub fn open_contract(&self, nonce: Nonce, (code, source): (&str, &str), arguments: Vec<Value>) -> ContractCreateV2 {
        let call_data = ContractBytes(encode_call(function_id("init"), arguments));
        ContractCreateV2 { call_data, source: Bytes(source.as_bytes().to_vec()), ..self.contract(nonce, code) }
    }

    /// Call a contract.
    pub fn call(&self, nonce: Nonce, contract: ContractId, function: &str, arguments: Vec<Value>) -> ContractCall {
        ContractCall {
            caller_id: self.id,
            nonce,
            contract_id: contract,
            abi_version: FATE.abi(),
            fee: FEE,
            ttl: Height(0),
            amount: Amount::ZERO,
            gas: JUDGES_GAS,
            gas_price: GAS_PRICE,
            call_data: ContractBytes(encode_call(function_id(function), arguments)),
        }
    }

    /// Tell a committee's engine something.
    pub fn tell(&self, nonce: Nonce, action: EngineAction) -> EngineAct {
        EngineAct { from_id: self.id, action, ttl: Height(0), fee: FEE, nonce }
    }

    /// Money down into a child.
    pub fn commit(&self, to: AccountId, child: AssociateId, nonce: Nonce, what: Move) -> AssociateCommit {
        AssociateCommit {
            from_id: self.id,
            associate_id: child,
            to_id: to,
            asset: Asset::Coin,
            amount: what.amount,
            route: what.route,
            leg: what.leg,
            deadline: Height(0),
            ttl: Height(0),
            fee: FEE,
            nonce,
        }
    }

    /// Money up out of this ledger.
    pub fn withdraw(&self, to: Payee, nonce: Nonce, what: Move) -> AssociateWithdraw {
        AssociateWithdraw {
            from_id: self.id,
            to_id: to,
            asset: Asset::Coin,
            amount: what.amount,
            route: what.route,
            leg: what.leg,
            ttl: Height(0),
            fee: FEE,
            nonce,
        }
    }

    /// A payment on this ledger.
    pub fn spend(&self, to: AccountId, amount: Amount, nonce: Nonce) -> Spend {
        Spend {
            sender_id: self.id,
            recipient_id: Payee::Account(to),
            amount,
            fee: FEE,
            ttl: Height(0),
            nonce,
            payload: Bytes::default(),
        }
    }

    /// A child's summary with its lines.
    pub fn remit(
        &self,
        nonce: Nonce,
        (summary, lines): (Summary, Vec<OutboxEntry>),
        authorization: Bytes,
    ) -> AssociateRemit {
        AssociateRemit {
            associate_id: summary.associate,
            from_id: self.id,
            summary,
            lines,
            authorization,
            ttl: Height(0),
            fee: FEE,
            nonce,
        }
    }

    /// Pay back what a dead child has not settled.
    pub fn refund(&self, nonce: Nonce, child: AssociateId, n: u64) -> AssociateRefund {
        AssociateRefund { associate_id: child, from_id: self.id, n, ttl: Height(0), fee: FEE, nonce }
    }

    /// A claim of the payer's own money on a dead child.
    pub fn escape(
        &self,
        nonce: Nonce,
        child: AssociateId,
        (path, proofs): (Vec<AssociateId>, Vec<ProofStep>),
    ) -> AssociateEscape {
        AssociateEscape {
            associate_id: child,
            from_id: self.id,
            account_id: Payee::Account(self.id),
            asset: Asset::Coin,
            path,
            proofs,
            authorization: Bytes::default(),
            ttl: Height(0),
            fee: FEE,
            nonce,
        }
    }

    /// Two statements that contradict each other.
    pub fn evidence(
        &self,
        nonce: Nonce,
        child: AssociateId,
        (kind, a, b): (u64, Vec<u8>, Vec<u8>),
    ) -> AssociateEvidence {
        AssociateEvidence {
            associate_id: child,
            from_id: self.id,
            kind,
            a: Bytes(a),
            b: Bytes(b),
            ttl: Height(0),
            fee: FEE,
            nonce,
        }
    }
}
