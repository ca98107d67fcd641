//! Make a contract. Rules: ledger 3.2.

use banyan_fate::{BadCode, Engine, Loaded, Message, abi::decode_call, code::INIT, engine::Entry};
use banyan_types::{
    AccountId, Amount, Bytes, CodeObject, ContractBytes, ContractId, CtVersion, FATE, Gas, GasPrice, Hash, Height,
    Lifetime, Payee, Status, TxHash,
    limits::SOURCE_BYTES_MAX,
    source_hash,
    tx::{ContractCreate, ContractCreateV2, SignedTx},
};

use super::run::{Ran, Terms};
use crate::{
    Rejected, State,
    leaf::Contract,
    rules::{Done, Under},
    scene::Scene,
};

/// A contract that is to be.
pub struct Plan {
    pub owner: Payee,
    pub code: ContractBytes,
    /// Kept where it is visible.
    pub source: Option<Bytes>,
    pub source_hash: Hash,
    pub template: Option<ContractId>,
    pub deposit: Amount,
}

/// The run that makes it.
pub struct Birth<'a> {
    pub id: ContractId,
    pub owner: AccountId,
    pub payer: AccountId,
    pub expiry: Height,
    pub amount: Amount,
    pub fee: Amount,
    pub gas: Gas,
    pub gas_price: GasPrice,
    pub call_data: &'a ContractBytes,
    pub tx: TxHash,
}

impl<S: State> Scene<'_, S> {
    pub(crate) fn create_contract(
        &mut self,
        signed: &SignedTx,
        tx: &ContractCreate,
        under: &Under,
    ) -> Result<Done, Rejected> {
        let full = ContractCreateV2 {
            owner_id: tx.owner_id,
            nonce: tx.nonce,
            code: tx.code.clone(),
            ct_version: tx.ct_version,
            fee: tx.fee,
            ttl: tx.ttl,
            deposit: tx.deposit,
            amount: tx.amount,
            gas: tx.gas,
            gas_price: tx.gas_price,
            call_data: tx.call_data.clone(),
            lifetime: Lifetime::Default,
            source: Bytes::default(),
        };
        self.create_contract_v2(signed, &full, under)
    }

    pub(crate) fn create_contract_v2(
        &mut self,
        signed: &SignedTx,
        tx: &ContractCreateV2,
        under: &Under,
    ) -> Result<Done, Rejected> {
        let (loaded, object) = check_code(tx.ct_version, &tx.code)?;
        check_init(&tx.call_data)?;
        let source = (!tx.source.0.is_empty()).then(|| tx.source.clone());
        check_source(source.as_ref(), object.source_hash)?;
        let owner = tx.owner_id;
        let id = ContractId::derive(owner, under.serial(owner, tx.nonce));
        if self.is_taken(id)? {
            return Err(Rejected::ContractExists { contract: id });
        }
        let expiry = self.expiry_of(tx.lifetime)?;
        let plan = Plan {
            owner: Payee::Account(owner),
            code: tx.code.clone(),
            source,
            source_hash: object.source_hash,
            template: None,
            deposit: tx.deposit,
        };
        let birth = Birth {
            id,
            owner,
            payer: under.payer_of(owner),
            expiry,
            amount: tx.amount,
            fee: tx.fee,
            gas: tx.gas,
            gas_price: tx.gas_price,
            call_data: &tx.call_data,
            tx: signed.hash(),
        };
        self.bear(&plan, loaded.payable, &birth).map(|ran| ran.done(tx.gas_price))
    }

    /// Put a contract in its place and run its `init`; if that fails, amount and deposit are back and there is no contract.
    pub(super) fn bear(&mut self, plan: &Plan, payable: bool, birth: &Birth<'_>) -> Result<Ran, Rejected> {
        let held = self.hold_gas(birth.payer, birth.gas, birth.gas_price)?;
        let moment = self.remember();
        self.place_contract(birth.id, plan, payable, birth.expiry)?;
        let deposit = self.take(birth.owner, plan.deposit)?;
        self.pay_deposits(deposit)?;
        let coins = self.take(birth.owner, birth.amount)?;
        self.pay(Contract::account(birth.id), coins)?;
        let message = Message {
            contract: birth.id.0,
            caller: birth.owner.0,
            origin: birth.owner.0,
            amount: 0,
            gas: birth.gas.0,
            call_data: birth.call_data.0.clone(),
            entry: Entry::Init,
            view: false,
        };
        let terms = Terms { fee: birth.fee, gas_price: birth.gas_price, auth: None };
        let mut ran = self.execute(&message, terms)?;
        if ran.status == Status::Ok {
            ran.returned = Bytes::default();
            ran.created.insert(0, birth.id);
        } else {
            self.forget_since(moment);
        }
        self.settle_gas(birth.payer, held, ran.gas_used, birth.gas_price, birth.tx)?;
        Ok(ran)
    }
}

/// The machine is ours and the code loads.
pub fn check_code(version: CtVersion, code: &ContractBytes) -> Result<(Loaded, CodeObject), Rejected> {
    if version != FATE {
        return Err(Rejected::BadVersion { got: version });
    }
    let loaded = Engine::load(&code.0).map_err(|why| Rejected::BadCode { why })?;
    let object = CodeObject::decode(&code.0).map_err(|why| Rejected::BadCode { why: BadCode::Object(why) })?;
    Ok((loaded, object))
}

/// Whether the arguments are of the right types is seen by the run.
pub fn check_init(call_data: &ContractBytes) -> Result<(), Rejected> {
    match decode_call(&call_data.0) {
        Ok((INIT, _)) => Ok(()),
        _ => Err(Rejected::BadInit),
    }
}

fn check_source(source: Option<&Bytes>, expected: Hash) -> Result<(), Rejected> {
    let Some(source) = source else { return Ok(()) };
    let size = source.0.len();
    if size > SOURCE_BYTES_MAX {
        return Err(Rejected::CodeTooLarge { max: SOURCE_BYTES_MAX, got: size });
    }
    let got = source_hash(source);
    if got == expected { Ok(()) } else { Err(Rejected::SourceMismatch { expected, got }) }
}
