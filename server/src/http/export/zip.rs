//! `GET /sites/{domain}/export.zip?from&to&filters`: every report of the dashboard as a CSV file, in one archive that is written while it is
//! downloaded.

use super::{
    super::{
        AppState,
        caller::{Caller, Refusal},
    },
    csv::{Pages, domain},
};
use crate::{
    stats::{Scope, parse},
    store::Slice,
};
use axum::{
    body::Body,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use http::header;
use pulsecast_protocol::stats::{Dimension, Metric, Query as Question};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{self, BufWriter, Write};
use tokio::{runtime::Handle, sync::mpsc};
use zip::{ZipWriter, write::SimpleFileOptions};

/// Pieces of the archive that may wait for the client; beyond, writing waits.
const WAITING: usize = 4;
/// Size of a piece.
const PIECE: usize = 64 * 1024;
/// Custom properties that get a file.
const PROPS: usize = 100;

/// What is asked for: days of the site, both included, or a named period such as `30d`; all there is without either.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    #[serde(deserialize_with = "super::filled")]
    from: Option<String>,
    #[serde(deserialize_with = "super::filled")]
    to: Option<String>,
    #[serde(deserialize_with = "super::filled")]
    period: Option<String>,
    filters: Option<String>,
}

impl Asked {
    /// The question that every report is an answer to, with other metrics and dimensions.
    fn question(&self, site: &str) -> Result<Question, Refusal> {
        let range = match (&self.from, &self.to, &self.period) {
            (Some(from), Some(to), _) => json!([from, to]),
            (Some(day), None, _) | (None, Some(day), _) => json!([day, day]),
            (None, None, Some(period)) => json!(period),
            (None, None, None) => json!("all"),
        };
        let filters = match self.filters.as_deref() {
            None | Some("") => Value::Array(Vec::new()),
            Some(text) => parse::json(text.as_bytes())?,
        };
        let question = json!({ "site_id": site, "metrics": ["visitors"], "date_range": range, "filters": filters, "include": { "imports": true } });
        Ok(parse::query(&question)?)
    }
}

/// A file of the archive.
struct Report {
    name: String,
    dimensions: Vec<Dimension>,
    metrics: Vec<Metric>,
}

fn reports(props: &[String]) -> Vec<Report> {
    use Dimension as D;
    use Metric as M;
    use pulsecast_protocol::stats::TimeUnit;
    let visits = [M::Visitors, M::Visits, M::BounceRate, M::VisitDuration];
    let top = [
        M::Visitors,
        M::Visits,
        M::Pageviews,
        M::Events,
        M::ViewsPerVisit,
        M::BounceRate,
        M::VisitDuration,
    ];
    let page = [M::Visitors, M::Pageviews, M::TimeOnPage, M::ScrollDepth];
    let done = [M::Visitors, M::Events];
    let report = |name: &str, dimension: D, metrics: &[M]| Report {
        name: format!("{name}.csv"),
        dimensions: vec![dimension],
        metrics: metrics.to_vec(),
    };
    let mut all = vec![
        report("visitors", D::Time(TimeUnit::Day), &top),
        report("sources", D::Source, &visits),
        report("channels", D::Channel, &visits),
        report("referrers", D::Referrer, &visits),
        report("utm_sources", D::UtmSource, &visits),
        report("utm_mediums", D::UtmMedium, &visits),
        report("utm_campaigns", D::UtmCampaign, &visits),
        report("utm_contents", D::UtmContent, &visits),
        report("utm_terms", D::UtmTerm, &visits),
        report("pages", D::Page, &page),
        report("entry_pages", D::EntryPage, &visits),
        report("exit_pages", D::ExitPage, &[M::Visitors, M::Visits, M::ExitRate]),
        report("countries", D::Country, &visits),
        report("regions", D::Region, &visits),
        report("cities", D::City, &visits),
        report("languages", D::Language, &visits),
        report("devices", D::Device, &visits),
        report("screens", D::Screen, &visits),
        report("browsers", D::Browser, &visits),
        report("operating_systems", D::Os, &visits),
        report("custom_events", D::EventName, &done),
        report(
            "conversions",
            D::Goal,
            &[M::Visitors, M::Events, M::ConversionRate],
        ),
    ];
    all.push(Report {
        name: "browser_versions.csv".to_owned(),
        dimensions: vec![D::Browser, D::BrowserVersion],
        metrics: visits.to_vec(),
    });
    all.push(Report {
        name: "operating_system_versions.csv".to_owned(),
        dimensions: vec![D::Os, D::OsVersion],
        metrics: visits.to_vec(),
    });
    all.extend(props.iter().enumerate().map(|(at, key)| Report {
        // A key may hold anything; a file's name should not.
        name: format!("custom_properties/{:02}_{}.csv", at + 1, file_safe(key)),
        dimensions: vec![D::Prop(key.clone())],
        metrics: done.to_vec(),
    }));
    all
}

