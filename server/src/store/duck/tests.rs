use super::*;
use crate::{
    event::{Event, Kind, SiteId, Utm, VisitId},
    sessions::{Sessions, Visit, fixture::hit},
    store::{
        Batch, Change, Daily, EventReader, EventStore, Import, ImportId, Progress, Rolled, Rollups, SiteDay,
        Slice,
    },
};
use proptest::prelude::*;
use pulsecast_protocol::Timestamp;

fn settings(dir: &tempfile::TempDir) -> DuckSettings {
    DuckSettings {
        path: dir.path().join("events.duckdb"),
        memory_mib: 256,
        threads: 1,
    }
}

fn batch() -> Batch {
    let mut sessions = Sessions::new();
    let mut full = hit(7, 1, "/b");
    full.kind = Kind::Custom;
    full.name = "Signup".into();
    full.props.insert("plan".into(), "pro".into());
    full.revenue = Some((9.5, "EUR".into()));
    let mut first = hit(7, 0, "/a");
    first.client.country = Some("DE".into());
    first.client.region = Some("DE-BE".into());
    first.client.city = Some("Berlin".into());
    first.channel = Some("Organic Search".into());
    first.utm.source = Some("news".into());
    let events: Vec<Event> = [first, full, hit(u64::MAX, 2, "/a")]
        .into_iter()
        .enumerate()
        .map(|(i, hit)| sessions.attribute(i as u64 + 1, hit))
        .collect();
    let ended: Vec<Visit> = sessions.end(Timestamp(500 * Timestamp::MINUTE));
    Batch {
        events,
        ended,
        oldest_open: Some(VisitId(4)),
        ..Batch::default()
    }
}

#[test]
fn what_is_written_reads_back_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let batch = batch();
    {
        let (mut writer, _) = open(&settings(&dir)).unwrap();
        writer.append(&batch).unwrap();
        assert_eq!(
            writer.progress().unwrap(),
            Progress {
                last_seq: 3,
                oldest_open: VisitId(4),
                batch: 1
            }
        );
    }
    let (mut writer, reader) = open(&settings(&dir)).unwrap();
    assert_eq!(writer.progress().unwrap().last_seq, 3);
    let shown: Vec<Event> = batch.events.iter().cloned().map(as_shown).collect();
    assert_eq!(reader.since(Timestamp(0), 10).unwrap(), shown);
    assert_eq!(
        reader.since(Timestamp(0), 1).unwrap(),
        shown[2..],
        "the newest when there are too many"
    );
    assert_eq!(
        reader.open_visits(VisitId(0)).unwrap(),
        [],
        "ended visits are not open"
    );
    assert_eq!(reader.sites().unwrap(), [SiteId(1)]);
    assert_eq!(reader.hours(Timestamp(0)).unwrap()[0].1.pageviews, 2);
}

#[test]
fn a_batch_that_comes_again_is_written_once() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = open(&settings(&dir)).unwrap();
    writer.append(&batch()).unwrap();
    writer.append(&batch()).unwrap();
    assert_eq!(reader.since(Timestamp(0), 10).unwrap().len(), 3);
}

#[test]
fn visits_that_come_again_without_events_are_written_once() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = open(&settings(&dir)).unwrap();
    let Batch { events, ended, .. } = batch();
    let numbered = |number, batch| Batch {
        number: Some(number),
        ..batch
    };
    let events = Batch {
        events,
        ..Batch::default()
    };
    let ended = Batch {
        ended,
        ..Batch::default()
    };
    writer.append(&numbered(1, events)).unwrap();
    // Its commit reached the disk, and only the answer was lost.
    writer.append(&numbered(2, ended.clone())).unwrap();
    writer.append(&numbered(2, ended)).unwrap();
    assert_eq!(writer.progress().unwrap().batch, 2);
    let visits: i64 = reader
        .ask(|connection| connection.query_row("select count(*) from visits", [], |row| row.get(0)))
        .unwrap();
    assert_eq!(visits, 2);
}

