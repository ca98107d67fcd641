//! Ask the person at the terminal: yes or no, or a password that is not shown.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use banyan_wallet::Password;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};

/// Ask a question that a line answers; only `y` or `yes` is a yes.
/// # Errors
/// Exit 8: the answer is no, or there is nobody to ask.
pub fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        let refused = Failure::new(Exit::Refused, "not_confirmed", "nothing was done", "the same with --yes");
        return Err(refused.because("the question cannot be asked: stdin is no terminal"));
    }
    let answer = line(&format!("{question} [y/N] "))?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Refused, "refused", "nothing was done", "the same again, and yes")),
    }
}

/// Ask for a password without showing it.
/// # Errors
/// Exit 2 where there is nobody to ask; what is wrong with the password.
pub fn password(question: &str) -> Result<Password, Failure> {
    Ok(Password::new(hidden_line(question)?.to_string())?)
}

/// Ask for a new password, twice.
/// # Errors
/// As [`password`]; exit 2 when the two differ.
pub fn new_password(question: &str) -> Result<Password, Failure> {
    let (first, second) = (hidden_line(question)?, hidden_line("the same again: ")?);
    if first != second {
        return Err(Failure::new(Exit::Usage, "passwords_differ", "the two passwords differ", "the same again"));
    }
    Ok(Password::new(first.to_string())?)
}

fn hidden_line(question: &str) -> Result<Zeroizing<String>, Failure> {
    if !io::stdin().is_terminal() {
        let next = "--password-file FILE, or BANYAN_PASSWORD_FILE";
        return Err(Failure::new(Exit::Usage, "no_password", "a password is needed and nobody can be asked", next));
    }
    let hidden = Hidden::begin();
    let text = Zeroizing::new(line(question)?);
    drop(hidden);
    eprintln!();
    Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()))
}

fn line(question: &str) -> Result<String, Failure> {
    let mut answer = String::new();
    eprint!("{question}");
    let read = io::stderr().flush().and_then(|()| io::stdin().lock().read_line(&mut answer));
    read.map_err(|error| {
        Failure::new(Exit::Ours, "terminal", "the answer cannot be read", "the same in another terminal")
            .because(error.to_string())
    })?;
    Ok(answer)
}

/// What is typed is not shown, for as long as this lives.
struct Hidden(Option<Termios>);

impl Hidden {
    fn begin() -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut hidden = before.clone();
            hidden.local_modes.remove(LocalModes::ECHO);
            // Where it cannot be hidden, showing it is still better than locking the owner out.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &hidden);
        }
        Self(before)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}
