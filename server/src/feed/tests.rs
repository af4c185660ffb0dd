//! An editor at the desk, pages that are open, pages that come later, and a server that is started again.

use super::*;
use crate::{
    clock::ManualClock,
    hub::{Families, Family, Outbox, Overflow, PublishDoor, Retain, Subscription, Taken},
    sites::AccountId,
    store::accounts::{FeedBook, SqliteAccounts, load_sites},
    tasks::Tasks,
};
use bytes::Bytes;
use pulsecast_protocol::{
    Timestamp,
    account::SiteSettings,
    feed::{FeedDraft, FeedKind, FeedOpening},
    wire::Reply,
};
use tempfile::TempDir;

const NOW: Timestamp = Timestamp(1_800_000_000_000); // 2027-01-15T08:00:00Z

struct World {
    data: TempDir,
    clock: Arc<ManualClock>,
    hub: Hub,
    accounts: SqliteAccounts,
    feed: Feed,
    site: Arc<Site>,
}

/// A page of the site.
struct Page {
    outbox: Outbox,
    _held: Subscription,
}

impl Page {
    fn got(&self) -> Vec<FeedChange> {
        let mut all = Vec::new();
        while let Some(Taken::Frames(frames)) = self.outbox.try_take(usize::MAX) {
            for frame in frames.iter().filter(|frame| &frame[..] != b"hello") {
                let push = serde_json::from_slice::<Reply>(frame).unwrap().push.unwrap();
                all.push(serde_json::from_str(push.publication.unwrap().data.get()).unwrap());
            }
        }
        all
    }
}

fn hub(clock: &Arc<ManualClock>) -> Hub {
    let retain = Some(Retain {
        count: 1_000,
        bytes: 1 << 20,
        age: Timestamp::DAY,
    });
    let feed = Family {
        retain,
        overflow: Overflow::Cut,
        durable: true,
    };
    Hub::new(Families::new([("feed", feed)]), clock.clone(), 1)
}

impl World {
    async fn new() -> Self {
        Self::with(FeedLimits::default()).await
    }

    async fn with(limits: FeedLimits) -> Self {
        let data = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(NOW));
        let accounts = SqliteAccounts::open(data.path()).await.unwrap();
        let settings = SiteSettings::new("example.com".parse().unwrap());
        accounts
            .add_site(&settings, &[] as &[AccountId], NOW)
            .await
            .unwrap();
        let hub = hub(&clock);
        let feed = opened(&accounts, &hub, &clock, limits).await;
        let site = feed.0.sites.get(&settings.domain).unwrap();
        Self {
            data,
            clock,
            hub,
            accounts,
            feed,
            site,
        }
    }

    /// The next process, on the same data and the same streams.
    async fn restart(mut self) -> Self {
        self.feed = opened(&self.accounts, &self.hub, &self.clock, FeedLimits::default()).await;
        self
    }

    fn open(&self) -> Page {
        let outbox = Outbox::new(1 << 20);
        let hello = |_| Bytes::from_static(b"hello");
        let held = self
            .hub
            .attach("feed:example.com", None, &outbox, &"".into(), hello)
            .unwrap();
        Page { outbox, _held: held }
    }

    /// What a page that opens now starts from.
    fn backlog(&self) -> Vec<FeedChange> {
        self.opening(None).items
    }

    fn opening(&self, from: Option<&str>) -> FeedOpening {
        let from = from.map(|ip| ip.parse().unwrap());
        let look = self.hub.look("feed:example.com", None).unwrap();
        serde_json::from_slice(&self.feed.greeting("feed:example.com", &look, from).unwrap()).unwrap()
    }

    async fn publish(&self, draft: FeedDraft) -> i64 {
        let id = self
            .feed
            .save(&self.site, None, draft, "ann@example.com")
            .await
            .unwrap();
        self.feed
            .publish(&self.site, id, "ann@example.com")
            .await
            .unwrap();
        id
    }

    async fn states(&self) -> Vec<FeedState> {
        let entries = self.feed.entries(&self.site).await.unwrap();
        entries.into_iter().map(|entry| entry.state).collect()
    }

    async fn later(&self, millis: i64) {
        self.clock.advance(millis);
        self.feed.tick().await.unwrap();
    }
}

