//! Many readers of one feed, each with troubles of its own.

use super::reader::{Kind, Reader};
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

/// How often what happened, to all of them together.
#[derive(Debug, Default)]
pub struct Troubles {
    pub cut: AtomicU64,
    pub stalled: AtomicU64,
    pub refused: AtomicU64,
    pub recovered: AtomicU64,
}

/// The crowd, and where the server is now.
pub struct Crowd {
    address: watch::Sender<String>,
    progress: Vec<watch::Receiver<u64>>,
    readers: Vec<(Kind, JoinHandle<()>)>,
    troubles: Arc<Troubles>,
}

/// What came of it.
pub struct Ended {
    by_kind: BTreeMap<Kind, usize>,
    troubles: Arc<Troubles>,
}

impl Crowd {
    pub fn gather(count: usize, address: &str) -> Self {
        let (sender, receiver) = watch::channel(address.to_owned());
        let troubles = Arc::new(Troubles::default());
        let (mut readers, mut progress) = (Vec::new(), Vec::new());
        for number in 0..count {
            let kind = Kind::ALL[number % Kind::ALL.len()];
            let (tells, told) = watch::channel(0);
            let reader = Reader::new(kind, number as u64, receiver.clone(), tells, troubles.clone());
            readers.push((kind, tokio::spawn(reader.read())));
            progress.push(told);
        }
        Self {
            address: sender,
            progress,
            readers,
            troubles,
        }
    }

    /// The server is somewhere else now.
    pub fn moved(&self, address: &str) {
        self.address.send_replace(address.to_owned());
    }

    /// Waits until every reader has the last item. Each of them has checked that it got all before it, once and in order.
    pub async fn ends_with(self, last: u64, patience: Duration) -> Ended {
        let all = async {
            for told in self.progress {
                let mut told = told;
                // A reader that found something wrong has panicked: it tells nothing any more, and is asked below.
                drop(told.wait_for(|number| *number >= last).await);
            }
        };
        let in_time = tokio::time::timeout(patience, all).await.is_ok();
        let mut by_kind = BTreeMap::new();
        for (kind, reader) in self.readers {
            if reader.is_finished() {
                reader.await.unwrap();
            } else {
                reader.abort();
            }
            *by_kind.entry(kind).or_default() += 1;
        }
        assert!(
            in_time,
            "not everybody has everything in {patience:?}: {:?}",
            self.troubles
        );
        Ended {
            by_kind,
            troubles: self.troubles,
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |which: &AtomicU64| which.load(Ordering::Relaxed);
        let Troubles {
            cut,
            stalled,
            refused,
            recovered,
        } = &*self.troubles;
        write!(
            f,
            "{:?}: all ended with everything; {} times cut off, {} times stalled, {} times not let in, {} times recovered",
            self.by_kind,
            count(cut),
            count(stalled),
            count(refused),
            count(recovered)
        )
    }
}
