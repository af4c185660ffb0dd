//! Imports that run beside the server: one at a time, watched, cancelled, remembered until the next one of the site begins.

use super::{Context, Dry, File, Report, Sink, State, report::Watched, run, sink::Running};
use crate::{
    clock::SharedClock,
    event::SiteId,
    ingest::{Backlog, Inbox, Tables},
    sites::{Site, Sites},
    store::{Change, EventReader, Import, ImportId, StoreError},
    tasks::Tasks,
};
use parking_lot::Mutex;
use std::{collections::HashMap, path::PathBuf, sync::Arc};

/// Another import runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another import is running: wait for its end, or cancel it")]
pub struct Busy;

/// What is to be imported.
#[derive(Debug)]
pub struct Order {
    /// The files and what their owner calls them; deleted when the import ends.
    pub files: Vec<(PathBuf, String)>,
    /// Only say what would come.
    pub dry_run: bool,
}

/// An import that runs or has run since the server started.
#[derive(Clone, Debug, Default)]
pub struct JobView {
    /// Where it stands.
    pub state: State,
    /// Whether it only says what would come.
    pub dry_run: bool,
    /// What the files are called.
    pub name: String,
    /// Why it failed.
    pub error: Option<String>,
    /// What has come of it.
    pub report: Report,
}

#[derive(Debug)]
struct Job {
    view: JobView,
    watched: Watched,
}

struct Inner {
    sites: Sites,
    tables: Tables,
    clock: SharedClock,
    reader: Arc<dyn EventReader>,
    inbox: Inbox,
    backlog: Backlog,
    tasks: Tasks,
    jobs: Mutex<HashMap<SiteId, Job>>,
    /// The number that was given last.
    newest: Mutex<ImportId>,
}

/// Imports. A cheap handle.
#[derive(Clone)]
#[allow(missing_debug_implementations)]
pub struct Importer(Arc<Inner>);

impl Importer {
    /// Imports through this inbox and backlog.
    #[must_use]
    pub fn new(
        sites: Sites,
        tables: Tables,
        clock: SharedClock,
        reader: Arc<dyn EventReader>,
        inbox: Inbox,
        backlog: Backlog,
        tasks: Tasks,
    ) -> Self {
        Self(Arc::new(Inner {
            sites,
            tables,
            clock,
            reader,
            inbox,
            backlog,
            tasks,
            jobs: Mutex::default(),
            newest: Mutex::default(),
        }))
    }

    /// Begins an import.
    ///
    /// # Errors
    /// When another runs.
    pub fn start(&self, site: Arc<Site>, order: Order) -> Result<(), Busy> {
        let names: Vec<&str> = order.files.iter().map(|(_, name)| name.as_str()).collect();
        let watched = Watched::default();
        let job = Job {
            view: JobView {
                dry_run: order.dry_run,
                name: names.join(", "),
                ..JobView::default()
            },
            watched: watched.clone(),
        };
        {
            let mut jobs = self.0.jobs.lock();
            if jobs.values().any(|job| job.view.state == State::Running) {
                return Err(Busy);
            }
            jobs.insert(site.id, job);
        }
        let importer = self.clone();
        let started = self.0.tasks.thread("import", {
            let site = site.clone();
            move || importer.work(&site, order, &watched)
        });
        if let Err(error) = started {
            self.end(site.id, Err(error.to_string()));
        }
        Ok(())
    }

    /// The last import of the site since the server started.
    #[must_use]
    pub fn job(&self, site: SiteId) -> Option<JobView> {
        let jobs = self.0.jobs.lock();
        let job = jobs.get(&site)?;
        Some(JobView {
            report: job.watched.report(),
            ..job.view.clone()
        })
    }

    /// Asks the site's import to end; what it brought is undone.
    pub fn cancel(&self, site: SiteId) {
        if let Some(job) = self.0.jobs.lock().get(&site) {
            job.watched.cancel();
        }
    }

    /// The site's imports, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self, site: SiteId) -> Result<Vec<Import>, StoreError> {
        let reader = self.0.reader.clone();
        let read = tokio::task::spawn_blocking(move || reader.imports(Some(site))).await;
        read.map_err(|error| StoreError::Engine {
            path: "imports".to_owned(),
            message: error.to_string(),
        })?
    }

    /// Deletes all that came with an import of the site that is complete. Says whether there is such a one.
    ///
    /// # Errors
    /// When the store cannot be read, or refuses it.
    pub async fn undo(&self, site: SiteId, id: ImportId) -> Result<bool, StoreError> {
        let there = self
            .list(site)
            .await?
            .iter()
            .any(|import| import.id == id && import.ended.is_some());
        if there {
            self.delete(Change::ImportUndone(id)).await?;
        }
        Ok(there)
    }

    /// Deletes part of a site's history, once it is the store's turn.
    ///
    /// # Errors
    /// When the store refuses it: nothing is deleted then.
    pub async fn delete(&self, change: Change) -> Result<(), StoreError> {
        let ticket = self.0.backlog.change(change.clone());
        self.settled(ticket).await;
        match self.0.backlog.refusal(&change) {
            Some(message) => Err(StoreError::Engine {
                path: "deleting".to_owned(),
                message,
            }),
            None => Ok(()),
        }
    }

    async fn settled(&self, ticket: u64) {
        while !self.0.backlog.is_settled(ticket) && !self.0.tasks.is_stopping() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    fn work(&self, site: &Site, order: Order, watched: &Watched) {
        let outcome = self.import(site, &order, watched);
        for (file, _) in &order.files {
            if let Err(error) = std::fs::remove_file(file) {
                tracing::warn!(%error, file = %file.display(), "an uploaded file is left behind; the next start deletes it");
            }
        }
        if let Err(error) = &outcome {
            tracing::warn!(%error, site = %site.settings.domain, "an import ends early");
        }
        self.end(site.id, outcome.map_err(|error| error.to_string()));
    }

    fn import(&self, site: &Site, order: &Order, watched: &Watched) -> Result<(), super::ImportError> {
        let inner = &*self.0;
        let files: Vec<File> = order
            .files
            .iter()
            .map(|(path, name)| File::open(path, name))
            .collect::<Result<_, _>>()?;
        let covered = inner.reader.covered(site.id)?;
        let newest = inner.reader.newest_import()?;
        // The store may not have heard of the last one yet.
        let id = {
            let mut newest_here = inner.newest.lock();
            *newest_here = ImportId(newest.max(*newest_here).0 + 1);
            *newest_here
        };
        let context = Context {
            site,
            sites: &inner.sites,
            tables: &inner.tables,
            clock: &*inner.clock,
            watched,
        };
        let mut dry = Dry;
        let mut running = Running {
            inbox: inner.inbox.clone(),
            backlog: inner.backlog.clone(),
            tasks: inner.tasks.clone(),
            import: id,
            last: 0,
        };
        let sink: &mut dyn Sink = if order.dry_run { &mut dry } else { &mut running };
        run(&context, files, &covered, id, sink)
    }

    fn end(&self, site: SiteId, outcome: Result<(), String>) {
        if let Some(job) = self.0.jobs.lock().get_mut(&site) {
            job.view.state = if outcome.is_ok() {
                State::Done
            } else {
                State::Failed
            };
            job.view.error = outcome.err();
        }
    }
}
