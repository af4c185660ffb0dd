//! The questions that the dashboard asks, each as the very query that an API client could send.

use super::{Board, names, range::Today};
use crate::stats::{Scope, known::Known};
use pulsecast_app::board::{
    BoardState,
    filters::{Atom, Op},
    links::encode,
    model::{self, Motion, Panel, Row},
    page::Choices,
};
use pulsecast_app::failure::sentence;
use pulsecast_protocol::stats::{
    DateRange, Dimension, Include, Metric, Operator, OrderBy, Pagination, Query, QueryResult, TimeUnit,
};

/// Values offered while a filter is made.
const CHOICES: u32 = 12;
/// Most buckets of a line.
const BUCKETS: u32 = 10_000;

/// What was imported counts, where a question allows it.
pub(super) const WITH_IMPORTS: Include = Include {
    imports: true,
    time_labels: false,
    total_rows: false,
    comparisons: None,
};

/// Asks for one page.
pub(super) struct Asks<'a> {
    pub(super) board: &'a Board,
    pub(super) scope: &'a Scope,
    /// The path below which files are.
    pub(super) files: &'a str,
    pub(super) state: &'a BoardState,
    pub(super) today: &'a Today,
    /// What there is of the shown period and of the compared one.
    pub(super) known: Known,
}

impl Asks<'_> {
    pub(super) async fn ask(&self, query: &Query) -> Result<QueryResult, String> {
        self.board.ask(self.scope, query).await
    }

    /// What is shown, counted in these figures; everything else is to be filled in.
    pub(super) fn query(&self, metrics: Vec<Metric>) -> Query {
        Query {
            site_id: self.scope.domain.clone(),
            metrics,
            date_range: self.today.range(self.state),
            date: self.state.date,
            dimensions: Vec::new(),
            filters: self.state.filters(),
            order_by: Vec::new(),
            include: WITH_IMPORTS,
            pagination: Pagination { limit: 1, offset: 0 },
        }
    }

    /// The same over another range.
    pub(super) fn over(query: Query, date_range: DateRange) -> Query {
        Query {
            date_range,
            date: None,
            ..query
        }
    }

    /// Distinct visitors of the last five minutes.
    pub(super) fn current(&self) -> Query {
        Self::over(self.query(vec![Metric::Visitors]), DateRange::Realtime)
    }

    /// A figure by time.
    pub(super) fn line(&self, metric: Metric, unit: TimeUnit) -> Query {
        Query {
            dimensions: vec![Dimension::Time(unit)],
            include: Include {
                time_labels: true,
                ..WITH_IMPORTS
            },
            pagination: Pagination {
                limit: BUCKETS,
                offset: 0,
            },
            ..self.query(vec![metric])
        }
    }

    /// Figures by a dimension, from a row on.
    pub(super) fn breakdown(
        &self,
        dimension: Dimension,
        metrics: Vec<Metric>,
        limit: u32,
        offset: u32,
    ) -> Query {
        Query {
            dimensions: vec![dimension],
            pagination: Pagination { limit, offset },
            ..self.query(metrics)
        }
    }

    /// Rows of a dimension that contain a text: by what people call them where that differs from what is stored.
    pub(super) fn containing(query: Query, dimension: &Dimension, text: &str) -> Query {
        if text.is_empty() {
            return query;
        }
        let atom = match names::codes(dimension, text) {
            Some(values) => Atom {
                values,
                ..Atom::is(dimension.clone(), "")
            },
            None => Atom {
                op: Op::Of(Operator::Contains),
                ..Atom::is(dimension.clone(), text)
            },
        };
        let mut filters = query.filters;
        filters.push(atom.filter());
        Query { filters, ..query }
    }

    pub(super) fn ordered(query: Query, by: Option<OrderBy>) -> Query {
        Query {
            order_by: by.into_iter().collect(),
            ..query
        }
    }

    /// Values to choose from, while a filter is made.
    pub(super) async fn choices(&self) -> Option<Choices> {
        let edit = self.state.edit.as_ref()?;
        let query = self.breakdown(edit.dimension.clone(), vec![Metric::Visitors], CHOICES, 0);
        // What the filter says now must not hide what it could say.
        let mut filters = query.filters.clone();
        if let Some(at) = edit.at.filter(|at| at.clause < filters.len()) {
            filters.remove(at.clause);
        }
        let query = Self::containing(Query { filters, ..query }, &edit.dimension, &edit.search);
        Some(match self.ask(&query).await {
            Ok(answer) => Choices {
                rows: rows(&answer, &edit.dimension),
                error: None,
            },
            Err(error) => Choices {
                rows: Vec::new(),
                error: Some(error),
            },
        })
    }

    /// The custom properties that there are.
    pub(super) async fn props(&self) -> Vec<String> {
        let stats = &self.board.stats;
        stats.props(self.scope, self.range()).await.unwrap_or_default()
    }

    /// The shown period; one as of another day is told by its days.
    pub(super) fn range(&self) -> DateRange {
        match (self.state.date, self.today.days(self.state)) {
            (Some(_), Some((from, to))) => DateRange::Dates(from, to),
            _ => self.today.range(self.state),
        }
    }

    /// Where all rows of a question are as CSV, by this name.
    pub(super) fn csv(&self, query: &Query, name: &str) -> String {
        let all = Query {
            pagination: Pagination::default(),
            include: Include {
                total_rows: false,
                ..query.include
            },
            ..query.clone()
        };
        let mut href = format!("{}/csv?name=", self.files);
        encode(name, &mut href);
        href.push_str("&query=");
        encode(&serde_json::to_string(&all).unwrap_or_default(), &mut href);
        href
    }

    /// The same question, as those who look at it follow it.
    pub(super) fn followed(&self, key: &str, question: &impl serde::Serialize) -> Panel {
        Panel {
            key: key.to_owned(),
            query: match self.motion() {
                Motion::Live => serde_json::to_string(question).unwrap_or_default(),
                Motion::Still => String::new(),
            },
            error: None,
        }
    }

    /// Looks up what there is at all.
    pub(super) async fn known(&self) -> Known {
        let compared = self.today.before(self.state);
        let known = self.board.stats.known(self.scope, compared, self.range());
        known.await.unwrap_or_default()
    }

    /// With what rows are compared: where the viewer chose to, and there were figures then.
    pub(super) fn compared(&self) -> Option<DateRange> {
        self.state.compare?;
        self.today.before(self.state).filter(|_| self.known.before)
    }

    /// Whether these are an answer's figures without those that were imported, although there are some.
    pub(super) fn leaves_out(&self, answer: &Result<QueryResult, String>) -> bool {
        let included = answer
            .as_ref()
            .ok()
            .and_then(|answer| answer.meta.imports_included);
        self.known.imports && included == Some(false)
    }

    pub(super) fn motion(&self) -> Motion {
        match self.today.is_live(self.state) {
            true => Motion::Live,
            false => Motion::Still,
        }
    }

    /// A question that can be followed while the period includes now.
    pub(super) fn panel(
        &self,
        key: &str,
        query: &Query,
        answer: Option<&Result<QueryResult, String>>,
    ) -> Panel {
        Panel {
            error: answer.and_then(|answer| answer.as_ref().err().cloned()),
            ..self.followed(key, query)
        }
    }
}

