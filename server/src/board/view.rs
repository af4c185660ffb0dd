//! Figures, graph and cards: asked all at once.

use super::{
    Viewpoint,
    asks::{self, Asks},
    cards,
};
use futures::future::join_all;
use pulsecast_app::board::{
    BoardState, CardId, Links, Period,
    filters::{Atom, Op},
    labels::Bucket,
    model::{self, BoardData, Card, Figures, Graph, Head, Line, Link},
    page::Named,
    state::unit_name,
    text::Unit,
    words,
};
use pulsecast_app::failure::sentence;
use pulsecast_protocol::stats::{Dimension, Meta, Metric, Operator, QueryResult, TimeUnit};
use regex::Regex;

/// Where the compared period began before the site's figures do.
pub(super) const NOTHING_THEN: &str = "no figures then";

/// All of it that can move; and what is to be said of imported figures.
pub(super) async fn board(
    asks: &Asks<'_>,
    links: &Links,
    from: &Viewpoint,
    props: &[String],
    funnels: &[Named],
) -> (BoardData, String) {
    let (today, state) = (asks.today, asks.state);
    let metrics = headline(asks);
    let chosen = state.metric.filter(|metric| metrics.contains(metric));
    let chosen = chosen.unwrap_or(metrics[0]);
    let current = asks.current();
    let all_cards = CardId::ALL.map(|id| cards::card(asks, links, from, id, props, funnels));
    let (now, (figures, of_figures), (graph, of_graph), cards) = tokio::join!(
        asks.ask(&current),
        figures(asks, links, &metrics, chosen),
        graph(asks, links, chosen),
        join_all(all_cards)
    );
    let (cards, mut without): (Vec<Card>, Vec<Option<String>>) = cards.into_iter().unzip();
    without.insert(0, of_graph.then(|| "the graph".to_owned()));
    without.insert(0, of_figures.then(|| "the figures on top".to_owned()));
    let data = BoardData {
        domain: from.scope.domain.clone(),
        motion: asks.motion(),
        token: String::new(),
        at: today.now,
        offset: today.offset,
        visitors: now
            .as_ref()
            .map(|answer| model::count(&answer.results))
            .unwrap_or_default(),
        current: asks.panel("current", &current, Some(&now)),
        figures,
        graph,
        cards,
    };
    (data, without_imports(&without))
}

/// Says once in what of the page there is nothing imported, although there is something.
fn without_imports(without: &[Option<String>]) -> String {
    let named: Vec<&str> = without.iter().flatten().map(String::as_str).collect();
    match named.len() {
        0 => String::new(),
        all if all == without.len() => {
            "Imported figures are left out: these filters, or this period, are none that they can be divided by.".to_owned()
        }
        _ => format!("Without imported figures, which cannot be divided so: {}.", named.join(", ")),
    }
}

/// What the top line counts: with a goal its conversions, with a page how it is read.
pub(super) fn headline(asks: &Asks<'_>) -> Vec<Metric> {
    let state = asks.state;
    if reaches_goal(state) {
        let mut metrics = vec![Metric::Visitors, Metric::Events, Metric::ConversionRate];
        if earns(asks) {
            metrics.extend([Metric::TotalRevenue, Metric::AverageRevenue]);
        }
        return metrics;
    }
    let mut metrics = vec![
        Metric::Visitors,
        Metric::Visits,
        Metric::Pageviews,
        Metric::ViewsPerVisit,
        Metric::BounceRate,
        Metric::VisitDuration,
    ];
    if state.filters_on(&Dimension::Page) {
        metrics.extend([Metric::TimeOnPage, Metric::ScrollDepth]);
    }
    metrics
}

/// Whether what is shown is conversions.
pub(super) fn reaches_goal(state: &BoardState) -> bool {
    state.clauses.iter().flat_map(|clause| &clause.0).any(|atom| {
        atom.dimension == Dimension::Goal
            && matches!(
                atom.op,
                Op::Of(Operator::Is | Operator::Contains | Operator::Matches)
            )
    })
}

/// Whether one of the goals that are filtered by has a currency.
fn earns(asks: &Asks<'_>) -> bool {
    let atoms = asks.state.clauses.iter().flat_map(|clause| &clause.0);
    let of_goals: Vec<&Atom> = atoms.filter(|atom| atom.dimension == Dimension::Goal).collect();
    let mut earning = asks.scope.goals.iter().filter(|goal| goal.currency.is_some());
    earning.any(|goal| of_goals.iter().any(|atom| fits(atom, &goal.name)))
}

/// Whether a condition on goals is about the one of this name.
fn fits(atom: &Atom, name: &str) -> bool {
    let mut values = atom.values.iter();
    match atom.op {
        Op::Of(Operator::Is) => values.any(|value| value == name),
        Op::Of(Operator::Contains) => values.any(|value| name.contains(value.as_str())),
        // One that is wrong gets no figures, and says so.
        Op::Of(Operator::Matches) => {
            values.any(|value| Regex::new(value).is_ok_and(|regex| regex.is_match(name)))
        }
        _ => false,
    }
}

