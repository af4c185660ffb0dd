//! Which channels can be entered through a socket, and how one starts in them.

use pulsecast_protocol::{Channel, Domain};

/// How a channel is entered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Door<'a> {
    /// With the site's state, or from a position on.
    Live(&'a Domain),
    /// With the count.
    Online(&'a Domain),
    /// Not built yet: `online:{site}:{path}`, `feed:`, `room:` and `query:`.
    Later,
}

pub(super) fn door(channel: &Channel) -> Door<'_> {
    match channel {
        Channel::Live { site } => Door::Live(site),
        Channel::Online { site, path: None } => Door::Online(site),
        Channel::Online { path: Some(_), .. }
        | Channel::Feed { .. }
        | Channel::Room { .. }
        | Channel::Query { .. } => Door::Later,
    }
}
