//! What went wrong, whose fault it is, what to do next: one form for every command.
//!
//! A [`Failure`] always has three parts: what, why with both values, and what to do next. Rules: protocol, node 2, 8.4.

use std::{fmt, io, path::Path};

use banyan_ledger::{Fault, follow::NotFollowed};
use banyan_node::NodeError;
use banyan_types::text::{self, Prefix};
use banyan_wallet::{
    aci::BadCall,
    client::{ClientError, Refusal},
    journey::{CannotPlan, NoPath, PlanError, Stopped},
    keystore::{BadPassword, BadSecret, KeystoreError},
    light::NotProven,
    random::NoRandomness,
    review::Refused,
    tx::CannotBuild,
};
use serde_json::{Value, json};

/// How a command ends: the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// The answer is "no": not found, does not verify.
    No = 1,
    /// The command line itself is wrong.
    Usage = 2,
    /// The sender's fault, for ever.
    Invalid = 3,
    /// Try later.
    Early = 4,
    /// The node's or the disk's fault.
    Ours = 5,
    /// Nobody answers.
    Unreachable = 6,
    /// The time to wait is over; the transaction may still land.
    TimedOut = 7,
    /// The user said no.
    Refused = 8,
}

impl Exit {
    /// Every way to end.
    #[cfg(test)]
    pub const ALL: [Self; 9] = [
        Self::Done,
        Self::No,
        Self::Usage,
        Self::Invalid,
        Self::Early,
        Self::Ours,
        Self::Unreachable,
        Self::TimedOut,
        Self::Refused,
    ];

    /// Whose fault it is, in the words of the interface.
    pub const fn owner(self) -> &'static str {
        match self {
            Self::Done | Self::No | Self::Usage | Self::Invalid | Self::Refused => "invalid",
            Self::Early | Self::Unreachable | Self::TimedOut => "early",
            Self::Ours => "ours",
        }
    }

    const fn of(fault: Fault) -> Self {
        match fault {
            Fault::Invalid => Self::Invalid,
            Fault::Early => Self::Early,
            Fault::Ours => Self::Ours,
        }
    }
}

/// A command did not do what it was asked.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What.
    pub what: String,
    /// Why, with both values where two did not match.
    pub why: Vec<String>,
    /// What to do next.
    pub next: String,
    /// Exit code, and with it the owner.
    pub exit: Exit,
    /// The error's name.
    pub code: String,
    /// What few failures have.
    more: Option<Box<More>>,
}

/// What a node says beyond the message.
#[derive(Debug, Clone)]
struct More {
    /// Both values, by name.
    details: Value,
    /// When to try again.
    retry_after_ms: Option<u64>,
}

impl Failure {
    /// What happened, and the next thing to do.
    pub fn new(exit: Exit, code: &str, what: impl Into<String>, next: impl Into<String>) -> Self {
        let (what, next, code) = (what.into(), next.into(), code.into());
        Self { what, why: vec![], next, exit, code, more: None }
    }

    /// The same with a reason.
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why.push(why.into());
        self
    }

    /// The same with another next thing to do.
    pub fn then(self, next: impl Into<String>) -> Self {
        Self { next: next.into(), ..self }
    }

    /// The same with both values by name, and when to try again.
    fn with(self, details: Value, retry_after_ms: Option<u64>) -> Self {
        Self { more: Some(Box::new(More { details, retry_after_ms })), ..self }
    }

    fn retry_after_ms(&self) -> Option<u64> {
        self.more.as_ref().and_then(|more| more.retry_after_ms)
    }

    /// A file that cannot be read or written.
    pub fn disk(doing: &str, path: &Path, error: &io::Error) -> Self {
        let what = format!("cannot {doing} {}", path.display());
        let exit = if error.kind() == io::ErrorKind::NotFound { Exit::Invalid } else { Exit::Ours };
        Self::new(exit, "disk", what, "check the path, its permissions and the space on the disk")
            .because(error.to_string())
    }

    /// The error object of the interface.
    pub fn to_json(&self) -> Value {
        let message = match self.why.as_slice() {
            [] => self.what.clone(),
            why => format!("{}: {}", self.what, why.join("; ")),
        };
        let details = self.more.as_ref().map(|more| &more.details);
        let mut error = json!({
            "owner": self.exit.owner(), "code": self.code, "message": message, "details": details, "try": self.next,
        });
        if let Some(ms) = self.retry_after_ms() {
            error["retry_after_ms"] = ms.into();
        }
        json!({ "error": error })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        for why in &self.why {
            write!(f, "\n  {why}")?;
        }
        if let Some(ms) = self.retry_after_ms() {
            write!(f, "\n  try again in {ms} ms")?;
        }
        write!(f, "\n  try: {}", self.next)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let code = error.code().to_owned();
        match error {
            ClientError::Address { .. } => {
                Self::new(Exit::Usage, &code, error.to_string(), "banyan status --url http://127.0.0.1:3013")
            }
            ClientError::Unreachable { url, why } => {
                let next = "banyan devnet, or name a running node with --url or BANYAN_URL";
                Self::new(Exit::Unreachable, &code, "no node answers", next).because(format!("{url}: {why}"))
            }
            ClientError::Refused(refusal) => of_refusal(*refusal),
            ClientError::Answer { .. } => {
                let next = "check that --url names a banyan node of this version (banyan version)";
                Self::new(Exit::Ours, &code, "the node's answer does not read", next).because(error.to_string())
            }
            ClientError::NotProven(why) => why.into(),
            ClientError::NotFollowed(why) => why.into(),
        }
    }
}

