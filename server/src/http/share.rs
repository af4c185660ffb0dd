//! `/share/{slug}`: the door of shared links. Says what a link shows now, takes its password, lets other pages frame it where that is
//! allowed.

use super::{AppState, form::see_other, security, status};
use crate::{
    auth::{
        link::{OpenError, Purpose},
        secret,
    },
    gate::ViaLink,
    sites::{Link, Site},
};
use axum::{
    Form,
    extract::{ConnectInfo, Path, RawQuery, State, rejection::FormRejection},
    response::Response,
};
use http::{HeaderMap, HeaderValue, header};
use pulsecast_protocol::{ApiError, ErrorCode};
use serde::Deserialize;
use std::{net::SocketAddr, sync::Arc};
use tower_sessions::cookie::{Cookie, SameSite};

/// Where shared links begin.
pub(super) const PATH: &str = "/share/";
/// Says that somebody knew the password; one a link, since it is sent to that link's address alone.
const COOKIE: &str = "pulsecast_share";

/// What a shared link shows now. Set as a request extension on the link's own address, and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkDoor {
    /// The dashboard.
    Open(ViaLink),
    /// The question for its password.
    Password,
    /// That it is over.
    Expired,
    /// That there is no such link.
    Nothing,
}

/// What a request for a shared link gets.
pub(super) struct Asked {
    /// What it shows.
    pub door: LinkDoor,
    embed: bool,
}

impl Asked {
    /// The same response, for frames of other pages too where the link allows it. Nobody caches it: it may end at any time.
    pub(super) fn framed(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        );
        if self.embed {
            security::allow_frames(&mut response);
        }
        response
    }
}

/// What this link shows to a request with these headers.
pub(super) async fn look(state: &AppState, slug: &str, headers: &HeaderMap) -> Asked {
    let nothing = Asked {
        door: LinkDoor::Nothing,
        embed: false,
    };
    let Some((site, link)) = found(state, slug) else {
        return nothing;
    };
    let now = state.clock().now();
    let door = if !link.is_open(now) {
        LinkDoor::Expired
    } else if link.password_hash.is_some() && !knows_password(state, &link, headers) {
        LinkDoor::Password
    } else {
        // Nobody waits for it, and a full disk closes no link.
        if let Err(error) = state.accounts().note_link_used(link.id, now).await {
            tracing::warn!(%error, "cannot note that a shared link was used");
        }
        LinkDoor::Open(ViaLink {
            domain: site.settings.domain.clone(),
            link: link.id,
        })
    };
    Asked {
        door,
        embed: link.embed,
    }
}

fn found(state: &AppState, slug: &str) -> Option<(Arc<Site>, Link)> {
    let (site, id) = state.sites.shared(&secret::hash(slug))?;
    let link = site.link(id)?.clone();
    Some((site, link))
}

fn knows_password(state: &AppState, link: &Link, headers: &HeaderMap) -> bool {
    let now = state.clock().now();
    let lines = headers.get_all(header::COOKIE).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == COOKIE)
        .filter_map(|(_, token)| state.auth.tokens.read_link(Purpose::Session, token, now).ok())
        .any(|(opened, _)| opened == link.id)
}

/// What the form has.
#[derive(Deserialize)]
pub struct Knock {
    password: String,
}

/// `POST /share/{slug}`: takes the link's password.
pub async fn open(
    State(state): State<AppState>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    form: Result<Form<Knock>, FormRejection>,
) -> Response {
    let here = format!("{PATH}{slug}");
    let kept: Vec<(String, String)> = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .filter(|(name, _)| name != "error")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let back = |error: &str| {
        let mut pairs: Vec<(&str, &str)> = kept.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        pairs.push(("error", error));
        see_other(&here, &pairs)
    };
    let Some((_, link)) = found(&state, &slug) else {
        return back("");
    };
    let Ok(Form(Knock { password })) = form else {
        return back("invalid");
    };
    let ip = state.config.client_ip(peer, &headers);
    match state.auth.open_link(&link, password, ip).await {
        Ok(()) => {}
        Err(OpenError::Wrong) => return back("wrong"),
        Err(OpenError::TooOften(_)) => return back("rate"),
        Err(OpenError::Password(error)) => {
            tracing::error!(%error, "answering 500");
            return status::refuse(&headers, cannot());
        }
    }
    let now = state.clock().now();
    let token = match state
        .auth
        .tokens
        .issue_link(Purpose::Session, link.id, link.expires, now)
    {
        Ok((token, _)) => token,
        Err(error) => {
            tracing::error!(%error, "cannot sign a token");
            return status::refuse(&headers, cannot());
        }
    };
    let is_https = state.config.secure() == crate::auth::session::Secure::Https;
    // In a frame of another site's page browsers send the cookie only if it says that this is meant, and over https only.
    let (same_site, partitioned) = if link.embed && is_https {
        (SameSite::None, true)
    } else {
        (SameSite::Lax, false)
    };
    let cookie = Cookie::build((COOKIE, token))
        .path(here.clone())
        .http_only(true)
        .secure(is_https)
        .same_site(same_site)
        .partitioned(partitioned);
    let mut response = back("");
    match HeaderValue::from_str(&cookie.to_string()) {
        Ok(value) => {
            response.headers_mut().insert(header::SET_COOKIE, value);
            response
        }
        Err(_) => status::refuse(&headers, cannot()),
    }
}

fn cannot() -> ApiError {
    ApiError::new(
        ErrorCode::Internal,
        "the link cannot be opened now: see the server's log",
    )
}
