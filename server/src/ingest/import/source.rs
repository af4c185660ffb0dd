//! Files to import: what kind they are, and their lines, unpacked on the way.

use flate2::read::MultiGzDecoder;
use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Seek},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// The longest line that is read; longer ones are left out.
const LINE: usize = 256 * 1024;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `imported_*.csv`, or a ZIP of them.
    Plausible,
    /// Lines in the combined log format.
    AccessLog,
    /// Lines of our own export.
    Ndjson,
}

impl Kind {
    /// Its name in the list of imports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plausible => "plausible",
            Self::AccessLog => "access_log",
            Self::Ndjson => "ndjson",
        }
    }
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file system, or a broken archive.
    #[error("{name} cannot be read: {error}")]
    Read {
        /// Which file.
        name: String,
        /// What is wrong.
        error: io::Error,
    },
    /// A ZIP that is no export of Plausible.
    #[error(
        "{name} has no imported_*.csv in it: give the ZIP that Plausible's settings export, an access log, or raw events of pulsecast export"
    )]
    NotPlausible {
        /// Which file.
        name: String,
    },
    /// Neither of the kinds.
    #[error("{name} is empty")]
    Empty {
        /// Which file.
        name: String,
    },
}

/// A file to import.
#[derive(Clone, Debug)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// What its owner calls it.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// How large it is.
    pub bytes: u64,
}

impl File {
    /// Looks what a file holds: by its beginning, not by its name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path, name: &str) -> Result<Self, SourceError> {
        let read = |error| SourceError::Read {
            name: name.to_owned(),
            error,
        };
        let bytes = fs::metadata(path).map_err(read)?.len();
        let mut head = [0; 4];
        let mut file = fs::File::open(path).map_err(read)?;
        let length = file.read(&mut head).map_err(read)?;
        let kind = if head.starts_with(b"PK") {
            Kind::Plausible
        } else if length == 0 {
            return Err(SourceError::Empty {
                name: name.to_owned(),
            });
        } else {
            let mut lines = lines(path, name, Arc::default())?;
            let first = lines.next()?.unwrap_or_default();
            if first.starts_with('{') {
                Kind::Ndjson
            } else if name.contains("imported_") && first.starts_with("\"date\"")
                || first.starts_with("date,")
            {
                Kind::Plausible
            } else {
                Kind::AccessLog
            }
        };
        Ok(Self {
            path: path.to_owned(),
            name: name.to_owned(),
            kind,
            bytes,
        })
    }

    /// Its lines, and how much of it they took.
    pub(super) fn lines(&self, read: Arc<AtomicU64>) -> Result<Lines, SourceError> {
        lines(&self.path, &self.name, read)
    }
}

fn lines(path: &Path, name: &str, read: Arc<AtomicU64>) -> Result<Lines, SourceError> {
    let fault = |error| SourceError::Read {
        name: name.to_owned(),
        error,
    };
    let mut file = fs::File::open(path).map_err(fault)?;
    let mut head = [0; 2];
    let packed = file.read(&mut head).map_err(fault)? == 2 && head == [0x1f, 0x8b];
    file.rewind().map_err(fault)?;
    let counted = Counted { inner: file, read };
    let inner: Box<dyn BufRead + Send> = if packed {
        Box::new(BufReader::with_capacity(64 * 1024, MultiGzDecoder::new(counted)))
    } else {
        Box::new(BufReader::with_capacity(64 * 1024, counted))
    };
    Ok(Lines {
        inner,
        name: name.to_owned(),
        number: 0,
    })
}

/// Counts what is read.
pub(super) struct Counted<R> {
    pub(super) inner: R,
    pub(super) read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Lines of a text file.
pub(super) struct Lines {
    inner: Box<dyn BufRead + Send>,
    pub(super) name: String,
    /// Of the last line.
    pub(super) number: u64,
}

impl Lines {
    /// The next line without its end; what is no UTF-8 is replaced, and a line that is too long is cut.
    pub(super) fn next(&mut self) -> Result<Option<String>, SourceError> {
        let fault = |error| SourceError::Read {
            name: self.name.clone(),
            error,
        };
        let mut line = Vec::new();
        let read = (&mut self.inner)
            .take(LINE as u64)
            .read_until(b'\n', &mut line)
            .map_err(fault)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if read == LINE && !line.ends_with(b"\n") {
            skip_line(&mut self.inner).map_err(fault)?;
        }
        while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            line.pop();
        }
        Ok(Some(String::from_utf8(line).unwrap_or_else(|error| {
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        })))
    }

    /// Where the last line is.
    pub(super) fn place(&self) -> String {
        format!("{} line {}", self.name, self.number)
    }
}

fn skip_line(from: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let buffer = from.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |at| at + 1);
        from.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}
