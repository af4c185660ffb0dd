//! One tab in full: all its figures, searched, ordered and page by page.

use super::{
    asks::{self, Asks, WITH_IMPORTS},
    cards::{self, any_earns, column},
    names, rows,
    view::reaches_goal,
};
use pulsecast_app::board::{
    Links, Tab,
    model::{Card, Head, Look},
    page::Table,
    state::{Details, Sort},
    words,
};
use pulsecast_protocol::stats::{
    Dimension, Direction, Include, Metric, OrderBy, OrderKey, Pagination, Query, QueryResult, ResultRow,
};

/// Rows of a page.
const ROWS: u32 = 100;

pub(super) async fn table(asks: &Asks<'_>, links: &Links, details: &Details, props: &[String]) -> Table {
    let bare = Table {
        card: Card::default(),
        heads: Vec::new(),
        motion: asks.motion(),
        token: String::new(),
        total: 0,
        size: ROWS,
        csv: String::new(),
        note: String::new(),
    };
    let prop = cards::prop(asks.state, props);
    let Some(dimension) = details.tab.dimension(prop.as_deref()) else {
        return bare;
    };
    let metrics = metrics(asks, details.tab);
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
    let by_names = details
        .sort
        .filter(|(sort, _)| *sort == Sort::Name && names::has_names(&dimension));
    let ask = async {
        let Some((_, way)) = by_names else {
            return asks.ask(&query).await;
        };
        let all = Query {
            pagination: Pagination::default(),
            ..query.clone()
        };
        let answer = asks.ask(&all).await;
        answer.map(|answer| by_name(answer, &dimension, way, query.pagination))
    };
    let (answer, past) = tokio::join!(ask, rows::past(asks, query.clone(), asks.compared()));
    let sorted = details
        .sort
        .unwrap_or((Sort::Figure(metrics[0]), Direction::Desc));
    let what = words::singular(&dimension);
    let mut heads = vec![head(links, what, Sort::Name, sorted)];
    heads.extend(metrics.iter().map(|metric| {
        let label = column(*metric, asks.state).label;
        Head {
            hint: asks::hint(words::metric(*metric).1, *metric, &answer),
            ..head(links, label, Sort::Figure(*metric), sorted)
        }
    }));
    let mut panel = asks.panel("details", &query, Some(&answer));
    if by_names.is_some() {
        // Only here these are known by their names: what the store would push is in the order of their codes.
        panel.query.clear();
    }
    let notes = [
        asks::warning(&answer),
        asks.leaves_out(&answer)
            .then(|| "Without imported figures, which cannot be divided so.".to_owned()),
    ];
    Table {
        total: answer
            .as_ref()
            .ok()
            .and_then(|answer| answer.meta.total_rows)
            .unwrap_or_default(),
        csv: asks.csv(&query, &words::short(&dimension)),
        note: notes.into_iter().flatten().collect::<Vec<_>>().join(" "),
        heads,
        card: Card {
            look: match dimension {
                Dimension::Country => Look::FlagTable,
                _ => Look::Table,
            },
            columns: metrics.iter().map(|metric| column(*metric, asks.state)).collect(),
            href: cards::href(links, details.tab, &dimension),
            site: cards::site_of(asks, &dimension),
            panel,
            compared: past.is_some(),
            rows: answer
                .map(|answer| rows::beside(asks::rows(&answer, &dimension), past.as_ref()))
                .unwrap_or_default(),
            ..Card::default()
        },
        ..bare
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

/// How a click on the head of a column orders the rows: the first shows the most or begins the alphabet, the second turns it round.
fn head(links: &Links, label: String, by: Sort, (sorted, way): (Sort, Direction)) -> Head {
    let here = by == sorted;
    let (first, other) = match by {
        Sort::Name => (Direction::Asc, Direction::Desc),
        Sort::Figure(_) => (Direction::Desc, Direction::Asc),
    };
    let next = if here && way == first { other } else { first };
    let way = match (here, way) {
        (false, _) => "none",
        (true, Direction::Asc) => "ascending",
        (true, Direction::Desc) => "descending",
    };
    Head {
        label,
        href: links.to(|state| {
            if let Some(details) = &mut state.details {
                (details.sort, details.page) = (Some((by, next)), 1);
            }
        }),
        note: way.to_owned(),
        ..Head::default()
    }
}

/// All that a tab's rows can be counted in.
fn metrics(asks: &Asks<'_>, tab: Tab) -> Vec<Metric> {
    use Metric as M;
    let state = asks.state;
    let goal = reaches_goal(state);
    match tab {
        Tab::Goals if any_earns(asks) => vec![
            M::Visitors,
            M::Events,
            M::ConversionRate,
            M::TotalRevenue,
            M::AverageRevenue,
        ],
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
