//! The ledger as a running contract sees it.
//!
//! Whether an object has expired, or is gone, is said by its last height alone: a run sees the same whether it was taken
//! away yet or not.

use alloc::vec::Vec;

use banyan_fate::engine::{
    AccountKind, Address, BadStore, CodeRef, Env, Host, Log as FateLog, NewCode, Refused, Transfer,
};
use banyan_types::{AccountId, Amount, Bytes, ContractBytes, ContractId, FATE, Height, Lifetime, Log, Payee, Serial};

use super::create::Plan;
use crate::{
    BlockHash, Code, Contract, Missing, Rejected, State, Template, Tombstone,
    leaf::{Account, key},
    scene::{Moment, Scene},
};

/// One run's view of the ledger.
pub struct Chain<'s, 'a, S> {
    scene: &'s mut Scene<'a, S>,
    env: Env,
    logs: Vec<Log>,
    created: Vec<ContractId>,
    moments: Vec<(Moment, usize, usize)>,
}

impl<'s, 'a, S: State> Chain<'s, 'a, S> {
    pub const fn over(scene: &'s mut Scene<'a, S>, env: Env) -> Self {
        Self { scene, env, logs: Vec::new(), created: Vec::new(), moments: Vec::new() }
    }

    /// Events, and contracts that were made.
    pub fn into_parts(self) -> (Vec<Log>, Vec<ContractId>) {
        (self.logs, self.created)
    }

    fn account(&mut self, of: &Address) -> Result<Option<Account>, Missing> {
        self.scene.account(AccountId(*of))
    }

    /// A contract whose grace is not over.
    fn contract(&mut self, of: &Address) -> Result<Option<Contract>, Missing> {
        let held = self.scene.contract(ContractId(*of))?;
        Ok(held.filter(|held| !self.scene.is_gone(held.expiry)))
    }

    /// The last height of a contract that is or was here.
    fn last_height(&mut self, of: &Address) -> Result<Option<Height>, Missing> {
        if let Some(held) = self.scene.contract(ContractId(*of))? {
            return Ok(Some(held.expiry));
        }
        let gone: Option<Tombstone> = self.scene.get(&key::tombstone(ContractId(*of).into()))?;
        Ok(gone.map(|gone| gone.height))
    }

    fn moved(&mut self, from: &Address, to: &Address, amount: Amount) -> Result<(), Rejected> {
        let coins = self.scene.take(AccountId(*from), amount)?;
        self.scene.pay(AccountId(*to), coins)?;
        self.scene.events.push(crate::Event::Spent { from: AccountId(*from), to: AccountId(*to), amount });
        Ok(())
    }

    /// Everything about a contract that another one makes.
    fn plan(&mut self, by: &Address, code: NewCode<'_>) -> Result<(Plan, bool), Rejected> {
        let owner = Payee::Contract(ContractId(*by));
        match code {
            NewCode::Own { object, payable } => {
                let code = ContractBytes(object.to_vec());
                let source_hash = banyan_types::CodeObject::decode(object)?.source_hash;
                Ok((Plan { owner, code, source: None, source_hash, template: None, deposit: Amount::ZERO }, payable))
            }
            NewCode::CloneOf(original) => {
                let gone = Missing("the machine clones a contract that is not there");
                let held = self.scene.contract(ContractId(*original))?.ok_or(gone)?;
                let template = Some(held.template.0.unwrap_or(ContractId(*original)));
                let code = super::contract_code(self.scene.state, &held)?;
                let source = super::contract_source(self.scene.state, &held)?;
                let payable = self.account(original)?.is_none_or(|account| account.payable);
                let (source_hash, deposit) = (held.source_hash, Amount::ZERO);
                Ok((Plan { owner, code, source, source_hash, template, deposit }, payable))
            }
        }
    }

