//! Which channels can be entered through a socket, and how one starts in them.

use pulsecast_protocol::{Channel, Domain};

/// How a channel is entered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Door<'a> {
    /// With the site's state, or from a position on.
    Live(&'a Domain),
    /// With the count.
    Online(&'a Domain),
    /// With the answer to a query, and then what changes of it.
    Query(&'a Domain),
    /// Not built yet: `online:{site}:{path}`, `feed:` and `room:`.
    Later,
}

pub(super) fn door(channel: &Channel) -> Door<'_> {
    match channel {
        Channel::Live { site } => Door::Live(site),
        Channel::Online { site, path: None } => Door::Online(site),
        Channel::Query { site, .. } => Door::Query(site),
        Channel::Online { path: Some(_), .. } | Channel::Feed { .. } | Channel::Room { .. } => Door::Later,
    }
}
