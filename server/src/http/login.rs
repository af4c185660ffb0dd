//! `POST /login`: a plain form, so that it works before, and without, WebAssembly.

use super::{
    AppState,
    form::{local_path, see_other},
    status,
};
use crate::auth::{login::LoginError, session};
use axum::{
    Form,
    extract::{ConnectInfo, State, rejection::FormRejection},
    response::Response,
};
use http::HeaderMap;
use metrics::counter;
use serde::Deserialize;
use std::net::SocketAddr;
use tower_sessions::Session;

/// What the form has.
#[derive(Deserialize)]
pub struct Login {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// Lets in whoever knows the password; sends everybody else back to the form, which says why.
pub async fn login(
    State(state): State<AppState>,
    session: Session,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    form: Result<Form<Login>, FormRejection>,
) -> Response {
    let Ok(Form(Login {
        email,
        password,
        next,
    })) = form
    else {
        return see_other("/login", &[("error", "invalid")]);
    };
    let next = local_path(&next);
    let ip = state.config.client_ip(peer, &headers);
    let again = |error| {
        see_other(
            "/login",
            &[("error", error), ("email", shown(&email)), ("next", next)],
        )
    };
    let account = match state.auth.sign_in(&email, password, ip).await {
        Ok(account) => account,
        Err(LoginError::Credentials) => {
            counter!("pulsecast_logins_total", "outcome" => "refused").increment(1);
            return again("credentials");
        }
        Err(LoginError::TooOften(_)) => {
            counter!("pulsecast_logins_total", "outcome" => "rate_limited").increment(1);
            return again("rate");
        }
        Err(error) => return status::refuse(&headers, error),
    };
    if let Err(error) = session::begin(&session, &account, state.clock().now()).await {
        return status::refuse(&headers, status::sessions_away(&error));
    }
    counter!("pulsecast_logins_total", "outcome" => "ok").increment(1);
    see_other(next, &[])
}

/// What may stand in an address: nobody's novel.
pub(super) fn shown(email: &str) -> &str {
    if email.len() <= 254 { email } else { "" }
}
