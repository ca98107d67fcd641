//! Drive the real program as a user does: start a devnet, pay on it, ask it, stop it or cut its power.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::context::Context;
use crate::process::{End, Group, Power};
use crate::step::Fault;

/// A devnet that takes longer to answer has failed. The promise is 5 s on an idle machine; two cores may be busy.
const READY_LIMIT: Duration = Duration::from_mins(1);
/// After Ctrl-C the program must have left; the promise is 3 s.
const STOP_LIMIT: Duration = Duration::from_secs(15);
/// One request, or one run of the command line.
const CALL_LIMIT: Duration = Duration::from_secs(20);
/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_millis(20);
/// Where a devnet listens: the text before its port.
const LOOPBACK: &str = "http://127.0.0.1:";
/// Somebody to pay, whom nobody else pays and who spends nothing: there is no key to it.
const PAYEE: &str = "ak_jmyMNGvFByoPbw5LSuYgSznfw9GWgyePpcRPEARZGrQ46zMQV";

/// The accounts of the public development mnemonic that a devnet funds: `dev0` and so on.
const PAYERS: usize = 8;
/// The last of them.
const LAST_PAYER: &str = "ak_2ZqgB3VesraGtWdpuygdkZEQfUSaaxVzjAWvcgo12Go9REgvcw";
/// What one payment moves, as written on the command line, and in units.
const PAYMENT: &str = "0.001";
pub const PAYMENT_UNITS: u128 = 1_000_000_000_000_000;

/// The devnet's ledgers, each mounted at `/l/NAME`.
pub const LEDGERS: [&str; 4] = ["root", "bank", "relay", "vault"];

/// A transaction that the node has acknowledged.
#[derive(Clone, Debug)]
pub struct Payment {
    /// Where.
    pub ledger: &'static str,
    /// `th_…`
    pub hash: String,
}

/// A running devnet.
pub struct Devnet {
    group: Group,
    program: PathBuf,
    data: PathBuf,
    addresses: Receiver<String>,
    url: String,
}

impl Devnet {
    /// Start it on a free port. It may not be ready yet.
    pub fn spawn(context: &Context, data: &Path) -> Result<Self, Fault> {
        let program = context.built("release", "banyan");
        let mut command = context.command(&program);
        command
            .args(["devnet", "--json", "--port", "0", "--routes-port", "0", "--data"])
            .arg(data)
            .stdout(Stdio::piped());
        let mut group = Group::start(&mut command)?;
        let (sender, addresses) = channel();
        if let Some(output) = group.output() {
            thread::spawn(move || pass_on(output, |url| drop(sender.send(url))));
        }
        Ok(Self { group, program, data: data.to_owned(), addresses, url: String::new() })
    }

    /// Start it and wait until it answers; also how long that took.
    pub fn start(context: &Context, data: &Path) -> Result<(Self, Duration), Fault> {
        let started = Instant::now();
        let mut devnet = Self::spawn(context, data)?;
        devnet.ready()?;
        Ok((devnet, started.elapsed()))
    }

    /// Wait until it has said where it listens, and answers there.
    pub fn ready(&mut self) -> Result<(), Fault> {
        let until = Instant::now() + READY_LIMIT;
        self.url = self.addresses.recv_timeout(READY_LIMIT).map_err(|why| match why {
            RecvTimeoutError::Timeout => Fault::Failed(format!("the devnet named no address in {READY_LIMIT:?}")),
            RecvTimeoutError::Disconnected => Fault::Failed("the devnet ended before it named an address".into()),
        })?;
        self.until(until, "answer", |devnet| Ok(devnet.get("/v3/status")?.is_some()))
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Wait until the payers hold coins on every ledger: a fresh devnet carries them down by real commits.
    pub fn funded(&mut self, until: Instant) -> Result<(), Fault> {
        self.until(until, "fund the child", |devnet| {
            let held = LEDGERS.map(|ledger| devnet.get(&format!("/l/{ledger}/v3/accounts/{LAST_PAYER}")));
            held.into_iter().try_fold(true, |all, account| Ok(all && account?.is_some()))
        })
    }

    /// Pay a little by the command line from one of the [`PAYERS`]; `Ok` says that it was acknowledged.
    pub fn pay(&self, ledger: &'static str, payer: usize) -> Result<Payment, Fault> {
        let from = format!("dev{}", payer % PAYERS);
        let text = self.say(ledger, &["send", PAYEE, PAYMENT, "--from", &from, "--wait", "received", "--yes"])?;
        let hash = token(&text, "th_").ok_or_else(|| Fault::Failed(format!("no hash in {text}")))?;
        Ok(Payment { ledger, hash: hash.to_owned() })
    }

    /// The payment as the node knows it.
    pub fn transaction(&self, Payment { ledger, hash }: &Payment) -> Result<Option<Value>, Fault> {
        self.get(&format!("/l/{ledger}/v3/transactions/{hash}"))
    }

    /// Wait until the payment stands in a block.
    pub fn included(&mut self, payment: &Payment, until: Instant) -> Result<(), Fault> {
        self.until(until, "include the transaction", |devnet| {
            let height = devnet.transaction(payment)?.and_then(|found| found["block_height"].as_i64());
            Ok(height.is_some_and(|height| height >= 0))
        })
    }

    /// What the payee owns, in units, by a state proof that the wallet has checked against the newest header.
    pub fn proven(&self, ledger: &str) -> Result<u128, Fault> {
        let text = self.say(ledger, &["proof", "get", PAYEE])?;
        let proof: Value = serde_json::from_str(&text).map_err(|error| Fault::Failed(format!("{error}: {text}")))?;
        if proof["verified"] != true {
            return Err(Fault::Failed(format!("not verified: {text}")));
        }
        let balance = &proof["leaves"][0]["fields"]["balance"];
        balance.as_str().map_or(Ok(0), str::parse).map_err(|error| Fault::failed(&error))
    }

    /// Run one command of the program on a ledger; its JSON.
    fn say(&self, ledger: &str, words: &[&str]) -> Result<String, Fault> {
        let mut command = Command::new(&self.program);
        command.args(words).args(["--json", "--url", &self.url, "--ledger", ledger, "--data"]).arg(&self.data);
        let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(text);
        }
        Err(Fault::Failed(format!("{}: {text}{}", output.status, String::from_utf8_lossy(&output.stderr))))
    }

