//! What people take out of a site: whoever may see it any report as CSV and all of them as ZIP, whoever may administer it raw events as lines or as
//! Parquet. These two: signed in by the session, or by a member's token as bearer: that is how `pulsecast export` asks a server that is running.
//!
//! What is asked of history is written to a file and sent from there: nobody's slowness holds up the store, and a download that broke off
//! goes on with the same bytes.

pub mod csv;
mod files;
mod ndjson;
mod outflow;
mod parquet;
mod range;
mod seen;
mod slots;
mod tables;
pub mod zip;

use super::{AppState, caller::Refusal, status};
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
    tasks::Tasks,
    transport::Hangup,
};
use axum::{Extension, Router, response::Response, routing::get};
use files::{Files, Key, Made, Sink, Trouble};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use outflow::Line;
use pulsecast_protocol::{ApiError, Domain, ErrorCode};
use range::{Ask, Title, Which};
use seen::Place;
use serde::{Deserialize, Deserializer};
use slots::{Asker, Full, Slots};
use std::{io, path::PathBuf, sync::Arc, time::Duration};

/// What downloads may cost.
#[derive(Clone, Copy, Debug)]
pub struct ExportLimits {
    /// `--max-downloads`.
    pub downloads: usize,
    /// `--max-downloads-each`.
    pub each: usize,
    /// `--download-patience`: how long a client may take nothing.
    pub patience: Duration,
    /// `--export-disk`: bytes that all files being downloaded may have.
    pub disk: u64,
}

impl Default for ExportLimits {
    fn default() -> Self {
        Self {
            downloads: 64,
            each: 8,
            patience: Duration::from_secs(60),
            disk: 8 << 30,
        }
    }
}

/// Downloads: who may have how many, and the files they are made of. A cheap handle.
#[derive(Clone, Debug)]
pub struct Exports {
    files: Files,
    slots: Slots,
    patience: Duration,
    tasks: Tasks,
}

/// Who a download goes to, and over which connection.
#[derive(Clone, Debug)]
struct To {
    asker: Asker,
    hangup: Option<Hangup>,
}

impl Exports {
    /// With files in this folder, which is emptied.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(
        folder: PathBuf,
        limits: ExportLimits,
        clock: SharedClock,
        tasks: &Tasks,
    ) -> io::Result<Self> {
        let files = Files::open(folder, limits.disk, clock, tasks.clone())?;
        files.keep_clean();
        Ok(Self {
            files,
            slots: Slots::new(limits.downloads, limits.each),
            patience: limits.patience,
            tasks: tasks.clone(),
        })
    }

    /// A place for a download.
    fn admit(&self, to: To) -> Result<Line, Full> {
        let slot = self.slots.take(to.asker).inspect_err(|full| {
            let reason = match full {
                Full::All => "all",
                Full::Yours(_) => "each",
            };
            ::metrics::counter!("pulsecast_downloads_refused_total", "reason" => reason).increment(1);
        })?;
        Ok(Line {
            patience: self.patience,
            hangup: to.hangup,
            slot,
            tasks: self.tasks.clone(),
        })
    }

    /// Goes on with a download that broke off, where the request wants that and what it was is still there; else begins one of what `write`
    /// writes.
    async fn answer<W>(
        &self,
        key: Key,
        title: &Title,
        ask: &Ask,
        line: Line,
        write: impl AsyncFnOnce() -> Result<W, Refusal>,
    ) -> Result<Response, Refusal>
    where
        W: Writes,
    {
        if let Some(made) = self.there(key, ask)? {
            return Ok(range::go_on(made, title, ask, line).await?);
        }
        let writer = write().await?;
        let made = self
            .files
            .make(key, line.slot.clone(), |sink| writer.write(sink))
            .await?;
        Ok(range::begin(made, title, ask, line).await?)
    }

    /// The file that a request goes on with.
    fn there(&self, key: Key, ask: &Ask) -> Result<Option<Arc<Made>>, Trouble> {
        match ask.which() {
            Which::New => Ok(None),
            Which::Tagged(tag) => Ok(self.files.find(key, &tag)),
            Which::Named(tag) => match self.files.find(key, &tag) {
                Some(made) => Ok(Some(made)),
                None => Err(Trouble::Gone),
            },
        }
    }
}

/// Writes a file to its end.
trait Writes: Send + 'static {
    fn write(self, sink: Sink) -> impl Future<Output = Result<Sink, Trouble>> + Send + 'static;
}

impl From<Full> for Refusal {
    fn from(full: Full) -> Self {
        let status = match full {
            Full::All => StatusCode::SERVICE_UNAVAILABLE,
            Full::Yours(_) => StatusCode::TOO_MANY_REQUESTS,
        };
        Self::new(status, full.to_string()).again_after(Full::AGAIN)
    }
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Gone => Self::new(StatusCode::NOT_FOUND, trouble.to_string()),
            _ => Self::new(StatusCode::SERVICE_UNAVAILABLE, trouble.to_string()).again_after(Full::AGAIN),
        }
    }
}

/// What the exports of raw events need.
#[derive(Clone)]
pub struct ExportState {
    /// Whose events.
    pub sites: Sites,
    /// From where.
    pub events: Arc<dyn EventReader>,
    /// Downloads.
    pub exports: Exports,
    /// Reads members' tokens.
    pub tokens: Tokens,
    /// What time it is.
    pub clock: SharedClock,
}

/// The reports' routes, for members and keys below the site's address, for whoever has a shared link below the link's.
pub fn reports() -> Router<AppState> {
    let all = || {
        Router::new()
            .route("/csv", get(csv::export))
            .route("/export.zip", get(zip::export))
            .route("/funnel.csv", get(tables::of_funnel))
            .route("/retention.csv", get(tables::of_returns))
            .route("/cohorts.csv", get(tables::of_cohorts))
    };
    Router::new()
        .nest("/sites/{domain}", all().layer(Extension(Place::Site)))
        .nest("/share/{slug}", all().layer(Extension(Place::Link)))
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
    /// Number of the last event that the asker wants.
    through: Option<u64>,
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

    /// A place for a download of somebody who was let in.
    fn admit(
        &self,
        session: Option<Extension<SignedIn>>,
        hangup: Option<Extension<Hangup>>,
        headers: &HeaderMap,
    ) -> Result<Line, Box<Response>> {
        let account = self.asker(session, headers).unwrap_or(AccountId(0));
        let to = To {
            asker: Asker::Account(account),
            hangup: hangup.map(|Extension(hangup)| hangup),
        };
        self.exports.admit(to).map_err(|full| {
            let code = match full {
                Full::All => ErrorCode::Unavailable,
                Full::Yours(_) => ErrorCode::RateLimited,
            };
            let mut response = status::refuse(headers, ApiError::new(code, full.to_string()));
            let after = HeaderValue::from(Full::AGAIN.as_secs());
            response.headers_mut().insert(header::RETRY_AFTER, after);
            Box::new(response)
        })
    }

    pub(super) fn asker(
        &self,
        session: Option<Extension<SignedIn>>,
        headers: &HeaderMap,
    ) -> Option<AccountId> {
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
