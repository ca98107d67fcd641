//! Messages: check who says what before anything is kept or given to the core.

use alloc::vec::Vec;

use banyan_types::{
    Height, Peer, Points,
    committee::{SignedStatement, Statement, StatementKind},
};

use crate::{
    Effect, Machine, Message, Proposed, Stopped,
    agreement::Agreement,
    ahead::{Checked, HEIGHTS_AHEAD},
};

/// Peers whose last help is remembered.
const SERVED_MAX: usize = 256;
/// Statements of one height that are remembered as checked: all of 200 members in ten views.
const CHECKED_MAX: usize = 4_096;
/// Views above the current one whose proposals are looked at: the core takes none beyond either.
const VIEWS_AHEAD: u32 = 10;

impl Machine {
    pub(crate) fn heard(&mut self, from: Peer, message: Message, effects: &mut Vec<Effect>) -> Result<(), Stopped> {
        match message {
            Message::AskBlocks(height) => {
                let has_it = height > Height(0) && height <= self.tip.height;
                // Who goes on gets more at once; who asks for the same again waits.
                let goes_on = self.served.get(&from).is_some_and(|(_, before)| height > *before);
                if has_it && (goes_on || self.may_serve(from)) {
                    self.serve(from, height, effects);
                }
                Ok(())
            }
            Message::Vote(vote) => {
                if matches!(vote.statement.kind, StatementKind::Prevote | StatementKind::Precommit) {
                    return self.statement(from, Checked::Vote(vote), effects);
                }
                effects.push(Effect::Score(from, Points::WRONG_BYTES));
                Ok(())
            }
            Message::Proposal(proposed) => {
                if is_whole(&proposed) {
                    return self.statement(from, Checked::Proposal(proposed), effects);
                }
                effects.push(Effect::Score(from, Points::WRONG_BYTES));
                Ok(())
            }
            Message::Handover(signed) => {
                self.agreed(from, &signed, effects);
                Ok(())
            }
            Message::Polka(votes) if self.is_now(&votes) => {
                self.with_core(|core, said, out| core.polka(&votes, said, out))
            }
            Message::View { closed, votes } if self.is_now(&votes) => {
                self.with_core(|core, said, out| core.view(closed, &votes, said, out))
            }
            // Of another height: its votes come one by one too.
            Message::Polka(_) | Message::View { .. } => Ok(()),
        }
    }

    fn is_now(&self, votes: &[SignedStatement]) -> bool {
        votes.first().is_some_and(|first| first.statement.height == self.height())
    }

    fn statement(&mut self, from: Peer, said: Checked, effects: &mut Vec<Effect>) -> Result<(), Stopped> {
        let SignedStatement { statement, by, .. } = *said.signed();
        if self.epoch.set.place(&by).is_none() {
            // Perhaps of an epoch that is not known here yet: who says so has the blocks up to it.
            if statement.height > self.height() {
                self.sync.is_behind(from);
            }
            return Ok(());
        }
        if statement.height <= self.tip.height {
            self.help(from, statement.height, effects);
            return Ok(());
        }
        if !self.is_signed(said.signed()) {
            effects.push(Effect::Score(from, Points::INVALID));
            return Ok(());
        }
        self.presence.heard(by, self.now);
        let above = statement.height.since(self.height()).unwrap_or(0);
        if above >= HEIGHTS_AHEAD {
            self.sync.is_behind(from);
            return Ok(());
        }
        if above == 0 && self.run.agreement.is_some() && self.is_open() {
            return self.feed(said);
        }
        self.ahead.keep(said);
        Ok(())
    }

    /// Give a checked statement of this height to the core.
    pub(crate) fn feed(&mut self, checked: Checked) -> Result<(), Stopped> {
        let signed = *checked.signed();
        if let Checked::Proposal(proposed) = checked {
            let Proposed { header, prev_seal, .. } = *proposed;
            let Statement { height, view, block_hash, .. } = signed.statement;
            let is_near = self.current_view().saturating_add(VIEWS_AHEAD) >= view;
            let is_leader = self.epoch.leader(height, view) == signed.by;
            if !is_near || !is_leader || !self.run.candidates.propose(view, block_hash) {
                return Ok(());
            }
            self.run.candidates.insert(header, prev_seal);
        }
        self.with_core(|core, said, out| core.heard(&signed, said, out))
    }

    fn current_view(&self) -> u32 {
        self.run.agreement.as_ref().map_or(0, Agreement::current_view)
    }

    /// Everybody says everything several times: a signature is checked once.
    fn is_signed(&mut self, signed: &SignedStatement) -> bool {
        if self.run.checked.contains(signed) {
            return true;
        }
        let is_signed = signed.is_signed(&self.params.network_id);
        if is_signed && self.run.checked.len() < CHECKED_MAX {
            self.run.checked.insert(*signed);
        }
        is_signed
    }

    /// Somebody still works on a height that is final here: send him its block, now and then.
    fn help(&mut self, peer: Peer, height: Height, effects: &mut Vec<Effect>) {
        if self.may_serve(peer) {
            self.serve(peer, height, effects);
        }
    }

    fn may_serve(&self, peer: Peer) -> bool {
        let last = self.served.get(&peer).map(|(last, _)| *last);
        last.is_none_or(|last| self.now.since(last).unwrap_or(0) >= self.params.repeat_ms)
    }

    fn serve(&mut self, peer: Peer, height: Height, effects: &mut Vec<Effect>) {
        if self.served.len() >= SERVED_MAX {
            self.served.clear();
        }
        self.served.insert(peer, (self.now, height));
        effects.push(Effect::Serve(peer, height));
    }
}

/// Whether a proposal brings the header that it is of: one made in its own view, or in an earlier one whose quorum it names.
fn is_whole(proposed: &Proposed) -> bool {
    let (said, header) = (&proposed.signed.statement, &proposed.header);
    let view = said.valid_view.map_or(header.view == said.view, |valid| header.view <= valid);
    said.kind == StatementKind::Proposal
        && said.height == header.height
        && view
        && said.is_canonical()
        && said.block_hash == header.hash()
}
