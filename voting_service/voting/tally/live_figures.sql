-- name: figures
-- The tally at $3, of which $2 is the whole hour before it (`infinity` for both: now):
-- per candidate over everything (hour and platform null), and by hour and platform for the
-- candidates $4, where candidate 0 counts ballots. Ballots of the hour that $2 begins are not in
-- it: `cast_between` adds those.
with cells as materialized (
    select hour, platform_id, candidate, gross, held, void
      from tally_cells
     where contest_id = $1
       and case when ruled_at is null then hour < $2 else ruled_at < $3 end
)
select null::timestamptz as hour, null::smallint as platform_id, candidate,
       sum(gross)::bigint as gross, sum(held)::bigint as held, sum(void)::bigint as void
  from cells
 group by candidate
union all
select hour, platform_id, candidate, sum(gross)::bigint, sum(held)::bigint, sum(void)::bigint
  from cells
 where candidate = any($4::smallint[])
 group by hour, platform_id, candidate;

-- name: cast_between
-- Ballots from one id to another as they were cast: by platform and candidate.
select b.platform_id, c.candidate, count(*) as gross,
       count(*) filter (where b.disposition = 1) as held
  from ballots b, unnest(0::smallint || b.choices) as c (candidate)
 where b.contest_id = $1 and b.ballot_id >= $2 and b.ballot_id < $3
 group by b.platform_id, c.candidate;

-- name: minutes
-- Ballots from one id to another by the minute they were cast in, in their current state.
-- What rulings changed is added to what was cast, by the ids of the ballots that were ruled on: no
-- plan can compare every ballot with every one of those.
with ruled as materialized (
    select m.ballot_id, bool_or(r.verdict = 'void') as void
      from rulings_in_force r
      join hold_ballots m on m.hold_id = r.hold_id
     where r.contest_id = $1 and m.ballot_id >= $2 and m.ballot_id < $3
     group by m.ballot_id
), parts as (
    select date_trunc('minute', b.cast_at) as minute, 1 as gross,
           (b.disposition = 1)::integer as held, 0 as void
      from ballots b
     where b.contest_id = $1 and b.ballot_id >= $2 and b.ballot_id < $3
    union all
    select date_trunc('minute', b.cast_at), 0, -(b.disposition = 1)::integer, r.void::integer
      from ruled r
      join ballots b on b.contest_id = $1 and b.ballot_id = r.ballot_id
)
select minute, sum(gross) as gross, sum(held) as held, sum(void) as void
  from parts
 group by minute
 order by minute;
