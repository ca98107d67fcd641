//! Show that something goes on: a line that moves on a terminal, else a line every five seconds. Always on stderr.

use std::{
    io::{self, IsTerminal as _},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// What takes less than this shows nothing.
const QUIET: Duration = Duration::from_secs(1);
/// Time between lines where there is no terminal.
const LINES: Duration = Duration::from_secs(5);

/// Something that takes a while.
pub struct Progress {
    shown: Shown,
    begun: Instant,
}

enum Shown {
    Nothing,
    Bar(ProgressBar),
    Lines { last: Instant },
}

impl Progress {
    /// Begin.
    pub fn begin(quiet: bool) -> Self {
        let begun = Instant::now();
        let shown = if quiet {
            Shown::Nothing
        } else if io::stderr().is_terminal() {
            Shown::Bar(bar())
        } else {
            Shown::Lines { last: begun }
        };
        Self { shown, begun }
    }

    /// Say what is going on now.
    pub fn say(&mut self, what: &str) {
        match &mut self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => {
                bar.set_message(what.to_owned());
                if self.begun.elapsed() >= QUIET {
                    bar.tick();
                }
            }
            Shown::Lines { last } => {
                if last.elapsed() >= LINES {
                    *last = Instant::now();
                    eprintln!("{what} ({} s)", self.begun.elapsed().as_secs());
                }
            }
        }
    }

    /// Print a line that stays, above what moves.
    pub fn line(&self, text: &str) {
        match &self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => bar.suspend(|| eprintln!("{text}")),
            Shown::Lines { .. } => eprintln!("{text}"),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
    ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}
