//! What dimensions and metrics are called: in the address, on a tab, in a sentence.

use super::text::Unit;
use pulsecast_protocol::stats::{Dimension, Metric};

/// Dimension, its name in the address, and what people call one value of it.
const DIMENSIONS: [(Dimension, &str, &str); 26] = {
    use Dimension as D;
    [
        (D::Page, "page", "Page"),
        (D::EntryPage, "entry", "Entry page"),
        (D::ExitPage, "exit", "Exit page"),
        (D::Hostname, "host", "Hostname"),
        (D::EntryHostname, "entry_host", "Entry hostname"),
        (D::ExitHostname, "exit_host", "Exit hostname"),
        (D::Source, "source", "Source"),
        (D::Channel, "channel", "Channel"),
        (D::Referrer, "referrer", "Referrer"),
        (D::UtmSource, "utm_source", "UTM source"),
        (D::UtmMedium, "utm_medium", "UTM medium"),
        (D::UtmCampaign, "utm_campaign", "UTM campaign"),
        (D::UtmContent, "utm_content", "UTM content"),
        (D::UtmTerm, "utm_term", "UTM term"),
        (D::Country, "country", "Country"),
        (D::Region, "region", "Region"),
        (D::City, "city", "City"),
        (D::Browser, "browser", "Browser"),
        (D::BrowserVersion, "browser_version", "Browser version"),
        (D::Os, "os", "Operating system"),
        (D::OsVersion, "os_version", "System version"),
        (D::Device, "device", "Device"),
        (D::Screen, "screen", "Screen size"),
        (D::Language, "language", "Language"),
        (D::Goal, "goal", "Goal"),
        (D::EventName, "event", "Event"),
    ]
};

/// Its name in the address.
#[must_use]
pub fn short(dimension: &Dimension) -> String {
    if let Dimension::Prop(key) = dimension {
        return format!("prop:{key}");
    }
    let named = DIMENSIONS.iter().find(|(d, ..)| d == dimension);
    named.map_or_else(|| dimension.to_string(), |(_, name, _)| (*name).to_owned())
}

/// The dimension of this name.
#[must_use]
pub fn dimension(short: &str) -> Option<Dimension> {
    if let Some(key) = short.strip_prefix("prop:") {
        return format!("event:props:{key}").parse().ok();
    }
    DIMENSIONS
        .iter()
        .find(|(_, name, _)| *name == short)
        .map(|(d, ..)| d.clone())
}

/// What one value of it is.
#[must_use]
pub fn singular(dimension: &Dimension) -> String {
    if let Dimension::Prop(key) = dimension {
        return key.clone();
    }
    let named = DIMENSIONS.iter().find(|(d, ..)| d == dimension);
    named.map_or_else(String::new, |(.., word)| (*word).to_owned())
}

/// Those that a filter can be made of, as the menu groups them.
pub const FILTERS: [(&str, &[Dimension]); 6] = {
    use Dimension as D;
    [
        ("Pages", &[D::Page, D::EntryPage, D::ExitPage, D::Hostname]),
        (
            "Sources",
            &[
                D::Source,
                D::Channel,
                D::Referrer,
                D::UtmSource,
                D::UtmMedium,
                D::UtmCampaign,
                D::UtmContent,
                D::UtmTerm,
            ],
        ),
        ("Places", &[D::Country, D::Region, D::City, D::Language]),
        ("Devices", &[D::Device, D::Screen]),
        ("Software", &[D::Browser, D::BrowserVersion, D::Os, D::OsVersion]),
        ("Behaviour", &[D::Goal, D::EventName]),
    ]
};

/// What a metric is called, what exactly it means, and how its figures read.
#[must_use]
pub const fn metric(metric: Metric) -> (&'static str, &'static str, Unit) {
    match metric {
        Metric::Visitors => (
            "Visitors",
            "different people, as far as a day can tell them apart",
            Unit::Count,
        ),
        Metric::Visits => ("Visits", "ended by 30 minutes without anything", Unit::Count),
        Metric::Pageviews => ("Pageviews", "pages looked at", Unit::Count),
        Metric::Events => ("Events", "pageviews and custom events", Unit::Count),
        Metric::ViewsPerVisit => (
            "Views per visit",
            "pageviews of a visit, on average",
            Unit::Decimal,
        ),
        Metric::BounceRate => (
            "Bounce rate",
            "visits of one page on which nothing was done",
            Unit::Percent,
        ),
        Metric::VisitDuration => (
            "Visit duration",
            "from first to last event, on average",
            Unit::Seconds,
        ),
        Metric::TimeOnPage => ("Time on page", "engaged with the page, on average", Unit::Seconds),
        Metric::ScrollDepth => (
            "Scroll depth",
            "how far down visits got, on average",
            Unit::Percent,
        ),
        Metric::ExitRate => (
            "Exit rate",
            "visits that ended here, of its pageviews",
            Unit::Percent,
        ),
        Metric::ConversionRate => ("Conversion rate", "of all visitors", Unit::Percent),
        Metric::GroupConversionRate => ("Conversion rate", "of the visitors of the row", Unit::Percent),
        Metric::Percentage => ("Share", "of all visitors", Unit::Percent),
        Metric::TotalRevenue => ("Revenue", "of the goal’s events", Unit::Money),
        Metric::AverageRevenue => ("Average revenue", "an event", Unit::Money),
    }
}

/// Whether less of it is better.
#[must_use]
pub const fn less_is_better(metric: Metric) -> bool {
    matches!(metric, Metric::BounceRate | Metric::ExitRate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dimension_reads_back_from_its_short_name() {
        let props = [Dimension::Prop("plan".into())];
        for d in DIMENSIONS.iter().map(|(d, ..)| d).chain(&props) {
            assert_eq!(dimension(&short(d)).as_ref(), Some(d));
            assert!(!singular(d).is_empty());
        }
    }

    #[test]
    fn what_a_filter_offers_has_a_name() {
        for d in FILTERS.iter().flat_map(|(_, dimensions)| dimensions.iter()) {
            assert_ne!(singular(d), "");
        }
    }
}
