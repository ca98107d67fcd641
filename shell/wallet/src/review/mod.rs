//! Show what is about to be signed, decoded from the very bytes that the signature will stand over.
//!
//! A [`Review`] is the only way to a signature in this crate: what cannot be decoded, to the last byte, cannot be
//! shown, and what cannot be shown is not signed. What stands inside a transaction is shown below it, and a call of a
//! contract by its function and arguments, as far as [`Interfaces`] tell. Rules: protocol, node 3.2.

mod run;

use std::fmt;

use banyan_crypto::SecretKey;
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, GasPrice, Height,
    associate::Hop,
    rlp::DecodeError,
    show::{Fields, Value},
    tx::{SignedTx, Transaction},
};

use crate::tx::amount_of;

pub use run::{Interfaces, NoInterfaces};

/// Which ledger the signature will be good for, as the owner knows it.
#[derive(Debug, Clone)]
pub struct Place {
    /// The ledger's name in its tree.
    pub ledger: String,
    /// What the signature binds to.
    pub network_id: String,
    /// Its height now, where known.
    pub height: Option<Height>,
    /// Expected milliseconds between heights.
    pub interval_ms: u64,
    /// Its least price of gas, where known.
    pub gas_price: Option<GasPrice>,
}

/// Why nothing may be signed; the asker's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The bytes are no transaction that this wallet can show in full.
    #[error("cannot be shown, so it is not signed: {0}")]
    Unreadable(#[from] DecodeError),
    /// The key is not the one that must sign.
    #[error("the transaction is to be signed by {needed}, not by {got}")]
    OtherSigner {
        /// Whose signature it needs.
        needed: AccountId,
        /// Whose key was given.
        got: AccountId,
    },
}

/// One line of what is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// In how many other transactions it stands.
    pub depth: usize,
    /// What it is about.
    pub label: &'static str,
    /// What it says.
    pub value: String,
}

/// A transaction, decoded for its signer.
#[derive(Debug, Clone)]
pub struct Review {
    transaction: Transaction,
    network_id: String,
    lines: Vec<Line>,
    is_blind: bool,
}

impl Review {
    /// Read the unsigned bytes of a transaction; calls of contracts stay numbers.
    /// # Errors
    /// [`Refused::Unreadable`].
    pub fn of(unsigned: &[u8], place: &Place) -> Result<Self, Refused> {
        Self::with(unsigned, place, &NoInterfaces)
    }

    /// The same, with calls of contracts in words, as far as their interfaces are known.
    /// # Errors
    /// [`Refused::Unreadable`].
    pub fn with(unsigned: &[u8], place: &Place, interfaces: &dyn Interfaces) -> Result<Self, Refused> {
        let transaction = Transaction::decode(unsigned)?;
        // Decoding is strict; this only states that what is shown and what is signed are the same bytes.
        if transaction.encode() != unsigned {
            return Err(Refused::Unreadable(DecodeError::NotCanonical("another encoding of the same values")));
        }
        let mut shown = Shown { place, interfaces, lines: Vec::new(), is_blind: false };
        shown.transaction(&transaction, 0);
        let Shown { lines, is_blind, .. } = shown;
        Ok(Self { transaction, network_id: place.network_id.clone(), lines, is_blind })
    }

    /// Whether a call in it could not be shown in words: then its signer is asked, whatever was said before.
    pub const fn is_blind(&self) -> bool {
        self.is_blind
    }

    /// What is decoded.
    pub const fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// What the signer reads, in order.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Sign what was shown.
    /// # Errors
    /// [`Refused::OtherSigner`].
    pub fn sign(self, key: &SecretKey) -> Result<SignedTx, Refused> {
        let (needed, got) = (self.transaction.signer(), AccountId(key.public()));
        if needed != got {
            return Err(Refused::OtherSigner { needed, got });
        }
        Ok(self.transaction.sign(&self.network_id, key))
    }
}

