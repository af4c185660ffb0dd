//! What members take out of a site: any report as CSV, all of them as ZIP, raw events as lines or as Parquet. These two: signed in by the session, or by a member's token as bearer: that is how
//! `pulsecast export` asks a server that is running.

pub mod csv;
mod files;
mod ndjson;
mod parquet;
mod range;
pub mod zip;

pub use files::Files;

use super::status;
use crate::{
    auth::{
        Tokens,
        rights::{Denied, Right, site_for},
    },
    clock::SharedClock,
    gate::SignedIn,
    period::Period,
    sites::{AccountId, Site, Sites},
    store::EventReader,
};
use axum::{Extension, Router, response::Response, routing::get};
use http::{HeaderMap, header};
use pulsecast_protocol::{ApiError, Domain, ErrorCode};
use serde::{Deserialize, Deserializer};
use std::sync::Arc;

/// What the exports need.
#[derive(Clone)]
pub struct ExportState {
    /// Whose events.
    pub sites: Sites,
    /// From where.
    pub events: Arc<dyn EventReader>,
    /// Files on their way out.
    pub files: Files,
    /// Reads members' tokens.
    pub tokens: Tokens,
    /// What time it is.
    pub clock: SharedClock,
}

/// The exports' routes; behind the door that says who is signed in.
pub fn routes(state: ExportState) -> Router {
    Router::new()
        .route("/sites/{domain}/export.ndjson", get(ndjson::export))
        .route("/sites/{domain}/export.parquet", get(parquet::export))
        .with_state(state)
}

/// `?from=2026-01-01&to=2026-01-31`: days of the site, both included; or times, the second not included. Without: all there is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    #[serde(deserialize_with = "filled")]
    from: Option<String>,
    #[serde(deserialize_with = "filled")]
    to: Option<String>,
    /// Number of the last event that the asker has.
    after: u64,
}

/// A field of a form that nothing was typed into is sent empty, and means none.
pub(super) fn filled<'de, D: Deserializer<'de>>(field: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(field)?.filter(|text| !text.is_empty()))
}

impl ExportState {
    /// The site, for whoever may take its raw events.
    pub(super) fn site(
        &self,
        domain: &str,
        session: Option<Extension<SignedIn>>,
        headers: &HeaderMap,
    ) -> Result<Arc<Site>, Box<Response>> {
        let refuse = |code, message: String| Box::new(status::refuse(headers, ApiError::new(code, message)));
        let account = self.asker(session, headers).ok_or_else(|| {
            let message = "nobody is signed in: sign in and try again";
            refuse(ErrorCode::Unauthorized, message.to_owned())
        })?;
        let denied = |error: Denied| match error {
            Denied::NoSuchSite(_) => refuse(ErrorCode::NotFound, error.to_string()),
            Denied::Needs(_) => refuse(ErrorCode::Forbidden, error.to_string()),
        };
        let domain: Domain = domain
            .parse()
            .map_err(|_| denied(Denied::NoSuchSite(domain.to_owned())))?;
        site_for(&self.sites, &domain, account, Right::Manage).map_err(denied)
    }

    fn asker(&self, session: Option<Extension<SignedIn>>, headers: &HeaderMap) -> Option<AccountId> {
        if let Some(Extension(SignedIn(account, _))) = session {
            return Some(account);
        }
        let token = headers
            .get(header::AUTHORIZATION)?
            .to_str()
            .ok()?
            .strip_prefix("Bearer ")?;
        self.tokens
            .read(token, self.clock.now())
            .ok()
            .map(|(account, _)| account)
    }
}

impl Wanted {
    fn period(&self, site: &Site, headers: &HeaderMap) -> Result<Period, Box<Response>> {
        Period::parse(
            self.from.as_deref(),
            self.to.as_deref(),
            site.settings.timezone.parse().unwrap_or_default(),
        )
        .map_err(|error| {
            Box::new(status::refuse(
                headers,
                ApiError::new(ErrorCode::Invalid, error.to_string()),
            ))
        })
    }
}

/// What a download is called: `example.com-2026-01-01-2026-01-31.csv`, or `example.com.csv` when it is all there is.
fn file_name(site: &Site, wanted: &Wanted, ending: &str) -> String {
    // What was asked for is not trusted with a header: only what dates and times are written with.
    let date = |text: &Option<String>| {
        text.as_deref()
            .map(|text| {
                text.chars()
                    .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
                    .take(30)
                    .collect::<String>()
            })
            .map(|text| format!("-{text}"))
            .unwrap_or_default()
    };
    format!(
        "attachment; filename=\"{}{}{}.{ending}\"",
        site.settings.domain,
        date(&wanted.from),
        date(&wanted.to)
    )
}
