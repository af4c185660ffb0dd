//! Writes [`Change`]s: within the transaction that takes the events before them.

use super::write::timestamp;
use crate::{
    event::SiteId,
    store::{Change, Import, ImportId, Slice},
};
use chrono::NaiveDate;
use duckdb::{ToSql, Transaction, appender_params_from_iter, params};

pub(super) fn apply(transaction: &Transaction<'_>, change: &Change) -> duckdb::Result<()> {
    match change {
        Change::ImportBegins(import) => {
            transaction.execute(
                "update progress set imports = greatest(imports, ?)",
                params![import.id.0],
            )?;
            insert(transaction, import)
        }
        Change::ImportPiece { import, first, last } => transaction
            .execute(
                "insert into import_pieces values (?, ?, ?)",
                params![import.0, first, last],
            )
            .map(drop),
        Change::ImportDaily {
            import,
            site,
            part,
            rows,
        } => {
            // After an error whose commit did reach the disk, the same part comes again.
            let fresh = transaction.execute(
                "update imports set parts = ? where id = ? and parts < ?",
                params![part, import.0, part],
            )?;
            if fresh == 0 {
                return Ok(());
            }
            let mut appender = transaction.appender("imported_daily")?;
            for row in rows.iter() {
                let day = date(row.day);
                let head: [&dyn ToSql; 4] = [&site.0, &import.0, &day, &row.report];
                let group = row.group.iter().map(|value| value as &dyn ToSql);
                let figures = row.figures.iter().map(|figure| figure as &dyn ToSql);
                let all: Vec<&dyn ToSql> = head.into_iter().chain(group).chain(figures).collect();
                appender.append_row(appender_params_from_iter(all))?;
            }
            appender.flush()
        }
        Change::ImportEnds(import) => {
            let known = transaction.execute("delete from imports where id = ?", params![import.id.0])?;
            // Else its site was removed meanwhile.
            if known > 0 {
                insert(transaction, import)?;
            }
            Ok(())
        }
        Change::ImportUndone(import) => undo(transaction, *import),
        Change::Delete { slice, days } => delete(transaction, *slice, *days),
    }
}

/// All that there is of a removed site's imports but events and visits. Pieces too: they name events by numbers, some of which may not have come.
pub(super) fn remove_imports(transaction: &Transaction<'_>, site: SiteId) -> duckdb::Result<()> {
    transaction.execute("delete from imported_daily where site = ?", params![site.0])?;
    transaction.execute("delete from imports where site = ?", params![site.0])?;
    transaction
        .execute(
            "delete from import_pieces where import not in (select id from imports)",
            [],
        )
        .map(drop)
}

fn date(day: NaiveDate) -> String {
    day.to_string()
}

fn insert(transaction: &Transaction<'_>, import: &Import) -> duckdb::Result<()> {
    let days = import.days.map(|(first, last)| (date(first), date(last))).unzip();
    let skipped = serde_json::to_string(&import.skipped).unwrap_or_default();
    let (started, ended) = (timestamp(import.started), import.ended.map(timestamp));
    transaction
        .execute(
            "insert into imports values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            params![
                import.id.0,
                import.site.0,
                import.kind,
                import.name,
                started,
                ended,
                days.0,
                days.1,
                import.rows,
                import.events,
                import.visits,
                skipped
            ],
        )
        .map(drop)
}

fn undo(transaction: &Transaction<'_>, import: ImportId) -> duckdb::Result<()> {
    let pieces: Vec<(u64, u64)> = transaction
        .prepare("select first_seq, last_seq from import_pieces where import = ? order by first_seq")?
        .query_map(params![import.0], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<duckdb::Result<_>>()?;
    // Neighbouring pieces go together: each statement looks through the row groups that may hold its numbers.
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for (first, last) in pieces {
        match runs.last_mut() {
            Some(run) if run.1 + 1 == first => run.1 = last,
            _ => runs.push((first, last)),
        }
    }
    for (first, last) in runs {
        transaction.execute(
            "delete from events where seq between ? and ?",
            params![first, last],
        )?;
        transaction.execute(
            "delete from visits where visit between ? and ?",
            params![first, last],
        )?;
    }
    for table in ["import_pieces", "imported_daily"] {
        transaction.execute(
            &format!("delete from {table} where import = ?"),
            params![import.0],
        )?;
    }
    transaction
        .execute("delete from imports where id = ?", params![import.0])
        .map(drop)
}

fn delete(
    transaction: &Transaction<'_>,
    slice: Slice,
    days: Option<(Option<NaiveDate>, Option<NaiveDate>)>,
) -> duckdb::Result<()> {
    let from = slice.from.map_or_else(String::new, |at| {
        format!(" and last_at >= epoch_ms({}::bigint)", at.millis())
    });
    let to = slice.to.map_or_else(String::new, |at| {
        format!(" and start_at < epoch_ms({}::bigint)", at.millis())
    });
    let visits = format!("from visits where site = {}{from}{to}", slice.site.0);
    transaction.execute(
        &format!(
            "delete from events where site = {} and visit in (select visit {visits})",
            slice.site.0
        ),
        [],
    )?;
    transaction.execute(&format!("delete {visits}"), [])?;
    if let Some((first, last)) = days {
        transaction.execute(
            "delete from imported_daily where site = ? and day >= coalesce(?::date, day) and day <= coalesce(?::date, day)",
            params![slice.site.0, first.map(date), last.map(date)],
        )?;
    }
    if slice == Slice::all(slice.site) {
        let imports = "(select id from imports where site = ? and ended_at is not null)";
        transaction.execute(
            &format!("delete from import_pieces where import in {imports}"),
            params![slice.site.0],
        )?;
        transaction.execute(
            "delete from imports where site = ? and ended_at is not null",
            params![slice.site.0],
        )?;
    }
    Ok(())
}
