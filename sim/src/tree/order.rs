//! Who orders a ledger below the root, with their true keys: seals that the rules of the engine check.

use std::collections::BTreeSet;

use banyan_ledger::ParentTip;
use banyan_ledger::engine::{
    BadHeader, Rules as _, Turn, View, check_sealed,
    committee::{Committee, Epoch},
    next_header,
    rotation::{Rotation, Strength, Turns},
    solo::{Solo, seal_message},
};
use banyan_types::{
    Hash, Height, PublicKey, Signature,
    associate::{ENGINE_COMMITTEE, ENGINE_ROTATION, ENGINE_ROTATION_ONE_STEP, Validators},
    committee::{Certificate, Member, MemberSignature, Statement, ValidatorSet},
    header::ChildHeader,
};

use super::{people::Person, plan::Engine};

/// Views after which a height has no leader who is there: more than a third is gone.
const VIEWS_MAX: u32 = 64;

/// An engine with its keys.
#[derive(Clone, Debug)]
pub enum Order {
    /// One operator.
    Solo(Person),
    /// Validators who certify.
    Committee(Epoch, Vec<Person>),
    /// Validators in turn.
    Rotation(Turns, Vec<Person>),
}

/// What seals a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// The operator's.
    Signature(Signature),
    /// The validators'.
    Certificate(Certificate),
}

impl Order {
    /// The engine of a ledger, with keys of its own.
    pub fn new(seed: u64, at: usize, engine: Engine) -> Self {
        let people =
            |members: usize| -> Vec<_> { (0..members).map(|n| Person::new(seed, "validator", at * 16 + n)).collect() };
        let epoch = |members: &[Person], weight: fn(usize) -> u64| {
            let member = |(n, person): (usize, &Person)| Member { key: person.key(), weight: weight(n) };
            let set = ValidatorSet::new(members.iter().enumerate().map(member).collect())
                .expect("different keys of small weights make a set");
            let seed = Hash(banyan_crypto::blake2b(&[b"epoch", &seed.to_be_bytes(), &(at as u64).to_be_bytes()]));
            Epoch::drawn(0, seed, set)
        };
        match engine {
            Engine::Solo => Self::Solo(Person::new(seed, "orders", at)),
            Engine::Committee { members } | Engine::Ruled { members } => {
                let members = people(members);
                Self::Committee(epoch(&members, |n| 2 + n as u64 % 2), members)
            }
            Engine::Rotation { members, threshold } => {
                let members = people(members);
                Self::Rotation(
                    Turns::new(&epoch(&members, |_| 1), threshold)
                        .expect("members of weight 1 take turns, and the plan draws a threshold among them"),
                    members,
                )
            }
        }
    }

    /// Its validators.
    pub fn members(&self) -> &[Person] {
        match self {
            Self::Solo(_) => &[],
            Self::Committee(_, members) | Self::Rotation(_, members) => members,
        }
    }

    /// Their set.
    pub const fn set(&self) -> Option<&ValidatorSet> {
        match self {
            Self::Solo(_) => None,
            Self::Committee(epoch, _) => Some(&epoch.set),
            Self::Rotation(turns, _) => Some(turns.set()),
        }
    }

    /// Those whose word a parent may take, as it knows them.
    pub fn validators(&self) -> Option<Validators> {
        let engine = match self {
            Self::Solo(_) => return None,
            Self::Committee(..) => ENGINE_COMMITTEE,
            Self::Rotation(turns, _) if turns.has_two_steps() => ENGINE_ROTATION,
            Self::Rotation(..) => ENGINE_ROTATION_ONE_STEP,
        };
        self.set().map(|set| Validators::new(engine, set.clone()))
    }

    /// Blocks by which the last final one is behind the last one: where one step confirms, a block is final when the next
    /// one has a quorum as well. Source: ADR 19.
    pub fn lag(&self) -> usize {
        match self {
            Self::Rotation(turns, _) if !turns.has_two_steps() => 1,
            _ => 0,
        }
    }

