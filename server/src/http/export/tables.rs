//! `GET /sites/{domain}/funnel.csv`, `retention.csv` and `cohorts.csv`, and the same below a shared link: what is no answer to a question of the
//! Stats API, for the dashboard's state that follows the `?`.

use super::{
    super::{AppState, caller::Refusal, status},
    Writes,
    csv::KIND,
    files::{Key, Sink, Trouble},
    range::Title,
    seen::Seen,
};
use crate::{
    board::{Asked, Board, Viewpoint},
    stats::{
        csv::{cohorts, funnel, returns},
        of_visits,
    },
};
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use http::StatusCode;
use pulsecast_protocol::ApiError;

/// What is small enough to be made at once.
impl Writes for Vec<u8> {
    async fn write(self, mut sink: Sink) -> Result<Sink, Trouble> {
        sink.write(&self).await?;
        Ok(sink)
    }
}

async fn asked(state: &AppState, seen: &Seen, search: Option<String>) -> Result<Asked, Refusal> {
    let first = state.accounts().first_event_at(seen.site.id).await;
    let first = first.map_err(|error| {
        let error = ApiError::from(error);
        Refusal::new(status::status(error.code), error.message)
    })?;
    let from = Viewpoint::new(&seen.site, seen.scope.clone(), seen.role, first);
    let board = Board {
        stats: state.stats.clone(),
        clock: state.clock().clone(),
    };
    Ok(board.asked(&from, &search.unwrap_or_default()).await)
}

async fn answer(
    state: &AppState,
    seen: &Seen,
    (name, key): (&str, Key),
    made: impl AsyncFnOnce() -> Result<Vec<u8>, Refusal>,
) -> Result<Response, Refusal> {
    let title = Title {
        kind: KIND,
        name: seen.file_name(name, "csv"),
    };
    let line = state.exports.admit(seen.to.clone())?;
    state.exports.answer(key, &title, &seen.ask, line, made).await
}

fn nothing(what: &str) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, what)
}

/// How far visitors got along a funnel.
///
/// # Errors
/// 404 without a funnel; otherwise as `POST /api/v2/query`.
pub async fn of_funnel(
    State(state): State<AppState>,
    RawQuery(search): RawQuery,
    seen: Seen,
) -> Result<Response, Refusal> {
    let asked = asked(&state, &seen, search).await?;
    let Some(which) = &asked.funnel else {
        return Err(nothing("this site has no funnel: add one in its settings"));
    };
    let steps = seen.scope.steps(which)?;
    let name = format!("funnel-{}", which.name);
    let key = Key::of(&("funnel", &seen.scope, &asked));
    answer(&state, &seen, (&name, key), async || {
        let filters = of_visits(&asked.filters);
        let counted = state.stats.funnel(&seen.scope, &steps, asked.range, &filters);
        Ok(funnel(&counted.await?))
    })
    .await
}

/// Who came back on the same day.
///
/// # Errors
/// As `POST /api/v2/query`.
pub async fn of_returns(
    State(state): State<AppState>,
    RawQuery(search): RawQuery,
    seen: Seen,
) -> Result<Response, Refusal> {
    let asked = asked(&state, &seen, search).await?;
    let key = Key::of(&("returns", &seen.scope, &asked));
    answer(&state, &seen, ("retention", key), async || {
        let counted = state.stats.returns(&seen.scope, asked.range, &asked.filters);
        Ok(returns(&counted.await?))
    })
    .await
}

/// Who came back across days.
///
/// # Errors
/// 404 where the state names no property that names people; otherwise as `POST /api/v2/query`.
pub async fn of_cohorts(
    State(state): State<AppState>,
    RawQuery(search): RawQuery,
    seen: Seen,
) -> Result<Response, Refusal> {
    let asked = asked(&state, &seen, search).await?;
    let Some(prop) = &asked.prop else {
        return Err(nothing("name the property that names people: prop=…"));
    };
    let key = Key::of(&("cohorts", &seen.scope, &asked));
    answer(&state, &seen, ("cohorts", key), async || {
        let stats = &state.stats;
        let counted = stats.cohorts(&seen.scope, prop, asked.unit, asked.range, &asked.filters);
        Ok(cohorts(&counted.await?, asked.unit))
    })
    .await
}
