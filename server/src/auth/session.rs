//! Server-side sessions: the cookie holds a random name, the accounts file the rest. They end 30 days after they were last used.

use crate::{
    sites::AccountId,
    store::accounts::Account,
    transport::gate::SignedIn,
};
use async_trait::async_trait;
use pulsecast_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tower_sessions::{
    Expiry, Session, SessionManagerLayer, SessionStore,
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
}

/// Begins a session for this account, under a new name: whoever knew the old one does not get in with it.
///
/// # Errors
/// When the store does not answer.
pub async fn begin(session: &Session, account: &Account, now: Timestamp) -> Result<(), Error> {
    session.cycle_id().await?;
    session.insert(KEY, Kept { id: account.id.0, email: account.email.clone(), renewed: now }).await
}

/// Ends the session; its cookie is worthless from now on, wherever it was copied to.
///
/// # Errors
/// When the store does not answer.
pub async fn end(session: &Session) -> Result<(), Error> {
    session.flush().await
}

/// Who is signed in by this session. Renews it when that is due.
///
/// # Errors
/// When the store does not answer.
pub async fn who(session: &Session, now: Timestamp) -> Result<Option<SignedIn>, Error> {
    if session.id().is_none() {
        return Ok(None);
    }
    let Some(mut kept) = session.get::<Kept>(KEY).await? else {
        return Ok(None);
    };
    let who = SignedIn(AccountId(kept.id), kept.email.clone());
    if now.since(kept.renewed) > RENEW_AFTER {
        kept.renewed = now;
        session.insert(KEY, kept).await?;
    }
    Ok(Some(who))
}
