//! Reads links, exclusions and retention as people type them.

use super::{
    goal::{checked_name, finished},
    lines,
};
use pulsecast_protocol::{
    FieldErrors,
    access::{Edited, LinkDraft, LinkEdit},
    account::Role,
    exclude::Exclusions,
    id::InvalidName,
};

/// Most days of a link or of history.
const DAYS: u32 = 3650;

/// A whole number of days; empty is none.
fn days(field: &str, text: &str, errors: &mut FieldErrors) -> Option<u32> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let days = text.parse().ok().filter(|days| (1..=DAYS).contains(days));
    if days.is_none() {
        errors.add(field, "write a number of days, 1 to 3650, or leave it empty");
    }
    days
}

/// What the form of a link sends.
///
/// # Errors
/// Under the names of the fields that cannot be read.
pub fn link(
    name: &str,
    password: &str,
    segment: &str,
    expires: &str,
    embed: bool,
) -> Result<LinkDraft, FieldErrors> {
    let mut errors = FieldErrors::default();
    let draft = LinkDraft {
        name: checked_name(name, &mut errors),
        password: Some(password.to_owned()).filter(|password| !password.is_empty()),
        segment: segment.parse().ok(),
        days: days("expires", expires, &mut errors).and_then(|days| days.try_into().ok()),
        embed,
    };
    check_password(password, &mut errors);
    finished(draft, errors)
}

fn check_password(password: &str, errors: &mut FieldErrors) {
    if !password.is_empty() && password.chars().count() < 10 {
        errors.add("password", "use a password of at least 10 characters, or none");
    }
}

/// What the form of a link that is there sends; what is empty stays as it is.
///
/// # Errors
/// Under the names of the fields that cannot be read.
pub fn link_edit(
    name: &str,
    password: &str,
    no_password: bool,
    expires: &str,
    never: bool,
) -> Result<LinkEdit, FieldErrors> {
    let mut errors = FieldErrors::default();
    let days = days("expires", expires, &mut errors).and_then(|days| days.try_into().ok());
    let edit = LinkEdit {
        name: checked_name(name, &mut errors),
        password: match (no_password, password) {
            (true, _) => Edited::Now(None),
            (false, "") => Edited::AsItIs,
            (false, password) => Edited::Now(Some(password.to_owned())),
        },
        days: match (never, days) {
            (true, _) => Edited::Now(None),
            (false, None) => Edited::AsItIs,
            (false, days) => Edited::Now(days),
        },
    };
    check_password(password, &mut errors);
    if no_password && !password.is_empty() {
        errors.add("password", "choose either a new password or none");
    }
    if never && !expires.trim().is_empty() {
        errors.add("expires", "choose either a number of days or no end");
    }
    finished(edit, errors)
}

/// What the form of exclusions sends; lists have one entry a line.
///
/// # Errors
/// Under the names of the lists that cannot be read.
pub fn exclusions(
    ips: &str,
    paths: &str,
    hostnames: &str,
    countries: &str,
) -> Result<Exclusions, FieldErrors> {
    let mut errors = FieldErrors::default();
    let lists = Exclusions {
        ips: lines("ips", ips, &mut errors),
        paths: lines("paths", paths, &mut errors),
        hostnames: lines("hostnames", hostnames, &mut errors),
        countries: lines("countries", countries, &mut errors),
    };
    finished(lists, errors)
}

/// For how many days events are kept; empty is for ever.
///
/// # Errors
/// Under `days`.
pub fn retention(text: &str) -> Result<Option<u32>, FieldErrors> {
    let mut errors = FieldErrors::default();
    let days = days("days", text, &mut errors);
    finished(days, errors)
}

/// The role of this name.
///
/// # Errors
/// When there is none.
pub fn role(text: &str) -> Result<Role, FieldErrors> {
    text.parse()
        .map_err(|error: InvalidName| FieldErrors::one("role", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_name_what_is_wrong_in_them() {
        let lists = exclusions("10.0.0.0/8\n::1", "/admin/**", "*.test.example", "de\nfr").unwrap();
        assert_eq!((lists.ips.len(), lists.countries[0].as_str()), (2, "DE"));
        let wrong = exclusions("office", "admin", "", "Germany").unwrap_err().errors;
        assert_eq!(
            wrong.into_keys().collect::<Vec<_>>(),
            ["countries", "ips", "paths"]
        );
    }

    #[test]
    fn a_link_may_go_without_password_and_end() {
        let draft = link(" For Bob ", "", "", "", false).unwrap();
        assert_eq!(
            (draft.name.as_str(), draft.password, draft.days),
            ("For Bob", None, None)
        );
        assert_eq!(link("x", "long enough", "3", "7", true).unwrap().days, Some(7));
        assert!(link("x", "short", "", "0", false).is_err());
        let kept = link_edit("x", "", false, "", false).unwrap();
        assert_eq!((kept.password, kept.days), (Edited::AsItIs, Edited::AsItIs));
        let open = link_edit("x", "", true, "", true).unwrap();
        assert_eq!((open.password, open.days), (Edited::Now(None), Edited::Now(None)));
        let both = link_edit("x", "long enough", true, "7", true).unwrap_err();
        assert_eq!(
            both.errors.into_keys().collect::<Vec<_>>(),
            ["expires", "password"]
        );
        assert_eq!(retention("").unwrap(), None);
        assert!(retention("-1").is_err());
    }
}
