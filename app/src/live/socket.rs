//! The one connection of the page: opens it when something is to be received, carries the session's frames, comes back when it is
//! lost. `socket_ssr.rs` is its twin: same names, same signatures.

use super::{
    backoff,
    rows::{Answer, Took},
    session::{News, Session, may_return},
    status::Status,
};
use crate::platform;
use futures::{
    SinkExt, StreamExt,
    channel::mpsc,
    future::{Either, poll_fn, select},
};
use gloo_net::websocket::{Message, State, WebSocketError, futures::WebSocket};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use pulsecast_protocol::{
    Channel, Domain, Position, Timestamp,
    live::{LiveChange, LiveState},
    wire::Raw,
};
use serde_json::value::RawValue;
use std::{cell::RefCell, rc::Rc, task::Poll};

/// Milliseconds within which a connection has to open, and beyond the server's ping interval until it counts as lost.
const PATIENCE: u32 = 10_000;

/// What a `live:` channel tells its page.
#[derive(Clone, Debug)]
pub enum LiveNews {
    /// Start from this.
    State(Box<LiveState>),
    /// This changed.
    Change(Box<LiveChange>),
}

/// The one connection that all pages share.
#[derive(Clone, Copy, Debug)]
pub struct Socket {
    /// How it is doing.
    pub status: RwSignal<Status>,
    /// When the last message came, by the viewer's clock.
    pub heard: RwSignal<Option<Timestamp>>,
    line: StoredValue<Line, LocalStorage>,
}

/// What the pages and the connection's task share.
#[derive(Clone, Debug)]
struct Line {
    session: Rc<RefCell<Session>>,
    listeners: Rc<RefCell<Vec<Listener>>>,
    /// Holds one "look again"; a second one would say nothing more.
    wake: mpsc::Sender<()>,
}

