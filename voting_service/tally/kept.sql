-- name: kept_now
-- The kept tally, by candidate ($2), platform ($3), and hour or day ($4, in time zone $5); of
-- ballots where candidates are not asked for.
select case when $2 then candidate end as candidate,
       case when $3 then platform_id end as platform_id,
       date_trunc($4::text, hour, $5) as hour,
       sum(gross)::bigint as gross, sum(held)::bigint as held, sum(void)::bigint as void
  from tally_cells
 where contest_id = $1 and (candidate <> 0) = $2
 group by 1, 2, 3
having sum(gross) <> 0 or sum(held) <> 0 or sum(void) <> 0;

-- name: kept_at
-- The same as it stood at $6. The hour of that moment, which begins at $7, is read from the
-- ballots: theirs are the ids from $8 to below $9.
select case when $2 then candidate end as candidate,
       case when $3 then platform_id end as platform_id,
       date_trunc($4::text, hour, $5) as hour,
       sum(gross)::bigint as gross, sum(held)::bigint as held, sum(void)::bigint as void
  from (
    select hour, platform_id, candidate, gross, held, 0 as void
      from tally_cells
     where contest_id = $1 and ruled_at is null and hour < $7
    union all
    select hour, platform_id, candidate, 0, held, void
      from ruling_effects
     where contest_id = $1 and ruled_at < $6
    union all
    select $7, b.platform_id, c.candidate, count(*),
           count(*) filter (where b.disposition = 1), 0
      from ballots b, unnest(0::smallint || b.choices) as c (candidate)
     where b.contest_id = $1 and b.ballot_id >= $8 and b.ballot_id < $9
       and b.cast_at >= $7 and b.cast_at < $6
     group by b.platform_id, c.candidate
  ) as cells
 where (candidate <> 0) = $2
 group by 1, 2, 3
having sum(gross) <> 0 or sum(held) <> 0 or sum(void) <> 0;
