//! `pulsecast import --site D FILE…`: takes files in, beside a running server through it, else straight into the store.

use super::{data, running::RunningServer};
use crate::{
    clock::SystemClock,
    config::DataDir,
    enrich::{Agents, Cities, Countries, Salts},
    event::SiteId,
    ingest::{
        Tables, drain,
        import::{
            Context as ImportContext, Dry, File, JobView, Report, Sink, State, Stored, Watched, job_view, run,
        },
    },
    sites::{Site, Sites},
    store::{
        EventReader, ImportId, StoreError,
        accounts::Accounts,
        duck::{self, DuckSettings},
    },
};
use anyhow::{Context, Result, bail};
use pulsecast_protocol::{
    Domain,
    data::{ImportJob, ImportState},
};
use std::path::PathBuf;

/// What is taken in, and how.
pub(super) struct Job {
    pub domain: Domain,
    pub files: Vec<PathBuf>,
    pub dry_run: bool,
    pub cities: Vec<PathBuf>,
}

impl Job {
    /// The files and what they are called.
    fn named(&self) -> impl Iterator<Item = (&PathBuf, String)> {
        self.files.iter().map(|path| {
            let name = path.file_name().unwrap_or_default();
            (path, name.to_string_lossy().into_owned())
        })
    }
}

pub(super) async fn import(dir: &DataDir, job: &Job) -> Result<()> {
    let files: Vec<File> = job
        .named()
        .map(|(path, name)| File::open(path, &name))
        .collect::<Result<_, _>>()?;
    let accounts = data::accounts(dir).await?;
    let all = accounts.sites().await?;
    let site = all
        .iter()
        .find(|site| site.settings.domain == job.domain)
        .cloned()
        .with_context(|| format!("there is no site {} in {}", job.domain, dir.path.display()))?;
    let opened = duck::open(&DuckSettings {
        path: dir.events(),
        memory_mib: 1024,
        threads: 2,
    });
    let done = match opened {
        Ok((mut store, reader)) => {
            drain(&dir.inbox(), &mut store, &reader)?;
            let sites = Sites::default();
            sites.replace(all);
            alone(job, files, &site, &sites, &mut store, &reader)?
        }
        Err(StoreError::InUse { .. }) => {
            let server = RunningServer::of(dir, &accounts, &site).await?;
            let named: Vec<_> = job.named().map(|(path, name)| (path.clone(), name)).collect();
            server.import(&job.domain, &named, job.dry_run).await?
        }
        Err(error) => return Err(error.into()),
    };
    if done.state == ImportState::Done && !job.dry_run && done.days > 0 {
        // A site that has a history waits for no first event.
        accounts
            .note_first_event(&[site.id], crate::clock::Clock::now(&SystemClock))
            .await?;
    }
    accounts.close().await;
    tell(&done)
}

/// Into a store that no server runs on.
fn alone(
    job: &Job,
    files: Vec<File>,
    site: &Site,
    sites: &Sites,
    store: &mut duck::DuckWriter,
    reader: &impl EventReader,
) -> Result<ImportJob> {
    let tables = Tables {
        agents: Agents::embedded()?,
        countries: Countries::embedded()?,
        cities: Cities::open(&job.cities)?,
        salts: Salts::new(),
    };
    let watched = Watched::default();
    let context = ImportContext {
        site,
        sites,
        tables: &tables,
        clock: &SystemClock,
        watched: &watched,
    };
    let covered = reader.covered(SiteId(site.id.0))?;
    let newest = reader.newest_import()?;
    let mut dry = Dry;
    let mut stored = Stored(store);
    let sink: &mut dyn Sink = if job.dry_run { &mut dry } else { &mut stored };
    run(&context, files, &covered, ImportId(newest.0 + 1), sink)?;
    let report: Report = watched.report();
    Ok(job_view(JobView {
        state: State::Done,
        dry_run: job.dry_run,
        report,
        ..JobView::default()
    }))
}

/// What came of it, for people.
fn tell(job: &ImportJob) -> Result<()> {
    if let Some(error) = &job.error {
        bail!("nothing was imported: {error}");
    }
    let what = if job.dry_run {
        "would be imported"
    } else {
        "imported"
    };
    println!(
        "{} rows read; {what}: {} events in {} visits",
        job.rows, job.events, job.visits
    );
    if let (Some(first), Some(last)) = (&job.first_day, &job.last_day) {
        println!("{} days, from {first} to {last}", job.days);
    }
    for (reason, count) in &job.skipped {
        println!("left out: {count} ({reason})");
    }
    for example in &job.examples {
        println!("  {example}");
    }
    Ok(())
}
