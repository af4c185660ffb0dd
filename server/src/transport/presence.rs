//! How a client joins a count, and who is counted by that.

use super::connection::{Connection, Held, encode};
use crate::{
    hub::NotAttached,
    live::{NotCounted, Present},
    sites::DEMO,
};
use pulsecast_protocol::{
    Domain, Pathname,
    live::OnlineCount,
    wire::{Reply, SubscribeResult, code},
};
use serde_json::value::to_raw_value;

impl Connection {
    /// A page that shows a count is counted: its visitor is there for as long as this is held. Programs, and our own pages about a site, only
    /// read it.
    pub(super) fn counted(&self, site: &Domain, page: Option<&Pathname>) -> Result<Option<Present>, u32> {
        let who = self.session.who();
        let is_visitor =
            who.origin.is_some() && (!who.own_origin || site.as_str() == DEMO || who.account.is_none());
        if !is_visitor {
            return Ok(None);
        }
        match self.services.live.enter(site, page, self.visitor) {
            Ok(present) => Ok(Some(present)),
            Err(NotCounted::NoSite) => Err(code::UNKNOWN_CHANNEL),
            Err(NotCounted::TooManyPages) => Err(code::LIMIT_EXCEEDED),
        }
    }

    /// The count, this visitor included.
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