#[test]
fn after_an_error_readers_see_what_is_written_and_the_file_opens_again() {
    let dir = tempfile::tempdir().unwrap();
    {
        let (mut writer, reader) = open(&settings(&dir)).unwrap();
        writer.append(&batch()).unwrap();
        let mut refused = later(10, 30);
        refused.events[0].visit = VisitId(u64::MAX);
        assert!(matches!(writer.append(&refused), Err(StoreError::Engine { .. })));
        writer.append(&later(11, 31)).unwrap();
        let seqs: Vec<u64> = reader
            .since(Timestamp(0), 10)
            .unwrap()
            .iter()
            .map(|event| event.seq)
            .collect();
        assert_eq!(seqs, [1, 2, 3, 11], "all but what was refused");
        let other = reader.rollups().unwrap();
        assert_eq!(other.roll(&first_day()).unwrap(), Rolled::Done);
        writer.checkpoint().unwrap();
    }
    let (_, reader) = open(&settings(&dir)).unwrap();
    assert_eq!(reader.since(Timestamp(0), 10).unwrap().len(), 4);
}

#[test]
fn a_removed_sites_events_are_deleted_and_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = open(&settings(&dir)).unwrap();
    let mut batch = batch();
    batch.events[2].hit.site = SiteId(2);
    writer.append(&batch).unwrap();
    assert_eq!(reader.sites().unwrap().len(), 2);
    writer
        .append(&Batch {
            removed: vec![SiteId(1)],
            ..Batch::default()
        })
        .unwrap();
    assert_eq!(reader.sites().unwrap(), [SiteId(2)]);
    assert_eq!(
        writer.progress().unwrap().last_seq,
        3,
        "what was moved stays moved"
    );
}

fn import(id: i64, site: i64) -> Box<Import> {
    Box::new(Import {
        id: ImportId(id),
        site: SiteId(site),
        kind: "plausible".into(),
        name: "imported_visitors.csv".into(),
        started: Timestamp(0),
        ended: None,
        days: None,
        rows: 0,
        events: 0,
        visits: 0,
        skipped: std::collections::BTreeMap::new(),
    })
}

fn changes(changes: impl Into<Vec<Change>>) -> Batch {
    Batch {
        changes: changes.into(),
        ..Batch::default()
    }
}

#[test]
fn a_site_with_imported_figures_alone_is_known_and_removed_with_all_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = open(&settings(&dir)).unwrap();
    let day = chrono::NaiveDate::default();
    let rows = std::sync::Arc::new([Daily {
        day,
        report: "visitors",
        group: Default::default(),
        figures: [1; Daily::FIGURES.len()],
    }]);
    let figures = Change::ImportDaily {
        import: ImportId(1),
        site: SiteId(1),
        part: 1,
        rows,
    };
    let piece = Change::ImportPiece {
        import: ImportId(1),
        first: 1,
        last: 1_000,
    };
    writer
        .append(&changes([Change::ImportBegins(import(1, 1)), piece, figures]))
        .unwrap();
    assert_eq!(reader.sites().unwrap(), [SiteId(1)]);
    let removed = Batch {
        removed: vec![SiteId(1)],
        ..Batch::default()
    };
    writer.append(&removed).unwrap();
    // The import had not ended: its last words come after it.
    writer
        .append(&changes([Change::ImportEnds(import(1, 1))]))
        .unwrap();
    assert_eq!(reader.sites().unwrap(), []);
    assert_eq!(
        reader.newest_import().unwrap(),
        ImportId(1),
        "a number is never used again"
    );
    // Another site's events have the numbers that the import had reserved.
    let mut other = batch();
    other
        .events
        .iter_mut()
        .for_each(|event| event.hit.site = SiteId(2));
    writer.append(&other).unwrap();
    writer
        .append(&changes([Change::ImportUndone(ImportId(1))]))
        .unwrap();
    assert_eq!(
        reader.since(Timestamp(0), 10).unwrap().len(),
        3,
        "and are not undone with it"
    );
}

