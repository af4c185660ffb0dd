//! From what an editor or a program typed to what can be published, or to what is wrong with it, field by field.

use super::{embed::Embed, html};
use crate::enrich::country;
use chrono::{DateTime, NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use pulsecast_protocol::{
    FieldErrors, Pathname, Timestamp,
    exclude::CountryCode,
    feed::{Audience, FeedDraft, FeedItem, FeedKind},
};
use std::str::FromStr;
use url::Url;

/// Characters of a title.
pub const TITLE: usize = 140;
/// Bytes of a text, as Markdown; what becomes of it has at most four times as many.
pub const TEXT: usize = 10_000;
/// Characters of an address.
const ADDRESS: usize = 2_000;
/// Countries of an audience.
const COUNTRIES: usize = 50;
/// How far ahead something can be planned.
const AHEAD: i64 = 400 * Timestamp::DAY;

/// An item that can be published.
#[derive(Clone, Debug, PartialEq)]
pub struct Ready {
    item: FeedItem,
    /// When; `None` is at once.
    pub publish_at: Option<Timestamp>,
}

impl Ready {
    /// The item of this number, first published then.
    #[must_use]
    pub fn item(&self, id: i64, published_at: Timestamp) -> FeedItem {
        FeedItem {
            id,
            published_at,
            ..self.item.clone()
        }
    }

    /// From when on it is not shown any more.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.item.expires_at
    }
}

/// Reads a draft at a site of this time zone.
///
/// # Errors
/// Everything that is wrong with it, by field.
pub fn check(draft: &FeedDraft, timezone: &str, now: Timestamp) -> Result<Ready, FieldErrors> {
    let mut errors = FieldErrors::default();
    let zone: Tz = timezone.parse().unwrap_or_default();
    let title = title(&draft.title, &mut errors);
    let text = text(&draft.text, &mut errors);
    let (url, frame) = target(draft, &title, &mut errors);
    if title.is_empty()
        && text.is_empty()
        && matches!(draft.kind, FeedKind::Message | FeedKind::Link | FeedKind::Visit)
    {
        errors.add(
            "title",
            "write a title or a text: visitors ought to read something",
        );
    }
    let publish_at = time("publish_at", &draft.publish_at, zone, &mut errors).filter(|at| *at > now);
    let expires_at = time("expires_at", &draft.expires_at, zone, &mut errors);
    let begins = publish_at.unwrap_or(now);
    if expires_at.is_some_and(|ends| ends <= begins) {
        errors.add("expires_at", "choose a time after its publication");
    }
    if begins.since(now) > AHEAD {
        errors.add("publish_at", "choose a time within the next year");
    }
    let item = FeedItem {
        id: 0,
        kind: draft.kind,
        title,
        html: text + &frame.unwrap_or_default(),
        url,
        image: image(&draft.image, &mut errors),
        pinned: draft.pinned,
        published_at: now,
        expires_at,
        audience: audience(draft, &mut errors),
    };
    if errors.is_empty() {
        Ok(Ready { item, publish_at })
    } else {
        Err(errors)
    }
}

fn title(typed: &str, errors: &mut FieldErrors) -> String {
    let title = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.chars().count() > TITLE {
        errors.add(
            "title",
            format!("a title has at most {TITLE} characters: put the rest into the text"),
        );
    }
    if title.chars().any(char::is_control) {
        errors.add("title", "a title has no control characters");
    }
    title
}

fn text(typed: &str, errors: &mut FieldErrors) -> String {
    if typed.len() > TEXT {
        errors.add(
            "text",
            format!("a text has at most {TEXT} bytes: link to the rest"),
        );
        return String::new();
    }
    let html = html::of_markdown(typed);
    if html.len() > 4 * TEXT {
        errors.add("text", "this text has too much markup: write it more simply");
    }
    if html.is_empty() && !typed.trim().is_empty() {
        errors.add(
            "text",
            "nothing of this text may be published: scripts, forms and frames are taken out",
        );
    }
    html
}

