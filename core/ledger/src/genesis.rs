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
    Account, Changes, Clock, DueCursor, Fees, MapState, Overlay, Params, ParentLeaf, Rejected, RootEngine, RootRules,
    State, Supply, engine::committee::first_leaf, leaf::key, scene::Scene,
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
        /// First witnesses, of eras 0 and 1; none where witnesses are off.
        witnesses: Vec<GenesisWitness>,
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

    /// A first stake, beside the account's balance. Its key need not prove itself: the genesis is agreed as a whole.
    GenesisWitness {
        /// Whose.
        staker: AccountId,
        /// The key that it serves by.
        key: PublicKey,
        /// How much is bonded.
        bond: Amount,
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
    /// Witnesses where they are off, too few or too many, too small a bond, or a staker or key twice.
    #[error("witnesses: {what}")]
    Witnesses {
        /// Which rule.
        what: &'static str,
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
    let balances = put_accounts(&mut state, genesis)?;
    check_witnesses(genesis)?;
    put_leaves(&mut state, genesis, balances)?;
    put_witnesses(&mut state, genesis)?;
    register(&mut state, genesis)?;
    Ok(state.into_parts().1)
}

/// The first balances, and their sum.
fn put_accounts(state: &mut impl State, genesis: &Genesis) -> Result<Amount, GenesisError> {
    let (mut sum, mut named) = (Amount::ZERO, BTreeSet::new());
    for GenesisAccount { account, balance } in &genesis.accounts {
        if !named.insert(*account) {
            return Err(GenesisError::Twice { account: *account });
        }
        sum = sum.plus(*balance).ok_or(GenesisError::TooMuch { cap: cap(genesis) })?;
        let leaf = Account { balance: *balance, ..Account::EMPTY };
        if !leaf.is_empty() {
            state.put(key::account(*account), Some(leaf.encode()));
        }
    }
    within_cap(genesis, sum)
}

fn cap(genesis: &Genesis) -> Amount {
    genesis.params.root.as_ref().map_or(Amount::ZERO, |root| root.supply_cap)
}

/// `allocated`, if it and all that will be minted are within the cap.
fn within_cap(genesis: &Genesis, allocated: Amount) -> Result<Amount, GenesisError> {
    let emission = genesis.params.root.as_ref().map_or(Some(Amount::ZERO), RootRules::emission_sum);
    let left = emission.and_then(|emission| cap(genesis).minus(emission));
    let fits = left.is_some_and(|left| allocated <= left);
    if fits { Ok(allocated) } else { Err(GenesisError::TooMuch { cap: cap(genesis) }) }
}

/// The rules about the list of first witnesses, in order.
fn check_witnesses(genesis: &Genesis) -> Result<(), GenesisError> {
    let wrong = |what| Err(GenesisError::Witnesses { what });
    let witnesses = &genesis.witnesses;
    let Some(rules) = genesis.params.stake() else {
        return if witnesses.is_empty() { Ok(()) } else { wrong("they are off on this ledger") };
    };
    let count = u32::try_from(witnesses.len()).unwrap_or(u32::MAX);
    if !(rules.witness_min..=rules.witness_max).contains(&count) {
        return wrong("fewer than witness_min or more than witness_max");
    }
    if witnesses.iter().any(|witness| witness.bond < rules.bond_min) {
        return wrong("a bond is below bond_min");
    }
    let stakers: BTreeSet<_> = witnesses.iter().map(|witness| witness.staker).collect();
    let keys: BTreeSet<_> = witnesses.iter().map(|witness| witness.key).collect();
    if stakers.len() < witnesses.len() || keys.len() < witnesses.len() {
        return wrong("a staker or a key stands twice");
    }
    Ok(())
}

/// Open the first stakes and write the first sets by the rules that write any.
fn put_witnesses(state: &mut impl State, genesis: &Genesis) -> Result<(), GenesisError> {
    if genesis.params.stake().is_none() {
        return Ok(());
    }
    let refuse = |_| GenesisError::Witnesses { what: "their bonds make no set" };
    let mut scene = Scene::open(state, &genesis.params, Height(0)).map_err(|_| refuse(Rejected::Overflow))?;
    for GenesisWitness { staker, key, bond } in &genesis.witnesses {
        let coins = scene.mint(*bond).map_err(refuse)?;
        scene.raise(*staker, *key, None, coins).map_err(refuse)?;
    }
    let written = scene.write_first_sets().map_err(|missing| refuse(missing.into()))?;
    scene.settle();
    if written { Ok(()) } else { Err(refuse(Rejected::Overflow)) }
}

fn put_leaves(state: &mut impl State, genesis: &Genesis, balances: Amount) -> Result<(), GenesisError> {
    let bonds = genesis.witnesses.iter().map(|witness| witness.bond).try_fold(balances, Amount::plus);
    within_cap(genesis, bonds.unwrap_or(Amount::MAX))?;
    let none = Amount::ZERO;
    let supply = Supply {
        minted: balances,
        pool: cap(genesis).minus(balances).unwrap_or(none),
        accounts: balances,
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
    state.put(key::due_cursor(), Some(DueCursor { height: Height(0), index: 0 }.encode()));
    if genesis.params.is_root() {
        let (engine, sealed_height, chain) = (0, Height(0), genesis.hash());
        let engine = RootEngine { engine, pot: none, sealed_height, chain, may_fill: true };
        state.put(key::engine(), Some(engine.encode()));
    } else {
        state.put(key::parent(), Some(unconnected().encode()));
        if let Some(rules) = genesis.params.committee() {
            state.put(key::engine(), Some(first_leaf(genesis, rules).encode()));
        }
    }
    Ok(())
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
        access: banyan_types::associate::Access::Open,
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
