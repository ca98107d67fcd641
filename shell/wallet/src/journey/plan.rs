//! What a journey is going to do, on disk before anything is sent.
//!
//! Every transaction is signed with its nonce, so that sending it again is harmless: same bytes, same number. A routed
//! journey has one, on its first ledger; a walked one has one for each leg. What has happened so far is not in the file:
//! the ledgers say it, by the names of the legs. Rules: associates 12.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use banyan_ledger::next_leg;
use banyan_types::{
    AccountId, Amount, AssociateId, Hash, Height, TxHash,
    associate::Hop,
    text::{self, Prefix},
    tx::{SignedTx, Transaction},
};
use serde::{Deserialize, Serialize};

use super::path::{Action, Step};

/// The only form of the file that is known.
const FORMAT: u32 = 2;
/// Bytes of a plan's file at most.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Digits of a plan's id: the first of its first leg.
const ID_DIGITS: usize = 16;

/// Who signs for the legs after the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manner {
    /// Nobody: the first transaction carries the route, and each ledger sends on what arrives.
    Routed,
    /// The owner, one transaction for each leg.
    Walked,
}

impl Manner {
    /// The manner's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Routed => "routed",
            Self::Walked => "walked",
        }
    }
}

/// What a leg does to the money, as a ledger is told it.
pub(super) const fn hop(action: Action, associate: AssociateId) -> Hop {
    match action {
        Action::Commit => Hop::Down(associate),
        Action::Withdraw => Hop::Up,
    }
}

/// The route behind the first of `steps`.
pub(super) fn route(steps: &[Step]) -> Vec<Hop> {
    steps.iter().skip(1).map(|step| hop(step.action, step.associate)).collect()
}

/// One leg of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leg {
    /// Down or up.
    pub action: Action,
    /// The ledger that it leaves.
    pub on: String,
    /// What its signature binds to.
    pub network_id: String,
    /// The ledger where it arrives.
    pub into: String,
    /// The child of the two.
    #[serde(with = "as_text")]
    pub associate: AssociateId,
    /// What it carries, in coins.
    #[serde(with = "as_text")]
    pub amount: Amount,
    /// What it costs, in coins.
    #[serde(with = "as_text")]
    pub fee: Amount,
    /// Its name.
    #[serde(with = "as_hex")]
    pub leg: Hash,
    /// What is sent; nothing where the ledger sends on what arrives.
    #[serde(default, with = "as_tx", skip_serializing_if = "Option::is_none")]
    pub tx: Option<SignedTx>,
}

/// A journey, ready to be walked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    format: u32,
    /// Who signs for the legs after the first. Plans of before were all walked.
    #[serde(default = "walked")]
    pub manner: Manner,
    /// Whose coins.
    #[serde(with = "as_text")]
    pub account: AccountId,
    /// In order.
    pub legs: Vec<Leg>,
}

