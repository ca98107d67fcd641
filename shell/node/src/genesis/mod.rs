//! The genesis file: TOML for people, one canonical encoding for machines.
//!
//! Reading a file and writing it again changes neither the ledger nor its hash. Rules: node 4, design 7.

use banyan_ledger::{
    Anchors, EmissionRow, Genesis, GenesisAccount, GenesisError, GenesisWitness, LeaderBond, Params, RootRules,
    StakeRules, emission_main,
};
use banyan_root::Versions;
use banyan_types::{
    AccountId, Amount, AssociateId, Bytes, Era, Gas, GasPrice, Hash, Height, PublicKey, SUPPLY_MAX, TimeMs,
    committee::{Member, ValidatorSet},
    text::{self, Prefix},
    tx::Transaction,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{NodeError, anchor::AnchorFile};

mod engine;

use engine::EngineFile;
pub use engine::{
    CommitteeEngineParams, EngineParams, RootEngineParams, RotationEngineParams, SoloEngineParams, VersionRow,
};

/// A ledger's beginning, as a file says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenesisFile {
    /// Name of the ledger: `[a-z0-9_]{1,16}`.
    pub name: String,
    /// Which profile the numbers come from.
    pub profile: String,
    /// When it begins.
    pub time: TimeMs,
    /// Parameters of the transition.
    pub params: Params,
    /// The engine.
    pub engine: EngineParams,
    /// First balances.
    pub accounts: BTreeMap<AccountId, Amount>,
    /// First witnesses; none where witnesses are off.
    pub witnesses: Vec<GenesisWitness>,
    /// Children registered from the beginning.
    pub associates: Vec<Transaction>,
}

/// Numbers of the root's profile `dev`. Source: root 1, design 7.
const DEV_KEY_INTERVAL_MS: u64 = 3_000;
/// Heights of a year on the main profile; the dev profile keeps objects as many heights.
const LIFETIME_DEFAULT: u64 = 262_800;
/// Most heights that an object may live: ten years of the main profile.
const LIFETIME_MAX: u64 = 2_628_000;
/// Heights that an expired object is kept: 30 days of two minutes each.
const GRACE: u64 = 21_600;
/// Least bonds of a witness. Source: root 1.
const BOND_MIN_DEV: Amount = Amount::coins(1).expect("one coin is within the supply");
const BOND_MIN_TEST: Amount = Amount::coins(1_000).expect("a thousand coins are within the supply");
const BOND_MIN_MAIN: Amount = Amount::coins(1_000_000).expect("a million coins are within the supply");
/// Length of a ledger's name.
const NAME_MAX: usize = 16;

impl GenesisFile {
    /// A root of the profile `dev`.
    pub fn dev_root(time: TimeMs, key_interval_ms: Option<u64>, accounts: BTreeMap<AccountId, Amount>) -> Self {
        let interval = key_interval_ms.unwrap_or(DEV_KEY_INTERVAL_MS);
        let rules = RootRules {
            supply_cap: Amount::MAX,
            maturity: 5,
            era: 20,
            emission: vec![
                EmissionRow { from: Height(1), coins: 100 },
                EmissionRow { from: Height(1_000_000_001), coins: 0 },
            ],
            tail_div: 10_000_000_000,
            stake: None,
            anchors: Anchors::default(),
        };
        let engine = RootEngineParams {
            edge_bits: 10,
            target_initial: 0x2100_ffff,
            retarget: false,
            paced: true,
            micro_interval_ms: 300.min(interval.div_ceil(4)),
            drift_ms: 3_000,
            micro_per_generation_max: 4_096,
            micro_bytes_max: 2 * 1024 * 1024,
            final_depth: 1,
            settle_ms: 50,
            delta_ms: 200,
            versions: vec![VersionRow { from: Height(0), version: Versions::FIRST }],
        };
        Self {
            name: "root".into(),
            profile: "dev".into(),
            time,
            params: params("banyan_dev".into(), AssociateId::ZERO, interval, Some(rules)),
            engine: EngineParams::Root(engine),
            accounts,
            witnesses: vec![],
            associates: vec![],
        }
    }

