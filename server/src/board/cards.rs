//! The cards: which question each asks in its state, and where its parts lead.

use super::{
    Viewpoint,
    asks::{self, Asks},
    retention, rows,
    view::reaches_goal,
};
use pulsecast_app::board::{
    BoardState, CardId, Links, Tab,
    model::{Card, Column, Link, Look, Panel},
    page::Named,
    state::Details,
    text::Unit,
    words,
};
use pulsecast_protocol::stats::{Dimension, Metric, Query, QueryResult};

/// Rows of a card.
const ROWS: u32 = 9;
/// Countries of a map.
const COUNTRIES: u32 = 250;

/// The card, and what it is called where it holds nothing imported although there is something.
pub(super) async fn card(
    asks: &Asks<'_>,
    links: &Links,
    from: &Viewpoint,
    id: CardId,
    props: &[String],
    funnels: &[Named],
) -> (Card, Option<String>) {
    let tab = asks.state.tab(id);
    let (tabs, menu) = tabs(links, id, tab, from);
    let bare = Card {
        panel: Panel {
            key: id.key().to_owned(),
            ..Panel::default()
        },
        title: id.title().to_owned(),
        tabs,
        menu,
        ..Card::default()
    };
    let prop = prop(asks.state, props);
    match (tab, tab.dimension(prop.as_deref())) {
        (Tab::Funnels, _) => (steps(asks, links, from, bare, funnels).await, None),
        (Tab::Retention, _) => (retention::card(asks, links, from, bare, props).await, None),
        (_, Some(dimension)) => {
            let bare = Card {
                menu: match tab {
                    Tab::Properties => choose_prop(links, props, prop.as_deref()),
                    _ => bare.menu,
                },
                ..bare
            };
            list(asks, links, tab, dimension, bare).await
        }
        // A property is looked for and there is none.
        (_, None) => {
            let empty = "No event of this period carries a custom property.".to_owned();
            (Card { empty, ..bare }, None)
        }
    }
}

/// The property that is shown: the chosen one, else the first.
pub(super) fn prop(state: &BoardState, props: &[String]) -> Option<String> {
    state.prop.clone().or_else(|| props.first().cloned())
}

fn tabs(links: &Links, id: CardId, current: Tab, from: &Viewpoint) -> (Vec<Link>, Vec<Link>) {
    let link = |tab: Tab| Link {
        label: tab.label().to_owned(),
        href: links.to(|state| state.show(tab)),
        current: tab == current,
    };
    let is_shown =
        |tab: &Tab| (!tab.is_hidden() || *tab == current) && (*tab != Tab::Funnels || !from.goals.is_empty());
    let (menu, tabs): (Vec<Tab>, Vec<Tab>) = id.tabs().filter(is_shown).partition(|tab| tab.is_campaign());
    (
        tabs.into_iter().map(link).collect(),
        menu.into_iter().map(link).collect(),
    )
}

fn choose_prop(links: &Links, props: &[String], current: Option<&str>) -> Vec<Link> {
    let link = |key: &String| Link {
        label: key.clone(),
        href: links.to(|state| {
            state.show(Tab::Properties);
            state.prop = Some(key.clone());
        }),
        current: Some(key.as_str()) == current,
    };
    props.iter().map(link).collect()
}

/// What a card counts: with a goal, who reached it and how many of the row's that is.
fn metrics(asks: &Asks<'_>, tab: Tab) -> Vec<Metric> {
    let (state, earns) = (asks.state, any_earns(asks));
    match tab {
        Tab::Goals if earns => vec![
            Metric::Visitors,
            Metric::Events,
            Metric::ConversionRate,
            Metric::TotalRevenue,
            Metric::AverageRevenue,
        ],
        Tab::Goals => vec![Metric::Visitors, Metric::Events, Metric::ConversionRate],
        Tab::Properties => vec![Metric::Visitors, Metric::Events, Metric::Percentage],
        _ if reaches_goal(state) => vec![Metric::Visitors, Metric::GroupConversionRate],
        _ => vec![Metric::Visitors, Metric::Percentage],
    }
}

/// Whether a goal of the site has a currency.
pub(super) fn any_earns(asks: &Asks<'_>) -> bool {
    asks.scope.goals.iter().any(|goal| goal.currency.is_some())
}

pub(super) fn column(metric: Metric, state: &BoardState) -> Column {
    let (label, _, unit) = words::metric(metric);
    let label = match metric {
        Metric::Visitors if reaches_goal(state) => "Conversions",
        Metric::Events => "Total",
        Metric::ConversionRate | Metric::GroupConversionRate => "Rate",
        Metric::AverageRevenue => "Average",
        _ => label,
    };
    Column {
        label: label.to_owned(),
        unit,
        less_is_better: words::less_is_better(metric),
    }
}

/// What stands before a row's name in the address that filters by it.
pub(super) fn href(links: &Links, tab: Tab, dimension: &Dimension) -> String {
    let base = links.to(|state| {
        if let Some(next) = tab.drill() {
            state.show(next);
        }
        state.details = None;
    });
    let sign = if base.contains('?') { '&' } else { '?' };
    let mut name = String::new();
    pulsecast_app::board::links::encode_value(&words::short(dimension), &mut name);
    format!("{base}{sign}f=is,{name},")
}

