//! Reads which imports there are and which days they, and the site's own events, cover.

use crate::{
    event::SiteId,
    store::{Import, ImportId, Slice},
};
use chrono::NaiveDate;
use duckdb::{Connection, Row, params};
use pulsecast_protocol::Timestamp;

pub(super) fn all(connection: &Connection, site: Option<SiteId>) -> duckdb::Result<Vec<Import>> {
    let mut select = connection.prepare(
        "select id, site, kind, name, epoch_ms(started_at), epoch_ms(ended_at), first_day::varchar, last_day::varchar, \
           rows_read, events, visits, skipped \
         from imports where site = coalesce(?, site) order by id desc",
    )?;
    select
        .query_map(params![site.map(|site| site.0)], import)?
        .collect()
}

fn import(row: &Row<'_>) -> duckdb::Result<Import> {
    let day = |at: usize| -> duckdb::Result<Option<NaiveDate>> {
        Ok(row.get::<_, Option<String>>(at)?.and_then(|day| day.parse().ok()))
    };
    Ok(Import {
        id: ImportId(row.get(0)?),
        site: SiteId(row.get(1)?),
        kind: row.get(2)?,
        name: row.get(3)?,
        started: Timestamp(row.get(4)?),
        ended: row.get::<_, Option<i64>>(5)?.map(Timestamp),
        days: day(6)?.zip(day(7)?),
        rows: row.get(8)?,
        events: row.get(9)?,
        visits: row.get(10)?,
        skipped: serde_json::from_str(&row.get::<_, String>(11)?).unwrap_or_default(),
    })
}

pub(super) fn covered(connection: &Connection, site: SiteId) -> duckdb::Result<(Vec<i64>, Vec<NaiveDate>)> {
    let quarters = connection
        .prepare("select distinct epoch_ms(happened_at) // 900000 from events where site = ?")?
        .query_map(params![site.0], |row| row.get(0))?
        .collect::<duckdb::Result<_>>()?;
    let days = connection
        .prepare("select distinct day::varchar from imported_daily where site = ?")?
        .query_map(params![site.0], |row| row.get::<_, String>(0))?
        .filter_map(|day| day.map(|day| day.parse().ok()).transpose())
        .collect::<duckdb::Result<_>>()?;
    Ok((quarters, days))
}

pub(super) fn has_any(connection: &Connection, slice: Slice, last_day: NaiveDate) -> duckdb::Result<bool> {
    let to = slice.to.map_or(i64::MAX / 1000, Timestamp::millis);
    let from = slice.from.map_or(0, Timestamp::millis);
    connection.query_row(
        "select exists (select 1 from visits where site = $1 and start_at >= make_timestamp($2 * 1000) and start_at < make_timestamp($3 * 1000)) \
           or exists (select 1 from imported_daily where site = $1 and day <= $4::date)",
        params![slice.site.0, from, to.min(i64::MAX / 1000), last_day.to_string()],
        |row| row.get(0),
    )
}
