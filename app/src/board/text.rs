//! Figures as people read them, from whole hundredths: the formatting of fractions is a large part of a small program.

use crate::format;
use serde::{Deserialize, Serialize};

/// How the figures of a metric read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Whole things.
    #[default]
    Count,
    /// Two decimals at most.
    Decimal,
    /// Per cent.
    Percent,
    /// A time.
    Seconds,
    /// An amount of money; its currency stands elsewhere.
    Money,
}

/// A figure in hundredths.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "no figure comes near 2^53")]
pub fn hundredths(value: f64) -> i64 {
    (value * 100.0).round() as i64
}

/// The figure, exactly.
#[must_use]
pub fn exact(value: i64, unit: Unit) -> String {
    match unit {
        Unit::Count => whole(value / 100),
        Unit::Decimal => decimal(value),
        Unit::Percent => {
            let mut text = decimal(value);
            text.push('%');
            text
        }
        Unit::Seconds => duration(value / 100),
        Unit::Money => format!("{}.{:02}", whole(value / 100), value.unsigned_abs() % 100),
    }
}

/// The figure, as short as a headline wants it: from a hundred thousand on by its thousands and millions.
#[must_use]
pub fn short(value: i64, unit: Unit) -> String {
    let n = value / 100;
    match unit {
        Unit::Count if n >= 100_000 => compact(n),
        Unit::Money if n >= 100_000 => compact(n),
        Unit::Money if n >= 1000 => whole(n),
        _ => exact(value, unit),
    }
}

/// The figure in its currency.
#[must_use]
pub fn in_currency(text: String, currency: Option<&str>) -> String {
    let sign = match currency {
        None => return text,
        Some("EUR") => "€",
        Some("USD") => "$",
        Some("GBP") => "£",
        Some("JPY") => "¥",
        Some(code) => code,
    };
    format!("{text}\u{202f}{sign}")
}

/// `123k`, `1.23M`
fn compact(n: i64) -> String {
    let (unit, letter) = match n {
        ..=999_999 => (1000, 'k'),
        1_000_000..=999_999_999 => (1_000_000, 'M'),
        _ => (1_000_000_000, 'B'),
    };
    // Three figures are enough, and never more than there are.
    let hundredths = n * 100 / unit;
    let rounded = match hundredths {
        ..=999 => hundredths,
        1000..=9999 => hundredths / 10 * 10,
        _ => hundredths / 100 * 100,
    };
    let mut text = decimal(rounded);
    text.push(letter);
    text
}

/// A change of so many hundredths of a per cent: `12%`, `1 240%`.
#[must_use]
pub fn change(hundredths: i64) -> String {
    let mut text = whole((hundredths.abs() + 50) / 100);
    text.push('%');
    text
}

fn whole(n: i64) -> String {
    let text = format::number(n.unsigned_abs());
    if n < 0 { format!("−{text}") } else { text }
}

/// Without noughts at the end.
fn decimal(value: i64) -> String {
    let (n, rest) = (value / 100, value.unsigned_abs() % 100);
    let mut text = whole(n);
    if rest > 0 {
        text.push('.');
        text.push(digit(rest / 10));
        if rest % 10 > 0 {
            text.push(digit(rest % 10));
        }
    }
    text
}

fn digit(n: u64) -> char {
    char::from(b'0' + u8::try_from(n % 10).unwrap_or_default())
}

/// `8s`, `2m 05s`, `1h 04m`
fn duration(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        let texts = [
            (exact(123_400, Unit::Count), "1\u{202f}234"),
            (exact(342, Unit::Decimal), "3.42"),
            (exact(340, Unit::Decimal), "3.4"),
            (exact(300, Unit::Decimal), "3"),
            (exact(305, Unit::Percent), "3.05%"),
            (exact(4700, Unit::Percent), "47%"),
            (exact(800, Unit::Seconds), "8s"),
            (exact(12_500, Unit::Seconds), "2m 05s"),
            (exact(386_000, Unit::Seconds), "1h 04m"),
            (exact(123_450, Unit::Money), "1\u{202f}234.50"),
        ];
        for (text, expected) in texts {
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn only_large_counts_are_shortened_and_never_upwards() {
        let texts = [
            99_999,
            100_000,
            123_999,
            1_239_999,
            12_399_999,
            999_999_999,
            1_000_000_000,
        ]
        .map(|n| short(n * 100, Unit::Count));
        assert_eq!(
            texts,
            ["99\u{202f}999", "100k", "123k", "1.23M", "12.3M", "999M", "1B"]
        );
    }

    #[test]
    fn money_says_of_which_currency_it_is() {
        assert_eq!(
            in_currency(short(123_456, Unit::Money), Some("EUR")),
            "1\u{202f}234\u{202f}€"
        );
        assert_eq!(
            in_currency(exact(1250, Unit::Money), Some("CHF")),
            "12.50\u{202f}CHF"
        );
    }

    #[test]
    fn a_figure_keeps_its_hundredths() {
        assert_eq!([3.42, 0.1 + 0.2, 66.67].map(hundredths), [342, 30, 6667]);
    }
}
