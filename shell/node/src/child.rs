//! Drive a solo ledger's machine: make its blocks, carry commits down and remits up.

use std::collections::{BTreeMap, VecDeque};

use banyan_crypto::SecretKey;
use banyan_ledger::{
    Block, ChildBlock, ChildStart, ConnectionPoint, Execution, Invalid, Overlay, ParentTip, PointView, rules,
    summary_of,
};
use banyan_solo::{Draft, Effect, Input as Step, Machine, Mark, Produced, Range, Record, Saved, SoloParams};
use banyan_store::{Commit, Flush, Place};
use banyan_types::{
    AccountId, Amount, Bytes, Hash, Height, PublicKey, Signature, TimeMs, TxHash,
    associate::{InboxEntry, OperatorSignature, Summary, operators_authorization},
    header::{ChildBody, ChildHeader},
    rlp::{Field as _, Items},
    tx::{AssociateRemit, SignedTx, Transaction},
};

use crate::{
    Header, NodeError, Parent,
    chain::{Chain, settled},
    genesis::EngineParams,
    node::{Core, Executed, Input, News, Order, bytes_of},
    parent::At,
};

/// Name of the row that holds the parent block which the head names.
const PARENT_ROW: &str = "solo.parent";
/// Kinds of the records kept here; of each the newest stands under number 0.
const SIGNED_RECORD: u8 = 2;
const RANGE_RECORD: u8 = 3;
const REMIT_RECORD: u8 = 4;

/// What this node does on a solo ledger.
pub struct SoloRole {
    /// Orders and signs blocks.
    pub leader: SecretKey,
    /// Sign summaries for the parent.
    pub operators: Operators,
    /// Where commits come from and remits go.
    pub parent: Box<dyn Parent>,
}

/// Accounts of the parent that answer for the child.
#[derive(Debug, Clone)]
pub struct Operators {
    /// Keys that sign summaries; each must be among the connection point's operators.
    pub signers: Vec<SecretKey>,
    /// Sends remits and pays their fees.
    pub payer: SecretKey,
}

/// A solo ledger's engine in a node.
pub struct SoloDriver {
    machine: Machine,
    leader: SecretKey,
    operators: Operators,
    parent: Box<dyn Parent>,
    /// Parent blocks that the machine was told of and may still name, by height.
    told: BTreeMap<Height, ParentTip>,
    accepted: u64,
    making: Option<Making>,
    /// Whether the machine was told, since the state last moved, that something waits.
    ready: bool,
}

/// The block that is being made.
struct Making {
    height: Height,
    txs: Vec<Bytes>,
    inbox: Vec<InboxEntry>,
    parent: ParentTip,
    executed: Executed,
}

banyan_types::record! {
    /// A signed block with all that is needed to execute it again.
    Signed {
        /// The header, encoded.
        header: Bytes,
        /// The operator's signature.
        seal: Signature,
        /// Inbox entries with money that it settles.
        settled: u32,
        /// Its transactions, encoded.
        txs: Vec<Bytes>,
        /// The inbox entries that it settles, encoded.
        inbox: Vec<Bytes>,
        /// The parent block that it names.
        parent: Named,
    }

    /// A parent block.
    Named {
        /// Its hash.
        hash: Hash,
        /// Its height.
        height: Height,
        /// Its time.
        time: TimeMs,
        /// Height of the root there.
        root_height: Height,
        /// Its entropy.
        entropy: Hash,
        /// Next inbox number in its state.
        inbox_next: u64,
    }

    /// Blocks of a summary.
    Blocks {
        /// Number of the summary.
        seq: u64,
        /// The block before the first.
        from: Height,
        /// The last.
        to: Height,
    }

    /// A remit that was sent.
    Sent {
        /// Number of the summary.
        seq: u64,
        /// The signed transaction.
        tx: Bytes,
    }
}

