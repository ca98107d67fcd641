//! Print the figures, and write them down with the machine.

use std::{fs, path::Path, time::Instant};

use serde_json::json;

use crate::{
    Fault,
    figure::Figure,
    machine::{Machine, load},
};

/// What has been measured so far.
pub(crate) struct Report {
    json: bool,
    machine: Machine,
    begun: Instant,
    load_before: String,
    figures: Vec<Figure>,
}

impl Report {
    pub fn begin(json: bool) -> Self {
        let report =
            Self { json, machine: Machine::look(), begun: Instant::now(), load_before: load(), figures: Vec::new() };
        let Machine { cpu, cores, memory_mib, kernel, rustc, date } = &report.machine;
        eprintln!("{cpu}, {cores} cores, {memory_mib} MiB, {kernel}, {rustc}, {date}, load {}", report.load_before);
        report
    }

    pub fn add(&mut self, figure: Figure) {
        let line = if self.json { figure.json().to_string() } else { figure.to_string() };
        println!("{line}");
        self.figures.push(figure);
    }

    /// Count the targets; true if all are met.
    pub fn end(self, write: bool) -> Result<bool, Fault> {
        eprintln!("took {:.0} s, load now {}", self.begun.elapsed().as_secs_f64(), load());
        if write {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md");
            fs::write(&path, self.markdown())?;
            eprintln!("wrote bench/RESULTS.md");
        }
        let (passed, failed) = self.targets();
        if self.json {
            println!("{}", json!({ "bench": "targets", "passed": passed, "failed": failed }));
        } else {
            println!("{passed} passed, {failed} failed");
        }
        Ok(failed == 0)
    }

    fn targets(&self) -> (usize, usize) {
        let targets: Vec<_> = self.figures.iter().filter_map(|figure| figure.target.as_ref()).collect();
        let passed = targets.iter().filter(|target| target.met).count();
        (passed, targets.len() - passed)
    }

    fn markdown(&self) -> String {
        let Machine { cpu, cores, memory_mib, kernel, rustc, date } = &self.machine;
        let (passed, failed) = self.targets();
        let rows: String = self.figures.iter().map(row).collect();
        format!(
            "# Results\n\n\
             Written by `cargo xtask bench --report`; do not edit. A value is the median of its rounds; its spread reaches \
             from the worst tenth to the best. A ratio compares with what the same machine did in the same run. Names \
             never change.\n\n\
             | machine | |\n|---|---|\n\
             | processor | {cpu} |\n| cores | {cores} |\n| memory | {memory_mib} MiB |\n| kernel | {kernel} |\n\
             | compiler | {rustc} |\n| date | {date} |\n| load before and after | {}; {} |\n\n\
             Targets: {passed} met, {failed} missed.\n\n\
             | bench | value | spread | ratio | target |\n|---|---:|---:|---|---|\n{rows}",
            self.load_before,
            load(),
        )
    }
}

fn row(figure: &Figure) -> String {
    let (value, spread) = (figure.value_text(), figure.spread_text());
    format!("| `{}` | {value} | {spread} | {} | {} |\n", figure.name, figure.ratios_text(), figure.target_text())
}
