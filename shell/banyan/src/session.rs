//! What a command works with: the node, the folder, the keys.

use std::path::PathBuf;

use banyan_crypto::SecretKey;
use banyan_types::{AccountId, Payee, tx::SignedTx};
use banyan_wallet::{
    Keystore, Mnemonic, Name, Password, Secret,
    client::{Client, Status},
    keystore::Entry,
    mnemonic::DEV_MNEMONIC,
    review::Review,
};

use crate::{
    ask,
    cli::Globals,
    failure::{Exit, Failure},
    progress::Progress,
    token,
};

/// Accounts of the development mnemonic that have a name here: `dev0` to `dev7`.
pub const DEV_ACCOUNTS: u16 = 8;
/// The only profile on which their public keys are good for anything.
const DEV_PROFILE: &str = "dev";

/// What a command works with.
pub struct Session {
    /// What every command understands.
    pub globals: Globals,
}

/// Who signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// An account of the development mnemonic, by its index: everybody has its key.
    Dev(u16),
    /// An entry of the keystore.
    Kept(Entry),
}

impl Owner {
    /// The account.
    pub fn account(&self) -> AccountId {
        match self {
            Self::Dev(index) => AccountId(dev_key(*index).public()),
            Self::Kept(entry) => entry.account,
        }
    }

    /// What its owner calls it.
    pub fn name(&self) -> String {
        match self {
            Self::Dev(index) => format!("dev{index}"),
            Self::Kept(entry) => entry.name.to_string(),
        }
    }
}

impl Session {
    /// The ledger that the command speaks to.
    /// # Errors
    /// A bad address.
    pub fn client(&self) -> Result<Client, Failure> {
        let client = Client::new(&self.globals.url)?;
        let token = self.globals.token_file.as_deref().map(token::read).transpose()?;
        let client = token.iter().fold(client, |client, token| client.with_token(token));
        Ok(match &self.globals.ledger {
            Some(ledger) => client.on(ledger.name()),
            None => client,
        })
    }

    /// The folder of keys, plans and the devnet.
    /// # Errors
    /// No folder is named and none can be guessed.
    pub fn data(&self) -> Result<PathBuf, Failure> {
        if let Some(data) = &self.globals.data {
            return Ok(data.clone());
        }
        let home = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let share = home("XDG_DATA_HOME").or_else(|| home("HOME").map(|home| home.join(".local/share")));
        let none = || {
            Failure::new(
                Exit::Usage,
                "no_data",
                "no folder for data: neither XDG_DATA_HOME nor HOME is set",
                "--data DIR",
            )
        };
        Ok(share.ok_or_else(none)?.join("banyan"))
    }

    /// The folder of plans.
    /// # Errors
    /// As [`Self::data`].
    pub fn moves(&self) -> Result<PathBuf, Failure> {
        Ok(self.data()?.join("moves"))
    }

    /// The keystore.
    /// # Errors
    /// As [`Self::data`], and what the disk says.
    pub fn keystore(&self) -> Result<Keystore, Failure> {
        Ok(Keystore::open(self.data()?.join("keys"))?)
    }

    /// Something that takes a while.
    pub fn progress(&self) -> Progress {
        Progress::begin(self.globals.quiet)
    }

    /// Whose account is meant on the ledger of `status`: the one named, the only one kept, or the first of the devnet.
    /// # Errors
    /// Nothing has that name, or nothing is named and there is a choice.
    pub fn owner(&self, named: Option<&Name>, status: &Status) -> Result<Owner, Failure> {
        if let Some(name) = named {
            return match dev_index(name.as_str()) {
                Some(index) => dev_owner(index, status),
                None => Ok(Owner::Kept(self.keystore()?.entry(name)?)),
            };
        }
        let mut kept = self.keystore()?.list()?.entries;
        match (kept.len(), kept.pop()) {
            (1, Some(entry)) => Ok(Owner::Kept(entry)),
            (0, _) if status.profile == DEV_PROFILE => Ok(Owner::Dev(0)),
            (0, _) => {
                let next = "banyan account new NAME, then bring coins to it";
                Err(Failure::new(Exit::Invalid, "no_account", "there is no account to pay from", next))
            }
            (count, _) => {
                let what = format!("{count} accounts are kept, and none is named");
                Err(Failure::new(
                    Exit::Usage,
                    "which_account",
                    what,
                    "name one with --from or --account; banyan account list",
                ))
            }
        }
    }

    /// Who is paid: an id, or the name of an own account.
    /// # Errors
    /// Neither.
    pub fn payee(&self, text: &str) -> Result<Payee, Failure> {
        if text.contains('_')
            && !text.starts_with(|first: char| first.is_ascii_digit())
            && let Ok(id) = text.parse::<banyan_types::Id>()
        {
            return Payee::try_from(id).map_err(|id| {
                Failure::new(
                    Exit::Invalid,
                    "not_payable",
                    format!("{id} cannot be paid"),
                    "an account (ak_) or a contract (ct_)",
                )
            });
        }
        self.account(text).map(Payee::Account)
    }

