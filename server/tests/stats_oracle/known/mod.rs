//! One known history for tests that cannot ask the naive side themselves: `end2end/fixtures/known-history.ndjson`, in the format of exports, which
//! `pulsecast import --format ndjson` takes, and `known-answers.json`: its site, goals and funnels, and questions with their answers.
//!
//! `ORACLE_WRITE=1` writes both anew.

mod lines;
mod made;
mod questions;

use super::{
    check::{Both, Question},
    history::{Arrival, History, Step},
    naive::Naive,
};
use pulsecast_protocol::{
    Timestamp,
    stats::{Goal, ResultRow},
};
use pulsecast_server::{event::Event, stats::Scope};
use serde_json::{Value, json};
use std::path::PathBuf;

/// The site that it is the history of.
const DOMAIN: &str = "known.example";
const ZONE: chrono_tz::Tz = chrono_tz::Tz::Europe__Berlin;
/// When it is asked about; no question depends on it.
const NOW: &str = "2026-03-31T12:00:00Z";

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../end2end/fixtures")).join(name)
}

fn scope() -> Scope {
    Scope {
        site: pulsecast_server::event::SiteId(1),
        domain: DOMAIN.parse().unwrap(),
        timezone: ZONE,
        goals: questions::goals().into(),
        segments: [].into(),
        forced: None,
    }
}

fn time(text: &str) -> Timestamp {
    Timestamp(
        chrono::DateTime::parse_from_rfc3339(text)
            .unwrap()
            .timestamp_millis(),
    )
}

/// The events as something that happens to a server.
fn history(events: &[Event]) -> History {
    let now = Timestamp(
        chrono::DateTime::parse_from_rfc3339(NOW)
            .unwrap()
            .timestamp_millis(),
    );
    let arrives = |event: &Event| {
        Step::Arrives(Box::new(Arrival {
            at: event.hit.at,
            hit: event.hit.clone(),
        }))
    };
    History {
        zone: ZONE,
        steps: events.iter().map(arrives).chain([Step::Swept]).collect(),
        now,
        around: now,
        rolled: false,
        imported: Vec::new(),
    }
}

/// The answers of the naive side, as they are written down.
fn answers(naive: &Naive) -> Value {
    let mut told = serde_json::Map::new();
    for (name, json) in questions::queries() {
        let query = pulsecast_server::stats::parse::query(&json).unwrap();
        let answer = naive.query(&query);
        // An empty answer would be agreed with by a screen that shows nothing.
        assert!(!answer.rows.is_empty(), "{name} answers nothing");
        let rows: Vec<Value> = answer.rows.iter().map(row).collect();
        told.insert(
            name.to_owned(),
            json!({ "query": json, "results": rows, "meta": answer.meta }),
        );
    }
    let funnels: serde_json::Map<String, Value> = questions::funnels()
        .into_iter()
        .map(|(name, steps, range)| {
            let steps: Vec<Goal> = named(&steps);
            let answer = naive.funnel(&steps, range, &[]);
            let names: Vec<&str> = steps.iter().map(|goal| goal.name.as_str()).collect();
            (
                name.to_owned(),
                json!({ "steps": names, "date_range": range, "answer": answer }),
            )
        })
        .collect();
    json!({
        "site": { "domain": DOMAIN, "timezone": ZONE.name() },
        "goals": questions::goals(),
        "answers": told,
        "funnels": funnels,
    })
}

fn row(row: &ResultRow) -> Value {
    serde_json::to_value(row).unwrap()
}

fn named(names: &[&str]) -> Vec<Goal> {
    let goals = questions::goals();
    let goal = |name: &&str| goals.iter().find(|goal| goal.name == *name).unwrap().clone();
    names.iter().map(goal).collect()
}

#[test]
fn the_known_answers_are_those_of_the_known_history() {
    if super::setting("ORACLE_WRITE", 0) == 1 {
        let (events, _) = made::history().played();
        std::fs::create_dir_all(fixture("")).unwrap();
        std::fs::write(fixture("known-history.ndjson"), lines::written(&events)).unwrap();
    }
    let events = lines::read(&std::fs::read_to_string(fixture("known-history.ndjson")).unwrap());
    let answers = answers(&Naive::new(&events, scope(), time(NOW)));
    if super::setting("ORACLE_WRITE", 0) == 1 {
        let text = serde_json::to_string_pretty(&answers).unwrap();
        std::fs::write(fixture("known-answers.json"), text + "\n").unwrap();
    }
    let written: Value =
        serde_json::from_str(&std::fs::read_to_string(fixture("known-answers.json")).unwrap()).unwrap();
    assert_eq!(answers, written, "ORACLE_WRITE=1 writes the file anew");
}

#[test]
fn the_server_gives_the_known_answers() {
    let events = lines::read(&std::fs::read_to_string(fixture("known-history.ndjson")).unwrap());
    let both = Both::of(&history(&events), &scope());
    for (name, json) in questions::queries() {
        let query = pulsecast_server::stats::parse::query(&json).unwrap();
        if let Some(difference) = both.differ(&Question::Query(Box::new(query))) {
            panic!("{name}: {difference:?}");
        }
    }
    for (name, steps, range) in questions::funnels() {
        let question = Question::Funnel {
            steps: named(&steps),
            range,
            filters: Vec::new(),
        };
        if let Some(difference) = both.differ(&question) {
            panic!("{name}: {difference:?}");
        }
    }
}

#[test]
fn the_known_visits_are_those_that_the_sessions_make_again() {
    let events = lines::read(&std::fs::read_to_string(fixture("known-history.ndjson")).unwrap());
    let (again, _) = history(&events).played();
    // Numbers are given anew, in the same order: what belongs together still does.
    let together = |events: &[Event]| -> Vec<usize> {
        events
            .iter()
            .map(|event| {
                events
                    .iter()
                    .position(|other| other.visit == event.visit)
                    .unwrap()
            })
            .collect()
    };
    assert_eq!(together(&events), together(&again));
    assert!((250..400).contains(&events.len()), "{} events", events.len());
}
