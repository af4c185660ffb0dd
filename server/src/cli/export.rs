//! `pulsecast export --site D`: a site's raw events, piece by piece, so that memory stays bounded however many there are.

use super::{ExportFormat, data, running::RunningServer};
use crate::{
    config::DataDir,
    period::Period,
    sites::Site,
    store::{
        EventReader, Slice, StoreError,
        accounts::Accounts,
        duck::{self, DuckSettings},
    },
};
use anyhow::{Context, Result, bail};
use pulsecast_protocol::Domain;
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

/// Events read at a time.
const PIECE: usize = 10_000;

/// What is written, and how.
pub(super) struct Job {
    pub domain: Domain,
    pub format: ExportFormat,
    pub from: Option<String>,
    pub to: Option<String>,
    pub output: PathBuf,
}

impl Job {
    fn to_stdout(&self) -> bool {
        self.output == Path::new("-")
    }

    /// As a running server is asked for it.
    fn path(&self) -> String {
        let period: String = [("from", &self.from), ("to", &self.to)]
            .iter()
            .filter_map(|(name, value)| Some(format!("{name}={}&", percent_encode(value.as_deref()?))))
            .collect();
        let ending = match self.format {
            ExportFormat::Ndjson => "ndjson",
            ExportFormat::Parquet => "parquet",
        };
        format!("/sites/{}/export.{ending}?{period}", self.domain)
    }

    fn slice(&self, site: &Site) -> Result<Slice> {
        let timezone = site.settings.timezone.parse().unwrap_or_default();
        let period = Period::parse(self.from.as_deref(), self.to.as_deref(), timezone)?;
        Ok(Slice {
            site: site.id,
            from: period.from,
            to: period.to,
        })
    }

    fn output(&self) -> Result<BufWriter<Box<dyn Write>>> {
        Ok(BufWriter::new(if self.to_stdout() {
            Box::new(std::io::stdout().lock())
        } else {
            let file = File::create(&self.output);
            Box::new(file.with_context(|| format!("cannot write {}", self.output.display()))?)
        }))
    }
}

fn percent_encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

pub(super) async fn run(dir: &DataDir, job: &Job) -> Result<()> {
    let accounts = data::accounts(dir).await?;
    let site = accounts
        .sites()
        .await?
        .into_iter()
        .find(|site| site.settings.domain == job.domain)
        .with_context(|| format!("there is no site {} in {}", job.domain, dir.path.display()))?;
    let slice = job.slice(&site)?;
    match duck::open(&DuckSettings {
        path: dir.events(),
        memory_mib: 512,
        threads: 2,
    }) {
        Ok((mut store, reader)) => {
            crate::ingest::drain(&dir.inbox(), &mut store, &reader)?;
            match job.format {
                ExportFormat::Ndjson => {
                    let mut out = job.output()?;
                    write(&reader, slice, &mut out)?;
                    out.flush()?;
                }
                ExportFormat::Parquet if job.to_stdout() => {
                    bail!("a Parquet file cannot be written to standard output: name a file with --output")
                }
                ExportFormat::Parquet => reader.parquet(slice, &job.output, &mut drop)?,
            }
        }
        Err(StoreError::InUse { .. }) => {
            let server = RunningServer::of(dir, &accounts, &site).await?;
            let mut out = job.output()?;
            server.download(&job.path(), &mut out).await?;
            out.flush()?;
        }
        Err(error) => return Err(error.into()),
    }
    accounts.close().await;
    Ok(())
}

fn write(reader: &impl EventReader, slice: Slice, out: &mut impl Write) -> Result<()> {
    let (mut after, through) = (0, reader.last_of(slice)?);
    loop {
        let piece = reader.export(slice, after, through, PIECE)?;
        let Some((last, _)) = piece.last() else {
            return Ok(());
        };
        after = *last;
        for (_, event) in piece {
            serde_json::to_writer(&mut *out, &event)?;
            out.write_all(b"\n")?;
        }
    }
}
