//! A contract that decides of a committee badly: it fails, runs for ever, or says what is of no use. Source: associates 13.

use banyan_fate::Value;
use banyan_ledger::{Event, Naming, key};
use banyan_types::{Amount, ContractId, Serial, engine::EngineAction, tx::Transaction};

use super::Actor;
use crate::{
    law::{Broken, ensure},
    tree::{people::Person, plan::Engine, world::World},
};

const STEWARD: (&str, &str) = (
    include_str!("../../../../core/ledger/tests/contracts/Steward.cb"),
    include_str!("../../../../core/ledger/tests/contracts/Steward.aes"),
);
/// What it can be wrong in, and in how many ways.
const MOODS: [(&str, usize); 5] = [("version", 1), ("validators", 3), ("elect", 5), ("difficulty", 5), ("reward", 6)];
/// Blocks that a ledger takes at most until something is so.
const BLOCKS_MAX: u64 = 60;
const LAW: &str = "a contract can be wrong, and the ledger does not stop";

pub struct BadRuler {
    at: usize,
    contract: Option<ContractId>,
}

impl BadRuler {
    /// Where the plan has such a committee.
    pub fn at(world: &World) -> Option<Self> {
        let ruled = |at: &usize| matches!(world.spot(*at).engine, Engine::Ruled { .. });
        (1..world.ledgers.len()).find(ruled).map(|at| Self { at, contract: None })
    }

    fn members(&self, world: &World) -> Vec<Person> {
        world.ledgers[self.at].order().members().to_vec()
    }

    /// A transaction of one of the members, which is taken.
    fn does(
        &self,
        world: &mut World,
        who: &Person,
        act: impl FnOnce(&Person, banyan_types::Nonce) -> Transaction,
    ) -> Result<(), Broken> {
        let tx = act(who, world.nonce(self.at, who));
        let said = world.send(self.at, who, tx)?;
        ensure(said.is_ok(), LAW, || format!("{said:?}"))
    }

    fn epoch(&self, world: &World) -> u64 {
        world.ledgers[self.at].committee().map_or(0, |committee| committee.schedule.number)
    }

    fn enter(&self, world: &mut World, epoch: u64) -> Result<(), Broken> {
        for _ in 0..BLOCKS_MAX {
            if self.epoch(world) >= epoch {
                return Ok(());
            }
            world.block(self.at, &[])?;
        }
        Err(Broken::new(LAW, format!("epoch {epoch} does not come on {}", self.at)))
    }

    /// The validators agree to a contract that names themselves.
    fn install(&mut self, world: &mut World) -> Result<ContractId, Broken> {
        let members = self.members(world);
        let coins = |coins| Amount::coins(coins).expect("below the cap");
        for member in &members {
            world.fund(self.at, member.id, coins(100));
        }
        for _ in 0..BLOCKS_MAX {
            // They have fees already; a way of many hops takes some of what comes.
            let has = |member: &Person| world.ledgers[self.at].account(member.id).balance > coins(50);
            if members.iter().all(has) {
                break;
            }
            world.round()?;
        }
        let set = world.ledgers[self.at].order().set().expect("a committee has one").clone();
        let name = |member: &banyan_types::committee::Member| {
            Value::tuple(vec![Value::address(&member.key.0), Value::int(member.weight)])
        };
        let names = Value::list(set.members().iter().rev().map(name).collect());
        let first = members[0].clone();
        let nonce = world.nonce(self.at, &first);
        let contract = ContractId::derive(first.id, Serial::Nonce(nonce));
        self.does(world, &first, |who, nonce| who.open_contract(nonce, STEWARD, vec![names, Value::int(500)]).into())?;
        self.does(world, &first, |who, nonce| who.tell(nonce, EngineAction::Propose(contract)).into())?;
        let since = self.epoch(world);
        self.enter(world, since + 2)?;
        // Four votes take longer than an epoch: those of one count together.
        let votes: Vec<_> = members
            .iter()
            .map(|member| {
                let vote = member.tell(world.nonce(self.at, member), EngineAction::Vote(contract));
                world.ledgers[self.at].sign(member, vote)
            })
            .collect();
        world.block(self.at, &votes)?;
        let agreed = self.epoch(world);
        self.enter(world, agreed + 6)?;
        let naming = world.ledgers[self.at].leaf(&key::naming(), |bytes| Naming::decode(bytes).ok());
        ensure(naming.is_some_and(|naming| naming.ruling == Some(contract)), LAW, || {
            format!("{contract} does not rule")
        })?;
        self.contract = Some(contract);
        Ok(contract)
    }

    fn feel(&self, world: &mut World, contract: ContractId, (what, how): (&str, usize)) -> Result<(), Broken> {
        let first = self.members(world)[0].clone();
        let arguments = vec![Value::string(what), Value::int(how as u64)];
        self.does(world, &first, |who, nonce| who.call(nonce, contract, "feel", arguments).into())
    }

    /// Answers of no use in the ledger's blocks from `from` on.
    fn failures(&self, world: &World, from: usize) -> u64 {
        let events = world.ledgers[self.at].records[from..].iter().flat_map(|record| &record.outcome.events);
        events.filter(|event| matches!(event, Event::ConsensusFailed { .. })).count() as u64
    }
}

impl Actor for BadRuler {
    fn act(&mut self, world: &mut World, round: u64) -> Result<(), Broken> {
        let contract = match self.contract {
            Some(contract) => contract,
            None => self.install(world)?,
        };
        if round > 0 && world.random.chance(700) {
            let (what, ways) = MOODS[world.random.place(MOODS.len())];
            let how = 1 + world.random.place(ways);
            let before = world.ledgers[self.at].records.len();
            self.feel(world, contract, (what, how))?;
            let epoch = self.epoch(world);
            self.enter(world, epoch + 1)?;
            self.feel(world, contract, (what, 0))?;
            let failures = self.failures(world, before);
            ensure(failures > 0, LAW, || format!("{what} {how} was of use on {}", self.at))?;
            world.figures.lies_refused += failures;
        }
        Ok(())
    }

    /// It is heard again when it thinks better of it: whom it elects leads.
    fn close(&mut self, world: &mut World) -> Result<(), Broken> {
        let epoch = self.epoch(world);
        self.enter(world, epoch + 5)?;
        let before = world.ledgers[self.at].records.len();
        self.enter(world, epoch + 6)?;
        ensure(self.failures(world, before) == 0, LAW, || "it is still of no use".into())?;
        let decree = world.ledgers[self.at].committee().and_then(|committee| committee.schedule.now.decree.0);
        let elected =
            decree.as_ref().is_some_and(|decree| decree.leaders.len() == 4 && decree.interval_ms == Some(500));
        ensure(elected, "whom a contract elects leads", || format!("{decree:?}"))
    }
}
