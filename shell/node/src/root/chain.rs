//! What the chain machine asks for.

use banyan_gossip::{Input as Talk, NewBlock, To as Reach};
use banyan_root::{
    BlockRef, Effect, Header as Named, Input as Step, Peer, Points, Record, Tip, To,
    validity::{Fault, KeyFault, MicroFault, Owner},
};
use banyan_store::{Commit, Flush};
use banyan_types::{Bytes, Hash, header::MicroBody};
use banyan_witness::{Input as Vote, MicroRef};

use super::{RootDriver, Todo, finality::key_ref, resume::SIGNED_RECORD};
use crate::{
    Header, NodeError,
    node::{BlockBytes, Core, News, Order},
};

impl RootDriver {
    pub(super) fn step_chain(&mut self, core: &mut Core, step: Step) -> Result<(), NodeError> {
        let mut effects = Vec::new();
        let stopped = self.machine.step(step, &mut effects).err();
        self.introduce();
        for effect in effects {
            self.perform_chain(core, effect)?;
        }
        match stopped {
            Some(stopped) => Err(NodeError::Stopped(format!("{stopped}: {}", self.alarm))),
            None => Ok(()),
        }
    }

    /// Tell the witness machine of key headers that have joined the tree, parents first.
    fn introduce(&mut self) {
        let joined = self.expected.iter().filter_map(|hash| key_ref(&self.machine, hash));
        let mut joined: Vec<_> = joined.collect();
        joined.sort_by_key(|key| key.height);
        for key in joined {
            self.expected.remove(&key.hash);
            self.todo.push_back(Todo::Votes(Vote::Header(key)));
        }
    }

    fn perform_chain(&mut self, core: &mut Core, effect: Effect) -> Result<(), NodeError> {
        match effect {
            Effect::Apply(hash) => self.apply(core, hash)?,
            Effect::Unwind(to) => core.unwind(to)?,
            Effect::Tip(tip) => self.tip(core, &tip)?,
            Effect::Forget(blocks) => self.forget(&blocks),
            Effect::Propagate(tip) => {
                self.make_final(core, tip.hash, tip.time)?;
                self.tell_status();
            }
            Effect::Send { block, to } => self.send_block(core, block, to)?,
            Effect::Fetch { from, block } if self.peers.is_some() => {
                self.todo.push_back(Todo::Talk(Talk::FetchBlock(from, block)));
            }
            Effect::Fetch { from, block } => core.order(Order::Fetch(from, block)),
            Effect::Template(id, header) => self.template(core, id, &header)?,
            Effect::Mine(id, header) => core.order(Order::Mine(id, header)),
            Effect::StopMining => core.order(Order::StopMining),
            Effect::Build { on, .. } => {
                let draft = self.build(core, on)?;
                self.todo.push_back(Todo::Chain(Step::Built(on, draft)));
            }
            Effect::SignMicro(header) => {
                let signature = self.sign(core, &header);
                self.todo.push_back(Todo::Chain(Step::Signed(signature)));
            }
            Effect::Persist(seq, Record::Signed(header)) => {
                let mut commit = Commit::new();
                commit.record(SIGNED_RECORD, 0, header.encode());
                core.chain.store().commit(commit, Flush::Now)?;
                self.todo.push_back(Todo::Chain(Step::Persisted(seq)));
            }
            Effect::Score(peer, points) => self.score(core, peer, points),
            Effect::Refuse(hash, fault) => self.refuse(hash, fault),
            Effect::Accuse(fraud) => self.report_fork(core, &fraud)?,
            Effect::Wake(at) => self.wakes.chain = Some(at),
            Effect::Alarm(alarm) => self.alarm(core, format!("{alarm:?}")),
        }
        Ok(())
    }

