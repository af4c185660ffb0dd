use super::*;
use crate::hub::{Archive, Entry, Journal, Placed, Retain};
use pulsecast_protocol::{Position, Timestamp};
use rusqlite::Connection;

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const RETAIN: Retain = Retain {
    count: 100,
    bytes: 1_000_000,
    age: Timestamp::DAY,
};

fn file() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("streams.sqlite");
    (dir, path)
}

fn position(archive: &StreamsArchive, channel: &str) -> Position {
    archive.load(channel, RETAIN, NOW).unwrap().position
}

fn payloads(archive: &StreamsArchive, channel: &str, retain: Retain, now: Timestamp) -> Vec<String> {
    let kept = archive.load(channel, retain, now).unwrap();
    kept.publications
        .iter()
        .map(|one| String::from_utf8(one.payload.to_vec()).unwrap())
        .collect()
}

fn entry<'a>(channel: &'a str, stands: &'a Position, payload: &'a str, key: Option<&'a str>) -> Entry<'a> {
    Entry {
        channel,
        kind: "room",
        stands,
        oldest: 1,
        at: NOW,
        payload: payload.as_bytes(),
        info: b"",
        key,
    }
}

#[test]
fn where_nothing_is_to_be_erased_nobody_is_held_up() {
    let (_dir, path) = file();
    let (mut journal, archive) = open(&path, 3).unwrap();
    let stands = position(&archive, "room:a:x");
    journal.append(&[entry("room:a:x", &stands, "1", None)]).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("begin immediate").unwrap();
    assert_eq!(journal.erase(&|channel| channel == "room:b:x"), Ok(0));
    other.execute_batch("rollback").unwrap();
    assert_eq!(journal.erase(&|channel| channel == "room:a:x"), Ok(1));
}

#[test]
fn what_was_appended_is_there_after_reopening_with_its_epoch() {
    let (_dir, path) = file();
    let (mut journal, archive) = open(&path, 3).unwrap();
    let stands = position(&archive, "room:a:x");
    let placed = journal.append(&[
        entry("room:a:x", &stands, "1", None),
        entry("room:a:x", &stands, "2", None),
    ]);
    assert_eq!(placed, Ok(vec![Placed::New(1), Placed::New(2)]));
    drop((journal, archive));
    let (_, archive) = open(&path, 3).unwrap();
    let now = position(&archive, "room:a:x");
    assert_eq!((now.epoch, now.offset), (stands.epoch, 2));
    assert_eq!(payloads(&archive, "room:a:x", RETAIN, NOW), ["1", "2"]);
    assert_ne!(
        position(&archive, "room:a:y").epoch,
        position(&archive, "room:a:z").epoch
    );
}

#[test]
fn a_key_is_remembered_within_a_batch_and_after_reopening() {
    let (_dir, path) = file();
    let (mut journal, archive) = open(&path, 3).unwrap();
    let stands = position(&archive, "room:a:x");
    let twice = [
        entry("room:a:x", &stands, "1", Some("k")),
        entry("room:a:x", &stands, "1", Some("k")),
    ];
    assert_eq!(
        journal.append(&twice),
        Ok(vec![Placed::New(1), Placed::Before(1)])
    );
    drop(journal);
    let (mut journal, archive) = open(&path, 3).unwrap();
    let stands = position(&archive, "room:a:x");
    let again = [
        entry("room:a:x", &stands, "1", Some("k")),
        entry("room:b:x", &stands, "1", Some("k")),
    ];
    assert_eq!(
        journal.append(&again),
        Ok(vec![Placed::Before(1), Placed::New(2)]),
        "a key is of one channel"
    );
    journal
        .sweep(&[("room", RETAIN)], NOW.plus(2 * Timestamp::HOUR))
        .unwrap();
    let later = [entry("room:a:x", &stands, "1", Some("k"))];
    assert_eq!(journal.append(&later), Ok(vec![Placed::New(2)]));
}

#[test]
fn a_locked_file_takes_nothing_readers_go_on_and_it_heals_by_itself() {
    let (_dir, path) = file();
    let (mut journal, archive) = open(&path, 3).unwrap();
    let stands = position(&archive, "room:a:x");
    journal.append(&[entry("room:a:x", &stands, "1", None)]).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let stands = position(&archive, "room:a:x");
    let refused = journal.append(&[entry("room:a:x", &stands, "2", Some("k"))]);
    assert!(refused.unwrap_err().to_string().contains("not available"));
    assert_eq!(payloads(&archive, "room:a:x", RETAIN, NOW), ["1"]);
    other.execute_batch("rollback").unwrap();
    let placed = journal.append(&[entry("room:a:x", &stands, "3", Some("k"))]);
    assert_eq!(placed, Ok(vec![Placed::New(2)]));
    assert_eq!(payloads(&archive, "room:a:x", RETAIN, NOW), ["1", "3"]);
}

