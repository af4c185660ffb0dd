//! `GET /sites/{domain}/export.parquet?from&to`: raw events as one Parquet file, which the store's engine writes into the data directory. A
//! download that broke off goes on by `Range`, for an hour. Whoever asks for what is being written already waits for the same file.

use super::{
    ExportState, Wanted, file_name,
    files::{Key, Trouble},
    range::{Ask, Title, begin, go_on},
};
use crate::{gate::SignedIn, http::status, store::Slice, transport::Hangup};
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::Response,
};
use http::{HeaderMap, Uri};
use pulsecast_protocol::{ApiError, ErrorCode};

pub(super) async fn export(
    State(state): State<ExportState>,
    Path(domain): Path<String>,
    Query(wanted): Query<Wanted>,
    who: Option<Extension<SignedIn>>,
    hangup: Option<Extension<Hangup>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let ask = Ask { headers, uri };
    match answer(&state, &domain, &wanted, (who, hangup), &ask).await {
        Ok(response) => response,
        Err(response) => *response,
    }
}

async fn answer(
    state: &ExportState,
    domain: &str,
    wanted: &Wanted,
    (who, hangup): (Option<Extension<SignedIn>>, Option<Extension<Hangup>>),
    ask: &Ask,
) -> Result<Response, Box<Response>> {
    let headers = &ask.headers;
    let site = state.site(domain, who.clone(), headers)?;
    let period = wanted.period(&site, headers)?;
    let slice = Slice {
        site: site.id,
        from: period.from,
        to: period.to,
    };
    let title = Title {
        kind: "application/vnd.apache.parquet",
        name: file_name(&site, wanted, "parquet"),
    };
    let line = state.admit(who, hangup, headers)?;
    let refuse = |trouble: Trouble| {
        let code = match trouble {
            Trouble::Gone => ErrorCode::NotFound,
            _ => ErrorCode::Unavailable,
        };
        Box::new(status::refuse(headers, ApiError::new(code, trouble.to_string())))
    };
    let (key, files) = (Key::of(&("parquet", slice)), &state.exports.files);
    if let Some(made) = state.exports.there(key, ask).map_err(refuse)? {
        return go_on(made, &title, ask, line).await.map_err(refuse);
    }
    let made = match files.growing(key) {
        Some(made) => made,
        None => {
            let events = state.events.clone();
            let write =
                move |file: &std::path::Path, tell: &mut dyn FnMut(_)| events.parquet(slice, file, tell);
            files.make_whole(key, line.slot.clone(), write).map_err(refuse)?
        }
    };
    // Its last bytes say where the others are: there is nothing to send before them.
    made.whole().await.map_err(refuse)?;
    begin(made, &title, ask, line).await.map_err(refuse)
}
