//! The acquisition channel: what kind of way led to the site, in one of a few words that everybody in this field uses.
//!
//! The groups and their conditions are those that Google Analytics 4 publishes as its default channel group
//! (<https://support.google.com/analytics/answer/9756891>), asked in that order, with three additions that Plausible made popular
//! (<https://plausible.io/docs/top-referrers#channels>): AI assistants are a channel of their own; a click on an advertisement that
//! Google or Bing has marked is paid search; and so is a `utm_source` that calls itself an advertisement (`facebook-ads`, `adwords`).
//! What GA4 calls unassigned is `Referral` where there is a source, else direct.

use super::{
    page::Ad,
    source::{Place, place},
};
use crate::event::Utm;

/// The channel of a visit from this source (as [`super::source::Source::name`] has it) with these tags; `None` is direct.
#[must_use]
pub fn channel(source: Option<&str>, utm: &Utm, ad: Option<Ad>) -> Option<&'static str> {
    let lower = |text: &Option<String>| text.as_deref().unwrap_or_default().to_lowercase();
    let (medium, campaign, tagged) = (lower(&utm.medium), lower(&utm.campaign), lower(&utm.source));
    let (tagged, paid_source) = match without_ads(&tagged) {
        Some(rest) => (rest, true),
        None => (tagged.as_str(), false),
    };
    let place = match (tagged, source) {
        ("", None) => None,
        ("", Some(source)) => Some(place(source)),
        (tagged, _) => Some(place(tagged)),
    };
    let is = |kind: Place| place == Some(kind);
    let medium = medium.as_str();
    let paid_medium =
        medium.contains("cp") || matches!(medium, "ppc" | "retargeting") || medium.starts_with("paid");
    let paid = paid_medium || paid_source;
    let shopping = is(Place::Shopping) || names_a_shop(&campaign);
    let marked = match ad {
        Some(Ad::Google) => source.is_some_and(|s| s.eq_ignore_ascii_case("google")),
        Some(Ad::Bing) => source.is_some_and(|s| s.eq_ignore_ascii_case("bing")),
        None => false,
    };
    let mail = |text: &str| {
        ["email", "e-mail", "e_mail", "e mail", "newsletter"]
            .iter()
            .any(|word| text.contains(word))
    };

    Some(match medium {
        _ if campaign.contains("cross-network") => "Cross-network",
        _ if shopping && paid_medium => "Paid Shopping",
        _ if marked || is(Place::Search) && paid => "Paid Search",
        _ if is(Place::Social) && paid => "Paid Social",
        _ if is(Place::Video) && paid => "Paid Video",
        "display" | "banner" | "expandable" | "interstitial" | "cpm" => "Display",
        _ if paid => "Paid Other",
        _ if shopping => "Organic Shopping",
        _ if is(Place::Social) => "Organic Social",
        "social" | "social-network" | "social-media" | "sm" | "social network" | "social media" => {
            "Organic Social"
        }
        _ if is(Place::Video) || medium.contains("video") => "Organic Video",
        _ if is(Place::Assistant) => "AI Assistants",
        _ if is(Place::Search) || medium == "organic" => "Organic Search",
        _ if is(Place::Email) || mail(tagged) || mail(medium) => "Email",
        "affiliate" | "affiliates" => "Affiliates",
        "audio" => "Audio",
        _ if medium == "sms" || tagged == "sms" => "SMS",
        _ if medium.ends_with("push")
            || medium.contains("mobile")
            || medium.contains("notification")
            || tagged == "firebase" =>
        {
            "Mobile Push Notifications"
        }
        "referral" | "app" | "link" => "Referral",
        _ if source.is_some_and(|source| !source.eq_ignore_ascii_case("direct")) => "Referral",
        _ => return None,
    })
}

/// GA4's pattern `^(.*(([^a-df-z]|^)shop|shopping).*)$`: `shop` at a word's beginning, or after an e (`eshop`).
fn names_a_shop(campaign: &str) -> bool {
    campaign.contains("shopping")
        || campaign
            .match_indices("shop")
            .any(|(at, _)| !matches!(campaign[..at].chars().next_back(), Some('a'..='d' | 'f'..='z')))
}

