//! The cards: which question each asks in its state, and where its parts lead.

use super::{
    Viewpoint,
    asks::{self, Asks},
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
use pulsecast_protocol::stats::{Dimension, Metric};

/// Rows of a card.
const ROWS: u32 = 9;
/// Countries of a map.
const COUNTRIES: u32 = 250;

pub(super) async fn card(
    asks: &Asks<'_>,
    links: &Links,
    from: &Viewpoint,
    id: CardId,
    props: &[String],
    funnels: &[Named],
) -> Card {
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
        (Tab::Funnels, _) => steps(asks, links, from, bare, funnels).await,
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
        (_, None) => Card {
            empty: "No event of this period carries a custom property.".to_owned(),
            ..bare
        },
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
fn metrics(state: &BoardState, tab: Tab) -> Vec<Metric> {
    match tab {
        Tab::Goals => vec![Metric::Visitors, Metric::Events, Metric::ConversionRate],
        Tab::Properties => vec![Metric::Visitors, Metric::Events, Metric::Percentage],
        _ if reaches_goal(state) => vec![Metric::Visitors, Metric::GroupConversionRate],
        _ => vec![Metric::Visitors, Metric::Percentage],
    }
}

pub(super) fn column(metric: Metric, state: &BoardState) -> Column {
    let (label, _, unit) = words::metric(metric);
    let label = match metric {
        Metric::Visitors if reaches_goal(state) => "Conversions",
        Metric::Events => "Total",
        Metric::ConversionRate | Metric::GroupConversionRate => "Rate",
        _ => label,
    };
    Column {
        label: label.to_owned(),
        unit,
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

async fn list(asks: &Asks<'_>, links: &Links, tab: Tab, dimension: Dimension, bare: Card) -> Card {
    let metrics = metrics(asks.state, tab);
    let limit = if tab == Tab::Map { COUNTRIES } else { ROWS };
    let query = asks.breakdown(dimension.clone(), metrics.clone(), limit, 0);
    let answer = asks.ask(&query).await;
    Card {
        panel: asks.panel(&bare.panel.key, &query, Some(&answer)),
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
        rows: answer
            .map(|answer| asks::rows(&answer, &dimension))
            .unwrap_or_default(),
        href: href(links, tab, &dimension),
        site: site_of(asks, &dimension),
        details: links.to(|state| state.details = Some(Details::of(tab))),
        csv: asks.csv(&query, &words::short(&dimension)),
        empty: empty(asks, tab),
        note: note(asks, tab),
        ..bare
    }
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

fn note(asks: &Asks<'_>, tab: Tab) -> Option<Link> {
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
