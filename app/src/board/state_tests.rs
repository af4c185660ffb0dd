//! An address says all of the state and nothing else.

use super::super::{
    filters::{Case, Op},
    form::Place,
};
use super::*;
use proptest::prelude::*;

fn a_day() -> impl Strategy<Value = NaiveDate> {
    (0_i32..20_000).prop_map(|n| NaiveDate::from_num_days_from_ce_opt(730_000 + n).unwrap())
}

fn a_period() -> impl Strategy<Value = Period> {
    let named = proptest::sample::select(Period::NAMED.map(|(_, period)| period).to_vec());
    let custom = (a_day(), a_day()).prop_map(|(a, b)| Period::Custom(a.min(b), a.max(b)));
    let time = || (a_day(), 0_u32..24, 0_u32..60).prop_map(|(day, h, m)| day.and_hms_opt(h, m, 0).unwrap());
    let times = (time(), time())
        .prop_map(|(a, b)| Period::Times(a.min(b), a.max(b)))
        .prop_filter("is a period of times", |period| match period {
            Period::Times(from, to) => from < to && Period::of_times(*from, *to) == Some(*period),
            _ => false,
        });
    prop_oneof![named, custom, times]
}

fn an_atom() -> impl Strategy<Value = Atom> {
    let ops = proptest::sample::select(Op::ALL.map(|(op, ..)| op).to_vec());
    let dimensions = prop_oneof![
        Just(Dimension::Page),
        Just(Dimension::Country),
        Just(Dimension::Goal),
        ".{1,8}".prop_map(Dimension::Prop)
    ];
    let values = proptest::collection::vec(".{1,12}", 1..4);
    let cases = proptest::sample::select(Case::ALL.map(|(case, ..)| case).to_vec());
    (ops, dimensions, values, cases)
        .prop_filter("suits", |(op, dimension, ..)| op.suits(dimension))
        .prop_map(|(op, dimension, values, case)| Atom {
            op,
            dimension,
            values,
            case,
        })
}

fn clauses() -> impl Strategy<Value = Vec<Clause>> {
    proptest::collection::vec(proptest::collection::vec(an_atom(), 1..3).prop_map(Clause), 0..4).prop_map(
        |mut all| {
            let mut seen: Vec<Clause> = Vec::new();
            all.retain(|clause| {
                !seen.contains(clause) && {
                    seen.push(clause.clone());
                    true
                }
            });
            all
        },
    )
}

fn compare() -> impl Strategy<Value = Option<Compare>> {
    prop_oneof![
        Just(None),
        Just(Some(Compare::Previous)),
        Just(Some(Compare::Year)),
        (a_day(), a_day()).prop_map(|(a, b)| Some(Compare::Custom(a.min(b), a.max(b)))),
    ]
}

fn a_tab() -> impl Strategy<Value = Tab> {
    let all: Vec<Tab> = CardId::ALL.into_iter().flat_map(CardId::tabs).collect();
    proptest::sample::select(all)
}

fn details() -> impl Strategy<Value = Option<Details>> {
    let columns = Metric::ALL.map(Sort::Figure).into_iter().chain([Sort::Name]);
    let sort = proptest::option::of((
        proptest::sample::select(columns.collect::<Vec<_>>()),
        prop_oneof![Just(Direction::Asc), Just(Direction::Desc)],
    ));
    proptest::option::of(
        (a_tab(), ".{0,9}", sort, 1_u32..9).prop_map(|(tab, search, sort, page)| Details {
            tab,
            search,
            sort,
            page,
        }),
    )
}

prop_compose! {
    fn a_state()(
        period in a_period(), date in proptest::option::of(a_day()), compare in compare(), matched: bool,
        interval in proptest::option::of(proptest::sample::select(UNITS.map(|(_, unit)| unit).to_vec())),
        clauses in clauses(), segment in proptest::option::of(0_i64..99),
        metric in proptest::option::of(proptest::sample::select(Metric::ALL.to_vec())),
        tabs in proptest::collection::vec(a_tab(), 0..6), prop in proptest::option::of(".{1,9}"), details in details(),
        editing in proptest::option::of(".{0,5}"),
    ) -> BoardState {
        let mut state = BoardState {
            period, compare, interval, clauses, segment, metric, prop, details, funnel: segment,
            date: date.filter(|_| period.has_date()),
            match_day: if matched && compare.is_some() { Weekday::Matched } else { Weekday::AsItIs },
            ..BoardState::default()
        };
        tabs.into_iter().for_each(|tab| state.show(tab));
        state.edit = editing.map(|search| {
            let clause = state.clauses.len().checked_sub(1);
            let at = clause.map(|clause| Place { clause, atom: state.clauses[clause].0.len() - 1 });
            Edit { dimension: Dimension::City, at, search }
        });
        state
    }
}

proptest! {
    #[test]
    fn a_state_reads_back_from_its_address(state in a_state()) {
        prop_assert_eq!(BoardState::parse(&state.search()), (state, vec![]));
    }

    #[test]
    fn no_address_is_too_strange_to_be_read(search in ".{0,80}") {
        let (state, _) = BoardState::parse(&search);
        prop_assert_eq!(BoardState::parse(&state.search()).0, state);
    }
}

#[test]
fn the_plain_address_is_the_last_thirty_days() {
    assert_eq!(BoardState::parse(""), (BoardState::default(), vec![]));
    assert_eq!(BoardState::default().search(), "");
}

#[test]
fn what_is_unknown_is_ignored_and_what_is_wrong_is_told() {
    assert_eq!(
        BoardState::parse("?utm_source=mail&period=7d").1,
        Vec::<String>::new()
    );
    let (state, wrong) = BoardState::parse("?period=decade&f=is,moon,x&f=is,page,/a&metric=love&date=x");
    assert_eq!(
        (state.period, state.clauses.len(), wrong.len()),
        (Period::DEFAULT, 1, 4)
    );
}

#[test]
fn choosing_a_source_asks_for_its_referrers_and_taking_it_back_does_not() {
    let mut state = BoardState::default();
    state.choose(Tab::Sources, &Dimension::Source, "Google");
    assert_eq!(state.search(), "?f=is,source,Google&tabs=referrers");
    state.drop_clause(0);
    assert_eq!(state, BoardState::default());
}