impl SoloDriver {
    pub(crate) fn open(core: &mut Core, role: SoloRole) -> Result<Self, NodeError> {
        let (head, last_final) = (core.chain.head()?.hash, core.chain.last_final()?.hash);
        if head != last_final {
            core.finalise(head)?; // every block is, and only the store's mark of it was lost
        }
        let EngineParams::Solo(engine) = &core.chain.file().engine else { return Err(NodeError::Role) };
        let SoloRole { leader, operators, parent } = role;
        if PublicKey(leader.public()) != engine.leader {
            return Err(NodeError::Role);
        }
        let point = parent.point(At::Final)?;
        let params = core.chain.params();
        let solo = SoloParams {
            block_interval_ms: engine.block_interval_ms,
            ..SoloParams::dev(params.network_id.clone(), params.ledger, engine.leader, point.params.silence)
        };
        let saved = saved(&core.chain, &point)?;
        let told = saved.parent.map(|tip| (tip.height, tip)).into_iter().collect();
        let machine = Machine::resume(solo, saved).map_err(|broken| NodeError::Stopped(broken.to_string()))?;
        let accepted = point.point.seq;
        Ok(Self { machine, leader, operators, parent, told, accepted, making: None, ready: false })
    }

    pub(crate) fn handle(&mut self, core: &mut Core, input: &Input) -> Result<(), NodeError> {
        match input {
            Input::Tick(now) => self.run(core, Step::Tick(*now)),
            Input::ParentMoved => self.look_up(core),
            // The operator alone makes blocks, and nobody mines: nothing else concerns it.
            _ => Ok(()),
        }
    }

    /// Tell the machine of new transactions, even if others wait already: those may be what no block takes.
    pub(crate) fn pool_grew(&mut self, core: &mut Core) -> Result<(), NodeError> {
        self.ready = true;
        self.run(core, Step::PoolReady)
    }

    /// See what the parent has made final: a block to name, a summary accepted.
    fn look_up(&mut self, core: &mut Core) -> Result<(), NodeError> {
        let tip = self.parent.tip()?;
        if self.told.last_key_value().is_none_or(|(height, _)| *height < tip.height) {
            self.told.insert(tip.height, tip);
            self.run(core, Step::ParentTip(tip))?;
        }
        let point = self.parent.point(At::Final)?.point;
        if point.seq > self.accepted {
            self.accepted = point.seq;
            self.run(core, Step::SummaryAccepted { seq: point.seq, child_to: point.child_to })?;
        }
        Ok(())
    }

    fn run(&mut self, core: &mut Core, step: Step) -> Result<(), NodeError> {
        let (mut steps, mut effects) = (VecDeque::from([step]), Vec::new());
        while let Some(step) = steps.pop_front() {
            self.machine.step(step, &mut effects);
            for effect in effects.drain(..) {
                self.perform(core, effect, &mut steps)?;
            }
            let ready = core.pool().has_waiting();
            if std::mem::replace(&mut self.ready, ready) != ready {
                steps.push_back(if ready { Step::PoolReady } else { Step::PoolEmpty });
            }
        }
        Ok(())
    }

    fn perform(&mut self, core: &mut Core, effect: Effect, steps: &mut VecDeque<Step>) -> Result<(), NodeError> {
        match effect {
            Effect::Build(header) => steps.push_back(Step::Built(self.build(core, &header)?)),
            Effect::Sign(header) => {
                let message = banyan_solo::rules::seal_message(&core.chain.params().network_id, &header);
                steps.push_back(Step::Signed(Signature(self.leader.sign(&message))));
            }
            Effect::Persist(seq, record) => {
                self.persist(core, record)?;
                steps.push_back(Step::Persisted(seq));
            }
            Effect::Commit(produced) => {
                self.commit(core, &produced)?;
                steps.push_back(Step::Committed(produced.header.height));
            }
            Effect::AskParent(height) => {
                if let Some(tip) = self.parent.tip_at(height)? {
                    self.told.insert(tip.height, tip);
                    steps.push_back(Step::ParentTip(tip));
                }
            }
            Effect::Summarise(range) => self.summarise(core, range)?,
            Effect::Wake(at) => core.order(Order::Wake(at)),
            Effect::Alarm(alarm) => core.order(Order::News(News::Alarm(format!("{alarm:?}")))),
        }
        Ok(())
    }

