//! What a journey is going to do, on disk before anything is sent.
//!
//! Every leg's transaction is signed with its nonce, so that sending it again is harmless: same bytes, same number.
//! What has happened so far is not in the file: the ledgers say it, by the ids of the legs.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use banyan_crypto::SecretKey;
use banyan_types::{
    AccountId, Amount, AssociateId, Hash, Height, Payee, TxHash,
    text::{self, Prefix},
    tx::{SignedTx, Transaction},
};
use serde::{Deserialize, Serialize};

use super::path::{Action, Step};
use crate::{
    client::{Account, Client, ClientError, Status},
    review::{Place, Refused, Review},
    tx::{self, CannotBuild, Terms},
};

/// The only form of the file that is known.
const FORMAT: u32 = 1;
/// Bytes of a plan's file at most.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Digits of a plan's id: the first of its first leg.
const ID_DIGITS: usize = 16;

/// Why a plan cannot be made; nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum CannotPlan {
    /// The node does not answer or says no.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A transaction cannot be built.
    #[error(transparent)]
    Build(#[from] CannotBuild),
    /// A transaction cannot be shown.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The account has too little where the journey starts.
    #[error("balance {balance} BNY on {ledger}, needed {needed} BNY (amount {amount} + fee {fee})")]
    Funds {
        /// Where.
        ledger: String,
        /// What it holds.
        balance: Amount,
        /// What it needs.
        needed: Amount,
        /// What is to be moved.
        amount: Amount,
        /// What that costs.
        fee: Amount,
    },
    /// The fees on the way eat the amount.
    #[error("the fee of {fee} BNY on {ledger} is more than the {amount} BNY that arrive there")]
    Eaten {
        /// Where.
        ledger: String,
        /// What arrives.
        amount: Amount,
        /// What going on costs.
        fee: Amount,
    },
    /// A sum above the supply.
    #[error("a sum is above the whole supply")]
    Overflow,
}

/// One leg before it is signed.
#[derive(Debug, Clone)]
pub struct DraftLeg {
    /// Where it leads.
    pub step: Step,
    /// The ledger that it leaves, as its node sees it.
    pub ledger: Status,
    /// What it carries.
    pub amount: Amount,
    /// What it costs.
    pub fee: Amount,
    /// What its owner signs.
    pub review: Review,
    leg: Hash,
}

/// A journey before it is signed.
#[derive(Debug, Clone)]
pub struct Draft {
    account: AccountId,
    legs: Vec<DraftLeg>,
}

impl Draft {
    /// Walk `amount` of `account` along `steps`, to the same account everywhere.
    /// # Errors
    /// The first [`CannotPlan`] that applies.
    pub fn new(client: &Client, account: AccountId, amount: Amount, steps: &[Step]) -> Result<Self, CannotPlan> {
        let (mut legs, mut carried, mut leg) = (Vec::<DraftLeg>::new(), amount, Hash::ZERO);
        for (index, step) in steps.iter().enumerate() {
            let ledger = client.on(&step.on);
            let (status, held) = (ledger.status()?, ledger.account(account)?);
            let terms = terms(&status, &held);
            let mut tx = build(step, account, carried, &terms)?;
            if index == 0 {
                check_funds(&step.on, &held, carried, tx.fee())?;
                leg = first_leg(&status.network_id, &tx);
            } else {
                // Every leg after the first pays its fee out of what it carries: nothing else need be there.
                let (amount, fee) = (carried, tx.fee());
                let eaten = || CannotPlan::Eaten { ledger: step.on.clone(), amount, fee };
                carried = amount.minus(fee).filter(|rest| !rest.is_zero()).ok_or_else(eaten)?;
                tx = build(step, account, carried, &Terms { fee: Some(fee), ..terms })?;
                leg = next_leg(leg, index);
            }
            let tx = tx::set_leg(tx, leg);
            let review = Review::of(&tx.encode(), &place(&status))?;
            legs.push(DraftLeg { step: step.clone(), amount: carried, fee: tx.fee(), ledger: status, review, leg });
        }
        Ok(Self { account, legs })
    }

    /// The legs in order.
    pub fn legs(&self) -> &[DraftLeg] {
        &self.legs
    }

    /// What arrives at the end.
    pub fn arrives(&self) -> Amount {
        self.legs.last().map_or(Amount::ZERO, |leg| leg.amount)
    }

    /// Sign every leg; its owner has read the reviews.
    /// # Errors
    /// [`Refused`].
    pub fn sign(self, key: &SecretKey) -> Result<Plan, Refused> {
        let sign = |draft: DraftLeg| {
            let Step { action, on, into, associate, .. } = draft.step;
            let (network_id, amount, fee, leg) = (draft.ledger.network_id, draft.amount, draft.fee, draft.leg);
            Ok(Leg { action, on, network_id, into, associate, amount, fee, leg, tx: draft.review.sign(key)? })
        };
        let account = self.account;
        let legs: Vec<_> = self.legs.into_iter().map(sign).collect::<Result<_, Refused>>()?;
        Ok(Plan { format: FORMAT, account, legs })
    }
}

/// The place in which a review stands.
pub fn place(status: &Status) -> Place {
    Place {
        ledger: status.path(),
        network_id: status.network_id.clone(),
        height: Some(status.height()),
        interval_ms: status.limits.height_interval_ms,
        gas_price: Some(banyan_types::GasPrice(status.limits.gas_price_min)),
    }
}

fn terms(status: &Status, held: &Account) -> Terms {
    Terms { params: status.params(), height: status.height(), nonce: held.next(), ttl: None, fee: None }
}

