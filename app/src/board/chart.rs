//! Where the points of a graph are: scale, lines and ticks, in thousandths of its width and height. Whole numbers only.

use super::{
    labels::{self, Bucket},
    model::Line,
    text::Unit,
};
use std::fmt::Write as _;

/// The time of a range that is over: later than all its buckets, and in none.
pub const OVER: &str = "~";

/// A graph as it is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawing {
    /// What the top of the scale is worth.
    pub top: i64,
    /// The line up to the bucket that has not ended.
    pub line: String,
    /// The line to the bucket that has not ended.
    pub open: String,
    /// What lies below the line.
    pub area: String,
    /// The line of the compared period.
    pub before: String,
}

/// The drawing of a line and the one it is compared with. `now` is the site's clock, written as labels are: buckets after it are left out, the
/// one that it is in has not ended.
#[must_use]
pub fn draw(line: &Line, before: &Line, unit: Unit, bucket: Bucket, now: &str) -> Drawing {
    let most = |line: &Line| line.points.iter().flatten().copied().max().unwrap_or_default();
    let top = ceiling(most(line).max(most(before)), unit);
    let count = line.points.len();
    let after = line.labels.partition_point(|label| label.as_str() <= now);
    let open = open_bucket(line, bucket, now);
    let spot = |i: usize, value: i64| (across(i, count), 1000 - share(value, top));
    let mut drawing = Drawing {
        top,
        before: path((0..before.points.len().min(count)).map(|i| before.points[i].map(|v| spot(i, v)))),
        ..Drawing::default()
    };
    let spots: Vec<Option<(i64, i64)>> = line.points[..after.min(count)]
        .iter()
        .enumerate()
        .map(|(i, v)| v.map(|v| spot(i, v)))
        .collect();
    let ended = open.unwrap_or(spots.len()).min(spots.len());
    drawing.line = path(spots[..ended].iter().copied());
    drawing.open = path(spots[ended.saturating_sub(1)..].iter().copied());
    if ended == spots.len() {
        drawing.open.clear();
    }
    drawing.area = area(&spots);
    drawing
}

/// The bucket that `now` is in.
#[must_use]
pub fn open_bucket(line: &Line, bucket: Bucket, now: &str) -> Option<usize> {
    let after = line.labels.partition_point(|label| label.as_str() <= now);
    // What lies wholly in the past has no such bucket; its end is told by the length of the last one, which only the last can be in.
    let last = after.checked_sub(1)?;
    let ends_later = line.labels.get(after).is_some();
    (ends_later || is_in(&line.labels[last], bucket, now)).then_some(last)
}

/// Whether a moment is in the bucket that begins here, for the last bucket of a range that goes on: by the part of the label that its length
/// leaves alone. Of weeks and months that is the month: their days were cut to the range.
fn is_in(label: &str, bucket: Bucket, now: &str) -> bool {
    let same = match bucket {
        Bucket::Minute => 16,
        Bucket::Hour => 13,
        Bucket::Day => 10,
        Bucket::Week | Bucket::Month => 7,
    };
    label.get(..same).is_some_and(|head| now.starts_with(head))
}

/// The middle of a bucket, in thousandths of the width: the first is at the left edge, the last at the right.
#[must_use]
pub fn across(i: usize, count: usize) -> i64 {
    let (i, gaps) = (
        i64::try_from(i).unwrap_or_default(),
        i64::try_from(count.max(2) - 1).unwrap_or(1),
    );
    i * 1000 / gaps
}

/// The bucket that is nearest to so many thousandths of the width.
#[must_use]
pub fn nearest(across: i64, count: usize) -> usize {
    let gaps = i64::try_from(count.max(2) - 1).unwrap_or(1);
    let i = (across.clamp(0, 1000) * gaps + 500) / 1000;
    usize::try_from(i)
        .unwrap_or_default()
        .min(count.saturating_sub(1))
}

fn share(value: i64, top: i64) -> i64 {
    value.saturating_mul(1000) / top.max(1)
}

/// Connected where there are figures.
fn path(spots: impl Iterator<Item = Option<(i64, i64)>>) -> String {
    let mut text = String::new();
    let mut pen = 'M';
    for spot in spots {
        match spot {
            Some((x, y)) => {
                write!(text, "{pen}{x} {y}").ok();
                pen = 'L';
            }
            None => pen = 'M',
        }
    }
    text
}

fn area(spots: &[Option<(i64, i64)>]) -> String {
    let known: Vec<(i64, i64)> = spots.iter().flatten().copied().collect();
    let (Some(first), Some(last)) = (known.first(), known.last()) else {
        return String::new();
    };
    let mut text = path(known.iter().copied().map(Some));
    write!(text, "L{} 1000L{} 1000Z", last.0, first.0).ok();
    text
}

