//! Carry a book's side of its connection: credits down, summaries with withdrawals up.
//!
//! One summary is under way at a time, and a block is closed only where the one before is settled: so the book never promises the
//! parent two things. Everything that was promised is in the book, and said again after a crash in the same words.

use banyan_ledger::{ConnectionPoint, Standing};
use banyan_node::{At, NodeError, Operators, Parent};
use banyan_types::{
    AccountId, Amount, AssociateId, Bytes, Height,
    associate::Summary,
    limits::INBOX_PER_BLOCK_MAX,
    tx::{AssociateRemit, SignedTx, Transaction},
};

use crate::{Book, Ours, ParentBlock, Position, Skipped};

/// A summary is due without any work after this part of the time in which silence means death. Source: associates 2, 5.
const HEARTBEAT_DIV: u64 = 20;

/// Speaks for a child to its parent: keys in a file, in a device, or of several people.
pub trait Signer {
    /// The authorization of a summary, as the connection point asks for it; `None` while too few have signed.
    fn authorise(&mut self, point: &ConnectionPoint, summary: &Summary, parent_network: &str) -> Option<Bytes>;
    /// The account that pays for remits.
    fn payer(&self) -> AccountId;
    /// Sign a remit for it.
    fn pay(&mut self, tx: Transaction, parent_network: &str) -> SignedTx;
}

impl Signer for Operators {
    fn authorise(&mut self, point: &ConnectionPoint, summary: &Summary, parent_network: &str) -> Option<Bytes> {
        let signs = |operator: &&AccountId| self.signers.iter().any(|key| key.public() == operator.0);
        let able = point.operators.iter().filter(signs).count();
        (able >= usize::from(point.threshold)).then(|| Self::authorise(self, point, summary, parent_network))
    }

    fn payer(&self) -> AccountId {
        AccountId(self.payer.public())
    }

    fn pay(&mut self, tx: Transaction, parent_network: &str) -> SignedTx {
        tx.sign(parent_network, &self.payer)
    }
}

/// Why an adapter cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The book.
    #[error(transparent)]
    Ours(#[from] Ours),
    /// What is known of the parent cannot be read.
    #[error(transparent)]
    Parent(#[from] NodeError),
    /// The parent has taken a summary that this book never made: it is an older copy.
    #[error(
        "the parent has taken summary {taken}, this book knows of {known}: it is an older copy, and must not go on"
    )]
    OldCopy {
        /// The parent's.
        taken: u64,
        /// The book's.
        known: u64,
    },
}

/// What a step has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Did {
    /// Nothing: there is nothing to do.
    Nothing,
    /// The inbox was taken in up to this number, but for these.
    Credited {
        /// Entries below this number are in the book.
        to: u64,
        /// Those whose money goes back.
        skipped: Vec<Skipped>,
    },
    /// A block was closed.
    Closed(Box<Summary>),
    /// This remit is to be given to the parent.
    Remit(Box<SignedTx>),
    /// The parent has taken the summary of this number, for good.
    Settled(u64),
    /// The child is not open on the parent: nothing is taken in or given up.
    Stands(&'static str),
}

/// The link between a book and its parent.
pub struct Adapter<B, P, S> {
    book: B,
    parent: P,
    signer: S,
    child: AssociateId,
    /// The remit that was made last, and the parent's height then: it is made again when that has moved on.
    sent: Option<(u64, Height)>,
}

impl<B: Book, P: Parent, S: Signer> Adapter<B, P, S> {
    /// Where the book of `child` hangs from `parent`.
    pub const fn new(book: B, parent: P, signer: S, child: AssociateId) -> Self {
        Self { book, parent, signer, child, sent: None }
    }

    /// The book.
    pub const fn book(&mut self) -> &mut B {
        &mut self.book
    }

    /// Do the next thing that is to be done.
    /// # Errors
    /// What is ours: the adapter must stop, and may be started again.
    pub fn step(&mut self) -> Result<Did, Stopped> {
        let (tip, point) = (self.parent.tip()?, self.parent.point(At::Final)?);
        let stands = self.book.position()?;
        let known = stands.height.0;
        if point.point.seq > known {
            return Err(Stopped::OldCopy { taken: point.point.seq, known });
        }
        if let Some(pending) = stands.pending {
            return self.follow_up(&tip, &point, &pending);
        }
        let standing = point.standing(tip.height);
        if matches!(standing, Standing::Dead) {
            return Ok(Did::Stands(standing.as_str()));
        }
        if let Some(credited) = self.take_in(&tip, &stands)? {
            return Ok(credited);
        }
        let silent = tip.height.0.saturating_sub(point.last_alive.0);
        if stands.has_work || silent > point.params.silence / HEARTBEAT_DIV {
            return Ok(Did::Closed(Box::new(self.book.close_block(&tip)?)));
        }
        Ok(Did::Nothing)
    }

    /// See whether the parent has taken the summary, and give it again if it has not.
    fn follow_up(&mut self, tip: &ParentBlock, point: &ConnectionPoint, pending: &Summary) -> Result<Did, Stopped> {
        if point.point.seq >= pending.seq {
            self.book.settled(pending.seq)?;
            return Ok(Did::Settled(pending.seq));
        }
        let top = self.parent.point(At::Tip)?;
        let was_sent = self.sent.is_some_and(|(seq, height)| seq == pending.seq && height == tip.height);
        if top.point.seq >= pending.seq || was_sent {
            return Ok(Did::Nothing);
        }
        let remit = self.remit(&top, pending)?;
        if remit.is_some() {
            self.sent = Some((pending.seq, tip.height));
        }
        Ok(remit.map_or(Did::Nothing, |tx| Did::Remit(Box::new(tx))))
    }

    /// Credit what has come down since.
    fn take_in(&mut self, tip: &ParentBlock, stands: &Position) -> Result<Option<Did>, Stopped> {
        // As much as one block of any other child: one summary could take more, but what is skipped must fit as well.
        let to = tip.inbox_next.min(stands.inbox.saturating_add(INBOX_PER_BLOCK_MAX));
        if to <= stands.inbox {
            return Ok(None);
        }
        let Some(entries) = self.parent.inbox(stands.inbox, to)? else { return Ok(None) };
        let skipped = self.book.credit(tip, &entries)?;
        Ok(Some(Did::Credited { to, skipped }))
    }

    /// The remit of a summary; `None` while too few have signed.
    fn remit(&mut self, point: &ConnectionPoint, summary: &Summary) -> Result<Option<SignedTx>, Stopped> {
        let lines = summary.outbox_acked.saturating_sub(point.point.outbox_acked);
        let lines = self.book.outbox(point.point.outbox_acked, u16::try_from(lines).unwrap_or(u16::MAX))?;
        let network = self.parent.params().network_id.clone();
        let Some(authorization) = self.signer.authorise(point, summary, &network) else { return Ok(None) };
        let payer = self.signer.payer();
        let nonce = self.parent.next_nonce(payer)?;
        let remit = AssociateRemit {
            associate_id: self.child,
            from_id: payer,
            authorization,
            summary: summary.clone(),
            lines,
            ttl: Height(0),
            fee: Amount::ZERO,
            nonce,
        };
        let tx = banyan_node::with_least_fee(self.parent.params(), remit.into());
        Ok(Some(self.signer.pay(tx, &network)))
    }
}