impl fmt::Display for Review {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = |line: &Line| format!("{:indent$}{}", "", line.label, indent = 2 * line.depth);
        let width = self.lines.iter().map(|line| label(line).len()).max().unwrap_or(0);
        for (index, line) in self.lines.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{:width$}  {}", label(line), line.value)?;
        }
        Ok(())
    }
}

/// What is shown, as it grows.
struct Shown<'a> {
    place: &'a Place,
    interfaces: &'a dyn Interfaces,
    lines: Vec<Line>,
    is_blind: bool,
}

impl Shown<'_> {
    /// Add a line; it stays one, whatever somebody else has written into the transaction or the contract.
    fn line(&mut self, depth: usize, label: &'static str, value: &str) {
        let value = crate::aci::tame(value.as_bytes());
        self.lines.push(Line { depth, label, value });
    }

    fn transaction(&mut self, tx: &Transaction, depth: usize) {
        self.line(depth, "kind", &format!("{} ({})", what(tx), tx.kind()));
        if depth == 0 {
            self.line(depth, "ledger", &format!("{} ({})", self.place.ledger, self.place.network_id));
        }
        if !self.run(tx, depth) {
            for (label, value) in own_lines(tx) {
                self.line(depth, label, &value);
            }
        }
        if let Some(amount) = amount_of(tx) {
            self.line(depth, "amount", &format!("{amount} BNY"));
        }
        self.line(depth, "fee", &fee(tx));
        self.line(depth, "expiry", &expiry(tx, self.place));
        self.line(depth, "nonce", &tx.nonce().to_string());
        if let Some(inside) = tx.inside() {
            self.line(depth, "inside", &format!("signed by {} keys", inside.signatures().len()));
            self.transaction(inside.transaction(), depth + 1);
        }
    }
}

/// The kind in words.
const fn what(tx: &Transaction) -> &'static str {
    match tx {
        Transaction::Spend(_) => "payment",
        Transaction::AssociateCreate(_) => "register a child ledger",
        Transaction::AssociateCommit(_) => "commit into a child ledger",
        Transaction::AssociateUpdate(_) => "change a child ledger's connection point",
        Transaction::AssociateRefund(_) => "pay back a commit that a dead child ledger has not settled",
        Transaction::AssociateEvidence(_) => "report two statements of a child ledger's authority",
        Transaction::AssociateClose(_) => "close a child ledger",
        Transaction::AssociateEscape(_) => "claim what an account had on a dead child ledger",
        Transaction::AssociateRemit(_) => "accept a child's summary and pay out its withdrawals",
        Transaction::AssociateWithdraw(_) => "withdraw to the parent ledger",
        Transaction::Bond(_) => "bond stake, to witness or lead",
        Transaction::Unbond(_) => "take stake back, which is paid when it has answered long enough",
        Transaction::Evidence(_) => "report two statements of one key",
        Transaction::Renew(_) => "keep stake among the witnesses",
        Transaction::ContractCreate(_) => "make a contract",
        Transaction::ContractCreateV2(_) => "make a contract, with its source or for a time of its own",
        Transaction::ContractCall(_) => "call a contract",
        Transaction::GaAttach(_) => "put this account under a contract, for ever",
        Transaction::GaMeta(_) => "do what stands inside, if the account's contract agrees",
        Transaction::PayingFor(_) => "pay the fees of the transaction inside",
        Transaction::Extend(_) => "pay for an object to live longer",
        Transaction::TokenCreate(_) => "define a token",
        Transaction::TokenMint(_) => "make more of a token",
        Transaction::TokenFinalize(_) => "make no more of a token, ever",
        Transaction::TokenBurn(_) => "destroy some of a token",
        Transaction::TokenTransfer(_) => "send some of a token",
        Transaction::EntryCreate(_) => "keep data on the ledger",
        Transaction::EntryTransfer(_) => "give a data entry away",
        Transaction::EntryDestroy(_) => "delete a data entry",
        Transaction::BlobPost(_) => "post data into a block",
        Transaction::EngineAct(_) => "tell the engine of a child ledger something about its validators",
    }
}

