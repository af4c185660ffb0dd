//! `GET /sites/{domain}/export.zip?from&to&filters`, and the same below a shared link: every report of the dashboard as a CSV file, in one
//! archive.

use super::{
    super::{AppState, caller::Refusal},
    Writes,
    csv::Pages,
    files::{Key, Sink, Trouble},
    range::Title,
    seen::Seen,
};
use crate::stats::{Scope, StatsError, csv, funnel, of_visits, parse};
use axum::{
    extract::{Query, State},
    response::Response,
};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use pulsecast_protocol::stats::{Dimension, Funnel, Include, Metric, Pagination, Query as Question};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    sync::Arc,
};
use zip::{
    ZipWriter,
    write::{SimpleFileOptions, StreamWriter},
};

/// How much is compressed at a time: others have their turn in between.
const PIECE: usize = 64 * 1024;
/// The file that says which reports are not there.
const LEFT_OUT: &str = "left-out.txt";

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
/// As `POST /api/v2/query`; 429 and 503 with `Retry-After` where there are too many downloads.
pub async fn export(
    State(state): State<AppState>,
    Query(asked): Query<Asked>,
    seen: Seen,
) -> Result<Response, Refusal> {
    let question = asked.question(seen.site.settings.domain.as_str())?;
    let title = Title {
        kind: "application/zip",
        name: seen.file_name("", "zip"),
    };
    let line = state.exports.admit(seen.to.clone())?;
    let key = Key::of(&("zip", &seen.scope, &question, &seen.site.funnels));
    let scope = seen.scope.clone();
    let begin = async || {
        // What is wrong with the question becomes the status: the archive's first byte is a promise.
        state.stats.query(&scope, &question).await?;
        let props = state.stats.props(&scope, question.date_range).await?;
        let funnels = known(&state, &scope, &question, &seen.site.funnels).await?;
        Ok(Archive {
            state: state.clone(),
            scope,
            question,
            reports: reports(&props),
            funnels,
        })
    };
    state.exports.answer(key, &title, &seen.ask, line, begin).await
}

/// The funnels that whoever asks may know of: held within a segment, those of goals that its visitors reached.
async fn known(
    state: &AppState,
    scope: &Scope,
    question: &Question,
    all: &Arc<[Funnel]>,
) -> Result<Arc<[Funnel]>, StatsError> {
    if scope.forced.is_none() || all.is_empty() {
        return Ok(all.clone());
    }
    let reached = Question {
        dimensions: vec![Dimension::Goal],
        filters: Vec::new(),
        pagination: Pagination::default(),
        ..question.clone()
    };
    let reached = state.stats.query(scope, &reached).await?.results;
    Ok(funnel::within(scope, all, &reached).into())
}

/// A table that is being counted.
type Counted<'a> = BoxFuture<'a, Result<Vec<u8>, StatsError>>;

struct Archive {
    state: AppState,
    scope: Scope,
    question: Question,
    reports: Vec<Report>,
    funnels: Arc<[Funnel]>,
}