    /// Execute the block that the header begins, with whatever transactions fit.
    fn build(&mut self, core: &mut Core, header: &ChildHeader) -> Result<Draft, NodeError> {
        let parent = *self.told.get(&header.parent_height).ok_or_else(|| NodeError::Parent("never told".into()))?;
        let head = core.chain.head()?;
        let from = core.chain.connection(head.hash)?.map_or(0, |(leaf, _)| leaf.inbox);
        let inbox = self.parent.inbox(from, header.inbox_to)?;
        let session = core.session(head.view.version()).map_err(NodeError::OwnBlock)?;
        let mut state = Overlay::new(session);
        let start = start(header, parent);
        let begun = Execution::child(&mut state, core.chain.params(), &start, &inbox);
        let mut execution = begun.map_err(NodeError::OwnBlock)?;
        let (mut txs, mut refused) = (Vec::new(), Vec::new());
        for tx in core.candidates() {
            match execution.push(&tx) {
                Ok(()) => txs.push(tx),
                Err(Invalid::Transaction { why, .. }) => refused.push((tx.get().hash(), why)),
                Err(_) => break,
            }
        }
        let outbox_to = execution.ends().map_or(0, |(_, outbox)| outbox);
        let outcome = execution.finish()?;
        let (session, changes) = state.into_parts();
        refused.iter().try_for_each(|(tx, why): &(TxHash, _)| core.refuse(*tx, why))?;
        let draft = Draft {
            height: header.height,
            txs_root: outcome.txs_root,
            receipts_root: outcome.receipts_root,
            outbox_to,
            state_root: outcome.root,
            txs: u32::try_from(txs.len()).unwrap_or(u32::MAX),
            settled: u32::try_from(settled(&outcome)).unwrap_or(u32::MAX),
        };
        let bytes = bytes_of(&txs);
        let executed = Executed { session, changes, outcome, txs };
        self.making = Some(Making { height: header.height, txs: bytes, inbox, parent, executed });
        Ok(draft)
    }

    fn persist(&self, core: &Core, record: Record) -> Result<(), NodeError> {
        let mut bytes = Vec::new();
        let kind = match record {
            Record::Block(produced) => {
                let making = self.making.as_ref().filter(|making| making.height == produced.header.height);
                let making = making.ok_or_else(|| NodeError::Stopped("signed a block that was not built".into()))?;
                making.record(&produced).put(&mut bytes);
                SIGNED_RECORD
            }
            Record::Summary(Range { seq, from, to }) => {
                Blocks { seq, from, to }.put(&mut bytes);
                RANGE_RECORD
            }
        };
        let mut commit = Commit::new();
        commit.record(kind, 0, bytes);
        Ok(core.chain.store().commit(commit, Flush::Now)?)
    }

    /// Make a signed block the head, and final: the operator's word is all the finality there is.
    fn commit(&mut self, core: &mut Core, produced: &Produced) -> Result<(), NodeError> {
        let height = produced.header.height;
        let made = self.making.take_if(|making| making.height == height);
        let (txs, parent, executed) = match made {
            Some(making) => (making.txs, making.parent, making.executed),
            None => again(core, &produced.header)?,
        };
        let mut named = Vec::new();
        Named::of(parent).put(&mut named);
        let prev_seal = Bytes::default();
        let body = ChildBody { header: Bytes(produced.header.encode()), txs, prev_seal, attachments: vec![] };
        let header = Header::Child(Box::new(produced.header.clone()));
        let with_parent = |commit: &mut Commit| {
            commit.meta(PARENT_ROW, named);
        };
        core.commit(&header, &body.encode(), executed, Flush::Now, with_parent)?;
        self.told = self.told.split_off(&produced.header.parent_height);
        let hash = header.hash();
        core.order(Order::News(News::Tip { hash, height, undone: vec![], redone: vec![hash] }));
        core.finalise(hash)?;
        // What fitted no block before may fit now.
        self.ready = false;
        core.tidy()
    }

    /// Give the parent the summary of these blocks, unless it has it; the same bytes again while they may still count.
    fn summarise(&self, core: &mut Core, range: Range) -> Result<(), NodeError> {
        let point = self.parent.point(At::Tip)?;
        if point.point.seq >= range.seq {
            return Ok(());
        }
        let payer = AccountId(self.operators.payer.public());
        let nonce = self.parent.next_nonce(payer)?;
        let sent: Option<Sent> = newest(&core.chain, REMIT_RECORD)?;
        let sent = sent.filter(|sent| sent.seq == range.seq).map(|sent| SignedTx::decode(&sent.tx.0)).transpose()?;
        if let Some(tx) = sent.filter(|tx| tx.transaction().nonce() >= nonce) {
            core.order(Order::ToParent(Box::new(tx)));
            return Ok(());
        }
        let (summary, lines) = summary(&core.chain, &point, range)?;
        let remit = self.remit(summary, lines, &point, nonce);
        let tx = remit.sign(&self.parent.params().network_id, &self.operators.payer);
        let mut bytes = Vec::new();
        Sent { seq: range.seq, tx: Bytes(tx.bytes().to_vec()) }.put(&mut bytes);
        let mut commit = Commit::new();
        commit.record(REMIT_RECORD, 0, bytes);
        core.chain.store().commit(commit, Flush::Now)?;
        core.order(Order::ToParent(Box::new(tx)));
        Ok(())
    }

