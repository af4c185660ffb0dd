-- The highest number that an import has ever had: a number is never used again, so that nothing left of one import is ever taken for another's.
alter table progress add column imports bigint default 0;
update progress set imports = greatest(
    (select coalesce(max(id), 0) from imports),
    (select coalesce(max(import), 0) from import_pieces),
    (select coalesce(max(import), 0) from imported_daily)
);
-- Pieces of imports of sites that were removed.
delete from import_pieces where import not in (select id from imports);
