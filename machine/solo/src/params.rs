//! What a child's genesis and its connection point fix for the machine.

use alloc::string::String;

use banyan_child::SummaryParams;
use banyan_types::{AssociateId, PublicKey, header::PROTOCOL_VERSION};

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
    /// When and how it summarises.
    pub summaries: SummaryParams,
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
            summaries: SummaryParams::dev(silence),
        }
    }
}
