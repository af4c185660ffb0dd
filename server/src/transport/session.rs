//! What each command of a client means: a state machine that is fed commands and says what is to be done. It asks the gate who may what; it
//! sends nothing, waits for nothing and knows no channel's contents.

use super::{
    Limits,
    budget::{Budget, Spent},
    doors::{Door, door},
};
use crate::{
    gate::{Gate, Identity, Refused, Right, TokenError},
    hub::Disconnect,
};
use pulsecast_protocol::{
    Channel, Position, Timestamp,
    wire::{
        Command, ConnectRequest, ConnectResult, Empty, ErrorReply, HistoryRequest, Raw, RefreshResult, Reply,
        SubscribeRequest, code,
    },
};
use std::{collections::HashSet, sync::Arc};

/// What is to be done about a command.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing.
    Nothing,
    /// Answer this.
    Reply(Box<Reply>),
    /// The session is open: note when it expires, and answer this. Also after a new token.
    Greeted(Box<Reply>),
    /// The client is alive.
    Pong,
    /// Let it receive this channel, from this position on where it has one, and answer. Where that fails, tell [`Session::left`].
    Join {
        /// Of the command.
        id: u32,
        /// Which.
        channel: Channel,
        /// Where it was.
        since: Option<Position>,
        /// What it says about what it wants.
        data: Option<Raw>,
    },
    /// It receives this channel no more; answer.
    Leave {
        /// Of the command.
        id: u32,
        /// Which.
        channel: String,
    },
    /// Answer with a piece of this channel's past.
    History {
        /// Of the command.
        id: u32,
        /// Which piece.
        request: HistoryRequest,
    },
    /// Answer with how many receive this channel.
    PresenceStats {
        /// Of the command.
        id: u32,
        /// Which.
        channel: String,
    },
    /// End the connection.
    End(Disconnect),
}

/// An answer that says no.
#[must_use]
pub fn no(id: u32, code: u32) -> Reply {
    let (message, temporary) = match code {
        code::UNAUTHORIZED => ("unauthorized", false),
        code::UNKNOWN_CHANNEL => ("unknown channel", false),
        code::PERMISSION_DENIED => ("permission denied", false),
        code::METHOD_NOT_FOUND => ("method not found", false),
        code::ALREADY_SUBSCRIBED => ("already subscribed", false),
        code::LIMIT_EXCEEDED => ("limit exceeded", false),
        code::BAD_REQUEST => ("bad request", false),
        code::NOT_AVAILABLE => ("not available", false),
        code::TOKEN_EXPIRED => ("token expired", false),
        code::TOO_MANY_REQUESTS => ("too many requests", true),
        code::UNRECOVERABLE_POSITION => ("unrecoverable position", false),
        _ => ("internal server error", true),
    };
    let error = Some(ErrorReply {
        code,
        message: message.to_owned(),
        temporary,
    });
    Reply {
        id,
        error,
        ..Reply::default()
    }
}

/// An answer that says no and why, in words that help whoever asked.
#[must_use]
pub fn no_because(id: u32, code: u32, why: String) -> Reply {
    let mut reply = no(id, code);
    if let Some(error) = &mut reply.error {
        error.message = why;
    }
    reply
}

/// Whether a channel's name is that of a live query.
fn is_query(name: &str) -> bool {
    name.starts_with("query:")
}

/// One connection's side of the protocol.
pub struct Session {
    gate: Arc<dyn Gate>,
    client: String,
    who: Identity,
    open: bool,
    most_channels: usize,
    most_queries: usize,
    ping_seconds: u32,
    channels: HashSet<String>,
    budget: Budget,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("client", &self.client)
            .field("who", &self.who)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session that waits for `connect`. `who` is whom the upgrade request speaks for, by origin and session cookie; `client` names the
    /// connection.
    pub fn new(gate: Arc<dyn Gate>, client: String, who: Identity, limits: &Limits, now: Timestamp) -> Self {
        Self {
            gate,
            client,
            who,
            open: false,
            most_channels: limits.channels,
            most_queries: limits.queries,
            ping_seconds: u32::try_from(limits.ping_every / 1000).unwrap_or_default().max(1),
            channels: HashSet::new(),
            budget: Budget::new(limits.burst, limits.commands_per_second, now),
        }
    }

