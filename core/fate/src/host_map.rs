//! A chain in maps: the whole world of a contract, for tests, tools and dry runs.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    engine::{AccountKind, Address, BadStore, CodeRef, Env, Host, Log, NewCode, Refused, Transfer},
    value::Blob,
};

/// A contract of a [`MapHost`].
#[derive(Debug, Clone)]
pub struct MapContract {
    /// Its code.
    pub code: CodeRef,
    /// Whether it may be paid.
    pub payable: bool,
    /// Who created it.
    pub creator: Address,
    /// Since when its code is gone.
    pub expired_at: Option<u64>,
}

/// What the maps cannot answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapFault(pub BadStore);

#[derive(Debug, Clone)]
enum Undo {
    Balance(Address, Option<u128>),
    Nonce(Address, Option<u64>),
    Entry(Address, Vec<u8>, Option<Vec<u8>>),
    Contract(Address),
    Log,
}

/// A chain in maps.
#[derive(Debug, Clone, Default)]
pub struct MapHost {
    /// Block and transaction.
    pub env: Env,
    /// Coins by account; who is not in here is absent.
    pub balances: BTreeMap<Address, u128>,
    /// Accounts that refuse payments.
    pub refusing: Vec<Address>,
    /// Nonces that creations have used.
    pub nonces: BTreeMap<Address, u64>,
    /// Contracts.
    pub contracts: BTreeMap<Address, MapContract>,
    /// Their stores.
    pub stores: BTreeMap<Address, BTreeMap<Vec<u8>, Vec<u8>>>,
    /// Events, oldest first.
    pub logs: Vec<Log>,
    /// Hides the last key of every hint: what a host must never do.
    pub short_hints: bool,
    undo: Vec<Undo>,
}

impl MapHost {
    /// The id of what an account creates with a nonce.
    pub fn contract_id(creator: &Address, nonce: u64) -> Address {
        let bytes = nonce.to_be_bytes();
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count().min(7);
        banyan_crypto::blake2b(&[creator, bytes.get(zeros..).unwrap_or_default()])
    }

    /// Put a contract in its place, with an account and an empty store.
    pub fn put_contract(&mut self, id: Address, creator: Address, object: &[u8], payable: bool) {
        let code = CodeRef { hash: banyan_crypto::blake2b(&[object]), bytes: Blob::new(object.to_vec()) };
        self.undo.push(Undo::Contract(id));
        self.contracts.insert(id, MapContract { code, payable, creator, expired_at: None });
        self.add(id, 0);
    }

    /// Add coins.
    pub fn add(&mut self, to: Address, amount: u128) {
        let before = self.balances.get(&to).copied();
        self.set_balance(to, before.unwrap_or(0).saturating_add(amount));
    }

    fn set_balance(&mut self, of: Address, to: u128) {
        let before = self.balances.insert(of, to);
        self.undo.push(Undo::Balance(of, before));
    }

    /// Forget how to go back.
    pub fn commit(&mut self) {
        self.undo.clear();
    }

    fn undo_one(&mut self, undo: Undo) {
        match undo {
            Undo::Balance(of, Some(before)) => drop(self.balances.insert(of, before)),
            Undo::Balance(of, None) => drop(self.balances.remove(&of)),
            Undo::Nonce(of, Some(before)) => drop(self.nonces.insert(of, before)),
            Undo::Nonce(of, None) => drop(self.nonces.remove(&of)),
            Undo::Entry(of, key, Some(before)) => drop(self.stores.entry(of).or_default().insert(key, before)),
            Undo::Entry(of, key, None) => drop(self.stores.entry(of).or_default().remove(&key)),
            Undo::Contract(of) => drop(self.contracts.remove(&of)),
            Undo::Log => drop(self.logs.pop()),
        }
    }
}

impl Host for MapHost {
    type Fault = MapFault;
    type Mark = usize;

    fn env(&self) -> &Env {
        &self.env
    }

    fn block_hash(&mut self, _: u64) -> Result<Option<[u8; 32]>, MapFault> {
        Ok(Some([0; 32]))
    }

    fn balance(&mut self, of: &Address) -> Result<u128, MapFault> {
        Ok(self.balances.get(of).copied().unwrap_or(0))
    }

