//! One tab in full: all its figures, searched, ordered and page by page.

use super::{
    asks::{self, Asks, WITH_IMPORTS},
    cards::{self, column},
    names,
    view::reaches_goal,
};
use pulsecast_app::board::{
    BoardState, Links, Tab,
    page::{SortColumn, Table},
    state::{Details, Sort},
    words,
};
use pulsecast_protocol::stats::{
    Dimension, Direction, Include, Metric, OrderBy, OrderKey, Pagination, Query, QueryResult, ResultRow,
};

/// Rows of a page.
const ROWS: u32 = 100;

pub(super) async fn table(asks: &Asks<'_>, links: &Links, details: &Details, props: &[String]) -> Table {
    let prop = cards::prop(asks.state, props);
    let Some(dimension) = details.tab.dimension(prop.as_deref()) else {
        return Table::default();
    };
    let metrics = metrics(asks.state, details.tab);
    let order = details.sort.and_then(|(sort, way)| match sort {
        Sort::Name => Some(OrderBy(OrderKey::Dimension(dimension.clone()), way)),
        Sort::Figure(metric) => {
            let is_shown = metrics.contains(&metric);
            is_shown.then_some(OrderBy(OrderKey::Metric(metric), way))
        }
    });
    let query = Query {
        include: Include {
            total_rows: true,
            ..WITH_IMPORTS
        },
        ..asks.breakdown(
            dimension.clone(),
            metrics.clone(),
            ROWS,
            (details.page - 1).saturating_mul(ROWS),
        )
    };
    let query = Asks::containing(query, &dimension, &details.search);
    let query = Asks::ordered(query, order);
    let answer = match details.sort {
        Some((Sort::Name, way)) if names::has_names(&dimension) => {
            let all = Query {
                pagination: Pagination::default(),
                ..query.clone()
            };
            let answer = asks.ask(&all).await;
            answer.map(|answer| by_name(answer, &dimension, way, query.pagination))
        }
        _ => asks.ask(&query).await,
    };
    Table {
        what: words::singular(&dimension),
        columns: metrics
            .iter()
            .map(|metric| sort_column(*metric, asks.state, &answer))
            .collect(),
        total: answer
            .as_ref()
            .ok()
            .and_then(|answer| answer.meta.total_rows)
            .unwrap_or_default(),
        size: ROWS,
        href: cards::href(links, details.tab, &dimension),
        site: cards::site_of(asks, &dimension),
        flags: dimension == Dimension::Country,
        csv: asks.csv(&query, &words::short(&dimension)),
        panel: asks.panel("details", &query, Some(&answer)),
        rows: answer
            .map(|answer| asks::rows(&answer, &dimension))
            .unwrap_or_default(),
    }
}

/// A page of the rows by what they are called, where they are stored by their codes.
fn by_name(all: QueryResult, dimension: &Dimension, way: Direction, page: Pagination) -> QueryResult {
    let name = |row: &ResultRow| {
        let code = row.dimensions.first().cloned().unwrap_or_default();
        names::of(dimension, &code).unwrap_or(code).to_lowercase()
    };
    let mut results = all.results;
    results.sort_by_cached_key(name);
    if way == Direction::Desc {
        results.reverse();
    }
    let rows = results.into_iter().skip(page.offset as usize);
    QueryResult {
        results: rows.take(page.limit as usize).collect(),
        ..all
    }
}

fn sort_column(metric: Metric, state: &BoardState, answer: &Result<QueryResult, String>) -> SortColumn {
    SortColumn {
        metric: metric.name().to_owned(),
        column: column(metric, state),
        hint: asks::hint(words::metric(metric).1, metric, answer),
    }
}

/// All that a tab's rows can be counted in.
fn metrics(state: &BoardState, tab: Tab) -> Vec<Metric> {
    use Metric as M;
    let goal = reaches_goal(state);
    match tab {
        Tab::Goals => vec![M::Visitors, M::Events, M::ConversionRate],
        Tab::Properties => vec![M::Visitors, M::Events, M::Percentage],
        _ if goal => vec![M::Visitors, M::Events, M::GroupConversionRate],
        Tab::Pages => vec![
            M::Visitors,
            M::Percentage,
            M::Pageviews,
            M::BounceRate,
            M::TimeOnPage,
            M::ScrollDepth,
        ],
        // The exit rate is of all pageviews of the page: filters on events leave some out.
        Tab::Exits
            if state
                .clauses
                .iter()
                .all(|clause| clause.0.iter().all(|a| !a.dimension.is_of_event())) =>
        {
            vec![M::Visitors, M::Percentage, M::Visits, M::ExitRate]
        }
        Tab::Exits => vec![M::Visitors, M::Percentage, M::Visits],
        _ => vec![
            M::Visitors,
            M::Percentage,
            M::Visits,
            M::ViewsPerVisit,
            M::BounceRate,
            M::VisitDuration,
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_ordered_by_what_they_are_called() {
        let row = |code: &str| ResultRow {
            dimensions: vec![code.to_owned()],
            ..ResultRow::default()
        };
        let all = QueryResult {
            results: ["AT", "CH", "DE", "ES"].map(row).to_vec(),
            meta: pulsecast_protocol::stats::Meta::default(),
            query: serde_json::Value::Null,
        };
        let codes = |way, offset| {
            let page = Pagination { limit: 3, offset };
            let page = by_name(all.clone(), &Dimension::Country, way, page);
            page.results
                .into_iter()
                .flat_map(|row| row.dimensions)
                .collect::<Vec<_>>()
        };
        // Austria, Germany, Spain, Switzerland.
        assert_eq!(codes(Direction::Asc, 0), ["AT", "DE", "ES"]);
        assert_eq!(codes(Direction::Asc, 3), ["CH"]);
        assert_eq!(codes(Direction::Desc, 0), ["CH", "ES", "DE"]);
    }
}
