//! Goals: which events reach them.

use pulsecast_protocol::stats::{Goal, GoalKind};
use pulsecast_server::event::{Event, Kind};

/// Whether this event reaches the goal.
pub fn reaches(event: &Event, goal: &Goal) -> bool {
    let hit = &event.hit;
    match &goal.kind {
        GoalKind::Page { path } => hit.kind == Kind::Pageview && fits(path, &hit.path),
        GoalKind::Event { event: name, props } => {
            matches!(hit.kind, Kind::Custom | Kind::CustomPassive)
                && hit.name == *name
                && props.iter().all(|(key, value)| hit.props.get(key) == Some(value))
        }
        GoalKind::Scroll { path, threshold } => {
            hit.kind == Kind::Engagement
                && hit.scroll_depth.is_some_and(|depth| depth >= *threshold)
                && fits(path, &hit.path)
        }
    }
}

/// Whether it is about reading, and thus about engagement events.
pub fn is_scroll(goal: &Goal) -> bool {
    matches!(goal.kind, GoalKind::Scroll { .. })
}

/// `*` stands for any characters but `/`, `**` for any.
pub fn fits(pattern: &str, path: &str) -> bool {
    if let Some(rest) = pattern.strip_prefix("**") {
        return ends(path).any(|end| fits(rest, end));
    }
    if let Some(rest) = pattern.strip_prefix('*') {
        let within = path.find('/').unwrap_or(path.len());
        return ends(path)
            .filter(|end| path.len() - end.len() <= within)
            .any(|end| fits(rest, end));
    }
    match (pattern.chars().next(), path.chars().next()) {
        (None, None) => true,
        (Some(a), Some(b)) if a == b => fits(&pattern[a.len_utf8()..], &path[b.len_utf8()..]),
        _ => false,
    }
}

/// The text without its first 0, 1, 2 … characters.
fn ends(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices()
        .map(|(at, _)| &text[at..])
        .chain(std::iter::once(""))
}

#[test]
fn stars_stand_for_what_the_page_says() {
    for (pattern, path, is) in [
        ("/blog/*", "/blog/a", true),
        ("/blog/*", "/blog/a/b", false),
        ("/blog/**", "/blog/a/b", true),
        ("/blog/*", "/blog/", true),
        ("/blog", "/blog/", false),
        ("**/end", "/a/b/end", true),
        ("/*/end", "/a/b/end", false),
        ("/a.b", "/axb", false),
    ] {
        assert_eq!(fits(pattern, path), is, "{pattern} {path}");
    }
}
