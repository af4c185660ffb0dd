//! Where a visit came from: the referrer's address, its everyday name, and what kind of place it is.

use super::page::hostname;
use crate::event::Utm;
use url::Url;

/// Where from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// `host/path` without query; `None` for direct visits and for the site's own pages.
    pub referrer: Option<String>,
    /// `Google`, `Hacker News`, else the bare host; `utm_source` goes before all.
    pub name: Option<String>,
    /// `utm_medium`, else `organic`, `social`, `email`, `referral`; `None` for direct.
    pub medium: Option<String>,
}

/// What kind of place visits come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Finds pages.
    Search,
    /// People pass links on.
    Social,
    /// Shows films.
    Video,
    /// Sells things.
    Shopping,
    /// Mail read in the browser.
    Email,
    /// Answers questions with links in the answers.
    Assistant,
    /// Any other.
    Other,
}

/// Hosts whose visitors call them by another name. A name before a dot stands for every country's domain (`google.` for `google.de`);
/// the others stand for themselves and their subdomains.
const KNOWN: &[(&str, &str, Place)] = &[
    ("mail.google.", "Gmail", Place::Email),
    ("google.", "Google", Place::Search),
    ("bing.com", "Bing", Place::Search),
    ("duckduckgo.com", "DuckDuckGo", Place::Search),
    ("search.yahoo.", "Yahoo!", Place::Search),
    ("yahoo.", "Yahoo!", Place::Search),
    ("yandex.", "Yandex", Place::Search),
    ("ya.ru", "Yandex", Place::Search),
    ("baidu.com", "Baidu", Place::Search),
    ("ecosia.org", "Ecosia", Place::Search),
    ("qwant.com", "Qwant", Place::Search),
    ("startpage.com", "Startpage", Place::Search),
    ("search.brave.com", "Brave", Place::Search),
    ("kagi.com", "Kagi", Place::Search),
    ("naver.com", "Naver", Place::Search),
    ("seznam.cz", "Seznam", Place::Search),
    ("sogou.com", "Sogou", Place::Search),
    ("so.com", "360", Place::Search),
    ("perplexity.ai", "Perplexity", Place::Assistant),
    ("chatgpt.com", "ChatGPT", Place::Assistant),
    ("claude.ai", "Claude", Place::Assistant),
    ("gemini.google.com", "Gemini", Place::Assistant),
    ("copilot.microsoft.com", "Copilot", Place::Assistant),
    ("t.co", "Twitter", Place::Social),
    ("twitter.com", "Twitter", Place::Social),
    ("x.com", "Twitter", Place::Social),
    ("facebook.com", "Facebook", Place::Social),
    ("fb.me", "Facebook", Place::Social),
    ("instagram.com", "Instagram", Place::Social),
    ("threads.net", "Threads", Place::Social),
    ("linkedin.com", "LinkedIn", Place::Social),
    ("lnkd.in", "LinkedIn", Place::Social),
    ("reddit.com", "Reddit", Place::Social),
    ("redd.it", "Reddit", Place::Social),
    ("news.ycombinator.com", "Hacker News", Place::Social),
    ("lobste.rs", "Lobsters", Place::Social),
    ("youtube.com", "Youtube", Place::Video),
    ("youtu.be", "Youtube", Place::Video),
    ("pinterest.", "Pinterest", Place::Social),
    ("tiktok.com", "TikTok", Place::Social),
    ("tumblr.com", "Tumblr", Place::Social),
    ("vk.com", "VK", Place::Social),
    ("weibo.com", "Weibo", Place::Social),
    ("bsky.app", "Bluesky", Place::Social),
    ("mastodon.social", "Mastodon", Place::Social),
    ("t.me", "Telegram", Place::Social),
    ("telegram.org", "Telegram", Place::Social),
    ("discord.com", "Discord", Place::Social),
    ("whatsapp.com", "WhatsApp", Place::Social),
    ("quora.com", "Quora", Place::Social),
    ("producthunt.com", "Product Hunt", Place::Social),
    ("slack.com", "Slack", Place::Social),
    ("teams.microsoft.com", "Microsoft Teams", Place::Social),
    ("snapchat.com", "Snapchat", Place::Social),
    ("vimeo.com", "Vimeo", Place::Video),
    ("twitch.tv", "Twitch", Place::Video),
    ("dailymotion.com", "Dailymotion", Place::Video),
    ("netflix.com", "Netflix", Place::Video),
    ("shopping.google.", "Google Shopping", Place::Shopping),
    ("amazon.", "Amazon", Place::Shopping),
    ("ebay.", "eBay", Place::Shopping),
    ("etsy.com", "Etsy", Place::Shopping),
    ("aliexpress.com", "AliExpress", Place::Shopping),
    ("alibaba.com", "Alibaba", Place::Shopping),
    ("walmart.com", "Walmart", Place::Shopping),
    ("temu.com", "Temu", Place::Shopping),
    ("shop.app", "Shop", Place::Shopping),
    ("mercadolibre.", "Mercado Libre", Place::Shopping),
    ("deepseek.com", "DeepSeek", Place::Assistant),
    ("grok.com", "Grok", Place::Assistant),
    ("phind.com", "Phind", Place::Assistant),
    ("outlook.live.com", "Outlook", Place::Email),
    ("outlook.office.com", "Outlook", Place::Email),
    ("mail.yahoo.com", "Yahoo! Mail", Place::Email),
    ("mail.proton.me", "Proton Mail", Place::Email),
    ("github.com", "GitHub", Place::Other),
    ("gitlab.com", "GitLab", Place::Other),
    ("stackoverflow.com", "Stack Overflow", Place::Other),
    ("wikipedia.org", "Wikipedia", Place::Other),
    ("medium.com", "Medium", Place::Other),
    ("substack.com", "Substack", Place::Other),
    ("dev.to", "DEV", Place::Other),
];

