//! What must hold whatever the server sends.

use super::*;
use proptest::prelude::*;
use pulsecast_protocol::live::{Tile, TopRow};

const NOON: Timestamp = Timestamp(1_795_176_000_000);

fn row(seq: u64) -> StreamRow {
    StreamRow {
        seq,
        at: NOON,
        name: "pageview".into(),
        hostname: "example.com".into(),
        path: format!("/{seq}"),
        source: None,
        country: None,
        country_name: None,
        browser: None,
        os: None,
        device: None,
        ip: None,
    }
}

fn minute(back: i64, pageviews: u32) -> MinuteCount {
    MinuteCount {
        minute: NOON.minute() - back,
        pageviews,
        visitors: pageviews,
    }
}

fn at_noon() -> LiveState {
    LiveState {
        at: NOON,
        current_visitors: 2,
        online: 1,
        minutes: vec![minute(3, 7)],
        stream: vec![row(5)],
        ..LiveState::default()
    }
}

#[test]
fn what_a_change_does_not_name_stays_as_it_was() {
    let mut state = at_noon();
    reduce(
        &mut state,
        LiveChange {
            at: NOON.plus(1),
            online: Some(4),
            ..LiveChange::default()
        },
    );
    assert_eq!(
        (state.current_visitors, state.online, state.stream.len()),
        (2, 4, 1)
    );
}

#[test]
fn a_missed_row_finds_its_place_and_a_known_one_is_not_doubled() {
    let mut state = at_noon();
    reduce(
        &mut state,
        LiveChange {
            at: NOON,
            stream: vec![row(3), row(5), row(9)],
            ..LiveChange::default()
        },
    );
    assert_eq!(state.stream.iter().map(|r| r.seq).collect::<Vec<_>>(), [3, 5, 9]);
}

#[test]
fn minutes_fall_out_of_the_window_as_time_passes() {
    let mut state = at_noon();
    reduce(
        &mut state,
        LiveChange {
            at: NOON.plus(26 * Timestamp::MINUTE),
            ..LiveChange::default()
        },
    );
    assert_eq!(state.minutes.len(), 1);
    reduce(
        &mut state,
        LiveChange {
            at: NOON.plus(27 * Timestamp::MINUTE),
            ..LiveChange::default()
        },
    );
    assert!(state.minutes.is_empty());
}

#[test]
fn a_change_published_after_a_snapshot_counts_even_if_it_was_stamped_before_it() {
    let mut state = at_noon();
    reduce(
        &mut state,
        LiveChange {
            at: NOON.plus(-1),
            current_visitors: Some(9),
            stream: vec![row(6)],
            ..LiveChange::default()
        },
    );
    assert_eq!((state.current_visitors, state.stream.len()), (9, 2));
}

#[test]
fn a_list_is_replaced_as_a_whole() {
    let list = |n| TopList {
        tile: Tile::Pages,
        rows: vec![TopRow {
            key: "/".into(),
            label: "/".into(),
            visitors: n,
        }],
    };
    let mut state = at_noon();
    reduce(
        &mut state,
        LiveChange {
            at: NOON,
            top: vec![list(1)],
            ..LiveChange::default()
        },
    );
    reduce(
        &mut state,
        LiveChange {
            at: NOON,
            top: vec![list(2)],
            ..LiveChange::default()
        },
    );
    assert_eq!(state.top, [list(2)]);
}

prop_compose! {
    fn any_change()(
        at in 0_i64..3_600_000,
        current in proptest::option::of(0_u32..50),
        online in proptest::option::of(0_u32..50),
        minutes in proptest::collection::vec((0_i64..90, 0_u32..9), 0..6),
        hours in proptest::collection::vec((0_i64..60, 0_u32..9), 0..4),
        seqs in proptest::collection::vec(0_u64..600, 0..250),
    ) -> LiveChange {
        LiveChange {
            at: NOON.plus(at),
            current_visitors: current,
            online,
            minutes: minutes.into_iter().map(|(back, n)| minute(back - 60, n)).collect(),
            hours: hours.into_iter().map(|(back, n)| HourCount { hour: NOON.hour() - back + 30, pageviews: n }).collect(),
            stream: seqs.into_iter().map(row).collect(),
            ..LiveChange::default()
        }
    }
}

proptest! {
    #[test]
    fn the_same_change_twice_is_the_same_as_once(changes in proptest::collection::vec(any_change(), 1..5)) {
        let mut state = at_noon();
        for change in changes {
            reduce(&mut state, change.clone());
            let once = state.clone();
            reduce(&mut state, change);
            prop_assert_eq!(&state, &once);
        }
    }

    #[test]
    fn the_state_stays_sorted_and_within_its_limits(changes in proptest::collection::vec(any_change(), 1..8)) {
        let mut state = at_noon();
        for change in changes {
            reduce(&mut state, change);
            prop_assert!(state.stream.len() <= STREAM_ROWS && state.minutes.len() <= MINUTES && state.hours.len() <= HOURS);
            prop_assert!(state.stream.is_sorted_by(|a, b| a.seq < b.seq));
            prop_assert!(state.minutes.is_sorted_by(|a, b| a.minute < b.minute));
            prop_assert!(state.hours.is_sorted_by(|a, b| a.hour < b.hour));
        }
    }
}
