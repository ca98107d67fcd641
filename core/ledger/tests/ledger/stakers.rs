//! A root with witnesses: people who bond, vote and cheat.

use banyan_crypto::SecretKey;
use banyan_ledger::{
    Base as _, Genesis, GenesisWitness, Params, PendingReward, RootRules, Stake, StakeRules, WitnessSets, key,
};
use banyan_types::{
    Amount, Bytes, Era, Hash, Height, PublicKey, Round, Signature,
    header::{KeyHeader, MicroHeader, PROTOCOL_VERSION},
    tx::{Bond, Evidence, Renew, Transaction, Unbond},
    witness::{Seal, Source, Statement, Vote, VoteKind, bond_message},
};

use crate::support::*;

/// The first witnesses, with 10, 20, 30 and 40 coins.
pub const WITNESSES: [u8; 4] = [20, 21, 22, 23];
/// Key blocks of an era in these tests.
pub const ERA: u64 = 4;

/// The key that a person votes with: another than the account's.
pub fn voter(person: u8) -> SecretKey {
    secret(person + 100)
}

pub fn vote_key(person: u8) -> PublicKey {
    PublicKey(voter(person).public())
}

pub fn stake_rules() -> StakeRules {
    StakeRules {
        witness_min: 4,
        witness_max: 6,
        bond_min: coins(10),
        weight_cap_permille: 100,
        leader_bond: None,
        unbond_eras: 1,
        renew_eras: None,
    }
}

pub fn first_witness(person: u8) -> GenesisWitness {
    let bond = coins(10 * (u64::from(person) - 19));
    GenesisWitness { staker: account(person), key: vote_key(person), bond }
}

pub fn staked_genesis(rules: StakeRules) -> Genesis {
    let root = RootRules { era: ERA, stake: Some(rules), ..root_rules() };
    let people = [ALICE, BOB, CAROL, LEADER].into_iter().chain(WITNESSES);
    let people: Vec<_> = people.map(|person| (person, coins(1_000))).collect();
    let params = Params { root: Some(root), ..root_params() };
    Genesis { witnesses: WITNESSES.map(first_witness).to_vec(), ..genesis(params, &people) }
}

/// A root with the first witnesses, one key block old.
pub fn staked_by(rules: StakeRules) -> Ledger {
    let mut root = Ledger::new(&staked_genesis(rules));
    root.key_block(LEADER);
    root
}

pub fn staked() -> Ledger {
    staked_by(stake_rules())
}

/// One share of a round to many: how they vote.
pub fn statement(root: &Ledger, kind: VoteKind, round: u32, hash: u8, source: (u32, u8)) -> Statement {
    let source = Source { round: Round(source.0), hash: Hash([source.1; 32]) };
    Statement {
        chain: root.engine().chain,
        kind,
        era: Era(0),
        round: Round(round),
        height: Height(3),
        hash: Hash([hash; 32]),
        source,
        index: 0,
    }
}

pub fn vote(statement: Statement, person: u8) -> Vote {
    Vote { statement, by: 0, signature: Signature(voter(person).sign(&statement.encode())) }
}

/// Two precommits of one round.
pub fn double(root: &Ledger, person: u8) -> [Vote; 2] {
    [1, 2].map(|hash| vote(statement(root, VoteKind::Precommit, 1, hash, (0, 0)), person))
}

/// Two locks of one place of a generation.
pub fn double_lock(root: &Ledger, person: u8) -> [Vote; 2] {
    [1, 2].map(|hash| vote(Statement { index: 3, ..statement(root, VoteKind::Lock, 0, hash, (0, 9)) }, person))
}

/// A precommit that a later prevote forgets.
pub fn unlock(root: &Ledger, person: u8) -> [Vote; 2] {
    let precommit = statement(root, VoteKind::Precommit, 2, 1, (0, 0));
    let prevote = statement(root, VoteKind::Prevote, 3, 2, (1, 5));
    [precommit, prevote].map(|statement| vote(statement, person))
}

/// A micro header on a key block, signed by the key of a person's account.
pub fn micro_on(root: &Ledger, key: &KeyHeader, index: u32, content: u8, leader: u8) -> MicroHeader {
    let mut micro = MicroHeader {
        version: PROTOCOL_VERSION,
        height: key.height,
        index,
        prev_hash: key.hash(),
        prev_key_hash: key.hash(),
        state_root: Hash([content; 32]),
        txs_root: Hash([content; 32]),
        receipts_root: Hash([content; 32]),
        time: key.time,
        gas_used: banyan_types::Gas(1),
        signature: Signature([0; 64]),
    };
    micro.signature = Signature(secret(leader).sign(&micro.signing_message(&root.params.network_id)));
    micro
}

