-- Where a visit came from in one word, and where in its country it was. Appended: rows are written by position.
alter table events add column region varchar;
alter table events add column city varchar;
alter table events add column channel varchar;
alter table visits add column region varchar;
alter table visits add column city varchar;
alter table visits add column channel varchar;
-- What was written before gets the channel as far as the medium tells it, and every event the source and client of its visit's first.
update events set channel = case
    when medium = 'organic' then 'Organic Search'
    when medium = 'social' then 'Organic Social'
    when medium = 'email' then 'Email'
    when medium in ('display', 'banner') then 'Display'
    when medium like '%cp%' or medium like 'paid%' or medium = 'ppc' then 'Paid Other'
    else 'Referral'
end where source is not null;
update events set referrer = o.referrer, source = o.source, medium = o.medium, channel = o.channel, utm_source = o.utm_source,
    utm_medium = o.utm_medium, utm_campaign = o.utm_campaign, utm_content = o.utm_content, utm_term = o.utm_term,
    browser = o.browser, browser_version = o.browser_version, os = o.os, os_version = o.os_version, device = o.device,
    screen = o.screen, country = o.country, language = o.language
from events o where o.seq = events.visit and events.seq <> events.visit
    and (o.source, o.medium, o.referrer, o.utm_source, o.utm_medium, o.utm_campaign, o.utm_content, o.utm_term, o.browser,
         o.browser_version, o.os, o.os_version, o.device, o.screen, o.country, o.language)
    is distinct from (events.source, events.medium, events.referrer, events.utm_source, events.utm_medium, events.utm_campaign,
         events.utm_content, events.utm_term, events.browser, events.browser_version, events.os, events.os_version, events.device,
         events.screen, events.country, events.language);
update visits set channel = o.channel from events o where o.seq = visits.visit and o.channel is not null;
