//! The dashboard's whole state, as its address has it. What the address says wrongly is left out and told; what it does not know is ignored.

use super::{
    cards::{CardId, Tab},
    filters::{Atom, Clause, MOST},
    form::Edit,
    links::{decode, encode},
    period::Period,
    words,
};
use chrono::NaiveDate;
use pulsecast_protocol::stats::{Dimension, Direction, Filter, Metric, TimeUnit};
use std::collections::BTreeMap;

/// The state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardState {
    /// Which part of history.
    pub period: Period,
    /// As of this day instead of today.
    pub date: Option<NaiveDate>,
    /// With what the graph compares; the headline figures always tell the change from the period before.
    pub compare: Option<Compare>,
    /// Whether the compared period begins on the same weekday.
    pub match_day: Weekday,
    /// How long a bucket of the graph is, if not as long as the period suggests.
    pub interval: Option<TimeUnit>,
    /// All of these are true.
    pub clauses: Vec<Clause>,
    /// A saved filter.
    pub segment: Option<i64>,
    /// What the graph shows.
    pub metric: Option<Metric>,
    /// What cards show that do not show their first tab.
    pub tabs: BTreeMap<CardId, Tab>,
    /// Which custom property is looked at.
    pub prop: Option<String>,
    /// Which funnel.
    pub funnel: Option<i64>,
    /// One tab in full, instead of the cards.
    pub details: Option<Details>,
    /// The filter that is being made.
    pub edit: Option<Edit>,
    /// What an embedding page asked for; kept from page to page.
    pub embed: Option<String>,
}

/// Whether weekdays are matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weekday {
    /// Day by day.
    #[default]
    AsItIs,
    /// Monday with Monday.
    Matched,
}

/// With what is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// The period right before.
    Previous,
    /// A year earlier.
    Year,
    /// These days.
    Custom(NaiveDate, NaiveDate),
}

/// One tab in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// Which.
    pub tab: Tab,
    /// Only rows that contain this.
    pub search: String,
    /// By which column, and which way; by the first figure, most first, unless told otherwise.
    pub sort: Option<(Sort, Direction)>,
    /// From 1.
    pub page: u32,
}

/// What details are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// What the rows are called.
    Name,
    /// A figure.
    Figure(Metric),
}

impl Sort {
    fn read(text: &str) -> Option<Self> {
        match text {
            "name" => Some(Self::Name),
            metric => metric.parse().ok().map(Self::Figure),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Figure(metric) => metric.name(),
        }
    }
}

impl Details {
    /// The whole of a tab.
    #[must_use]
    pub const fn of(tab: Tab) -> Self {
        Self {
            tab,
            search: String::new(),
            sort: None,
            page: 1,
        }
    }
}

impl Default for BoardState {
    fn default() -> Self {
        Self {
            period: Period::DEFAULT,
            date: None,
            compare: None,
            match_day: Weekday::AsItIs,
            interval: None,
            clauses: Vec::new(),
            segment: None,
            metric: None,
            tabs: BTreeMap::new(),
            prop: None,
            funnel: None,
            details: None,
            edit: None,
            embed: None,
        }
    }
}

const UNITS: [(&str, TimeUnit); 5] = [
    ("minute", TimeUnit::Minute),
    ("hour", TimeUnit::Hour),
    ("day", TimeUnit::Day),
    ("week", TimeUnit::Week),
    ("month", TimeUnit::Month),
];

/// The name of a bucket's length.
#[must_use]
pub fn unit_name(unit: TimeUnit) -> &'static str {
    UNITS
        .iter()
        .find(|(_, u)| *u == unit)
        .map_or("auto", |(name, _)| name)
}

