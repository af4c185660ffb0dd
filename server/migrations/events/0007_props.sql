-- Names of properties are summed up too: rows of `daily` of the dimension `props`, how many events carry each as `events`.
-- Days that are summed up have none of these yet: they are summed up anew.
delete from rolled;
