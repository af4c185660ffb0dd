//! `POST /setup`: the first account, for whoever has the link that the terminal shows.

use super::{AppState, form::see_other, login::shown, status};
use crate::auth::{login::NewAccountError, session, setup::SetupError};
use axum::{
    Form,
    extract::{ConnectInfo, State, rejection::FormRejection},
    response::Response,
};
use http::HeaderMap;
use serde::Deserialize;
use std::net::SocketAddr;
use tower_sessions::Session;

/// What the form has.
#[derive(Deserialize)]
pub struct Setup {
    token: String,
    email: String,
    password: String,
}

/// Makes the first account and signs it in.
pub async fn setup(
    State(state): State<AppState>,
    session: Session,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    form: Result<Form<Setup>, FormRejection>,
) -> Response {
    let Ok(Form(Setup {
        token,
        email,
        password,
    })) = form
    else {
        return see_other("/setup", &[("error", "invalid")]);
    };
    let again = |error| {
        see_other(
            "/setup",
            &[("token", &token), ("error", error), ("email", shown(&email))],
        )
    };
    let ip = state.config.client_ip(peer, &headers);
    if state
        .auth
        .limits
        .attempt(ip, &format!("setup from {ip}"))
        .is_err()
    {
        return again("rate");
    }
    let made = state.auth.set_up(&token, &email, password).await;
    match made {
        Ok(_) => {}
        Err(SetupError::Done) => return see_other("/login", &[("error", "exists")]),
        Err(SetupError::Token) => {
            return see_other("/setup", &[("error", "token"), ("email", shown(&email))]);
        }
        Err(SetupError::Account(NewAccountError::Email(_))) => return again("email"),
        Err(SetupError::Account(NewAccountError::Password(_))) => return again("password"),
        Err(SetupError::Account(NewAccountError::Accounts(error))) => return status::refuse(&headers, error),
    }
    let account = match state.accounts().account(email.trim()).await {
        Ok(Some(account)) => account,
        Ok(None) => return see_other("/login", &[]),
        Err(error) => return status::refuse(&headers, error),
    };
    // The demo site has a member now: dashboards must not wait for the watcher to notice.
    if let Err(error) = crate::store::accounts::load_sites(state.accounts(), &state.sites).await {
        tracing::warn!(%error, "cannot reload the sites; the watcher will");
    }
    match session::begin(&session, &account, state.clock().now()).await {
        Ok(()) => see_other("/", &[]),
        Err(error) => status::refuse(&headers, status::sessions_away(&error)),
    }
}