fn of_refusal(refusal: Refusal) -> Failure {
    let exit = if refusal.status == 404 { Exit::No } else { Exit::of(refusal.owner) };
    let next = refusal.hint.unwrap_or_else(|| advice(exit).into());
    Failure::new(exit, &refusal.code, refusal.message, next).with(refusal.details, refusal.retry_after_ms)
}

/// What to do where the node does not say.
const fn advice(exit: Exit) -> &'static str {
    match exit {
        Exit::No => "banyan status shows what the node has",
        Exit::Early => "the same again, later",
        Exit::Ours => "banyan doctor, and the node's log",
        _ => "banyan help shows what is understood",
    }
}

impl From<NotProven> for Failure {
    fn from(error: NotProven) -> Self {
        let next = "ask another node with --url: this one shows what it cannot prove";
        Self::new(Exit::Ours, "not_proven", "the node's proof is not believed", next).because(error.to_string())
    }
}

impl From<NotFollowed> for Failure {
    fn from(error: NotFollowed) -> Self {
        let (exit, next) = match &error {
            NotFollowed::NoWitnesses | NotFollowed::Genesis(_) | NotFollowed::Untrusted { .. } => {
                (Exit::Invalid, "the genesis file, or the block, of the ledger that is meant")
            }
            NotFollowed::NoAnchor { .. } | NotFollowed::Anchor(_) => {
                (Exit::Invalid, "--genesis FILE with the anchor that its operators have agreed on, if you trust them")
            }
            NotFollowed::NotLast { .. } => (Exit::Invalid, "--trust KH of the last key block of an era"),
            NotFollowed::Old { .. } | NotFollowed::Unknown { .. } => {
                (Exit::Early, "the same later, or another node with --url: this one is behind")
            }
            NotFollowed::Conflict { .. } => (
                Exit::Ours,
                "trust nothing on this ledger for now; show both seals (--json) to its operators: they convict",
            ),
            _ => (Exit::Ours, "ask another node with --url: this one shows what does not hold"),
        };
        let failure = Self::new(exit, "not_followed", "what the node says is final is not believed", next);
        let failure = failure.because(error.to_string());
        let NotFollowed::Conflict { held, got } = error else { return failure };
        let seals = [held, got].map(|seal| text::encode(Prefix::Bytes, &seal.encode()));
        failure.with(json!({ "seals": seals }), None)
    }
}

impl From<KeystoreError> for Failure {
    fn from(error: KeystoreError) -> Self {
        let (code, next) = match &error {
            KeystoreError::Exists { .. } => ("exists", "another name; banyan account list shows those that are taken"),
            KeystoreError::Unknown { .. } => ("unknown_account", "banyan account list"),
            KeystoreError::WrongPassword { .. } => ("wrong_password", "the same again with the right password"),
            KeystoreError::Name(_) => ("name", "banyan account import NAME"),
            KeystoreError::File { .. } => ("keystore_file", "restore the file from a copy"),
            KeystoreError::TooMany => ("too_many", "move some files to another folder and name it with --data"),
            KeystoreError::Memory(_) => ("memory", "close other programs, then the same again"),
            KeystoreError::Random(_) => ("random", "the same again, on a machine with a source of random bytes"),
            KeystoreError::Disk { .. } => ("disk", "check the folder's permissions and the space on the disk"),
        };
        let exit = if error.is_ours() { Exit::Ours } else { Exit::Invalid };
        Self::new(exit, code, error.to_string(), next)
    }
}

