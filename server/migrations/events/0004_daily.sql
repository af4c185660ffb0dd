-- What each of a site's days adds up to, so that long periods are not counted anew (stats/rollup). Days are the site's own; `rolled` says
-- which of them are summed up and under which number: rows of `daily` with another number are left over, count for nothing and are swept.
create table rolled (
    site integer not null,
    day date not null,
    from_at timestamp not null,
    to_at timestamp not null,
    roll bigint not null
);

-- Of each value of each dimension. Distinct counts come three times: all, those that the day before did not have, those that neither of the
-- two days before had. Nobody is the same visitor for more than three days, so that sums of these count everybody once.
create table daily (
    site integer not null,
    day date not null,
    roll bigint not null,
    dimension varchar not null,
    value varchar,
    path integer,
    visitors uinteger not null default 0,
    visitors_1 uinteger not null default 0,
    visitors_2 uinteger not null default 0,
    visits uinteger not null default 0,
    visits_1 uinteger not null default 0,
    visits_2 uinteger not null default 0,
    started uinteger not null default 0,
    started_pageviews ubigint not null default 0,
    started_bounces uinteger not null default 0,
    started_duration ubigint not null default 0,
    carried uinteger not null default 0,
    carried_pageviews ubigint not null default 0,
    carried_bounces uinteger not null default 0,
    carried_duration ubigint not null default 0,
    pageviews ubigint not null default 0,
    events ubigint not null default 0
);
