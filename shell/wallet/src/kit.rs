//! An escape kit: all that an account needs to leave a child that is dead, or lies, without asking any of its nodes.
//!
//! For each accepted summary a child has shown its parent one state root. A kit proves what an account holds under that root,
//! also where the account is on a ledger further down. It is fetched while the child lives, and is good until the next
//! summary is accepted. Rules: associates 7.

use banyan_ledger::{ConnectionPoint, key};
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Bytes, Hash, Height, Nonce, Payee,
    associate::ProofStep,
    rlp::{DecodeError, Field as _, Items},
    tx::{AssociateEscape, Transaction},
};

use crate::{
    client::{Client, ClientError, When},
    light::{NotProven, Proven},
    tx::{CannotBuild, Terms, with_fee},
};

banyan_types::record! {
    /// What an account held on a child when a summary was accepted, with the proof.
    Kit {
        /// Network id of the parent, where the claim is made.
        parent: String,
        /// The child at that parent.
        associate: AssociateId,
        /// Number of the summary.
        seq: u64,
        /// The state root that the parent holds.
        root: Hash,
        /// Whose money.
        account: AccountId,
        /// How much.
        amount: Amount,
        /// From the child down to the ledger of the account.
        path: Vec<AssociateId>,
        /// One step for each ledger on the way, and one for the account.
        steps: Vec<ProofStep>,
    }
}

/// Why there is no kit.
#[derive(Debug, thiserror::Error)]
pub enum NoKit {
    /// A node does not answer, or not with what was asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What a node says is not proven.
    #[error(transparent)]
    NotProven(#[from] NotProven),
    /// The parent does not know the child.
    #[error("{0} is not registered there")]
    Unknown(AssociateId),
    /// No summary that commits to a state is final yet, so nothing can be proven under it.
    #[error("{0} has shown its parent no state yet: a kit can be made once a summary is final")]
    NoState(AssociateId),
    /// What the account holds came after the last summary that is final.
    #[error(
        "what {0} holds came after the state that the parent knows of: a kit can be made once a later summary is final"
    )]
    NotShown(AccountId),
    /// The account holds nothing there.
    #[error("{0} holds nothing there")]
    Nothing(AccountId),
}

impl NoKit {
    /// Whether there may be one once the child's next summary is final.
    pub fn is_early(&self) -> bool {
        match self {
            Self::NoState(_) | Self::NotShown(_) => true,
            // The summary's state is kept no longer; the next one's will be.
            Self::Client(ClientError::Refused(refusal)) => refusal.code == "collected",
            _ => false,
        }
    }
}

/// Why a kit is of no use, or not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The parent has accepted another summary since, or never this one.
    #[error("the parent holds summary {held}, the kit is of summary {seq}")]
    Summary {
        /// The parent's last.
        held: u64,
        /// The kit's.
        seq: u64,
    },
    /// The parent holds another state under that number.
    #[error("the parent holds another state root")]
    Root,
    /// The child is not dead: try later.
    #[error("the child counts as alive up to height {until} at least, the parent is at {height}")]
    Alive {
        /// The last height at which it is, if nothing is heard of it.
        until: Height,
        /// The parent's.
        height: Height,
    },
}

impl Kit {
    /// Make one. `parent` is where `path` begins: the first of it is the parent's child, each further one a child of the one
    /// before; `ledgers` are asked in the same order, and the last is the account's.
    /// # Errors
    /// The first [`NoKit`] on the way down.
    pub fn fetch(
        parent: &Client,
        (path, ledgers): (&[AssociateId], &[Client]),
        account: AccountId,
    ) -> Result<Self, NoKit> {
        let top = path.first().copied().ok_or(NoKit::Unknown(AssociateId::ZERO))?;
        let held = parent.prove(&[key::point(top)], When::Final)?.point(top)?.ok_or(NoKit::Unknown(top))?;
        let (mut steps, mut point) = (Vec::new(), held.clone());
        for (at, ledger) in ledgers.iter().enumerate() {
            let here = path.get(at).copied().unwrap_or(top);
            if point.point.root == Hash::ZERO {
                return Err(NoKit::NoState(here));
            }
            let below = path.get(at + 1).copied();
            let keys = match below {
                Some(child) => vec![key::point(child), key::escrow(child, Asset::Coin)],
                None => vec![key::account(account)],
            };
            let (proven, step) = step(ledger, &keys, point.point.block_hash)?;
            steps.push(step);
            if let Some(child) = below {
                point = proven.point(child)?.ok_or(NoKit::Unknown(child))?;
            } else {
                let amount = proven.balance(account)?;
                if amount.is_zero() {
                    let now = ledger.prove(&keys, When::Top)?.balance(account)?;
                    return Err(if now.is_zero() { NoKit::Nothing(account) } else { NoKit::NotShown(account) });
                }
                let (seq, root) = (held.point.seq, held.point.root);
                let parent = parent.status()?.network_id;
                let path = path.iter().skip(1).copied().collect();
                return Ok(Self { parent, associate: top, seq, root, account, amount, path, steps });
            }
        }
        Err(NoKit::Nothing(account))
    }

    /// Whether a claim with it would be taken after a block of this height, as far as the parent's own object says.
    /// # Errors
    /// [`Unusable`].
    pub fn check(&self, point: &ConnectionPoint, height: Height) -> Result<(), Unusable> {
        if point.point.seq != self.seq {
            return Err(Unusable::Summary { held: point.point.seq, seq: self.seq });
        }
        if point.point.root != self.root {
            return Err(Unusable::Root);
        }
        let silent = point.last_alive.plus(point.params.silence);
        // The block that takes the claim is one further.
        let is_dead = point.standing(height.next().unwrap_or(height)).is_dead();
        if is_dead {
            Ok(())
        } else {
            Err(Unusable::Alive { until: silent.unwrap_or(point.expiry).min(point.expiry), height })
        }
    }

    /// The claim: signed by the account's owner it needs no authorization.
    /// # Errors
    /// [`CannotBuild`].
    pub fn claim(&self, terms: &Terms) -> Result<Transaction, CannotBuild> {
        let escape = AssociateEscape {
            associate_id: self.associate,
            from_id: self.account,
            account_id: Payee::Account(self.account),
            asset: Asset::Coin,
            path: self.path.clone(),
            proofs: self.steps.clone(),
            authorization: Bytes::default(),
            ttl: terms.ttl.unwrap_or(Height(0)),
            fee: Amount::ZERO,
            nonce: Nonce(terms.nonce.0),
        };
        with_fee(escape.into(), terms)
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }

    /// Read exactly these bytes.
    /// # Errors
    /// The first [`DecodeError`] that applies.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::take_fields(&mut Items::of(bytes)?)
    }
}

/// Leaves of the state after a block, with the proof that stands for them in a claim.
fn step(ledger: &Client, keys: &[banyan_ledger::Key], block: Hash) -> Result<(Proven, ProofStep), NoKit> {
    let (proven, proof) = ledger.proof(keys, When::Block(block))?;
    let leaf = |key| proven.leaves().find(|(at, _)| *at == key).and_then(|(_, value)| value).unwrap_or_default();
    let leaves = keys.iter().map(|key| Bytes(leaf(key).to_vec())).collect();
    let proof = proof.claim().map(|claim| Bytes(claim.proof)).unwrap_or_default();
    Ok((proven, ProofStep { leaves, proof }))
}