fn own_lines(tx: &Transaction) -> Vec<(&'static str, String)> {
    match tx {
        Transaction::Spend(tx) => {
            let mut lines = vec![("from", tx.sender_id.to_string()), ("to", tx.recipient_id.to_string())];
            if !tx.payload.0.is_empty() {
                lines.push(("payload", format!("{} bytes: {}", tx.payload.0.len(), payload(&tx.payload.0))));
            }
            lines
        }
        Transaction::AssociateCommit(tx) => {
            let mut lines = vec![
                ("from", tx.from_id.to_string()),
                ("into", tx.associate_id.to_string()),
                ("to", tx.to_id.to_string()),
                ("route", route(&tx.route)),
                ("leg", tx.leg.to_string()),
            ];
            lines.extend(token_parts(tx.asset, tx.amount));
            lines
        }
        Transaction::AssociateWithdraw(tx) => {
            let mut lines = vec![
                ("from", tx.from_id.to_string()),
                ("to", format!("{} on the parent", tx.to_id)),
                ("route", route(&tx.route)),
                ("leg", tx.leg.to_string()),
            ];
            lines.extend(token_parts(tx.asset, tx.amount));
            lines
        }
        // The proofs are for the ledger to read: what they show is asked of it by whoever made them.
        Transaction::AssociateEscape(tx) => vec![
            ("from", tx.associate_id.to_string()),
            ("account", tx.account_id.to_string()),
            ("asset", tx.asset.to_string()),
            ("path", path(&tx.path)),
            ("proofs", tx.proofs.len().to_string()),
        ],
        // What few people sign is shown field by field; what runs a contract is shown by [`run`].
        Transaction::AssociateCreate(_)
        | Transaction::AssociateRemit(_)
        | Transaction::AssociateUpdate(_)
        | Transaction::AssociateRefund(_)
        | Transaction::AssociateEvidence(_)
        | Transaction::AssociateClose(_)
        | Transaction::Bond(_)
        | Transaction::Unbond(_)
        | Transaction::Evidence(_)
        | Transaction::Renew(_)
        | Transaction::ContractCreate(_)
        | Transaction::ContractCreateV2(_)
        | Transaction::ContractCall(_)
        | Transaction::GaAttach(_)
        | Transaction::GaMeta(_)
        | Transaction::PayingFor(_)
        | Transaction::Extend(_)
        | Transaction::TokenCreate(_)
        | Transaction::TokenMint(_)
        | Transaction::TokenFinalize(_)
        | Transaction::TokenBurn(_)
        | Transaction::TokenTransfer(_)
        | Transaction::EntryCreate(_)
        | Transaction::EntryTransfer(_)
        | Transaction::EntryDestroy(_)
        | Transaction::BlobPost(_)
        | Transaction::EngineAct(_) => plain(tx.fields()),
    }
}

/// How much of a token moves, in its smallest parts: the transaction does not say how many digits it has.
fn token_parts(asset: Asset, amount: Amount) -> Option<(&'static str, String)> {
    match asset {
        Asset::Coin => None,
        Asset::Token(token) => Some(("token", format!("{} parts of {token}", amount.base()))),
    }
}

/// Fields that every kind has are shown in their own words.
const COMMON: [&str; 3] = ["fee", "ttl", "nonce"];

fn plain(fields: Fields) -> Vec<(&'static str, String)> {
    fields.into_iter().filter(|(name, _)| !COMMON.contains(name)).map(|(name, value)| (name, text(&value))).collect()
}

/// A decoded value as one line.
pub fn text(value: &Value) -> String {
    match value {
        Value::Int(int) => int.to_string(),
        Value::Coins(amount) => format!("{amount} BNY"),
        Value::Flag(flag) => if *flag { "yes" } else { "no" }.into(),
        Value::Text(text) => text.clone(),
        Value::List(values) if values.is_empty() => "none".into(),
        Value::List(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Record(fields) => {
            let field = |(name, value): &(&str, Value)| format!("{name} {}", text(value));
            fields.iter().map(field).collect::<Vec<_>>().join(", ")
        }
    }
}

/// A payload as text if it is harmless text, else as hexadecimal digits.
fn payload(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => format!("{text:?}"),
        _ => hex::encode(bytes),
    }
}

