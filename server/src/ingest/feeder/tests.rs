use super::*;
use crate::{
    event::{Event, SiteId, VisitId},
    sessions::{Sessions, Visit, fixture::hit},
    store::{
        Change, Daily, EventReader, Import, Progress, Slice,
        duck::{self, DuckReader, DuckSettings, DuckWriter},
        inbox::InboxFile,
    },
};
use pulsecast_protocol::Timestamp;
use std::{path::PathBuf, sync::Arc};

/// A store with an inbox beside it, and what waits for it.
struct World {
    dir: tempfile::TempDir,
    store: Option<DuckWriter>,
    reader: DuckReader,
    backlog: Backlog,
    health: Health,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (store, reader) = duck::open(&DuckSettings {
            path: dir.path().join("events.duckdb"),
            memory_mib: 256,
            threads: 1,
        })
        .unwrap();
        Self {
            dir,
            store: Some(store),
            reader,
            backlog: Backlog::new(1000, 0),
            health: Health::default(),
        }
    }

    fn inbox(&self) -> PathBuf {
        self.dir.path().join("inbox.sqlite")
    }

    /// Feeds what waits, to its end, into this store.
    fn feed_into(&self, store: impl EventStore) -> Ended {
        self.backlog.close();
        let ears = Ears {
            health: &self.health,
            stored: &|_| {},
            stopping: &|| false,
        };
        let aside = Aside::new(&self.inbox());
        Feeder::new(store, &self.backlog, aside, ears, Duration::ZERO).run()
    }

    fn feed(&mut self) -> Ended {
        let store = self.store.take().unwrap();
        self.feed_into(store)
    }

    fn stored(&self) -> Vec<u64> {
        let events = self.reader.since(Timestamp(0), 1000).unwrap();
        events.iter().map(|event| event.seq).collect()
    }

    fn refused(&self) -> u64 {
        InboxFile::open(&self.inbox(), 0).unwrap().refused().unwrap()
    }
}

/// An event of a visitor of its own; of a visit whose number no store has where `refused` says so.
fn events(seqs: std::ops::RangeInclusive<u64>, refused: &[u64]) -> Vec<Event> {
    let mut sessions = Sessions::new();
    seqs.map(|seq| {
        let mut event = sessions.attribute(seq, hit(seq, 0, "/"));
        if refused.contains(&seq) {
            event.visit = VisitId(u64::MAX);
        }
        event
    })
    .collect()
}

fn import() -> Import {
    Import {
        id: ImportId(1),
        site: SiteId(1),
        kind: "plausible".into(),
        name: "imported_visitors.csv".into(),
        started: Timestamp(0),
        ended: None,
        days: None,
        rows: 0,
        events: 0,
        visits: 0,
        skipped: std::collections::BTreeMap::new(),
    }
}

fn ends() -> Change {
    Change::ImportEnds(Box::new(Import {
        ended: Some(Timestamp(1)),
        ..import()
    }))
}

/// A store that answers so for a while, whatever it does.
struct Moody {
    store: DuckWriter,
    /// How many appends it answers so.
    moods: u32,
    answer: fn() -> StoreError,
    /// Whether it does nevertheless what it is asked.
    does: bool,
}

impl EventStore for Moody {
    fn progress(&mut self) -> Result<Progress, StoreError> {
        self.store.progress()
    }

    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if self.moods == 0 {
            return self.store.append(batch);
        }
        self.moods -= 1;
        if self.does {
            self.store.append(batch)?;
        }
        Err((self.answer)())
    }

    fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.store.checkpoint()
    }
}

fn engine() -> StoreError {
    StoreError::Engine {
        path: "events".into(),
        message: "no".into(),
    }
}

fn passing() -> StoreError {
    StoreError::Passing {
        path: "events".into(),
        message: "IO Error: disk full".into(),
    }
}

fn broken() -> StoreError {
    StoreError::Broken {
        path: "events".into(),
        message: "FATAL Error".into(),
    }
}

#[test]
fn an_event_that_the_store_refuses_is_set_aside_and_those_before_and_after_it_are_stored() {
    let mut world = World::new();
    world.backlog.push(events(1..=40, &[7, 23]), Vec::new(), None);
    assert!(matches!(world.feed(), Ended::InOrder));
    let others: Vec<u64> = (1..=40).filter(|seq| ![7, 23].contains(seq)).collect();
    assert_eq!(world.stored(), others);
    assert_eq!(world.refused(), 2);
    assert_eq!(world.backlog.moved_through(), 40);
    assert!(world.health.problems().is_empty());
}