/// Where it leads, and what of it is shown in a frame.
fn target(draft: &FeedDraft, title: &str, errors: &mut FieldErrors) -> (Option<String>, Option<String>) {
    let typed = draft.url.trim();
    if typed.len() > ADDRESS {
        errors.add("url", format!("an address has at most {ADDRESS} characters"));
        return (None, None);
    }
    match draft.kind {
        FeedKind::Message => {}
        FeedKind::Link if is_web(typed) => return (Some(typed.to_owned()), None),
        FeedKind::Link => errors.add("url", "write the whole address, such as https://example.com/news"),
        FeedKind::Visit if is_page(typed) || is_web(typed) => return (Some(typed.to_owned()), None),
        FeedKind::Visit => errors.add("url", "write the path of a page of the site, such as /pricing"),
        FeedKind::Embed => match Embed::of(typed) {
            Some(embed) => return (Some(typed.to_owned()), Some(embed.html(title))),
            None => errors.add(
                "url",
                "copy the address of a video at YouTube or Vimeo, or of a place at openstreetmap.org: others are not let in",
            ),
        },
    }
    (None, None)
}

fn is_web(address: &str) -> bool {
    let plain = address.chars().all(|c| !c.is_control() && !c.is_whitespace());
    plain
        && Url::parse(address).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty()
        })
}

/// A path and nothing that browsers take for more: `//host`, a backslash.
fn is_page(address: &str) -> bool {
    Pathname::from_str(address).is_ok() && !address.starts_with("//") && !address.contains(['\\', ' '])
}

fn image(typed: &str, errors: &mut FieldErrors) -> Option<String> {
    let address = typed.trim();
    if address.is_empty() {
        return None;
    }
    if !html::is_https(address) || address.contains(char::is_whitespace) {
        errors.add(
            "image",
            "write the whole address of a picture, beginning with https://",
        );
        return None;
    }
    Some(address.to_owned())
}

fn audience(draft: &FeedDraft, errors: &mut FieldErrors) -> Audience {
    let mut audience = Audience::default();
    if !draft.path.trim().is_empty() {
        match draft.path.parse() {
            Ok(path) => audience.path = Some(path),
            Err(error) => errors.add("path", error.to_string()),
        }
    }
    for typed in draft
        .countries
        .split([',', ' ', ';', '\n', '\r'])
        .filter(|typed| !typed.is_empty())
    {
        match typed.parse::<CountryCode>() {
            Ok(code) if country::name(code.as_str()).is_none() => {
                errors.add("countries", format!("there is no country {code}"));
            }
            Ok(code) if audience.countries.contains(&code) => {}
            Ok(code) => audience.countries.push(code),
            Err(error) => errors.add("countries", error.to_string()),
        }
    }
    if audience.countries.len() > COUNTRIES {
        errors.add("countries", format!("name at most {COUNTRIES} countries"));
    }
    audience
}

