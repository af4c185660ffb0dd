//! `/sites/{domain}/import`: files that are taken in. They come as the page's form or as a request's body, are streamed to the data directory, and
//! imported beside the server; `import.json` tells how far it is. Also the end of an import, and of parts of a site's history.

mod upload;

use super::{export::ExportState, form::see_other, status};
use crate::{
    gate::SignedIn,
    ingest::import::{Importer, Order, State as JobState, import_view, job_view},
    period::Period,
    sites::Site,
    store::{
        Change, ImportId, Slice, StoreError,
        accounts::{Accounts, audit},
    },
};
use axum::{
    Extension, Form, Json, Router,
    extract::{DefaultBodyLimit, Path, Query, Request, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, header};
use pulsecast_protocol::{ApiError, ErrorCode, data::DataPage};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc};

/// What taking files in needs.
#[derive(Clone)]
pub struct ImportUploads {
    /// Who may, and which site it is.
    pub members: ExportState,
    /// Imports.
    pub importer: Importer,
    /// The audit trail.
    pub accounts: Arc<dyn Accounts>,
    /// Where uploads wait; emptied when the server starts.
    pub folder: PathBuf,
    /// Bytes of one upload at most.
    pub limit: u64,
}

/// The routes; behind the door that says who is signed in, and before the one that keeps bodies small.
pub fn routes(state: ImportUploads) -> Router {
    Router::new()
        .route(
            "/sites/{domain}/import",
            post(take).layer(DefaultBodyLimit::disable()),
        )
        .route("/sites/{domain}/import.json", get(look))
        .route("/sites/{domain}/import/cancel", post(cancel))
        .route("/sites/{domain}/import/undo", post(undo))
        .route("/sites/{domain}/data/delete", post(delete))
        .with_state(state)
}

/// All that the page shows.
///
/// # Errors
/// When the store cannot be read.
pub async fn page(importer: &Importer, site: &Site, limit: u64) -> Result<DataPage, StoreError> {
    let imports = importer.list(site.id).await?;
    Ok(DataPage {
        domain: site.settings.domain.clone(),
        job: importer.job(site.id).map(job_view),
        imports: imports
            .into_iter()
            .filter(|import| import.ended.is_some())
            .map(import_view)
            .collect(),
        retention_days: site.settings.retention_days,
        limit,
    })
}

type Who = Option<Extension<SignedIn>>;
type Answer = Result<Response, Box<Response>>;

