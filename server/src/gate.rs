//! Who may open a socket and read a channel: the questions that transports ask. The answers live in `auth::gate`.
//!
//! What the answers have to be:
//! - [`Gate::open`]: at the upgrade, before anything else. An `Origin` that is neither the server's own (by public URL, or by equality
//!   with `Host`) nor accepted by any site is [`Refused::NotAllowed`] (the transport answers 403). No `Origin` at all is no browser page:
//!   it may come in, and is nobody until it shows a token.
//! - [`Gate::identify_token`]: the connection token of `connect` or `refresh`. It says who; the transport knows from where.
//!   Where a site's keys have to be fetched first, the transport waits for [`Gate::prepare`].
//! - [`Gate::introduce`]: before a command about a room, and now and then while one is open. A visitor who brought a cookie and no token is
//!   asked about at the site's own endpoint, where it has one.
//! - [`Gate::may`]: at each command about a channel, and again each time rights are checked anew. Reading `live:` and `query:` wants an
//!   account that is a member and, where there is an `Origin`, the server's own. `online:` and `feed:` want an origin that the site accepts,
//!   or the server's own origin for the demo site, or a member. `room:` wants a visitor whom the site vouches for, with that right in that
//!   room. A site that does not exist is [`Refused::UnknownChannel`].

use crate::sites::{AccountId, LinkId};
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, header};
use pulsecast_protocol::{Channel, Domain, Origin, Timestamp};
use std::{fmt, sync::Arc};

/// Answers who may do what. One for the whole server.
pub trait Gate: Send + Sync + 'static {
    /// Whether a connection from this origin may be opened at all.
    ///
    /// # Errors
    /// [`Refused::NotAllowed`] for an origin that has no business here.
    fn open(&self, origin: Option<&Origin>, host: Option<&str>) -> Result<Entrance, Refused>;

    /// Who a connection token speaks for. [`Identity::origin`] and [`Identity::own_origin`] of the answer are ignored: the transport
    /// fills in where the connection came from.
    ///
    /// # Errors
    /// When the token is too old or not one of ours.
    fn identify_token(&self, token: &str, now: Timestamp) -> Result<Identity, TokenError>;

    /// What has to be waited for before this token can be read; `None` for most.
    fn prepare(&self, _token: &str) -> Option<BoxFuture<'static, ()>> {
        None
    }

    /// Whether the cookies that this one brought can ever be of use to [`Gate::introduce`]: else nobody holds on to them.
    fn may_introduce(&self, _who: &Identity) -> bool {
        false
    }

    /// Asks the site who this is, where nobody has said so yet, or not for much longer: what comes is their identity from now on. `None`
    /// where there is nothing to ask.
    fn introduce(&self, _who: &Identity, _site: &Domain, _now: Timestamp) -> Option<Introduction> {
        None
    }

    /// Whether this one may do this with this channel.
    ///
    /// # Errors
    /// When there is no such channel, or it is not for them.
    fn may(&self, who: &Identity, right: Right, channel: &Channel) -> Result<(), Refused>;
}

/// What a site's endpoint will have said: the same identity with a visitor, or without where it knows nobody.
pub type Introduction = BoxFuture<'static, Result<Identity, TokenError>>;

/// What somebody wants of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// To receive it.
    Read,
    /// To publish to it.
    Publish,
    /// To know who receives it.
    Presence,
    /// To ask for its past.
    History,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Publish, Self::Presence, Self::History];
}

/// Through which door a connection came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entrance {
    /// Whether its `Origin` is the server's own. `false` when there is none.
    pub own_origin: bool,
}

/// Whom a connection speaks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The account, where somebody is signed in.
    pub account: Option<AccountId>,
    /// The shared link, where somebody came by one: they read that site's queries, within the link's segment, and nothing else.
    pub link: Option<LinkId>,
    /// The visitor of a site, where that site's own server vouches for somebody.
    pub visitor: Option<Arc<Visitor>>,
    /// What others in a room are told about them beside the name: JSON, as the site gave it.
    pub info: Option<Arc<str>>,
    /// The cookies that a page of a site sent along: for that site's own server, and for nobody else.
    pub cookies: Option<Cookies>,
    /// The browser's session, where it came with its cookie: when somebody signs out there, what it holds open ends.
    pub session: Option<SessionKey>,
    /// Name for counting users: the account's number, a visitor's name; empty for nobody in particular.
    pub user: String,
    /// The page's origin; `None` for programs that are no browser.
    pub origin: Option<Origin>,
    /// Whether that origin is the server's own.
    pub own_origin: bool,
    /// When this stops being true and a new token is needed; `None` for session cookies.
    pub expires: Option<Timestamp>,
}