/// Short names that `utm_source` is commonly given.
const NICKNAMES: &[(&str, Place)] = &[
    ("adwords", Place::Search),
    ("fb", Place::Social),
    ("ig", Place::Social),
    ("insta", Place::Social),
    ("x", Place::Social),
    ("li", Place::Social),
    ("yt", Place::Video),
];

/// What kind of place a source is, by the name it is known by here, by its host, or by what `utm_source` commonly calls it.
#[must_use]
pub fn place(name: &str) -> Place {
    let name = name.to_lowercase();
    let nick = NICKNAMES.iter().find(|(nick, _)| *nick == name);
    let known = || KNOWN.iter().find(|(_, known, _)| known.to_lowercase() == name);
    nick.map(|(_, place)| *place)
        .or_else(|| known().map(|(.., place)| *place))
        .or_else(|| lookup(&name).map(|(_, place)| place))
        .unwrap_or(Place::Other)
}

/// Names the source of a page with these tags, reached from this referrer. `own` tells the site's own hosts.
#[must_use]
pub fn source(referrer: Option<&str>, utm: &Utm, own: impl Fn(&str) -> bool) -> Source {
    let url = referrer
        .and_then(|text| Url::parse(text).ok())
        .filter(|url| matches!(url.scheme(), "http" | "https" | "android-app"));
    let foreign = url
        .map(|url| (hostname(&url), url))
        .filter(|(host, _)| !host.is_empty() && !own(host));
    let known = foreign.as_ref().and_then(|(host, _)| lookup(host));
    let name = utm.source.clone().or_else(|| match (&known, &foreign) {
        (Some((name, _)), _) => Some((*name).to_owned()),
        (None, Some((host, _))) => Some(host.clone()),
        (None, None) => None,
    });
    let medium = utm.medium.clone().or_else(|| {
        let place = match (&foreign, &known) {
            (None, _) => return None,
            (_, Some((_, Place::Search))) => "organic",
            (_, Some((_, Place::Social | Place::Video))) => "social",
            (_, Some((_, Place::Email))) => "email",
            _ => "referral",
        };
        Some(place.to_owned())
    });
    let referrer = foreign.map(|(host, url)| {
        let path = url.path().trim_end_matches('/');
        format!("{host}{path}").chars().take(500).collect()
    });
    Source {
        referrer,
        name,
        medium,
    }
}

fn lookup(host: &str) -> Option<(&'static str, Place)> {
    let is = |pattern: &str| {
        let starts = if pattern.ends_with('.') {
            // `google.` matches `google.de` and `scholar.google.co.uk`, not `notgoogle.de`.
            host.find(pattern)
                .filter(|at| host[at + pattern.len()..].len() <= 6)
        } else if host.ends_with(pattern) {
            Some(host.len() - pattern.len())
        } else {
            None
        };
        starts.is_some_and(|at| at == 0 || host.as_bytes()[at - 1] == b'.')
    };
    let longest = KNOWN
        .iter()
        .filter(|(pattern, ..)| is(pattern))
        .max_by_key(|(pattern, ..)| pattern.len())?;
    Some((longest.1, longest.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(referrer: &str) -> Source {
        source(Some(referrer), &Utm::default(), |host| host == "example.com")
    }

    #[test]
    fn known_places_have_their_everyday_names() {
        for (referrer, name, medium) in [
            ("https://www.google.co.uk/search?q=x", "Google", "organic"),
            ("https://mail.google.com/", "Gmail", "email"),
            ("https://old.reddit.com/r/rust/", "Reddit", "social"),
            ("https://t.co/abc", "Twitter", "social"),
            ("https://news.ycombinator.com/item?id=1", "Hacker News", "social"),
            ("https://blog.some.org/post", "blog.some.org", "referral"),
            ("https://notgoogle.de/", "notgoogle.de", "referral"),
            (
                "https://google.evil-company.com/",
                "google.evil-company.com",
                "referral",
            ),
        ] {
            let got = from(referrer);
            assert_eq!(
                (got.name.as_deref(), got.medium.as_deref()),
                (Some(name), Some(medium)),
                "{referrer}"
            );
        }
    }

    #[test]
    fn the_sites_own_pages_and_rubbish_are_direct() {
        assert_eq!(from("https://www.example.com/a"), Source::default());
        assert_eq!(from("javascript:alert(1)"), Source::default());
        assert_eq!(from("not a url"), Source::default());
    }

    #[test]
    fn a_referrer_loses_its_query() {
        assert_eq!(
            from("https://blog.some.org/post?session=secret#x")
                .referrer
                .as_deref(),
            Some("blog.some.org/post")
        );
    }

    #[test]
    fn tags_go_before_the_referrer() {
        let utm = Utm {
            source: Some("newsletter".into()),
            medium: Some("mail".into()),
            ..Utm::default()
        };
        let got = source(Some("https://www.google.com/"), &utm, |_| false);
        assert_eq!(
            (
                got.name.as_deref(),
                got.medium.as_deref(),
                got.referrer.as_deref()
            ),
            (Some("newsletter"), Some("mail"), Some("google.com"))
        );
    }
}
