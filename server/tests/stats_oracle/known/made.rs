//! How the known history was made: three days of a small shop's site in Berlin, the middle one the day on which clocks go forward. Its visitors
//! read a blog, look at prices, sign up and buy; some stay over midnight, some come back after half an hour, some only go on reading.

use super::super::{
    dice::Dice,
    history::{Arrival, History, Step},
};
use pulsecast_protocol::Timestamp;
use pulsecast_server::event::{Client, Hit, Kind, SiteId, Utm, VisitorId};
use std::collections::BTreeMap;

/// What a person comes with.
struct Person {
    number: u64,
    client: Client,
    way: Way,
}

/// How it found here.
#[derive(Clone)]
struct Way {
    referrer: Option<&'static str>,
    source: Option<&'static str>,
    medium: Option<&'static str>,
    channel: &'static str,
    utm: Utm,
}

fn way(referrer: &'static str, source: &'static str, medium: &'static str, channel: &'static str) -> Way {
    let there = |text: &'static str| (!text.is_empty()).then_some(text);
    Way {
        referrer: there(referrer),
        source: there(source),
        medium: there(medium),
        channel,
        utm: Utm::default(),
    }
}

fn ways() -> Vec<Way> {
    let tagged = |mut way: Way,
                  source: &str,
                  medium: &str,
                  campaign: &str,
                  content: Option<&str>,
                  term: Option<&str>| {
        way.utm = Utm {
            source: Some(source.to_owned()),
            medium: Some(medium.to_owned()),
            campaign: Some(campaign.to_owned()),
            content: content.map(ToOwned::to_owned),
            term: term.map(ToOwned::to_owned),
        };
        way
    };
    let direct = way("", "", "", "Direct");
    let google = way("https://google.com/", "Google", "organic", "Organic Search");
    let news = way(
        "https://news.ycombinator.com/",
        "Hacker News",
        "social",
        "Organic Social",
    );
    let post = tagged(
        way("", "newsletter", "email", "Email"),
        "newsletter",
        "email",
        "spring",
        Some("header"),
        None,
    );
    let paid = tagged(
        way("https://google.com/", "google", "cpc", "Paid Search"),
        "google",
        "cpc",
        "launch",
        None,
        Some("web analytics"),
    );
    let other = way(
        "https://blog.example.org/review",
        "blog.example.org",
        "referral",
        "Referral",
    );
    vec![
        direct.clone(),
        direct,
        google.clone(),
        google,
        news,
        post,
        paid,
        other,
    ]
}

fn clients() -> Vec<Client> {
    let client = |browser: (&str, &str),
                  os: (&str, &str),
                  device: &str,
                  screen: &str,
                  place: [&str; 3],
                  language: &str| {
        let there = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Client {
            browser: there(browser.0),
            browser_version: there(browser.1),
            os: there(os.0),
            os_version: there(os.1),
            device: there(device),
            screen: there(screen),
            country: there(place[0]),
            region: there(place[1]),
            city: there(place[2]),
            language: there(language),
        }
    };
    let berlin = ["DE", "DE-BE", "Berlin"];
    let munich = ["DE", "DE-BY", "Munich"];
    let york = ["US", "US-NY", "New York"];
    vec![
        client(
            ("Chrome", "123"),
            ("Windows", "10"),
            "Desktop",
            "xl",
            berlin,
            "de",
        ),
        client(
            ("Firefox", "124"),
            ("GNU/Linux", ""),
            "Desktop",
            "2xl",
            berlin,
            "de",
        ),
        client(("Safari", "17"), ("iOS", "17"), "Mobile", "xs", munich, "de"),
        client(("Chrome", "122"), ("Android", "14"), "Mobile", "xs", munich, "en"),
        client(("Safari", "17"), ("Mac", "14"), "Desktop", "lg", york, "en"),
        client(
            ("Chrome", "123"),
            ("Mac", "14"),
            "Desktop",
            "xl",
            ["US", "US-CA", "San Francisco"],
            "en",
        ),
        client(
            ("Safari", "16"),
            ("iOS", "16"),
            "Tablet",
            "md",
            ["FR", "", ""],
            "fr",
        ),
        client(
            ("Edge", "123"),
            ("Windows", "11"),
            "Desktop",
            "lg",
            ["", "", ""],
            "",
        ),
    ]
}

const PAGES: [&str; 9] = [
    "/",
    "/",
    "/pricing",
    "/blog/hello-world",
    "/blog/hello-world",
    "/blog/why-push",
    "/docs/install",
    "/docs/api/stats",
    "/about",
];

