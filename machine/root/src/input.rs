//! What the shell tells the machine.

use alloc::boxed::Box;

use banyan_types::{Gas, Hash, Height, Peer, Signature, TimeMs};

use crate::{Block, Seq, pow::Cycle};

/// Names one [`crate::Effect::Template`], so that late answers to an older one are known as such.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TemplateId(pub u64);

/// Something happened. The shell tells the time first: everything is judged at the last [`Input::Tick`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The time now. Never goes back: an earlier one is ignored.
    Tick(TimeMs),
    /// A block came in, decoded from exactly its bytes (rule 1), its body hashed by the shell. The shell keeps the body,
    /// if it is the one that the header names, until [`crate::Effect::Refuse`] or [`crate::Effect::Forget`].
    Block {
        /// Who sent it; `None` for what was given to this node itself, such as a block by an external miner.
        from: Option<Peer>,
        /// The block.
        block: Block,
    },
    /// A peer left: what it sent and still waits for its parent is forgotten.
    Gone(Peer),
    /// The answer to [`crate::Effect::Apply`].
    Applied(Hash, Result<(), NotApplied>),
    /// A key block is final, by whatever gadget decides that. It may be unknown here still.
    Final {
        /// The key block.
        hash: Hash,
        /// Its height.
        height: Height,
    },
    /// A majority of the witnesses prevoted this key block in one round: among tips of equal work it is preferred. Of two,
    /// the one told last. It may be unknown here still.
    Witnessed(Hash),
    /// A quorum of the witnesses promised to stay on this micro block, as of now: root 7. It may be unknown here still.
    Locked {
        /// The micro block.
        micro: Hash,
    },
    /// The answer to [`crate::Effect::Template`]: the state's root after the key block's own steps, and the hash of its
    /// body, all zero for an empty one. The shell knows the body by that hash when the block is found.
    Templated(TemplateId, Hash, Hash),
    /// A better seal is there for the next key block: build its template anew.
    Reseal,
    /// A proof of work for [`crate::Effect::Mine`].
    Solved {
        /// Which template.
        template: TemplateId,
        /// The nonce of its graph.
        nonce: u64,
        /// The cycle found there.
        pow: Box<Cycle>,
    },
    /// The mempool has something that a block can take.
    PoolReady,
    /// It has nothing.
    PoolEmpty,
    /// The answer to [`crate::Effect::Build`] on the block named; `None` if no transaction fitted.
    Built(Hash, Option<Draft>),
    /// The answer to [`crate::Effect::SignMicro`]; `None` if the signer refuses.
    Signed(Option<Signature>),
    /// The record of [`crate::Effect::Persist`] is on disk.
    Persisted(Seq),
}

/// What the shell built and executed on a block: the rest of a micro header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Root of the state after it.
    pub state_root: Hash,
    /// List root of its transactions' hashes.
    pub txs_root: Hash,
    /// List root of its receipts' hashes.
    pub receipts_root: Hash,
    /// Gas of all its transactions.
    pub gas_used: Gas,
    /// Size of the body, in bytes.
    pub bytes: u32,
}

/// Why a block was not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotApplied {
    /// The block breaks a rule of the ledger or does not lead to the roots it names: the sender's fault, for ever.
    #[error("block does not execute to what its header says")]
    Invalid,
    /// The store failed, or a version is missing here: this node's fault. The machine stops.
    #[error("block could not be executed here")]
    Ours,
}
