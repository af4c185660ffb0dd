//! Reads what people typed into a form: either it is right, or it says which field to look at again.

use pulsecast_protocol::{
    Domain, FieldErrors,
    account::{IpDisplay, OriginPolicy, SiteSettings},
    id::InvalidName,
};
use std::str::FromStr;

/// A site's domain.
///
/// # Errors
/// Under `domain`.
pub fn domain(text: &str) -> Result<Domain, FieldErrors> {
    text.parse()
        .map_err(|error: InvalidName| FieldErrors::one("domain", error.to_string()))
}

/// A site's settings, lists with one entry a line.
///
/// # Errors
/// Under the names of the fields that cannot be read.
pub fn settings(
    domain: Domain,
    timezone: &str,
    hostnames: &str,
    origins: &str,
    ip_display: &str,
    any_origin: Option<&str>,
) -> Result<SiteSettings, FieldErrors> {
    let mut errors = FieldErrors::default();
    let settings = SiteSettings {
        domain,
        timezone: timezone.trim().to_owned(),
        hostnames: lines("hostnames", hostnames, &mut errors),
        origins: lines("origins", origins, &mut errors),
        origin_policy: if any_origin.is_some() {
            OriginPolicy::Any
        } else {
            OriginPolicy::Listed
        },
        ip_display: match ip_display {
            "none" => IpDisplay::None,
            "whole" => IpDisplay::Whole,
            _ => IpDisplay::Shortened,
        },
    };
    if settings.timezone.is_empty() {
        errors.add("timezone", "choose a time zone, such as Europe/Berlin");
    }
    if errors.is_empty() {
        Ok(settings)
    } else {
        Err(errors)
    }
}

/// Checks that a deletion was meant.
///
/// # Errors
/// Under `confirm`.
pub fn confirmed(domain: &Domain, typed: &str) -> Result<(), FieldErrors> {
    if typed.trim().eq_ignore_ascii_case(domain.as_str()) {
        return Ok(());
    }
    Err(FieldErrors::one(
        "confirm",
        format!("type {domain} to delete the site"),
    ))
}

fn lines<T: FromStr<Err = InvalidName> + PartialEq>(
    field: &str,
    text: &str,
    errors: &mut FieldErrors,
) -> Vec<T> {
    let mut entries = Vec::new();
    for line in text
        .split(['\n', '\r', ',', ' '])
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        match line.parse::<T>() {
            Ok(entry) if entries.contains(&entry) => {}
            Ok(entry) => entries.push(entry),
            Err(error) => errors.add(field, error.to_string()),
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(hostnames: &str, origins: &str) -> Result<SiteSettings, FieldErrors> {
        settings(
            "example.com".parse().unwrap(),
            "Europe/Berlin",
            hostnames,
            origins,
            "none",
            None,
        )
    }

    #[test]
    fn lists_have_one_entry_a_line_and_none_twice() {
        let settings = read(
            "blog.example.com\r\n\r\n *.example.org \nblog.example.com",
            "http://localhost:8080",
        )
        .unwrap();
        assert_eq!(
            settings
                .hostnames
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["blog.example.com", "*.example.org"]
        );
        assert_eq!(settings.origins[0].as_str(), "http://localhost:8080");
        assert_eq!(
            (settings.ip_display, settings.origin_policy),
            (IpDisplay::None, OriginPolicy::Listed)
        );
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let errors = read("exa$mple", "localhost:8080").unwrap_err().errors;
        assert_eq!(errors.keys().collect::<Vec<_>>(), ["hostnames", "origins"]);
    }

    #[test]
    fn a_site_is_deleted_only_when_its_name_was_typed() {
        let domain: Domain = "example.com".parse().unwrap();
        assert!(confirmed(&domain, " Example.com ").is_ok());
        assert!(confirmed(&domain, "example.org").is_err() && confirmed(&domain, "").is_err());
    }
}