    fn remit(
        &self,
        summary: Summary,
        lines: Vec<banyan_types::associate::OutboxEntry>,
        point: &ConnectionPoint,
        nonce: banyan_types::Nonce,
    ) -> Transaction {
        let params = self.parent.params();
        let mut tx = AssociateRemit {
            associate_id: summary.associate,
            from_id: AccountId(self.operators.payer.public()),
            authorization: self.operators.authorise(point, &summary, &params.network_id),
            summary,
            lines,
            ttl: Height(0),
            fee: Amount::ZERO,
            nonce,
        };
        // The fee's own bytes count: twice reaches the fixpoint, a third time would change nothing.
        for _ in 0..2 {
            let sized = Transaction::from(tx.clone());
            let fee = rules::minimum_fee(params, &sized, sized.encode().len(), Height(0));
            tx.fee = fee.unwrap_or(Amount::MAX);
        }
        tx.into()
    }
}

impl Operators {
    /// As many signatures as the connection point asks for, by place.
    fn authorise(&self, point: &ConnectionPoint, summary: &Summary, parent_network: &str) -> Bytes {
        let message = summary.signing_message(parent_network);
        let sign = |(index, operator): (usize, &AccountId)| {
            let key = self.signers.iter().find(|key| key.public() == operator.0)?;
            Some(OperatorSignature { index: index as u64, signature: Signature(key.sign(&message)) })
        };
        let signatures = point.operators.iter().enumerate().filter_map(sign);
        operators_authorization(&signatures.take(usize::from(point.threshold)).collect::<Vec<_>>())
    }
}

impl Making {
    fn record(&self, produced: &Produced) -> Signed {
        Signed {
            header: Bytes(produced.header.encode()),
            seal: produced.seal,
            settled: produced.settled,
            txs: self.txs.clone(),
            inbox: self.inbox.iter().map(|entry| Bytes(entry.encode())).collect(),
            parent: Named::of(self.parent),
        }
    }
}

impl Named {
    const fn of(tip: ParentTip) -> Self {
        let ParentTip { hash, height, time, root_height, entropy, inbox_next } = tip;
        Self { hash, height, time, root_height, entropy, inbox_next }
    }

    const fn tip(&self) -> ParentTip {
        let Self { hash, height, time, root_height, entropy, inbox_next } = *self;
        ParentTip { hash, height, time, root_height, entropy, inbox_next }
    }
}

const fn start(header: &ChildHeader, parent: ParentTip) -> ChildStart {
    let (height, prev_hash, time, leader) = (header.height, header.prev_hash, header.time_ms, header.leader);
    ChildStart { height, prev_hash, time, leader, parent }
}

/// Execute a block again that was signed before a crash: it stays the answer at its height.
fn again(core: &Core, header: &ChildHeader) -> Result<(Vec<Bytes>, ParentTip, Executed), NodeError> {
    let signed: Option<Signed> = newest(&core.chain, SIGNED_RECORD)?;
    let signed = signed.filter(|signed| signed.header.0 == header.encode());
    let signed = signed.ok_or_else(|| NodeError::Stopped("the signed block is not on disk".into()))?;
    let txs = signed.txs.iter().map(|tx| SignedTx::decode(&tx.0)).collect::<Result<_, _>>()?;
    let inbox = signed.inbox.iter().map(|entry| InboxEntry::decode(&entry.0)).collect::<Result<_, _>>()?;
    let block = ChildBlock {
        header: header.clone(),
        txs: core.verified(txs).map_err(NodeError::OwnBlock)?,
        parent: signed.parent.tip(),
        inbox,
    };
    let executed = core.execute(core.chain.store().head(), Block::Child(block)).map_err(NodeError::OwnBlock)?;
    Ok((signed.txs, signed.parent.tip(), executed))
}

