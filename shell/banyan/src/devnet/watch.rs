//! Keep an eye on a running devnet: say when the child's accounts are funded, and on a terminal show a line per ledger
//! that moves.

use std::{
    io::{self, IsTerminal as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use banyan_wallet::client::{Client, TreeNode};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::genesis::COINS_CHILD;
use crate::{
    command::levels,
    session::{DEV_ACCOUNTS, Owner},
};

/// How often the devnet is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// A thread that looks on; it ends when this is dropped.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Look at the devnet at `url`, which was started at `begun`. Of a fresh one, say when its accounts are funded.
    pub fn begin(url: &str, fresh: bool, begun: Instant) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, client) = (Arc::clone(&stop), Client::new(url));
        let terminal = io::stdout().is_terminal() && io::stderr().is_terminal();
        let thread = client.ok().map(|client| {
            let eye = Eye { client, panel: terminal.then(Panel::default), awaits: fresh, begun };
            thread::spawn(move || eye.run(&stopped))
        });
        Self { stop, thread }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

struct Eye {
    client: Client,
    panel: Option<Panel>,
    /// Whether the accounts are still to be funded.
    awaits: bool,
    begun: Instant,
}

impl Eye {
    fn run(mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) && (self.awaits || self.panel.is_some()) {
            if self.awaits && self.funded() {
                self.awaits = false;
                self.say(&format!(
                    "{DEV_ACCOUNTS} accounts credited with {COINS_CHILD} BNY each on every ledger, {:.2} s after the start",
                    self.begun.elapsed().as_secs_f64()
                ));
            }
            if let (Some(panel), Ok(tops)) = (&mut self.panel, self.client.tree()) {
                panel.show(&tops);
            }
            thread::park_timeout(LOOK);
        }
    }

    fn funded(&self) -> bool {
        let Ok(tops) = self.client.tree() else { return false };
        let has = |name: &str, index| {
            let account = self.client.on(name).account(Owner::Dev(index).account());
            account.is_ok_and(|held| !held.balance.is_zero())
        };
        tops.iter().flat_map(TreeNode::all).all(|node| (0..DEV_ACCOUNTS).all(|index| has(&node.name, index)))
    }

    fn say(&self, line: &str) {
        match &self.panel {
            Some(panel) => panel.lines.suspend(|| println!("{line}")),
            None => println!("{line}"),
        }
    }
}

/// One moving line per ledger.
#[derive(Default)]
struct Panel {
    lines: MultiProgress,
    bars: Vec<ProgressBar>,
}

impl Panel {
    fn show(&mut self, tops: &[TreeNode]) {
        let nodes: Vec<_> = tops.iter().flat_map(TreeNode::all).collect();
        while self.bars.len() < nodes.len() {
            let style =
                ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
            self.bars.push(self.lines.add(ProgressBar::new_spinner().with_style(style)));
        }
        for (bar, node) in self.bars.iter().zip(nodes) {
            let escrow =
                node.escrow.as_ref().map_or_else(String::new, |escrow| format!("   escrow {} BNY", escrow.escrow));
            bar.set_message(format!("{:<8} {}{escrow}", node.name, levels(&node.levels)));
            bar.tick();
        }
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        self.bars.iter().for_each(ProgressBar::finish_and_clear);
    }
}
