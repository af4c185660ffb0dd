//! Live queries as their readers see them, with a clock that stands still and answers that the test decides.

use super::*;
use crate::{
    clock::ManualClock,
    hub::{Families, Outbox, Taken},
    stats::live::Answers,
};
use bytes::Bytes;
use pulsecast_protocol::{
    account::SiteSettings,
    stats::{
        DateRange, Dimension, Include, LiveResult, Meta, Metric, MetricValue, Pagination, ResultRow, Segment,
    },
    wire::Reply,
};
use serde_json::json;
use std::collections::VecDeque;

const SITE: SiteId = SiteId(1);

type Rows = Result<Vec<(&'static str, i64)>, StatsError>;

/// Answers what the test has put here; the last answer stays.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Rows>>,
    evaluations: AtomicU64,
    /// How long an evaluation takes, by the clock of the test.
    takes: AtomicU64,
    /// An evaluation does not end while this is set.
    stuck: AtomicBool,
    clock: Mutex<Option<Arc<ManualClock>>>,
}

#[async_trait]
impl Answers for Script {
    async fn answer(&self, _: &Scope, _: &Query) -> Result<(QueryResult, Duration), StatsError> {
        self.evaluations.fetch_add(1, Ordering::SeqCst);
        while self.stuck.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let took = Duration::from_millis(self.takes.load(Ordering::SeqCst));
        if let Some(clock) = &*self.clock.lock() {
            clock.advance(i64::try_from(took.as_millis()).unwrap());
        }
        let mut answers = self.answers.lock();
        let answer = match answers.pop_front() {
            Some(Ok(rows)) => {
                if answers.is_empty() {
                    answers.push_back(Ok(rows.clone()));
                }
                Ok(rows)
            }
            Some(Err(error)) => Err(error),
            None => Ok(Vec::new()),
        };
        let row = |(name, n): (&str, i64)| ResultRow {
            dimensions: vec![name.to_owned()],
            metrics: vec![MetricValue::Count(n)],
            comparison: None,
        };
        let result = QueryResult {
            results: answer?.into_iter().map(row).collect(),
            meta: Meta::default(),
            query: json!({}),
        };
        Ok((result, took))
    }

    async fn funnel(
        &self,
        scope: &Scope,
        steps: &[Goal],
        query: &Query,
    ) -> Result<(QueryResult, Duration), StatsError> {
        let (mut result, took) = self.answer(scope, query).await?;
        for (row, step) in result.results.iter_mut().zip(steps) {
            row.dimensions = vec![step.name.clone()];
        }
        Ok((result, took))
    }
}

struct World {
    script: Arc<Script>,
    queries: LiveQueries,
    clock: Arc<ManualClock>,
    hub: Hub,
    tasks: Tasks,
}

impl World {
    fn new(answers: impl IntoIterator<Item = Rows>) -> Self {
        Self::with(answers, LiveLimits::default())
    }

