//! How passwords are kept and compared: argon2id, on threads of their own, a few at a time.

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::SaltString,
};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Fewest characters of a password.
pub const MIN_CHARS: usize = 10;
/// Most bytes of a password: beyond it nobody types, and hashing it is our work.
pub const MAX_BYTES: usize = 1024;

/// Why a password cannot be taken or compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too few characters.
    #[error("use a password of at least {MIN_CHARS} characters")]
    TooShort,
    /// Too many bytes.
    #[error("use a password of at most {MAX_BYTES} bytes")]
    TooLong,
    /// The hasher could not do its work.
    #[error("cannot hash the password: {0}")]
    Hasher(String),
}

/// Whether this text may be a password.
///
/// # Errors
/// Says which rule it breaks.
pub fn check_rules(password: &str) -> Result<(), PasswordError> {
    if password.len() > MAX_BYTES {
        return Err(PasswordError::TooLong);
    }
    if password.chars().count() < MIN_CHARS {
        return Err(PasswordError::TooShort);
    }
    Ok(())
}

/// Hashes and compares. A cheap handle; all its clones share the bound on concurrent work.
#[derive(Clone, Debug)]
pub struct Passwords {
    argon: Argon2<'static>,
    /// Each hash takes a core for tens of milliseconds and 19 MiB: more at a time than cores would only starve the events.
    permits: Arc<Semaphore>,
    /// Compared with when the address is unknown, so that the answer takes as long as for a known one.
    decoy: Arc<str>,
}

impl Passwords {
    /// With OWASP's parameters for argon2id (19 MiB, two passes), two at a time.
    ///
    /// # Errors
    /// When argon2 refuses its parameters, which only a changed library would do.
    pub fn new() -> Result<Self, PasswordError> {
        Self::with_cost(Params::DEFAULT_M_COST, Params::DEFAULT_T_COST)
    }

    /// With this much memory (KiB) and this many passes: tests take the least.
    ///
    /// # Errors
    /// When argon2 refuses them.
    pub fn with_cost(memory: u32, passes: u32) -> Result<Self, PasswordError> {
        let params =
            Params::new(memory, passes, 1, None).map_err(|e| PasswordError::Hasher(e.to_string()))?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash(&argon, "nobody has this password")?.into();
        Ok(Self {
            argon,
            permits: Arc::new(Semaphore::new(2)),
            decoy,
        })
    }

    /// The PHC string to keep for this password, which follows the rules.
    ///
    /// # Errors
    /// When the password breaks a rule or the hasher fails.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        check_rules(&password)?;
        let argon = self.argon.clone();
        self.blocking(move || hash(&argon, &password)).await?
    }

    /// Whether the password is the one that was kept; always `false`, after the same work, when nothing was.
    ///
    /// # Errors
    /// When the hasher fails.
    pub async fn verify(&self, kept: Option<String>, password: String) -> Result<bool, PasswordError> {
        if password.len() > MAX_BYTES {
            return Ok(false);
        }
        let (argon, decoy) = (self.argon.clone(), self.decoy.clone());
        self.blocking(move || {
            let is_known = kept.is_some();
            let phc = kept.as_deref().unwrap_or(&decoy);
            let parsed = PasswordHash::new(phc).map_err(|e| PasswordError::Hasher(e.to_string()))?;
            Ok(argon.verify_password(password.as_bytes(), &parsed).is_ok() && is_known)
        })
        .await?
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let permit = self
            .permits
            .clone()
            .acquire_owned()
            .await
            .map_err(|e| PasswordError::Hasher(e.to_string()))?;
        // The permit goes along: a caller who gives up does not let the next one in before the work is done.
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        done.await.map_err(|e| PasswordError::Hasher(e.to_string()))
    }
}

fn hash(argon: &Argon2<'_>, password: &str) -> Result<String, PasswordError> {
    let hasher = |e: argon2::password_hash::Error| PasswordError::Hasher(e.to_string());
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(hasher)?;
    Ok(argon
        .hash_password(password.as_bytes(), &salt)
        .map_err(hasher)?
        .to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quick() -> Passwords {
        Passwords::with_cost(8, 1).unwrap()
    }

    #[tokio::test]
    async fn a_password_is_recognised_and_its_hash_says_nothing_of_it() {
        let passwords = quick();
        let kept = passwords.hash("correct horse".into()).await.unwrap();
        assert!(kept.starts_with("$argon2id$") && !kept.contains("correct"));
        assert!(
            passwords
                .verify(Some(kept.clone()), "correct horse".into())
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(Some(kept), "correct house".into())
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn nobody_signs_in_with_the_decoys_password() {
        assert!(
            !quick()
                .verify(None, "nobody has this password".into())
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn two_accounts_with_one_password_have_different_hashes() {
        let passwords = quick();
        let one = passwords.hash("correct horse".into()).await.unwrap();
        assert_ne!(one, passwords.hash("correct horse".into()).await.unwrap());
    }

    #[test]
    fn rules_count_characters_not_bytes() {
        assert!(matches!(check_rules("äöüäöüäöü"), Err(PasswordError::TooShort)));
        assert!(check_rules("äöüäöüäöüä").is_ok());
        assert!(matches!(
            check_rules(&"x".repeat(1025)),
            Err(PasswordError::TooLong)
        ));
    }

    #[test]
    fn the_real_cost_is_owasps() {
        assert_eq!((Params::DEFAULT_M_COST, Params::DEFAULT_T_COST), (19 * 1024, 2));
    }
}
