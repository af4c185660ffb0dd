-- Which append a visit's row came with, so that a reader can tell visits that ended since it looked at the open ones; and how often
-- rows were taken away, so that it knows to look at all of them again.
alter table visits add column batch bigint default 0;
alter table progress add column batch bigint default 0;
alter table progress add column rewritten bigint default 0;