fn either(answer: Answer) -> Response {
    answer.unwrap_or_else(|refusal| *refusal)
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

impl ImportUploads {
    fn refuse(&self, headers: &HeaderMap, code: ErrorCode, message: impl Into<String>) -> Box<Response> {
        Box::new(status::refuse(headers, ApiError::new(code, message.into())))
    }

    fn store_away(&self, headers: &HeaderMap, error: &StoreError) -> Box<Response> {
        tracing::error!(%error, "the event store does not answer");
        self.refuse(
            headers,
            ErrorCode::Unavailable,
            "the event store does not answer now: try again in a moment",
        )
    }

    /// People go back to the page, programs get the figures.
    async fn answer(&self, headers: &HeaderMap, site: &Site, status: StatusCode, done: &str) -> Answer {
        let domain = &site.settings.domain;
        if wants_page(headers) {
            return Ok(see_other(&format!("/sites/{domain}/import"), &[("done", done)]));
        }
        let page = page(&self.importer, site, self.limit).await;
        let page = page.map_err(|error| self.store_away(headers, &error))?;
        Ok((status, Json(page)).into_response())
    }

    /// Notes what is going to be done: in another file than the trail, so before it. What then is not done, nobody has to look for.
    async fn note(
        &self,
        headers: &HeaderMap,
        who: &Who,
        site: &Site,
        action: &str,
        what: Value,
    ) -> Result<(), Box<Response>> {
        let email = match who {
            Some(Extension(SignedIn(_, email))) => email.clone(),
            // A program shows a token, which names the account that it acts for.
            None => match self.members.asker(None, headers) {
                Some(account) => {
                    let account = self.accounts.account_by_id(account).await;
                    let account = account.map_err(|error| Box::new(status::refuse(headers, error)))?;
                    account.map_or_else(|| "a removed account".to_owned(), |account| account.email)
                }
                None => "command line".to_owned(),
            },
        };
        let change = audit::Change {
            site: Some(site.id),
            email: &email,
            action,
            what,
        };
        let noted = self.accounts.note(change, self.members.clock.now()).await;
        noted.map_err(|error| Box::new(status::refuse(headers, error)))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wish {
    dry_run: bool,
    /// What the body's file is called.
    name: Option<String>,
}

async fn take(
    State(state): State<ImportUploads>,
    Path(domain): Path<String>,
    Query(wish): Query<Wish>,
    who: Who,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let taken = async {
        let site = state.members.site(&domain, who.clone(), &headers)?;
        let running = state
            .importer
            .job(site.id)
            .is_some_and(|job| job.state == JobState::Running);
        if running {
            return Err(state.refuse(
                &headers,
                ErrorCode::Conflict,
                "another import is running: wait for its end, or cancel it",
            ));
        }
        let upload = upload::save(request, &state.folder, state.limit, wish.name.as_deref()).await;
        let mut upload = upload.map_err(|error| state.refuse(&headers, error.code(), error.to_string()))?;
        upload.dry_run |= wish.dry_run;
        let (dry_run, files) = (upload.dry_run, upload.keep());
        if files.is_empty() {
            return Err(state.refuse(
                &headers,
                ErrorCode::Invalid,
                "there is no file in this request: choose one",
            ));
        }
        let names: Vec<String> = files.iter().map(|(_, name)| name.clone()).collect();
        if !dry_run {
            state
                .note(&headers, &who, &site, "import.add", json!({ "files": names }))
                .await?;
        }
        let started = state.importer.start(
            site.clone(),
            Order {
                files: files.clone(),
                dry_run,
            },
        );
        if let Err(busy) = started {
            files.iter().for_each(|(path, _)| upload::forget(path));
            return Err(state.refuse(&headers, ErrorCode::Conflict, busy.to_string()));
        }
        state.answer(&headers, &site, StatusCode::ACCEPTED, "").await
    };
    either(taken.await)
}

async fn look(
    State(state): State<ImportUploads>,
    Path(domain): Path<String>,
    who: Who,
    headers: HeaderMap,
) -> Response {
    let looked = async {
        let site = state.members.site(&domain, who, &headers)?;
        let page = page(&state.importer, &site, state.limit).await;
        Ok(Json(page.map_err(|error| state.store_away(&headers, &error))?).into_response())
    };
    either(looked.await)
}

async fn cancel(
    State(state): State<ImportUploads>,
    Path(domain): Path<String>,
    who: Who,
    headers: HeaderMap,
) -> Response {
    let cancelled = async {
        let site = state.members.site(&domain, who.clone(), &headers)?;
        state
            .note(&headers, &who, &site, "import.cancel", Value::Null)
            .await?;
        state.importer.cancel(site.id);
        state
            .answer(&headers, &site, StatusCode::ACCEPTED, "cancelled")
            .await
    };
    either(cancelled.await)
}

#[derive(Debug, Deserialize)]
struct Which {
    id: i64,
}

async fn undo(
    State(state): State<ImportUploads>,
    Path(domain): Path<String>,
    who: Who,
    headers: HeaderMap,
    Form(Which { id }): Form<Which>,
) -> Response {
    let undone = async {
        let site = state.members.site(&domain, who.clone(), &headers)?;
        let gone = || {
            state.refuse(
                &headers,
                ErrorCode::NotFound,
                "there is no such import: it may have been undone already",
            )
        };
        let imports = state.importer.list(site.id).await;
        let imports = imports.map_err(|error| state.store_away(&headers, &error))?;
        let import = imports.into_iter().find(|import| import.id == ImportId(id));
        let what = json!({ "id": id, "files": import.ok_or_else(gone)?.name });
        state.note(&headers, &who, &site, "import.undo", what).await?;
        let there = state.importer.undo(site.id, ImportId(id)).await;
        if !there.map_err(|error| state.store_away(&headers, &error))? {
            return Err(gone());
        }
        state.answer(&headers, &site, StatusCode::OK, "undone").await
    };
    either(undone.await)
}

/// What is said beside an answer.
const NOTE: &str = "x-pulsecast-note";
/// Said when the times begin or end within a day.
const KEPT: &str = "imported figures are of whole days: those of a day that from or to falls into are kept; \
                    name days, or times at which the site's days begin, to delete them";

/// Which part of the history: days, both included, or times, the second not included; all of it without them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part {
    from: String,
    to: String,
    /// The site's domain, typed.
    confirm: String,
}

async fn delete(
    State(state): State<ImportUploads>,
    Path(domain): Path<String>,
    who: Who,
    headers: HeaderMap,
    Form(part): Form<Part>,
) -> Response {
    let deleted = async {
        let site = state.members.site(&domain, who.clone(), &headers)?;
        let invalid = |field: &str, message: String| {
            state.refuse(&headers, ErrorCode::Invalid, format!("{field}: {message}"))
        };
        if part.confirm.trim() != site.settings.domain.as_str() {
            return Err(invalid("confirm", "type the site's domain to confirm".to_owned()));
        }
        let timezone = site.settings.timezone.parse().unwrap_or_default();
        let period = Period::parse(Some(&part.from), Some(&part.to), timezone)
            .map_err(|error| invalid("period", error.to_string()))?;
        let slice = Slice {
            site: site.id,
            from: period.from,
            to: period.to,
        };
        state
            .note(
                &headers,
                &who,
                &site,
                "data.delete",
                json!({ "from": part.from, "to": part.to }),
            )
            .await?;
        state
            .importer
            .delete(Change::Delete {
                slice,
                days: period.whole_days(timezone),
            })
            .await
            .map_err(|error| state.store_away(&headers, &error))?;
        let answered = state.answer(&headers, &site, StatusCode::OK, "deleted").await?;
        Ok(match period.cuts_a_day(timezone) {
            true => ([(NOTE, KEPT)], answered).into_response(),
            false => answered,
        })
    };
    either(deleted.await)
}
