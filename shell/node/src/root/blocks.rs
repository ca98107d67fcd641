//! Execute, build and sign blocks of the root.

use std::collections::{BTreeMap, VecDeque};

use banyan_ledger::{Block, Execution, Invalid, KeyBlock, MicroBlock, Overlay, key_outcome};
use banyan_root::{
    Block as Seen, BodyFacts, Draft, Header as Named, Input as Step, KeyBodyFacts, NotApplied, Peer, Points, TemplateId,
};
use banyan_store::Flush;
use banyan_types::{
    Bytes, Hash, Signature, TxHash,
    header::{KeyBody, KeyHeader, MicroBody, MicroHeader},
    tx::SignedTx,
    witness::Seal,
};
use banyan_witness::Input as Vote;

use super::{RootDriver, Todo, finality::key_ref};
use crate::{
    EngineParams, Header, NodeError,
    node::{BlockBytes, Core, Executed, News, Order, bytes_of},
};

/// Bytes that a micro body has beside its transactions, at most: its lists' heads, tag and version.
const BODY_BYTES: usize = 32;
/// Bytes that it has for each of them, at most: the head of a string below 16 MiB.
const TX_BYTES: usize = 4;
/// Bodies of templates that may still be found: more than one template is seldom searched.
const TEMPLATES_MAX: usize = 8;

/// Blocks on their way: in, and out.
#[derive(Default)]
pub struct Desk {
    /// Blocks that came in and were not executed yet.
    pub pending: BTreeMap<Hash, BlockBytes>,
    /// The micro block that this node is making.
    draft: Option<Making>,
    /// Bodies of key blocks that this node searches or has found, by `witness_hash`, newest last.
    bodies: VecDeque<(Hash, Vec<u8>)>,
}

/// A micro block in the making: executed already, so that it need not be executed again once it is signed.
struct Making {
    on: Hash,
    body: Vec<u8>,
    executed: Executed,
    hash: Option<Hash>,
}

impl RootDriver {
    /// Decode a block as far as the machine must see it.
    pub(super) fn look_at(&mut self, core: &mut Core, from: Option<Peer>, block: BlockBytes) -> Result<(), NodeError> {
        let Some(seen) = see(&block) else {
            if let Some(peer) = from {
                self.score(core, peer, Points::WRONG_BYTES);
            }
            return Ok(());
        };
        if let Seen::Micro(header, _) = &seen {
            self.report_late_fork(core, header)?;
        }
        let hash = seen.hash();
        if seen.body_fits() && core.chain.store().version_of(&hash.0).is_none() {
            if matches!(seen, Seen::Key(..)) && !self.is_key(&hash) {
                self.expected.insert(hash);
            }
            self.desk.pending.insert(hash, block);
        }
        self.todo.push_back(Todo::Chain(Step::Block { from, block: seen }));
        Ok(())
    }

    /// Make the block the head. `Err` only when this node must stop.
    pub(super) fn apply(&mut self, core: &mut Core, hash: Hash) -> Result<(), NodeError> {
        let answer = self.try_apply(core, hash)?;
        if answer.is_ok()
            && let Some(key) = key_ref(&self.machine, &hash)
        {
            self.expected.remove(&hash);
            self.todo.extend([Todo::Votes(Vote::Header(key)), Todo::Votes(Vote::Applied(hash))]);
        }
        self.todo.push_back(Todo::Chain(Step::Applied(hash, answer)));
        Ok(())
    }

    fn try_apply(&mut self, core: &mut Core, hash: Hash) -> Result<Result<(), NotApplied>, NodeError> {
        if let Some(version) = core.chain.store().version_of(&hash.0) {
            core.reapply(hash, version, |_| ())?;
            return Ok(Ok(()));
        }
        let bytes = self.desk.pending.remove(&hash).or_else(|| self.own_key_block(&hash));
        let Some(bytes) = bytes else { return Ok(Err(NotApplied::Ours)) };
        let header = Header::decode(&bytes.header)?;
        let made = self.desk.draft.take_if(|draft| draft.hash == Some(hash)).map(|draft| draft.executed);
        let executed = match made {
            Some(executed) => Ok(executed),
            None => execute(core, &header, &bytes.body),
        };
        match executed {
            Ok(executed) => {
                core.commit(&header, &bytes.body, executed, Flush::Later, |_| ())?;
                if let (Header::Key(_), Ok(Some(seal))) = (&header, KeyBody::seal_in(&bytes.body)) {
                    self.todo.push_back(Todo::Votes(Vote::Seal { from: None, seal: Box::new(seal) }));
                }
                Ok(Ok(()))
            }
            Err(Invalid::Ours(missing)) => Err(missing.into()),
            Err(invalid) => {
                core.order(Order::News(News::Alarm(format!("block {hash} is invalid: {invalid}"))));
                Ok(Err(NotApplied::Invalid))
            }
        }
    }

    /// A key block that was mined here: the machine put its header together, its body was chosen with the template.
    fn own_key_block(&self, hash: &Hash) -> Option<BlockBytes> {
        let Named::Key(header) = self.machine.header(hash)? else { return None };
        let body = match header.witness_hash {
            Hash::ZERO => Vec::new(),
            named => self.desk.bodies.iter().find(|(hash, _)| *hash == named).map(|(_, body)| body.clone())?,
        };
        Some(BlockBytes { header: Header::Key(header.clone()).encode(), body })
    }

