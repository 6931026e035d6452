-- name: insert_publication
-- Stores the signed file; a trigger checks that two people approved exactly these bytes and the
-- moment from which they are public.
insert into publications (contest_id, version, document, approval_id, published_at, visible_from)
values ($1, $2, $3, $4, $5, $6);

-- name: lock_contest
-- The contest's revision, which does not change before the end of the transaction.
select revision from contests where id = $1 for update;

-- name: publications
-- Every version, oldest first, with the moment from which it is public.
select version, document, published_at,
       greatest(published_at, visible_from) as visible_at, approval_id
  from publications
 where contest_id = $1
 order by version;

-- name: tally
-- The running totals of each candidate; candidate 0 counts ballots.
select candidate, sum(gross)::bigint as gross, sum(held)::bigint as held,
       sum(void)::bigint as void
  from tally_cells
 where contest_id = $1
 group by candidate;

-- name: rulings
-- The number of rulings: if it changes, so does the tally.
select count(*)::integer from rulings where contest_id = $1;

-- name: open_holds
-- Holds without a ruling, oldest first.
select h.id, h.label
  from holds h
 where h.contest_id = $1 and not exists (select 1 from rulings r where r.hold_id = h.id)
 order by h.id;

-- name: open_votes
-- By open hold (0: ballots of several) and candidate (0: the ballots), what is held now and what
-- is counted now. A ballot that a ruling in force voids stays void, whatever is ruled here.
with members as (
    select m.ballot_id,
           case count(*) when 1 then min(m.hold_id) else 0 end as hold_id
      from hold_ballots m
     where m.contest_id = $1
       and not exists (select 1 from rulings r where r.hold_id = m.hold_id)
     group by m.ballot_id
), ruled as (
    select m.ballot_id, bool_or(f.verdict = 'void') as is_void
      from members m
      join hold_ballots o on o.ballot_id = m.ballot_id
      join rulings_in_force f on f.hold_id = o.hold_id
     group by m.ballot_id
), looks as (
    select m.hold_id, b.choices, b.disposition = 1 and r.ballot_id is null as is_held,
           count(*) as ballots
      from members m
      join ballots b on b.contest_id = $1 and b.ballot_id = m.ballot_id
      left join ruled r on r.ballot_id = m.ballot_id
     where not coalesce(r.is_void, false)
     group by 1, 2, 3
)
select l.hold_id, c.candidate,
       coalesce(sum(l.ballots) filter (where l.is_held), 0)::bigint as held,
       coalesce(sum(l.ballots) filter (where not l.is_held), 0)::bigint as counted
  from looks l, unnest(0::smallint || l.choices) as c (candidate)
 group by l.hold_id, c.candidate;
