//! `pulsecast export --site D`: a site's raw events, piece by piece, so that memory stays bounded however many there are.

use super::{data, running::RunningServer};
use crate::{
    config::DataDir,
    event::SiteId,
    store::{
        EventReader, StoreError,
        accounts::Accounts,
        duck::{self, DuckSettings},
    },
};
use anyhow::{Context, Result};
use pulsecast_protocol::Domain;
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

/// Events read at a time.
const PIECE: usize = 10_000;

pub(super) async fn ndjson(dir: &DataDir, domain: &Domain, output: &Path) -> Result<()> {
    let accounts = data::accounts(dir).await?;
    let site = accounts
        .sites()
        .await?
        .into_iter()
        .find(|site| site.settings.domain == *domain)
        .with_context(|| format!("there is no site {domain} in {}", dir.path.display()))?;
    let mut out: BufWriter<Box<dyn Write>> = BufWriter::new(if output == Path::new("-") {
        Box::new(std::io::stdout().lock())
    } else {
        Box::new(File::create(output).with_context(|| format!("cannot write {}", output.display()))?)
    });
    match duck::open(&DuckSettings {
        path: dir.events(),
        memory_mib: 512,
        threads: 2,
    }) {
        Ok((mut store, reader)) => {
            crate::ingest::drain(&dir.inbox(), &mut store, &reader)?;
            write(&reader, site.id, &mut out)?;
        }
        Err(StoreError::InUse { .. }) => {
            RunningServer::of(dir, &accounts, &site)
                .await?
                .export(domain, &mut out)
                .await?
        }
        Err(error) => return Err(error.into()),
    }
    accounts.close().await;
    Ok(out.flush()?)
}

fn write(reader: &impl EventReader, site: SiteId, out: &mut impl Write) -> Result<()> {
    let mut after = 0;
    loop {
        let piece = reader.export(site, after, PIECE)?;
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
