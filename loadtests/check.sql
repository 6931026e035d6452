-- name: contest_id
-- A contest by its name.
select id from contests where slug = $1;

-- name: stored
-- Ballots of a contest.
select count(*) from ballots where contest_id = (select id from contests where slug = $1);

-- name: missing_and_repeated
-- Of these distinct ballot ids: how many are not stored, and how many more than once.
select cardinality($2::bytea[]) - count(*) as missing,
       count(*) filter (where times > 1) as repeated
  from (select ballot_id, count(*) as times
          from ballots
         where contest_id = (select id from contests where slug = $1)
           and ballot_id = any($2::bytea[])
         group by ballot_id) as found;

-- name: voters_with_two
-- Voters with more than one ballot in a period; the primary key forbids it.
select count(*)
  from (select from ballots
         where contest_id = (select id from contests where slug = $1)
         group by period, voter
        having count(*) > 1) as doubled;

-- name: recount
-- The tally from the record alone: candidate 0 stands for the ballots themselves.
with counted as (
    select choices from ballots
     where contest_id = (select id from contests where slug = $1) and disposition = 0
)
select 0 as candidate, count(*) as votes from counted having count(*) > 0
union all
select chosen, count(*) from counted, unnest(choices) as chosen group by chosen;

-- name: dispositions
-- How many ballots were counted and held when they were cast, with the signals that were lit.
select disposition, coalesce(signals, 0) as signals, count(*) as ballots
  from ballots
 where contest_id = (select id from contests where slug = $1)
 group by 1, 2
 order by 1, 2;
