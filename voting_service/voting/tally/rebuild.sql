-- name: may_rebuild
-- Whether this role may rebuild a tally; the role of the services may not.
select has_table_privilege('ballots', 'update') and has_table_privilege('tally_hours', 'delete');

-- name: next_transaction
-- Every ballot that is visible now and was stored in this cluster names a transaction below this.
select pg_snapshot_xmax(pg_current_snapshot()) as next;

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
-- Ballots of the transactions after $2 up to $3 (null: all) that name one which this cluster has
-- not begun yet were stored in another. From here on they name none, which is before every floor.
update ballots
   set commit_xid = '0'
 where contest_id = $1
   and commit_xid > $2
   and commit_xid <= coalesce($3, '18446744073709551615'::xid8)
   and commit_xid >= pg_snapshot_xmax(pg_current_snapshot());

-- name: take_floor
-- The floor becomes one of this cluster, at the beginning; other processes that move it wait.
insert into tally_floors as t (contest_id, floor, reconciled_at, cluster)
values ($1, '0', now(), current_cluster())
on conflict (contest_id) do update set floor = '0', cluster = current_cluster();

-- name: empty_tally
-- Deletes the stored aggregates of a contest.
delete from tally_hours where contest_id = $1;

-- name: kept_ballots
-- The number of ballots in the stored aggregates.
select coalesce(sum(votes), 0)::bigint
  from tally_hours
 where contest_id = $1 and candidate = 0;
