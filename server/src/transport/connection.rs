//! One client, whatever carries its bytes: takes its lines in, does what the session decides, and fills the outbox that the skin empties.

use super::{
    Services, TransportState,
    doors::{Door, door},
    emulation::Names,
    heart::Heart,
    keeper::Line,
    past,
    presence::only_watches,
    session::{Outcome, Session, no, no_because},
};
use crate::{
    gate::Identity,
    hub::{Disconnect, Draft, Outbox, PublishError, Subscription, Who},
    live::{Present, VisitorKey},
    stats::live::Following,
};
use bytes::Bytes;
use parking_lot::Mutex;
use pulsecast_protocol::{
    Channel, Position,
    wire::{Command, Empty, Ended, HistoryRequest, Push, Raw, Reply, code},
};
use std::{
    collections::HashMap,
    fmt,
    hash::BuildHasher,
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
};

/// What a client looks like from outside. Hashed under a key that this process made and forgets; never kept.
#[derive(Clone, Copy, Debug, Hash)]
pub struct Looks<'a> {
    /// Where it comes from.
    pub ip: IpAddr,
    /// `User-Agent`.
    pub user_agent: &'a str,
}

/// One client.
pub struct Connection {
    pub(super) services: Arc<Services>,
    pub(super) session: Session,
    pub(super) line: Arc<Line>,
    pub(super) who: Who,
    pub(super) visitor: VisitorKey,
    /// Where it comes from, as long as it lasts.
    pub(super) ip: Option<IpAddr>,
    pub(super) subscriptions: HashMap<String, Held>,
}

/// What being subscribed holds on to.
pub(super) enum Held {
    Channel(Subscription),
    Count(
        Subscription,
        #[allow(dead_code, reason = "holding it is being there")] Option<Present>,
    ),
    Query(Following),
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// A client that has yet to say `connect`. `who` is whom its request speaks for, `looks` what its address and browser look like:
    /// two connections that look the same are one visitor; one that shows nothing is a visitor of its own.
    #[must_use]
    pub fn new(state: &TransportState, mut who: Identity, looks: Option<Looks<'_>>) -> Self {
        let services = state.0.clone();
        if !services.gate.may_introduce(&who) {
            who.cookies = None;
        }
        let now = services.clock.now();
        let outbox = Outbox::new(services.limits.outbox);
        let line = Arc::new(Line {
            came_with: (who.account, who.session),
            visitors: Mutex::default(),
            outbox,
            heart: Mutex::new(Heart::new(&services.limits, now)),
        });
        services.keeper.keep(&line);
        let number = services.opened.fetch_add(1, Ordering::Relaxed);
        let client = format!("{:x}-{number:x}", now.millis());
        let visitor = VisitorKey(match looks {
            Some(looks) => services.faces.hash_one(looks),
            None => services.faces.hash_one(number),
        });
        let session = Session::new(services.gate.clone(), client, who, &services.limits, now);
        Self {
            services,
            session,
            line,
            who: Who::default(),
            visitor,
            ip: looks.map(|looks| looks.ip),
            subscriptions: HashMap::new(),
        }
    }

    /// A client whose commands come beside its stream: the answer to `connect` tells it where to send them.
    #[must_use]
    pub(super) fn emulated(mut self, names: Names) -> Self {
        self.session.emulated(names);
        self
    }

