-- What visits are made of. Ranks are drawn by Zipf's law (`zipf(u, n)`), shares from lists in which what is frequent is listed more often.
create or replace temp macro zipf(u, n) as greatest(1, least(n, floor(exp(u * ln(n + 1)))))::integer;
-- A number in [0, 1) that depends on nothing but `x` and `salt`: what a visitor is stays what it is with each visit. Hashed twice, since the hash of
-- two values is the xor of theirs: once, and everybody from one country had the same browser.
create or replace temp macro chance(x, salt) as (hash(hash(x, salt)) >> 12)::double / 4503599627370496.0;
create or replace temp macro pick(list, u) as list[1 + floor(u * len(list))::integer];

create temp table countries as
select row_number() over () as rank, code, language from (values
  ('US','en'),('DE','de'),('GB','en'),('IN','en'),('FR','fr'),('CA','en'),('BR','pt'),('NL','nl'),('JP','ja'),('AU','en'),
  ('ES','es'),('IT','it'),('PL','pl'),('SE','sv'),('CH','de'),('AT','de'),('BE','nl'),('MX','es'),('DK','da'),('NO','no'),
  ('FI','fi'),('CZ','cs'),('PT','pt'),('IE','en'),('SG','en'),('KR','ko'),('TW','zh'),('HK','zh'),('CN','zh'),('TR','tr'),
  ('UA','uk'),('RO','ro'),('HU','hu'),('GR','el'),('IL','he'),('ZA','en'),('NZ','en'),('AR','es'),('CL','es'),('CO','es'),
  ('ID','id'),('MY','en'),('TH','th'),('VN','vi'),('PH','en'),('PK','en'),('BD','bn'),('EG','ar'),('NG','en'),('KE','en'),
  ('SA','ar'),('AE','ar'),('RU','ru'),('BG','bg'),('HR','hr'),('RS','sr'),('SK','sk'),('SI','sl'),('LT','lt'),('LV','lv'),
  ('EE','et'),('LU','fr'),('IS','is'),('MT','en'),('CY','el'),('PE','es'),('EC','es'),('UY','es'),('PY','es'),('BO','es'),
  ('VE','es'),('CR','es'),('PA','es'),('GT','es'),('DO','es'),('CU','es'),('MA','fr'),('TN','fr'),('DZ','fr'),('GH','en'),
  ('ET','am'),('TZ','en'),('UG','en'),('SN','fr'),('CI','fr'),('CM','fr'),('LK','si'),('NP','ne'),('MM','my'),('KH','km'),
  ('KZ','ru'),('UZ','uz'),('GE','ka'),('AM','hy'),('AZ','az'),('BY','ru'),('MD','ro'),('AL','sq'),('MK','mk'),('BA','bs')
) c(code, language);

-- Cities of the countries that most come from; elsewhere the capital stands for all, without a region.
create temp table places as
select country, row_number() over (partition by country) as n, count(*) over (partition by country) as of_country, region, city from (values
  ('US','US-CA','San Francisco'),('US','US-CA','Los Angeles'),('US','US-NY','New York'),('US','US-TX','Austin'),('US','US-TX','Dallas'),
  ('US','US-WA','Seattle'),('US','US-IL','Chicago'),('US','US-MA','Boston'),('US','US-CO','Denver'),('US','US-GA','Atlanta'),
  ('DE','DE-BE','Berlin'),('DE','DE-BY','Munich'),('DE','DE-HH','Hamburg'),('DE','DE-NW','Cologne'),('DE','DE-HE','Frankfurt am Main'),
  ('DE','DE-SN','Leipzig'),('DE','DE-BW','Stuttgart'),
  ('GB','GB-ENG','London'),('GB','GB-ENG','Manchester'),('GB','GB-SCT','Edinburgh'),('GB','GB-WLS','Cardiff'),
  ('IN','IN-KA','Bengaluru'),('IN','IN-MH','Mumbai'),('IN','IN-DL','Delhi'),('IN','IN-TN','Chennai'),
  ('FR','FR-IDF','Paris'),('FR','FR-ARA','Lyon'),('FR','FR-PAC','Marseille'),
  ('CA','CA-ON','Toronto'),('CA','CA-QC','Montreal'),('CA','CA-BC','Vancouver'),
  ('BR','BR-SP','São Paulo'),('BR','BR-RJ','Rio de Janeiro'),('NL','NL-NH','Amsterdam'),('NL','NL-ZH','Rotterdam'),
  ('JP','JP-13','Tokyo'),('JP','JP-27','Osaka'),('AU','AU-NSW','Sydney'),('AU','AU-VIC','Melbourne'),
  ('ES','ES-MD','Madrid'),('ES','ES-CT','Barcelona'),('IT','IT-25','Milan'),('IT','IT-62','Rome'),('PL','PL-14','Warsaw'),
  ('SE','SE-AB','Stockholm'),('CH','CH-ZH','Zurich'),('AT','AT-9','Vienna'),('BE','BE-BRU','Brussels')
) p(country, region, city);

