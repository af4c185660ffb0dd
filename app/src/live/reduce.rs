//! What a change does to the state of a live page. Pure, and idempotent: a change that came twice changes nothing the second time.
//!
//! Order is the session's business, by offset, not by time: a change published after a snapshot may have been stamped before it.

use pulsecast_protocol::{
    Timestamp,
    live::{HOURS, HourCount, LiveChange, LiveState, MINUTES, MinuteCount, STREAM_ROWS, StreamRow, TopList},
};

/// Applies a change and keeps the state within the limits of `protocol::live`.
pub fn reduce(state: &mut LiveState, change: LiveChange) {
    state.at = change.at;
    state.current_visitors = change.current_visitors.unwrap_or(state.current_visitors);
    state.online = change.online.unwrap_or(state.online);
    merge_minutes(&mut state.minutes, change.minutes, change.at);
    merge_hours(&mut state.hours, change.hours, change.at);
    merge_rows(&mut state.stream, change.stream);
    for list in change.top {
        replace_list(&mut state.top, list);
    }
}

fn merge_minutes(have: &mut Vec<MinuteCount>, new: Vec<MinuteCount>, at: Timestamp) {
    for count in new {
        match have.binary_search_by_key(&count.minute, |c| c.minute) {
            Ok(i) => have[i] = count,
            Err(i) => have.insert(i, count),
        }
    }
    let oldest = at.minute() - MINUTES as i64;
    have.retain(|c| c.minute > oldest);
    keep_last(have, MINUTES);
}

fn merge_hours(have: &mut Vec<HourCount>, new: Vec<HourCount>, at: Timestamp) {
    for count in new {
        match have.binary_search_by_key(&count.hour, |c| c.hour) {
            Ok(i) => have[i] = count,
            Err(i) => have.insert(i, count),
        }
    }
    let oldest = at.hour() - HOURS as i64;
    have.retain(|c| c.hour > oldest);
    keep_last(have, HOURS);
}

fn merge_rows(have: &mut Vec<StreamRow>, new: Vec<StreamRow>) {
    for row in new {
        if let Err(i) = have.binary_search_by_key(&row.seq, |r| r.seq) {
            have.insert(i, row);
        }
    }
    keep_last(have, STREAM_ROWS);
}

fn replace_list(have: &mut Vec<TopList>, new: TopList) {
    match have.iter_mut().find(|list| list.tile == new.tile) {
        Some(list) => *list = new,
        None => have.push(new),
    }
}

fn keep_last<T>(items: &mut Vec<T>, most: usize) {
    let surplus = items.len().saturating_sub(most);
    items.drain(..surplus);
}

#[cfg(test)]
#[path = "reduce_tests.rs"]
mod tests;