#[test]
fn an_import_with_a_figure_that_the_store_refuses_fails_and_visitors_events_go_on() {
    let mut world = World::new();
    let mut figures = [0; Daily::FIGURES.len()];
    figures[0] = u64::MAX;
    let rows = Arc::new([Daily {
        day: chrono::NaiveDate::default(),
        report: "visitors",
        group: Default::default(),
        figures,
    }]);
    world.backlog.push(events(1..=3, &[]), Vec::new(), None);
    world.backlog.change(Change::ImportBegins(Box::new(import())));
    world.backlog.change(Change::ImportDaily {
        import: ImportId(1),
        site: SiteId(1),
        part: 1,
        rows,
    });
    let last = world.backlog.change(ends());
    world.feed();
    assert_eq!(world.stored(), [1, 2, 3]);
    assert!(world.backlog.is_settled(last));
    assert!(
        world.backlog.failure(ImportId(1)).is_some(),
        "whoever imports is told"
    );
    assert_eq!(world.reader.imports(None).unwrap(), [], "nothing of it is left");
    assert_eq!(world.refused(), 0);
}

#[test]
fn an_import_with_an_event_that_the_store_refuses_leaves_none_of_its_events() {
    let mut world = World::new();
    world.backlog.push(events(1..=3, &[]), Vec::new(), None);
    world.backlog.change(Change::ImportBegins(Box::new(import())));
    let imported = events(4..=9, &[6]);
    let piece = Change::ImportPiece {
        import: ImportId(1),
        first: 4,
        last: 9,
    };
    let visits: Vec<Visit> = events(4..=9, &[]).iter().map(Visit::open).collect();
    world.backlog.import(piece, imported, visits);
    world.backlog.push(events(10..=12, &[]), Vec::new(), None);
    world.backlog.change(ends());
    world.feed();
    assert_eq!(world.stored(), [1, 2, 3, 10, 11, 12]);
    assert!(world.backlog.failure(ImportId(1)).is_some());
    assert_eq!(world.reader.imports(None).unwrap(), []);
    assert_eq!(world.refused(), 0, "an import is undone, not set aside");
    let month = Slice {
        to: Some(Timestamp(30 * Timestamp::DAY)),
        ..Slice::all(SiteId(1))
    };
    let has_visits = world.reader.has_any(month, chrono::NaiveDate::MIN).unwrap();
    assert!(!has_visits, "its visits neither");
}

#[test]
fn a_deletion_that_the_store_refuses_is_told_to_whoever_asked_for_it() {
    let mut world = World::new();
    let delete = Change::Delete {
        slice: Slice {
            from: Some(Timestamp(i64::MIN / 2)),
            ..Slice::all(SiteId(1))
        },
        days: Some((None, None)),
    };
    let visits = events(1..=3, &[]).iter().map(Visit::open).collect();
    world.backlog.push(events(1..=3, &[]), visits, None);
    let ticket = world.backlog.change(delete.clone());
    world.feed();
    assert_eq!(world.stored(), [1, 2, 3]);
    assert!(world.backlog.is_settled(ticket));
    assert!(world.backlog.refusal(&delete).is_some());
    assert!(world.backlog.refusal(&delete).is_none(), "it is told once");
}

#[test]
fn a_store_that_takes_nothing_at_all_sets_nothing_aside() {
    let mut world = World::new();
    world.backlog.push(events(1..=2, &[]), Vec::new(), None);
    let store = Moody {
        store: world.store.take().unwrap(),
        moods: 40,
        answer: engine,
        does: false,
    };
    world.feed_into(store);
    assert_eq!(world.stored(), [1, 2]);
    assert_eq!(world.refused(), 0);
}

#[test]
fn while_the_disk_is_in_the_way_everything_is_tried_again() {
    let mut world = World::new();
    world.backlog.push(events(1..=9, &[]), Vec::new(), None);
    let store = Moody {
        store: world.store.take().unwrap(),
        moods: 5,
        answer: passing,
        does: false,
    };
    world.feed_into(store);
    assert_eq!(world.stored().len(), 9);
    assert!(world.health.problems().is_empty(), "it is well again");
}

#[test]
fn a_batch_whose_commit_reached_the_disk_is_not_written_twice_for_the_lost_answer() {
    let mut world = World::new();
    let visits = events(1..=3, &[]).iter().map(Visit::open).collect();
    world.backlog.push([], visits, None);
    let store = Moody {
        store: world.store.take().unwrap(),
        moods: 1,
        answer: passing,
        does: true,
    };
    world.feed_into(store);
    drop(world.reader);
    let settings = DuckSettings {
        path: world.dir.path().join("events.duckdb"),
        memory_mib: 256,
        threads: 1,
    };
    let (mut store, _reader) = duck::open(&settings).unwrap();
    assert_eq!(store.progress().unwrap().batch, 1, "one batch");
}

#[test]
fn when_the_engine_gives_up_the_feeder_ends_and_says_so() {
    let mut world = World::new();
    world.backlog.push(events(1..=3, &[]), Vec::new(), None);
    let store = Moody {
        store: world.store.take().unwrap(),
        moods: 1,
        answer: broken,
        does: false,
    };
    assert!(matches!(world.feed_into(store), Ended::Broken(_)));
    assert!(world.stored().is_empty());
    assert!(!world.health.problems().is_empty());
}
