//! Drive a solo ledger's machine: one operator makes all blocks.

use std::collections::VecDeque;

use banyan_crypto::SecretKey;
use banyan_ledger::ConnectionPoint;
use banyan_solo::{Draft, Effect, Input as Step, Machine, Produced, Range, Record, Saved, SoloParams};
use banyan_store::{Commit, Flush};
use banyan_types::{
    Bytes, Hash, Height, PublicKey, Signature,
    associate::InboxEntry,
    header::{ChildBody, ChildHeader},
    rlp::Field as _,
};

use super::{
    Link, Named, Operators,
    block::{self, Made},
    mark, marks, named, newest,
};
use crate::{
    Chain, Header, NodeError, Parent,
    genesis::EngineParams,
    node::{Core, Input, News, Order},
    parent::At,
};

/// Kinds of the records kept here; of each the newest stands under number 0.
const SIGNED_RECORD: u8 = 2;
const RANGE_RECORD: u8 = 3;

/// What this node does on a solo ledger.
pub struct SoloRole {
    /// Orders and signs blocks.
    pub leader: SecretKey,
    /// Sign summaries for the parent.
    pub operators: Operators,
    /// Where commits come from and remits go.
    pub parent: Box<dyn Parent>,
}

/// A solo ledger's engine in a node.
pub struct SoloDriver {
    machine: Machine,
    leader: SecretKey,
    link: Link,
    /// The block that is being made.
    making: Option<(Height, Made)>,
    /// Whether the machine was told, since the state last moved, that something waits.
    ready: bool,
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

    /// Blocks of a summary.
    Blocks {
        /// Number of the summary.
        seq: u64,
        /// The block before the first.
        from: Height,
        /// The last.
        to: Height,
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
        let (end, known) = (core.chain.head()?.header.height(), point.point.child_to);
        if end < known {
            // Nobody else has its blocks.
            let what = format!("it has a summary of this ledger up to block {known}, and this folder ends at {end}");
            return Err(NodeError::Parent(format!("{what}: restore the folder")));
        }
        let params = core.chain.params();
        let solo = SoloParams {
            block_interval_ms: engine.block_interval_ms,
            ..SoloParams::dev(params.network_id.clone(), params.ledger, engine.leader, point.params.silence)
        };
        let saved = saved(&core.chain, &point)?;
        let link = Link::new(parent, Some(operators), &point, saved.parent);
        let machine = Machine::resume(solo, saved).map_err(|broken| NodeError::Stopped(broken.to_string()))?;
        Ok(Self { machine, leader, link, making: None, ready: false })
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

    fn look_up(&mut self, core: &mut Core) -> Result<(), NodeError> {
        let seen = self.link.look_up()?;
        for tip in seen.tip.into_iter().chain(seen.answer) {
            self.run(core, Step::ParentTip(tip))?;
        }
        if let Some((seq, child_to)) = seen.accepted {
            self.run(core, Step::SummaryAccepted { seq, child_to })?;
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
            Effect::AskParent(height) => steps.extend(self.link.ask(height)?.map(Step::ParentTip)),
            Effect::Summarise(range) => self.link.summarise(core, range)?,
            Effect::Wake(at) => core.order(Order::Wake(at)),
            Effect::Alarm(alarm) => core.order(Order::News(News::Alarm(format!("{alarm:?}")))),
        }
        Ok(())
    }

    fn build(&mut self, core: &mut Core, header: &ChildHeader) -> Result<Draft, NodeError> {
        let built = block::build(core, &self.link, header, Bytes::default())?;
        let gone = || NodeError::Parent("entries that were not settled are gone there".into());
        let (made, draft) = built.ok_or_else(gone)?;
        self.making = Some((header.height, made));
        Ok(draft)
    }

    fn persist(&self, core: &Core, record: Record) -> Result<(), NodeError> {
        let mut bytes = Vec::new();
        let kind = match record {
            Record::Block(produced) => {
                let making = self.making.as_ref().filter(|(height, _)| *height == produced.header.height);
                let (_, made) = making.ok_or_else(|| NodeError::Stopped("signed a block that was not built".into()))?;
                signed(made, &produced).put(&mut bytes);
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
        let made = self.making.take_if(|(height, _)| *height == produced.header.height);
        let made = match made {
            Some((_, made)) => made,
            None => again(core, &produced.header)?,
        };
        block::commit(core, &mut self.link, &produced.header, made, |_| ())?;
        // What fitted no block before may fit now.
        self.ready = false;
        Ok(())
    }
}

fn signed(made: &Made, produced: &Produced) -> Signed {
    Signed {
        header: Bytes(produced.header.encode()),
        seal: produced.seal,
        settled: produced.settled,
        txs: made.txs.clone(),
        inbox: made.inbox.iter().map(|entry| Bytes(entry.encode())).collect(),
        parent: Named::of(made.parent),
    }
}

/// Execute a block again that was signed before a crash: it stays the answer at its height.
fn again(core: &Core, header: &ChildHeader) -> Result<Made, NodeError> {
    let signed: Option<Signed> = newest(&core.chain, SIGNED_RECORD)?;
    let signed = signed.filter(|signed| signed.header.0 == header.encode());
    let signed = signed.ok_or_else(|| NodeError::Stopped("the signed block is not on disk".into()))?;
    let inbox = signed.inbox.iter().map(|entry| InboxEntry::decode(&entry.0)).collect::<Result<_, _>>()?;
    let body = ChildBody { header: signed.header, txs: signed.txs, prev_seal: Bytes::default(), attachments: vec![] };
    block::execute(core, header, body, inbox, signed.parent.tip())
}

/// What the store has kept, as the machine takes it.
fn saved(chain: &Chain, point: &ConnectionPoint) -> Result<Saved, NodeError> {
    let Header::Child(tip) = chain.head()?.header else { return Err(NodeError::Role) };
    let signed: Option<Signed> = newest(chain, SIGNED_RECORD)?;
    let range: Option<Blocks> = newest(chain, RANGE_RECORD)?;
    let base = point.point.child_to;
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
        parent: named(chain, &tip)?,
        signed: produced,
        accepted: point.point.seq,
        base: mark(chain, base)?,
        since: marks(chain, base, tip.height)?,
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
