//! What comes to a feed from outside: programs' publications are read, cleaned and kept as items before the channel gets anything of them; pages
//! that open are greeted with what is shown.

use super::{Feed, FeedError, Posted};
use crate::{
    hub::{Draft, Look, PublishDoor, PublishError},
    sites::Site,
};
use async_trait::async_trait;
use bytes::Bytes;
use pulsecast_protocol::{
    Channel, Position,
    feed::{FeedDraft, FeedKind},
};
use serde::Deserialize;
use std::{net::IpAddr, sync::Arc};

/// What may be published to a feed; said when something else is.
const ADVICE: &str = "data: send an item such as {\"title\":\"Hello\",\"text\":\"*Markdown*\"}, with \"id\" to change one, or {\"withdraw\":7}";

/// An item as programs send it. What is misspelt is refused rather than left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Post {
    id: Option<i64>,
    kind: FeedKind,
    title: String,
    text: String,
    url: String,
    image: String,
    pinned: bool,
    publish_at: String,
    expires_at: String,
    audience: PostAudience,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PostAudience {
    path: String,
    countries: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdrawal {
    withdraw: i64,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Posting {
    Text(String),
    Withdraw(Withdrawal),
}

/// Who publishes, where the channel's API says so.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Author {
    user: String,
}

impl Post {
    fn draft(self) -> FeedDraft {
        FeedDraft {
            kind: self.kind,
            title: self.title,
            text: self.text,
            url: self.url,
            image: self.image,
            path: self.audience.path,
            countries: self.audience.countries.join(","),
            pinned: self.pinned,
            publish_at: self.publish_at,
            expires_at: self.expires_at,
        }
    }
}

impl Feed {
    async fn take(&self, site: &Site, draft: &Draft) -> Result<Position, PublishError> {
        let author = serde_json::from_slice::<Author>(&draft.info)
            .unwrap_or_default()
            .user;
        let author = if author.is_empty() { "a program" } else { &author };
        let posted = match serde_json::from_slice::<Posting>(&draft.payload) {
            Ok(Posting::Withdraw(what)) => return Ok(self.withdraw(site, what.withdraw, author).await?),
            Ok(Posting::Text(text)) => Post {
                text,
                ..Post::default()
            },
            Err(_) => serde_json::from_slice::<Post>(&draft.payload)
                .map_err(|error| PublishError::Invalid(format!("{ADVICE} ({error})")))?,
        };
        let (id, key) = (posted.id, draft.key.as_deref());
        let Posted { position, .. } = self.post(site, id, posted.draft(), author, key).await?;
        Ok(position)
    }

    fn site_of(&self, channel: &str) -> Option<Arc<Site>> {
        match channel.parse() {
            Ok(Channel::Feed { site }) => self.0.sites.get(&site),
            _ => None,
        }
    }
}

#[async_trait]
impl PublishDoor for Feed {
    async fn publish(&self, channel: &str, draft: Draft) -> Result<Position, PublishError> {
        let site = self.site_of(channel).ok_or(PublishError::NotAllowed)?;
        self.take(&site, &draft).await
    }

    fn greeting(&self, channel: &str, look: &Look, from: Option<IpAddr>) -> Option<Bytes> {
        let site = self.site_of(channel)?;
        Some(self.opening(&site, look, from).into())
    }

    fn caught_up(&self, channel: &str, after: u64, to: u64) {
        if let Some(site) = self.site_of(channel).filter(|_| after < to) {
            self.with_shelf(&site, |shelf| shelf.recovered(after, to));
        }
    }
}

impl From<FeedError> for PublishError {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Accounts(error) => {
                tracing::error!(%error, "a feed item is not taken");
                Self::Unavailable
            }
            FeedError::Later(_) | FeedError::Changed => Self::Unavailable,
            FeedError::Fields(_) | FeedError::Gone | FeedError::Cannot(_) | FeedError::Full(_) => {
                Self::Invalid(error.to_string())
            }
        }
    }
}
