//! Names of accounts, which are also names of files.

use core::{fmt, str::FromStr};

/// Characters of a name at most.
pub const NAME_CHARS_MAX: usize = 32;

/// What the owner calls an account: `[a-z0-9_-]{1,32}`, so that a name is never a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// A text that is no [`Name`]; the writer's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to {NAME_CHARS_MAX} of a-z, 0-9, _ and -, which {got:?} is not")]
pub struct BadName {
    /// The text, cut to what a message can show.
    got: String,
}

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(BadName { got: text.chars().take(2 * NAME_CHARS_MAX).collect() })
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_never_a_path() {
        for good in ["a", "alice", "a-b_c-9", "-", &"x".repeat(NAME_CHARS_MAX)] {
            assert_eq!(good.parse().map(|name: Name| name.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", ".", "..", "a/b", "a\\b", "a.json", "Alice", "ä", "a b", "a\0", &"x".repeat(NAME_CHARS_MAX + 1)]
        {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_name_or_refused(text in ".{0,80}") {
            if let Ok(name) = text.parse::<Name>() {
                prop_assert_eq!(name.as_str(), text);
            }
        }
    }
}
