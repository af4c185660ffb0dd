//! The readers: whoever asks gets a connection of their own to the same database.

use super::{DuckRollups, export, fault, imports, late::Late};
use crate::{
    event::{Client, Event, Hit, Kind, SiteId, Utm, VisitId, VisitorId},
    sessions::{Page, Visit},
    store::{EventReader, ExportedEvent, Import, ImportId, Slice, Stop, StoreError},
};
use chrono::NaiveDate;
use duckdb::{Connection, Row, ToSql, params};
use parking_lot::Mutex;
use pulsecast_protocol::{Timestamp, live::HourCount};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Reads events. Calls block: ask from a thread that may wait.
pub struct DuckReader {
    path: PathBuf,
    /// Cloned for each question, so that a slow one holds up nobody.
    connection: Mutex<Connection>,
    late: Late,
}

/// Counts of the visits that have no row of their own yet, and the event that opened each: a visit is named by its number. Entry is the
/// earliest page, exit the latest; of two at the same time, the order of their numbers decides.
const OPEN_VISITS: &str = "with open as ( \
       select visit, min(epoch_ms(happened_at)) as start, max(epoch_ms(happened_at)) as last, \
         count(*) filter (kind = 'pageview') as pageviews, count(*) filter (kind <> 'engagement') as events, \
         coalesce(bool_or(kind = 'custom'), false) as interacted, \
         arg_min(seq, epoch_us(happened_at)::hugeint * 1000000000000 + seq) filter (kind = 'pageview') as entry, \
         arg_max(seq, epoch_us(happened_at)::hugeint * 1000000000000 + seq) filter (kind = 'pageview') as exit \
       from events where visit >= ? and visit not in (select visit from visits where visit >= ?) group by visit \
     ) \
     select o.start, o.last, o.pageviews, o.events, o.interacted, \
       a.hostname, ap.path, epoch_ms(a.happened_at), z.hostname, zp.path, epoch_ms(z.happened_at), \
       e.site, e.visitor, e.visit, e.referrer, e.source, e.medium, \
       e.utm_source, e.utm_medium, e.utm_campaign, e.utm_content, e.utm_term, \
       e.browser, e.browser_version, e.os, e.os_version, e.device, e.screen, e.country, e.language, e.region, e.city, e.channel \
     from open o join events e on e.seq = o.visit \
       left join events a on a.seq = o.entry left join paths ap on ap.id = a.path \
       left join events z on z.seq = o.exit left join paths zp on zp.id = z.path \
     order by o.visit";

pub(super) const COLUMNS: &str = "e.seq, e.site, epoch_ms(e.happened_at), e.kind, e.name, e.visitor, e.visit, e.hostname, p.path, \
     e.referrer, e.source, e.medium, e.utm_source, e.utm_medium, e.utm_campaign, e.utm_content, e.utm_term, \
     e.browser, e.browser_version, e.os, e.os_version, e.device, e.screen, e.country, e.language, e.region, e.city, e.channel, \
     e.props, e.revenue, e.currency, e.scroll_depth, e.engaged";

/// As [`COLUMNS`], without what no live window shows: reading is most of what a start takes.
const SHOWN: &str = "e.seq, e.site, epoch_ms(e.happened_at), e.kind, e.name, e.visitor, e.visit, e.hostname, p.path, \
     null, e.source, null, null, null, null, null, null, \
     e.browser, null, e.os, null, e.device, null, e.country, null, null, null, null, \
     null, null, null, null, null";

impl DuckReader {
    pub(super) fn new(path: PathBuf, connection: Connection, late: Late) -> Self {
        Self {
            path,
            connection: Mutex::new(connection),
            late,
        }
    }

    /// Answers questions about history. The open visits may be so many milliseconds old in answers; 0: never.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn stats(
        &self,
        clock: crate::clock::SharedClock,
        may_be_old: i64,
    ) -> Result<super::DuckStats, StoreError> {
        let connection = self.connection.lock().try_clone();
        let connection = connection.map_err(|e| fault(&self.path, &e))?;
        super::DuckStats::new(self.path.clone(), connection, clock, may_be_old)
    }

    /// Sums up days.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn rollups(&self) -> Result<DuckRollups, StoreError> {
        let connection = self.connection.lock().try_clone();
        let connection = connection.map_err(|e| fault(&self.path, &e))?;
        Ok(DuckRollups::new(self.path.clone(), connection, self.late.clone()))
    }

    pub(super) fn ask<T>(
        &self,
        question: impl FnOnce(&Connection) -> duckdb::Result<T>,
    ) -> Result<T, StoreError> {
        let connection = self.connection.lock().try_clone();
        connection
            .and_then(|connection| question(&connection))
            .map_err(|e| fault(&self.path, &e))
    }

    fn events(
        &self,
        columns: &str,
        condition: &str,
        params: &[&dyn ToSql],
    ) -> Result<Vec<Event>, StoreError> {
        self.ask(|connection| {
            let mut select = connection.prepare(&format!(
                "select {columns} from events e join paths p on p.id = e.path where {condition}"
            ))?;
            select.query_map(params, event)?.collect()
        })
    }
}