    fn with(answers: impl IntoIterator<Item = Rows>, limits: LiveLimits) -> Self {
        let script = Arc::new(Script::default());
        script.answers.lock().extend(answers);
        let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000)));
        *script.clock.lock() = Some(clock.clone());
        let (name, family) = family();
        let hub = Hub::new(Families::default().and(name, family), clock.clone(), 1);
        let sites = Sites::default();
        sites.replace(vec![Site::new(SITE, SiteSettings::new("a.com".parse().unwrap()))]);
        let tasks = Tasks::new();
        let queries = LiveQueries::new(
            script.clone(),
            hub.clone(),
            sites,
            clock.clone(),
            tasks.clone(),
            limits,
        );
        queries.start();
        Self {
            script,
            queries,
            clock,
            hub,
            tasks,
        }
    }

    fn follow(&self, channel: &str, scope: Scope, query: impl Into<Question>) -> Result<Page, Full> {
        let outbox = Outbox::new(1 << 20);
        let reader = Reader {
            channel: channel.to_owned(),
            outbox: outbox.clone(),
            who: "1".into(),
            greet: Box::new(|answer| match answer {
                Ok(whole) => Bytes::from(whole.get().to_owned()),
                Err(why) => Bytes::from(json!({ "refused": why }).to_string()),
            }),
        };
        let following = self.queries.follow(scope, query, reader)?;
        Ok(Page { outbox, following })
    }

    fn page(&self, channel: &str) -> Page {
        self.follow(channel, scope(), query()).unwrap()
    }

    /// Something of the site is stored.
    fn stored(&self) {
        self.queries.touch(SITE);
    }

    fn evaluations(&self) -> u64 {
        self.script.evaluations.load(Ordering::SeqCst)
    }

    async fn evaluated(&self, times: u64) {
        eventually("as many evaluations", || self.evaluations() >= times).await;
        assert_eq!(self.evaluations(), times);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

struct Page {
    outbox: Outbox,
    following: Following,
}

impl Page {
    /// The next message: the first one bare, then pushes.
    async fn hear(&self) -> String {
        let taken = tokio::time::timeout(Duration::from_secs(10), self.outbox.take(1));
        match taken.await.expect("nothing comes") {
            Taken::Frames(frames) => String::from_utf8(frames[0].to_vec()).unwrap(),
            Taken::Cut(why) => panic!("cut: {why:?}"),
        }
    }

    async fn whole(&self) -> LiveResult {
        serde_json::from_str(&self.hear().await).unwrap()
    }

    async fn pushed(&self) -> (String, LiveResult) {
        let reply: Reply = serde_json::from_str(&self.hear().await).unwrap();
        let push = reply.push.unwrap();
        let data = push.publication.unwrap().data;
        (push.channel, serde_json::from_str(data.get()).unwrap())
    }

    fn is_quiet(&self) -> bool {
        self.outbox.waiting() == 0
    }
}

async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(10), wait).await;
    assert!(in_time.is_ok(), "does not happen: {what}");
}

fn scope() -> Scope {
    Scope {
        site: SITE,
        domain: "a.com".parse().unwrap(),
        timezone: chrono_tz::Tz::UTC,
        goals: Arc::default(),
        segments: Arc::default(),
        forced: None,
    }
}

fn query() -> Query {
    Query {
        site_id: "a.com".parse().unwrap(),
        metrics: vec![Metric::Visitors],
        date_range: DateRange::Day,
        date: None,
        dimensions: vec![Dimension::Page],
        filters: vec![],
        order_by: vec![],
        include: Include::default(),
        pagination: Pagination::default(),
    }
}

fn counts(result: &LiveResult) -> Vec<(u32, i64)> {
    let count = |row: &pulsecast_protocol::stats::LiveRow| match row.metrics[..] {
        [MetricValue::Count(n)] => (row.i, n),
        _ => panic!("not a count"),
    };
    result.rows.iter().map(count).collect()
}

fn too_slow() -> Rows {
    Err(StatsError::TooSlow(10))
}

#[tokio::test]
async fn a_reader_gets_the_whole_answer_and_then_what_changed() {
    let long = |n| {
        Ok((0..20)
            .map(|i| ("/a-page-with-a-name", if i == 3 { n } else { 100 - i }))
            .collect())
    };
    let world = World::new([long(97), long(98)]);
    let page = world.page("query:a.com");
    let whole = page.whole().await;
    assert_eq!((whole.from, whole.len, whole.rows.len()), (None, 20, 20));
    world.clock.advance(1_000);
    world.stored();
    let (channel, change) = page.pushed().await;
    assert_eq!(channel, "query:a.com");
    assert_eq!((change.from, change.len), (Some(whole.version), 20));
    assert!(change.version > whole.version);
    assert_eq!(counts(&change), [(3, 98)]);
}

#[tokio::test]
async fn a_change_that_is_longer_than_the_whole_is_not_sent() {
    let world = World::new([Ok(vec![("/", 1), ("/a", 1)]), Ok(vec![("/a", 3)])]);
    let page = world.page("query:a.com");
    page.whole().await;
    world.clock.advance(1_000);
    world.stored();
    let (_, whole) = page.pushed().await;
    assert_eq!((whole.from, counts(&whole)), (None, vec![(0, 3)]));
}

/// With a funnel, number 7, of goals of these names.
fn site(names: [&str; 2]) -> Site {
    let goal = |id: i64, name: &str| Goal {
        id,
        name: name.to_owned(),
        kind: pulsecast_protocol::stats::GoalKind::Page { path: "/".into() },
        currency: None,
    };
    let mut site = Site::new(SITE, SiteSettings::new("a.com".parse().unwrap()));
    site.goals = [goal(1, names[0]), goal(2, names[1])].into();
    site.funnels = [pulsecast_protocol::stats::Funnel {
        id: 7,
        name: "Buying".into(),
        steps: vec![1, 2],
    }]
    .into();
    site
}

