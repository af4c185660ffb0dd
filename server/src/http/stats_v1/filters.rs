//! The old way to write filters, `visit:source==Google|Bing;event:page==/blog/**`, as the one of v2. `;` is and, `|` or, `!=` not, `*` any
//! characters; a backslash before `;`, `|` or `*` makes it an ordinary character.

use pulsecast_protocol::stats::{Goal, GoalKind};
use serde_json::{Value, json};

/// What Plausible calls a goal of this path where nobody called it anything else.
const VISIT: &str = "Visit ";

/// Translates a text of filters; `Err` says what is wrong with it.
pub(super) fn translate(text: &str, goals: &[Goal]) -> Result<Value, String> {
    let text = text.trim();
    if text.starts_with('[') {
        return serde_json::from_str(text)
            .map_err(|e| format!("are not JSON ({e}): write [[\"is\", \"event:page\", [\"/\"]]]"));
    }
    let parts = split(text, ';');
    let filters = parts
        .iter()
        .filter(|part| !part.trim().is_empty())
        .map(|part| one(part, goals));
    filters.collect::<Result<Vec<_>, _>>().map(Value::from)
}

fn one(part: &str, goals: &[Goal]) -> Result<Value, String> {
    let negated = part.find("!=");
    let plain = part.find("==");
    let (at, is_negated) = match (plain, negated) {
        (Some(plain), Some(not)) if not < plain => (not, true),
        (Some(plain), _) => (plain, false),
        (None, Some(not)) => (not, true),
        (None, None) => {
            return Err(format!(
                "`{part}` has neither == nor !=: write it like visit:source==Google"
            ));
        }
    };
    let name = part.get(..at).unwrap_or_default().trim();
    let values = split(part.get(at + 2..).unwrap_or_default().trim(), '|');
    let is_goal = name == "event:goal";
    let has_wildcard = values.iter().any(|value| split(value, '*').len() > 1);
    let operator = match (has_wildcard, is_negated) {
        (false, false) => "is",
        (false, true) => "is_not",
        (true, false) => "matches",
        (true, true) => "matches_not",
    };
    let value = |value: &String| {
        let value = value.trim();
        match has_wildcard {
            true => Ok(expression(value)),
            false if is_goal => goal(&plain_text(value), goals),
            false => Ok(plain_text(value)),
        }
    };
    let values: Vec<_> = values.iter().map(value).collect::<Result<_, _>>()?;
    Ok(json!([operator, name, values]))
}

/// A goal by its name, or a page goal by `Visit /its/path`.
fn goal(name: &str, goals: &[Goal]) -> Result<String, String> {
    if goals.iter().any(|goal| goal.name == name) {
        return Ok(name.to_owned());
    }
    let path = name.strip_prefix(VISIT);
    let by_path = goals
        .iter()
        .find(|goal| matches!(&goal.kind, GoalKind::Page { path: of } if Some(of.as_str()) == path));
    by_path.map(|goal| goal.name.clone()).ok_or_else(|| {
        format!("name the goal `{name}`, which this site does not have: add it in the site's settings, or name one that it has")
    })
}

/// Cuts at a mark that no backslash stands before; backslashes stay.
fn split(text: &str, mark: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == mark && !escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

/// The text that is meant: without the backslashes that keep marks from being marks.
fn plain_text(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(';' | '|' | '*') if c == '\\' => {}
            _ => plain.push(c),
        }
    }
    plain
}

/// A text with wildcards as a regular expression.
fn expression(text: &str) -> String {
    let pieces: Vec<_> = split(text, '*')
        .iter()
        .map(|piece| regex::escape(&plain_text(piece)))
        .collect();
    format!("^{}$", pieces.join(".*").replace(".*.*", ".*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goals() -> Vec<Goal> {
        let goal = |id, name: &str, kind| Goal {
            id,
            name: name.into(),
            kind,
            currency: None,
        };
        let event = GoalKind::Event {
            event: "signup".into(),
            props: Vec::new(),
        };
        let page = GoalKind::Page {
            path: "/register".into(),
        };
        vec![goal(1, "Signup", event), goal(2, "Registered", page)]
    }

    fn read(text: &str) -> Value {
        translate(text, &goals()).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn the_examples_of_plausibles_page_mean_what_they_say() {
        for (text, filters) in [
            ("", json!([])),
            ("event:goal==Signup", json!([["is", "event:goal", ["Signup"]]])),
            ("visit:country!=FR", json!([["is_not", "visit:country", ["FR"]]])),
            (
                "visit:source==Github|Twitter",
                json!([["is", "visit:source", ["Github", "Twitter"]]]),
            ),
            (
                "event:goal==Signup;visit:country==DE",
                json!([["is", "event:goal", ["Signup"]], ["is", "visit:country", ["DE"]]]),
            ),
            (
                "event:page==/blog/*",
                json!([["matches", "event:page", ["^/blog/.*$"]]]),
            ),
            (
                "event:page==/a|/b.c/**",
                json!([["matches", "event:page", ["^/a$", "^/b\\.c/.*$"]]]),
            ),
            (
                "visit:utm_campaign==campaign\\|one",
                json!([["is", "visit:utm_campaign", ["campaign|one"]]]),
            ),
            (
                "event:goal==Visit /register",
                json!([["is", "event:goal", ["Registered"]]]),
            ),
            (
                "event:props:path!=a==b",
                json!([["is_not", "event:props:path", ["a==b"]]]),
            ),
            (
                " [[\"is\", \"event:page\", [\"/\"]]]",
                json!([["is", "event:page", ["/"]]]),
            ),
        ] {
            assert_eq!(read(text), filters, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        let refused = |text: &str| translate(text, &goals()).unwrap_err();
        assert!(refused("visit:source=Google").contains("neither == nor !="));
        assert!(refused("event:goal==Nothing").contains("`Nothing`, which this site does not have"));
        assert!(refused("[[").contains("not JSON"));
    }
}
