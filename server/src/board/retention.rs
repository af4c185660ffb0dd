//! Who comes back: a small table on a card, all of it on a page. Counted when it is looked at, and it says so.

use super::{Viewpoint, asks::Asks, cards::column, funnels::page};
use pulsecast_app::board::{
    BoardState, Links, Tab,
    labels::{self, Bucket},
    model::{Card, Column, Link, Panel, Row},
    page::Cohorted,
    text::{self, Unit},
};
use pulsecast_app::format;
use pulsecast_protocol::stats::{Cohort, CohortUnit, Metric, Returns, TimeUnit};

/// Cohorts on a card: the newest.
const COHORTS: usize = 9;
/// And how far they are followed there.
const STEPS: usize = 4;

/// How often visitors came within their day, and how long they were away.
pub(super) async fn returns(asks: &Asks<'_>) -> Result<Returns, String> {
    let stats = &asks.board.stats;
    let returns = stats
        .returns(asks.scope, asks.range(), &asks.state.filters())
        .await;
    returns.map_err(|error| super::words(&error))
}

/// The same across days, of those whom the site names by a property.
pub(super) async fn cohorts(asks: &Asks<'_>, name: &str) -> Result<Cohorted, String> {
    let unit = match asks.state.interval {
        Some(TimeUnit::Day) => CohortUnit::Day,
        _ => CohortUnit::Week,
    };
    let stats = &asks.board.stats;
    let cohorts = stats
        .cohorts(asks.scope, name, unit, asks.range(), &asks.state.filters())
        .await;
    let cohorts = cohorts.map_err(|error| super::words(&error))?;
    Ok(Cohorted { unit, cohorts })
}

/// When this was counted, by the site's clock; `None` where the period is over anyway.
pub(super) fn as_of(asks: &Asks<'_>) -> Option<String> {
    let today = asks.today;
    today
        .is_live(asks.state)
        .then(|| format::clock_short(today.now, today.offset))
}

/// The card: returns within the day, or cohorts where a property that names people was chosen.
pub(super) async fn card(
    asks: &Asks<'_>,
    links: &Links,
    from: &Viewpoint,
    bare: Card,
    props: &[String],
) -> Card {
    let prop = asks.state.prop.as_ref().filter(|prop| props.contains(prop));
    let to = |prop: Option<&String>, label: &str| Link {
        label: label.to_owned(),
        href: links.to(|state| {
            state.show(Tab::Retention);
            state.prop = prop.cloned();
        }),
        current: prop == asks.state.prop.as_ref().filter(|prop| props.contains(prop)),
    };
    let mut menu = vec![to(None, "Within a day")];
    menu.extend(props.iter().map(|name| to(Some(name), name)));
    let table = match prop {
        Some(name) => cohorts(asks, name).await.map(of_cohorts),
        None => returns(asks).await.map(of_returns),
    };
    let mut card = Card {
        menu,
        details: page(links, from, Tab::Retention, |_| {}),
        empty: "Nobody in this period.".to_owned(),
        note: prop.is_none().then(|| Link {
            label: "Who comes on another day counts as somebody new".to_owned(),
            ..Link::default()
        }),
        csv: {
            let report = if prop.is_some() { "cohorts" } else { "retention" };
            format!("{}/{report}.csv{}", from.files, asks.state.search())
        },
        ..bare
    };
    match table {
        Ok((what, columns, rows)) => {
            card.what = match as_of(asks) {
                Some(time) => format!("{what}, as of {time}"),
                None => what.to_owned(),
            };
            (card.columns, card.rows) = (columns, rows);
        }
        Err(error) => {
            card.panel = Panel {
                error: Some(error),
                ..card.panel
            };
        }
    }
    card
}

