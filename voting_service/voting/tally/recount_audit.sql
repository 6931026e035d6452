-- name: kept_cells
-- The kept tally at its finest grain.
select hour, platform_id, candidate, sum(gross)::bigint as gross, sum(held)::bigint as held,
       sum(void)::bigint as void
  from tally_cells
 where contest_id = $1
 group by hour, platform_id, candidate;

-- name: insert_audit
-- The result of an audit.
insert into tally_audits (contest_id, audited_at, complete_before, ballots, difference, seconds)
values ($1, $2, $3, $4, $5, $6);

-- name: latest_audit
-- The newest comparison of a contest.
select audited_at, complete_before, ballots, difference, seconds
  from tally_audits
 where contest_id = $1
 order by audited_at desc
 limit 1;
