//! What a day of a site adds up to, in tables of the connection's own: `sums` for `daily`, `visits_of_day` and `pages_of_day` for the tables
//! of these names. What they mean is written in the migrations. Nobody's hash is counted more than once: visitors are marked on one of their
//! visits, and sums are counts of marks.

use super::roll::instant;
use crate::store::SiteDay;
use duckdb::Connection;
use pulsecast_protocol::stats::Dimension;

/// What a visitor is: the same with each visit, but for few.
const OWN: [(&str, &str); 10] = [
    ("visit:country", "country"),
    ("visit:device", "device"),
    ("visit:region", "region"),
    ("visit:city", "city"),
    ("visit:os", "os"),
    ("visit:browser", "browser"),
    ("visit:os_version", "os_version"),
    ("visit:browser_version", "browser_version"),
    ("visit:language", "language"),
    ("visit:screen", "screen"),
];

/// Where a visit came from.
const ORIGIN: [(&str, &str); 8] = [
    ("visit:source", "source"),
    ("visit:referrer", "referrer"),
    ("visit:channel", "channel"),
    ("visit:utm_source", "utm_source"),
    ("visit:utm_medium", "utm_medium"),
    ("visit:utm_campaign", "utm_campaign"),
    ("visit:utm_content", "utm_content"),
    ("visit:utm_term", "utm_term"),
];

/// Its pages, by their numbers.
const PAGES: [(&str, &str); 2] = [
    ("visit:entry_page", "entry_path"),
    ("visit:exit_page", "exit_path"),
];

/// Tables that are made on the way, and at the end.
const TABLES: [&str; 15] = [
    "seen",
    "props_of_day",
    "counted_events",
    "page_visits",
    "by_visit",
    "texts",
    "codes",
    "coded",
    "several",
    "odd",
    "marked",
    "paged",
    "sums",
    "visits_of_day",
    "pages_of_day",
];

/// Puts the day's sums into the connection's own tables, if it has any.
pub(super) fn reckon(connection: &Connection, day: &SiteDay) -> duckdb::Result<Day> {
    connection.execute_batch("begin")?;
    let seen = see(connection, day)?;
    connection.execute_batch("commit")?;
    // What follows is made of what was seen: of the store it only touches the words.
    if seen != Day::Something {
        return Ok(seen);
    }
    code(connection)?;
    mark(connection)?;
    rows_of_visits(connection)?;
    rows_of_pages(connection)?;
    sums_of_visits(connection)?;
    sums_of_events(connection)?;
    sums_of_props(connection)?;
    Ok(Day::Something)
}

/// Removes words that no row of marks has the number of.
pub(super) fn forget_words(connection: &Connection) -> duckdb::Result<()> {
    let of_pages = OWN.map(|(_, column)| column);
    OWN.iter().chain(&ORIGIN).try_for_each(|(_, column)| {
        let pages = match of_pages.contains(column) {
            true => format!(" union select {column} from day_pages"),
            false => String::new(),
        };
        connection.execute_batch(&format!(
            "delete from words where attribute = '{column}' and id not in (select {column} from day_visits{pages})"
        ))
    })
}

/// Gives the memory back.
pub(super) fn clear(connection: &Connection) -> duckdb::Result<()> {
    let all: Vec<String> = TABLES
        .iter()
        .map(|table| (*table).to_owned())
        .chain(marks().map(|mark| format!("first_{mark}")))
        .map(|table| format!("drop table if exists temp.{table}"))
        .collect();
    connection.execute_batch(&all.join("; "))
}

/// What a day is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Day {
    /// A visit of it goes on.
    Open,
    /// Nobody came.
    Nothing,
    /// It has sums.
    Something,
}

