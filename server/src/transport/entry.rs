//! The door that all transports share: from which page a request comes, whom it speaks for, and whether there is a seat left. What other
//! origins' pages may read of the answers (CORS) follows from the same question. Refusals are counted by reason.

use super::{
    TransportState,
    connection::Looks,
    seats::{NoSeat, Seat},
};
use crate::gate::{Cookies, Identity, RemoteIp, SessionKey, SignedIn};
use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use pulsecast_protocol::Origin;
use std::net::{IpAddr, SocketAddr};

/// How long browsers may remember what a preflight answered.
const REMEMBER: HeaderValue = HeaderValue::from_static("7200");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
const HEADERS: HeaderValue = HeaderValue::from_static("content-type, authorization, last-event-id");

/// A request that was let in. Set as a request extension by [`enter`].
#[derive(Clone, Debug, Default)]
pub(super) struct Entered {
    origin: Option<Origin>,
    own_origin: bool,
}

/// From an origin that has no business here.
#[derive(Debug)]
struct Foreign;

/// Lets requests in from our own pages, from sites' pages and from programs; answers preflights; says which pages may read the answer.
pub(super) async fn enter(State(state): State<TransportState>, mut request: Request, next: Next) -> Response {
    let Ok(entered) = entrance(&state, request.headers()) else {
        let advice = "this origin may not connect here: add it to the site's origins in its settings";
        return refuse("origin", StatusCode::FORBIDDEN, advice);
    };
    let allowed = Allowed::new(&entered, request.headers());
    let mut response = if request.method() == Method::OPTIONS {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBER);
        response
    } else {
        request.extensions_mut().insert(entered);
        next.run(request).await
    };
    allowed.tell(response.headers_mut());
    response
}

/// Which page's programs may read an answer.
struct Allowed {
    origin: Option<HeaderValue>,
    own: bool,
}

impl Allowed {
    fn new(entered: &Entered, headers: &HeaderMap) -> Self {
        let origin = entered.origin.as_ref().and(headers.get(header::ORIGIN));
        Self {
            origin: origin.cloned(),
            own: entered.own_origin,
        }
    }

    /// Cookies count on our own pages only, so only those may send them along.
    fn tell(self, headers: &mut HeaderMap) {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        let Some(origin) = self.origin else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self.own {
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderValue::from_static("true"),
            );
        }
    }
}

fn entrance(state: &TransportState, headers: &HeaderMap) -> Result<Entered, Foreign> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = match (origins.next(), origins.next()) {
        (None, _) => None,
        (Some(one), None) => Some(readable(one).ok_or(Foreign)?),
        (Some(_), Some(_)) => return Err(Foreign),
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(origin) = origin else {
        return without_origin(state, headers, host);
    };
    let entrance = state.0.gate.open(Some(&origin), host).map_err(|_| Foreign)?;
    Ok(Entered {
        origin: Some(origin),
        own_origin: entrance.own_origin,
    })
}

/// Programs send no `Origin`, and browsers none with what a page gets from where it comes from itself: an `EventSource`, say. They tell the
/// two apart in other words. What another site's page has a browser fetch without asking to read it is neither.
fn without_origin(
    state: &TransportState,
    headers: &HeaderMap,
    host: Option<&str>,
) -> Result<Entered, Foreign> {
    let site = headers
        .get(HeaderName::from_static("sec-fetch-site"))
        .map(HeaderValue::as_bytes);
    let is_ours = |page: &Origin| {
        let entrance = state.0.gate.open(Some(page), host);
        entrance.is_ok_and(|entrance| entrance.own_origin)
    };
    let page = headers.get(header::REFERER).and_then(page_of).filter(is_ours);
    let own_origin = match site {
        Some(b"same-origin") => true,
        Some(b"none") => false,
        Some(_) => return Err(Foreign),
        // Without TLS browsers leave that out; our pages' policy lets the referrer go to ourselves only.
        None => page.is_some(),
    };
    state.0.gate.open(None, host).map_err(|_| Foreign)?;
    Ok(Entered {
        origin: page.filter(|_| own_origin),
        own_origin,
    })
}

fn readable(value: &HeaderValue) -> Option<Origin> {
    value.to_str().ok()?.parse().ok()
}

/// The origin of the page of this address.
fn page_of(referrer: &HeaderValue) -> Option<Origin> {
    let text = referrer.to_str().ok()?;
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    format!("{scheme}://{authority}").parse().ok()
}

/// Whom a request that was let in speaks for.
pub(super) fn identity(headers: &HeaderMap, extensions: &Extensions) -> Identity {
    let Entered { origin, own_origin } = extensions.get::<Entered>().cloned().unwrap_or_default();
    // A cookie travels with requests of any page; it counts only where the page is the server's own, or there is no page.
    let trusted = own_origin || origin.is_none();
    let signed_in = extensions.get::<SignedIn>().filter(|_| trusted);
    Identity {
        account: signed_in.map(|signed_in| signed_in.0),
        session: signed_in.and_then(|_| extensions.get::<SessionKey>().copied()),
        user: signed_in.map(|signed_in| signed_in.1.clone()).unwrap_or_default(),
        origin,
        own_origin,
        cookies: Cookies::of(headers),
        ..Identity::default()
    }
}

/// Programs without a user agent are each taken for a visitor of their own.
pub(super) fn looks<'a>(headers: &'a HeaderMap, extensions: &Extensions) -> Option<Looks<'a>> {
    let user_agent = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(Looks {
        ip: remote_ip(extensions)?,
        user_agent,
    })
}

/// A seat for a connection by this transport, where there is one.
pub(super) fn seat(
    state: &TransportState,
    extensions: &Extensions,
    transport: &'static str,
) -> Result<Seat, Box<Response>> {
    let (reason, status, advice) = match state.0.seats.take(remote_ip(extensions)) {
        Ok(_) if state.0.tasks.is_stopping() => (
            "shutdown",
            StatusCode::SERVICE_UNAVAILABLE,
            "the server is going down: come back in a moment",
        ),
        Ok(seat) => {
            metrics::counter!("pulsecast_connections_total", "transport" => transport).increment(1);
            return Ok(seat);
        }
        Err(NoSeat::Full) => (
            "full",
            StatusCode::SERVICE_UNAVAILABLE,
            "too many connections: come back later",
        ),
        Err(NoSeat::TooManyFromThere) => (
            "address",
            StatusCode::TOO_MANY_REQUESTS,
            "too many connections from this address: close some",
        ),
    };
    Err(Box::new(refuse(reason, status, advice)))
}

fn remote_ip(extensions: &Extensions) -> Option<IpAddr> {
    let peer = || {
        extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|peer| peer.0.ip())
    };
    extensions.get::<RemoteIp>().map(|remote| remote.0).or_else(peer)
}

/// No connection, for this reason; the advice is for whoever reads the answer.
pub(super) fn refuse(reason: &'static str, status: StatusCode, advice: &'static str) -> Response {
    metrics::counter!("pulsecast_connections_refused_total", "reason" => reason).increment(1);
    let mut response = (status, advice).into_response();
    if matches!(
        status,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
    ) {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
    }
    response
}
