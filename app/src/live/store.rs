//! The state of one site as signals, so that a tick touches only what it changed on the screen.

use super::{
    reduce::reduce,
    socket::{LiveNews, Socket},
};
use crate::platform;
use leptos::prelude::*;
use pulsecast_protocol::{
    Channel, Domain, Timestamp,
    live::{HOURS, HourCount, LiveState, MINUTES, MinuteCount, StreamRow, Tile, TopRow},
};
use std::time::Duration;

/// What moves on a site's pages.
#[derive(Clone, Copy, Debug)]
pub struct LiveStore {
    state: StoredValue<LiveState>,
    /// How far the server's clock is ahead of ours, in milliseconds.
    ahead: StoredValue<i64>,
    /// The server's time, to the minute.
    pub minute: RwSignal<i64>,
    /// See [`LiveState::current_visitors`].
    pub current_visitors: RwSignal<u32>,
    /// See [`LiveState::online`].
    pub online: RwSignal<u32>,
    /// See [`LiveState::minutes`].
    pub minutes: RwSignal<Vec<MinuteCount>>,
    /// See [`LiveState::hours`].
    pub hours: RwSignal<Vec<HourCount>>,
    /// See [`LiveState::stream`].
    pub stream: RwSignal<Vec<StreamRow>>,
    top: [RwSignal<Vec<TopRow>>; Tile::ALL.len()],
}

impl LiveStore {
    /// Starts from what the server rendered.
    #[must_use]
    pub fn new(state: LiveState) -> Self {
        Self {
            ahead: StoredValue::new(0),
            minute: RwSignal::new(state.at.minute()),
            current_visitors: RwSignal::new(state.current_visitors),
            online: RwSignal::new(state.online),
            minutes: RwSignal::new(state.minutes.clone()),
            hours: RwSignal::new(state.hours.clone()),
            stream: RwSignal::new(state.stream.clone()),
            top: Tile::ALL.map(|tile| RwSignal::new(rows_of(&state, tile))),
            state: StoredValue::new(state),
        }
    }

    /// Keeps it current from where it started, until the calling component goes away.
    pub fn follow(self, socket: Socket, site: &Domain) {
        let channel = Channel::Live { site: site.clone() };
        Effect::new(move || {
            let (at, position) = self.state.with_value(|state| (state.at, state.position.clone()));
            self.ahead.set_value(at.since(platform::now()));
            socket.follow(&channel, position, Callback::new(move |news| self.take(news)));
            let ticking = set_interval_with_handle(move || self.tick(), Duration::from_secs(1));
            on_cleanup(move || {
                if let Ok(ticking) = ticking {
                    ticking.clear();
                }
            });
        });
    }

    /// The rows of a top list.
    #[must_use]
    pub fn top(self, tile: Tile) -> RwSignal<Vec<TopRow>> {
        self.top[Tile::ALL.iter().position(|t| *t == tile).unwrap_or_default()]
    }

    /// Pageviews within the live window.
    #[must_use]
    pub fn pageviews(self) -> Memo<u32> {
        Memo::new(move |_| {
            let oldest = self.minute.get() - MINUTES as i64;
            self.minutes.with(|minutes| {
                minutes
                    .iter()
                    .filter(|m| m.minute > oldest)
                    .map(|m| m.pageviews)
                    .sum()
            })
        })
    }

    /// Pageviews within the last 24 hours.
    #[must_use]
    pub fn pageviews_of_day(self) -> Memo<u32> {
        Memo::new(move |_| {
            let oldest = self.hour() - HOURS as i64;
            self.hours.with(|hours| {
                hours
                    .iter()
                    .filter(|h| h.hour > oldest)
                    .map(|h| h.pageviews)
                    .sum()
            })
        })
    }

    /// The hour that the server's clock shows.
    #[must_use]
    pub fn hour(self) -> i64 {
        self.minute.get().div_euclid(60)
    }

    fn take(self, news: LiveNews) {
        self.state.update_value(|state| match news {
            LiveNews::State(new) => *state = *new,
            LiveNews::Change(change) => reduce(state, *change),
        });
        self.state.with_value(|state| {
            self.ahead.set_value(state.at.since(platform::now()));
            put(self.current_visitors, &state.current_visitors);
            put(self.online, &state.online);
            put(self.minutes, &state.minutes);
            put(self.hours, &state.hours);
            put(self.stream, &state.stream);
            for (signal, tile) in self.top.into_iter().zip(Tile::ALL) {
                put(signal, &rows_of(state, tile));
            }
        });
        self.tick();
    }

    fn tick(self) {
        if let Some(ahead) = self.ahead.try_get_value() {
            put(self.minute, &platform::now().plus(ahead).minute());
        }
    }
}

fn put<T: Clone + PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: &T) {
    if signal.try_with_untracked(|old| old != value) == Some(true) {
        signal.set(value.clone());
    }
}

fn rows_of(state: &LiveState, tile: Tile) -> Vec<TopRow> {
    state
        .top
        .iter()
        .find(|list| list.tile == tile)
        .map(|list| list.rows.clone())
        .unwrap_or_default()
}

/// One bar of the chart by minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// When its minute began.
    pub from: Timestamp,
    /// Pageviews in it.
    pub pageviews: u32,
    /// Distinct visitors in it.
    pub visitors: u32,
}

/// The last 30 minutes, oldest first, empty ones included.
#[must_use]
pub fn bars(minutes: &[MinuteCount], now: i64) -> Vec<Bar> {
    let first = now - MINUTES as i64 + 1;
    (first..=now)
        .map(|minute| {
            let count = minutes
                .iter()
                .find(|m| m.minute == minute)
                .copied()
                .unwrap_or_default();
            Bar {
                from: Timestamp(minute * Timestamp::MINUTE),
                pageviews: count.pageviews,
                visitors: count.visitors,
            }
        })
        .collect()
}

/// Pageviews of the last 24 hours, oldest first, empty ones included.
#[must_use]
pub fn day(hours: &[HourCount], now: i64) -> Vec<u32> {
    let first = now - HOURS as i64 + 1;
    (first..=now)
        .map(|hour| hours.iter().find(|h| h.hour == hour).map_or(0, |h| h.pageviews))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chart_has_thirty_bars_and_ends_now() {
        let bars = bars(
            &[
                MinuteCount {
                    minute: 100,
                    pageviews: 4,
                    visitors: 2,
                },
                MinuteCount {
                    minute: 70,
                    pageviews: 9,
                    visitors: 9,
                },
            ],
            100,
        );
        assert_eq!(bars.len(), 30);
        assert_eq!(bars.last().map(|b| (b.pageviews, b.visitors)), Some((4, 2)));
        assert_eq!(
            bars.iter().map(|b| b.pageviews).sum::<u32>(),
            4,
            "the minute before the window is left out"
        );
    }

    #[test]
    fn the_sparkline_has_an_hour_for_each_of_the_day() {
        let day = day(
            &[
                HourCount {
                    hour: 50,
                    pageviews: 3,
                },
                HourCount {
                    hour: 27,
                    pageviews: 1,
                },
            ],
            50,
        );
        assert_eq!((day.len(), day[0], day[23]), (24, 1, 3));
    }
}
