//! The readers: whoever asks gets a connection of their own to the same database.

use super::fault;
use crate::{
    event::{Client, Event, Hit, Kind, SiteId, Utm, VisitId, VisitorId},
    store::{EventReader, ExportedEvent, StoreError},
};
use duckdb::{Connection, Row, ToSql, params};
use parking_lot::Mutex;
use pulsecast_protocol::{Timestamp, live::HourCount};
use serde_json::Value;
use std::path::PathBuf;

/// Reads events. Calls block: ask from a thread that may wait.
pub struct DuckReader {
    path: PathBuf,
    /// Cloned for each question, so that a slow one holds up nobody.
    connection: Mutex<Connection>,
}

const COLUMNS: &str = "e.seq, e.site, epoch_ms(e.happened_at), e.kind, e.name, e.visitor, e.visit, e.hostname, p.path, \
     e.referrer, e.source, e.medium, e.utm_source, e.utm_medium, e.utm_campaign, e.utm_content, e.utm_term, \
     e.browser, e.browser_version, e.os, e.os_version, e.device, e.screen, e.country, e.language, \
     e.props, e.revenue, e.currency, e.scroll_depth, e.engaged";

impl DuckReader {
    pub(super) fn new(path: PathBuf, connection: Connection) -> Self {
        Self { path, connection: Mutex::new(connection) }
    }

    fn ask<T>(&self, question: impl FnOnce(&Connection) -> duckdb::Result<T>) -> Result<T, StoreError> {
        let connection = self.connection.lock().try_clone();
        connection.and_then(|connection| question(&connection)).map_err(|e| fault(&self.path, &e))
    }

    fn events(&self, condition: &str, params: &[&dyn ToSql]) -> Result<Vec<Event>, StoreError> {
        self.ask(|connection| {
            let mut select =
                connection.prepare(&format!("select {COLUMNS} from events e join paths p on p.id = e.path where {condition}"))?;
            select.query_map(params, event)?.collect()
        })
    }
}

impl EventReader for DuckReader {
    fn open_visit_events(&self, oldest_open: VisitId) -> Result<Vec<Event>, StoreError> {
        self.events(
            "e.visit >= ? and e.visit not in (select visit from visits where visit >= ?) order by e.seq",
            params![oldest_open.0, oldest_open.0],
        )
    }

    fn since(&self, at: Timestamp, limit: usize) -> Result<Vec<Event>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut events =
            self.events("e.happened_at >= make_timestamp(? * 1000) order by e.seq desc limit ?", params![at.millis(), limit])?;
        events.reverse();
        Ok(events)
    }

    fn hours(&self, since: Timestamp) -> Result<Vec<(SiteId, HourCount)>, StoreError> {
        self.ask(|connection| {
            let mut select = connection.prepare(
                "select site, epoch_ms(happened_at) // 3600000 as hour, count(*) from events \
                 where kind = 'pageview' and happened_at >= make_timestamp(? * 1000) group by all order by all",
            )?;
            let rows = select.query_map(params![since.millis()], |row| {
                Ok((SiteId(row.get(0)?), HourCount { hour: row.get(1)?, pageviews: row.get(2)? }))
            })?;
            rows.collect()
        })
    }

    fn sites(&self) -> Result<Vec<SiteId>, StoreError> {
        self.ask(|connection| {
            let mut select = connection.prepare("select distinct site from events union select distinct site from visits")?;
            select.query_map([], |row| row.get(0).map(SiteId))?.collect()
        })
    }

    fn has_events(&self, site: SiteId) -> Result<bool, StoreError> {
        self.ask(|connection| {
            connection.query_row("select exists (select 1 from events where site = ?)", params![site.0], |row| row.get(0))
        })
    }

    fn export(&self, site: SiteId, after: u64, limit: usize) -> Result<Vec<(u64, ExportedEvent)>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let events = self.events("e.site = ? and e.seq > ? order by e.seq limit ?", params![site.0, after, limit])?;
        Ok(events.into_iter().map(|event| (event.seq, exported(event))).collect())
    }
}

fn event(row: &Row<'_>) -> duckdb::Result<Event> {
    let mut at = 0;
    let mut next = || {
        at += 1;
        at - 1
    };
    let seq = row.get(next())?;
    let site = SiteId(row.get(next())?);
    let time = Timestamp(row.get(next())?);
    let kind: String = row.get(next())?;
    let name = row.get(next())?;
    let visitor = VisitorId(row.get(next())?);
    let visit = VisitId(row.get(next())?);
    let hit = Hit {
        site,
        at: time,
        kind: match kind.as_str() {
            "pageview" => Kind::Pageview,
            "custom" => Kind::Custom,
            "passive" => Kind::CustomPassive,
            _ => Kind::Engagement,
        },
        name,
        visitor,
        visitor_before: None,
        hostname: row.get(next())?,
        path: row.get(next())?,
        referrer: row.get(next())?,
        source: row.get(next())?,
        medium: row.get(next())?,
        utm: Utm {
            source: row.get(next())?,
            medium: row.get(next())?,
            campaign: row.get(next())?,
            content: row.get(next())?,
            term: row.get(next())?,
        },
        client: Client {
            browser: row.get(next())?,
            browser_version: row.get(next())?,
            os: row.get(next())?,
            os_version: row.get(next())?,
            device: row.get(next())?,
            screen: row.get(next())?,
            country: row.get(next())?,
            language: row.get(next())?,
        },
        props: row.get::<_, Option<String>>(next())?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        revenue: match (row.get(next())?, row.get(next())?) {
            (Some(amount), Some(currency)) => Some((amount, currency)),
            _ => None,
        },
        scroll_depth: row.get(next())?,
        engaged: row.get(next())?,
    };
    Ok(Event { seq, visit, visitor, hit })
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
    put("time", Some(time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true).into()));
    put("name", Some(hit.name.into()));
    put("kind", Some(super::write::kind_name(hit.kind).into()));
    put("visitor", Some(format!("{:016x}", event.visitor.0).into()));
    put("visit", Some(event.visit.0.into()));
    put("hostname", Some(hit.hostname.into()));
    put("path", Some(hit.path.into()));
    put("referrer", hit.referrer.map(Value::from));
    put("source", hit.source.map(Value::from));
    put("medium", hit.medium.map(Value::from));
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
        ("language", client.language),
    ] {
        put(key, value.map(Value::from));
    }
    put("props", (!hit.props.is_empty()).then(|| serde_json::json!(hit.props)));
    put("revenue", hit.revenue.map(|(amount, currency)| serde_json::json!({ "amount": amount, "currency": currency })));
    put("scroll_depth", hit.scroll_depth.map(Value::from));
    put("engaged_ms", hit.engaged.map(Value::from));
    out
}
