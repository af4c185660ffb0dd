//! The hub against a naive record of everything that was ever published.

use super::*;
use crate::clock::{Clock, ManualClock};
use proptest::prelude::*;
use pulsecast_protocol::wire::Reply;

const COUNT: usize = 6;
const AGE: i64 = 1_000;

fn hub() -> (Hub, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp(1_000_000)));
    let live = Family {
        retain: Some(Retain {
            count: COUNT,
            bytes: 100_000,
            age: AGE,
        }),
        overflow: Overflow::Cut,
        durable: false,
    };
    let online = Family {
        retain: None,
        overflow: Overflow::LatestWins,
        durable: false,
    };
    (
        Hub::new(
            Families::new([("live", live), ("online", online)]),
            clock.clone(),
            1,
        ),
        clock,
    )
}

fn nobody() -> Who {
    "".into()
}

fn hello(_: u32) -> Bytes {
    Bytes::from_static(b"hello")
}

/// The frames that wait: the number each publication carries, with its offset.
fn read(outbox: &Outbox) -> Vec<(u64, u64)> {
    let mut all = Vec::new();
    while let Some(Taken::Frames(frames)) = outbox.try_take(usize::MAX) {
        for frame in frames.iter().filter(|frame| &frame[..] != b"hello") {
            let publication = serde_json::from_slice::<Reply>(frame)
                .unwrap()
                .push
                .unwrap()
                .publication
                .unwrap();
            all.push((publication.offset, publication.data.get().parse().unwrap()));
        }
    }
    all
}

#[test]
fn a_reader_gets_what_is_published_after_it_joined() {
    let (hub, _) = hub();
    hub.publish("live:a", b"1");
    let outbox = Outbox::new(1000);
    let position = hub.open("live:a");
    hub.publish("live:a", b"2");
    let subscription = hub
        .attach("live:a", Some(&position), &outbox, &nobody(), hello)
        .unwrap();
    hub.publish("live:a", b"3");
    hub.publish("live:b", b"4");
    assert_eq!(read(&outbox), [(2, 2), (3, 3)]);
    drop(subscription);
    hub.publish("live:a", b"5");
    assert_eq!((read(&outbox), hub.readers("live:a")), (vec![], 0));
}

#[test]
fn a_position_that_was_never_reached_is_refused() {
    let (hub, _) = hub();
    let position = hub.publish("live:a", b"1");
    let ahead = Position {
        offset: 2,
        ..position
    };
    assert!(hub.missed("live:a", &ahead).is_none());
    let attached = hub.attach("live:a", Some(&ahead), &Outbox::new(100), &nobody(), hello);
    assert_eq!(attached.err(), Some(NotAttached::Moved));
}

#[test]
fn everybody_shares_one_encoded_frame() {
    let (hub, _) = hub();
    let outboxes: Vec<_> = (0..2).map(|_| Outbox::new(1000)).collect();
    let held: Vec<_> = outboxes
        .iter()
        .map(|o| hub.attach("live:a", None, o, &nobody(), hello).unwrap())
        .collect();
    hub.publish("live:a", b"1");
    let frames: Vec<_> = outboxes
        .iter()
        .map(|outbox| match outbox.try_take(usize::MAX) {
            Some(Taken::Frames(frames)) => frames[1].as_ptr(),
            _ => panic!("nothing arrived"),
        })
        .collect();
    assert_eq!((frames[0], held.len()), (frames[1], 2));
}

#[test]
fn a_slow_reader_is_cut_and_the_others_are_not() {
    let (hub, _) = hub();
    let (slow, quick) = (Outbox::new(120), Outbox::new(100_000));
    let _a = hub.attach("live:a", None, &slow, &nobody(), hello).unwrap();
    let _b = hub.attach("live:a", None, &quick, &nobody(), hello).unwrap();
    for n in 0..5 {
        hub.publish("live:a", n.to_string().as_bytes());
    }
    assert_eq!(slow.ended(), Some(Disconnect::Slow));
    assert_eq!((quick.ended(), read(&quick).len()), (None, 5));
}

