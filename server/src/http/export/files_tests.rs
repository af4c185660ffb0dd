//! Files to be downloaded: made to their end, swept, bounded in size.

use super::*;
use crate::{
    clock::ManualClock,
    http::export::slots::{Asker, Slots},
    sites::AccountId,
};
use parking_lot::Condvar;

struct Place {
    files: Files,
    clock: Arc<ManualClock>,
    slots: Slots,
    tasks: Tasks,
    folder: tempfile::TempDir,
}

impl Place {
    fn with_room(room: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp(0)));
        let tasks = Tasks::new();
        Self {
            files: Files::open(folder.path().join("exports"), room, clock.clone(), tasks.clone()).unwrap(),
            clock,
            slots: Slots::new(8, 8),
            tasks,
            folder,
        }
    }

    fn slot(&self) -> Slot {
        self.slots.take(Asker::Account(AccountId(1))).unwrap()
    }

    async fn makes(&self, what: &str, bytes: usize) -> Result<Arc<Made>, Trouble> {
        let made = self
            .files
            .make(Key::of(&what), self.slot(), move |mut sink| async move {
                sink.write(&vec![7; bytes]).await?;
                Ok(sink)
            })
            .await?;
        made.whole().await?;
        Ok(made)
    }

    fn on_disk(&self) -> usize {
        fs::read_dir(self.folder.path().join("exports")).unwrap().count()
    }
}

/// Shuts a thread out until it is opened.
#[derive(Default)]
struct Latch(Mutex<bool>, Condvar);

impl Latch {
    fn open(&self) {
        *self.0.lock() = true;
        self.1.notify_all();
    }

    fn wait(&self) {
        let mut is_open = self.0.lock();
        while !*is_open {
            self.1.wait(&mut is_open);
        }
    }
}

#[tokio::test]
async fn a_file_that_nobody_waits_for_is_written_to_its_end_and_keeps_its_turn() {
    let place = Place::with_room(1000);
    let key = Key::of(&"all");
    let latch = Arc::new(Latch::default());
    let held = latch.clone();
    let write = move |path: &Path, _: &mut dyn FnMut(Stop)| {
        held.wait();
        fs::write(path, [1; 100]).unwrap();
        Ok(())
    };
    // Whoever asked has left at once.
    drop(place.files.make_whole(key, place.slot(), write).unwrap());
    let other = place
        .files
        .make_whole(Key::of(&"other"), place.slot(), |_, _| Ok(()));
    assert_eq!(other.unwrap_err(), Trouble::Busy, "one at a time");
    let found = place.files.growing(key).expect("it goes on");
    latch.open();
    assert_eq!(found.whole().await, Ok(100));
    assert_eq!(place.files.find(key, found.etag()).unwrap().path(), found.path());
    assert!(place.files.find(Key::of(&"other"), found.etag()).is_none());
    drop(found);
    place.clock.advance(KEPT);
    place.files.sweep();
    assert_eq!(place.on_disk(), 0);
}

#[tokio::test]
async fn a_file_over_age_is_deleted_when_its_last_reader_is_gone() {
    let place = Place::with_room(1000);
    let made = place.makes("all", 10).await.unwrap();
    place.clock.advance(KEPT - 1);
    place.files.sweep();
    assert!(place.files.find(Key::of(&"all"), made.etag()).is_some());
    place.clock.advance(1);
    place.files.sweep();
    assert!(place.files.find(Key::of(&"all"), made.etag()).is_none());
    assert_eq!(fs::read(made.path()).unwrap(), [7; 10]);
    drop(made);
    assert_eq!(place.on_disk(), 0);
}

#[tokio::test]
async fn all_files_together_are_no_larger_than_they_may_be() {
    let place = Place::with_room(1000);
    assert_eq!(place.makes("too large", 1001).await.unwrap_err(), Trouble::NoRoom);
    let first = place.makes("first", 400).await.unwrap();
    let second = place.makes("second", 400).await.unwrap().etag().to_owned();
    // What is being read stays; what is not makes room.
    drop(place.makes("third", 600).await.unwrap());
    assert!(place.files.find(Key::of(&"first"), first.etag()).is_some());
    assert!(place.files.find(Key::of(&"second"), &second).is_none());
    assert_eq!(place.makes("fourth", 601).await.unwrap_err(), Trouble::NoRoom);
    drop(first);
    assert!(place.makes("fifth", 1000).await.is_ok());
    place.files.sweep();
    assert_eq!(place.on_disk(), 1);
}

#[tokio::test]
async fn the_engine_is_stopped_when_its_file_gets_too_large() {
    let place = Place::with_room(1000);
    let latch = Arc::new(Latch::default());
    let write = move |path: &Path, tell: &mut dyn FnMut(Stop)| {
        let stop = latch.clone();
        tell(Arc::new(move || stop.open()));
        fs::write(path, [1; 1001]).unwrap();
        latch.wait();
        Ok(())
    };
    let made = place
        .files
        .make_whole(Key::of(&"all"), place.slot(), write)
        .unwrap();
    assert_eq!(made.whole().await, Err(Trouble::NoRoom));
    drop(made);
    place.files.sweep();
    assert_eq!(place.on_disk(), 0);
}

#[tokio::test]
async fn the_end_of_the_server_stops_what_is_written() {
    let place = Place::with_room(1000);
    let endless = |mut sink: Sink| async move {
        sink.write(b"a").await?;
        std::future::pending::<()>().await;
        Ok(sink)
    };
    let made = place
        .files
        .make(Key::of(&"all"), place.slot(), endless)
        .await
        .unwrap();
    place.tasks.stop();
    assert_eq!(made.whole().await, Err(Trouble::Stopped));
    assert!(place.tasks.wait(Duration::from_secs(5)).await);
}
