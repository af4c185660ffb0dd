-- One UTC day of visits, their events in the order of time after what earlier days left to come. `$…` are put in by the program.
create or replace temp table fresh as
with drawn as (
  select s.site, s.hostname, ($day::timestamp + to_milliseconds((3600000 * (pick($hours, random()) + random()))::bigint)) as start_at,
    hash(s.site, $day::date, floor(random() * s.share * $visits / 0.55)) >> 16 as visitor
  from sites s, range((s.share * $visits)::bigint)
), known as (
  select *, zipf(chance(visitor, 'country'), 100) as country_rank, clients.*,
    case when random() < 0.93 then 1 + floor(pow(random(), 1.3) * 32)::integer else 32 + zipf(random(), 300) end as source_rank,
    exp(chance(visitor, 'cpu') * 2.5) as patience,
    case when random() < 0.5 then 1 else 2 + least(30, floor(-ln(1 - random()) * 2.5))::integer end as pages
  from drawn join clients on clients.n = 1 + floor(chance(visitor, 'client') * 20)::integer
)
select row_number() over () as number, k.site, k.hostname, k.visitor, k.start_at, k.pages, k.browser, k.os, nullif(k.os_version, '') as os_version, k.device,
  case k.browser when 'Chrome' then (128 + zipf(chance(visitor, 'version'), 14))::varchar when 'Edge' then (130 + zipf(chance(visitor, 'version'), 12))::varchar
    when 'Firefox' then (131 + zipf(chance(visitor, 'version'), 13))::varchar when 'Safari' then (16 + zipf(chance(visitor, 'version'), 3))::varchar
    else (20 + zipf(chance(visitor, 'version'), 9))::varchar end as browser_version,
  case k.device when 'Desktop' then pick(['lg','xl','xl','2xl'], chance(visitor, 'screen')) when 'Tablet' then 'md' else pick(['xs','xs','sm'], chance(visitor, 'screen')) end as screen,
  c.code as country, case when chance(visitor, 'language') < 0.8 then c.language else 'en' end as language, p.region, p.city,
  s.source, s.referrer, s.medium, s.channel, s.utm_source, s.utm_medium, s.utm_campaign,
  random() as fate, k.patience
from known k join countries c on c.rank = k.country_rank
  left join places p on p.country = c.code and p.n = zipf(chance(visitor, 'city'), p.of_country)
  join sources s on s.n = k.source_rank;

-- Pages half a minute to some minutes apart, each followed by how long it was looked at; some sign up, buy or leave by a link.
create or replace temp table acts as
with looks as (
  select number, i, zipf(random(), 12000) as path, least(1500000, 2000 - ln(1 - random()) * 25000 * patience)::bigint as took, fate, pages
  from fresh, range(fresh.pages) r(i)
), placed as (
  select *, coalesce(sum(took + 500) over (partition by number order by i rows between unbounded preceding and 1 preceding), 0)::bigint as after
  from looks
)
select number, 'pageview' as kind, 'pageview' as name, path, after, NULL::varchar as props, NULL::double as revenue, NULL::varchar as currency, NULL::utinyint as depth, NULL::uinteger as engaged
from placed
union all by name
select number, 'engagement' as kind, 'engagement' as name, path, after + took as after,
  least(100, 15 + floor(random() * 100))::utinyint as depth, took::uinteger as engaged from placed where random() < 0.8
union all by name
select number, 'custom' as kind, 'Signup' as name, 5 as path, (after + least(took, 20000) // 2) as after,
  '{"plan":"' || pick(['free','free','free','pro','team'], random()) || '"}' as props from placed where i = pages - 1 and fate < 0.03
union all by name
select number, 'custom' as kind, 'Purchase' as name, path, (after + least(took, 30000) // 2) as after,
  '{"items":"' || zipf(random(), 9) || '"}' as props, round(5 + random() * 120, 2) as revenue, 'EUR' as currency
from placed where i = pages - 1 and fate between 0.03 and 0.04
union all by name
select number, 'custom' as kind, 'Outbound Link: Click' as name, path, (after + least(took, 60000) // 2) as after,
  '{"url":"https://example.org/' || zipf(random(), 200) || '"}' as props from placed where random() < 0.04
union all by name
select number, 'passive' as kind, 'Video: shown' as name, path, after + 300 as after from placed where random() < 0.02;

-- Another visit of the same visitor begins when the one before has been over for half an hour, or it would be the same one.
create or replace temp table spans as
with ends as (select number, max(after) as last from acts group by number)
select number, start_at + to_milliseconds(last) as last_at from ends join fresh using (number)
qualify coalesce(start_at > max(start_at + to_milliseconds(last)) over (partition by site, visitor order by start_at, number rows between unbounded preceding and 1 preceding)
  + interval 31 minutes, true);

insert into coming
select f.site, f.start_at + to_milliseconds(a.after) as happened_at, a.kind, a.name, f.visitor, NULL as visit, $first + f.number as number, f.hostname, a.path,
  f.referrer, f.source, f.medium, f.channel, f.utm_source, f.utm_medium, f.utm_campaign, f.browser, f.browser_version, f.os, f.os_version, f.device, f.screen,
  f.country, f.region, f.city, f.language, a.props, a.revenue, a.currency, a.depth as scroll_depth, a.engaged
from acts a join fresh f using (number) join spans using (number)
where f.start_at + to_milliseconds(a.after) < $now::timestamp;

-- What happened by the end of the day gets its numbers; a visit is named by that of its first event.
create or replace temp table due as
select $seq + row_number() over (order by happened_at, number) as seq, * from coming where happened_at < $day::timestamp + interval 1 day;
delete from coming where happened_at < $day::timestamp + interval 1 day;
update due set visit = first.seq from (select number, min(seq) as seq from due where visit is null group by number) first
where due.number = first.number and due.visit is null;
update coming set visit = first.visit from (select distinct number, visit from due) first where coming.number = first.number and coming.visit is null;

insert into events ($event_columns) select $event_columns from due order by seq;

-- Visits that have ended, in the order in which they did.
insert into going select * from due;
create or replace temp table ended as
select visit, min(happened_at) as start_at, max(happened_at) as last_at, count(*) filter (kind = 'pageview') as pageviews, count(*) filter (kind <> 'engagement') as events,
  count(*) filter (kind = 'pageview') < 2 and not coalesce(bool_or(kind = 'custom'), false) as bounce,
  arg_min(path, seq) filter (kind = 'pageview') as entry_path, arg_max(path, seq) filter (kind = 'pageview') as exit_path,
  any_value(hostname) as entry_hostname, any_value(hostname) as exit_hostname,
  $attributes
from going where visit not in (select visit from coming where visit is not null)
group by visit having max(happened_at) < least($day::timestamp + interval 1 day, $now::timestamp) - interval 31 minutes;
insert into visits ($visit_columns) select $visit_columns from ended order by last_at, visit;
delete from going where visit in (select visit from ended);
