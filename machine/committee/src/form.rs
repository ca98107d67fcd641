//! Statements in the core's form and in ours.

use alloc::vec::Vec;

use arc_malachitebft_core_consensus as bft_core;
use arc_malachitebft_core_types as bft;
use banyan_types::committee::SignedStatement;
use bft::{NilOrVal, Timeout, TimeoutKind, VoteType};
use bft_core::Input as Fed;

use crate::{
    Wait,
    agreement::Logged,
    context::{
        At, BlockId, CommitCertificate, Context, PolkaCertificate, Proposal, Seal, SignedProposal, SignedVote, Vote,
        round, signed, view,
    },
};

/// The core's log entry in our form; it logs nothing else.
pub fn logged(entry: &Fed<Context>, context: &Context) -> Option<Logged> {
    Some(match entry {
        Fed::Vote(vote) => Logged::Vote(own_form(vote)),
        Fed::Proposal(proposal) => {
            Logged::Proposal(signed(proposal.message.statement, proposal.message.by, proposal.signature))
        }
        Fed::PolkaCertificate(polka) => Logged::Polka(polka.votes(context).map(|vote| own_form(&vote)).collect()),
        Fed::ProposedValue(value, _) => Logged::Judged {
            view: view(value.round)?,
            by: value.proposer.0,
            block_hash: value.value.0,
            is_valid: value.validity.is_valid(),
        },
        Fed::TimeoutElapsed(timeout) => {
            let (wait, at) = wait(*timeout)?;
            Logged::Elapsed(wait, at)
        }
        _ => return None,
    })
}

pub fn own_form(vote: &SignedVote) -> SignedStatement {
    signed(vote.message.statement, vote.message.by, vote.signature)
}

pub fn vote(signed: &SignedStatement) -> Option<SignedVote> {
    Vote::of(&signed.statement, signed.by).map(|vote| SignedVote::new(vote, Seal(signed.signature)))
}

pub fn proposal(signed: &SignedStatement) -> Option<SignedProposal> {
    let seal = Seal(signed.signature);
    Proposal::of(&signed.statement, signed.by).map(|proposal| SignedProposal::new(proposal, seal))
}

pub fn polka(votes: &[SignedStatement]) -> Option<PolkaCertificate> {
    let first = votes.first()?.statement;
    let id = BlockId(first.block_hash);
    let votes = votes.iter().filter_map(vote).collect();
    Some(PolkaCertificate::new(At(first.height), round(first.view), id, votes))
}

pub fn precommits(certificate: &CommitCertificate) -> Vec<SignedStatement> {
    let (height, at) = (certificate.height.0, certificate.round);
    let form = |by: &bft::CommitSignature<Context>| {
        let value = NilOrVal::Val(certificate.value_id);
        own_form(&SignedVote::new(Vote::new(VoteType::Precommit, height, at, value, by.address), by.signature))
    };
    certificate.commit_signatures.iter().map(form).collect()
}

pub const fn timeout(wait: Wait, at: u32) -> Timeout {
    let kind = match wait {
        Wait::Propose => TimeoutKind::Propose,
        Wait::Prevote => TimeoutKind::Prevote,
        Wait::Precommit => TimeoutKind::Precommit,
        Wait::Repeat => TimeoutKind::Rebroadcast,
    };
    Timeout::new(round(at), kind)
}

/// Our name of a wait; without a target time the core never waits to finalise.
pub fn wait(timeout: Timeout) -> Option<(Wait, u32)> {
    let wait = match timeout.kind {
        TimeoutKind::Propose => Wait::Propose,
        TimeoutKind::Prevote => Wait::Prevote,
        TimeoutKind::Precommit => Wait::Precommit,
        TimeoutKind::Rebroadcast => Wait::Repeat,
        TimeoutKind::FinalizeHeight(_) => return None,
    };
    Some((wait, view(timeout.round)?))
}
