-- What came from elsewhere. Events and visits of an import lie among the others; its pieces say by which numbers, so that it can be undone.
create table imports (
    id bigint not null,
    site integer not null,
    kind varchar not null,
    name varchar not null,
    started_at timestamp not null,
    -- Null while it goes on: what a start finds so is undone.
    ended_at timestamp,
    first_day date,
    last_day date,
    rows_read bigint not null,
    events bigint not null,
    visits bigint not null,
    -- JSON: how many rows were left out, by reason.
    skipped varchar not null,
    -- Parts of imported_daily that are in.
    parts integer not null
);

create table import_pieces (
    import bigint not null,
    first_seq bigint not null,
    last_seq bigint not null
);

-- Figures of a day that came as figures: one row a group of a report. Days are the site's, as the other side counted them.
create table imported_daily (
    site integer not null,
    import bigint not null,
    day date not null,
    -- visitors, sources, pages, entry_pages, exit_pages, custom_events, locations, devices, browsers, operating_systems
    report varchar not null,
    source varchar,
    referrer varchar,
    channel varchar,
    utm_source varchar,
    utm_medium varchar,
    utm_campaign varchar,
    utm_content varchar,
    utm_term varchar,
    hostname varchar,
    -- The entry page of entry_pages, the exit page of exit_pages.
    page varchar,
    event varchar,
    country varchar,
    region varchar,
    city varchar,
    device varchar,
    browser varchar,
    browser_version varchar,
    os varchar,
    os_version varchar,
    visitors bigint not null,
    visits bigint not null,
    pageviews bigint not null,
    events bigint not null,
    bounces bigint not null,
    -- Of all visits together.
    duration_ms bigint not null,
    engaged_ms bigint not null,
    engaged_visits bigint not null,
    scroll_sum bigint not null,
    scroll_visits bigint not null
);
