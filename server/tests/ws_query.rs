//! Live queries over a real socket: who is answered, what a refusal says, and what becomes of those who may not read any more. What
//! the store answers is another test's business (`process`): here the test decides it.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod ws_support;

use async_trait::async_trait;
use pulsecast_protocol::stats::{Meta, MetricValue, Query, QueryResult, ResultRow};
use pulsecast_server::{
    event::SiteId,
    stats::{
        Scope, StatsError,
        live::{Answers, LiveLimits},
    },
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};
use ws_support::{Client, Server, eventually};

/// Answers every query with one number, except those with a filter, which it finds wrong.
#[derive(Default)]
struct Number {
    visitors: AtomicI64,
    evaluations: AtomicU64,
}

#[async_trait]
impl Answers for Number {
    async fn answer(&self, _: &Scope, query: &Query) -> Result<(QueryResult, Duration), StatsError> {
        self.evaluations.fetch_add(1, Ordering::SeqCst);
        if !query.filters.is_empty() {
            return Err(StatsError::Invalid {
                path: "filters[0][2]".to_owned(),
                reason: "there is no such goal".to_owned(),
            });
        }
        let row = ResultRow {
            metrics: vec![MetricValue::Count(self.visitors.load(Ordering::SeqCst))],
            ..ResultRow::default()
        };
        let result = QueryResult {
            results: vec![row],
            meta: Meta::default(),
            query: json!({}),
        };
        Ok((result, Duration::ZERO))
    }

    async fn funnel(
        &self,
        scope: &Scope,
        _: &[pulsecast_protocol::stats::Goal],
        query: &Query,
    ) -> Result<(QueryResult, Duration), StatsError> {
        self.answer(scope, query).await
    }
}

async fn server() -> (Server, Arc<Number>) {
    let number = Arc::new(Number::default());
    let few = LiveLimits {
        queries: 2,
        ..LiveLimits::default()
    };
    (Server::answering(number.clone(), few).await, number)
}

/// A second later there are so many visitors in the store.
fn count(server: &Server, number: &Number, visitors: i64) {
    server.clock.advance(1_000);
    number.visitors.store(visitors, Ordering::SeqCst);
    server.queries.as_ref().unwrap().touch(SiteId(1));
}

fn subscribe(id: u32, channel: &str, query: &Value) -> String {
    json!({ "id": id, "subscribe": { "channel": channel, "data": query } }).to_string()
}

fn today() -> Value {
    json!({ "site_id": "a.com", "metrics": ["visitors"], "date_range": "day" })
}

async fn following(server: &Server, channel: &str) -> Client {
    let mut client = server.ann().await;
    let reply = client.ask(&subscribe(2, channel, &today())).await;
    assert!(reply["subscribe"]["data"]["version"].is_u64(), "{reply}");
    client
}

#[tokio::test]
async fn a_subscription_is_answered_with_the_result_and_told_what_changes() {
    let (server, number) = server().await;
    number.visitors.store(7, Ordering::SeqCst);
    let mut client = server.ann().await;
    let reply = client.ask(&subscribe(2, "query:a.com:now", &today())).await;
    let whole = &reply["subscribe"]["data"];
    assert_eq!((&reply["id"], &whole["len"]), (&json!(2), &json!(1)));
    assert_eq!(whole["rows"], json!([{ "i": 0, "metrics": [7] }]));
    count(&server, &number, 8);
    let push = client.hear().await["push"].clone();
    assert_eq!(push["channel"], "query:a.com:now");
    let change = &push["pub"]["data"];
    assert_eq!(change["rows"], json!([{ "i": 0, "metrics": [8] }]));
    assert!(change["version"].as_u64() > whole["version"].as_u64());
}

