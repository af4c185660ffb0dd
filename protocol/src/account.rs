//! Who signs in, which sites there are and how they are set up.

use crate::{
    exclude::Exclusions,
    id::{Domain, HostPattern, InvalidName, Origin},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Who is looking at the dashboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// The address they sign in with.
    pub email: String,
}

/// What a member of a site may do; each may all that the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// See the dashboard.
    Viewer,
    /// Also set up goals, funnels and shared segments.
    Editor,
    /// Also change settings, members, keys and links, import, export and delete data.
    Admin,
    /// Also remove the site and make others owners.
    Owner,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Editor, Self::Admin, Self::Owner];

    /// Its name on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| InvalidName("a role is owner, admin, editor or viewer".into()))
    }
}

/// How much of a visitor's address the event stream shows. It is never stored; it lives in the 30-minute window only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IpDisplay {
    /// Nothing.
    None,
    /// The network: `203.0.113.0`, `2001:db8:1::`.
    #[default]
    Shortened,
    /// All of it. Personal data under the GDPR: the site's privacy notice has to say so.
    Whole,
}

/// Whose pages may report events, open sockets and read counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OriginPolicy {
    /// Only the site's own hostnames and the origins it lists.
    #[default]
    Listed,
    /// Every page anywhere, files from disk (`Origin: null`) included. For trying things out.
    Any,
}

/// All that the owner decides about a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteSettings {
    /// What identifies it.
    pub domain: Domain,
    /// IANA name such as `Europe/Berlin`: where its days begin.
    pub timezone: String,
    /// Hostnames accepted beside the domain itself and its `www.` form.
    pub hostnames: Vec<HostPattern>,
    /// Origins that may open sockets beside `http(s)://` of the accepted hostnames on default ports.
    pub origins: Vec<Origin>,
    /// Whether strangers are rejected.
    pub origin_policy: OriginPolicy,
    /// What the event stream shows of an address.
    pub ip_display: IpDisplay,
    /// What is not counted.
    #[serde(default, skip_serializing_if = "Exclusions::is_empty")]
    pub exclusions: Exclusions,
    /// Days after which events are deleted; `None` keeps them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
}

impl SiteSettings {
    /// A new site's defaults.
    #[must_use]
    pub fn new(domain: Domain) -> Self {
        Self {
            domain,
            timezone: "UTC".to_owned(),
            hostnames: Vec::new(),
            origins: Vec::new(),
            origin_policy: OriginPolicy::default(),
            ip_display: IpDisplay::default(),
            exclusions: Exclusions::default(),
            retention_days: None,
        }
    }

    /// Whether an event that says it happened on `host` (lowercase, no port) is the site's.
    #[must_use]
    pub fn accepts_host(&self, host: &str) -> bool {
        self.origin_policy == OriginPolicy::Any || self.names_host(host)
    }

    fn names_host(&self, host: &str) -> bool {
        host == self.domain.as_str()
            || host.strip_prefix("www.") == Some(self.domain.as_str())
            || self.hostnames.iter().any(|pattern| pattern.matches(host))
    }

    /// Whether a page of this origin may open a socket for the site and read its public channels. Exact: a listed origin, or an
    /// accepted hostname on its scheme's default port. `None` is a request without `Origin`, which no browser page makes.
    #[must_use]
    pub fn accepts_origin(&self, origin: &Origin) -> bool {
        self.origin_policy == OriginPolicy::Any || self.names_origin(origin)
    }

    /// Whether the site's settings name this origin, whatever else they let in: where a visitor's cookies are at stake, "any page
    /// anywhere" is not meant.
    #[must_use]
    pub fn names_origin(&self, origin: &Origin) -> bool {
        if self.origins.contains(origin) {
            return true;
        }
        match (origin.host(), origin.authority()) {
            (Some(host), Some(authority)) => host == authority && self.names_host(host),
            _ => false,
        }
    }
}

/// A site as its owner's list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteSummary {
    /// What identifies it.
    pub domain: Domain,
    /// Whether an event has ever arrived.
    pub has_events: bool,
    /// What moves: the same snapshot that its live page starts from, with its position.
    pub live: crate::live::LiveState,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> SiteSettings {
        let mut site = SiteSettings::new("example.com".parse().unwrap());
        site.hostnames.push("*.example.org".parse().unwrap());
        site.origins.push("http://localhost:8080".parse().unwrap());
        site
    }

    #[test]
    fn a_foreign_hostname_is_not_the_sites() {
        let site = site();
        for host in ["example.com", "www.example.com", "blog.example.org"] {
            assert!(site.accepts_host(host), "{host}");
        }
        for host in [
            "evil.com",
            "example.com.evil.com",
            "wwwexample.com",
            "example.org",
        ] {
            assert!(!site.accepts_host(host), "{host}");
        }
    }

    #[test]
    fn an_origin_is_compared_exactly() {
        let site = site();
        let accepts = |o: &str| site.accepts_origin(&o.parse().unwrap());
        assert!(accepts("https://example.com") && accepts("http://localhost:8080"));
        assert!(!accepts("https://example.com:8443") && !accepts("http://localhost") && !accepts("null"));
    }

    #[test]
    fn any_origin_takes_in_pages_from_disk() {
        let mut site = site();
        site.origin_policy = OriginPolicy::Any;
        assert!(site.accepts_origin(&"null".parse().unwrap()) && site.accepts_host("anything"));
        assert!(!site.names_origin(&"https://anything".parse().unwrap()));
        assert!(site.names_origin(&"https://www.example.com".parse().unwrap()));
    }
}
