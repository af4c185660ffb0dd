//! Who takes a report, of which site, and how much of it they may see: members and API keys at the site's own address, whoever has a shared
//! link at the link's.

use super::{
    super::{
        AppState,
        caller::{Caller, Refusal},
        share::{self, LinkDoor},
    },
    Ask, Asker, To,
};
use crate::{
    gate::ViaLink,
    sites::{Role, Site},
    stats::Scope,
    transport::Hangup,
};
use axum::{
    Extension,
    extract::{FromRequestParts, OriginalUri, Path},
};
use http::{StatusCode, request::Parts};
use pulsecast_protocol::Domain;
use std::sync::Arc;

/// A request for a report that may be answered. As an argument of a handler it refuses all others.
pub struct Seen {
    pub(super) site: Arc<Site>,
    pub(super) scope: Scope,
    /// `None` for whoever has a link or a key.
    pub(super) role: Option<Role>,
    pub(super) to: To,
    pub(super) ask: Ask,
}

/// The site's domain in a path.
fn domain(text: &str) -> Result<Domain, Refusal> {
    text.parse().map_err(|_| {
        Refusal::new(
            StatusCode::NOT_FOUND,
            format!("there is no site {text} among yours"),
        )
    })
}

impl Seen {
    async fn by_member(parts: &mut Parts, state: &AppState, site: &str) -> Result<Self, Refusal> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let site = caller.site(state, &domain(site)?)?;
        let (asker, role) = match &caller {
            Caller::Key(key) => (key.account.map_or(Asker::Key(key.id), Asker::Account), None),
            Caller::Member(account) => (Asker::Account(*account), site.role(*account)),
        };
        Ok(Self {
            scope: caller.scope(&site),
            site,
            role,
            to: to(asker, parts),
            ask: ask(parts),
        })
    }

    async fn by_link(parts: &Parts, state: &AppState, slug: &str) -> Result<Self, Refusal> {
        let nothing = || {
            Refusal::new(
                StatusCode::NOT_FOUND,
                "this link shows nothing: ask for another one",
            )
        };
        let ViaLink { domain, link } = match share::look(state, slug, &parts.headers).await.door {
            LinkDoor::Open(via) => via,
            LinkDoor::Password => {
                return Err(Refusal::new(
                    StatusCode::UNAUTHORIZED,
                    "this link has a password: open its page and type it there",
                ));
            }
            LinkDoor::Expired | LinkDoor::Nothing => return Err(nothing()),
        };
        let site = state.sites.get(&domain).ok_or_else(nothing)?;
        let scope = site.link(link).and_then(|link| Scope::of_link(&site, link));
        Ok(Self {
            scope: scope.ok_or_else(nothing)?,
            site,
            role: None,
            to: to(Asker::Link(link), parts),
            ask: ask(parts),
        })
    }

    /// What a download of theirs is called: `example.com-pages.csv`. What was asked for is not trusted with a header.
    pub(super) fn file_name(&self, report: &str, ending: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let report: String = report.chars().map(plain).take(60).collect();
        let dash = if report.is_empty() { "" } else { "-" };
        format!(
            "attachment; filename=\"{}{dash}{report}.{ending}\"",
            self.site.settings.domain
        )
    }
}

fn to(asker: Asker, parts: &Parts) -> To {
    To {
        asker,
        hangup: parts.extensions.get::<Hangup>().cloned(),
    }
}

fn ask(parts: &Parts) -> Ask {
    let uri = parts.extensions.get::<OriginalUri>();
    Ask {
        headers: parts.headers.clone(),
        uri: uri.map_or_else(|| parts.uri.clone(), |OriginalUri(uri)| uri.clone()),
    }
}

impl FromRequestParts<AppState> for Seen {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let here = Extension::<Place>::from_request_parts(parts, state).await;
        let name = Path::<String>::from_request_parts(parts, state).await;
        let (Ok(Extension(here)), Ok(Path(name))) = (here, name) else {
            return Err(Refusal::new(StatusCode::NOT_FOUND, "there is nothing here"));
        };
        match here {
            Place::Site => Self::by_member(parts, state, &name).await,
            Place::Link => Self::by_link(parts, state, &name).await,
        }
    }
}

/// Whose address a route is at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// `/sites/{domain}/…`
    Site,
    /// `/share/{slug}/…`
    Link,
}
