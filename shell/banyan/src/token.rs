//! Files that open private ledgers: a token for who asks, the passes for who serves.

use std::{fs, path::Path};

use banyan_api::Pass;
use banyan_types::AccountId;

use crate::failure::{Exit, Failure};

/// Shortest token, in characters: it is all that stands between a stranger and the ledger.
const TOKEN_CHARS_MIN: usize = 16;

/// The token in a file: its first line.
/// # Errors
/// The file does not read, or holds none.
pub fn read(path: &Path) -> Result<String, Failure> {
    let text = open(path)?;
    let token = text.lines().next().unwrap_or_default().trim();
    check(path, token)?;
    Ok(token.to_owned())
}

/// The passes in a file: on each line a token, followed by the accounts of its holder, or by nothing for an operator.
/// # Errors
/// The file does not read, holds none, or a line of it is no pass.
pub fn passes(path: &Path) -> Result<Vec<Pass>, Failure> {
    let text = open(path)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let passes: Vec<_> = lines.map(|line| pass(path, line)).collect::<Result<_, _>>()?;
    if passes.is_empty() {
        return Err(bad(path, "the file holds no pass"));
    }
    Ok(passes)
}

fn pass(path: &Path, line: &str) -> Result<Pass, Failure> {
    let mut words = line.split_whitespace();
    let token = words.next().unwrap_or_default();
    check(path, token)?;
    let account = |word: &str| word.parse().map_err(|_| bad(path, &format!("{word} is no account")));
    let accounts: Vec<AccountId> = words.map(account).collect::<Result<_, _>>()?;
    let accounts = (!accounts.is_empty()).then(|| accounts.into_iter().collect());
    Ok(Pass { token: token.to_owned(), accounts })
}

fn check(path: &Path, token: &str) -> Result<(), Failure> {
    let is_plain = token.bytes().all(|byte| byte.is_ascii_graphic());
    if token.chars().count() >= TOKEN_CHARS_MIN && is_plain {
        return Ok(());
    }
    Err(bad(path, &format!("a token has {TOKEN_CHARS_MIN} characters or more, letters, digits and signs")))
}

fn bad(path: &Path, what: &str) -> Failure {
    let next = "openssl rand -hex 32 makes a good token; one to a line";
    Failure::new(Exit::Usage, "token", what, next).because(path.display().to_string())
}

fn open(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| Failure::disk("read", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn file(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passes");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn a_line_is_an_operators_or_names_accounts() {
        let account = "ak_21SBPc3yHP7bpQDvD1KMKzZZEgLtSXpDsK97LTjVwjiskra6Ka";
        let (_folder, path) = file(&format!("# operators\n{TOKEN}\n\n{TOKEN}x {account}\n"));
        let own = Pass { token: format!("{TOKEN}x"), accounts: Some([account.parse().unwrap()].into()) };
        assert_eq!(passes(&path).unwrap(), [Pass::all(TOKEN), own]);
    }

    #[test]
    fn what_opens_nothing_is_told() {
        for text in ["", "# nobody", "short", "0123456789abcdef ak_nobody", "0123456789abcdé0"] {
            let (_folder, path) = file(text);
            assert!(passes(&path).is_err(), "{text}");
        }
        let (_folder, path) = file(&format!("  {TOKEN} \nmore"));
        assert_eq!(read(&path).unwrap(), TOKEN);
    }
}
