//! Reads `include`: what is answered beside the rows. Plausible writes a comparison in two ways, which both are understood:
//! `"comparisons": {"mode": "previous_period"}` and, since 2025, `"compare": "previous_period"`.

use super::{
    at::{At, quoted},
    range,
};
use crate::stats::StatsError;
use pulsecast_protocol::stats::{Comparison, ComparisonMode, Include};

const KEYS: [&str; 7] = [
    "imports",
    "time_labels",
    "total_rows",
    "comparisons",
    "comparison",
    "compare",
    "compare_match_day_of_week",
];

/// `include`.
pub(super) fn include(at: &At<'_>) -> Result<Include, StatsError> {
    at.object(&KEYS)?;
    let flag = |name: &str| at.key(name).map_or(Ok(false), |at| at.flag());
    Ok(Include {
        imports: flag("imports")?,
        time_labels: flag("time_labels")?,
        total_rows: flag("total_rows")?,
        comparisons: comparisons(at)?,
    })
}

fn comparisons(at: &At<'_>) -> Result<Option<Comparison>, StatsError> {
    let mut named = ["comparisons", "comparison", "compare"]
        .iter()
        .filter_map(|name| at.key(name));
    let Some(one) = named.next() else {
        return Ok(None);
    };
    if let Some(other) = named.next() {
        return Err(other.wrong("is a second comparison: keep one of them"));
    }
    let mut comparison = if one.value().is_object() {
        comparison(&one)?
    } else {
        short(&one)?
    };
    if let Some(matched) = at.key("compare_match_day_of_week") {
        comparison.match_day_of_week = matched.flag()?;
    }
    Ok(Some(comparison))
}

/// `{"mode": …, "date_range": […], "match_day_of_week": …}`
fn comparison(at: &At<'_>) -> Result<Comparison, StatsError> {
    at.object(&["mode", "date_range", "match_day_of_week"])?;
    let mode_at = at.required("mode", "\"previous_period\"")?;
    let mode = mode(&mode_at)?;
    let date_range = match (mode, at.key("date_range")) {
        (ComparisonMode::Custom, None) => {
            return Err(at.wrong(
                "has the mode custom and no date_range: add one, such as [\"2026-01-01\", \"2026-01-31\"]",
            ));
        }
        (ComparisonMode::Custom, Some(dates)) => Some(range::dates(&dates)?),
        (_, None) => None,
        (_, Some(dates)) => {
            return Err(dates.wrong("is for the mode custom only: leave it out, or change the mode"));
        }
    };
    Ok(Comparison {
        mode,
        date_range,
        match_day_of_week: at.key("match_day_of_week").map_or(Ok(false), |at| at.flag())?,
    })
}

/// `"previous_period"`, or a pair of dates.
fn short(at: &At<'_>) -> Result<Comparison, StatsError> {
    let dates = at.value().is_array().then(|| range::dates(at)).transpose()?;
    Ok(Comparison {
        mode: dates.map_or_else(|| mode(at), |_| Ok(ComparisonMode::Custom))?,
        date_range: dates,
        match_day_of_week: false,
    })
}

fn mode(at: &At<'_>) -> Result<ComparisonMode, StatsError> {
    match at.text("previous_period, year_over_year or custom")? {
        "previous_period" => Ok(ComparisonMode::PreviousPeriod),
        "year_over_year" => Ok(ComparisonMode::YearOverYear),
        "custom" => Ok(ComparisonMode::Custom),
        other => Err(at.wrong(format!(
            "no such comparison \"{}\": use previous_period, year_over_year or custom",
            quoted(other)
        ))),
    }
}
