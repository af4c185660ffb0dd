//! Random histories: few visitors, pages and sources, so that much collides; around midnights, clock changes and the 30 minutes that end
//! a visit. They go through the real sessions and the real store.

use super::dice::Dice;
use chrono_tz::Tz;
use pulsecast_protocol::Timestamp;
use pulsecast_server::event::{Client, Event, Hit, Kind, SiteId, Utm, VisitorId};
use pulsecast_server::sessions::{Sessions, Visit};
use pulsecast_server::store::Batch;
use std::collections::BTreeMap;

/// What happens, one after the other.
#[derive(Clone, Debug)]
pub enum Step {
    /// An event arrives.
    Arrives(Box<Arrival>),
    /// What waits is put into the store.
    Stored,
    /// Visits that have ended by now are looked for, and all is put into the store.
    Swept,
}

/// An event and when it came.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub at: Timestamp,
    pub hit: Hit,
}

/// Everything that happens to a server, and the time at which it is asked.
#[derive(Clone, Debug)]
pub struct History {
    pub zone: Tz,
    pub steps: Vec<Step>,
    pub now: Timestamp,
    /// The instant it is laid around.
    pub around: Timestamp,
    /// Whether days are summed up, in the middle and at the end.
    pub rolled: bool,
    /// What was imported as figures.
    pub imported: Vec<super::imported::Row>,
}

/// Zones, and moments in them at which something is the matter.
const MOMENTS: [(Tz, &str); 16] = [
    (Tz::Europe__Berlin, "2025-10-26T01:00:00Z"),
    (Tz::Europe__Berlin, "2026-03-29T01:00:00Z"),
    (Tz::America__New_York, "2025-11-02T06:00:00Z"),
    (Tz::America__New_York, "2026-03-08T07:00:00Z"),
    (Tz::Asia__Kolkata, "2026-02-28T18:30:00Z"),
    (Tz::Pacific__Chatham, "2025-09-27T14:00:00Z"),
    (Tz::Pacific__Chatham, "2026-04-04T14:00:00Z"),
    (Tz::Australia__Lord_Howe, "2025-10-04T15:30:00Z"),
    (Tz::Australia__Lord_Howe, "2026-04-04T15:00:00Z"),
    // Midnight comes twice, or not at all.
    (Tz::America__Havana, "2025-11-02T05:00:00Z"),
    (Tz::America__Havana, "2026-03-08T05:00:00Z"),
    (Tz::Africa__Cairo, "2026-04-23T22:00:00Z"),
    (Tz::America__Santiago, "2026-04-05T03:00:00Z"),
    (Tz::UTC, "2024-02-29T00:00:00Z"),
    (Tz::UTC, "2025-12-31T23:30:00Z"),
    (Tz::Pacific__Kiritimati, "2025-12-31T10:00:00Z"),
];

pub const PATHS: [&str; 9] = [
    "/",
    "/blog/a",
    "/blog/b",
    "/Blog/A",
    "/blog/a/b",
    "/preis%",
    "/über 'uns'",
    "/a.b",
    "/app#/x",
];
pub const HOSTS: [&str; 2] = ["example.com", "blog.example.com"];
pub const SOURCES: [&str; 4] = ["Google", "google", "Hacker News", "t.co"];
pub const REFERRERS: [&str; 3] = [
    "https://google.com/",
    "https://news.ycombinator.com/item",
    "https://t.co/x",
];
pub const TAGS: [&str; 6] = ["spring", "Spring", "email", "a_b", "O'Reilly; --", "\\\"$1 %s"];
pub const BROWSERS: [&str; 2] = ["Chrome", "Firefox"];
pub const VERSIONS: [&str; 3] = ["9", "10", "120"];
pub const SYSTEMS: [&str; 2] = ["Windows", "Mac"];
pub const DEVICES: [&str; 2] = ["Desktop", "Mobile"];
pub const SCREENS: [&str; 2] = ["xs", "2xl"];
pub const COUNTRIES: [&str; 3] = ["DE", "US", "FR"];
pub const REGIONS: [&str; 3] = ["DE-BE", "DE-BY", "US-NY"];
pub const CITIES: [&str; 3] = ["Zürich", "ZÜRICH", "Berlin"];
pub const CHANNELS: [&str; 3] = ["Organic Search", "Paid Search", "Direct"];
pub const LANGUAGES: [&str; 2] = ["de", "en"];
pub const NAMES: [&str; 4] = ["Signup", "signup", "Download", "Buy now"];
/// A property whose name has everything in it that a path into JSON could stumble over.
pub const ODD: &str = "a.b\"c'[0]$*{é}";
pub const PLANS: [&str; 4] = ["big", "Big", "small", "(none)"];

impl History {
    /// A history of one to three sites; the first is the one that is asked about. In every fourth some visits are told of hours late, all at
    /// once, by browsers that were offline.
    pub fn random(dice: &mut Dice) -> Self {
        let offline = if dice.percent(25) { 30 } else { 0 };
        Self::with(dice, offline)
    }

