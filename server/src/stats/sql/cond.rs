//! Conditions as SQL. Each is true or false, never null, so that it may be negated.

use super::Builder;
use crate::stats::cond::{Case, Cond, How, Test};
use pulsecast_protocol::stats::Dimension;

/// What a condition is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// An event `e`.
    Event,
    /// A visit `v`.
    Visit,
    /// An imported figure `i`; only what has a column there can be asked.
    Import,
}

impl Of {
    /// What it is called in statements.
    pub(super) const fn alias(self) -> &'static str {
        match self {
            Self::Event => "e",
            Self::Visit => "v",
            Self::Import => "i",
        }
    }
}

/// Name of the event of an imported figure: the report of all visitors stands for pageviews.
pub(super) const IMPORTED_EVENT: &str = "coalesce(i.event, 'pageview')";

/// Where a dimension's value is.
enum Place {
    /// A column that always has text.
    Text(String),
    /// A column that may be null.
    Perhaps(String),
    /// A column that holds a path's number.
    Path(String),
    /// A column that holds a path's number or is null.
    PerhapsPath(String),
    /// With the event's visit.
    OfVisit,
}

/// The column of an attribute that visits and events have alike.
pub(super) fn attribute(dimension: &Dimension) -> Option<&'static str> {
    Some(match dimension {
        Dimension::Source => "source",
        Dimension::Referrer => "referrer",
        Dimension::Channel => "channel",
        Dimension::UtmSource => "utm_source",
        Dimension::UtmMedium => "utm_medium",
        Dimension::UtmCampaign => "utm_campaign",
        Dimension::UtmContent => "utm_content",
        Dimension::UtmTerm => "utm_term",
        Dimension::Device => "device",
        Dimension::Browser => "browser",
        Dimension::BrowserVersion => "browser_version",
        Dimension::Os => "os",
        Dimension::OsVersion => "os_version",
        Dimension::Country => "country",
        Dimension::Region => "region",
        Dimension::City => "city",
        Dimension::Language => "language",
        Dimension::Screen => "screen",
        _ => return None,
    })
}

