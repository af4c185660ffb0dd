//! `POST /api/revoke` and `POST /api/disconnect`: a site's own server turns a visitor away.
//!
//! `{"site":"example.com","user":"ann"}`, or `{"site":"example.com","token":"the token's jti"}`; the site may be left out where the key is for
//! one. Both end what the visitor holds open; `revoke` makes worthless, too, what was issued to them until now.

use super::{super::AppState, answer::Refusal, caller::Program};
use crate::{
    auth::{rights::Right, visitor::RevokeError},
    sites::Site,
    store::accounts::{AccountsError, Change},
};
use pulsecast_protocol::{
    Domain,
    visitor::RevokedKind,
    wire::{Empty, code},
};
use serde::Deserialize;
use serde_json::json;

impl AppState {
    /// Turns a token or a user of a site away: what was issued until now is worthless, what is open ends.
    ///
    /// # Errors
    /// When it cannot be kept; then nothing has happened.
    pub async fn turn_away(
        &self,
        site: &Site,
        kind: RevokedKind,
        name: &str,
        by: &str,
    ) -> Result<(), RevokeError> {
        let change = Change {
            site: Some(site.id),
            email: by,
            action: "visitors.revoke",
            what: json!({kind.name(): name}),
        };
        let accounts = self.accounts().noting(change, self.clock().now());
        self.visitors.revoke(&*accounts, site, kind, name).await?;
        self.end(site, kind, name);
        Ok(())
    }

    /// Ends what they hold open.
    fn end(&self, site: &Site, kind: RevokedKind, name: &str) {
        self.sockets.end_visitors(|visitor| {
            visitor.site == site.settings.domain
                && match kind {
                    RevokedKind::User => visitor.user == name,
                    RevokedKind::Token => visitor.token.as_deref() == Some(name),
                }
        });
    }
}

impl From<RevokeError> for Refusal {
    fn from(error: RevokeError) -> Self {
        match error {
            RevokeError::Accounts(AccountsError::NoSuchSite) => Self::by_number(code::UNKNOWN_CHANNEL),
            RevokeError::Accounts(error) => {
                tracing::error!(%error, "a visitor cannot be turned away");
                Self::by_number(code::INTERNAL)
            }
            RevokeError::Name(_) | RevokeError::TooMany(_) => Self::bad(error.to_string()),
        }
    }
}

/// Whom.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whom {
    #[serde(default)]
    site: Option<Domain>,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    token: Option<String>,
}

impl Whom {
    fn what(self) -> Result<(RevokedKind, String), Refusal> {
        match (self.user, self.token) {
            (Some(user), None) if !user.is_empty() => Ok((RevokedKind::User, user)),
            (None, Some(token)) if !token.is_empty() => Ok((RevokedKind::Token, token)),
            _ => Err(Refusal::bad("name a `user`, or a `token` by its jti")),
        }
    }
}

pub(super) async fn revoke(state: &AppState, program: &Program, whom: Whom) -> Result<Empty, Refusal> {
    let site = program.site_or_own(state, whom.site.as_ref(), Right::Manage)?;
    let (kind, name) = whom.what()?;
    state.turn_away(&site, kind, &name, &program.name()).await?;
    Ok(Empty {})
}

pub(super) fn disconnect(state: &AppState, program: &Program, whom: Whom) -> Result<Empty, Refusal> {
    let site = program.site_or_own(state, whom.site.as_ref(), Right::Manage)?;
    let (kind, name) = whom.what()?;
    state.end(&site, kind, &name);
    Ok(Empty {})
}