    /// One in which everything arrives within a minute.
    pub fn punctual(dice: &mut Dice) -> Self {
        Self::with(dice, 0)
    }

    /// So many per cent of the visits are told of late.
    fn with(dice: &mut Dice, offline: u32) -> Self {
        let (zone, moment) = dice.one(&MOMENTS);
        let around = Timestamp(
            chrono::DateTime::parse_from_rfc3339(moment)
                .unwrap()
                .timestamp_millis(),
        );
        let mut arrivals = Vec::new();
        let people = dice.between(1, 5);
        // Where people have a browser of their own, most of their visits are made with it.
        let own: Vec<Client> = if dice.percent(60) {
            (0..people).map(|_| client(dice)).collect()
        } else {
            Vec::new()
        };
        let sites = dice.between(1, 3);
        let currencies: &[&str] = if dice.percent(60) {
            &["EUR"]
        } else {
            &["EUR", "USD"]
        };
        for _ in 0..dice.places(1, 40) {
            let first = around.plus(near(dice));
            let (person, site) = (
                dice.between(1, people),
                SiteId(if dice.percent(70) {
                    1
                } else {
                    dice.between(1, sites)
                }),
            );
            let client = match usize::try_from(person - 1).ok().and_then(|place| own.get(place)) {
                Some(own) if dice.percent(85) => own.clone(),
                _ => client(dice),
            };
            let known = arrivals.len();
            visit(dice, &mut arrivals, (person, client), site, first, currencies);
            if dice.percent(offline) {
                let back = arrivals[known..]
                    .iter()
                    .map(|arrival| arrival.at)
                    .max()
                    .unwrap_or(first);
                let at = back.plus(dice.between(1, 20 * 60) * Timestamp::MINUTE);
                arrivals[known..].iter_mut().for_each(|arrival| arrival.at = at);
            }
        }
        arrivals.sort_by_key(|arrival| arrival.at);
        let last = arrivals.last().map_or(around, |arrival| arrival.at);
        let calm = [
            0,
            5,
            1_000,
            4 * 60_000,
            31 * 60_000,
            5 * Timestamp::HOUR,
            3 * Timestamp::DAY,
        ];
        let now = last.plus(dice.one(&calm));
        let mut steps = Vec::new();
        for arrival in arrivals {
            steps.push(Step::Arrives(Box::new(arrival)));
            if dice.percent(3) {
                steps.push(Step::Stored);
            }
            if dice.percent(7) {
                steps.push(Step::Swept);
            }
        }
        if dice.percent(50) {
            steps.push(Step::Swept);
        }
        let mut history = Self {
            zone,
            steps,
            now,
            around,
            rolled: dice.percent(30),
            imported: Vec::new(),
        };
        history.imported = super::imported::random(dice, &history);
        history
    }

    /// What happened on the first site.
    pub fn hits(&self) -> impl Iterator<Item = &Hit> {
        let hits = self.steps.iter().filter_map(|step| match step {
            Step::Arrives(arrival) => Some(&arrival.hit),
            _ => None,
        });
        hits.filter(|hit| hit.site == SiteId(1))
    }

    /// The events with their visits, by the real sessions, and what the feeder would have put into the store in each transaction.
    pub fn played(&self) -> (Vec<Event>, Vec<Batch>) {
        let mut sessions = Sessions::new();
        let (mut events, mut batches) = (Vec::new(), Vec::new());
        let mut batch = Batch::default();
        let mut time = Timestamp(0);
        let mut seq = 0;
        for step in &self.steps {
            match step {
                Step::Arrives(arrival) => {
                    // Numbers rise, and not always by one.
                    seq += 1 + u64::from(arrival.at.millis() % 7 == 0);
                    time = arrival.at;
                    let event = sessions.attribute(seq, arrival.hit.clone());
                    // The list keeps what the event said of itself; what it is given of its visit is the store's business.
                    events.push(Event {
                        hit: arrival.hit.clone(),
                        ..event
                    });
                    batch.events.push(event);
                }
                Step::Stored => batches.push(std::mem::take(&mut batch)),
                Step::Swept => {
                    let ended: Vec<Visit> = sessions.end(time);
                    batch.ended = ended;
                    batch.oldest_open = sessions.oldest_open();
                    batches.push(std::mem::take(&mut batch));
                }
            }
        }
        batches.push(batch);
        (events, batches)
    }

    /// How many events it has.
    pub fn len(&self) -> usize {
        self.steps
            .iter()
            .filter(|step| matches!(step, Step::Arrives(_)))
            .count()
    }
}

/// How far from the moment, in milliseconds.
fn near(dice: &mut Dice) -> i64 {
    match dice.between(0, 99) {
        0..50 => dice.between(-180, 180) * Timestamp::MINUTE,
        50..80 => dice.between(-2 * 1440, 2 * 1440) * Timestamp::MINUTE,
        80..95 => dice.between(-45, 0) * Timestamp::DAY + dice.between(0, 86_399_999),
        _ => dice.between(-400, -330) * Timestamp::DAY + dice.between(0, 1440) * Timestamp::MINUTE,
    }
}

