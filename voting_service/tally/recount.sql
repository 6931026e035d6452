-- name: recount_limits
-- What one recount may take; ends with the transaction.
select set_config('statement_timeout', $1, true), set_config('work_mem', '64MB', true);

-- name: snapshot_time
-- The moment the recount's figures are of.
select now();

-- name: recount
-- Every ballot of a contest by local hour, platform and candidate; candidate 0 counts the
-- ballots themselves. Reads the whole partition. `offset 0` keeps the hour from being worked
-- out once a choice instead of once a ballot: a third of the time.
select b.hour, b.platform_id, c.candidate,
       count(*) as gross,
       count(*) filter (where b.disposition = 1) as held
  from (select date_trunc('hour', cast_at, $2) as hour, platform_id, disposition, choices
          from ballots
         where contest_id = $1
        offset 0) as b,
       unnest(0::smallint || b.choices) as c (candidate)
 group by b.hour, b.platform_id, c.candidate;
