//! `GET /sites/{domain}/export.ndjson`: a site's raw events for its members, one JSON object a line, streamed piece by piece. Signed in by
//! the session, or by a member's token as bearer: that is how `pulsecast export` asks a server that is running.

use super::status;
use crate::{
    auth::Tokens,
    clock::SharedClock,
    event::SiteId,
    gate::SignedIn,
    sites::{AccountId, Sites},
    store::{EventReader, StoreError},
};
use axum::{
    Extension, Router,
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, header};
use pulsecast_protocol::{ApiError, Domain, ErrorCode};
use std::sync::Arc;

/// Events read at a time.
const PIECE: usize = 5_000;

/// What the export needs.
#[derive(Clone)]
pub struct ExportState {
    /// Whose events.
    pub sites: Sites,
    /// From where.
    pub events: Arc<dyn EventReader>,
    /// Reads members' tokens.
    pub tokens: Tokens,
    /// What time it is.
    pub clock: SharedClock,
}

impl ExportState {
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

/// The export's route; behind the door that says who is signed in.
pub fn routes(state: ExportState) -> Router {
    Router::new()
        .route("/sites/{domain}/export.ndjson", get(ndjson))
        .with_state(state)
}

async fn ndjson(
    State(state): State<ExportState>,
    Path(domain): Path<String>,
    who: Option<Extension<SignedIn>>,
    headers: HeaderMap,
) -> Response {
    let Some(account) = state.asker(who, &headers) else {
        return status::refuse(
            &headers,
            ApiError::new(
                ErrorCode::Unauthorized,
                "nobody is signed in: sign in and try again",
            ),
        );
    };
    let site = domain
        .parse::<Domain>()
        .ok()
        .and_then(|domain| state.sites.get(&domain))
        .filter(|site| site.is_member(account));
    let Some(site) = site else {
        return status::refuse(
            &headers,
            ApiError::new(ErrorCode::NotFound, "there is no such site among yours"),
        );
    };
    let name = format!("attachment; filename=\"{}.ndjson\"", site.settings.domain);
    let id = site.id;
    let lines = stream::try_unfold(Some(0), move |after| {
        let events = state.events.clone();
        async move {
            let Some(after) = after else {
                return Ok::<_, std::io::Error>(None);
            };
            let (text, next) = piece(events, id, after).await.map_err(std::io::Error::other)?;
            Ok((!text.is_empty()).then_some((text, next)))
        }
    });
    let kind = "application/x-ndjson; charset=utf-8".to_owned();
    (
        [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)],
        Body::from_stream(lines),
    )
        .into_response()
}

/// The next events after one, as lines, and from where to go on.
async fn piece(
    events: Arc<dyn EventReader>,
    site: SiteId,
    after: u64,
) -> Result<(Bytes, Option<u64>), StoreError> {
    let read = tokio::task::spawn_blocking(move || events.export(site, after, PIECE)).await;
    let rows = read.map_err(|e| StoreError::Engine {
        path: "export".to_owned(),
        message: e.to_string(),
    })??;
    let next = rows.last().map(|(seq, _)| *seq);
    let mut text = Vec::new();
    for (_, row) in rows {
        // A map of strings and numbers always encodes.
        text.extend(serde_json::to_vec(&row).unwrap_or_default());
        text.push(b'\n');
    }
    Ok((text.into(), next))
}
