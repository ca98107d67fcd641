//! A server of PostgreSQL of one's own: in a temporary folder, on a socket there and nowhere else.

use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use banyan_accounts::Settings;
use sqlx::{Connection as _, Executor as _, PgConnection};

/// Longest that the server may take to begin.
const LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);
/// The server refuses to run as root: then it runs as Debian's `nobody`.
const NOBODY: u32 = 65_534;

pub struct Server {
    process: Child,
    folder: tempfile::TempDir,
}

impl Server {
    /// Start one; `None`, said loudly, where no server is installed. Where `CI` is set there must be one.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(std::env::var_os("CI").is_none(), "PostgreSQL is not installed: apt-get install postgresql");
            eprintln!(
                "SKIPPED: PostgreSQL is not installed, and this says nothing about it (apt-get install postgresql)"
            );
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        if rustix::process::geteuid().is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let data = folder.path().join("data");
        let mut initdb = command(&programs.join("initdb"));
        initdb.args(["-A", "trust", "-U", "banyan", "-E", "UTF8", "--no-sync", "-D"]).arg(&data);
        let made = initdb.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut postgres = command(&programs.join("postgres"));
        postgres.arg("-D").arg(&data).arg("-k").arg(folder.path()).args(["-c", "listen_addresses="]);
        // What is tested is the order of things, not this machine's disk.
        postgres.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let process = postgres.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let server = Self { process, folder };
        let begun = Instant::now();
        while !server.answers() {
            let log = || fs::read_to_string(server.folder.path().join("log")).unwrap_or_default();
            assert!(begun.elapsed() < LIMIT, "PostgreSQL does not begin: {}", log());
            std::thread::sleep(PAUSE);
        }
        Some(server)
    }

    pub fn url(&self) -> String {
        format!("postgres://banyan@localhost/postgres?host={}", self.folder.path().display())
    }

    pub fn settings(&self) -> Settings {
        Settings::reference(&self.url())
    }

    /// Forget every table.
    pub fn clear(&self) {
        self.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public").unwrap();
    }

    pub fn run(&self, sql: &'static str) -> Result<(), sqlx::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.url()).await?;
            connection.execute(sqlx::raw_sql(sql)).await?;
            connection.close().await
        })
    }

    fn answers(&self) -> bool {
        self.run("SELECT 1").is_ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // At once, without what it would still write.
        let pid = rustix::process::Pid::from_child(&self.process);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        let _ = self.process.wait();
    }
}

/// A program of the server, as somebody who may run it.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("LC_ALL", "C").current_dir("/");
    if rustix::process::geteuid().is_root() {
        command.gid(NOBODY).uid(NOBODY);
    }
    command
}

/// The folder of the newest server's programs, where Debian puts them.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<_> = versions.flatten().map(|version| version.path().join("bin")).collect();
    found.retain(|folder| folder.join("initdb").exists() && folder.join("postgres").exists());
    found.sort();
    found.pop()
}
