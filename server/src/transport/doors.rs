//! Which channels can be entered through a socket, and how one starts in them.

use pulsecast_protocol::{Channel, Domain, Pathname};

/// How a channel is entered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Door<'a> {
    /// With the site's state, or from a position on.
    Live(&'a Domain),
    /// With the count, of the site or of one page.
    Online(&'a Domain, Option<&'a Pathname>),
    /// With the answer to a query, and then what changes of it.
    Query(&'a Domain),
    /// From a position on, or with what its kind greets newcomers with.
    Stream(&'a Domain),
}

pub(super) fn door(channel: &Channel) -> Door<'_> {
    match channel {
        Channel::Live { site } => Door::Live(site),
        Channel::Online { site, path } => Door::Online(site, path.as_ref()),
        Channel::Query { site, .. } => Door::Query(site),
        Channel::Feed { site } | Channel::Room { site, .. } => Door::Stream(site),
    }
}
