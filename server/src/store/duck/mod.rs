//! Events in DuckDB, embedded: one file, one writer, readers beside it.

mod change;
mod export;
mod fresh;
mod imports;
mod late;
mod read;
mod reckon;
mod roll;
mod stats;
mod write;

pub use read::DuckReader;
pub use roll::DuckRollups;
pub use stats::DuckStats;
pub use write::DuckWriter;

use super::StoreError;
use duckdb::{Config, Connection};
use std::path::{Path, PathBuf};

/// Schema steps, by number; a step once released is never changed.
const MIGRATIONS: &[(i64, &str)] = &[
    (
        1,
        include_str!("../../../migrations/events/0001_events_and_visits.sql"),
    ),
    (
        2,
        include_str!("../../../migrations/events/0002_channel_region_city.sql"),
    ),
    (3, include_str!("../../../migrations/events/0003_imports.sql")),
    (4, include_str!("../../../migrations/events/0004_daily.sql")),
    (5, include_str!("../../../migrations/events/0005_batches.sql")),
    (6, include_str!("../../../migrations/events/0006_marks.sql")),
    (7, include_str!("../../../migrations/events/0007_props.sql")),
    (
        8,
        include_str!("../../../migrations/events/0008_import_numbers.sql"),
    ),
];

/// The format that new files are written in: its text columns are dictionaries and its validity masks are packed.
const FILE_FORMAT: &str = "v1.5.0";

/// How much the engine may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuckSettings {
    /// The file.
    pub path: PathBuf,
    /// Memory limit in MiB; real use goes 35–50 % above it.
    pub memory_mib: u32,
    /// Worker threads.
    pub threads: u32,
}

fn fault(path: &Path, error: &duckdb::Error) -> StoreError {
    let message = error.to_string();
    let path = path.display().to_string();
    if message.contains("Conflicting lock") || message.contains("Could not set lock") {
        return StoreError::InUse { path };
    }
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let (broken, memory, passing) = (has(&BROKEN), has(&MEMORY), has(&PASSING));
    // Only the first line: the rest is DuckDB's stack trace.
    let message = message.lines().next().unwrap_or_default().to_owned();
    match () {
        () if broken => StoreError::Broken { path, message },
        () if memory => StoreError::Memory { path, message },
        () if passing => StoreError::Passing { path, message },
        () => StoreError::Engine { path, message },
    }
}

/// How the engine says that it takes nothing more until the file is opened again.
const BROKEN: [&str; 2] = ["FATAL Error", "database has been invalidated"];
/// How it says that something costs too much.
const MEMORY: [&str; 2] = ["Out of Memory", "max_temp_directory_size"];
/// How it says that something else than what it is given is wrong: the disk, or another transaction.
const PASSING: [&str; 3] = ["IO Error", "TransactionContext Error", "INTERRUPT"];

/// Opens or makes the file and brings its schema up to date. Gives the writer and a reader of the same database. Once a process: the engine lets a
/// process open a file twice, and then neither half sees what the other writes until the last one to close destroys it.
///
/// # Errors
/// When the file is in use, damaged, or of a newer schema.
pub fn open(settings: &DuckSettings) -> Result<(DuckWriter, DuckReader), StoreError> {
    let connection = connect(settings)?;
    let reader = connection.try_clone().map_err(|e| fault(&settings.path, &e))?;
    let late = late::Late::load(&connection).map_err(|e| fault(&settings.path, &e))?;
    Ok((
        DuckWriter::new(settings.path.clone(), connection, late.clone()),
        DuckReader::new(settings.path.clone(), reader, late),
    ))
}

fn connect(settings: &DuckSettings) -> Result<Connection, StoreError> {
    let path = &settings.path;
    let fault = |e: duckdb::Error| fault(path, &e);
    let config = Config::default()
        .max_memory(&format!("{}MiB", settings.memory_mib))
        .and_then(|c| c.threads(i64::from(settings.threads)))
        .and_then(|c| c.enable_autoload_extension(false))
        // Checkpoints stall the writer: they are made at quiet moments, this is only the backstop.
        .and_then(|c| c.with("checkpoint_threshold", "256MB"))
        .and_then(|c| c.with("preserve_insertion_order", "true"))
        // How files that are made now are written; a file keeps the format that it was made with. The default is one that the oldest
        // engines read: a fifth larger where texts repeat, and up to seven times slower to filter by them.
        .and_then(|c| c.with("storage_compatibility_version", FILE_FORMAT))
        // What does not fit into memory goes to disk, but not all of the disk.
        .and_then(|c| {
            c.with(
                "max_temp_directory_size",
                format!("{}MiB", 2 * settings.memory_mib),
            )
        })
        .map_err(fault)?;
    let connection = Connection::open_with_flags(path, config).map_err(fault)?;
    migrate(&connection, path)?;
    Ok(connection)
}

fn migrate(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let fault = |e: duckdb::Error| fault(path, &e);
    connection
        .execute_batch("create table if not exists schema_migrations (version bigint not null)")
        .map_err(fault)?;
    let found: i64 = connection
        .query_row(
            "select coalesce(max(version), 0) from schema_migrations",
            [],
            |row| row.get(0),
        )
        .map_err(fault)?;
    let known = MIGRATIONS.last().map_or(0, |(version, _)| *version);
    if found > known {
        return Err(StoreError::Newer {
            path: path.display().to_string(),
            found,
            known,
        });
    }
    // One by one and not "all above the newest": steps are numbered by who works on them, and may arrive in another order.
    for (version, step) in MIGRATIONS {
        let done: i64 = connection
            .query_row(
                "select count(*) from schema_migrations where version = ?",
                [version],
                |row| row.get(0),
            )
            .map_err(fault)?;
        if done > 0 {
            continue;
        }
        connection
            .execute_batch(&format!(
                "begin; {step}; insert into schema_migrations values ({version}); commit;"
            ))
            .map_err(fault)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