/// `facebook-ads` → `facebook`: what a source is that says of itself that it is an advertisement.
fn without_ads(source: &str) -> Option<&str> {
    if matches!(source, "adwords" | "googleads") {
        return Some("adwords");
    }
    let rest = source
        .strip_suffix("ads")
        .or_else(|| source.strip_suffix("ad"))
        .or_else(|| source.strip_suffix("paid"))?;
    let plain = rest.strip_suffix(['-', '_', '.', ' '])?;
    (!plain.is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(source: &str, medium: &str, campaign: &str) -> &'static str {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let utm = Utm {
            medium: text(medium),
            campaign: text(campaign),
            ..Utm::default()
        };
        channel(text(source).as_deref(), &utm, None).unwrap_or("Direct")
    }

    #[test]
    fn every_way_to_a_site_has_its_channel() {
        for (source, medium, campaign, expected) in [
            ("", "", "", "Direct"),
            ("Google", "", "", "Organic Search"),
            ("google", "cpc", "", "Paid Search"),
            ("bing", "ppc", "", "Paid Search"),
            ("DuckDuckGo", "organic", "", "Organic Search"),
            ("searx.example", "organic", "", "Organic Search"),
            ("Facebook", "", "", "Organic Social"),
            ("Hacker News", "", "", "Organic Social"),
            ("facebook", "paid-social", "", "Paid Social"),
            ("somewhere", "social-media", "", "Organic Social"),
            ("Youtube", "", "", "Organic Video"),
            ("youtube.com", "cpc", "", "Paid Video"),
            ("partner", "video", "", "Organic Video"),
            ("Gmail", "", "", "Email"),
            ("news", "newsletter", "", "Email"),
            ("mailing", "e-mail", "", "Email"),
            ("Amazon", "", "", "Organic Shopping"),
            ("google", "", "spring-shop", "Organic Shopping"),
            ("google", "cpc", "eshop", "Paid Shopping"),
            ("google", "cpc", "workshop", "Paid Search"),
            ("google", "cpc", "cross-network-x", "Cross-network"),
            ("adnet", "display", "", "Display"),
            ("adnet", "banner", "", "Display"),
            ("adnet", "cpc", "", "Paid Other"),
            ("adnet", "retargeting", "", "Paid Other"),
            ("partner", "affiliate", "", "Affiliates"),
            ("podcast", "audio", "", "Audio"),
            ("gateway", "sms", "", "SMS"),
            ("app", "webpush", "", "Mobile Push Notifications"),
            ("app", "notification", "", "Mobile Push Notifications"),
            ("ChatGPT", "", "", "AI Assistants"),
            ("Perplexity", "", "", "AI Assistants"),
            ("blog.some.org", "", "", "Referral"),
            ("", "referral", "", "Referral"),
            ("GitHub", "", "", "Referral"),
        ] {
            assert_eq!(
                of(source, medium, campaign),
                expected,
                "{source} / {medium} / {campaign}"
            );
        }
    }

    #[test]
    fn a_click_that_the_search_engine_marked_as_paid_is_paid_search() {
        let with = |source, ad| channel(Some(source), &Utm::default(), Some(ad));
        assert_eq!(with("Google", Ad::Google), Some("Paid Search"));
        assert_eq!(with("Bing", Ad::Bing), Some("Paid Search"));
        assert_eq!(with("blog.some.org", Ad::Google), Some("Referral"));
    }

    #[test]
    fn a_tag_that_says_it_is_an_advertisement_is_believed() {
        for (tag, expected) in [
            ("facebook-ads", "Paid Social"),
            ("fb_ad", "Paid Social"),
            ("adwords", "Paid Search"),
            ("yt-ads", "Paid Video"),
            ("partner-ads", "Paid Other"),
            ("reads", "Referral"),
            ("squad", "Referral"),
        ] {
            let utm = Utm {
                source: Some(tag.into()),
                ..Utm::default()
            };
            assert_eq!(channel(Some(tag), &utm, None), Some(expected), "{tag}");
        }
    }
}
