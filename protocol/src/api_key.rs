//! API keys as the settings screen shows them: never the key itself, but for the one moment after it was made.

use crate::{Domain, Timestamp, id::InvalidName};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What a key lets its holder do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyRight {
    /// Ask for statistics.
    Stats,
    /// Publish to visitors.
    Publish,
}

impl KeyRight {
    /// Its name: `stats` or `publish`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stats => "stats",
            Self::Publish => "publish",
        }
    }
}

impl fmt::Display for KeyRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KeyRight {
    type Err = InvalidName;
    fn from_str(name: &str) -> Result<Self, InvalidName> {
        [Self::Stats, Self::Publish]
            .into_iter()
            .find(|right| right.name() == name)
            .ok_or_else(|| InvalidName("a key is for stats or for publish".into()))
    }
}

/// Which sites a key is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyReach {
    /// One.
    Site,
    /// All that its maker may see, those of the future too.
    AllSites,
}

/// A key in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySummary {
    /// Its number.
    pub id: i64,
    /// Its first letters.
    pub prefix: String,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub right: KeyRight,
    /// Where.
    pub reach: KeyReach,
    /// Address of who made it; `None` on the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maker: Option<String>,
    /// Since when.
    pub created: Timestamp,
    /// When it was last used, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Timestamp>,
}

/// A site's keys, and the one that was just made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysView {
    /// Of which site.
    pub domain: Domain,
    /// Those that are good for it, oldest first.
    pub keys: Vec<KeySummary>,
    /// The whole of a new key: told this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh: Option<String>,
}
