//! Drive the root's machine: perform what it asks of store, pool and key, pass on what needs the world.

use std::collections::{BTreeMap, VecDeque};

use banyan_crypto::SecretKey;
use banyan_ledger::{Block, Execution, Invalid, KeyBlock, MicroBlock, Overlay, key_outcome};
use banyan_root::{
    Block as Seen, BodyFacts, Draft, Effect, Header as Named, Input as Step, KeyBodyFacts, Machine, Miner, NotApplied,
    Peer, Points, Record, RootParams, Saved, TemplateId, Watermark,
    finality::DepthFinality,
    lock_hold_ms,
    pow::EdgeBits,
    target::Target,
    validity::{Fault, KeyFault, MicroFault},
};
use banyan_store::{Commit, Flush, Place};
use banyan_types::{
    AccountId, Bytes, Hash, PublicKey, Signature, TimeMs, TxHash,
    header::{KeyHeader, MicroBody, MicroHeader},
    tx::SignedTx,
};

use crate::{
    Chain, Header, NodeError,
    genesis::{EngineParams, RootEngineParams},
    node::{BlockBytes, Core, Executed, Input, News, Order, bytes_of},
};

/// Kind of the record that holds the newest micro header signed here.
const SIGNED_RECORD: u8 = 1;
/// Name of the row that says which key block is final: it is on disk before anybody hears of that.
const FINAL_ROW: &str = "root.final";
/// Key headers below the last final one that median and retarget look at.
const PAST_HEADERS: u64 = 32;

/// What this node does on the root.
#[derive(Debug, Clone)]
pub struct RootRole {
    /// Mines and leads with this key; `None` only follows.
    pub miner: Option<SecretKey>,
    /// Account of the rewards.
    pub beneficiary: AccountId,
}

/// The root's engine in a node.
pub struct RootDriver {
    machine: Machine,
    finality: DepthFinality,
    key: Option<SecretKey>,
    network_id: String,
    /// Blocks that came in and were not executed yet.
    pending: BTreeMap<Hash, BlockBytes>,
    /// The micro block that this node is making.
    draft: Option<Making>,
    ready: bool,
    /// The last alarm: why the machine has stopped, if it has.
    alarm: String,
}

/// The last final key block, as [`FINAL_ROW`] holds it.
struct Finality {
    hash: Hash,
    /// Work of its chain.
    work: u128,
    /// The greatest time of any final key block.
    clock: TimeMs,
}

impl Finality {
    fn encode(&self) -> Vec<u8> {
        [&self.hash.0[..], &self.work.to_be_bytes(), &self.clock.0.to_be_bytes()].concat()
    }

    fn decode(row: &[u8]) -> Option<Self> {
        let (hash, rest) = row.split_first_chunk()?;
        let (work, clock) = rest.split_first_chunk()?;
        let clock = u64::from_be_bytes(clock.try_into().ok()?);
        Some(Self { hash: Hash(*hash), work: u128::from_be_bytes(*work), clock: TimeMs(clock) })
    }
}

/// A micro block in the making: executed already, so that it need not be executed again once it is signed.
struct Making {
    on: Hash,
    body: Vec<u8>,
    executed: Executed,
    hash: Option<Hash>,
}

impl RootDriver {
    pub(crate) fn open(core: &mut Core, role: RootRole) -> Result<Self, NodeError> {
        let EngineParams::Root(engine) = &core.chain.file().engine else { return Err(NodeError::Role) };
        let (params, depth) = (machine_params(&core.chain, engine)?, engine.final_depth);
        make_final_again(core)?;
        let RootRole { miner: key, beneficiary } = role;
        let miner = key.as_ref().map(|key| Miner { key: PublicKey(key.public()), beneficiary });
        let machine = Machine::resume(params, miner, saved(&core.chain)?)
            .map_err(|broken| NodeError::Stopped(broken.to_string()))?;
        let depth = u16::try_from(depth).unwrap_or(u16::MAX);
        let finality = DepthFinality::new(depth, machine.key_chain());
        let network_id = core.chain.params().network_id.clone();
        let pending = BTreeMap::new();
        Ok(Self { machine, finality, key, network_id, pending, draft: None, ready: false, alarm: String::new() })
    }