    fn tip(&mut self, core: &mut Core, tip: &Tip) -> Result<(), NodeError> {
        let hashes = |blocks: &[BlockRef]| blocks.iter().map(|block| block.hash).collect();
        let (hash, height) = (tip.block.hash, tip.block.height);
        let (undone, redone) = (hashes(&tip.undone), hashes(&tip.redone));
        core.order(Order::News(News::Tip { hash, height, undone, redone }));
        core.take_back()?;
        core.tidy()?;
        // What fitted no block before may fit now.
        self.ready = false;
        if let Some((hash, height)) = self.finality.depth_says(tip) {
            self.todo.push_back(Todo::Chain(Step::Final { hash, height }));
        }
        self.todo.push_back(Todo::Votes(Vote::Tip(tip.block.key_hash)));
        let of_tip = |block: &&BlockRef| !block.is_key() && block.key_hash == tip.block.key_hash;
        for micro in tip.redone.iter().filter(of_tip) {
            self.todo.extend(self.micro_ref(micro).map(|micro| Todo::Votes(Vote::Micro(micro))));
        }
        self.tell_status();
        Ok(())
    }

    fn micro_ref(&self, block: &BlockRef) -> Option<MicroRef> {
        let prev_hash = self.machine.header(&block.hash)?.prev_hash();
        let (hash, key_hash, height, index) = (block.hash, block.key_hash, block.height, block.index);
        Some(MicroRef { hash, key_hash, height, index, prev_hash })
    }

    fn forget(&mut self, blocks: &[Hash]) {
        for hash in blocks {
            self.desk.pending.remove(hash);
            self.expected.remove(hash);
        }
    }

    fn refuse(&mut self, hash: Hash, fault: Fault) {
        // Another body than the header's was never kept: what is here came from somebody else.
        if matches!(fault, Fault::Key(KeyFault::Body { .. }) | Fault::Micro(MicroFault::Body { .. })) {
            return;
        }
        self.forget(&[hash]);
        if fault.owner() == Owner::Invalid {
            self.todo.push_back(Todo::Votes(Vote::Invalid(vec![hash])));
            self.todo.push_back(Todo::Talk(Talk::Refused(hash)));
        }
    }

    pub(super) fn score(&mut self, core: &mut Core, peer: Peer, points: Points) {
        if self.peers.is_some() {
            self.todo.push_back(Todo::Talk(Talk::Score(peer, points)));
        } else {
            core.order(Order::Score(peer, points.0));
        }
    }

    fn send_block(&mut self, core: &mut Core, block: Hash, to: To) -> Result<(), NodeError> {
        let Some(bytes) = self.bytes(core, block)? else { return Ok(()) };
        if self.peers.is_none() {
            core.order(Order::Send(to, bytes));
            return Ok(());
        }
        let to = match to {
            To::All => Reach::All,
            To::Except(peer) => Reach::Except(peer),
        };
        self.todo.extend(new_block(&bytes)?.map(|block| Todo::Talk(Talk::Block { block, to })));
        Ok(())
    }

    pub(super) fn answer(&self, core: &mut Core, by: Peer, block: Hash) -> Result<(), NodeError> {
        if let Some(block) = self.bytes(core, block)? {
            core.order(Order::Answer(by, block));
        }
        Ok(())
    }

    /// A header that the chain machine holds, as a key header.
    pub(super) fn is_key(&self, hash: &Hash) -> bool {
        matches!(self.machine.header(hash), Some(Named::Key(_)))
    }
}

fn new_block(bytes: &BlockBytes) -> Result<Option<NewBlock>, NodeError> {
    Ok(match Header::decode(&bytes.header)? {
        Header::Key(header) => Some(NewBlock::Key(header, Bytes(bytes.body.clone()))),
        Header::Micro(header) => {
            let body = MicroBody::decode(&bytes.body)?;
            let hash = |tx: &Bytes| banyan_types::TxHash(banyan_crypto::blake2b(&[&tx.0]));
            Some(NewBlock::Micro(header, body.txs.iter().map(hash).collect()))
        }
        Header::Child(_) => None,
    })
}
