//! Durable channels on disk: `streams.sqlite`. One writer puts whatever waits into one commit; readers have a connection of their own, which no
//! writer holds up. Where a channel stands (epoch and offset) stays when its publications have grown too old.

mod read;
mod schema;
#[cfg(test)]
mod tests;
mod write;

pub use read::StreamsArchive;
pub use write::StreamsJournal;

use crate::hub::Unavailable;
use std::path::{Path, PathBuf};

/// What can go wrong when the file is opened.
#[derive(Debug, thiserror::Error)]
pub enum StreamsError {
    /// SQLite says no: disk full, file locked, disk gone.
    #[error(
        "the feeds and rooms in {path} cannot be read: {source}: see that this user may write there, and that no other pulsecast uses it"
    )]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file was written by a newer binary.
    #[error(
        "{path} has schema {found}, this pulsecast knows {known}: upgrade the binary or restore a backup"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
}

/// Opens or makes the file: one half writes, the other reads. Of channels whose names begin alike, up to the second colon (rooms of one site),
/// there are `most`.
///
/// # Errors
/// When it cannot be opened or is of a newer schema.
pub fn open(path: &Path, most: u32) -> Result<(StreamsJournal, StreamsArchive), StreamsError> {
    schema::prepare(path)?;
    Ok((StreamsJournal::new(path, most), StreamsArchive::new(path)))
}

/// What SQLite says, for whoever publishes or reads.
fn unavailable(path: &Path, source: &rusqlite::Error) -> Unavailable {
    Unavailable(format!("{}: {source}", path.display()))
}
