//! One connection's side of the protocol: a state machine that is fed commands and says what is to be done. It asks the gate who may what; it
//! sends nothing, waits for nothing and knows no channel's contents. What each command means is in `commands`.

use super::{
    Limits,
    budget::{Budget, Spent},
    commands::ttl,
    emulation::Names,
    heart::GRACE,
};
use crate::{
    gate::{Gate, Identity, Right, TokenError, Visitor},
    hub::{Disconnect, Watches},
};
use pulsecast_protocol::{
    Channel, Position, Timestamp,
    wire::{Command, ErrorReply, HistoryRequest, Raw, Reply, code},
};
use std::{collections::HashMap, sync::Arc};

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
        /// Whether it is told who comes and leaves.
        watches: Watches,
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
    /// Publish this, and answer when that is done.
    Publish {
        /// Of the command.
        id: u32,
        /// Where.
        channel: String,
        /// What.
        data: Raw,
    },
    /// Answer with who receives this channel.
    Presence {
        /// Of the command.
        id: u32,
        /// Which.
        channel: String,
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

/// What a channel was joined with.
#[derive(Clone, Debug, Default)]
pub(super) struct Grant {
    /// Whom the channel's own token speaks for, where it came with one.
    pub(super) who: Option<Identity>,
}

/// One connection's side of the protocol.
pub struct Session {
    pub(super) gate: Arc<dyn Gate>,
    pub(super) client: String,
    pub(super) who: Identity,
    pub(super) open: bool,
    pub(super) most_channels: usize,
    pub(super) most_queries: usize,
    pub(super) most_pages: usize,
    pub(super) ping_seconds: u32,
    /// Where its commands go, where they do not come the way that answers leave.
    pub(super) beside: Option<Names>,
    pub(super) channels: HashMap<String, Grant>,
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
            most_pages: limits.pages,
            ping_seconds: u32::try_from(limits.ping_every / 1000).unwrap_or_default().max(1),
            beside: None,
            channels: HashMap::new(),
            budget: Budget::new(limits.burst, limits.commands_per_second, now),
        }
    }

    /// Its commands come in requests of their own.
    pub(super) fn emulated(&mut self, names: Names) {
        self.beside = Some(names);
    }

    /// Whom the token speaks for with which this channel was joined, where there was one.
    #[must_use]
    pub fn granted_to(&self, channel: &str) -> Option<&Identity> {
        self.channels.get(channel)?.who.as_ref()
    }

    /// Whom it speaks for.
    #[must_use]
    pub fn who(&self) -> &Identity {
        &self.who
    }

    /// Whom it speaks for from now on, once their site has been asked; answers who that was before.
    pub(super) fn introduced(&mut self, who: Identity) -> Identity {
        std::mem::replace(&mut self.who, who)
    }

    /// All visitors whom sites vouch for here, those of single channels too.
    #[must_use]
    pub(super) fn visitors(&self) -> Vec<Arc<Visitor>> {
        let grants = self.channels.values().filter_map(|grant| grant.who.as_ref());
        let mut all: Vec<_> = std::iter::once(&self.who)
            .chain(grants)
            .filter_map(|who| who.visitor.clone())
            .collect();
        all.dedup();
        all
    }

    /// The connection's name.
    #[must_use]
    pub fn client(&self) -> &str {
        &self.client
    }

    /// Seconds until the token that this channel was joined with ends, where it came with one that does.
    #[must_use]
    pub(super) fn ends(&self, channel: &str, now: Timestamp) -> Option<u32> {
        let who = self.channels.get(channel)?.who.as_ref()?;
        who.expires.map(|_| ttl(who.expires, now))
    }

    /// It does not receive this channel any more, or never came to.
    pub fn left(&mut self, channel: &str) {
        self.channels.remove(channel);
    }

    /// The channels among those it receives that it may not read any more, each with the code of why.
    #[must_use]
    pub fn revoked(&self, now: Timestamp) -> Vec<(String, u32)> {
        let why = |(name, grant): (&String, &Grant)| {
            let who = grant.who.as_ref();
            let ends = who.and_then(|who| who.expires);
            if ends.is_some_and(|ends| now >= ends.plus(GRACE)) {
                return Some((name.clone(), code::UNSUBSCRIBE_EXPIRED));
            }
            let channel = name.parse().ok()?;
            let may = self.gate.may(who.unwrap_or(&self.who), Right::Read, &channel);
            may.is_err()
                .then(|| (name.clone(), code::UNSUBSCRIBE_PERMISSION_REVOKED))
        };
        self.channels.iter().filter_map(why).collect()
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
        self.obey(command, now).unwrap_or_else(|code| refuse(id, code))
    }
}

/// Nobody can tell now whom a token speaks for; trying again later helps.
pub(super) fn wait(id: u32, away: TokenError) -> Outcome {
    Outcome::Reply(Box::new(no_because(id, code::INTERNAL, away.to_string())))
}

pub(super) fn refuse(id: u32, code: u32) -> Outcome {
    Outcome::Reply(Box::new(no(id, code)))
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