/// The pauses that decide whether a visit goes on, and some that do not.
fn pause(dice: &mut Dice) -> i64 {
    const MINUTE: i64 = Timestamp::MINUTE;
    match dice.between(0, 9) {
        0..4 => dice.between(0, 600_000),
        4 | 5 => dice.between(1, 20) * MINUTE,
        6 => dice.one(&[0, 0, 1, 999]),
        _ => dice.one(&[
            29 * MINUTE,
            30 * MINUTE - 1,
            30 * MINUTE,
            30 * MINUTE + 1,
            31 * MINUTE,
        ]),
    }
}

/// One person's events on one site, one after the other; a long pause may make several visits of them.
fn visit(
    dice: &mut Dice,
    arrivals: &mut Vec<Arrival>,
    (person, client): (i64, Client),
    site: SiteId,
    first: Timestamp,
    currencies: &[&str],
) {
    let mut at = first;
    let mut tail = false;
    for _ in 0..dice.places(1, 8) {
        let kind = if tail { Kind::Engagement } else { kind(dice) };
        let client = if dice.percent(90) {
            client.clone()
        } else {
            self::client(dice)
        };
        let late = if dice.percent(15) {
            dice.between(0, 60_000)
        } else {
            0
        };
        let hit = hit(dice, person, site, at, kind, client, currencies);
        arrivals.push(Arrival {
            at: at.plus(late),
            hit,
        });
        tail = tail || dice.percent(8);
        at = at.plus(pause(dice));
    }
}

fn kind(dice: &mut Dice) -> Kind {
    match dice.between(0, 99) {
        0..50 => Kind::Pageview,
        50..62 => Kind::Custom,
        62..72 => Kind::CustomPassive,
        _ => Kind::Engagement,
    }
}

/// A person's name on a day of UTC: the same on all sites, so that what mixes sites up is found.
fn visitor(person: i64, day: i64) -> VisitorId {
    let hash = (person * 100_000 + day).cast_unsigned();
    VisitorId(if person % 2 == 0 { hash } else { u64::MAX - hash })
}

fn client(dice: &mut Dice) -> Client {
    Client {
        browser: dice.maybe(10, &BROWSERS),
        browser_version: dice.maybe(20, &VERSIONS),
        os: dice.maybe(10, &SYSTEMS),
        os_version: dice.maybe(30, &VERSIONS),
        device: dice.maybe(5, &DEVICES),
        screen: dice.maybe(20, &SCREENS),
        country: dice.maybe(10, &COUNTRIES),
        region: dice.maybe(30, &REGIONS),
        city: dice.maybe(30, &CITIES),
        language: dice.maybe(20, &LANGUAGES),
    }
}

fn hit(
    dice: &mut Dice,
    person: i64,
    site: SiteId,
    at: Timestamp,
    kind: Kind,
    client: Client,
    currencies: &[&str],
) -> Hit {
    let custom = matches!(kind, Kind::Custom | Kind::CustomPassive);
    let reads = kind == Kind::Engagement;
    let mut props = BTreeMap::new();
    if !reads && dice.percent(35) {
        props.insert("plan".to_owned(), dice.one(&PLANS).to_owned());
    }
    if !reads && dice.percent(15) {
        props.insert(ODD.to_owned(), dice.one(&TAGS).to_owned());
    }
    if !reads && dice.percent(20) {
        props.insert("logged in?".to_owned(), dice.one(&["yes", "no"]).to_owned());
    }
    let earns = (custom && dice.percent(40)) || (kind == Kind::Pageview && dice.percent(3));
    Hit {
        site,
        at,
        kind,
        name: match kind {
            Kind::Pageview => "pageview".to_owned(),
            Kind::Engagement => "engagement".to_owned(),
            _ => dice.one(&NAMES).to_owned(),
        },
        visitor: visitor(person, at.day()),
        visitor_before: Some(visitor(person, at.day() - 1)),
        hostname: if dice.percent(85) { HOSTS[0] } else { HOSTS[1] }.to_owned(),
        path: dice.one(&PATHS).to_owned(),
        referrer: dice.maybe(50, &REFERRERS),
        source: dice.maybe(40, &SOURCES),
        medium: dice.maybe(60, &["organic", "social"]),
        channel: dice.maybe(20, &CHANNELS),
        utm: Utm {
            source: dice.maybe(80, &TAGS),
            medium: dice.maybe(80, &TAGS),
            campaign: dice.maybe(80, &TAGS),
            content: dice.maybe(80, &TAGS),
            term: dice.maybe(80, &TAGS),
        },
        client,
        props,
        // Quarters, so that sums of them are exact.
        #[allow(clippy::cast_precision_loss)]
        revenue: earns.then(|| {
            (
                dice.between(-8, 400) as f64 / 4.0,
                dice.one(currencies).to_owned(),
            )
        }),
        scroll_depth: (reads && dice.percent(70)).then(|| dice.one(&[0, 10, 50, 51, 90, 100])),
        engaged: (reads && dice.percent(80)).then(|| dice.one(&[0, 1, 499, 500, 1500, 30_000])),
    }
}
