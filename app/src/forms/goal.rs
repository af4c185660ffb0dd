//! Reads goals, funnels and segments as people type them.

use pulsecast_protocol::{
    FieldErrors,
    access::{GoalDraft, SegmentDraft},
    stats::{Filter, Funnel, GoalKind},
};

/// Most characters of a name.
const NAME: usize = 120;
/// Most conditions of a goal.
const PROPS: usize = 10;

/// What the form of a goal sends.
#[derive(Clone, Copy, Debug)]
pub struct GoalForm<'a> {
    /// `page`, `event` or `scroll`.
    pub kind: &'a str,
    /// What it is called; may be empty.
    pub name: &'a str,
    /// Of pages and scrolling.
    pub path: &'a str,
    /// The custom event's name.
    pub event: &'a str,
    /// One `property=value` a line.
    pub props: &'a str,
    /// In percent.
    pub threshold: &'a str,
    /// May be empty.
    pub currency: &'a str,
}

impl GoalForm<'_> {
    /// The goal.
    ///
    /// # Errors
    /// Under the names of the fields that cannot be read.
    pub fn read(self) -> Result<GoalDraft, FieldErrors> {
        let mut errors = FieldErrors::default();
        let (kind, usual) = match self.kind {
            "event" => self.event(&mut errors),
            "scroll" => self.scroll(&mut errors),
            _ => {
                let path = path(self.path, &mut errors);
                (GoalKind::Page { path: path.clone() }, format!("Visit {path}"))
            }
        };
        let name = match self.name.trim() {
            "" => usual,
            name => name.to_owned(),
        };
        let name = checked_name(&name, &mut errors);
        let currency = self.currency.trim().to_ascii_uppercase();
        let is_code = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
        if !currency.is_empty() && !is_code {
            errors.add("currency", "write a currency by its three letters, such as EUR");
        }
        if !currency.is_empty() && !matches!(kind, GoalKind::Event { .. }) {
            errors.add("currency", "only custom events bring revenue");
        }
        finished(
            GoalDraft {
                name,
                kind,
                currency: Some(currency).filter(|currency| !currency.is_empty()),
            },
            errors,
        )
    }

    fn event(self, errors: &mut FieldErrors) -> (GoalKind, String) {
        let event = self.event.trim();
        if event.is_empty() || event.chars().count() > NAME {
            errors.add(
                "event",
                "write the event’s name, 1 to 120 characters, such as Signup",
            );
        }
        if matches!(event, "pageview" | "engagement") {
            errors.add(
                "event",
                "pageviews and engagement are no custom events: choose another kind of goal",
            );
        }
        let lines = self.props.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut props = Vec::new();
        for line in lines {
            match line.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() && !value.trim().is_empty() => {
                    props.push((key.trim().to_owned(), value.trim().to_owned()));
                }
                _ => errors.add("props", "write one property a line, such as plan=team"),
            }
        }
        if props.len() > PROPS {
            errors.add("props", "a goal has at most ten conditions");
        }
        let kind = GoalKind::Event {
            event: event.to_owned(),
            props,
        };
        (kind, event.to_owned())
    }

    fn scroll(self, errors: &mut FieldErrors) -> (GoalKind, String) {
        let path = path(self.path, errors);
        let threshold = self
            .threshold
            .trim()
            .trim_end_matches('%')
            .trim()
            .parse()
            .unwrap_or(0);
        if !(1..=100).contains(&threshold) {
            errors.add("threshold", "write how far down, in percent: 1 to 100");
        }
        let usual = format!("Scroll {threshold}% on {path}");
        (GoalKind::Scroll { path, threshold }, usual)
    }
}

fn path(text: &str, errors: &mut FieldErrors) -> String {
    let path = text.trim();
    if !path.starts_with('/') && !path.starts_with("**")
        || path.len() > 500
        || path.chars().any(char::is_control)
    {
        errors.add(
            "path",
            "start the path with /, such as /blog/** (* is any part of a name, ** anything)",
        );
    }
    path.to_owned()
}

/// A name of something, trimmed.
pub(super) fn checked_name(text: &str, errors: &mut FieldErrors) -> String {
    let name = text.trim();
    let length = name.chars().count();
    if length == 0 || length > NAME || name.chars().any(char::is_control) {
        errors.add("name", "write a name of 1 to 120 characters");
    }
    name.to_owned()
}

pub(super) fn finished<T>(value: T, errors: FieldErrors) -> Result<T, FieldErrors> {
    if errors.is_empty() { Ok(value) } else { Err(errors) }
}

