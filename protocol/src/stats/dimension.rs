//! What rows can be grouped by and filtered on.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A property of an event, of its visit, or of time. The text form is Plausible's: `event:page`, `visit:source`, `time:day`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Dimension {
    /// `event:goal`: the display name of a goal of the site.
    Goal,
    /// `event:name`: `pageview` or a custom event's name.
    EventName,
    /// `event:page`: path of the page.
    Page,
    /// `event:hostname`: host of the page.
    Hostname,
    /// `event:props:KEY`: a custom property.
    Prop(String),
    /// `visit:entry_page`.
    EntryPage,
    /// `visit:entry_page_hostname`.
    EntryHostname,
    /// `visit:exit_page`.
    ExitPage,
    /// `visit:exit_page_hostname`.
    ExitHostname,
    /// `visit:source`.
    Source,
    /// `visit:referrer`.
    Referrer,
    /// `visit:channel`: acquisition channel.
    Channel,
    /// `visit:utm_source`.
    UtmSource,
    /// `visit:utm_medium`.
    UtmMedium,
    /// `visit:utm_campaign`.
    UtmCampaign,
    /// `visit:utm_content`.
    UtmContent,
    /// `visit:utm_term`.
    UtmTerm,
    /// `visit:device`: `Desktop`, `Mobile`, `Tablet` …
    Device,
    /// `visit:browser`.
    Browser,
    /// `visit:browser_version`.
    BrowserVersion,
    /// `visit:os`.
    Os,
    /// `visit:os_version`.
    OsVersion,
    /// `visit:country`: ISO 3166-1 alpha-2.
    Country,
    /// `visit:region`: ISO 3166-2.
    Region,
    /// `visit:city`: English name.
    City,
    /// `visit:language`: ISO 639-1.
    Language,
    /// `visit:screen`: `xs` to `2xl`.
    Screen,
    /// `time` (unit chosen by the range) or `time:minute` … `time:month`, in the site's time zone.
    Time(TimeUnit),
}

/// How long a bucket of time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeUnit {
    /// Chosen by the length of the range.
    Auto,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week from Monday.
    Week,
    /// A calendar month.
    Month,
}

/// Dimensions without a parameter, by name.
const NAMED: [(&str, Dimension); 33] = {
    use Dimension as D;
    [
        ("event:goal", D::Goal),
        ("event:name", D::EventName),
        ("event:page", D::Page),
        ("event:hostname", D::Hostname),
        ("visit:entry_page", D::EntryPage),
        ("visit:entry_page_hostname", D::EntryHostname),
        ("visit:exit_page", D::ExitPage),
        ("visit:exit_page_hostname", D::ExitHostname),
        ("visit:source", D::Source),
        ("visit:referrer", D::Referrer),
        ("visit:channel", D::Channel),
        ("visit:utm_source", D::UtmSource),
        ("visit:utm_medium", D::UtmMedium),
        ("visit:utm_campaign", D::UtmCampaign),
        ("visit:utm_content", D::UtmContent),
        ("visit:utm_term", D::UtmTerm),
        ("visit:device", D::Device),
        ("visit:browser", D::Browser),
        ("visit:browser_version", D::BrowserVersion),
        ("visit:os", D::Os),
        ("visit:os_version", D::OsVersion),
        ("visit:country", D::Country),
        ("visit:region", D::Region),
        ("visit:city", D::City),
        ("visit:language", D::Language),
        ("visit:screen", D::Screen),
        ("time", D::Time(TimeUnit::Auto)),
        ("time:minute", D::Time(TimeUnit::Minute)),
        ("time:hour", D::Time(TimeUnit::Hour)),
        ("time:day", D::Time(TimeUnit::Day)),
        ("time:week", D::Time(TimeUnit::Week)),
        ("time:month", D::Time(TimeUnit::Month)),
        // What Plausible calls `visit:screen` is our `visit:device`; its own name for it today.
        ("visit:device_type", D::Device),
    ]
};

impl Dimension {
    /// All names but those of properties, which are `event:props:KEY`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|(name, _)| *name)
    }

    /// Whether it belongs to single events rather than to visits: `event:…`.
    #[must_use]
    pub const fn is_of_event(&self) -> bool {
        matches!(
            self,
            Self::Goal | Self::EventName | Self::Page | Self::Hostname | Self::Prop(_)
        )
    }

    /// Whether it is one of `time…`.
    #[must_use]
    pub const fn is_time(&self) -> bool {
        matches!(self, Self::Time(_))
    }

    /// What a row is called whose events or visits have no value: also what a filter says to find them.
    #[must_use]
    pub const fn none_label(&self) -> &'static str {
        match self {
            Self::Source | Self::Referrer => "Direct / None",
            Self::Channel => "Direct",
            Self::Prop(_) => "(none)",
            _ => "(not set)",
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Prop(key) = self {
            return write!(f, "event:props:{key}");
        }
        let named = NAMED.iter().find(|(_, dimension)| dimension == self);
        f.write_str(named.map_or("", |(name, _)| name))
    }
}

/// No dimension by that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such dimension")]
pub struct UnknownDimension;

impl FromStr for Dimension {
    type Err = UnknownDimension;

    fn from_str(text: &str) -> Result<Self, UnknownDimension> {
        if let Some(key) = text.strip_prefix("event:props:") {
            return if key.is_empty() || key.chars().count() > 300 {
                Err(UnknownDimension)
            } else {
                Ok(Self::Prop(key.to_owned()))
            };
        }
        NAMED
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, dimension)| dimension.clone())
            .ok_or(UnknownDimension)
    }
}

impl TryFrom<String> for Dimension {
    type Error = UnknownDimension;
    fn try_from(text: String) -> Result<Self, UnknownDimension> {
        text.parse()
    }
}

impl From<Dimension> for String {
    fn from(dimension: Dimension) -> Self {
        dimension.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dimension_reads_back_as_it_was_written() {
        for (name, dimension) in &NAMED {
            assert_eq!(name.parse::<Dimension>().as_ref(), Ok(dimension));
            assert_eq!(dimension.to_string().parse::<Dimension>().as_ref(), Ok(dimension));
        }
        let prop = Dimension::Prop("plan: big".into());
        assert_eq!(prop.to_string().parse(), Ok(prop));
    }

    #[test]
    fn what_is_no_dimension_is_refused() {
        for text in ["", "page", "event:props:", "visit:moon", "time:decade"] {
            assert_eq!(text.parse::<Dimension>(), Err(UnknownDimension));
        }
    }
}
