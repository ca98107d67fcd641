//! Small parts that all pages are made of.

use banyan_types::{AccountId, Amount, COIN};
use maud::{Markup, html};

use crate::{Level, ledger::Mount};

/// Decimals shown where space is short.
const SHORT_DECIMALS: usize = 6;

/// A sum of coins, exact.
pub fn amount(amount: Amount) -> Markup {
    sum(amount, usize::MAX)
}

/// A sum of coins for a narrow place: cut, not rounded, with the exact sum on top of it.
pub fn short_amount(amount: Amount) -> Markup {
    sum(amount, SHORT_DECIMALS)
}

fn sum(amount: Amount, decimals: usize) -> Markup {
    let (whole, part) = (amount.base() / COIN, amount.base() % COIN);
    let digits = format!("{part:018}");
    let digits = digits.trim_end_matches('0');
    let shown: String = digits.chars().take(decimals).collect();
    let cut = shown.len() < digits.len();
    html! {
        span.amount title=[cut.then(|| format!("{amount} BNY"))] {
            (grouped(whole))
            @if !shown.is_empty() || cut { span.decimals { "." (shown) @if cut { "…" } } }
            "\u{a0}" span.unit { "BNY" }
        }
    }
}

/// Digits in groups of three.
pub fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// The beginning and the end of a long name.
pub fn shortened(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= 20 {
        return name.to_owned();
    }
    let (head, tail) = (&letters[..10], &letters[letters.len() - 5..]);
    head.iter().chain(&['…']).chain(tail).collect()
}

/// A long name, short, with its full text to copy.
pub fn name(full: &str) -> Markup {
    html! { span.name { span title=(full) { (shortened(full)) } (copy(full)) } }
}

/// A long name, short, that leads to its page.
pub fn link(href: &str, full: &str) -> Markup {
    html! { span.name { a href=(href) title=(full) { (shortened(full)) } (copy(full)) } }
}

/// A long name in full: it may break anywhere.
pub fn full(text: &str) -> Markup {
    html! { span.name.full { span { (text) } (copy(text)) } }
}

fn copy(text: &str) -> Markup {
    html! { button.copy type="button" data-copy=(text) aria-label="Copy the full text" {} }
}

/// An account on the ledger of `mount`.
pub fn account(mount: &Mount, id: AccountId) -> Markup {
    let id = id.to_string();
    link(&format!("/l/{}/account/{id}", mount.ledger().name()), &id)
}

/// A point in time, as an age that the script keeps fresh.
pub fn age(ms: u64) -> Markup {
    let age = crate::ledger::now_ms().saturating_sub(ms);
    let words = if age < 1_000 { "just now".into() } else { format!("{} ago", in_words(age)) };
    html! { time datetime=(utc(ms)) title=(utc(ms)) data-ms=(ms) { (words) } }
}

/// A length of time in its greatest unit.
pub fn in_words(ms: u64) -> String {
    match ms / 1_000 {
        0 => "under 1 s".into(),
        seconds @ 1..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds / 60),
        seconds @ 7_200..=172_799 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// Date and time of milliseconds since 1970, in the form of ISO 8601.
pub fn utc(ms: u64) -> String {
    let (days, in_day) = (ms / 86_400_000, ms % 86_400_000);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1_000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a day since 1970 in the Gregorian calendar, counted in eras of 400 years from 0000-03-01.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, in_era) = (days / 146_097, days % 146_097);
    let year_of_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * in_year + 2) / 153;
    let day = in_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// How sure something is, as a mark.
pub fn level(level: Level) -> Markup {
    let class = format!("level {}", level.as_str());
    html! { span class=(class) { (level_word(level)) } }
}

/// A level in a person's words.
pub const fn level_word(level: Level) -> &'static str {
    match level {
        Level::RootFinal => "root final",
        other => other.as_str(),
    }
}

/// A number with its meaning.
pub fn tile(label: &str, value: &Markup, note: &Markup) -> Markup {
    html! { div.tile { p.label { (label) } p.value { (value) } p.note { (note) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_700_000_000_000, "2023-11-14T22:13:20Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(ms), text);
        }
    }

    #[test]
    fn sums_are_cut_and_never_rounded() {
        let almost = Amount::new(2 * COIN - 1).unwrap();
        let shown = short_amount(almost).into_string();
        assert!(shown.contains(">1<span") && shown.contains(".999999…"), "{shown}");
        assert!(shown.contains("title=\"1.999999999999999999 BNY\""), "{shown}");
        assert!(amount(Amount::coins(1_234_567).unwrap()).into_string().contains("1\u{202f}234\u{202f}567\u{a0}"));
    }

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(shortened("ak_21SBPc3yHP7bpQDvD1KMKzZZEgLtSXpDsK97LTjVwjiskra6Ka"), "ak_21SBPc3…ra6Ka");
        assert_eq!(shortened("bank.2Qx7Lm4d"), "bank.2Qx7Lm4d");
    }
}
