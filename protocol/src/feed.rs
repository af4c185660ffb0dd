//! The feed: what a site's editors publish to all its open pages. What travels on `feed:{site}`, what editors write, and what their page shows.
//!
//! An item is published again when it was edited: whoever has one of that id takes the newer. So a page needs to know no more than the changes
//! since its position, in their order, whichever transport they came by.

use crate::{
    Domain, Timestamp,
    error::FieldErrors,
    exclude::{CountryCode, PathPattern},
    id::InvalidName,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What an item is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedKind {
    /// A text.
    #[default]
    Message,
    /// A text that leads somewhere else.
    Link,
    /// A video or a map of a provider that is let in.
    Embed,
    /// A suggestion to look at a page of the site.
    Visit,
}

impl FeedKind {
    /// All of them, in the order of the form.
    pub const ALL: [Self; 4] = [Self::Message, Self::Link, Self::Embed, Self::Visit];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Link => "link",
            Self::Embed => "embed",
            Self::Visit => "visit",
        }
    }
}

impl fmt::Display for FeedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for FeedKind {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| InvalidName("choose one of message, link, embed, visit".into()))
    }
}

/// Whom an item is for. Everybody is sent it, so that positions mean the same to all; a page shows it where it is meant. It is no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Audience {
    /// Pages whose path this matches; all of them without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathPattern>,
    /// Visitors in these countries; all of them when it is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<CountryCode>,
}

impl Audience {
    /// Whether it is for everybody.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }
}

/// An item as pages get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedItem {
    /// Its number; the same after an edit.
    pub id: i64,
    /// What it is.
    pub kind: FeedKind,
    /// One line of plain text; may be empty.
    pub title: String,
    /// Its text, and what is embedded: made and cleaned by the server, safe to put into a page as it is.
    pub html: String,
    /// Where it leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A picture, by https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Whether it stays above the others.
    #[serde(default)]
    pub pinned: bool,
    /// When it was first published; an edit does not change it.
    pub published_at: Timestamp,
    /// From when on it is not shown any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Whom it is for.
    #[serde(default, skip_serializing_if = "Audience::is_all")]
    pub audience: Audience,
}

/// What `feed:{site}` carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedChange {
    /// It is there, or is like this now.
    Publish(FeedItem),
    /// It is not to be shown any more: taken back, or expired.
    Withdraw {
        /// Which.
        id: i64,
    },
}

/// What a page starts from: the `data` of the answer to a subscription that does not go on from an earlier position.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedOpening {
    /// What is to be shown, the pinned first, then the newest first.
    pub items: Vec<FeedChange>,
    /// Where the page's visitor is, for the audience of items; absent where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<CountryCode>,
}

/// An item as its editor typed it: any text is good enough to be kept, what is wrong is said when it is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedDraft {
    /// What it is.
    pub kind: FeedKind,
    /// One line.
    pub title: String,
    /// Markdown.
    pub text: String,
    /// Where it leads: an address, of a page of the site its path; of an embed the address of its page at the provider.
    pub url: String,
    /// Address of a picture.
    pub image: String,
    /// Pattern of the paths that it is for.
    pub path: String,
    /// Two-letter codes of the countries that it is for.
    pub countries: String,
    /// Whether it stays above the others.
    pub pinned: bool,
    /// When it is to be published: `2026-11-20T14:00` by the site's clock or RFC 3339; now when it is empty.
    pub publish_at: String,
    /// When it ends, written likewise; never when it is empty.
    pub expires_at: String,
}

/// How far an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedState {
    /// Being written.
    Draft,
    /// Will be published.
    Scheduled,
    /// Is shown.
    Live,
    /// Is over by itself.
    Expired,
    /// Was taken back.
    Withdrawn,
}

impl FeedState {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 5] = [
        Self::Live,
        Self::Scheduled,
        Self::Draft,
        Self::Expired,
        Self::Withdrawn,
    ];

    /// As it is kept.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Live => "live",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl FromStr for FeedState {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| InvalidName(format!("`{text}` is no state of a feed item")))
    }
}

/// An item as the editors' list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedEntry {
    /// Its number.
    pub id: i64,
    /// How far it is.
    pub state: FeedState,
    /// As it was published or, before that, as it was typed.
    pub draft: FeedDraft,
    /// Whether it is being changed and the change is not published yet.
    pub is_changed: bool,
    /// Who wrote it last: an address, or what a key is called.
    pub author: String,
    /// When it was first published, or will be.
    pub at: Option<Timestamp>,
    /// The same by the site's clock: `2026-11-20 14:00`.
    pub when: String,
    /// When it ends, by the site's clock; empty for never.
    pub until: String,
    /// How many page loads it was delivered to: pages that were open when it was published, and pages that were opened or came back later.
    pub received: u64,
}

/// An item that is being written or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedEditing {
    /// Its number.
    pub id: i64,
    /// How far it is.
    pub state: FeedState,
    /// As it was last typed.
    pub draft: FeedDraft,
    /// What keeps it from being published, by field.
    pub errors: FieldErrors,
    /// As visitors will see it; `None` while there is something wrong with it.
    pub preview: Option<FeedItem>,
}

/// All that the editors' page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedPage {
    /// The site.
    pub domain: Domain,
    /// Its time zone.
    pub timezone: String,
    /// How many pages of the site receive the feed now.
    pub open: u32,
    /// The items, the newest first.
    pub entries: Vec<FeedEntry>,
    /// The one that is being edited.
    pub editing: Option<FeedEditing>,
    /// Where the server is reached, for the snippet.
    pub public_url: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_as_they_were_written() {
        for kind in FeedKind::ALL {
            assert_eq!(kind.name().parse::<FeedKind>().unwrap(), kind);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        for state in FeedState::ALL {
            assert_eq!(state.name().parse::<FeedState>().unwrap(), state);
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
        assert!("video".parse::<FeedKind>().is_err());
    }
}
