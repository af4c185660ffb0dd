//! Publishing: one, one to many channels, many commands at once.

use super::{
    super::AppState,
    MANY,
    answer::{Answer, Refusal},
    caller::Program,
    channels,
};
use crate::{
    hub::{Draft, PublishError},
    transport::past,
};
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt, join_all};
use pulsecast_protocol::{
    Channel, Position,
    wire::{ChannelRequest, HistoryRequest, Raw, code},
};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// `{"channel": …, "data": …, "idempotency_key": …}`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Publish {
    channel: String,
    data: Option<Raw>,
    idempotency_key: Option<String>,
}

/// `{"channels": […], "data": …, "idempotency_key": …}`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Broadcast {
    channels: Vec<String>,
    data: Option<Raw>,
    idempotency_key: Option<String>,
}

/// `{"commands": [{"publish": …}, {"history": …}, …]}`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Batch {
    commands: Vec<Command>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Command {
    publish: Option<Publish>,
    broadcast: Option<Broadcast>,
    history: Option<HistoryRequest>,
    presence: Option<ChannelRequest>,
    presence_stats: Option<ChannelRequest>,
    channels: Option<channels::Wanted>,
}

/// `{"responses": [{"result": …} or {"error": …}, …]}`, in the order of the channels.
#[derive(Debug, Serialize)]
pub(super) struct Responses {
    responses: Vec<Raw>,
}

/// `{"replies": [{"publish": …} or {"error": …}, …]}`, in the order of the commands.
#[derive(Debug, Serialize)]
pub(super) struct Replies {
    replies: Vec<Raw>,
}

type Outcome = Result<Position, Refusal>;

impl From<PublishError> for Refusal {
    fn from(error: PublishError) -> Self {
        Self::new(past::code_of(&error), error.to_string())
    }
}

/// Publishes in one channel.
pub(super) async fn one(state: &AppState, program: &Program, what: Publish) -> Outcome {
    begin(state, program, what).await
}

/// Publishes the same in many channels; each has an answer of its own.
pub(super) async fn to_many(
    state: &AppState,
    program: &Program,
    what: Broadcast,
) -> Result<Responses, Refusal> {
    if what.channels.is_empty() {
        return Err(Refusal::bad("channels: name one at least"));
    }
    few_enough("channels", what.channels.len())?;
    let data = what.data.ok_or_else(no_data)?;
    let each = what.channels.into_iter().map(|channel| {
        let publish = Publish {
            channel,
            data: Some(data.clone()),
            idempotency_key: what.idempotency_key.clone(),
        };
        begin(state, program, publish)
    });
    // All are handed in before the first is waited for: they share a commit.
    let begun: Vec<_> = each.collect();
    let responses = join_all(begun).await.into_iter().map(|outcome| match outcome {
        Ok(result) => written(&Answer { result }),
        Err(refusal) => written(&refusal),
    });
    Ok(Responses {
        responses: responses.collect(),
    })
}

/// Does one thing after the other. What is only handed in is not waited for until something else comes, so that it shares a commit.
pub(super) async fn many(state: &AppState, program: &Program, what: Batch) -> Result<Replies, Refusal> {
    if what.commands.is_empty() {
        return Err(Refusal::bad("commands: name one at least"));
    }
    few_enough("commands", what.commands.len())?;
    let mut replies = Vec::with_capacity(what.commands.len());
    let mut begun: Vec<BoxFuture<'static, Outcome>> = Vec::new();
    for command in what.commands {
        match command.publish {
            Some(publish) => {
                if !is_plain(state, &publish) {
                    finish(&mut begun, &mut replies).await;
                }
                begun.push(begin(state, program, publish));
            }
            None => {
                finish(&mut begun, &mut replies).await;
                replies.push(other(state, program, command).await);
            }
        }
    }
    finish(&mut begun, &mut replies).await;
    Ok(Replies { replies })
}

async fn finish(begun: &mut Vec<BoxFuture<'static, Outcome>>, replies: &mut Vec<Raw>) {
    let outcomes = join_all(begun.drain(..)).await.into_iter();
    replies.extend(outcomes.map(|outcome| reply("publish", outcome)));
}

async fn other(state: &AppState, program: &Program, command: Command) -> Raw {
    let Command {
        broadcast,
        history,
        presence,
        presence_stats,
        channels: list,
        ..
    } = command;
    if let Some(what) = broadcast {
        reply("broadcast", to_many(state, program, what).await)
    } else if let Some(what) = history {
        reply("history", channels::history(state, program, &what))
    } else if let Some(what) = presence {
        reply("presence", channels::presence(state, program, &what))
    } else if let Some(what) = presence_stats {
        reply("presence_stats", channels::presence_stats(state, program, &what))
    } else if let Some(what) = list {
        reply("channels", channels::list(state, program, &what))
    } else {
        let unknown = "a command is one of publish, broadcast, history, presence, presence_stats, channels";
        written(&Refusal::new(code::METHOD_NOT_FOUND, unknown))
    }
}

fn reply<T: Serialize>(name: &str, outcome: Result<T, Refusal>) -> Raw {
    match outcome {
        Ok(result) => written(&std::collections::BTreeMap::from([(name, result)])),
        Err(refusal) => written(&refusal),
    }
}

fn written<T: Serialize>(value: &T) -> Raw {
    // Our own answers can always be written.
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Whether handing it in is all that there is to it, so that what is handed in later stays behind it.
fn is_plain(state: &AppState, what: &Publish) -> bool {
    !state.sockets.publishing().has_door(&what.channel)
}

/// Hands it in, or begins to where something has to be waited for before.
fn begin(state: &AppState, program: &Program, what: Publish) -> BoxFuture<'static, Outcome> {
    let (channel, draft) = match checked(state, program, what) {
        Ok(checked) => checked,
        Err(refusal) => return futures::future::ready(Err(refusal)).boxed(),
    };
    let published = state.sockets.publishing().begin(&channel, draft);
    async move { Ok(published.await?) }.boxed()
}

fn checked(state: &AppState, program: &Program, what: Publish) -> Result<(String, Draft), Refusal> {
    let channel = program.channel(state, &what.channel)?;
    if !matches!(channel, Channel::Feed { .. } | Channel::Room { .. }) {
        let advice = "this channel cannot be published to: use feed:SITE or room:SITE:NAME";
        return Err(Refusal::new(code::NOT_AVAILABLE, advice));
    }
    let data = what.data.ok_or_else(no_data)?;
    // Rooms tell who publishes only of visitors; a feed's editors see which program it was.
    let info = match channel {
        Channel::Feed { .. } => program.author(),
        _ => Bytes::new(),
    };
    let draft = Draft {
        info,
        key: what.idempotency_key.filter(|key| !key.is_empty()),
        ..Draft::from(Bytes::from(Box::<str>::from(data).into_string()))
    };
    Ok((what.channel, draft))
}

fn no_data() -> Refusal {
    Refusal::bad("data: is required")
}

fn few_enough(what: &str, count: usize) -> Result<(), Refusal> {
    if count > MANY {
        let why = format!("{what}: at most {MANY} at once");
        return Err(Refusal::new(code::LIMIT_EXCEEDED, why));
    }
    Ok(())
}
