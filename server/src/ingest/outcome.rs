//! What becomes of an event: every one ends in exactly one of these, counted by its name.

use pulsecast_protocol::FieldErrors;

/// Why an event is not counted though nothing is wrong with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The user agent is a program's.
    Bot,
    /// It happened on a host that is not the site's.
    Hostname,
    /// It came from an address that the site excludes.
    ExcludedIp,
    /// It happened on a page that the site excludes.
    ExcludedPath,
    /// It happened on a host that the site excludes.
    ExcludedHostname,
    /// It came from a country that the site excludes.
    ExcludedCountry,
}

impl DropReason {
    /// As it stands in the `x-pulsecast-dropped` header and in the metric's label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Hostname => "hostname",
            Self::ExcludedIp => "excluded_ip",
            Self::ExcludedPath => "excluded_path",
            Self::ExcludedHostname => "excluded_hostname",
            Self::ExcludedCountry => "excluded_country",
        }
    }
}

/// Why an event cannot be taken now; the sender should come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overload {
    /// More are waiting for the disk than the queue holds.
    InboxFull,
    /// The event store is behind by more than is kept in memory.
    StoreBehind,
    /// The disk did not take it.
    DiskFailed,
    /// The visitors' key of the day is missing: the accounts database was away at midnight.
    NoSalt,
    /// The server is going down.
    Stopping,
}

impl Overload {
    /// As the metric's label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InboxFull => "inbox_full",
            Self::StoreBehind => "store_behind",
            Self::DiskFailed => "disk_failed",
            Self::NoSalt => "no_salt",
            Self::Stopping => "stopping",
        }
    }
}

/// How an event ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// On disk.
    Accepted,
    /// Read and left out.
    Dropped(DropReason),
    /// Wrong; the fields say how.
    Invalid(FieldErrors),
    /// Not a site of this server.
    UnknownSite(FieldErrors),
    /// Not now.
    Overloaded(Overload),
}

impl Outcome {
    /// The metric's label.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Dropped(reason) => reason.name(),
            Self::Invalid(_) => "invalid",
            Self::UnknownSite(_) => "unknown_site",
            Self::Overloaded(why) => why.name(),
        }
    }
}