#[test]
fn what_a_removed_sites_events_were_called_goes_with_them_and_others_keep_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = open(&settings(&dir)).unwrap();
    let rollups = reader.rollups().unwrap();
    let of_site = |site: i64, seq: u64, path: &str, source: &str| {
        let mut hit = hit(seq, 1, path);
        hit.site = SiteId(site);
        hit.source = Some(source.into());
        let event = Sessions::new().attribute(seq, hit);
        Batch {
            ended: vec![Visit::open(&event)],
            events: vec![event],
            ..Batch::default()
        }
    };
    writer.append(&of_site(1, 1, "/secret", "Secret")).unwrap();
    writer.append(&of_site(2, 2, "/kept", "Kept")).unwrap();
    for site in [1, 2] {
        let day = SiteDay {
            site: SiteId(site),
            ..first_day()
        };
        assert_eq!(rollups.roll(&day).unwrap(), Rolled::Done);
    }
    let texts = |sql: &str| -> Vec<String> {
        reader
            .ask(|connection| {
                connection
                    .prepare(sql)?
                    .query_map([], |row| row.get(0))?
                    .collect()
            })
            .unwrap()
    };
    let (paths, sources) = (
        "select path from paths order by path",
        "select text from words where attribute = 'source' order by text",
    );
    assert_eq!((texts(paths).len(), texts(sources).len()), (2, 2));
    let removed = Batch {
        removed: vec![SiteId(1)],
        ..Batch::default()
    };
    writer.append(&removed).unwrap();
    writer.checkpoint().unwrap();
    rollups.sweep().unwrap();
    rollups.forget_words().unwrap();
    assert_eq!(
        (texts(paths), texts(sources)),
        (vec!["/kept".to_owned()], vec!["Kept".to_owned()])
    );
    // A path that comes again is known by a number that names it.
    writer.append(&of_site(2, 3, "/secret", "Kept")).unwrap();
    writer.append(&of_site(2, 4, "/kept", "Kept")).unwrap();
    let named = "select p.path from events e join paths p on p.id = e.path order by e.seq";
    assert_eq!(texts(named), ["/kept", "/secret", "/kept"]);
}

/// What a live window shows of an event.
fn as_shown(mut event: Event) -> Event {
    event.hit.utm = Utm::default();
    (event.hit.channel, event.hit.client.region, event.hit.client.city) = (None, None, None);
    event.hit.props.clear();
    event.hit.revenue = None;
    event
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Visits that had not ended come back as they were, whatever their events were and in which order they came.
    #[test]
    fn visits_that_go_on_come_back_as_they_were(
        events in prop::collection::vec((0u64..3, 0i64..45, 0usize..4, 0usize..4), 1..40),
        sweep in 0i64..80,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (mut writer, reader) = open(&settings(&dir)).unwrap();
        let mut sessions = Sessions::new();
        let kinds = [Kind::Pageview, Kind::Custom, Kind::CustomPassive, Kind::Engagement];
        let events: Vec<Event> = (1..).zip(events).map(|(seq, (visitor, minute, path, kind))| {
            let mut hit = hit(visitor, minute, ["/", "/a", "/b", "/c"][path]);
            hit.kind = kinds[kind];
            hit.source = (path == 1).then(|| "news".into());
            hit.client.country = (path > 1).then(|| "DE".into());
            hit.client.city = (path > 2).then(|| "Berlin".into());
            hit.channel = (path == 1).then(|| "Email".into());
            sessions.attribute(seq, hit)
        }).collect();
        let ended = sessions.end(Timestamp(sweep * Timestamp::MINUTE));
        let oldest_open = sessions.oldest_open();
        writer.append(&Batch { events, ended, oldest_open, ..Batch::default() }).unwrap();
        let found = reader.open_visits(writer.progress().unwrap().oldest_open).unwrap();
        let mut expected = sessions.end(Timestamp(10_000 * Timestamp::MINUTE));
        expected.sort_by_key(|visit| visit.id);
        if oldest_open.is_some() {
            prop_assert_eq!(found, expected);
        }
    }
}

