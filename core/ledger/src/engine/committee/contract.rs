//! A contract that names the validators, and may elect leaders, set the interval and share the fees. Rules: associates 9.
//!
//! The protocol asks the contract when an epoch turns. A contract can be wrong; the ledger does not stop: where an answer fails
//! or is of no use, what was before stands, or the protocol's own rule, and an event says so. What a contract has no function
//! for is left to the protocol by its will. Which contract rules is the validators' own choice ([`super::votes`]).

use alloc::vec::Vec;

use banyan_fate::Value;
use banyan_types::{ContractId, Hash, Height, PublicKey, committee::ValidatorSet, rlp::Tail};

use super::{
    CommitteeRules, End, Schedule, Snapshot,
    answer::{read_interval, read_leaders, read_set},
    ask::{Said, Speaker},
    decree::{Decree, slots},
};
use crate::{
    CommitteeEngine, Event, Faults, Kept, Missing, Rejected, State,
    leaf::{Candidacy, Naming, key},
    scene::Scene,
};

/// Epochs between the vote and the rule of a contract. Source: associates 9.
const RULE_EPOCHS: u64 = 2;
/// Last intervals that a contract is told, at most. Source: the headers of a view, associates 8.
const INTERVALS_MAX: usize = 64;

/// Who is asked when an epoch turns.
struct Speakers {
    ruling: Option<Speaker>,
    shadow: Option<Speaker>,
}

