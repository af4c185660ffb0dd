-- What filters on a day's sums need: the visits and visited pages of a day that is summed up, marked with who counts as new on it, so that
-- distinct visitors are a count of marks instead of hashes (stats/sql/marked.rs). Under the day's number in `rolled`, as the rows of `daily`.
-- What attributes are called, each numbered from 1 on.
create table words (
    attribute varchar not null,
    id integer not null,
    text varchar not null
);

-- A row for each visit that was active on the day. Attributes are numbers of words; what has no value has its label's.
-- A mark (`new_…`) is on one visit of each visitor, or of each visitor with that value: 3 if neither of the two days before had them (with
-- that value), 2 if only the one before the last had, 1 if the last had; 0 on all other visits.
-- Visitors whose own attributes are not the same throughout these three days have no marks but their hash, and rows for the visits of the
-- two days before too: `was` says when the visit was active (1 the day, 2 the one before, 4 the one before that) and when it had counted
-- events (8, 16, 32).
create table day_visits (
    site integer not null,
    day date not null,
    roll bigint not null,
    visitor ubigint,
    was utinyint not null,
    -- 0 on the day, 1 before it and went on, 2 is not of the day at all.
    began utinyint not null,
    device integer not null,
    browser integer not null,
    browser_version integer not null,
    os integer not null,
    os_version integer not null,
    country integer not null,
    region integer not null,
    city integer not null,
    language integer not null,
    screen integer not null,
    source integer not null,
    referrer integer not null,
    channel integer not null,
    utm_source integer not null,
    utm_medium integer not null,
    utm_campaign integer not null,
    utm_content integer not null,
    utm_term integer not null,
    entry_path integer,
    exit_path integer,
    -- Of the whole visit.
    pageviews uinteger not null,
    bounce boolean not null,
    duration ubigint not null,
    -- On the day.
    views uinteger not null,
    counted uinteger not null,
    new_visitor utinyint not null,
    -- Of visitors with counted events.
    new_counted utinyint not null,
    new_source utinyint not null,
    new_referrer utinyint not null,
    new_channel utinyint not null,
    new_utm_source utinyint not null,
    new_utm_medium utinyint not null,
    new_utm_campaign utinyint not null,
    new_utm_content utinyint not null,
    new_utm_term utinyint not null,
    new_entry_path utinyint not null,
    new_exit_path utinyint not null
);

-- A row for each visitor and page with counted events on the day (of visitors without marks, one for each of their attributes).
create table day_pages (
    site integer not null,
    day date not null,
    roll bigint not null,
    visitor ubigint,
    was utinyint not null,
    device integer not null,
    browser integer not null,
    browser_version integer not null,
    os integer not null,
    os_version integer not null,
    country integer not null,
    region integer not null,
    city integer not null,
    language integer not null,
    screen integer not null,
    path integer not null,
    views uinteger not null,
    counted uinteger not null,
    -- As in `daily`: all, those that were not on the page the day before, nor on the two days before.
    visits uinteger not null,
    visits_1 uinteger not null,
    visits_2 uinteger not null,
    new_visitor utinyint not null
);

-- Days that are summed up have none of these yet: they are summed up anew.
delete from rolled;
