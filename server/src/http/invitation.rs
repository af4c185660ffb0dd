//! `POST /invitations/{token}`: joins the site, with the account that is signed in or with a new one.

use super::{AppState, form::see_other, status};
use crate::{
    auth::{invitation::JoinError, login::NewAccountError, session},
    gate::SignedIn,
    store::accounts::{AccountsError, load_sites},
};
use axum::{
    Extension, Form,
    extract::{ConnectInfo, Path, State, rejection::FormRejection},
    response::Response,
};
use http::HeaderMap;
use serde::Deserialize;
use std::net::SocketAddr;
use tower_sessions::Session;

/// What the form has.
#[derive(Deserialize)]
pub struct Join {
    /// Of the account to be made; whoever is signed in needs none.
    #[serde(default)]
    password: String,
}

/// Makes a member of whoever holds the invitation.
pub async fn join(
    State(state): State<AppState>,
    Path(token): Path<String>,
    session: Session,
    who: Option<Extension<SignedIn>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    form: Result<Form<Join>, FormRejection>,
) -> Response {
    let here = format!("/invitations/{token}");
    let Ok(Form(Join { password })) = form else {
        return see_other(&here, &[("error", "invalid")]);
    };
    let ip = state.config.client_ip(peer, &headers);
    if state
        .auth
        .limits
        .attempt(ip, &format!("invitation from {ip}"))
        .is_err()
    {
        return see_other(&here, &[("error", "rate")]);
    }
    let is_new = who.is_none();
    let joined = match &who {
        Some(Extension(SignedIn(account, email))) => state.auth.join(&token, *account, email).await,
        None => state.auth.join_anew(&token, password).await,
    };
    let invitation = match joined {
        Ok(invitation) => invitation,
        Err(JoinError::Gone) => return see_other(&here, &[]),
        Err(JoinError::Account(NewAccountError::Accounts(AccountsError::EmailTaken))) => {
            return see_other("/login", &[("error", "exists"), ("next", &here)]);
        }
        Err(JoinError::Account(NewAccountError::Accounts(error))) => return status::refuse(&headers, error),
        Err(JoinError::Account(_)) => return see_other(&here, &[("error", "password")]),
    };
    let email = who.map_or(invitation.email.clone(), |Extension(SignedIn(_, email))| email);
    if let Err(error) = load_sites(state.accounts(), &state.sites).await {
        return status::refuse(&headers, error);
    }
    if is_new {
        let account = match state.accounts().account(&email).await {
            Ok(Some(account)) => account,
            Ok(None) => return see_other("/login", &[]),
            Err(error) => return status::refuse(&headers, error),
        };
        if let Err(error) = session::begin(&session, &account, state.clock().now()).await {
            return status::refuse(&headers, status::sessions_away(&error));
        }
    }
    let site = state.sites.by_id(invitation.site);
    let to = site.map_or("/".to_owned(), |site| format!("/sites/{}", site.settings.domain));
    see_other(&to, &[])
}