impl Writes for Archive {
    async fn write(self, mut sink: Sink) -> Result<Sink, Trouble> {
        let mut pack = Pack::new();
        let mut left_out = String::new();
        for report in &self.reports {
            // A report that costs too much is no reason to be without the others.
            let (first, mut pages) = match self.first_page(report).await {
                Ok(Some(begun)) => begun,
                Ok(None) => continue,
                Err(error @ (StatsError::TooSlow(_) | StatsError::TooBig | StatsError::Invalid { .. })) => {
                    left_out.push_str(&format!("{}: {error}\r\n", report.name));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            pack.begin(&report.name)?;
            pack.add(&pages.table.head(), &mut sink).await?;
            pack.add(&first, &mut sink).await?;
            while let Some(page) = pages.next().await? {
                pack.add(&page, &mut sink).await?;
            }
        }
        for (name, table) in self.tables() {
            match table.await {
                Ok(text) => {
                    pack.begin(&name)?;
                    pack.add(&text, &mut sink).await?;
                }
                Err(error @ (StatsError::TooSlow(_) | StatsError::TooBig | StatsError::Invalid { .. })) => {
                    left_out.push_str(&format!("{name}: {error}\r\n"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        if !left_out.is_empty() {
            pack.begin(LEFT_OUT)?;
            pack.add(left_out.as_bytes(), &mut sink).await?;
        }
        pack.end(&mut sink).await?;
        Ok(sink)
    }
}

impl Archive {
    /// What is no answer to a question of the API: funnels, and who comes back.
    fn tables(&self) -> Vec<(String, Counted<'_>)> {
        let (stats, scope, range) = (&self.state.stats, &self.scope, self.question.date_range);
        let filters = &self.question.filters;
        let funnel = |(at, which): (usize, &Funnel)| {
            let name = format!("funnels/{:02}_{}.csv", at + 1, file_safe(&which.name));
            let steps = scope.steps(which);
            let counted = async move {
                let (steps, filters) = (steps?, of_visits(filters));
                let counted = stats.funnel(scope, &steps, range, &filters);
                Ok(csv::funnel(&counted.await?))
            };
            (name, counted.boxed())
        };
        let retention = async move { Ok(csv::returns(&stats.returns(scope, range, filters).await?)) };
        let mut all: Vec<_> = self.funnels.iter().enumerate().map(funnel).collect();
        all.push(("retention.csv".to_owned(), retention.boxed()));
        all
    }

    /// The beginning of a report and what gives its rest; `None` when none of its metrics goes with the filters.
    async fn first_page(&self, report: &Report) -> Result<Option<(Vec<u8>, Pages)>, StatsError> {
        let Some(mut question) = self.question_of(report) else {
            return Ok(None);
        };
        let pages = |question: &Question| Pages::of(self.state.clone(), self.scope.clone(), question.clone());
        let mut begun = pages(&question);
        let first = match begun.next().await {
            // What a segment filters by is known only now: metrics that do not go with it are found by asking.
            Err(error @ StatsError::Invalid { .. }) => {
                let mut metrics = Vec::new();
                for metric in &question.metrics {
                    let alone = Question {
                        metrics: vec![*metric],
                        pagination: Pagination { limit: 1, offset: 0 },
                        ..question.clone()
                    };
                    if self.state.stats.query(&self.scope, &alone).await.is_ok() {
                        metrics.push(*metric);
                    }
                }
                if metrics.is_empty() || metrics.len() == question.metrics.len() {
                    return Err(error);
                }
                question.metrics = metrics;
                begun = pages(&question);
                begun.next().await?
            }
            first => first?,
        };
        Ok(Some((first.unwrap_or_default(), begun)))
    }

    /// With those of the report's metrics that go with the filters; `None` when none does.
    fn question_of(&self, report: &Report) -> Option<Question> {
        let mut question = Question {
            include: Include {
                time_labels: matches!(report.dimensions[..], [Dimension::Time(_)]),
                ..self.question.include
            },
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

/// An archive that is handed on as it grows.
struct Pack {
    zip: ZipWriter<StreamWriter<Packed>>,
    packed: Packed,
}

/// What is packed and not handed on yet.
#[derive(Clone, Default)]
struct Packed(Arc<Mutex<Vec<u8>>>);

impl Write for Packed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Pack {
    fn new() -> Self {
        let packed = Packed::default();
        Self {
            zip: ZipWriter::new_stream(packed.clone()),
            packed,
        }
    }

    fn begin(&mut self, name: &str) -> Result<(), Trouble> {
        // Files of more than 4 GiB need to be announced, as nothing can be gone back to.
        let options = SimpleFileOptions::default().large_file(true);
        self.zip
            .start_file(name, options)
            .map_err(|error| io::Error::from(error).into())
    }

    async fn add(&mut self, bytes: &[u8], sink: &mut Sink) -> Result<(), Trouble> {
        for piece in bytes.chunks(PIECE) {
            self.zip.write_all(piece)?;
            self.hand_on(sink).await?;
        }
        Ok(())
    }

    async fn end(self, sink: &mut Sink) -> Result<(), Trouble> {
        let Self { zip, packed } = self;
        zip.finish().map_err(io::Error::from)?;
        let rest = std::mem::take(&mut *packed.0.lock());
        sink.write(&rest).await
    }

    async fn hand_on(&self, sink: &mut Sink) -> Result<(), Trouble> {
        let packed = std::mem::take(&mut *self.packed.0.lock());
        sink.write(&packed).await?;
        tokio::task::yield_now().await;
        Ok(())
    }
}
