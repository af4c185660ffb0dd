//! Raw sums by group, and how figures are made of them: counts as they are, quotients rounded half away from zero in whole numbers. Whatever
//! produces sums (events, visits, imports, rollups), figures are made in this one way.

use pulsecast_protocol::stats::Metric;

/// Something that is summed up; also the name of its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sum {
    /// Distinct visitors, by the query's level.
    Visitors,
    /// Visits, by the query's level.
    Visits,
    /// Pageviews.
    Pageviews,
    /// Counted events.
    Events,
    /// Visits active in the range: what visits' figures are divided by.
    Active,
    /// Their pageviews.
    ActivePageviews,
    /// Those that bounced.
    Bounces,
    /// Their milliseconds.
    Duration,
    /// Engaged milliseconds.
    Engaged,
    /// Visits that have any.
    EngagedVisits,
    /// Depths to which visits scrolled.
    Depth,
    /// Visits that scrolled.
    DepthVisits,
    /// Visits by the page on which they ended: the active ones that were counted here.
    Exits,
    /// Pageviews of the page on which visits ended.
    ExitPageviews,
    /// Revenue in thousandths.
    Revenue,
    /// Events that have any.
    RevenueEvents,
    /// Visitors of the conversion rate's denominator.
    AllVisitors,
    /// Visitors of the group conversion rate's.
    GroupVisitors,
    /// Visitors of the query without dimensions.
    TotalVisitors,
}

impl Sum {
    /// How many there are.
    pub const COUNT: usize = 19;

    /// Its column.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visitors => "visitors",
            Self::Visits => "visits",
            Self::Pageviews => "pageviews",
            Self::Events => "events",
            Self::Active => "active",
            Self::ActivePageviews => "active_pageviews",
            Self::Bounces => "bounces",
            Self::Duration => "duration",
            Self::Engaged => "engaged",
            Self::EngagedVisits => "engaged_visits",
            Self::Depth => "depth",
            Self::DepthVisits => "depth_visits",
            Self::Exits => "exits",
            Self::ExitPageviews => "exit_pageviews",
            Self::Revenue => "revenue",
            Self::RevenueEvents => "revenue_events",
            Self::AllVisitors => "all_visitors",
            Self::GroupVisitors => "group_visitors",
            Self::TotalVisitors => "total_visitors",
        }
    }
}

/// What a figure is if there is nothing to divide by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// There is none.
    None,
    /// Zero.
    Zero,
}

/// `times × of ÷ (per × by)`, rounded; shown with so many decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotient {
    /// What is divided.
    pub of: Sum,
    /// By what.
    pub by: Sum,
    /// What `of` is multiplied with.
    pub times: i128,
    /// What `by` is multiplied with.
    pub per: i128,
    /// Decimals that the rounded number has.
    pub decimals: u32,
    /// What it is without anything to divide by.
    pub otherwise: Otherwise,
}

impl Quotient {
    const fn new(of: Sum, by: Sum, times: i128, decimals: u32, otherwise: Otherwise) -> Self {
        Self {
            of,
            by,
            times,
            per: 1,
            decimals,
            otherwise,
        }
    }

    const fn seconds(of: Sum, by: Sum) -> Self {
        Self {
            per: 1000,
            ..Self::new(of, by, 1, 0, Otherwise::None)
        }
    }

    /// The rounded number, times ten to the decimals.
    #[must_use]
    pub fn of(&self, sums: &SumRow) -> Option<i128> {
        let (of, by) = (sums.get(self.of) * self.times, sums.get(self.by) * self.per);
        if by == 0 {
            return (self.otherwise == Otherwise::Zero).then_some(0);
        }
        Some(rounded(of, by))
    }
}

/// `of ÷ by`, half away from zero.
#[must_use]
pub fn rounded(of: i128, by: i128) -> i128 {
    let sign = if (of < 0) == (by < 0) { 1 } else { -1 };
    let (of, by) = (of.abs(), by.abs());
    sign * ((2 * of + by) / (2 * by))
}

