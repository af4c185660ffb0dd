//! The stages between a request and the inbox: plain functions from one type to the next, so that a skipped stage does not compile.

use super::{DropReason, Outcome, Overload};
use crate::{
    enrich::{Agent, Agents, Cities, Countries, Page, Salts, channel, client, source},
    event::{Client, Hit, Kind},
    sites::{Site, Sites},
};
use pulsecast_protocol::{
    Domain, FieldErrors, Timestamp,
    beacon::{Beacon, ENGAGEMENT, PAGEVIEW},
};
use std::{net::IpAddr, sync::Arc};

/// What a request says besides its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Who it comes from, proxies seen through.
    pub ip: IpAddr,
    /// `User-Agent`.
    pub user_agent: String,
    /// `Accept-Language`.
    pub accept_language: Option<String>,
}

/// The tables that enrichment looks things up in. Cheap handles.
#[derive(Clone, Debug)]
pub struct Tables {
    /// User agents.
    pub agents: Agents,
    /// Countries.
    pub countries: Countries,
    /// Regions and cities, where there is a database of them.
    pub cities: Cities,
    /// Visitor salts.
    pub salts: Salts,
}

/// A report whose site is known and whose page is the site's.
struct Admitted {
    site: Arc<Site>,
    page: Page,
    beacon: Beacon,
}

/// An admitted report of a person.
struct Human {
    admitted: Admitted,
    agent: Arc<Agent>,
}

/// The stages, in their order.
pub(super) fn prepare(
    beacon: Beacon,
    domain: &str,
    sender: &Sender,
    sites: &Sites,
    tables: &Tables,
    now: Timestamp,
) -> Result<Hit, Outcome> {
    let admitted = admit(beacon, domain, sites)?;
    let human = reject_bots(admitted, sender, &tables.agents)?;
    let country = || {
        let place = tables.cities.of(sender.ip);
        place.country.or_else(|| tables.countries.of(sender.ip))
    };
    let wanted = exclude(human, sender, country)?;
    enrich(wanted, sender, tables, now)
}

/// Finds the site and checks that the page is its own.
fn admit(beacon: Beacon, domain: &str, sites: &Sites) -> Result<Admitted, Outcome> {
    let invalid = |field: &str, message: String| Outcome::Invalid(FieldErrors::one(field, message));
    let domain: Domain = domain.parse().map_err(|e| invalid("domain", format!("{e}")))?;
    let site = sites.get(&domain).ok_or_else(|| {
        Outcome::UnknownSite(FieldErrors::one(
            "domain",
            format!("`{domain}` is not a site of this server: add it on the dashboard, or correct data-site in the snippet"),
        ))
    })?;
    let page = Page::parse(&beacon.url, beacon.hash).map_err(|e| invalid("url", e.to_string()))?;
    if !site.settings.accepts_host(&page.hostname) {
        return Err(Outcome::Dropped(DropReason::Hostname));
    }
    Ok(Admitted { site, page, beacon })
}

/// Leaves out programs, counting them by name.
fn reject_bots(admitted: Admitted, sender: &Sender, agents: &Agents) -> Result<Human, Outcome> {
    let agent = agents.read(&sender.user_agent);
    match &agent.bot {
        Some(bot) => {
            metrics::counter!("pulsecast_bots_total", "bot" => bot.clone()).increment(1);
            Err(Outcome::Dropped(DropReason::Bot))
        }
        None => Ok(Human { admitted, agent }),
    }
}

/// A person's report that the site wants to count.
struct Wanted(Human);

/// Leaves out what the site's admins have listed. Addresses are compared here, before they are forgotten.
fn exclude(
    human: Human,
    sender: &Sender,
    country: impl FnOnce() -> Option<String>,
) -> Result<Wanted, Outcome> {
    let Admitted { site, page, .. } = &human.admitted;
    let lists = &site.settings.exclusions;
    let reason = if lists.is_empty() {
        None
    } else if lists.ips.iter().any(|range| range.contains(sender.ip)) {
        Some(DropReason::ExcludedIp)
    } else if lists
        .hostnames
        .iter()
        .any(|pattern| pattern.matches(&page.hostname))
    {
        Some(DropReason::ExcludedHostname)
    } else if lists.paths.iter().any(|pattern| pattern.matches(&page.path)) {
        Some(DropReason::ExcludedPath)
    } else if !lists.countries.is_empty()
        && let Some(country) = country()
        && lists.countries.iter().any(|code| code.as_str() == country)
    {
        Some(DropReason::ExcludedCountry)
    } else {
        None
    };
    match reason {
        Some(reason) => Err(Outcome::Dropped(reason)),
        None => Ok(Wanted(human)),
    }
}

