//! Invitations: a one-time address that makes its holder a member of a site. There is no mail server: whoever invites sends it.

use super::{
    Auth,
    login::NewAccountError,
    password,
    secret::{fresh_secret, hash},
};
use crate::{
    sites::AccountId,
    store::accounts::{AccountsError, Change, Invitation},
};
use pulsecast_protocol::Timestamp;
use serde_json::json;

/// How long an invitation is good for, in milliseconds.
pub const LIFETIME: i64 = 7 * Timestamp::DAY;
/// What is said of one that is not.
pub const GONE: &str = "this invitation is not good any more: it was used, withdrawn or is older than seven days; ask for a new one";

/// A new token and what is kept of it.
#[must_use]
pub fn fresh() -> (String, [u8; 32]) {
    fresh_secret::<32>()
}

/// Why nobody becomes a member.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The invitation is not good.
    #[error("{GONE}")]
    Gone,
    /// What was typed cannot be used.
    #[error(transparent)]
    Account(#[from] NewAccountError),
}

impl From<AccountsError> for JoinError {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::Gone(_) => Self::Gone,
            other => Self::Account(NewAccountError::Accounts(other)),
        }
    }
}

impl Auth {
    /// The invitation with this token, while it is good.
    ///
    /// # Errors
    /// When the accounts do not answer.
    pub async fn invitation(&self, token: &str) -> Result<Option<Invitation>, AccountsError> {
        self.accounts.invitation(&hash(token), self.clock.now()).await
    }

    /// Makes this account, of this address, a member; the trail says so.
    ///
    /// # Errors
    /// When the invitation is not good.
    pub async fn join(&self, token: &str, account: AccountId, email: &str) -> Result<Invitation, JoinError> {
        let invitation = self.invitation(token).await?.ok_or(JoinError::Gone)?;
        let change = Change {
            site: Some(invitation.site),
            email,
            action: "member.join",
            what: json!({"role": invitation.role, "invited_by": invitation.invited_by}),
        };
        let now = self.clock.now();
        let accounts = self.accounts.noting(change, now);
        Ok(accounts.accept(&hash(token), account, now).await?)
    }

    /// Makes an account of the invited address and that account a member.
    ///
    /// # Errors
    /// When the invitation is not good or the password cannot be used; the invitation stays good then.
    pub async fn join_anew(&self, token: &str, password: String) -> Result<Invitation, JoinError> {
        let invitation = self.invitation(token).await?.ok_or(JoinError::Gone)?;
        password::check_rules(&password).map_err(NewAccountError::from)?;
        let phc = self
            .passwords
            .hash(password)
            .await
            .map_err(NewAccountError::from)?;
        let account = self
            .accounts
            .add_account(&invitation.email, &phc, self.clock.now())
            .await?;
        self.join(token, account, &invitation.email).await
    }
}
