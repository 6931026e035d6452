-- name: kept_hours
-- Ballots (candidate 0) and votes of whole hours, by hour, platform and candidate, as cast.
select hour, platform_id, candidate, sum(gross)::bigint as votes
  from tally_cells
 where contest_id = $1 and hour >= $2 and hour < $3 and ruled_at is null
 group by hour, platform_id, candidate
 order by hour;

-- name: minute_counts
-- Ballots (candidate 0) and votes from one id to another: by platform (network null), and by the
-- networks, the $4 largest counts of these, where a network's ballots come before its votes.
with cast_ballots as materialized (
    select b.platform_id, b.network, 0::smallint || b.choices as counted
      from ballots b
     where b.contest_id = $1 and b.ballot_id >= $2 and b.ballot_id < $3
)
select platform_id, null::bytea as network, c.candidate, count(*) as votes
  from cast_ballots, unnest(counted) as c (candidate)
 group by platform_id, c.candidate
union all
(select null, network, c.candidate, count(*)
   from cast_ballots, unnest(counted) as c (candidate)
  where network is not null
  group by network, c.candidate
  order by count(*) desc, c.candidate
  limit $4);
