//! What imports hold together: reports by day, what each is grouped by and what it counts.

use crate::stats::sums::Sum;
use pulsecast_protocol::stats::{Dimension, Metric};
use std::collections::BTreeSet;

/// A report, by the name that the store keeps it under.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    name: &'static str,
    groups: &'static [Dimension],
}

const REPORTS: &[Report] = {
    use Dimension as D;
    &[
        Report {
            name: "visitors",
            groups: &[],
        },
        Report {
            name: "sources",
            groups: &[
                D::Source,
                D::Referrer,
                D::Channel,
                D::UtmSource,
                D::UtmMedium,
                D::UtmCampaign,
                D::UtmContent,
                D::UtmTerm,
            ],
        },
        Report {
            name: "pages",
            groups: &[D::Page, D::Hostname],
        },
        Report {
            name: "entry_pages",
            groups: &[D::EntryPage],
        },
        Report {
            name: "exit_pages",
            groups: &[D::ExitPage],
        },
        Report {
            name: "custom_events",
            groups: &[D::EventName],
        },
        Report {
            name: "locations",
            groups: &[D::Country, D::Region],
        },
        Report {
            name: "devices",
            groups: &[D::Device],
        },
        Report {
            name: "browsers",
            groups: &[D::Browser, D::BrowserVersion],
        },
        Report {
            name: "operating_systems",
            groups: &[D::Os, D::OsVersion],
        },
    ]
};

impl Report {
    /// The first that has all of these dimensions.
    #[must_use]
    pub fn with(dimensions: &BTreeSet<&Dimension>) -> Option<&'static Self> {
        let has_all = |report: &&Self| {
            dimensions
                .iter()
                .all(|dimension| report.groups.contains(dimension))
        };
        REPORTS.iter().find(has_all)
    }

    /// Whether it has what this metric is made of.
    #[must_use]
    pub fn has(&self, metric: Metric) -> bool {
        use Metric as M;
        match metric {
            M::Visitors | M::Percentage => true,
            M::Visits | M::Pageviews => self.name != "custom_events",
            M::Events => matches!(self.name, "visitors" | "custom_events"),
            M::ViewsPerVisit | M::BounceRate | M::VisitDuration => {
                !matches!(self.name, "custom_events" | "pages")
            }
            M::TimeOnPage | M::ScrollDepth => self.name == "pages",
            _ => false,
        }
    }

    /// SQL: the names that the store keeps its rows under. Pageviews are events too; their figures are in the first report.
    #[must_use]
    pub fn kept_as(&self) -> String {
        match self.name {
            "custom_events" => "'custom_events', 'visitors'".to_owned(),
            name => format!("'{name}'"),
        }
    }
}

/// The sums that come from each column.
pub const SUMS: [(&str, &[Sum]); 10] = [
    ("visitors", &[Sum::Visitors]),
    ("visits", &[Sum::Visits, Sum::Active]),
    ("pageviews", &[Sum::Pageviews, Sum::ActivePageviews]),
    ("events", &[Sum::Events]),
    ("bounces", &[Sum::Bounces]),
    ("duration_ms", &[Sum::Duration]),
    ("engaged_ms", &[Sum::Engaged]),
    ("engaged_visits", &[Sum::EngagedVisits]),
    ("scroll_sum", &[Sum::Depth]),
    ("scroll_visits", &[Sum::DepthVisits]),
];
