//! Who looks at what is published before a channel takes it: a door for each kind of channel.

use super::{Draft, Hub, Look, PublishError};
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt, ready};
use pulsecast_protocol::Position;
use std::{collections::HashMap, fmt, net::IpAddr, sync::Arc};

/// Bytes of an idempotency key.
const KEY: usize = 128;

/// What a publication from outside has to pass before its channel takes it.
#[async_trait]
pub trait PublishDoor: Send + Sync + 'static {
    /// Publishes it, or what is made of it, in this durable channel.
    ///
    /// # Errors
    /// When it was not published; nobody got it.
    async fn publish(&self, channel: &str, draft: Draft) -> Result<Position, PublishError>;

    /// What newcomers are greeted with, and those who come back with a position that cannot be recovered from: one JSON value, of which all
    /// that `look` has is part. What is published after `look` reaches them too, so that something may come twice.
    fn greeting(&self, channel: &str, look: &Look, from: Option<IpAddr>) -> Option<Bytes> {
        let _nothing_special = (channel, look, from);
        None
    }

    /// A reader came back and was given what was published after the one offset, up to the other.
    fn caught_up(&self, channel: &str, after: u64, to: u64) {
        let _nothing_to_do = (channel, after, to);
    }
}

/// The plain door: everything is taken as it is.
#[async_trait]
impl PublishDoor for Hub {
    async fn publish(&self, channel: &str, draft: Draft) -> Result<Position, PublishError> {
        self.publish_draft(channel, draft).await
    }
}

/// The door of each kind of channel. A cheap handle.
#[derive(Clone)]
pub struct Publishing {
    hub: Hub,
    /// By what a channel's name says before the first colon.
    doors: HashMap<&'static str, Arc<dyn PublishDoor>>,
    /// Bytes of one payload.
    most: usize,
}

impl fmt::Debug for Publishing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publishing")
            .field("doors", &self.doors.keys())
            .finish_non_exhaustive()
    }
}

impl Publishing {
    /// Everything that is durable takes what comes, up to `most` bytes at a time.
    #[must_use]
    pub fn new(hub: Hub, most: usize) -> Self {
        Self {
            hub,
            doors: HashMap::new(),
            most,
        }
    }

    /// The same, where channels of this kind have this door.
    #[must_use]
    pub fn with(mut self, kind: &'static str, door: Arc<dyn PublishDoor>) -> Self {
        self.doors.insert(kind, door);
        self
    }

    /// The hub behind the doors.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Publishes through the channel's door.
    ///
    /// # Errors
    /// When it was not published; nobody got it.
    pub async fn publish(&self, channel: &str, draft: Draft) -> Result<Position, PublishError> {
        self.begin(channel, draft).await
    }

    /// The same for who does more than one thing at a time. Where the channel has no door, the draft is handed in before this returns.
    pub fn begin(&self, channel: &str, draft: Draft) -> BoxFuture<'static, Result<Position, PublishError>> {
        if let Err(error) = self.fits(&draft) {
            return ready(Err(error)).boxed();
        }
        match self.door(channel).cloned() {
            None => self.hub.publish_draft(channel, draft).boxed(),
            Some(door) => {
                let channel = channel.to_owned();
                async move { door.publish(&channel, draft).await }.boxed()
            }
        }
    }

    /// Whether the channel has a door, which has to be waited for.
    #[must_use]
    pub fn has_door(&self, channel: &str) -> bool {
        self.door(channel).is_some()
    }

    /// The same for who cannot wait; see [`Hub::hand_in`].
    ///
    /// # Errors
    /// What was handed in, where the channel has a door of its own: that has to be waited for, with [`Publishing::publish`].
    pub fn hand_in<D>(&self, channel: &str, draft: Draft, done: D) -> Result<(), (Draft, D)>
    where
        D: FnOnce(Result<Position, PublishError>) + Send + 'static,
    {
        if self.door(channel).is_some() {
            return Err((draft, done));
        }
        match self.fits(&draft) {
            Ok(()) => self.hub.hand_in(channel, draft, done),
            Err(error) => done(Err(error)),
        }
        Ok(())
    }

    /// What newcomers of a channel are greeted with.
    #[must_use]
    pub fn greeting(&self, channel: &str, look: &Look, from: Option<IpAddr>) -> Option<Bytes> {
        self.door(channel)?.greeting(channel, look, from)
    }

    /// See [`PublishDoor::caught_up`].
    pub fn caught_up(&self, channel: &str, after: u64, to: u64) {
        if let Some(door) = self.door(channel) {
            door.caught_up(channel, after, to);
        }
    }

    fn door(&self, channel: &str) -> Option<&Arc<dyn PublishDoor>> {
        self.doors.get(channel.split(':').next().unwrap_or_default())
    }

    fn fits(&self, draft: &Draft) -> Result<(), PublishError> {
        if draft.payload.len() > self.most {
            return Err(PublishError::TooLarge(format!(
                "a publication has at most {} bytes of data: publish less, or raise --max-publication",
                self.most
            )));
        }
        if draft
            .key
            .as_ref()
            .is_some_and(|key| key.is_empty() || key.len() > KEY)
        {
            return Err(PublishError::Invalid(format!(
                "idempotency_key has 1 to {KEY} bytes"
            )));
        }
        Ok(())
    }
}
