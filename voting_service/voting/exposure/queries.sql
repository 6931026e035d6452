-- name: due
-- The newest version of the cut that is public at $2, if there is no report on it yet.
select p.version
  from publications p
 where p.contest_id = $1 and greatest(p.published_at, p.visible_from) <= $2
   and p.version = (select max(q.version) from publications q
                     where q.contest_id = $1 and greatest(q.published_at, q.visible_from) <= $2)
   and not exists (select from exposure_reports r
                    where r.contest_id = $1 and r.version = p.version);

-- name: limit
-- How long the next statement may take; ends with the transaction.
select set_config('statement_timeout', $1, true), set_config('work_mem', '64MB', true);

-- name: orders
-- By how many of the moments $2 had passed, by order of the list ($3 of them) and by candidate, the
-- voters who chose it on their first ballot that version $4 counts; candidate 0 counts the voters.
-- Reads every ballot. contests/list_order.py: voters_variant has the same rule for the order. The
-- rulings are those that had been made when the version was proposed: no later one changes it.
with ruled as materialized (
    select m.ballot_id, bool_or(f.verdict = 'void') as is_void
      from (select distinct on (r.hold_id) r.hold_id, r.verdict
              from (select hold_id, turn, verdict
                      from rulings
                     where contest_id = $1
                     order by ruled_at, approval_id
                     limit (select (d.payload ->> 'rulings')::integer
                              from publications p
                              join approval_requests d on d.id = p.approval_id
                             where p.contest_id = $1 and p.version = $4)) r
             order by r.hold_id, r.turn desc) f
      join hold_ballots m on m.hold_id = f.hold_id
     group by m.ballot_id
), firsts as (
    select distinct on (b.voter) b.voter, b.cast_at, b.choices
      from ballots b
      left join ruled on ruled.ballot_id = b.ballot_id
     where b.contest_id = $1
       and not coalesce(ruled.is_void, b.disposition = 1)
     order by b.voter, b.period
)
select (select count(*) from unnest($2::timestamptz[]) as w (at) where w.at <= f.cast_at)::integer
           as withdrawals,
       get_byte(f.voter, 0) % $3::integer as variant, c.candidate, count(*)::integer as voters
  from firsts f, unnest(0::smallint || f.choices) as c (candidate)
 group by 1, 2, 3;

-- name: insert
-- Keeps a report; the first one on a version stays.
insert into exposure_reports (contest_id, version, report, prepared_at)
values ($1, $2, $3, now())
on conflict (contest_id, version) do nothing;

-- name: report
-- The newest report: only versions that are public have one.
select report from exposure_reports where contest_id = $1 order by version desc limit 1;
