//! One figure: a value with its spread, its ratios to the machine's limits, its target.

use std::fmt;

use serde_json::{Value, json};

use crate::sample::Sample;

/// What a value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    PerSecond,
    Millis,
    Micros,
    Nanos,
    Bytes,
    Mib,
    MibPerSecond,
    Blocks,
    Times,
    /// Million gas in a second.
    MegaGas,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::PerSecond => "/s",
            Self::Millis => "ms",
            Self::Micros => "us",
            Self::Nanos => "ns",
            Self::Bytes => "B",
            Self::Mib => "MiB",
            Self::MibPerSecond => "MiB/s",
            Self::Blocks => "blocks",
            Self::Times => "times",
            Self::MegaGas => "M gas/s",
        }
    }

    /// How many of the unit a second has.
    const fn per_second(self) -> f64 {
        match self {
            Self::Millis => 1e3,
            Self::Micros => 1e6,
            Self::Nanos => 1e9,
            Self::PerSecond
            | Self::Bytes
            | Self::Mib
            | Self::MibPerSecond
            | Self::Blocks
            | Self::Times
            | Self::MegaGas => 1.0,
        }
    }
}

/// What was promised, and whether it was kept.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub text: String,
    pub met: bool,
}

/// One line of the results.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub name: String,
    pub value: f64,
    pub unit: Unit,
    /// The worst and the best tenth.
    pub spread: Option<(f64, f64)>,
    /// How often something else fits in, and what.
    pub ratios: Vec<(f64, String)>,
    pub target: Option<Target>,
}

impl Figure {
    /// A value without a spread.
    pub fn new(name: impl Into<String>, value: f64, unit: Unit) -> Self {
        Self { name: name.into(), value, unit, spread: None, ratios: Vec::new(), target: None }
    }

    /// The time of one of `parts` equal parts of each round.
    pub fn time(name: impl Into<String>, sample: &Sample, parts: usize, unit: Unit) -> Self {
        let scale = |seconds: f64| seconds * unit.per_second() / parts as f64;
        let spread = Some((scale(sample.at(10)), scale(sample.at(90))));
        Self { spread, ..Self::new(name, scale(sample.median()), unit) }
    }

    /// How many of the `things` of each round are done in a second.
    pub fn rate(name: impl Into<String>, sample: &Sample, things: usize) -> Self {
        let rate = |seconds: f64| things as f64 / seconds;
        let spread = Some((rate(sample.at(90)), rate(sample.at(10))));
        Self { spread, ..Self::new(name, rate(sample.median()), Unit::PerSecond) }
    }

    /// This value is so many times `what`.
    pub fn ratio(mut self, times: f64, what: impl Into<String>) -> Self {
        self.ratios.push((times, what.into()));
        self
    }

    /// The value shall be so much, or less.
    pub fn at_most(self, limit: f64) -> Self {
        let target = Target { text: format!("<= {}", number(limit, self.unit)), met: self.value <= limit };
        Self { target: Some(target), ..self }
    }

    /// The value shall be so much, or more.
    pub fn at_least(self, limit: f64) -> Self {
        let target = Target { text: format!(">= {}", number(limit, self.unit)), met: self.value >= limit };
        Self { target: Some(target), ..self }
    }

    pub fn value_text(&self) -> String {
        number(self.value, self.unit)
    }

    pub fn spread_text(&self) -> String {
        self.spread.map_or_else(String::new, |(low, high)| format!("{} .. {}", digits(low), digits(high)))
    }

    pub fn ratios_text(&self) -> String {
        let ratios: Vec<_> = self.ratios.iter().map(|(times, what)| format!("{}x {what}", digits(*times))).collect();
        ratios.join(", ")
    }

    pub fn target_text(&self) -> String {
        let verdict = |target: &Target| format!("{} {}", target.text, if target.met { "met" } else { "MISSED" });
        self.target.as_ref().map_or_else(String::new, verdict)
    }

    pub fn json(&self) -> Value {
        let ratios: Vec<_> = self.ratios.iter().map(|(times, what)| json!({ "times": times, "what": what })).collect();
        json!({
            "name": self.name, "value": self.value, "unit": self.unit.name(), "spread": self.spread, "ratios": ratios,
            "target": self.target.as_ref().map(|target| &target.text), "met": self.target.as_ref().map(|target| target.met),
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = [self.spread_text(), self.ratios_text(), self.target_text()];
        write!(f, "{:<58}{:>16}  {:<22}", self.name, self.value_text(), line[0])?;
        write!(f, "  {}", line[1..].iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("  "))
    }
}

fn number(value: f64, unit: Unit) -> String {
    format!("{} {}", digits(value), unit.name())
}

/// Three digits that matter; all of a whole number's, in groups.
fn digits(value: f64) -> String {
    let places = [100.0, 10.0, 1.0, 0.1, 0.01].into_iter().position(|least| value >= least).unwrap_or(5);
    let plain = format!("{value:.places$}");
    let (whole, rest) = plain.split_once('.').map_or((plain.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let grouped = grouped(whole);
    rest.map_or_else(|| grouped.clone(), |rest| format!("{grouped}.{rest}"))
}

fn grouped(whole: &str) -> String {
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Figure, Unit, digits};

    #[test]
    fn numbers_have_three_digits_that_matter() {
        for (value, text) in [
            (1_234_567.8, "1,234,568"),
            (123.4, "123"),
            (12.34, "12.3"),
            (1.234, "1.23"),
            (0.1234, "0.123"),
            (0.0, "0.00000"),
        ] {
            assert_eq!(digits(value), text);
        }
    }

    #[test]
    fn a_target_says_whether_it_is_met() {
        let figure = Figure::new("x", 10.0, Unit::Millis);
        assert_eq!(figure.clone().at_most(10.0).target_text(), "<= 10.0 ms met");
        assert_eq!(figure.at_least(11.0).target_text(), ">= 11.0 ms MISSED");
    }
}
