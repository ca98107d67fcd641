//! One height's agreement: the core, driven as a value.
//!
//! Questions that need only the key or arithmetic (sign, verify, judge a certificate) are answered inside the step; all else
//! becomes an [`Order`]. What the core owes and what we owe it: ADR 18.

use alloc::{sync::Arc, vec::Vec};
use core::convert::Infallible;

use arc_malachitebft_core_consensus as bft_core;
use arc_malachitebft_core_types as bft;
use banyan_ledger::engine::committee::Epoch;
use banyan_types::{
    Hash, Height, PublicKey,
    committee::{Certificate, MemberSignature, SignedStatement, Statement, ValidatorSet},
};
use bft::{CertificateError, Round, ThresholdParam, Validity, ValueOrigin, VoteType};
use bft_core::{Effect as Ask, Input as Fed, Resumable as _, Resume, process};

use crate::{
    CommitteeParams, Message, Stopped, Wait,
    context::{
        Address, At, BlockId, CommitCertificate, Context, RoundCertificate, Seal, Set, SignedProposal, SignedVote,
        Waits, round, signed, view,
    },
    form::{logged, own_form, polka, precommits, proposal, timeout, vote, wait},
    said::Said,
};

/// Messages of later heights that the core would keep by itself: none is ever given to it.
const QUEUE: usize = 1;

/// What the core wants done, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// To disk, before anything that follows.
    Log(Logged),
    /// To everybody.
    Send(Sent),
    /// Wake in so many milliseconds, in place of an earlier wait of the kind and view.
    Wait(Wait, u32, u64),
    /// That wait is over.
    Cancel(Wait, u32),
    /// All waits are.
    CancelAll,
    /// It is this validator's turn: a block is wanted.
    Build(u32),
    /// Another's proposal was accepted: whether its block is good decides about votes.
    Judge { view: u32, by: PublicKey, block_hash: Hash },
    /// A quorum precommitted.
    Decide(Certificate),
    /// Two statements of one slot by one key.
    Accuse([SignedStatement; 2]),
    /// Asked to contradict itself; refused.
    Silent(u32),
}

/// What the core wants in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logged {
    Proposal(SignedStatement),
    Vote(SignedStatement),
    Polka(Vec<SignedStatement>),
    Judged { view: u32, by: PublicKey, block_hash: Hash, is_valid: bool },
    Elapsed(Wait, u32),
}

/// What the core wants sent: a proposal's header is added later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    Proposal(SignedStatement),
    Other(Message),
}

/// The agreement on the block of one height.
pub struct Agreement {
    state: bft_core::State<Context>,
    mind: Mind,
}

/// What questions are answered from.
struct Mind {
    context: Context,
    params: Arc<CommitteeParams>,
    height: Height,
    /// Inputs that are being replayed: they are in the log already.
    replayed: Vec<Fed<Context>>,
    /// The statement that is being fed was verified before.
    is_checked: bool,
    /// The view in which a contradiction was refused, within this step.
    silent: Option<u32>,
}

impl Agreement {
    /// At `height`, not started yet.
    pub fn new(params: Arc<CommitteeParams>, epoch: Arc<Epoch>, own: PublicKey, height: Height) -> Self {
        let set = Set::of(&epoch);
        let context = Context { epoch };
        // With proposals only, the core would call every proposal valid: bodies apart, so that a check is an input.
        let value_payload = bft::ValuePayload::ProposalAndParts;
        let threshold_params = bft::ThresholdParams::default();
        let asked = bft_core::Params { address: Address(own), threshold_params, value_payload, enabled: true };
        let state = bft_core::State::new(context.clone(), At(height), set, asked, QUEUE, QUEUE);
        let mind = Mind { context, params, height, replayed: Vec::new(), is_checked: false, silent: None };
        Self { state, mind }
    }

    /// Enter view 0. No target time: the core would read a clock.
    pub fn start(&mut self, said: &mut Said, out: &mut Vec<Order>) -> Result<(), Stopped> {
        let set = Set::of(&self.mind.context.epoch);
        self.feed(
            Fed::StartHeight(At(self.mind.height), set, false, None, bft::VoteExtensionPolicy::Disabled),
            said,
            out,
        )
    }

