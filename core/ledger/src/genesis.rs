//! The beginning of a ledger: its parameters, and the state that they give.
//!
//! A genesis file is read by the shell into a [`Genesis`]; its one encoding is hashed, so spaces and comments in the
//! file change nothing. Rules: ledger 1, node 4.

use alloc::{collections::BTreeSet, string::String, vec::Vec};

use banyan_types::{
    AccountId, Amount, Hash, Height, PublicKey, TimeMs,
    rlp::Field as _,
    tx::{AssociateCreate, Transaction},
};

use crate::{
    Account, Changes, Clock, Fees, MapState, Overlay, Params, ParentLeaf, Rejected, RootEngine, RootRules, State,
    Supply, leaf::key, scene::Scene,
};

banyan_types::record! {
    /// All that makes a ledger this one and no other, as far as the transition is concerned.
    Genesis {
        /// Name of the ledger.
        name: String,
        /// Which profile its numbers come from.
        profile: String,
        /// When it begins.
        time: TimeMs,
        /// Parameters of the transition.
        params: Params,
        /// Parameters of the engine, encoded by it.
        engine: banyan_types::Bytes,
        /// First balances; none on a child, whose coins come by commit only.
        accounts: Vec<GenesisAccount>,
        /// Children registered from the beginning: unsigned transactions of kind 93.
        associates: Vec<banyan_types::Bytes>,
    }

    /// A first balance.
    GenesisAccount {
        /// Whose.
        account: AccountId,
        /// How much.
        balance: Amount,
    }
}

/// Why a genesis cannot begin a ledger, in the order of the checks. All are the fault of whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// A parameter outside its limits.
    #[error("parameter {field} is outside its limits")]
    Params {
        /// Which.
        field: &'static str,
    },
    /// An account stands twice.
    #[error("{account} stands twice among the accounts")]
    Twice {
        /// Which.
        account: AccountId,
    },
    /// The balances, with all that will be minted, are above the cap; or a child has any.
    #[error("the balances and the emission sum up to more than {cap}")]
    TooMuch {
        /// What they may sum up to: the cap of the root, nothing on a child.
        cap: Amount,
    },
    /// A child's registration is refused.
    #[error("associate {index}: {why}")]
    Associate {
        /// Its place in the list.
        index: usize,
        /// Which rule.
        why: Rejected,
    },
}

impl Genesis {
    /// The id material of the ledger: Blake2b-256 of the one encoding.
    pub fn hash(&self) -> Hash {
        let mut bytes = Vec::new();
        self.put(&mut bytes);
        Hash(banyan_crypto::blake2b(&[b"banyan genesis", &bytes]))
    }
}

/// The state at height 0.
/// # Errors
/// The first [`GenesisError`] that applies.
pub fn genesis_state(genesis: &Genesis) -> Result<Changes, GenesisError> {
    genesis.params.check().map_err(|field| GenesisError::Params { field })?;
    let mut state = Overlay::new(MapState::default());
    let minted = put_accounts(&mut state, genesis)?;
    put_leaves(&mut state, genesis, minted);
    register(&mut state, genesis)?;
    Ok(state.into_parts().1)
}

fn put_accounts(state: &mut impl State, genesis: &Genesis) -> Result<Amount, GenesisError> {
    let root = genesis.params.root.as_ref();
    let cap = root.map_or(Amount::ZERO, |root| root.supply_cap);
    let too_much = GenesisError::TooMuch { cap };
    let emission = root.map_or(Some(Amount::ZERO), RootRules::emission_sum).ok_or(too_much.clone())?;
    let left = cap.minus(emission).ok_or(too_much.clone())?;
    let (mut minted, mut named) = (Amount::ZERO, BTreeSet::new());
    for GenesisAccount { account, balance } in &genesis.accounts {
        if !named.insert(*account) {
            return Err(GenesisError::Twice { account: *account });
        }
        minted = minted.plus(*balance).filter(|minted| *minted <= left).ok_or(too_much.clone())?;
        let leaf = Account { balance: *balance, ..Account::EMPTY };
        if !leaf.is_empty() {
            state.put(key::account(*account), Some(leaf.encode()));
        }
    }
    Ok(minted)
}

fn put_leaves(state: &mut impl State, genesis: &Genesis, minted: Amount) {
    let cap = genesis.params.root.as_ref().map_or(Amount::ZERO, |root| root.supply_cap);
    let none = Amount::ZERO;
    let supply = Supply {
        minted,
        pool: cap.minus(minted).unwrap_or(none),
        accounts: minted,
        escrows: none,
        channels: none,
        deposits: none,
        bonds: none,
        rewards: none,
        fees: none,
    };
    state.put(key::supply(), Some(supply.encode()));
    state.put(key::fees(), Some(Fees { amount: none }.encode()));
    let clock = Clock {
        height: Height(0),
        time: genesis.time,
        prev_hash: Hash::ZERO,
        beneficiary: AccountId::ZERO,
        leader: PublicKey::ZERO,
    };
    state.put(key::clock(), Some(clock.encode()));
    if genesis.params.is_root() {
        let engine = RootEngine { engine: 0, pot: none, sealed_height: Height(0) };
        state.put(key::engine(), Some(engine.encode()));
    } else {
        state.put(key::parent(), Some(unconnected().encode()));
    }
}

/// The system leaf of a child that has not named a parent block yet.
const fn unconnected() -> ParentLeaf {
    ParentLeaf {
        hash: Hash::ZERO,
        height: Height(0),
        time: TimeMs(0),
        root_height: Height(0),
        entropy: Hash::ZERO,
        inbox: 0,
        inbox_hash: Hash::ZERO,
        skipped_hash: Hash::ZERO,
        outbox: 0,
        outbox_hash: Hash::ZERO,
        outbox_acked: 0,
    }
}

/// Register the first children by the rule that registers any. They cost nothing here, but take their nonce, so that
/// no later one can have the same id.
fn register(state: &mut impl State, genesis: &Genesis) -> Result<(), GenesisError> {
    for (index, bytes) in genesis.associates.iter().enumerate() {
        let refuse = |why| GenesisError::Associate { index, why };
        let create = decode_create(bytes).map_err(refuse)?;
        let mut scene = Scene::open(state, &genesis.params, Height(0)).map_err(|missing| refuse(missing.into()))?;
        scene.create(&create).map_err(refuse)?;
        let account = scene.account(create.creator_id).map_err(|missing| refuse(missing.into()))?;
        let account = account.unwrap_or(Account::EMPTY);
        let nonce = account.nonce.max(create.nonce);
        scene.set_account(create.creator_id, &Account { nonce, ..account });
        scene.settle();
    }
    Ok(())
}

fn decode_create(bytes: &banyan_types::Bytes) -> Result<AssociateCreate, Rejected> {
    match Transaction::decode(&bytes.0)? {
        Transaction::AssociateCreate(create) => Ok(create),
        other => Err(Rejected::NotHere { kind: other.kind() }),
    }
}
