//! `POST /logout`.

use super::{AppState, form::see_other, status};
use crate::auth::session;
use axum::{extract::State, response::Response};
use http::HeaderMap;
use tower_sessions::Session;

/// Ends the session on the server: the cookie is worthless afterwards, wherever it was copied to.
pub async fn logout(State(_): State<AppState>, session: Session, headers: HeaderMap) -> Response {
    match session::end(&session).await {
        Ok(()) => see_other("/login", &[]),
        Err(error) => status::refuse(&headers, status::sessions_away(&error)),
    }
}
