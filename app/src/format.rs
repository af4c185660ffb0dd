//! Numbers, times and places as people read them. Pure, and the same on both sides, so that hydration finds what it expects.

use pulsecast_protocol::Timestamp;

/// `12345` as `12 345`, with narrow no-break spaces.
#[must_use]
pub fn number(n: impl Into<u64>) -> String {
    let digits = n.into().to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `n` of `all` in thousandths; at least `least`, so that something is never shown as nothing. Whole numbers, for the formatting of
/// fractions is a large part of a small program.
#[must_use]
pub fn permille(n: u32, all: u32, least: u32) -> u32 {
    let share = u64::from(n) * 1000 / u64::from(all.max(1));
    if n == 0 {
        0
    } else {
        u32::try_from(share).unwrap_or(1000).clamp(least, 1000)
    }
}

/// `1 visitor`, `2 visitors`.
#[must_use]
pub fn count(n: impl Into<u64>, one: &str) -> String {
    let n = n.into();
    format!("{} {one}{}", number(n), if n == 1 { "" } else { "s" })
}

/// Time of day, `offset` minutes east of UTC: `13:04:05`.
#[must_use]
pub fn clock(at: Timestamp, offset: i32) -> String {
    let (hours, minutes, seconds) = time_of_day(at, offset);
    format!("{hours:02}:{minutes:02}:{seconds:02}")
}

/// Time of day without seconds.
#[must_use]
pub fn clock_short(at: Timestamp, offset: i32) -> String {
    let (hours, minutes, _) = time_of_day(at, offset);
    format!("{hours:02}:{minutes:02}")
}

fn time_of_day(at: Timestamp, offset: i32) -> (i64, i64, i64) {
    let seconds = at
        .plus(i64::from(offset) * Timestamp::MINUTE)
        .millis()
        .div_euclid(1000)
        .rem_euclid(86_400);
    (seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `2026-11-20T05:44:15Z`, for `<time datetime>`.
#[must_use]
pub fn iso(at: Timestamp) -> String {
    let (year, month, day) = civil(at.day());
    format!("{year:04}-{month:02}-{day:02}T{}Z", clock(at, 0))
}

/// The clock of a place that is so many minutes east of UTC, written as labels of time are: `2026-11-20 13:04:05`.
#[must_use]
pub fn wall(at: Timestamp, offset: i32) -> String {
    let (year, month, day) = civil(at.plus(i64::from(offset) * Timestamp::MINUTE).day());
    format!("{year:04}-{month:02}-{day:02} {}", clock(at, offset))
}

/// Year, month and day of a count of days since 1970-01-01 (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The flag of an ISO 3166-1 alpha-2 code as an emoji; nothing for anything else.
#[must_use]
pub fn flag(code: &str) -> Option<String> {
    if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_uppercase()) {
        return None;
    }
    code.bytes()
        .map(|b| char::from_u32(0x1_F1E6 + u32::from(b - b'A')))
        .collect()
}

/// A share of a whole: `12.3%`; of nothing `0.0%`.
#[must_use]
pub fn percent(n: u64, all: u64) -> String {
    let permille = (n * 1000 + all / 2).checked_div(all).unwrap_or_default();
    format!("{}.{}%", permille / 10, permille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let texts = [0_u32, 999, 1000, 1_234_567].map(number);
        assert_eq!(texts, ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]);
    }

    #[test]
    fn a_share_is_never_rounded_to_nothing() {
        let shares = [(0, 10), (1, 3), (1, 100_000), (10, 10), (1, 0)].map(|(n, all)| permille(n, all, 5));
        assert_eq!(shares, [0, 333, 5, 1000, 1000]);
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(
            (count(1_u32, "visitor"), count(0_u32, "visitor")),
            ("1 visitor".into(), "0 visitors".into())
        );
    }

    #[test]
    fn a_moment_reads_as_its_date_and_time() {
        assert_eq!(iso(Timestamp(1_795_153_455_000)), "2026-11-20T05:44:15Z");
        assert_eq!(iso(Timestamp(951_782_400_000)), "2000-02-29T00:00:00Z");
        assert_eq!(iso(Timestamp(-1000)), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn the_clock_follows_the_viewers_offset_across_midnight() {
        let late = Timestamp(1_795_218_300_000); // 23:45 UTC
        assert_eq!(
            (clock(late, 60), clock_short(late, -720)),
            ("00:45:00".into(), "11:45".into())
        );
    }

    #[test]
    fn only_country_codes_have_flags() {
        assert_eq!(flag("DE").as_deref(), Some("🇩🇪"));
        assert_eq!((flag("de"), flag("EUR"), flag("")), (None, None, None));
    }
}
