//! What the machine may do to the server: ports taken, directories unreadable, disks full, files locked.

use crate::program::{Place, eventually};
use rusqlite::Connection;
use std::{fs, net::TcpListener};

/// One clear line, exit code 1.
fn refuses(place: &Place, arguments: &[&str], says: &str) {
    let output = place.run(arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    let lines: Vec<_> = error
        .lines()
        .filter(|line| line.starts_with("pulsecast: "))
        .collect();
    assert!(
        lines.len() == 1 && lines[0].contains(says),
        "expected one line with `{says}`: {error}"
    );
}

#[test]
fn a_port_that_is_taken_is_one_clear_line() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refuses(
        &place,
        &["serve", "--addr", &address],
        "choose another address with --addr",
    );
}

#[test]
fn a_data_directory_that_cannot_be_used_is_one_clear_line() {
    let place = Place::new();
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    let data = file.to_str().unwrap();
    refuses(
        &place,
        &["serve", "--addr", "127.0.0.1:0", "--data", data],
        "--data",
    );
}

#[test]
fn files_of_a_newer_pulsecast_are_refused() {
    let place = Place::new();
    fs::create_dir_all(place.data()).unwrap();
    let inbox = Connection::open(place.data().join("inbox.sqlite")).unwrap();
    inbox.execute_batch("pragma user_version = 99").unwrap();
    drop(inbox);
    refuses(&place, &["serve", "--addr", "127.0.0.1:0"], "upgrade the binary");
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_one_clear_line() {
    let place = Place::new();
    let _server = place.serve();
    refuses(
        &place,
        &["serve", "--addr", "127.0.0.1:0"],
        "in use by another process",
    );
}

#[tokio::test]
async fn while_the_inbox_is_locked_events_are_told_to_come_again_and_readiness_is_red() {
    let place = Place::new();
    let server = place.serve();
    assert_eq!(server.get("/health/ready").await.status(), 200);
    let other = Connection::open(place.data().join("inbox.sqlite")).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let refused = server.visit("/refused").await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "10");
    assert!(refused.text().await.unwrap().contains("disk_failed"));
    assert_eq!(server.get("/health/ready").await.status(), 503);
    assert_eq!(
        server.get("/health/live").await.status(),
        200,
        "the process itself is well"
    );

    other.execute_batch("rollback").unwrap();
    eventually("it recovers by itself", || async {
        server.get("/health/ready").await.status() == 200
    })
    .await;
    assert_eq!(server.visit("/taken").await.unwrap().status(), 202);
    assert!(server.end());
    let paths: Vec<_> = place
        .export("demo")
        .iter()
        .map(|event| event["path"].clone())
        .collect();
    assert_eq!(
        paths,
        ["/taken"],
        "what was refused is not there, what was taken is"
    );
}

#[tokio::test]
async fn a_full_disk_is_503_and_heals_by_itself() {
    let place = Place::new();
    let server = place.serve();
    // What SQLite says when the disk is full, said by a trigger: a test may not mount a small disk.
    let other = Connection::open(place.data().join("inbox.sqlite")).unwrap();
    other
        .execute_batch("create trigger full before insert on inbox begin select raise(abort, 'database or disk is full'); end")
        .unwrap();
    assert_eq!(server.visit("/refused").await.unwrap().status(), 503);
    assert_eq!(server.get("/health/ready").await.status(), 503);
    other.execute_batch("drop trigger full").unwrap();
    eventually("it takes events again", || async {
        server.visit("/taken").await.unwrap().status() == 202
    })
    .await;
    eventually("and says so", || async {
        server.get("/health/ready").await.status() == 200
    })
    .await;
}
