//! Which events reach which goals, as SQL.

use super::{Builder, cond::pointer};
use pulsecast_protocol::stats::{Goal, GoalKind};

/// A path with wildcards as a regular expression of the whole path; `None` without any.
fn pattern(path: &str) -> Option<String> {
    if !path.contains('*') {
        return None;
    }
    let parts = path.split("**").map(|part| {
        let pieces: Vec<String> = part.split('*').map(regex::escape).collect();
        pieces.join("[^/]*")
    });
    Some(parts.collect::<Vec<_>>().join(".*"))
}

impl Builder<'_> {
    /// Paths that a goal's path names: the condition on `p.path`.
    fn path_is(&mut self, path: &str) -> String {
        match pattern(path) {
            Some(pattern) => format!("regexp_full_match(p.path, {}, 's')", self.text(&pattern)),
            None => format!("p.path = {}", self.text(path)),
        }
    }

    fn goal(&self, place: usize) -> Option<&Goal> {
        self.goals.get(place)
    }

    /// Whether an event `e` reaches the goal; never null.
    pub(super) fn reached(&mut self, place: usize) -> String {
        match self.goal(place).cloned() {
            Some(goal) => self.reaches(&goal),
            None => "false".to_owned(),
        }
    }

    /// Whether an event `e` reaches a goal, of the site or not; never null.
    pub(super) fn reaches(&mut self, goal: &Goal) -> String {
        match &goal.kind {
            GoalKind::Page { path } => {
                let path = self.path_is(path);
                format!("(e.kind = 'pageview' and e.path in (select p.id from paths p where {path}))")
            }
            GoalKind::Event { event, props } => {
                let name = self.text(event);
                let props = self.has_props(props);
                format!("(e.kind in ('custom', 'passive') and e.name = {name}{props})")
            }
            GoalKind::Scroll { path, threshold } => {
                let path = self.path_is(path);
                format!(
                    "(e.kind = 'engagement' and coalesce(e.scroll_depth, 0) >= {threshold} and e.path in (select p.id from paths p where {path}))"
                )
            }
        }
    }

    fn has_props(&mut self, props: &[(String, String)]) -> String {
        props
            .iter()
            .map(|(key, value)| {
                let (key, value) = (self.text(&pointer(key)), self.text(value));
                format!(" and coalesce(json_extract_string(e.props, {key}) = {value}, false)")
            })
            .collect()
    }

    /// Pairs of events `e` and goals `g.goal` that they reach: pieces of `from … where …`, each complete.
    pub(super) fn reaching(&mut self, kinds: Kinds) -> Vec<(String, String)> {
        let (mut pages, mut events, mut scrolls) = (Vec::new(), Vec::new(), Vec::new());
        let mut conditions = String::new();
        for place in 0..self.goals.len() {
            let Some(goal) = self.goal(place).cloned() else {
                continue;
            };
            let name = self.text(&goal.name);
            match goal.kind {
                GoalKind::Page { path } => {
                    let path = self.path_is(&path);
                    pages.push(format!(
                        "select p.id, {name}::varchar as goal from paths p where {path}"
                    ));
                }
                GoalKind::Scroll { path, threshold } => {
                    let path = self.path_is(&path);
                    scrolls.push(format!(
                        "select p.id, {name}::varchar as goal, {threshold} as threshold from paths p where {path}"
                    ));
                }
                GoalKind::Event { event, props } => {
                    let event = self.text(&event);
                    events.push(format!("({place}, {event}::varchar, {name}::varchar)"));
                    let props = self.has_props(&props);
                    if !props.is_empty() {
                        conditions += &format!(" when {place} then true{props}");
                    }
                }
            }
        }
        let mut pieces = Vec::new();
        if kinds == Kinds::Counted && !pages.is_empty() {
            pieces.push((
                format!("join ({}) g on g.id = e.path", pages.join(" union all ")),
                "e.kind = 'pageview'".to_owned(),
            ));
        }
        if kinds == Kinds::Counted && !events.is_empty() {
            let conditions = if conditions.is_empty() {
                String::new()
            } else {
                format!(" and case g.place{conditions} else true end")
            };
            pieces.push((
                format!(
                    "join (select * from (values {}) t(place, name, goal)) g on g.name = e.name",
                    events.join(", ")
                ),
                format!("e.kind in ('custom', 'passive'){conditions}"),
            ));
        }
        if !scrolls.is_empty() {
            pieces.push((
                format!("join ({}) g on g.id = e.path", scrolls.join(" union all ")),
                "e.kind = 'engagement' and e.scroll_depth >= g.threshold".to_owned(),
            ));
        }
        pieces
    }
}

/// Which events are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    /// Counted events, and engagement events as far as they reach scroll goals.
    Counted,
    /// Engagement events.
    Engagement,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_star_stops_at_a_slash_and_two_do_not() {
        assert_eq!(pattern("/a.b"), None);
        assert_eq!(pattern("/blog/*"), Some("/blog/[^/]*".into()));
        assert_eq!(pattern("/**/x.html"), Some(r"/.*/x\.html".into()));
    }
}
