-- name: stored
-- Ballots of a contest.
select count(*) from ballots where contest_id = (select id from contests where slug = $1);

-- name: missing_and_repeated
-- Of these ballot ids: how many are not stored, and how many more than once.
select count(*) filter (where times = 0) as missing,
       count(*) filter (where times > 1) as repeated
  from (select wanted.id,
               (select count(*) from ballots b
                 where b.ballot_id = wanted.id
                   and b.contest_id = (select id from contests where slug = $1)) as times
          from unnest($2::bytea[]) as wanted (id)) as found;

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
