//! Filters name goals; goals are renamed and removed. Which filters name one, and the same filters with its new name.

use pulsecast_protocol::stats::{Condition, Dimension, Filter, Operator, Subject};

fn is(condition: &Condition, value: &str, name: &str) -> bool {
    if condition.case_sensitive {
        value == name
    } else {
        value.to_lowercase() == name.to_lowercase()
    }
}

/// Whether this names goals one by one: what goals' names contain is true of whichever there are.
fn names_goals(condition: &Condition) -> bool {
    condition.subject == Subject::Dimension(Dimension::Goal)
        && matches!(condition.operator, Operator::Is | Operator::IsNot)
}

/// Whether the filter cannot be asked without the goal of this name.
#[must_use]
pub fn names(filter: &Filter, goal: &str) -> bool {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().any(|one| names(one, goal)),
        Filter::Not(one) | Filter::HasDone(one) | Filter::HasNotDone(one) => names(one, goal),
        Filter::Condition(condition) => {
            names_goals(condition) && condition.values.iter().any(|value| is(condition, value, goal))
        }
    }
}

/// Puts a goal's new name in the place of its old one; says whether that changed anything.
pub(super) fn rename(filter: &mut Filter, old: &str, new: &str) -> bool {
    match filter {
        Filter::And(all) | Filter::Or(all) => {
            let mut changed = false;
            for one in all {
                changed |= rename(one, old, new);
            }
            changed
        }
        Filter::Not(one) | Filter::HasDone(one) | Filter::HasNotDone(one) => rename(one, old, new),
        Filter::Condition(condition) => {
            if !names_goals(condition) {
                return false;
            }
            let mut changed = false;
            for place in 0..condition.values.len() {
                if is(condition, &condition.values[place], old) {
                    new.clone_into(&mut condition.values[place]);
                    changed = true;
                }
            }
            changed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> Filter {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_goal_is_found_wherever_a_filter_names_it_and_nowhere_else() {
        let deep = r#"["or",[["is","visit:country",["Signup"]],["has_not_done",["is_not","event:goal",["Buy","Signup"]]]]]"#;
        assert!(names(&filter(deep), "Signup") && names(&filter(deep), "Buy"));
        assert!(!names(&filter(deep), "signup"));
        assert!(!names(&filter(r#"["contains","event:goal",["Sign"]]"#), "Signup"));
        assert!(names(
            &filter(r#"["is","event:goal",["SIGNUP"],{"case_sensitive":false}]"#),
            "Signup"
        ));
    }

    #[test]
    fn a_renamed_goal_takes_the_filters_along_that_name_it() {
        let mut all = filter(
            r#"["and",[["is","event:goal",["Signup","Buy"]],["not",["is","event:goal",["Signup"]]],["is","event:page",["Signup"]]]]"#,
        );
        assert!(rename(&mut all, "Signup", "Join"));
        let after = filter(
            r#"["and",[["is","event:goal",["Join","Buy"]],["not",["is","event:goal",["Join"]]],["is","event:page",["Signup"]]]]"#,
        );
        assert_eq!(all, after);
        assert!(!rename(&mut all, "Signup", "Join"), "once");
    }
}