/// Visits and counted events of the day, and of its visitors on the two days before.
fn see(connection: &Connection, day: &SiteDay) -> duckdb::Result<Day> {
    let SiteDay {
        site,
        from,
        to,
        before,
        long_before,
        ..
    } = *day;
    let (site, from, to) = (site.0, instant(from), instant(to));
    let (before, long_before) = (instant(before), instant(long_before));
    let open: bool = connection.query_row(
        &format!(
            "select count(*) > 0 from events where site = {site} and happened_at < {to} \
               and visit >= (select oldest_open from progress) \
               and visit not in (select visit from visits where visit >= (select oldest_open from progress))"
        ),
        [],
        |row| row.get(0),
    )?;
    if open {
        return Ok(Day::Open);
    }
    // Between two visits there may be years: days on which nobody came are made out by one question.
    let is_empty: bool = connection.query_row(
        &format!("select not exists (select 1 from visits where site = {site} and start_at < {to} and last_at >= {from})"),
        [],
        |row| row.get(0),
    )?;
    if is_empty {
        return Ok(Day::Nothing);
    }
    // By the names that their groups have, since something else may be called the same.
    let attributes = each(OWN.iter().chain(&ORIGIN), |dimension, column| {
        let label = dimension.parse().as_ref().map_or("", Dimension::none_label);
        format!("coalesce({column}, '{label}') as {column}")
    });
    // What was there on the day (`d`), and on the two days before.
    connection.execute_batch(&format!(
        "create or replace temp table sums as select dimension, value, path, visitors, visitors_1, visitors_2, visits, visits_1, visits_2, \
           started, started_pageviews, started_bounces, started_duration, carried, carried_pageviews, carried_bounces, carried_duration, \
           pageviews, events from daily limit 0; \
         create or replace temp table visits_of_day as select * exclude (site, day, roll) from day_visits limit 0; \
         create or replace temp table pages_of_day as select * exclude (site, day, roll) from day_pages limit 0; \
         create or replace temp table seen as select visit, visitor, last_at >= {from} as d, start_at < {from} and last_at >= {before} as d1, \
           start_at < {before} as d2, start_at >= {from} as fresh, pageviews, bounce, \
           case when bounce then 0 else epoch_ms(last_at) - epoch_ms(start_at) end as duration, entry_path, exit_path, {attributes} \
         from visits where site = {site} and start_at < {to} and last_at >= {long_before} \
           and visitor in (select visitor from visits where site = {site} and start_at < {to} and last_at >= {from}); \
         create or replace temp table counted_events as select visitor, visit, path, hostname, kind = 'pageview' as viewed, \
           happened_at >= {from} as d, happened_at < {from} and happened_at >= {before} as d1, happened_at < {before} as d2 \
         from events where site = {site} and happened_at < {to} and happened_at >= {long_before} and kind <> 'engagement' \
           and visitor in (select visitor from events where site = {site} and happened_at < {to} and happened_at >= {from} and kind <> 'engagement'); \
         create or replace temp table props_of_day as select props, count(*) as n from events \
           where site = {site} and happened_at < {to} and happened_at >= {from} and props is not null group by props"
    ))?;
    Ok(Day::Something)
}

/// What was seen, a row a visit, with words by their numbers; words that are new get one.
fn code(connection: &Connection) -> duckdb::Result<()> {
    let attributes = || OWN.iter().chain(&ORIGIN);
    let texts: Vec<String> = attributes()
        .map(|(_, column)| {
            format!("select distinct '{column}' as attribute, {column} as text from temp.seen")
        })
        .collect();
    let columns = each(attributes(), |_, column| format!("c_{column}.id as {column}"));
    let joins: String = attributes()
        .map(|(_, column)| format!(" join temp.codes c_{column} on c_{column}.attribute = '{column}' and c_{column}.text = s.{column}"))
        .collect();
    connection.execute_batch(&format!(
        "create or replace temp table page_visits as select visitor, visit, path, bool_or(d) as d, bool_or(d1) as d1, bool_or(d2) as d2, \
           count(*) filter (d and viewed) as views, count(*) filter (d) as counted from temp.counted_events group by visitor, visit, path; \
         create or replace temp table by_visit as select visit, bool_or(d) as c, bool_or(d1) as c1, bool_or(d2) as c2, \
           sum(views) as views, sum(counted) as counted from temp.page_visits group by visit; \
         create or replace temp table texts as {}; \
         insert into words select t.attribute, coalesce(m.id, 0) + row_number() over (partition by t.attribute order by t.text), t.text \
           from temp.texts t left join (select attribute, max(id) as id from words group by attribute) m on m.attribute = t.attribute \
           where not exists (from words w where w.attribute = t.attribute and w.text = t.text); \
         create or replace temp table codes as select w.attribute, w.id, w.text from words w \
           join temp.texts t on t.attribute = w.attribute and t.text = w.text; \
         create or replace temp table coded as select s.visit, s.visitor, d, d1, d2, fresh, pageviews, bounce, duration, entry_path, exit_path, \
           {columns}, coalesce(b.views, 0) as views, coalesce(b.counted, 0) as counted, \
           coalesce(c, false) as c, coalesce(c1, false) as c1, coalesce(c2, false) as c2 \
         from temp.seen s left join temp.by_visit b on b.visit = s.visit{joins}",
        texts.join(" union all ")
    ))
}

/// The names of marks.
fn marks() -> impl Iterator<Item = &'static str> {
    let of_values = ORIGIN.iter().chain(&PAGES).map(|(_, column)| *column);
    ["visitor", "counted"].into_iter().chain(of_values)
}

