//! Durable channels: nothing is delivered that is not on disk, and what was published is there after the process is not.

use super::*;
use crate::clock::{Clock, ManualClock};
use parking_lot::Mutex;
use pulsecast_protocol::wire::Reply;
use std::sync::atomic::AtomicBool;

fn families() -> Families {
    let room = Family {
        retain: Some(Retain {
            count: 4,
            bytes: 10_000,
            age: 60_000,
        }),
        overflow: Overflow::Cut,
        durable: true,
    };
    Families::new([("room", room)])
}

/// A disk that can be full.
#[derive(Clone)]
struct Disk {
    memory: InMemory,
    full: Arc<AtomicBool>,
    commits: Arc<Mutex<Vec<usize>>>,
}

impl Disk {
    fn new() -> Self {
        Self {
            memory: InMemory::new(3),
            full: Arc::default(),
            commits: Arc::default(),
        }
    }

    /// A process that runs on it.
    fn run(&self, clock: Arc<ManualClock>) -> (Hub, std::thread::JoinHandle<()>) {
        let hub = Hub::new(families(), clock, 9);
        let (archive, journal) = (Arc::new(self.memory.clone()), Box::new(self.clone()));
        hub.durable_on(archive, journal, Box::new(|_| {}), &Tasks::new())
            .unwrap()
    }
}