    fn make(&mut self, by: &Address, code: NewCode<'_>, amount: u128) -> Result<Address, Rejected> {
        let account = self.account(by)?.unwrap_or(Account::EMPTY);
        let nonce = account.nonce.next().ok_or(Rejected::Overflow)?;
        self.scene.set_account(AccountId(*by), &Account { nonce, ..account });
        let id = ContractId::derive(AccountId(*by), Serial::Nonce(nonce));
        let (plan, payable) = self.plan(by, code)?;
        let expiry = self.scene.expiry_of(Lifetime::Default)?;
        self.scene.place_contract(id, &plan, payable, expiry)?;
        self.moved(by, &id.0, Amount::new(amount).ok_or(Rejected::Overflow)?)?;
        self.created.push(id);
        Ok(id.0)
    }
}

/// What the machine has checked cannot be refused by anybody's fault but ours.
fn ours(why: Rejected) -> Missing {
    match why {
        Rejected::Ours(missing) => missing,
        _ => Missing("the machine asks for what it should have checked"),
    }
}

impl<S: State> Host for Chain<'_, '_, S> {
    type Fault = Missing;
    type Mark = usize;

    fn env(&self) -> &Env {
        &self.env
    }

    fn block_hash(&mut self, height: u64) -> Result<Option<[u8; 32]>, Missing> {
        let held: Option<BlockHash> = self.scene.get(&key::block_hash(Height(height)))?;
        Ok(held.filter(|held| held.height.0 == height).map(|held| held.hash.0))
    }

    fn balance(&mut self, of: &Address) -> Result<u128, Missing> {
        // What a gone contract held is its owner's, also while that was not paid out yet.
        if self.scene.contract(ContractId(*of))?.is_some() && self.contract(of)?.is_none() {
            return Ok(0);
        }
        Ok(self.account(of)?.map_or(0, |account| account.balance.base()))
    }

    fn transfer(
        &mut self,
        from: &Address,
        to: &Address,
        amount: u128,
        kind: Transfer,
    ) -> Result<Result<(), Refused>, Missing> {
        let accepts = match self.kind(to)? {
            AccountKind::Absent => true,
            AccountKind::Plain { payable } => payable,
            AccountKind::Contract { payable, expired_at } => payable && expired_at.is_none(),
        };
        if kind == Transfer::Spend && !accepts {
            return Ok(Err(Refused::NotPayable));
        }
        let Some(amount) = Amount::new(amount) else { return Ok(Err(Refused::Funds)) };
        match self.moved(from, to, amount) {
            Ok(()) => Ok(Ok(())),
            Err(Rejected::Funds { .. }) => Ok(Err(Refused::Funds)),
            Err(why) => Err(ours(why)),
        }
    }

    fn kind(&mut self, of: &Address) -> Result<AccountKind, Missing> {
        let last = self.last_height(of)?;
        let account = self.account(of)?;
        let payable = account.as_ref().is_none_or(|account| account.payable);
        Ok(match (last, account) {
            (Some(last), _) => {
                let expired = last < self.scene.height;
                AccountKind::Contract { payable: payable && !expired, expired_at: expired.then_some(last.0) }
            }
            (None, Some(_)) => AccountKind::Plain { payable },
            (None, None) => AccountKind::Absent,
        })
    }

    fn code(&mut self, of: &Address) -> Result<Option<CodeRef>, Missing> {
        let Some(contract) = self.contract(of)? else { return Ok(None) };
        let code: Code =
            self.scene.get(&key::code(contract.code_hash))?.ok_or(Missing("a contract's code is absent"))?;
        Ok(Some(CodeRef { hash: contract.code_hash.0, bytes: banyan_fate::value::Blob::new(code.code.0) }))
    }

    fn creator(&mut self, of: &Address) -> Result<Option<Address>, Missing> {
        Ok(self.contract(of)?.map(|contract| contract.owner.account().0))
    }

    fn create(&mut self, by: &Address, code: NewCode<'_>, amount: u128) -> Result<Address, Missing> {
        self.make(by, code, amount).map_err(ours)
    }

    fn get(&mut self, contract: &Address, raw: &[u8]) -> Result<Option<Vec<u8>>, Missing> {
        self.scene.state.get(&key::store(ContractId(*contract), raw))
    }