#[test]
fn an_export_has_readable_names_and_pages() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = open(&settings(&dir)).unwrap();
    writer.append(&batch()).unwrap();
    let all = Slice::all(SiteId(1));
    let first = reader.export(all, 0, 3, 2).unwrap();
    assert_eq!(first.len(), 2);
    let signup = &first[1].1;
    assert_eq!(signup["name"], "Signup");
    assert_eq!(signup["props"]["plan"], "pro");
    assert_eq!(signup["revenue"]["amount"], 9.5);
    assert_eq!(
        (&signup["channel"], &signup["region"], &signup["city"]),
        (&"Organic Search".into(), &"DE-BE".into(), &"Berlin".into())
    );
    assert_eq!(signup["time"], "1970-01-01T00:01:00.000Z");
    assert_eq!(reader.export(all, first[1].0, 3, 2).unwrap().len(), 1);
    assert_eq!(reader.last_of(all).unwrap(), 3);
    assert_eq!(reader.prop_keys(all, 5).unwrap(), ["plan"]);
}

#[test]
fn an_export_of_a_period_has_what_happened_in_it_and_a_small_site_is_found_among_many_events() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = open(&settings(&dir)).unwrap();
    let mut batch = batch();
    batch.events[2].seq = 3_000_000;
    writer.append(&batch).unwrap();
    let slice = |from, to| Slice {
        site: SiteId(1),
        from: Some(Timestamp(from * Timestamp::MINUTE)),
        to: Some(Timestamp(to * Timestamp::MINUTE)),
    };
    let seqs = |slice| -> Vec<u64> {
        let rows = reader
            .export(slice, 0, reader.last_of(slice).unwrap(), 10)
            .unwrap();
        rows.iter().map(|(seq, _)| *seq).collect()
    };
    assert_eq!(seqs(slice(0, 1)), [1]);
    assert_eq!(seqs(slice(1, 2)), [2]);
    assert_eq!(seqs(slice(2, 9)), [3_000_000]);
    assert!(seqs(slice(5, 9)).is_empty());
}

#[test]
fn a_parquet_file_has_the_events_of_the_export() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = open(&settings(&dir)).unwrap();
    writer.append(&batch()).unwrap();
    let file = dir.path().join("it's.parquet");
    reader.parquet(Slice::all(SiteId(1)), &file, &mut drop).unwrap();
    let other = Connection::open_in_memory().unwrap();
    let row = other
        .query_row(
            "select count(*), max(path) filter (seq = 2), max(props ->> 'plan'), sum(revenue), max(city) from read_parquet(?)",
            [file.display().to_string()],
            |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get::<_, f64>(3)?,
                    row.get::<_, String>(4)?))
            },
        )
        .unwrap();
    assert_eq!(
        row,
        (3, "/b".to_owned(), "pro".to_owned(), 9.5, "Berlin".to_owned())
    );
}

#[test]
fn a_second_process_and_a_newer_schema_are_told_so() {
    let dir = tempfile::tempdir().unwrap();
    {
        let (writer, _) = open(&settings(&dir)).unwrap();
        drop(writer);
        let connection = connect(&settings(&dir)).unwrap();
        connection
            .execute_batch("insert into schema_migrations values (99)")
            .unwrap();
    }
    let error = open(&settings(&dir)).err().unwrap();
    assert!(error.to_string().contains("upgrade the binary"), "{error}");
}