/// Whom a site vouches for, and where they may do what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// The site that says so; nothing here is good for another.
    pub site: Domain,
    /// Who, by the site's own name for them.
    pub user: String,
    /// Its rooms.
    pub rooms: Vec<RoomGrant>,
    /// The token's own name, by which it can be revoked.
    pub token: Option<String>,
    /// Since when the site says so.
    pub issued: Timestamp,
    /// Until when, where the site was asked instead of signing; a token's end is [`Identity::expires`].
    pub until: Option<Timestamp>,
}

impl Visitor {
    /// Whether they have this right in this room of their site.
    #[must_use]
    pub fn may(&self, right: Right, room: &str) -> bool {
        self.rooms
            .iter()
            .any(|grant| grant.rights.contains(&right) && grant.covers(room))
    }
}

/// A browser's cookies, and the host that it sent them to. They do not print themselves.
#[derive(Clone, PartialEq, Eq)]
pub struct Cookies {
    text: Arc<str>,
    host: Option<Arc<str>>,
}

impl Cookies {
    /// Longest that are passed on.
    pub const MAX: usize = 8 << 10;

    /// These; `None` where there are none, or too many.
    #[must_use]
    pub fn new(text: &str, host: Option<&str>) -> Option<Self> {
        (!text.trim().is_empty() && text.len() <= Self::MAX).then(|| Self {
            text: text.into(),
            host: host.map(Into::into),
        })
    }

    /// Those of a request.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let read = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
        let lines: Vec<_> = headers.get_all(header::COOKIE).iter().filter_map(read).collect();
        let host = headers.get(header::HOST).and_then(read);
        Self::new(&lines.join("; "), host.as_deref())
    }

    /// The text, for whoever passes it on.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What a page at that host has for an origin: browsers leave it out of some requests to where the page itself comes from.
    pub fn origins(&self) -> impl Iterator<Item = Origin> {
        let host = self.host.as_deref().unwrap_or_default();
        ["https", "http"]
            .into_iter()
            .filter_map(move |scheme| format!("{scheme}://{host}").parse().ok())
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cookies(hidden)")
    }
}

/// Rights in one room, or in all whose names begin alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomGrant {
    /// The room's name; with a `*` as its last character, all that begin with what is before it.
    pub room: String,
    /// What may be done there.
    pub rights: Vec<Right>,
}

impl RoomGrant {
    fn covers(&self, room: &str) -> bool {
        match self.room.strip_suffix('*') {
            Some(beginning) => room.starts_with(beginning),
            None => self.room == room,
        }
    }
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing by that name, or nothing that the asker may know of.
    #[error("unknown channel")]
    UnknownChannel,
    /// It is there, but not for them.
    #[error("permission denied")]
    NotAllowed,
}

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was good once: get a new one and try again.
    #[error("token expired")]
    Expired,
    /// It never was: stay away.
    #[error("invalid token")]
    Invalid,
    /// Whoever could tell does not answer: try again later.
    #[error("the site's own server does not answer: try again later")]
    Away,
}

/// Set as a request extension by the HTTP middleware that reads the session cookie, and only where `Origin` is the server's own or absent:
/// this account, by this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn(pub AccountId, pub String);

/// Tells sessions apart, without being what a browser shows to be let in. Set as a request extension beside [`SignedIn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionKey(pub u64);

/// A shared link that is open: by it somebody sees this site's dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViaLink {
    /// The site.
    pub domain: Domain,
    /// The link.
    pub link: LinkId,
}

/// Set as a request extension by the HTTP edge, which knows which proxies to trust: the address that the connection counts against.
/// Without it the peer's own address is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteIp(pub std::net::IpAddr);
