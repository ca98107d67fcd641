//! The way to the parent and back: what it has made final, and the remits that carry withdrawals up.

use std::collections::BTreeMap;

use banyan_child::Range;
use banyan_committee::Handover;
use banyan_crypto::SecretKey;
use banyan_ledger::{ConnectionPoint, Params, ParentTip, PointView, UsedKey, key, rules, summary_of};
use banyan_store::{Commit, Flush, Place};
use banyan_types::{
    AccountId, Amount, Bytes, Hash, Height, Nonce, Signature,
    associate::{
        CertifiedBlock, Change, InboxEntry, OperatorSignature, OutboxEntry, ProofStep, Regime, Summary, Validators,
        operators_authorization,
    },
    committee::{Certificate, SignedStatement},
    header::ChildHeader,
    rlp::{Field as _, Tail},
    tx::{AssociateEvidence, AssociateRemit, AssociateUpdate, Evidence, SignedTx, Transaction},
};

use super::{PROOF_RECORD, SEAL_RECORD, newest};
use crate::{
    Chain, Header, Leaves as _, NodeError, Parent,
    node::{Core, Order},
    parent::At,
};

/// Kind of the record that holds the newest remit that was sent.
const REMIT_RECORD: u8 = 4;

/// Accounts of the parent that answer for the child.
#[derive(Debug, Clone)]
pub struct Operators {
    /// Keys that sign summaries; each must be among the connection point's operators.
    pub signers: Vec<SecretKey>,
    /// Sends remits and pays their fees.
    pub payer: SecretKey,
}

banyan_types::record! {
    /// A remit that was sent.
    Sent {
        /// Number of the summary.
        seq: u64,
        /// The signed transaction.
        tx: Bytes,
    }
}

/// A child's link to its parent.
pub struct Link {
    parent: Box<dyn Parent>,
    /// None where this node sends no summaries.
    operators: Option<Operators>,
    /// Parent blocks that the machine was told of and may still name, by height.
    told: BTreeMap<Height, ParentTip>,
    /// Earlier ones, whose states are kept no longer: what final blocks of the child say of them.
    recalled: BTreeMap<Height, ParentTip>,
    accepted: u64,
    /// A height that was asked for and was not known yet.
    asked: Option<Height>,
}

/// What the parent has made final since it was looked at last.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// A block to name.
    pub tip: Option<ParentTip>,
    /// The block at a height that was asked for earlier, known by now.
    pub answer: Option<ParentTip>,
    /// The number of a summary that was accepted, and the child's block that it ends at.
    pub accepted: Option<(u64, Height)>,
}

impl Link {
    /// Where the parent holds `point`, and the child's head names `named`.
    pub fn new(
        parent: Box<dyn Parent>,
        operators: Option<Operators>,
        point: &ConnectionPoint,
        named: Option<ParentTip>,
    ) -> Self {
        let told = named.map(|tip| (tip.height, tip)).into_iter().collect();
        Self { parent, operators, told, recalled: BTreeMap::new(), accepted: point.point.seq, asked: None }
    }

    /// See what the parent has made final: a block to name, a summary accepted.
    pub fn look_up(&mut self) -> Result<Seen, NodeError> {
        let tip = self.parent.tip()?;
        let is_new = self.told.last_key_value().is_none_or(|(height, _)| *height < tip.height);
        if is_new {
            self.told.insert(tip.height, tip);
        }
        let point = self.parent.point(At::Final)?.point;
        let accepted = (point.seq > self.accepted).then_some((point.seq, point.child_to));
        self.accepted = point.seq;
        let answer = self.asked.take().map_or(Ok(None), |height| self.ask(height))?;
        Ok(Seen { tip: is_new.then_some(tip), answer, accepted })
    }

    /// The final parent block at a height, if it is final by now.
    pub fn ask(&mut self, height: Height) -> Result<Option<ParentTip>, NodeError> {
        let found = self.parent.tip_at(height)?;
        let exact = found.filter(|tip| tip.height == height).or_else(|| self.recalled.get(&height).copied());
        let tip = exact.or(found);
        self.asked = tip.is_none().then_some(height);
        if let Some(tip) = tip {
            self.told.insert(tip.height, tip);
        }
        Ok(tip)
    }

    /// Final blocks of the child name these parent blocks. Where the parent keeps a block's state no longer, how far the
    /// child's inbox went there is what the last of them that names it has settled: none may be held back.
    pub fn recall(&mut self, headers: &[ChildHeader]) -> Result<(), NodeError> {
        for header in headers {
            let (height, inbox_next) = (header.parent_height, header.inbox_to);
            if let Some(known) = self.recalled.get_mut(&height).filter(|known| known.hash == header.parent_hash) {
                known.inbox_next = known.inbox_next.max(inbox_next);
                continue;
            }
            let past = self.parent.past(height, inbox_next)?;
            self.recalled.extend(past.filter(|past| past.hash == header.parent_hash).map(|past| (height, past)));
        }
        Ok(())
    }

    /// A block that is here names this parent block.
    pub fn remember(&mut self, tip: ParentTip) {
        self.told.insert(tip.height, tip);
    }