impl From<BadPassword> for Failure {
    fn from(error: BadPassword) -> Self {
        let exit = if matches!(error, BadPassword::Disk(_)) { Exit::Ours } else { Exit::Invalid };
        Self::new(exit, "password", error.to_string(), "--password-file FILE, whose first line is the password")
    }
}

impl From<BadSecret> for Failure {
    fn from(error: BadSecret) -> Self {
        let next = "give sk_…, 128 hexadecimal digits, 12 or 24 words, or a keystore file";
        Self::new(Exit::Invalid, "secret", error.to_string(), next)
    }
}

impl From<NoRandomness> for Failure {
    fn from(error: NoRandomness) -> Self {
        KeystoreError::from(error).into()
    }
}

impl From<BadCall> for Failure {
    fn from(error: BadCall) -> Self {
        let next = "banyan contract inspect CT lists the functions with their types";
        Self::new(Exit::Usage, "bad_call", "that is no call of this contract", next).because(error.to_string())
    }
}

impl From<CannotBuild> for Failure {
    fn from(error: CannotBuild) -> Self {
        let (code, next) = match &error {
            CannotBuild::FeeTooLow { needed, .. } => {
                ("fee_too_low", format!("--fee {needed}, or no --fee for the least"))
            }
            CannotBuild::Overflow => ("overflow", "a smaller amount".into()),
        };
        Self::new(Exit::Invalid, code, "the transaction cannot be built", next).because(error.to_string())
    }
}

impl From<Refused> for Failure {
    fn from(error: Refused) -> Self {
        let (code, next) = match &error {
            Refused::Unreadable(_) => ("unreadable", "copy the whole text again, or use the version that made it"),
            Refused::OtherSigner { .. } => ("other_signer", "--by NAME of the account that it asks for"),
        };
        Self::new(Exit::Invalid, code, "nothing was signed", next).because(error.to_string())
    }
}

impl From<NoPath> for Failure {
    fn from(error: NoPath) -> Self {
        let code = match error {
            NoPath::Unknown { .. } => "unknown_ledger",
            NoPath::Here { .. } => "here",
            NoPath::Apart { .. } => "no_path",
            NoPath::TooLong { .. } => "too_long",
        };
        Self::new(Exit::Invalid, code, "there is no way", "banyan tree shows the ledgers").because(error.to_string())
    }
}

impl From<CannotPlan> for Failure {
    fn from(error: CannotPlan) -> Self {
        let why = error.to_string();
        match error {
            CannotPlan::Client(error) => error.into(),
            CannotPlan::Build(error) => error.into(),
            CannotPlan::Refused(error) => error.into(),
            CannotPlan::Funds { ledger, balance, needed, .. } => not_enough(&ledger, balance, needed).because(why),
            CannotPlan::Eaten { .. } => {
                Self::new(Exit::Invalid, "eaten", "the fees eat the amount", "a larger amount").because(why)
            }
            CannotPlan::Route { .. } => {
                Self::new(Exit::Invalid, "too_long", "the way is too long for one signature", "the same with --walk")
                    .because(why)
            }
            CannotPlan::Blocked { why: rejected, .. } => {
                let next = "banyan associate show NAME --ledger PARENT shows what the child takes";
                Self::new(Exit::of(rejected.fault()), rejected.code(), "a ledger on the way says no", next).because(why)
            }
            CannotPlan::Overflow => Self::new(Exit::Invalid, "overflow", why, "a smaller amount"),
        }
    }
}

/// The account does not hold what it is asked for.
pub fn not_enough(ledger: &str, balance: banyan_types::Amount, needed: banyan_types::Amount) -> Failure {
    let missing = needed.minus(balance).unwrap_or_default();
    let next = match ledger.rsplit_once('/') {
        Some((parent, _)) => format!("banyan move {missing} --from {parent} --to {ledger}"),
        None => format!("bring at least {missing} BNY to this account on {ledger}, or send less"),
    };
    let details = json!({ "balance": balance.base().to_string(), "needed": needed.base().to_string() });
    Failure::new(Exit::Early, "funds", format!("not enough coins on {ledger}"), next).with(details, None)
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let (exit, code) = match &error {
            PlanError::Unknown { .. } => (Exit::No, "unknown_move"),
            PlanError::Id { .. } => (Exit::Usage, "id"),
            PlanError::File { .. } => (Exit::Invalid, "plan_file"),
            PlanError::Disk { .. } => (Exit::Ours, "disk"),
        };
        let next = match exit {
            Exit::Ours => "check the folder's permissions and the space on the disk",
            _ => "the id that banyan move printed; plans are in the folder moves of --data",
        };
        Self::new(exit, code, error.to_string(), next)
    }
}

