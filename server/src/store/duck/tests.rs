use super::*;
use crate::{
    event::{Event, Kind, SiteId, Utm, VisitId},
    sessions::{Sessions, Visit, fixture::hit},
    store::{Batch, EventReader, EventStore, Progress},
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
    full.client.country = Some("DE".into());
    full.utm.source = Some("news".into());
    let events: Vec<Event> = [hit(7, 0, "/a"), full, hit(u64::MAX, 2, "/a")]
        .into_iter()
        .enumerate()
        .map(|(i, hit)| sessions.attribute(i as u64 + 1, hit))
        .collect();
    let ended: Vec<Visit> = sessions.end(Timestamp(500 * Timestamp::MINUTE));
    Batch {
        events,
        ended,
        oldest_open: Some(VisitId(4)),
        removed: Vec::new(),
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
                oldest_open: VisitId(4)
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

/// What a live window shows of an event.
fn as_shown(mut event: Event) -> Event {
    event.hit.utm = Utm::default();
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
            sessions.attribute(seq, hit)
        }).collect();
        let ended = sessions.end(Timestamp(sweep * Timestamp::MINUTE));
        let oldest_open = sessions.oldest_open();
        writer.append(&Batch { events, ended, oldest_open, removed: Vec::new() }).unwrap();
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
    let first = reader.export(SiteId(1), 0, 2).unwrap();
    assert_eq!(first.len(), 2);
    let signup = &first[1].1;
    assert_eq!(signup["name"], "Signup");
    assert_eq!(signup["props"]["plan"], "pro");
    assert_eq!(signup["revenue"]["amount"], 9.5);
    assert_eq!(signup["time"], "1970-01-01T00:01:00.000Z");
    assert_eq!(reader.export(SiteId(1), first[1].0, 2).unwrap().len(), 1);
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