/// Why a plan's file cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// No such plan.
    #[error("there is no move {id} in {}", folder.display())]
    Unknown {
        /// The id.
        id: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// Not the name of a plan.
    #[error("{id:?} is no id of a move: {ID_DIGITS} hexadecimal digits are needed")]
    Id {
        /// What was given.
        id: String,
    },
    /// The file does not read.
    #[error("the plan {id} does not read: {why}")]
    File {
        /// Which.
        id: String,
        /// Why not.
        why: String,
    },
    /// The disk refuses.
    #[error("cannot {doing} {}: {source}", path.display())]
    Disk {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

const fn walked() -> Manner {
    Manner::Walked
}

impl Plan {
    /// A plan of these legs.
    pub(super) const fn new(manner: Manner, account: AccountId, legs: Vec<Leg>) -> Self {
        Self { format: FORMAT, manner, account, legs }
    }

    /// The plan's name.
    pub fn id(&self) -> String {
        self.name().to_string().chars().take(ID_DIGITS).collect()
    }

    /// The name of the journey, which is that of its first leg.
    pub fn name(&self) -> Hash {
        self.legs.first().map_or(Hash::ZERO, |leg| leg.leg)
    }

    /// The name under which leg `index` stands in the ledgers' lists: a ledger that sends on what arrives keeps the name
    /// that the owner signed.
    pub fn entered_as(&self, index: usize) -> Hash {
        match self.manner {
            Manner::Routed => self.name(),
            Manner::Walked => self.legs.get(index).map_or(Hash::ZERO, |leg| leg.leg),
        }
    }

    /// Hash of each transaction.
    pub fn hashes(&self) -> impl Iterator<Item = TxHash> {
        self.legs.iter().filter_map(|leg| leg.tx.as_ref()).map(SignedTx::hash)
    }

    /// Write the plan into `folder`: durable when this returns. Its path.
    /// # Errors
    /// [`PlanError::Disk`].
    ///
    /// # Panics
    /// Never: a plan is made of texts and numbers.
    pub fn save(&self, folder: &Path) -> Result<PathBuf, PlanError> {
        let path = folder.join(format!("{}.json", self.id()));
        let unfinished = path.with_extension("tmp");
        let json = serde_json::to_vec_pretty(self).expect("a plan is made of texts and numbers");
        let failed = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| PlanError::Disk { doing, path, source }
        };
        fs::create_dir_all(folder).map_err(failed("make", folder))?;
        let mut file = File::create(&unfinished).map_err(failed("make", &unfinished))?;
        file.write_all(&json).and_then(|()| file.sync_all()).map_err(failed("write", &unfinished))?;
        fs::rename(&unfinished, &path).map_err(failed("rename", &unfinished))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("sync", folder))?;
        Ok(path)
    }

    /// The plan `id` of `folder`.
    /// # Errors
    /// Any [`PlanError`].
    pub fn load(folder: &Path, id: &str) -> Result<Self, PlanError> {
        if id.len() != ID_DIGITS || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(PlanError::Id { id: id.chars().take(64).collect() });
        }
        let path = folder.join(format!("{id}.json"));
        let bad = |why: String| PlanError::File { id: id.into(), why };
        let size = path.metadata().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => PlanError::Unknown { id: id.into(), folder: folder.to_owned() },
            _ => PlanError::Disk { doing: "read", path: path.clone(), source },
        })?;
        if size.len() > FILE_BYTES_MAX {
            return Err(bad(format!("{} bytes, limit {FILE_BYTES_MAX}", size.len())));
        }
        let json = fs::read(&path).map_err(|source| PlanError::Disk { doing: "read", path, source })?;
        let plan: Self = serde_json::from_slice(&json).map_err(|error| bad(error.to_string()))?;
        plan.check().map_err(bad)?;
        Ok(plan)
    }

    /// A file says the same twice; what it says must fit, since only the transactions will be sent.
    fn check(&self) -> Result<(), String> {
        if !(1..=FORMAT).contains(&self.format) {
            return Err(format!("format {}, known are 1 to {FORMAT}", self.format));
        }
        for (index, leg) in self.legs.iter().enumerate() {
            let own = index == 0 || self.manner == Manner::Walked;
            match &leg.tx {
                Some(tx) if own => self.check_leg(index, leg, tx.transaction())?,
                None if !own => {}
                _ => return Err(format!("leg {index} of a {} plan, and its transaction", self.manner.as_str())),
            }
        }
        let chained = self.legs.windows(2).zip(1_u16..).all(|(two, next)| two[1].leg == next_leg(two[0].leg, next));
        match (self.legs.is_empty(), chained) {
            (true, _) => Err("no legs".into()),
            (_, false) => Err("a leg is not named after the one before it".into()),
            _ => Ok(()),
        }
    }

    fn check_leg(&self, index: usize, leg: &Leg, tx: &Transaction) -> Result<(), String> {
        let (carries, route) = match tx {
            Transaction::AssociateCommit(tx) => ((Action::Commit, tx.from_id, tx.leg, tx.amount), &tx.route),
            Transaction::AssociateWithdraw(tx) => ((Action::Withdraw, tx.from_id, tx.leg, tx.amount), &tx.route),
            other => return Err(format!("leg {index} is a {}", other.kind())),
        };
        let ahead = self.legs.iter().skip(1).map(|leg| hop(leg.action, leg.associate));
        let expected: Vec<_> = if self.manner == Manner::Routed { ahead.collect() } else { vec![] };
        if carries != (leg.action, self.account, leg.leg, leg.amount) || *route != expected {
            return Err(format!("leg {index} says something else than its transaction"));
        }
        Ok(())
    }
}

impl Leg {
    /// Last height at which its transaction may be included.
    pub fn ttl(&self) -> Option<Height> {
        self.tx.as_ref().and_then(|tx| tx.transaction().ttl())
    }
}

mod as_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use std::{fmt::Display, str::FromStr};

    pub fn serialize<T: Display, S: Serializer>(value: &T, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(value)
    }

    pub fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(input: D) -> Result<T, D::Error> {
        String::deserialize(input)?.parse().map_err(D::Error::custom)
    }
}

mod as_hex {
    use super::Hash;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(hash: &Hash, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(hash)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Hash, D::Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(String::deserialize(input)?, &mut bytes).map_err(D::Error::custom)?;
        Ok(Hash(bytes))
    }
}

