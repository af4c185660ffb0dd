//! The split into visits follows the 30-minute rule, whatever order events come in, as long as they come within a minute.

use super::{dice::Dice, history::History};
use pulsecast_protocol::Timestamp;
use pulsecast_server::event::Event;
use std::collections::BTreeMap;

/// How much later than it happened an event of a random history may come.
const LATENESS: i64 = Timestamp::MINUTE;
const TIMEOUT: i64 = 30 * Timestamp::MINUTE;

#[test]
fn half_an_hour_of_silence_is_what_parts_visits() {
    for seed in 0..300 {
        let (events, _) = History::punctual(&mut Dice::new(seed)).played();
        let mut by_visitor: BTreeMap<_, Vec<&Event>> = BTreeMap::new();
        for event in &events {
            by_visitor
                .entry((event.hit.site, event.visitor))
                .or_default()
                .push(event);
        }
        for mut events in by_visitor.into_values() {
            events.sort_by_key(|event| (event.hit.at, event.seq));
            for pair in events.windows(2) {
                let silence = pair[1].hit.at.since(pair[0].hit.at);
                if silence > TIMEOUT {
                    assert_ne!(
                        pair[0].visit, pair[1].visit,
                        "seed {seed}: {silence} ms of silence within {pair:#?}"
                    );
                }
                // An event that comes late may have been what joined two visits that were parted already.
                if silence <= TIMEOUT - LATENESS {
                    assert_eq!(
                        pair[0].visit, pair[1].visit,
                        "seed {seed}: {silence} ms of silence between {pair:#?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_visit_over_midnight_keeps_its_visitor() {
    let mut over_midnight = 0;
    for seed in 0..300 {
        let (events, _) = History::punctual(&mut Dice::new(seed)).played();
        let mut visitors = BTreeMap::new();
        let mut days: BTreeMap<_, Vec<i64>> = BTreeMap::new();
        for event in &events {
            assert_eq!(
                visitors.entry(event.visit).or_insert(event.visitor),
                &event.visitor,
                "seed {seed}: {event:#?}"
            );
            days.entry(event.visit).or_default().push(event.hit.at.day());
        }
        over_midnight += days
            .values()
            .filter(|days| days.iter().any(|day| *day != days[0]))
            .count();
    }
    assert!(
        over_midnight > 50,
        "only {over_midnight} visits of all histories went over midnight"
    );
}