/// A property's place in the JSON of all: a JSON pointer, which can name any key.
pub(super) fn pointer(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

pub(super) fn either(parts: &[String]) -> String {
    match parts {
        [] => "false".to_owned(),
        [one] => one.clone(),
        several => format!("({})", several.join(" or ")),
    }
}

impl Builder<'_> {
    /// The condition, asked of an event or a visit.
    pub(super) fn cond(&mut self, cond: &Cond, of: Of) -> String {
        match cond {
            Cond::All(conds) if conds.is_empty() => "true".to_owned(),
            Cond::All(conds) => {
                let parts: Vec<String> = conds.iter().map(|cond| self.cond(cond, of)).collect();
                format!("({})", parts.join(" and "))
            }
            Cond::Any(conds) => {
                let parts: Vec<String> = conds.iter().map(|cond| self.cond(cond, of)).collect();
                either(&parts)
            }
            Cond::Not(cond) => format!("not ({})", self.cond(cond, of)),
            Cond::Done(cond) => {
                let events = self.visits_of_events(cond);
                format!("{}.visit in ({events})", of.alias())
            }
            Cond::Goals(which, _) => {
                let parts: Vec<String> = which.iter().map(|place| self.reached(*place)).collect();
                either(&parts)
            }
            Cond::Test(test) => self.test(test, of),
        }
    }

    /// Visits that have, in the span, an event that counts under the condition and for which it is true: a select.
    pub(super) fn visits_of_events(&mut self, cond: &Cond) -> String {
        let (span, counted, cond) = (
            self.events_in_span(),
            self.counted(cond),
            self.cond(cond, Of::Event),
        );
        format!("select e.visit from events e where {span} and {counted} and {cond}")
    }

    /// Whether an event `e` counts under this condition.
    pub(super) fn counted(&mut self, cond: &Cond) -> String {
        let scroll = cond.scroll_goals(self.goals);
        let mut parts = vec!["e.kind <> 'engagement'".to_owned()];
        parts.extend(scroll.into_iter().map(|place| self.reached(place)));
        either(&parts)
    }

    fn place(&mut self, dimension: &Dimension, of: Of) -> Place {
        if let Some(column) = attribute(dimension) {
            return Place::Perhaps(format!("{}.{column}", of.alias()));
        }
        match (dimension, of) {
            (Dimension::EventName, Of::Import) => Place::Text(IMPORTED_EVENT.to_owned()),
            (Dimension::Hostname, Of::Import) => Place::Perhaps("i.hostname".to_owned()),
            (_, Of::Import) => Place::Perhaps("i.page".to_owned()),
            (Dimension::EventName, _) => Place::Text("e.name".to_owned()),
            (Dimension::Hostname, _) => Place::Text("e.hostname".to_owned()),
            (Dimension::Page, _) => Place::Path("e.path".to_owned()),
            (Dimension::Prop(key), _) => {
                let pointer = self.text(&pointer(key));
                Place::Perhaps(format!("json_extract_string(e.props, {pointer})"))
            }
            (_, Of::Event) => Place::OfVisit,
            (Dimension::EntryPage, Of::Visit) => Place::PerhapsPath("v.entry_path".to_owned()),
            (Dimension::ExitPage, Of::Visit) => Place::PerhapsPath("v.exit_path".to_owned()),
            (Dimension::EntryHostname, Of::Visit) => Place::Perhaps("v.entry_hostname".to_owned()),
            (_, Of::Visit) => Place::Perhaps("v.exit_hostname".to_owned()),
        }
    }

    fn test(&mut self, test: &Test, of: Of) -> String {
        let label = test.dimension.none_label();
        match self.place(&test.dimension, of) {
            Place::Text(column) => self.compare(&column, test),
            Place::Perhaps(column) => match fits_label(test, label) {
                Some(true) => format!("({column} is null or {})", self.compare(&column, test)),
                Some(false) => format!("({column} is not null and {})", self.compare(&column, test)),
                None => self.compare(&format!("coalesce({column}, '{label}')"), test),
            },
            Place::Path(column) => {
                let paths = self.compare("p.path", test);
                format!("{column} in (select p.id from paths p where {paths})")
            }
            Place::PerhapsPath(column) => {
                let paths = self.compare("p.path", test);
                let otherwise = self.compare(&format!("'{label}'"), test);
                format!(
                    "case when {column} is null then {otherwise} else {column} in (select p.id from paths p where {paths}) end"
                )
            }
            Place::OfVisit => {
                let visits = self.visits();
                let test = self.test(test, Of::Visit);
                format!("e.visit in (select v.visit from {visits} v where {test})")
            }
        }
    }

    /// Whether a text compares so; null if it is null.
    pub(super) fn compare(&mut self, text: &str, test: &Test) -> String {
        let fold = |text: &str| match test.case {
            Case::Matters => text.to_owned(),
            Case::Ignored => format!("lower({text})"),
        };
        let values: Vec<String> = test.values.iter().map(|value| self.text(value)).collect();
        let folded = fold(text);
        match test.how {
            How::Is => match values.as_slice() {
                [value] => format!("{folded} = {}", fold(value)),
                values => {
                    let values: Vec<String> = values.iter().map(|value| fold(value)).collect();
                    format!("{folded} in ({})", values.join(", "))
                }
            },
            How::Contains => {
                let parts: Vec<String> = values
                    .iter()
                    .map(|value| format!("contains({folded}, {})", fold(value)))
                    .collect();
                either(&parts)
            }
            How::Matches => {
                let options = if test.case == Case::Ignored { ", 'i'" } else { "" };
                let parts: Vec<String> = values
                    .iter()
                    .map(|value| format!("regexp_matches({text}, {value}{options})"))
                    .collect();
                either(&parts)
            }
        }
    }
}

/// Whether the label of what has no value compares so; `None` if the engine has to say.
fn fits_label(test: &Test, label: &str) -> Option<bool> {
    let fold = |text: &str| match test.case {
        Case::Matters => text.to_owned(),
        Case::Ignored => text.to_lowercase(),
    };
    let label = fold(label);
    match test.how {
        How::Is => Some(test.values.iter().any(|value| fold(value) == label)),
        How::Contains => Some(test.values.iter().any(|value| label.contains(&fold(value)))),
        How::Matches => None,
    }
}
