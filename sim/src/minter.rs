//! A child's operator who lies: it keeps no ledger, and signs whatever might pay.

use banyan_ledger::{ConnectionPoint, rules};
use banyan_node::{Chain, Leaves as _, Node, NodeError};
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Hash, Height, Nonce, Payee, Signature, TxHash,
    associate::{OperatorSignature, OutboxEntry, Summary, operators_authorization},
    tx::{AssociateRemit, SignedTx, Transaction},
};

use crate::{promise::Expect, random::Random, setting::Who};

/// More than all users have.
const FORTUNE_COINS: u64 = 1_000_000;

/// The liar. It waits for the end of one lie before it tells the next.
pub struct Minter {
    random: Random,
    child: AssociateId,
    last: Option<TxHash>,
}

/// A way to lie, and the rule that it breaks; the first breaks none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// Pays itself what others have put in: the loss that a user of this regime has chosen to risk.
    Steal,
    /// Pays itself more than is in the escrow.
    Mint,
    /// Pays itself what it has not credited.
    Uncredited,
    /// Says that its inbox held something else.
    Inbox,
    /// Skips an entry that does not exist.
    Skip,
    /// Says the same number again.
    Replay,
    /// Lists other lines than its hash covers.
    Lines,
    /// Names a parent block that is not there.
    Parent,
    /// Signs with another key.
    Unsigned,
}

impl Lie {
    const ALL: [Self; 9] = [
        Self::Steal,
        Self::Mint,
        Self::Uncredited,
        Self::Inbox,
        Self::Skip,
        Self::Replay,
        Self::Lines,
        Self::Parent,
        Self::Unsigned,
    ];

    const fn expect(self) -> Expect {
        match self {
            Self::Steal => Expect::Good,
            Self::Mint | Self::Uncredited => Expect::Dropped("escrow"),
            Self::Inbox => Expect::Dropped("inbox"),
            Self::Skip => Expect::Dropped("skipped"),
            Self::Replay => Expect::Dropped("sequence_used"),
            Self::Lines => Expect::Dropped("outbox"),
            Self::Parent => Expect::Dropped("parent"),
            Self::Unsigned => Expect::Dropped("authorization"),
        }
    }
}

impl Minter {
    /// The operator of `child`.
    pub fn new(seed: u64, child: AssociateId) -> Self {
        Self { random: Random::named(seed, "minter"), child, last: None }
    }

    /// Lie once more, if the last lie has come to its end.
    /// # Errors
    /// What the node's chain answers.
    pub fn act(&mut self, node: &Node) -> Result<Option<(SignedTx, Expect)>, NodeError> {
        let pool = node.pool().read().map_err(|_| NodeError::Ended)?;
        if self.last.is_some_and(|last| pool.get(&last).is_some()) {
            return Ok(None);
        }
        drop(pool);
        let lie = *self.random.pick(&Lie::ALL).unwrap_or(&Lie::Mint);
        let told = self.tell(node, lie)?;
        self.last = told.as_ref().map(SignedTx::hash).or(self.last);
        Ok(told.map(|tx| (tx, lie.expect())))
    }