    /// Whom it speaks for.
    #[must_use]
    pub fn who(&self) -> &Identity {
        &self.who
    }

    /// It does not receive this channel any more, or never came to.
    pub fn left(&mut self, channel: &str) {
        self.channels.remove(channel);
    }

    /// The channels among those it receives that it may not read any more.
    #[must_use]
    pub fn revoked(&self) -> Vec<String> {
        let may = |name: &str| {
            name.parse()
                .is_ok_and(|channel| self.gate.may(&self.who, Right::Read, &channel).is_ok())
        };
        self.channels.iter().filter(|name| !may(name)).cloned().collect()
    }

    /// What to do about this command.
    pub fn take(&mut self, command: Command, now: Timestamp) -> Outcome {
        let id = command.id;
        let name = name_of(&command);
        metrics::counter!("pulsecast_commands_total", "method" => name).increment(1);
        match self.budget.spend(now) {
            Spent::Within => {}
            Spent::Over if id == 0 => return Outcome::Nothing,
            Spent::Over => return refuse(id, code::TOO_MANY_REQUESTS),
            Spent::FarOver => return Outcome::End(Disconnect::TooManyRequests),
        }
        if id == 0 {
            return match name {
                "pong" if self.open => Outcome::Pong,
                "send" if self.open => Outcome::Nothing,
                _ => Outcome::End(Disconnect::BadRequest),
            };
        }
        if self.open == command.connect.is_some() {
            // Either the first command is not `connect`, or a later one is.
            return Outcome::End(Disconnect::BadRequest);
        }
        let Command {
            connect,
            subscribe,
            unsubscribe,
            publish,
            presence,
            presence_stats,
            history,
            ..
        } = command;
        if let Some(request) = connect {
            self.connect(id, &request, now)
        } else if let Some(request) = subscribe {
            self.subscribe(id, request)
                .unwrap_or_else(|code| refuse(id, code))
        } else if let Some(request) = unsubscribe {
            self.left(&request.channel);
            Outcome::Leave {
                id,
                channel: request.channel,
            }
        } else if publish.is_some() {
            refuse(id, code::PERMISSION_DENIED)
        } else if presence.is_some() || command.sub_refresh.is_some() {
            refuse(id, code::NOT_AVAILABLE)
        } else if let Some(request) = presence_stats {
            match self.readable(&request.channel) {
                // Its readers are counted by what they ask, not by what they call it.
                Ok(Channel::Query { .. }) => refuse(id, code::NOT_AVAILABLE),
                Ok(_) => Outcome::PresenceStats {
                    id,
                    channel: request.channel,
                },
                Err(code) => refuse(id, code),
            }
        } else if let Some(request) = history {
            match self.readable(&request.channel) {
                Ok(_) => Outcome::History { id, request },
                Err(code) => refuse(id, code),
            }
        } else if let Some(request) = command.refresh {
            self.refresh(id, &request.token, now)
        } else if command.ping.is_some() {
            Outcome::Reply(Box::new(Reply {
                id,
                ping: Some(Empty {}),
                ..Reply::default()
            }))
        } else if command.send.is_some() {
            Outcome::Nothing
        } else {
            // `rpc`, and whatever else there may be in newer clients.
            refuse(id, code::METHOD_NOT_FOUND)
        }
    }

    fn connect(&mut self, id: u32, request: &ConnectRequest, now: Timestamp) -> Outcome {
        if !request.token.is_empty() {
            match self.gate.identify_token(&request.token, now) {
                Ok(who) => {
                    let (origin, own_origin) = (self.who.origin.take(), self.who.own_origin);
                    self.who = Identity {
                        origin,
                        own_origin,
                        ..who
                    };
                }
                Err(TokenError::Expired) => return refuse(id, code::TOKEN_EXPIRED),
                Err(TokenError::Invalid) => return Outcome::End(Disconnect::InvalidToken),
            }
        }
        self.open = true;
        let connect = ConnectResult {
            client: self.client.clone(),
            version: concat!("pulsecast ", env!("CARGO_PKG_VERSION")).to_owned(),
            expires: self.who.expires.is_some(),
            ttl: ttl(self.who.expires, now),
            ping: self.ping_seconds,
            pong: true,
            ..ConnectResult::default()
        };
        Outcome::Greeted(Box::new(Reply {
            id,
            connect: Some(connect),
            ..Reply::default()
        }))
    }

