//! `POST /logout`.

use super::{AppState, form::see_other, status};
use crate::auth::session;
use axum::{extract::State, response::Response};
use http::HeaderMap;
use tower_sessions::Session;

/// Ends the session on the server: the cookie is worthless afterwards, wherever it was copied to.
/// What this browser holds open ends with it.
pub async fn logout(State(state): State<AppState>, session: Session, headers: HeaderMap) -> Response {
    let key = session::key(&session);
    match session::end(&session).await {
        Ok(()) => {
            if let Some(key) = key {
                state.sockets.end_session(key);
            }
            see_other("/login", &[])
        }
        Err(error) => status::refuse(&headers, status::sessions_away(&error)),
    }
}