impl<S: State> Scene<'_, S> {
    pub(super) fn naming(&mut self) -> Result<Naming, Missing> {
        let none = Naming { ruling: None, candidate: None, faults: Tail(None) };
        Ok(self.get(&key::naming())?.unwrap_or(none))
    }

    /// The epoch is over: the ruling contract shares its fees, a successor that is due takes over, and who rules then names the
    /// validators of the epoch three ahead and decides on the next one. The contract that is proposed is asked the same, without
    /// effect. Whether the set is the one before again.
    pub(super) fn turn_by_contract(
        &mut self,
        rules: &CommitteeRules,
        leaf: &mut CommitteeEngine,
        entropy: Option<Hash>,
    ) -> Result<bool, Rejected> {
        let mut naming = self.naming()?;
        let (ended, begun) = (leaf.schedule.number, leaf.schedule.number.saturating_add(1));
        let mut of = Speakers { ruling: None, shadow: None };
        if let Some(contract) = naming.ruling {
            of.ruling = Some(self.ruling_speaker(contract, begun)?);
        }
        if let Some(Candidacy { contract, .. }) = naming.candidate {
            of.shadow = Some(self.speaker(contract)?);
        }
        let payees = self.share_epoch(leaf, of.ruling.as_mut(), of.shadow.as_mut())?;
        if let Some(faults) = &mut naming.faults.0 {
            faults.turn(&leaf.schedule);
        }
        self.take_over(&mut naming, &mut of, begun)?;

        let answer = self.ask_sets(&mut of, ended.saturating_add(3))?;
        let snapshot = match &answer {
            Said::Nothing => Snapshot::Named(None),
            Said::Answer(set) => Snapshot::Answered(Some(set)),
            Said::Useless => Snapshot::Answered(None),
        };
        let is_repeated = leaf.schedule.turn(&End { entropy, snapshot });
        self.decree_next(rules, leaf, &mut of, payees)?;
        self.keep_for(leaf, &mut naming, of.ruling.as_ref())?;
        if let (Some(ruling), Some(faults)) = (&mut of.ruling, &mut naming.faults.0) {
            self.tell_speaker(ruling, faults, begun)?;
        }
        self.set(key::naming(), &naming);
        Ok(is_repeated)
    }

    fn ruling_speaker(&mut self, contract: ContractId, epoch: u64) -> Result<Speaker, Rejected> {
        let speaker = self.speaker(contract)?;
        if !speaker.counts {
            self.events.push(Event::ConsensusFailed { contract, what: "version", epoch });
        }
        Ok(speaker)
    }

    /// A contract that was agreed to rules from the second epoch after. One that cannot take over from the old one never does.
    fn take_over(&mut self, naming: &mut Naming, of: &mut Speakers, now: u64) -> Result<(), Rejected> {
        let is_due = |candidate: &mut Candidacy| {
            candidate.agreed.is_some_and(|agreed| now >= agreed.saturating_add(RULE_EPOCHS))
        };
        let Some(Candidacy { contract, .. }) = naming.candidate.take_if(is_due) else { return Ok(()) };
        let Some(mut speaker) = of.shadow.take() else { return Ok(()) };
        if !speaker.counts {
            self.events.push(Event::ConsensusFailed { contract, what: "version", epoch: now });
            return Ok(());
        }
        if let Some(old) = naming.ruling {
            let arguments = alloc::vec![Value::address(&old.0)];
            if self.ask_speaker(&mut speaker, "migrate", arguments, |_| Some(()))? == Said::Useless {
                self.events.push(Event::ConsensusFailed { contract, what: "migrate", epoch: now });
                return Ok(());
            }
        }
        naming.ruling = Some(contract);
        of.ruling = Some(speaker);
        self.events.push(Event::ConsensusRules { contract, epoch: now });
        Ok(())
    }

    /// Who serves in `epoch`: `Nothing` where no contract rules. To name the validators is what every contract must do.
    fn ask_sets(&mut self, of: &mut Speakers, epoch: u64) -> Result<Said<ValidatorSet>, Rejected> {
        let arguments = || alloc::vec![Value::int(epoch)];
        let answer = match &mut of.ruling {
            None => Said::Nothing,
            Some(ruling) => match self.ask_speaker(ruling, "validators", arguments(), read_set)? {
                Said::Answer(set) => Said::Answer(set),
                Said::Nothing | Said::Useless => {
                    self.events.push(Event::ConsensusFailed { contract: ruling.id, what: "validators", epoch });
                    Said::Useless
                }
            },
        };
        if let Some(shadow) = &mut of.shadow {
            let moment = self.remember();
            let said = self.ask_speaker(shadow, "validators", arguments(), read_set)?.answer();
            self.forget_since(moment);
            let set = said.as_ref().map_or(Hash::ZERO, ValidatorSet::hash);
            let members = said.map_or(0, |set| count(set.members()));
            self.events.push(Event::ShadowAnswered { contract: shadow.id, epoch, members, set });
        }
        Ok(answer)
    }

    /// What is decided of the epoch after the one that has just begun: its set and its seed are known now.
    fn decree_next(
        &mut self,
        rules: &CommitteeRules,
        leaf: &mut CommitteeEngine,
        of: &mut Speakers,
        payees: u32,
    ) -> Result<(), Rejected> {
        let epoch = leaf.schedule.number.saturating_add(1);
        let intervals = leaf.kept.0.as_ref().and_then(|kept| kept.intervals.clone()).unwrap_or_default();
        if let Some(ruling) = &mut of.ruling {
            let decree = self.ask_decree(rules, &leaf.schedule, &intervals, ruling, true)?;
            if !decree.is_empty() {
                let (leaders, order) = (count(&decree.leaders), decree.order(&leaf.schedule.next.set));
                let interval_ms = decree.interval_ms;
                self.events.push(Event::EpochDecreed { contract: ruling.id, epoch, leaders, order, interval_ms });
                leaf.schedule.next.decree = Tail(Some(decree));
            }
        }
        if let Some(shadow) = &mut of.shadow {
            let moment = self.remember();
            let decree = self.ask_decree(rules, &leaf.schedule, &intervals, shadow, false)?;
            self.forget_since(moment);
            if !decree.is_empty() || payees > 0 {
                let (leaders, order) = (count(&decree.leaders), decree.order(&leaf.schedule.next.set));
                let (contract, interval_ms) = (shadow.id, decree.interval_ms);
                self.events.push(Event::ShadowDecreed { contract, epoch, leaders, order, interval_ms, payees });
            }
        }
        Ok(())
    }

    /// Leaders, or a draw as ever; the interval, or the one before where the answer is of no use.
    fn ask_decree(
        &mut self,
        rules: &CommitteeRules,
        schedule: &Schedule,
        intervals: &[u64],
        speaker: &mut Speaker,
        rules_here: bool,
    ) -> Result<Decree, Rejected> {
        let epoch = schedule.number.saturating_add(1);
        let (next, slots) = (&schedule.next, slots(rules.epoch_blocks));
        let arguments = alloc::vec![Value::int(epoch), Value::bytes(next.seed.0), Value::int(slots)];
        let leaders = self.ask_speaker(speaker, "elect", arguments, |said| read_leaders(said, &next.set, slots))?;
        let last = intervals.iter().map(|millis| Value::int(*millis)).collect();
        let arguments = alloc::vec![Value::int(epoch), Value::list(last)];
        let interval = self.ask_speaker(speaker, "difficulty", arguments, read_interval)?;
        let wrong = [("elect", leaders == Said::Useless), ("difficulty", interval == Said::Useless)];
        for (what, _) in wrong.into_iter().filter(|(_, is_wrong)| *is_wrong && rules_here) {
            self.events.push(Event::ConsensusFailed { contract: speaker.id, what, epoch });
        }
        let before = schedule.now.decree.0.as_ref().filter(|_| rules_here).and_then(|decree| decree.interval_ms);
        Ok(Decree {
            from: Height(rules.last_height(schedule.number).0.saturating_add(1)),
            leaders: leaders.answer().unwrap_or_default(),
            interval_ms: match interval {
                Said::Answer(millis) => Some(millis),
                Said::Useless => before,
                Said::Nothing => None,
            },
        })
    }

    /// Keep in the epoch that begins what its contract will want to know.
    fn keep_for(
        &mut self,
        leaf: &mut CommitteeEngine,
        naming: &mut Naming,
        ruling: Option<&Speaker>,
    ) -> Result<(), Rejected> {
        let mut has = |function| match ruling {
            Some(ruling) => self.has_function(ruling.id, function),
            None => Ok(false),
        };
        let (shares, paces, judges) = (has("reward")?, has("difficulty")?, has("penalise")?);
        let counts = ruling.is_some_and(|ruling| ruling.counts);
        let (shares, paces) = (shares && counts, paces && counts);
        let before = leaf.kept.0.take();
        let intervals = before.and_then(|kept| kept.intervals).unwrap_or_default();
        if shares || paces {
            let kept = Kept { owed: shares.then(Vec::new), intervals: paces.then_some(intervals) };
            leaf.kept = Tail(Some(kept));
        }
        naming.faults = Tail(judges.then(|| naming.faults.0.take().unwrap_or(Faults::NONE)));
        Ok(())
    }
}

impl CommitteeEngine {
    /// A block was made so long after the one before.
    pub(super) fn note_interval(&mut self, millis: u64) {
        let Some(intervals) = self.kept.0.as_mut().and_then(|kept| kept.intervals.as_mut()) else { return };
        if intervals.len() >= INTERVALS_MAX {
            intervals.remove(0);
        }
        intervals.push(millis);
    }
}

impl Decree {
    /// The leaders' keys in their order, as one hash; zero where leaders are drawn.
    fn order(&self, set: &ValidatorSet) -> Hash {
        let keys: Vec<PublicKey> =
            self.leaders.iter().filter_map(|place| set.member(*place)).map(|member| member.key).collect();
        if keys.is_empty() {
            return Hash::ZERO;
        }
        let bytes: Vec<&[u8]> = keys.iter().map(|key| &key.0[..]).collect();
        Hash(banyan_crypto::blake2b(&bytes))
    }
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}