#[tokio::test]
async fn within_a_segment_a_funnel_is_there_only_if_all_its_goals_were_reached() {
    let (some, all) = (vec![("Look", 3)], vec![("Buy", 1), ("Look", 3)]);
    let world = World::new([Ok(some), Ok(all), Ok(vec![("", 3), ("", 1)])]);
    world.queries.0.sites.replace(vec![site(["Look", "Buy"])]);
    let follow = |channel| {
        let limited = Scope {
            forced: Some(pulsecast_protocol::stats::Filter::is(
                pulsecast_protocol::stats::Dimension::Country,
                vec!["DE".to_owned()],
            )),
            ..scope()
        };
        let question = Question {
            query: query(),
            funnel: Some(7),
        };
        world.follow(channel, limited, question).unwrap()
    };
    assert!(
        follow("query:a.com:x")
            .hear()
            .await
            .contains("there is no such funnel")
    );
    assert_eq!(counts(&follow("query:a.com:y").whole().await), [(0, 3), (1, 1)]);
}

#[tokio::test]
async fn a_funnel_is_followed_like_a_query_and_counted_anew_when_it_is_changed() {
    let world = World::new([Ok(vec![("", 5), ("", 2)]), Ok(vec![("", 6), ("", 3)])]);
    let sites = &world.queries.0.sites;
    sites.replace(vec![site(["Look", "Buy"])]);
    let funnel = |id| Question {
        query: query(),
        funnel: Some(id),
    };
    let labels = |result: &LiveResult| -> Vec<String> {
        result.rows.iter().map(|row| row.dimensions.concat()).collect()
    };
    let pages = ["query:a.com:card", "query:a.com:page"].map(|channel| {
        let page = world.follow(channel, scope(), funnel(7));
        page.unwrap()
    });
    for page in &pages {
        let whole = page.whole().await;
        assert_eq!(
            (counts(&whole), labels(&whole)),
            (vec![(0, 5), (1, 2)], vec!["Look".to_owned(), "Buy".to_owned()])
        );
    }
    assert_eq!(world.evaluations(), 1, "however many look at it");
    sites.replace(vec![site(["Look", "Pay"])]);
    world.clock.advance(1_000);
    world.stored();
    let (_, change) = pages[0].pushed().await;
    assert_eq!(counts(&change), [(0, 6), (1, 3)]);
    assert_eq!(labels(&change).last().map(String::as_str), Some("Pay"));
    let nothing = world.follow("query:a.com:x", scope(), funnel(8)).unwrap();
    assert!(nothing.hear().await.contains("there is no such funnel"));
}

#[tokio::test]
async fn a_thousand_readers_cost_one_evaluation_whatever_they_call_it() {
    let world = World::new([Ok(vec![("/", 1)]), Ok(vec![("/", 2)])]);
    let pages: Vec<Page> = (0..1_000)
        .map(|n| world.page(["query:a.com", "query:a.com:pages", "query:a.com:x"][n % 3]))
        .collect();
    for page in &pages {
        assert_eq!(counts(&page.whole().await), [(0, 1)]);
    }
    assert_eq!(world.evaluations(), 1);
    world.clock.advance(1_000);
    world.stored();
    for (n, page) in pages.iter().enumerate() {
        let (channel, change) = page.pushed().await;
        assert_eq!(
            channel,
            ["query:a.com", "query:a.com:pages", "query:a.com:x"][n % 3]
        );
        assert_eq!(counts(&change), [(0, 2)]);
    }
    assert_eq!((world.evaluations(), world.queries.len()), (2, 1));
}

