-- name: recount_limits
-- What one recount may take; ends with the transaction.
select set_config('statement_timeout', $1, true), set_config('work_mem', '64MB', true);

-- name: snapshot_time
-- The moment of the figures of the recount.
select now();

-- name: last_ruled_at
-- When the newest ruling was approved.
select max(ruled_at) from rulings where contest_id = $1;

-- name: recount
-- Every ballot of a contest by local hour, platform and candidate; candidate 0 counts the
-- ballots themselves. Void is what any ruling in force voids, held what was held when it was cast
-- and no ruling is about. Reads the whole partition. `offset 0` makes Postgres compute the
-- hour once per ballot instead of once per choice, which saves a third of the time.
with ruled as materialized (
    select m.ballot_id, bool_or(r.verdict = 'void') as voided
      from rulings_in_force r
      join hold_ballots m on m.hold_id = r.hold_id
     where r.contest_id = $1
     group by m.ballot_id
)
select b.hour, b.platform_id, c.candidate,
       count(*) as gross,
       count(*) filter (where b.is_held) as held,
       count(*) filter (where b.is_void) as void
  from (select date_trunc('hour', b.cast_at, $2) as hour, b.platform_id, b.choices,
               b.disposition = 1 and ruled.ballot_id is null as is_held,
               coalesce(ruled.voided, false) as is_void
          from ballots b
          left join ruled on ruled.ballot_id = b.ballot_id
         where b.contest_id = $1
        offset 0) as b,
       unnest(0::smallint || b.choices) as c (candidate)
 group by b.hour, b.platform_id, c.candidate;