impl EventReader for DuckReader {
    fn open_visits(&self, oldest_open: VisitId) -> Result<Vec<Visit>, StoreError> {
        self.ask(|connection| {
            let mut select = connection.prepare(OPEN_VISITS)?;
            select
                .query_map(params![oldest_open.0, oldest_open.0], visit)?
                .collect()
        })
    }

    fn since(&self, at: Timestamp, limit: usize) -> Result<Vec<Event>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut events = self.events(
            SHOWN,
            "e.happened_at >= make_timestamp(? * 1000) order by e.seq desc limit ?",
            params![at.millis(), limit],
        )?;
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
            let tables = ["events", "visits", "imports", "imported_daily"];
            let all = tables.map(|table| format!("select distinct site from {table}"));
            let mut select = connection.prepare(&format!("{} order by site", all.join(" union ")))?;
            select.query_map([], |row| row.get(0).map(SiteId))?.collect()
        })
    }

    fn last_of(&self, slice: Slice) -> Result<u64, StoreError> {
        self.ask(|connection| export::last_of(connection, slice))
    }

    fn export(
        &self,
        slice: Slice,
        after: u64,
        through: u64,
        limit: usize,
    ) -> Result<Vec<(u64, ExportedEvent)>, StoreError> {
        self.ask(|connection| export::piece(connection, slice, after, through, limit))
    }

    fn prop_keys(&self, slice: Slice, limit: usize) -> Result<Vec<String>, StoreError> {
        self.ask(|connection| export::prop_keys(connection, slice, limit))
    }

    fn imports(&self, site: Option<SiteId>) -> Result<Vec<Import>, StoreError> {
        self.ask(|connection| imports::all(connection, site))
    }

    fn newest_import(&self) -> Result<ImportId, StoreError> {
        self.ask(|connection| {
            connection.query_row("select imports from progress", [], |row| row.get(0).map(ImportId))
        })
    }

    fn covered(&self, site: SiteId) -> Result<(Vec<i64>, Vec<NaiveDate>), StoreError> {
        self.ask(|connection| imports::covered(connection, site))
    }

    fn has_any(&self, slice: Slice, last_day: NaiveDate) -> Result<bool, StoreError> {
        self.ask(|connection| imports::has_any(connection, slice, last_day))
    }

    fn parquet(&self, slice: Slice, file: &Path, tell: &mut dyn FnMut(Stop)) -> Result<(), StoreError> {
        self.ask(|connection| {
            let handle = connection.interrupt_handle();
            tell(Arc::new(move || handle.interrupt()));
            export::parquet(connection, slice, file)
        })
    }
}

/// One row of [`OPEN_VISITS`].
fn visit(row: &Row<'_>) -> duckdb::Result<Visit> {
    let mut columns = 0..;
    let mut next = || columns.next().unwrap_or_default();
    let (start, last) = (Timestamp(row.get(next())?), Timestamp(row.get(next())?));
    let (pageviews, events, interacted) = (row.get(next())?, row.get(next())?, row.get(next())?);
    let mut page = || -> duckdb::Result<Option<Page>> {
        let (hostname, path, at): (Option<String>, Option<String>, Option<i64>) =
            (row.get(next())?, row.get(next())?, row.get(next())?);
        Ok(hostname.zip(path).zip(at).map(|((hostname, path), at)| Page {
            hostname,
            path,
            at: Timestamp(at),
        }))
    };
    let (entry, exit) = (page()?, page()?);
    Ok(Visit {
        start,
        last,
        pageviews,
        events,
        interacted,
        entry,
        exit,
        site: SiteId(row.get(next())?),
        visitor: VisitorId(row.get(next())?),
        id: VisitId(row.get(next())?),
        referrer: row.get(next())?,
        source: row.get(next())?,
        medium: row.get(next())?,
        utm: utm(row, &mut next)?,
        client: client(row, &mut next)?,
        channel: row.get(next())?,
    })
}

fn utm(row: &Row<'_>, next: &mut impl FnMut() -> usize) -> duckdb::Result<Utm> {
    Ok(Utm {
        source: row.get(next())?,
        medium: row.get(next())?,
        campaign: row.get(next())?,
        content: row.get(next())?,
        term: row.get(next())?,
    })
}

fn client(row: &Row<'_>, next: &mut impl FnMut() -> usize) -> duckdb::Result<Client> {
    Ok(Client {
        browser: row.get(next())?,
        browser_version: row.get(next())?,
        os: row.get(next())?,
        os_version: row.get(next())?,
        device: row.get(next())?,
        screen: row.get(next())?,
        country: row.get(next())?,
        language: row.get(next())?,
        region: row.get(next())?,
        city: row.get(next())?,
    })
}

/// One row of [`COLUMNS`].
pub(super) fn event(row: &Row<'_>) -> duckdb::Result<Event> {
    let mut columns = 0..;
    let mut next = || columns.next().unwrap_or_default();
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
        utm: utm(row, &mut next)?,
        client: client(row, &mut next)?,
        channel: row.get(next())?,
        props: row
            .get::<_, Option<String>>(next())?
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default(),
        revenue: match (row.get(next())?, row.get(next())?) {
            (Some(amount), Some(currency)) => Some((amount, currency)),
            _ => None,
        },
        scroll_depth: row.get(next())?,
        engaged: row.get(next())?,
    };
    Ok(Event {
        seq,
        visit,
        visitor,
        hit,
    })
}
