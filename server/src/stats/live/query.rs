//! One live query: its newest answer and who reads it. What is published and who joins are under one lock, so that a reader's first
//! answer and the changes after it fit together.

use super::{Question, change::Shown};
use crate::{
    hub::{self, Hub, NotAttached, Outbox, Subscription, Who},
    sites::Site,
    stats::{Scope, StatsError},
};
use bytes::Bytes;
use parking_lot::Mutex;
use pulsecast_protocol::{
    stats::{LiveResult, QueryResult},
    wire::Raw,
};
use serde_json::value::to_raw_value;
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio_util::sync::CancellationToken;

/// Who wants to read a live query.
pub struct Reader {
    /// The channel as the reader calls it.
    pub channel: String,
    /// Where answers go.
    pub outbox: Outbox,
    /// Who it is.
    pub who: Who,
    /// Makes the first message: the whole answer, or why there is none.
    pub greet: Box<dyn Fn(Result<Raw, String>) -> Bytes + Send>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

enum Seat {
    /// Waits for the first answer.
    Waiting(Reader, Arc<AtomicBool>),
    /// Receives changes.
    Reading(
        String,
        #[allow(dead_code, reason = "holding it is being subscribed")] Subscription,
    ),
}

#[derive(Default)]
struct State {
    shown: Option<Shown>,
    /// The whole of it, encoded once for all who join.
    whole: Option<Raw>,
    /// Whether an evaluation has ended, however.
    evaluated: bool,
    error: Option<String>,
    /// Why nobody is answered, ever.
    refused: Option<String>,
    seats: HashMap<u64, Seat>,
    /// The channel's names among its readers, with how many call it so: each needs a frame of its own.
    names: BTreeMap<String, usize>,
}

/// What came of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    Changed,
    Unchanged,
    /// Readers know now, or knew already.
    Failed,
    /// Nobody can ever be answered: the question is wrong.
    Refused,
}

impl Came {
    /// The metric's label.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

pub(super) struct LiveQuery {
    pub(super) number: u64,
    pub(super) question: Question,
    /// As the first asker had it; the site's part of it is looked up anew at each evaluation.
    pub(super) scope: Scope,
    /// The site as it was at the last evaluation.
    pub(super) site: Mutex<Option<Arc<Site>>>,
    /// Nobody reads it any more.
    pub(super) gone: CancellationToken,
    hub: Hub,
    state: Mutex<State>,
}

impl LiveQuery {
    pub(super) fn new(number: u64, scope: Scope, question: Question, hub: Hub) -> Self {
        Self {
            number,
            question,
            scope,
            site: Mutex::default(),
            gone: CancellationToken::new(),
            hub,
            state: Mutex::default(),
        }
    }

    /// Adds a reader: it gets the newest answer now, or the first as soon as there is one.
    pub(super) fn seat(&self, id: u64, reader: Reader, over: Arc<AtomicBool>) {
        let mut state = self.state.lock();
        if let Some(why) = &state.refused {
            refuse(&reader, &over, why);
        } else if state.evaluated {
            self.attach(&mut state, id, reader, &over);
        } else {
            state.seats.insert(id, Seat::Waiting(reader, over));
        }
    }

    /// Takes a reader out; says whether it was the last.
    pub(super) fn leave(&self, id: u64) -> bool {
        let mut state = self.state.lock();
        if let Some(Seat::Reading(name, _)) = state.seats.remove(&id)
            && let Some(readers) = state.names.get_mut(&name)
        {
            *readers -= 1;
            if *readers == 0 {
                state.names.remove(&name);
            }
        }
        state.seats.is_empty()
    }

