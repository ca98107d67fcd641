//! Hand the parent's trust over to the next set: the set that it knows agrees, by a quorum, to the one that follows.
//!
//! The shell says which set the parent knows and which one follows it ([`Handover`]); both are a function of what is final, so
//! every member is asked to sign the same words. They are repeated until the parent has taken the certificate. Who has left
//! the set signs too: the parent knows nobody else. Rules: associates 6 (`certificate`), 9.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

use banyan_types::{
    Hash, Peer, Points, TimeMs,
    committee::{Certificate, MemberSignature, SignedStatement, Statement, StatementKind, ValidatorSet},
};

use crate::{Alarm, Effect, Machine, Message, Record, To};

/// The parent knows one set, and another one follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// The epoch that the parent counts for the new set: one more than for the set that it knows.
    pub epoch: u64,
    /// What the old set signs: `handover_hash` of child, epoch and new set.
    pub hash: Hash,
    /// The set that the parent knows.
    pub from: ValidatorSet,
    /// The set that follows.
    pub to: ValidatorSet,
}

/// What has been said of the handover that is under way.
#[derive(Debug)]
pub(crate) struct Handing {
    handover: Handover,
    statement: Statement,
    /// This validator's own word.
    own: Option<SignedStatement>,
    /// By place in the old set.
    heard: BTreeMap<u32, MemberSignature>,
    /// When this validator's word goes out next, and the certificate, if there is one.
    due: TimeMs,
    /// Since when there is a certificate.
    since: Option<TimeMs>,
}

impl Handing {
    fn weight(&self) -> u64 {
        let weight = |place: &u32| self.handover.from.member(*place).map_or(0, |member| member.weight);
        self.heard.keys().map(weight).fold(0, u64::saturating_add)
    }

    fn certificate(&self) -> Option<Certificate> {
        let is_quorum = self.handover.from.is_quorum(self.weight());
        is_quorum.then(|| Certificate::gather(&self.statement, self.heard.values().cloned().collect()))
    }
}

impl Machine {
    /// The shell has looked at the parent: this handover is to be made, or none.
    pub(crate) fn wanted(&mut self, handover: Option<Box<Handover>>, effects: &mut Vec<Effect>) {
        let Some(handover) = handover else {
            self.handing = None;
            return;
        };
        if self.handing.as_ref().is_some_and(|handing| handing.handover == *handover) {
            return;
        }
        let statement = Statement::handover(handover.epoch, handover.hash);
        let due = self.now;
        let mut handing =
            Handing { handover: *handover, statement, own: None, heard: BTreeMap::new(), due, since: None };
        if let Some(index) = handing.handover.from.place(&self.own()) {
            if let Some(signature) = self.said.say(&statement) {
                let signed = SignedStatement { statement, by: self.own(), signature };
                self.gate.log(Record::Handover(signed));
                handing.heard.insert(index, MemberSignature { index, signature });
                handing.own = Some(signed);
            } else {
                effects.push(Effect::Alarm(Alarm::Silent { height: statement.height, view: 0 }));
            }
        }
        self.handing = Some(Box::new(handing));
    }

    /// A member of the old set agrees.
    pub(crate) fn agreed(&mut self, from: Peer, signed: &SignedStatement, effects: &mut Vec<Effect>) {
        if signed.statement.kind != StatementKind::Handover {
            effects.push(Effect::Score(from, Points::WRONG_BYTES));
            return;
        }
        // Of another handover: one that this node has not seen yet, or is done with. It is said again.
        let Some(handing) = self.handing.as_mut().filter(|handing| handing.statement == signed.statement) else {
            return;
        };
        let Some(index) = handing.handover.from.place(&signed.by).filter(|place| !handing.heard.contains_key(place))
        else {
            return;
        };
        if !signed.is_signed(&self.params.network_id) {
            effects.push(Effect::Score(from, Points::INVALID));
            return;
        }
        handing.heard.insert(index, MemberSignature { index, signature: signed.signature });
    }

    /// Say it, again and again; and when a quorum has, have the certificate sent by whose turn it is.
    pub(crate) fn hand_over(&mut self, effects: &mut Vec<Effect>) {
        let (now, every, own) = (self.now, self.params.summaries.resend_ms, self.own());
        let Some(handing) = &mut self.handing else { return };
        let certificate = handing.certificate();
        if certificate.is_some() && handing.since.is_none() {
            (handing.since, handing.due) = (Some(now), now);
        }
        if handing.due > now {
            return;
        }
        handing.due = TimeMs(now.0.saturating_add(every));
        if let Some(signed) = handing.own {
            self.gate.after(Effect::Send(To::All, Message::Handover(signed)));
        }
        let waited = handing.since.and_then(|since| now.since(since)).unwrap_or(0);
        let members = u64::try_from(handing.handover.from.members().len()).unwrap_or(u64::MAX);
        let attempts = waited.checked_div(every).unwrap_or(0);
        let turn = handing.handover.epoch.saturating_add(attempts).checked_rem(members).unwrap_or(0);
        let is_turn = handing.handover.from.place(&own).is_some_and(|place| u64::from(place) == turn);
        if let Some(certificate) = certificate.filter(|_| is_turn) {
            effects.push(Effect::HandOver(Box::new(handing.handover.clone()), Box::new(certificate)));
        }
    }

    /// When that is due again.
    pub(crate) fn handover_due(&self) -> Option<TimeMs> {
        self.handing.as_ref().map(|handing| handing.due)
    }
}