    /// An account: `ak_…`, or the name of an own one.
    /// # Errors
    /// Neither.
    pub fn account(&self, text: &str) -> Result<AccountId, Failure> {
        if text.starts_with("ak_") {
            return text.parse().map_err(|error: banyan_types::text::TextError| {
                let what = format!("{text} is no account");
                Failure::new(Exit::Usage, "account", what, "copy the whole ak_… again").because(error.to_string())
            });
        }
        if let Some(index) = dev_index(text) {
            return Ok(AccountId(dev_key(index).public()));
        }
        let name: Name = text.parse().map_err(|error: banyan_wallet::keystore::BadName| {
            Failure::new(
                Exit::Usage,
                "account",
                format!("{text} is neither ak_… nor a name"),
                "ak_…, or a name of banyan account list",
            )
            .because(error.to_string())
        })?;
        Ok(self.keystore()?.entry(&name)?.account)
    }

    /// The secret of an owner; asks for the password where one is needed.
    /// # Errors
    /// No or a wrong password.
    pub fn unlock(&self, owner: &Owner) -> Result<SecretKey, Failure> {
        match owner {
            Owner::Dev(index) => Ok(dev_key(*index)),
            Owner::Kept(entry) => {
                let secret = self.keystore()?.unlock(&entry.name, &self.password(&entry.name)?)?;
                secret.key(0).ok_or_else(|| {
                    Failure::from(banyan_wallet::keystore::KeystoreError::Unknown { name: entry.name.to_string() })
                })
            }
        }
    }

    /// The password of an entry: from the file that is named, else from the terminal.
    /// # Errors
    /// There is none to be had.
    pub fn password(&self, name: &Name) -> Result<Password, Failure> {
        match &self.globals.password_file {
            Some(file) => Ok(Password::from_file(file)?),
            None => ask::password(&format!("password of {name}: ")),
        }
    }

    /// A password for something new.
    /// # Errors
    /// There is none to be had.
    pub fn new_password(&self, name: &Name) -> Result<Password, Failure> {
        match &self.globals.password_file {
            Some(file) => Ok(Password::from_file(file)?),
            None => ask::new_password(&format!("new password of {name}: ")),
        }
    }

    /// Show what is to be signed, ask, and sign it.
    /// # Errors
    /// The user says no; the key is another's.
    pub fn sign(&self, review: Review, owner: &Owner) -> Result<SignedTx, Failure> {
        self.show(&review);
        // Nobody says yes beforehand to what cannot be shown.
        let (question, yes) = if review.is_blind() {
            ("sign this, though what the contract is asked is not known?", false)
        } else {
            ("sign this?", self.globals.yes)
        };
        ask::confirm(question, yes)?;
        Ok(review.sign(&self.unlock(owner)?)?)
    }

    /// Say something that belongs to what is about to be signed, where [`Self::show`] shows it.
    pub fn tell(&self, text: &str) {
        if !(self.globals.quiet && self.globals.yes) {
            eprintln!("{}", crate::report::tame(text));
        }
    }

    /// Show what is to be signed. It goes to stderr, where questions go; stdout is for results. Only who has said both
    /// `--quiet` and `--yes` is not shown it.
    pub fn show(&self, review: &Review) {
        if review.is_blind() || !(self.globals.quiet && self.globals.yes) {
            eprintln!("{review}");
        }
    }
}

/// The key of a development account. Everybody knows it: it is good for trees that hold nothing of value.
pub fn dev_key(index: u16) -> SecretKey {
    Mnemonic::parse(DEV_MNEMONIC).expect("the constant is valid").account(index)
}

/// The secret of a development account as text.
pub fn dev_secret(index: u16) -> String {
    Secret::Key(dev_key(index)).reveal().to_string()
}

/// The index of a development account by its name, `dev0` to `dev7`.
pub fn dev_index(name: &str) -> Option<u16> {
    let digits = name.strip_prefix("dev")?;
    let canonical = digits.len() == 1 || !digits.starts_with('0');
    digits.parse().ok().filter(|index| canonical && *index < DEV_ACCOUNTS)
}

/// The public mnemonic is refused wherever its coins could be worth something.
fn dev_owner(index: u16, status: &Status) -> Result<Owner, Failure> {
    if status.profile == DEV_PROFILE {
        return Ok(Owner::Dev(index));
    }
    let why = format!("profile of {} is {}, needed {DEV_PROFILE}", status.path(), status.profile);
    let next = "an account of your own: banyan account new NAME";
    Err(Failure::new(Exit::Invalid, "dev_account", "everybody has the keys of the development accounts", next)
        .because(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_accounts_have_names() {
        assert_eq!(dev_index("dev0"), Some(0));
        assert_eq!(dev_index("dev7"), Some(7));
        for other in ["dev", "dev8", "dev00", "dev07", "devil", "Dev0", "dev-1"] {
            assert_eq!(dev_index(other), None, "{other}");
        }
    }

    #[test]
    fn the_second_development_account_is_the_one_that_every_wallet_shows() {
        let account = Owner::Dev(1).account().to_string();
        assert_eq!(account, "ak_iV7sCUsuKZytEEBEsX9N2K37m26X132LegogrgJEWzzPVjmmS");
        assert!(dev_secret(1).starts_with("sk_"));
    }
}
