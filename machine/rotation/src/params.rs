//! What a child's genesis and its connection point fix for the machine.

use alloc::string::String;

use banyan_child::SummaryParams;
use banyan_types::{AssociateId, header::PROTOCOL_VERSION};

/// The parameters of a child that its machine reads. Times are milliseconds of the local clock. Source: associates 2, 5, 10.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationParams {
    /// The child's own network: part of everything that validators sign.
    pub network_id: String,
    /// The child, as its parent knows it.
    pub associate: AssociateId,
    /// Protocol version that every header carries.
    pub version: u32,
    /// How long a leader's block is waited for. Blocks keep half of it between them, so that commitments have arrived.
    pub turn_ms: u64,
    /// Time between empty blocks that are made only to make others final, once several did not help.
    pub heartbeat_ms: u64,
    /// After this long without progress, statements are sent again and blocks are asked for.
    pub repeat_ms: u64,
    /// After this long without progress and without hearing from enough validators, there are not enough.
    pub quorum_ms: u64,
    /// When and how it summarises.
    pub summaries: SummaryParams,
}

impl RotationParams {
    /// The defaults: a turn a second.
    pub fn main(network_id: impl Into<String>, associate: AssociateId, silence: u64) -> Self {
        Self {
            network_id: network_id.into(),
            associate,
            version: PROTOCOL_VERSION,
            turn_ms: 1_000,
            heartbeat_ms: 10_000,
            repeat_ms: 1_000,
            quorum_ms: 5_000,
            summaries: SummaryParams::dev(silence),
        }
    }

    /// The profile `dev`: turns of 200 ms.
    pub fn dev(network_id: impl Into<String>, associate: AssociateId, silence: u64) -> Self {
        Self { turn_ms: 200, repeat_ms: 400, quorum_ms: 2_000, ..Self::main(network_id, associate, silence) }
    }
}