    /// The same root, final by these witnesses under the stake rules of the profile `dev`; without any, unchanged.
    #[must_use]
    pub fn with_witnesses(mut self, witnesses: Vec<GenesisWitness>) -> Self {
        if witnesses.is_empty() {
            return self;
        }
        if let Some(root) = &mut self.params.root {
            root.stake = Some(Self::dev_stake_rules());
        }
        if let EngineParams::Root(engine) = &mut self.engine {
            engine.final_depth = 0;
        }
        self.witnesses = witnesses;
        self
    }

    /// The stake rules of the profile `dev`. Source: root 1.
    pub const fn dev_stake_rules() -> StakeRules {
        StakeRules {
            witness_min: 4,
            witness_max: 256,
            bond_min: BOND_MIN_DEV,
            weight_cap_permille: 1_000,
            leader_bond: None,
            unbond_eras: 1,
            renew_eras: None,
        }
    }

    /// The stake rules of the profile `test`. Source: root 1.
    pub const fn test_stake_rules() -> StakeRules {
        StakeRules {
            bond_min: BOND_MIN_TEST,
            weight_cap_permille: 100,
            unbond_eras: 2,
            renew_eras: Some(90),
            ..Self::dev_stake_rules()
        }
    }

    /// The stake rules of the profile `main`. Source: root 1.
    pub const fn main_stake_rules() -> StakeRules {
        StakeRules {
            bond_min: BOND_MIN_MAIN,
            leader_bond: Some(LeaderBond { from: Era(30), coinbase_div: 2 }),
            unbond_eras: 14,
            ..Self::test_stake_rules()
        }
    }

    /// A root with the money of the profile `main`: for `genesis new` and its hash.
    pub fn main_root_rules() -> RootRules {
        RootRules {
            supply_cap: Amount::MAX,
            maturity: 180,
            era: 720,
            emission: emission_main(),
            tail_div: 10_000_000,
            stake: Some(Self::main_stake_rules()),
            anchors: Anchors::default(),
        }
    }

    /// A child of the profile `dev` that one operator orders.
    pub fn dev_solo(name: &str, id: AssociateId, time: TimeMs, parent_interval_ms: u64, leader: PublicKey) -> Self {
        let network_id = format!("{name}.{}", id.short());
        Self {
            name: name.into(),
            profile: "dev".into(),
            time,
            params: params(network_id, id, parent_interval_ms, None),
            engine: EngineParams::Solo(SoloEngineParams { leader, block_interval_ms: 200 }),
            accounts: BTreeMap::new(),
            witnesses: vec![],
            associates: vec![],
        }
    }

    /// A child of the profile `dev` that these validators order, each with the same weight.
    /// # Errors
    /// `GenesisFile` when they make no set.
    pub fn dev_committee(
        name: &str,
        id: AssociateId,
        time: TimeMs,
        parent_interval_ms: u64,
        validators: &[PublicKey],
    ) -> Result<Self, NodeError> {
        let validators = equals(validators)?;
        let engine = CommitteeEngineParams { validators, block_interval_ms: 200, heartbeat_ms: 10_000 };
        let solo = Self::dev_solo(name, id, time, parent_interval_ms, PublicKey::ZERO);
        Ok(Self { engine: EngineParams::Committee(engine), ..solo })
    }

    /// A child of the profile `dev` that these validators order by turns; `threshold` of them confirm a block.
    /// # Errors
    /// `GenesisFile` when they make no set.
    pub fn dev_rotation(
        name: &str,
        id: AssociateId,
        time: TimeMs,
        parent_interval_ms: u64,
        (validators, threshold): (&[PublicKey], u32),
    ) -> Result<Self, NodeError> {
        let validators = equals(validators)?;
        let engine = RotationEngineParams { validators, threshold, turn_ms: 200, heartbeat_ms: 10_000 };
        let solo = Self::dev_solo(name, id, time, parent_interval_ms, PublicKey::ZERO);
        Ok(Self { engine: EngineParams::Rotation(engine), ..solo })
    }