    /// The parent block that a header names, which the machine was told of.
    pub fn told(&self, header: &ChildHeader) -> Result<ParentTip, NodeError> {
        let told = self.told.get(&header.parent_height).filter(|tip| tip.hash == header.parent_hash);
        told.copied().ok_or_else(|| NodeError::Parent("never told".into()))
    }

    /// The head names this height now: earlier ones are done with.
    pub fn named(&mut self, height: Height) {
        self.told = self.told.split_off(&height);
        self.recalled = self.recalled.split_off(&height);
    }

    /// Entries `from..to` of the child's inbox; `None` if the parent keeps them no longer.
    pub fn inbox(&self, from: u64, to: u64) -> Result<Option<Vec<InboxEntry>>, NodeError> {
        self.parent.inbox(from, to)
    }

    /// Give the parent the summary of these blocks, unless it has it; the same bytes again while they may still count.
    pub fn summarise(&self, core: &mut Core, range: Range) -> Result<(), NodeError> {
        let Some(operators) = &self.operators else { return Ok(()) };
        let point = self.parent.point(At::Tip)?;
        if point.point.seq >= range.seq {
            return Ok(());
        }
        let payer = AccountId(operators.payer.public());
        let nonce = self.parent.next_nonce(payer)?;
        let sent: Option<Sent> = newest(&core.chain, REMIT_RECORD)?;
        let sent = sent.filter(|sent| sent.seq == range.seq).map(|sent| SignedTx::decode(&sent.tx.0)).transpose()?;
        if let Some(tx) = sent.filter(|tx| tx.transaction().nonce() >= nonce) {
            core.order(Order::ToParent(Box::new(tx)));
            return Ok(());
        }
        let (summary, lines) = summary(&core.chain, &point, range)?;
        let authorization = match &point.regime {
            // It is handed over to that set first.
            Regime::Certificate(known) if !follows(known, summary.set_hash) => return Ok(()),
            Regime::Certificate(_) => certified(&core.chain, range.to)?,
            _ => operators.authorise(&point, &summary, &self.parent.params().network_id),
        };
        let remit = operators.remit(self.parent.params(), (summary, lines), authorization, nonce);
        let tx = remit.sign(&self.parent.params().network_id, &operators.payer);
        let mut bytes = Vec::new();
        Sent { seq: range.seq, tx: Bytes(tx.bytes().to_vec()) }.put(&mut bytes);
        let mut commit = Commit::new();
        commit.record(REMIT_RECORD, 0, bytes);
        core.chain.store().commit(commit, Flush::Now)?;
        core.order(Order::ToParent(Box::new(tx)));
        Ok(())
    }

    /// The connection point in the parent's last final state.
    pub fn point(&self) -> Result<ConnectionPoint, NodeError> {
        self.parent.point(At::Final)
    }

    /// Have the parent follow another set of validators, unless it does.
    pub fn hand_over(&self, core: &mut Core, handover: &Handover, certificate: &Certificate) -> Result<(), NodeError> {
        let point = self.parent.point(At::Tip)?;
        let is_due = matches!(&point.regime, Regime::Certificate(known) if known.epoch < handover.epoch);
        if !is_due {
            return Ok(());
        }
        let (change, authorization) = (Change::Validators(handover.to.clone()), Bytes(certificate.encode()));
        let associate_id = core.chain.params().ledger;
        self.send(core, |from_id, nonce| {
            let (ttl, fee) = (Height(0), Amount::ZERO);
            AssociateUpdate { associate_id, from_id, change, authorization, ttl, fee, nonce }.into()
        })
    }

    /// Report two statements of a validator: on the child, where it has a stake there, and to the parent, where it has put up
    /// a bond that the parent can take.
    pub fn report(&self, core: &mut Core, [a, b]: &[SignedStatement; 2]) -> Result<(), NodeError> {
        self.report_here(core, a, b)?;
        let point = self.parent.point(At::Tip)?;
        let is_bonded = !point.bond_of(AccountId(a.by.0)).is_zero();
        if !is_bonded || !matches!(point.regime, Regime::Certificate(_)) {
            return Ok(());
        }
        let (a, b, associate_id) = (Bytes(a.encode()), Bytes(b.encode()), core.chain.params().ledger);
        self.send(core, |from_id, nonce| {
            let (kind, ttl, fee) = (0, Height(0), Amount::ZERO);
            AssociateEvidence { associate_id, from_id, kind, a, b, ttl, fee, nonce }.into()
        })
    }

