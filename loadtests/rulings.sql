-- name: some_ballots
-- Every so many-th ballot of a contest, spread over its time and candidates.
select ballot_id
  from (select ballot_id, row_number() over (order by ballot_id) as place
          from ballots
         where contest_id = $1) as numbered
 where place % $2 = $3;
