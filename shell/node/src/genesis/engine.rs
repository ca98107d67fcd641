//! Which engine orders a ledger, with its parameters: for machines, and as the file says it.

use banyan_ledger::engine::{
    committee::{BondRules, CommitteeRules, Epoch, Sets},
    rotation::{Steps, Turns},
};
use banyan_root::Versions;
use banyan_types::{
    Hash, Height, PublicKey,
    associate::{ENGINE_COMMITTEE, ENGINE_ROTATION, ENGINE_ROTATION_ONE_STEP, Validators},
    committee::{Member, ValidatorSet},
    header::PROTOCOL_VERSION,
    rlp::Field as _,
    show::Fields,
    text::Prefix,
};
use serde::{Deserialize, Serialize};

use crate::NodeError;

banyan_types::record! {
    /// What the root's machine reads of the genesis. Source: root 1.
    RootEngineParams {
        /// Size of the graph of a proof of work, 1 to 31.
        edge_bits: u8,
        /// Compact target until the retarget window fills.
        target_initial: u32,
        /// Whether the target follows the interval.
        retarget: bool,
        /// Whether a key block must leave a whole interval after the one before.
        paced: bool,
        /// Least milliseconds between micro blocks of a generation.
        micro_interval_ms: u64,
        /// Milliseconds that a block may be ahead of the clock.
        drift_ms: u64,
        /// Greatest index of a micro block.
        micro_per_generation_max: u32,
        /// Greatest body of a micro block.
        micro_bytes_max: u32,
        /// Key blocks on top until one counts as final; profile dev alone, and 0 where witnesses make them final.
        final_depth: u64,
        /// From a key block's application until witnesses vote for it, in milliseconds.
        settle_ms: u64,
        /// Length of the witnesses' first round, in milliseconds.
        delta_ms: u64,
        /// Protocol versions, ascending.
        versions: Vec<VersionRow>,
    }

    /// From this height on, headers carry a protocol version. Source: root 1.
    VersionRow {
        /// First height.
        from: Height,
        /// The version.
        version: u32,
    }

    /// What the machine of a solo ledger reads of the genesis. Source: associates 11.
    SoloEngineParams {
        /// Key of the operator that orders.
        leader: PublicKey,
        /// Least milliseconds between blocks of transactions.
        block_interval_ms: u64,
    }

    /// What the machine of a committee reads of the genesis. Source: associates 9.
    CommitteeEngineParams {
        /// The validators of the first epochs.
        validators: ValidatorSet,
        /// Target interval: least milliseconds between two blocks.
        block_interval_ms: u64,
        /// Milliseconds after which a block is made even if there is nothing to put into it.
        heartbeat_ms: u64,
    }

    /// What the machine of a rotation reads of the genesis. Source: associates 10.
    RotationEngineParams {
        /// Who takes turns, each of weight 1.
        validators: ValidatorSet,
        /// Commitments that confirm a block.
        threshold: u32,
        /// How long a leader's block is waited for, in milliseconds; blocks keep half of it between them.
        turn_ms: u64,
        /// Milliseconds between empty blocks that are made only to make others final, once several did not help.
        heartbeat_ms: u64,
    }
}

impl RotationEngineParams {
    /// Whose turn it is: the validators, shuffled by the ledger's own hash.
    /// # Errors
    /// `GenesisFile` when the threshold or a weight does not fit.
    pub fn turns(&self, genesis_hash: Hash) -> Result<Turns, NodeError> {
        let seed = Hash(banyan_crypto::blake2b(&[b"banyan rotation", &genesis_hash.0]));
        let epoch = Epoch::drawn(0, seed, self.validators.clone());
        Turns::new(&epoch, self.threshold).map_err(|bad| NodeError::GenesisFile(format!("engine: {bad}")))
    }
}

/// Which engine orders the ledger, with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineParams {
    /// Proof of work, Bitcoin-NG.
    Root(RootEngineParams),
    /// One operator.
    Solo(SoloEngineParams),
    /// A quorum of validators.
    Committee(CommitteeEngineParams),
    /// Validators in turns.
    Rotation(RotationEngineParams),
}