#[test]
fn what_of_a_failed_batch_reached_the_disk_is_taken_back() {
    let (_dir, path) = file();
    let (mut journal, archive) = open(&path, 3).unwrap();
    let stands = position(&archive, "room:a:x");
    journal
        .append(&[
            entry("room:a:x", &stands, "1", None),
            entry("room:a:x", &stands, "2", Some("k")),
        ])
        .unwrap();
    // As if the commit of the second had been reported as failed.
    journal.doubt("room:a:x", 1);
    let stands = Position { offset: 1, ..stands };
    let placed = journal.append(&[entry("room:a:x", &stands, "3", Some("k"))]);
    assert_eq!(placed, Ok(vec![Placed::New(2)]));
    assert_eq!(payloads(&archive, "room:a:x", RETAIN, NOW), ["1", "3"]);
}

#[test]
fn the_past_is_bounded_by_count_bytes_and_age_and_the_position_stays() {
    let (_dir, path) = file();
    let (mut journal, archive) = open(&path, 3).unwrap();
    let stands = position(&archive, "room:a:x");
    let all: Vec<String> = (0..9).map(|n| n.to_string()).collect();
    let batch: Vec<_> = all
        .iter()
        .map(|payload| entry("room:a:x", &stands, payload, None))
        .collect();
    journal.append(&batch).unwrap();
    assert_eq!(
        payloads(&archive, "room:a:x", Retain { count: 2, ..RETAIN }, NOW),
        ["7", "8"]
    );
    assert_eq!(
        payloads(&archive, "room:a:x", Retain { bytes: 3, ..RETAIN }, NOW),
        ["6", "7", "8"]
    );
    let later = NOW.plus(RETAIN.age + 1);
    assert!(payloads(&archive, "room:a:x", RETAIN, later).is_empty());
    let stands = position(&archive, "room:a:x");
    let trimmed = Entry {
        oldest: 8,
        ..entry("room:a:x", &stands, "9", None)
    };
    journal.append(&[trimmed]).unwrap();
    assert_eq!(payloads(&archive, "room:a:x", RETAIN, NOW), ["7", "8", "9"]);
    journal.sweep(&[("room", RETAIN)], later).unwrap();
    assert!(payloads(&archive, "room:a:x", RETAIN, NOW).is_empty());
    assert_eq!(position(&archive, "room:a:x"), Position { offset: 10, ..stands });
}

#[test]
fn a_channel_that_was_erased_begins_anew_under_another_epoch() {
    let (_dir, path) = file();
    let (mut journal, archive) = open(&path, 3).unwrap();
    let (x, y) = (position(&archive, "room:a:x"), position(&archive, "room:b:x"));
    journal
        .append(&[entry("room:a:x", &x, "1", None), entry("room:b:x", &y, "1", None)])
        .unwrap();
    assert_eq!(journal.erase(&|name| name.starts_with("room:a:")), Ok(1));
    let again = position(&archive, "room:a:x");
    assert_eq!(again.offset, 0);
    assert_ne!(again.epoch, x.epoch);
    assert_eq!(payloads(&archive, "room:b:x", RETAIN, NOW), ["1"]);
}

#[test]
fn a_site_has_so_many_rooms_and_another_has_as_many() {
    let (_dir, path) = file();
    let (mut journal, archive) = open(&path, 3).unwrap();
    let stands = position(&archive, "room:a:1");
    let names = [
        "room:a:1", "room:a:2", "room:a:3", "room:a:4", "room:b:1", "room:a:1", "feed:a",
    ];
    let batch: Vec<_> = names.iter().map(|name| entry(name, &stands, "1", None)).collect();
    let new = Placed::New(1);
    assert_eq!(
        journal.append(&batch),
        Ok(vec![new, new, new, Placed::Full, new, Placed::New(2), new])
    );
    journal.erase(&|name| name == "room:a:2").unwrap();
    assert_eq!(
        journal.append(&[entry("room:a:4", &stands, "1", None)]),
        Ok(vec![new])
    );
}

#[test]
fn a_newer_file_is_refused_with_advice() {
    let (_dir, path) = file();
    Connection::open(&path)
        .unwrap()
        .execute_batch("pragma user_version = 99")
        .unwrap();
    assert!(
        open(&path, 3)
            .unwrap_err()
            .to_string()
            .contains("upgrade the binary")
    );
}