-- Where visits come from, most first; NULL is direct.
create temp table sources as
select row_number() over () as n, * from (values
  (NULL,NULL,NULL,'Direct',NULL,NULL,NULL), (NULL,NULL,NULL,'Direct',NULL,NULL,NULL), (NULL,NULL,NULL,'Direct',NULL,NULL,NULL),
  (NULL,NULL,NULL,'Direct',NULL,NULL,NULL), (NULL,NULL,NULL,'Direct',NULL,NULL,NULL), (NULL,NULL,NULL,'Direct',NULL,NULL,NULL),
  ('Google','google.com/','organic','Organic Search',NULL,NULL,NULL), ('Google','google.com/','organic','Organic Search',NULL,NULL,NULL),
  ('Google','google.com/','organic','Organic Search',NULL,NULL,NULL), ('Google','google.de/','organic','Organic Search',NULL,NULL,NULL),
  ('Google','google.co.uk/','organic','Organic Search',NULL,NULL,NULL),
  ('Bing','bing.com/','organic','Organic Search',NULL,NULL,NULL), ('DuckDuckGo','duckduckgo.com/','organic','Organic Search',NULL,NULL,NULL),
  ('Hacker News','news.ycombinator.com/item','social','Organic Social',NULL,NULL,NULL),
  ('Reddit','reddit.com/r/rust','social','Organic Social',NULL,NULL,NULL), ('Reddit','reddit.com/r/selfhosted','social','Organic Social',NULL,NULL,NULL),
  ('Twitter','t.co/x1','social','Organic Social',NULL,NULL,NULL), ('LinkedIn','linkedin.com/feed','social','Organic Social',NULL,NULL,NULL),
  ('Youtube','youtube.com/watch','social','Organic Video',NULL,NULL,NULL), ('GitHub','github.com/','referral','Referral',NULL,NULL,NULL),
  ('ChatGPT','chatgpt.com/','referral','Referral',NULL,NULL,NULL), ('Bluesky','bsky.app/','social','Organic Social',NULL,NULL,NULL),
  ('newsletter',NULL,'email','Email','newsletter','email','autumn'), ('newsletter',NULL,'email','Email','newsletter','email','launch'),
  ('google','google.com/','cpc','Paid Search','google','cpc','brand'), ('google','google.com/','cpc','Paid Search','google','cpc','alternatives'),
  ('facebook','facebook.com/','paid_social','Paid Social','facebook','paid_social','retargeting'),
  ('Lobsters','lobste.rs/s/abc','social','Organic Social',NULL,NULL,NULL), ('dev.to','dev.to/articles/analytics','referral','Referral',NULL,NULL,NULL),
  ('Ecosia','ecosia.org/','organic','Organic Search',NULL,NULL,NULL), ('Brave','search.brave.com/','organic','Organic Search',NULL,NULL,NULL),
  ('Perplexity','perplexity.ai/','organic','Organic Search',NULL,NULL,NULL)
) s(source, referrer, medium, channel, utm_source, utm_medium, utm_campaign);
-- And a tail of blogs and forums.
insert into sources select 33 + i, 'blog-' || i || '.example.net', 'blog-' || i || '.example.net/links', 'referral', 'Referral', NULL, NULL, NULL
from range(300) r(i);

create temp table clients as
select row_number() over () as n, * from (values
  ('Chrome','Windows','10','Desktop'),('Chrome','Windows','10','Desktop'),('Chrome','Windows','11','Desktop'),('Chrome','Mac','10.15','Desktop'),
  ('Chrome','Mac','10.15','Desktop'),('Edge','Windows','10','Desktop'),('Firefox','Windows','10','Desktop'),('Firefox','Linux','','Desktop'),
  ('Safari','Mac','10.15','Desktop'),('Chrome','Linux','','Desktop'),
  ('Safari','iOS','18','Mobile'),('Safari','iOS','18','Mobile'),('Safari','iOS','17','Mobile'),('Chrome','Android','10','Mobile'),
  ('Chrome','Android','10','Mobile'),('Chrome','Android','14','Mobile'),('Samsung Internet','Android','13','Mobile'),('Firefox','Android','15','Mobile'),
  ('Safari','iPadOS','18','Tablet'),('Opera','Windows','10','Desktop')
) c(browser, os, os_version, device);

insert into paths
select n, case
  when n = 1 then '/' when n = 2 then '/pricing' when n = 3 then '/docs' when n = 4 then '/blog' when n = 5 then '/signup' when n = 6 then '/features'
  when n = 7 then '/about' when n = 8 then '/contact' when n = 9 then '/login' when n = 10 then '/changelog'
  when n % 5 = 0 then '/docs/' || pick(['install','api','guides','reference','events','goals','self-hosting'], chance(n, 'a')) || '/' || pick(['overview','settings','limits','examples','questions'], chance(n, 'b')) || '-' || n
  when n % 5 = 1 then '/shop/' || pick(['shirts','mugs','stickers','books','posters'], chance(n, 'a')) || '/item-' || n
  else '/blog/' || (2019 + n % 7) || '/' || pick(['how','why','when','what','where'], chance(n, 'a')) || '-' || pick(['we','you','they','teams','browsers'], chance(n, 'b')) || '-' || pick(['count','measure','learn','ship','forget'], chance(n, 'c')) || '-' || n
end
from range(1, 12001) r(n);