fn build(step: &Step, account: AccountId, amount: Amount, terms: &Terms) -> Result<Transaction, CannotBuild> {
    match step.action {
        Action::Commit => tx::commit(account, step.associate, account, amount, vec![], terms),
        Action::Withdraw => tx::withdraw(account, Payee::Account(account), amount, vec![], terms),
    }
}

fn check_funds(ledger: &str, held: &Account, amount: Amount, fee: Amount) -> Result<(), CannotPlan> {
    let needed = amount.plus(fee).ok_or(CannotPlan::Overflow)?;
    if held.balance < needed {
        return Err(CannotPlan::Funds { ledger: ledger.into(), balance: held.balance, needed, amount, fee });
    }
    Ok(())
}

/// The name of a journey's first leg. The leg stands inside the transaction, so it is drawn from the transaction with
/// a zero in its place.
pub fn first_leg(network_id: &str, tx: &Transaction) -> Hash {
    let unsigned = tx::set_leg(tx.clone(), Hash::ZERO).encode();
    let hash = banyan_crypto::blake2b(&[&unsigned]);
    Hash(banyan_crypto::blake2b(&[b"journey", network_id.as_bytes(), &hash]))
}

/// The name of leg `index`, from that of the leg before it. Source: associates 12.
pub fn next_leg(before: Hash, index: usize) -> Hash {
    let index = u16::try_from(index).unwrap_or(u16::MAX);
    Hash(banyan_crypto::blake2b(&[&before.0, &index.to_be_bytes()]))
}

/// A signed leg.
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
    /// Its name on both ledgers.
    #[serde(with = "as_hex")]
    pub leg: Hash,
    /// What is sent.
    #[serde(with = "as_tx")]
    pub tx: SignedTx,
}

/// A journey, ready to be walked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    format: u32,
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

impl Plan {
    /// The plan's name.
    pub fn id(&self) -> String {
        let leg = self.legs.first().map_or(Hash::ZERO, |leg| leg.leg);
        leg.to_string().chars().take(ID_DIGITS).collect()
    }

    /// Hash of each leg's transaction.
    pub fn hashes(&self) -> impl Iterator<Item = TxHash> {
        self.legs.iter().map(|leg| leg.tx.hash())
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
        if self.format != FORMAT {
            return Err(format!("format {}, known is {FORMAT}", self.format));
        }
        for (index, leg) in self.legs.iter().enumerate() {
            let carries = match leg.tx.transaction() {
                Transaction::AssociateCommit(tx) => (Action::Commit, tx.from_id, tx.leg, tx.amount),
                Transaction::AssociateWithdraw(tx) => (Action::Withdraw, tx.from_id, tx.leg, tx.amount),
                other => return Err(format!("leg {index} is a {}", other.kind())),
            };
            if carries != (leg.action, self.account, leg.leg, leg.amount) {
                return Err(format!("leg {index} says something else than its transaction"));
            }
        }
        if self.legs.is_empty() { Err("no legs".into()) } else { Ok(()) }
    }
}

impl Leg {
    /// Last height at which its transaction may be included.
    pub fn ttl(&self) -> Option<Height> {
        self.tx.transaction().ttl()
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

    pub fn serialize<S: Serializer>(tx: &SignedTx, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&text::encode(Prefix::TransactionBytes, tx.bytes()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<SignedTx, D::Error> {
        let text = String::deserialize(input)?;
        let bytes = text::decode_as(Prefix::TransactionBytes, &text).map_err(D::Error::custom)?;
        SignedTx::decode(&bytes).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{coins, terms};

    fn key() -> SecretKey {
        SecretKey::from_seed([1; 32])
    }

    fn plan() -> Plan {
        let account = AccountId(key().public());
        let associate = AssociateId([3; 32]);
        let tx = tx::commit(account, associate, account, coins(10), vec![], &terms(4)).unwrap();
        let leg = first_leg("banyan_test", &tx);
        let tx = tx::set_leg(tx, leg).sign("banyan_test", &key());
        let leg = Leg {
            action: Action::Commit,
            on: "root".into(),
            network_id: "banyan_test".into(),
            into: "bank".into(),
            associate,
            amount: coins(10),
            fee: tx.transaction().fee(),
            leg,
            tx,
        };
        Plan { format: FORMAT, account, legs: vec![leg] }
    }

    #[test]
    fn a_plan_reads_back_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan();
        let path = plan.save(folder.path()).unwrap();
        assert_eq!(path.file_stem().unwrap().to_str().unwrap(), plan.id());
        assert_eq!(Plan::load(folder.path(), &plan.id()).unwrap(), plan);
        // Saving again is harmless.
        plan.save(folder.path()).unwrap();
    }

    #[test]
    fn a_leg_is_named_by_its_transaction_and_two_journeys_never_share_one() {
        let plan = plan();
        let tx = plan.legs[0].tx.transaction();
        assert_eq!(first_leg("banyan_test", tx), plan.legs[0].leg, "the name does not change by being put in");
        assert_ne!(first_leg("banyan_other", tx), plan.legs[0].leg);
        assert_ne!(next_leg(plan.legs[0].leg, 1), next_leg(plan.legs[0].leg, 2));
    }

    #[test]
    fn a_plan_that_contradicts_its_transactions_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let good = plan();
        let mut richer = good.clone();
        richer.legs[0].amount = coins(11);
        let mut other = good.clone();
        other.account = AccountId([9; 32]);
        let mut upward = good.clone();
        upward.legs[0].action = Action::Withdraw;
        let mut later = good.clone();
        later.format = 2;
        let mut empty = good.clone();
        for bad in [richer, other, upward, later] {
            bad.save(folder.path()).unwrap();
            assert!(matches!(Plan::load(folder.path(), &good.id()), Err(PlanError::File { .. })), "{bad:?}");
        }
        empty.legs.clear();
        assert_eq!(empty.check(), Err("no legs".to_owned()));
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
