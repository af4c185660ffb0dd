//! `pulsecast export --site D`: a site's raw events, piece by piece, so that memory stays bounded however many there are.

use super::data;
use crate::{
    config::DataDir,
    store::{
        EventReader,
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
    accounts.close().await;
    let (mut store, reader) = duck::open(&DuckSettings { path: dir.events(), memory_mib: 512, threads: 2 })?;
    let tail = crate::ingest::drain(&dir.inbox(), &mut store, &reader)?;
    if tail > 0 {
        tracing::info!(events = tail, "moved from the inbox first");
    }
    let mut out: BufWriter<Box<dyn Write>> = BufWriter::new(if output == Path::new("-") {
        Box::new(std::io::stdout().lock())
    } else {
        Box::new(File::create(output).with_context(|| format!("cannot write {}", output.display()))?)
    });
    let mut after = 0;
    loop {
        let piece = reader.export(site.id, after, PIECE)?;
        let Some((last, _)) = piece.last() else { break };
        after = *last;
        for (_, event) in piece {
            serde_json::to_writer(&mut out, &event)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(out.flush()?)
}