/// Each visit's marks; nearly all visitors have one visit only, which needs no looking for the first of them.
fn mark(connection: &Connection) -> duckdb::Result<()> {
    let differ: Vec<String> = OWN
        .iter()
        .map(|(_, column)| format!("min({column}) <> max({column})"))
        .collect();
    connection.execute_batch(&format!(
        "create or replace temp table several as select * from temp.coded \
           where visitor in (select visitor from temp.coded group by visitor having count(*) > 1); \
         create or replace temp table odd as select visitor from temp.several group by visitor having {}",
        differ.join(" or ")
    ))?;
    for mark in marks() {
        let (there, by) = match mark {
            "visitor" => ("d", String::new()),
            "counted" => ("c", String::new()),
            column => ("d", format!(", {column}")),
        };
        connection.execute_batch(&format!(
            "create or replace temp table first_{mark} as select min(visit) filter ({there}) as visit, \
               case when bool_or({there}1) then 1 when bool_or({there}2) then 2 else 3 end as n \
             from temp.several group by visitor{by} having bool_or({there})"
        ))?;
    }
    let list = |text: &dyn Fn(&str) -> String| marks().map(text).collect::<Vec<_>>();
    let (news, joins, singles) = (
        list(&|mark| format!("coalesce(f_{mark}.n, 0) as new_{mark}")).join(", "),
        list(&|mark| format!(" left join temp.first_{mark} f_{mark} on f_{mark}.visit = s.visit")).concat(),
        list(&|mark| match mark {
            "counted" => {
                "case when not c then 0 when c1 then 1 when c2 then 2 else 3 end as new_counted".to_owned()
            }
            mark => format!("n as new_{mark}"),
        })
        .join(", "),
    );
    connection.execute_batch(&format!(
        "create or replace temp table marked as \
         select s.*, s.visitor in (select visitor from temp.odd) as is_odd, {news} from temp.several s{joins} \
         union all by name \
         select * exclude (n), false as is_odd, {singles} from (select *, case when d1 then 1 when d2 then 2 else 3 end as n \
           from temp.coded where visitor not in (select visitor from temp.several))"
    ))
}

/// In an order that puts what is the same together, which takes a third less room and lets filters skip much.
fn order() -> String {
    OWN.map(|(_, column)| column).join(", ")
}

fn rows_of_visits(connection: &Connection) -> duckdb::Result<()> {
    let columns = each(OWN.iter().chain(&ORIGIN).chain(&PAGES), |_, column| {
        column.to_owned()
    });
    let news: Vec<String> = marks()
        .map(|mark| format!("case when is_odd then 0 else new_{mark} end as new_{mark}"))
        .collect();
    let all: Vec<String> = marks().map(|mark| format!("new_{mark}")).collect();
    connection.execute_batch(&format!(
        "insert into temp.visits_of_day by name select case when is_odd then visitor end as visitor, \
           case when is_odd then d::utinyint + 2 * d1::utinyint + 4 * d2::utinyint \
             + 8 * c::utinyint + 16 * c1::utinyint + 32 * c2::utinyint else 0 end as was, \
           case when not d then 2 when fresh then 0 else 1 end as began, {columns}, pageviews, bounce, duration, views, counted, {} \
         from temp.marked where d or is_odd order by is_odd, least({}) = 3, bounce, {}, source",
        news.join(", "),
        all.join(", "),
        order()
    ))
}

fn rows_of_pages(connection: &Connection) -> duckdb::Result<()> {
    let (own, of_visit) = (
        each(OWN.iter(), |_, column| column.to_owned()),
        each(OWN.iter(), |_, column| format!("v.{column}")),
    );
    let any = each(OWN.iter(), |_, column| format!("any_value({column}) as {column}"));
    let visits = "count(*) filter (d) as visits, count(*) filter (d and not d1) as visits_1, count(*) filter (d and not d1 and not d2) as visits_2";
    connection.execute_batch(&format!(
        "create or replace temp table paged as select visitor, path, case when bool_or(d1) then 1 when bool_or(d2) then 2 else 3 end as n, \
           sum(views) as views, sum(counted) as counted, {visits} from temp.page_visits group by visitor, path having bool_or(d); \
         insert into temp.pages_of_day by name select 0 as was, path, n as new_visitor, views, counted, visits, visits_1, visits_2, {of_visit} \
           from temp.paged p join (select visitor, {any} from temp.coded where visitor not in (select visitor from temp.odd) group by visitor) v \
             on v.visitor = p.visitor order by n = 3 and views = 1 and counted = 1, {}, path; \
         insert into temp.pages_of_day by name select visitor, bool_or(d)::utinyint + 2 * bool_or(d1)::utinyint + 4 * bool_or(d2)::utinyint as was, \
           path, 0 as new_visitor, sum(views) as views, sum(counted) as counted, {visits}, {own} \
           from (select p.*, {of_visit} from temp.page_visits p join temp.coded v on v.visit = p.visit \
             where p.visitor in (select visitor from temp.odd)) o group by visitor, path, {own}",
        order()
    ))
}

