//! Objects end: they expire, may be extended while they are in grace, and are taken away. Rules: ledger 3.5, 5.
//!
//! An object is alive up to its expiry, expired after it, and gone when its grace is over too; heights say so, not the
//! walk of [`crate::due`], which only makes room.

use banyan_types::{
    AccountId, Amount, AssociateId, Bytes, ContractId, EntryId, Gas, Hash, Height, Lifetime, Payee, Target,
    tx::{Extend, Transaction},
};

use crate::{
    Code, ConnectionPoint, Contract, Entry, Event, Missing, Rejected, Source, State, SweepItem, SweepKind, Tombstone,
    due::Ending,
    entry::entry,
    fees::{CONTRACT_BYTES, ENTRY_BYTES, STORE_LEAF_BYTES},
    leaf::{Account, POINT_BYTES, key},
    rules::fee_with_rent,
    scene::Scene,
};

impl<S: State> Scene<'_, S> {
    /// The last height of an object that is made now.
    pub(crate) fn expiry_of(&self, lifetime: Lifetime) -> Result<Height, Rejected> {
        let max = self.params.lifetime_max;
        let heights = match lifetime {
            Lifetime::Default => self.params.lifetime_default,
            Lifetime::Heights(heights) if heights <= max => heights,
            Lifetime::Forever if self.params.is_free_to_keep() => return Ok(Lifetime::NEVER),
            Lifetime::Heights(got) => return Err(Rejected::LifetimeTooLong { max, got }),
            Lifetime::Forever => return Err(Rejected::LifetimeTooLong { max, got: u64::MAX }),
        };
        self.height.plus(heights).ok_or(Rejected::Overflow)
    }

    /// Whether an object with this expiry and a time of grace is no more.
    pub(crate) fn is_gone(&self, expiry: Height) -> bool {
        expiry.plus(self.params.grace).is_some_and(|last| last < self.height)
    }

    /// Be reminded of an object's end: when it has expired, and when its grace is over.
    pub(crate) fn end_at(&mut self, ending: Ending, expiry: Height) -> Result<(), Rejected> {
        let Some(after) = expiry.next() else { return Ok(()) };
        self.due_at(after, ending)?;
        match after.plus(self.params.grace) {
            Some(gone) if gone > after && !matches!(ending, Ending::Associate(_)) => self.due_at(gone, ending),
            _ => Ok(()),
        }
    }

    /// Anybody may pay for an object to live longer.
    pub(crate) fn extend(&mut self, tx: &Extend, unsigned_len: usize) -> Result<(), Rejected> {
        let target = tx.target_id;
        let (expiry, bytes) = self.life_of(target)?.ok_or(Rejected::NoTarget { target: target.id() })?;
        if expiry == Lifetime::NEVER {
            return Err(Rejected::Unlimited);
        }
        if tx.heights == 0 {
            return Err(Rejected::NoHeights);
        }
        let max = self.params.lifetime_max;
        let last = self.height.plus(max).ok_or(Rejected::Overflow)?;
        let longer = expiry.max(self.height).plus(tx.heights).ok_or(Rejected::Overflow)?;
        if longer > last {
            return Err(Rejected::LifetimeTooLong { max, got: longer.since(self.height).unwrap_or(u64::MAX) });
        }
        let rent = self.params.rent_gas(bytes, tx.heights).ok_or(Rejected::Overflow)?;
        let kind = Transaction::from(tx.clone());
        let needed = fee_with_rent(self.params, &kind, unsigned_len, rent).ok_or(Rejected::Overflow)?;
        if tx.fee < needed {
            return Err(Rejected::FeeTooLow { needed, got: tx.fee });
        }
        self.set_life(target, longer)?;
        self.events.push(Event::Extended { id: target.id(), expiry: longer });
        Ok(())
    }

    /// The expiry of what may be extended, and the bytes that rent is paid for. `None` for what is not there any more.
    fn life_of(&mut self, target: Target) -> Result<Option<(Height, u64)>, Rejected> {
        let life = match target {
            Target::Contract(id) => match self.contract(id)? {
                Some(contract) => Some((contract.expiry, self.contract_bytes(&contract)?)),
                None => None,
            },
            Target::Entry(id) => entry(self.state, id)?.map(|held| (held.expiry, entry_bytes(&held))),
            Target::Associate(id) => self
                .get::<ConnectionPoint>(&key::point(id))?
                .filter(|point| point.expiry >= self.height)
                .map(|point| (point.expiry, POINT_BYTES)),
            Target::Channel(_) => None,
        };
        Ok(life.filter(|(expiry, _)| !self.is_gone(*expiry)))
    }

    fn set_life(&mut self, target: Target, expiry: Height) -> Result<(), Rejected> {
        let gone = Missing("an object just read");
        match target {
            Target::Contract(id) => {
                let contract = self.contract(id)?.ok_or(gone)?;
                self.set(key::contract(id), &Contract { expiry, ..contract });
                self.end_at(Ending::Contract(id), expiry)
            }
            Target::Entry(id) => {
                let held = entry(self.state, id)?.ok_or(gone)?;
                self.set(key::entry(id), &Entry { expiry, ..held });
                self.end_at(Ending::Entry(id), expiry)
            }
            Target::Associate(id) => {
                let point: ConnectionPoint = self.get(&key::point(id))?.ok_or(gone)?;
                self.set(key::point(id), &ConnectionPoint { expiry, ..point });
                self.end_at(Ending::Associate(id), expiry)
            }
            Target::Channel(_) => Err(gone.into()),
        }
    }

    pub(crate) fn contract(&mut self, id: ContractId) -> Result<Option<Contract>, Missing> {
        self.get(&key::contract(id))
    }

    /// Code and source count in full for each contract that names them: whoever lives pays for what it needs.
    fn contract_bytes(&mut self, contract: &Contract) -> Result<u64, Rejected> {
        let code: Option<Code> = self.get(&key::code(contract.code_hash))?;
        let source: Option<Source> =
            if contract.visible { self.get(&key::source(contract.source_hash))? } else { None };
        let code = code.ok_or(Missing("a contract's code is absent"))?.code.0.len();
        let source = source.map_or(0, |source| source.source.0.len());
        let leaves = contract.store_entries.checked_mul(STORE_LEAF_BYTES);
        let parts = [Some(CONTRACT_BYTES), u64::try_from(code).ok(), u64::try_from(source).ok(), leaves];
        let sum = parts.into_iter().try_fold(contract.store_bytes, |sum, part| sum.checked_add(part?));
        sum.ok_or(Rejected::Overflow)
    }

    /// A data entry is shown as expired, then it is deleted. The reminder was for the height `due`.
    pub(crate) fn end_entry(&mut self, id: EntryId, due: Height) -> Result<(), Rejected> {
        let Some(held) = entry(self.state, id)? else { return Ok(()) };
        if self.is_gone(held.expiry) {
            self.remove_entry(id, &held, held.expiry);
        } else if held.expiry.next() == Some(due) {
            self.events.push(Event::Expired { id: id.into(), expiry: held.expiry });
        }
        Ok(())
    }

    /// A contract's calls revert, then its coins go to its owner and it is taken away.
    pub(crate) fn end_contract(&mut self, id: ContractId, due: Height) -> Result<(), Rejected> {
        let Some(contract) = self.contract(id)? else { return Ok(()) };
        if self.is_gone(contract.expiry) {
            return self.remove_contract(id, &contract);
        }
        if contract.expiry.next() == Some(due) {
            self.events.push(Event::Expired { id: id.into(), expiry: contract.expiry });
        }
        Ok(())
    }

    fn remove_contract(&mut self, id: ContractId, contract: &Contract) -> Result<(), Rejected> {
        let account = Contract::account(id);
        let held = self.account(account)?.map_or(Amount::ZERO, |held| held.balance);
        let coins = self.take(account, held)?;
        let deposit = self.take_deposits(contract.deposit)?;
        let coins = coins.join(deposit).ok_or(Rejected::Overflow)?;
        self.set_account(account, &Account::EMPTY);
        let (to, amount) = (self.heir_of(contract.owner)?, coins.amount());
        match to {
            Some(owner) => self.pay(owner, coins)?,
            None => self.unmint(coins)?,
        }
        self.drop_code(contract.code_hash)?;
        if contract.visible {
            self.drop_source(contract.source_hash)?;
        }
        self.state.put(key::contract(id), None);
        self.set(key::tombstone(id.into()), &Tombstone::of(contract.expiry, &contract.encode()));
        let (kind, to_sweep) = (SweepKind::Store, contract.store_entries);
        self.sweep_later(SweepItem { kind, id: Hash(id.0), from: 0, to: to_sweep })?;
        self.events.push(Event::Removed { id: id.into(), to, amount });
        Ok(())
    }

    /// Who is paid when a contract is gone: its maker, if that is a plain or generalized account.
    fn heir_of(&mut self, owner: Payee) -> Result<Option<AccountId>, Rejected> {
        let Payee::Account(owner) = owner else { return Ok(None) };
        Ok(self.account(owner)?.map(|_| owner))
    }

    /// Name code, which is kept from now on if it was not before.
    pub(crate) fn keep_code(&mut self, hash: Hash, code: &banyan_types::ContractBytes) -> Result<(), Rejected> {
        let refs = self.get::<Code>(&key::code(hash))?.map_or(0, |held| held.refs);
        let refs = refs.checked_add(1).ok_or(Rejected::Overflow)?;
        self.set(key::code(hash), &Code { refs, code: code.clone() });
        Ok(())
    }

    /// Name a source, which is kept from now on if it was not before.
    pub(crate) fn keep_source(&mut self, hash: Hash, source: &Bytes) -> Result<(), Rejected> {
        let refs = self.get::<Source>(&key::source(hash))?.map_or(0, |held| held.refs);
        let refs = refs.checked_add(1).ok_or(Rejected::Overflow)?;
        self.set(key::source(hash), &Source { refs, source: source.clone() });
        Ok(())
    }

    /// Code that nobody names is gone.
    fn drop_code(&mut self, hash: Hash) -> Result<(), Rejected> {
        let held: Code = self.get(&key::code(hash))?.ok_or(Missing("a contract's code is absent"))?;
        let refs = held.refs.checked_sub(1).ok_or(Missing("code that nobody names"))?;
        self.state.put(key::code(hash), (refs > 0).then(|| Code { refs, ..held }.encode()));
        Ok(())
    }

    /// A source that nobody names is gone.
    fn drop_source(&mut self, hash: Hash) -> Result<(), Rejected> {
        let held: Source = self.get(&key::source(hash))?.ok_or(Missing("a contract's source is absent"))?;
        let refs = held.refs.checked_sub(1).ok_or(Missing("a source that nobody names"))?;
        self.state.put(key::source(hash), (refs > 0).then(|| Source { refs, ..held }.encode()));
        Ok(())
    }

    /// A connection point without money is removed; with money it stays, dead, and its money is never pruned.
    pub(crate) fn end_associate(&mut self, id: AssociateId) -> Result<(), Rejected> {
        let Some(point) = self.get::<ConnectionPoint>(&key::point(id))?.filter(|point| point.expiry < self.height)
        else {
            return Ok(());
        };
        self.events.push(Event::Expired { id: id.into(), expiry: point.expiry });
        self.retire(id)
    }
}

fn entry_bytes(held: &Entry) -> u64 {
    u64::try_from(held.data.0.len()).unwrap_or(u64::MAX).saturating_add(ENTRY_BYTES)
}

/// Gas that an extension's rent adds to its least fee. `None` for what is not there, or on overflow.
/// # Errors
/// `Missing` when the state could not answer.
pub fn extension_rent(
    state: &mut impl State,
    params: &crate::Params,
    height: Height,
    tx: &Extend,
) -> Result<Option<Gas>, Missing> {
    let mut scene = Scene::open(state, params, height)?;
    match scene.life_of(tx.target_id) {
        Ok(life) => Ok(life.and_then(|(_, bytes)| params.rent_gas(bytes, tx.heights))),
        Err(Rejected::Ours(missing)) => Err(missing),
        Err(_) => Ok(None),
    }
}
