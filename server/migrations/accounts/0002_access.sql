-- Who may see and change what; what a site's members have set up; who changed it.

-- Two roles more. SQLite cannot change a check, so the table is made anew; its rows stay.
create table members_anew (
    site_id    integer not null references sites (id) on delete cascade,
    account_id integer not null references accounts (id) on delete cascade,
    role       text    not null check (role in ('owner', 'admin', 'editor', 'viewer')),
    primary key (site_id, account_id)
) strict, without rowid;
insert into members_anew (site_id, account_id, role) select site_id, account_id, role from members;
drop table members;
alter table members_anew rename to members;
create index members_by_account on members (account_id);

-- Kind and conditions of a goal are `protocol::stats::GoalKind` as JSON.
create table goals (
    id       integer primary key autoincrement,
    site_id  integer not null references sites (id) on delete cascade,
    name     text    not null,
    kind     text    not null,
    currency text,
    unique (site_id, name)
) strict;

-- Steps are numbers of goals, as JSON.
create table funnels (
    id      integer primary key autoincrement,
    site_id integer not null references sites (id) on delete cascade,
    name    text    not null,
    steps   text    not null,
    unique (site_id, name)
) strict;

-- Filters as the Stats API writes them. A shared segment outlives the account that made it; nobody else sees one that is not shared.
create table segments (
    id         integer primary key autoincrement,
    site_id    integer not null references sites (id) on delete cascade,
    account_id integer references accounts (id) on delete set null,
    name       text    not null,
    shared     integer not null check (shared in (0, 1)),
    filters    text    not null
) strict;
create index segments_by_site on segments (site_id);

-- SHA-256 of a one-time token; the token itself is shown once, to whoever invites.
create table invitations (
    id         integer primary key autoincrement,
    site_id    integer not null references sites (id) on delete cascade,
    hash       blob    not null unique check (length(hash) = 32),
    email      text    not null collate nocase,
    role       text    not null check (role in ('owner', 'admin', 'editor', 'viewer')),
    invited_by text    not null,
    created_at integer not null,
    expires_at integer not null,
    unique (site_id, email)
) strict;

-- Outlives both the account and the site that it tells of: no foreign keys.
create table audit (
    id      integer primary key autoincrement,
    site_id integer,
    at      integer not null,
    email   text    not null,
    action  text    not null,
    what    text    not null
) strict;
create index audit_by_site on audit (site_id, id);
create index audit_by_age on audit (at);

-- SHA-256 of the 128 random bits that the address holds; `prefix` is what lists show of them.
create table links (
    id            integer primary key autoincrement,
    site_id       integer not null references sites (id) on delete cascade,
    hash          blob    not null unique check (length(hash) = 32),
    prefix        text    not null,
    name          text    not null,
    password_hash text,
    segment_id    integer references segments (id) on delete restrict,
    embed         integer not null check (embed in (0, 1)),
    created_at    integer not null,
    expires_at    integer,
    last_used_at  integer
) strict;
create index links_by_site on links (site_id);
