-- name: ballot_states
-- How many ballots of a contest are counted, held and void.
select ballot_state(ballot_id, disposition) as state, count(*) as ballots
  from ballots
 where contest_id = $1
 group by 1;

-- name: states_of
-- The same of some ballots.
select ballot_state(ballot_id, disposition) as state, count(*) as ballots
  from ballots
 where contest_id = $1 and ballot_id = any ($2::bytea[])
 group by 1;

-- name: counted_before
-- How many ballots cast before a moment count now.
select count(*)
  from ballots
 where contest_id = $1 and cast_at < $2 and ballot_state(ballot_id, disposition) = 'counted';

-- name: votes
-- The votes of the ballots that count now, but for some of them, by candidate.
select c.candidate, count(*) as votes
  from ballots b, unnest(b.choices) as c (candidate)
 where b.contest_id = $1 and b.ballot_id <> all ($2::bytea[])
   and ballot_state(b.ballot_id, b.disposition) = 'counted'
 group by c.candidate;

-- name: ballots_by_day
-- The ballots of each local day and what they are now.
select (cast_at at time zone $2)::date as day, ballot_state(ballot_id, disposition) as state,
       count(*) as ballots
  from ballots
 where contest_id = $1
 group by 1, 2
 order by 1;