    pub(crate) fn handle(&mut self, core: &mut Core, input: Input) -> Result<(), NodeError> {
        let step = match input {
            Input::Tick(now) => Step::Tick(now),
            Input::Gone(peer) => Step::Gone(peer),
            Input::Solved { template, nonce, pow } => Step::Solved { template, nonce, pow },
            Input::Block { from, block } => match self.look_at(core, from, block) {
                Some(step) => step,
                None => return Ok(()),
            },
            Input::Asked { by, block } => return self.answer(core, by, block),
            Input::ParentMoved => return Ok(()),
        };
        self.run(core, step)
    }

    /// Tell the machine of new transactions, even if others wait already: those may be what no block takes.
    pub(crate) fn pool_grew(&mut self, core: &mut Core) -> Result<(), NodeError> {
        self.ready = true;
        self.run(core, Step::PoolReady)
    }

    fn run(&mut self, core: &mut Core, step: Step) -> Result<(), NodeError> {
        let (mut steps, mut effects) = (VecDeque::from([step]), Vec::new());
        while let Some(step) = steps.pop_front() {
            let stopped = self.machine.step(step, &mut effects).err();
            for effect in effects.drain(..) {
                self.perform(core, effect, &mut steps)?;
            }
            if let Some(stopped) = stopped {
                return Err(NodeError::Stopped(format!("{stopped}: {}", self.alarm)));
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
            Effect::Apply(hash) => steps.push_back(Step::Applied(hash, self.apply(core, hash)?)),
            Effect::Unwind(to) => core.unwind(to)?,
            Effect::Tip(tip) => {
                let hashes = |blocks: &[banyan_root::BlockRef]| blocks.iter().map(|block| block.hash).collect();
                let (hash, height) = (tip.block.hash, tip.block.height);
                let (undone, redone) = (hashes(&tip.undone), hashes(&tip.redone));
                core.order(Order::News(News::Tip { hash, height, undone, redone }));
                core.tidy()?;
                // What fitted no block before may fit now.
                self.ready = false;
                if let Some((hash, height)) = self.finality.tip(&tip) {
                    steps.push_back(Step::Final { hash, height });
                }
            }
            Effect::Forget(blocks) => self.pending.retain(|hash, _| !blocks.contains(hash)),
            Effect::Propagate(tip) => self.make_final(core, tip.hash, tip.time)?,
            Effect::Send { block, to } => {
                if let Some(block) = self.bytes(core, block)? {
                    core.order(Order::Send(to, block));
                }
            }
            Effect::Fetch { from, block } => core.order(Order::Fetch(from, block)),
            Effect::Template(id, header) => steps.push_back(template(core, id, &header)?),
            Effect::Mine(id, header) => core.order(Order::Mine(id, header)),
            Effect::StopMining => core.order(Order::StopMining),
            Effect::Build { on, .. } => steps.push_back(Step::Built(on, self.build(core, on)?)),
            Effect::SignMicro(header) => steps.push_back(Step::Signed(self.sign(&header))),
            Effect::Persist(seq, Record::Signed(header)) => {
                let mut commit = Commit::new();
                commit.record(SIGNED_RECORD, 0, header.encode());
                core.chain.store().commit(commit, Flush::Now)?;
                steps.push_back(Step::Persisted(seq));
            }
            Effect::Score(peer, Points(points)) => core.order(Order::Score(peer, points)),
            // Another body than the header's was never kept: what is here came from somebody else. And without bonds there is
            // nothing that an accusation could take.
            Effect::Accuse(_)
            | Effect::Refuse(_, Fault::Key(KeyFault::Body { .. }) | Fault::Micro(MicroFault::Body { .. })) => {}
            Effect::Refuse(hash, _) => drop(self.pending.remove(&hash)),
            Effect::Wake(at) => core.order(Order::Wake(at)),
            Effect::Alarm(alarm) => {
                self.alarm = format!("{alarm:?}");
                core.order(Order::News(News::Alarm(self.alarm.clone())));
            }
        }
        Ok(())
    }

    /// Decode a block as far as the machine must see it.
    fn look_at(&mut self, core: &mut Core, from: Option<Peer>, block: BlockBytes) -> Option<Step> {
        let Some(seen) = see(&block) else {
            if let Some(peer) = from {
                core.order(Order::Score(peer, Points::WRONG_BYTES.0));
            }
            return None;
        };
        if seen.body_fits() && core.chain.store().version_of(&seen.hash().0).is_none() {
            self.pending.insert(seen.hash(), block);
        }
        Some(Step::Block { from, block: seen })
    }

    /// Make the block the head. `Err` only when this node must stop.
    fn apply(&mut self, core: &mut Core, hash: Hash) -> Result<Result<(), NotApplied>, NodeError> {
        if let Some(version) = core.chain.store().version_of(&hash.0) {
            core.reapply(hash, version)?;
            return Ok(Ok(()));
        }
        let bytes = self.pending.remove(&hash).or_else(|| self.own_key_block(&hash));
        let Some(bytes) = bytes else { return Ok(Err(NotApplied::Ours)) };
        let header = Header::decode(&bytes.header)?;
        let made = self.draft.take_if(|draft| draft.hash == Some(hash)).map(|draft| draft.executed);
        let executed = match made {
            Some(executed) => Ok(executed),
            None => execute(core, &header, &bytes.body),
        };
        match executed {
            Ok(executed) => core.commit(&header, &bytes.body, executed, Flush::Later, |_| ()).map(Ok),
            Err(Invalid::Ours(missing)) => Err(missing.into()),
            Err(invalid) => {
                core.order(Order::News(News::Alarm(format!("block {hash} is invalid: {invalid}"))));
                Ok(Err(NotApplied::Invalid))
            }
        }
    }

    /// A key block that was mined here: the machine put its header together, and it has no body.
    fn own_key_block(&self, hash: &Hash) -> Option<BlockBytes> {
        match self.machine.header(hash)? {
            Named::Key(header) => Some(BlockBytes { header: Header::Key(header.clone()).encode(), body: Vec::new() }),
            Named::Micro(_) => None,
        }
    }

    fn build(&mut self, core: &mut Core, on: Hash) -> Result<Option<Draft>, NodeError> {
        let Some(version) = core.chain.store().version_of(&on.0) else { return Ok(None) };
        let session = core.session(version).map_err(NodeError::OwnBlock)?;
        let mut state = Overlay::new(session);
        let mut execution = Execution::micro(&mut state, core.chain.params()).map_err(NodeError::OwnBlock)?;
        let (mut txs, mut refused) = (Vec::new(), Vec::new());
        for tx in core.candidates() {
            match execution.push(&tx) {
                Ok(()) => txs.push(tx),
                Err(Invalid::Transaction { why, .. }) => refused.push((tx.get().hash(), why)),
                Err(_) => break,
            }
        }
        let outcome = if execution.is_empty() { None } else { Some(execution.finish()?) };
        let (session, changes) = state.into_parts();
        refused.iter().try_for_each(|(tx, why): &(TxHash, _)| core.refuse(*tx, why))?;
        let Some(outcome) = outcome else { return Ok(None) };
        let body = MicroBody { txs: bytes_of(&txs), attachments: vec![] }.encode();
        let draft = Draft {
            state_root: outcome.root,
            txs_root: outcome.txs_root,
            receipts_root: outcome.receipts_root,
            gas_used: outcome.gas_used,
            bytes: u32::try_from(body.len()).unwrap_or(u32::MAX),
        };
        self.draft = Some(Making { on, body, executed: Executed { session, changes, outcome, txs }, hash: None });
        Ok(Some(draft))
    }

    /// Sign the header of the draft; it will come back as a block to apply.
    fn sign(&mut self, header: &MicroHeader) -> Option<Signature> {
        let (key, draft) = (self.key.as_ref()?, self.draft.as_mut()?);
        if draft.on != header.prev_hash || draft.executed.outcome.root != header.state_root {
            return None;
        }
        let signature = Signature(key.sign(&header.signing_message(&self.network_id)));
        let header = Header::Micro(Box::new(MicroHeader { signature, ..header.clone() }));
        draft.hash = Some(header.hash());
        self.pending.insert(header.hash(), BlockBytes { header: header.encode(), body: draft.body.clone() });
        Some(signature)
    }

    fn make_final(&self, core: &mut Core, hash: Hash, clock: TimeMs) -> Result<(), NodeError> {
        let mut commit = Commit::new();
        let work = self.machine.work(&hash).unwrap_or(0);
        commit.meta(FINAL_ROW, Finality { hash, work, clock }.encode());
        // Children build on what is final: it must survive what they survive.
        core.chain.store().commit(commit, Flush::Now)?;
        core.finalise(hash)
    }

    fn bytes(&self, core: &Core, hash: Hash) -> Result<Option<BlockBytes>, NodeError> {
        if let Some(pending) = self.pending.get(&hash) {
            return Ok(Some(pending.clone()));
        }
        let store = core.chain.store();
        let stored = store.header(&hash.0)?.zip(store.body(&hash.0)?);
        let stored = stored.map(|(header, body)| BlockBytes { header, body });
        Ok(stored.or_else(|| self.own_key_block(&hash)))
    }

    fn answer(&self, core: &mut Core, by: Peer, block: Hash) -> Result<(), NodeError> {
        if let Some(block) = self.bytes(core, block)? {
            core.order(Order::Answer(by, block));
        }
        Ok(())
    }
}

/// Answer [`Effect::Template`]: the root after the key block's own steps.
fn template(core: &Core, id: TemplateId, header: &KeyHeader) -> Result<Step, NodeError> {
    let version = core.chain.store().version_of(&header.prev_hash.0).ok_or(NodeError::Header)?;
    let mut state = Overlay::new(core.session(version).map_err(NodeError::OwnBlock)?);
    let outcome = key_outcome(&mut state, core.chain.params(), header).map_err(NodeError::OwnBlock)?;
    Ok(Step::Templated(id, outcome.root, Hash::ZERO))
}

fn execute(core: &Core, header: &Header, body: &[u8]) -> Result<Executed, Invalid> {
    let parent = core.chain.store().version_of(&header.prev_hash().0);
    let parent = parent.ok_or(Invalid::Ours(banyan_ledger::Missing("the block before is not kept")))?;
    let block = match header {
        Header::Key(header) => Block::Key(KeyBlock { header: (**header).clone() }),
        Header::Micro(header) => {
            let txs = decode_txs(body)?;
            Block::Micro(MicroBlock { header: (**header).clone(), txs: core.verified(txs)? })
        }
        Header::Child(_) => return Err(Invalid::Kind),
    };
    core.execute(parent, block)
}

fn decode_txs(body: &[u8]) -> Result<Vec<SignedTx>, Invalid> {
    let body = MicroBody::decode(body).map_err(|_| Invalid::Kind)?;
    let decode = |(index, bytes): (usize, &Bytes)| {
        SignedTx::decode(&bytes.0).map_err(|why| Invalid::Transaction { index, why: why.into() })
    };
    body.txs.iter().enumerate().map(decode).collect()
}

/// The block as the machine sees it; `None` if the bytes are no block of the root.
fn see(block: &BlockBytes) -> Option<Seen> {
    match Header::decode(&block.header).ok()? {
        Header::Key(header) => block.body.is_empty().then_some(Seen::Key(header, KeyBodyFacts::EMPTY)),
        Header::Micro(header) => {
            // No transaction names attachments yet, and no header covers them: with any, it is not the leader's body.
            let body = MicroBody::decode(&block.body).ok().filter(|body| body.attachments.is_empty())?;
            let hashes = body.txs.iter().map(|tx| banyan_crypto::blake2b(&[&tx.0]));
            let txs_root = Hash(banyan_tree::list_root(hashes));
            Some(Seen::Micro(header, BodyFacts { txs_root, bytes: u32::try_from(block.body.len()).ok()? }))
        }
        Header::Child(_) => None,
    }
}

/// What was said to be final is so after a crash too, even if the store's own mark was lost.
fn make_final_again(core: &mut Core) -> Result<(), NodeError> {
    match finality(&core.chain)? {
        Some(last) if last.hash != core.chain.last_final()?.hash => core.finalise(last.hash),
        _ => Ok(()),
    }
}

fn finality(chain: &Chain) -> Result<Option<Finality>, NodeError> {
    chain.store().meta(FINAL_ROW)?.map(|row| Finality::decode(&row).ok_or(NodeError::Header)).transpose()
}

fn machine_params(chain: &Chain, engine: &RootEngineParams) -> Result<RootParams, NodeError> {
    let wrong = |what: &str| NodeError::GenesisFile(format!("engine: {what}"));
    let interval = chain.params().height_interval_ms.try_into().map_err(|_| wrong("height_interval_ms is zero"))?;
    Ok(RootParams {
        network_id: chain.params().network_id.clone(),
        version: banyan_types::header::PROTOCOL_VERSION,
        edge_bits: EdgeBits::new(engine.edge_bits).ok_or_else(|| wrong("edge_bits"))?,
        key_interval_ms: interval,
        micro_interval_ms: engine.micro_interval_ms,
        drift_ms: engine.drift_ms,
        target_initial: Target::from_compact(engine.target_initial).map_err(|error| wrong(&error.to_string()))?,
        retarget: engine.retarget,
        paced: engine.paced,
        micro_per_generation_max: engine.micro_per_generation_max,
        micro_bytes_max: engine.micro_bytes_max,
        genesis_time: chain.file().time,
        // No witness locks anything yet.
        lock_hold_ms: lock_hold_ms(0),
    })
}

/// What the store has kept, as the machine takes it.
fn saved(chain: &Chain) -> Result<Saved, NodeError> {
    let last_final = chain.last_final()?;
    let watermark = match chain.store().record(SIGNED_RECORD, 0)? {
        Some(bytes) => Some(Watermark::of(&MicroHeader::decode(&bytes)?)),
        None => None,
    };
    let (work, clock) = match finality(chain)? {
        Some(last) => (last.work, last.clock),
        None => (0, last_final.header.time()),
    };
    Ok(Saved {
        past: past_keys(chain, &last_final.header)?,
        work,
        clock,
        above: above(chain, last_final.hash)?,
        tip: chain.head()?.hash,
        watermark,
    })
}

/// The newest key headers up to the last final one, oldest first.
fn past_keys(chain: &Chain, last_final: &Header) -> Result<Vec<KeyHeader>, NodeError> {
    let top = last_final.height().0;
    let mut past = Vec::new();
    for height in top.saturating_sub(PAST_HEADERS)..=top {
        let hash = chain.main_at(Place::at(height))?.ok_or(NodeError::Header)?;
        match chain.header(hash)? {
            Some(Header::Key(header)) => past.push(*header),
            _ => return Err(NodeError::Header),
        }
    }
    Ok(past)
}

/// Headers of executed blocks that descend from the last final one, parents first: versions count up in that order.
fn above(chain: &Chain, last_final: Hash) -> Result<Vec<Named>, NodeError> {
    let mut line = std::collections::BTreeSet::from([last_final]);
    let mut above = Vec::new();
    for (_, block) in chain.store().kept() {
        let hash = Hash(block);
        let Some(header) = chain.header(hash)? else { continue };
        if hash == last_final || !line.contains(&header.prev_hash()) || !line.insert(hash) {
            continue;
        }
        above.push(match header {
            Header::Key(header) => Named::Key(header),
            Header::Micro(header) => Named::Micro(header),
            Header::Child(_) => return Err(NodeError::Header),
        });
    }
    Ok(above)
}
