//! What each command of a client means, once it is known to come in time and in order.

use super::{
    doors::{Door, door},
    session::{Grant, Outcome, Session, wait},
};
use crate::{
    gate::{Identity, Refused, Right, TokenError},
    hub::{Disconnect, Watches},
};
use pulsecast_protocol::{
    Channel, Position, Timestamp,
    wire::{
        Command, ConnectRequest, ConnectResult, Empty, Payload, PublishRequest, RefreshResult, Reply,
        RpcRequest, SubRefreshRequest, SubscribeRequest, code,
    },
};
use serde_json::value::to_raw_value;

/// Whether a channel's name is that of a live query.
fn is_query(name: &str) -> bool {
    name.starts_with("query:")
}

/// Whether it is that of a single page's count.
fn is_page(name: &str) -> bool {
    name.strip_prefix("online:")
        .is_some_and(|rest| rest.contains(':'))
}

impl Session {
    /// What to do about a command that has an id and is `connect` exactly where the session is not open yet.
    pub(super) fn obey(&mut self, command: Command, now: Timestamp) -> Result<Outcome, u32> {
        let id = command.id;
        if let Some(request) = command.connect {
            self.connect(id, &request, now)
        } else if let Some(request) = command.subscribe {
            self.subscribe(id, request, now)
        } else if let Some(request) = command.unsubscribe {
            self.left(&request.channel);
            Ok(Outcome::Leave {
                id,
                channel: request.channel,
            })
        } else if let Some(request) = command.publish {
            self.publish(id, request)
        } else if let Some(request) = command.presence {
            self.presence(id, request.channel)
        } else if let Some(request) = command.presence_stats {
            match self.allowed(&request.channel, Right::Presence)? {
                // Its readers are counted by what they ask, not by what they call it.
                Channel::Query { .. } => Err(code::NOT_AVAILABLE),
                _ => Ok(Outcome::PresenceStats {
                    id,
                    channel: request.channel,
                }),
            }
        } else if let Some(request) = command.history {
            self.allowed(&request.channel, Right::History)?;
            Ok(Outcome::History { id, request })
        } else if let Some(request) = command.refresh {
            self.refresh(id, &request.token, now)
        } else if let Some(request) = command.sub_refresh {
            self.sub_refresh(id, &request, now)
        } else if let Some(request) = command.rpc {
            call(id, &request, now)
        } else if command.ping.is_some() {
            Ok(Outcome::Reply(Box::new(Reply {
                id,
                ping: Some(Empty {}),
                ..Reply::default()
            })))
        } else if command.send.is_some() {
            Ok(Outcome::Nothing)
        } else {
            // Whatever else there may be in newer clients.
            Err(code::METHOD_NOT_FOUND)
        }
    }

