//! How a client joins a count, and who is counted by that.

use super::{
    connection::{Connection, Held, encode},
    session::no,
};
use crate::{
    hub::NotAttached,
    live::{NotCounted, Present},
    sites::DEMO,
};
use pulsecast_protocol::{
    Channel, Domain, Pathname,
    live::{CountRequest, OnlineCount},
    wire::{Raw, Reply, SubscribeResult, code},
};
use serde_json::value::to_raw_value;

/// Whether a page shows the count of a place where its visitor is not.
pub(super) fn only_watches(data: Option<&Raw>) -> bool {
    data.and_then(|data| serde_json::from_str::<CountRequest>(data.get()).ok())
        .is_some_and(|request| request.watch)
}

impl Connection {
    /// A page that shows a count is counted: its visitor is there for as long as this is held. Programs, and our own pages about a site, only
    /// read it.
    pub(super) fn counted(&self, site: &Domain, page: Option<&Pathname>) -> Result<Option<Present>, u32> {
        let who = self.session.who();
        let is_visitor = if who.own_origin {
            site.as_str() == DEMO || who.account.is_none()
        } else {
            who.origin.is_some()
        };
        if !is_visitor {
            return Ok(None);
        }
        match self.services.live.enter(site, page, self.visitor) {
            Ok(present) => Ok(Some(present)),
            Err(NotCounted::NoSite) => Err(code::UNKNOWN_CHANNEL),
            Err(NotCounted::TooManyPages) => Err(code::LIMIT_EXCEEDED),
        }
    }

    /// Joins a count without being in it.
    pub(super) fn watch_count(&mut self, id: u32, channel: &Channel, of: (&Domain, Option<&Pathname>)) {
        let name = channel.to_string();
        match self.join_online(id, &name, of, None) {
            Ok(held) => drop(self.subscriptions.insert(name, held)),
            Err(NotAttached::Cut) => {}
            Err(_) => {
                self.session.left(&name);
                self.send(&no(id, code::INTERNAL));
            }
        }
    }

    /// The count, this visitor included where they are there.
    pub(super) fn join_online(
        &self,
        id: u32,
        name: &str,
        (site, page): (&Domain, Option<&Pathname>),
        present: Option<Present>,
    ) -> Result<Held, NotAttached> {
        let first = |online| {
            let result = SubscribeResult {
                data: to_raw_value(&OnlineCount { online }).ok(),
                ..SubscribeResult::default()
            };
            encode(&Reply {
                id,
                subscribe: Some(result),
                ..Reply::default()
            })
        };
        let services = &self.services;
        let (hub, outbox) = (&services.hub, &self.line.outbox);
        // Nothing is published between counting and joining.
        let channel = services.live.joining(site, page, |online| {
            hub.attach(name, None, outbox, &self.who, |_| first(online))
        })?;
        Ok(Held::Count(channel, present))
    }
}
