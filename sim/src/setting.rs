//! What a world is made of: its ledgers, its keys, its pace.

use std::collections::BTreeMap;

use banyan_crypto::SecretKey;
use banyan_ledger::genesis_state;
use banyan_node::{EngineParams, GenesisFile, NodeError};
use banyan_types::{
    AccountId, Amount, AssociateId, Gas, Hash, Height, Nonce, PublicKey, TimeMs,
    associate::{Access, ChildParams, Regime},
    limits::REMIT_LINES_MAX,
    tx::AssociateCreate,
};

/// When every world begins.
pub const GENESIS_TIME: TimeMs = TimeMs(1_700_000_000_000);
/// Between key blocks at least, in milliseconds: the profile dev's.
pub const KEY_INTERVAL_MS: u64 = 3_000;
/// Size of the graph of a proof of work: the one whose cycles are found in the least time, some ten milliseconds.
const EDGE_BITS: u8 = 11;
/// Parent heights in which a commit may be credited: short, so that an outage makes the child skip some.
const COMMIT_TIMEOUT: u64 = 12;
/// Parent heights after which a silent child is dead: longer than any world's outage.
const SILENCE: u64 = 400;
/// Coins of each user at the beginning.
const USER_COINS: u64 = 1_000;

/// What differs between worlds of one kind of scenario.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Nodes of the root; all mine.
    pub roots: usize,
    /// Whether an honest child hangs from node 0.
    pub child: bool,
    /// Whether a child hangs there whose operator lies.
    pub liar: bool,
    /// Key blocks on top until one counts as final.
    pub final_depth: u64,
    /// How long the world runs before it heals, in milliseconds.
    pub span_ms: u64,
    /// From the first possible moment to the proof of work, over all nodes, on average; in milliseconds.
    pub solve_ms: u64,
    /// Users.
    pub users: u8,
    /// Between two acts of a user, over all users, on average; in milliseconds.
    pub act_ms: u64,
}

/// The genesis files of a world, and the names in them.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The root's.
    pub root: GenesisFile,
    /// The honest child's, if there is one.
    pub child: Option<(AssociateId, GenesisFile)>,
    /// The lying child, if there is one: nobody keeps its ledger.
    pub liar: Option<AssociateId>,
}

/// Who holds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A node of the root mines and leads with it.
    Miner(usize),
    /// Somebody with money.
    User(u8),
    /// Orders the honest child, signs its summaries, pays for its remits.
    Operator,
    /// Does so for the lying child.
    Liar,
    /// Nobody that any ledger knows.
    Stranger,
}

impl Who {
    /// The key.
    pub fn key(self) -> SecretKey {
        let mut seed = [0; 32];
        seed[..2].copy_from_slice(&match self {
            Self::Miner(node) => [1, u8::try_from(node).unwrap_or(u8::MAX)],
            Self::User(user) => [2, user],
            Self::Operator => [3, 0],
            Self::Liar => [4, 0],
            Self::Stranger => [5, 0],
        });
        SecretKey::from_seed(seed)
    }

    /// The account of the key.
    pub fn account(self) -> AccountId {
        AccountId(self.key().public())
    }
}

impl Setting {
    /// The genesis files.
    /// # Errors
    /// `Genesis` or `GenesisFile` when a file contradicts itself: this module's fault.
    pub fn tree(&self) -> Result<Tree, NodeError> {
        let coins = Amount::coins(USER_COINS).unwrap_or(Amount::MAX);
        let rich = (0..self.users).map(Who::User).chain([Who::Operator, Who::Liar]);
        let accounts: BTreeMap<_, _> = rich.map(|who| (who.account(), coins)).collect();
        let mut root = GenesisFile::dev_root(GENESIS_TIME, Some(KEY_INTERVAL_MS), accounts);
        if let EngineParams::Root(engine) = &mut root.engine {
            engine.edge_bits = EDGE_BITS;
            engine.final_depth = self.final_depth;
        }
        let mut hang = |wanted: bool, who, name| if wanted { hang(&mut root, who, name).map(Some) } else { Ok(None) };
        let child = hang(self.child, Who::Operator, "child")?;
        let liar = hang(self.liar, Who::Liar, "liar")?.map(|(id, _)| id);
        Ok(Tree { root, child, liar })
    }
}

/// Register a child on `root` from the beginning, answered for by `who` alone.
fn hang(root: &mut GenesisFile, who: Who, name: &str) -> Result<(AssociateId, GenesisFile), NodeError> {
    let (creator, nonce) = (who.account(), Nonce(1));
    let id = AssociateId::derive(&root.params.network_id, creator, nonce);
    let file = GenesisFile::dev_solo(name, id, GENESIS_TIME, KEY_INTERVAL_MS, PublicKey(creator.0));
    let genesis = file.genesis()?;
    let mut state = banyan_ledger::MapState::default();
    state.commit(&genesis_state(&genesis)?);
    let create = AssociateCreate {
        creator_id: creator,
        network_id: file.params.network_id.clone(),
        genesis_hash: genesis.hash(),
        genesis_root: state.root(),
        regime: Regime::Operators,
        operators: vec![creator],
        threshold: 1,
        recovery: vec![],
        recovery_threshold: 0,
        access: Access::Open,
        params: child_params(),
        heir: None,
        expiry: Height(root.params.lifetime_default),
        ttl: Height(0),
        fee: Amount::ZERO,
        nonce,
    };
    root.associates.push(create.into());
    Ok((id, file))
}

fn child_params() -> ChildParams {
    ChildParams {
        commit_timeout: COMMIT_TIMEOUT,
        silence: SILENCE,
        claim_window: SILENCE,
        change_delay: COMMIT_TIMEOUT,
        commit_min: Amount::new(1).unwrap_or(Amount::MAX),
        commit_gas: Gas(0),
        remit_lines_max: REMIT_LINES_MAX as u64,
        inbox_open_max: 1_000,
        remit_limit: Amount::ZERO,
        remit_limit_heights: 0,
        operator_bond: Amount::ZERO,
    }
}

/// A name that no other leg of a journey has.
pub fn leg(number: u64) -> Hash {
    Hash(banyan_crypto::blake2b(&[b"leg", &number.to_be_bytes()]))
}
