//! Server-side sessions: the cookie holds a random name, the accounts file the rest. They end 30 days after they were last used.

use super::{Keys, LoginLimits};
use crate::{
    auth::secret,
    gate::{SessionKey, SignedIn},
    sites::AccountId,
    store::accounts::{Account, Accounts, AccountsError},
};
use async_trait::async_trait;
use pulsecast_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tower_sessions::{
    ExpiredDeletion, Expiry, Session, SessionManagerLayer, SessionStore,
    cookie::{SameSite, time::Duration},
    session::{Error, Id, Record},
    session_store,
};

/// The cookie's name.
pub const COOKIE: &str = "pulsecast_session";
const KEY: &str = "account";
const DAYS: i64 = 30;
/// A session in use is written anew once a day, not at each request: that is what makes its 30 days slide.
const RENEW_AFTER: i64 = Timestamp::DAY;
const CLEAN_EVERY: std::time::Duration = std::time::Duration::from_secs(600);

/// Where sessions are kept, whatever keeps them. A cheap handle.
#[derive(Clone, Debug)]
pub struct Sessions(Arc<dyn SessionStore>);

impl Sessions {
    /// Kept by this store.
    pub fn new(store: impl SessionStore) -> Self {
        Self(Arc::new(store))
    }

    /// The layer that gives requests their session. `secure` when the server is reached by https only.
    #[must_use]
    pub fn layer(&self, secure: Secure) -> SessionManagerLayer<Self> {
        SessionManagerLayer::new(self.clone())
            .with_name(COOKIE)
            .with_http_only(true)
            .with_same_site(SameSite::Lax)
            .with_secure(secure == Secure::Https)
            .with_path("/")
            .with_expiry(Expiry::OnInactivity(Duration::days(DAYS)))
    }
}

/// Whether browsers send the cookie over https only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secure {
    /// They do: the public URL says https.
    Https,
    /// Over http too: nobody said that there is https.
    Any,
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        self.0.create(record).await
    }
    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.0.save(record).await
    }
    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        self.0.load(id).await
    }
    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.0.delete(id).await
    }
}

#[derive(Serialize, Deserialize)]
struct Kept {
    id: i64,
    email: String,
    renewed: Timestamp,
    /// Of the password that it began with: with another password the session is over. `None` in sessions of older versions.
    #[serde(default)]
    stamp: Option<u64>,
}

fn stamp(account: &Account) -> Option<u64> {
    let hash = secret::hash(&account.password_hash);
    hash.first_chunk().map(|first| u64::from_be_bytes(*first))
}

/// Tells this session from others; `None` for one that does not exist yet.
#[must_use]
pub fn key(session: &Session) -> Option<SessionKey> {
    let hash = secret::hash(&session.id()?.to_string());
    hash.first_chunk()
        .map(|first| SessionKey(u64::from_be_bytes(*first)))
}

/// Why it is not known who is signed in.
#[derive(Debug, thiserror::Error)]
pub enum WhoError {
    /// The sessions do not answer.
    #[error(transparent)]
    Sessions(#[from] Error),
    /// The accounts do not answer.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}

/// Begins a session for this account, under a new name: whoever knew the old one does not get in with it.
///
/// # Errors
/// When the store does not answer.
pub async fn begin(session: &Session, account: &Account, now: Timestamp) -> Result<(), Error> {
    session.cycle_id().await?;
    session
        .insert(
            KEY,
            Kept {
                id: account.id.0,
                email: account.email.clone(),
                renewed: now,
                stamp: stamp(account),
            },
        )
        .await
}

/// Ends the session; its cookie is worthless from now on, wherever it was copied to.
///
/// # Errors
/// When the store does not answer.
pub async fn end(session: &Session) -> Result<(), Error> {
    session.flush().await
}

/// Who is signed in by this session: nobody when the account is gone or has another password since. Renews it when that is due and the store takes it; a full disk signs nobody out.
///
/// # Errors
/// When the store does not answer.
pub async fn who(
    sessions: &Sessions,
    accounts: &dyn Accounts,
    session: &Session,
    now: Timestamp,
) -> Result<Option<SignedIn>, WhoError> {
    let Some(id) = session.id() else {
        return Ok(None);
    };
    let Some(mut kept) = session.get::<Kept>(KEY).await? else {
        return Ok(None);
    };
    let Some(account) = accounts.account_by_id(AccountId(kept.id)).await? else {
        return Ok(None);
    };
    if kept.stamp.is_some() && kept.stamp != stamp(&account) {
        return Ok(None);
    }
    let who = SignedIn(account.id, account.email);
    if now.since(kept.renewed) > RENEW_AFTER && is_writable(sessions, &id).await {
        kept.renewed = now;
        session.insert(KEY, kept).await?;
    }
    Ok(Some(who))
}

/// The session layer turns a session that it cannot write into a 500: one is marked for writing only after the store has shown that it
/// writes.
async fn is_writable(sessions: &Sessions, id: &Id) -> bool {
    let tried = async {
        match sessions.load(id).await? {
            Some(record) => sessions.save(&record).await.map(|()| true),
            None => Ok(false),
        }
    };
    tried.await.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot renew a session; trying again at its next request");
        false
    })
}

/// Forgets ended sessions, those who no longer try to sign in, and counts of keys, now and then until `stop` ends: a task of its own.
pub async fn keep_clean(
    store: impl ExpiredDeletion,
    limits: LoginLimits,
    keys: Keys,
    stop: impl Future<Output = ()>,
) {
    let mut stop = std::pin::pin!(stop);
    let mut every = tokio::time::interval(CLEAN_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = &mut stop => break,
            _ = every.tick() => {
                limits.sweep();
                keys.sweep();
                if let Err(error) = store.delete_expired().await {
                    tracing::warn!(%error, "cannot delete ended sessions; trying again later");
                }
            }
        }
    }
}
