//! Read and write the figure: how many checks passed, failed and were skipped.

use std::fmt;
use std::ops::AddAssign;

/// How many checks ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figure {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Figure {
    /// One check that held.
    pub const PASSED: Self = Self { passed: 1, failed: 0, skipped: 0 };
    /// One check that did not.
    pub const FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };
    /// One check that could not be made here.
    pub const SKIPPED: Self = Self { passed: 0, failed: 0, skipped: 1 };

    /// True if nothing failed and something ran.
    pub fn held(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }

    /// Read our own closing line, `N passed, N failed[, N skipped]`, after at most one word with a colon.
    pub fn of_closing_line(line: &str) -> Option<Self> {
        let line = line.trim();
        let counts = line.split_once(": ").map_or(line, |(_, counts)| counts);
        let mut figure = Self::default();
        for (place, part) in counts.split(", ").enumerate() {
            match (place, part.split_once(' ')?) {
                (0, (n, "passed")) => figure.passed = n.parse().ok()?,
                (1, (n, "failed")) => figure.failed = n.parse().ok()?,
                (2, (n, "skipped")) => figure.skipped = n.parse().ok()?,
                _ => return None,
            }
        }
        counts.contains(" failed").then_some(figure)
    }

    /// Read nextest's line: `Summary [ 1.2s] 12 tests run: 9 passed (1 slow), 2 failed, 1 timed out, 3 skipped`.
    /// What neither passed nor was skipped failed, whatever it is called.
    pub fn of_nextest(line: &str) -> Option<Self> {
        let (head, counts) = line.split_once(" run: ")?;
        head.trim_start().strip_prefix("Summary [")?;
        let mut figure = Self::default();
        for part in without_parentheses(counts).split(", ") {
            let (n, word) = part.trim().split_once(' ')?;
            let n: u64 = n.parse().ok()?;
            match word.trim() {
                "passed" => figure.passed += n,
                "skipped" => figure.skipped += n,
                _ => figure.failed += n,
            }
        }
        Some(figure)
    }

    /// Read the line of one test harness: `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; …`.
    pub fn of_harness(line: &str) -> Option<Self> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let mut figure = Self::default();
        for part in counts.split("; ") {
            match part.split_once(' ')? {
                (n, "passed") => figure.passed = n.parse().ok()?,
                (n, "failed") => figure.failed = n.parse().ok()?,
                (n, "ignored") => figure.skipped = n.parse().ok()?,
                _ => {}
            }
        }
        Some(figure)
    }
}

impl AddAssign for Figure {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 { write!(f, ", {} skipped", self.skipped) } else { Ok(()) }
    }
}

/// `9 passed (1 slow, 2 leaky), 1 failed` without what stands in parentheses.
fn without_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    text.chars()
        .filter(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => return depth == 0,
            }
            false
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Figure;

    fn figure(passed: u64, failed: u64, skipped: u64) -> Figure {
        Figure { passed, failed, skipped }
    }

    #[test]
    fn the_closing_line_reads_back_what_it_prints() {
        for written in [figure(0, 0, 0), figure(3, 0, 0), figure(3, 2, 1)] {
            assert_eq!(Figure::of_closing_line(&written.to_string()), Some(written));
        }
        assert_eq!(Figure::of_closing_line("sdk: 3 passed, 1 failed"), Some(figure(3, 1, 0)));
    }

    #[test]
    fn what_is_no_closing_line_is_no_figure() {
        for line in
            ["", "3 passed", "3 passed, failed", "-1 passed, 0 failed", "0 failed, 3 passed", "all passed, 0 failed"]
        {
            assert_eq!(Figure::of_closing_line(line), None, "{line}");
        }
    }

    #[test]
    fn every_nextest_ending_but_passed_and_skipped_is_a_failure() {
        let rows = [
            ("     Summary [   0.005s] 1 test run: 1 passed, 0 skipped", figure(1, 0, 0)),
            (
                "     Summary [   1.2s] 9 tests run: 6 passed (1 slow, 2 leaky), 2 failed, 1 timed out, 3 skipped",
                figure(6, 3, 3),
            ),
            ("     Summary [   1.2s] 2/9 tests run: 1 passed, 1 exec failed, 0 skipped", figure(1, 1, 0)),
        ];
        for (line, expected) in rows {
            assert_eq!(Figure::of_nextest(line), Some(expected), "{line}");
        }
        assert_eq!(Figure::of_nextest("error: no tests to run: x"), None);
    }

    #[test]
    fn a_harness_line_is_read_whether_it_held_or_not() {
        let ok = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s";
        let bad = "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s";
        assert_eq!(Figure::of_harness(ok), Some(figure(3, 0, 1)));
        assert_eq!(Figure::of_harness(bad), Some(figure(2, 1, 0)));
        assert_eq!(Figure::of_harness("running 3 tests"), None);
    }

    #[test]
    fn nothing_run_does_not_hold() {
        assert!(!Figure::default().held());
        assert!(!figure(0, 0, 4).held());
        assert!(figure(1, 0, 4).held());
    }
}
