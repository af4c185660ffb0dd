//! Channel names and positions in them.

use crate::id::{Domain, InvalidName, Pathname};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What a client subscribes to. The text form is the one on the wire: `live:example.com`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Channel {
    /// `online:{site}` or `online:{site}:{path}`: how many visitors have it open (the count), for pages of the site's origins. The path is
    /// the page's as it is counted: decoded, without the query.
    Online {
        /// The site.
        site: Domain,
        /// One page of it, or the whole site.
        path: Option<Pathname>,
    },
    /// `feed:{site}`: what the site's editors publish.
    Feed {
        /// The site.
        site: Domain,
    },
    /// `room:{site}:{name}`: what signed-in visitors tell each other.
    Room {
        /// The site.
        site: Domain,
        /// The room's name, 1 to 100 characters.
        name: String,
    },
    /// `live:{site}`: what moves on the site's dashboard, for its members.
    Live {
        /// The site.
        site: Domain,
    },
    /// `query:{site}` or `query:{site}:{key}`: the result of the stats query that is subscribed with, for the site's members. The key is
    /// the client's own name for it, so that one connection can follow several.
    Query {
        /// The site.
        site: Domain,
        /// 1 to 64 of `A-Z a-z 0-9 _ -`.
        key: Option<String>,
    },
}

impl Channel {
    /// Longest channel name in bytes.
    pub const MAX: usize = 2400;

    /// The site that the channel belongs to.
    #[must_use]
    pub fn site(&self) -> &Domain {
        match self {
            Self::Online { site, .. }
            | Self::Feed { site }
            | Self::Room { site, .. }
            | Self::Live { site }
            | Self::Query { site, .. } => site,
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Online { site, path: None } => write!(f, "online:{site}"),
            Self::Online {
                site,
                path: Some(path),
            } => write!(f, "online:{site}:{path}"),
            Self::Feed { site } => write!(f, "feed:{site}"),
            Self::Room { site, name } => write!(f, "room:{site}:{name}"),
            Self::Live { site } => write!(f, "live:{site}"),
            Self::Query { site, key: None } => write!(f, "query:{site}"),
            Self::Query { site, key: Some(key) } => write!(f, "query:{site}:{key}"),
        }
    }
}

impl FromStr for Channel {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let unknown = || {
            InvalidName("unknown channel: use online:SITE, online:SITE:PATH, feed:SITE, room:SITE:NAME, live:SITE, query:SITE or query:SITE:KEY".into())
        };
        if text.len() > Self::MAX {
            return Err(InvalidName("a channel name has at most 2400 bytes".into()));
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidName("a channel name has no control characters".into()));
        }
        let (family, rest) = text.split_once(':').ok_or_else(unknown)?;
        let (site, tail) = match rest.split_once(':') {
            Some((site, tail)) => (site.parse::<Domain>()?, Some(tail)),
            None => (rest.parse::<Domain>()?, None),
        };
        match (family, tail) {
            ("online", None) => Ok(Self::Online { site, path: None }),
            ("online", Some(path)) => Ok(Self::Online {
                site,
                path: Some(path.parse()?),
            }),
            ("feed", None) => Ok(Self::Feed { site }),
            ("room", Some(name)) if !name.is_empty() && name.len() <= 100 => Ok(Self::Room {
                site,
                name: name.to_owned(),
            }),
            ("live", None) => Ok(Self::Live { site }),
            ("query", None) => Ok(Self::Query { site, key: None }),
            ("query", Some(key)) if is_key(key) => Ok(Self::Query {
                site,
                key: Some(key.to_owned()),
            }),
            _ => Err(unknown()),
        }
    }
}

fn is_key(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

impl TryFrom<String> for Channel {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<Channel> for String {
    fn from(channel: Channel) -> String {
        channel.to_string()
    }
}

/// A place in a channel's stream: the epoch names the stream's incarnation, the offset rises by one with each publication.
/// Two positions with different epochs cannot be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Random name of this incarnation of the stream; empty where a client's history request leaves it out, and then any will do.
    #[serde(default)]
    pub epoch: String,
    /// Offset of the last publication seen; 0 before the first.
    pub offset: u64,
}

/// `epoch:offset`: how a position is written where it is one word, as in addresses and events' ids. Without an epoch, as in `:0`, any will do.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.offset)
    }
}

impl FromStr for Position {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let wrong = || InvalidName("not a position: write EPOCH:OFFSET".into());
        let (epoch, offset) = text.rsplit_once(':').ok_or_else(wrong)?;
        // Numbers up to 2^53 are safe for JavaScript.
        let offset = offset.parse().ok().filter(|offset| *offset < 1 << 53);
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b',' && byte != b':';
        if epoch.len() > 64 || !epoch.bytes().all(plain) {
            return Err(wrong());
        }
        Ok(Self {
            epoch: epoch.to_owned(),
            offset: offset.ok_or_else(wrong)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_family_reads_back_as_it_was_written() {
        for name in [
            "online:a.com",
            "online:a.com:/x:y",
            "feed:a.com",
            "room:a.com:lobby",
            "live:a.com",
            "query:a.com",
            "query:a.com:top_Pages-1",
        ] {
            assert_eq!(name.parse::<Channel>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn a_wrong_family_says_which_there_are() {
        assert!(
            "foo:a.com"
                .parse::<Channel>()
                .unwrap_err()
                .to_string()
                .contains("online:SITE")
        );
        assert!("live:a.com:x".parse::<Channel>().is_err());
        assert!("room:a.com".parse::<Channel>().is_err());
    }

    #[test]
    fn a_querys_key_is_a_short_plain_word() {
        let long = format!("query:a.com:{}", "k".repeat(65));
        for name in [
            "query:a.com:",
            "query:a.com:a b",
            "query:a.com:a:b",
            "query:a.com:ä",
            &long,
        ] {
            assert!(name.parse::<Channel>().is_err(), "{name}");
        }
        assert!(
            "room:a.com:a\nb".parse::<Channel>().is_err(),
            "names stay on their line"
        );
    }

    #[test]
    fn a_position_is_one_word() {
        let position: Position = "kq3x:42".parse().unwrap();
        assert_eq!((position.epoch.as_str(), position.offset), ("kq3x", 42));
        assert_eq!(position.to_string(), "kq3x:42");
        assert_eq!(":0".parse::<Position>().unwrap(), Position::default());
        for wrong in [
            "",
            ":",
            "kq3x",
            "kq3x:",
            "kq3x:-1",
            "kq3x:99999999999999999",
            "a:b:1",
            "a,b:1",
        ] {
            assert!(wrong.parse::<Position>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_is_stable(text in ".{0,60}") {
            if let Ok(channel) = text.parse::<Channel>() {
                let again: Channel = channel.to_string().parse().unwrap();
                prop_assert_eq!(again, channel);
            }
        }
    }
}
