//! `[book]` of a settings file: which database, and for a bank's own tables the four statements over them.

use banyan_types::Amount;
use serde::Deserialize;

use crate::Ours;

/// What a settings file says of the book.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `postgres://…`, or a file of SQLite.
    pub url: String,
    /// Base units of the bank's smallest unit; with statements of its own alone.
    #[serde(default)]
    pub unit: Option<String>,
    /// Statements over the bank's own tables; without them the book has tables of its own.
    #[serde(default)]
    pub sql: Option<Statements>,
}

/// The bank's own statements. Parameters are `$1`, `$2`, … and texts: accounts are `ak_…`, amounts are digits in the bank's unit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statements {
    /// Give account `$1` the amount `$2`; `$3` names why. It must touch one row: else the commit goes back to its sender.
    pub credit: String,
    /// Take amount `$2` from account `$1`; `$3` names why. It must touch one row: else the withdrawal is refused.
    pub debit: String,
    /// One text: the balance of account `$1`.
    pub balance: String,
    /// At most `$1` withdrawals that are asked for and that `banyan_request` does not have: a number that is never used again,
    /// account, recipient, amount.
    pub outbox: String,
}

#[derive(Deserialize)]
struct File {
    book: Settings,
}

impl Settings {
    /// Read the section `[book]` of a file.
    /// # Errors
    /// `Settings` with the line and what is wrong there.
    pub fn from_toml(text: &str) -> Result<Self, Ours> {
        let file: File = toml::from_str(text).map_err(|error| Ours::Settings(error.to_string()))?;
        file.book.unit()?;
        Ok(file.book)
    }

    /// A book with tables of its own.
    pub fn reference(url: &str) -> Self {
        Self { url: url.into(), unit: None, sql: None }
    }

    /// Base units of the smallest unit.
    pub(crate) fn unit(&self) -> Result<Amount, Ours> {
        let Some(unit) = &self.unit else { return Ok(ONE) };
        let read = unit.parse().ok().and_then(Amount::new).filter(|unit| !unit.is_zero());
        read.filter(|_| self.sql.is_some()).ok_or_else(|| {
            Ours::Settings(format!("unit {unit} must be a number of base units, and goes with the section [book.sql]"))
        })
    }
}

const ONE: Amount = Amount::new(1).expect("one is within the supply");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_whole_or_refused() {
        let own = "[book]\nurl = \"bank.db\"\nunit = \"10000000000000000\"\n[book.sql]\ncredit = \"a\"\ndebit = \"b\"\nbalance = \"c\"\noutbox = \"d\"\n";
        let settings = Settings::from_toml(own).unwrap();
        assert_eq!(settings.unit().unwrap().base(), 10_000_000_000_000_000);
        assert_eq!(Settings::from_toml("[book]\nurl = \"bank.db\"").unwrap(), Settings::reference("bank.db"));
        for bad in [
            "",
            "[book]",
            "[book]\nurl = \"bank.db\"\nunit = \"5\"",
            "[book]\nurl = \"bank.db\"\nurls = \"x\"",
            &own.replace("10000000000000000", "0"),
            &own.replace("debit", "debits"),
        ] {
            assert!(matches!(Settings::from_toml(bad), Err(Ours::Settings(_))), "{bad}");
        }
    }
}