/// From a child down to the ledger of an account.
fn path(path: &[AssociateId]) -> String {
    if path.is_empty() {
        return "on it itself".into();
    }
    path.iter().map(ToString::to_string).collect::<Vec<_>>().join(", then ")
}

fn route(route: &[Hop]) -> String {
    let hop = |hop: &Hop| match hop {
        Hop::Up => "up".to_owned(),
        Hop::Down(id) => format!("down into {id}"),
    };
    if route.is_empty() {
        return "ends there".into();
    }
    route.iter().map(hop).collect::<Vec<_>>().join(", then ")
}

fn fee(tx: &Transaction) -> String {
    let fee = tx.fee();
    match amount_of(tx).and_then(|amount| per_cent(fee, amount)) {
        Some(share) => format!("{fee} BNY ({share} % of the amount)"),
        None => format!("{fee} BNY"),
    }
}

/// Parts that one per cent is counted in.
const ONE_PER_CENT: u128 = 10_000_000_000;

/// `part` in per cent of `whole`, to three digits that count. `None` of nothing.
fn per_cent(part: Amount, whole: Amount) -> Option<String> {
    if whole.is_zero() {
        return None;
    }
    // Of one per cent 10^10 parts: a fee of 10^-5 coins on a million coins still shows.
    let parts = match part.base().checked_mul(100 * ONE_PER_CENT) {
        Some(scaled) => scaled / whole.base(),
        None => part.base() / whole.base().div_ceil(100 * ONE_PER_CENT),
    };
    Some(match parts {
        0 if part.is_zero() => "0".into(),
        0 => "less than 0.0000000001".into(),
        _ => three_digits(parts),
    })
}

/// `parts` per 10^10 as a decimal number with at most three digits that count after its zeros.
fn three_digits(parts: u128) -> String {
    let scale = 10u128.pow(parts.checked_ilog10().unwrap_or(0).saturating_sub(2));
    let parts = parts / scale * scale;
    let (whole, part) = (parts / ONE_PER_CENT, format!("{:010}", parts % ONE_PER_CENT));
    match part.trim_end_matches('0') {
        "" => whole.to_string(),
        part => format!("{whole}.{part}"),
    }
}

