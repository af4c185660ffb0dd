//! What can be counted.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A figure; `docs/metrics.md` defines each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Distinct visitors.
    Visitors,
    /// Distinct visits.
    Visits,
    /// Pages looked at.
    Pageviews,
    /// Pageviews and custom events.
    Events,
    /// Pageviews of a visit, on average; two decimals.
    ViewsPerVisit,
    /// Visits that bounced, in percent; whole.
    BounceRate,
    /// Seconds from first to last event, on average, bounces counting as zero; whole.
    VisitDuration,
    /// Seconds of engaged time a visit spends on the page, on average; whole.
    TimeOnPage,
    /// How far down visits got on the page, on average, in percent; whole.
    ScrollDepth,
    /// Visits that ended on the page, in percent of its pageviews; one decimal.
    ExitRate,
    /// Visitors who reached the goal, in percent of all; two decimals.
    ConversionRate,
    /// The same, in percent of the visitors of the row's group; two decimals.
    GroupConversionRate,
    /// The row's visitors in percent of all; one decimal.
    Percentage,
    /// Sum of revenue.
    TotalRevenue,
    /// Revenue an event, on average.
    AverageRevenue,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Visitors,
        Self::Visits,
        Self::Pageviews,
        Self::Events,
        Self::ViewsPerVisit,
        Self::BounceRate,
        Self::VisitDuration,
        Self::TimeOnPage,
        Self::ScrollDepth,
        Self::ExitRate,
        Self::ConversionRate,
        Self::GroupConversionRate,
        Self::Percentage,
        Self::TotalRevenue,
        Self::AverageRevenue,
    ];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visitors => "visitors",
            Self::Visits => "visits",
            Self::Pageviews => "pageviews",
            Self::Events => "events",
            Self::ViewsPerVisit => "views_per_visit",
            Self::BounceRate => "bounce_rate",
            Self::VisitDuration => "visit_duration",
            Self::TimeOnPage => "time_on_page",
            Self::ScrollDepth => "scroll_depth",
            Self::ExitRate => "exit_rate",
            Self::ConversionRate => "conversion_rate",
            Self::GroupConversionRate => "group_conversion_rate",
            Self::Percentage => "percentage",
            Self::TotalRevenue => "total_revenue",
            Self::AverageRevenue => "average_revenue",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No metric by that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such metric")]
pub struct UnknownMetric;

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Self, UnknownMetric> {
        Self::ALL
            .into_iter()
            .find(|metric| metric.name() == text)
            .ok_or(UnknownMetric)
    }
}