impl Ledger {
    pub fn stake(&self, person: u8) -> Option<Stake> {
        let bytes = self.state.read(&key::stake(account(person))).unwrap();
        bytes.map(|bytes| Stake::decode(&bytes).unwrap())
    }

    pub fn sets(&self) -> WitnessSets {
        WitnessSets::decode(&self.state.read(&key::witness_sets()).unwrap().unwrap()).unwrap()
    }

    /// Who is in the set of an era, by bond.
    pub fn members(&self, era: u32) -> Vec<(u8, Amount)> {
        let sets = self.sets();
        let people = (0..=99).filter_map(|person| {
            let member = sets.of(Era(era))?.members.iter().find(|member| member.staker == account(person))?;
            Some((person, member.weight))
        });
        people.collect()
    }

    pub fn pending(&self, height: u64) -> Option<PendingReward> {
        let bytes = self.state.read(&key::reward(Height(height))).unwrap();
        bytes.map(|bytes| PendingReward::decode(&bytes).unwrap())
    }

    pub fn bond(&self, person: u8, amount: Amount) -> Bond {
        self.bond_by(person, &voter(person), amount)
    }

    /// Bond under the key of somebody's account or any other.
    pub fn bond_by(&self, person: u8, key: &SecretKey, amount: Amount) -> Bond {
        Bond {
            from_id: account(person),
            amount,
            key: PublicKey(key.public()),
            proof: Signature(key.sign(&bond_message(self.engine().chain, account(person)))),
            ttl: Height(0),
            fee: FEE,
            nonce: self.nonce(person),
        }
    }

    pub fn unbond(&self, person: u8, amount: Amount) -> Unbond {
        Unbond { from_id: account(person), amount, ttl: Height(0), fee: FEE, nonce: self.nonce(person) }
    }

    pub fn renew(&self, person: u8) -> Renew {
        Renew { from_id: account(person), ttl: Height(0), fee: FEE, nonce: self.nonce(person) }
    }

    pub fn report(&self, person: u8, votes: &[Vote; 2], accused: u8) -> Evidence {
        let [statement_a, statement_b] = votes.each_ref().map(|vote| Bytes(vote.encode()));
        let staker_id = account(accused);
        let (ttl, fee, nonce) = (Height(0), FEE, self.nonce(person));
        Evidence { from_id: account(person), staker_id, statement_a, statement_b, ttl, fee, nonce }
    }

    /// Report two micro headers of one place in the generation of the key block at `height`.
    pub fn report_fork(&self, person: u8, height: u64, index: u32, leader: u8) -> Evidence {
        let key = &self.keys[usize::try_from(height).unwrap() - 1];
        let [a, b] = [1, 2].map(|content| micro_on(self, key, index, content, leader));
        let staker = self.state.read(&key::used_key(key.miner)).unwrap();
        let staker = staker.map(|bytes| banyan_ledger::UsedKey::decode(&bytes).unwrap().staker);
        Evidence {
            from_id: account(person),
            staker_id: staker.unwrap_or(banyan_types::AccountId::ZERO),
            statement_a: Bytes([key.encode(), a.encode()].concat()),
            statement_b: Bytes(b.encode()),
            ttl: Height(0),
            fee: FEE,
            nonce: self.nonce(person),
        }
    }

    /// One transaction in a micro block, which must be accepted.
    pub fn run(&mut self, person: u8, tx: impl Into<Transaction>) -> banyan_ledger::Outcome {
        let tx = self.sign(person, tx);
        self.micro(&[tx]).unwrap()
    }

    /// What a node says of one transaction.
    pub fn ask(
        &self,
        person: u8,
        tx: impl Into<Transaction>,
    ) -> Result<banyan_ledger::Outcome, banyan_ledger::Rejected> {
        self.admit(&self.sign(person, tx))
    }

    /// The seal of the key block at `height` by these people, who are members of the set of `era`.
    pub fn seal_of(&self, height: u64, era: u32, people: &[u8]) -> Seal {
        let set = self.params.root.as_ref().unwrap().signers(&self.sets(), Era(era)).unwrap();
        let hash = self.keys[usize::try_from(height).unwrap() - 1].hash();
        let statement = Statement {
            era: Era(era),
            height: Height(height),
            hash,
            ..statement(self, VoteKind::Precommit, 1, 0, (0, 0))
        };
        let signed = people.iter().map(|person| {
            let place = set.place(&vote_key(*person)).unwrap();
            (place, Signature(voter(*person).sign(&statement.encode())))
        });
        Seal::gather(&statement, &signed.collect(), set.members.len())
    }

    /// Key blocks until this height stands.
    pub fn grow_to(&mut self, height: u64) {
        while self.height() < Height(height) {
            self.key_block(LEADER);
        }
    }
}