    fn connect(&mut self, id: u32, request: &ConnectRequest, now: Timestamp) -> Result<Outcome, u32> {
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
                Err(TokenError::Expired) => return Err(code::TOKEN_EXPIRED),
                Err(TokenError::Invalid) => return Ok(Outcome::End(Disconnect::InvalidToken)),
                Err(away @ TokenError::Away) => return Ok(wait(id, away)),
            }
        }
        self.open = true;
        let (session, node) = self
            .beside
            .take()
            .map(|names| (names.session, names.node))
            .unwrap_or_default();
        let connect = ConnectResult {
            client: self.client.clone(),
            version: concat!("pulsecast ", env!("CARGO_PKG_VERSION")).to_owned(),
            expires: self.who.expires.is_some(),
            ttl: ttl(self.who.expires, now),
            ping: self.ping_seconds,
            pong: true,
            session,
            node,
            ..ConnectResult::default()
        };
        Ok(Outcome::Greeted(Box::new(Reply {
            id,
            connect: Some(connect),
            ..Reply::default()
        })))
    }

    /// A newer token of the same person: what it says of their rights holds from now on.
    fn refresh(&mut self, id: u32, token: &str, now: Timestamp) -> Result<Outcome, u32> {
        match self.gate.identify_token(token, now) {
            Ok(who) if is_same(&who, &self.who) => {
                let before = std::mem::take(&mut self.who);
                self.who = Identity {
                    origin: before.origin,
                    own_origin: before.own_origin,
                    session: before.session,
                    ..who
                };
                Ok(Outcome::Greeted(Box::new(Reply {
                    id,
                    refresh: Some(renewed(self.who.expires, now)),
                    ..Reply::default()
                })))
            }
            Err(TokenError::Expired) => Err(code::TOKEN_EXPIRED),
            Err(away @ TokenError::Away) => Ok(wait(id, away)),
            Ok(_) | Err(TokenError::Invalid) => Ok(Outcome::End(Disconnect::InvalidToken)),
        }
    }

    fn subscribe(&mut self, id: u32, request: SubscribeRequest, now: Timestamp) -> Result<Outcome, u32> {
        if request.channel.is_empty() {
            return Err(code::BAD_REQUEST);
        }
        if self.channels.contains_key(&request.channel) {
            return Err(code::ALREADY_SUBSCRIBED);
        }
        if self.channels.len() >= self.most_channels {
            return Err(code::LIMIT_EXCEEDED);
        }
        let who = match request.token.is_empty() {
            true => None,
            false => Some(self.vouched(&request.token, now)?),
        };
        let channel = self.allowed_to(who.as_ref(), &request.channel, Right::Read)?;
        let queries = self.channels.keys().filter(|name| is_query(name)).count();
        if is_query(&request.channel) && queries >= self.most_queries {
            return Err(code::LIMIT_EXCEEDED);
        }
        let pages = self.channels.keys().filter(|name| is_page(name)).count();
        if is_page(&request.channel) && pages >= self.most_pages {
            return Err(code::LIMIT_EXCEEDED);
        }
        let since = request.recover.then_some(Position {
            epoch: request.epoch,
            offset: request.offset,
        });
        // Whoever may not know who is there is not told who comes either.
        let watches = match channel {
            Channel::Room { .. } if request.join_leave => self
                .allowed_to(who.as_ref(), &request.channel, Right::Presence)
                .map_or(Watches::Nothing, |_| Watches::Comings),
            _ => Watches::Nothing,
        };
        self.channels.insert(request.channel, Grant { who });
        Ok(Outcome::Join {
            id,
            channel,
            since,
            data: request.data,
            watches,
        })
    }

    /// A newer token for one channel, of the same person.
    fn sub_refresh(&mut self, id: u32, request: &SubRefreshRequest, now: Timestamp) -> Result<Outcome, u32> {
        if !self.channels.contains_key(&request.channel) {
            return Err(code::PERMISSION_DENIED);
        }
        let who = self.vouched(&request.token, now)?;
        self.allowed_to(Some(&who), &request.channel, Right::Read)?;
        let sub_refresh = Some(renewed(who.expires, now));
        if let Some(grant) = self.channels.get_mut(&request.channel) {
            grant.who = Some(who);
        }
        Ok(Outcome::Reply(Box::new(Reply {
            id,
            sub_refresh,
            ..Reply::default()
        })))
    }

    fn publish(&self, id: u32, request: PublishRequest) -> Result<Outcome, u32> {
        let data = request.data.ok_or(code::BAD_REQUEST)?;
        let channel = self.allowed(&request.channel, Right::Publish)?;
        if !matches!(door(&channel), Door::Stream(_)) {
            return Err(code::PERMISSION_DENIED);
        }
        Ok(Outcome::Publish {
            id,
            channel: request.channel,
            data,
        })
    }

    fn presence(&self, id: u32, name: String) -> Result<Outcome, u32> {
        match self.allowed(&name, Right::Presence)? {
            // Elsewhere people are counted, not named.
            Channel::Room { .. } => Ok(Outcome::Presence { id, channel: name }),
            _ => Err(code::NOT_AVAILABLE),
        }
    }

    /// Whom a channel's own token speaks for. It has to be the one who is here already, where that is somebody.
    fn vouched(&self, token: &str, now: Timestamp) -> Result<Identity, u32> {
        match self.gate.identify_token(token, now) {
            Ok(who) if self.who.user.is_empty() || self.who.user == who.user => Ok(Identity {
                origin: self.who.origin.clone(),
                own_origin: self.who.own_origin,
                session: None,
                ..who
            }),
            Err(TokenError::Expired) => Err(code::TOKEN_EXPIRED),
            Err(TokenError::Away) => Err(code::INTERNAL),
            Ok(_) | Err(TokenError::Invalid) => Err(code::PERMISSION_DENIED),
        }
    }

    /// The channel of this name, if there is one and the client may do this with it: by the token that it joined with, else by its own.
    fn allowed(&self, name: &str, right: Right) -> Result<Channel, u32> {
        let who = self.channels.get(name).and_then(|grant| grant.who.as_ref());
        self.allowed_to(who, name, right)
    }

    fn allowed_to(&self, who: Option<&Identity>, name: &str, right: Right) -> Result<Channel, u32> {
        let channel: Channel = name.parse().map_err(|_| code::UNKNOWN_CHANNEL)?;
        // Pushes carry the channel's one right name; a client that asked by another would not know them.
        if channel.to_string() != name {
            return Err(code::UNKNOWN_CHANNEL);
        }
        match self.gate.may(who.unwrap_or(&self.who), right, &channel) {
            Ok(()) => Ok(channel),
            Err(Refused::UnknownChannel) => Err(code::UNKNOWN_CHANNEL),
            Err(Refused::NotAllowed) => Err(code::PERMISSION_DENIED),
        }
    }
}

/// Whether a newer token is of the same person.
fn is_same(new: &Identity, old: &Identity) -> bool {
    let site = |who: &Identity| who.visitor.as_ref().map(|visitor| visitor.site.clone());
    (new.account, new.link, &new.user) == (old.account, old.link, &old.user) && site(new) == site(old)
}

/// What may be called by name: `server.time`, milliseconds since 1970 by the server's clock.
fn call(id: u32, request: &RpcRequest, now: Timestamp) -> Result<Outcome, u32> {
    if request.method != "server.time" {
        return Err(code::METHOD_NOT_FOUND);
    }
    let time = serde_json::json!({ "time": now.millis() });
    let data = to_raw_value(&time).map_err(|_| code::INTERNAL)?;
    Ok(Outcome::Reply(Box::new(Reply {
        id,
        rpc: Some(Payload { data: Some(data) }),
        ..Reply::default()
    })))
}

fn renewed(expires: Option<Timestamp>, now: Timestamp) -> RefreshResult {
    RefreshResult {
        expires: expires.is_some(),
        ttl: ttl(expires, now),
    }
}

/// Seconds until then, one at least.
pub(super) fn ttl(expires: Option<Timestamp>, now: Timestamp) -> u32 {
    expires.map_or(0, |at| {
        u32::try_from(at.since(now) / 1000).unwrap_or_default().max(1)
    })
}