    /// Enter view 0 again after a crash, and go through the log.
    pub fn resume(&mut self, log: &[Logged], said: &mut Said, out: &mut Vec<Order>) -> Result<(), Stopped> {
        self.start(said, out)?;
        let log: Vec<_> = log.iter().filter_map(|entry| self.mind.fed(entry)).collect();
        self.state.index_wal_entries(&log);
        self.mind.replayed.clone_from(&log);
        for entry in log {
            self.mind.is_checked = true;
            self.feed(entry, said, out)?;
        }
        self.state.reset_entries_index();
        self.mind.replayed.clear();
        Ok(())
    }

    /// The view that is being tried.
    pub fn current_view(&self) -> u32 {
        view(self.state.round()).unwrap_or(0)
    }

    /// A statement whose signature and signer were checked.
    pub fn heard(&mut self, heard: &SignedStatement, said: &mut Said, out: &mut Vec<Order>) -> Result<(), Stopped> {
        let fed = vote(heard).map(Fed::Vote).or_else(|| proposal(heard).map(Fed::Proposal));
        self.mind.is_checked = true;
        fed.map_or(Ok(()), |fed| self.feed(fed, said, out))
    }

    /// Prevotes of one block, not checked yet.
    pub fn polka(&mut self, votes: &[SignedStatement], said: &mut Said, out: &mut Vec<Order>) -> Result<(), Stopped> {
        polka(votes).map_or(Ok(()), |polka| self.feed(Fed::PolkaCertificate(polka), said, out))
    }

    /// Votes of one view, not checked yet.
    pub fn view(
        &mut self,
        closed: bool,
        votes: &[SignedStatement],
        said: &mut Said,
        out: &mut Vec<Order>,
    ) -> Result<(), Stopped> {
        let Some(first) = votes.first().map(|first| first.statement) else { return Ok(()) };
        let kind = if closed { bft::RoundCertificateType::Precommit } else { bft::RoundCertificateType::Skip };
        let votes = votes.iter().filter_map(vote).collect();
        let certificate = RoundCertificate::new_from_votes(At(first.height), round(first.view), kind, votes);
        self.feed(Fed::RoundCertificate(certificate), said, out)
    }

    /// This validator's block for a view.
    pub fn propose(&mut self, at: u32, block_hash: Hash, said: &mut Said, out: &mut Vec<Order>) -> Result<(), Stopped> {
        let value = bft_core::LocallyProposedValue::new(At(self.mind.height), round(at), BlockId(block_hash));
        self.feed(Fed::Propose(value), said, out)
    }

    /// The answer to [`Order::Judge`].
    pub fn judged(
        &mut self,
        at: u32,
        by: PublicKey,
        (block_hash, is_valid): (Hash, bool),
        said: &mut Said,
        out: &mut Vec<Order>,
    ) -> Result<(), Stopped> {
        let value = self.mind.value(at, by, block_hash, is_valid);
        self.feed(value, said, out)
    }

    /// A wait of this height is over.
    pub fn elapsed(&mut self, wait: Wait, at: u32, said: &mut Said, out: &mut Vec<Order>) -> Result<(), Stopped> {
        self.feed(Fed::TimeoutElapsed(timeout(wait, at)), said, out)
    }

    fn feed(&mut self, input: Fed<Context>, said: &mut Said, out: &mut Vec<Order>) -> Result<(), Stopped> {
        let Self { state, mind } = self;
        // An error of the handler would be taken for a success: it only notes, and cannot fail.
        let done: Result<(), bft_core::Error<Context>> = process!(
            input: input,
            state: state,
            metrics: &(),
            with: effect => Ok::<_, Infallible>(mind.answer(effect, said, out))
        );
        mind.is_checked = false;
        if let Some(view) = mind.silent.take() {
            out.push(Order::Silent(view)); // the error is our own refusal
            return Ok(());
        }
        done.map_err(|error| Stopped(alloc::format!("{error}")))
    }
}

