//! The door of everything that has to do with accounts: tells the handlers behind it who is signed in, and refuses requests from foreign
//! pages that would change something.

use super::{AppState, status};
use crate::{
    auth::{
        origin::{HasSession, origin_of},
        session::{self, COOKIE, WhoError},
    },
    gate::SignedIn,
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, header};
use metrics::counter;
use tower_sessions::Session;

/// Puts [`SignedIn`] into the request where the session says so and the request comes from our own pages or from no page.
pub async fn door(
    State(state): State<AppState>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    if is_ours_or_none(&state, headers) {
        match session::who(&state.sessions, state.accounts(), &session, state.clock().now()).await {
            Ok(None) => {}
            Ok(Some(who)) => {
                request.extensions_mut().insert::<SignedIn>(who);
                if let Some(key) = session::key(&session) {
                    request.extensions_mut().insert(key);
                }
            }
            Err(WhoError::Sessions(error)) => {
                return status::refuse(request.headers(), status::sessions_away(&error));
            }
            Err(WhoError::Accounts(error)) => return status::refuse(request.headers(), error),
        }
    }
    next.run(request).await
}

/// Refuses what would change something and comes from a foreign page. Transports, which sites' pages use, ask the gate instead.
pub async fn ours(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if let Err(foreign) = state
        .auth
        .own
        .may_change(request.method(), headers, has_session(headers))
    {
        counter!("pulsecast_http_foreign_total").increment(1);
        return status::refuse(headers, foreign);
    }
    next.run(request).await
}

fn is_ours_or_none(state: &AppState, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    match origin_of(headers) {
        None => true,
        Some(Ok(origin)) => state.auth.own.is_own(&origin, host),
        Some(Err(())) => false,
    }
}

fn has_session(headers: &HeaderMap) -> HasSession {
    let named = |pair: &str| {
        pair.trim()
            .split_once('=')
            .is_some_and(|(name, _)| name == COOKIE)
    };
    let any = headers
        .get_all(header::COOKIE)
        .iter()
        .any(|line| match line.to_str() {
            Ok(line) => line.split(';').any(named),
            // Cannot be read, so it might be one.
            Err(_) => true,
        });
    if any { HasSession::Yes } else { HasSession::No }
}
