use super::{fixture::hit, *};
use crate::event::Kind;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[test]
fn thirty_minutes_of_silence_end_a_visit_and_not_a_minute_less() {
    let mut sessions = Sessions::new();
    let first = sessions.attribute(1, hit(7, 0, "/"));
    let second = sessions.attribute(2, hit(7, 30, "/a"));
    let third = sessions.attribute(3, hit(7, 61, "/b"));
    assert_eq!(first.visit, second.visit);
    assert_eq!(third.visit, VisitId(3));
    let ended = sessions.end(Timestamp(61 * Timestamp::MINUTE));
    assert_eq!(ended.len(), 1);
    assert_eq!(
        (ended[0].pageviews, ended[0].duration(), ended[0].is_bounce()),
        (2, 30 * Timestamp::MINUTE, false)
    );
    assert_eq!(ended[0].exit.as_ref().unwrap().path, "/a");
}

#[test]
fn midnight_does_not_end_a_visit() {
    let mut sessions = Sessions::new();
    let before = sessions.attribute(1, hit(7, 24 * 60 - 5, "/"));
    let mut after = hit(8, 24 * 60 + 5, "/a");
    after.visitor_before = Some(VisitorId(7));
    let after = sessions.attribute(2, after);
    assert_eq!((after.visit, after.visitor), (before.visit, VisitorId(7)));
}

#[test]
fn engagement_keeps_a_visit_alive_and_changes_nothing_else() {
    let mut sessions = Sessions::new();
    sessions.attribute(1, hit(7, 0, "/"));
    let mut engagement = hit(7, 20, "/");
    engagement.kind = Kind::Engagement;
    sessions.attribute(2, engagement);
    let later = sessions.attribute(3, hit(7, 45, "/a"));
    assert_eq!(later.visit, VisitId(1));
    let visits = sessions.end(Timestamp(200 * Timestamp::MINUTE));
    assert_eq!((visits[0].pageviews, visits[0].events), (2, 2));
}

#[test]
fn an_interactive_event_keeps_a_visit_from_bouncing_and_a_passive_one_does_not() {
    for (kind, bounces) in [(Kind::Custom, false), (Kind::CustomPassive, true)] {
        let mut sessions = Sessions::new();
        sessions.attribute(1, hit(7, 0, "/"));
        let mut custom = hit(7, 1, "/");
        custom.kind = kind;
        sessions.attribute(2, custom);
        assert_eq!(
            sessions.end(Timestamp(200 * Timestamp::MINUTE))[0].is_bounce(),
            bounces
        );
    }
}

#[test]
fn a_late_event_of_an_open_visit_moves_its_beginning() {
    let mut sessions = Sessions::new();
    sessions.attribute(1, hit(7, 10, "/second"));
    let late = sessions.attribute(2, hit(7, 5, "/first"));
    assert_eq!(late.visit, VisitId(1));
    let visit = sessions.end(Timestamp(200 * Timestamp::MINUTE)).remove(0);
    assert_eq!(visit.entry.unwrap().path, "/first");
    assert_eq!(visit.exit.unwrap().path, "/second");
}

#[test]
fn every_event_carries_the_source_and_the_client_of_the_one_that_opened_its_visit() {
    let mut sessions = Sessions::new();
    let mut first = hit(7, 10, "/");
    (first.source, first.channel) = (Some("Google".into()), Some("Organic Search".into()));
    first.client.country = Some("DE".into());
    let first = sessions.attribute(1, first);
    let mut earlier = hit(7, 5, "/a");
    (earlier.source, earlier.utm.source) = (Some("news".into()), Some("news".into()));
    let mut later = hit(7, 20, "/b");
    later.client.country = Some("FR".into());
    for (seq, other) in [(2, earlier), (3, later)] {
        let event = sessions.attribute(seq, other);
        assert_eq!(event.visit, VisitId(1));
        assert_eq!(
            (
                &event.hit.source,
                &event.hit.channel,
                &event.hit.utm,
                &event.hit.client
            ),
            (
                &first.hit.source,
                &first.hit.channel,
                &first.hit.utm,
                &first.hit.client
            )
        );
    }
}

#[test]
fn of_two_pages_at_one_time_the_first_enters_and_the_last_exits() {
    let mut sessions = Sessions::new();
    for (seq, path) in (1..).zip(["/first", "/middle", "/last"]) {
        sessions.attribute(seq, hit(7, 0, path));
    }
    let visit = sessions.end(Timestamp(200 * Timestamp::MINUTE)).remove(0);
    assert_eq!(
        (visit.entry.unwrap().path, visit.exit.unwrap().path),
        ("/first".into(), "/last".into())
    );
}

proptest! {
    /// However often ended visits are collected on the way, and whatever the order within a minute, the visits are those that
    /// the definition gives: sort a visitor's events by time, cut where the gap exceeds 30 minutes.
    #[test]
    fn visits_are_what_the_definition_says(
        mut times in prop::collection::vec((0u64..4, 0i64..400), 1..80),
        sweeps in prop::collection::vec(any::<bool>(), 80),
    ) {
        times.sort_by_key(|(_, at)| *at);
        let mut sessions = Sessions::new();
        let mut got = BTreeSet::new();
        let mut take = |visits: Vec<Visit>| for v in visits {
            got.insert((v.visitor.0, v.start.0, v.last.0, v.pageviews));
        };
        for (i, (visitor, at)) in times.iter().enumerate() {
            sessions.attribute(i as u64 + 1, hit(*visitor, *at, "/"));
            if sweeps[i] {
                take(sessions.end(Timestamp(at * Timestamp::MINUTE)));
            }
        }
        take(sessions.end(Timestamp(10_000 * Timestamp::MINUTE)));
        prop_assert!(sessions.is_empty());

        let mut expected = BTreeSet::new();
        for visitor in 0..4 {
            let mine: Vec<i64> = times.iter().filter(|(v, _)| *v == visitor).map(|(_, at)| at * Timestamp::MINUTE).collect();
            let mut run: Vec<i64> = Vec::new();
            for at in mine {
                if run.last().is_some_and(|last| at - last > TIMEOUT) {
                    expected.insert((visitor, run[0], run[run.len() - 1], run.len() as u32));
                    run.clear();
                }
                run.push(at);
            }
            if !run.is_empty() {
                expected.insert((visitor, run[0], run[run.len() - 1], run.len() as u32));
            }
        }
        prop_assert_eq!(got, expected);
    }

    /// A crash and a replay of the same events give the same visits.
    #[test]
    fn a_replay_gives_the_same_visits(times in prop::collection::vec((0u64..4, 0i64..120), 1..60)) {
        let run = || {
            let mut sessions = Sessions::new();
            times.iter().enumerate()
                .map(|(i, (v, at))| sessions.attribute(i as u64 + 1, hit(*v, *at, "/")).visit)
                .collect::<Vec<_>>()
        };
        prop_assert_eq!(run(), run());
    }
}