    /// What waits to be written to it.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.line.outbox
    }

    /// Takes one line from the client, as far as it can be taken without asking anybody: see [`Connection::hear`].
    pub fn receive(&mut self, line: &str) {
        match serde_json::from_str::<Command>(line) {
            Ok(command) => self.act(command),
            Err(_) => self.line.outbox.finish(Disconnect::BadRequest),
        }
    }

    /// Does what a command means.
    pub(super) fn act(&mut self, command: Command) {
        let now = self.services.clock.now();
        if command.subscribe.is_some() {
            self.forget_ended();
        }
        match self.session.take(command, now) {
            Outcome::Nothing => {}
            Outcome::Reply(reply) => self.send(&reply),
            Outcome::Greeted(reply) => {
                self.note_who();
                self.line.heart.lock().greeted(self.session.who().expires, now);
                self.send(&reply);
                self.check_rights();
            }
            Outcome::Pong => {
                self.line.heart.lock().answered();
                self.check_rights();
            }
            Outcome::Join {
                id,
                channel,
                since,
                data,
                watches,
            } => {
                *self.line.visitors.lock() = self.session.visitors();
                match door(&channel) {
                    Door::Query(site) => self.follow(id, &channel, site, data),
                    Door::Online(site, page) if only_watches(data.as_ref()) => {
                        self.watch_count(id, &channel, (site, page));
                    }
                    _ => self.join(id, &channel, since.as_ref(), watches),
                }
            }
            Outcome::Leave { id, channel } => {
                self.subscriptions.remove(&channel);
                self.send(&Reply {
                    id,
                    unsubscribe: Some(Empty {}),
                    ..Reply::default()
                });
            }
            Outcome::History { id, request } => {
                let reply = self.history(id, &request).unwrap_or_else(|code| no(id, code));
                self.send(&reply);
            }
            Outcome::Publish { id, channel, data } => self.publish(id, channel, &data),
            Outcome::Presence { id, channel } => {
                self.send(&Reply {
                    id,
                    presence: Some(past::presence(&self.services.hub, &channel)),
                    ..Reply::default()
                });
            }
            Outcome::PresenceStats { id, channel } => {
                self.send(&Reply {
                    id,
                    presence_stats: Some(past::presence_stats(&self.services.hub, &channel)),
                    ..Reply::default()
                });
            }
            Outcome::End(why) => self.line.outbox.finish(why),
        }
    }

    /// Takes in whom the session speaks for, for others in its channels and for those who may turn them away.
    pub(super) fn note_who(&mut self) {
        let who = self.session.who();
        self.who = Who::new(self.session.client(), &who.user, who.info.clone());
        *self.line.visitors.lock() = self.session.visitors();
    }

    /// Who it is in this channel: whom the channel's own token names, where it was joined with one.
    pub(super) fn who_in(&self, channel: &str) -> Who {
        match self.session.granted_to(channel) {
            Some(who) => Who::new(self.session.client(), &who.user, who.info.clone()),
            None => self.who.clone(),
        }
    }

    pub(super) fn send(&self, reply: &Reply) {
        let _queued = self.line.outbox.reply(encode(reply));
    }

    /// Hands it in, to be answered when it is on disk. What one client publishes in one room stays in its order.
    fn publish(&self, id: u32, channel: String, data: &Raw) {
        if !self
            .services
            .rooms
            .may_publish(&channel, self.services.clock.now())
        {
            let why = "too many publications in this room: wait a moment".to_owned();
            return self.send(&no_because(id, code::TOO_MANY_REQUESTS, why));
        }
        let outbox = self.line.outbox.clone();
        let done = move |became| {
            let _queued = outbox.reply(encode(&published(id, became)));
        };
        let draft = Draft {
            info: self.who_in(&channel).line(),
            ..Draft::from(Bytes::copy_from_slice(data.get().as_bytes()))
        };
        let publishing = self.services.publishing.clone();
        if let Err((draft, done)) = publishing.hand_in(&channel, draft, done) {
            self.services.tasks.spawn("client-publish", async move {
                done(publishing.publish(&channel, draft).await);
            });
        }
    }

    /// What ended without being asked to is no subscription any more: a query that turned out wrong only when it was evaluated, a channel
    /// that told its reader to come again.
    fn forget_ended(&mut self) {
        let session = &mut self.session;
        self.subscriptions.retain(|channel, held| {
            let over = match held {
                Held::Query(following) => following.is_over(),
                Held::Channel(subscription) | Held::Count(subscription, _) => subscription.is_over(),
            };
            if over {
                session.left(channel);
            }
            !over
        });
    }

    fn history(&self, id: u32, request: &HistoryRequest) -> Result<Reply, u32> {
        let Services { hub, live, .. } = &*self.services;
        if let Ok(Channel::Live { site }) = request.channel.parse() {
            // A stream that begins here begins with the state that its position stands for.
            drop(live.snapshot(&site));
        }
        Ok(Reply {
            id,
            history: Some(past::history(hub, request)?),
            ..Reply::default()
        })
    }

    /// Takes away what the client may not read any more: asked at each pong, so that nobody keeps a right for long that they lost.
    fn check_rights(&mut self) {
        for (channel, code) in self.session.revoked(self.services.clock.now()) {
            self.subscriptions.remove(&channel);
            self.session.left(&channel);
            let reason = match code {
                code::UNSUBSCRIBE_EXPIRED => "subscription expired",
                _ => "permission revoked",
            };
            let unsubscribe = Some(Ended {
                code,
                reason: reason.to_owned(),
            });
            let push = Some(Push {
                channel,
                unsubscribe,
                ..Push::default()
            });
            self.send(&Reply {
                push,
                ..Reply::default()
            });
        }
    }
}

/// The answer to `publish`.
fn published(id: u32, became: Result<Position, PublishError>) -> Reply {
    let why = match became {
        Ok(_) => {
            return Reply {
                id,
                publish: Some(Empty {}),
                ..Reply::default()
            };
        }
        Err(why) => why,
    };
    no_because(id, past::code_of(&why), why.to_string())
}

/// Our own replies can always be written; should one not be, the client is told that the fault is ours.
pub(super) fn encode(reply: &Reply) -> Bytes {
    serde_json::to_vec(reply)
        .or_else(|_| serde_json::to_vec(&no(reply.id, code::INTERNAL)))
        .unwrap_or_default()
        .into()
}
