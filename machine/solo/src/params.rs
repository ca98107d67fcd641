//! What a child's genesis and its connection point fix for the machine.

use alloc::string::String;

use banyan_types::{AssociateId, PublicKey, header::PROTOCOL_VERSION, limits::REMIT_LINES_MAX};

/// Heartbeats in a silence: so many summaries may be lost before the child counts as dead. Source: associates 5.
const HEARTBEATS_PER_SILENCE: u64 = 20;

/// The parameters of a child that its machine reads. Source: associates 2, 5; node 4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoloParams {
    /// The child's own network: stands before what the operator signs.
    pub network_id: String,
    /// The child, as its parent knows it.
    pub associate: AssociateId,
    /// Key of whoever orders it.
    pub operator: PublicKey,
    /// Protocol version that every header carries.
    pub version: u32,
    /// Least time between two blocks with transactions, in milliseconds of the local clock.
    pub block_interval_ms: u64,
    /// Parent heights without an accepted summary after which the child is dead.
    pub silence: u64,
    /// Withdrawals in one summary, at most.
    pub remit_lines_max: u64,
    /// A summary without an answer is sent again after this long, in milliseconds.
    pub resend_ms: u64,
}

impl SoloParams {
    /// The profile `dev`: a block every 200 ms where there is something to put into it.
    pub fn dev(network_id: impl Into<String>, associate: AssociateId, operator: PublicKey, silence: u64) -> Self {
        Self {
            network_id: network_id.into(),
            associate,
            operator,
            version: PROTOCOL_VERSION,
            block_interval_ms: 200,
            silence,
            remit_lines_max: REMIT_LINES_MAX as u64,
            resend_ms: 10_000,
        }
    }

    /// Parent heights between two summaries that carry nothing.
    pub(crate) fn heartbeat(&self) -> u64 {
        (self.silence / HEARTBEATS_PER_SILENCE).max(1)
    }
}
