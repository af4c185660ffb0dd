//! Reading a channel that somebody asks for and that is not in memory.

use super::{schema, unavailable};
use crate::hub::{Archive, Kept, KeptOne, Retain, Unavailable};
use parking_lot::Mutex;
use pulsecast_protocol::{Position, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::{Path, PathBuf};

/// The reading half.
#[derive(Debug)]
pub struct StreamsArchive {
    path: PathBuf,
    /// Closed after an error, and opened again for the next reader.
    connection: Mutex<Option<Connection>>,
}

impl StreamsArchive {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            connection: Mutex::default(),
        }
    }
}

impl Archive for StreamsArchive {
    fn load(&self, channel: &str, retain: Retain, now: Timestamp) -> Result<Kept, Unavailable> {
        let mut slot = self.connection.lock();
        let connection = match slot.take() {
            Some(connection) => connection,
            None => schema::connect(&self.path).map_err(|error| unavailable(&self.path, &error))?,
        };
        let kept =
            load(&connection, channel, retain, now).map_err(|error| unavailable(&self.path, &error))?;
        *slot = Some(connection);
        Ok(kept)
    }
}

fn load(
    connection: &Connection,
    channel: &str,
    retain: Retain,
    now: Timestamp,
) -> Result<Kept, rusqlite::Error> {
    // One transaction: what is read of the stream and of its publications is of one moment.
    let moment = connection.unchecked_transaction()?;
    let found = moment
        .prepare_cached("select id, epoch, last from streams where channel = ?1")?
        .query_row([channel], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, u64>(2)?,
            ))
        })
        .optional()?;
    let Some((stream, epoch, offset)) = found else {
        let seed: Vec<u8> = moment
            .prepare_cached("select seed from meta")?
            .query_row([], |row| row.get(0))?;
        let epoch = schema::first_epoch(&seed, channel);
        return Ok(Kept {
            position: Position { epoch, offset: 0 },
            publications: Vec::new(),
        });
    };
    let mut publications = Vec::new();
    {
        let mut newest_first = moment.prepare_cached(
            "select place, at, payload, info from publications where stream = ?1 order by place desc limit ?2",
        )?;
        let most = i64::try_from(retain.count).unwrap_or(i64::MAX);
        let mut rows = newest_first.query(params![stream, most])?;
        let (mut next, mut bytes) = (offset, 0);
        while let Some(row) = rows.next()? {
            let one = KeptOne {
                offset: row.get(0)?,
                at: Timestamp(row.get(1)?),
                payload: row.get::<_, Vec<u8>>(2)?.into(),
                info: row.get::<_, Vec<u8>>(3)?.into(),
            };
            bytes += one.payload.len();
            // Behind a hole nothing is of use; older than it may be, it is as good as gone.
            if one.offset != next || bytes > retain.bytes || now.since(one.at) > retain.age {
                break;
            }
            next -= 1;
            publications.push(one);
        }
    }
    moment.finish()?;
    publications.reverse();
    Ok(Kept {
        position: Position { epoch, offset },
        publications,
    })
}
