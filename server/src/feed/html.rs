//! Markdown to HTML that may stand on anybody's page: what is not on the list below is not in it. Knows no item.

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html::push_html};
use std::{borrow::Cow, collections::HashSet, sync::LazyLock};

/// What text may be made of. Nothing that loads, runs, asks or covers anything but pictures; no names and no styles that could meet the page's.
const TAGS: [&str; 18] = [
    "p",
    "br",
    "strong",
    "em",
    "del",
    "code",
    "pre",
    "blockquote",
    "ul",
    "ol",
    "li",
    "a",
    "h3",
    "h4",
    "hr",
    "img",
    "sub",
    "sup",
];
/// Whose content goes with them: it was never meant to be read.
const GONE: [&str; 12] = [
    "script", "style", "noscript", "template", "svg", "math", "iframe", "object", "embed", "textarea",
    "title", "xmp",
];

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = Builder::empty();
    cleaner
        .tags(HashSet::from(TAGS))
        .clean_content_tags(HashSet::from(GONE))
        .generic_attributes(HashSet::new())
        .add_tag_attributes("a", &["href"])
        .add_tag_attributes("img", &["src", "alt"])
        .add_tag_attributes("ol", &["start"])
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        // `/pricing` in a text means the page of the site that shows it.
        .url_relative(UrlRelative::PassThrough)
        .link_rel(Some("noopener nofollow"))
        .set_tag_attribute_value("img", "loading", "lazy")
        .set_tag_attribute_value("img", "referrerpolicy", "no-referrer")
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            ("img", "src") => is_https(value).then_some(Cow::Borrowed(value)),
            ("ol", "start") => value.parse::<u16>().is_ok().then_some(Cow::Borrowed(value)),
            _ => Some(Cow::Borrowed(value)),
        });
    cleaner
});

/// The text as clean HTML. Headings begin at the third level: the page around has its own.
#[must_use]
pub fn of_markdown(text: &str) -> String {
    let level = |level| match level {
        HeadingLevel::H1 | HeadingLevel::H2 | HeadingLevel::H3 => HeadingLevel::H3,
        _ => HeadingLevel::H4,
    };
    let events = Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH).map(|event| match event {
        Event::Start(Tag::Heading { level: given, .. }) => Event::Start(Tag::Heading {
            level: level(given),
            id: None,
            classes: Vec::new(),
            attrs: Vec::new(),
        }),
        Event::End(TagEnd::Heading(given)) => Event::End(TagEnd::Heading(level(given))),
        // In a note of three lines a new line is meant as one.
        Event::SoftBreak => Event::HardBreak,
        other => other,
    });
    let mut html = String::new();
    push_html(&mut html, events);
    clean(&html)
}

/// What is left of this HTML.
#[must_use]
pub fn clean(html: &str) -> String {
    CLEANER.clean(html).to_string().trim().to_owned()
}

/// A text inside an attribute or between tags.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// Whether it is the whole address of something by https.
#[must_use]
pub fn is_https(address: &str) -> bool {
    address.len() <= 2000
        && address.starts_with("https://")
        && url::Url::parse(address).is_ok_and(|url| url.has_host() && url.username().is_empty())
}

#[cfg(test)]
#[path = "html_tests.rs"]
mod tests;