/// How a metric is made of sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// It is one.
    Count(Sum),
    /// It is one by another.
    Quotient(Quotient),
    /// All revenue.
    Total,
    /// Revenue by event.
    Average,
}

/// How this metric is made.
#[must_use]
pub const fn figure(metric: Metric) -> Figure {
    use Otherwise::{None, Zero};
    Figure::Quotient(match metric {
        Metric::Visitors => return Figure::Count(Sum::Visitors),
        Metric::Visits => return Figure::Count(Sum::Visits),
        Metric::Pageviews => return Figure::Count(Sum::Pageviews),
        Metric::Events => return Figure::Count(Sum::Events),
        Metric::TotalRevenue => return Figure::Total,
        Metric::AverageRevenue => return Figure::Average,
        Metric::ViewsPerVisit => Quotient::new(Sum::ActivePageviews, Sum::Active, 100, 2, Zero),
        Metric::BounceRate => Quotient::new(Sum::Bounces, Sum::Active, 100, 0, Zero),
        Metric::VisitDuration => Quotient::seconds(Sum::Duration, Sum::Active),
        Metric::TimeOnPage => Quotient::seconds(Sum::Engaged, Sum::EngagedVisits),
        Metric::ScrollDepth => Quotient::new(Sum::Depth, Sum::DepthVisits, 1, 0, None),
        Metric::ExitRate => Quotient::new(Sum::Exits, Sum::ExitPageviews, 1000, 1, None),
        Metric::ConversionRate => Quotient::new(Sum::Visitors, Sum::AllVisitors, 10_000, 2, Zero),
        Metric::GroupConversionRate => Quotient::new(Sum::Visitors, Sum::GroupVisitors, 10_000, 2, Zero),
        Metric::Percentage => Quotient::new(Sum::Visitors, Sum::TotalVisitors, 1000, 1, Zero),
    })
}

/// What a figure of this metric needs.
#[must_use]
pub fn needed(metric: Metric) -> Vec<Sum> {
    match figure(metric) {
        Figure::Count(sum) => vec![sum],
        Figure::Quotient(quotient) => vec![quotient.of, quotient.by],
        Figure::Total | Figure::Average => vec![Sum::Revenue, Sum::RevenueEvents],
    }
}

/// One dimension's part of a group's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A name.
    Name(String),
    /// A bucket of time, by number.
    Bucket(i64),
}

/// A group and its sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SumRow {
    /// One a dimension.
    pub keys: Vec<Key>,
    /// By [`Sum`].
    pub sums: [i128; Sum::COUNT],
    /// The first and the last currency of its revenue, by name; two different ones cannot be added.
    pub currency: Option<(String, String)>,
}

impl SumRow {
    /// A group in which nothing was counted.
    #[must_use]
    pub fn nothing(keys: Vec<Key>) -> Self {
        Self {
            keys,
            ..Self::default()
        }
    }

    /// One of its sums.
    #[must_use]
    pub const fn get(&self, sum: Sum) -> i128 {
        self.sums[sum as usize]
    }
}

/// Groups in the order asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// The groups of this page.
    pub rows: Vec<SumRow>,
    /// How many there are on all pages, if that was asked.
    pub total: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_away_from_zero() {
        assert_eq!(rounded(5, 10), 1);
        assert_eq!(rounded(-5, 10), -1);
        assert_eq!(rounded(49, 100), 0);
        assert_eq!(rounded(-7, 2), -4);
    }

    #[test]
    fn a_quotient_is_rounded_once() {
        let mut row = SumRow::default();
        let duration = match figure(Metric::VisitDuration) {
            Figure::Quotient(quotient) => quotient,
            other => panic!("{other:?}"),
        };
        assert_eq!(duration.of(&row), None);
        (row.sums[Sum::Duration as usize], row.sums[Sum::Active as usize]) = (2_999, 2);
        assert_eq!(duration.of(&row), Some(1), "1.4995 seconds, not 1.5");
        row.sums[Sum::Duration as usize] = 3_000;
        assert_eq!(duration.of(&row), Some(2));
    }
}