    /// Who leads a height, and in which view: the first whose turn it is and who is there.
    pub fn turn(&self, height: Height, absent: &BTreeSet<PublicKey>) -> Option<(PublicKey, u32)> {
        (0..VIEWS_MAX).find_map(|view| {
            let leader = self.leader(height, view)?;
            (!absent.contains(&leader)).then_some((leader, view))
        })
    }

    /// Whose turn a view is.
    pub fn leader(&self, height: Height, view: u32) -> Option<PublicKey> {
        match self {
            Self::Solo(operator) => (view == 0).then(|| operator.key()),
            Self::Committee(epoch, _) => Some(epoch.leader(height, view)),
            Self::Rotation(turns, _) => turns.leader(height, view),
        }
    }

    /// The next header, all that the rules fix of it.
    pub fn draft(&self, network_id: &str, view: &View<'_>, tip: &ParentTip, turn: Turn) -> ChildHeader {
        match self {
            Self::Solo(operator) => next_header(&Solo { network_id, operator: operator.key() }, view, tip, turn),
            Self::Committee(epoch, _) => next_header(&Committee { network_id, epoch }, view, tip, turn),
            Self::Rotation(turns, _) => next_header(&Rotation { network_id, turns }, view, tip, turn),
        }
    }

    /// The seal of a block by all who are there.
    pub fn seal(&self, network_id: &str, header: &ChildHeader, absent: &BTreeSet<PublicKey>) -> Seal {
        match self {
            Self::Solo(operator) => Seal::Signature(Signature(operator.secret.sign(&seal_message(network_id, header)))),
            Self::Committee(..) | Self::Rotation(..) => {
                let statement = Statement::precommit(header.height, header.view, header.hash());
                Seal::Certificate(self.certify(network_id, &statement, absent))
            }
        }
    }

    /// A statement, signed by all who are there.
    pub fn certify(&self, network_id: &str, statement: &Statement, absent: &BTreeSet<PublicKey>) -> Certificate {
        let message = statement.signing_message(network_id);
        let sign = |person: &Person| {
            let index = self.set()?.place(&person.key())?;
            Some(MemberSignature { index, signature: Signature(person.secret.sign(&message)) })
        };
        let there = self.members().iter().filter(|person| !absent.contains(&person.key()));
        Certificate::gather(statement, there.filter_map(sign).collect())
    }

    /// The rules of a header and its seal, which must be worth a quorum.
    pub fn check(&self, network_id: &str, view: &View<'_>, header: &ChildHeader, seal: &Seal) -> Result<(), BadHeader> {
        match (self, seal) {
            (Self::Solo(operator), Seal::Signature(seal)) => {
                check_sealed(&Solo { network_id, operator: operator.key() }, view, header, seal)
            }
            (Self::Committee(epoch, _), Seal::Certificate(seal)) => {
                check_sealed(&Committee { network_id, epoch }, view, header, seal)
            }
            (Self::Rotation(turns, _), Seal::Certificate(seal)) => {
                check_sealed(&Rotation { network_id, turns }, view, header, seal)?;
                if turns.strength(seal) == Strength::Quorum { Ok(()) } else { Err(BadHeader::Seal) }
            }
            _ => Err(BadHeader::Seal),
        }
    }

    /// What the next header carries of a seal.
    pub fn seal_hash(&self, seal: &Seal) -> Hash {
        match (self, seal) {
            (Self::Solo(operator), Seal::Signature(seal)) => {
                Solo { network_id: "", operator: operator.key() }.seal_hash(seal)
            }
            (_, Seal::Certificate(seal)) => seal.hash(),
            _ => Hash::ZERO,
        }
    }

    /// What headers say of the set.
    pub fn set_hash(&self) -> Hash {
        self.set().map_or(Hash::ZERO, ValidatorSet::hash)
    }
}