async fn opened(accounts: &SqliteAccounts, hub: &Hub, clock: &Arc<ManualClock>, limits: FeedLimits) -> Feed {
    let sites = Sites::default();
    load_sites(accounts, &sites).await.unwrap();
    let clock: SharedClock = clock.clone();
    let all = Arc::new(accounts.clone());
    Feed::open(
        all,
        hub.clone(),
        sites,
        Countries::embedded().unwrap(),
        (clock, Tasks::new()),
        limits,
    )
    .await
    .unwrap()
}

fn titled(title: &str) -> FeedDraft {
    FeedDraft {
        title: title.into(),
        ..FeedDraft::default()
    }
}

fn title(change: &FeedChange) -> String {
    match change {
        FeedChange::Publish(item) => item.title.clone(),
        FeedChange::Withdraw { .. } => "(withdrawn)".into(),
    }
}

fn titles(changes: &[FeedChange]) -> Vec<String> {
    changes.iter().map(title).collect()
}

#[tokio::test]
async fn what_is_published_is_on_all_open_pages_and_on_those_that_come_later() {
    let world = World::new().await;
    let (one, other) = (world.open(), world.open());
    let id = world.publish(titled("Hello")).await;
    assert_eq!(
        (titles(&one.got()), titles(&other.got())),
        (vec!["Hello".into()], vec!["Hello".into()])
    );
    assert_eq!(titles(&world.backlog()), ["Hello"]);
    assert_eq!(
        world.feed.received(&world.site),
        [(id, 3)],
        "two were open, one came later"
    );
    assert_eq!(world.feed.open_pages(&world.site), 2);
}

#[tokio::test]
async fn a_draft_is_seen_by_nobody_and_says_what_is_wrong_with_it() {
    let world = World::new().await;
    let page = world.open();
    let draft = FeedDraft {
        kind: FeedKind::Link,
        url: "javascript:alert(1)".into(),
        ..titled("Look")
    };
    let id = world
        .feed
        .save(&world.site, None, draft.clone(), "ann")
        .await
        .unwrap();
    assert!(matches!(
        world.feed.publish(&world.site, id, "ann").await,
        Err(FeedError::Fields(_))
    ));
    let editing = world.feed.editing(&world.site, id).await.unwrap();
    assert_eq!((editing.draft, editing.preview), (draft, None));
    assert_eq!(editing.errors.errors.into_keys().collect::<Vec<_>>(), ["url"]);
    assert!(page.got().is_empty() && world.backlog().is_empty());
    assert_eq!(world.states().await, [FeedState::Draft]);
}

#[tokio::test]
async fn a_planned_item_comes_at_its_time_and_goes_at_its_end_also_after_a_restart() {
    let world = World::new().await;
    let page = world.open();
    let draft = FeedDraft {
        publish_at: "2027-01-15T08:10:00Z".into(),
        expires_at: "2027-01-15T09:00:00Z".into(),
        ..titled("Soon")
    };
    let id = world.publish(draft).await;
    world.later(9 * Timestamp::MINUTE).await;
    assert!(page.got().is_empty());
    assert_eq!(world.states().await, [FeedState::Scheduled]);

    let world = world.restart().await;
    world.later(Timestamp::MINUTE).await;
    assert_eq!(
        (titles(&page.got()), world.states().await),
        (vec!["Soon".into()], vec![FeedState::Live])
    );

    let world = world.restart().await;
    assert_eq!(titles(&world.backlog()), ["Soon"]);
    world.later(50 * Timestamp::MINUTE).await;
    assert_eq!(page.got(), [FeedChange::Withdraw { id }]);
    assert_eq!(
        (world.backlog(), world.states().await),
        (vec![], vec![FeedState::Expired])
    );
}

#[tokio::test]
async fn an_edit_replaces_and_a_withdrawal_takes_away() {
    let world = World::new().await;
    let page = world.open();
    let id = world.publish(titled("Helo")).await;
    world.clock.advance(1_000);
    world
        .feed
        .save(&world.site, Some(id), titled("Hello"), "bob")
        .await
        .unwrap();
    assert_eq!(
        titles(&world.backlog()),
        ["Helo"],
        "a change is for its editor alone until it is published"
    );
    assert!(world.feed.entries(&world.site).await.unwrap()[0].is_changed);
    world.feed.publish(&world.site, id, "bob").await.unwrap();
    let got = page.got();
    assert_eq!(titles(&got), ["Helo", "Hello"]);
    for change in &got {
        assert!(matches!(change, FeedChange::Publish(item) if item.id == id && item.published_at == NOW));
    }
    assert_eq!(titles(&world.backlog()), ["Hello"]);
    assert!(matches!(
        world.feed.remove(&world.site, id, "ann").await,
        Err(FeedError::Cannot(_))
    ));
    let withdrawn = world.feed.withdraw(&world.site, id, "ann").await.unwrap();
    assert_eq!(
        (page.got(), world.backlog()),
        (vec![FeedChange::Withdraw { id }], vec![])
    );
    let again = world.feed.withdraw(&world.site, id, "ann").await.unwrap();
    assert_eq!((again, page.got()), (withdrawn, vec![]), "once");
    world.feed.remove(&world.site, id, "ann").await.unwrap();
    assert!(world.states().await.is_empty());
}

