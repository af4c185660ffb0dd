//! Who receives a channel, as others in it are told. A cheap handle.

use super::frame;
use bytes::Bytes;
use pulsecast_protocol::wire::{ClientInfo, Raw};
use serde_json::value::RawValue;
use std::{fmt, sync::Arc};

#[derive(Default)]
struct Shared {
    client: String,
    user: String,
    info: Option<Arc<str>>,
}

/// One connection by name, whose it is, and what else is told of them.
#[derive(Clone, Default)]
pub struct Who(Arc<Shared>);

impl Who {
    /// The connection `client` of `user`. `info` is JSON that others in a channel may see beside the name.
    #[must_use]
    pub fn new(client: &str, user: &str, info: Option<Arc<str>>) -> Self {
        Self(Arc::new(Shared {
            client: client.to_owned(),
            user: user.to_owned(),
            info,
        }))
    }

    /// Whose it is; empty for nobody in particular.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.0.user
    }

    /// The connection's name; empty for what is none.
    #[must_use]
    pub fn client(&self) -> &str {
        &self.0.client
    }

    /// As the protocol tells it.
    #[must_use]
    pub fn told(&self) -> ClientInfo {
        let raw = |text: &str| -> Option<Raw> { RawValue::from_string(text.to_owned()).ok() };
        ClientInfo {
            user: self.0.user.clone(),
            client: self.0.client.clone(),
            conn_info: self.0.info.as_deref().and_then(raw),
            chan_info: None,
        }
    }

    /// The same as one line of JSON.
    #[must_use]
    pub fn line(&self) -> Bytes {
        serde_json::to_vec(&self.told()).map_or_else(|_| Bytes::new(), |line| frame::one_line(line).into())
    }
}

impl From<&str> for Who {
    /// A reader that is no connection of the protocol.
    fn from(user: &str) -> Self {
        Self::new("", user, None)
    }
}

impl fmt::Debug for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Who")
            .field("client", &self.0.client)
            .field("user", &self.0.user)
            .finish_non_exhaustive()
    }
}
