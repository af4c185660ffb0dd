//! Raw events on their way out: by readable names, piece by piece, or as a Parquet file that the engine writes.

use super::read::{COLUMNS, event};
use crate::{
    event::Event,
    store::{ExportedEvent, Slice},
};
use duckdb::{Connection, params};
use pulsecast_protocol::Timestamp;
use serde_json::Value;
use std::path::Path;

/// Numbers that one question looks through at first. Events lie in the order of their numbers: of a window the engine reads only
/// the row groups that can hold it, where "the next ones, in order" would read all the rest each time.
const WINDOW: u64 = 20_000;
/// The widest window, for sites that are a small part of the traffic.
const WIDEST: u64 = 2_000_000;

/// The condition of a slice; only numbers, so nothing needs quoting.
fn condition(slice: Slice) -> String {
    let bound = |sign: &str, at: Option<Timestamp>| {
        at.map_or_else(String::new, |at| {
            format!(" and e.happened_at {sign} epoch_ms({}::bigint)", at.millis())
        })
    };
    format!(
        "e.site = {}{}{}",
        slice.site.0,
        bound(">=", slice.from),
        bound("<", slice.to)
    )
}

pub(super) fn last_of(connection: &Connection, slice: Slice) -> duckdb::Result<u64> {
    let question = format!(
        "select coalesce(max(e.seq), 0) from events e where {}",
        condition(slice)
    );
    connection.query_row(&question, [], |row| row.get(0))
}

pub(super) fn piece(
    connection: &Connection,
    slice: Slice,
    after: u64,
    through: u64,
    limit: usize,
) -> duckdb::Result<Vec<(u64, ExportedEvent)>> {
    let mut select = connection.prepare(&format!(
        "select {COLUMNS} from events e join paths p on p.id = e.path \
         where {} and e.seq > ? and e.seq <= ? order by e.seq limit {limit}",
        condition(slice)
    ))?;
    let (mut low, mut window) = (after, WINDOW);
    while low < through {
        let high = through.min(low.saturating_add(window));
        let events: Vec<Event> = select
            .query_map(params![low, high], event)?
            .collect::<duckdb::Result<_>>()?;
        if !events.is_empty() {
            return Ok(events
                .into_iter()
                .map(|event| (event.seq, exported(event)))
                .collect());
        }
        (low, window) = (high, WIDEST.min(window * 4));
    }
    Ok(Vec::new())
}

pub(super) fn prop_keys(connection: &Connection, slice: Slice, limit: usize) -> duckdb::Result<Vec<String>> {
    let mut select = connection.prepare(&format!(
        "select key from (select unnest(json_keys(e.props)) as key from events e where {} and e.props is not null) \
         group by key order by count(*) desc, key limit {limit}",
        condition(slice)
    ))?;
    select.query_map([], |row| row.get(0))?.collect()
}

pub(super) fn parquet(connection: &Connection, slice: Slice, file: &Path) -> duckdb::Result<()> {
    let file = file.display().to_string().replace('\'', "''");
    connection.execute_batch(&format!(
        "copy (select e.seq, e.happened_at as time, e.name, e.kind, format('{{:016x}}', e.visitor) as visitor, e.visit, \
           e.hostname, p.path, e.referrer, e.source, e.medium, e.channel, e.utm_source, e.utm_medium, e.utm_campaign, \
           e.utm_content, e.utm_term, e.browser, e.browser_version, e.os, e.os_version, e.device, e.screen, e.country, \
           e.region, e.city, e.language, e.props, e.revenue, e.currency, e.scroll_depth, e.engaged as engaged_ms \
         from events e join paths p on p.id = e.path where {}) \
         to '{file}' (format parquet, compression zstd)",
        condition(slice)
    ))
}

/// One event by readable names; what it does not have is left out. Visitors keep their daily hash, in hexadecimal.
fn exported(event: Event) -> ExportedEvent {
    let hit = event.hit;
    let mut out = ExportedEvent::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(key.to_owned(), value);
        }
    };
    let time = chrono::DateTime::from_timestamp_millis(hit.at.millis()).unwrap_or_default();
    put("seq", Some(event.seq.into()));
    put(
        "time",
        Some(time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true).into()),
    );
    put("name", Some(hit.name.into()));
    put("kind", Some(super::write::kind_name(hit.kind).into()));
    put("visitor", Some(format!("{:016x}", event.visitor.0).into()));
    put("visit", Some(event.visit.0.into()));
    put("hostname", Some(hit.hostname.into()));
    put("path", Some(hit.path.into()));
    put("referrer", hit.referrer.map(Value::from));
    put("source", hit.source.map(Value::from));
    put("medium", hit.medium.map(Value::from));
    put("channel", hit.channel.map(Value::from));
    let (utm, client) = (hit.utm, hit.client);
    for (key, value) in [
        ("utm_source", utm.source),
        ("utm_medium", utm.medium),
        ("utm_campaign", utm.campaign),
        ("utm_content", utm.content),
        ("utm_term", utm.term),
        ("browser", client.browser),
        ("browser_version", client.browser_version),
        ("os", client.os),
        ("os_version", client.os_version),
        ("device", client.device),
        ("screen", client.screen),
        ("country", client.country),
        ("region", client.region),
        ("city", client.city),
        ("language", client.language),
    ] {
        put(key, value.map(Value::from));
    }
    put(
        "props",
        (!hit.props.is_empty()).then(|| serde_json::json!(hit.props)),
    );
    put(
        "revenue",
        hit.revenue
            .map(|(amount, currency)| serde_json::json!({ "amount": amount, "currency": currency })),
    );
    put("scroll_depth", hit.scroll_depth.map(Value::from));
    put("engaged_ms", hit.engaged.map(Value::from));
    out
}