/// How many events carry each property.
fn sums_of_props(connection: &Connection) -> duckdb::Result<()> {
    connection.execute_batch(
        "insert into temp.sums (dimension, value, events) select 'props', name, sum(n) \
           from (select unnest(json_keys(props)) as name, n from temp.props_of_day) group by name",
    )
}

/// Three counts by a mark: all, without those of the day before, without those of the two days before.
const NEW: &str = "count(*) filter (n > 0), count(*) filter (n > 1), count(*) filter (n > 2)";
/// The same of rows that say so themselves.
const NOT_BEFORE: &str = "count(*), count(*) filter (not d1), count(*) filter (not d1 and not d2)";

/// Sums by each dimension of visits, and of all.
fn sums_of_visits(connection: &Connection) -> duckdb::Result<()> {
    let of_visits = |when: &str| {
        format!(
            "count(*) filter ({when}), coalesce(sum(pageviews) filter ({when}), 0), count(*) filter ({when} and bounce), \
             coalesce(sum(duration) filter ({when}), 0)"
        )
    };
    let (started, carried) = (of_visits("fresh"), of_visits("not fresh"));
    let insert = |dimension: &str, value: &str, path: &str, by: &str, mark: &str| {
        format!(
            "insert into temp.sums (dimension, value, path, visitors, visitors_1, visitors_2, started, started_pageviews, started_bounces, \
               started_duration, carried, carried_pageviews, carried_bounces, carried_duration, pageviews, events) \
             select '{dimension}', {value}, {path}, s.* exclude (k) from (select {by} as k, {NEW}, {started}, {carried}, sum(views), sum(counted) \
               from (select *, {mark} as n from temp.marked where d) m group by k) s"
        )
    };
    let text = |column: &str| {
        format!("(select any_value(c.text) from temp.codes c where c.attribute = '{column}' and c.id = s.k)")
    };
    let mut all = vec![insert("visits", "NULL", "NULL", "0", "new_visitor")];
    for (dimension, column) in OWN {
        let text = &text(column);
        // Visitors who are not the same throughout count once for each value.
        all.push(insert(
            dimension,
            text,
            "NULL",
            column,
            "case when is_odd then 0 else new_visitor end",
        ));
        all.push(format!(
            "insert into temp.sums (dimension, value, visitors, visitors_1, visitors_2) \
             select '{dimension}', {text}, s.* exclude (k) from (select k, {NOT_BEFORE} from (select visitor, {column} as k, \
               bool_or(d) as d, bool_or(d1) as d1, bool_or(d2) as d2 from temp.marked where is_odd group by visitor, k) o where d group by k) s"
        ));
    }
    for (dimension, column) in ORIGIN {
        all.push(insert(
            dimension,
            &text(column),
            "NULL",
            column,
            &format!("new_{column}"),
        ));
    }
    for (dimension, column) in PAGES {
        all.push(insert(dimension, "NULL", "s.k", column, &format!("new_{column}")));
    }
    connection.execute_batch(&all.join("; "))
}

/// Sums of counted events: of all, by page and by host.
fn sums_of_events(connection: &Connection) -> duckdb::Result<()> {
    let by_host = |who: &str| {
        format!(
            "select hostname, {who}, bool_or(d) as d, bool_or(d1) as d1, bool_or(d2) as d2, count(*) filter (d and viewed) as pageviews, \
               count(*) filter (d) as events from temp.counted_events group by all"
        )
    };
    let insert = "insert into temp.sums (dimension, value, path, visitors, visitors_1, visitors_2, visits, visits_1, visits_2, pageviews, events)";
    connection.execute_batch(&format!(
        "{insert} select 'events', NULL, NULL, {NEW}, count(*) filter (c), count(*) filter (c and not c1), \
           count(*) filter (c and not c1 and not c2), sum(views), sum(counted) from (select *, new_counted as n from temp.marked) m; \
         {insert} select 'event:page', NULL, path, {NEW}, sum(visits), sum(visits_1), sum(visits_2), sum(views), sum(counted) \
           from temp.paged group by path; \
         insert into temp.sums (dimension, value, visitors, visitors_1, visitors_2, pageviews, events) \
           select 'event:hostname', hostname, {NOT_BEFORE}, sum(pageviews), sum(events) from ({}) o where d group by hostname; \
         insert into temp.sums (dimension, value, visits, visits_1, visits_2) \
           select 'event:hostname', hostname, {NOT_BEFORE} from ({}) o where d group by hostname",
        by_host("visitor"),
        by_host("visit")
    ))
}

/// Something for each dimension and its column, in a list.
fn each<'a>(
    dimensions: impl Iterator<Item = &'a (&'a str, &'a str)>,
    text: impl Fn(&str, &str) -> String,
) -> String {
    let all: Vec<String> = dimensions
        .map(|(dimension, column)| text(dimension, column))
        .collect();
    all.join(", ")
}
