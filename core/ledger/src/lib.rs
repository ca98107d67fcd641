//! Apply a transaction or a block to a state. The one state transition of every ledger.
//!
//! No clock, disk, thread or random number: what a block does is a function of the state, the parameters and the
//! block, so node, prover and simulator run this code unchanged. Whoever ordered a block, [`apply_block`] applies it.
//! Read [`apply_block`] first, then [`rules`]. Rules: protocol, ledger.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::float_arithmetic
    )
)]

extern crate alloc;

mod account;
mod associate;
mod blob;
mod block;
mod cargo;
pub mod certificate;
mod contract;
mod due;
pub mod engine;
mod entry;
mod error;
mod event;
mod expiry;
mod fees;
pub mod follow;
mod genesis;
mod invariant;
mod leaf;
mod money;
mod params;
mod paying;
pub mod rules;
mod scene;
mod stake;
mod state;
mod sweep;
mod token;
mod verified;

pub use account::account;
pub use associate::{PointView, associate, convicts, escrow, inbox_entry, summary_of};
pub use associate::{as_leg, first_leg, next_leg};
pub use blob::{blob, blob_hash, blob_key};
pub use block::{
    Block, ChildBlock, ChildStart, Execution, KeyBlock, MicroBlock, Outcome, ParentTip, apply_block, key_outcome,
    named_parent,
};
pub use cargo::escrow_of;
pub use contract::{Tried, contract, contract_code, contract_source, dry_run, public_text, try_alone, try_behind};
pub use entry::entry;
pub use error::{BadSeal, Fault, Invalid, Rejected};
pub use event::{Effects, Event, Offence};
pub use expiry::extension_rent;
pub use genesis::{Genesis, GenesisAccount, GenesisError, GenesisWitness, genesis_state};
pub use invariant::{Broken, check_totals};
pub use leaf::{
    AccessRight, Account, BlobPlace, BlockHash, Bucket, Candidacy, Candidate, Candidates, Claim, Claims, Clock, Code,
    CommitteeEngine, ConnectionPoint, Contract, Due, DueCount, DueCursor, Entry, Escrow, EscrowV2, Faults, Fees,
    Generalized, HOP_GAS, Inherited, Kept, Naming, OperatorBond, Owed, POINT_BYTES, ParentLeaf, Pending, PendingReward,
    Point, Proven, RemitSpan, Reward, RootEngine, Served, Shares, Slashed, Source, Stake, Standing, Status, Supply,
    SweepItem, SweepKind, SweepQueue, Template, Token, TokenBalance, Tombstone, Unbonding, Untold, UsedAuth, UsedKey,
    WitnessSets, key,
};
pub use params::{Anchors, CAPPED_FROM, EmissionRow, LeaderBond, Params, RootRules, StakeRules, emission_main};
pub use stake::{CANDIDATES_MAX, candidates, stake, staker_of, witness_sets};
pub use state::{Base, Changes, Key, MapState, Mark, Missing, Overlay, State, StoreKeys};
pub use token::{token, token_balance};
pub use verified::Verified;