type Rows = (&'static str, Vec<Column>, Vec<Row>);

fn percent(label: String) -> Column {
    Column {
        label,
        unit: Unit::Percent,
        ..Column::default()
    }
}

fn row(name: String, label: Option<String>, figures: Vec<Option<i64>>) -> Row {
    Row {
        name,
        label,
        figures,
        ..Row::default()
    }
}

fn of_returns(returns: Returns) -> Rows {
    let all: u64 = returns.visits.iter().sum();
    let columns = vec![
        column(Metric::Visitors, &BoardState::default()),
        percent("Share".to_owned()),
    ];
    let line = |(n, visitors): (usize, &u64)| {
        let name = match n {
            0 => "Once".to_owned(),
            1 => "Twice".to_owned(),
            n if n + 1 == Returns::VISITS => format!("{} times or more", n + 1),
            n => format!("{} times", n + 1),
        };
        row(name, None, vec![whole(*visitors), share(*visitors, all)])
    };
    let rows = match all {
        0 => Vec::new(),
        _ => returns.visits.iter().enumerate().map(line).collect(),
    };
    ("Visits in a day", columns, rows)
}

fn of_cohorts(cohorted: Cohorted) -> Rows {
    let (bucket, word) = match cohorted.unit {
        CohortUnit::Day => (Bucket::Day, "Day"),
        CohortUnit::Week => (Bucket::Week, "Week"),
    };
    let rows = cohorted.cohorts.rows;
    let newest = rows.len().saturating_sub(COHORTS);
    let steps = rows[newest..].iter().map(|row| row.seen.len()).max();
    let steps = steps.unwrap_or(1).clamp(1, STEPS + 1);
    let mut columns = vec![Column {
        label: "People".to_owned(),
        ..Column::default()
    }];
    columns.extend((1..steps).map(|n| percent(format!("{word} {n}"))));
    let line = |cohort: &Cohort| {
        let first = cohort.seen.first().copied().unwrap_or_default();
        let mut figures = vec![whole(first)];
        figures.extend((1..steps).map(|n| cohort.seen.get(n).and_then(|seen| share(*seen, first))));
        row(
            cohort.label.clone(),
            Some(labels::full(&cohort.label, bucket)),
            figures,
        )
    };
    ("First seen", columns, rows[newest..].iter().map(line).collect())
}

fn whole(n: u64) -> Option<i64> {
    i64::try_from(n.saturating_mul(100)).ok()
}

#[allow(clippy::cast_precision_loss, reason = "no number of visitors comes near 2^53")]
fn share(n: u64, all: u64) -> Option<i64> {
    (all > 0).then(|| text::hundredths((n as f64 * 1000.0 / all as f64).round() / 10.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsecast_protocol::stats::Cohorts;

    #[test]
    fn who_came_again_is_told_with_their_share() {
        let returns = Returns {
            visits: vec![6, 2, 0, 0, 1],
            gaps: vec![],
        };
        let (_, columns, rows) = of_returns(returns);
        assert_eq!(columns.len(), 2);
        assert_eq!(
            (rows[1].label(), &rows[1].figures),
            ("Twice", &vec![Some(200), Some(2220)])
        );
        assert_eq!(rows[4].label(), "5 times or more");
    }

    #[test]
    fn a_cohort_is_followed_as_far_as_time_has_passed() {
        let cohort = |label: &str, seen: &[u64]| Cohort {
            label: label.to_owned(),
            seen: seen.to_vec(),
        };
        let cohorts = Cohorts {
            rows: vec![cohort("2026-11-09", &[8, 2]), cohort("2026-11-16", &[5])],
        };
        let unit = CohortUnit::Week;
        let (_, columns, rows) = of_cohorts(Cohorted { unit, cohorts });
        let labels: Vec<_> = columns.iter().map(|column| column.label.as_str()).collect();
        assert_eq!(labels, ["People", "Week 1"]);
        assert_eq!(rows[0].figures, [Some(800), Some(2500)]);
        assert_eq!(
            (rows[1].label(), &rows[1].figures),
            ("Week of 16 Nov", &vec![Some(500), None])
        );
    }
}
