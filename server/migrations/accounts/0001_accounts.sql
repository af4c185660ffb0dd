-- Who signs in, which sites there are, and the few secrets the server keeps between starts.

create table accounts (
    id            integer primary key autoincrement,
    email         text    not null unique collate nocase,
    password_hash text    not null,
    created_at    integer not null
) strict;

-- Numbers are never used again (autoincrement): the event store knows sites by them.
create table sites (
    id             integer primary key autoincrement,
    domain         text    not null unique,
    settings       text    not null,
    created_at     integer not null,
    first_event_at integer
) strict;

create table members (
    site_id    integer not null references sites (id) on delete cascade,
    account_id integer not null references accounts (id) on delete cascade,
    role       text    not null check (role in ('owner', 'viewer')),
    primary key (site_id, account_id)
) strict, without rowid;

create index members_by_account on members (account_id);

-- Keys of the visitor hashes, one a UTC day; deleted after 48 hours, and then nobody can tell who a visitor was.
create table salts (
    day  integer primary key,
    salt blob not null check (length(salt) = 16)
) strict;

create table secrets (
    name  text primary key,
    value blob not null
) strict, without rowid;

-- SHA-256 of the one-time token that lets the first account in; at most one row.
create table setup_tokens (
    only_one   integer primary key check (only_one = 1),
    hash       blob    not null,
    created_at integer not null
) strict;

-- tower-sessions keeps its records here; its store writes no strict types.
create table tower_sessions (
    id          text primary key not null,
    data        blob not null,
    expiry_date integer not null
);