    /// Takes the outcome of an evaluation and tells readers what is new to them. `version` numbers a new answer.
    pub(super) fn take(
        &self,
        outcome: Result<QueryResult, StatsError>,
        version: impl FnOnce() -> u64,
    ) -> Came {
        let mut state = self.state.lock();
        let first = !std::mem::replace(&mut state.evaluated, true);
        let came = match outcome {
            Ok(result) => self.answered(&mut state, result, version),
            Err(error @ StatsError::Invalid { .. }) if first => {
                let why = error.to_string();
                for seat in std::mem::take(&mut state.seats).into_values() {
                    if let Seat::Waiting(reader, over) = seat {
                        refuse(&reader, &over, &why);
                    }
                }
                state.refused = Some(why);
                return Came::Refused;
            }
            // It may pass in a moment, and readers have an answer meanwhile.
            Err(StatsError::Busy) if state.shown.is_some() => Came::Failed,
            Err(error) => self.failed(&mut state, error.to_string()),
        };
        if first {
            let waiting: Vec<u64> = state.seats.keys().copied().collect();
            for id in waiting {
                if let Some(Seat::Waiting(reader, over)) = state.seats.remove(&id) {
                    self.attach(&mut state, id, reader, &over);
                }
            }
        }
        came
    }

    fn answered(&self, state: &mut State, result: QueryResult, version: impl FnOnce() -> u64) -> Came {
        let recovered = state.error.take().is_some();
        let QueryResult { results, meta, .. } = result;
        if let Some(shown) = &state.shown
            && shown.says_the_same(&results, &meta)
        {
            if recovered {
                // Nothing new but that it is right again.
                let same = shown.change_to(shown);
                state.whole = None;
                self.publish(state, "recovered", encoded(&same));
            }
            return Came::Unchanged;
        }
        let new = Shown {
            version: version(),
            rows: results,
            meta,
        };
        let whole = encoded(&new.whole());
        let change = state.shown.as_ref().and_then(|old| encoded(&old.change_to(&new)));
        let length = |raw: &Option<Raw>| raw.as_ref().map_or(usize::MAX, |raw| raw.get().len());
        if length(&change) < length(&whole) {
            self.publish(state, "change", change);
        } else {
            self.publish(state, "whole", whole.clone());
        }
        state.whole = whole;
        state.shown = Some(new);
        Came::Changed
    }

    /// Tells readers once; they keep what they have.
    fn failed(&self, state: &mut State, error: String) -> Came {
        if state.error.as_ref() != Some(&error) {
            let version = state.shown.as_ref().map_or(0, |shown| shown.version);
            let told = LiveResult {
                version,
                from: Some(version),
                len: state.shown.as_ref().map_or(0, Shown::len),
                error: Some(error.clone()),
                ..LiveResult::default()
            };
            self.publish(state, "error", encoded(&told));
            state.error = Some(error);
            state.whole = None;
        }
        Came::Failed
    }

    /// Encoded once for each name that readers have for the channel.
    fn publish(&self, state: &State, kind: &'static str, payload: Option<Raw>) {
        let Some(payload) = payload else { return };
        for name in state.names.keys() {
            self.hub
                .publish(&hub::variant(name, self.number), payload.get().as_bytes());
        }
        if !state.names.is_empty() {
            metrics::counter!("pulsecast_live_query_pushes_total", "kind" => kind).increment(1);
        }
    }

    fn attach(&self, state: &mut State, id: u64, reader: Reader, over: &AtomicBool) {
        if state.whole.is_none() {
            let mut whole = state.shown.as_ref().map(Shown::whole).unwrap_or_default();
            whole.error.clone_from(&state.error);
            state.whole = encoded(&whole);
        }
        let first = match &state.whole {
            Some(whole) => (reader.greet)(Ok(whole.clone())),
            None => (reader.greet)(Err("the answer cannot be encoded".to_owned())),
        };
        let name = hub::variant(&reader.channel, self.number);
        match self
            .hub
            .attach(&name, None, &reader.outbox, &reader.who, |_| first.clone())
        {
            Ok(subscription) => {
                *state.names.entry(reader.channel.clone()).or_default() += 1;
                state
                    .seats
                    .insert(id, Seat::Reading(reader.channel, subscription));
            }
            // The connection is ending; its seat goes with it. (Without a past, a channel never moves on, and needs no disk.)
            Err(NotAttached::Cut | NotAttached::Moved | NotAttached::Unavailable) => {
                over.store(true, Ordering::Release)
            }
        }
    }
}

fn refuse(reader: &Reader, over: &AtomicBool, why: &str) {
    // Before the client hears of it: it may ask again at once.
    over.store(true, Ordering::Release);
    let _queued = reader.outbox.reply((reader.greet)(Err(why.to_owned())));
}

fn encoded(result: &LiveResult) -> Option<Raw> {
    to_raw_value(result).ok()
}
