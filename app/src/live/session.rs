//! What to say to the server and what its answers mean: the Centrifugo client protocol as a state machine. Knows no socket and no
//! clock; `socket` carries its frames.

use super::frames::{Ask, Heard, Hello, Joined, Pushed, Said};
use pulsecast_protocol::{
    Position,
    wire::{ChannelRequest, ErrorReply, Raw, code},
};

/// What a frame brought.
#[derive(Clone, Debug)]
pub enum News {
    /// The session is open; the server pings after this many seconds of silence (0: never).
    Open(u32),
    /// The channel's whole state, to start from.
    State(String, Raw),
    /// A change to it.
    Change(String, Raw),
    /// The server will not let us read the channel, and why.
    Denied(String, String),
    /// The server will not answer the query that the channel was asked with, and why.
    Refused(String, String),
    /// The server could not serve the channel now: come back later.
    Failed,
}

/// A channel that is to be received.
#[derive(Debug)]
struct Wanted {
    channel: String,
    /// How far we have it.
    position: Position,
    /// What is asked there.
    data: Option<Raw>,
}

/// One connection after the other, with what it takes to miss nothing between them.
#[derive(Debug, Default)]
pub struct Session {
    /// What is wanted. A handful, so that looking through them is quickest.
    channels: Vec<Wanted>,
    asked: Vec<(u32, String)>,
    out: Vec<Said>,
    last_id: u32,
    open: bool,
    /// Says who speaks, where no cookie does.
    token: String,
}