#[tokio::test]
async fn the_same_question_within_other_limits_is_another_query() {
    let world = World::new([Ok(vec![("/", 1)])]);
    let germans = Filter::is(Dimension::Country, ["DE"]);
    let limited = Scope {
        forced: Some(germans.clone()),
        ..scope()
    };
    let segment = |filters| Scope {
        segments: vec![Segment {
            id: 5,
            name: "s".into(),
            shared: false,
            filters,
        }]
        .into(),
        ..scope()
    };
    let by_segment = || {
        let mut query = query();
        query.filters = vec![Filter::Condition(pulsecast_protocol::stats::Condition {
            operator: pulsecast_protocol::stats::Operator::Is,
            subject: Subject::Segment,
            values: vec!["5".into()],
            case_sensitive: true,
        })];
        query
    };
    let pages = [
        world.follow("query:a.com", scope(), query()).unwrap(),
        world.follow("query:a.com", limited, query()).unwrap(),
        world.follow("query:a.com", scope(), by_segment()).unwrap(),
        world
            .follow("query:a.com", segment(vec![germans]), by_segment())
            .unwrap(),
        world.follow("query:a.com", segment(vec![]), query()).unwrap(),
    ];
    for page in &pages {
        page.whole().await;
    }
    assert_eq!(
        world.queries.len(),
        4,
        "a segment that is not asked for makes no difference"
    );
}

#[tokio::test]
async fn what_did_not_change_is_not_pushed() {
    let world = World::new([Ok(vec![("/", 1)]), Ok(vec![("/", 1)]), Ok(vec![("/", 2)])]);
    let page = world.page("query:a.com");
    page.whole().await;
    world.clock.advance(1_000);
    world.stored();
    world.evaluated(2).await;
    assert!(page.is_quiet());
    world.clock.advance(1_000);
    world.stored();
    assert_eq!(
        counts(&page.pushed().await.1),
        [(0, 2)],
        "the first news is the change"
    );
}

#[tokio::test]
async fn the_last_event_of_a_while_is_looked_for_once_more_since_the_store_may_be_a_moment_behind() {
    let world = World::new([Ok(vec![("/", 1)]), Ok(vec![("/", 1)]), Ok(vec![("/", 2)])]);
    let page = world.page("query:a.com");
    page.whole().await;
    world.clock.advance(1_000);
    world.stored();
    world.evaluated(2).await;
    world.clock.advance(3_000);
    assert_eq!(counts(&page.pushed().await.1), [(0, 2)]);
}

#[tokio::test]
async fn another_sites_events_are_no_reason_to_evaluate() {
    let world = World::new([Ok(vec![("/", 1)])]);
    let page = world.page("query:a.com");
    page.whole().await;
    world.clock.advance(1_000);
    world.queries.touch(SiteId(2));
    world.stored();
    world.evaluated(2).await;
}

#[tokio::test]
async fn who_joins_later_gets_the_newest_answer_without_an_evaluation() {
    let world = World::new([Ok(vec![("/", 1)]), Ok(vec![("/", 2)])]);
    let first = world.page("query:a.com");
    first.whole().await;
    world.clock.advance(1_000);
    world.stored();
    let (_, change) = first.pushed().await;
    let second = world.page("query:a.com:b");
    let whole = second.whole().await;
    assert_eq!((whole.version, counts(&whole)), (change.version, vec![(0, 2)]));
    assert_eq!(world.evaluations(), 2);
}

#[tokio::test]
async fn a_query_that_nobody_reads_is_forgotten() {
    let world = World::new([Ok(vec![("/", 1)])]);
    let (one, two) = (world.page("query:a.com"), world.page("query:a.com"));
    one.whole().await;
    drop(one);
    assert_eq!(world.queries.len(), 1);
    drop(two);
    assert!(world.queries.is_empty());
    world.hub.tend();
    world.clock.advance(10_000);
    world.stored();
    let again = world.page("query:a.com");
    again.whole().await;
    assert_eq!(world.evaluations(), 2, "the first and the last");
}

#[tokio::test]
async fn who_leaves_before_the_first_answer_gives_the_evaluation_up() {
    let world = World::new([Ok(vec![("/", 1)])]);
    world.script.stuck.store(true, Ordering::SeqCst);
    let page = world.page("query:a.com");
    world.evaluated(1).await;
    drop(page);
    assert!(world.queries.is_empty());
}

#[tokio::test]
async fn there_are_only_so_many_queries_and_those_there_are_can_be_joined() {
    let limits = LiveLimits {
        queries: 1,
        ..LiveLimits::default()
    };
    let world = World::with([Ok(vec![("/", 1)])], limits);
    let _first = world.page("query:a.com");
    let mut other = query();
    other.metrics = vec![Metric::Pageviews];
    assert_eq!(world.follow("query:a.com", scope(), other).err(), Some(Full));
    world.page("query:a.com").whole().await;
}

