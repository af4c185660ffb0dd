//! Who receives a channel, as others in it are told. A cheap handle.

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
    /// The connection `client` of `user`. `info` is JSON that others in a channel may see beside the name, as somebody else wrote it: its line
    /// breaks become spaces, for a line is a frame.
    #[must_use]
    pub fn new(client: &str, user: &str, info: Option<Arc<str>>) -> Self {
        Self(Arc::new(Shared {
            client: client.to_owned(),
            user: user.to_owned(),
            info: info.map(|info| match info.contains(['\n', '\r']) {
                true => info.replace(['\n', '\r'], " ").into(),
                false => info,
            }),
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
        serde_json::to_vec(&self.told()).map_or_else(|_| Bytes::new(), Bytes::from)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_site_says_of_a_visitor_fits_on_one_line_wherever_it_is_told() {
        let who = Who::new("c1", "eve", Some("{\n  \"name\":\r\n \"Eve\"\n}".into()));
        let told = serde_json::to_string(&who.told()).unwrap();
        assert!(!told.contains(['\n', '\r']), "{told}");
        assert!(told.contains("\"Eve\""), "{told}");
        assert_eq!(who.line(), told.as_bytes());
    }
}
