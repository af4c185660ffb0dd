//! One client, whatever carries its bytes: takes its lines in, does what the session decides, and fills the outbox that the skin empties.

use super::{
    Services, TransportState,
    doors::{Door, door},
    heart::Heart,
    keeper::Line,
    queries,
    session::{Outcome, Session, no},
};
use crate::{
    gate::Identity,
    hub::{Disconnect, NotAttached, Outbox, Published, Subscription},
    live::{Present, VisitorKey},
    stats::live::Following,
};
use bytes::Bytes;
use parking_lot::Mutex;
use pulsecast_protocol::{
    Channel, Domain, Position,
    live::OnlineCount,
    wire::{
        Command, Empty, Ended, HistoryRequest, HistoryResult, PresenceStatsResult, Publication, Push, Raw,
        Reply, SubscribeResult, code,
    },
};
use serde_json::value::{RawValue, to_raw_value};
use std::{
    collections::HashMap,
    fmt,
    hash::BuildHasher,
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
};

/// Missed publications beyond this many bytes are not sent one by one: the state is smaller.
const MOST_MISSED: usize = 256 << 10;
/// How often a channel may move on while somebody joins it, before they are asked to come again.
const ATTEMPTS: usize = 4;

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
    services: Arc<Services>,
    session: Session,
    line: Arc<Line>,
    user: Arc<str>,
    visitor: VisitorKey,
    subscriptions: HashMap<String, Held>,
}

