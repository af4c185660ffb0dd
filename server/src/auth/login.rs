//! Signing in with address and password, and making accounts.

use super::{
    Auth,
    limit::TooOften,
    password::{self, PasswordError},
};
use crate::{
    sites::AccountId,
    store::accounts::{Account, AccountsError},
};
use std::net::IpAddr;

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Too often.
    #[error(transparent)]
    TooOften(#[from] TooOften),
    /// Which of the two it was is not said.
    #[error("address or password is wrong")]
    Credentials,
    /// We cannot tell now.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// We cannot tell now.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

/// Why an account cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NewAccountError {
    /// Not an address.
    #[error("`{0}` is not an e-mail address: write it like ann@example.com")]
    Email(String),
    /// Not a password, or not now.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Taken, or not now.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}

/// The address as it is kept: trimmed, with something on both sides of its `@`, at most 254 bytes.
///
/// # Errors
/// When it is not one.
pub fn check_email(email: &str) -> Result<&str, NewAccountError> {
    let email = email.trim();
    let fits = email.len() <= 254 && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    match email.rsplit_once('@') {
        Some((name, host)) if fits && !name.is_empty() && !host.is_empty() => Ok(email),
        _ => Err(NewAccountError::Email(email.chars().take(80).collect())),
    }
}

impl Auth {
    /// Whose account this is. Counts against the limits whether it succeeds or not.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn sign_in(&self, email: &str, password: String, ip: IpAddr) -> Result<Account, LoginError> {
        self.limits.attempt(ip, email)?;
        let account = self.accounts.account(email.trim()).await?;
        let kept = account.as_ref().map(|a| a.password_hash.clone());
        let is_right = self.passwords.verify(kept, password).await?;
        account.filter(|_| is_right).ok_or(LoginError::Credentials)
    }

    /// Makes an account: `pulsecast user add`.
    ///
    /// # Errors
    /// See [`NewAccountError`].
    pub async fn add_account(&self, email: &str, password: String) -> Result<AccountId, NewAccountError> {
        let email = check_email(email)?;
        password::check_rules(&password)?;
        let hash = self.passwords.hash(password).await?;
        Ok(self.accounts.add_account(email, &hash, self.clock.now()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::check_email;

    #[test]
    fn an_address_is_trimmed_and_anything_else_is_refused_with_advice() {
        assert_eq!(check_email(" ann@localhost ").unwrap(), "ann@localhost");
        for bad in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "a b@example.com",
            "ann@example.com\nx",
        ] {
            assert!(
                check_email(bad)
                    .unwrap_err()
                    .to_string()
                    .contains("ann@example.com"),
                "{bad}"
            );
        }
    }
}