impl BoardState {
    /// Reads what follows the `?` of an address, and says what could not be read.
    #[must_use]
    pub fn parse(search: &str) -> (Self, Vec<String>) {
        let pairs: Vec<(String, String)> = pairs(search).collect();
        let value = |name: &str| {
            let found = pairs.iter().find(|(key, value)| key == name && !value.is_empty());
            found.map(|(_, value)| value.as_str())
        };
        let mut wrong = Wrong::default();
        let mut state = Self::default();

        let day = |name: &str| value(name).map(str::parse::<NaiveDate>);
        state.period = match value("period") {
            None => Period::DEFAULT,
            Some("custom") => {
                let ends = value("from").zip(value("to"));
                let period = ends.and_then(|(from, to)| Period::between(from, to));
                period.unwrap_or_else(|| {
                    wrong.note(
                        "the dates of the period cannot be read: choose them again",
                        Period::DEFAULT,
                    )
                })
            }
            Some(name) => match Period::named(name) {
                Some(period) => period,
                None => wrong.note(
                    "there is no such period: the last 30 days are shown",
                    Period::DEFAULT,
                ),
            },
        };
        if state.period.has_date() {
            state.date = match day("date") {
                Some(Ok(date)) => Some(date),
                Some(Err(_)) => wrong.note("the date cannot be read: today is shown", None),
                None => None,
            };
        }
        state.compare = match value("compare") {
            None | Some("off") => None,
            Some("previous") => Some(Compare::Previous),
            Some("year") => Some(Compare::Year),
            Some("custom") => match (day("compare_from"), day("compare_to")) {
                (Some(Ok(from)), Some(Ok(to))) => Some(Compare::Custom(from.min(to), from.max(to))),
                _ => wrong.note(
                    "the dates of the comparison cannot be read: choose them again",
                    None,
                ),
            },
            Some(_) => wrong.note("there is no such comparison", None),
        };
        if value("match_day").is_some() && state.compare.is_some() {
            state.match_day = Weekday::Matched;
        }
        state.interval = value("interval").and_then(|name| {
            let unit = UNITS.iter().find(|(n, _)| *n == name).map(|(_, unit)| *unit);
            unit.or_else(|| wrong.note("there is no such interval", None))
        });
        for (_, text) in pairs
            .iter()
            .filter(|(key, text)| key == "f" && !text.is_empty())
            .take(MOST)
        {
            match Clause::read(text) {
                Some(clause) if state.clauses.contains(&clause) => {}
                Some(clause) => state.clauses.push(clause),
                None => wrong.note("a filter cannot be read and was left out", ()),
            }
        }
        state.segment = value("segment").and_then(|id| {
            id.parse()
                .ok()
                .or_else(|| wrong.note("there is no such segment", None))
        });
        state.metric = value("metric").and_then(|name| {
            name.parse()
                .ok()
                .or_else(|| wrong.note("there is no such figure", None))
        });
        for name in value("tabs")
            .unwrap_or_default()
            .split(',')
            .filter(|name| !name.is_empty())
        {
            match Tab::named(name) {
                Some(tab) => state.show(tab),
                None => wrong.note("there is no such card", ()),
            }
        }
        state.prop = value("prop").map(str::to_owned);
        state.funnel = value("funnel").and_then(|id| id.parse().ok());
        state.details = value("details").and_then(|name| {
            let Some(tab) = Tab::named(name) else {
                return wrong.note("there are no such details", None);
            };
            let order = value("sort").and_then(|sort| {
                let (sort, direction) = match sort.strip_prefix('-') {
                    Some(sort) => (sort, Direction::Desc),
                    None => (sort, Direction::Asc),
                };
                Some((Sort::read(sort)?, direction))
            });
            Some(Details {
                tab,
                search: value("search").unwrap_or_default().to_owned(),
                sort: order,
                page: value("page")
                    .and_then(|n| n.parse().ok())
                    .unwrap_or(1)
                    .clamp(1, 100_000),
            })
        });
        state.edit = value("edit").and_then(words::dimension).map(|dimension| Edit {
            dimension,
            at: value("at")
                .and_then(|at| at.parse().ok())
                .filter(|at| state.atom(*at).is_some()),
            search: value("like").unwrap_or_default().to_owned(),
        });
        if value("embed").is_some() {
            state.embed = Some(value("theme").unwrap_or("system").to_owned());
        }
        (state, wrong.0)
    }

    /// What follows the `?` of its address.
    #[must_use]
    pub fn search(&self) -> String {
        let mut text = String::new();
        for (name, value) in self.pairs() {
            text.push(if text.is_empty() { '?' } else { '&' });
            text.push_str(name);
            text.push('=');
            encode(&value, &mut text);
        }
        text
    }

