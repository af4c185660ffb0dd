//! The counter against an oracle: browsers open, close, reload, lose and kill tabs in random order over real sockets, while the clock is
//! moved by hand. At each count that the server says, it lies between the visitors who are there for certain and those who may be; and once
//! it is quiet it is exact within six seconds.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod ws_support;

use pulsecast_server::clock::Clock;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tokio_tungstenite::{MaybeTlsStream, tungstenite::Message};
use ws_support::{Client, Server, eventually};

/// Milliseconds that a visitor still counts after leaving.
const GRACE: i64 = 5_000;
/// Milliseconds after which the count has to be exact.
const QUIET: i64 = 6_000;
const VISITORS: u32 = 6;
const PAGES: [&str; 3] = ["/", "/pricing", "/café?#x:y"];

/// Where something stands in the order of all that happens, and what the clock showed.
#[derive(Clone, Copy, Debug, Default)]
struct Moment {
    order: u64,
    at: i64,
}

/// One subscription of one visitor.
#[derive(Clone, Debug)]
struct Shown {
    visitor: u32,
    connection: u64,
    channel: String,
    asked: Moment,
    /// When the answer came.
    sure: Option<Moment>,
    left: Option<Moment>,
    /// When the server cannot but know that they left.
    noticed: Option<Moment>,
}

impl Shown {
    /// Whether it makes its visitor count in this channel: who is on a page is on the site.
    fn counts_in(&self, channel: &str) -> bool {
        self.channel == channel || channel == "online:a.com"
    }

    /// There at every moment from `a` to `b`.
    fn is_certain(&self, a: Moment, b: Moment) -> bool {
        let came = self.sure.is_some_and(|sure| sure.order <= a.order);
        came && self
            .left
            .is_none_or(|left| left.order > b.order || b.at < left.at + GRACE)
    }

    /// There at some moment from `a` to `b`.
    fn is_possible(&self, a: Moment, b: Moment) -> bool {
        self.asked.order <= b.order && self.noticed.is_none_or(|noticed| a.at < noticed.at + GRACE)
    }
}

/// A browser's connection: a tab's own, or the one that all its tabs share.
struct Connection {
    visitor: u32,
    client: Client,
    /// Commands so far.
    said: u32,
    /// Which subscription a command was about.
    asked: BTreeMap<u32, usize>,
}

struct World {
    server: Server,
    chance: StdRng,
    order: u64,
    opened: u64,
    shown: Vec<Shown>,
    connections: BTreeMap<u64, Connection>,
    observer: Client,
    asked: u32,
    /// When the observer last began to ask: what it hears now was said after that.
    since: Moment,
    heard: BTreeMap<String, u64>,
    pushes: usize,
    answers: usize,
    /// Counts that only one number would do for.
    sharp: usize,
    /// Counts that a server would have got wrong that counted connections, or forgot who left at once.
    telling: usize,
    /// The longest time that a count took to be exact.
    longest: i64,
}

fn channels() -> Vec<String> {
    let pages = PAGES.iter().map(|page| format!("online:a.com:{page}"));
    std::iter::once("online:a.com".to_owned()).chain(pages).collect()
}

impl World {
    async fn new() -> Self {
        // How connections that say nothing are found out is another test's.
        let server = Server::with(
            |limits| (limits.ping_every, limits.greet_within) = (1 << 40, 1 << 40),
            |routes| routes,
        )
        .await;
        let mut observer = server.ann().await;
        let mut heard = BTreeMap::new();
        for (id, channel) in (2..).zip(channels()) {
            let joined = observer
                .ask(&json!({"id": id, "subscribe": {"channel": channel}}).to_string())
                .await;
            heard.insert(channel, joined["subscribe"]["data"]["online"].as_u64().unwrap());
        }
        Self {
            server,
            chance: StdRng::seed_from_u64(0),
            order: 0,
            opened: 0,
            shown: Vec::new(),
            connections: BTreeMap::new(),
            observer,
            asked: 100,
            since: Moment::default(),
            heard,
            pushes: 0,
            answers: 0,
            sharp: 0,
            telling: 0,
            longest: 0,
        }
    }

    fn now(&mut self) -> Moment {
        self.order += 1;
        Moment {
            order: self.order,
            at: self.server.clock.now().millis(),
        }
    }