    /// A remit that lies in this way on the present state.
    fn tell(&mut self, node: &Node, lie: Lie) -> Result<Option<SignedTx>, NodeError> {
        let (chain, head) = (node.chain(), node.chain().head()?);
        let Some(point) = head.view.associate(self.child)? else { return Ok(None) };
        let escrow = head.view.escrow(self.child)?;
        let possible = match lie {
            Lie::Steal => !escrow.held().is_zero(),
            Lie::Uncredited => !escrow.waiting.is_zero(),
            Lie::Replay => point.point.seq > 0,
            _ => true,
        };
        if !possible {
            return Ok(None);
        }
        let amount = match lie {
            Lie::Mint => Amount::coins(FORTUNE_COINS).unwrap_or(Amount::MAX),
            _ => escrow.held(),
        };
        let mut summary = self.honest(chain, &point, lie != Lie::Uncredited)?;
        let mut lines = if amount.is_zero() { vec![] } else { vec![line(&point, amount)] };
        summary.outbox_acked += lines.len() as u64;
        summary.outbox_hash = lines.iter().fold(summary.outbox_hash, |before, line| line.chain(before));
        self.twist(lie, &mut summary, &mut lines);
        let params = chain.params();
        let signer = if lie == Lie::Unsigned { Who::Stranger } else { Who::Liar };
        let signature = Signature(signer.key().sign(&summary.signing_message(&params.network_id)));
        let nonce = head.view.account(Who::Liar.account())?.and_then(|account| account.nonce.next());
        let remit = AssociateRemit {
            associate_id: self.child,
            from_id: Who::Liar.account(),
            authorization: operators_authorization(&[OperatorSignature { index: 0, signature }]),
            summary,
            lines,
            ttl: Height(0),
            fee: Amount::ZERO,
            nonce: nonce.unwrap_or(Nonce(1)),
        };
        let priced = (0..3).fold(remit, |remit, _| {
            let tx = Transaction::from(remit.clone());
            let fee = rules::minimum_fee(params, &tx, tx.encode().len(), head.header.height());
            AssociateRemit { fee: fee.unwrap_or(Amount::MAX), ..remit }
        });
        Ok(Some(Transaction::from(priced).sign(&params.network_id, &Who::Liar.key())))
    }

    /// The summary of somebody who has credited everything that is final, or nothing, and withdrawn nothing.
    fn honest(&self, chain: &Chain, point: &ConnectionPoint, settles: bool) -> Result<Summary, NodeError> {
        let named = chain.last_final()?;
        let known = named.view.associate(self.child)?.map_or(0, |point| point.inbox_next);
        let inbox_acked = if settles { known.max(point.inbox_acked) } else { point.inbox_acked };
        let last = match inbox_acked.checked_sub(1).filter(|last| *last >= point.inbox_acked) {
            Some(last) => chain.head()?.view.inbox_entry(self.child, last)?,
            None => None,
        };
        Ok(Summary {
            associate: self.child,
            seq: point.point.seq + 1,
            child_from: point.point.child_to,
            child_to: Height(point.point.child_to.0 + 1),
            block_hash: Hash([8; 32]),
            root: Hash::ZERO,
            parent_hash: named.hash,
            parent_height: named.header.height(),
            inbox_acked,
            inbox_hash: last.map_or(point.inbox_acked_hash, |entry| entry.hash),
            skipped: vec![],
            outbox_acked: point.point.outbox_acked,
            outbox_hash: point.point.outbox_hash,
            set_hash: Hash::ZERO,
        })
    }

    fn twist(&mut self, lie: Lie, summary: &mut Summary, lines: &mut [OutboxEntry]) {
        match lie {
            Lie::Inbox => summary.inbox_hash.0[self.random.place(32)] ^= 1,
            Lie::Skip => summary.skipped.push(summary.inbox_acked + self.random.below(3)),
            Lie::Replay => summary.seq -= 1,
            Lie::Lines if lines.is_empty() => summary.outbox_acked += 1,
            Lie::Lines => lines.iter_mut().for_each(|line| line.amount = Amount::ZERO),
            Lie::Parent => {
                summary.parent_height = Height(0);
                summary.parent_hash.0[0] ^= 1;
            }
            Lie::Steal | Lie::Mint | Lie::Uncredited | Lie::Unsigned => {}
        }
    }
}

/// One withdrawal by the liar to itself.
fn line(point: &ConnectionPoint, amount: Amount) -> OutboxEntry {
    let from: AccountId = Who::Liar.account();
    OutboxEntry {
        n: point.point.outbox_acked,
        from,
        to: Payee::Account(from),
        asset: Asset::Coin,
        amount,
        route: vec![],
        leg: Hash::ZERO,
        child_height: Height(point.point.child_to.0 + 1),
    }
}
