//! The way to the parent and back: what it has made final, and the remits that carry withdrawals up.

use std::collections::BTreeMap;

use banyan_child::Range;
use banyan_committee::Handover;
use banyan_crypto::SecretKey;
use banyan_ledger::{ConnectionPoint, Naming, Params, ParentTip, PointView, UsedKey, convicts, key, rules, summary_of};
use banyan_store::{Commit, Flush, Place};
use banyan_types::{
    AccountId, Amount, Bytes, Hash, Height, Nonce, PublicKey, Signature,
    associate::{
        Change, ENGINE_COMMITTEE, InboxEntry, OperatorSignature, OutboxEntry, Regime, Summary, Validators,
        operators_authorization,
    },
    committee::{Certificate, SignedStatement, VALIDATORS_MAX},
    header::ChildHeader,
    rlp::Field as _,
    text::Prefix,
    tx::{AssociateEvidence, AssociateRemit, AssociateUpdate, Evidence, SignedTx, Transaction},
};

use super::{child_at, grounds, newest};
use crate::{
    Chain, Leaves as _, NodeError, Parent,
    node::{Core, News, Order},
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
    /// Those that the parent has not found again yet: which block, and how far the child's inbox went there.
    unrecalled: BTreeMap<Height, (Hash, u64)>,
    accepted: u64,
    /// A height that was asked for and was not known yet.
    asked: Option<Height>,
    /// Statements that convict validators at the parent, which has not judged them yet: a pair for each.
    reports: BTreeMap<PublicKey, [SignedStatement; 2]>,
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
        let (recalled, unrecalled, reports) = <_>::default();
        let accepted = point.point.seq;
        Self { parent, operators, told, recalled, unrecalled, accepted, asked: None, reports }
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
        self.try_recall(height)?;
        if self.unrecalled.contains_key(&height) {
            // It will be known: one a little below is not what is asked for.
            self.asked = Some(height);
            return Ok(None);
        }
        let found = self.parent.tip_at(height)?;
        let exact = found.filter(|tip| tip.height == height).or_else(|| self.recalled.get(&height).copied());
        let tip = exact.or(found);
        self.asked = tip.is_none().then_some(height);
        if let Some(tip) = tip {
            self.told.insert(tip.height, tip);
        }
        Ok(tip)
    }

    /// A block of the child whose seal holds names this parent block. Where the parent keeps that block's state no longer, how
    /// far the child's inbox went there is what the last block of the child that names it has settled.
    pub fn recall(&mut self, header: &ChildHeader) -> Result<(), NodeError> {
        let (height, inbox_next) = (header.parent_height, header.inbox_to);
        if let Some(known) = self.recalled.get_mut(&height).filter(|known| known.hash == header.parent_hash) {
            known.inbox_next = known.inbox_next.max(inbox_next);
            return Ok(());
        }
        let wanted = self.unrecalled.entry(height).or_insert((header.parent_hash, inbox_next));
        *wanted = (header.parent_hash, wanted.1.max(inbox_next));
        self.try_recall(height)
    }

    /// Find a parent block that was not known when a block of the child named it.
    fn try_recall(&mut self, height: Height) -> Result<(), NodeError> {
        let Some((hash, inbox_next)) = self.unrecalled.get(&height).copied() else { return Ok(()) };
        if let Some(past) = self.parent.past(height, inbox_next)? {
            self.unrecalled.remove(&height);
            self.recalled.extend((past.hash == hash).then_some((height, past)));
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
        self.unrecalled = self.unrecalled.split_off(&height);
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
            Regime::Certificate(known) => match grounds::certified(&core.chain, known, range.to)? {
                Some(block) => block,
                None => return Ok(()),
            },
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

    /// A validator has signed both of these, and may have signed one: tell the operator, and report it on the child, where it
    /// has a stake there, and to the parent, where it has put up a bond that the parent can take.
    pub fn accuse(&mut self, core: &mut Core, pair: &[SignedStatement; 2]) -> Result<(), NodeError> {
        let [a, b] = pair;
        let (by, at) = (a.by.text(Prefix::Peer), a.statement.height);
        let alarm = format!("validator {by} has signed two things where one may be signed, at height {at}");
        core.order(Order::News(News::Alarm(alarm)));
        self.report_here(core, a, b)?;
        if self.reports.len() < VALIDATORS_MAX {
            self.reports.entry(a.by).or_insert(*pair);
        }
        self.report(core)
    }

    /// Report to the parent what it has not judged yet; again after each of its final blocks, since another transaction may have
    /// taken the number of the last one. Other nodes may be quicker.
    pub fn report(&mut self, core: &mut Core) -> Result<(), NodeError> {
        if self.reports.is_empty() {
            return Ok(());
        }
        // What is judged at the tip alone may be undone.
        let [settled, tip] = [self.parent.point(At::Final)?, self.parent.point(At::Tip)?];
        let waits = |point: &ConnectionPoint, [a, b]: &[SignedStatement; 2]| {
            !point.bond_of(AccountId(a.by.0)).is_zero() && convicts(point, a, b)
        };
        self.reports.retain(|_, pair| waits(&settled, pair) || waits(&tip, pair));
        let Some([a, b]) = self.reports.values().find(|pair| waits(&tip, pair)) else { return Ok(()) };
        let (a, b, associate_id) = (Bytes(a.encode()), Bytes(b.encode()), core.chain.params().ledger);
        self.send(core, |from_id, nonce| {
            let (kind, ttl, fee) = (0, Height(0), Amount::ZERO);
            AssociateEvidence { associate_id, from_id, kind, a, b, ttl, fee, nonce }.into()
        })
    }

    /// Other nodes may be quicker; whose payer has no coin on the child reports nothing there.
    fn report_here(&self, core: &mut Core, a: &SignedStatement, b: &SignedStatement) -> Result<(), NodeError> {
        let view = core.chain.head()?.view;
        let named = view.leaf(&key::naming(), Naming::decode)?.and_then(|naming| naming.faults.0);
        // Whom a contract has named answers in its own name; whoever has bonded, in its owner's.
        let staker = match named {
            Some(_) => Some(AccountId(a.by.0)),
            None => view.leaf(&key::used_key(a.by), UsedKey::decode)?.map(|used| used.staker),
        };
        let (Some(operators), Some(staker)) = (&self.operators, staker) else { return Ok(()) };
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

/// Tell the operator where the parent takes this ledger for what it is not: it would take none of its summaries.
pub fn see_regime(core: &mut Core, point: &ConnectionPoint) {
    let Regime::Certificate(known) = &point.regime else { return };
    let own = core.chain.file().engine.certifiers();
    // A committee's set may have changed since its genesis.
    let is_own =
        own.is_some_and(|own| own.engine == known.engine && (own.engine == ENGINE_COMMITTEE || own.set == known.set));
    if !is_own {
        let alarm = "the parent knows another engine, or other validators in turns, than this ledger has";
        core.order(Order::News(News::Alarm(format!("{alarm}: it takes no summaries"))));
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

/// The summary of `range` and its lines, from what the blocks have left.
fn summary(chain: &Chain, point: &ConnectionPoint, range: Range) -> Result<(Summary, Vec<OutboxEntry>), NodeError> {
    let block = |height| chain.main_at(Place::at(height))?.ok_or(NodeError::Header);
    let (hash, header) = child_at(chain, range.to)?;
    let (leaf, _) = chain.connection(hash)?.ok_or(NodeError::Header)?;
    let end =
        PointView { height: range.to, block_hash: hash, root: header.state_root, set_hash: header.set_hash, leaf };
    let effects = (range.from.0 + 1..=range.to.0).map(|height| chain.effects(block(height)?));
    let effects = effects.collect::<Result<Vec<_>, NodeError>>()?;
    Ok(summary_of(chain.params().ledger, &point.point, &end, effects))
}
