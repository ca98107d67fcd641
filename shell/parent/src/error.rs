//! Why a parent is not followed, and whose fault that is.

use banyan_ledger::{Fault, follow::NotFollowed};
use banyan_node::NodeError;
use banyan_types::{AssociateId, Hash, Height};
use banyan_wallet::client::ClientError;

/// Why nothing was learned from a node of the parent.
#[derive(Debug, thiserror::Error)]
pub enum ParentError {
    /// No node is named.
    #[error("no node of the parent is named")]
    NoUrl,
    /// The genesis of the parent begins no ledger.
    #[error("the parent's genesis: {0}")]
    Genesis(NodeError),
    /// The parent has no seals that could be followed.
    #[error("nothing seals the parent's blocks for others: its node has to be believed, or run here ({0})")]
    Unsealed(NotFollowed),
    /// The node cannot be asked, or what it says does not hold.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The node runs another ledger.
    #[error("{url} runs another ledger: its genesis is {got}, the parent's is {expected}")]
    OtherLedger {
        /// The node.
        url: String,
        /// The parent's genesis.
        expected: Hash,
        /// The node's.
        got: String,
    },
    /// Nothing of the parent is sealed yet.
    #[error("nothing of the parent is final yet")]
    NothingFinal,
    /// The child is not in the parent's state.
    #[error("{child} is not registered on the parent at height {height}")]
    Unregistered {
        /// The child.
        child: AssociateId,
        /// The final height that was looked at.
        height: Height,
    },
    /// The node shows less than was proven before.
    #[error("the node shows height {got}; {held} was proven already")]
    Behind {
        /// The height proven before.
        held: Height,
        /// The node's.
        got: Height,
    },
    /// A header does not follow from the one above it.
    #[error("the headers below {above} do not link")]
    Unlinked {
        /// A height that is proven.
        above: Height,
    },
    /// The memory of seals cannot be kept.
    #[error("{path}: {why}")]
    Memory {
        /// The file.
        path: String,
        /// What the system says.
        why: String,
    },
    /// Seals that were kept are broken.
    #[error("the seals kept do not read: {0}")]
    BrokenMemory(NotFollowed),
}

impl ParentError {
    /// Whose fault. All but what is set up wrongly may pass: another node, or the same one later.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NoUrl | Self::Genesis(_) | Self::Unsealed(_) => Fault::Invalid,
            Self::Memory { .. } | Self::BrokenMemory(_) => Fault::Ours,
            _ => Fault::Early,
        }
    }

    /// Whether it stays so whatever any node says.
    pub fn is_lasting(&self) -> bool {
        self.fault() != Fault::Early
    }
}