    fn refresh(&mut self, id: u32, token: &str, now: Timestamp) -> Outcome {
        match self.gate.identify_token(token, now) {
            Ok(who) if who.account == self.who.account && who.user == self.who.user => {
                self.who.expires = who.expires;
                let refresh = RefreshResult {
                    expires: who.expires.is_some(),
                    ttl: ttl(who.expires, now),
                };
                Outcome::Greeted(Box::new(Reply {
                    id,
                    refresh: Some(refresh),
                    ..Reply::default()
                }))
            }
            Err(TokenError::Expired) => refuse(id, code::TOKEN_EXPIRED),
            Ok(_) | Err(TokenError::Invalid) => Outcome::End(Disconnect::InvalidToken),
        }
    }

    fn subscribe(&mut self, id: u32, request: SubscribeRequest) -> Result<Outcome, u32> {
        if request.channel.is_empty() {
            return Err(code::BAD_REQUEST);
        }
        if self.channels.contains(&request.channel) {
            return Err(code::ALREADY_SUBSCRIBED);
        }
        if self.channels.len() >= self.most_channels {
            return Err(code::LIMIT_EXCEEDED);
        }
        let channel = self.readable(&request.channel)?;
        let queries = self.channels.iter().filter(|name| is_query(name)).count();
        if is_query(&request.channel) && queries >= self.most_queries {
            return Err(code::LIMIT_EXCEEDED);
        }
        let since = request.recover.then_some(Position {
            epoch: request.epoch,
            offset: request.offset,
        });
        self.channels.insert(request.channel);
        Ok(Outcome::Join {
            id,
            channel,
            since,
            data: request.data,
        })
    }

    /// The channel of this name, if there is one and the client may read it.
    fn readable(&self, name: &str) -> Result<Channel, u32> {
        let channel: Channel = name.parse().map_err(|_| code::UNKNOWN_CHANNEL)?;
        // Pushes carry the channel's one right name; a client that asked by another would not know them.
        if channel.to_string() != name || door(&channel) == Door::Later {
            return Err(code::UNKNOWN_CHANNEL);
        }
        match self.gate.may(&self.who, Right::Read, &channel) {
            Ok(()) => Ok(channel),
            Err(Refused::UnknownChannel) => Err(code::UNKNOWN_CHANNEL),
            Err(Refused::NotAllowed) => Err(code::PERMISSION_DENIED),
        }
    }
}

fn refuse(id: u32, code: u32) -> Outcome {
    Outcome::Reply(Box::new(no(id, code)))
}

/// Seconds until then, one at least.
fn ttl(expires: Option<Timestamp>, now: Timestamp) -> u32 {
    expires.map_or(0, |at| {
        u32::try_from(at.since(now) / 1000).unwrap_or_default().max(1)
    })
}

fn name_of(command: &Command) -> &'static str {
    let names = [
        (command.connect.is_some(), "connect"),
        (command.subscribe.is_some(), "subscribe"),
        (command.unsubscribe.is_some(), "unsubscribe"),
        (command.publish.is_some(), "publish"),
        (command.presence.is_some(), "presence"),
        (command.presence_stats.is_some(), "presence_stats"),
        (command.history.is_some(), "history"),
        (command.ping.is_some(), "ping"),
        (command.send.is_some(), "send"),
        (command.rpc.is_some(), "rpc"),
        (command.refresh.is_some(), "refresh"),
        (command.sub_refresh.is_some(), "sub_refresh"),
    ];
    let unnamed = if command.id == 0 { "pong" } else { "unknown" };
    names
        .iter()
        .find_map(|(there, name)| there.then_some(*name))
        .unwrap_or(unnamed)
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
