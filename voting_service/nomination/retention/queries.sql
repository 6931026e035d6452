-- name: columns
-- Every column of the schema's tables in order, with its type and whether it is in the key.
select c.relname as table, a.attname as column, format_type(a.atttypid, a.atttypmod) as type,
       coalesce(a.attnum = any (k.conkey), false) as is_key
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
 where n.nspname = 'nomination' and c.relkind = 'r'
 order by c.relname, a.attnum;

-- name: parents
-- The table that each column refers to.
select c.relname as table, a.attname as column, pn.nspname || '.' || p.relname as parent
  from pg_constraint k
  join pg_class c on c.oid = k.conrelid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_class p on p.oid = k.confrelid
  join pg_namespace pn on pn.oid = p.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum = any (k.conkey)
 where k.contype = 'f' and n.nspname = 'nomination'
 order by c.relname, a.attnum, p.relname;
