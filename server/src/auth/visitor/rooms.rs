//! Which rooms a visitor may enter and what they may do there, as tokens and connect endpoints write it: a list of rooms, in which they may
//! do everything, or an object of rooms and rights. `team-*` is every room whose name begins so.
//!
//! ```json
//! ["lobby", "team-*"]
//! {"lobby": ["read", "publish", "presence", "history"], "news": ["read", "history"], "team-*": "read"}
//! ```

use crate::gate::{Right, RoomGrant};
use serde::Deserialize;
use std::collections::BTreeMap;

/// As it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Rooms {
    Names(Vec<String>),
    Granted(BTreeMap<String, OneOrMore>),
}

impl Default for Rooms {
    fn default() -> Self {
        Self::Names(Vec::new())
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// Why it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRooms {
    /// Over the limit.
    #[error("there are more than {0} rooms: grant a pattern such as team-* instead")]
    TooMany(usize),
    /// No name of a room.
    #[error(
        "`{0}` is no room: a name has 1 to 100 bytes without control characters, and a pattern ends with *"
    )]
    Name(String),
    /// No right.
    #[error("`{0}` is no right: there are read, publish, presence and history")]
    Right(String),
}

fn right(name: &str) -> Result<Right, BadRooms> {
    Ok(match name {
        "read" => Right::Read,
        "publish" => Right::Publish,
        "presence" => Right::Presence,
        "history" => Right::History,
        _ => return Err(BadRooms::Right(name.to_owned())),
    })
}

/// What is granted.
///
/// # Errors
/// When there is too much of it, or something in it is no room or no right: then nothing is granted.
pub(super) fn grants(rooms: Rooms, most: usize) -> Result<Vec<RoomGrant>, BadRooms> {
    let granted: Vec<(String, Option<OneOrMore>)> = match rooms {
        Rooms::Names(names) => names.into_iter().map(|name| (name, None)).collect(),
        Rooms::Granted(granted) => granted.into_iter().map(|(name, of)| (name, Some(of))).collect(),
    };
    if granted.len() > most {
        return Err(BadRooms::TooMany(most));
    }
    granted.into_iter().map(|(name, of)| grant(&name, of)).collect()
}

fn grant(name: &str, of: Option<OneOrMore>) -> Result<RoomGrant, BadRooms> {
    let rights = match of {
        None => Right::ALL.to_vec(),
        Some(OneOrMore::One(name)) => vec![right(&name)?],
        Some(OneOrMore::More(names)) => names.iter().map(|name| right(name)).collect::<Result<_, _>>()?,
    };
    let beginning = name.strip_suffix('*').unwrap_or(name);
    let is_plain = !name.is_empty() && name.len() <= 100 && !name.chars().any(char::is_control);
    if !is_plain || beginning.contains('*') {
        return Err(BadRooms::Name(name.to_owned()));
    }
    Ok(RoomGrant {
        room: name.to_owned(),
        rights,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Vec<RoomGrant>, BadRooms> {
        grants(serde_json::from_str(json).unwrap(), 3)
    }

    #[test]
    fn a_list_grants_everything_and_an_object_what_it_says() {
        let all = read(r#"["lobby", "team-*"]"#).unwrap();
        assert!(all.iter().all(|grant| grant.rights == Right::ALL));
        let some = read(r#"{"lobby": ["read", "publish"], "news": "read"}"#).unwrap();
        assert_eq!(some[0].rights, [Right::Read, Right::Publish]);
        assert_eq!(some[1].rights, [Right::Read]);
        assert!(read(r#"{"lobby": []}"#).unwrap()[0].rights.is_empty());
    }

    #[test]
    fn what_cannot_be_read_grants_nothing_at_all() {
        for bad in [
            r#"["a", "b", "c", "d"]"#,
            r#"["lobby", ""]"#,
            r#"["a*b"]"#,
            r#"["a\nb"]"#,
            r#"{"lobby": ["read", "write"]}"#,
            r#"{"lobby": "all"}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let long = format!(r#"["{}"]"#, "x".repeat(101));
        assert!(read(&long).is_err());
    }
}