/// What a channel tells whoever listens to it.
#[derive(Clone, Copy, Debug)]
enum Told<'a> {
    State(&'a Raw),
    Change(&'a Raw),
    Refused(&'a str),
}

type Hear = Rc<dyn Fn(Told<'_>) -> serde_json::Result<Took>>;

struct Listener {
    channel: String,
    number: u32,
    hear: Hear,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.channel)
    }
}

impl Socket {
    /// Makes the socket of a page and puts it into the context.
    pub fn provide() -> Self {
        Self::provide_for(String::new())
    }

    /// The same for whoever this token speaks for, instead of the session.
    pub fn provide_for(token: String) -> Self {
        let (wake, woken) = mpsc::channel(1);
        let line = Line {
            session: Rc::new(RefCell::new(Session::of(token))),
            listeners: Rc::default(),
            wake,
        };
        let socket = Self {
            status: RwSignal::new(Status::default()),
            heard: RwSignal::new(None),
            line: StoredValue::new_local(line.clone()),
        };
        provide_context(socket);
        Effect::new(move || {
            for event in ["online", "offline", "visibilitychange"] {
                let wake = line.wake.clone();
                let heard = window_event_listener_untyped(event, move |_| {
                    wake.clone().try_send(()).ok();
                });
                on_cleanup(move || heard.remove());
            }
        });
        let line = socket.line.get_value();
        leptos::task::spawn_local(async move { socket.run(line, woken).await });
        socket
    }

    /// Receives a channel from a position on, until the calling component goes away.
    pub fn follow(self, channel: &Channel, from: Position, news: Callback<LiveNews>) {
        let hear = move |told: Told<'_>| {
            match told {
                Told::State(data) => news.run(LiveNews::State(parsed(data)?)),
                Told::Change(data) => news.run(LiveNews::Change(parsed(data)?)),
                Told::Refused(_) => {}
            }
            Ok(Took::News)
        };
        self.listen(channel, from, None, Rc::new(hear));
    }

    /// Receives the answer to a query (JSON, as `POST /api/v2/query` takes it) and what becomes of it, until the calling component goes
    /// away. `key` tells the page's queries apart: `A-Z a-z 0-9 _ -`. The first answer is the whole; what the server has rendered stays
    /// until then. Where the server refuses the query, or cannot bring it up to date, [`Answer::error`] says why.
    pub fn follow_query(self, site: &Domain, key: &str, query: String, news: impl Fn(&Answer) + 'static) {
        let channel = Channel::Query {
            site: site.clone(),
            key: Some(key.to_owned()),
        };
        let answer = RefCell::<Answer>::default();
        let hear = move |told: Told<'_>| {
            let mut answer = answer.borrow_mut();
            let took = match told {
                Told::State(data) | Told::Change(data) => answer.take(*parsed(data)?),
                Told::Refused(why) => {
                    answer.error = Some(why.to_owned());
                    Took::News
                }
            };
            if took == Took::News {
                news(&answer);
            }
            Ok(took)
        };
        let query = RawValue::from_string(query).ok();
        self.listen(&channel, Position::default(), query, Rc::new(hear));
    }

    fn listen(self, channel: &Channel, from: Position, data: Option<Raw>, hear: Hear) {
        let Some(line) = self.line.try_get_value() else {
            return;
        };
        let channel = channel.to_string();
        line.session.borrow_mut().subscribe(&channel, from, data);
        let number = line.listen(channel, hear);
        on_cleanup(move || {
            if let Some(line) = self.line.try_get_value() {
                line.hush(number);
            }
        });
    }

    /// Tells the page, if that is news to it.
    fn turn(self, status: Status) {
        if self.status.try_get_untracked().is_some_and(|was| was != status) {
            self.status.set(status);
        }
    }

    async fn run(self, line: Line, mut woken: mpsc::Receiver<()>) {
        let mut attempt = 0;
        loop {
            while line.session.borrow().is_idle() {
                if woken.next().await.is_none() {
                    return;
                }
            }
            let mut greeted = false;
            let end = self.talk(&line, &mut woken, &mut greeted).await;
            if matches!(end, End::Forever) {
                self.turn(Status::Ended);
                return;
            }
            attempt = if greeted { 0 } else { attempt + 1 };
            self.turn(if is_online() {
                Status::Reconnecting
            } else {
                Status::Offline
            });
            let pause = TimeoutFuture::new(backoff::pause(attempt, js_sys::Math::random()));
            select(pause, woken.next()).await;
        }
    }

    /// One connection, from its opening to its end.
    async fn talk(self, line: &Line, woken: &mut mpsc::Receiver<()>, greeted: &mut bool) -> End {
        let Ok(mut socket) = WebSocket::open(&address()) else {
            return End::Again;
        };
        if !opened(&mut socket).await {
            return End::Again;
        }
        line.session.borrow_mut().start();
        let mut patience = PATIENCE;
        loop {
            let frame = line.session.borrow_mut().take_frame();
            // What cannot be sent is not lost: the next connection asks again. Why it cannot, the next read says.
            if let (Some(frame), State::Open) = (frame, socket.state()) {
                socket.send(Message::Text(frame)).await.ok();
            }
            match next(&mut socket, woken, patience).await {
                Next::Frame(text) => {
                    self.heard.set(Some(platform::now()));
                    let news = line.session.borrow_mut().read(&text);
                    for news in news {
                        match news {
                            News::Open(ping) => {
                                *greeted = true;
                                patience = if ping > 0 {
                                    ping * 1000 + PATIENCE
                                } else {
                                    u32::MAX >> 1
                                };
                                self.turn(Status::Live);
                            }
                            News::Failed => {
                                *greeted = false;
                                return End::Again;
                            }
                            News::Denied(channel, why) => {
                                // Signed out, or the site is gone: what the page shows is not the viewer's any more.
                                leptos::logging::warn!("{channel}: {why}");
                                self.turn(Status::Ended);
                            }
                            News::State(channel, data) => line.deliver(&channel, Told::State(&data)),
                            News::Change(channel, data) => line.deliver(&channel, Told::Change(&data)),
                            News::Refused(channel, why) => line.deliver(&channel, Told::Refused(&why)),
                        }
                    }
                }
                Next::Woken if !is_online() => return End::Again,
                Next::Woken => {}
                Next::Silence => return End::Again,
                Next::Closed(end) => return end,
            }
        }
    }
}