    /// The ledger's beginning as the transition reads it.
    /// # Errors
    /// `GenesisFile` when the file contradicts itself, `Genesis` when its coins do not add up.
    pub fn genesis(&self) -> Result<Genesis, NodeError> {
        self.check()?;
        let balance =
            |(account, balance): (&AccountId, &Amount)| GenesisAccount { account: *account, balance: *balance };
        Ok(Genesis {
            name: self.name.clone(),
            profile: self.profile.clone(),
            time: self.time,
            params: self.params.clone(),
            engine: Bytes(self.engine.encode()),
            accounts: self.accounts.iter().map(balance).collect(),
            witnesses: self.witnesses.clone(),
            associates: self.associates.iter().map(|tx| Bytes(tx.encode())).collect(),
        })
    }

    fn check(&self) -> Result<(), NodeError> {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let wrong = |what: &str| Err(NodeError::GenesisFile(what.into()));
        if self.name.is_empty() || self.name.len() > NAME_MAX || !self.name.bytes().all(word) {
            return wrong("name must be 1 to 16 of a-z, 0-9 and _");
        }
        let root = matches!(self.engine, EngineParams::Root(_));
        if root != self.params.is_root() {
            return wrong("engine root goes with the section [emission], and no other engine does");
        }
        if !root && !self.accounts.is_empty() {
            return Err(NodeError::Genesis(GenesisError::TooMuch { cap: Amount::ZERO }));
        }
        let stake = self.params.stake();
        match (stake, self.witnesses.len()) {
            (None, 0) => {}
            (None, _) => return wrong("witnesses go with the section [root.stake]"),
            (Some(stake), count) if u32::try_from(count).is_ok_and(|count| count < stake.witness_min) => {
                return wrong(&format!("{count} witnesses, at least {} are needed", stake.witness_min));
            }
            _ => {}
        }
        match &self.engine {
            EngineParams::Root(engine) if (engine.final_depth == 0) != stake.is_some() => {
                wrong("final_depth must be at least 1 without witnesses, and 0 with them")
            }
            EngineParams::Root(engine) if !(1..=31).contains(&engine.edge_bits) => wrong("edge_bits must be 1 to 31"),
            EngineParams::Root(_) if stake.is_none() && self.profile != "dev" => {
                wrong("finality by depth is for the profile dev alone; the others need witnesses")
            }
            EngineParams::Root(engine) => engine.known_versions().map(drop),
            // Whatever the seed: only threshold and weights can be wrong.
            EngineParams::Rotation(engine) => engine.turns(Hash::ZERO).map(drop),
            EngineParams::Solo(_) | EngineParams::Committee(_) => Ok(()),
        }
    }

    /// Read a genesis file.
    /// # Errors
    /// `GenesisFile` with the line and what is wrong there.
    pub fn from_toml(text: &str) -> Result<Self, NodeError> {
        let file: File = toml::from_str(text).map_err(|error| NodeError::GenesisFile(error.to_string()))?;
        let genesis = file.read().map_err(NodeError::GenesisFile)?;
        genesis.check()?;
        Ok(genesis)
    }

    /// The file's text.
    /// # Panics
    /// Never: a genesis has only texts, numbers and tables of them.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(&File::write(self)).expect("a genesis has only texts, numbers and tables of them")
    }
}

/// A set in which everybody counts alike.
fn equals(validators: &[PublicKey]) -> Result<ValidatorSet, NodeError> {
    let members = validators.iter().map(|key| Member { key: *key, weight: 1 }).collect();
    ValidatorSet::new(members).map_err(|bad| NodeError::GenesisFile(bad.to_string()))
}

fn params(network_id: String, ledger: AssociateId, height_interval_ms: u64, root: Option<RootRules>) -> Params {
    Params {
        network_id,
        ledger,
        height_interval_ms,
        gas_price_min: GasPrice(1_000_000_000),
        gas_per_tx_max: Gas(6_000_000),
        gas_per_block_max: Gas(60_000_000),
        auth_gas_max: Gas(50_000),
        rent_gas_per_byte_year: 20,
        lifetime_default: LIFETIME_DEFAULT,
        lifetime_max: LIFETIME_MAX,
        grace: GRACE,
        root,
    }
}

