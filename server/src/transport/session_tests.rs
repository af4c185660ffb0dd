use super::*;
use crate::{
    gate::{Refused, TokenError},
    sites::AccountId,
};
use pulsecast_protocol::wire::RefreshResult;

const NOW: Timestamp = Timestamp(1_000_000);

/// Knows the site `a.com`, whose member is account 1 (token `ann`), and the token `old`, which has expired.
struct TestGate;

impl Gate for TestGate {
    fn open(
        &self,
        _: Option<&pulsecast_protocol::Origin>,
        _: Option<&str>,
    ) -> Result<crate::gate::Entrance, Refused> {
        Ok(crate::gate::Entrance::default())
    }

    fn identify_token(&self, token: &str, _: Timestamp) -> Result<Identity, TokenError> {
        match token {
            "ann" | "ann2" => Ok(Identity {
                account: Some(AccountId(1)),
                user: "1".to_owned(),
                expires: Some(NOW.plus(600_000)),
                ..Identity::default()
            }),
            "bob" => Ok(Identity {
                account: Some(AccountId(2)),
                user: "2".to_owned(),
                ..Identity::default()
            }),
            "old" => Err(TokenError::Expired),
            _ => Err(TokenError::Invalid),
        }
    }

    fn may(&self, who: &Identity, _right: Right, channel: &Channel) -> Result<(), Refused> {
        match channel {
            _ if channel.site().as_str() != "a.com" => Err(Refused::UnknownChannel),
            Channel::Live { .. } if who.account != Some(AccountId(1)) => Err(Refused::NotAllowed),
            _ => Ok(()),
        }
    }
}

fn session() -> Session {
    let limits = Limits {
        channels: 2,
        burst: 20,
        ..Limits::default()
    };
    Session::new(
        Arc::new(TestGate),
        "c1".to_owned(),
        Identity::default(),
        &limits,
        NOW,
    )
}