impl Line {
    /// Takes over a channel from whoever listened to it before.
    fn listen(&self, channel: String, hear: Hear) -> u32 {
        let mut listeners = self.listeners.borrow_mut();
        let number = listeners.last().map_or(0, |listener| listener.number + 1);
        listeners.retain(|listener| listener.channel != channel);
        listeners.push(Listener {
            channel,
            number,
            hear,
        });
        self.wake.clone().try_send(()).ok();
        number
    }

    /// Lets go of the channel, unless somebody else has taken it over.
    fn hush(&self, number: u32) {
        let mut listeners = self.listeners.borrow_mut();
        if let Some(i) = listeners.iter().position(|listener| listener.number == number) {
            self.session
                .borrow_mut()
                .unsubscribe(&listeners.remove(i).channel);
            self.wake.clone().try_send(()).ok();
        }
    }

    /// Tells whoever listens. What they cannot read, they do without: the next state or change repairs it.
    fn deliver(&self, channel: &str, told: Told<'_>) {
        let hear_of = |listener: &Listener| (listener.channel == channel).then(|| listener.hear.clone());
        let hear = self.listeners.borrow().iter().find_map(hear_of);
        match hear.map(|hear| hear(told)) {
            Some(Ok(Took::Gap)) => self.session.borrow_mut().again(channel),
            Some(Err(error)) => leptos::logging::warn!("{channel}: {error}"),
            Some(Ok(Took::News | Took::Nothing)) | None => {}
        }
    }
}

fn parsed<T: serde::de::DeserializeOwned>(data: &Raw) -> serde_json::Result<Box<T>> {
    serde_json::from_str(data.get()).map(Box::new)
}

enum End {
    Again,
    Forever,
}

enum Next {
    Frame(String),
    Woken,
    Silence,
    Closed(End),
}

/// Waits until the socket is open; false when it will not be.
async fn opened(socket: &mut WebSocket) -> bool {
    let opening = poll_fn(|context| match socket.poll_ready_unpin(context) {
        Poll::Ready(_) => Poll::Ready(matches!(socket.state(), State::Open)),
        // Failure is told to readers only.
        Poll::Pending => socket.poll_next_unpin(context).map(|_| false),
    });
    matches!(
        select(opening, TimeoutFuture::new(PATIENCE)).await,
        Either::Left((true, _))
    )
}

async fn next(socket: &mut WebSocket, woken: &mut mpsc::Receiver<()>, patience: u32) -> Next {
    let either = select(socket.next(), select(woken.next(), TimeoutFuture::new(patience))).await;
    match either {
        Either::Left((Some(Ok(Message::Text(text))), _)) => Next::Frame(text),
        Either::Left((Some(Ok(Message::Bytes(bytes))), _)) => {
            Next::Frame(String::from_utf8_lossy(&bytes).into_owned())
        }
        Either::Left((Some(Err(error)), _)) => Next::Closed(end_of(&error)),
        Either::Left((None, _)) => Next::Closed(End::Again),
        Either::Right((Either::Left(_), _)) => Next::Woken,
        Either::Right((Either::Right(_), _)) => Next::Silence,
    }
}

fn end_of(error: &WebSocketError) -> End {
    match error {
        WebSocketError::ConnectionClose(close) if !may_return(close.code) => End::Forever,
        _ => End::Again,
    }
}

fn address() -> String {
    let location = window().location();
    let scheme = if location.protocol().is_ok_and(|p| p == "https:") {
        "wss"
    } else {
        "ws"
    };
    format!(
        "{scheme}://{}/connection/websocket",
        location.host().unwrap_or_default()
    )
}

fn is_online() -> bool {
    window().navigator().on_line()
}