impl From<Stopped> for Failure {
    fn from(error: Stopped) -> Self {
        let why = error.to_string();
        let stopped = |exit, code, next: &str| Self::new(exit, code, "the move has stopped", next).because(why.clone());
        match error {
            Stopped::Client(error) => error.into(),
            Stopped::Dropped { ledger, .. } => stopped(
                Exit::Invalid,
                "dropped",
                &format!("the coins are where they were, on {ledger}: plan the move anew"),
            ),
            Stopped::Skipped { ledger, .. } => {
                stopped(Exit::Invalid, "skipped", &format!("the coins are back on {ledger}: plan the move from there"))
            }
            Stopped::Rests { ledger, .. } => {
                stopped(Exit::Invalid, "rests", &format!("the coins are on {ledger}: plan the move from there"))
            }
            Stopped::Forgotten { .. } => stopped(
                Exit::Early,
                "forgotten",
                "banyan account show says on which ledger the coins are; plan the move from there",
            ),
            Stopped::TimedOut { .. } => stopped(Exit::TimedOut, "timed_out", "banyan move --resume ID"),
            Stopped::Broken { .. } => stopped(
                Exit::Ours,
                "broken",
                "stop using this ledger and keep the plan: its state contradicts its rules",
            ),
        }
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        let (exit, code, next) = match &error {
            NodeError::GenesisFile(_) | NodeError::Genesis(_) => {
                (Exit::Invalid, "genesis", "correct the file; banyan genesis check FILE says whether it holds")
            }
            NodeError::OtherGenesis { .. } => {
                (Exit::Invalid, "other_genesis", "another --data, or the genesis of before")
            }
            NodeError::Role => (Exit::Invalid, "role", "the key that the genesis names"),
            _ => (Exit::Ours, "node_broken", "banyan doctor; nothing acknowledged is lost"),
        };
        Self::new(exit, code, "the node cannot go on", next).because(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use banyan_types::Amount;

    #[test]
    fn exit_codes_name_the_owner() {
        let rows: Vec<_> = Exit::ALL.iter().map(|exit| (*exit as u8, exit.owner())).collect();
        let expected = [
            (0, "invalid"),
            (1, "invalid"),
            (2, "invalid"),
            (3, "invalid"),
            (4, "early"),
            (5, "ours"),
            (6, "early"),
            (7, "early"),
            (8, "invalid"),
        ];
        assert_eq!(rows, expected);
        for (fault, exit) in [(Fault::Invalid, 3), (Fault::Early, 4), (Fault::Ours, 5)] {
            assert_eq!(Exit::of(fault) as u8, exit);
            let refusal = Refusal {
                status: 409,
                owner: fault,
                code: "c".into(),
                message: "m".into(),
                details: Value::Null,
                hint: None,
                retry_after_ms: None,
            };
            assert_eq!(Failure::from(ClientError::Refused(Box::new(refusal))).exit as u8, exit);
        }
    }

    #[test]
    fn an_error_has_three_parts() {
        let coins = |text: &str| text.parse::<Amount>().unwrap();
        let failure = not_enough("root/bank", coins("12.5"), coins("25.00001684"))
            .because("balance 12.5 BNY, needed 25.00001684 BNY (amount 25 + fee 0.00001684)");
        insta::assert_snapshot!(failure, @r"
        error: not enough coins on root/bank
          balance 12.5 BNY, needed 25.00001684 BNY (amount 25 + fee 0.00001684)
          try: banyan move 12.50001684 --from root --to root/bank
        ");
        insta::assert_snapshot!(failure.to_json().to_string(), @r#"{"error":{"code":"funds","details":{"balance":"12500000000000000000","needed":"25000016840000000000"},"message":"not enough coins on root/bank: balance 12.5 BNY, needed 25.00001684 BNY (amount 25 + fee 0.00001684)","owner":"early","try":"banyan move 12.50001684 --from root --to root/bank"}}"#);
    }
}