impl Journal for Disk {
    fn append(&mut self, batch: &[Entry<'_>]) -> Result<Vec<Placed>, Unavailable> {
        if self.full.load(Ordering::SeqCst) {
            return Err(Unavailable("disk full".to_owned()));
        }
        self.commits.lock().push(batch.len());
        self.memory.append(batch)
    }

    fn erase(&mut self, is_meant: &dyn Fn(&str) -> bool) -> Result<usize, Unavailable> {
        self.memory.erase(is_meant)
    }

    fn sweep(&mut self, families: &[(&'static str, Retain)], now: Timestamp) -> Result<(), Unavailable> {
        self.memory.sweep(families, now)
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp(1_000_000)))
}

fn pushes(outbox: &Outbox) -> Vec<pulsecast_protocol::wire::Push> {
    let mut all = Vec::new();
    while let Some(Taken::Frames(frames)) = outbox.try_take(usize::MAX) {
        let replies = frames
            .iter()
            .map(|frame| serde_json::from_slice::<Reply>(frame).unwrap());
        all.extend(replies.filter_map(|reply| reply.push));
    }
    all
}

fn offsets(outbox: &Outbox) -> Vec<u64> {
    let pushes = pushes(outbox).into_iter();
    pushes
        .filter_map(|push| push.publication.map(|publication| publication.offset))
        .collect()
}

fn empty(_: u32) -> Bytes {
    Bytes::from_static(b"{}")
}

async fn publish(hub: &Hub, number: u32) -> Result<Position, PublishError> {
    let payload = Bytes::from(number.to_string());
    hub.publish_durable("room:a", payload, None).await
}

#[tokio::test]
async fn a_channel_goes_on_where_it_was_after_a_restart() {
    let (disk, clock) = (Disk::new(), clock());
    let (hub, thread) = disk.run(clock.clone());
    let waiting = hub.look("room:a", None).unwrap().position;
    assert_eq!(waiting.offset, 0);
    for number in 1..=3 {
        publish(&hub, number).await.unwrap();
    }
    hub.close().await;
    thread.join().unwrap();
    let (hub, _) = disk.run(clock);
    let look = hub.look("room:a", Some(&waiting)).unwrap();
    let payloads: Vec<_> = look.publications.iter().map(|one| one.data.clone()).collect();
    assert!(look.recovered, "who came before the first publication missed it");
    assert_eq!(payloads, ["1", "2", "3"]);
    let next = publish(&hub, 4).await.unwrap();
    assert_eq!((next.epoch, next.offset), (waiting.epoch, 4));
}

#[tokio::test]
async fn what_the_disk_does_not_take_nobody_gets_and_the_next_is_where_it_would_have_been() {
    let (disk, clock) = (Disk::new(), clock());
    let (hub, _) = disk.run(clock);
    let outbox = Outbox::new(10_000);
    let _held = hub
        .attach("room:a", None, &outbox, &Who::default(), empty)
        .unwrap();
    publish(&hub, 1).await.unwrap();
    disk.full.store(true, Ordering::SeqCst);
    assert_eq!(publish(&hub, 2).await, Err(PublishError::Unavailable));
    assert_eq!(
        hub.look("room:a", None).unwrap().publications.len(),
        1,
        "readers go on"
    );
    disk.full.store(false, Ordering::SeqCst);
    assert_eq!(publish(&hub, 3).await.unwrap().offset, 2);
    assert_eq!(offsets(&outbox), [1, 2]);
}

#[tokio::test]
async fn a_key_that_was_there_is_answered_with_its_place_and_delivered_once() {
    let (disk, clock) = (Disk::new(), clock());
    let (hub, thread) = disk.run(clock.clone());
    let outbox = Outbox::new(10_000);
    let held = hub.attach("room:a", None, &outbox, &Who::default(), empty);
    let first = hub
        .publish_durable("room:a", "1".into(), Some("k"))
        .await
        .unwrap();
    publish(&hub, 2).await.unwrap();
    assert_eq!(
        hub.publish_durable("room:a", "1".into(), Some("k")).await,
        Ok(first.clone())
    );
    assert_eq!(offsets(&outbox), [1, 2]);
    drop(held);
    hub.close().await;
    thread.join().unwrap();
    let (hub, _) = disk.run(clock);
    assert_eq!(
        hub.publish_durable("room:a", "1".into(), Some("k")).await,
        Ok(first)
    );
}

#[tokio::test]
async fn what_waits_shares_a_commit_and_keeps_its_order() {
    let (disk, clock) = (Disk::new(), clock());
    let (hub, thread) = disk.run(clock);
    let outbox = Outbox::new(1_000_000);
    let held = hub.attach("room:a", None, &outbox, &Who::default(), empty);
    let answered = Arc::new(Mutex::new(Vec::new()));
    for number in 0..300 {
        let answered = answered.clone();
        hub.hand_in("room:a", Bytes::from(number.to_string()).into(), move |became| {
            answered.lock().push(became.unwrap().offset);
        });
    }
    hub.close().await;
    thread.join().unwrap();
    assert_eq!(*answered.lock(), (1..=300).collect::<Vec<u64>>());
    let pushes = pushes(&outbox).into_iter();
    let got: Vec<u64> = pushes
        .map(|push| push.publication.unwrap().data.get().parse().unwrap())
        .collect();
    assert_eq!(got, (0..300).collect::<Vec<u64>>());
    let commits = disk.commits.lock();
    assert!(commits.len() < 300, "one commit each: {commits:?}");
    drop(held);
}

#[tokio::test]
async fn a_channel_that_nobody_uses_leaves_the_memory_and_comes_back_as_it_was() {
    let (disk, clock) = (Disk::new(), clock());
    let (hub, _) = disk.run(clock.clone());
    let position = publish(&hub, 1).await.unwrap();
    clock.advance(59_999);
    hub.tend();
    assert!(hub.find("room:a").is_some());
    clock.advance(60_000);
    hub.tend();
    assert!(hub.find("room:a").is_none());
    let look = hub.look("room:a", Some(&position)).unwrap();
    assert_eq!((look.recovered, look.position), (true, position));
}

#[tokio::test]
async fn who_receives_an_erased_channel_is_told_to_come_again_and_finds_another() {
    let (disk, clock) = (Disk::new(), clock());
    let (hub, _) = disk.run(clock);
    let position = publish(&hub, 1).await.unwrap();
    let outbox = Outbox::new(10_000);
    let held = hub
        .attach("room:a", None, &outbox, &Who::default(), empty)
        .unwrap();
    assert_eq!(hub.erase(|name| name == "room:a").await, Ok(1));
    assert_eq!(pushes(&outbox)[0].unsubscribe.as_ref().unwrap().code, 2500);
    assert!(held.is_over());
    for _ in 0..3 {
        publish(&hub, 2).await.unwrap();
    }
    let look = hub.look("room:a", Some(&position)).unwrap();
    assert!(!look.recovered, "a position of before was taken for one of now");
}

#[tokio::test]
async fn who_watches_is_told_who_comes_and_who_leaves() {
    let (hub, outbox) = (Hub::new(families(), clock(), 1), Outbox::new(10_000));
    let ann = Who::new("c1", "ann", Some(r#"{"name":"Ann"}"#.into()));
    let _ann = hub
        .attach_watching("room:a", None, &outbox, &ann, Watches::Comings, empty)
        .unwrap();
    let other = Outbox::new(10_000);
    let bob = hub.attach("room:a", None, &other, &Who::new("c2", "bob", None), empty);
    let mut here: Vec<_> = hub
        .present("room:a")
        .iter()
        .map(|who| who.user().to_owned())
        .collect();
    here.sort();
    assert_eq!(here, ["ann", "bob"]);
    drop(bob);
    let told: Vec<_> = pushes(&outbox)
        .into_iter()
        .map(|push| match (push.join, push.leave) {
            (Some(join), None) => format!("+{}", join.info.user),
            (None, Some(leave)) => format!("-{}", leave.info.user),
            _ => panic!(),
        })
        .collect();
    assert_eq!(told, ["+ann", "+bob", "-bob"]);
    assert_eq!(pushes(&other).len(), 0, "bob did not ask");
}

#[tokio::test]
async fn without_a_disk_a_durable_channel_lasts_as_long_as_the_process() {
    let clock = clock();
    let hub = Hub::new(families(), clock.clone(), 1);
    let position = publish(&hub, 1).await.unwrap();
    clock.advance(60_000);
    hub.tend();
    assert_eq!(
        publish(&hub, 2).await.unwrap(),
        Position {
            offset: 2,
            ..position
        }
    );
    assert_eq!(
        hub.publish_durable("other:a", "1".into(), None).await,
        Err(PublishError::NotAllowed)
    );
    assert!(clock.now() > Timestamp(0));
}