    fn visitors(&self, channel: &str, there: impl Fn(&Shown) -> bool) -> u64 {
        let those: BTreeSet<_> = self
            .shown
            .iter()
            .filter(|shown| shown.counts_in(channel) && there(shown))
            .map(|shown| shown.visitor)
            .collect();
        those.len() as u64
    }

    fn judge(&mut self, what: &str, channel: &str, said: u64, a: Moment, b: Moment) {
        let certain = self.visitors(channel, |shown| shown.is_certain(a, b));
        let possible = self.visitors(channel, |shown| shown.is_possible(a, b));
        assert!(
            (certain..=possible).contains(&said),
            "{what} says {said} in {channel}, between {a:?} and {b:?} there were {certain} for certain and {possible} possibly: {:#?}",
            self.shown
        );
        let there = |shown: &&Shown| shown.counts_in(channel) && shown.left.is_none();
        let subscriptions = self.shown.iter().filter(there).count() as u64;
        let without_grace = self.visitors(channel, |shown| shown.left.is_none());
        let wrong = |count| !(certain..=possible).contains(&count);
        self.sharp += usize::from(certain == possible);
        self.telling += usize::from(wrong(subscriptions) || wrong(without_grace));
    }

    /// A browser opens a tab, or another tab on the connection that it has.
    async fn open(&mut self, visitor: u32) {
        let own = self
            .connections
            .iter()
            .find(|(_, connection)| connection.visitor == visitor)
            .map(|(number, _)| *number);
        let shared = own.filter(|_| self.chance.random_bool(0.5));
        let number = match shared {
            Some(number) => number,
            None => {
                let mut client = self.server.visitor(&format!("browser {visitor}")).await;
                client.say(r#"{"id":1,"connect":{"name":"counter"}}"#).await;
                assert_eq!(client.hear().await["id"], 1);
                self.opened += 1;
                let connection = Connection {
                    visitor,
                    client,
                    said: 1,
                    asked: BTreeMap::new(),
                };
                self.connections.insert(self.opened, connection);
                self.opened
            }
        };
        let all = channels();
        let channel = all[self.chance.random_range(0..all.len())].clone();
        let has_it = self
            .shown
            .iter()
            .any(|shown| shown.connection == number && shown.channel == channel && shown.left.is_none());
        if has_it {
            return;
        }
        let asked = self.now();
        let nth = self.shown.len();
        self.shown.push(Shown {
            visitor,
            connection: number,
            channel: channel.clone(),
            asked,
            sure: None,
            left: None,
            noticed: None,
        });
        let connection = self.connections.get_mut(&number).unwrap();
        connection.said += 1;
        connection.asked.insert(connection.said, nth);
        let command = json!({"id": connection.said, "subscribe": {"channel": channel}});
        connection.client.say(&command.to_string()).await;
    }

    /// One of a shared connection's tabs closes.
    async fn unsubscribe(&mut self, number: u64) {
        self.hear_answers().await;
        let there = |shown: &&mut Shown| shown.connection == number && shown.left.is_none();
        let left = self.now();
        let Some(shown) = self.shown.iter_mut().find(there) else {
            return;
        };
        shown.left = Some(left);
        let connection = self.connections.get_mut(&number).unwrap();
        connection.said += 1;
        let id = connection.said;
        let command = json!({"id": id, "unsubscribe": {"channel": shown.channel}});
        connection.client.say(&command.to_string()).await;
        while connection.client.hear().await["id"] != id {}
        let noticed = self.now();
        let shown = self
            .shown
            .iter_mut()
            .find(|shown| shown.left.is_some_and(|at| at.order == left.order));
        shown.unwrap().noticed = Some(noticed);
    }

    /// The connection ends: by a goodbye, without a word, or with its system's "no such connection".
    async fn end(&mut self, number: u64) {
        let left = self.now();
        for shown in self.shown.iter_mut().filter(|shown| shown.connection == number) {
            shown.left = shown.left.or(Some(left));
        }
        let mut client = self.connections.remove(&number).unwrap().client;
        match self.chance.random_range(0..3) {
            0 => client.say_anything(Message::Close(None)).await,
            1 => drop(client),
            _ => {
                if let MaybeTlsStream::Plain(socket) = client.socket.get_ref() {
                    socket.set_zero_linger().unwrap();
                }
            }
        }
    }

    /// Reads all answers to what was asked; each is judged.
    async fn hear_answers(&mut self) {
        let numbers: Vec<u64> = self.connections.keys().copied().collect();
        for number in numbers {
            loop {
                let connection = self.connections.get_mut(&number).unwrap();
                if connection.asked.is_empty() {
                    break;
                }
                let heard = connection.client.hear().await;
                let id = heard["id"].as_u64().unwrap_or_default() as u32;
                let Some(nth) = connection.asked.remove(&id) else {
                    continue;
                };
                let said = heard["subscribe"]["data"]["online"].as_u64().unwrap();
                let now = self.now();
                let (channel, asked) = (self.shown[nth].channel.clone(), self.shown[nth].asked);
                self.judge("an answer", &channel, said, asked, now);
                self.shown[nth].sure = Some(now);
                self.answers += 1;
            }
        }
    }

    /// Waits until the server has heard of every end.
    async fn settle(&mut self) {
        let open = self.connections.len() + 1;
        let transport = self.server.transport.clone();
        eventually("the server hears that connections ended", || {
            transport.connections() == open
        })
        .await;
        let now = self.now();
        for shown in &mut self.shown {
            if shown.left.is_some() {
                shown.noticed = shown.noticed.or(Some(now));
            }
        }
    }

    /// Hears all that was pushed until now; each push is judged.
    async fn listen(&mut self) {
        self.server.live.tick();
        let began = self.now();
        self.asked += 1;
        self.observer
            .say(&json!({"id": self.asked, "ping": {}}).to_string())
            .await;
        loop {
            let heard = self.observer.hear().await;
            if heard["id"] == self.asked {
                break;
            }
            let push: &Value = &heard["push"];
            let said = push["pub"]["data"]["online"].as_u64().unwrap();
            let channel = push["channel"].as_str().unwrap().to_owned();
            let now = self.now();
            self.judge("a push", &channel, said, self.since, now);
            self.heard.insert(channel, said);
            self.pushes += 1;
        }
        self.since = began;
    }

    /// Whether the observer knows exactly who is there.
    fn is_exact(&self) -> bool {
        self.heard
            .iter()
            .all(|(channel, said)| *said == self.visitors(channel, |shown| shown.left.is_none()))
    }

    async fn schedule(&mut self, seed: u64) {
        self.chance = StdRng::seed_from_u64(seed);
        for _ in 0..self.chance.random_range(10..40) {
            let visitor = self.chance.random_range(0..VISITORS);
            let numbers: Vec<u64> = self.connections.keys().copied().collect();
            let one =
                (!numbers.is_empty()).then(|| numbers[self.chance.random_range(0..numbers.len().max(1))]);
            match (self.chance.random_range(0..10), one) {
                (0..4, _) | (_, None) => self.open(visitor).await,
                (4..6, Some(one)) => self.end(one).await,
                // A reload, or a move to another page.
                (6..8, Some(one)) => {
                    let visitor = self.connections[&one].visitor;
                    self.hear_answers().await;
                    self.end(one).await;
                    self.open(visitor).await;
                }
                (8, Some(one)) => self.unsubscribe(one).await,
                (_, Some(_)) => self.settle().await,
            }
            if self.chance.random_bool(0.6) {
                let later = self.chance.random_range(0..2_500);
                self.server.clock.advance(later);
            }
            if self.chance.random_bool(0.7) {
                self.hear_answers().await;
                self.listen().await;
            }
        }
        self.hear_answers().await;
        self.settle().await;
        self.becomes_exact(seed).await;
    }

    /// Moves the clock as the ticker asks for it, until all counts are exact.
    async fn becomes_exact(&mut self, seed: u64) {
        let began = self.now().at;
        loop {
            let wait = i64::try_from(self.server.live.tick().as_millis()).unwrap();
            self.listen().await;
            let took = self.now().at - began;
            if self.is_exact() {
                self.longest = self.longest.max(took);
                break;
            }
            assert!(
                took < QUIET,
                "schedule {seed}: after {took} ms of quiet {:?} is not what is there: {:#?}",
                self.heard,
                self.shown
            );
            self.server.clock.advance(wait);
        }
        // And stays so.
        self.server.clock.advance(QUIET);
        self.listen().await;
        assert!(
            self.is_exact(),
            "schedule {seed}: it was exact and is not any more"
        );
        self.shown.retain(|shown| shown.left.is_none());
        for connection in self.connections.values_mut() {
            connection.asked.clear();
        }
    }
}

/// How many random schedules there are; `COUNTER_SCHEDULES` asks for more.
fn schedules() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long it searches is up to who runs it"
    )]
    let wanted = std::env::var("COUNTER_SCHEDULES");
    wanted.ok().and_then(|text| text.parse().ok()).unwrap_or(100)
}