    fn transfer(
        &mut self,
        from: &Address,
        to: &Address,
        amount: u128,
        kind: Transfer,
    ) -> Result<Result<(), Refused>, MapFault> {
        let accepts = !matches!(
            self.kind(to)?,
            AccountKind::Plain { payable: false } | AccountKind::Contract { payable: false, .. }
        );
        if kind == Transfer::Spend && !accepts {
            return Ok(Err(Refused::NotPayable));
        }
        let Some(left) = self.balance(from)?.checked_sub(amount) else { return Ok(Err(Refused::Funds)) };
        self.set_balance(*from, left);
        let Some(sum) = self.balance(to)?.checked_add(amount) else { return Ok(Err(Refused::Overflow)) };
        self.set_balance(*to, sum);
        Ok(Ok(()))
    }

    fn kind(&mut self, of: &Address) -> Result<AccountKind, MapFault> {
        Ok(match self.contracts.get(of) {
            Some(contract) => AccountKind::Contract { payable: contract.payable, expired_at: contract.expired_at },
            None if self.balances.contains_key(of) => AccountKind::Plain { payable: !self.refusing.contains(of) },
            None => AccountKind::Absent,
        })
    }

    fn code(&mut self, of: &Address) -> Result<Option<CodeRef>, MapFault> {
        Ok(self.contracts.get(of).map(|contract| contract.code.clone()))
    }

    fn creator(&mut self, of: &Address) -> Result<Option<Address>, MapFault> {
        Ok(self.contracts.get(of).map(|contract| contract.creator))
    }

    fn create(&mut self, by: &Address, code: NewCode<'_>, amount: u128) -> Result<Address, MapFault> {
        let before = self.nonces.get(by).copied();
        let nonce = before.unwrap_or(0).saturating_add(1);
        self.undo.push(Undo::Nonce(*by, before));
        self.nonces.insert(*by, nonce);
        let id = Self::contract_id(by, nonce);
        match code {
            NewCode::Own { object, payable } => self.put_contract(id, *by, object, payable),
            NewCode::CloneOf(original) => {
                if let Some(original) = self.contracts.get(original).cloned() {
                    self.undo.push(Undo::Contract(id));
                    self.contracts.insert(id, MapContract { creator: *by, ..original });
                    self.add(id, 0);
                }
            }
        }
        // The machine has seen to the coins.
        let _ = self.transfer(by, &id, amount, Transfer::CallValue)?;
        Ok(id)
    }

    fn get(&mut self, contract: &Address, key: &[u8]) -> Result<Option<Vec<u8>>, MapFault> {
        Ok(self.stores.get(contract).and_then(|store| store.get(key)).cloned())
    }

    fn put(&mut self, contract: &Address, key: &[u8], value: Option<&[u8]>) -> Result<(), MapFault> {
        let store = self.stores.entry(*contract).or_default();
        let before = match value {
            Some(value) => store.insert(key.to_vec(), value.to_vec()),
            None => store.remove(key),
        };
        self.undo.push(Undo::Entry(*contract, key.to_vec(), before));
        Ok(())
    }

    fn hint_keys(&mut self, contract: &Address, prefix: &[u8]) -> Result<Vec<Vec<u8>>, MapFault> {
        let Some(store) = self.stores.get(contract) else { return Ok(Vec::new()) };
        let after = store.range(prefix.to_vec()..).map(|(key, _)| key);
        let mut keys: Vec<_> = after.take_while(|key| key.starts_with(prefix)).skip(1).cloned().collect();
        if self.short_hints {
            keys.pop();
        }
        Ok(keys)
    }

    fn log(&mut self, log: Log) {
        self.undo.push(Undo::Log);
        self.logs.push(log);
    }

    fn mark(&mut self) -> usize {
        self.undo.len()
    }

    fn rewind(&mut self, to: usize) {
        while self.undo.len() > to {
            if let Some(undo) = self.undo.pop() {
                self.undo_one(undo);
            }
        }
    }

    fn bad_store(&mut self, _: &Address, why: BadStore) -> MapFault {
        MapFault(why)
    }
}
