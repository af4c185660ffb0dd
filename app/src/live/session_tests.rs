//! The conversation, told line by line.

use super::*;
use pulsecast_protocol::wire::{Command, ConnectResult, Reply};

const LIVE: &str = "live:example.com";

fn at(offset: u64) -> Position {
    Position {
        epoch: "e1".into(),
        offset,
    }
}

/// A session that has said hello and was let in.
fn open() -> Session {
    let mut session = Session::default();
    session.start();
    assert_eq!(
        session.take_frame().as_deref(),
        Some(r#"{"id":1,"connect":{"name":"dashboard"}}"#)
    );
    assert!(matches!(
        session.read(r#"{"id":1,"connect":{"client":"c","version":"1","ping":25,"pong":true}}"#)[..],
        [News::Open(25)]
    ));
    session
}

fn changes(news: &[News]) -> Vec<&str> {
    news.iter()
        .filter_map(|n| {
            if let News::Change(_, data) = n {
                Some(data.get())
            } else {
                None
            }
        })
        .collect()
}

#[test]
fn a_ping_is_answered_with_a_pong() {
    let mut session = open();
    assert!(session.read("{}").is_empty());
    assert_eq!(session.take_frame().as_deref(), Some("{}"));
}

#[test]
fn a_channel_asked_for_before_the_session_is_open_is_asked_for_then() {
    let mut session = Session::default();
    session.subscribe(LIVE, at(7), None);
    session.start();
    session.take_frame();
    session.read(r#"{"id":1,"connect":{"client":"c","version":"1"}}"#);
    assert_eq!(
        session.take_frame().as_deref(),
        Some(r#"{"id":2,"subscribe":{"channel":"live:example.com","recover":true,"epoch":"e1","offset":7}}"#)
    );
}

#[test]
fn a_page_without_a_position_starts_from_the_channels_state() {
    let mut session = open();
    session.subscribe(LIVE, Position::default(), None);
    assert_eq!(
        session.take_frame().as_deref(),
        Some(r#"{"id":2,"subscribe":{"channel":"live:example.com"}}"#)
    );
    let news = session.read(r#"{"id":2,"subscribe":{"epoch":"e1","offset":3,"data":{"online":1}}}"#);
    assert!(
        matches!(&news[..], [News::State(channel, data)] if channel == LIVE && data.get() == r#"{"online":1}"#)
    );
}

#[test]
fn a_returning_dashboard_misses_nothing_and_counts_nothing_twice() {
    let mut session = open();
    session.subscribe(LIVE, at(7), None);
    session.take_frame();
    let reply = r#"{"id":2,"subscribe":{"epoch":"e1","offset":9,"recovered":true,"was_recovering":true,
        "publications":[{"data":"seven","offset":7},{"data":"eight","offset":8},{"data":"nine","offset":9}]}}"#;
    assert_eq!(
        changes(&session.read(&reply.replace('\n', " "))),
        [r#""eight""#, r#""nine""#]
    );

    let pushes = concat!(
        r#"{"push":{"channel":"live:example.com","pub":{"data":"nine","offset":9}}}"#,
        "\n",
        r#"{"push":{"channel":"live:example.com","pub":{"data":"ten","offset":10}}}"#
    );
    assert_eq!(changes(&session.read(pushes)), [r#""ten""#]);

    session.start();
    session.take_frame();
    session.read(r#"{"id":3,"connect":{"client":"c","version":"1"}}"#);
    assert!(
        session
            .take_frame()
            .is_some_and(|frame| frame.contains(r#""epoch":"e1","offset":10"#))
    );
}

#[test]
fn what_cannot_be_recovered_is_replaced_by_the_state() {
    let mut session = open();
    session.subscribe(LIVE, at(7), None);
    session.take_frame();
    let news =
        session.read(r#"{"id":2,"subscribe":{"epoch":"e2","offset":1,"was_recovering":true,"data":{}}}"#);
    assert!(matches!(news[..], [News::State(..)]));
    let news = session.read(r#"{"push":{"channel":"live:example.com","pub":{"data":"two","offset":2}}}"#);
    assert_eq!(changes(&news), [r#""two""#]);
}

#[test]
fn a_position_that_the_server_cannot_serve_is_given_up() {
    let mut session = open();
    session.subscribe(LIVE, at(7), None);
    session.take_frame();
    session.read(r#"{"id":2,"error":{"code":112,"message":"unrecoverable position"}}"#);
    assert_eq!(
        session.take_frame().as_deref(),
        Some(r#"{"id":3,"subscribe":{"channel":"live:example.com"}}"#)
    );
}

#[test]
fn a_refusal_is_final_and_a_failure_is_not() {
    let mut session = open();
    session.subscribe(LIVE, at(7), None);
    session.take_frame();
    let news = session.read(r#"{"id":2,"error":{"code":103,"message":"permission denied"}}"#);
    assert!(matches!(&news[..], [News::Denied(_, why)] if why == "permission denied"));

    session.subscribe(LIVE, at(7), None);
    session.take_frame();
    let news = session.read(r#"{"id":4,"error":{"code":100,"message":"internal error","temporary":true}}"#);
    assert!(matches!(news[..], [News::Failed]));
}

#[test]
fn a_gap_found_by_the_server_is_closed_by_subscribing_again() {
    let mut session = open();
    session.subscribe(LIVE, at(7), None);
    session.take_frame();
    session.read(r#"{"push":{"channel":"live:example.com","unsubscribe":{"code":2500,"reason":"insufficient state"}}}"#);
    assert!(
        session
            .take_frame()
            .is_some_and(|frame| frame.contains("subscribe"))
    );
}

#[test]
fn a_right_taken_away_ends_the_channel() {
    let mut session = open();
    session.subscribe(LIVE, at(7), None);
    session.take_frame();
    let news = session.read(r#"{"push":{"channel":"live:example.com","unsubscribe":{"code":2000,"reason":"no longer a member"}}}"#);
    assert!(matches!(&news[..], [News::Denied(_, why)] if why == "no longer a member"));
    assert!(session.is_idle());
}

#[test]
fn a_page_that_takes_over_a_channel_recovers_from_its_own_position() {
    let mut session = open();
    session.subscribe(LIVE, at(9), None);
    session.take_frame();
    session.subscribe(LIVE, at(7), None);
    let frame = session.take_frame().unwrap();
    assert!(
        frame.starts_with(r#"{"id":3,"unsubscribe""#) && frame.ends_with(r#""offset":7}}"#),
        "{frame}"
    );
    assert!(
        session
            .read(r#"{"id":2,"subscribe":{"epoch":"e1","offset":9}}"#)
            .is_empty(),
        "the old answer is nobody's"
    );
}

#[test]
fn what_cannot_be_read_does_no_harm() {
    let mut session = open();
    assert!(
        session
            .read("not json\n[]\n{\"push\":{\"channel\":\"live:other.com\",\"pub\":{\"data\":1}}}\n\n")
            .is_empty()
    );
}

#[test]
fn close_codes_say_who_may_return() {
    assert!([1006, 3000, 3001, 3008, 4000].into_iter().all(may_return));
    assert!(![3500, 3503, 3999, 4500].into_iter().any(may_return));
}

#[test]
fn what_a_dashboard_says_and_hears_are_words_of_the_protocol() {
    let mut session = open();
    session.subscribe(LIVE, at(7), None);
    session.unsubscribe(LIVE);
    for line in session.take_frame().unwrap().lines() {
        let command: Command = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&command).unwrap(), line);
    }
    let reply = Reply {
        id: 1,
        connect: Some(ConnectResult {
            ping: 25,
            ..ConnectResult::default()
        }),
        ..Reply::default()
    };
    let heard: Heard = serde_json::from_str(&serde_json::to_string(&reply).unwrap()).unwrap();
    assert_eq!(
        (heard.id, heard.connect.map(|connected| connected.ping)),
        (1, Some(25))
    );
}

const PAGES: &str = "query:example.com:pages";

fn asked(query: &str) -> Option<Raw> {
    serde_json::value::RawValue::from_string(query.to_owned()).ok()
}

#[test]
fn a_query_travels_with_the_subscription_also_on_the_next_connection() {
    let mut session = open();
    session.subscribe(PAGES, Position::default(), asked(r#"{"metrics":["visitors"]}"#));
    let line = r#""subscribe":{"channel":"query:example.com:pages","data":{"metrics":["visitors"]}}}"#;
    assert_eq!(session.take_frame().unwrap(), format!(r#"{{"id":2,{line}"#));
    session.start();
    session.take_frame();
    session.read(r#"{"id":3,"connect":{"client":"c","version":"1"}}"#);
    assert_eq!(session.take_frame().unwrap(), format!(r#"{{"id":4,{line}"#));
}

#[test]
fn a_query_of_which_something_was_missed_is_asked_for_anew() {
    let mut session = open();
    session.subscribe(PAGES, Position::default(), asked("{}"));
    session.take_frame();
    session.read(r#"{"id":2,"subscribe":{"data":{"version":1}}}"#);
    session.again(PAGES);
    assert_eq!(
        session.take_frame().unwrap(),
        [
            r#"{"id":3,"unsubscribe":{"channel":"query:example.com:pages"}}"#,
            r#"{"id":4,"subscribe":{"channel":"query:example.com:pages","data":{}}}"#
        ]
        .join("\n")
    );
    let news = session.read(r#"{"id":4,"subscribe":{"data":{"version":2}}}"#);
    assert!(matches!(&news[..], [News::State(channel, _)] if channel == PAGES));
}

#[test]
fn a_query_that_is_refused_ends_nothing_else() {
    let mut session = open();
    session.subscribe(PAGES, Position::default(), asked("{}"));
    session.take_frame();
    let news = session.read(r#"{"id":2,"error":{"code":107,"message":"metrics: is required"}}"#);
    assert!(
        matches!(&news[..], [News::Refused(channel, why)] if channel == PAGES && why == "metrics: is required")
    );
    assert!(!session.is_idle());
}
