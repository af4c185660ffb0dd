-- Append-only, in time order, without indexes: DuckDB's min/max of each row group is the index (design §5).
create table paths (
    id integer not null,
    path varchar not null
);

create table events (
    seq bigint not null,
    site integer not null,
    happened_at timestamp not null,
    kind varchar not null,
    name varchar not null,
    visitor ubigint not null,
    visit bigint not null,
    hostname varchar not null,
    path integer not null,
    referrer varchar,
    source varchar,
    medium varchar,
    utm_source varchar,
    utm_medium varchar,
    utm_campaign varchar,
    utm_content varchar,
    utm_term varchar,
    browser varchar,
    browser_version varchar,
    os varchar,
    os_version varchar,
    device varchar,
    screen varchar,
    country varchar,
    language varchar,
    props varchar,
    revenue double,
    currency varchar,
    scroll_depth utinyint,
    engaged uinteger
);

-- A visit is inserted once, when it has ended.
create table visits (
    visit bigint not null,
    site integer not null,
    visitor ubigint not null,
    start_at timestamp not null,
    last_at timestamp not null,
    pageviews uinteger not null,
    events uinteger not null,
    bounce boolean not null,
    entry_hostname varchar,
    entry_path integer,
    exit_hostname varchar,
    exit_path integer,
    referrer varchar,
    source varchar,
    medium varchar,
    utm_source varchar,
    utm_medium varchar,
    utm_campaign varchar,
    utm_content varchar,
    utm_term varchar,
    browser varchar,
    browser_version varchar,
    os varchar,
    os_version varchar,
    device varchar,
    screen varchar,
    country varchar,
    language varchar
);

-- One row: how far the inbox has been moved here, and from which visit on events may belong to visits that have not ended.
create table progress (
    last_seq bigint not null,
    oldest_open bigint not null
);
insert into progress values (0, 0);