fn connected(token: &str) -> Session {
    let mut session = session();
    let outcome = say(
        &mut session,
        &format!(r#"{{"id":1,"connect":{{"token":"{token}"}}}}"#),
    );
    assert!(matches!(outcome, Outcome::Greeted(_)), "{outcome:?}");
    session
}

fn say(session: &mut Session, command: &str) -> Outcome {
    session.take(serde_json::from_str(command).unwrap(), NOW)
}

fn error(outcome: Outcome) -> u32 {
    match outcome {
        Outcome::Reply(reply) => reply.error.unwrap().code,
        other => panic!("expected an error, got {other:?}"),
    }
}

#[test]
fn connect_answers_how_to_stay_alive_and_when_the_token_ends() {
    let Outcome::Greeted(reply) = say(&mut session(), r#"{"id":1,"connect":{"token":"ann"}}"#) else {
        panic!()
    };
    let connect = reply.connect.unwrap();
    assert_eq!(
        (connect.client.as_str(), connect.ping, connect.pong),
        ("c1", 25, true)
    );
    assert_eq!((reply.id, connect.expires, connect.ttl), (1, true, 600));
}

#[test]
fn nothing_comes_before_connect_and_connect_comes_once() {
    for command in [
        r#"{"id":1,"subscribe":{"channel":"online:a.com"}}"#,
        r#"{"id":1,"ping":{}}"#,
        "{}",
        r#"{"send":{}}"#,
    ] {
        assert!(
            matches!(say(&mut session(), command), Outcome::End(Disconnect::BadRequest)),
            "{command}"
        );
    }
    let mut session = connected("");
    assert!(matches!(
        say(&mut session, r#"{"id":2,"connect":{}}"#),
        Outcome::End(Disconnect::BadRequest)
    ));
}

#[test]
fn an_old_token_is_told_to_be_renewed_and_a_wrong_one_to_stay_away() {
    assert_eq!(
        error(say(&mut session(), r#"{"id":1,"connect":{"token":"old"}}"#)),
        code::TOKEN_EXPIRED
    );
    let outcome = say(&mut session(), r#"{"id":1,"connect":{"token":"forged"}}"#);
    assert!(matches!(outcome, Outcome::End(Disconnect::InvalidToken)));
}

#[test]
fn a_token_does_not_change_where_the_connection_came_from() {
    let who = Identity {
        origin: Some("https://a.com".parse().unwrap()),
        own_origin: true,
        ..Identity::default()
    };
    let mut session = Session::new(Arc::new(TestGate), String::new(), who, &Limits::default(), NOW);
    say(&mut session, r#"{"id":1,"connect":{"token":"ann"}}"#);
    assert_eq!(
        (session.who().account, session.who().own_origin),
        (Some(AccountId(1)), true)
    );
    assert_eq!(session.who().origin.as_ref().unwrap().as_str(), "https://a.com");
}

#[test]
fn a_member_joins_live_from_a_position_on() {
    let mut session = connected("ann");
    let command =
        r#"{"id":2,"subscribe":{"channel":"live:a.com","recover":true,"epoch":"e","offset":7,"flag":1}}"#;
    let Outcome::Join {
        id, channel, since, ..
    } = say(&mut session, command)
    else {
        panic!()
    };
    assert_eq!((id, channel.to_string().as_str()), (2, "live:a.com"));
    assert_eq!(
        since,
        Some(Position {
            epoch: "e".to_owned(),
            offset: 7
        })
    );
    assert_eq!(error(say(&mut session, command)), code::ALREADY_SUBSCRIBED);
    session.left("live:a.com");
    assert!(matches!(say(&mut session, command), Outcome::Join { .. }));
}

#[test]
fn who_may_not_or_asks_for_what_is_not_there_is_told_which() {
    let mut session = connected("bob");
    let mut ask = |channel: &str| {
        error(say(
            &mut session,
            &format!(r#"{{"id":2,"subscribe":{{"channel":"{channel}"}}}}"#),
        ))
    };
    assert_eq!(ask("live:a.com"), code::PERMISSION_DENIED);
    assert_eq!(ask("live:b.com"), code::UNKNOWN_CHANNEL);
    assert_eq!(ask("live:A.com"), code::UNKNOWN_CHANNEL);
    assert_eq!(ask("news"), code::UNKNOWN_CHANNEL);
    assert_eq!(ask(""), code::BAD_REQUEST);
    assert_eq!(ask("online:a.com:page"), code::UNKNOWN_CHANNEL);
}

#[test]
fn a_connection_has_so_many_live_queries_among_its_channels() {
    let limits = Limits {
        queries: 2,
        ..Limits::default()
    };
    let mut session = Session::new(
        Arc::new(TestGate),
        "c1".to_owned(),
        Identity::default(),
        &limits,
        NOW,
    );
    say(&mut session, r#"{"id":1,"connect":{"token":"ann"}}"#);
    let mut ask = |channel: &str| {
        let command = format!(r#"{{"id":2,"subscribe":{{"channel":"{channel}","data":{{"a":1}}}}}}"#);
        say(&mut session, &command)
    };
    for channel in ["query:a.com", "query:a.com:x"] {
        let Outcome::Join { data: Some(data), .. } = ask(channel) else {
            panic!("expected to join {channel}")
        };
        assert_eq!(data.get(), r#"{"a":1}"#);
    }
    assert_eq!(error(ask("query:a.com:y")), code::LIMIT_EXCEEDED);
    assert!(matches!(ask("live:a.com"), Outcome::Join { .. }));
}

#[test]
fn one_client_cannot_use_up_a_sites_counts_of_pages() {
    let limits = Limits {
        pages: 1,
        ..Limits::default()
    };
    let mut session = Session::new(
        Arc::new(TestGate),
        "c1".to_owned(),
        Identity::default(),
        &limits,
        NOW,
    );
    say(&mut session, r#"{"id":1,"connect":{}}"#);
    let mut ask = |channel: &str| {
        let command = format!(r#"{{"id":2,"subscribe":{{"channel":"{channel}"}}}}"#);
        say(&mut session, &command)
    };
    assert!(matches!(ask("online:a.com:/x"), Outcome::Join { .. }));
    assert_eq!(error(ask("online:a.com:/y")), code::LIMIT_EXCEEDED);
    assert!(matches!(ask("online:a.com"), Outcome::Join { .. }));
}

#[test]
fn a_connection_has_so_many_channels() {
    let mut session = connected("ann");
    assert!(matches!(
        say(&mut session, r#"{"id":2,"subscribe":{"channel":"online:a.com"}}"#),
        Outcome::Join { since: None, .. }
    ));
    assert!(matches!(
        say(&mut session, r#"{"id":3,"subscribe":{"channel":"live:a.com"}}"#),
        Outcome::Join { .. }
    ));
    assert_eq!(
        error(say(
            &mut session,
            r#"{"id":4,"subscribe":{"channel":"live:b.com"}}"#
        )),
        code::LIMIT_EXCEEDED
    );
    assert!(matches!(
        say(
            &mut session,
            r#"{"id":5,"unsubscribe":{"channel":"online:a.com"}}"#
        ),
        Outcome::Leave { id: 5, .. }
    ));
    assert_eq!(
        error(say(
            &mut session,
            r#"{"id":6,"subscribe":{"channel":"live:b.com"}}"#
        )),
        code::UNKNOWN_CHANNEL
    );
}

#[test]
fn what_the_server_does_not_do_it_says_by_the_protocols_numbers() {
    let mut session = connected("ann");
    for (command, code) in [
        (
            r#"{"id":2,"publish":{"channel":"live:a.com","data":{}}}"#,
            code::PERMISSION_DENIED,
        ),
        (
            r#"{"id":2,"presence":{"channel":"live:a.com"}}"#,
            code::NOT_AVAILABLE,
        ),
        (
            r#"{"id":2,"sub_refresh":{"channel":"live:a.com","token":"x"}}"#,
            code::PERMISSION_DENIED,
        ),
        (r#"{"id":2,"rpc":{"method":"x"}}"#, code::METHOD_NOT_FOUND),
        (r#"{"id":2,"dance":{}}"#, code::METHOD_NOT_FOUND),
        (
            r#"{"id":2,"history":{"channel":"live:b.com"}}"#,
            code::UNKNOWN_CHANNEL,
        ),
        (
            r#"{"id":2,"presence_stats":{"channel":"query:a.com"}}"#,
            code::NOT_AVAILABLE,
        ),
    ] {
        assert_eq!(error(say(&mut session, command)), code, "{command}");
    }
    assert!(
        matches!(say(&mut session, r#"{"id":3,"ping":{}}"#), Outcome::Reply(reply) if reply.ping.is_some() && reply.id == 3)
    );
    assert!(matches!(
        say(&mut session, r#"{"send":{"data":1}}"#),
        Outcome::Nothing
    ));
    assert!(matches!(say(&mut session, "{}"), Outcome::Pong));
    assert!(matches!(
        say(&mut session, r#"{"subscribe":{"channel":"live:a.com"}}"#),
        Outcome::End(Disconnect::BadRequest)
    ));
}

#[test]
fn a_new_token_prolongs_the_session_and_anothers_ends_it() {
    let mut session = connected("ann");
    let Outcome::Greeted(reply) = say(&mut session, r#"{"id":2,"refresh":{"token":"ann2"}}"#) else {
        panic!()
    };
    assert_eq!(
        reply.refresh.unwrap(),
        RefreshResult {
            expires: true,
            ttl: 600
        }
    );
    assert_eq!(
        error(say(&mut session, r#"{"id":3,"refresh":{"token":"old"}}"#)),
        code::TOKEN_EXPIRED
    );
    assert!(matches!(
        say(&mut session, r#"{"id":4,"refresh":{"token":"bob"}}"#),
        Outcome::End(Disconnect::InvalidToken)
    ));
}

#[test]
fn a_flood_of_commands_is_refused_and_then_ended() {
    let mut session = connected("");
    let mut last = Outcome::Nothing;
    let mut refused = 0;
    for id in 2..3_000 {
        last = say(&mut session, &format!(r#"{{"id":{id},"ping":{{}}}}"#));
        match &last {
            Outcome::Reply(reply) => refused += u32::from(reply.error.is_some()),
            _ => break,
        }
    }
    assert!(
        matches!(last, Outcome::End(Disconnect::TooManyRequests)) && refused == 1000,
        "{last:?} {refused}"
    );
}
