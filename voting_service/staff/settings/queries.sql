-- name: votes_by_platform
-- The ballots of a contest since a full hour, by platform.
select platform_id, sum(gross)::bigint as ballots
  from tally_cells
 where contest_id = $1 and candidate = 0 and hour >= $2
 group by platform_id;
