//! Events as exports write them: one JSON object a line.

use chrono::DateTime;
use pulsecast_protocol::Timestamp;
use pulsecast_server::event::{Client, Event, Hit, Kind, SiteId, Utm, VisitId, VisitorId};
use serde_json::{Map, Value, json};

const KINDS: [(&str, Kind); 4] = [
    ("pageview", Kind::Pageview),
    ("custom", Kind::Custom),
    ("passive", Kind::CustomPassive),
    ("engagement", Kind::Engagement),
];

/// Writes them.
pub fn written(events: &[Event]) -> String {
    events
        .iter()
        .map(|event| line(event).to_string() + "\n")
        .collect()
}

fn line(event: &Event) -> Value {
    let (hit, utm, client) = (&event.hit, &event.hit.utm, &event.hit.client);
    let time = DateTime::from_timestamp_millis(hit.at.millis()).unwrap();
    let kind = KINDS.iter().find(|(_, kind)| *kind == hit.kind).unwrap().0;
    let mut line = json!({
        "seq": event.seq,
        "time": time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "name": hit.name,
        "kind": kind,
        "visitor": format!("{:016x}", event.visitor.0),
        "visit": event.visit.0,
        "hostname": hit.hostname,
        "path": hit.path,
        "referrer": hit.referrer,
        "source": hit.source,
        "medium": hit.medium,
        "channel": hit.channel,
        "utm_source": utm.source,
        "utm_medium": utm.medium,
        "utm_campaign": utm.campaign,
        "utm_content": utm.content,
        "utm_term": utm.term,
        "browser": client.browser,
        "browser_version": client.browser_version,
        "os": client.os,
        "os_version": client.os_version,
        "device": client.device,
        "screen": client.screen,
        "country": client.country,
        "region": client.region,
        "city": client.city,
        "language": client.language,
        "props": (!hit.props.is_empty()).then_some(&hit.props),
        "revenue": hit.revenue.as_ref().map(|(amount, currency)| json!({ "amount": amount, "currency": currency })),
        "scroll_depth": hit.scroll_depth,
        "engaged_ms": hit.engaged,
    });
    line.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    line
}

/// Reads them; all are of site 1.
pub fn read(text: &str) -> Vec<Event> {
    text.lines()
        .map(|line| event(serde_json::from_str(line).unwrap()))
        .collect()
}

fn event(line: Map<String, Value>) -> Event {
    let text = |key: &str| line.get(key).map(|value| value.as_str().unwrap().to_owned());
    let number = |key: &str| line.get(key).map(|value| value.as_u64().unwrap());
    let visitor = VisitorId(u64::from_str_radix(&text("visitor").unwrap(), 16).unwrap());
    let time = DateTime::parse_from_rfc3339(&text("time").unwrap()).unwrap();
    let kind = text("kind").unwrap();
    Event {
        seq: number("seq").unwrap(),
        visit: VisitId(number("visit").unwrap()),
        visitor,
        hit: Hit {
            site: SiteId(1),
            at: Timestamp(time.timestamp_millis()),
            kind: KINDS.iter().find(|(name, _)| *name == kind).unwrap().1,
            name: text("name").unwrap(),
            visitor,
            visitor_before: None,
            hostname: text("hostname").unwrap(),
            path: text("path").unwrap(),
            referrer: text("referrer"),
            source: text("source"),
            medium: text("medium"),
            channel: text("channel"),
            utm: Utm {
                source: text("utm_source"),
                medium: text("utm_medium"),
                campaign: text("utm_campaign"),
                content: text("utm_content"),
                term: text("utm_term"),
            },
            client: Client {
                browser: text("browser"),
                browser_version: text("browser_version"),
                os: text("os"),
                os_version: text("os_version"),
                device: text("device"),
                screen: text("screen"),
                country: text("country"),
                region: text("region"),
                city: text("city"),
                language: text("language"),
            },
            props: line
                .get("props")
                .map(|props| serde_json::from_value(props.clone()).unwrap())
                .unwrap_or_default(),
            revenue: line.get("revenue").map(|revenue| {
                let currency = revenue["currency"].as_str().unwrap().to_owned();
                (revenue["amount"].as_f64().unwrap(), currency)
            }),
            scroll_depth: number("scroll_depth").map(|depth| u8::try_from(depth).unwrap()),
            engaged: number("engaged_ms").map(|millis| u32::try_from(millis).unwrap()),
        },
    }
}