/// The next round figure: a quarter of it is round too.
fn ceiling(most: i64, unit: Unit) -> i64 {
    if unit == Unit::Percent {
        return if most <= 10_000 {
            10_000.min(round_up(most))
        } else {
            round_up(most)
        };
    }
    if unit == Unit::Seconds {
        let minutes = [
            10, 20, 40, 60, 120, 240, 300, 600, 1200, 2400, 3600, 7200, 14_400, 36_000,
        ];
        return minutes
            .into_iter()
            .map(|s| s * 100)
            .find(|s| *s >= most)
            .unwrap_or_else(|| round_up(most));
    }
    round_up(most)
}

fn round_up(most: i64) -> i64 {
    let mut step = 100_i64;
    loop {
        for factor in [4, 8, 12, 16, 20, 24, 32] {
            let top = step.saturating_mul(factor);
            if top >= most {
                return top;
            }
        }
        step = step.saturating_mul(10);
        if step >= i64::MAX / 100 {
            return most;
        }
    }
}

/// Which buckets the axis names: not more than fit, evenly spread.
#[must_use]
pub fn ticks(line: &Line, bucket: Bucket) -> Vec<(i64, String)> {
    const MOST: usize = 8;
    let count = line.labels.len();
    let every = count.div_ceil(MOST).max(1);
    let is_named = |i: &usize| i.is_multiple_of(every) && (count - i > every / 3 || *i == 0);
    let tick = |i: usize| (across(i, count), labels::tick(&line.labels[i], bucket));
    (0..count).filter(is_named).map(tick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(labels: &[&str], points: &[i64]) -> Line {
        Line {
            labels: labels.iter().map(ToString::to_string).collect(),
            points: points.iter().map(|n| Some(n * 100)).collect(),
        }
    }

    const DAYS: [&str; 4] = ["2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21"];

    #[test]
    fn what_lies_ahead_is_not_drawn_and_today_is_open() {
        let drawing = draw(
            &line(&DAYS, &[4, 2, 1, 0]),
            &Line::default(),
            Unit::Count,
            Bucket::Day,
            "2026-11-20 13:00:00",
        );
        assert_eq!(drawing.line, "M0 0L333 500");
        assert_eq!(drawing.open, "M333 500L666 750");
        assert!(drawing.area.ends_with("L666 1000L0 1000Z"));
    }

    #[test]
    fn what_is_over_is_drawn_whole() {
        let drawing = draw(
            &line(&DAYS, &[4, 2, 1, 0]),
            &Line::default(),
            Unit::Count,
            Bucket::Day,
            "2026-11-25 00:00:00",
        );
        assert_eq!(
            (drawing.line.matches('L').count(), drawing.open.as_str()),
            (3, ""),
            "also in the month that goes on"
        );
    }

    #[test]
    fn the_week_of_today_is_open_and_a_range_that_is_over_has_no_open_bucket() {
        let weeks = line(&["2026-11-09", "2026-11-16"], &[4, 2]);
        let open = |now| open_bucket(&weeks, Bucket::Week, now);
        assert_eq!((open("2026-11-20 13:00:00"), open(OVER)), (Some(1), None));
    }

    #[test]
    fn a_hole_is_not_a_fall_to_nothing() {
        let mut holed = line(&DAYS, &[4, 2, 1, 0]);
        holed.points[1] = None;
        let drawing = draw(&holed, &Line::default(), Unit::Percent, Bucket::Day, OVER);
        assert_eq!(drawing.line.matches('M').count(), 2);
    }

    #[test]
    fn the_scale_is_round_and_high_enough() {
        for most in [0, 100, 399, 401, 12_345, 9_999_999, i64::MAX / 2] {
            let top = ceiling(most, Unit::Count);
            assert!(top >= most && top % 4 == 0 || most > 1 << 60, "{most} {top}");
        }
        assert_eq!(ceiling(4300, Unit::Percent), 8000);
        assert_eq!(ceiling(9700, Unit::Percent), 10_000);
        assert_eq!(ceiling(7000, Unit::Seconds), 12_000);
    }

    #[test]
    fn the_pointer_finds_the_nearest_bucket() {
        assert_eq!([0, 160, 170, 1000, 5000].map(|x| nearest(x, 4)), [0, 0, 1, 3, 3]);
        assert_eq!(nearest(500, 0), 0);
    }

    #[test]
    fn the_axis_is_not_crowded() {
        let labels: Vec<String> = (0..720)
            .map(|n| format!("2026-11-{:02} {:02}:00:00", n / 24 + 1, n % 24))
            .collect();
        let line = Line {
            points: vec![None; 720],
            labels,
        };
        assert!((5..=8).contains(&ticks(&line, Bucket::Hour).len()));
    }
}