/// What being subscribed holds on to.
enum Held {
    Channel(#[allow(dead_code, reason = "holding it is being subscribed")] Subscription),
    Count(
        #[allow(dead_code, reason = "likewise")] Subscription,
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
    pub fn new(state: &TransportState, who: Identity, looks: Option<Looks<'_>>) -> Self {
        let services = state.0.clone();
        let now = services.clock.now();
        let outbox = Outbox::new(services.limits.outbox);
        let line = Arc::new(Line {
            came_with: (who.account, who.session),
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
            user: "".into(),
            visitor,
            subscriptions: HashMap::new(),
        }
    }

    /// What waits to be written to it.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.line.outbox
    }

    /// Takes one line from the client.
    pub fn receive(&mut self, line: &str) {
        let now = self.services.clock.now();
        let Ok(command) = serde_json::from_str::<Command>(line) else {
            return self.line.outbox.finish(Disconnect::BadRequest);
        };
        if command.subscribe.is_some() {
            self.forget_refused();
        }
        match self.session.take(command, now) {
            Outcome::Nothing => {}
            Outcome::Reply(reply) => self.send(&reply),
            Outcome::Greeted(reply) => {
                let who = self.session.who();
                self.user = who.user.as_str().into();
                self.line.heart.lock().greeted(who.expires, now);
                self.send(&reply);
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
            } => match door(&channel) {
                Door::Query(site) => self.follow(id, &channel, site, data),
                _ => self.join(id, &channel, since.as_ref()),
            },
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
            Outcome::PresenceStats { id, channel } => {
                let hub = &self.services.hub;
                let stats = PresenceStatsResult {
                    num_clients: hub.readers(&channel),
                    num_users: hub.users(&channel),
                };
                self.send(&Reply {
                    id,
                    presence_stats: Some(stats),
                    ..Reply::default()
                });
            }
            Outcome::End(why) => self.line.outbox.finish(why),
        }
    }

    fn send(&self, reply: &Reply) {
        let _queued = self.line.outbox.reply(encode(reply));
    }

    fn join(&mut self, id: u32, channel: &Channel, since: Option<&Position>) {
        let name = channel.to_string();
        for _ in 0..ATTEMPTS {
            let joined = match door(channel) {
                Door::Live(site) => self.join_live(id, &name, site, since),
                Door::Online(site) => self.join_online(id, &name, site),
                Door::Query(_) | Door::Later => break,
            };
            match joined {
                Ok(held) => {
                    self.subscriptions.insert(name, held);
                    return;
                }
                Err(NotAttached::Cut) => return,
                Err(NotAttached::Moved) => {}
            }
        }
        self.session.left(&name);
        self.send(&no(id, code::INTERNAL));
    }

    fn follow(&mut self, id: u32, channel: &Channel, site: &Domain, data: Option<Raw>) {
        let channel = channel.to_string();
        let wish = queries::Wish {
            id,
            channel: &channel,
            site,
            data,
            who: self.session.who(),
        };
        match queries::follow(&self.services, &wish, &self.line.outbox, &self.user) {
            Ok(following) => {
                self.subscriptions.insert(channel, Held::Query(following));
            }
            Err(refusal) => {
                self.session.left(&channel);
                self.send(&refusal);
            }
        }
    }

    /// A query that turned out wrong only when it was evaluated is no subscription any more.
    fn forget_refused(&mut self) {
        let session = &mut self.session;
        self.subscriptions.retain(|channel, held| {
            let over = matches!(held, Held::Query(following) if following.is_over());
            if over {
                session.left(channel);
            }
            !over
        });
    }

    /// What was missed, exactly, or the site's state: either way the channel goes on from the position that is answered.
    fn join_live(
        &self,
        id: u32,
        name: &str,
        site: &Domain,
        since: Option<&Position>,
    ) -> Result<Held, NotAttached> {
        let Services { hub, live, .. } = &*self.services;
        let missed = since
            .and_then(|since| hub.missed(name, since))
            .filter(|(_, missed)| {
                missed
                    .iter()
                    .map(|published| published.frame.len())
                    .sum::<usize>()
                    <= MOST_MISSED
            });
        let recovered = missed.is_some();
        let (position, publications, data) = match missed {
            Some((position, missed)) => (position, publications(&missed), None),
            None => {
                let state = live.snapshot(site);
                (state.position.clone(), Vec::new(), to_raw_value(&state).ok())
            }
        };
        if since.is_some() {
            let outcome = if recovered { "complete" } else { "anew" };
            metrics::counter!("pulsecast_recoveries_total", "outcome" => outcome).increment(1);
        }
        let result = SubscribeResult {
            recoverable: true,
            positioned: true,
            epoch: position.epoch.clone(),
            offset: position.offset,
            publications,
            recovered,
            data,
            was_recovering: since.is_some(),
            ..SubscribeResult::default()
        };
        let first = encode(&Reply {
            id,
            subscribe: Some(result),
            ..Reply::default()
        });
        let channel = hub.attach(name, Some(&position), &self.line.outbox, &self.user, |_| {
            first.clone()
        })?;
        Ok(Held::Channel(channel))
    }

    /// The count, this visitor included, who is there for as long as the channel is held.
    fn join_online(&self, id: u32, name: &str, site: &Domain) -> Result<Held, NotAttached> {
        let Services { hub, live, .. } = &*self.services;
        let present = live.enter(site, self.visitor);
        let online = live.online(site);
        let result = SubscribeResult {
            data: to_raw_value(&OnlineCount { online }).ok(),
            ..SubscribeResult::default()
        };
        let first = encode(&Reply {
            id,
            subscribe: Some(result),
            ..Reply::default()
        });
        let channel = hub.attach(name, None, &self.line.outbox, &self.user, |_| first.clone())?;
        Ok(Held::Count(channel, present))
    }

    fn history(&self, id: u32, request: &HistoryRequest) -> Result<Reply, u32> {
        let Services { hub, live, .. } = &*self.services;
        if let Ok(Channel::Live { site }) = request.channel.parse() {
            // A stream that begins here begins with the state that its position stands for.
            drop(live.snapshot(&site));
        }
        let (position, mut found) = match &request.since {
            Some(since) if !since.epoch.is_empty() => {
                hub.kept(&request.channel).ok_or(code::NOT_AVAILABLE)?;
                hub.missed(&request.channel, since)
                    .ok_or(code::UNRECOVERABLE_POSITION)?
            }
            since => {
                let (position, mut all) = hub.kept(&request.channel).ok_or(code::NOT_AVAILABLE)?;
                all.retain(|published| since.as_ref().is_none_or(|since| published.offset > since.offset));
                (position, all)
            }
        };
        if request.reverse {
            found.reverse();
        }
        if let Ok(most) = usize::try_from(request.limit) {
            found.truncate(most);
        }
        let history = HistoryResult {
            publications: publications(&found),
            epoch: position.epoch,
            offset: position.offset,
        };
        Ok(Reply {
            id,
            history: Some(history),
            ..Reply::default()
        })
    }

    /// Takes away what the client may not read any more: asked at each pong, so that nobody keeps a right for long that they lost.
    fn check_rights(&mut self) {
        for channel in self.session.revoked() {
            self.subscriptions.remove(&channel);
            self.session.left(&channel);
            let unsubscribe = Some(Ended {
                code: code::UNSUBSCRIBE_PERMISSION_REVOKED,
                reason: "permission revoked".to_owned(),
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

fn publications(published: &[Published]) -> Vec<Publication> {
    published
        .iter()
        .filter_map(|one| {
            Some(Publication {
                data: raw(&one.data)?,
                offset: one.offset,
            })
        })
        .collect()
}

fn raw(data: &Bytes) -> Option<Raw> {
    RawValue::from_string(String::from_utf8(data.to_vec()).ok()?).ok()
}

/// Our own replies can always be written; should one not be, the client is told that the fault is ours.
pub(super) fn encode(reply: &Reply) -> Bytes {
    serde_json::to_vec(reply)
        .or_else(|_| serde_json::to_vec(&no(reply.id, code::INTERNAL)))
        .unwrap_or_default()
        .into()
}