fn file_safe(key: &str) -> String {
    key.chars()
        .map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' })
        .take(60)
        .collect()
}

/// Answers with the archive.
///
/// # Errors
/// As `POST /api/v2/query`.
pub async fn export(
    State(state): State<AppState>,
    Path(site): Path<String>,
    Query(asked): Query<Asked>,
    caller: Caller,
) -> Result<Response, Refusal> {
    let site = caller.site(&state, &domain(&site)?)?;
    let question = asked.question(site.settings.domain.as_str())?;
    let scope = caller.scope(&site);
    // What is wrong with the question becomes the status: the archive's first byte is a promise.
    state.stats.query(&scope, &question).await?;
    let props = prop_keys(&state, &scope).await;
    let name = format!("attachment; filename=\"{}.zip\"", site.settings.domain);

    let (pieces, mut waiting) = mpsc::channel::<io::Result<Bytes>>(WAITING);
    let work = tokio::task::spawn_blocking(move || {
        let archive = Archive {
            state,
            scope,
            question,
            runtime: Handle::current(),
        };
        let out = Pieces(pieces.clone());
        if let Err(error) = archive.write(&reports(&props), BufWriter::with_capacity(PIECE, out)) {
            tracing::warn!(%error, "an archive breaks off");
            // The client sees that it is not whole; one that is gone sees nothing.
            drop(pieces.blocking_send(Err(error)));
        }
    });
    // It ends by itself: with the archive, or with the client's going away.
    drop(work);
    let body = stream::poll_fn(move |context| waiting.poll_recv(context));
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// Names of the custom properties there are. Without them the archive lacks their files, no more.
async fn prop_keys(state: &AppState, scope: &Scope) -> Vec<String> {
    let Some(events) = state.events.clone() else {
        return Vec::new();
    };
    let slice = Slice::all(scope.site);
    let asked = tokio::task::spawn_blocking(move || events.prop_keys(slice, PROPS)).await;
    match asked {
        Ok(Ok(keys)) => keys,
        Ok(Err(error)) => {
            tracing::warn!(%error, "an archive lacks the custom properties");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

struct Archive {
    state: AppState,
    scope: Scope,
    question: Question,
    runtime: Handle,
}

impl Archive {
    fn write(&self, reports: &[Report], out: impl Write) -> io::Result<()> {
        let mut zip = ZipWriter::new_stream(out);
        // Files of more than 4 GiB need to be announced, as nothing can be gone back to.
        let options = SimpleFileOptions::default().large_file(true);
        for report in reports {
            let Some(question) = self.question_of(report) else {
                continue;
            };
            zip.start_file(&report.name, options)?;
            let mut pages = Pages::of(self.state.clone(), self.scope.clone(), question);
            zip.write_all(&pages.table.head())?;
            while let Some(page) = self.runtime.block_on(pages.next()).map_err(io::Error::other)? {
                zip.write_all(&page)?;
            }
        }
        zip.finish()?.flush()
    }

    /// With those of the report's metrics that go with the filters; `None` when none does.
    fn question_of(&self, report: &Report) -> Option<Question> {
        let mut question = Question {
            dimensions: report.dimensions.clone(),
            metrics: report.metrics.clone(),
            ..self.question.clone()
        };
        if parse::check(&question).is_ok() {
            return Some(question);
        }
        let goes = |metric: &Metric| {
            let alone = Question {
                metrics: vec![*metric],
                ..question.clone()
            };
            parse::check(&alone).is_ok()
        };
        let metrics: Vec<Metric> = report.metrics.iter().copied().filter(goes).collect();
        question.metrics = metrics;
        (!question.metrics.is_empty()).then_some(question)
    }
}

/// Hands on what is written, and waits while the client is slow.
struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .blocking_send(Ok(Bytes::copy_from_slice(bytes)))
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the client is gone"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
