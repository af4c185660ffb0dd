//! Many readers of one feed, each with troubles of its own.

use super::reader::{Kind, Reader};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle};

/// What happened how often, to all of them together.
#[derive(Debug, Default)]
pub struct Troubles {
    pub cut: AtomicU64,
    pub stalled: AtomicU64,
    pub refused: AtomicU64,
    pub recovered: AtomicU64,
    talks: Mutex<BTreeMap<Kind, u64>>,
}

impl Troubles {
    /// A conversation by this transport is over.
    pub fn talked(&self, kind: Kind) {
        *self.talks.lock().entry(kind).or_default() += 1;
    }
}

/// The crowd, and where the server is now.
pub struct Crowd {
    address: watch::Sender<String>,
    progress: Vec<watch::Receiver<Option<u64>>>,
    readers: Vec<JoinHandle<()>>,
    troubles: Arc<Troubles>,
}

/// What came of it.
pub struct Ended(Arc<Troubles>);

impl Crowd {
    /// Waits until each has a first position.
    pub async fn gather(count: usize, address: &str) -> Self {
        let (sender, receiver) = watch::channel(address.to_owned());
        let troubles = Arc::new(Troubles::default());
        let (mut readers, mut progress) = (Vec::new(), Vec::new());
        for number in 0..count {
            let (tells, told) = watch::channel(None);
            let reader = Reader::new(number as u64, receiver.clone(), tells, troubles.clone());
            readers.push(tokio::spawn(reader.read()));
            progress.push(told);
        }
        let crowd = Self {
            address: sender,
            progress,
            readers,
            troubles,
        };
        crowd.all_have(0, Duration::from_secs(60)).await;
        crowd
    }

    /// The server is somewhere else now.
    pub fn moved(&self, address: &str) {
        self.address.send_replace(address.to_owned());
    }

    async fn all_have(&self, last: u64, patience: Duration) {
        let all = async {
            for told in &self.progress {
                // A reader that found something wrong has panicked: it tells nothing any more, and is asked at the end.
                let mut told = told.clone();
                drop(
                    told.wait_for(|number| number.is_some_and(|number| number >= last))
                        .await,
                );
            }
        };
        let in_time = tokio::time::timeout(patience, all).await;
        let behind = self
            .progress
            .iter()
            .filter(|told| told.borrow().is_none_or(|number| number < last));
        assert!(
            in_time.is_ok(),
            "{} readers do not have item {last} in {patience:?}: {:?}",
            behind.count(),
            self.troubles
        );
    }

    /// Waits until every reader has the last item. Each of them has checked that it got all before it, once and in order.
    pub async fn ends_with(self, last: u64, patience: Duration) -> Ended {
        self.all_have(last, patience).await;
        for reader in self.readers {
            if reader.is_finished() {
                reader.await.unwrap();
            } else {
                reader.abort();
            }
        }
        for told in &self.progress {
            assert_eq!(*told.borrow(), Some(last));
        }
        Ended(self.troubles)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |which: &AtomicU64| which.load(Ordering::Relaxed);
        write!(
            f,
            "all ended with everything; {} times left, {} times stalled, {} times not let in, {} times recovered by a command; conversations: {:?}",
            count(&self.0.cut),
            count(&self.0.stalled),
            count(&self.0.refused),
            count(&self.0.recovered),
            self.0.talks.lock()
        )
    }
}