#[test]
fn a_slow_reader_of_a_count_gets_the_newest() {
    let (hub, _) = hub();
    let outbox = Outbox::new(10);
    let _held = hub.attach("online:a", None, &outbox, &nobody(), hello).unwrap();
    for n in 0..500 {
        hub.publish("online:a", n.to_string().as_bytes());
    }
    assert_eq!((read(&outbox), outbox.ended()), (vec![(0, 499)], None));
}

#[test]
fn readers_and_users_are_counted() {
    let (hub, _) = hub();
    let outbox = Outbox::new(100);
    let mut told = 0;
    let first = hub.attach("online:a", None, &outbox, &"ann".into(), |n| {
        told = n;
        hello(n)
    });
    let second = hub.attach("online:a", None, &outbox, &"ann".into(), hello);
    assert_eq!((told, hub.readers("online:a"), hub.users("online:a")), (1, 2, 1));
    drop((first, second));
    assert_eq!(hub.readers("online:a"), 0);
}

#[test]
fn a_channel_that_nobody_can_come_back_to_is_freed_and_begins_anew() {
    let (hub, clock) = hub();
    let before = hub.publish("live:a", b"1");
    clock.advance(AGE);
    hub.tend();
    assert!(
        hub.missed(
            "live:a",
            &Position {
                offset: 0,
                ..before.clone()
            }
        )
        .is_some(),
        "freed while its past is kept"
    );
    clock.advance(AGE + 1);
    hub.tend();
    assert!(hub.missed("live:a", &before).is_none());
    assert_ne!(hub.publish("live:a", b"2").epoch, before.epoch);
}

#[test]
fn a_channel_out_of_use_ends_even_when_something_was_published_for_nobody() {
    let (hub, clock) = hub();
    let before = hub.open("live:a");
    clock.advance(AGE - 1);
    assert!(hub.in_use("live:a"), "somebody could still come back");
    hub.publish("live:a", b"1");
    clock.advance(1);
    assert!(!hub.in_use("live:a"));
    assert_ne!(hub.open("live:a").epoch, before.epoch);
}

#[derive(Clone, Debug)]
enum Step {
    Publish { channel: usize },
    Join { client: usize, between: u8 },
    Leave { client: usize },
    Read { client: usize },
    Wait { millis: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..2usize).prop_map(|channel| Step::Publish { channel }),
        3 => (0..4usize, 0..4u8).prop_map(|(client, between)| Step::Join { client, between }),
        2 => (0..4usize).prop_map(|client| Step::Leave { client }),
        3 => (0..4usize).prop_map(|client| Step::Read { client }),
        2 => (0..700i64).prop_map(|millis| Step::Wait { millis }),
    ];
    prop::collection::vec(step, 1..120)
}

/// Everything that was published in a channel, with when.
#[derive(Default)]
struct Record {
    log: Vec<(Position, u64, Timestamp)>,
    epoch: Option<String>,
    used: Timestamp,
    readers: usize,
}

impl Record {
    /// A new epoch is right only when nobody was there and nobody could have come back with a position.
    fn sees(&mut self, epoch: &str, now: Timestamp) {
        if let Some(before) = self
            .epoch
            .replace(epoch.to_owned())
            .filter(|before| before != epoch)
        {
            assert!(
                self.readers == 0 && now.since(self.used) >= AGE,
                "freed while in use"
            );
            let mut kept = self
                .log
                .iter()
                .filter(|(p, _, at)| p.epoch == before && now.since(*at) <= AGE);
            assert!(kept.next().is_none(), "freed while its past is kept");
        }
    }

    fn joins(&mut self, now: Timestamp) {
        self.readers += 1;
        self.used = now;
    }

    fn leaves(&mut self, now: Timestamp) {
        self.readers -= 1;
        self.used = now;
    }

    fn between(&self, epoch: &str, from: u64, to: u64) -> Vec<(u64, u64)> {
        let inside = |p: &Position| p.epoch == epoch && p.offset > from && p.offset <= to;
        self.log
            .iter()
            .filter(|(p, ..)| inside(p))
            .map(|(p, n, _)| (p.offset, *n))
            .collect()
    }