impl Session {
    /// Whether anything wants to be received.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.channels.is_empty()
    }

    /// One that speaks for whoever this token does; an empty one leaves that to the session cookie.
    #[must_use]
    pub fn of(token: String) -> Self {
        Self {
            token,
            ..Self::default()
        }
    }

    /// A new connection exists: says hello. Channels follow when the server has answered.
    pub fn start(&mut self) {
        self.open = false;
        self.asked.clear();
        self.out.clear();
        let connect = Hello {
            name: "dashboard",
            token: self.token.clone(),
        };
        self.command(Said {
            connect: Some(connect),
            ..Said::default()
        });
    }

    /// Receives a channel from a position on; an empty one asks for its state. Takes over from whoever received it before.
    pub fn subscribe(&mut self, channel: &str, position: Position, data: Option<Raw>) {
        self.unsubscribe(channel);
        self.channels.push(Wanted {
            channel: channel.to_owned(),
            position,
            data,
        });
        self.ask(channel);
    }

    /// Asks for the channel's state anew: something was missed.
    pub fn again(&mut self, channel: &str) {
        self.leave(channel);
        self.start_over(channel);
    }

    /// Receives the channel no more.
    pub fn unsubscribe(&mut self, channel: &str) {
        let before = self.channels.len();
        self.channels.retain(|wanted| wanted.channel != channel);
        if self.channels.len() < before {
            self.leave(channel);
        }
    }

    /// What is to be sent now, one frame.
    pub fn take_frame(&mut self) -> Option<String> {
        let lines: Vec<String> = self
            .out
            .drain(..)
            .filter_map(|command| serde_json::to_string(&command).ok())
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Reads a frame: one message a line. What cannot be read is left out: a newer server may say more than we know.
    pub fn read(&mut self, frame: &str) -> Vec<News> {
        let mut news = Vec::new();
        for line in frame.lines().filter(|line| !line.trim().is_empty()) {
            if let Ok(reply) = serde_json::from_str::<Heard>(line) {
                self.take(reply, &mut news);
            }
        }
        news
    }

    fn take(&mut self, reply: Heard, news: &mut Vec<News>) {
        if let Some(push) = reply.push {
            self.pushed(push, news);
        } else if let Some(connected) = reply.connect {
            self.open = true;
            news.push(News::Open(connected.ping));
            for channel in self
                .channels
                .iter()
                .map(|wanted| wanted.channel.clone())
                .collect::<Vec<_>>()
            {
                self.ask(&channel);
            }
        } else if reply.id == 0 {
            self.out.push(Said::default()); // `{}` is a ping and its answer
        } else if let Some(i) = self.asked.iter().position(|(id, _)| *id == reply.id) {
            let (_, channel) = self.asked.remove(i);
            match (reply.subscribe, reply.error) {
                (Some(result), _) => self.subscribed(channel, result, news),
                (None, Some(error)) if error.code == code::UNRECOVERABLE_POSITION => {
                    self.start_over(&channel)
                }
                (None, Some(error)) if may_pass(&error) => news.push(News::Failed),
                (None, Some(error)) if matches!(error.code, code::BAD_REQUEST | code::LIMIT_EXCEEDED) => {
                    news.push(News::Refused(channel, error.message));
                }
                (None, Some(error)) => news.push(News::Denied(channel, error.message)),
                (None, None) => {}
            }
        } else if reply.error.is_some() && !self.open {
            news.push(News::Failed);
        }
    }

    fn position(&mut self, channel: &str) -> Option<&mut Position> {
        self.channels
            .iter_mut()
            .find(|wanted| wanted.channel == channel)
            .map(|wanted| &mut wanted.position)
    }

    fn subscribed(&mut self, channel: String, result: Joined, news: &mut Vec<News>) {
        let Some(position) = self.position(&channel) else {
            return;
        };
        let known = position.offset;
        *position = Position {
            epoch: result.epoch,
            offset: result.offset,
        };
        if let (false, Some(state)) = (result.recovered, result.data) {
            news.push(News::State(channel.clone(), state));
        }
        for publication in result.publications {
            if !result.recovered || publication.offset == 0 || publication.offset > known {
                news.push(News::Change(channel.clone(), publication.data));
            }
        }
    }

    fn pushed(&mut self, push: Pushed, news: &mut Vec<News>) {
        let Some(position) = self.position(&push.channel) else {
            return;
        };
        if let Some(published) = push.publication {
            if published.offset > 0 && published.offset <= position.offset {
                return;
            }
            position.offset = position.offset.max(published.offset);
            news.push(News::Change(push.channel, published.data));
        } else if let Some(ended) = push.unsubscribe {
            if ended.code >= code::UNSUBSCRIBE_INSUFFICIENT {
                self.ask(&push.channel);
            } else {
                self.channels.retain(|wanted| wanted.channel != push.channel);
                news.push(News::Denied(push.channel, ended.reason));
            }
        }
    }

    fn start_over(&mut self, channel: &str) {
        if let Some(position) = self.position(channel) {
            *position = Position::default();
            self.ask(channel);
        }
    }

    fn ask(&mut self, channel: &str) {
        if !self.open {
            return;
        }
        let Some(Wanted { position, data, .. }) =
            self.channels.iter().find(|wanted| wanted.channel == channel)
        else {
            return;
        };
        let request = Ask {
            channel: channel.to_owned(),
            recover: !position.epoch.is_empty(),
            epoch: position.epoch.clone(),
            offset: position.offset,
            data: data.clone(),
        };
        let id = self.command(Said {
            subscribe: Some(request),
            ..Said::default()
        });
        self.asked.push((id, channel.to_owned()));
    }

    fn leave(&mut self, channel: &str) {
        self.asked.retain(|(_, asked)| asked != channel);
        if self.open {
            let request = ChannelRequest {
                channel: channel.to_owned(),
            };
            self.command(Said {
                unsubscribe: Some(request),
                ..Said::default()
            });
        }
    }

    fn command(&mut self, command: Said) -> u32 {
        self.last_id = self.last_id.wrapping_add(1).max(1);
        self.out.push(Said {
            id: Some(self.last_id),
            ..command
        });
        self.last_id
    }
}

/// Whether asking again later can help.
fn may_pass(error: &ErrorReply) -> bool {
    error.temporary
        || matches!(
            error.code,
            code::INTERNAL | code::TOO_MANY_REQUESTS | code::TOKEN_EXPIRED
        )
}

/// Whether a client may come back after a connection was closed with this code.
#[must_use]
pub fn may_return(close_code: u16) -> bool {
    !matches!(close_code, 3500..=3999 | 4500..=4999)
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