async fn figures(asks: &Asks<'_>, links: &Links, metrics: &[Metric], chosen: Metric) -> (Figures, bool) {
    let query = asks.query(metrics.to_vec());
    let past = async {
        let range = asks.today.before(asks.state).filter(|_| asks.known.before)?;
        Some(asks.ask(&Asks::over(query.clone(), range)).await)
    };
    let (answer, past) = tokio::join!(asks.ask(&query), past);
    let warnings = answer.as_ref().map(|answer| answer.meta.metric_warnings.clone());
    let warnings = warnings.unwrap_or_default();
    let is_young = !asks.known.before && asks.today.before(asks.state).is_some();
    let before: Vec<Option<i64>> = match past {
        Some(Ok(past)) => past
            .results
            .first()
            // Where nobody came before there is nothing to compare with: a rate of nobody is 0, and no change.
            .filter(|row| {
                row.metrics
                    .first()
                    .and_then(model::figure)
                    .is_some_and(|visitors| visitors > 0)
            })
            .map(|row| row.metrics.iter().map(model::figure).collect()),
        _ => None,
    }
    .unwrap_or_default();
    let goal = reaches_goal(asks.state);
    let head = |metric: &Metric| {
        let (label, hint, unit) = words::metric(*metric);
        let hint = asks::hint(hint, *metric, &answer);
        let label = match (metric, goal) {
            (Metric::Visitors, true) => "Converted visitors",
            (Metric::Events, true) => "Conversions",
            _ => label,
        };
        let warning = warnings.get(metric).filter(|_| asks::is_of_money(*metric));
        Head {
            metric: metric.name().to_owned(),
            label: label.to_owned(),
            hint: warning.map_or(hint, |text| sentence(text)),
            note: match warning {
                Some(_) => "several currencies".to_owned(),
                // Said once.
                None if is_young && *metric == metrics[0] => NOTHING_THEN.to_owned(),
                None => String::new(),
            },
            unit,
            href: links.to(|state| state.metric = (*metric != metrics[0]).then_some(*metric)),
            chosen: *metric == chosen,
            less_is_better: words::less_is_better(*metric),
        }
    };
    let without_imports = asks.leaves_out(&answer);
    let figures = Figures {
        panel: asks.panel("figures", &query, Some(&answer)),
        heads: metrics.iter().map(head).collect(),
        values: answer
            .map(|answer| model::values(&answer.results, &before))
            .unwrap_or_default(),
    };
    (figures, without_imports)
}

/// How long a bucket of the graph is.
pub(super) fn unit(asks: &Asks<'_>) -> TimeUnit {
    let allowed = asks.state.period.intervals(asks.today.days(asks.state));
    let asked = asks.state.interval.filter(|unit| allowed.contains(unit));
    asked
        .or_else(|| allowed.first().copied())
        .unwrap_or(TimeUnit::Day)
}

async fn graph(asks: &Asks<'_>, links: &Links, metric: Metric) -> (Graph, bool) {
    let unit = unit(asks);
    let (label, _, reads) = words::metric(metric);
    let query = asks.line(metric, unit);
    let past = async {
        let range = asks.today.line_before(asks.state)?;
        Some(asks.ask(&Asks::over(query.clone(), range)).await)
    };
    let (answer, past) = tokio::join!(asks.ask(&query), past);
    let line = |answer: &Result<QueryResult, String>| match answer {
        Ok(answer) => line_of(answer, reads),
        Err(_) => Line::default(),
    };
    let without_imports = asks.leaves_out(&answer);
    let graph = Graph {
        panel: asks.panel("graph", &query, Some(&answer)),
        label: label.to_owned(),
        unit: reads,
        bucket: Bucket::from(unit),
        line: line(&answer),
        before: past.as_ref().map(line).unwrap_or_default(),
        before_label: match asks.state.compare {
            Some(_) => asks.today.compared_words(asks.state),
            None => String::new(),
        },
        intervals: intervals(asks, links, unit),
        csv: asks.csv(&query, metric.name()),
        opens: opens(asks, links, unit),
        note: match &answer {
            Ok(answer) if answer.meta.imports_included == Some(true) => "with imported figures".to_owned(),
            _ => String::new(),
        },
    };
    (graph, without_imports)
}

fn intervals(asks: &Asks<'_>, links: &Links, current: TimeUnit) -> Vec<Link> {
    let allowed = asks.state.period.intervals(asks.today.days(asks.state));
    if allowed.len() < 2 {
        return Vec::new();
    }
    let link = |unit: &TimeUnit| {
        let name = unit_name(*unit);
        Link {
            label: format!("{}{}", name[..1].to_uppercase(), &name[1..]),
            href: links.to(|state| state.interval = (allowed.first() != Some(unit)).then_some(*unit)),
            current: *unit == current,
        }
    };
    let mut units = allowed.to_vec();
    units.sort();
    units.iter().map(link).collect()
}

/// What stands before a bucket's label in the address that shows it alone: the day, the week, the month, and of shorter ones the hour.
fn opens(asks: &Asks<'_>, links: &Links, unit: TimeUnit) -> String {
    let is_hour = match asks.state.period {
        Period::Times(from, to) => to.signed_duration_since(from).num_minutes() <= 60,
        _ => false,
    };
    let period = match unit {
        TimeUnit::Minute | TimeUnit::Hour if is_hour => return String::new(),
        TimeUnit::Day if asks.state.period == Period::Day => return String::new(),
        TimeUnit::Minute | TimeUnit::Hour => "period=custom&to=hour&from=",
        TimeUnit::Day | TimeUnit::Auto => "period=day&date=",
        TimeUnit::Week => "period=custom&to=week&from=",
        TimeUnit::Month => "period=month&date=",
    };
    let base = links.to(|state| (state.period, state.date, state.interval) = (Period::DEFAULT, None, None));
    let sign = match base.as_str() {
        base if base.ends_with('?') => "",
        base if base.contains('?') => "&",
        _ => "?",
    };
    format!("{base}{sign}{period}")
}

fn line_of(answer: &QueryResult, unit: Unit) -> Line {
    let none = Meta::default();
    let labels = answer.meta.time_labels.clone().unwrap_or_default();
    model::line(&answer.results, &none, &labels, unit)
}
