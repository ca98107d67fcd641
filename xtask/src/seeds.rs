//! Name a span of seeds on the command line: `A..B`, B not included.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// The seeds `A..B` of a sweep; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    first: u64,
    end: u64,
}

impl Seeds {
    /// Every seed, ascending.
    pub fn iter(self) -> Range<u64> {
        self.first..self.end
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected A..B with A below B, got {text}");
        let (first, end) = text.split_once("..").ok_or_else(expected)?;
        let (first, end) = (first.parse().map_err(|_| expected())?, end.parse().map_err(|_| expected())?);
        if first < end { Ok(Self { first, end }) } else { Err(expected()) }
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.first, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::Seeds;

    #[test]
    fn a_span_of_seeds_reads_back_what_it_prints() {
        let seeds: Seeds = "3..7".parse().expect("a span");
        assert_eq!(seeds.to_string(), "3..7");
        assert_eq!(seeds.iter().collect::<Vec<_>>(), [3, 4, 5, 6]);
    }

    #[test]
    fn an_empty_or_broken_span_is_refused() {
        for text in ["", "3", "3..3", "7..3", "a..3", "3..b", "-1..2"] {
            assert!(text.parse::<Seeds>().is_err(), "{text}");
        }
    }
}
