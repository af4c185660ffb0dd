-- Keys with which programs ask for statistics or publish. SHA-256 of 256 random bits; `prefix` is what lists show of the key itself.
-- Of one site, or (site_id null) of all sites that its account may see. Made on the command line it has no account.
create table api_keys (
    id           integer primary key autoincrement,
    hash         blob    not null unique check (length(hash) = 32),
    prefix       text    not null,
    name         text    not null,
    account_id   integer references accounts (id) on delete cascade,
    site_id      integer references sites (id) on delete cascade,
    allows       text    not null check (allows in ('stats', 'publish')),
    created_at   integer not null,
    last_used_at integer,
    revoked_at   integer,
    check (account_id is not null or site_id is not null)
) strict;
create index api_keys_by_site on api_keys (site_id);
create index api_keys_by_account on api_keys (account_id);