#[tokio::test]
async fn every_count_lies_between_who_is_certainly_and_who_is_possibly_there_and_is_exact_after_quiet() {
    let mut world = World::new().await;
    let schedules = schedules();
    for seed in 0..schedules {
        world.schedule(seed).await;
    }
    let World {
        opened,
        pushes,
        answers,
        sharp,
        telling,
        longest,
        ..
    } = world;
    println!(
        "{schedules} schedules: {opened} connections; {answers} answers and {pushes} pushes judged, {sharp} of them with one right number, {telling} that \
         counting tabs, or without the grace, would get wrong; exact after {longest} ms of quiet at most"
    );
    assert!(pushes as u64 > schedules && answers as u64 > schedules);
    assert!(
        sharp * 10 > pushes + answers && telling * 10 > pushes + answers,
        "an oracle that lets everything pass shows nothing"
    );
}

#[tokio::test]
async fn a_browser_that_vanished_without_a_word_is_found_out_by_the_ping_it_does_not_answer() {
    let server = Server::start().await;
    let mut here = server.visitor("one").await;
    let mut gone = server.visitor("two").await;
    for client in [&mut here, &mut gone] {
        client.ask(r#"{"id":1,"connect":{}}"#).await;
        client
            .ask(r#"{"id":2,"subscribe":{"channel":"online:a.com:/"}}"#)
            .await;
    }
    let (site, page) = ("a.com".parse().unwrap(), "/".parse().unwrap());
    let online = || server.live.online(&site, Some(&page));
    server.clock.advance(27_000);
    while here.hear().await != json!({}) {}
    here.say("{}").await;
    here.ask(r#"{"id":3,"ping":{}}"#).await;
    server.clock.advance(12_000);
    eventually("the silent one is cut off", || {
        server.hub.readers("online:a.com:/") == 1
    })
    .await;
    server.clock.advance(GRACE - 1);
    assert_eq!(online(), 2);
    server.clock.advance(1);
    assert_eq!(online(), 1);
    drop(gone);
}

#[tokio::test]
async fn each_page_has_its_count_and_a_program_that_reads_it_is_no_visitor() {
    let server = Server::start().await;
    let mut program = server.ann().await;
    let read = |id: u32, channel: &str| json!({"id": id, "subscribe": {"channel": channel}}).to_string();
    let page = "online:a.com:/pricing";
    assert_eq!(
        program.ask(&read(2, page)).await["subscribe"]["data"],
        json!({"online": 0})
    );
    let mut visitor = server.visitor("one").await;
    visitor.ask(r#"{"id":1,"connect":{}}"#).await;
    assert_eq!(
        visitor.ask(&read(2, page)).await["subscribe"]["data"],
        json!({"online": 1})
    );
    assert_eq!(
        program.hear().await["push"],
        json!({"channel": page, "pub": {"data": {"online": 1}}})
    );
    assert_eq!(
        program.ask(&read(3, "online:a.com")).await["subscribe"]["data"],
        json!({"online": 1}),
        "who is on a page is on the site"
    );
    assert_eq!(
        program.ask(&read(4, "online:a.com:/")).await["subscribe"]["data"],
        json!({"online": 0})
    );
    let mut watcher = server.visitor("two").await;
    watcher.ask(r#"{"id":1,"connect":{}}"#).await;
    let watch = json!({"id": 2, "subscribe": {"channel": page, "data": {"watch": true}}});
    assert_eq!(
        watcher.ask(&watch.to_string()).await["subscribe"]["data"],
        json!({"online": 1}),
        "who only shows another page's count is not on it"
    );
    let unclear = program.ask(&read(5, "online:a.com:pricing")).await;
    assert_eq!(unclear["error"]["code"], 102, "a path starts with a slash");
}
