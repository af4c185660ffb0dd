//! A server with two sites that have the same history: `known.example` when it happened, `example.com` moved so that it ended an hour ago. And
//! a program with a key for both.

use crate::{
    lines,
    program::{Place, Running},
};
use pulsecast_protocol::{Timestamp, account::SiteSettings, stats::Goal};
use pulsecast_server::{
    clock::{Clock, SystemClock},
    event::{Event, SiteId},
    sessions::Sessions,
    store::{
        Batch, EventStore,
        accounts::{Accounts, GoalBook, NewGoal, SqliteAccounts},
        duck::{self, DuckSettings},
    },
};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

pub const KNOWN: &str = "known.example";
pub const RECENT: &str = "example.com";

/// The running server, its data, and a key.
pub struct World {
    pub server: Running,
    pub key: String,
    pub publish_key: String,
    _place: Place,
}

pub fn fixture(name: &str) -> String {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../end2end/fixtures"));
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Questions and their answers.
pub fn answers() -> Value {
    plain(serde_json::from_str(&fixture("known-answers.json")).unwrap())
}

/// The same with 1 where it says 1.0: to JSON they are one number.
pub fn plain(value: Value) -> Value {
    match value {
        Value::Number(n) => n
            .as_f64()
            .filter(|n| n.fract() == 0.0)
            .map_or(Value::Number(n), |n| json!(n as i64)),
        Value::Array(list) => list.into_iter().map(plain).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, plain(value))).collect(),
        other => other,
    }
}

impl World {
    pub async fn start() -> Self {
        let place = Place::new();
        let made = place.run_with(
            &["user", "add", "ann@example.com", "--password-stdin"],
            "correct horse battery\n",
        );
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let accounts = SqliteAccounts::open(&place.data()).await.unwrap();
        let ann = accounts.account("ann@example.com").await.unwrap().unwrap().id;
        let goals: Vec<Goal> = serde_json::from_value(answers()["goals"].clone()).unwrap();
        let mut sites = Vec::new();
        for domain in [KNOWN, RECENT] {
            let settings = SiteSettings {
                timezone: "Europe/Berlin".to_owned(),
                ..SiteSettings::new(domain.parse().unwrap())
            };
            let site = accounts
                .add_site(&settings, &[ann], SystemClock.now())
                .await
                .unwrap();
            for goal in &goals {
                let goal = NewGoal {
                    name: goal.name.clone(),
                    kind: goal.kind.clone(),
                    currency: goal.currency.clone(),
                };
                accounts.add_goal(site, &goal).await.unwrap();
            }
            sites.push(site);
        }
        accounts.close().await;
        fill(&place, &sites);
        let key = |right| {
            let key = place.run(&["key", "add", "--user", "ann@example.com", "--right", right]);
            assert!(key.status.success(), "{}", String::from_utf8_lossy(&key.stderr));
            String::from_utf8(key.stdout).unwrap().trim().to_owned()
        };
        let (key, publish_key) = (key("stats"), key("publish"));
        let server = place.serve_with(&["--api-rate", "10000"]);
        Self {
            server,
            key,
            publish_key,
            _place: place,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url)
    }

    /// The request with the key.
    pub fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.key)
    }

    /// Asks version 2; whatever is refused fails the test.
    pub async fn query(&self, query: &Value) -> Value {
        let request = self.server.client.post(self.url("/api/v2/query")).json(query);
        told(self.with_key(request), &query.to_string()).await
    }

    /// Asks an address.
    pub async fn get(&self, path: &str) -> Value {
        told(self.with_key(self.server.client.get(self.url(path))), path).await
    }
}

async fn told(request: RequestBuilder, what: &str) -> Value {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(status, 200, "{what}: {body}");
    plain(body)
}

/// Puts the history into the store as the feeder would, once for each site.
fn fill(place: &Place, sites: &[SiteId]) {
    let events = lines::read(&fixture("known-history.ndjson"));
    let last = events.iter().map(|event| event.hit.at).max().unwrap();
    let to_now = SystemClock.now().millis() - Timestamp::HOUR - last.millis();
    let mut sessions = Sessions::new();
    let mut batch = Batch::default();
    let copies = [(sites[0], 0), (sites[1], to_now)];
    let all = copies
        .iter()
        .flat_map(|copy| events.iter().map(move |event| (copy, event)));
    for ((site, later), Event { hit, .. }) in all {
        let mut hit = hit.clone();
        hit.site = *site;
        hit.at = hit.at.plus(*later);
        let seq = batch.events.len() as u64 + 1;
        batch.events.push(sessions.attribute(seq, hit));
    }
    batch.ended = sessions.end(SystemClock.now());
    batch.oldest_open = sessions.oldest_open();
    let settings = DuckSettings {
        path: place.data().join("events.duckdb"),
        memory_mib: 256,
        threads: 1,
    };
    let (mut store, _reader) = duck::open(&settings).unwrap();
    store.append(&batch).unwrap();
}
