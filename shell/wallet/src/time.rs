//! Spans of time in words.

/// `seconds` as a person says them: `45 s`, `5 min`, `3 h`, `12 d`.
pub fn span(seconds: u64) -> String {
    const STEPS: [(u64, &str); 3] = [(86_400, "d"), (3_600, "h"), (60, "min")];
    match STEPS.iter().find(|(size, _)| seconds >= *size) {
        Some((size, name)) => format!("{} {name}", seconds / size),
        None => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_read_as_people_say_them() {
        for (seconds, text) in [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7_199, "1 h"), (172_800, "2 d")] {
            assert_eq!(span(seconds), text);
        }
    }
}
