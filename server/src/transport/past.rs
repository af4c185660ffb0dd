//! What a channel's past and its readers look like in answers, whoever asks: a client, or a program over HTTP.

use crate::hub::{Hub, PublishError, Published};
use bytes::Bytes;
use pulsecast_protocol::wire::{
    HistoryRequest, HistoryResult, PresenceResult, PresenceStatsResult, Publication, Raw, code,
};
use serde_json::value::RawValue;

/// The piece of a channel's past that is asked for.
///
/// # Errors
/// The protocol's number of why there is none.
pub fn history(hub: &Hub, request: &HistoryRequest) -> Result<HistoryResult, u32> {
    hub.keeps(&request.channel).ok_or(code::NOT_AVAILABLE)?;
    // Backwards it is what came before a position, and that is kept or not, whatever came after.
    let since = request.since.as_ref();
    let look = hub
        .look(&request.channel, since.filter(|_| !request.reverse))
        .map_err(|_| code::INTERNAL)?;
    let mut found = look.publications;
    match since {
        // Without an epoch it asks for what is there, and does not claim to know anything.
        Some(since) if since.epoch.is_empty() && !request.reverse => {
            found.retain(|one| one.offset > since.offset);
        }
        Some(since) if request.reverse && ["", &look.position.epoch].contains(&since.epoch.as_str()) => {
            found.retain(|one| one.offset < since.offset);
        }
        Some(_) if request.reverse || !look.recovered => return Err(code::UNRECOVERABLE_POSITION),
        _ => {}
    }
    if request.reverse {
        found.reverse();
    }
    if let Ok(most) = usize::try_from(request.limit) {
        found.truncate(most);
    }
    Ok(HistoryResult {
        publications: publications(&found),
        epoch: look.position.epoch,
        offset: look.position.offset,
    })
}

/// Who receives a channel.
#[must_use]
pub fn presence(hub: &Hub, channel: &str) -> PresenceResult {
    let here = hub.present(channel).into_iter();
    PresenceResult {
        presence: here.map(|who| (who.client().to_owned(), who.told())).collect(),
    }
}

/// How many do.
#[must_use]
pub fn presence_stats(hub: &Hub, channel: &str) -> PresenceStatsResult {
    PresenceStatsResult {
        num_clients: hub.readers(channel),
        num_users: hub.users(channel),
    }
}

/// The protocol's number of why something was not published.
#[must_use]
pub fn code_of(error: &PublishError) -> u32 {
    match error {
        PublishError::Unavailable => code::INTERNAL,
        PublishError::Invalid(_) => code::BAD_REQUEST,
        PublishError::TooLarge(_) => code::LIMIT_EXCEEDED,
        PublishError::NotAllowed => code::NOT_AVAILABLE,
    }
}

/// As they travel in answers.
#[must_use]
pub fn publications(published: &[Published]) -> Vec<Publication> {
    published
        .iter()
        .filter_map(|one| {
            Some(Publication {
                data: raw(&one.data)?,
                offset: one.offset,
                info: serde_json::from_slice(&one.info).ok(),
            })
        })
        .collect()
}

fn raw(data: &Bytes) -> Option<Raw> {
    RawValue::from_string(String::from_utf8(data.to_vec()).ok()?).ok()
}
