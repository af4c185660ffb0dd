-- What a site's editors publish. `draft` is what is being written (protocol::feed::FeedDraft as JSON), `source` what was published, `item` what
-- visitors got of it (FeedItem). Each change of what visitors ought to know raises `revision` and is `told` once the channel has it on disk: what is
-- not told when the process ends is told by the next, under a key made of number and revision, so that it is told once.
create table feed_items (
    id         integer primary key autoincrement,
    site_id    integer not null references sites (id) on delete cascade,
    state      text    not null check (state in ('draft', 'scheduled', 'live', 'expired', 'withdrawn')),
    draft      text,
    source     text,
    item       text,
    author     text    not null,
    publish_at integer,
    expires_at integer,
    revision   integer not null,
    told       integer not null check (told in (0, 1)),
    -- Where the channel has the last revision that it was told.
    epoch      text,
    at_offset  integer,
    received   integer not null default 0,
    -- The idempotency key of the request that made it, where it had one.
    request    text,
    created_at integer not null,
    changed_at integer not null
) strict;
create index feed_items_by_site on feed_items (site_id, id);
create unique index feed_items_by_request on feed_items (site_id, request) where request is not null;
create index feed_items_untold on feed_items (id) where told = 0;
create index feed_items_scheduled on feed_items (publish_at) where state = 'scheduled';
create index feed_items_ending on feed_items (expires_at) where state = 'live' and expires_at is not null;