/// What is to be said of an answer's figures, if it is: why there are none.
pub(super) fn warning(answer: &Result<QueryResult, String>) -> Option<String> {
    let warnings = &answer.as_ref().ok()?.meta.metric_warnings;
    let (_, text) = warnings.iter().find(|(metric, _)| is_of_money(**metric))?;
    Some(sentence(text))
}

/// Whether its figures have a currency.
pub(super) const fn is_of_money(metric: Metric) -> bool {
    matches!(metric, Metric::TotalRevenue | Metric::AverageRevenue)
}

/// Whether most events or visits have no value of it: then those that have none are not worth a bar.
pub(super) fn is_rare(dimension: &Dimension) -> bool {
    use Dimension as D;
    matches!(
        dimension,
        D::UtmSource
            | D::UtmMedium
            | D::UtmCampaign
            | D::UtmContent
            | D::UtmTerm
            | D::Region
            | D::City
            | D::Prop(_)
    )
}

/// What is to be known about a figure: each has what was imported or not, whatever the figures beside it have.
pub(super) fn hint(text: &str, metric: Metric, answer: &Result<QueryResult, String>) -> String {
    let lacks_imports = answer.as_ref().is_ok_and(|answer| {
        answer.meta.imports_included == Some(true) && answer.meta.metric_warnings.contains_key(&metric)
    });
    match lacks_imports {
        true => format!("{text} (without imported figures)"),
        false => text.to_owned(),
    }
}

/// An answer's rows in words.
pub(super) fn rows(answer: &QueryResult, dimension: &Dimension) -> Vec<Row> {
    model::rows(&answer.results, &[], &|value| names::of(dimension, value))
}