#[tokio::test]
async fn what_was_decided_before_the_process_ended_is_told_once_by_the_next() {
    let world = World::new().await;
    let page = world.open();
    let id = world
        .feed
        .save(&world.site, None, titled("Hello"), "ann")
        .await
        .unwrap();
    let row = world.feed.row(&world.site, id).await.unwrap();
    let decided = world
        .feed
        .decided(&world.site, row, titled("Hello"), "ann")
        .unwrap();
    world.feed.put(&decided, 1).await.unwrap();
    assert!(page.got().is_empty());

    let world = world.restart().await;
    assert_eq!(titles(&page.got()), ["Hello"]);

    // It ended after the channel had it and before that was noted: the channel knows the publication by its key.
    let row = world.feed.row(&world.site, id).await.unwrap();
    let revision = row.revision;
    world
        .accounts
        .put_feed_item(&FeedRow { told: false, ..row }, revision, NOW)
        .await
        .unwrap();
    let world = world.restart().await;
    assert!(page.got().is_empty(), "nothing twice");
    assert_eq!(titles(&world.backlog()), ["Hello"]);
    assert!(world.data.path().exists());
}

#[tokio::test]
async fn a_request_that_is_sent_again_publishes_nothing_twice() {
    let world = World::new().await;
    let page = world.open();
    let post = |title: &'static str| {
        world
            .feed
            .post(&world.site, None, titled(title), "key cron", Some("nightly-1"))
    };
    let first = post("Good night").await.unwrap();
    assert_eq!(post("Good night").await.unwrap(), first);
    assert_eq!(titles(&page.got()), ["Good night"]);
    let edited = world
        .feed
        .post(
            &world.site,
            Some(first.id),
            titled("Good morning"),
            "key cron",
            None,
        )
        .await
        .unwrap();
    assert_eq!(
        (edited.id, edited.position.offset),
        (first.id, first.position.offset + 1)
    );
    page.got();
    let again = world.feed.post(
        &world.site,
        Some(first.id),
        titled("Good morning"),
        "key cron",
        None,
    );
    assert_eq!((again.await.unwrap(), page.got()), (edited, vec![]));
}

#[tokio::test]
async fn a_page_learns_which_country_its_visitor_is_in_and_gets_everything() {
    let world = World::new().await;
    world
        .publish(FeedDraft {
            countries: "DE".into(),
            ..titled("Hallo")
        })
        .await;
    let opening = world.opening(Some("8.8.8.8"));
    assert_eq!(opening.country.unwrap().as_str(), "US");
    assert_eq!(titles(&opening.items), ["Hallo"]);
    assert_eq!(world.opening(Some("127.0.0.1")).country, None);
}

#[tokio::test]
async fn a_full_feed_makes_room_and_keeps_what_is_pinned() {
    let limits = FeedLimits {
        backlog: 20,
        items: 3,
    };
    let world = World::with(limits).await;
    let pinned = FeedDraft {
        pinned: true,
        ..titled("Rules")
    };
    world.publish(pinned).await;
    for title in ["one", "two", "three"] {
        world.publish(titled(title)).await;
    }
    assert_eq!(titles(&world.backlog()), ["Rules", "three", "two"]);
    assert_eq!(world.states().await, [FeedState::Live; 3]);
}

#[tokio::test]
async fn two_editors_do_not_undo_each_other_unseen() {
    let world = World::new().await;
    let id = world.publish(titled("Hello")).await;
    let row = world.feed.row(&world.site, id).await.unwrap();
    let mine = world
        .feed
        .decided(&world.site, row, titled("Mine"), "ann")
        .unwrap();
    world.feed.withdraw(&world.site, id, "bob").await.unwrap();
    assert!(matches!(
        world.feed.put(&mine, mine.revision - 1).await,
        Err(FeedError::Changed)
    ));
}
