//! What a child's genesis and its connection point fix for the machine.

use alloc::string::String;

use banyan_child::SummaryParams;
use banyan_types::{AssociateId, header::PROTOCOL_VERSION};

/// The parameters of a child that its machine reads. Times are milliseconds of the local clock. Source: associates 2, 5, 9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitteeParams {
    /// The child's own network: part of everything that validators sign.
    pub network_id: String,
    /// The child, as its parent knows it.
    pub associate: AssociateId,
    /// Protocol version that every header carries.
    pub version: u32,
    /// Target interval: least time between two blocks, in epochs of which no contract says another.
    pub block_interval_ms: u64,
    /// A block is made after this long even if there is nothing to put into it.
    pub heartbeat_ms: u64,
    /// How long a leader is waited for in view 0.
    pub propose_ms: u64,
    /// How long votes are waited for in view 0, once a quorum disagrees.
    pub vote_ms: u64,
    /// How much longer than in the view before.
    pub longer_ms: u64,
    /// Views after which waits grow no more.
    pub longer_views_max: u32,
    /// After this long without progress, votes are sent again, and a block that others have may be asked for.
    pub repeat_ms: u64,
    /// After this long in one height without hearing from a quorum, there is none.
    pub quorum_ms: u64,
    /// When and how it summarises.
    pub summaries: SummaryParams,
}

impl CommitteeParams {
    /// The defaults: a block a second where there is something to put into it.
    pub fn main(network_id: impl Into<String>, associate: AssociateId, silence: u64) -> Self {
        Self {
            network_id: network_id.into(),
            associate,
            version: PROTOCOL_VERSION,
            block_interval_ms: 1_000,
            heartbeat_ms: 10_000,
            propose_ms: 1_000,
            vote_ms: 500,
            longer_ms: 200,
            longer_views_max: 100,
            repeat_ms: 1_000,
            quorum_ms: 5_000,
            summaries: SummaryParams::dev(silence),
        }
    }

    /// The profile `dev`: a block every 200 ms where there is something to put into it.
    pub fn dev(network_id: impl Into<String>, associate: AssociateId, silence: u64) -> Self {
        Self {
            block_interval_ms: 200,
            propose_ms: 600,
            vote_ms: 200,
            longer_ms: 100,
            ..Self::main(network_id, associate, silence)
        }
    }
}