    /// Other nodes may be quicker; whose payer has no coin on the child reports nothing there.
    fn report_here(&self, core: &mut Core, a: &SignedStatement, b: &SignedStatement) -> Result<(), NodeError> {
        let view = core.chain.head()?.view;
        let used = view.leaf(&key::used_key(a.by), UsedKey::decode)?;
        let (Some(operators), Some(UsedKey { staker })) = (&self.operators, used) else { return Ok(()) };
        let from_id = AccountId(operators.payer.public());
        let Some(nonce) = view.account(from_id)?.and_then(|account| account.nonce.next()) else { return Ok(()) };
        let (statement_a, statement_b) = (Bytes(a.encode()), Bytes(b.encode()));
        let (staker_id, ttl, fee) = (staker, Height(0), Amount::ZERO);
        let tx = Evidence { from_id, staker_id, statement_a, statement_b, ttl, fee, nonce };
        let params = core.chain.params();
        let tx = with_least_fee(params, tx.into()).sign(&params.network_id, &operators.payer);
        core.submit(vec![tx]).map(drop)
    }

    /// Send the parent a transaction that this node pays for, if it pays for any.
    fn send(&self, core: &mut Core, make: impl FnOnce(AccountId, Nonce) -> Transaction) -> Result<(), NodeError> {
        let Some(operators) = &self.operators else { return Ok(()) };
        let payer = AccountId(operators.payer.public());
        let tx = with_least_fee(self.parent.params(), make(payer, self.parent.next_nonce(payer)?));
        let tx = tx.sign(&self.parent.params().network_id, &operators.payer);
        core.order(Order::ToParent(Box::new(tx)));
        Ok(())
    }
}

/// Whether the parent takes the word of the set with this hash.
fn follows(known: &Validators, set_hash: Hash) -> bool {
    [&known.set].into_iter().chain(&known.previous).any(|set| set.hash() == set_hash)
}

impl Operators {
    fn remit(
        &self,
        params: &Params,
        (summary, lines): (Summary, Vec<OutboxEntry>),
        authorization: Bytes,
        nonce: Nonce,
    ) -> Transaction {
        let tx = AssociateRemit {
            associate_id: summary.associate,
            from_id: AccountId(self.payer.public()),
            authorization,
            summary,
            lines,
            ttl: Height(0),
            fee: Amount::ZERO,
            nonce,
        };
        with_least_fee(params, tx.into())
    }

    /// As many signatures as the connection point asks for, by place.
    pub fn authorise(&self, point: &ConnectionPoint, summary: &Summary, parent_network: &str) -> Bytes {
        let message = summary.signing_message(parent_network);
        let sign = |(index, operator): (usize, &AccountId)| {
            let key = self.signers.iter().find(|key| key.public() == operator.0)?;
            Some(OperatorSignature { index: index as u64, signature: Signature(key.sign(&message)) })
        };
        let signatures = point.operators.iter().enumerate().filter_map(sign);
        operators_authorization(&signatures.take(usize::from(point.threshold)).collect::<Vec<_>>())
    }
}

/// A remit with the least fee that its parent asks for.
pub fn with_least_fee(params: &Params, mut tx: Transaction) -> Transaction {
    // The fee's own bytes count: twice reaches the fixpoint, a third time would change nothing.
    for _ in 0..2 {
        let fee = rules::minimum_fee(params, &tx, tx.encode().len(), Height(0));
        tx = tx.with_fee(fee.unwrap_or(Amount::MAX));
    }
    tx
}

/// The last block of a summary with its seal, and the proof of what no header says.
fn certified(chain: &Chain, height: Height) -> Result<Bytes, NodeError> {
    let hash = chain.main_at(Place::at(height.0))?.ok_or(NodeError::Header)?;
    let Some(Header::Child(header)) = chain.header(hash)? else { return Err(NodeError::Header) };
    let (leaf, _) = chain.connection(hash)?.ok_or(NodeError::Header)?;
    let store = chain.store();
    let seal = store.record(SEAL_RECORD, height.0)?.ok_or(NodeError::Header)?;
    let proof = match store.record(PROOF_RECORD, height.0)? {
        Some(proof) => proof,
        None => chain.state_at(hash)?.ok_or(NodeError::Header)?.prove_many(&[key::parent()]).encode(),
    };
    let leaf = ProofStep { leaves: vec![Bytes(leaf.encode())], proof: Bytes(proof) };
    let grounds = Tail(None);
    let block = CertifiedBlock { header: Bytes(header.encode()), certificate: Bytes(seal), leaf, grounds };
    Ok(Bytes(block.encode()))
}

/// The summary of `range` and its lines, from what the blocks have left.
fn summary(chain: &Chain, point: &ConnectionPoint, range: Range) -> Result<(Summary, Vec<OutboxEntry>), NodeError> {
    let block = |height| chain.main_at(Place::at(height))?.ok_or(NodeError::Header);
    let hash = block(range.to.0)?;
    let header = chain.header(hash)?.ok_or(NodeError::Header)?;
    let (leaf, _) = chain.connection(hash)?.ok_or(NodeError::Header)?;
    let Header::Child(header) = header else { return Err(NodeError::Header) };
    let end =
        PointView { height: range.to, block_hash: hash, root: header.state_root, set_hash: header.set_hash, leaf };
    let effects = (range.from.0 + 1..=range.to.0).map(|height| chain.effects(block(height)?));
    let effects = effects.collect::<Result<Vec<_>, NodeError>>()?;
    Ok(summary_of(chain.params().ledger, &point.point, &end, effects))
}
