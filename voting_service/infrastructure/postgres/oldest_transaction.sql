-- name: oldest_transaction
-- The oldest transaction that is running, in any database of the cluster; none if no row.
select pg_snapshot_xmin(now) as xid
  from pg_current_snapshot() as now
 where exists (select from pg_locks l where l.transactionid = pg_snapshot_xmin(now)::xid);

-- name: holder
-- Who runs a transaction: a session, or nobody any more when it is prepared for a two-phase commit.
-- Every role may see this; when it began only with pg_read_all_stats, or for sessions of its own.
-- Nothing of what the session does is read.
select l.pid, coalesce(a.datname, p.database) as database, coalesce(a.usename, p.owner) as user,
       a.application_name as application, a.state, coalesce(a.xact_start, p.prepared) as began_at,
       a.query_start as last_query_at, p.gid as prepared
  from pg_locks l
  left join pg_stat_activity a on a.pid = l.pid
  left join pg_prepared_xacts p on p.transaction = l.transactionid
 where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
   and l.transactionid = $1::xid8::xid;