#[tokio::test]
async fn everybody_who_asks_the_same_shares_one_evaluation() {
    let (server, number) = server().await;
    let mut one = following(&server, "query:a.com").await;
    let mut other = following(&server, "query:a.com:mine").await;
    // The same question, said in another order and with what goes without saying.
    let said = r#"{"id":3,"subscribe":{"channel":"query:a.com:again","data":{"date_range":"day","filters":[],"metrics":["visitors"],"site_id":"a.com"}}}"#;
    other.ask(said).await;
    assert_eq!(number.evaluations.load(Ordering::SeqCst), 1);
    count(&server, &number, 5);
    assert_eq!(one.hear().await["push"]["channel"], "query:a.com");
    let mut heard = [other.hear().await, other.hear().await].map(|line| line["push"]["channel"].clone());
    heard.sort_by_key(ToString::to_string);
    assert_eq!(heard, ["query:a.com:again", "query:a.com:mine"]);
    assert_eq!(number.evaluations.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn two_who_call_different_queries_the_same_hear_each_their_own() {
    let (server, number) = server().await;
    let mut ann = following(&server, "query:a.com:top").await;
    let mut other = server.ann().await;
    let mut pageviews = today();
    pageviews["metrics"] = json!(["pageviews"]);
    let whole = other.ask(&subscribe(2, "query:a.com:top", &pageviews)).await;
    count(&server, &number, 5);
    for client in [&mut ann, &mut other] {
        assert_eq!(
            client.hear().await["push"]["pub"]["data"]["rows"][0]["metrics"],
            json!([5])
        );
    }
    assert_eq!(number.evaluations.load(Ordering::SeqCst), 4);
    assert!(whole["subscribe"]["data"]["version"].is_u64());
}

#[tokio::test]
async fn a_wrong_query_is_refused_with_the_part_that_is_wrong_and_can_be_asked_rightly() {
    let (server, _) = server().await;
    let mut client = server.ann().await;
    let wrong = [
        (
            json!({ "site_id": "a.com", "metrics": ["visitorz"], "date_range": "day" }),
            "metrics[0]",
        ),
        (
            json!({ "site_id": "a.com", "metrics": ["visitors"], "date_range": "never" }),
            "date_range",
        ),
        (
            json!({ "site_id": "b.com", "metrics": ["visitors"], "date_range": "day" }),
            "site_id",
        ),
        (
            json!({ "site_id": "a.com", "metrics": ["visitors"], "date_range": "day", "filters": [["is", "event:goal", ["x"]]] }),
            "filters[0][2]: there is no such goal",
        ),
    ];
    for (n, (query, part)) in wrong.into_iter().enumerate() {
        let id = u32::try_from(n).unwrap() + 2;
        let reply = client.ask(&subscribe(id, "query:a.com", &query)).await;
        assert_eq!(
            (&reply["id"], &reply["error"]["code"]),
            (&json!(id), &json!(107)),
            "{reply}"
        );
        assert!(
            reply["error"]["message"].as_str().unwrap().starts_with(part),
            "{reply}"
        );
    }
    let bare = client
        .ask(r#"{"id":8,"subscribe":{"channel":"query:a.com"}}"#)
        .await;
    assert!(
        bare["error"]["message"].as_str().unwrap().starts_with("data: "),
        "{bare}"
    );
    let right = client.ask(&subscribe(9, "query:a.com", &today())).await;
    assert!(right["subscribe"]["data"].is_object(), "{right}");
}

#[tokio::test]
async fn a_connection_and_the_server_have_so_many_live_queries() {
    let (server, _) = server().await;
    let mut client = server.ann().await;
    for (id, metric) in [(2, "visitors"), (3, "visits"), (4, "pageviews")] {
        let mut query = today();
        query["metrics"] = json!([metric]);
        let reply = client
            .ask(&subscribe(id, &format!("query:a.com:{metric}"), &query))
            .await;
        if id == 4 {
            assert_eq!(reply["error"]["code"], 106, "the server has two: {reply}");
            assert!(
                reply["error"]["message"]
                    .as_str()
                    .unwrap()
                    .contains("--live-queries")
            );
        }
    }
    client.ask(&subscribe(5, "query:a.com:a", &today())).await;
    let fourth = client.ask(&subscribe(6, "query:a.com:b", &today())).await;
    assert_eq!(fourth["error"]["code"], 106, "a connection has three: {fourth}");
    client
        .ask(r#"{"id":7,"unsubscribe":{"channel":"query:a.com:visits"}}"#)
        .await;
    let again = client.ask(&subscribe(8, "query:a.com:b", &today())).await;
    assert!(again["subscribe"].is_object(), "{again}");
}

#[tokio::test]
async fn queries_are_for_members() {
    let (server, _) = server().await;
    let mut page = server.connect(Some("https://a.com")).await.unwrap();
    page.ask(r#"{"id":1,"connect":{}}"#).await;
    assert_eq!(
        page.ask(&subscribe(2, "query:a.com", &today())).await["error"]["code"],
        103
    );
    let mut bob = server.connect(None).await.unwrap();
    bob.ask(r#"{"id":1,"connect":{"token":"bob"}}"#).await;
    assert_eq!(
        bob.ask(&subscribe(2, "query:a.com", &today())).await["error"]["code"],
        103
    );
    assert_eq!(
        bob.ask(&subscribe(3, "query:b.com", &today())).await["error"]["code"],
        102
    );
}

#[tokio::test]
async fn a_removed_member_is_cut_at_the_next_pong_and_the_query_forgotten() {
    let (server, _) = server().await;
    let mut client = following(&server, "query:a.com:mine").await;
    server.gate.ann_is_out.store(true, Ordering::SeqCst);
    client.say("{}").await;
    let push = client.hear().await["push"].clone();
    assert_eq!(push["channel"], "query:a.com:mine");
    assert_eq!(push["unsubscribe"]["code"], 2000);
    let queries = server.queries.as_ref().unwrap();
    eventually("the query is forgotten", || queries.is_empty()).await;
}

#[tokio::test]
async fn a_query_is_forgotten_when_its_last_reader_hangs_up() {
    let (server, number) = server().await;
    let one = following(&server, "query:a.com").await;
    let two = following(&server, "query:a.com").await;
    let queries = server.queries.as_ref().unwrap();
    drop(one);
    eventually("one reader left", || server.transport.connections() == 1).await;
    assert_eq!(queries.len(), 1);
    drop(two);
    eventually("the query is forgotten", || queries.is_empty()).await;
    count(&server, &number, 9);
    assert_eq!(number.evaluations.load(Ordering::SeqCst), 1);
}
