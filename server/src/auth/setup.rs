//! The first account: a one-time link that the terminal shows, good until an account exists or the server starts again.

use super::{
    Auth,
    login::{NewAccountError, check_email},
    password,
};
use crate::{
    sites::AccountId,
    store::accounts::{Accounts, AccountsError},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use pulsecast_protocol::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Why the first account is not made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Not the token that the terminal shows.
    #[error(
        "this link is not valid: use the one that the server printed at its last start, or restart it for a new one"
    )]
    Token,
    /// There is an account.
    #[error("the first account exists already: sign in")]
    Done,
    /// What was typed cannot be used.
    #[error(transparent)]
    Account(#[from] NewAccountError),
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The link under which the first account is made, or nothing when there is an account. Each call makes a new token and the old one
/// worthless: call it once a start.
///
/// # Errors
/// When the accounts do not answer.
pub async fn first_link(
    accounts: &dyn Accounts,
    base: &str,
    now: Timestamp,
) -> Result<Option<String>, AccountsError> {
    if accounts.count_accounts().await? > 0 {
        return Ok(None);
    }
    let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    accounts.put_setup_token(&hash(&token), now).await?;
    Ok(Some(format!(
        "{}/setup?token={token}",
        base.trim_end_matches('/')
    )))
}

impl Auth {
    /// Makes the first account for whoever holds the token.
    ///
    /// # Errors
    /// See [`SetupError`]; the token stays good when the address or the password was at fault.
    pub async fn set_up(&self, token: &str, email: &str, password: String) -> Result<AccountId, SetupError> {
        let accounts = |e| SetupError::Account(NewAccountError::Accounts(e));
        let Some(kept) = self.accounts.setup_token().await.map_err(accounts)? else {
            let count = self.accounts.count_accounts().await.map_err(accounts)?;
            return Err(if count > 0 {
                SetupError::Done
            } else {
                SetupError::Token
            });
        };
        if !bool::from(hash(token).as_slice().ct_eq(&kept)) {
            return Err(SetupError::Token);
        }
        let email = check_email(email)?;
        password::check_rules(&password).map_err(NewAccountError::from)?;
        let phc = self
            .passwords
            .hash(password)
            .await
            .map_err(NewAccountError::from)?;
        match self
            .accounts
            .add_first_account(email, &phc, self.clock.now())
            .await
        {
            Ok(id) => Ok(id),
            Err(AccountsError::SetupDone) => Err(SetupError::Done),
            Err(error) => Err(accounts(error)),
        }
    }
}