impl EngineParams {
    /// Its word.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Root(_) => "root",
            Self::Solo(_) => "solo",
            Self::Committee(_) => "committee",
            Self::Rotation(_) => "rotation",
        }
    }

    /// The fields by name, for people.
    pub fn fields(&self) -> Fields {
        match self {
            Self::Root(params) => params.fields(),
            Self::Solo(params) => params.fields(),
            Self::Committee(params) => params.fields(),
            Self::Rotation(params) => params.fields(),
        }
    }

    /// The bytes that stand in the genesis.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Root(params) => params.put(&mut out),
            Self::Solo(params) => params.put(&mut out),
            Self::Committee(params) => params.put(&mut out),
            Self::Rotation(params) => params.put(&mut out),
        }
        out
    }

    /// Of a child: the key that its genesis names as leader, and the hash of its first set.
    pub(crate) fn first(&self) -> (PublicKey, Hash) {
        match self {
            Self::Root(_) => (PublicKey::ZERO, Hash::ZERO),
            Self::Solo(params) => (params.leader, Hash::ZERO),
            Self::Committee(params) => (PublicKey::ZERO, params.validators.hash()),
            Self::Rotation(params) => (PublicKey::ZERO, params.validators.hash()),
        }
    }

    /// The validators as a parent in regime `certificate` knows them at first, where the engine has some.
    pub fn certifiers(&self) -> Option<Validators> {
        let (engine, set) = match self {
            Self::Root(_) | Self::Solo(_) => return None,
            Self::Committee(params) => (ENGINE_COMMITTEE, &params.validators),
            // Whatever the seed: only the order depends on it.
            Self::Rotation(params) => match params.turns(Hash::ZERO).ok()?.steps() {
                Steps::One => (ENGINE_ROTATION_ONE_STEP, &params.validators),
                Steps::Two => (ENGINE_ROTATION, &params.validators),
            },
        };
        Some(Validators::new(engine, set.clone()))
    }

    /// Least milliseconds between blocks that take transactions.
    pub const fn block_interval_ms(&self) -> u64 {
        match self {
            Self::Root(params) => params.micro_interval_ms,
            Self::Solo(params) => params.block_interval_ms,
            Self::Committee(params) => params.block_interval_ms,
            Self::Rotation(params) => params.turn_ms / 2,
        }
    }
}

