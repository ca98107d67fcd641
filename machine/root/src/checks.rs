//! How proofs of work and leaders' signatures are checked.

use banyan_crypto::BadSignature;
use banyan_types::{
    PublicKey,
    header::{KEY_WORKED_BYTES, KeyHeader, MicroHeader},
};

use crate::{
    pow::{self, BadCycle, EdgeBits, Seed},
    target::Target,
};

/// The checks that cost most of a block's time. A simulator that walks through thousands of worlds puts its own here, over
/// proofs and signatures that it made up; a node has no choice.
#[derive(Clone, Copy, Debug)]
pub struct Checks {
    /// Rule 3: that the header's proof of work is a cycle of its graph and meets the target.
    pub work: fn(&KeyHeader, EdgeBits, &Target) -> Result<(), BadCycle>,
    /// Rule 5: that a micro header of the network is signed by this leader.
    pub leader: fn(&MicroHeader, &PublicKey, &str) -> Result<(), BadSignature>,
}

impl Checks {
    /// The protocol's own.
    pub const PROTOCOL: Self = Self { work: check_work, leader: check_leader };
}

/// Two are equal when they are the same functions.
impl PartialEq for Checks {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::fn_addr_eq(self.work, other.work) && core::ptr::fn_addr_eq(self.leader, other.leader)
    }
}

impl Eq for Checks {}

fn check_work(header: &KeyHeader, edge_bits: EdgeBits, target: &Target) -> Result<(), BadCycle> {
    let bytes = header.encode();
    let prefix = bytes.first_chunk::<KEY_WORKED_BYTES>().expect("a key header has 400 bytes");
    pow::verify(&Seed::of_header(prefix, header.nonce), edge_bits, &header.pow, target)
}

fn check_leader(header: &MicroHeader, leader: &PublicKey, network_id: &str) -> Result<(), BadSignature> {
    let message = header.signing_message(network_id);
    banyan_crypto::verify(banyan_crypto::Claim { key: &leader.0, message: &message, signature: &header.signature.0 })
}