/// A funnel's name and steps; empty steps are left out.
///
/// # Errors
/// Under `name` or `steps`.
pub fn funnel(name: &str, steps: &[String]) -> Result<(String, Vec<i64>), FieldErrors> {
    let mut errors = FieldErrors::default();
    let name = checked_name(name, &mut errors);
    let steps: Vec<i64> = steps.iter().filter_map(|step| step.parse().ok()).collect();
    if !(Funnel::LEAST..=Funnel::MOST).contains(&steps.len()) {
        errors.add("steps", "choose two to eight goals");
    }
    let mut seen = steps.clone();
    seen.sort_unstable();
    seen.dedup();
    if seen.len() != steps.len() {
        errors.add("steps", "choose each goal once");
    }
    finished((name, steps), errors)
}

/// Filters: a list as the Stats API writes it.
///
/// # Errors
/// Under `filters`.
pub fn filters(text: &str) -> Result<Vec<Filter>, FieldErrors> {
    let mut errors = FieldErrors::default();
    let filters = filters_of(text, &mut errors);
    finished(filters, errors)
}

fn filters_of(text: &str, errors: &mut FieldErrors) -> Vec<Filter> {
    let read: Option<Vec<Filter>> = serde_json::from_str(text).ok();
    let wrong = match &read {
        None => Some(
            "write a list of filters as the Stats API does, such as [[\"is\", \"visit:country\", [\"DE\"]]]",
        ),
        Some(filters) if filters.is_empty() => Some("a segment has at least one filter"),
        Some(_) => None,
    };
    if let Some(wrong) = wrong {
        errors.add("filters", wrong);
    }
    read.unwrap_or_default()
}

/// A segment's name and filters: a list as the Stats API writes it.
///
/// # Errors
/// Under `name` or `filters`.
pub fn segment(name: &str, filters: &str, shared: bool) -> Result<SegmentDraft, FieldErrors> {
    let mut errors = FieldErrors::default();
    let name = checked_name(name, &mut errors);
    let filters = filters_of(filters, &mut errors);
    finished(
        SegmentDraft {
            name,
            shared,
            filters,
        },
        errors,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: GoalForm<'_> = GoalForm {
        kind: "page",
        name: "",
        path: "",
        event: "",
        props: "",
        threshold: "",
        currency: "",
    };

    #[test]
    fn a_goal_without_a_name_gets_the_usual_one() {
        let page = GoalForm {
            path: "/thanks",
            ..EMPTY
        };
        assert_eq!(page.read().unwrap().name, "Visit /thanks");
        let scroll = GoalForm {
            kind: "scroll",
            path: "/blog/**",
            threshold: "75 %",
            ..EMPTY
        };
        assert_eq!(scroll.read().unwrap().name, "Scroll 75% on /blog/**");
        let event = GoalForm {
            kind: "event",
            event: "Signup",
            props: "plan=team\n\n size = xl",
            ..EMPTY
        };
        let event = event.read().unwrap();
        let props = [("plan", "team"), ("size", "xl")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(event.name, "Signup");
        assert_eq!(
            event.kind,
            GoalKind::Event {
                event: "Signup".into(),
                props: props.into()
            }
        );
    }

    #[test]
    fn what_cannot_be_a_goal_says_which_field_is_wrong() {
        let wrong = |form: GoalForm<'_>| form.read().unwrap_err().errors.into_keys().collect::<Vec<_>>();
        assert_eq!(wrong(EMPTY), ["path"]);
        assert_eq!(
            wrong(GoalForm {
                kind: "event",
                props: "plan",
                ..EMPTY
            }),
            ["event", "name", "props"]
        );
        assert_eq!(
            wrong(GoalForm {
                kind: "scroll",
                path: "/",
                threshold: "0",
                ..EMPTY
            }),
            ["threshold"]
        );
        assert_eq!(
            wrong(GoalForm {
                path: "/",
                currency: "EUR",
                ..EMPTY
            }),
            ["currency"]
        );
    }

    #[test]
    fn a_funnel_has_two_to_eight_different_goals() {
        let steps = |ids: &[&str]| funnel("Buy", &ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
        assert_eq!(steps(&["1", "", "2"]).unwrap().1, [1, 2]);
        assert!(steps(&["1", ""]).is_err() && steps(&["1", "1"]).is_err());
        assert!(steps(&["1", "2", "3", "4", "5", "6", "7", "8", "9"]).is_err());
    }
}
