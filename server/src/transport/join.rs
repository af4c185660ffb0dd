//! How a client comes to receive a channel: what it is told first, and from where on it goes.

use super::{
    Services,
    connection::{Connection, Held, encode},
    doors::{Door, door},
    past::publications,
    queries,
    session::{no, no_because},
};
use crate::hub::{NotAttached, Published, Watches};
use pulsecast_protocol::{
    Channel, Domain, Position,
    wire::{Raw, Reply, SubscribeResult, code},
};
use serde_json::value::{RawValue, to_raw_value};

/// Missed changes of a dashboard beyond this many bytes are not sent one by one: the state is smaller.
const MOST_MISSED: usize = 256 << 10;
/// How often a channel may move on while somebody joins it, before they are asked to come again.
const ATTEMPTS: usize = 4;

impl Connection {
    pub(super) fn join(&mut self, id: u32, channel: &Channel, since: Option<&Position>, watches: Watches) {
        let name = channel.to_string();
        let Services { hub, rooms, .. } = &*self.services;
        if !rooms.has_place(&name, hub.readers(&name)) {
            self.session.left(&name);
            return self.send(&no_because(
                id,
                code::LIMIT_EXCEEDED,
                "this room is full".to_owned(),
            ));
        }
        for _ in 0..ATTEMPTS {
            let joined = match door(channel) {
                Door::Live(site) => self.join_live(id, &name, site, since),
                Door::Online(site, page) => match self.counted(site, page) {
                    Ok(present) => self.join_online(id, &name, (site, page), present),
                    Err(code) => {
                        self.session.left(&name);
                        return self.send(&no(id, code));
                    }
                },
                Door::Stream(_) => self.join_stream(id, &name, since, watches),
                Door::Query(_) => break,
            };
            match joined {
                Ok(held) => {
                    self.subscriptions.insert(name, held);
                    return;
                }
                Err(NotAttached::Cut) => return,
                Err(NotAttached::Moved) => {}
                Err(NotAttached::Unavailable) => break,
            }
        }
        self.session.left(&name);
        self.send(&no(id, code::INTERNAL));
    }

    pub(super) fn follow(&mut self, id: u32, channel: &Channel, site: &Domain, data: Option<Raw>) {
        let channel = channel.to_string();
        let wish = queries::Wish {
            id,
            channel: &channel,
            site,
            data,
            who: self.session.who(),
        };
        match queries::follow(&self.services, &wish, &self.line.outbox, &self.who) {
            Ok(following) => {
                self.subscriptions.insert(channel, Held::Query(following));
            }
            Err(refusal) => {
                self.session.left(&channel);
                self.send(&refusal);
            }
        }
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
            .filter(|(_, missed)| !is_much(missed));
        let recovered = missed.is_some();
        let (position, publications, data) = match missed {
            Some((position, missed)) => (position, publications(&missed), None),
            None => {
                let state = live.snapshot(site);
                (state.position.clone(), Vec::new(), to_raw_value(&state).ok())
            }
        };
        let result = SubscribeResult {
            publications,
            recovered,
            data,
            ..positioned(&position, since, recovered)
        };
        let first = encode(&Reply {
            id,
            subscribe: Some(result),
            ..Reply::default()
        });
        let channel = hub.attach(name, Some(&position), &self.line.outbox, &self.who, |_| {
            first.clone()
        })?;
        Ok(Held::Channel(channel))
    }

    /// What was missed, exactly; or that this cannot be told, and what newcomers are greeted with.
    fn join_stream(
        &self,
        id: u32,
        name: &str,
        since: Option<&Position>,
        watches: Watches,
    ) -> Result<Held, NotAttached> {
        let Services { hub, publishing, .. } = &*self.services;
        let look = hub.look(name, since).map_err(|_| NotAttached::Unavailable)?;
        if let (true, Some(since)) = (look.recovered, since) {
            publishing.caught_up(name, since.offset, look.position.offset);
        }
        // Much that was missed comes after the answer, as the frames that all readers share: copied into answers, it would be there once for
        // each of those who come back together.
        let at = match since {
            Some(since) if look.recovered && is_much(&look.publications) => Position {
                epoch: look.position.epoch.clone(),
                offset: since.offset,
            },
            _ => look.position.clone(),
        };
        let (publications, data) = if look.recovered && at == look.position {
            (publications(&look.publications), None)
        } else if look.recovered {
            (Vec::new(), None)
        } else {
            let greeting = publishing.greeting(name, &look, self.ip);
            let data = greeting.and_then(|json| String::from_utf8(json.into()).ok());
            (Vec::new(), data.and_then(|json| RawValue::from_string(json).ok()))
        };
        let result = SubscribeResult {
            publications,
            recovered: look.recovered,
            data,
            ..positioned(&at, since, look.recovered)
        };
        let ends = self.session.ends(name, self.services.clock.now());
        let first = encode(&Reply {
            id,
            subscribe: Some(SubscribeResult {
                expires: ends.is_some(),
                ttl: ends.unwrap_or_default(),
                ..result
            }),
            ..Reply::default()
        });
        let (after, outbox) = (Some(&at), &self.line.outbox);
        let who = self.who_in(name);
        let channel = hub.attach_watching(name, after, outbox, &who, watches, |_| first.clone())?;
        Ok(Held::Channel(channel))
    }
}

fn is_much(missed: &[Published]) -> bool {
    missed.iter().map(|one| one.frame.len()).sum::<usize>() > MOST_MISSED
}

/// What is said of every channel that has positions.
fn positioned(position: &Position, since: Option<&Position>, recovered: bool) -> SubscribeResult {
    if since.is_some() {
        let outcome = if recovered { "complete" } else { "anew" };
        metrics::counter!("pulsecast_recoveries_total", "outcome" => outcome).increment(1);
    }
    SubscribeResult {
        recoverable: true,
        positioned: true,
        epoch: position.epoch.clone(),
        offset: position.offset,
        was_recovering: since.is_some(),
        ..SubscribeResult::default()
    }
}