    fn put(&mut self, contract: &Address, raw: &[u8], value: Option<&[u8]>) -> Result<(), Missing> {
        let id = ContractId(*contract);
        let size = |bytes: &[u8]| u64::try_from(bytes.len().saturating_add(raw.len())).unwrap_or(u64::MAX);
        let before = self.scene.state.get(&key::store(id, raw))?.map(|before| size(&before));
        // An empty value says that there is none.
        let value = value.filter(|value| !value.is_empty());
        let after = value.map(size);
        let held = self.scene.contract(id)?.ok_or(Missing("the machine writes for a contract that is not there"))?;
        let count = |all: u64, before: Option<u64>, after: Option<u64>| {
            all.checked_sub(before.unwrap_or(0))?.checked_add(after.unwrap_or(0))
        };
        let (gone, come) = (before.map(|_| 1), after.map(|_| 1));
        let wrong = Missing("a contract's store holds more than its contract counts");
        let store_entries = count(held.store_entries, gone, come).ok_or(wrong.clone())?;
        let store_bytes = count(held.store_bytes, before, after).ok_or(wrong)?;
        if (store_entries, store_bytes) != (held.store_entries, held.store_bytes) {
            self.scene.set(key::contract(id), &Contract { store_entries, store_bytes, ..held });
        }
        self.scene.state.put_store(id, raw, value.map(<[u8]>::to_vec));
        Ok(())
    }

    fn hint_keys(&mut self, contract: &Address, prefix: &[u8]) -> Result<Vec<Vec<u8>>, Missing> {
        let mut keys = self.scene.state.hint_keys(ContractId(*contract), prefix, usize::MAX)?;
        keys.retain(|key| key != prefix);
        Ok(keys)
    }

    fn log(&mut self, log: FateLog) {
        let topics = log.topics.iter().map(|topic| Bytes(topic.to_vec())).collect();
        self.logs.push(Log { contract: ContractId(log.contract), topics, data: Bytes(log.data) });
    }

    fn mark(&mut self) -> usize {
        self.moments.push((self.scene.remember(), self.logs.len(), self.created.len()));
        self.moments.len().saturating_sub(1)
    }

    fn rewind(&mut self, to: usize) {
        self.moments.truncate(to.saturating_add(1));
        let Some((moment, logs, created)) = self.moments.pop() else { return };
        self.scene.forget_since(moment);
        self.logs.truncate(logs);
        self.created.truncate(created);
    }

    fn bad_store(&mut self, _: &Address, why: BadStore) -> Missing {
        Missing(match why {
            BadStore::Value => "an entry of a contract's store is no value",
            BadStore::Maps => "a contract's store does not describe its maps",
            BadStore::Keys { .. } => "fewer keys of a contract's store than its map has",
        })
    }
}

impl<S: State> Scene<'_, S> {
    /// Put a contract in its place: account, code, source, object, and the reminder of its end.
    pub(super) fn place_contract(
        &mut self,
        id: ContractId,
        plan: &Plan,
        payable: bool,
        expiry: Height,
    ) -> Result<(), Rejected> {
        // Somebody may have paid to the address before.
        let account = self.account(Contract::account(id))?.unwrap_or(Account::EMPTY);
        self.set_account(Contract::account(id), &Account { payable, ..account });
        let code_hash = banyan_types::CodeObject::hash_of(&plan.code.0);
        self.keep_code(code_hash, &plan.code)?;
        if let Some(source) = &plan.source {
            self.keep_source(plan.source_hash, source)?;
        }
        let contract = Contract {
            owner: plan.owner,
            ct_version: FATE,
            code_hash,
            source_hash: plan.source_hash,
            visible: plan.source.is_some(),
            template: Template(plan.template),
            deposit: plan.deposit,
            expiry,
            store_entries: 0,
            store_bytes: 0,
        };
        self.set(key::contract(id), &contract);
        self.end_at(crate::due::Ending::Contract(id), expiry)?;
        let owner = plan.owner.account();
        self.events.push(crate::Event::Created { id: id.into(), owner, expiry });
        Ok(())
    }

    /// Whether an id names or has named a contract.
    pub(super) fn is_taken(&mut self, id: ContractId) -> Result<bool, Missing> {
        let gone: Option<Tombstone> = self.get(&key::tombstone(id.into()))?;
        Ok(gone.is_some() || self.contract(id)?.is_some())
    }
}