    /// The answer to a GET, if the status is 200.
    pub fn get(&self, path: &str) -> Result<Option<Value>, Fault> {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().timeout_global(Some(CALL_LIMIT)).http_status_as_error(false).build().into();
        let url = format!("{}{path}", self.url);
        let mut answer = agent.get(&url).call().map_err(|error| Fault::Failed(format!("{url}: {error}")))?;
        if answer.status() != 200 {
            return Ok(None);
        }
        let text = answer.body_mut().read_to_string().map_err(|error| Fault::failed(&error))?;
        serde_json::from_str(&text).map(Some).map_err(|error| Fault::Failed(format!("{url}: {error}: {text}")))
    }

    /// A way to cut its power from another thread.
    pub fn power(&self) -> Power {
        self.group.power()
    }

    /// Whether the process is still there.
    pub fn lives(&mut self) -> Result<bool, Fault> {
        Ok(self.group.wait(Instant::now())? == End::OutOfTime)
    }

    /// Press Ctrl-C and wait for a clean exit; how long it took.
    pub fn stop(mut self) -> Result<Duration, Fault> {
        let asked = Instant::now();
        self.group.interrupt();
        match self.group.wait(asked + STOP_LIMIT)? {
            End::Exited(status) if status.success() => Ok(asked.elapsed()),
            end => Err(Fault::Failed(format!("the devnet after Ctrl-C: {end}"))),
        }
    }

    /// Ask again and again, as long as it cannot be reached or says no.
    fn until(&mut self, until: Instant, what: &str, hold: impl Fn(&Self) -> Result<bool, Fault>) -> Result<(), Fault> {
        loop {
            let answer = hold(self);
            if matches!(answer, Ok(true)) {
                return Ok(());
            }
            if let End::Exited(status) = self.group.wait(Instant::now())? {
                return Err(Fault::Failed(format!("the devnet ended before it did {what}: {status}")));
            }
            if Instant::now() >= until {
                return Err(Fault::Failed(format!("the devnet did not {what} in time: {answer:?}")));
            }
            thread::sleep(PAUSE);
        }
    }
}

/// Show a program's output on our stderr, and hand on the first address that it names.
fn pass_on(output: impl Read, found: impl FnOnce(String)) {
    let mut found = Some(found);
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        eprintln!("{line}");
        if let Some(url) = address(&line)
            && let Some(found) = found.take()
        {
            found(url);
        }
    }
}

/// `http://127.0.0.1:PORT`, wherever it stands in the line.
fn address(line: &str) -> Option<String> {
    let (_, rest) = line.split_once(LOOPBACK)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    (digits > 0).then(|| format!("{LOOPBACK}{}", &rest[..digits]))
}

/// The first word of letters and digits that begins with `prefix`.
fn token<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let start = text.find(prefix)?;
    let body = &text[start + prefix.len()..];
    let length = body.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(body.len());
    (length > 0).then(|| &text[start..start + prefix.len() + length])
}

#[cfg(test)]
mod tests {
    use super::{address, token};

    #[test]
    fn an_address_is_found_in_text_and_in_json() {
        for line in ["explorer  http://127.0.0.1:3013/", "{\"url\":\"http://127.0.0.1:3013\"}", "http://127.0.0.1:3013"]
        {
            assert_eq!(address(line).as_deref(), Some("http://127.0.0.1:3013"), "{line}");
        }
        assert_eq!(address("http://127.0.0.1:/"), None);
        assert_eq!(address("growing"), None);
    }

    #[test]
    fn a_hash_is_found_in_text_and_in_json() {
        assert_eq!(token("{\"hash\":\"th_2mEi\",\"level\":1}", "th_"), Some("th_2mEi"));
        assert_eq!(token("th_2mEi   received 3 ms", "th_"), Some("th_2mEi"));
        assert_eq!(token("no hash: th_", "th_"), None);
    }
}