/// The form of the file. Unknown keys are errors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    profile: String,
    network_id: String,
    /// Own associate id of a child.
    #[serde(skip_serializing_if = "Option::is_none")]
    associate: Option<String>,
    time_ms: u64,
    height_interval_ms: u64,
    engine: EngineFile,
    limits: LimitsFile,
    expiry: ExpiryFile,
    #[serde(skip_serializing_if = "Option::is_none")]
    emission: Option<EmissionFile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<RootFile>,
    #[serde(default)]
    accounts: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    witnesses: Vec<WitnessFile>,
    /// Added later, by operators who agree; no part of what the ledger's hash is made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    anchors: Vec<AnchorFile>,
    /// Unsigned transactions of kind 93.
    #[serde(default)]
    associates: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsFile {
    price_per_gas_min: u64,
    gas_per_tx_max: u64,
    gas_per_block: u64,
    auth_gas_max: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpiryFile {
    rent_gas_per_byte_year: u64,
    lifetime_default: u64,
    lifetime_max: u64,
    grace: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EmissionFile {
    /// Coins, in words of the wallet.
    supply_cap: String,
    maturity: u64,
    era: u64,
    tail_div: u64,
    /// Rows of from height and whole coins.
    rows: Vec<(u64, u64)>,
}

/// Absent where witnesses are off.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RootFile {
    stake: StakeFile,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StakeFile {
    witness_min: u32,
    witness_max: u32,
    /// Coins, in words of the wallet.
    bond_min: String,
    weight_cap_permille: u32,
    unbond_eras: u32,
    /// Absent for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    renew_eras: Option<u32>,
    /// Absent where nobody must bond to lead.
    #[serde(skip_serializing_if = "Option::is_none")]
    leader_bond: Option<LeaderBondFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LeaderBondFile {
    from_era: u32,
    coinbase_div: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WitnessFile {
    /// Account whose stake it is.
    staker: String,
    /// Key that signs votes: `pp_`.
    key: String,
    /// Coins, in words of the wallet.
    bond: String,
}

impl File {
    fn write(genesis: &GenesisFile) -> Self {
        let params = &genesis.params;
        Self {
            name: genesis.name.clone(),
            profile: genesis.profile.clone(),
            network_id: params.network_id.clone(),
            associate: (params.ledger != AssociateId::ZERO).then(|| params.ledger.to_string()),
            time_ms: genesis.time.0,
            height_interval_ms: params.height_interval_ms,
            engine: EngineFile::write(&genesis.engine),
            limits: LimitsFile {
                price_per_gas_min: u64::try_from(params.gas_price_min.0).unwrap_or(u64::MAX),
                gas_per_tx_max: params.gas_per_tx_max.0,
                gas_per_block: params.gas_per_block_max.0,
                auth_gas_max: params.auth_gas_max.0,
            },
            expiry: ExpiryFile {
                rent_gas_per_byte_year: params.rent_gas_per_byte_year,
                lifetime_default: params.lifetime_default,
                lifetime_max: params.lifetime_max,
                grace: params.grace,
            },
            emission: params.root.as_ref().map(EmissionFile::write),
            root: params.stake().map(|rules| RootFile { stake: StakeFile::write(rules) }),
            accounts: genesis.accounts.iter().map(|(id, amount)| (id.to_string(), amount.to_string())).collect(),
            witnesses: genesis.witnesses.iter().map(WitnessFile::write).collect(),
            anchors: params.root.iter().flat_map(|root| &root.anchors.0).map(AnchorFile::write).collect(),
            associates: genesis
                .associates
                .iter()
                .map(|tx| text::encode(Prefix::TransactionBytes, &tx.encode()))
                .collect(),
        }
    }

    fn read(self) -> Result<GenesisFile, String> {
        let ledger =
            self.associate.map_or(Ok(AssociateId::ZERO), |id| id.parse().map_err(|e| format!("associate: {e}")))?;
        let params = Params {
            network_id: self.network_id,
            ledger,
            height_interval_ms: self.height_interval_ms,
            gas_price_min: GasPrice(u128::from(self.limits.price_per_gas_min)),
            gas_per_tx_max: Gas(self.limits.gas_per_tx_max),
            gas_per_block_max: Gas(self.limits.gas_per_block),
            auth_gas_max: Gas(self.limits.auth_gas_max),
            rent_gas_per_byte_year: self.expiry.rent_gas_per_byte_year,
            lifetime_default: self.expiry.lifetime_default,
            lifetime_max: self.expiry.lifetime_max,
            grace: self.expiry.grace,
            root: self.emission.map(|emission| emission.read(self.root, &self.anchors)).transpose()?,
        };
        let accounts = self.accounts.iter().map(|(id, amount)| {
            let id: AccountId = id.parse().map_err(|e| format!("accounts, {id}: {e}"))?;
            let amount: Amount = amount.parse().map_err(|e| format!("accounts, {id}: {e}"))?;
            Ok((id, amount))
        });
        Ok(GenesisFile {
            name: self.name,
            profile: self.profile,
            time: TimeMs(self.time_ms),
            params,
            engine: self.engine.read()?,
            accounts: accounts.collect::<Result<_, String>>()?,
            witnesses: self.witnesses.iter().map(WitnessFile::read).collect::<Result<_, _>>()?,
            associates: self.associates.iter().map(|tx| read_tx(tx)).collect::<Result<_, String>>()?,
        })
    }
}

fn read_tx(tx: &str) -> Result<Transaction, String> {
    let bytes = text::decode_as(Prefix::TransactionBytes, tx).map_err(|error| format!("associates: {error}"))?;
    Transaction::decode(&bytes).map_err(|error| format!("associates: {error}"))
}

impl EmissionFile {
    fn write(rules: &RootRules) -> Self {
        Self {
            supply_cap: rules.supply_cap.to_string(),
            maturity: rules.maturity,
            era: rules.era,
            tail_div: rules.tail_div,
            rows: rules.emission.iter().map(|row| (row.from.0, row.coins)).collect(),
        }
    }

    fn read(self, stake: Option<RootFile>, anchors: &[AnchorFile]) -> Result<RootRules, String> {
        debug_assert!(Amount::MAX.base() == SUPPLY_MAX);
        Ok(RootRules {
            supply_cap: self.supply_cap.parse().map_err(|error| format!("emission, supply_cap: {error}"))?,
            maturity: self.maturity,
            era: self.era,
            tail_div: self.tail_div,
            emission: self
                .rows
                .iter()
                .map(|(from, coins)| EmissionRow { from: Height(*from), coins: *coins })
                .collect(),
            stake: stake.map(|root| root.stake.read()).transpose()?,
            anchors: Anchors(anchors.iter().map(AnchorFile::read).collect::<Result<_, _>>()?),
        })
    }
}

impl StakeFile {
    fn write(rules: &StakeRules) -> Self {
        let leader_bond = rules.leader_bond.as_ref();
        Self {
            witness_min: rules.witness_min,
            witness_max: rules.witness_max,
            bond_min: rules.bond_min.to_string(),
            weight_cap_permille: rules.weight_cap_permille,
            unbond_eras: rules.unbond_eras,
            renew_eras: rules.renew_eras,
            leader_bond: leader_bond
                .map(|rule| LeaderBondFile { from_era: rule.from.0, coinbase_div: rule.coinbase_div }),
        }
    }

    fn read(self) -> Result<StakeRules, String> {
        let leader_bond = self.leader_bond;
        Ok(StakeRules {
            witness_min: self.witness_min,
            witness_max: self.witness_max,
            bond_min: self.bond_min.parse().map_err(|error| format!("stake, bond_min: {error}"))?,
            weight_cap_permille: self.weight_cap_permille,
            unbond_eras: self.unbond_eras,
            renew_eras: self.renew_eras,
            leader_bond: leader_bond
                .map(|rule| LeaderBond { from: Era(rule.from_era), coinbase_div: rule.coinbase_div }),
        })
    }
}

impl WitnessFile {
    fn write(witness: &GenesisWitness) -> Self {
        let (staker, bond) = (witness.staker.to_string(), witness.bond.to_string());
        Self { staker, key: witness.key.text(Prefix::Peer), bond }
    }

    fn read(&self) -> Result<GenesisWitness, String> {
        let key = PublicKey::from_text(Prefix::Peer, &self.key);
        Ok(GenesisWitness {
            staker: self.staker.parse().map_err(|error| format!("witnesses, staker {}: {error}", self.staker))?,
            key: key.map_err(|error| format!("witnesses, key {}: {error}", self.key))?,
            bond: self.bond.parse().map_err(|error| format!("witnesses, bond {}: {error}", self.bond))?,
        })
    }
}