    /// Choose a seal for a key block and find the root of its state.
    pub(super) fn template(&mut self, core: &Core, id: TemplateId, header: &KeyHeader) -> Result<(), NodeError> {
        let version = core.chain.store().version_of(&header.prev_hash.0).ok_or(NodeError::Header)?;
        let root_with = |seal: Option<&Seal>| {
            let mut state = Overlay::new(core.session(version)?);
            key_outcome(&mut state, core.chain.params(), header, seal).map(|outcome| outcome.root)
        };
        for seal in self.finality.seals_for(core)? {
            match root_with(Some(&seal)) {
                Ok(root) => {
                    let body = KeyBody::bytes_of(Some(&seal));
                    let witness_hash = KeyBody::witness_hash(&body);
                    self.desk.keep_body(witness_hash, body);
                    self.todo.push_back(Todo::Chain(Step::Templated(id, root, witness_hash)));
                    return Ok(());
                }
                Err(Invalid::Ours(missing)) => return Err(missing.into()),
                // It says nothing that this chain lacks, or not yet.
                Err(_) => {}
            }
        }
        let root = root_with(None).map_err(NodeError::OwnBlock)?;
        self.todo.push_back(Todo::Chain(Step::Templated(id, root, Hash::ZERO)));
        Ok(())
    }

    /// A micro block on `on`; `None` if the pool has nothing that fits, or this node may not fill its generation.
    pub(super) fn build(&mut self, core: &mut Core, on: Hash) -> Result<Option<Draft>, NodeError> {
        let Some(version) = core.chain.store().version_of(&on.0) else { return Ok(None) };
        let session = core.session(version).map_err(NodeError::OwnBlock)?;
        let mut state = Overlay::new(session);
        let mut execution = match Execution::micro(&mut state, core.chain.params()) {
            Ok(execution) => execution,
            Err(Invalid::Unbonded { .. }) => return Ok(None),
            Err(error) => return Err(NodeError::OwnBlock(error)),
        };
        let (mut txs, mut refused) = (Vec::new(), Vec::new());
        let EngineParams::Root(engine) = &core.chain.file().engine else { return Ok(None) };
        let mut room = (engine.micro_bytes_max as usize).saturating_sub(BODY_BYTES);
        for tx in core.candidates() {
            let Some(left) = room.checked_sub(tx.get().bytes().len().saturating_add(TX_BYTES)) else { break };
            match execution.push(&tx) {
                Ok(()) => {
                    txs.push(tx);
                    room = left;
                }
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
        self.desk.draft = Some(Making { on, body, executed: Executed { session, changes, outcome, txs }, hash: None });
        Ok(Some(draft))
    }

    /// Sign the header of the draft; it will come back as a block to apply.
    pub(super) fn sign(&mut self, core: &Core, header: &MicroHeader) -> Option<Signature> {
        let (key, draft) = (self.miner.as_ref()?, self.desk.draft.as_mut()?);
        if draft.on != header.prev_hash || draft.executed.outcome.root != header.state_root {
            return None;
        }
        let signature = Signature(key.sign(&header.signing_message(&core.chain.params().network_id)));
        let header = Header::Micro(Box::new(MicroHeader { signature, ..header.clone() }));
        draft.hash = Some(header.hash());
        self.desk.pending.insert(header.hash(), BlockBytes { header: header.encode(), body: draft.body.clone() });
        Some(signature)
    }

    /// A block that is here, executed or not.
    pub(super) fn bytes(&self, core: &Core, hash: Hash) -> Result<Option<BlockBytes>, NodeError> {
        if let Some(pending) = self.desk.pending.get(&hash) {
            return Ok(Some(pending.clone()));
        }
        let store = core.chain.store();
        let stored = store.header(&hash.0)?.zip(store.body(&hash.0)?);
        let stored = stored.map(|(header, body)| BlockBytes { header, body });
        Ok(stored.or_else(|| self.own_key_block(&hash)))
    }
}

impl Desk {
    fn keep_body(&mut self, witness_hash: Hash, body: Vec<u8>) {
        if self.bodies.iter().any(|(held, _)| *held == witness_hash) {
            return;
        }
        if self.bodies.len() == TEMPLATES_MAX {
            self.bodies.pop_front();
        }
        self.bodies.push_back((witness_hash, body));
    }
}

fn execute(core: &Core, header: &Header, body: &[u8]) -> Result<Executed, Invalid> {
    let parent = core.chain.store().version_of(&header.prev_hash().0);
    let parent = parent.ok_or(Invalid::Ours(banyan_ledger::Missing("the block before is not kept")))?;
    let block = match header {
        Header::Key(header) => {
            let seal = KeyBody::seal_in(body).map_err(|_| Invalid::Kind)?;
            Block::Key(KeyBlock { header: (**header).clone(), seal })
        }
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
    let bytes = u32::try_from(block.body.len()).ok()?;
    match Header::decode(&block.header).ok()? {
        Header::Key(header) => {
            Some(Seen::Key(header, KeyBodyFacts { witness_hash: KeyBody::witness_hash(&block.body), bytes }))
        }
        Header::Micro(header) => {
            // No transaction names attachments yet, and no header covers them: with any, it is not the leader's body.
            let body = MicroBody::decode(&block.body).ok().filter(|body| body.attachments.is_empty())?;
            let hashes = body.txs.iter().map(|tx| banyan_crypto::blake2b(&[&tx.0]));
            let txs_root = Hash(banyan_tree::list_root(hashes));
            Some(Seen::Micro(header, BodyFacts { txs_root, bytes }))
        }
        Header::Child(_) => None,
    }
}