/// The summary of `range` and its lines, from what the blocks have left.
fn summary(
    chain: &Chain,
    point: &ConnectionPoint,
    range: Range,
) -> Result<(Summary, Vec<banyan_types::associate::OutboxEntry>), NodeError> {
    let block = |height| chain.main_at(Place::at(height))?.ok_or(NodeError::Header);
    let hash = block(range.to.0)?;
    let header = chain.header(hash)?.ok_or(NodeError::Header)?;
    let (leaf, _) = chain.connection(hash)?.ok_or(NodeError::Header)?;
    let end = PointView { height: range.to, block_hash: hash, root: header.state_root(), leaf };
    let effects = (range.from.0 + 1..=range.to.0).map(|height| chain.effects(block(height)?));
    let effects = effects.collect::<Result<Vec<_>, NodeError>>()?;
    Ok(summary_of(chain.params().ledger, &point.point, &end, effects))
}

/// What the store has kept, as the machine takes it.
fn saved(chain: &Chain, point: &ConnectionPoint) -> Result<Saved, NodeError> {
    let Header::Child(tip) = chain.head()?.header else { return Err(NodeError::Role) };
    let signed: Option<Signed> = newest(chain, SIGNED_RECORD)?;
    let range: Option<Blocks> = newest(chain, RANGE_RECORD)?;
    let base = point.point.child_to;
    let since = (base.0 + 1..=tip.height.0).map(|height| mark(chain, Height(height)));
    let produced = match &signed {
        Some(signed) => Some(Box::new(signed.produced()?)),
        None => None,
    };
    let newest = produced.as_ref().filter(|produced| produced.header.height == tip.height);
    let seal_hash = match (newest, &produced) {
        (Some(produced), _) => produced.seal_hash(),
        (None, Some(next)) => next.header.prev_seal_hash,
        (None, None) => Hash::ZERO,
    };
    Ok(Saved {
        seal_hash,
        parent: if tip.height == Height(0) { None } else { Some(named(chain, &tip)?) },
        signed: produced,
        accepted: point.point.seq,
        base: mark(chain, base)?,
        since: since.collect::<Result<_, _>>()?,
        summary: range.map(|Blocks { seq, from, to }| Range { seq, from, to }),
        tip: *tip,
    })
}

impl Signed {
    fn produced(&self) -> Result<Produced, NodeError> {
        let header = ChildHeader::decode(&self.header.0)?;
        Ok(Produced { header, seal: self.seal, settled: self.settled, parent: self.parent.tip() })
    }
}

/// The parent block that the tip names, as it was written with the tip.
fn named(chain: &Chain, tip: &ChildHeader) -> Result<ParentTip, NodeError> {
    let row = chain.store().meta(PARENT_ROW)?.ok_or(NodeError::Header)?;
    let named: Named = read_record(&row)?;
    if named.hash == tip.parent_hash { Ok(named.tip()) } else { Err(NodeError::Header) }
}

fn mark(chain: &Chain, height: Height) -> Result<Mark, NodeError> {
    let hash = chain.main_at(Place::at(height.0))?.ok_or(NodeError::Header)?;
    let Some(Header::Child(header)) = chain.header(hash)? else { return Err(NodeError::Header) };
    let settled = chain.connection(hash)?.map_or(0, |(_, settled)| settled);
    Ok(Mark {
        height,
        parent_height: header.parent_height,
        outbox_to: header.outbox_to,
        inbox_to: header.inbox_to,
        settled: u32::try_from(settled).unwrap_or(u32::MAX),
    })
}

/// The newest record of a kind.
fn newest<T: banyan_types::rlp::Field>(chain: &Chain, kind: u8) -> Result<Option<T>, NodeError> {
    chain.store().record(kind, 0)?.map(|bytes| read_record(&bytes)).transpose()
}

/// A record is one RLP item; readers take items out of a list.
fn read_record<T: banyan_types::rlp::Field>(item: &[u8]) -> Result<T, NodeError> {
    let mut list = Vec::new();
    banyan_types::rlp::put_list(&mut list, |out| out.extend_from_slice(item));
    Ok(T::take(&mut Items::of(&list)?)?)
}
