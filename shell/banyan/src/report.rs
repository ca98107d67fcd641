//! What a command has to say, printed as text or as one JSON document.

use std::io::{self, Write as _};

use banyan_types::show::{Fields, Value as Shown};
use serde_json::{Map, Value};

use crate::failure::{Exit, Failure};

/// The result of a command.
#[derive(Debug, Clone)]
pub struct Report {
    /// For people; no final line break.
    pub text: String,
    /// For programs.
    pub json: Value,
    /// Whether the answer is "no": exit code 1.
    pub no: bool,
}

impl Report {
    /// A result in both forms.
    pub fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, no: false }
    }

    /// The same, as a "no".
    pub fn or_no(self, no: bool) -> Self {
        Self { no, ..self }
    }
}

/// Print how a command ended, results to stdout; the exit code.
pub fn finish(ended: Result<Report, Failure>, json: bool) -> Exit {
    let (exit, printed) = match ended {
        Ok(report) => {
            let exit = if report.no { Exit::No } else { Exit::Done };
            (exit, if json { line(&report.json) } else { text(&report.text) })
        }
        Err(failure) if json => (failure.exit, line(&failure.to_json())),
        Err(failure) => (failure.exit, writeln!(io::stderr(), "{}", tame(&failure.to_string()))),
    };
    // Whoever closes our output early has read enough.
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Ours,
        _ => exit,
    }
}

/// Print one JSON document on a line of its own.
pub fn line(json: &Value) -> io::Result<()> {
    text(&json.to_string())
}

/// Text without what draws on a terminal or turns its writing round: a node, or a file, may have put it there.
pub fn tame(text: &str) -> String {
    let turns =
        |char: char| matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_plain = |char: &char| *char == '\n' || !(char.is_control() || turns(*char));
    text.chars().map(|char| if is_plain(&char) { char } else { '\u{fffd}' }).collect()
}

/// Print text, if there is any, with a line break after it.
pub fn text(text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let text = tame(text);
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Rows of words as a table: columns as wide as their widest word, two spaces between them.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|word| word.chars().count()).max();
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cell = |(word, width): (&String, &usize)| format!("{word:width$}");
        row.iter().zip(&widths).map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Named values as one JSON object; sums are decimal strings of base units.
pub fn object(fields: Fields) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), json(value))).collect()
}

fn json(value: Shown) -> Value {
    match value {
        Shown::Int(int) => serde_json::Number::from_u128(int).map_or(Value::Null, Value::Number),
        Shown::Coins(amount) => Value::String(amount.base().to_string()),
        Shown::Flag(flag) => Value::Bool(flag),
        Shown::Text(text) => Value::String(text),
        Shown::List(items) => items.into_iter().map(json).collect(),
        Shown::Record(fields) => Value::Object(object(fields)),
    }
}

/// Named values, one on a line.
pub fn lines(fields: &Fields) -> String {
    let row = |(name, value): &(&str, Shown)| vec![(*name).to_owned(), banyan_wallet::review::text(value)];
    table(&fields.iter().map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::{table, tame};

    #[test]
    fn a_table_is_as_wide_as_its_words() {
        let rows = [["a", "bcd", "e"], ["ab", "c", ""]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "a   bcd  e\nab  c");
        assert_eq!(table(&[]), "");
    }

    #[test]
    fn nothing_draws_on_the_terminal() {
        assert_eq!(tame("two\nlines of 12.5 BNY, größer"), "two\nlines of 12.5 BNY, größer");
        assert_eq!(tame("\u{1b}[2K\rdev0 \u{7}77\u{202e} BNY"), "\u{fffd}[2K\u{fffd}dev0 \u{fffd}77\u{fffd} BNY");
    }
}