fn expiry(tx: &Transaction, place: &Place) -> String {
    let Some(ttl) = tx.ttl() else { return "none: valid until its nonce is used".into() };
    match place.height {
        None => format!("after height {ttl}"),
        Some(height) if ttl < height => format!("after height {ttl}, which is passed: height {height} now"),
        Some(height) => {
            let seconds = ttl.since(height).unwrap_or(0).saturating_mul(place.interval_ms) / 1_000;
            format!("after height {ttl}, in about {}", crate::time::span(seconds))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{account, coins, terms};
    use crate::tx;
    use banyan_types::{AssociateId, Payee, TxHash};
    use proptest::prelude::*;

    fn place() -> Place {
        Place {
            ledger: "root".into(),
            network_id: "banyan_test".into(),
            height: Some(Height(10)),
            interval_ms: 3_000,
            gas_price: None,
        }
    }

    fn key() -> SecretKey {
        SecretKey::from_seed([1; 32])
    }

    fn own() -> AccountId {
        AccountId(key().public())
    }

    #[test]
    fn the_wallet_shows_what_it_signs() {
        let mut terms = terms(7);
        terms.ttl = Some(Height(110));
        let built = tx::spend(own(), Payee::Account(account(2)), coins(25), &terms).unwrap();
        let review = Review::of(&built.encode(), &place()).unwrap();
        let rows = [
            ("kind", "payment (SpendTx)".to_owned()),
            ("ledger", "root (banyan_test)".to_owned()),
            ("from", own().to_string()),
            ("to", account(2).to_string()),
            ("amount", "25 BNY".to_owned()),
            ("fee", format!("{} BNY (0.0000673 % of the amount)", built.fee())),
            ("expiry", "after height 110, in about 5 min".to_owned()),
            ("nonce", "7".to_owned()),
        ];
        let shown: Vec<_> = review.lines().iter().map(|line| (line.label, line.value.clone())).collect();
        assert_eq!(shown, rows);
        // What is signed is what was shown, on the ledger that was shown.
        let signed = review.sign(&key()).unwrap();
        assert_eq!(signed.transaction(), &built);
        assert!(banyan_ledger::Verified::check(signed.clone(), "banyan_test").is_ok());
        assert!(banyan_ledger::Verified::check(signed, "banyan_other").is_err());
    }

    #[test]
    fn a_commit_says_into_which_child() {
        let child = AssociateId([3; 32]);
        let built = tx::commit(own(), child, account(2), coins(1), vec![Hop::Down(child)], &terms(1)).unwrap();
        let shown = Review::of(&built.encode(), &place()).unwrap().to_string();
        assert!(shown.contains(&format!("into    {child}")), "{shown}");
        assert!(shown.contains(&format!("route   down into {child}")), "{shown}");
    }

    #[test]
    fn unknown_transactions_are_never_signed() {
        let known = tx::spend(own(), Payee::Account(account(2)), coins(25), &terms(7)).unwrap().encode();
        let mut unknown_tag = known.clone();
        unknown_tag[2] = 99; // after the two bytes of the list's length
        let mut trailing = known.clone();
        trailing.push(0);
        let mut cut = known.clone();
        cut.pop();
        for bytes in [unknown_tag, trailing, cut, vec![], vec![0xc0]] {
            assert!(matches!(Review::of(&bytes, &place()), Err(Refused::Unreadable(_))), "{bytes:?}");
        }
        assert!(Review::of(&known, &place()).is_ok());
    }

    #[test]
    fn another_key_does_not_sign() {
        let built = tx::spend(account(9), Payee::Account(account(2)), coins(25), &terms(7)).unwrap();
        let signed = Review::of(&built.encode(), &place()).unwrap().sign(&key());
        assert_eq!(signed, Err(Refused::OtherSigner { needed: account(9), got: own() }));
    }

    #[test]
    fn a_payload_cannot_draw_on_the_screen() {
        assert_eq!(payload(b"thanks"), "\"thanks\"");
        assert_eq!(payload(b"\x1b[2J"), "1b5b324a");
    }

    #[test]
    fn a_share_has_three_digits_that_count() {
        let rows =
            [(1, 3, "33.3"), (1, 1, "100"), (7, 2, "350"), (1, 1_000_000, "0.0001"), (1, 7_000_000, "0.0000142")];
        for (part, whole, shown) in rows {
            assert_eq!(per_cent(coins(part), coins(whole)).as_deref(), Some(shown), "{part} of {whole}");
        }
        assert_eq!(per_cent(Amount::ZERO, coins(1)).as_deref(), Some("0"));
        assert_eq!(per_cent(coins(1), Amount::ZERO), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_review_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Review::of(&bytes, &place());
        }

        #[test]
        fn any_fee_and_amount_have_a_share(fee in 0..=banyan_types::SUPPLY_MAX, amount in 0..=banyan_types::SUPPLY_MAX) {
            let (fee, amount) = (Amount::new(fee).unwrap(), Amount::new(amount).unwrap());
            prop_assert_eq!(per_cent(fee, amount).is_some(), !amount.is_zero());
        }

        #[test]
        fn signing_changes_nothing(nonce: u64, base in 0..=banyan_types::SUPPLY_MAX) {
            let built = tx::spend(own(), Payee::Account(account(2)), Amount::new(base).unwrap(), &terms(nonce)).unwrap();
            let signed = Review::of(&built.encode(), &place()).unwrap().sign(&key()).unwrap();
            let again = SignedTx::decode(signed.bytes()).unwrap();
            prop_assert_eq!(again.transaction(), &built);
            prop_assert_ne!(again.hash(), TxHash([0; 32]));
        }
    }
}
