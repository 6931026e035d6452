-- name: stored
-- The ballots of these voters as they are stored.
select voter, period, encode(ballot_id, 'hex') as ballot, choices
  from ballots
 where contest_id = (select id from contests where slug = $1) and voter = any($2::bytea[]);

-- name: ballots
-- How many ballots a contest has, of whomever.
select count(*) from ballots where contest_id = (select id from contests where slug = $1);
