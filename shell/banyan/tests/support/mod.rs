//! The real program, run as a user runs it.

#![allow(dead_code, reason = "each test file uses a part")]

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// How one run of the program ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    /// Stdout as the one JSON document that it must be.
    pub fn json(&self) -> Value {
        let read = serde_json::from_str(&self.out);
        read.unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }

    /// The same, of a run that must have ended with this code.
    pub fn ended(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "{} {}", self.out, self.err);
        self.json()
    }
}

/// Run the program once. It reads nothing, and no variable of ours points it anywhere.
pub fn banyan(args: &[&str]) -> Run {
    let output = command(args).stdin(Stdio::null()).output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banyan"));
    command.args(args);
    for name in ["BANYAN_URL", "BANYAN_PASSWORD_FILE", "BANYAN_COMPILER", "RUST_LOG"] {
        command.env_remove(name);
    }
    command
}

/// A running devnet.
pub struct Devnet {
    process: Child,
    /// Held, so that the devnet can go on speaking.
    stdout: BufReader<ChildStdout>,
    /// What it said when it was ready.
    pub ready: Value,
    pub url: String,
    data: String,
}

impl Devnet {
    /// Start one in `data` and read what it says when it is ready.
    pub fn start(data: &Path, more: &[&str]) -> Self {
        Self::start_at(data, "0", more)
    }

    /// The same, on a port that is named.
    pub fn start_at(data: &Path, port: &str, more: &[&str]) -> Self {
        let data = data.to_str().unwrap().to_owned();
        let args = [&["devnet", "--json", "--port", port, "--routes-port", "0", "--data", &data][..], more].concat();
        let mut process = command(&args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let url = ready["url"].as_str().unwrap_or_else(|| panic!("{ready}")).to_owned();
        Self { process, stdout, ready, url, data }
    }

    /// A fresh one with fast key blocks.
    pub fn fresh() -> (TempDir, Self) {
        let data = tempfile::tempdir().unwrap();
        let devnet = Self::start(data.path(), &["--key-interval-ms", "300"]);
        (data, devnet)
    }

    /// Run a command against it, with one JSON document as its answer.
    pub fn run(&self, args: &[&str]) -> Run {
        let more = ["--json", "--quiet", "--url", &self.url, "--data", &self.data];
        banyan(&[args, &more[..]].concat())
    }

    /// Run a command against it and kill it after a while.
    pub fn killed_after(&self, args: &[&str], after: Duration) {
        let more = ["--json", "--quiet", "--url", &self.url, "--data", &self.data];
        let mut process = command(&[args, &more[..]].concat())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(after);
        let _ = process.kill();
        process.wait().unwrap();
    }

    /// The ids of the moves whose plans are kept.
    pub fn moves(&self) -> Vec<String> {
        let folder = std::fs::read_dir(Path::new(&self.data).join("moves")).into_iter().flatten();
        let names = folder.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
        names.filter_map(|name| name.strip_suffix(".json").map(ToOwned::to_owned)).collect()
    }

    /// What an account holds on a ledger, in units.
    pub fn balance(&self, account: &str, ledger: &str) -> u128 {
        let shown = self.run(&["account", "show", account]).ended(0);
        let held = shown["balances"].as_array().unwrap().iter().find(|held| held["ledger"] == ledger).unwrap();
        held["balance"].as_str().unwrap().parse().unwrap()
    }

    /// Wait until the first commit of a development account is credited, by following that commit.
    pub fn funded(&self) {
        // The plan of a move waits for its own credit, which comes after those that were sent before it.
        self.run(&["move", "1", "--from", "root", "--to", "bank", "--account", "dev7", "--yes"]).ended(0);
    }

    /// Ctrl-C, and the end that follows; the exit code.
    pub fn stop(mut self) -> i32 {
        let stopped = banyan(&["devnet", "stop", "--data", &self.data, "--json"]);
        stopped.ended(0);
        self.process.wait().unwrap().code().unwrap()
    }

    /// Ctrl-C, as at a terminal; the exit code.
    pub fn interrupt(mut self) -> i32 {
        interrupt(&self.process);
        self.process.wait().unwrap().code().unwrap()
    }

    /// No time to save anything.
    pub fn cut(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What Ctrl-C does.
pub fn interrupt(process: &Child) {
    kill_process(Pid::from_child(process), Signal::INT).unwrap();
}

/// Base units of so many coins.
pub const fn coins(coins: u128) -> u128 {
    coins * 1_000_000_000_000_000_000
}