/// Makes of it what is stored. The address ends here.
fn enrich(wanted: Wanted, sender: &Sender, tables: &Tables, now: Timestamp) -> Result<Hit, Outcome> {
    let Wanted(Human {
        admitted: Admitted { site, page, beacon },
        agent,
    }) = wanted;
    let at = now.plus(-beacon.age);
    let domain = site.settings.domain.as_str();
    let visitor = tables
        .salts
        .name(at, &sender.user_agent, sender.ip, domain, &page.hostname)
        .ok_or(Outcome::Overloaded(Overload::NoSalt))?;
    let from = source::source(beacon.referrer.as_deref(), &page.utm, |host| {
        host == page.hostname || site.settings.domain.as_str() == host
    });
    let place = tables.cities.of(sender.ip);
    Ok(Hit {
        site: site.id,
        at,
        kind: match (beacon.name.as_str(), beacon.interactive) {
            (PAGEVIEW, _) => Kind::Pageview,
            (ENGAGEMENT, _) => Kind::Engagement,
            (_, true) => Kind::Custom,
            (_, false) => Kind::CustomPassive,
        },
        name: beacon.name,
        visitor: visitor.today,
        visitor_before: visitor.before,
        hostname: page.hostname,
        path: page.path,
        referrer: from.referrer,
        channel: channel::channel(from.name.as_deref(), &page.utm, page.ad).map(str::to_owned),
        source: from.name,
        medium: from.medium,
        utm: page.utm,
        client: Client {
            browser: agent.browser.clone(),
            browser_version: agent.browser_version.clone(),
            os: agent.os.clone(),
            os_version: agent.os_version.clone(),
            device: agent.device.clone(),
            screen: beacon.screen_width.map(|width| client::screen(width).to_owned()),
            country: place.country.or_else(|| tables.countries.of(sender.ip)),
            region: place.region,
            city: place.city,
            language: sender.accept_language.as_deref().and_then(client::language),
        },
        props: beacon.props,
        revenue: beacon.revenue.map(|revenue| (revenue.amount, revenue.currency)),
        scroll_depth: beacon.scroll_depth,
        engaged: beacon.engaged,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::SiteId;
    use pulsecast_protocol::{account::SiteSettings, exclude::Exclusions};

    /// What becomes of a report from this address, of this page, at a site with these exclusions.
    fn outcome(lists: &str, ip: &str, url: &str) -> Option<DropReason> {
        let mut settings = SiteSettings::new("example.com".parse().unwrap());
        settings.hostnames.push("*.example.com".parse().unwrap());
        settings.exclusions = serde_json::from_str::<Exclusions>(lists).unwrap();
        let sites = Sites::default();
        sites.replace(vec![Site::new(SiteId(1), settings)]);
        let body = format!(r#"{{"n":"pageview","u":"{url}","d":"example.com"}}"#);
        let beacon = Beacon::parse(body.as_bytes()).unwrap();
        let admitted = admit(beacon, "example.com", &sites).ok().unwrap();
        let human = Human {
            admitted,
            agent: Arc::default(),
        };
        let sender = Sender {
            ip: ip.parse().unwrap(),
            user_agent: String::new(),
            accept_language: None,
        };
        let countries = Countries::embedded().unwrap();
        match exclude(human, &sender, || countries.of(sender.ip)) {
            Err(Outcome::Dropped(reason)) => Some(reason),
            _ => None,
        }
    }

    #[test]
    fn what_admins_have_listed_is_dropped_for_that_reason() {
        let home = "https://example.com/";
        let ips = r#"{"ips":["203.0.113.0/24","2001:db8::/32"]}"#;
        assert_eq!(outcome(ips, "203.0.113.9", home), Some(DropReason::ExcludedIp));
        assert_eq!(
            outcome(ips, "::ffff:203.0.113.9", home),
            Some(DropReason::ExcludedIp)
        );
        assert_eq!(outcome(ips, "203.0.114.9", home), None);
        let paths = r#"{"paths":["/admin/**"]}"#;
        assert_eq!(
            outcome(paths, "203.0.113.9", "https://example.com/admin/users?x=1"),
            Some(DropReason::ExcludedPath)
        );
        assert_eq!(outcome(paths, "203.0.113.9", home), None);
        let hosts = r#"{"hostnames":["staging.example.com"]}"#;
        assert_eq!(
            outcome(hosts, "203.0.113.9", "https://staging.example.com/"),
            Some(DropReason::ExcludedHostname)
        );
        let countries = r#"{"countries":["US"]}"#;
        assert_eq!(
            outcome(countries, "8.8.8.8", home),
            Some(DropReason::ExcludedCountry)
        );
        assert_eq!(
            outcome(countries, "127.0.0.1", home),
            None,
            "an unknown country is none"
        );
        assert_eq!(outcome("{}", "8.8.8.8", home), None);
    }
}