#[tokio::test]
async fn a_wrong_query_is_refused_with_its_wrong_part_and_forgotten() {
    let wrong = || StatsError::Invalid {
        path: "filters[0][2]".into(),
        reason: "no such goal".into(),
    };
    let world = World::new([Err(wrong())]);
    let page = world.page("query:a.com");
    assert_eq!(page.hear().await, r#"{"refused":"filters[0][2]: no such goal"}"#);
    assert!(page.following.is_over());
    eventually("it is forgotten", || world.queries.is_empty()).await;
}

#[tokio::test]
async fn a_failure_keeps_the_last_answer_is_told_once_and_ends_when_it_works_again() {
    let world = World::new([Ok(vec![("/", 1)]), too_slow(), too_slow(), Ok(vec![("/", 1)])]);
    let page = world.page("query:a.com");
    let whole = page.whole().await;
    world.clock.advance(1_000);
    world.stored();
    let (_, failed) = page.pushed().await;
    assert!(failed.error.unwrap().contains("10 seconds"));
    assert_eq!(
        (failed.from, failed.version),
        (Some(whole.version), whole.version)
    );
    let late = world.page("query:a.com:late").whole().await;
    assert_eq!((counts(&late), late.error.is_some()), (vec![(0, 1)], true));
    world.clock.advance(2_000);
    world.stored();
    world.evaluated(3).await;
    assert!(page.is_quiet(), "it is told once");
    world.clock.advance(4_000);
    world.stored();
    let (_, right) = page.pushed().await;
    assert_eq!((right.from, right.error), (Some(whole.version), None));
}

#[tokio::test]
async fn a_store_that_is_away_at_first_gives_no_figures_and_then_some() {
    let world = World::new([too_slow(), Ok(vec![("/", 1)])]);
    let page = world.page("query:a.com");
    let nothing = page.whole().await;
    assert_eq!(
        (nothing.version, nothing.rows.len(), nothing.error.is_some()),
        (0, 0, true)
    );
    world.clock.advance(2_000);
    world.stored();
    let (_, whole) = page.pushed().await;
    assert_eq!(
        (whole.from, counts(&whole), whole.error),
        (None, vec![(0, 1)], None)
    );
}

#[tokio::test]
async fn bringing_an_answer_up_to_date_is_given_up_when_it_takes_too_long() {
    let limits = LiveLimits {
        patience: Duration::from_millis(20),
        ..LiveLimits::default()
    };
    let world = World::with([Ok(vec![("/", 1)])], limits);
    let page = world.page("query:a.com");
    page.whole().await;
    world.script.stuck.store(true, Ordering::SeqCst);
    world.clock.advance(1_000);
    world.stored();
    assert!(page.pushed().await.1.error.is_some());
}

#[tokio::test]
async fn a_long_evaluation_is_followed_by_a_pause_nine_times_as_long() {
    let world = World::new([Ok(vec![("/", 1)]), Ok(vec![("/", 2)]), Ok(vec![("/", 3)])]);
    let page = world.page("query:a.com");
    page.whole().await;
    world.script.takes.store(300, Ordering::SeqCst);
    world.clock.advance(1_000);
    world.stored();
    page.pushed().await;
    world.clock.advance(2_699);
    world.stored();
    tokio::task::yield_now().await;
    world.queries.0.wake.notify_one();
    tokio::task::yield_now().await;
    assert_eq!(world.evaluations(), 2);
    world.clock.advance(1);
    world.stored();
    page.pushed().await;
    world.evaluated(3).await;
}

#[tokio::test]
async fn at_midnight_today_is_asked_for_again() {
    let world = World::new([Ok(vec![("/", 1)]), Ok(vec![("/", 1)]), Ok(vec![])]);
    let page = world.page("query:a.com");
    page.whole().await;
    world.clock.advance(3_000);
    world.evaluated(2).await;
    world.clock.advance(24 * 60 * Timestamp::MINUTE);
    let (_, emptied) = page.pushed().await;
    assert_eq!(emptied.len, 0);
}

#[tokio::test]
async fn an_answer_has_only_so_many_rows() {
    let world = World::new([Ok(vec![("/", 1)])]);
    let _page = world.page("query:a.com");
    let kept = world
        .queries
        .0
        .all
        .lock()
        .by_number
        .values()
        .next()
        .map(|(_, live)| live.question.query.pagination.limit);
    assert_eq!(kept, Some(1_000));
}