impl Mind {
    fn answer(&mut self, effect: Ask<Context>, said: &mut Said, out: &mut Vec<Order>) -> Resume<Context> {
        match effect {
            // Questions. `Continue` is the wrong answer to them: the step ends there.
            Ask::SignVote(vote, reply) => match self.sign(&vote.statement, said) {
                Some(seal) => reply.resume_with(SignedVote::new(vote, seal)),
                None => Resume::Continue,
            },
            Ask::SignProposal(proposal, reply) => match self.sign(&proposal.statement, said) {
                Some(seal) => reply.resume_with(SignedProposal::new(proposal, seal)),
                None => Resume::Continue,
            },
            Ask::VerifySignature(message, key, reply) => {
                let statement = match &message.message {
                    bft_core::ConsensusMsg::Vote(vote) => vote.statement,
                    bft_core::ConsensusMsg::Proposal(proposal) => proposal.statement,
                };
                let is_signed = || signed(statement, key, message.signature).is_signed(said.network_id());
                reply.resume_with(self.is_checked || is_signed())
            }
            Ask::VerifyCommitCertificate(certificate, _, thresholds, reply) => {
                reply.resume_with(self.judge(thresholds.quorum, &precommits(&certificate), said))
            }
            Ask::VerifyExtendedCommitCertificate(certificate, _, thresholds, _, reply) => {
                let certificate = certificate.trim_vote_extensions();
                reply.resume_with(self.judge(thresholds.quorum, &precommits(&certificate), said))
            }
            Ask::VerifyPolkaCertificate(certificate, _, thresholds, reply) => {
                let votes: Vec<_> = certificate.votes(&self.context).map(|vote| own_form(&vote)).collect();
                reply.resume_with(self.judge(thresholds.quorum, &votes, said))
            }
            Ask::VerifyRoundCertificate(certificate, _, thresholds, reply) => {
                reply.resume_with(self.judge_view(&certificate, thresholds, said))
            }
            Ask::ExtendVote(.., reply) => reply.resume_with(None),
            Ask::VerifyVoteExtension(.., reply) => {
                reply.resume_with(Err(bft_core::VoteExtensionError::InvalidVoteExtension))
            }
            order => {
                self.note(order, said.own(), out);
                Resume::Continue
            }
        }
    }

    /// Orders: noted in sequence, carried out after the step.
    fn note(&mut self, order: Ask<Context>, own: PublicKey, out: &mut Vec<Order>) {
        match order {
            Ask::WalAppend(_, entry, _) => self.log(&entry, own, out),
            Ask::PublishConsensusMsg(bft_core::SignedConsensusMsg::Proposal(proposal), _) => {
                let (statement, by) = (proposal.message.statement, proposal.message.by);
                out.push(Order::Send(Sent::Proposal(signed(statement, by, proposal.signature))));
            }
            Ask::PublishConsensusMsg(bft_core::SignedConsensusMsg::Vote(vote), _)
            | Ask::RepublishVote(vote, _)
            | Ask::PublishLivenessMsg(bft_core::LivenessMsg::Vote(vote), _) => {
                send(Message::Vote(own_form(&vote)), out);
            }
            Ask::PublishLivenessMsg(bft_core::LivenessMsg::PolkaCertificate(polka), _) => {
                send(Message::Polka(polka.votes(&self.context).map(|vote| own_form(&vote)).collect()), out);
            }
            Ask::PublishLivenessMsg(bft_core::LivenessMsg::SkipRoundCertificate(certificate), _)
            | Ask::RepublishRoundCertificate(certificate, _) => {
                let closed = certificate.cert_type == bft::RoundCertificateType::Precommit;
                let votes = certificate.votes(&self.context).map(|vote| own_form(&vote)).collect();
                send(Message::View { closed, votes }, out);
            }
            Ask::ScheduleTimeout(timeout, _) => {
                let millis = Waits::millis(&self.params, timeout);
                out.extend(wait(timeout).map(|(wait, at)| Order::Wait(wait, at, millis)));
            }
            Ask::CancelTimeout(timeout, _) => out.extend(wait(timeout).map(|(wait, at)| Order::Cancel(wait, at))),
            Ask::CancelAllTimeouts(_) => out.push(Order::CancelAll),
            Ask::GetValue(_, at, _, _) => out.extend(view(at).map(Order::Build)),
            Ask::Finalize(certificate, _, evidence, _) => {
                accuse(&evidence, out);
                out.push(Order::Decide(self.seal(&certificate)));
            }
            // Bodies are asked for by hash, so nothing is streamed; without a target time a decision is final at once; and
            // blocks of others are checked and committed without the core.
            _ => {}
        }
    }

    fn log(&self, entry: &Fed<Context>, own: PublicKey, out: &mut Vec<Order>) {
        let is_new = !self.replayed.contains(entry);
        out.extend(logged(entry, &self.context).filter(|_| is_new).map(Order::Log));
        // The core has accepted this proposal (leader, signature, limits): only now is its block worth a look.
        if let Fed::Proposal(proposal) = entry {
            let (statement, by) = (proposal.message.statement, proposal.message.by.0);
            let wanted = Order::Judge { view: statement.view, by, block_hash: statement.block_hash };
            out.extend((by != own).then_some(wanted));
        }
    }

