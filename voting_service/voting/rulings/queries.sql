-- name: unknown_ballots
-- Up to five of these ids that are not ballots of the contest, and whether another contest has them.
select given.id, exists (select from ballots o where o.ballot_id = given.id) as is_elsewhere
  from (select g.id from unnest($2::bytea[]) as g (id)
         where not exists (select from ballots b
                            where b.contest_id = $1 and b.ballot_id = g.id)
         limit 5) as given;

-- name: insert_hold
-- A hold; its ballots are inserted in the same transaction.
insert into holds (contest_id, kind, source, label, evidence, ballots, ballots_hash, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning id;

-- name: insert_hold_ballots
-- The ballots of a hold, in the order of their ids.
insert into hold_ballots (contest_id, hold_id, ballot_id)
select $1, $2, g.id from unnest($3::bytea[]) as g (id) order by g.id;

-- name: insert_hold_votes
-- How the votes in a hold were cast: held or counted, by candidate; candidate 0 counts ballots.
-- Equal ballots are summed first: those of a campaign are mostly equal.
insert into hold_votes (hold_id, candidate, held, counted)
select $2, c.candidate,
       coalesce(sum(looks.ballots) filter (where looks.disposition = 1), 0),
       coalesce(sum(looks.ballots) filter (where looks.disposition = 0), 0)
  from (select b.choices, b.disposition, count(*) as ballots
          from hold_ballots m
          join ballots b on b.contest_id = $1 and b.ballot_id = m.ballot_id
         where m.hold_id = $2
         group by b.choices, b.disposition) as looks,
       unnest(0::smallint || looks.choices) as c (candidate)
 group by c.candidate;

-- name: hold_of_ballots
-- The hold of exactly these ballots, if there is one.
select id from holds where contest_id = $1 and ballots_hash = $2;

-- name: holds
-- All holds of a contest, or one of them, oldest first, without rulings.
select h.id, h.kind, h.source, h.label, h.evidence, h.ballots,
       coalesce(v.held, 0) as held, h.ballots_hash, h.created_at
  from holds h
  left join hold_votes v on v.hold_id = h.id and v.candidate = 0
 where h.contest_id = $1 and h.id = coalesce($2, h.id)
 order by h.id;

-- name: count_open_holds
-- The holds without a ruling, also without a proposed one, of every contest.
select h.contest_id, count(*) as holds
  from holds h
 where not exists (select from rulings r where r.hold_id = h.id)
   and not exists (select from approval_requests d
                    where d.contest_id = h.contest_id and d.kind = 'ruling'
                      and split_part(d.subject, '/', 1) = h.id::text
                      and d.approved_by is null and d.declined_by is null)
 group by h.contest_id;

-- name: rulings
-- Every ruling about the holds of a contest, or about one of them, oldest first.
select r.approval_id, r.hold_id, r.turn, r.verdict, d.payload ->> 'reason' as reason,
       d.payload ->> 'words' as words, p.name as proposer, a.name as approver, r.ruled_at
  from rulings r
  join approval_requests d on d.id = r.approval_id
  join accounts p on p.id = d.proposed_by
  join accounts a on a.id = d.approved_by
 where r.contest_id = $1 and r.hold_id = coalesce($2, r.hold_id)
 order by r.hold_id, r.turn;

-- name: hold_votes
-- The votes in every hold of a contest.
select v.hold_id, v.candidate, v.held, v.counted
  from hold_votes v
  join holds h on h.id = v.hold_id
 where h.contest_id = $1
 order by v.hold_id, v.candidate;

-- name: overlaps
-- Other holds that share ballots with this one, and how many.
select o.hold_id, count(*) as ballots
  from hold_ballots m
  join hold_ballots o on o.ballot_id = m.ballot_id and o.hold_id <> m.hold_id
 where m.hold_id = $1
 group by o.hold_id
 order by o.hold_id;

-- name: some_ballots
-- Ballots of a hold after an id, in order of their ids, that is of time.
select b.ballot_id, b.voter, b.cast_at, b.platform_id, b.network, b.choices, b.disposition,
       ballot_state(b.ballot_id, b.disposition) as state
  from hold_ballots m
  join ballots b on b.contest_id = $1 and b.ballot_id = m.ballot_id
 where m.hold_id = $2 and m.ballot_id > $3
 order by m.ballot_id
 limit $4;

-- name: ballot
-- One ballot with its state.
select b.ballot_id, b.voter, b.cast_at, b.platform_id, b.network, b.choices, b.disposition,
       ballot_state(b.ballot_id, b.disposition) as state
  from ballots b
 where b.contest_id = $1 and b.ballot_id = $2;

-- name: holds_of_ballot
-- The holds that a ballot is in.
select hold_id from hold_ballots where ballot_id = $1 order by hold_id;

-- name: ballots_in_campaigns
-- Every ballot in a hold of an earlier examination.
select distinct m.ballot_id
  from hold_ballots m
  join holds h on h.id = m.hold_id
 where h.contest_id = $1 and h.kind in ('campaign', 'bloc');

-- name: ungathered
-- Ballots that were held when they were cast, up to a moment, and are in no hold.
select b.platform_id, (b.cast_at at time zone $3)::date as day, array_agg(b.ballot_id) as ballots
  from ballots b
 where b.contest_id = $1 and b.disposition = 1 and b.cast_at < $2
   and not exists (select from hold_ballots m where m.ballot_id = b.ballot_id)
 group by b.platform_id, day
 order by day, b.platform_id;

-- name: effect
-- The votes in a hold by candidate (0 counts ballots) in the state they are in now, its own ruling
-- $3 and those of the holds $4 considered, of which $5 are void; `elsewhere` is void whatever is
-- ruled about this one.
with members as (
    select b.choices,
           b.disposition = 1 and $3::text is null and other.voided is null as held,
           coalesce(other.voided, false) or coalesce($3 = 'void', false) as void,
           coalesce(other.voided, false) as elsewhere
      from hold_ballots m
      join ballots b on b.contest_id = $1 and b.ballot_id = m.ballot_id
     cross join lateral (
           select bool_or(o.hold_id = any ($5::integer[])) as voided
             from hold_ballots o
            where o.ballot_id = m.ballot_id and o.hold_id = any ($4::integer[])) as other
     where m.hold_id = $2
    offset 0
)
select c.candidate, count(*) as gross,
       count(*) filter (where m.held) as held,
       count(*) filter (where m.void) as void,
       count(*) filter (where m.elsewhere) as elsewhere
  from members m, unnest(0::smallint || m.choices) as c (candidate)
 group by c.candidate
 order by c.candidate;

-- name: selection_effect
-- The votes in ballots by candidate (0 counts ballots) in the state they are in now.
with chosen as (
    select b.choices,
           case when exists (select from hold_ballots m where m.ballot_id = b.ballot_id)
                then ballot_state(b.ballot_id, b.disposition)
                else case b.disposition when 1 then 'held' else 'counted' end
           end as state
      from ballots b
     where b.contest_id = $1 and b.ballot_id = any ($2::bytea[])
    offset 0
)
select c.candidate, count(*) as gross,
       count(*) filter (where s.state = 'held') as held,
       count(*) filter (where s.state = 'void') as void
  from chosen s, unnest(0::smallint || s.choices) as c (candidate)
 group by c.candidate
 order by c.candidate;

-- name: held_reasons
-- The ballots with a candidate that were held when they were cast, by the signals (Signal of
-- antifraud/screening/decision.py) that were active; most ballots first.
select coalesce(b.signals, 0) as signals, count(*) as ballots
  from ballots b
 where b.contest_id = $1 and b.disposition = 1 and $2::smallint = any (b.choices)
 group by 1
 order by 2 desc, 1;

-- name: last_sweep
-- The result of the newest examination of the ballots.
select examined_at, ballots, campaigns, holds
  from sweeps
 where contest_id = $1
 order by examined_at desc
 limit 1;
