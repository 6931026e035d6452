-- name: floor
-- The floor of the stored aggregates; raises an error if they are of another cluster.
select floor, running, cluster from checked_floor($1);

-- name: another_cluster
-- Whether the stored tally of any contest is of another cluster.
select exists (select from tally_floors where cluster <> current_cluster()) as another;

-- name: lock_floor
-- Locks the floor before it is moved: a second process waits and then sees the new one.
select floor from tally_floors where contest_id = $1 for update;

-- name: new_floor
-- Every transaction before `floor` that is not `running` is finished, and what it stored is visible.
select pg_snapshot_xmax(now) as floor, array(select pg_snapshot_xip(now)) as running
  from pg_current_snapshot() as now;

-- name: keep_increment
-- Adds the ballots that the floor $4, $5 covers and the floor $2, $3 did not to the kept aggregates;
-- candidate 0 counts ballots.
insert into tally_hours as kept (contest_id, hour, platform_id, disposition, candidate, votes)
select $1, date_trunc('hour', b.cast_at, 'UTC'), b.platform_id, b.disposition, c.candidate,
       count(*)
  from ballots b, unnest(b.choices || 0::smallint) as c (candidate)
 where b.contest_id = $1
   and (b.commit_xid >= $2 or b.commit_xid = any ($3::xid8[]))
   and b.commit_xid < $4 and b.commit_xid <> all ($5::xid8[])
 group by 2, 3, 4, 5
 order by 2, 3, 4, 5
on conflict (contest_id, hour, platform_id, disposition, candidate)
do update set votes = kept.votes + excluded.votes;

-- name: move_floor
-- Sets the floor; returns nothing when another process has moved it.
insert into tally_floors as t (contest_id, floor, running, reconciled_at)
values ($1, $3, $4, now())
on conflict (contest_id) do update set floor = $3, running = $4, reconciled_at = now()
 where t.floor = $2
returning floor;

-- name: kept_ballots
-- The number of ballots in the stored aggregates.
select coalesce(sum(votes), 0)::bigint
  from tally_hours
 where contest_id = $1 and candidate = 0;

-- name: kept_counts
-- The public count in the stored aggregates and the rulings. If a ruling is about ballots since the
-- aggregates, its effect is added to theirs by the caller.
select candidate, sum(votes)::bigint as votes
  from (select candidate, votes
          from tally_hours
         where contest_id = $1 and disposition = 0
        union all
        select candidate, -held - void
          from ruling_effects
         where contest_id = $1) as parts
 group by candidate
having sum(votes) <> 0;

-- name: counts_since
-- The public count of the ballots since the stored aggregates.
select c.candidate, count(*) as votes
  from ballots b, unnest(b.choices || 0::smallint) as c (candidate)
 where b.contest_id = $1 and (b.commit_xid >= $2 or b.commit_xid = any ($3::xid8[]))
   and b.disposition = 0
 group by c.candidate;

-- name: counts_at
-- The public count as of a moment; reads every ballot, for the snapshot loop.
select candidate, sum(votes)::bigint as votes
  from (select c.candidate, count(*) as votes
          from ballots b, unnest(b.choices || 0::smallint) as c (candidate)
         where b.contest_id = $1 and b.cast_at < $2 and b.disposition = 0
         group by c.candidate
        union all
        select candidate, -held - void
          from ruling_effects
         where contest_id = $1 and ruled_at < $2) as parts
 group by candidate
having sum(votes) <> 0;

-- name: kept_counts_between
-- The public count in the stored aggregates and of the rulings, by how many of the ascending moments $2
-- have passed when it was added.
select width_bucket(moment, $2::timestamptz[]) as passed, candidate, sum(votes)::bigint as votes
  from (select hour as moment, candidate, votes
          from tally_hours
         where contest_id = $1 and disposition = 0
        union all
        select ruled_at, candidate, -held - void
          from ruling_effects
         where contest_id = $1) as parts
 group by passed, candidate
having sum(votes) <> 0;

-- name: insert_snapshot
-- Stores a daily or blackout snapshot; the first one of a moment stays.
insert into standings_snapshots (contest_id, as_of, ballots, votes) values ($1, $2, $3, $4)
on conflict (contest_id, as_of) do nothing;

-- name: snapshot
-- The snapshot taken for a moment.
select ballots, votes from standings_snapshots where contest_id = $1 and as_of = $2;

-- name: snapshots
-- The snapshots taken for any of the moments $2.
select as_of, ballots, votes
  from standings_snapshots
 where contest_id = $1 and as_of = any ($2::timestamptz[])
 order by as_of;

-- name: latest_snapshot_moment
-- The newest moment of which a snapshot was taken.
select max(as_of) from standings_snapshots where contest_id = $1;

-- name: ballots_by_platform
-- The ballots of a contest since a full hour, by platform.
select platform_id, sum(gross)::bigint as ballots
  from tally_cells
 where contest_id = $1 and candidate = 0 and hour >= $2
 group by platform_id;
