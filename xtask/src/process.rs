//! Run child processes within a time, and leave none behind.
//!
//! Every child leads its own process group, so that ending it ends what it started. Groups are ended by id: politely
//! first, since a test runner ends its own children then, and for good after [`GRACE`].

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, thread};

use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long a group has to end by itself.
const GRACE: Duration = Duration::from_secs(5);
/// How often a child without output is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// The exit code of an interrupted program.
const INTERRUPTED: i32 = 130;

/// The groups that live, for an interrupt to end.
static LIVE: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Exited(ExitStatus),
    OutOfTime,
}

impl End {
    pub fn success(self) -> bool {
        matches!(self, Self::Exited(status) if status.success())
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "{status}"),
            Self::OutOfTime => write!(f, "ran out of time"),
        }
    }
}

/// A child and its process group; dropping it ends both.
pub struct Group {
    child: Child,
    id: Pid,
}

impl Group {
    /// Start `command` as the leader of a group.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let child = command.process_group(0).spawn()?;
        let id = Pid::from_child(&child);
        live(|groups| groups.insert(id.as_raw_nonzero().get()));
        Ok(Self { child, id })
    }

    /// The child's standard output, if it was piped and not yet taken.
    pub fn output(&mut self) -> Option<impl Read + Send + use<>> {
        self.child.stdout.take()
    }

    /// Ask the child to end, as Ctrl-C would.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// What ends the group at once, from any thread.
    pub fn power(&self) -> Power {
        Power(self.id)
    }

    /// Wait for the child until then.
    pub fn wait(&mut self, until: Instant) -> io::Result<End> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(End::Exited(status));
            }
            if Instant::now() >= until {
                return Ok(End::OutOfTime);
            }
            thread::sleep(LOOK);
        }
    }

    fn signal(&self, signal: Signal) {
        // The group may be gone already: that is what was wanted.
        let _ = kill_process_group(self.id, signal);
    }
}

/// The power switch of a group.
pub struct Power(Pid);

impl Power {
    /// End the group at once, leaving it no time to save anything.
    pub fn cut(self) {
        // The group may be gone already: that is what was wanted.
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::TERM);
            let _ = self.wait(Instant::now() + GRACE);
        }
        // The leader may have left children of its own behind.
        self.signal(Signal::KILL);
        let _ = self.child.wait();
        live(|groups| groups.remove(&self.id.as_raw_nonzero().get()));
    }
}

/// Run `command` to its end, pass on all its output to stderr, and show each line to `look`.
pub fn watch(command: &mut Command, until: Instant, mut look: impl FnMut(&str)) -> io::Result<End> {
    let mut group = Group::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let lines = lines_of(&mut group.child);
    loop {
        match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                eprintln!("{line}");
                look(&line);
            }
            Err(RecvTimeoutError::Disconnected) => return group.wait(until),
            Err(RecvTimeoutError::Timeout) => return Ok(End::OutOfTime),
        }
    }
}

/// Run `command` with our own stdout and stderr.
pub fn relay(command: &mut Command, until: Instant) -> io::Result<End> {
    Group::start(command)?.wait(until)
}

/// End every live group and leave when we are interrupted.
pub fn end_children_on_interrupt() {
    // Without the handler an interrupt still ends us, only less tidily.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            live(|groups| {
                for id in groups.iter().filter_map(|id| Pid::from_raw(*id)) {
                    let _ = kill_process_group(id, Signal::TERM);
                }
            });
            std::process::exit(INTERRUPTED);
        }
    });
}

fn live<T>(change: impl FnOnce(&mut BTreeSet<i32>) -> T) -> T {
    change(&mut LIVE.lock().unwrap_or_else(PoisonError::into_inner))
}

fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(stdout) = child.stdout.take() {
        pump(stdout, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        pump(stderr, sender);
    }
    receiver
}

fn pump(source: impl Read + Send + 'static, sender: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(source).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::{End, Group, watch};

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn every_line_of_both_outputs_is_seen() {
        let mut seen = Vec::new();
        let until = Instant::now() + Duration::from_mins(1);
        let end = watch(&mut shell("echo one; echo two >&2; exit 3"), until, |line| seen.push(line.to_owned()));
        seen.sort();
        assert_eq!(seen, ["one", "two"]);
        assert!(matches!(end, Ok(End::Exited(status)) if status.code() == Some(3)));
    }

    #[test]
    fn a_child_out_of_time_is_not_waited_for() {
        let end = watch(&mut shell("tail -f /dev/null"), Instant::now(), |_| {});
        assert_eq!(end.ok(), Some(End::OutOfTime));
    }

    #[test]
    fn ending_a_group_ends_what_the_child_started() {
        let mut group = Group::start(shell("tail -f /dev/null & echo up; wait").stdout(Stdio::piped())).expect("sh");
        let mut output = BufReader::new(group.output().expect("piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        drop(group);
        // The pipe ends only when the last process that holds it has: the grandchild.
        let mut rest = Vec::new();
        output.read_to_end(&mut rest).expect("the end");
        assert_eq!((line.as_str(), rest.len()), ("up\n", 0));
    }
}
