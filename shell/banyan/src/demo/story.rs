//! How the demo speaks: steps with the command that a person would type, facts, times.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    command::millis,
    failure::{Exit, Failure},
    report,
};

/// The story so far.
pub struct Story {
    /// Nothing is told until the end.
    silent: bool,
    begun: Instant,
    steps: Vec<Step>,
}

struct Step {
    title: String,
    command: String,
    facts: Vec<String>,
    begun: Instant,
    took: Duration,
}

impl Story {
    /// Begin; a silent one is told as JSON at the end.
    pub fn begin(silent: bool) -> Self {
        Self { silent, begun: Instant::now(), steps: vec![] }
    }

    /// Begin a step.
    pub fn step(&mut self, title: &str, command: &str) {
        self.end_step();
        self.tell(&format!("\n{}. {title}\n   $ {command}", self.steps.len() + 1));
        let (title, command) = (title.into(), command.into());
        self.steps.push(Step { title, command, facts: vec![], begun: Instant::now(), took: Duration::ZERO });
    }

    /// Say something that is so.
    pub fn fact(&mut self, fact: impl Into<String>) {
        let fact = fact.into();
        let indented = fact.lines().map(|line| format!("   {line}")).collect::<Vec<_>>().join("\n");
        self.tell(&indented);
        if let Some(step) = self.steps.last_mut() {
            step.facts.push(fact);
        }
    }

    /// Say something that must be so.
    /// # Errors
    /// Exit 1: it is not.
    pub fn check(&mut self, holds: bool, fact: impl Into<String>) -> Result<(), Failure> {
        let fact = fact.into();
        if holds {
            self.fact(format!("{fact} ✓"));
            return Ok(());
        }
        let next = "banyan demo again; if it fails again, report it with this output";
        Err(Failure::new(Exit::No, "check", "a check of the demo does not hold", next).because(fact))
    }

    /// The time of the step so far.
    pub fn elapsed(&self) -> Duration {
        self.steps.last().map_or(Duration::ZERO, |step| step.begun.elapsed())
    }

    /// The story as one document.
    pub fn end(mut self) -> Value {
        self.end_step();
        let total = self.begun.elapsed();
        let times: Vec<_> =
            self.steps.iter().map(|step| format!("{} {:.1} s", step.title, step.took.as_secs_f64())).collect();
        self.tell(&format!("\n{}\ntold in {:.1} s", times.join("   "), total.as_secs_f64()));
        let step = |step: &Step| json!({ "title": step.title, "command": step.command, "took_ms": millis(step.took), "facts": step.facts });
        json!({ "ok": true, "took_ms": millis(total), "steps": self.steps.iter().map(step).collect::<Vec<_>>() })
    }

    fn end_step(&mut self) {
        if let Some(step) = self.steps.last_mut() {
            step.took = step.begun.elapsed();
        }
    }

    fn tell(&self, text: &str) {
        if !self.silent {
            // Whoever closes our output early has heard enough; the checks go on.
            let _ = report::text(text);
        }
    }
}
