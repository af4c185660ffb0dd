//! Looking at channels: their past, who is there, which there are.

use super::{super::AppState, answer::Refusal, caller::Program};
use crate::{auth::rights::Right, transport::past};
use pulsecast_protocol::{
    Channel,
    wire::{ChannelRequest, HistoryRequest, HistoryResult, PresenceResult, PresenceStatsResult, code},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which channels are asked for: all that the key is for, or those whose names begin alike.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    /// The beginning of a name, and `*`; or a whole name.
    pattern: String,
}

/// `{"channels": {"feed:example.com": {"num_clients": 3}}}`
#[derive(Debug, Serialize)]
pub(super) struct Channels {
    channels: BTreeMap<String, Clients>,
}

#[derive(Debug, Serialize)]
struct Clients {
    num_clients: u32,
}

pub(super) fn history(
    state: &AppState,
    program: &Program,
    what: &HistoryRequest,
) -> Result<HistoryResult, Refusal> {
    match program.channel(state, &what.channel)? {
        Channel::Feed { .. } | Channel::Room { .. } => {
            past::history(state.sockets.publishing().hub(), what).map_err(Refusal::by_number)
        }
        _ => Err(Refusal::by_number(code::NOT_AVAILABLE)),
    }
}

pub(super) fn presence(
    state: &AppState,
    program: &Program,
    what: &ChannelRequest,
) -> Result<PresenceResult, Refusal> {
    match program.channel(state, &what.channel)? {
        Channel::Room { .. } => Ok(past::presence(state.sockets.publishing().hub(), &what.channel)),
        _ => Err(Refusal::by_number(code::NOT_AVAILABLE)),
    }
}

pub(super) fn presence_stats(
    state: &AppState,
    program: &Program,
    what: &ChannelRequest,
) -> Result<PresenceStatsResult, Refusal> {
    match program.channel(state, &what.channel)? {
        Channel::Live { .. } | Channel::Query { .. } => Err(Refusal::by_number(code::NOT_AVAILABLE)),
        _ => Ok(past::presence_stats(
            state.sockets.publishing().hub(),
            &what.channel,
        )),
    }
}

pub(super) fn list(state: &AppState, program: &Program, what: &Wanted) -> Result<Channels, Refusal> {
    let is_meant = |name: &str| match name.parse() {
        Ok(Channel::Live { .. } | Channel::Query { .. }) | Err(_) => false,
        Ok(channel) => {
            matches(name, &what.pattern)
                && program
                    .site(state, Channel::site(&channel), Right::EditFeed)
                    .is_ok()
        }
    };
    let received = state.sockets.publishing().hub().received(is_meant).into_iter();
    Ok(Channels {
        channels: received
            .map(|(name, num_clients)| (name.to_string(), Clients { num_clients }))
            .collect(),
    })
}

fn matches(name: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern.is_empty() || name == pattern,
    }
}