/// The history, before it has visits.
pub fn history() -> History {
    let dice = &mut Dice::new(20_260_328);
    // Midnight in Berlin, before the first of the three days.
    let first = Timestamp(1_774_652_400_000);
    let mut arrivals = Vec::new();
    for number in 1..=70 {
        let person = Person {
            number,
            client: dice.one(&clients()),
            way: dice.one(&ways()),
        };
        let day = dice.between(0, 2);
        // Most by day; every tenth stays over midnight in Berlin, another over that of UTC, where visitors get new names.
        let (minute, pages) = match number % 10 {
            0 => (23 * 60 + dice.between(50, 58), 4),
            5 => (dice.between(50, 58), 4),
            _ => (dice.between(8 * 60, 21 * 60), dice.one(&[1, 1, 1, 2, 2, 3, 4, 5])),
        };
        let start = first.plus(day * Timestamp::DAY + minute * Timestamp::MINUTE + dice.between(0, 59_999));
        comes(dice, &mut arrivals, &person, start, pages);
    }
    arrivals.sort_by_key(|arrival| arrival.at);
    let around = first;
    let mut steps: Vec<Step> = arrivals.into_iter().map(|a| Step::Arrives(Box::new(a))).collect();
    steps.push(Step::Swept);
    History {
        zone: super::ZONE,
        steps,
        now: around,
        around,
        rolled: false,
        imported: Vec::new(),
    }
}

/// One person's time on the site.
fn comes(dice: &mut Dice, arrivals: &mut Vec<Arrival>, person: &Person, start: Timestamp, pages: usize) {
    let mut at = start;
    let mut path = dice.one(&PAGES);
    for place in 0..pages {
        if place > 0 {
            path = dice.one(&PAGES);
        }
        happens(arrivals, person, at, Kind::Pageview, path, |hit| {
            if path.starts_with("/blog") {
                hit.props.insert(
                    "author".into(),
                    if path.ends_with('d') { "Ada" } else { "Grace" }.into(),
                );
            }
        });
        at = at.plus(dice.between(5, 240) * 1000);
        if dice.percent(60) {
            let (depth, engaged) = (dice.between(10, 100), dice.between(1_000, 180_000));
            happens(arrivals, person, at, Kind::Engagement, path, |hit| {
                hit.scroll_depth = u8::try_from(depth).ok();
                hit.engaged = u32::try_from(engaged).ok();
            });
            at = at.plus(dice.between(1, 30) * 1000);
        }
        done_there(dice, arrivals, person, at, path);
        at = at.plus(dice.between(1, 60) * 1000);
        if dice.percent(6) {
            // Long enough for the next page to be another visit.
            at = at.plus(31 * Timestamp::MINUTE);
        }
    }
}

/// What is done on a page beside looking at it.
fn done_there(dice: &mut Dice, arrivals: &mut Vec<Arrival>, person: &Person, at: Timestamp, path: &str) {
    let plan = dice.one(&["free", "team", "business"]);
    if path == "/pricing" && dice.percent(70) {
        happens(arrivals, person, at, Kind::Custom, path, |hit| {
            hit.name = "Signup".into();
            hit.props.insert("plan".into(), plan.into());
        });
        let amount = if plan == "team" { 19.0 } else { 49.5 };
        if plan != "free" && dice.percent(80) {
            happens(arrivals, person, at.plus(20_000), Kind::Custom, path, |hit| {
                hit.name = "Purchase".into();
                hit.props.insert("plan".into(), plan.into());
                hit.revenue = Some((amount, "EUR".into()));
            });
        }
    }
    if path == "/docs/install" && dice.percent(50) {
        happens(arrivals, person, at, Kind::Custom, path, |hit| {
            hit.name = "File Download".into();
            hit.props
                .insert("url".into(), "https://known.example/pulsecast.tar.gz".into());
        });
    }
    if dice.percent(8) {
        happens(arrivals, person, at, Kind::CustomPassive, path, |hit| {
            hit.name = "Toast shown".into()
        });
    }
}

fn happens(
    arrivals: &mut Vec<Arrival>,
    person: &Person,
    at: Timestamp,
    kind: Kind,
    path: &str,
    more: impl FnOnce(&mut Hit),
) {
    let way = &person.way;
    let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
    let mut hit = Hit {
        site: SiteId(1),
        at,
        kind,
        name: if kind == Kind::Engagement {
            "engagement"
        } else {
            "pageview"
        }
        .to_owned(),
        visitor: visitor(person.number, at.day()),
        visitor_before: Some(visitor(person.number, at.day() - 1)),
        hostname: "known.example".to_owned(),
        path: path.to_owned(),
        referrer: owned(way.referrer),
        source: owned(way.source),
        medium: owned(way.medium),
        channel: Some(way.channel.to_owned()),
        utm: way.utm.clone(),
        client: person.client.clone(),
        props: BTreeMap::new(),
        revenue: None,
        scroll_depth: None,
        engaged: None,
    };
    more(&mut hit);
    arrivals.push(Arrival { at, hit });
}

/// Another number each day of UTC, as a hash is.
fn visitor(person: u64, day: i64) -> VisitorId {
    VisitorId((person * 1_000_003 + day.cast_unsigned()).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