/// `2026-11-20T14:00` by the site's clock, or RFC 3339. A time that the clock shows twice is the first of the two.
fn time(field: &str, typed: &str, zone: Tz, errors: &mut FieldErrors) -> Option<Timestamp> {
    let typed = typed.trim();
    if typed.is_empty() {
        return None;
    }
    let local = || {
        ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(typed, format).ok())
            .and_then(|at| zone.from_local_datetime(&at).earliest())
            .map(|at| at.timestamp_millis())
    };
    let exact = DateTime::parse_from_rfc3339(typed)
        .ok()
        .map(|at| at.timestamp_millis());
    let at = exact.or_else(local);
    if at.is_none() {
        errors.add(
            field,
            format!("write a time such as 2026-11-20T14:00 ({zone}), one that the clock shows"),
        );
    }
    at.map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000); // 2027-01-15T08:00:00Z

    fn draft(change: impl FnOnce(&mut FeedDraft)) -> FeedDraft {
        let mut draft = FeedDraft {
            title: "Hello".into(),
            ..FeedDraft::default()
        };
        change(&mut draft);
        draft
    }

    fn read(draft: &FeedDraft) -> Result<FeedItem, Vec<String>> {
        match check(draft, "Europe/Berlin", NOW) {
            Ok(ready) => Ok(ready.item(1, NOW)),
            Err(errors) => Err(errors.errors.into_keys().collect()),
        }
    }

    #[test]
    fn an_item_is_what_its_editor_meant() {
        let item = read(&draft(|d| {
            d.kind = FeedKind::Visit;
            d.title = " New \n prices ".into();
            d.text = "From *Monday*.".into();
            d.url = "/pricing".into();
            d.image = "https://a.example/p.png".into();
            d.path = "/shop/**".into();
            d.countries = "de, AT;de".into();
            d.expires_at = "2027-01-15T10:00".into();
        }))
        .unwrap();
        assert_eq!(
            (item.title.as_str(), item.html.as_str()),
            ("New prices", "<p>From <em>Monday</em>.</p>")
        );
        assert_eq!(item.audience.countries.len(), 2);
        // Ten o'clock in Berlin is an hour from now.
        assert_eq!(item.expires_at, Some(NOW.plus(Timestamp::HOUR)));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let wrong = read(&draft(|d| {
            d.kind = FeedKind::Link;
            d.title = "x".repeat(TITLE + 1);
            d.text = "x".repeat(TEXT + 1);
            d.url = "javascript:alert(1)".into();
            d.image = "http://a.example/p.png".into();
            d.path = "shop".into();
            d.countries = "Germany, ZZ".into();
            d.publish_at = "tomorrow".into();
            d.expires_at = "2020-01-01T00:00".into();
        }));
        let all = [
            "countries",
            "expires_at",
            "image",
            "path",
            "publish_at",
            "text",
            "title",
            "url",
        ];
        assert_eq!(wrong.unwrap_err(), all);
        assert_eq!(read(&FeedDraft::default()).unwrap_err(), ["title"]);
        assert_eq!(
            read(&draft(|d| d.text = "<script>x</script>".into())).unwrap_err(),
            ["text"]
        );
    }

    #[test]
    fn no_address_leads_where_it_should_not() {
        for bad in [
            "javascript:alert(1)",
            " javascript:alert(1)",
            "java\tscript:alert(1)",
            "data:text/html,x",
            "//evil.example",
            "/\\evil.example",
            "https://user@evil.example",
            "mailto:a@b.c",
            "ftp://a.example",
            "https://",
            "",
        ] {
            for kind in [FeedKind::Link, FeedKind::Visit, FeedKind::Embed] {
                let typed = draft(|d| (d.kind, d.url) = (kind, bad.into()));
                assert_eq!(read(&typed).unwrap_err(), ["url"], "{bad} as {kind}");
            }
        }
        let message = read(&draft(|d| d.url = "javascript:alert(1)".into())).unwrap();
        assert_eq!(message.url, None, "a message leads nowhere");
    }

    #[test]
    fn a_time_is_the_sites_or_says_its_own_zone() {
        let at = |typed: &str| {
            check(&draft(|d| d.publish_at = typed.into()), "Europe/Berlin", NOW)
                .unwrap()
                .publish_at
        };
        assert_eq!(at("2027-01-15T10:00"), Some(NOW.plus(Timestamp::HOUR)));
        assert_eq!(at("2027-01-15T10:00:00Z"), Some(NOW.plus(2 * Timestamp::HOUR)));
        assert_eq!(at("2027-01-15T08:00"), None, "what is over is now");
        assert!(
            check(
                &draft(|d| d.publish_at = "2027-03-28T02:30".into()),
                "Europe/Berlin",
                NOW
            )
            .is_err(),
            "an hour that is left out"
        );
        assert!(
            check(
                &draft(|d| d.publish_at = "2030-01-01T00:00".into()),
                "Europe/Berlin",
                NOW
            )
            .is_err()
        );
    }
}