    /// Whether all that came after `since` is still within the bounds.
    fn keeps_all_after(&self, since: &Position, now: Timestamp) -> bool {
        let stream: Vec<_> = self.log.iter().filter(|(p, ..)| p.epoch == since.epoch).collect();
        let kept = stream.len().saturating_sub(COUNT);
        let lost = |(i, (p, _, at)): (usize, &&(Position, u64, Timestamp))| {
            p.offset > since.offset && (i < kept || now.since(*at) > AGE)
        };
        !stream.iter().enumerate().any(lost)
    }
}

struct Client {
    channel: usize,
    outbox: Outbox,
    held: Option<Subscription>,
    position: Option<Position>,
}

impl Client {
    /// What it was sent continues exactly where it stood.
    fn reads(&mut self, records: &[Record; 2]) {
        let got = read(&self.outbox);
        if let (Some(position), Some((last, _))) = (&mut self.position, got.last()) {
            assert_eq!(
                got,
                records[self.channel].between(&position.epoch, position.offset, *last)
            );
            position.offset = *last;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn recovery_is_complete_or_says_that_it_is_not(steps in steps()) {
        const NAMES: [&str; 2] = ["live:a", "live:b"];
        let (hub, clock) = hub();
        let mut records = [Record::default(), Record::default()];
        let mut numbers = 0;
        let mut publish = |records: &mut [Record; 2], channel: usize, now| {
            numbers += 1;
            let position = hub.publish(NAMES[channel], numbers.to_string().as_bytes());
            records[channel].sees(&position.epoch, now);
            records[channel].log.push((position, numbers, now));
        };
        let client = |channel| Client { channel, outbox: Outbox::new(300), held: None, position: None };
        let mut clients = [client(0), client(0), client(1), client(1)];
        for step in steps {
            let now = clock.now();
            match step {
                Step::Publish { channel } => publish(&mut records, channel, now),
                Step::Wait { millis } => {
                    clock.advance(millis);
                    hub.tend();
                }
                Step::Read { client } => clients[client].reads(&records),
                Step::Leave { client } => {
                    let client = &mut clients[client];
                    client.reads(&records);
                    if client.held.take().is_some() {
                        records[client.channel].leaves(now);
                    }
                }
                Step::Join { client, between } => {
                    let client = &mut clients[client];
                    let (channel, name) = (client.channel, NAMES[client.channel]);
                    if client.held.is_some() && client.outbox.ended().is_none() {
                        continue;
                    }
                    // A cut connection comes back as a new one; what it had not read it has not seen.
                    if client.held.take().is_some() {
                        records[channel].leaves(now);
                    }
                    client.outbox = Outbox::new(300);
                    let known = client.position.clone();
                    let position = match known.as_ref().and_then(|since| hub.missed(name, since)) {
                        Some((position, missed)) => {
                            let since = known.as_ref().unwrap();
                            let got: Vec<_> =
                                missed.iter().map(|p| (p.offset, std::str::from_utf8(&p.data).unwrap().parse().unwrap())).collect();
                            prop_assert_eq!(got, records[channel].between(&since.epoch, since.offset, position.offset));
                            prop_assert_eq!(&since.epoch, &position.epoch);
                            position
                        }
                        None => {
                            let position = hub.open(name);
                            if let Some(since) = known.as_ref().filter(|since| since.epoch == position.epoch) {
                                prop_assert!(!records[channel].keeps_all_after(since, now), "refused without need");
                            }
                            position
                        }
                    };
                    records[channel].sees(&position.epoch, now);
                    for _ in 0..between {
                        publish(&mut records, channel, now);
                    }
                    let held = hub.attach(name, Some(&position), &client.outbox, &nobody(), hello);
                    prop_assert!(held.is_ok(), "{} publications between looking and joining are too many", between);
                    client.held = held.ok();
                    client.position = Some(position);
                    records[channel].joins(now);
                }
            }
        }
        for client in &mut clients {
            if client.outbox.ended().is_none() {
                client.reads(&records);
            }
        }
    }
}