impl RootEngineParams {
    /// The versions that headers carry, all of them known to this program.
    /// # Errors
    /// `GenesisFile` when they do not ascend from the first one, or a later program is needed.
    pub fn known_versions(&self) -> Result<Versions, NodeError> {
        let rows = self.versions.iter().map(|row| (row.from, row.version)).collect();
        let versions = Versions::new(rows).ok_or_else(|| {
            NodeError::GenesisFile(format!("versions must begin with {} at height 0 and ascend", Versions::FIRST))
        })?;
        match versions.unknown() {
            None => Ok(versions),
            Some((from, version)) => Err(NodeError::GenesisFile(format!(
                "protocol version {version} begins at height {from}; this program knows versions up to {PROTOCOL_VERSION}: install a newer one"
            ))),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum EngineFile {
    Root {
        edge_bits: u8,
        target_initial: u32,
        retarget: bool,
        paced: bool,
        micro_interval_ms: u64,
        drift_ms: u64,
        micro_per_generation_max: u32,
        micro_bytes_max: u32,
        final_depth: u64,
        settle_ms: u64,
        delta_ms: u64,
        /// Rows of from height and protocol version.
        versions: Vec<(u64, u32)>,
    },
    Solo {
        leader: String,
        block_interval_ms: u64,
    },
    Committee {
        block_interval_ms: u64,
        heartbeat_ms: u64,
        /// How validators change; absent where they never do.
        #[serde(skip_serializing_if = "Option::is_none")]
        epochs: Option<EpochsFile>,
        validators: Vec<ValidatorFile>,
    },
    Rotation {
        threshold: u32,
        turn_ms: u64,
        heartbeat_ms: u64,
        /// Keys that sign blocks: `pp_`.
        validators: Vec<String>,
    },
}

/// Epochs of a committee.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EpochsFile {
    /// Blocks of an epoch.
    blocks: u64,
    /// Whether a contract names validators; else, without stake, the parent's operators or the validators before do.
    #[serde(default, skip_serializing_if = "is_no")]
    contract: bool,
    /// Present where validators are those who bond.
    #[serde(skip_serializing_if = "Option::is_none")]
    stake: Option<BondsFile>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_no(flag: &bool) -> bool {
    !*flag
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BondsFile {
    /// Coins, in words of the wallet.
    stake_min: String,
    validators_min: u32,
    unbond_epochs: u32,
    /// Absent for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    renew_epochs: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValidatorFile {
    /// Key that signs blocks: `pp_`.
    key: String,
    weight: u64,
}

impl EngineFile {
    pub fn write(engine: &EngineParams, rules: Option<&CommitteeRules>) -> Self {
        match engine {
            EngineParams::Root(root) => Self::Root {
                edge_bits: root.edge_bits,
                target_initial: root.target_initial,
                retarget: root.retarget,
                paced: root.paced,
                micro_interval_ms: root.micro_interval_ms,
                drift_ms: root.drift_ms,
                micro_per_generation_max: root.micro_per_generation_max,
                micro_bytes_max: root.micro_bytes_max,
                final_depth: root.final_depth,
                settle_ms: root.settle_ms,
                delta_ms: root.delta_ms,
                versions: root.versions.iter().map(|row| (row.from.0, row.version)).collect(),
            },
            EngineParams::Solo(solo) => {
                Self::Solo { leader: solo.leader.text(Prefix::Peer), block_interval_ms: solo.block_interval_ms }
            }
            EngineParams::Committee(committee) => Self::Committee {
                block_interval_ms: committee.block_interval_ms,
                heartbeat_ms: committee.heartbeat_ms,
                epochs: rules.map(EpochsFile::write),
                validators: committee.validators.members().iter().map(ValidatorFile::write).collect(),
            },
            EngineParams::Rotation(rotation) => Self::Rotation {
                threshold: rotation.threshold,
                turn_ms: rotation.turn_ms,
                heartbeat_ms: rotation.heartbeat_ms,
                validators: rotation.validators.members().iter().map(|member| member.key.text(Prefix::Peer)).collect(),
            },
        }
    }

    /// How the validators change, with those that the engine begins with.
    pub fn rules(&self, engine: &EngineParams) -> Result<Option<CommitteeRules>, String> {
        let (Self::Committee { epochs: Some(epochs), .. }, EngineParams::Committee(committee)) = (self, engine) else {
            return Ok(None);
        };
        epochs.read(committee.validators.clone()).map(Some)
    }

    pub fn read(&self) -> Result<EngineParams, String> {
        Ok(match self {
            Self::Root {
                edge_bits,
                target_initial,
                retarget,
                paced,
                micro_interval_ms,
                drift_ms,
                micro_per_generation_max,
                micro_bytes_max,
                final_depth,
                settle_ms,
                delta_ms,
                versions,
            } => EngineParams::Root(RootEngineParams {
                edge_bits: *edge_bits,
                target_initial: *target_initial,
                retarget: *retarget,
                paced: *paced,
                micro_interval_ms: *micro_interval_ms,
                drift_ms: *drift_ms,
                micro_per_generation_max: *micro_per_generation_max,
                micro_bytes_max: *micro_bytes_max,
                final_depth: *final_depth,
                settle_ms: *settle_ms,
                delta_ms: *delta_ms,
                versions: versions
                    .iter()
                    .map(|(from, version)| VersionRow { from: Height(*from), version: *version })
                    .collect(),
            }),
            Self::Solo { leader, block_interval_ms } => EngineParams::Solo(SoloEngineParams {
                leader: PublicKey::from_text(Prefix::Peer, leader)
                    .map_err(|error| format!("engine, leader: {error}"))?,
                block_interval_ms: *block_interval_ms,
            }),
            Self::Committee { block_interval_ms, heartbeat_ms, validators, .. } => {
                let members = validators.iter().map(ValidatorFile::read).collect::<Result<_, _>>()?;
                let validators = ValidatorSet::new(members).map_err(|bad| format!("engine, validators: {bad}"))?;
                let (block_interval_ms, heartbeat_ms) = (*block_interval_ms, *heartbeat_ms);
                EngineParams::Committee(CommitteeEngineParams { validators, block_interval_ms, heartbeat_ms })
            }
            Self::Rotation { threshold, turn_ms, heartbeat_ms, validators } => {
                let validators = validators.iter().map(|key| ValidatorFile { key: key.clone(), weight: 1 }.read());
                let validators = ValidatorSet::new(validators.collect::<Result<_, _>>()?);
                let validators = validators.map_err(|bad| format!("engine, validators: {bad}"))?;
                let (threshold, turn_ms, heartbeat_ms) = (*threshold, *turn_ms, *heartbeat_ms);
                EngineParams::Rotation(RotationEngineParams { validators, threshold, turn_ms, heartbeat_ms })
            }
        })
    }
}

impl EpochsFile {
    fn write(rules: &CommitteeRules) -> Self {
        let stake = rules.bonds().map(|bonds| BondsFile {
            stake_min: bonds.stake_min.to_string(),
            validators_min: bonds.validators_min,
            unbond_epochs: bonds.unbond_epochs,
            renew_epochs: bonds.renew_epochs,
        });
        Self { blocks: rules.epoch_blocks, contract: rules.sets == Sets::Contract, stake }
    }

    fn read(&self, validators: ValidatorSet) -> Result<CommitteeRules, String> {
        let sets = match (&self.stake, self.contract) {
            (None, false) => Sets::Permissioned,
            (None, true) => Sets::Contract,
            (Some(_), true) => return Err("engine, epochs: validators by a contract or by stake, not both".into()),
            (Some(stake), false) => Sets::Stake(BondRules {
                stake_min: stake.stake_min.parse().map_err(|error| format!("engine, epochs, stake_min: {error}"))?,
                validators_min: stake.validators_min,
                unbond_epochs: stake.unbond_epochs,
                renew_epochs: stake.renew_epochs,
            }),
        };
        Ok(CommitteeRules { validators, epoch_blocks: self.blocks, sets })
    }
}

impl ValidatorFile {
    fn write(member: &Member) -> Self {
        Self { key: member.key.text(Prefix::Peer), weight: member.weight }
    }

    fn read(&self) -> Result<Member, String> {
        let key = PublicKey::from_text(Prefix::Peer, &self.key);
        let key = key.map_err(|error| format!("engine, validators, key {}: {error}", self.key))?;
        Ok(Member { key, weight: self.weight })
    }
}
