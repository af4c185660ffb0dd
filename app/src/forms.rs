//! Reads what people typed into a form: either it is right, or it says which field to look at again.

pub mod access;
pub mod goal;
pub mod visitors;

use pulsecast_protocol::{
    Domain, FieldErrors,
    account::{IpDisplay, OriginPolicy, SiteSettings},
    api_key::{KeyReach, KeyRight},
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

/// What the settings form sends; lists have one entry a line.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// An IANA name.
    pub timezone: &'a str,
    /// Patterns.
    pub hostnames: &'a str,
    /// Origins.
    pub origins: &'a str,
    /// `none`, `shortened` or `whole`.
    pub ip_display: &'a str,
    /// There when the box is ticked.
    pub any_origin: Option<&'a str>,
}

impl Settings<'_> {
    /// The settings of this site, the ones that are not in the form as before.
    ///
    /// # Errors
    /// Under the names of the fields that cannot be read.
    pub fn read(self, before: SiteSettings) -> Result<SiteSettings, FieldErrors> {
        let mut errors = FieldErrors::default();
        let settings = SiteSettings {
            timezone: self.timezone.trim().to_owned(),
            hostnames: lines("hostnames", self.hostnames, &mut errors),
            origins: lines("origins", self.origins, &mut errors),
            origin_policy: policy(self.any_origin.is_some()),
            ip_display: shown(self.ip_display),
            ..before
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
}

/// What the box "accept any origin" means.
#[must_use]
pub fn policy(ticked: bool) -> OriginPolicy {
    if ticked {
        OriginPolicy::Any
    } else {
        OriginPolicy::Listed
    }
}

/// What the choice of how much of an address is shown means.
#[must_use]
pub fn shown(choice: &str) -> IpDisplay {
    match choice {
        "none" => IpDisplay::None,
        "whole" => IpDisplay::Whole,
        _ => IpDisplay::Shortened,
    }
}

/// What a new key is for, and where.
///
/// # Errors
/// Under `right`.
pub fn key(right: &str, reach: &str) -> Result<(KeyRight, KeyReach), FieldErrors> {
    let right = right
        .parse()
        .map_err(|error: InvalidName| FieldErrors::one("right", error.to_string()))?;
    let reach = if reach == "all_sites" {
        KeyReach::AllSites
    } else {
        KeyReach::Site
    };
    Ok((right, reach))
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
        let form = Settings {
            timezone: "Europe/Berlin",
            hostnames,
            origins,
            ip_display: "none",
            any_origin: None,
        };
        form.read(SiteSettings::new("example.com".parse().unwrap()))
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
