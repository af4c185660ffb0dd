//! What visitors send: a hundred browsers, five hundred pages, a dozen referrers and twenty thousand addresses, the same in every run.

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use std::net::Ipv4Addr;

/// Visitors, each with an address and a browser of their own.
const VISITORS: usize = 20_000;
/// Requests made beforehand, so that making them costs nothing while it counts.
const REQUESTS: usize = 65_536;

const REFERRERS: &[&str] = &[
    "",
    "",
    "",
    "https://www.google.com/",
    "https://www.google.de/",
    "https://www.bing.com/search",
    "https://duckduckgo.com/",
    "https://news.ycombinator.com/item",
    "https://www.reddit.com/r/rust/",
    "https://t.co/abc",
    "https://www.linkedin.com/feed/",
    "https://blog.example.org/2026/07/some-longer-article-about-it.html",
];
const LANGUAGES: &[&str] = &[
    "de-DE,de;q=0.9,en;q=0.8",
    "en-US,en;q=0.5",
    "fr-FR,fr;q=0.9",
    "ja",
    "pt-BR,pt;q=0.9",
];
/// First octets of addresses that are somebody's.
const NETWORKS: &[u8] = &[
    2, 5, 24, 31, 46, 62, 77, 81, 91, 93, 109, 151, 176, 185, 188, 200, 203, 212, 217,
];

/// Who sends an event.
#[derive(Clone, Debug)]
struct Visitor {
    ip: Ipv4Addr,
    agent: String,
    language: &'static str,
}

/// Requests, ready to send.
#[derive(Debug)]
pub struct Traffic {
    visitors: Vec<Visitor>,
    requests: Vec<Vec<u8>>,
}

impl Traffic {
    /// The same traffic every time, on the server's own site.
    pub fn new() -> Self {
        Self::of("demo", "http://localhost")
    }

    /// Of another site, whose pages have addresses that begin so.
    pub fn of(domain: &str, origin: &str) -> Self {
        let mut random = StdRng::seed_from_u64(2026);
        let agents = agents();
        let visitors: Vec<Visitor> = (0..VISITORS)
            .map(|n| Visitor {
                ip: Ipv4Addr::new(
                    *NETWORKS.choose(&mut random).unwrap_or(&2),
                    random.random(),
                    random.random(),
                    random.random_range(1..255),
                ),
                agent: agents[n % agents.len()].clone(),
                language: LANGUAGES.choose(&mut random).copied().unwrap_or_default(),
            })
            .collect();
        let requests = (0..REQUESTS)
            .map(|n| request(&visitors[n % VISITORS], &body(&mut random, domain, origin)))
            .collect();
        Self { visitors, requests }
    }

    /// The nth request; after the last comes the first again.
    pub fn nth(&self, n: usize) -> &[u8] {
        &self.requests[n % REQUESTS]
    }

    /// An event with this body, of the nth visitor.
    pub fn event(&self, n: usize, body: &str) -> Vec<u8> {
        request(&self.visitors[n * 7 % VISITORS], body)
    }

    /// A pageview of a page of its own.
    pub fn pageview(&self, n: usize, path: &str) -> Vec<u8> {
        let body = format!(r#"{{"n":"pageview","d":"demo","u":"http://localhost{path}","w":1440}}"#);
        self.event(n, &body)
    }
}

fn request(visitor: &Visitor, body: &str) -> Vec<u8> {
    let Visitor { ip, agent, language } = visitor;
    format!(
        "POST /api/event HTTP/1.1\r\nhost: localhost\r\nuser-agent: {agent}\r\naccept-language: {language}\r\n\
         x-forwarded-for: {ip}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Of ten events seven are pageviews, two say how long a page was looked at, one is custom.
fn body(random: &mut impl Rng, domain: &str, origin: &str) -> String {
    // Some pages are looked at far more often than others.
    let page = (random.random::<f64>().powi(3) * 500.0) as u32;
    let url = format!("{origin}/articles/{}/how-things-work-{page}", page % 12);
    match random.random_range(0..10) {
        0 | 1 => {
            let (engaged, depth) = (random.random_range(1_000..90_000), random.random_range(5..=100));
            format!(r#"{{"n":"engagement","d":"{domain}","u":"{url}","e":{engaged},"sd":{depth},"v":1}}"#)
        }
        2 => format!(
            r#"{{"n":"Signup","d":"{domain}","u":"{url}","p":{{"plan":"team","seats":{}}},"v":1}}"#,
            page % 9
        ),
        _ => {
            let referrer = REFERRERS.choose(random).copied().unwrap_or_default();
            let width = [390, 412, 768, 1440, 1920][page as usize % 5];
            let campaign = if page.is_multiple_of(20) {
                "?utm_source=newsletter&utm_campaign=summer"
            } else {
                ""
            };
            format!(
                r#"{{"n":"pageview","d":"{domain}","u":"{url}{campaign}","r":"{referrer}","w":{width},"v":1}}"#
            )
        }
    }
}

/// A hundred: ten kinds of browser in ten versions each.
fn agents() -> Vec<String> {
    (0..10)
        .flat_map(|age| (0..10).map(move |kind| agent(kind, age)))
        .collect()
}

fn agent(kind: u32, age: u32) -> String {
    let (chrome, firefox, safari) = (140 - age, 142 - age, 18 - age / 2);
    let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
    let apple = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
    match kind {
        0 => {
            format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/{chrome}.0.0.0 Safari/537.36")
        }
        1 => format!(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {webkit} Chrome/{chrome}.0.0.0 Safari/537.36"
        ),
        2 => format!("Mozilla/5.0 (X11; Linux x86_64) {webkit} Chrome/{chrome}.0.0.0 Safari/537.36"),
        3 => {
            format!("Mozilla/5.0 (Linux; Android 10; K) {webkit} Chrome/{chrome}.0.0.0 Mobile Safari/537.36")
        }
        4 => format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/{chrome}.0.0.0 Safari/537.36 Edg/{chrome}.0.0.0"
        ),
        5 => format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{firefox}.0) Gecko/20100101 Firefox/{firefox}.0"
        ),
        6 => format!("Mozilla/5.0 (X11; Linux x86_64; rv:{firefox}.0) Gecko/20100101 Firefox/{firefox}.0"),
        7 => format!(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {apple} Version/{safari}.{age} Safari/605.1.15"
        ),
        8 => format!(
            "Mozilla/5.0 (iPhone; CPU iPhone OS {safari}_{age} like Mac OS X) {apple} Version/{safari}.{age} Mobile/15E148 Safari/604.1"
        ),
        _ => format!(
            "Mozilla/5.0 (iPad; CPU OS {safari}_{age} like Mac OS X) {apple} Version/{safari}.{age} Mobile/15E148 Safari/604.1"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsecast_protocol::beacon::Beacon;
    use std::collections::HashSet;

    #[test]
    fn every_request_carries_an_event_that_the_server_takes() {
        let traffic = Traffic::new();
        for n in 0..2000 {
            let text = String::from_utf8(traffic.nth(n).to_vec()).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("content-length: {}", body.len())));
            assert_eq!(Beacon::parse(body.as_bytes()).unwrap().domains, ["demo"]);
        }
    }

    #[test]
    fn there_are_a_hundred_browsers() {
        assert_eq!(agents().into_iter().collect::<HashSet<_>>().len(), 100);
    }
}
