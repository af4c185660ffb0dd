//! The page's address, taken apart: host, path, tags.

use crate::event::Utm;
use percent_encoding::percent_decode_str;
use pulsecast_protocol::Pathname;
use url::Url;

/// What an event's `url` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Lowercase, without `www.` and port; empty for pages from disk.
    pub hostname: String,
    /// Starts with `/`; percent-decoded where that gives readable text; with `#…` when asked for.
    pub path: String,
    /// UTM tags, and `ref` and `source` for [`Utm::source`].
    pub utm: Utm,
    /// Whose advertisement was clicked.
    pub ad: Option<Ad>,
}

/// A network that marks the visits it is paid for, by a parameter of its own in the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ad {
    /// `gclid`, and `gbraid` and `wbraid` where telephones withhold it.
    Google,
    /// `msclkid`.
    Bing,
}

/// Why an address is no page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Cannot be read.
    #[error("is not an absolute URL: {0}")]
    NotAUrl(url::ParseError),
    /// `mailto:` and the like.
    #[error("has the scheme `{0}`: only http, https and file pages are counted")]
    Scheme(String),
}

impl Page {
    /// Takes an address apart; `hash` says that the fragment is part of the path.
    ///
    /// # Errors
    /// When it is not an absolute http, https or file URL.
    pub fn parse(address: &str, hash: bool) -> Result<Self, PageError> {
        let url = Url::parse(address).map_err(PageError::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https" | "file") {
            return Err(PageError::Scheme(url.scheme().chars().take(40).collect()));
        }
        let mut path = readable(url.path());
        if hash && let Some(fragment) = url.fragment() {
            path.push('#');
            path.push_str(&readable(fragment));
        }
        truncate(&mut path, Pathname::MAX);
        Ok(Self {
            hostname: hostname(&url),
            path,
            utm: utm(&url),
            ad: ad(&url),
        })
    }
}

/// Host of an address as it is counted.
pub(super) fn hostname(url: &Url) -> String {
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_end_matches('.')
        .to_lowercase();
    host.strip_prefix("www.")
        .map_or_else(|| host.clone(), str::to_owned)
}

fn readable(part: &str) -> String {
    let text = percent_decode_str(part)
        .decode_utf8()
        .map_or_else(|_| part.to_owned(), std::borrow::Cow::into_owned);
    if text.chars().any(char::is_control) {
        part.to_owned()
    } else {
        text
    }
}

fn truncate(text: &mut String, max: usize) {
    if text.len() > max {
        let mut end = max;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
}

fn utm(url: &Url) -> Utm {
    let mut utm = Utm::default();
    let mut fallback = None;
    for (key, value) in url.query_pairs() {
        let mut value = value.trim().to_owned();
        if value.is_empty() {
            continue;
        }
        truncate(&mut value, 300);
        match &*key {
            "utm_source" => utm.source = Some(value),
            "utm_medium" => utm.medium = Some(value),
            "utm_campaign" => utm.campaign = Some(value),
            "utm_content" => utm.content = Some(value),
            "utm_term" => utm.term = Some(value),
            "ref" | "source" => {
                fallback.get_or_insert(value);
            }
            _ => {}
        }
    }
    utm.source = utm.source.or(fallback);
    utm
}

fn ad(url: &Url) -> Option<Ad> {
    url.query_pairs().find_map(|(key, _)| match &*key {
        "gclid" | "gbraid" | "wbraid" => Some(Ad::Google),
        "msclkid" => Some(Ad::Bing),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_host_path_and_tags() {
        let page = Page::parse(
            "https://WWW.Example.com:8443/a%20b/?utm_source=News&utm_campaign=x&q=secret#top",
            false,
        )
        .unwrap();
        assert_eq!(
            (page.hostname.as_str(), page.path.as_str()),
            ("example.com", "/a b/")
        );
        assert_eq!(page.utm.source.as_deref(), Some("News"));
        assert_eq!(page.utm.campaign.as_deref(), Some("x"));
    }

    #[test]
    fn a_hash_route_is_part_of_the_path_only_when_asked_for() {
        assert_eq!(
            Page::parse("http://localhost:3000/app#/inbox", true)
                .unwrap()
                .path,
            "/app#/inbox"
        );
        assert_eq!(
            Page::parse("http://localhost:3000/app#/inbox", false)
                .unwrap()
                .path,
            "/app"
        );
    }

    #[test]
    fn a_page_from_disk_has_no_host() {
        let page = Page::parse("file:///home/me/index.html", false).unwrap();
        assert_eq!(
            (page.hostname.as_str(), page.path.as_str()),
            ("", "/home/me/index.html")
        );
    }

    #[test]
    fn what_is_no_page_is_refused() {
        assert!(matches!(
            Page::parse("/relative", false),
            Err(PageError::NotAUrl(_))
        ));
        assert!(matches!(
            Page::parse("javascript:alert(1)", false),
            Err(PageError::Scheme(_))
        ));
    }

    #[test]
    fn control_characters_stay_encoded() {
        assert_eq!(
            Page::parse("https://a.com/x%0Ay%00", false).unwrap().path,
            "/x%0Ay%00"
        );
    }
}
