//! Run one named step within its time, and know how it ended.

use std::time::{Duration, Instant};

use crate::context::Context;
use crate::figure::Figure;

/// What a step says when it has no figure.
#[derive(Debug)]
pub enum Fault {
    /// It could not be carried out, or did not hold.
    Failed(String),
    /// A tool is not here and could not be installed. Skipped on a laptop, failed in CI.
    Missing(String),
}

impl Fault {
    /// A failure that something else explains.
    pub fn failed(why: &impl ToString) -> Self {
        Self::Failed(why.to_string())
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::failed(&error)
    }
}

/// The figure of a step, or why there is none.
pub type Held = Result<Figure, Fault>;

/// Say each problem: so many checks failed. None: so many `things` were looked at and held.
pub fn judge_all(things: usize, problems: &[String]) -> Figure {
    for problem in problems {
        eprintln!("{problem}");
    }
    let (passed, failed) = if problems.is_empty() { (things, 0) } else { (0, problems.len()) };
    Figure { passed: passed as u64, failed: failed as u64, skipped: 0 }
}

/// One named check of the suite.
#[derive(Clone, Copy)]
pub struct Step {
    pub name: &'static str,
    /// The longest that it may take; its children are ended then.
    pub limit: Duration,
    /// What it does.
    pub run: fn(&Context) -> Held,
}

impl Step {
    pub const fn new(name: &'static str, limit_minutes: u64, run: fn(&Context) -> Held) -> Self {
        Self { name, limit: Duration::from_mins(limit_minutes), run }
    }

    /// Run it, say how it ended on stderr, and account for it.
    pub fn report(&self, context: &Context) -> Report {
        eprintln!("\n==> {}", self.name);
        let started = Instant::now();
        let (figure, why) = judge((self.run)(&context.within(self.limit)), context.ci);
        let report = Report { name: self.name, figure, why, took: started.elapsed() };
        eprintln!("<== {}", report.line());
        report
    }
}

/// How a step ended.
pub struct Report {
    pub name: &'static str,
    pub figure: Figure,
    pub why: Option<String>,
    pub took: Duration,
}

impl Report {
    /// One line of the closing table.
    pub fn line(&self) -> String {
        let verdict = match self.figure {
            Figure { failed: 0, passed: 0, .. } => "SKIPPED",
            Figure { failed: 0, .. } => "ok",
            _ => "FAILED",
        };
        let why = self.why.as_ref().map_or_else(String::new, |why| format!("  {why}"));
        format!("{:<10} {verdict:<7} {:>7.1} s  {}{why}", self.name, self.took.as_secs_f64(), self.figure)
    }
}

/// A step that found nothing to run proves nothing, so it fails; a missing tool is forgiven outside CI only.
fn judge(held: Held, ci: bool) -> (Figure, Option<String>) {
    match held {
        Ok(Figure { passed: 0, failed: 0, .. }) => (Figure::FAILED, Some("found nothing to run".into())),
        Ok(figure) => (figure, None),
        Err(Fault::Missing(why)) if !ci => (Figure::SKIPPED, Some(why)),
        Err(Fault::Missing(why) | Fault::Failed(why)) => (Figure::FAILED, Some(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, judge};
    use crate::figure::Figure;

    #[test]
    fn a_step_that_finds_nothing_to_run_fails() {
        assert_eq!(judge(Ok(Figure::default()), false).0, Figure::FAILED);
        assert_eq!(judge(Ok(Figure::SKIPPED), false).0, Figure::FAILED);
        assert_eq!(judge(Ok(Figure::PASSED), false), (Figure::PASSED, None));
    }

    #[test]
    fn a_missing_tool_is_skipped_on_a_laptop_and_failed_in_ci() {
        let missing = || Err(Fault::Missing("no node".into()));
        assert_eq!(judge(missing(), false), (Figure::SKIPPED, Some("no node".into())));
        assert_eq!(judge(missing(), true), (Figure::FAILED, Some("no node".into())));
    }
}