    /// The same as fields, for a form that leads to a changed state.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        let mut put = |name: &'static str, value: String| pairs.push((name, value));
        if self.period != Period::DEFAULT {
            put("period", self.period.name().to_owned());
        }
        if let Some((from, to)) = self.period.ends() {
            put("from", from);
            put("to", to);
        }
        if let Some(date) = self.date {
            put("date", date.to_string());
        }
        match self.compare {
            None => {}
            Some(Compare::Previous) => put("compare", "previous".to_owned()),
            Some(Compare::Year) => put("compare", "year".to_owned()),
            Some(Compare::Custom(from, to)) => {
                put("compare", "custom".to_owned());
                put("compare_from", from.to_string());
                put("compare_to", to.to_string());
            }
        }
        if self.match_day == Weekday::Matched {
            put("match_day", "1".to_owned());
        }
        if let Some(unit) = self.interval {
            put("interval", unit_name(unit).to_owned());
        }
        for clause in &self.clauses {
            put("f", clause.write());
        }
        if let Some(id) = self.segment {
            put("segment", id.to_string());
        }
        if let Some(metric) = self.metric {
            put("metric", metric.name().to_owned());
        }
        let tabs: Vec<&str> = self.tabs.values().map(|tab| tab.name()).collect();
        if !tabs.is_empty() {
            put("tabs", tabs.join(","));
        }
        if let Some(prop) = &self.prop {
            put("prop", prop.clone());
        }
        if let Some(id) = self.funnel {
            put("funnel", id.to_string());
        }
        if let Some(details) = &self.details {
            put("details", details.tab.name().to_owned());
            if !details.search.is_empty() {
                put("search", details.search.clone());
            }
            if let Some((sort, direction)) = details.sort {
                let sign = if direction == Direction::Desc { "-" } else { "" };
                put("sort", format!("{sign}{}", sort.name()));
            }
            if details.page > 1 {
                put("page", details.page.to_string());
            }
        }
        if let Some(edit) = &self.edit {
            put("edit", words::short(&edit.dimension));
            if let Some(at) = edit.at {
                put("at", at.to_string());
            }
            if !edit.search.is_empty() {
                put("like", edit.search.clone());
            }
        }
        if let Some(theme) = &self.embed {
            put("embed", "true".to_owned());
            put("theme", theme.clone());
        }
        pairs
    }

    /// What a card shows.
    #[must_use]
    pub fn tab(&self, card: CardId) -> Tab {
        let first = card.tabs().next().unwrap_or(Tab::Pages);
        self.tabs.get(&card).copied().unwrap_or(first)
    }

    /// Shows this tab on its card.
    pub fn show(&mut self, tab: Tab) {
        let card = tab.card();
        if card.tabs().next() == Some(tab) {
            self.tabs.remove(&card);
        } else {
            self.tabs.insert(card, tab);
        }
    }

    /// Adds `is` one value, and shows what is looked at next.
    pub fn choose(&mut self, tab: Tab, dimension: &Dimension, value: &str) {
        let atom = Atom::is(dimension.clone(), value);
        let same = |clause: &Clause| clause.0.as_slice() == [atom.clone()];
        if !self.clauses.iter().any(same) {
            self.clauses.push(Clause(vec![atom]));
        }
        if let Some(next) = tab.drill() {
            self.show(next);
        }
        self.details = None;
    }

    /// Takes a clause away, and with it the tab that it led to.
    pub fn drop_clause(&mut self, at: usize) {
        if at >= self.clauses.len() {
            return;
        }
        let clause = self.clauses.remove(at);
        let led_here = |tab: &Tab| {
            CardId::ALL.into_iter().flat_map(CardId::tabs).any(|from| {
                from.drill() == Some(*tab) && from.dimension(None).is_some_and(|d| clause.names(&d))
            })
        };
        self.tabs.retain(|_, tab| !led_here(tab));
    }

    /// What every question is filtered by.
    #[must_use]
    pub fn filters(&self) -> Vec<Filter> {
        let mut filters: Vec<Filter> = self.clauses.iter().map(Clause::filter).collect();
        filters.extend(self.segment.map(super::links::segment));
        filters
    }

    /// Whether some clause says something about this dimension.
    #[must_use]
    pub fn filters_on(&self, dimension: &Dimension) -> bool {
        self.clauses.iter().any(|clause| clause.names(dimension))
    }
}

/// Names and values of what follows the `?`.
pub(super) fn pairs(search: &str) -> impl Iterator<Item = (String, String)> {
    let search = search.strip_prefix('?').unwrap_or(search);
    search.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

/// What could not be read, told once each.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn note<T>(&mut self, what: &str, instead: T) -> T {
        if !self.0.iter().any(|told| told == what) {
            self.0.push(what.to_owned());
        }
        instead
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
