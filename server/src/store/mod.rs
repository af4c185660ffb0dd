//! Where things are kept. Traits here; an adapter a file or folder below, named only in `boot`.

pub mod accounts;
mod aside;
pub mod changes;
pub mod duck;
pub mod events;
pub mod inbox;
pub mod rollups;
pub mod stats;
pub mod streams;

pub use aside::Aside;
pub use changes::{Change, Daily, Import, ImportId};
pub use events::{Batch, EventReader, EventStore, ExportedEvent, Progress, Slice, StoreError};
pub use rollups::{Rolled, Rollups, SiteDay};
pub use stats::{AskError, Cell, Snapshot, StatsSession, StatsStore, Stop};