#[test]
fn a_store_of_the_first_schema_gets_channels_and_its_visits_sources() {
    let dir = tempfile::tempdir().unwrap();
    let path = settings(&dir).path;
    {
        let old = Connection::open(&path).unwrap();
        old.execute_batch("create table schema_migrations (version bigint not null); insert into schema_migrations values (1);")
            .unwrap();
        old.execute_batch(MIGRATIONS[0].1).unwrap();
        old.execute_batch(
            "insert into paths values (1, '/'); \
             insert into events (seq, site, happened_at, kind, name, visitor, visit, hostname, path, source, medium, country) values \
               (1, 1, '2026-01-01', 'pageview', 'pageview', 7, 1, 'a.com', 1, 'Google', 'organic', 'DE'), \
               (2, 1, '2026-01-01', 'pageview', 'pageview', 7, 1, 'a.com', 1, null, null, 'FR'); \
             insert into visits (visit, site, visitor, start_at, last_at, pageviews, events, bounce, source) \
               values (1, 1, 7, '2026-01-01', '2026-01-01', 2, 2, false, 'Google'); \
             update progress set last_seq = 2;",
        )
        .unwrap();
    }
    let (_, reader) = open(&settings(&dir)).unwrap();
    for (_, event) in reader.export(Slice::all(SiteId(1)), 0, 10, 10).unwrap() {
        assert_eq!(
            (&event["source"], &event["channel"], &event["country"]),
            (&"Google".into(), &"Organic Search".into(), &"DE".into())
        );
    }
}

/// The first day of 1970, in UTC.
fn first_day() -> SiteDay {
    SiteDay {
        site: SiteId(1),
        day: chrono::NaiveDate::default(),
        from: Timestamp(0),
        to: Timestamp(Timestamp::DAY),
        before: Timestamp(-Timestamp::DAY),
        long_before: Timestamp(-2 * Timestamp::DAY),
    }
}

/// One event more, of a visitor of its own, so many minutes after the beginning.
fn later(seq: u64, minute: i64) -> Batch {
    let event = Sessions::new().attribute(seq, hit(seq, minute, "/late"));
    Batch {
        ended: vec![Visit::open(&event)],
        events: vec![event],
        ..Batch::default()
    }
}

#[test]
fn what_comes_late_takes_the_sums_of_its_day_away_and_leaves_older_days_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = open(&settings(&dir)).unwrap();
    let rollups = reader.rollups().unwrap();
    writer.append(&batch()).unwrap();
    assert_eq!(rollups.roll(&first_day()).unwrap(), Rolled::Done);
    assert_eq!(rollups.rolled(SiteId(1)).unwrap().len(), 1);
    writer.append(&later(10, 2 * 1440)).unwrap();
    assert_eq!(
        rollups.rolled(SiteId(1)).unwrap().len(),
        1,
        "an event of a later day"
    );
    writer.append(&later(11, 30)).unwrap();
    assert_eq!(rollups.rolled(SiteId(1)).unwrap(), []);
    assert_eq!(rollups.roll(&first_day()).unwrap(), Rolled::Done);
    let remove = |batch: Batch| Batch {
        removed: vec![SiteId(1)],
        ..batch
    };
    writer.append(&remove(Batch::default())).unwrap();
    assert_eq!(rollups.rolled(SiteId(1)).unwrap(), [], "the site was removed");
}

#[test]
fn a_day_with_a_visit_that_goes_on_is_not_summed_up_yet() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = open(&settings(&dir)).unwrap();
    let rollups = reader.rollups().unwrap();
    let mut open = batch();
    open.oldest_open = Some(VisitId(1));
    let ended = std::mem::take(&mut open.ended);
    writer.append(&open).unwrap();
    assert_eq!(rollups.roll(&first_day()).unwrap(), Rolled::Open);
    writer
        .append(&Batch {
            ended,
            ..Batch::default()
        })
        .unwrap();
    assert_eq!(rollups.roll(&first_day()).unwrap(), Rolled::Done);
}

#[test]
fn days_that_were_summed_up_before_a_restart_lose_their_sums_as_well() {
    let dir = tempfile::tempdir().unwrap();
    {
        let (mut writer, reader) = open(&settings(&dir)).unwrap();
        writer.append(&batch()).unwrap();
        reader.rollups().unwrap().roll(&first_day()).unwrap();
    }
    let (mut writer, reader) = open(&settings(&dir)).unwrap();
    writer.append(&later(11, 30)).unwrap();
    assert_eq!(reader.rollups().unwrap().rolled(SiteId(1)).unwrap(), []);
}