/// Where a page's own address begins.
pub(super) fn site_of(asks: &Asks<'_>, dimension: &Dimension) -> String {
    match dimension {
        Dimension::Page | Dimension::EntryPage | Dimension::ExitPage => {
            format!("https://{}", asks.scope.domain)
        }
        _ => String::new(),
    }
}

async fn list(
    asks: &Asks<'_>,
    links: &Links,
    tab: Tab,
    dimension: Dimension,
    bare: Card,
) -> (Card, Option<String>) {
    let metrics = metrics(asks, tab);
    let limit = if tab == Tab::Map { COUNTRIES } else { ROWS };
    let query = asks.breakdown(dimension.clone(), metrics.clone(), limit, 0);
    // Of a card the first figure is compared; of a map, which only shows shades, none.
    let compared = asks.compared().filter(|_| tab != Tab::Map);
    let past = Query {
        metrics: metrics[..1].to_vec(),
        ..query.clone()
    };
    let (answer, past) = tokio::join!(asks.ask(&query), rows::past(asks, past, compared));
    let without = asks.leaves_out(&answer).then(|| tab.label().to_lowercase());
    let card = Card {
        panel: asks.panel(&bare.panel.key, &query, Some(&answer)),
        compared: past.is_some(),
        look: match tab {
            Tab::Map => Look::Map,
            Tab::Countries => Look::Flags,
            _ => Look::Plain,
        },
        what: words::singular(&dimension),
        none: match asks::is_rare(&dimension) {
            true => dimension.none_label().to_owned(),
            false => String::new(),
        },
        columns: metrics.iter().map(|metric| column(*metric, asks.state)).collect(),
        note: note(asks, tab, &answer),
        rows: answer
            .map(|answer| rows::beside(asks::rows(&answer, &dimension), past.as_ref()))
            .unwrap_or_default(),
        href: href(links, tab, &dimension),
        site: site_of(asks, &dimension),
        details: links.to(|state| state.details = Some(Details::of(tab))),
        csv: asks.csv(&query, &words::short(&dimension)),
        empty: empty(asks, tab),
        ..bare
    };
    (card, without)
}

fn empty(asks: &Asks<'_>, tab: Tab) -> String {
    match tab {
        Tab::Goals if asks.scope.goals.is_empty() => "There is no goal yet.",
        Tab::Goals => "No goal was reached.",
        Tab::Regions | Tab::Cities => "No known place: start the server with --city-database.",
        Tab::UtmSources | Tab::UtmMediums | Tab::UtmCampaigns | Tab::UtmContents | Tab::UtmTerms => {
            "No visit came with such a tag."
        }
        _ => "Nothing in this period.",
    }
    .to_owned()
}

/// Where to add the first goal, or why there is no revenue.
fn note(asks: &Asks<'_>, tab: Tab, answer: &Result<QueryResult, String>) -> Option<Link> {
    if let Some(label) = asks::warning(answer) {
        return Some(Link {
            label,
            ..Link::default()
        });
    }
    let is_first = tab == Tab::Goals && asks.scope.goals.is_empty();
    is_first.then(|| Link {
        label: "Add a goal".to_owned(),
        href: format!("/sites/{}/settings/goals", asks.scope.domain),
        current: false,
    })
}

/// A funnel's steps, as rows.
async fn steps(asks: &Asks<'_>, links: &Links, from: &Viewpoint, bare: Card, funnels: &[Named]) -> Card {
    let chosen = funnels
        .iter()
        .find(|funnel| Some(funnel.id) == asks.state.funnel)
        .or(funnels.first());
    let menu = funnels.iter().map(|funnel| Link {
        label: funnel.name.clone(),
        href: links.to(|state| {
            state.show(Tab::Funnels);
            state.funnel = Some(funnel.id);
        }),
        current: Some(funnel.id) == chosen.map(|chosen| chosen.id),
    });
    let card = Card {
        menu: menu.collect(),
        look: Look::Steps,
        what: "Step".to_owned(),
        columns: vec![
            column(Metric::Visitors, &BoardState::default()),
            Column {
                label: "Rate".to_owned(),
                unit: Unit::Percent,
                ..Column::default()
            },
        ],
        empty: "There is no funnel yet.".to_owned(),
        details: match chosen {
            Some(chosen) => super::funnels::href(links, from, chosen.id),
            None => String::new(),
        },
        csv: match chosen {
            Some(chosen) => super::funnels::csv(links, from, chosen.id),
            None => String::new(),
        },
        note: chosen.is_none().then(|| Link {
            label: "Add a funnel".to_owned(),
            href: format!("/sites/{}/settings/funnels", asks.scope.domain),
            current: false,
        }),
        ..bare
    };
    let Some(chosen) = chosen else {
        return card;
    };
    match super::funnels::result(asks, from, chosen.id).await {
        Ok(result) => Card {
            panel: super::funnels::panel(asks, &card.panel.key, chosen.id),
            rows: super::funnels::rows(&result),
            ..card
        },
        Err(error) => Card {
            panel: Panel {
                error: Some(error),
                ..card.panel
            },
            ..card
        },
    }
}
