//! `POST /api/token`: a connection token for whoever is signed in, for sockets that cannot send the cookie.

use super::{AppState, status};
use crate::gate::SignedIn;
use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use pulsecast_protocol::{ApiError, ErrorCode, Timestamp};
use serde::Serialize;

#[derive(Serialize)]
struct Issued {
    token: String,
    expires_at: Timestamp,
}

/// Answers `{"token":…,"expires_at":…}`, the time in milliseconds since the epoch.
pub async fn token(
    State(state): State<AppState>,
    who: Option<Extension<SignedIn>>,
    headers: HeaderMap,
) -> Response {
    let Some(Extension(SignedIn(account, _))) = who else {
        return status::refuse(
            &headers,
            ApiError::new(
                ErrorCode::Unauthorized,
                "nobody is signed in: sign in at /login first",
            ),
        );
    };
    match state.auth.tokens.issue(account, state.clock().now()) {
        Ok((token, expires_at)) => (
            [(header::CACHE_CONTROL, "no-store")],
            Json(Issued { token, expires_at }),
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot sign a token");
            status::refuse(
                &headers,
                ApiError::new(
                    ErrorCode::Internal,
                    "the token cannot be made: see the server's log",
                ),
            )
        }
    }
}
