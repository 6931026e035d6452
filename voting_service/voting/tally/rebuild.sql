-- name: may_rebuild
-- Whether this role may rebuild a tally; the role of the services may not.
select has_table_privilege('ballots', 'update') and has_table_privilege('tally_hours', 'delete');

-- name: oldest_unfinished
-- Ballots that name a transaction below this may have been stored in this cluster.
select pg_snapshot_xmin(pg_current_snapshot());

-- name: end_of_slice
-- The newest transaction of the next $3 ballots after those of transaction $2; null when there are
-- not as many.
select commit_xid
  from ballots
 where contest_id = $1 and commit_xid > $2
 order by commit_xid
offset $3 - 1
 limit 1;

-- name: forget_transactions
-- Makes ballots of the transactions after $2 up to $3 (null: all) that were stored in another cluster
-- name no transaction.
select forget_transactions($1, $2, $3);

-- name: disown
-- Has a tally of this cluster counted again, as if it were of another one.
update tally_floors set cluster = 0 where contest_id = $1;

-- name: take_over
-- Empties the stored aggregates and makes the floor one of this cluster; others that move it wait.
select take_over_tally($1);
