//! Grow the tree of a plan: register each ledger at its parent, and give everybody something everywhere, by real transactions.

use banyan_ledger::{
    Anchors, EmissionRow, Genesis, GenesisAccount, Params, RootRules,
    engine::committee::{CommitteeRules, Sets},
};
use banyan_types::{
    AccountId, Amount, AssociateId, Bytes, ContractId, Gas, Hash, Nonce, Serial, TimeMs,
    associate::{Hop, Regime as Demand},
    rlp::Tail,
};

use super::{
    acts::{GAS_PRICE, Move, Registration},
    chain::Ledger,
    laws,
    order::Order,
    people::Person,
    plan::{Engine, Plan, Regime},
    world::{Cast, World},
};
use crate::{
    law::{Broken, ensure},
    random::Random,
    trace::Trace,
};

/// A contract that says yes to a word of one byte, and misbehaves in its own ways to others.
const WHIM: &str = include_str!("../../contracts/Whim.cb");
/// A contract that answers what is no answer.
const JUNK: &str = include_str!("../../contracts/Junk.cb");

/// Blocks of an epoch where a contract rules.
const EPOCH_BLOCKS: u64 = 4;
/// Users of a tree.
const USERS: usize = 3;
/// Coins that everybody is given on every ledger.
const BEGINNING: u64 = 1_000;

fn coins(coins: u64) -> Amount {
    Amount::coins(coins).expect("below the cap")
}

fn params(network_id: &str, ledger: AssociateId, root: Option<RootRules>) -> Params {
    Params {
        network_id: network_id.into(),
        ledger,
        height_interval_ms: 3_000,
        gas_price_min: GAS_PRICE,
        gas_per_tx_max: Gas(6_000_000),
        gas_per_block_max: Gas(60_000_000),
        auth_gas_max: Gas(50_000),
        rent_gas_per_byte_year: 20,
        lifetime_default: 100_000,
        lifetime_max: 1_000_000,
        grace: 1_000,
        root,
        committee: Tail(None),
    }
}

fn root_rules() -> RootRules {
    let emission = vec![
        EmissionRow { from: banyan_types::Height(1), coins: 100 },
        EmissionRow { from: banyan_types::Height(1_000_001), coins: 0 },
    ];
    RootRules {
        supply_cap: Amount::MAX,
        maturity: 5,
        era: 20,
        emission,
        tail_div: 10_000_000_000,
        stake: None,
        anchors: Anchors::default(),
    }
}

fn genesis(params: Params, accounts: Vec<GenesisAccount>) -> Genesis {
    Genesis {
        name: "tree".into(),
        profile: "dev".into(),
        time: TimeMs(1_700_000_000_000),
        params,
        engine: Bytes::default(),
        accounts,
        witnesses: vec![],
        associates: vec![],
    }
}

fn cast(seed: u64, plan: &Plan, orders: &[Option<Order>]) -> Cast {
    let count = plan.spots.len() + 1;
    let operators = |at: usize| -> Vec<Person> {
        let members = orders[at].as_ref().map_or(&[][..], Order::members);
        // Where validators certify, three of them answer for the ledger as well.
        if members.is_empty() {
            return (0..3).map(|n| Person::new(seed, "operator", at * 3 + n)).collect();
        }
        members.iter().take(3).cloned().collect()
    };
    Cast {
        users: (0..USERS).map(|n| Person::new(seed, "user", n)).collect(),
        treasurer: Person::new(seed, "treasurer", 0),
        keepers: (0..count).map(|at| Person::new(seed, "keeper", at)).collect(),
        operators: (0..count).map(operators).collect(),
        crony: Person::new(seed, "crony", 0),
    }
}

impl World {
    /// The tree of this plan, in which everybody has something on every ledger.
    /// # Errors
    /// The law that was broken on the way.
    pub fn grown(seed: u64, plan: Plan, aloud: bool) -> Result<Self, Broken> {
        let spots = plan.spots.iter().enumerate();
        let orders = spots.map(|(at, spot)| Some(Order::new(seed, at + 1, spot.engine)));
        let orders: Vec<_> = std::iter::once(None).chain(orders).collect();
        let cast = cast(seed, &plan, &orders);
        let ledgers = ledgers(&plan, &cast, &orders);
        let trace = if aloud { Trace::aloud() } else { Trace::default() };
        let mut world = Self::over(plan, Random::named(seed, "tree"), ledgers, cast, trace);
        world.round()?;
        let depths: Vec<_> = (0..world.ledgers.len()).map(|at| world.line(at).len() - 1).collect();
        for depth in 1..=depths.iter().copied().max().unwrap_or(0) {
            let level: Vec<_> = (0..depths.len()).filter(|at| depths[*at] == depth).collect();
            for at in &level {
                world.register(*at);
            }
            world.round()?;
            for at in level {
                world.endow(at);
            }
            world.round()?;
        }
        // Two rounds, so that what was credited is acknowledged.
        world.round()?;
        world.round()?;
        for at in 1..world.ledgers.len() {
            let has = |person: &Person| !world.ledgers[at].account(person.id).balance.is_zero();
            ensure(world.cast.users.iter().all(has), "a tree grows", || format!("nothing has come to ledger {at}"))?;
        }
        laws::open(&mut world);
        Ok(world)
    }

