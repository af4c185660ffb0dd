//! Long polling, for clients with nothing but fetch: `GET /api/feed/{site}?since=EPOCH:OFFSET` answers at once where the client is behind, and
//! else when something comes, or after a while with nothing. A parked request is a reader like any other: a seat, an outbox, no thread.

use super::{
    PACK, TransportState,
    dress::pushed,
    entry::{refuse, seat},
    feed::{self, Asked, Began, Item},
    one_way::bad,
};
use crate::hub::{Outbox, Taken};
use axum::{
    Json,
    extract::{Path, Query, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use pulsecast_protocol::{
    Position,
    wire::{PollResult, Raw},
};
use serde_json::value::RawValue;

/// `GET /api/feed/{site}`.
pub(super) async fn feed(
    State(state): State<TransportState>,
    Path(site): Path<String>,
    request: Request,
) -> Response {
    answer(&state, &site, request)
        .await
        .unwrap_or_else(|refusal| *refusal)
}

async fn answer(state: &TransportState, site: &str, request: Request) -> Result<Response, Box<Response>> {
    let (parts, _) = request.into_parts();
    let Query(asked) = Query::<Asked>::try_from_uri(&parts.uri).map_err(|_| bad(feed::ADVICE))?;
    let since = match asked.since.as_deref().filter(|since| !since.is_empty()) {
        Some(text) => Some(text.parse::<Position>().map_err(|_| bad(feed::ADVICE))?),
        None => None,
    };
    let _seat = seat(state, &parts.extensions, "poll")?;
    let (connection, mut began) = feed::begin(state, &parts, site, since.as_ref(), asked.limit).await?;
    let later = std::mem::take(&mut began.later);
    if began.recovered {
        began.take(&later);
    }
    if began.recovered && began.items.is_empty() {
        let Ok(_parked) = state.0.parked.try_acquire() else {
            let advice = "too many requests wait here: ask again in a moment";
            return Err(Box::new(refuse(
                "parked",
                StatusCode::SERVICE_UNAVAILABLE,
                advice,
            )));
        };
        let news = began.wait(connection.outbox());
        // Nothing came: that is an answer too.
        let _in_time = tokio::time::timeout(state.0.limits.poll_for, news).await;
    }
    drop(connection);
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(began.result())).into_response())
}

impl Began {
    /// Waits until something comes, or the connection ends: then the client asks again, wherever that leads it.
    async fn wait(&mut self, outbox: &Outbox) {
        while self.items.is_empty() {
            match outbox.take(PACK).await {
                Taken::Frames(frames) => {
                    self.take(&frames);
                    if frames
                        .iter()
                        .any(|frame| pushed(frame).is_some_and(|(_, push)| push.unsubscribe.is_some()))
                    {
                        return;
                    }
                }
                Taken::Cut(_) => return,
            }
        }
    }

    fn take(&mut self, frames: &[Bytes]) {
        for (_, push) in frames.iter().filter_map(|frame| pushed(frame)) {
            let Some(publication) = push.publication else {
                continue;
            };
            self.position.offset = self.position.offset.max(publication.offset);
            let data = Bytes::from(publication.data.get().to_owned());
            self.items.push(Item {
                offset: publication.offset,
                data,
            });
        }
    }

    fn result(self) -> PollResult {
        PollResult {
            epoch: self.position.epoch,
            offset: self.position.offset,
            recovered: self.recovered,
            items: self.items.into_iter().filter_map(|item| raw(item.data)).collect(),
            country: self.country,
        }
    }
}

fn raw(data: Bytes) -> Option<Raw> {
    RawValue::from_string(String::from_utf8(data.into()).ok()?).ok()
}
