-- How each site's signed-in visitors are known. `settings` is `protocol::visitor::VisitorSettings` as JSON. The secret has to be kept as
-- it is: it checks signatures. The one before it is good until `old_until`, so that a site can change over without sending anybody away.
create table visitors (
    site_id    integer primary key references sites (id) on delete cascade,
    settings   text not null,
    secret     text,
    old_secret text,
    old_until  integer
) strict;

-- Tokens and users that were turned away before their tokens ran out; kept until these would have run out anyway.
create table revocations (
    id         integer primary key autoincrement,
    site_id    integer not null references sites (id) on delete cascade,
    kind       text    not null check (kind in ('token', 'user')),
    name       text    not null,
    revoked_at integer not null,
    expires_at integer not null,
    unique (site_id, kind, name)
) strict;
create index revocations_by_age on revocations (expires_at);