    fn register(&mut self, at: usize) {
        let (parent, keeper) = (self.parent(at), self.cast.keepers[at].clone());
        let above = &self.ledgers[parent];
        let code = match self.spot(at).regime {
            Regime::Contract => Some(WHIM),
            Regime::Junk => Some(JUNK),
            Regime::Operators | Regime::Certificate => None,
        };
        let contract = ContractId::derive(keeper.id, Serial::Nonce(Nonce(1)));
        let made = code.map(|code| keeper.contract(Nonce(1), code));
        let regime = match (self.spot(at).regime, self.ledgers[at].order.as_ref().and_then(Order::validators)) {
            (Regime::Contract | Regime::Junk, _) => Demand::Contract(contract),
            (Regime::Certificate, Some(validators)) => Demand::Certificate(validators),
            _ => Demand::Operators,
        };
        let operators = self.cast.operators[at].iter().map(|person| person.id).collect();
        let child = Registration { name: format!("l{at}"), regime, operators };
        let create = above.create(&keeper, nonce_of_create(self.spot(at).regime), child);
        if let Some(made) = made {
            self.submit(parent, &keeper, made);
        }
        self.submit(parent, &keeper, create);
    }

    /// Give everybody who needs it something on a ledger.
    fn endow(&mut self, at: usize) {
        let children = (1..self.ledgers.len()).filter(|child| self.parent(*child) == at);
        let keepers = children.map(|child| self.cast.keepers[child].id);
        let people: Vec<_> = self.cast.users.iter().map(|user| user.id).chain(keepers).collect();
        for to in people {
            self.fund(at, to, coins(BEGINNING));
        }
    }

    /// Money from the treasurer on the root to somebody on a ledger, all the way by one transaction.
    pub fn fund(&mut self, at: usize, to: AccountId, amount: Amount) {
        let treasurer = self.cast.treasurer.clone();
        let mut way = self.line(at);
        way.pop();
        way.reverse();
        let nonce = self.nonce(0, &treasurer);
        let Some((first, rest)) = way.split_first() else {
            let spend = treasurer.spend(to, amount, nonce);
            return self.submit(0, &treasurer, spend);
        };
        let route = rest.iter().map(|at| Hop::Down(self.ledgers[*at].id())).collect();
        let leg = Hash(banyan_crypto::blake2b(&[b"endowment", &nonce.0.to_be_bytes()]));
        let commit = treasurer.commit(to, self.ledgers[*first].id(), nonce, Move { amount, route, leg });
        self.submit(0, &treasurer, commit);
    }
}

/// A contract is made before the child that it is to judge.
const fn nonce_of_create(regime: Regime) -> Nonce {
    match regime {
        Regime::Contract | Regime::Junk => Nonce(2),
        Regime::Operators | Regime::Certificate => Nonce(1),
    }
}

/// Every ledger at its genesis; nobody knows of the others yet.
fn ledgers(plan: &Plan, cast: &Cast, orders: &[Option<Order>]) -> Vec<Ledger> {
    let rich = |account: AccountId, amount: u64| GenesisAccount { account, balance: coins(amount) };
    let first = plan.spots.iter().enumerate().filter(|(_, spot)| spot.parent == 0);
    let keepers = first.map(|(at, _)| rich(cast.keepers[at + 1].id, 1_000));
    let users = cast.users.iter().map(|user| rich(user.id, 1_000_000));
    let accounts = [rich(cast.treasurer.id, 1_000_000_000)].into_iter().chain(users).chain(keepers).collect();
    let root = genesis(params("banyan_tree", AssociateId::ZERO, Some(root_rules())), accounts);
    let mut ledgers = vec![Ledger::new(&root, None)];
    for (at, spot) in (1..).zip(&plan.spots) {
        let network = &ledgers[spot.parent].params.network_id;
        let id = AssociateId::derive(network, cast.keepers[at].id, nonce_of_create(spot.regime));
        ledgers[spot.parent].children.push(id);
        let network_id = format!("l{at}.{}", id.short());
        let order = orders[at].clone();
        let validators = order.as_ref().and_then(Order::set).filter(|_| matches!(spot.engine, Engine::Ruled { .. }));
        let committee = validators.map(|set| CommitteeRules {
            validators: set.clone(),
            epoch_blocks: EPOCH_BLOCKS,
            sets: Sets::Contract,
        });
        let params = Params { committee: Tail(committee), ..params(&network_id, id, None) };
        ledgers.push(Ledger::new(&genesis(params, vec![]), order));
    }
    ledgers
}
