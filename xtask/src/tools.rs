//! Find the tools that cargo does not bring, and install those that can be.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::context::Context;
use crate::process::{self, End};
use crate::step::Fault;

/// Debian's browser: the one that the page check drives.
pub const CHROMIUM: &str = "/usr/bin/chromium";

/// A program on crates.io.
pub struct CargoTool {
    pub program: &'static str,
    pub package: &'static str,
    pub version: &'static str,
}

/// Runs the tests, each in its own process, with a time limit.
pub const NEXTEST: CargoTool = CargoTool { program: "cargo-nextest", package: "cargo-nextest", version: "0.9.143" };
/// Finds misspelt words.
pub const TYPOS: CargoTool = CargoTool { program: "typos", package: "typos-cli", version: "1.52.0" };
/// Judges licences, sources and banned crates of the dependencies.
pub const DENY: CargoTool = CargoTool { program: "cargo-deny", package: "cargo-deny", version: "0.20.2" };

impl CargoTool {
    /// Install it into cargo's own folder unless it is there.
    pub fn ensure(&self, context: &Context) -> Result<(), Fault> {
        if answers(self.program) {
            return Ok(());
        }
        eprintln!("{} is not installed: building {} {} from crates.io", self.program, self.package, self.version);
        let mut install = context.cargo("install --locked");
        install.arg(format!("{}@{}", self.package, self.version));
        needed(process::watch(&mut install, context.until, |_| {})?, self.program)
    }
}

/// Node.js with npm, for the checks that drive a browser and the JavaScript SDK.
pub fn ensure_npm(context: &Context) -> Result<(), Fault> {
    if answers("node") && answers("npm") {
        return Ok(());
    }
    debian_install(context, &["nodejs", "npm"])
}

/// The browser of [`CHROMIUM`].
pub fn ensure_chromium(context: &Context) -> Result<(), Fault> {
    if Path::new(CHROMIUM).exists() {
        return Ok(());
    }
    debian_install(context, &["chromium"])
}

/// The server of PostgreSQL, of which tests start one of their own.
pub fn ensure_postgresql(context: &Context) -> Result<(), Fault> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    if versions.into_iter().any(|version| version.path().join("bin/initdb").exists()) {
        return Ok(());
    }
    debian_install(context, &["postgresql"])
}

/// Erlang with its cryptography, on which the contract compiler of the JavaScript SDK runs.
pub fn ensure_erlang(context: &Context) -> Result<(), Fault> {
    // Debian keeps the library in a package of its own; without it the compiler starts, and fails as it prints the code.
    let asks = "case code:ensure_loaded(crypto) of {module, _} -> halt(0); _ -> halt(1) end.";
    if Command::new("erl").args(["-noshell", "-eval", asks]).status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    debian_install(context, &["erlang-base", "erlang-crypto"])
}

/// The command that makes network namespaces.
pub fn ensure_ip(context: &Context) -> Result<(), Fault> {
    if Command::new("ip").arg("-V").output().is_ok() {
        return Ok(());
    }
    debian_install(context, &["iproute2"])
}

/// Fetch what a folder's `package-lock.json` pins, once for each state of the lockfile.
pub fn ensure_npm_packages(context: &Context, folder: &Path) -> Result<(), Fault> {
    ensure_npm(context)?;
    let mark: PathBuf = folder.join("node_modules/.package-lock.json");
    let modified = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
    if modified(&mark).is_some_and(|made| Some(made) >= modified(&folder.join("package-lock.json"))) {
        return Ok(());
    }
    let mut install = context.command("npm");
    install.current_dir(folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    needed(process::watch(&mut install, context.until, |_| {})?, "npm ci")
}

/// Install Debian packages if we are root on a system that has them.
fn debian_install(context: &Context, packages: &[&str]) -> Result<(), Fault> {
    let names = packages.join(" ");
    if !rustix::process::geteuid().is_root() || !answers("apt-get") {
        return Err(Fault::Missing(format!("not installed: {names} (try: apt-get install {names})")));
    }
    eprintln!("not installed: {names}; asking apt-get");
    let apt = |words: &str| {
        let mut command = context.command("apt-get");
        command.args(words.split(' ')).env("DEBIAN_FRONTEND", "noninteractive");
        process::watch(&mut command, context.until, |_| {})
    };
    apt("update -q")?;
    needed(apt(&format!("install -q -y --no-install-recommends {names}"))?, &names)
}

fn needed(end: End, what: &str) -> Result<(), Fault> {
    if end.success() { Ok(()) } else { Err(Fault::Missing(format!("cannot install {what}: {end}"))) }
}

/// True if the program can be started at all.
fn answers(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}