    fn sign(&mut self, statement: &Statement, said: &mut Said) -> Option<Seal> {
        let signature = said.say(statement);
        if signature.is_none() {
            self.silent = Some(statement.view);
        }
        signature.map(Seal)
    }

    #[expect(clippy::result_large_err, reason = "the core's own error")]
    /// Every voter known and counted once, every signature good, weight enough.
    fn judge(
        &self,
        least: ThresholdParam,
        votes: &[SignedStatement],
        said: &Said,
    ) -> Result<(), CertificateError<Context>> {
        let set: &ValidatorSet = &self.context.epoch.set;
        let (mut seen, mut weight, total) = (alloc::collections::BTreeSet::new(), 0u64, set.total());
        for vote in votes {
            let place = set.place(&vote.by).ok_or(CertificateError::UnknownValidator(Address(vote.by)))?;
            if !seen.insert(place) {
                return Err(CertificateError::DuplicateVote(Address(vote.by)));
            }
            if !vote.is_signed(said.network_id()) {
                return Err(CertificateError::VerificationError(None));
            }
            weight = weight.saturating_add(set.weight_of(&vote.by));
        }
        let expected = least.min_expected(total);
        let short = CertificateError::NotEnoughVotingPower { signed: weight, total, expected };
        if least.is_met(weight, total) { Ok(()) } else { Err(short) }
    }

    #[expect(clippy::result_large_err, reason = "the core's own error")]
    /// A closed view needs a quorum of precommits; another is entered on the word of one honest validator.
    fn judge_view(
        &self,
        certificate: &RoundCertificate,
        thresholds: bft::ThresholdParams,
        said: &Said,
    ) -> Result<(), CertificateError<Context>> {
        let closed = certificate.cert_type == bft::RoundCertificateType::Precommit;
        let stray = certificate.round_signatures.iter().find(|by| closed && by.vote_type == VoteType::Prevote);
        if let Some(stray) = stray {
            return Err(CertificateError::InvalidVoteType(stray.address));
        }
        let votes: Vec<_> = certificate.votes(&self.context).map(|vote| own_form(&vote)).collect();
        self.judge(if closed { thresholds.quorum } else { thresholds.honest }, &votes, said)
    }

    /// The certificate in its one form: the core lists signatures as they came.
    fn seal(&self, certificate: &CommitCertificate) -> Certificate {
        let set = &self.context.epoch.set;
        let at = |by: &bft::CommitSignature<Context>| {
            Some(MemberSignature { index: set.place(&by.address.0)?, signature: by.signature.0 })
        };
        let by = certificate.commit_signatures.iter().filter_map(at).collect();
        let height = certificate.height.0;
        Certificate::gather(
            &Statement::precommit(height, view(certificate.round).unwrap_or(0), certificate.value_id.0),
            by,
        )
    }

    fn value(&self, at: u32, by: PublicKey, block_hash: Hash, is_valid: bool) -> Fed<Context> {
        let value = bft_core::ProposedValue {
            height: At(self.height),
            round: round(at),
            valid_round: Round::Nil,
            proposer: Address(by),
            value: BlockId(block_hash),
            validity: if is_valid { Validity::Valid } else { Validity::Invalid },
        };
        Fed::ProposedValue(value, ValueOrigin::Consensus)
    }

    fn fed(&self, logged: &Logged) -> Option<Fed<Context>> {
        match logged {
            Logged::Proposal(signed) => proposal(signed).map(Fed::Proposal),
            Logged::Vote(signed) => vote(signed).map(Fed::Vote),
            Logged::Polka(votes) => polka(votes).map(Fed::PolkaCertificate),
            Logged::Judged { view, by, block_hash, is_valid } => Some(self.value(*view, *by, *block_hash, *is_valid)),
            Logged::Elapsed(wait, at) => Some(Fed::TimeoutElapsed(timeout(*wait, *at))),
        }
    }
}

fn send(message: Message, out: &mut Vec<Order>) {
    out.push(Order::Send(Sent::Other(message)));
}

fn accuse(evidence: &bft_core::MisbehaviorEvidence<Context>, out: &mut Vec<Order>) {
    for (_, pairs) in evidence.proposals.iter() {
        let form =
            |proposal: &SignedProposal| signed(proposal.message.statement, proposal.message.by, proposal.signature);
        out.extend(pairs.first().map(|(a, b)| Order::Accuse([form(a), form(b)])));
    }
    for (_, pairs) in evidence.votes.iter() {
        out.extend(pairs.first().map(|(a, b)| Order::Accuse([own_form(a), own_form(b)])));
    }
}