mod as_tx {
    use super::{Prefix, SignedTx, text};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[allow(clippy::ref_option)] // the form that serde asks for
    pub fn serialize<S: Serializer>(tx: &Option<SignedTx>, out: S) -> Result<S::Ok, S::Error> {
        match tx {
            Some(tx) => out.serialize_some(&text::encode(Prefix::TransactionBytes, tx.bytes())),
            None => out.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<SignedTx>, D::Error> {
        let Some(text) = Option::<String>::deserialize(input)? else { return Ok(None) };
        let bytes = text::decode_as(Prefix::TransactionBytes, &text).map_err(D::Error::custom)?;
        SignedTx::decode(&bytes).map(Some).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use banyan_crypto::SecretKey;
    use banyan_ledger::first_leg;

    use crate::{
        testing::{coins, terms},
        tx,
    };

    fn key() -> SecretKey {
        SecretKey::from_seed([1; 32])
    }

    const BANK: AssociateId = AssociateId([3; 32]);
    const RELAY: AssociateId = AssociateId([4; 32]);

    fn leg(on: &str, into: &str, associate: AssociateId, leg: Hash, tx: Option<SignedTx>) -> Leg {
        let (on, into, network_id) = (on.into(), into.into(), "banyan_test".into());
        let fee = tx.as_ref().map_or(coins(1), |tx| tx.transaction().fee());
        Leg { action: Action::Commit, on, network_id, into, associate, amount: coins(10), fee, leg, tx }
    }

    fn signed(route: Vec<Hop>) -> (Hash, SignedTx) {
        let account = AccountId(key().public());
        let tx = tx::commit(account, BANK, account, coins(10), route, &terms(4)).unwrap();
        let leg = first_leg("banyan_test", &tx);
        (leg, tx::set_leg(tx, leg).sign("banyan_test", &key()))
    }

    fn plan() -> Plan {
        let (name, tx) = signed(vec![]);
        let legs = vec![leg("root", "bank", BANK, name, Some(tx))];
        Plan::new(Manner::Walked, AccountId(key().public()), legs)
    }

    fn routed() -> Plan {
        let (name, tx) = signed(vec![Hop::Down(RELAY)]);
        let second = leg("bank", "relay", RELAY, next_leg(name, 1), None);
        Plan::new(Manner::Routed, AccountId(key().public()), vec![leg("root", "bank", BANK, name, Some(tx)), second])
    }

    #[test]
    fn a_plan_reads_back_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        for plan in [plan(), routed()] {
            let path = plan.save(folder.path()).unwrap();
            assert_eq!(path.file_stem().unwrap().to_str().unwrap(), plan.id());
            assert_eq!(Plan::load(folder.path(), &plan.id()).unwrap(), plan);
            // Saving again is harmless.
            plan.save(folder.path()).unwrap();
        }
    }

    #[test]
    fn a_plan_of_before_is_still_walked() {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan { format: 1, ..plan() };
        let path = plan.save(folder.path()).unwrap();
        let old = fs::read_to_string(&path).unwrap().replace("  \"manner\": \"walked\",\n", "");
        assert!(!old.contains("manner"));
        fs::write(&path, old).unwrap();
        assert_eq!(Plan::load(folder.path(), &plan.id()).unwrap(), plan);
    }

    #[test]
    fn a_leg_is_named_by_its_transaction_and_two_journeys_never_share_one() {
        let plan = plan();
        let tx = plan.legs[0].tx.as_ref().unwrap().transaction();
        assert_eq!(first_leg("banyan_test", tx), plan.legs[0].leg, "the name does not change by being put in");
        assert_ne!(first_leg("banyan_other", tx), plan.legs[0].leg);
        assert_ne!(next_leg(plan.legs[0].leg, 1), next_leg(plan.legs[0].leg, 2));
    }

    #[test]
    fn a_routed_leg_stands_under_the_name_that_was_signed() {
        let plan = routed();
        assert_eq!([plan.entered_as(0), plan.entered_as(1)], [plan.name(); 2]);
        assert_ne!(plan.legs[1].leg, plan.name());
        let walked = Plan { manner: Manner::Walked, ..plan };
        assert_eq!(walked.entered_as(1), walked.legs[1].leg);
    }

    #[test]
    fn a_plan_that_contradicts_its_transactions_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let change = |plan: Plan, change: fn(&mut Plan)| {
            let mut plan = plan;
            change(&mut plan);
            plan
        };
        let bad = [
            change(plan(), |plan| plan.legs[0].amount = coins(11)),
            change(plan(), |plan| plan.account = AccountId([9; 32])),
            change(plan(), |plan| plan.legs[0].action = Action::Withdraw),
            change(plan(), |plan| plan.format = FORMAT + 1),
            change(plan(), |plan| plan.legs[0].tx = None),
            change(routed(), |plan| plan.manner = Manner::Walked),
            change(routed(), |plan| plan.legs[1].tx = plan.legs[0].tx.clone()),
            change(routed(), |plan| plan.legs[1].associate = BANK),
            change(routed(), |plan| plan.legs[1].leg = plan.legs[0].leg),
            change(routed(), |plan| plan.legs.truncate(1)),
        ];
        for bad in bad {
            bad.save(folder.path()).unwrap();
            assert!(matches!(Plan::load(folder.path(), &bad.id()), Err(PlanError::File { .. })), "{bad:?}");
        }
        assert_eq!(change(plan(), |plan| plan.legs.clear()).check(), Err("no legs".to_owned()));
    }

    #[test]
    fn an_id_is_never_a_path() {
        let folder = tempfile::tempdir().unwrap();
        for id in ["", "..", "../../etc/passwd", "0123456789abcde", "0123456789abcdef0"] {
            assert!(matches!(Plan::load(folder.path(), id), Err(PlanError::Id { .. })), "{id}");
        }
        assert!(matches!(Plan::load(folder.path(), "0123456789abcdef"), Err(PlanError::Unknown { .. })));
    }
}
